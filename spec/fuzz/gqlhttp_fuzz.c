/* Bodies of GraphQL responses. The first byte picks the status; the rest is the body.
 * Whatever comes: spans lie inside the body, the message is one line of UTF-8, and OK means that data is there;
 * and an outbox learns from it what became of a mutation. */
#include "codec/utf8.h"
#include "proto/gqlhttp.h"
#include "proto/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_span(struct aps_str span, struct aps_str body)
{
	if (span.n == 0) return;
	APS_ASSERT(span.p >= body.p && span.p + span.n <= body.p + body.n);
}

static void check(const struct aps_gqlhttp_response *r, struct aps_str body)
{
	check_span(r->data, body);
	check_span(r->errors, body);
	check_span(r->extensions, body);
	struct aps_str message = aps_str_of(r->err.msg);
	APS_ASSERT(aps_utf8_check(message) == message.n);
	for (size_t i = 0; i < message.n; i++) APS_ASSERT((unsigned char)message.p[i] >= 0x20);
	if (r->err.code == APS_OK) APS_ASSERT(r->data.n != 0 && r->errors.n == 0);
	if (r->has_value) APS_ASSERT(r->data.n != 0);
	if (r->errors.n != 0) APS_ASSERT(r->err.code != APS_OK && r->err.code != APS_E_HTTP);
}

static void check_verdict(const struct aps_gqlhttp_response *r, long status)
{
	const struct aps_verdict_question question = {
	        .code = r->err.code,
	        .sent = true,
	        .status = status,
	        .error_type = r->error_type,
	        .errors = r->errors,
	        .has_data = r->data.n != 0,
	        .has_value = r->has_value,
	        .n_roots = 1,
	};
	enum aps_verdict verdict = aps_verdict_of(&question);
	APS_ASSERT(verdict < APS_VERDICT_COUNT && verdict != APS_VERDICT_UNSENT);
	if (r->err.code == APS_OK) APS_ASSERT(verdict == APS_VERDICT_DONE);
	if (verdict == APS_VERDICT_DONE) APS_ASSERT(status < 300);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const long STATUSES[] = {200, 0, 204, 302, 400, 401, 403, 404, 429, 500, 502, 503};
	if (n == 0) return 0;
	struct aps_str body = {(const char *)data + 1, n - 1};
	struct aps_arena decoded;
	struct aps_gqlhttp_response response;
	aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
	long status = STATUSES[data[0] % APS_COUNTOF(STATUSES)];
	aps_gqlhttp_parse(status, APS_STR("BadRequestException:x"), body, &decoded, &response);
	check(&response, body);
	check_verdict(&response, status);
	aps_arena_clear(&decoded);
	return 0;
}

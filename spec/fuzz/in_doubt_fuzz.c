/* What a queued mutation sends and what its record looks like: the first byte is flags, then the variables, a zero byte
 * and the record. Whatever comes: judgements are those that the class allows, and no text differs from itself. */
#include "codec/json_reader.h"
#include "sync/in_doubt.h"
#include "sync/same_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool is_json(struct aps_str text)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, text, 0);
	return aps_json_skip_value(&r, NULL) == APS_OK && aps_json_next(&r) == APS_JSON_END;
}

static void check_same(struct aps_str text)
{
	size_t budget = APS_SAME_JSON_BYTES;
	enum aps_same_json same = aps_same_json(text, text, &budget);
	APS_ASSERT(same != APS_SAME_JSON_NO);
	if (!is_json(text)) return;
	size_t n_deep = 0;
	for (size_t i = 0; i < text.n; i++) n_deep += text.p[i] == '[' || text.p[i] == '{';
	APS_ASSERT(same == APS_SAME_JSON_YES || n_deep >= APS_SAME_JSON_MAX_DEPTH || budget == 0);
}

static void check_safety(const struct aps_safety *safety, struct aps_str variables)
{
	struct aps_str input = aps_safety_input(variables);
	APS_ASSERT(input.n == 0 || (input.p >= variables.p && input.p + input.n <= variables.p + variables.n));
	APS_ASSERT(safety->class != APS_SAFETY_VERSIONED || (safety->has_version && safety->version > 0));
	APS_ASSERT(!safety->has_version || (safety->version >= 0 && safety->version_field != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct aps_identity_part NAMES[] = {{"id", {"\"u\"", 3}}, {"n", {"7", 1}}};
	if (n == 0) return 0;
	struct aps_str text = {(const char *)data + 1, n - 1};
	const char *zero = text.n != 0 ? memchr(text.p, '\0', text.n) : NULL;
	struct aps_str variables = {text.p, zero != NULL ? (size_t)(zero - text.p) : text.n};
	struct aps_str record = {NULL, 0};
	if (zero != NULL) record = (struct aps_str){zero + 1, text.n - variables.n - 1};
	const struct aps_safety_question asked = {
	        .is_idempotent = (data[0] & 1) != 0,
	        .n_roots = (data[0] & 2) != 0 ? 2 : 1,
	        .variables = variables,
	        .made = NAMES,
	        .n_made = data[0] >> 2 & 1,
	};
	const struct aps_safety safety = aps_safety_of(&asked);
	check_safety(&safety, variables);
	const struct aps_in_doubt_question question = {
	        .safety = &safety,
	        .is_delete = (data[0] & 8) != 0,
	        .variables = variables,
	        .identity = NAMES,
	        .n_identity = data[0] >> 4 & 1,
	        .is_read = (data[0] & 32) == 0,
	        .record = record,
	        .has_errors = (data[0] & 64) != 0,
	};
	enum aps_in_doubt judgement = aps_in_doubt_judge(&question);
	if (safety.class == APS_SAFETY_NOT_SAFE) APS_ASSERT(judgement == APS_IN_DOUBT_UNKNOWN);
	if (safety.class == APS_SAFETY_IDEMPOTENT) APS_ASSERT(judgement == APS_IN_DOUBT_SEND);
	if (judgement == APS_IN_DOUBT_APPLIED) APS_ASSERT(question.is_read && (record.n == 0 || is_json(record)));
	check_same(variables);
	check_same(record);
	return 0;
}

#include "client/sync_fetch.h"

#include "base/clock.h"
#include "client/reach.h"
#include "client/sync_hear.h"
#include "client/sync_tell.h"
#include "codec/json_members.h"
#include "proto/error_type.h"
#include "proto/retry.h"

/* Of a page, before its token is taken for a refused one. Where that was wrong, its token has to be so old, too; and
 * that may be wrong so often. */
#define TOKEN_TRIES  3
#define TOKEN_AGE_MS 60000
#define MAX_GUESSES  3

static enum aps_sync_part_kind kind_of(enum aps_sync_query query)
{
	return query == APS_SYNC_DELTA_QUERY ? APS_SYNC_PART_DELTA : APS_SYNC_PART_BASE;
}

static struct aps_sync_part *part_of(struct aps_sync_run *run, enum aps_sync_query query)
{
	return &run->settings->parts[kind_of(query)];
}

static void clear_request(struct aps_sync_run *run)
{
	struct aps_sync_fetching *fetching = &run->fetching;
	if (fetching->is_requested) aps_request_clear(run->core, &fetching->request);
	fetching->is_requested = fetching->is_under_way = false;
	fetching->question = 0;
	if (fetching->operation.document != NULL) aps_operation_clear(&fetching->operation);
	aps_arena_clear(&fetching->arena);
}

/* The application's function goes by what the page was asked for with. */
static void keep_variables(struct aps_sync_run *run)
{
	struct aps_sync_fetching *fetching = &run->fetching;
	if (fetching->operation.document == NULL || !part_of(run, fetching->query)->has_page) return;
	aps_buf_init(&fetching->answer.variables, APS_BUF_ANY_SIZE);
	aps_buf_add_str(&fetching->answer.variables, aps_operation_variables(&fetching->operation));
}

/* Takes *outcome. */
static void answer(struct aps_sync_run *run, struct aps_outcome *outcome)
{
	struct aps_sync_fetching *fetching = &run->fetching;
	aps_sync_answer_clear(run, &fetching->answer);
	fetching->answer.is_there = true;
	aps_outcome_move(&fetching->answer.outcome, outcome);
	fetching->answer.query = fetching->query;
	fetching->answer.asked_at = fetching->asked_at;
	fetching->answer.took_ms = aps_clock_mono_ms() - fetching->begun_ms;
	keep_variables(run);
	run->counts.network_ms += fetching->answer.took_ms;
	clear_request(run);
}

static void answer_err(struct aps_sync_run *run, const struct aps_err *err)
{
	struct aps_outcome outcome;
	aps_outcome_init_err(&outcome, err);
	answer(run, &outcome);
}

static void ended(struct aps_core *core, struct aps_outcome_sink *sink, struct aps_outcome *outcome)
{
	struct aps_sync_run *run = APS_CONTAINER_OF(sink, struct aps_sync_run, fetching.sink);
	aps_reach_heard(core, run->client, outcome);
	answer(run, outcome);
}

static void start(struct aps_sync_run *run)
{
	struct aps_sync_fetching *fetching = &run->fetching;
	const struct aps_settings *settings = &run->client->settings;
	const struct aps_request_options options = {
	        .client = run->client,
	        .operation = &fetching->operation,
	        .headers = &fetching->headers,
	        .credential = run->settings->credential,
	        .retry = {.base_ms = settings->retry.base_ms, .cap_ms = settings->retry.cap_ms, .n_attempts = 1},
	        .is_safe = true,
	        .is_single = true,
	        .end_ms = aps_clock_mono_ms() + settings->request_timeout_ms,
	        .timeout_ms = settings->request_timeout_ms,
	};
	fetching->begun_ms = aps_clock_mono_ms();
	fetching->asked_at = aps_caching_moment(run->core, run->client, run->cache);
	bool is_first = run->machine.fetch.token.n == 0;
	bool is_base = fetching->query == APS_SYNC_BASE_QUERY;
	if (is_base && (is_first || run->began_at == 0)) run->began_at = fetching->asked_at;
	fetching->sink.ended = ended;
	aps_request_init(run->core, &fetching->request, &options, &fetching->sink);
	fetching->is_requested = true;
	aps_request_start(run->core, &fetching->request);
}

static enum aps_rc set_headers(struct aps_sync_run *run, const struct aps_header_list *list, struct aps_err *err)
{
	struct aps_sync_fetching *fetching = &run->fetching;
	enum aps_rc rc = APS_OK;
	aps_header_list_init(&fetching->headers, &fetching->arena);
	for (size_t i = 0; rc == APS_OK && i < list->n_items; i++)
		rc = aps_header_list_add(&fetching->headers, list->items[i].name, list->items[i].value, err);
	return rc;
}

static enum aps_rc make_operation(struct aps_sync_run *run, const struct aps_sync_fetch *fetch, struct aps_err *err)
{
	const struct aps_operation *asked = &part_of(run, fetch->query)->operation;
	struct aps_buf variables;
	aps_buf_init(&variables, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_sync_settings_variables(run->settings, fetch, &variables, err);
	if (rc == APS_OK)
		rc = aps_operation_init(&run->fetching.operation, asked->document, asked->definition,
		                        asked->has_typenames, aps_buf_str(&variables), err);
	aps_buf_clear(&variables);
	return rc;
}

void aps_sync_fetch_begin(struct aps_sync_run *run)
{
	struct aps_sync_fetching *fetching = &run->fetching;
	const struct aps_sync_fetch *fetch = &run->machine.fetch;
	struct aps_err err;
	clear_request(run);
	fetching->query = fetch->query;
	fetching->is_under_way = true;
	fetching->begun_ms = aps_clock_mono_ms();
	enum aps_rc rc = make_operation(run, fetch, &err);
	bool asks = rc == APS_OK && run->settings->asks_headers;
	if (asks) {
		fetching->question = ++run->last_question;
		rc = aps_sync_tell_headers(run, fetching->question, kind_of(fetch->query), &err);
	} else if (rc == APS_OK) {
		rc = set_headers(run, &run->settings->headers, &err);
	}
	if (rc != APS_OK)
		answer_err(run, &err);
	else if (!asks)
		start(run);
}

void aps_sync_fetch_abandon(struct aps_sync_run *run)
{
	clear_request(run);
	aps_sync_answer_clear(run, &run->fetching.answer);
}

bool aps_sync_fetch_give_headers(struct aps_sync_run *run, uint64_t question, const struct aps_header_list *headers,
                                 const struct aps_err *failed)
{
	struct aps_sync_fetching *fetching = &run->fetching;
	struct aps_err err;
	if (question == 0 || fetching->question != question) return false;
	fetching->question = 0;
	if (failed != NULL)
		answer_err(run, failed);
	else if (set_headers(run, headers, &err) != APS_OK)
		answer_err(run, &err);
	else
		start(run);
	return true;
}

static int64_t retry_after_ms(const struct aps_outcome *outcome, int64_t now_ms)
{
	struct aps_str text = aps_http_answer_header(&outcome->answer, "retry-after");
	int64_t ms = text.n != 0 ? aps_retry_after_ms(text, now_ms / 1000) : -1;
	return ms > 0 ? ms : 0;
}

/* Some error is of a field: the request itself was executed (GraphQL October 2021, section 7.1.2). */
static bool is_of_a_field(struct aps_str errors)
{
	struct aps_json_reader r;
	struct aps_json_members members;
	struct aps_str error, path;
	if (errors.n == 0) return false;
	aps_json_reader_init(&r, errors, 0);
	if (aps_json_next(&r) != APS_JSON_ARRAY) return false;
	while (aps_json_skip_value(&r, &error) == APS_OK) {
		aps_json_members_init(&members, error);
		if (aps_json_members_get(&members, "path", &path) && path.n > 2 && path.p[0] == '[') return true;
	}
	return false;
}

bool aps_sync_fetch_doubts_token(const struct aps_sync_run *run)
{
	const struct aps_delta_sync *machine = &run->machine;
	int64_t age_ms = aps_clock_mono_ms() - machine->answered_at_ms[machine->fetch.query];
	bool was_wrong = machine->n_restarts + machine->n_old_restarts != 0;
	return machine->fetch.token.n != 0 && machine->n_failures >= TOKEN_TRIES &&
	       (!was_wrong || age_ms >= TOKEN_AGE_MS) && machine->n_old_restarts < MAX_GUESSES;
}

/* What a resolver has thrown may be other next time. A token that has expired says so in many ways: what fails again
 * and again with one is taken for that. */
static enum aps_sync_failure_kind kind_of_errors(const struct aps_outcome *outcome, bool has_token, bool doubts_token)
{
	enum aps_error_family family = aps_error_family_of(outcome->response.error_type);
	/* a query changes nothing: what broke off at the service may be asked again */
	if (family == APS_FAMILY_UNCLEAR || family == APS_FAMILY_UNAVAILABLE || family == APS_FAMILY_TIMED_OUT)
		return APS_SYNC_FAILURE_RETRY;
	if (!is_of_a_field(outcome->response.errors)) return APS_SYNC_FAILURE_REFUSED;
	bool is_bad = family == APS_FAMILY_BAD_REQUEST;
	return doubts_token || (has_token && is_bad) ? APS_SYNC_FAILURE_REFUSED : APS_SYNC_FAILURE_RETRY;
}

bool aps_sync_fetch_is_foreign(const struct aps_outcome *outcome)
{
	const struct aps_gqlhttp_response *response = &outcome->response;
	bool is_unread = response->err.code == APS_E_HTTP || response->err.code == APS_E_PROTOCOL;
	if (outcome->answer.status == 0 || !is_unread) return false;
	return response->errors.n == 0 && response->data.n == 0 && response->error_type.n == 0;
}

/* Without a response: the time was too short for the page, or there is no connection. */
struct aps_sync_failure aps_sync_fetch_failure(const struct aps_outcome *outcome, bool has_token, bool doubts_token,
                                               int64_t now_ms)
{
	const struct aps_err *err = &outcome->response.err;
	struct aps_sync_failure failure = {APS_SYNC_FAILURE_REFUSED, retry_after_ms(outcome, now_ms)};
	long status = outcome->answer.status;
	switch (err->code) {
	case APS_E_NETWORK:
	case APS_E_TLS: failure.kind = APS_SYNC_FAILURE_NETWORK; break;
	case APS_E_TIMEOUT:
	case APS_E_TOO_BIG: failure.kind = APS_SYNC_FAILURE_TOO_LARGE; break;
	case APS_E_AUTH:
	case APS_E_NOMEM:
	case APS_E_SYSTEM:
	case APS_E_STORAGE:
	case APS_E_PROTOCOL: failure.kind = APS_SYNC_FAILURE_RETRY; break;
	case APS_E_GRAPHQL:
	case APS_E_CONFLICT: failure.kind = kind_of_errors(outcome, has_token, doubts_token); break;
	default: break;
	}
	/* what has a token may be refused in any words */
	if (aps_sync_fetch_is_foreign(outcome) && !(status == 400 && doubts_token))
		failure.kind = APS_SYNC_FAILURE_RETRY;
	if (failure.kind == APS_SYNC_FAILURE_REFUSED && (err->retryable || status == 429 || status >= 500))
		failure.kind = APS_SYNC_FAILURE_RETRY;
	if (status == 413) failure.kind = APS_SYNC_FAILURE_TOO_LARGE;
	return failure;
}

#include "client/call.h"

#include "auth/mask.h"
#include "base/clock.h"
#include "base/mem.h"
#include "codec/timefmt.h"

/* A response's Date tells of a clock that is wrong once it is off by this much (amplify-js, isClockSkewed.ts). */
#define SKEW_MS          300000
#define LEAST_ATTEMPT_MS 10

struct aps_call {
	struct aps_answer_sink sink;
	struct aps_reap reap;
	struct aps_waiter waiter;
	struct aps_timer deadline;
	struct aps_timer retry;
	uint64_t id;
	struct aps_client *client;
	struct aps_credential *credential; /* held; NULL: none */
	struct aps_call_command *what;     /* taken over from the inbox */
	uint64_t http;                     /* exchange under way; 0: none */
	uint64_t generation;               /* of the material that it was signed with */
	struct aps_arena arena;            /* of `sent` */
	struct aps_header_list sent;       /* the last attempt's headers */
	struct aps_secrets secrets;        /* of all attempts: an answer may quote an earlier one */
	unsigned n_attempts;
	bool was_sent;
	bool has_refreshed;
	bool has_resigned;
	bool is_refused; /* waits for fresh material after a 401 */
	/* Of the attempt before a retry: what is told when there is no time or no material for another one. */
	struct aps_err last_err;
	struct aps_result_event *last; /* its response; NULL without one */
};

static void free_call_command(struct aps_mail *mail)
{
	struct aps_call_command *command = (struct aps_call_command *)mail;
	if (command->result != NULL) command->result->head.mail.kind->free_mail(&command->result->head.mail);
	aps_operation_clear(&command->operation);
	aps_arena_clear(&command->arena);
	aps_free(command);
}

/* The loop frees each command after it ran; what a call keeps is moved into a copy whose kind is this one. */
static const struct aps_mail_kind CALL_KIND = {"call", free_call_command};

static void run_call(struct aps_core *core, struct aps_command *command);

struct aps_call_command *aps_call_command_new(uint64_t client, uint64_t call)
{
	struct aps_call_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->result = aps_result_event_new(call);
	if (command->result == NULL) {
		aps_free(command);
		return NULL;
	}
	command->head = (struct aps_command){{NULL, &CALL_KIND, sizeof *command}, run_call, client, call};
	command->made_ms = aps_clock_mono_ms();
	aps_arena_init(&command->arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&command->headers, &command->arena);
	return command;
}

static struct aps_table *table_of(const struct aps_core *core)
{
	return aps_core_part(core, &aps_call_feature);
}

static void drop_last(struct aps_call *call)
{
	if (call->last != NULL) call->last->head.mail.kind->free_mail(&call->last->head.mail);
	call->last = NULL;
}

static void free_call(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	aps_free(APS_CONTAINER_OF(reap, struct aps_call, reap));
}

static void end_call(struct aps_core *core, struct aps_call *call)
{
	drop_last(call);
	if (call->http != 0) aps_http_cancel(core->http, call->http);
	aps_timer_stop(&core->timers, &call->deadline);
	aps_timer_stop(&core->timers, &call->retry);
	aps_waiter_stop(&call->waiter);
	aps_table_take(table_of(core), call->id);
	APS_STATS_SUB(call->client->stats, operations_in_flight, 1);
	aps_credential_release(core, call->credential);
	aps_arena_clear(&call->arena);
	aps_secrets_clear(&call->secrets);
	aps_command_free(&call->what->head);
	aps_core_reap(core, &call->reap, free_call);
}

/* Answers with an error that no response stands behind. */
static void fail_call(struct aps_core *core, struct aps_call *call, const struct aps_err *err)
{
	struct aps_result_event *event = call->what->result;
	call->what->result = NULL;
	event->n_attempts = call->n_attempts;
	event->response.err = *err;
	/* What is under way may have reached the service. */
	event->response.err.sent = err->sent || call->was_sent || call->http != 0;
	aps_core_emit(core, &event->head);
	APS_STATS_ADD(call->client->stats, errors, 1);
	end_call(core, call);
}

/* Moves the answer's body and headers into the event. */
static void answer_call(struct aps_core *core, struct aps_call *call, struct aps_result_event *event)
{
	event->n_attempts = call->n_attempts;
	event->big_integers_as_text = call->client->settings.big_integers_as_text;
	if (event->response.err.code != APS_OK) {
		event->response.err.sent = true;
		APS_STATS_ADD(call->client->stats, errors, 1);
	}
	event->head.mail.n_bytes += event->answer.n_body;
	aps_core_emit(core, &event->head);
	end_call(core, call);
}

/* The outcome of the last attempt, as there won't be another one. */
static void give_up(struct aps_core *core, struct aps_call *call)
{
	struct aps_result_event *last = call->last;
	call->last = NULL;
	if (last != NULL) {
		answer_call(core, call, last);
	} else {
		struct aps_err err = call->last_err;
		fail_call(core, call, &err);
	}
}

static void learn_skew(struct aps_client *client, const struct aps_http_answer *answer)
{
	int64_t server_s;
	if (!aps_time_parse_http(aps_http_answer_header(answer, "date"), &server_s)) return;
	int64_t off_ms = server_s * 1000 - aps_client_now_ms(client);
	if (off_ms >= SKEW_MS || off_ms <= -SKEW_MS) client->skew_ms = server_s * 1000 - aps_clock_wall_ms();
}

static enum aps_rc add_header(struct aps_header_list *list, const char *name, const char *value, struct aps_err *err)
{
	if (aps_header_list_find(list, name) != NULL) return APS_OK;
	return aps_header_list_add(list, aps_str_of(name), aps_str_of(value), err);
}

static enum aps_rc build_headers(struct aps_call *call, struct aps_str body, struct aps_header_list *list,
                                 struct aps_err *err)
{
	const struct aps_call_command *what = call->what;
	for (size_t i = 0; i < what->headers.n_items; i++) {
		const struct aps_header *header = &what->headers.items[i];
		if (aps_header_list_add(list, header->name, header->value, err) != APS_OK) return err->code;
	}
	const char *agent = call->client->settings.user_agent;
	if (add_header(list, "content-type", "application/json; charset=UTF-8", err) != APS_OK) return err->code;
	if (add_header(list, "accept", "application/json, */*;q=0.8", err) != APS_OK) return err->code;
	if (agent != NULL && add_header(list, "x-amz-user-agent", agent, err) != APS_OK) return err->code;
	if (call->credential == NULL) return APS_OK;
	struct aps_appsync_signing signing = aps_credential_signing(call->credential);
	call->generation = call->credential->slot.generation;
	return aps_appsync_http_headers(&call->credential->slot.material, &signing, body, list, err);
}

/* Takes the body's bytes. */
static enum aps_rc start_exchange(struct aps_core *core, struct aps_call *call, struct aps_buf *body,
                                  struct aps_err *err)
{
	const struct aps_settings *settings = &call->client->settings;
	size_t n_body = body->n;
	int64_t left_ms = call->deadline.at_ms - aps_clock_mono_ms();
	struct aps_http_request request = {
	        .method = "POST",
	        .url = settings->endpoint,
	        .headers = call->sent.items,
	        .n_headers = call->sent.n_items,
	        .body = aps_buf_take(body, NULL),
	        .n_body = n_body,
	        .options = &settings->net,
	        .connect_timeout_ms = settings->connect_timeout_ms,
	        .timeout_ms = left_ms > 1 ? left_ms : 1,
	        .max_response_bytes = settings->max_response_bytes,
	        .is_sent_once = !call->what->is_safe,
	        .tag = &call->sink,
	};
	enum aps_rc rc = aps_http_start(core->http, &request, &call->http, err);
	if (rc != APS_OK) return rc;
	APS_STATS_ADD(call->client->stats, requests, 1);
	APS_STATS_ADD(call->client->stats, bytes_sent, n_body);
	return APS_OK;
}

/* Renders the body for each attempt: it is the same each time, and none is kept while nothing is under way. */
static void send_call(struct aps_core *core, struct aps_call *call)
{
	struct aps_err err = {0};
	struct aps_buf body;
	aps_buf_init(&body, APS_BUF_ANY_SIZE); /* its size was checked before the call was made */
	aps_arena_clear(&call->arena);
	aps_header_list_init(&call->sent, &call->arena);
	call->n_attempts++;
	enum aps_rc rc = aps_gqlhttp_body(&body, &call->what->operation, &err);
	if (rc == APS_OK) rc = build_headers(call, aps_buf_str(&body), &call->sent, &err);
	if (call->secrets.records.n > APS_SECRETS_OLD_BYTES) aps_secrets_clear(&call->secrets);
	aps_secrets_add_headers(&call->secrets, call->sent.items, call->sent.n_items);
	if (call->credential != NULL) aps_secrets_add_material(&call->secrets, &call->credential->slot.material);
	if (rc == APS_OK) rc = start_exchange(core, call, &body, &err);
	aps_buf_clear(&body);
	if (rc != APS_OK) fail_call(core, call, &err);
}

static void follow_verdict(struct aps_core *core, struct aps_call *call, enum aps_slot_verdict verdict)
{
	if (verdict == APS_SLOT_ASK || verdict == APS_SLOT_WAIT) return;
	if (verdict != APS_SLOT_FAIL) {
		call->is_refused = false;
		send_call(core, call);
		return;
	}
	if (call->is_refused) {
		give_up(core, call);
		return;
	}
	struct aps_err err = call->credential->slot.err;
	fail_call(core, call, &err);
}

static void use_credential(struct aps_core *core, struct aps_call *call)
{
	if (call->credential == NULL)
		send_call(core, call);
	else
		follow_verdict(core, call, aps_credential_use(core, call->credential, &call->waiter));
}

static void material_ready(struct aps_core *core, struct aps_waiter *waiter)
{
	struct aps_call *call = APS_CONTAINER_OF(waiter, struct aps_call, waiter);
	if (call->is_refused) {
		follow_verdict(core, call,
		               aps_credential_refused(core, call->credential, call->generation, &call->waiter));
		return;
	}
	use_credential(core, call);
}

static void retry_due(struct aps_timer *timer, void *context, int64_t now_ms APS_UNUSED)
{
	struct aps_call *call = APS_CONTAINER_OF(timer, struct aps_call, retry);
	call->is_refused = false;
	use_credential(context, call);
}

static void deadline_due(struct aps_timer *timer, void *context, int64_t now_ms APS_UNUSED)
{
	struct aps_call *call = APS_CONTAINER_OF(timer, struct aps_call, deadline);
	if (call->last_err.code != APS_OK) {
		give_up(context, call);
		return;
	}
	struct aps_err err = {0};
	if (call->waiter.link != NULL) {
		aps_fail_word(&err, APS_E_AUTH, "token_timeout", 0,
		              "no token or credentials came within the call's time");
		err.retryable = true;
	} else {
		aps_fail(&err, APS_E_TIMEOUT, "no answer within %.3g s", (double)call->what->timeout_ms / 1000.0);
	}
	fail_call(context, call, &err);
}

static bool wait_and_retry(struct aps_core *core, struct aps_call *call, const struct aps_http_answer *answer)
{
	const struct aps_retry_policy *policy = &call->client->settings.retry;
	if (policy->n_attempts != 0 && call->n_attempts >= policy->n_attempts) return false;
	int64_t delay_ms = aps_retry_delay_ms(policy, call->n_attempts - 1, &core->rand);
	int64_t after_ms = aps_retry_after_ms(aps_http_answer_header(answer, "retry-after"),
	                                      aps_client_now_ms(call->client) / 1000);
	if (after_ms > delay_ms) delay_ms = after_ms;
	int64_t now_ms = aps_clock_mono_ms();
	/* An exchange that timed out ends within a tick of the call's own end: no attempt is squeezed in between. */
	if (now_ms + delay_ms + LEAST_ATTEMPT_MS >= call->deadline.at_ms) return false;
	return aps_timer_set(&core->timers, &call->retry, now_ms + delay_ms);
}

/* How the call goes on after this failure; APS_RETRY_NEVER: it doesn't. */
static enum aps_retry_class next_step(struct aps_core *core, struct aps_call *call, const struct aps_err *err,
                                      const struct aps_http_answer *answer, struct aps_str error_type)
{
	struct aps_retry_question question = {
	        .code = err->code,
	        .status = answer->status,
	        .error_type = error_type,
	        .sent = err->sent,
	        .is_safe = call->what->is_safe,
	};
	bool is_signed = call->credential != NULL && call->credential->slot.mode == APS_AUTH_IAM;
	enum aps_retry_class class = aps_retry_classify(&question);
	if (class == APS_RETRY_REFRESH && (call->credential == NULL || call->has_refreshed)) return APS_RETRY_NEVER;
	if (class == APS_RETRY_RESIGN && (!is_signed || call->has_resigned)) return APS_RETRY_NEVER;
	if (class == APS_RETRY_LATER && !wait_and_retry(core, call, answer)) return APS_RETRY_NEVER;
	return class;
}

/* Remembers the failed attempt (event: its response or NULL, taken over) and sets out for the next one. */
static void go_on(struct aps_core *core, struct aps_call *call, enum aps_retry_class class, const struct aps_err *err,
                  struct aps_result_event *event)
{
	call->last_err = *err;
	drop_last(call);
	call->last = event;
	APS_STATS_ADD(call->client->stats, retries, 1);
	if (class == APS_RETRY_REFRESH) {
		call->has_refreshed = true;
		call->is_refused = true;
		follow_verdict(core, call,
		               aps_credential_refused(core, call->credential, call->generation, &call->waiter));
	} else if (class == APS_RETRY_RESIGN) {
		call->has_resigned = true;
		use_credential(core, call);
	}
}

static void understand(struct aps_result_event *event)
{
	struct aps_http_answer *answer = &event->answer;
	struct aps_str body = {answer->body != NULL ? answer->body : "", answer->n_body};
	struct aps_str type_header = aps_http_answer_header(answer, "x-amzn-errortype");
	aps_gqlhttp_parse(answer->status, type_header, body, &event->decoded, &event->response);
}

static void collect_secrets(const struct aps_call *call, struct aps_secrets *secrets)
{
	aps_secrets_init(secrets);
	aps_secrets_add_all(secrets, &call->secrets);
	if (call->credential != NULL) aps_secrets_add_material(secrets, &call->credential->slot.material);
	aps_secrets_add_url(secrets, call->client->settings.net.proxy);
	aps_secrets_add_url(secrets, call->client->settings.endpoint);
}

/* Header lines as they came: the names and values that the answer has are spans of it. */
static struct aps_str header_text(const struct aps_http_answer *answer)
{
	if (answer->n_headers == 0) return APS_STR("");
	struct aps_str last = answer->headers[answer->n_headers - 1].value;
	return (struct aps_str){answer->header_text, (size_t)(last.p + last.n - answer->header_text)};
}

/* A failure may quote what was sent. Data of an answer that is good but for some errors is the application's. */
static void mask_failure(struct aps_call *call, struct aps_result_event *event)
{
	struct aps_http_answer *answer = &event->answer;
	struct aps_err judged = event->response.err;
	if (judged.code == APS_OK) return;
	bool is_partial = event->response.has_value && answer->status >= 200 && answer->status < 300;
	struct aps_secrets secrets;
	collect_secrets(call, &secrets);
	bool is_masked = aps_mask(&secrets, answer->header_text, header_text(answer).n, APS_STR(""));
	if (aps_mask(&secrets, answer->body, answer->n_body, is_partial ? event->response.data : APS_STR("")))
		is_masked = true;
	aps_secrets_clear(&secrets);
	if (!is_masked) return;
	/* Once more, for the texts; what it means was said by what came. */
	aps_arena_clear(&event->decoded);
	event->response = (struct aps_gqlhttp_response){.has_value = false};
	understand(event);
	memcpy(judged.msg, event->response.err.msg, sizeof judged.msg);
	event->response.err = judged;
}

static void call_answered(struct aps_core *core, struct aps_answer_sink *sink, struct aps_http_answer *answer)
{
	struct aps_call *call = APS_CONTAINER_OF(sink, struct aps_call, sink);
	call->http = 0;
	call->was_sent = call->was_sent || answer->err.sent || answer->status != 0;
	APS_STATS_ADD(call->client->stats, bytes_received, answer->n_body);
	if (answer->err.code != APS_OK) {
		struct aps_err err = answer->err;
		enum aps_retry_class class = next_step(core, call, &err, answer, APS_STR(""));
		if (class == APS_RETRY_NEVER)
			fail_call(core, call, &err);
		else
			go_on(core, call, class, &err, NULL);
		return;
	}
	learn_skew(call->client, answer);
	/* Too late is too late, whatever held us up. */
	if (aps_clock_mono_ms() >= call->deadline.at_ms) {
		deadline_due(&call->deadline, core, call->deadline.at_ms);
		return;
	}
	struct aps_result_event *event = call->what->result;
	call->what->result = NULL;
	event->answer = *answer;
	*answer = (struct aps_http_answer){0};
	understand(event);
	mask_failure(call, event);
	struct aps_err *err = &event->response.err;
	if (err->code != APS_OK) {
		err->sent = true;
		struct aps_err copy = *err;
		enum aps_retry_class class = next_step(core, call, err, &event->answer, event->response.error_type);
		if (class != APS_RETRY_NEVER) call->what->result = aps_result_event_new(call->id);
		if (call->what->result != NULL) {
			go_on(core, call, class, &copy, event);
			return;
		}
	}
	answer_call(core, call, event);
}

/* The answer of a call that can't even begin. */
static void refuse_call(struct aps_core *core, struct aps_call_command *command, enum aps_rc code, const char *why)
{
	struct aps_result_event *event = command->result;
	command->result = NULL;
	aps_fail(&event->response.err, code, "%s", why);
	aps_core_emit(core, &event->head);
	aps_command_free(&command->head);
}

static void run_call(struct aps_core *core, struct aps_command *head)
{
	struct aps_call_command *what = (struct aps_call_command *)head;
	struct aps_client *client = aps_core_client(core, head->client);
	if (client == NULL) {
		refuse_call(core, what, APS_E_CLOSED, "the client is closed");
		return;
	}
	struct aps_call *call = aps_calloc(1, sizeof *call);
	if (call == NULL || !aps_table_set(table_of(core), head->id, call)) {
		refuse_call(core, what, APS_E_NOMEM, "out of memory");
		aps_free(call);
		return;
	}
	*call = (struct aps_call){.id = head->id, .client = client, .what = what};
	aps_arena_init(&call->arena, APS_BUF_ANY_SIZE);
	aps_secrets_init(&call->secrets);
	call->sink.answered = call_answered;
	call->waiter.ready = material_ready;
	call->deadline.due = deadline_due;
	call->retry.due = retry_due;
	if (what->timeout_ms == 0) what->timeout_ms = client->settings.request_timeout_ms;
	APS_STATS_ADD(client->stats, operations, 1);
	APS_STATS_ADD(client->stats, operations_in_flight, 1);
	struct aps_err err;
	if (what->credential != 0) call->credential = aps_credential_hold(core, what->credential);
	if (what->credential != 0 && call->credential == NULL) {
		aps_fail(&err, APS_E_AUTH, "the identity of this call was dropped before it was sent");
		fail_call(core, call, &err);
	} else if (!aps_timer_set(&core->timers, &call->deadline, what->made_ms + what->timeout_ms)) {
		aps_fail(&err, APS_E_NOMEM, "out of memory");
		fail_call(core, call, &err);
	} else {
		use_credential(core, call);
	}
}

static void run_cancel(struct aps_core *core, struct aps_command *command)
{
	struct aps_call *call = aps_table_get(table_of(core), command->id);
	if (call != NULL) {
		struct aps_err err;
		aps_fail(&err, APS_E_CANCELLED, "the call was cancelled");
		fail_call(core, call, &err);
	}
	aps_command_free(command);
}

struct aps_command *aps_cancel_command_new(uint64_t client, uint64_t call)
{
	return aps_command_new(run_cancel, client, call);
}

static enum aps_rc open_table(struct aps_core *core, void **part, struct aps_err *err)
{
	*part = aps_table_new(core->hash_seed);
	return *part != NULL ? APS_OK : aps_fail(err, APS_E_NOMEM, "out of memory");
}

static void close_table(struct aps_core *core APS_UNUSED, void *part)
{
	aps_table_free(part);
}

static void fail_all(struct aps_core *core, struct aps_client *client, const struct aps_err *err)
{
	size_t cursor = 0;
	void *state = NULL;
	struct aps_call *call;
	while ((call = aps_table_next(table_of(core), &cursor, &state)) != NULL)
		if (call->client == client) fail_call(core, call, err);
}

const struct aps_feature aps_call_feature = {
        .name = "calls",
        .open = open_table,
        .client_closing = fail_all,
        .close = close_table,
};

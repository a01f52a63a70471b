/* The hands of proto/attempt.c (its states are drawn there): actions are carried out, and what comes of them is fed.
 *
 *              +--------------------- at once -----------------------------+
 *              v                                                           |
 *    START-> feed() --- USE -----> lease ---- USABLE UNUSABLE -------------+
 *              ^   |--- RENEW ---> lease ---- RENEWED REFUSED -------------+
 *              |   |--- SEND ----> exchange - UNSENT ----------------------+
 *              |   |--- WAIT ----> timer ---- NO_MEMORY -------------------+
 *              |   +--- DONE ----> owner
 *              |
 *              +--- later: decided()   USABLE UNUSABLE RENEWED REFUSED
 *                          answered()  FAILED ANSWERED
 *                          retry_due() DUE
 *
 * One thing is waited for at a time. */
#include "client/request.h"

#include "base/clock.h"
#include "base/mem.h"

static enum aps_rc add_header(struct aps_header_list *list, const char *name, const char *value, struct aps_err *err)
{
	if (aps_header_list_find(list, name) != NULL) return APS_OK;
	return aps_header_list_add(list, aps_str_of(name), aps_str_of(value), err);
}

static enum aps_rc add_headers(struct aps_request *request, struct aps_str body, struct aps_header_list *list,
                               struct aps_err *err)
{
	const struct aps_header_list *given = request->options.headers;
	for (size_t i = 0; i < given->n_items; i++) {
		const struct aps_header *header = &given->items[i];
		if (aps_header_list_add(list, header->name, header->value, err) != APS_OK) return err->code;
	}
	const char *agent = request->options.client->settings.user_agent;
	if (add_header(list, "content-type", "application/json; charset=UTF-8", err) != APS_OK) return err->code;
	if (add_header(list, "accept", "application/json, */*;q=0.8", err) != APS_OK) return err->code;
	if (agent != NULL && add_header(list, "x-amz-user-agent", agent, err) != APS_OK) return err->code;
	const struct aps_auth_material *material = aps_lease_material(&request->lease);
	if (material == NULL) return APS_OK;
	struct aps_appsync_signing signing = aps_credential_signing(request->lease.credential);
	return aps_appsync_http_headers(material, &signing, body, list, err);
}

static int64_t left_ms(const struct aps_request *request)
{
	int64_t end_ms = request->options.end_ms;
	return end_ms == APS_ATTEMPT_FOREVER ? APS_ATTEMPT_FOREVER : end_ms - aps_clock_mono_ms();
}

static int64_t exchange_ms(const struct aps_request *request)
{
	int64_t ms = left_ms(request);
	if (ms == APS_ATTEMPT_FOREVER) return request->options.client->settings.request_timeout_ms;
	return (ms > 1 ? ms : 1) + request->options.more_ms;
}

/* Takes the body's bytes. */
static enum aps_rc start_exchange(struct aps_core *core, struct aps_request *request, struct aps_buf *body,
                                  struct aps_err *err)
{
	const struct aps_settings *settings = &request->options.client->settings;
	struct aps_stats *stats = request->options.client->stats;
	size_t n_body = body->n;
	struct aps_http_request http = {
	        .method = "POST",
	        .url = settings->endpoint,
	        .headers = request->sent.items,
	        .n_headers = request->sent.n_items,
	        .body = aps_buf_take(body, NULL),
	        .n_body = n_body,
	        .options = &settings->net,
	        .connect_timeout_ms = settings->connect_timeout_ms,
	        .timeout_ms = exchange_ms(request),
	        .max_response_bytes = settings->max_response_bytes,
	        .is_sent_once = !request->options.is_safe,
	        .tag = &request->sink,
	        .label = request->options.label,
	};
	enum aps_rc rc = aps_http_start(core->http, &http, &request->exchange, err);
	if (rc != APS_OK) return rc;
	APS_STATS_ADD(stats, requests, 1);
	APS_STATS_ADD(stats, bytes_sent, n_body);
	return APS_OK;
}

/* What was sent is searched for secrets late: where it failed, or here, before another attempt. */
static void forget_sent(struct aps_request *request)
{
	struct aps_secrets *secrets = &request->secrets;
	aps_secrets_add_headers(secrets, request->sent.items, request->sent.n_items);
	if (secrets->records.n > APS_SECRETS_OLD_BYTES) aps_secrets_clear(secrets);
	aps_arena_clear(&request->arena);
	aps_header_list_init(&request->sent, &request->arena);
}

/* The body is rendered for each attempt: it is the same each time, and none is kept while nothing is under way. */
static enum aps_rc send_request(struct aps_core *core, struct aps_request *request, struct aps_err *err)
{
	struct aps_buf body;
	struct aps_outcome_sink *owner = request->owner;
	aps_buf_init(&body, APS_BUF_ANY_SIZE); /* its size was checked before the request was made */
	forget_sent(request);
	enum aps_rc rc = owner->sends != NULL ? owner->sends(owner, err) : APS_OK;
	if (rc == APS_OK) rc = aps_gqlhttp_body(&body, request->options.operation, err);
	if (rc == APS_OK) rc = add_headers(request, aps_buf_str(&body), &request->sent, err);
	const struct aps_credential *credential = request->lease.credential;
	if (credential != NULL) aps_secrets_add_material(&request->secrets, &credential->slot.material);
	if (rc == APS_OK) rc = start_exchange(core, request, &body, err);
	aps_buf_clear(&body);
	return rc;
}

static enum aps_lease_verdict use(struct aps_core *core, struct aps_request *request, struct aps_err *err)
{
	bool is_dropped = request->options.credential != 0 && request->lease.credential == NULL;
	if (!is_dropped) return aps_lease_use(core, &request->lease, err);
	aps_fail(err, APS_E_AUTH, "the identity of this call was dropped before it was sent");
	return APS_LEASE_FAILED;
}

static enum aps_attempt_event_kind kind_of(enum aps_lease_verdict verdict)
{
	static const enum aps_attempt_event_kind KINDS[] = {
	        [APS_LEASE_USABLE] = APS_ATTEMPT_ON_USABLE,
	        [APS_LEASE_FAILED] = APS_ATTEMPT_ON_UNUSABLE,
	        [APS_LEASE_RENEWED] = APS_ATTEMPT_ON_RENEWED,
	        [APS_LEASE_REFUSED] = APS_ATTEMPT_ON_REFUSED,
	};
	return KINDS[verdict];
}

/* True: *event came of it at once, with *err. */
static bool carry_out(struct aps_core *core, struct aps_request *request, const struct aps_attempt_action *action,
                      struct aps_attempt_event *event, struct aps_err *err)
{
	enum aps_lease_verdict verdict;
	*event = (struct aps_attempt_event){.err = err};
	switch (action->kind) {
	case APS_ATTEMPT_DO_SEND:
		event->kind = APS_ATTEMPT_ON_UNSENT;
		return send_request(core, request, err) != APS_OK;
	case APS_ATTEMPT_DO_WAIT:
		event->kind = APS_ATTEMPT_ON_NO_MEMORY;
		return !aps_timer_set(&core->timers, &request->retry, aps_clock_mono_ms() + action->delay_ms);
	case APS_ATTEMPT_DO_RENEW: verdict = aps_lease_refused(core, &request->lease, err); break;
	case APS_ATTEMPT_DO_USE:
	default: verdict = use(core, request, err); break;
	}
	if (verdict != APS_LEASE_WAITING) event->kind = kind_of(verdict);
	return verdict != APS_LEASE_WAITING;
}

static void drop_last(struct aps_request *request)
{
	if (request->last != NULL) aps_outcome_clear(request->last);
	aps_free(request->last);
	request->last = NULL;
}

/* What came of this attempt is the last outcome from now on. False: there is no memory to keep it. */
static bool keep(struct aps_request *request, struct aps_outcome *present)
{
	drop_last(request);
	if (present == NULL) return true;
	request->last = aps_malloc(sizeof *request->last);
	if (request->last != NULL) aps_outcome_move(request->last, present);
	return request->last != NULL;
}

/* What is known of the failure besides the answer. */
static void put_reason(struct aps_outcome *outcome, const struct aps_err *why)
{
	const struct aps_err told = outcome->response.err;
	outcome->response.err = *why;
	outcome->response.err.native = told.native;
	outcome->response.err.sent = told.sent;
}

/* What is told: the present outcome, or *own, which is filled. */
static struct aps_outcome *outcome_of(struct aps_request *request, const struct aps_attempt_action *action,
                                      struct aps_outcome *present, struct aps_outcome *own)
{
	struct aps_outcome *outcome = own;
	if (action->outcome == APS_ATTEMPT_ANSWER) {
		outcome = present;
	} else if (action->outcome == APS_ATTEMPT_ERROR) {
		aps_outcome_init_err(own, &action->err);
	} else if (request->last != NULL) {
		aps_outcome_move(own, request->last);
		drop_last(request);
		if (action->err.code != APS_OK) put_reason(own, &action->err);
	} else { /* somebody left with it */
		aps_outcome_init_err(own, &request->attempt.last_err);
	}
	outcome->n_attempts = request->attempt.n_attempts;
	return outcome;
}

static void tell(struct aps_core *core, struct aps_request *request, const struct aps_attempt_action *action,
                 struct aps_outcome *present)
{
	struct aps_outcome own;
	struct aps_outcome *outcome = outcome_of(request, action, present, &own);
	if (outcome != present && present != NULL) aps_outcome_clear(present);
	request->owner->ended(core, request->owner, outcome);
}

/* No answer can be kept beside a new one: the present one is what is told. */
static struct aps_attempt_action stop_here(struct aps_core *core, struct aps_request *request)
{
	const struct aps_attempt_event event = {.kind = APS_ATTEMPT_ON_NO_MEMORY};
	struct aps_attempt_action action = aps_attempt_feed(&request->attempt, &event, &core->rand);
	action.outcome = APS_ATTEMPT_ANSWER;
	return action;
}

static void heed(struct aps_request *request, const struct aps_attempt_lesson *learned)
{
	if (learned->is_clock_told) aps_client_set_clock(request->options.client, learned->skew_ms);
	if (learned->is_accepted) aps_lease_worked(&request->lease);
}

/* Goes on until something is waited for or the outcome was told; after that the request isn't touched. Takes `present`,
 * what came with ANSWERED; else it is NULL. */
static void feed(struct aps_core *core, struct aps_request *request, const struct aps_attempt_event *first,
                 struct aps_outcome *present)
{
	struct aps_client *client = request->options.client;
	const struct aps_attempt_event *event = first;
	struct aps_attempt_event next;
	struct aps_err err;
	for (bool has_event = true; has_event; event = &next) {
		struct aps_attempt_action action = aps_attempt_feed(&request->attempt, event, &core->rand);
		heed(request, &action.learned);
		if (action.is_retry && !keep(request, present)) action = stop_here(core, request);
		if (action.kind == APS_ATTEMPT_DO_DONE || action.kind == APS_ATTEMPT_DO_REJECT) {
			tell(core, request, &action, present);
			return;
		}
		has_event = carry_out(core, request, &action, &next, &err);
		bool has_memory = !has_event || next.kind != APS_ATTEMPT_ON_NO_MEMORY;
		if (action.is_retry && has_memory) APS_STATS_ADD(client->stats, retries, 1);
	}
}

static void feed_kind(struct aps_core *core, struct aps_request *request, enum aps_attempt_event_kind kind,
                      const struct aps_err *err)
{
	const struct aps_attempt_event event = {.kind = kind, .err = err};
	feed(core, request, &event, NULL);
}

static void decided(struct aps_core *core, struct aps_lease *lease, enum aps_lease_verdict verdict,
                    const struct aps_err *err)
{
	feed_kind(core, APS_CONTAINER_OF(lease, struct aps_request, lease), kind_of(verdict), err);
}

static void retry_due(struct aps_timer *timer, void *context, int64_t now_ms APS_UNUSED)
{
	feed_kind(context, APS_CONTAINER_OF(timer, struct aps_request, retry), APS_ATTEMPT_ON_DUE, NULL);
}

/* A failure may quote what was sent. */
static void understand(const struct aps_request *request, struct aps_outcome *outcome)
{
	aps_outcome_read(outcome);
	if (outcome->response.err.code == APS_OK) return;
	const struct aps_credential *credential = request->lease.credential;
	const struct aps_settings *settings = &request->options.client->settings;
	struct aps_secrets secrets;
	aps_secrets_init(&secrets);
	aps_secrets_add_all(&secrets, &request->secrets);
	aps_secrets_add_headers(&secrets, request->sent.items, request->sent.n_items);
	if (credential != NULL) aps_secrets_add_material(&secrets, &credential->slot.material);
	aps_secrets_add_url(&secrets, settings->net.proxy);
	aps_secrets_add_url(&secrets, settings->endpoint);
	aps_outcome_mask(outcome, &secrets);
	aps_secrets_clear(&secrets);
}

static void take_answer(struct aps_core *core, struct aps_request *request, struct aps_attempt_event *event,
                        struct aps_http_answer *answer)
{
	struct aps_outcome outcome;
	aps_outcome_init_answer(&outcome, answer);
	event->kind = APS_ATTEMPT_ON_ANSWERED;
	if (event->left_ms > 0) understand(request, &outcome);
	event->err = &outcome.response.err;
	event->error_type = outcome.response.error_type;
	feed(core, request, event, &outcome);
}

static void answered(struct aps_core *core, struct aps_answer_sink *sink, struct aps_http_answer *answer)
{
	struct aps_request *request = APS_CONTAINER_OF(sink, struct aps_request, sink);
	const struct aps_client *client = request->options.client;
	struct aps_attempt_event event = {
	        .kind = APS_ATTEMPT_ON_FAILED,
	        .err = &answer->err,
	        .status = answer->status,
	        .retry_after = aps_http_answer_header(answer, "retry-after"),
	        .date = aps_http_answer_header(answer, "date"),
	        .wall_ms = aps_clock_wall_ms(),
	        .skew_ms = client->skew_ms,
	        .left_ms = left_ms(request),
	        .timeout_ms = request->options.timeout_ms,
	};
	request->exchange = 0;
	APS_STATS_ADD(client->stats, bytes_received, answer->n_body);
	if (answer->err.code == APS_OK)
		take_answer(core, request, &event, answer);
	else
		feed(core, request, &event, NULL);
}

void aps_request_init(struct aps_core *core, struct aps_request *request, const struct aps_request_options *options,
                      struct aps_outcome_sink *owner)
{
	APS_ON_THREAD(core->thread);
	*request = (struct aps_request){
	        .sink.answered = answered, .options = *options, .owner = owner, .retry.due = retry_due};
	aps_arena_init(&request->arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&request->sent, &request->arena);
	aps_secrets_init(&request->secrets);
	aps_lease_init(&request->lease, decided);
	aps_lease_hold(core, &request->lease, options->credential); /* one that was dropped: see use() */
	const struct aps_credential *credential = request->lease.credential;
	const struct aps_attempt_options attempt = {
	        .retry = options->retry,
	        .can_retry = !options->is_single,
	        .is_safe = options->is_safe,
	        .has_credential = credential != NULL,
	        .is_signed = credential != NULL && credential->slot.mode == APS_AUTH_IAM,
	};
	aps_attempt_init(&request->attempt, &attempt);
}

void aps_request_start(struct aps_core *core, struct aps_request *request)
{
	APS_ON_THREAD(core->thread);
	feed_kind(core, request, APS_ATTEMPT_ON_START, NULL);
}

void aps_request_clear(struct aps_core *core, struct aps_request *request)
{
	APS_ON_THREAD(core->thread);
	if (request->exchange != 0) aps_http_cancel(core->http, request->exchange);
	request->exchange = 0;
	aps_timer_stop(&core->timers, &request->retry);
	aps_lease_clear(core, &request->lease);
	aps_arena_clear(&request->arena);
	aps_secrets_clear(&request->secrets);
	drop_last(request);
}

static bool leave(struct aps_core *core, struct aps_request *request, const struct aps_attempt_event *event,
                  struct aps_outcome *outcome)
{
	APS_ON_THREAD(core->thread);
	struct aps_attempt_action action = aps_attempt_feed(&request->attempt, event, &core->rand);
	if (action.kind != APS_ATTEMPT_DO_TELL) return false;
	outcome_of(request, &action, NULL, outcome);
	return true;
}

bool aps_request_leave(struct aps_core *core, struct aps_request *request, const struct aps_err *why,
                       struct aps_outcome *outcome)
{
	const struct aps_attempt_event event = {.kind = APS_ATTEMPT_ON_CANCEL, .err = why};
	return leave(core, request, &event, outcome);
}

bool aps_request_leave_late(struct aps_core *core, struct aps_request *request, int64_t timeout_ms,
                            struct aps_outcome *outcome)
{
	const struct aps_attempt_event event = {.kind = APS_ATTEMPT_ON_DEADLINE, .timeout_ms = timeout_ms};
	return leave(core, request, &event, outcome);
}

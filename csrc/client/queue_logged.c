#include "client/queue_logged.h"

#include "base/clock.h"
#include "client/queue_lead.h"
#include "client/queue_settle.h"
#include "codec/json_members.h"
#include "codec/json_reader.h"
#include "store/outcomes.h"
#include "store/owners.h"

/* Those that it has left to others may be its own by now. */
static void look_at_outcomes(struct aps_queue *queue)
{
	queue->has_foreign = false;
	queue->has_untold = true;
	aps_queue_settle_again(queue);
	aps_queue_wake(queue);
}

/* The process that led has left all as it is; what was known of the store is what a follower has to know. */
static void begin_to_lead(struct aps_queue *queue)
{
	aps_outbox_look_again(&queue->outbox);
	queue->is_away_doubted = true;
	queue->is_known = queue->is_counted = false;
	queue->surplus = -1;
	queue->advanced_ms = aps_clock_mono_ms();
	queue->has_news = queue->has_changed = true;
	look_at_outcomes(queue);
}

void aps_queue_looked(struct aps_queue *queue)
{
	bool led = queue->leads;
	if (!led) aps_queue_try_lead(queue);
	if (queue->leads && !led)
		begin_to_lead(queue);
	else if (queue->has_foreign)
		look_at_outcomes(queue);
	else if (queue->is_others_turn)
		aps_queue_wake(queue);
}

/* One of them may have made it, or wiped all that it had. */
static void look_for_owner(struct aps_queue *queue)
{
	struct aps_err err;
	int64_t owner;
	struct aps_str prefix = aps_str_of(queue->prefix), identity = aps_str_of(queue->identity);
	if (!queue->is_known) return;
	queue->is_known = aps_owners_find(aps_queue_db(queue), prefix, identity, &owner, &err) == APS_OK;
	if (!queue->is_known || owner == queue->owner) return;
	queue->has_forgotten = queue->has_forgotten || queue->owner != 0;
	queue->is_known = false;
	queue->owner = 0;
	aps_queue_settle_anew(queue); /* what waits for its turn isn't in the log any more */
}

/* What they have queued stands behind all that is known. */
void aps_queue_overtaken(struct aps_queue *queue)
{
	queue->is_counted = false;
	look_for_owner(queue);
	queue->has_untold = queue->has_changed = true;
	queue->looks_for_waits = queue->waits != NULL && !aps_queue_leads(queue);
	queue->looks_whether_away = true;
	aps_queue_settle_note(queue, 0);
	aps_outbox_look_on(&queue->outbox);
	aps_queue_wake(queue);
}

bool aps_queue_is_ours(struct aps_queue *queue, const struct aps_kept_outcome *outcome)
{
	if (!aps_vault_is_shared(queue->vault) || aps_queue_waits_find(queue, (uint64_t)outcome->entry) != NULL)
		return true;
	int64_t by = aps_queue_outcome_by(outcome->content);
	if (by != 0 && by == aps_queue_slot(queue)) return true;
	bool is_others = aps_queue_whose(queue, by, outcome->entry) == APS_QUEUE_OTHERS;
	queue->has_foreign = queue->has_foreign || is_others;
	return queue->leads && !is_others;
}

static struct aps_str member(struct aps_str object, const char *name)
{
	struct aps_json_members members;
	struct aps_str value;
	aps_json_members_init(&members, object);
	return aps_json_members_get(&members, name, &value) ? value : APS_STR("");
}

/* A copy that ends with a zero; without memory it is empty. */
static struct aps_str text_of(struct aps_str object, const char *name, struct aps_arena *arena)
{
	struct aps_json_reader r;
	struct aps_str json = member(object, name);
	aps_json_reader_init(&r, json, 0);
	if (json.n == 0 || aps_json_next(&r) != APS_JSON_STRING) return APS_STR("");
	struct aps_str text = aps_json_unescape(&r, arena);
	char *copy = text.p != NULL ? aps_arena_get(arena, text.n + 1) : NULL;
	if (copy == NULL) return APS_STR("");
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	return (struct aps_str){copy, text.n};
}

static long int_of(struct aps_str object, const char *name)
{
	struct aps_json_reader r;
	struct aps_str json = member(object, name);
	aps_json_reader_init(&r, json, 0);
	return json.n != 0 && aps_json_next(&r) == APS_JSON_INT ? (long)r.integer : 0;
}

/* Of several of one kind the one that has no word of its own. */
static enum aps_rc code_of(struct aps_str kind)
{
	for (int code = APS_OK + 1; code < APS_RC_COUNT; code++) {
		const struct aps_err err = {.code = (enum aps_rc)code};
		if (aps_err_word(&err) == NULL && aps_str_is(kind, aps_rc_kind(err.code))) return err.code;
	}
	return APS_E_INTERNAL;
}

static const char *outcome_of(struct aps_str name)
{
	for (int i = 0; i < APS_DELIVERY_OUTCOME_COUNT; i++) {
		const char *known = aps_delivery_outcome_name((enum aps_delivery_outcome)i);
		if (aps_str_is(name, known)) return known;
	}
	return NULL;
}

/* The service's own words are understood as those of an answer are: some are shown where they stand in its body. */
static void take_errors(struct aps_result_event *event, struct aps_str err)
{
	static const char HEAD[] = "{\"errors\":";
	struct aps_gqlhttp_response *response = &event->response;
	struct aps_gqlhttp_response read;
	struct aps_str errors = member(err, "errors");
	size_t n_head = sizeof HEAD - 1, n = n_head + errors.n + 1;
	char *body = aps_arena_get(&event->decoded, n);
	response->errors = errors;
	if (body == NULL) return;
	memcpy(body, HEAD, n_head);
	memcpy(body + n_head, errors.p, errors.n);
	body[n - 1] = '}';
	aps_gqlhttp_parse(event->answer.status, APS_STR(""), (struct aps_str){body, n}, &event->decoded, &read);
	response->error_type = read.error_type;
	response->err.native = read.err.native;
}

/* Its word lives as long as the event. */
static void take_err(struct aps_result_event *event, struct aps_str err)
{
	struct aps_arena *arena = &event->decoded;
	struct aps_queued_result *queued = &event->queued;
	struct aps_str word = text_of(err, "code", arena), message = text_of(err, "message", arena);
	struct aps_str blocked_by = text_of(err, "blocked_by", arena);
	queued->dead = outcome_of(text_of(err, "outcome", arena));
	event->answer.status = int_of(err, "status");
	aps_fail_word(&event->response.err, code_of(text_of(err, "kind", arena)), word.n != 0 ? word.p : NULL, 0, "%s",
	              message.n != 0 ? message.p : "the mutation has failed");
	event->response.err.sent = true;
	event->response.err.retryable = false;
	if (member(err, "errors").n != 0) take_errors(event, err);
	if (blocked_by.n != 0 && blocked_by.n < sizeof queued->blocked_by)
		memcpy(queued->blocked_by, blocked_by.p, blocked_by.n + 1);
}

static void fill(struct aps_result_event *event, struct aps_str content)
{
	struct aps_buf json;
	struct aps_err err;
	aps_buf_init(&json, APS_BUF_ANY_SIZE);
	aps_buf_add_str(&json, content);
	enum aps_rc rc = aps_result_event_set_json(event, &json, &err);
	aps_buf_clear(&json);
	event->source = APS_RESULT_FROM_NETWORK;
	event->response.data = (struct aps_str){NULL, 0};
	if (rc != APS_OK) {
		event->response.err = err;
		return;
	}
	struct aps_str all = {event->bytes->p, event->bytes->n};
	struct aps_str why = member(all, "err");
	event->response.data = member(all, "data");
	event->answer.status = why.n == 0 ? 200 : 0;
	if (why.n != 0) take_err(event, why);
}

void aps_queue_take_logged(struct aps_queue_wait *wait, const struct aps_kept_outcome *outcome, bool has_layer)
{
	struct aps_queue *queue = wait->queue;
	struct aps_result_event *event = wait->result;
	uint64_t number = (uint64_t)outcome->number;
	fill(event, outcome->content);
	event->n_attempts = 1;
	event->queued.outcome = number;
	event->queued.has_layer = has_layer;
	aps_buf_add(&queue->waited, &number, sizeof number); /* there is room: aps_queue_waits_add() */
	aps_number_set_remove(&queue->updates, wait->number);
	wait->is_answered = true;
	aps_timer_stop(&queue->core->timers, &wait->deadline);
}

/* A failure: it can't be told now. */
static bool is_gone(const struct aps_queue *queue, const struct aps_queue_wait *wait)
{
	struct aps_outbox_row row;
	struct aps_err err;
	bool is_logged = true;
	aps_outbox_row_init(&row);
	enum aps_rc rc = aps_outbox_find_number(aps_queue_db(queue), (int64_t)wait->number, &row, &err);
	bool is_there = rc != APS_OK || row.entry.id != 0;
	aps_outbox_row_clear(&row);
	if (is_there) return false;
	rc = aps_outcomes_has_entry(aps_queue_db(queue), (int64_t)wait->number, &is_logged, &err);
	return rc == APS_OK && !is_logged;
}

void aps_queue_look_for_waits(struct aps_queue *queue)
{
	if (!queue->looks_for_waits || !aps_queue_has_store(queue)) return;
	queue->looks_for_waits = false;
	for (struct aps_queue_wait *wait = queue->waits; wait != NULL; wait = wait->next)
		if (wait->is_committed && !wait->is_answered && is_gone(queue, wait))
			wait->is_withdrawn = wait->was_sent = queue->has_committed = true;
}

bool aps_queue_is_sent_elsewhere(const struct aps_queue *queue, uint64_t number)
{
	struct aps_outbox_row row;
	struct aps_err err;
	if (aps_queue_db(queue) == NULL) return true;
	aps_outbox_row_init(&row);
	enum aps_rc rc = aps_outbox_find_number(aps_queue_db(queue), (int64_t)number, &row, &err);
	bool is_unsent = rc == APS_OK && row.entry.id != 0 && !row.delivery.is_sending && row.delivery.n_attempts == 0;
	aps_outbox_row_clear(&row);
	return !is_unsent;
}

/* One that has failed says why. */
bool aps_queue_is_under_way_elsewhere(const struct aps_queue *queue, uint64_t number)
{
	struct aps_outbox_row row;
	struct aps_err err;
	if (aps_queue_db(queue) == NULL) return true;
	aps_outbox_row_init(&row);
	enum aps_rc rc = aps_outbox_find_number(aps_queue_db(queue), (int64_t)number, &row, &err);
	bool is_there = rc == APS_OK && row.entry.id != 0;
	bool is_asking = row.delivery.is_sending && row.delivery.cause.n == 0;
	aps_outbox_row_clear(&row);
	return !is_there || is_asking;
}

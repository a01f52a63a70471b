#include "client/sending.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/flight.h"
#include "client/ids_ignored.h"
#include "client/partition.h"
#include "client/queue_outcome.h"
#include "client/queue_run.h"
#include "client/queue_tell.h"
#include "client/reach.h"
#include "client/sent_entry.h"
#include "proto/retry.h"
#include "proto/verdict.h"
#include "sync/in_doubt.h"
#include "sync/root_fields.h"

#define ASKING_MS 100 /* a function that answers sooner costs no commit */

struct aps_sending *aps_sending_find(const struct aps_queue *queue, uint64_t number)
{
	struct aps_sending *sending = queue->sendings;
	while (sending != NULL && sending->number != number) sending = sending->next;
	return sending;
}

/* It was begun, and nothing of it was sent: headers, a token or credentials are asked for. */
static bool is_asking(const struct aps_sending *sending)
{
	return sending->waits_for_headers || (sending->is_requested && sending->request.attempt.n_attempts == 0);
}

bool aps_sending_is_idle(const struct aps_sending *sending)
{
	return sending->is_unmarked && is_asking(sending);
}

static int64_t row_id(const struct aps_sending *sending, const struct aps_outbox_item *item)
{
	return aps_entry_id(sending->queue->owner, (enum aps_entry_mode)item->mode, (int64_t)item->number);
}

enum aps_rc aps_sending_unmark(const struct aps_sending *sending, struct aps_err *err)
{
	const struct aps_queue *queue = sending->queue;
	const struct aps_outbox_item *item = aps_outbox_item(&queue->outbox, sending->number);
	return item != NULL ? aps_delivery_unmark(aps_queue_db(queue), row_id(sending, item), err) : APS_OK;
}

/* Where that fails it stays marked, which is safe. */
static void asking_late(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms APS_UNUSED)
{
	struct aps_sending *sending = APS_CONTAINER_OF(timer, struct aps_sending, asking);
	struct aps_queue *queue = sending->queue;
	struct aps_err err;
	const struct aps_outbox_item *item = aps_outbox_item(&queue->outbox, sending->number);
	bool is_marked = item != NULL && item->delivery.state == APS_DELIVERY_SENDING && !item->delivery.is_in_doubt;
	if (!is_marked || !is_asking(sending) || aps_queue_begin(queue, false, &err) != APS_OK) return;
	if (aps_sending_unmark(sending, &err) == APS_OK)
		sending->is_unmarked = true;
	else
		aps_queue_fail(queue, &err);
}

/* On the disk before the exchange begins. */
static enum aps_rc mark_again(struct aps_outcome_sink *sink, struct aps_err *err)
{
	struct aps_sending *sending = APS_CONTAINER_OF(sink, struct aps_sending, sink);
	struct aps_queue *queue = sending->queue;
	const struct aps_outbox_item *item = aps_outbox_item(&queue->outbox, sending->number);
	if (!sending->is_unmarked || item == NULL) return APS_OK;
	int64_t lease_ms = aps_clock_wall_ms() + APS_QUEUE_LEASE_MS;
	enum aps_rc rc = aps_queue_begin(queue, true, err);
	if (rc != APS_OK) return rc;
	rc = aps_delivery_mark(aps_queue_db(queue), row_id(sending, item), 1, lease_ms,
	                       (int64_t)item->delivery.n_attempts, err);
	if (rc != APS_OK) aps_queue_fail(queue, err);
	if (rc == APS_OK) rc = aps_queue_commit(queue, err);
	sending->is_unmarked = rc != APS_OK;
	return rc;
}

static void ended(struct aps_core *core, struct aps_outcome_sink *sink, struct aps_outcome *outcome);

struct aps_sending *aps_sending_get(struct aps_queue *queue, uint64_t number, struct aps_err *err)
{
	struct aps_sending *sending = aps_sending_find(queue, number);
	if (sending != NULL) return sending;
	sending = aps_calloc(1, sizeof *sending);
	if (sending == NULL) {
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return NULL;
	}
	sending->queue = queue;
	sending->number = number;
	sending->sink.ended = ended;
	sending->sink.sends = mark_again;
	sending->asking.due = asking_late;
	sending->retry_after_ms = -1;
	aps_sent_entry_init(sending);
	aps_outcome_init(&sending->outcome);
	sending->next = queue->sendings;
	queue->sendings = sending;
	return sending;
}

static void free_sending(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	aps_free(APS_CONTAINER_OF(reap, struct aps_sending, reap));
}

static void clear_request(struct aps_sending *sending)
{
	if (sending->is_requested) aps_request_clear(sending->queue->core, &sending->request);
	sending->is_requested = false;
}

static void let_go(struct aps_core *core, struct aps_sending *sending)
{
	aps_sent_entry_clear(sending);
	aps_outcome_clear(&sending->outcome);
	aps_core_reap(core, &sending->reap, free_sending);
}

/* What waits in the cache stays there until it is written. */
void aps_sending_end(struct aps_sending *sending)
{
	struct aps_core *core = sending->queue->core;
	struct aps_sending **at = &sending->queue->sendings;
	while (*at != sending) at = &(*at)->next;
	*at = sending->next;
	aps_timer_stop(&core->timers, &sending->asking);
	clear_request(sending);
	sending->queue = NULL;
	if (!sending->is_parked) let_go(core, sending);
}

void aps_sending_set_err(struct aps_sending *sending, const struct aps_err *err)
{
	aps_outcome_clear(&sending->outcome);
	aps_outcome_init_err(&sending->outcome, err);
	sending->record = sending->error_record = (struct aps_str){NULL, 0};
}

static void feed(struct aps_sending *sending, enum aps_delivery_event_kind kind)
{
	aps_queue_feed_kind(sending->queue, sending->number, kind);
}

/* Without memory, or where its row can't be read: it is tried again, later. */
static void feed_put_off(struct aps_queue *queue, uint64_t number)
{
	const struct aps_delivery_event event = {.kind = APS_DELIVERY_ON_LATER, .is_unanswered = true};
	aps_queue_feed(queue, number, &event);
}

static void put_off(struct aps_sending *sending, const struct aps_err *err)
{
	aps_sending_set_err(sending, err);
	feed_put_off(sending->queue, sending->number);
}

static void start(struct aps_sending *sending, const struct aps_operation *operation)
{
	struct aps_queue *queue = sending->queue;
	struct aps_client *client = queue->client;
	enum aps_entry_mode mode = aps_entry_mode(sending->row.entry.id);
	const struct aps_request_options options = {
	        .client = client,
	        .operation = operation,
	        .headers = &sending->headers,
	        .credential = queue->settings.credentials[mode],
	        .retry = {.base_ms = client->settings.retry.base_ms,
	                  .cap_ms = client->settings.retry.cap_ms,
	                  .n_attempts = 1},
	        .is_single = true,
	        .end_ms = APS_ATTEMPT_FOREVER,
	        .label = sending->is_look ? 0 : sending->number,
	};
	if (options.credential == 0 && mode != APS_ENTRY_NONE) {
		struct aps_err err;
		aps_fail_word(&err, APS_E_AUTH, "no_auth_mode", 0,
		              "the client has no auth mode %s, which this mutation was made with",
		              aps_entry_mode_name(mode));
		aps_sending_set_err(sending, &err);
		feed(sending, APS_DELIVERY_ON_AUTH);
		return;
	}
	aps_request_init(queue->core, &sending->request, &options, &sending->sink);
	sending->is_requested = true;
	aps_request_start(queue->core, &sending->request);
}

static void go(struct aps_sending *sending)
{
	start(sending, sending->is_look ? &sending->question : &sending->operation);
}

/* What can't even be rendered never can; but what can't be read may be damaged. */
static void refuse(struct aps_sending *sending, const struct aps_err *err)
{
	aps_vault_suspect(sending->queue->vault, err);
	if (err->code == APS_E_NOMEM || err->code == APS_E_STORAGE) {
		put_off(sending, err);
		return;
	}
	aps_sending_set_err(sending, err);
	feed(sending, sending->is_look ? APS_DELIVERY_ON_SEEN_UNKNOWN : APS_DELIVERY_ON_REFUSED);
}

/* The client's function is asked for them first. */
static void go_with_headers(struct aps_sending *sending)
{
	struct aps_err err;
	struct aps_queue *queue = sending->queue;
	if (!queue->settings.asks_headers || sending->has_headers) {
		const struct aps_header_list *list = sending->has_headers ? &sending->given : &queue->settings.headers;
		sending->has_headers = false;
		if (aps_sent_entry_set_headers(sending, list, &err) != APS_OK)
			refuse(sending, &err);
		else
			go(sending);
		return;
	}
	sending->waits_for_headers = aps_queue_ask_headers(sending, &err) == APS_OK;
	if (!sending->waits_for_headers) put_off(sending, &err);
}

enum aps_rc aps_sending_prepare(struct aps_sending *sending, const struct aps_header_list *headers, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	aps_arena_reset(&sending->given_arena);
	aps_header_list_init(&sending->given, &sending->given_arena);
	for (size_t i = 0; rc == APS_OK && i < headers->n_items; i++)
		rc = aps_header_list_add(&sending->given, headers->items[i].name, headers->items[i].value, err);
	sending->has_headers = rc == APS_OK;
	return rc;
}

void aps_sending_give_headers(struct aps_sending *sending, const struct aps_header_list *headers,
                              const struct aps_err *failed)
{
	struct aps_err err;
	if (!sending->waits_for_headers) return;
	sending->waits_for_headers = false;
	if (failed != NULL) {
		aps_sending_set_err(sending, failed);
		feed(sending, APS_DELIVERY_ON_AUTH);
	} else if (aps_sent_entry_set_headers(sending, headers, &err) != APS_OK) {
		refuse(sending, &err);
	} else {
		go(sending);
	}
}

void aps_sending_send(struct aps_queue *queue, uint64_t number)
{
	struct aps_err err;
	struct aps_sending *sending = aps_sending_get(queue, number, &err);
	if (sending == NULL) {
		feed_put_off(queue, number);
		return;
	}
	sending->is_look = false;
	sending->retry_after_ms = -1;
	sending->is_unmarked = false;
	aps_late_request_begin(&sending->last);
	enum aps_rc rc = aps_sent_entry_read(sending, &err);
	if (rc == APS_OK && sending->names_unmade)
		rc = aps_fail_word(&err, APS_E_CONFLICT, "blocked", 0,
		                   "the service's id of a record that this mutation names isn't known");
	if (rc != APS_OK)
		refuse(sending, &err);
	else
		go_with_headers(sending);
	if (is_asking(sending))
		(void)aps_timer_set(&queue->core->timers, &sending->asking, aps_clock_mono_ms() + ASKING_MS);
}

void aps_sending_look(struct aps_queue *queue, uint64_t number)
{
	struct aps_err err;
	struct aps_sending *sending = aps_sending_get(queue, number, &err);
	if (sending == NULL) {
		feed_put_off(queue, number);
		return;
	}
	sending->is_look = sending->is_looked_at = true;
	sending->retry_after_ms = -1;
	enum aps_rc rc = aps_sent_entry_read(sending, &err);
	if (rc == APS_OK) rc = aps_sent_entry_ask(sending, &err);
	if (rc != APS_OK) aps_vault_suspect(queue->vault, &err); /* a record of the cache was read, too */
	if (rc == APS_OK) {
		go_with_headers(sending);
	} else if (rc == APS_E_NOMEM || rc == APS_E_STORAGE) {
		put_off(sending, &err);
	} else { /* its record can't be asked for */
		if (sending->outcome.response.err.code == APS_OK) aps_sending_set_err(sending, &err);
		feed(sending, APS_DELIVERY_ON_SEEN_UNKNOWN);
	}
}

static enum aps_verdict verdict_of(const struct aps_sending *sending)
{
	const struct aps_outcome *outcome = &sending->outcome;
	const struct aps_gqlhttp_response *response = &outcome->response;
	const struct aps_verdict_question question = {
	        .code = response->err.code,
	        .sent = response->err.sent,
	        .status = outcome->answer.status,
	        .error_type = response->error_type,
	        .errors = response->errors,
	        .has_data = response->data.n != 0,
	        .has_value = aps_sent_entry_has_value(sending),
	        .is_versioned = sending->safety.has_version,
	        .n_roots = aps_sent_entry_count_roots(sending),
	};
	return aps_verdict_of(&question);
}

static enum aps_delivery_event_kind event_of(enum aps_verdict verdict)
{
	static const enum aps_delivery_event_kind KINDS[APS_VERDICT_COUNT] = {
	        [APS_VERDICT_DONE] = APS_DELIVERY_ON_DONE,         [APS_VERDICT_UNSENT] = APS_DELIVERY_ON_UNSENT,
	        [APS_VERDICT_LATER] = APS_DELIVERY_ON_LATER,       [APS_VERDICT_AUTH] = APS_DELIVERY_ON_AUTH,
	        [APS_VERDICT_CONFLICT] = APS_DELIVERY_ON_CONFLICT, [APS_VERDICT_REFUSED] = APS_DELIVERY_ON_REFUSED,
	        [APS_VERDICT_DOUBT] = APS_DELIVERY_ON_DOUBT,
	};
	return KINDS[verdict];
}

static void written(struct aps_core *core, struct aps_parked *parked)
{
	struct aps_sending *sending = APS_CONTAINER_OF(parked, struct aps_sending, parked);
	sending->is_parked = false;
	sending->is_kept = true;
	sending->has_lost_answer = parked->has_failed;
	if (sending->queue == NULL) {
		let_go(core, sending);
		return;
	}
	feed(sending, sending->is_look ? APS_DELIVERY_ON_SEEN_APPLIED : APS_DELIVERY_ON_DONE);
	aps_queue_run(sending->queue);
}

static enum aps_rc learn(struct aps_sending *sending, struct aps_err *err)
{
	int64_t version;
	if (sending->is_look || !aps_sent_entry_answer_version(sending, &version)) return APS_OK;
	return aps_late_request_learn(sending->queue, &sending->safety, version, err);
}

/* Into the cache, and out of the queue, in one transaction. It waits where the application has to be asked about what
 * came: then it is in doubt until that is known. */
static void keep(struct aps_sending *sending, enum aps_delivery_event_kind kind)
{
	struct aps_queue *queue = sending->queue;
	struct aps_err err;
	sending->is_kept = true; /* or is lost, with all that the transaction has */
	bool has_begun = aps_queue_begin(queue, true, &err) == APS_OK;
	if (has_begun && learn(sending, &err) != APS_OK) {
		aps_queue_fail(queue, &err);
		has_begun = false;
	}
	if (!has_begun) {
		sending->has_lost_answer = true;
	} else if (!aps_sent_entry_keep(sending, written)) {
		sending->is_kept = false;
		sending->is_parked = true;
		return;
	}
	/* once more, with its outcome */
	if (sending->parked.has_failed) sending->has_lost_answer = true;
	feed(sending, kind);
}

static void written_late(struct aps_core *core, struct aps_parked *parked)
{
	struct aps_sending *sending = APS_CONTAINER_OF(parked, struct aps_sending, parked);
	sending->is_parked = false;
	if (sending->queue == NULL) let_go(core, sending);
}

/* Of what is told the texts are gone by then. */
void aps_sending_keep_again(struct aps_sending *sending)
{
	if (!sending->has_lost_answer || sending->is_parked) return;
	sending->has_lost_answer = false;
	struct aps_gqlhttp_response *response = &sending->outcome.response;
	const struct aps_gqlhttp_response told = *response;
	aps_buf_reset(&sending->late);
	if (aps_buf_reserve(&sending->late, told.data.n + told.errors.n) == NULL) return;
	aps_buf_add_str(&sending->late, told.data);
	aps_buf_add_str(&sending->late, told.errors);
	response->data.p = sending->late.p;
	response->errors.p = sending->late.p + told.data.n;
	sending->is_parked = !aps_sent_entry_keep(sending, written_late);
	*response = told;
}

static struct aps_delivery_event event_about(const struct aps_sending *sending, enum aps_verdict verdict)
{
	return (struct aps_delivery_event){.kind = event_of(verdict),
	                                   .is_unanswered = sending->outcome.answer.status == 0};
}

static void judge_answer(struct aps_sending *sending)
{
	enum aps_verdict verdict = verdict_of(sending);
	struct aps_delivery_event event = event_about(sending, verdict);
	if (verdict == APS_VERDICT_DONE) {
		keep(sending, event.kind);
		return;
	}
	sending->error_record =
	        verdict == APS_VERDICT_CONFLICT ? aps_sent_entry_error_record(sending) : (struct aps_str){NULL, 0};
	event.has_record = sending->error_record.n != 0;
	aps_queue_feed(sending->queue, sending->number, &event);
}

/* What its record says goes for its last request, too, when that can't be executed any more. */
static enum aps_delivery_event_kind may_send(struct aps_sending *sending)
{
	aps_late_request_find(&sending->last, sending->row.delivery.lease_ms);
	int64_t left_ms = aps_late_request_left_ms(&sending->last, sending->queue, &sending->safety);
	if (left_ms == 0) return APS_DELIVERY_ON_SEEN_SEND;
	sending->retry_after_ms = left_ms;
	return APS_DELIVERY_ON_SEEN_EARLY;
}

/* Its record is absent, or as it was. */
static void judge_absence(struct aps_sending *sending)
{
	struct aps_err err;
	bool is_ignored = false;
	enum aps_rc rc = APS_OK;
	const struct aps_operation *operation = &sending->operation;
	if (sending->safety.class == APS_SAFETY_CREATES) {
		struct aps_str field = aps_root_fields_first_name(operation->document, operation->definition);
		rc = field.n == 0 ? aps_fail(&err, APS_E_NOMEM, "out of memory")
		                  : aps_ids_are_ignored(sending->queue, field,
		                                        aps_queue_extra_made_root(&sending->extra), &is_ignored, &err);
	}
	if (rc != APS_OK)
		put_off(sending, &err);
	else
		feed(sending, is_ignored ? APS_DELIVERY_ON_SEEN_UNKNOWN : may_send(sending));
}

static void judge_record(struct aps_sending *sending)
{
	const struct aps_outbox_item *item = aps_outbox_item(&sending->queue->outbox, sending->number);
	if (item == NULL) return;
	sending->record = aps_sent_entry_record(sending);
	if (!item->delivery.is_in_doubt) {
		feed(sending, APS_DELIVERY_ON_SEEN_RECORD);
		return;
	}
	switch (aps_sent_entry_judge(sending)) {
	case APS_IN_DOUBT_SEND: judge_absence(sending); break;
	case APS_IN_DOUBT_APPLIED: keep(sending, APS_DELIVERY_ON_SEEN_APPLIED); break;
	case APS_IN_DOUBT_UNKNOWN:
	case APS_IN_DOUBT_COUNT:
	default: feed(sending, APS_DELIVERY_ON_SEEN_UNKNOWN); break;
	}
}

static void judge_look(struct aps_sending *sending)
{
	enum aps_verdict verdict = verdict_of(sending);
	const struct aps_delivery_event event = event_about(sending, verdict);
	switch (verdict) {
	case APS_VERDICT_DONE: judge_record(sending); break;
	case APS_VERDICT_CONFLICT:
	case APS_VERDICT_REFUSED: feed(sending, APS_DELIVERY_ON_SEEN_UNKNOWN); break;
	default: aps_queue_feed(sending->queue, sending->number, &event); break;
	}
}

static int64_t retry_after(const struct aps_sending *sending)
{
	struct aps_str header = aps_http_answer_header(&sending->outcome.answer, "retry-after");
	return aps_retry_after_ms(header, aps_client_now_ms(sending->queue->client) / 1000);
}

/* Takes *outcome. */
static void ended(struct aps_core *core, struct aps_outcome_sink *sink, struct aps_outcome *outcome)
{
	struct aps_sending *sending = APS_CONTAINER_OF(sink, struct aps_sending, sink);
	clear_request(sending);
	aps_outcome_clear(&sending->outcome);
	aps_outcome_move(&sending->outcome, outcome);
	sending->record = sending->error_record = (struct aps_str){NULL, 0};
	sending->is_kept = sending->has_lost_answer = false;
	aps_buf_reset(&sending->mapped);
	sending->retry_after_ms = retry_after(sending);
	aps_reach_heard(core, sending->queue->client, &sending->outcome);
	sending->queue->outbox.successes = aps_reach_successes(core, sending->queue->client);
	if (sending->is_look) {
		judge_look(sending);
	} else {
		aps_flight_note_answer(core, sending->queue->client);
		judge_answer(sending);
	}
	aps_queue_run(sending->queue);
}

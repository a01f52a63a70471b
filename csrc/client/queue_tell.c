#include "client/queue_tell.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/partition.h"
#include "client/queue_answer.h"
#include "client/queue_lead.h"
#include "client/queue_logged.h"
#include "client/queue_outcome.h"
#include "client/queue_told.h"
#include "client/queue_turn.h"
#include "client/queue_waits.h"
#include "client/reach.h"
#include "codec/json_writer.h"
#include "store/outcomes.h"

#define STUCK_MS 60000

/* An object that is begun. */
struct telling {
	struct aps_buf json;
	struct aps_json_writer w;
};

static void begin(struct telling *telling, const char *what)
{
	aps_buf_init(&telling->json, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&telling->w, &telling->json);
	aps_json_write_object(&telling->w);
	aps_json_write_member(&telling->w, "what", aps_str_of(what));
}

static enum aps_rc emit(const struct aps_queue *queue, struct telling *telling, struct aps_err *err)
{
	aps_json_write_object_end(&telling->w);
	enum aps_rc rc = aps_json_writer_finish(&telling->w) == APS_OK
	                         ? APS_OK
	                         : aps_fail(err, APS_E_NOMEM, "no memory for the queue's news");
	struct aps_result_event *event = rc == APS_OK ? aps_result_event_new(queue->cache) : NULL;
	if (rc == APS_OK && event == NULL) rc = aps_fail(err, APS_E_NOMEM, "out of memory");
	if (rc == APS_OK) rc = aps_result_event_set_json(event, &telling->json, err);
	aps_buf_clear(&telling->json);
	if (rc != APS_OK) {
		aps_result_event_unref(event);
		return rc;
	}
	event->head.kind = APS_EVENT_QUEUE;
	event->big_integers_as_text = queue->client->settings.big_integers_as_text;
	aps_core_emit(queue->core, &event->head);
	return APS_OK;
}

static void write_int(struct aps_json_writer *w, const char *key, int64_t value)
{
	aps_json_write_key(w, aps_str_of(key));
	aps_json_write_int(w, value);
}

static void write_bool(struct aps_json_writer *w, const char *key, bool is_true)
{
	aps_json_write_key(w, aps_str_of(key));
	aps_json_write_bool(w, is_true);
}

static void write_span(struct aps_json_writer *w, const char *key, struct aps_str json)
{
	if (json.n == 0) return;
	aps_json_write_key(w, aps_str_of(key));
	aps_json_write_raw(w, json);
}

static void write_entry(struct aps_json_writer *w, const struct aps_sending *sending)
{
	const struct aps_outbox_entry *entry = &sending->row.entry;
	char id[APS_ENTRY_TEXT_CHARS + 1];
	aps_queue_id_text(sending->queue, sending->number, id);
	write_int(w, "entry", (int64_t)sending->number);
	aps_json_write_member(w, "id", aps_str_of(id));
	aps_json_write_member(w, "document", entry->document);
	if (entry->name.n != 0) aps_json_write_member(w, "operation", entry->name);
	aps_json_write_member(w, "mutation", aps_queue_outcome_field(&sending->operation));
	write_span(w, "variables", aps_buf_str(&sending->variables));
}

enum aps_rc aps_queue_ask_headers(const struct aps_sending *sending, struct aps_err *err)
{
	struct telling telling;
	const struct aps_queue_wait *wait = aps_queue_waits_find(sending->queue, sending->number);
	begin(&telling, "headers");
	write_entry(&telling.w, sending);
	if (wait != NULL) write_int(&telling.w, "call", (int64_t)wait->call);
	aps_json_write_member(&telling.w, "mode",
	                      aps_str_of(aps_entry_mode_name(aps_entry_mode(sending->row.entry.id))));
	return emit(sending->queue, &telling, err);
}

enum aps_rc aps_queue_ask_resolver(const struct aps_sending *sending, const struct aps_outbox_action *action,
                                   struct aps_err *err)
{
	struct telling telling;
	begin(&telling, "conflict");
	write_entry(&telling.w, sending);
	struct aps_str record = sending->record.n != 0 ? sending->record : sending->error_record;
	if (!aps_str_is(record, "null")) write_span(&telling.w, "data", record);
	write_int(&telling.w, "retries", (int64_t)action->n_rounds + 1);
	write_bool(&telling.w, "in_doubt", action->is_in_doubt);
	return emit(sending->queue, &telling, err);
}

static const struct aps_outbox_item *head_of(const struct aps_queue *queue)
{
	return queue->outbox.items;
}

static const char *state_of(const struct aps_queue *queue, const struct aps_outbox_item *head)
{
	struct aps_err err;
	if (aps_queue_look(queue, &err) != APS_OK) return "waiting_storage"; /* whatever it has */
	if (queue->n_entries == 0) return "idle";
	if (head == NULL) return queue->outbox.reach == APS_OUTBOX_ONLINE ? "sending" : "waiting_network";
	const char *reason = aps_outbox_reason_name(aps_outbox_reason(&queue->outbox, head));
	return reason != NULL ? reason : "sending";
}

static int64_t stuck_ms_of(const struct aps_queue *queue)
{
	return queue->n_entries != 0 ? aps_clock_mono_ms() - queue->advanced_ms : 0;
}

/* Why nothing is sent, for people. */
static enum aps_queue_why find_why(const struct aps_queue *queue, struct aps_err *why)
{
	const struct aps_outbox_item *head = head_of(queue);
	const struct aps_sending *sending = head != NULL ? aps_sending_find(queue, head->number) : NULL;
	if (aps_queue_look(queue, why) != APS_OK) return APS_QUEUE_WHY_ERROR;
	if (queue->n_entries == 0) return APS_QUEUE_WHY_NONE;
	if (sending != NULL && sending->outcome.response.err.code != APS_OK) {
		*why = sending->outcome.response.err;
		return APS_QUEUE_WHY_ERROR;
	}
	bool is_told = aps_reach_is_told_offline(queue->core, queue->client) &&
	               aps_str_is(aps_str_of(state_of(queue, head)), "waiting_network");
	if (is_told) aps_fail(why, APS_E_NETWORK, "set_online(false) was called");
	return is_told ? APS_QUEUE_WHY_TOLD : APS_QUEUE_WHY_NONE;
}

static struct aps_queue_shown look_at(struct aps_queue *queue)
{
	struct aps_err err;
	const struct aps_outbox_item *head = head_of(queue);
	(void)aps_queue_count(queue, &err); /* where it can't be counted now, what was known last is told */
	return (struct aps_queue_shown){
	        .state = state_of(queue, head),
	        .head = head != NULL && queue->n_entries != 0 ? head->number : 0,
	        .n_entries = queue->n_entries,
	        .n_dead = queue->n_dead,
	        .is_stuck = stuck_ms_of(queue) >= STUCK_MS,
	        .why = find_why(queue, &err),
	};
}

/* A RESULT may have said what has changed. The texts of errors aren't compared. */
static bool is_shown(const struct aps_queue *queue, const struct aps_queue_shown *now)
{
	const struct aps_queue_shown *shown = &queue->shown;
	return shown->state != NULL && strcmp(shown->state, now->state) == 0 && shown->head == now->head &&
	       shown->n_entries == now->n_entries && shown->n_dead == now->n_dead && shown->is_stuck == now->is_stuck &&
	       shown->why == now->why && now->why != APS_QUEUE_WHY_ERROR;
}

int64_t aps_queue_show_size(struct aps_queue *queue)
{
	struct aps_queue_shown now = look_at(queue);
	now.n_entries = queue->shown.n_entries;
	if (!queue->is_counted || !is_shown(queue, &now)) return 0;
	queue->shown.n_entries = queue->n_entries;
	return queue->n_entries;
}

void aps_queue_write_state(struct aps_json_writer *w, struct aps_queue *queue)
{
	char id[APS_ENTRY_TEXT_CHARS + 1];
	struct aps_err why;
	const struct aps_queue_shown now = look_at(queue);
	int64_t stuck_ms = stuck_ms_of(queue);
	aps_json_write_member(w, "state", aps_str_of(now.state));
	write_int(w, "size", queue->n_entries);
	write_int(w, "dead", queue->n_dead);
	aps_json_write_key(w, APS_STR("stuck_for"));
	aps_json_write_double(w, stuck_ms >= STUCK_MS ? (double)stuck_ms / 1000.0 : 0);
	if (now.head != 0) {
		aps_queue_id_text(queue, now.head, id);
		aps_json_write_member(w, "head", aps_str_of(id));
	}
	if (find_why(queue, &why) != APS_QUEUE_WHY_NONE) aps_json_write_member(w, "reason", aps_str_of(why.msg));
}

void aps_queue_tell_state(struct aps_queue *queue)
{
	struct telling telling;
	struct aps_err err;
	if (!queue->has_changed) return;
	const struct aps_queue_shown now = look_at(queue);
	queue->has_changed = false;
	if (is_shown(queue, &now)) return;
	begin(&telling, "state");
	aps_queue_write_state(&telling.w, queue);
	queue->has_changed = emit(queue, &telling, &err) != APS_OK;
	if (!queue->has_changed) queue->shown = now;
}

void aps_queue_tell_stuck(struct aps_queue *queue)
{
	const struct aps_outbox_item *head = head_of(queue);
	if (queue->is_stuck_told || queue->n_entries == 0) return;
	struct aps_err why;
	const char *text = find_why(queue, &why) != APS_QUEUE_WHY_NONE ? why.msg : state_of(queue, head);
	queue->is_stuck_told = true;
	aps_core_log(queue->core, queue->client->id, "warn",
	             "the outbox hasn't got on for %d s, with %lld mutations in it: %s", STUCK_MS / 1000,
	             (long long)queue->n_entries, text);
	aps_queue_note_change(queue);
}

/* It came in an earlier run, which has put it into the cache; what this process has queued and another one sent is new.
 */
static bool is_old(const struct aps_queue *queue, const struct aps_kept_outcome *outcome)
{
	int64_t by = aps_queue_outcome_by(outcome->content);
	if (by != 0 && aps_queue_whose(queue, by, outcome->entry) == APS_QUEUE_OURS) return false;
	return queue->first_outcome == 0 || outcome->number < queue->first_outcome;
}

/* What the log has is one object more, into which the rest goes. */
static enum aps_rc tell(struct aps_queue *queue, const char *what, const struct aps_kept_outcome *outcome,
                        struct aps_err *err)
{
	struct telling telling;
	struct aps_str content = outcome->content;
	bool has_layer;
	if (content.n < 2 || content.p[0] != '{') return aps_fail(err, APS_E_STORAGE, "an outcome can't be read");
	if (aps_partition_is_answered(queue->partition, (uint64_t)outcome->entry, &has_layer, err) != APS_OK)
		has_layer = true; /* there may be one */
	begin(&telling, what);
	write_int(&telling.w, "number", outcome->number);
	write_int(&telling.w, "entry", outcome->entry);
	write_bool(&telling.w, "is_old", is_old(queue, outcome));
	write_bool(&telling.w, "has_layer", has_layer);
	if (content.n > 2) aps_buf_add_byte(&telling.json, ',');
	aps_buf_add(&telling.json, content.p + 1, content.n - 2);
	return emit(queue, &telling, err);
}

bool aps_queue_tell_answer(struct aps_queue *queue, const struct aps_kept_outcome *outcome)
{
	struct aps_err err;
	return tell(queue, "answer", outcome, &err) == APS_OK;
}

/* One that its process has left unsettled when it died is settled when it is told. */
static bool is_put_off(struct aps_queue *queue, const struct aps_kept_outcome *outcome)
{
	struct aps_err err;
	bool is_answered = false;
	(void)aps_partition_is_answered(queue->partition, (uint64_t)outcome->entry, &is_answered, &err);
	return is_answered && aps_queue_turn_is_others(queue, outcome);
}

void aps_queue_tell_outcome(struct aps_queue *queue)
{
	struct aps_kept_outcome outcome;
	struct aps_err err;
	int64_t after = 0;
	if (queue->asked_outcome != 0 || !queue->has_untold) return;
	if (aps_queue_know(queue, &err) != APS_OK || queue->owner == 0) return;
	aps_kept_outcome_init(&outcome);
	enum aps_rc rc;
	do {
		rc = aps_outcomes_next_untold(aps_queue_db(queue), queue->owner, after, &outcome, &err);
		after = outcome.number;
	} while (after != 0 &&
	         (rc != APS_OK || aps_queue_was_told(queue, (uint64_t)after) || !aps_queue_is_ours(queue, &outcome)));
	bool is_due =
	        rc == APS_OK && outcome.number != 0 && outcome.number <= queue->settled && !is_put_off(queue, &outcome);
	if (is_due) rc = tell(queue, "outcome", &outcome, &err);
	if (is_due && rc == APS_OK) queue->asked_outcome = (uint64_t)outcome.number;
	queue->has_untold = rc != APS_OK || outcome.number != 0; /* what failed is tried again in another turn */
	aps_kept_outcome_clear(&outcome);
}

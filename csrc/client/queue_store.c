#include "client/queue_store.h"

#include "base/clock.h"
#include "cache/cell.h"
#include "client/partition.h"
#include "client/process.h"
#include "client/queue_lead.h"
#include "client/queue_outcome.h"
#include "client/queue_pruning.h"
#include "client/queue_settle.h"
#include "client/sent_entry.h"
#include "client/version_seen.h"
#include "codec/json_writer.h"
#include "store/dead_letters.h"
#include "store/id_map.h"
#include "store/outcomes.h"
#include "sync/answered_id.h"
#include "sync/identity_fields.h"
#include "sync/named_ids.h"

static int64_t row_id(const struct aps_queue *queue, const struct aps_outbox_action *action)
{
	return aps_entry_id(queue->owner, (enum aps_entry_mode)action->mode, (int64_t)action->number);
}

static int64_t slot(const struct aps_queue *queue)
{
	int64_t own = aps_queue_slot(queue);
	return own != 0 ? own : 1; /* there is no other process */
}

static enum aps_rc mark(struct aps_queue *queue, const struct aps_outbox_action *action, struct aps_err *err)
{
	int64_t until_ms = aps_clock_wall_ms() + APS_QUEUE_LEASE_MS;
	bool is_by_entity = queue->settings.order == APS_OUTBOX_ENTITY;
	enum aps_rc rc = is_by_entity ? aps_queue_note_fact(queue, APS_OUTBOX_FACT_BY_ENTITY, err) : APS_OK;
	if (rc != APS_OK) return rc;
	return aps_delivery_mark(aps_queue_db(queue), row_id(queue, action), slot(queue), until_ms,
	                         (int64_t)action->n_attempts, err);
}

static enum aps_rc count(struct aps_queue *queue, const struct aps_outbox_action *action, struct aps_err *err)
{
	const struct aps_sending *sending = aps_sending_find(queue, action->number);
	struct aps_buf cause;
	struct aps_json_writer w;
	aps_buf_init(&cause, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&w, &cause);
	if (sending != NULL && sending->outcome.response.err.code != APS_OK)
		aps_queue_outcome_write_cause(&w, queue, &sending->outcome, NULL, 0);
	const struct aps_delivery_row counts = {
	        .n_attempts = (int64_t)action->n_attempts,
	        .n_counted = (int64_t)action->n_counted,
	        .n_rounds = (int64_t)action->n_rounds,
	        .cause = aps_json_writer_finish(&w) == APS_OK ? aps_buf_str(&cause) : APS_STR(""),
	};
	enum aps_rc rc = aps_delivery_count(aps_queue_db(queue), row_id(queue, action), &counts, err);
	aps_buf_clear(&cause);
	return rc;
}

static enum aps_rc unmark(struct aps_queue *queue, const struct aps_outbox_action *action, struct aps_err *err)
{
	enum aps_rc rc = aps_delivery_unmark(aps_queue_db(queue), row_id(queue, action), err);
	return rc == APS_OK ? count(queue, action, err) : rc;
}

/* The variables are those that the sending was given by the resolver. */
static enum aps_rc rewrite(struct aps_queue *queue, const struct aps_outbox_action *action, struct aps_err *err)
{
	struct aps_sending *sending = aps_sending_find(queue, action->number);
	if (sending == NULL) return aps_fail(err, APS_E_INTERNAL, "a resolution has no mutation");
	struct aps_outbox_entry entry = sending->row.entry;
	entry.variables = aps_buf_str(&sending->variables);
	enum aps_rc rc = aps_outbox_update(aps_queue_db(queue), &entry, err);
	if (rc == APS_OK) rc = mark(queue, action, err);
	return rc == APS_OK ? count(queue, action, err) : rc;
}

static bool take_text(struct aps_str *rest, struct aps_str *text)
{
	uint64_t n;
	if (rest->n == 0 || !aps_cell_take_count(rest, &n) || n > rest->n) return false;
	*text = (struct aps_str){rest->p, (size_t)n};
	rest->p += n;
	rest->n -= (size_t)n;
	return true;
}

/* For the order of entities. */
static enum aps_rc note_rename(struct aps_queue *queue, const struct aps_id_made *pair, struct aps_err *err)
{
	const uint64_t hashes[2] = {aps_named_ids_hash(pair->temporary), aps_named_ids_hash(pair->made)};
	aps_buf_add(&queue->renamed, hashes, sizeof hashes);
	if (queue->renamed.rc == APS_OK) return APS_OK;
	queue->renamed.rc = APS_OK;
	return aps_fail(err, APS_E_NOMEM, "no memory for the order of the queue");
}

/* What it had under a temporary id goes by the service's from now on. */
static enum aps_rc map_ids(struct aps_queue *queue, const struct aps_sending *sending, struct aps_err *err)
{
	struct aps_str rest = aps_buf_str(&sending->mapped), type;
	enum aps_rc rc = APS_OK;
	struct aps_id_made pair;
	aps_id_made_init(&pair);
	pair.owner = queue->owner;
	pair.is_made = true;
	pair.maker = (int64_t)sending->number;
	pair.at_ms = aps_clock_wall_ms();
	while (rc == APS_OK && take_text(&rest, &type) && take_text(&rest, &pair.temporary) &&
	       take_text(&rest, &pair.made)) {
		rc = aps_id_map_set_made(aps_queue_db(queue), &pair, err);
		if (rc == APS_OK) rc = note_rename(queue, &pair, err);
	}
	queue->has_new_ids = true;
	aps_id_made_clear(&pair);
	return rc;
}

/* The layer has told what came in the place of what it had; there may have been no memory for that. */
static bool is_compared(const struct aps_sending *sending)
{
	int64_t flags = sending->row.entry.flags;
	return (flags & APS_ENTRY_LAYER) != 0 && (flags & APS_ENTRY_UNCACHED) == 0 && !sending->parked.has_failed &&
	       !sending->has_lost_answer;
}

/* What the answer has in the place of one that it made: that one itself where the service has left it as it was, or
 * nothing came of it. Empty: it may have got another one, and the answer doesn't show it: what names it isn't sent. */
static enum aps_rc id_in_answer(struct aps_queue *queue, struct aps_sending *sending, struct aps_str key,
                                struct aps_str *made, struct aps_err *err)
{
	struct aps_str type = aps_identity_type(key), temporary = aps_identity_tail(key);
	const struct aps_type_policy *policy = aps_policies_find_type(queue->partition->policies, type);
	const struct aps_answered_id_question question = {
	        .optimistic = aps_buf_str(&sending->optimistic),
	        .data = sending->outcome.response.data,
	        .type = type,
	        .temporary = temporary,
	        .field = policy != NULL && policy->n_key_fields == 1 ? policy->key_fields[0] : APS_STR(""),
	};
	enum aps_rc rc = aps_answered_id_of(&question, &sending->arena, made, err);
	if (made->n == 0 && is_compared(sending)) *made = temporary;
	return rc;
}

/* Those that no layer has told: it was cleared with its cache, or the mutation was queued again without it. */
static enum aps_rc keep_ids(struct aps_queue *queue, struct aps_sending *sending, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < sending->extra.made.n_items; i++) {
		struct aps_id_made pair, known;
		struct aps_str key = sending->extra.made.items[i], id = aps_identity_tail(key);
		aps_id_made_init(&known);
		rc = aps_id_map_find(aps_queue_db(queue), queue->owner, id, &known, err);
		bool is_open =
		        rc == APS_OK && known.owner != 0 && !known.is_made && known.maker == (int64_t)sending->number;
		pair = known;
		pair.temporary = id;
		pair.is_made = true;
		pair.at_ms = aps_clock_wall_ms();
		if (is_open) rc = id_in_answer(queue, sending, key, &pair.made, err);
		is_open = is_open && pair.made.n != 0;
		if (is_open && rc == APS_OK) rc = aps_id_map_set_made(aps_queue_db(queue), &pair, err);
		if (is_open && rc == APS_OK && !aps_str_eq(pair.made, id)) rc = note_rename(queue, &pair, err);
		aps_id_made_clear(&known);
	}
	return rc;
}

/* The application has functions for the answer: those of the process that has queued it, while that lives. */
static bool is_awaited(const struct aps_queue *queue, const struct aps_sending *sending)
{
	switch (aps_queue_whose(queue, sending->extra.by, (int64_t)sending->number)) {
	case APS_QUEUE_OTHERS: return sending->extra.has_update;
	case APS_QUEUE_NOBODYS: return sending->has_update || queue->settings.has_updates;
	case APS_QUEUE_OURS:
	default: return sending->has_update;
	}
}

/* The layer stays until the application's update has made of the answer what is to be; without one it goes now. */
static enum aps_rc pass_layer(struct aps_queue *queue, struct aps_sending *sending, struct aps_err *err)
{
	int64_t flags = sending->row.entry.flags;
	if ((flags & APS_ENTRY_LAYER) == 0) return APS_OK;
	bool has_rules = (flags & APS_ENTRY_RULES) != 0;
	sending->has_layer = has_rules || is_awaited(queue, sending);
	if (sending->has_layer) return aps_partition_answer_layer(queue->partition, sending->number, err);
	return aps_partition_fold_layer(queue->partition, sending->number, err);
}

static enum aps_rc log_outcome(struct aps_queue *queue, struct aps_sending *sending,
                               const struct aps_outbox_action *action, struct aps_err *err)
{
	struct aps_kept_outcome kept;
	struct aps_buf content;
	aps_kept_outcome_init(&kept);
	aps_buf_init(&content, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_queue_outcome_write(sending, action, &content, err);
	kept.owner = queue->owner;
	kept.entry = (int64_t)sending->number;
	kept.finished_ms = aps_clock_wall_ms();
	kept.content = aps_buf_str(&content);
	if (rc == APS_OK) rc = aps_outcomes_add(aps_queue_db(queue), &kept, err);
	sending->outcome_number = rc == APS_OK ? (uint64_t)kept.number : 0;
	if (rc == APS_OK && queue->first_outcome == 0) queue->first_outcome = kept.number;
	if (rc == APS_OK) aps_queue_settle_note(queue, kept.number);
	if (aps_queue_whose(queue, sending->extra.by, kept.entry) == APS_QUEUE_OTHERS) queue->vault->is_urgent = true;
	aps_queue_pruning_note(queue);
	aps_buf_clear(&content);
	aps_kept_outcome_clear(&kept);
	return rc;
}

/* What it had is in hand; an entry whose row was never read, because it was found in doubt, is read now. */
static struct aps_sending *sending_of(struct aps_queue *queue, const struct aps_outbox_action *action,
                                      struct aps_err *err)
{
	struct aps_sending *sending = aps_sending_get(queue, action->number, err);
	if (sending == NULL || sending->row.entry.id != 0) return sending;
	enum aps_rc rc = aps_sent_entry_read(sending, err);
	return rc == APS_OK || sending->row.entry.id != 0 ? sending : NULL;
}

static enum aps_rc finish(struct aps_queue *queue, const struct aps_outbox_action *action, struct aps_err *err)
{
	struct aps_sending *sending = sending_of(queue, action, err);
	if (sending == NULL) return err->code;
	enum aps_rc rc = APS_OK;
	aps_sending_keep_again(sending);
	if (rc == APS_OK) rc = map_ids(queue, sending, err);
	if (rc == APS_OK) rc = keep_ids(queue, sending, err);
	if (rc == APS_OK) rc = pass_layer(queue, sending, err);
	if (rc == APS_OK) rc = aps_outbox_remove(aps_queue_db(queue), row_id(queue, action), err);
	if (rc == APS_OK) rc = log_outcome(queue, sending, action, err);
	if (rc == APS_OK) queue->n_entries--;
	return rc;
}

/* Where nothing else is known, or the last answer was that of a look, which went well. */
static void explain(struct aps_sending *sending, const struct aps_outbox_action *action)
{
	struct aps_err err;
	if (sending->outcome.response.err.code != APS_OK) return;
	if (action->outcome == APS_DELIVERY_ENDED_BLOCKED)
		aps_fail_word(&err, APS_E_CONFLICT, "blocked", 0,
		              "the mutation that was to make a record that this one names has failed");
	else if (action->outcome == APS_DELIVERY_ENDED_CONFLICT)
		aps_fail_word(&err, APS_E_CONFLICT, "unresolved", 0,
		              "the service's record has changed, and the conflict wasn't resolved");
	else if (sending->is_looked_at)
		aps_fail_word(&err, APS_E_NETWORK, "unknown_outcome", 0,
		              "the answer was lost, and the service's record doesn't tell whether the mutation was "
		              "executed");
	else
		aps_fail_word(&err, APS_E_NETWORK, "unknown_outcome", 0,
		              "the process ended while the mutation was being sent: it may have been executed");
	err.sent = action->outcome == APS_DELIVERY_ENDED_UNKNOWN;
	err.retryable = false;
	aps_sending_set_err(sending, &err);
}

static enum aps_rc bury_row(struct aps_queue *queue, const struct aps_sending *sending,
                            const struct aps_outbox_action *action, struct aps_err *err)
{
	struct aps_buf cause;
	struct aps_json_writer w;
	const char *dead = aps_delivery_outcome_name(action->outcome);
	aps_buf_init(&cause, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&w, &cause);
	aps_queue_outcome_write_cause(&w, queue, &sending->outcome, dead, action->blocked_by);
	const struct aps_death death = {
	        .died_ms = aps_clock_wall_ms(),
	        .outcome = aps_str_of(dead),
	        .blocked_by = (int64_t)action->blocked_by,
	        .cause = aps_json_writer_finish(&w) == APS_OK ? aps_buf_str(&cause) : APS_STR("{}"),
	};
	enum aps_rc rc = aps_dead_letters_bury(aps_queue_db(queue), row_id(queue, action), &death, err);
	aps_buf_clear(&cause);
	return rc;
}

/* Its layer may be above the record of a temporary id; its roots have the service's. */
static enum aps_rc drop_layer(struct aps_queue *queue, const struct aps_sending *sending, bool is_unknown,
                              struct aps_err *err)
{
	if ((sending->row.entry.flags & APS_ENTRY_LAYER) == 0) return APS_OK;
	enum aps_rc rc = aps_partition_drop_layer(queue->partition, sending->number, is_unknown, err);
	for (size_t i = 0; rc == APS_OK && is_unknown && i < sending->extra.roots.n_items; i++)
		rc = aps_partition_doubt_record(queue->partition, sending->extra.roots.items[i], err);
	return rc;
}

static enum aps_rc bury(struct aps_queue *queue, const struct aps_outbox_action *action, struct aps_err *err)
{
	struct aps_sending *sending = sending_of(queue, action, err);
	if (sending == NULL) return err->code;
	bool is_unknown = action->outcome == APS_DELIVERY_ENDED_UNKNOWN;
	explain(sending, action);
	enum aps_rc rc = bury_row(queue, sending, action, err);
	if (rc == APS_OK) rc = drop_layer(queue, sending, is_unknown, err);
	if (rc == APS_OK) rc = log_outcome(queue, sending, action, err);
	if (rc == APS_OK) queue->n_entries--;
	if (rc == APS_OK) queue->n_dead++;
	return rc;
}

static enum aps_rc store(struct aps_queue *queue, const struct aps_outbox_action *action, struct aps_err *err)
{
	enum aps_rc rc;
	switch (action->store) {
	case APS_DELIVERY_STORE_MARK:
		rc = mark(queue, action, err);
		return rc == APS_OK ? aps_version_seen_check(queue, action->number, err) : rc;
	case APS_DELIVERY_STORE_REWRITE: return rewrite(queue, action, err);
	case APS_DELIVERY_STORE_FINISH: return finish(queue, action, err);
	case APS_DELIVERY_STORE_BURY: return bury(queue, action, err);
	case APS_DELIVERY_STORE_UNMARK: return unmark(queue, action, err);
	case APS_DELIVERY_STORE_NUMBERS: return count(queue, action, err);
	case APS_DELIVERY_STORE_NOTHING:
	case APS_DELIVERY_STORE_COUNT:
	default: return APS_OK;
	}
}

enum aps_rc aps_queue_store_action(struct aps_queue *queue, const struct aps_outbox_action *action, struct aps_err *err)
{
	bool is_durable = aps_delivery_is_durable(action->store);
	if (action->store == APS_DELIVERY_STORE_NOTHING) return APS_OK;
	enum aps_rc rc = aps_queue_begin(queue, is_durable, err);
	if (rc == APS_OK) rc = store(queue, action, err);
	return rc == APS_OK ? aps_queue_check_begun(queue, is_durable, err) : rc;
}

#include "client/queue_change.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/partition_adopt.h"
#include "client/queue_answered.h"
#include "client/queue_settle.h"
#include "client/queue_told.h"
#include "client/queue_waits.h"
#include "client/queueing.h"
#include "client/sending.h"
#include "store/db_space.h"
#include "store/dead_letters.h"
#include "store/outbox_counts.h"
#include "store/owner_move.h"
#include "store/owners.h"

#define DISCARDED "{\"kind\":\"cancelled\",\"message\":\"the application has discarded it\",\"outcome\":\"discarded\"}"

/* The row of a number that is the owner's. id 0: there is none. */
static enum aps_rc find(struct aps_queue *queue, int64_t number, struct aps_outbox_row *row, struct aps_err *err)
{
	enum aps_rc rc = aps_outbox_find_number(aps_queue_db(queue), number, row, err);
	if (rc == APS_OK && row->entry.id != 0 && aps_entry_owner(row->entry.id) != queue->owner) row->entry.id = 0;
	return rc;
}

static enum aps_rc find_dead(struct aps_queue *queue, int64_t number, struct aps_dead_letter *letter,
                             struct aps_err *err)
{
	enum aps_rc rc = aps_dead_letters_find_number(aps_queue_db(queue), number, letter, err);
	if (rc == APS_OK && letter->entry.id != 0 && aps_entry_owner(letter->entry.id) != queue->owner)
		letter->entry.id = 0;
	return rc;
}

static enum aps_rc refuse(struct aps_err *err)
{
	return aps_fail_word(err, APS_E_USAGE, "sending", 0, "the mutation is being sent at this moment");
}

/* What was read of it is worth nothing. */
static void end_sending(struct aps_queue *queue, int64_t number)
{
	struct aps_sending *sending = aps_sending_find(queue, (uint64_t)number);
	if (sending != NULL) aps_sending_end(sending);
	queue->has_news = true;
	aps_queue_note_change(queue);
}

/* What waits for headers or a token can be changed: no request is under way, and the store says so. */
static enum aps_rc recall(struct aps_queue *queue, int64_t number, struct aps_err *err)
{
	const struct aps_sending *sending = aps_sending_find(queue, (uint64_t)number);
	if (sending == NULL || !aps_sending_is_idle(sending)) return APS_OK;
	enum aps_rc rc = aps_sending_unmark(sending, err);
	if (rc == APS_OK) aps_outbox_recall(&queue->outbox, (uint64_t)number);
	return rc;
}

/* What was known of it outside the store goes. */
static enum aps_rc withdraw(struct aps_queue *queue, int64_t number, struct aps_err *err)
{
	enum aps_rc rc = recall(queue, number, err);
	if (rc != APS_OK) return rc;
	const struct aps_outbox_item *item = aps_outbox_item(&queue->outbox, (uint64_t)number);
	if (item != NULL && aps_delivery_is_under_way(&item->delivery)) return refuse(err);
	aps_queue_waits_withdraw(queue, (uint64_t)number); /* while it is known whether it was sent */
	aps_outbox_withdraw(&queue->outbox, (uint64_t)number);
	end_sending(queue, number);
	aps_number_set_remove(&queue->updates, (uint64_t)number);
	aps_outbox_look_again(&queue->outbox);
	return APS_OK;
}

static enum aps_rc drop_layer(struct aps_queue *queue, const struct aps_outbox_entry *entry, struct aps_err *err)
{
	if ((entry->flags & APS_ENTRY_LAYER) == 0) return APS_OK;
	return aps_partition_drop_layer(queue->partition, (uint64_t)aps_entry_number(entry->id), false, err);
}

static enum aps_rc discard_queued(struct aps_queue *queue, const struct aps_outbox_row *row, struct aps_err *err)
{
	enum aps_rc rc = withdraw(queue, aps_entry_number(row->entry.id), err);
	if (rc == APS_OK) rc = aps_outbox_remove(aps_queue_db(queue), row->entry.id, err);
	if (rc == APS_OK) rc = drop_layer(queue, &row->entry, err);
	if (rc == APS_OK) queue->n_entries--;
	return rc;
}

static enum aps_rc discard_dead(struct aps_queue *queue, int64_t number, bool *is_done, struct aps_err *err)
{
	struct aps_dead_letter letter;
	aps_dead_letter_init(&letter);
	enum aps_rc rc = find_dead(queue, number, &letter, err);
	*is_done = rc == APS_OK && letter.entry.id != 0;
	if (*is_done) rc = aps_dead_letters_discard(aps_queue_db(queue), letter.entry.id, err);
	if (*is_done && rc == APS_OK) queue->n_dead--;
	aps_dead_letter_clear(&letter);
	aps_queue_note_change(queue);
	return rc;
}

enum aps_rc aps_queue_discard(struct aps_queue *queue, int64_t number, bool *is_done, struct aps_err *err)
{
	struct aps_outbox_row row;
	*is_done = false;
	aps_outbox_row_init(&row);
	enum aps_rc rc = aps_queue_begin(queue, true, err);
	if (rc == APS_OK) rc = aps_queue_count(queue, err);
	if (rc == APS_OK) rc = find(queue, number, &row, err);
	if (rc == APS_OK && row.entry.id != 0) {
		*is_done = true;
		rc = discard_queued(queue, &row, err);
	} else if (rc == APS_OK) {
		rc = discard_dead(queue, number, is_done, err);
	}
	aps_outbox_row_clear(&row);
	return rc;
}

static enum aps_rc edit_dead(struct aps_queue *queue, int64_t number, struct aps_str variables, bool *is_done,
                             struct aps_err *err)
{
	struct aps_dead_letter letter;
	aps_dead_letter_init(&letter);
	enum aps_rc rc = find_dead(queue, number, &letter, err);
	*is_done = rc == APS_OK && letter.entry.id != 0;
	if (*is_done) rc = aps_dead_letters_discard(aps_queue_db(queue), letter.entry.id, err);
	letter.entry.variables = variables;
	if (*is_done && rc == APS_OK)
		rc = aps_dead_letters_insert(aps_queue_db(queue), &letter.entry, &letter.death, err);
	aps_dead_letter_clear(&letter);
	return rc;
}

enum aps_rc aps_queue_edit(struct aps_queue *queue, int64_t number, struct aps_str variables, bool *is_done,
                           struct aps_err *err)
{
	struct aps_outbox_row row;
	*is_done = false;
	aps_outbox_row_init(&row);
	enum aps_rc rc = aps_queue_begin(queue, true, err);
	if (rc == APS_OK) rc = find(queue, number, &row, err);
	if (rc == APS_OK && row.entry.id != 0) {
		*is_done = true;
		rc = recall(queue, number, err);
		if (rc == APS_OK && !aps_outbox_reread(&queue->outbox, (uint64_t)number)) rc = refuse(err);
		if (rc == APS_OK) end_sending(queue, number);
		row.entry.variables = variables;
		if (rc == APS_OK) rc = aps_outbox_update(aps_queue_db(queue), &row.entry, err);
	} else if (rc == APS_OK) {
		rc = edit_dead(queue, number, variables, is_done, err);
	}
	aps_outbox_row_clear(&row);
	return rc;
}

static enum aps_rc requeue(struct aps_queue *queue, const struct aps_dead_letter *letter,
                           const struct aps_caching_edits *edits, bool has_layer, struct aps_err *err)
{
	const struct aps_outbox_entry *entry = &letter->entry;
	struct aps_queue_extra extra;
	uint64_t number;
	enum aps_rc rc = aps_queue_extra_read(&extra, entry->extra, err);
	const struct aps_enqueue what = {
	        .mode = aps_entry_mode(entry->id),
	        .is_idempotent = (entry->flags & APS_ENTRY_IDEMPOTENT) != 0,
	        .is_uncached = (entry->flags & APS_ENTRY_UNCACHED) != 0,
	        .own_headers = extra.headers,
	        .rules = extra.rules,
	        .has_update = queue->settings.has_updates, /* by root fields: the client's */
	        .edits = *edits,
	        .has_layer = has_layer,
	};
	if (rc == APS_OK) rc = aps_queue_requeue(queue, entry, &what, &number, err);
	aps_queue_extra_clear(&extra);
	return rc;
}

/* What is queued waits no longer, but for its turn, the network and its maker. */
static enum aps_rc hurry(struct aps_queue *queue, int64_t number, bool *is_done, struct aps_err *err)
{
	struct aps_outbox_row row;
	aps_outbox_row_init(&row);
	enum aps_rc rc = find(queue, number, &row, err);
	*is_done = rc == APS_OK && row.entry.id != 0;
	if (*is_done) aps_outbox_hurry(&queue->outbox, (uint64_t)number);
	aps_outbox_row_clear(&row);
	queue->has_news = true;
	aps_queue_note_change(queue);
	return rc;
}

enum aps_rc aps_queue_retry(struct aps_queue *queue, int64_t number, const struct aps_caching_edits *edits,
                            bool has_layer, bool *is_done, struct aps_err *err)
{
	struct aps_dead_letter letter;
	aps_dead_letter_init(&letter);
	enum aps_rc rc = aps_queue_begin(queue, true, err);
	if (rc == APS_OK) rc = aps_queue_count(queue, err);
	if (rc == APS_OK) rc = find_dead(queue, number, &letter, err);
	bool is_dead = rc == APS_OK && letter.entry.id != 0;
	*is_done = is_dead;
	if (is_dead) rc = aps_dead_letters_discard(aps_queue_db(queue), letter.entry.id, err);
	if (is_dead && rc == APS_OK) rc = requeue(queue, &letter, edits, has_layer, err);
	if (is_dead && rc == APS_OK) queue->n_dead--;
	if (!is_dead && rc == APS_OK) rc = hurry(queue, number, is_done, err);
	aps_dead_letter_clear(&letter);
	return rc;
}

static enum aps_rc bury_one(struct aps_queue *queue, const struct aps_outbox_row *row, struct aps_err *err)
{
	const struct aps_death death = {
	        .died_ms = aps_clock_wall_ms(), .outcome = APS_STR("discarded"), .cause = APS_STR(DISCARDED)};
	enum aps_rc rc = withdraw(queue, aps_entry_number(row->entry.id), err);
	if (rc == APS_OK) rc = aps_dead_letters_bury(aps_queue_db(queue), row->entry.id, &death, err);
	return rc == APS_OK ? drop_layer(queue, &row->entry, err) : rc;
}

enum aps_rc aps_queue_bury_all(struct aps_queue *queue, int64_t *n, struct aps_err *err)
{
	struct aps_outbox_row row;
	int64_t after = 0;
	*n = 0;
	aps_outbox_row_init(&row);
	enum aps_rc rc = aps_queue_begin(queue, true, err);
	if (rc == APS_OK) rc = aps_queue_count(queue, err);
	while (rc == APS_OK && queue->owner != 0) {
		rc = aps_outbox_next(aps_queue_db(queue), aps_entry_owned(queue->owner), after, &row, err);
		after = row.entry.id;
		if (rc != APS_OK || after == 0) break;
		rc = bury_one(queue, &row, err);
		if (rc == APS_E_USAGE) { /* it is being sent */
			rc = APS_OK;
			continue;
		}
		queue->n_entries--;
		queue->n_dead++;
		++*n;
	}
	aps_outbox_row_clear(&row);
	return rc;
}

/* What is deleted is overwritten: until the part of the cache is wiped, too (client/tidying.h). */
enum aps_rc aps_queue_wipe(struct aps_queue *queue, int64_t *n_rows, struct aps_err *err)
{
	*n_rows = 0;
	enum aps_rc rc = aps_queue_begin(queue, true, err);
	if (rc != APS_OK || queue->owner == 0) return rc;
	rc = aps_db_set_erasing(aps_queue_db(queue), true, err);
	if (rc == APS_OK) rc = aps_owner_wipe(aps_queue_db(queue), queue->owner, n_rows, err);
	if (rc != APS_OK) return rc;
	aps_queue_waits_withdraw(queue, 0);
	while (queue->sendings != NULL) aps_sending_end(queue->sendings);
	aps_outbox_forget(&queue->outbox);
	aps_queue_settle_anew(queue);
	aps_number_set_clear(&queue->updates);
	queue->owner = 0;
	queue->has_new_ids = true;
	queue->is_counted = true;
	queue->n_entries = queue->n_dead = 0;
	queue->has_news = true;
	aps_queue_note_change(queue);
	return APS_OK;
}

static bool is_sending(const struct aps_queue *queue)
{
	const struct aps_outbox_item *item = queue->outbox.items;
	for (; item != NULL; item = item->next) {
		const struct aps_sending *sending = aps_sending_find(queue, item->number);
		bool is_idle = sending != NULL && aps_sending_is_idle(sending);
		if (!is_idle && aps_delivery_is_under_way(&item->delivery)) return true;
	}
	return false;
}

/* All that the queue knew is somebody else's. */
static void start_anew(struct aps_queue *queue)
{
	struct aps_err err;
	aps_fail(&err, APS_E_CANCELLED, "another identity has adopted the mutation: it stays in the queue");
	aps_queue_waits_cancel_all(queue, &err);
	while (queue->sendings != NULL) aps_sending_end(queue->sendings);
	aps_outbox_forget(&queue->outbox);
	aps_queue_leave_told(queue);
	queue->owner = 0;
	queue->is_known = queue->is_counted = false;
	queue->n_entries = queue->n_dead = 0;
	queue->has_news = true;
	aps_queue_note_change(queue);
}

static enum aps_rc move_owner(struct aps_queue *queue, const char *identity, int64_t *owner, int64_t *n,
                              struct aps_err *err)
{
	struct aps_db *db = aps_queue_db(queue);
	struct aps_str prefix = aps_str_of(queue->prefix);
	int64_t from = 0;
	enum aps_rc rc = aps_owners_find(db, prefix, aps_str_of(identity), &from, err);
	*owner = queue->owner;
	if (rc != APS_OK || from == 0) return rc;
	rc = aps_outbox_count(db, aps_entry_owned(from), n, err);
	if (rc == APS_OK && queue->owner != 0) return aps_owner_move(db, from, queue->owner, err);
	*owner = from;
	return rc == APS_OK ? aps_owners_rename(db, from, prefix, aps_str_of(queue->identity), err) : rc;
}

/* `other`: the queue of that identity; NULL: this client hasn't opened it. */
static enum aps_rc look_at_guest(const struct aps_queue *queue, const struct aps_queue *other, const char *identity,
                                 struct aps_err *err)
{
	if (other != NULL && is_sending(other))
		return aps_fail_word(err, APS_E_USAGE, "sending", 0,
		                     "a mutation of that identity is being sent at this moment");
	if (other == NULL && aps_partition_is_open(queue->vault, queue->prefix, identity))
		return aps_fail_word(err, APS_E_USAGE, "in_use", 0,
		                     "this process has the identity \"%s\" open: close its client first", identity);
	return APS_OK;
}

static enum aps_rc unmark_idle(const struct aps_queue *queue, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (const struct aps_sending *sending = queue->sendings; rc == APS_OK && sending != NULL;
	     sending = sending->next)
		if (aps_sending_is_idle(sending)) rc = aps_sending_unmark(sending, err);
	return rc;
}

/* In one transaction, with nothing else in it: the partition is another one from then on. */
static enum aps_rc move_all(struct aps_queue *queue, struct aps_queue *other, const char *identity, int64_t *owner,
                            int64_t *n, struct aps_err *err)
{
	struct aps_partition *guest = other != NULL ? other->partition : NULL;
	enum aps_rc rc = aps_queue_begin(queue, true, err);
	if (rc == APS_OK && other != NULL) rc = aps_queue_store_told(other, err);
	if (rc == APS_OK && other != NULL) rc = unmark_idle(other, err);
	if (rc == APS_OK) rc = move_owner(queue, identity, owner, n, err);
	if (rc == APS_OK) rc = aps_partition_adopt(queue->partition, identity, guest, err);
	queue->has_new_ids = rc == APS_OK;
	if (other != NULL) other->has_new_ids = rc == APS_OK;
	return rc == APS_OK ? aps_queue_commit(queue, err) : rc;
}

static enum aps_rc adopt(struct aps_queue *queue, const char *identity, int64_t *n, struct aps_err *err)
{
	int64_t owner = 0;
	struct aps_queue *other = aps_queueing_find_identity(queue->core, queue->client, aps_str_of(identity));
	if (other == queue) return APS_OK;
	enum aps_rc rc = aps_queue_commit(queue, err);
	if (rc == APS_OK) rc = look_at_guest(queue, other, identity, err);
	int64_t part = queue->partition->store.part;
	if (rc == APS_OK) rc = move_all(queue, other, identity, &owner, n, err);
	if (rc != APS_OK) return rc;
	if (other != NULL) start_anew(other);
	queue->owner = owner;
	queue->is_counted = false;
	aps_queue_settle_anew(queue);
	queue->has_untold = queue->has_news = true;
	aps_outbox_look_again(&queue->outbox);
	aps_queue_note_change(queue);
	if (part != queue->partition->store.part) rc = aps_queue_fold_answered(queue, INT64_MAX, err);
	if (rc != APS_OK) aps_vault_suspect(queue->vault, err); /* it is adopted all the same */
	return APS_OK;
}

enum aps_rc aps_queue_adopt(struct aps_queue *queue, struct aps_str identity, int64_t *n, struct aps_err *err)
{
	char *text = aps_strndup(identity.p, identity.n);
	*n = 0;
	enum aps_rc rc = text != NULL ? adopt(queue, text, n, err) : aps_fail(err, APS_E_NOMEM, "out of memory");
	aps_free(text);
	return rc;
}

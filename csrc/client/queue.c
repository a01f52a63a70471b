#include "client/queue.h"

#include "base/clock.h"
#include "client/caching.h"
#include "client/queue_answered.h"
#include "client/queue_lead.h"
#include "client/reach.h"
#include "store/outbox_counts.h"
#include "store/outbox_number.h"
#include "store/owners.h"

#define REST_MS 1000 /* after trouble with the store or with memory */

struct aps_db *aps_queue_db(const struct aps_queue *queue)
{
	return queue->vault != NULL ? queue->vault->db : NULL;
}

void aps_queue_settings_clear(struct aps_queue_settings *settings)
{
	aps_arena_clear(&settings->arena);
	aps_header_list_init(&settings->headers, &settings->arena);
}

bool aps_queue_has_store(const struct aps_queue *queue)
{
	if (queue->vault == NULL || queue->vault->db == NULL) return false;
	return aps_vault_is_available(queue->vault) || aps_caching_is_in_memory_by_choice(queue->client, queue->vault);
}

enum aps_rc aps_queue_look(const struct aps_queue *queue, struct aps_err *err)
{
	if (aps_queue_has_store(queue)) return APS_OK;
	*err = queue->vault != NULL ? queue->vault->trouble : queue->trouble;
	if (err->code == APS_OK) aps_fail(err, APS_E_STORAGE, "there is no store");
	return err->code;
}

bool aps_queue_has_number(const struct aps_buf *numbers, uint64_t number)
{
	const uint64_t *all = (const uint64_t *)(const void *)numbers->p;
	for (size_t i = 0; i < numbers->n / sizeof *all; i++)
		if (all[i] == number) return true;
	return false;
}

/* A count that is damaged is told of by the rows, and mended. */
static enum aps_rc mend_counts(struct aps_queue *queue, int64_t owner, struct aps_err *err)
{
	struct aps_outbox_counts counts;
	bool is_whole = true;
	enum aps_rc rc = APS_OK;
	if (owner != 0) rc = aps_outbox_counts_read(aps_queue_db(queue), owner, &counts, &is_whole, err);
	if (rc != APS_OK || is_whole) return rc;
	rc = aps_vault_begin(queue->vault, err);
	return rc == APS_OK ? aps_outbox_counts_renew(aps_queue_db(queue), owner, err) : rc;
}

/* Those of processes that are no more are old, whenever they have queued. */
static enum aps_rc fold_answered(struct aps_queue *queue, struct aps_err *err)
{
	int64_t last = queue->last_old;
	enum aps_rc rc = APS_OK;
	if (!aps_queue_leads(queue)) return APS_OK;
	if (aps_vault_is_shared(queue->vault)) rc = aps_outbox_last_number(aps_queue_db(queue), &last, err);
	return rc == APS_OK ? aps_queue_fold_answered(queue, last, err) : rc;
}

/* What earlier runs have left of layers is settled then; what of that fails waits for the next run. */
static enum aps_rc find_owner(struct aps_queue *queue, struct aps_err *err)
{
	int64_t owner;
	struct aps_db *db = aps_queue_db(queue);
	if (queue->is_known) return APS_OK;
	enum aps_rc rc = aps_outbox_nonce(db, &queue->nonce, err);
	if (rc == APS_OK) rc = aps_owners_find(db, aps_str_of(queue->prefix), aps_str_of(queue->identity), &owner, err);
	if (rc == APS_OK && queue->last_old == 0) rc = aps_outbox_last_number(db, &queue->last_old, err);
	if (rc == APS_OK) rc = aps_outbox_facts_read(db, &queue->kept_facts, err);
	if (rc == APS_OK) rc = mend_counts(queue, owner, err);
	if (rc != APS_OK) {
		aps_vault_suspect(queue->vault, err);
		return rc;
	}
	queue->owner = owner;
	queue->is_counted = false;
	queue->merges = queue->merges || (queue->kept_facts & APS_OUTBOX_FACT_MERGES) != 0;
	queue->is_known = queue->has_untold = queue->has_unsettled = true;
	queue->only_unsettled = 0;
	if (fold_answered(queue, err) != APS_OK) aps_vault_suspect(queue->vault, err);
	return queue->is_known ? APS_OK : aps_fail(err, APS_E_STORAGE, "the store couldn't be written");
}

enum aps_rc aps_queue_know(struct aps_queue *queue, struct aps_err *err)
{
	enum aps_rc rc = aps_queue_look(queue, err);
	return rc == APS_OK ? find_owner(queue, err) : rc;
}

enum aps_rc aps_queue_note_fact(struct aps_queue *queue, enum aps_outbox_fact fact, struct aps_err *err)
{
	if ((queue->kept_facts & (unsigned)fact) != 0) return APS_OK;
	queue->kept_facts |= (unsigned)fact;
	return aps_outbox_facts_note(aps_queue_db(queue), fact, err);
}

enum aps_rc aps_queue_begin(struct aps_queue *queue, bool is_durable, struct aps_err *err)
{
	enum aps_rc rc = aps_queue_look(queue, err);
	if (rc == APS_OK && is_durable) rc = aps_vault_begin_durable(queue->vault, err);
	if (rc == APS_OK && !is_durable) rc = aps_vault_begin(queue->vault, err);
	queue->place = queue->vault != NULL ? queue->vault->place : 0;
	queue->outbox.successes = aps_reach_successes(queue->core, queue->client);
	return rc == APS_OK ? aps_queue_know(queue, err) : rc; /* it may have moved */
}

enum aps_rc aps_queue_check_begun(const struct aps_queue *queue, bool is_durable, struct aps_err *err)
{
	const struct aps_vault *vault = queue->vault;
	bool is_same = vault->place == queue->place && vault->is_writing && (vault->is_durable || !is_durable);
	return is_same ? APS_OK : aps_fail(err, APS_E_STORAGE, "the store has moved, or could not be written");
}

/* Mutations that are replayed are often of one document. */
enum aps_rc aps_queue_parse(struct aps_queue *queue, struct aps_str text, struct aps_gql_document **document,
                            struct aps_err *err)
{
	struct aps_gql_document *last = queue->document;
	if (last != NULL && aps_str_eq(aps_gql_document_text(last), text)) {
		*document = aps_gql_document_ref(last);
		return APS_OK;
	}
	enum aps_rc rc = aps_gql_document_new(text, document, NULL, err);
	if (rc != APS_OK) return rc;
	if (last != NULL) aps_gql_document_unref(last);
	queue->document = aps_gql_document_ref(*document);
	return APS_OK;
}

void aps_queue_id_text(const struct aps_queue *queue, uint64_t number, char text[APS_ENTRY_TEXT_CHARS + 1])
{
	aps_entry_text(queue->nonce, (int64_t)number, text);
}

void aps_queue_rest(struct aps_queue *queue)
{
	queue->rest_until_ms = aps_clock_mono_ms() + REST_MS;
}

void aps_queue_wake(struct aps_queue *queue)
{
	(void)aps_timer_set(&queue->core->timers, &queue->timer, aps_clock_mono_ms());
}

void aps_queue_note_change(struct aps_queue *queue)
{
	queue->has_changed = true;
}

enum aps_rc aps_queue_count(struct aps_queue *queue, struct aps_err *err)
{
	struct aps_outbox_counts counts = {0};
	bool is_whole;
	if (queue->is_counted || !queue->is_known || !aps_queue_has_store(queue)) return APS_OK;
	enum aps_rc rc = APS_OK;
	if (queue->owner != 0) rc = aps_outbox_counts_read(aps_queue_db(queue), queue->owner, &counts, &is_whole, err);
	if (rc != APS_OK) return rc;
	queue->n_entries = counts.n_queued;
	queue->n_dead = counts.n_dead;
	queue->is_counted = true;
	return APS_OK;
}

enum aps_rc aps_queue_commit(struct aps_queue *queue, struct aps_err *err)
{
	bool had_lost = queue->has_lost;
	queue->has_lost = false;
	enum aps_rc rc = aps_vault_commit(queue->vault, err);
	if (rc == APS_OK && queue->has_lost) rc = aps_fail(err, APS_E_STORAGE, "the store can't be written");
	queue->has_lost = queue->has_lost || had_lost;
	return rc;
}

void aps_queue_feed(struct aps_queue *queue, uint64_t number, const struct aps_delivery_event *event)
{
	struct aps_err err;
	queue->has_news = true;
	if (aps_outbox_feed(&queue->outbox, number, event, &err) == APS_OK) return;
	if (err.code == APS_E_INTERNAL)
		aps_core_log(queue->core, queue->client->id, "error", "the outbox: %s", err.msg);
	aps_queue_rest(queue);
}

void aps_queue_feed_kind(struct aps_queue *queue, uint64_t number, enum aps_delivery_event_kind kind)
{
	const struct aps_delivery_event event = {.kind = kind};
	aps_queue_feed(queue, number, &event);
}

void aps_queue_set_reach(struct aps_queue *queue, enum aps_outbox_reach reach, uint64_t successes)
{
	if (queue->is_finishing) reach = APS_OUTBOX_OFFLINE;
	bool went_offline = reach == APS_OUTBOX_OFFLINE && queue->outbox.reach == APS_OUTBOX_ONLINE;
	queue->outbox.successes = successes;
	if (queue->outbox.reach == reach) return;
	aps_outbox_set_reach(&queue->outbox, reach);
	queue->has_news = queue->has_changed = true;
	if (went_offline) queue->releases = true;
}

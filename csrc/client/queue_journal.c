#include "client/queue_journal.h"

#include "base/mem.h"
#include "client/queue_extra.h"
#include "store/dead_letters.h"
#include "store/id_map.h"
#include "sync/document_ids.h"
#include "sync/named_ids.h"

/* Looks up what an entry names. */
struct naming {
	struct aps_queue *queue;
	struct aps_outbox_info *info;
	struct aps_id_made pair;
	struct aps_err *err;
	enum aps_rc rc;
};

static void add_record(struct naming *in, struct aps_str text)
{
	uint64_t hash = aps_named_ids_hash(text);
	if (in->queue->settings.order == APS_OUTBOX_ENTITY) aps_buf_add(&in->info->records, &hash, sizeof hash);
}

static enum aps_rc read_first(const struct aps_outbox_entry *entry, int64_t *first, struct aps_err *err)
{
	struct aps_queue_extra extra;
	if (entry->id == 0) return APS_OK;
	enum aps_rc rc = aps_queue_extra_read(&extra, entry->extra, err);
	*first = extra.first;
	aps_queue_extra_clear(&extra);
	return rc;
}

/* The number that a maker had before it was tried again, and has gone to the tail; 0: it never was. */
static enum aps_rc find_first(struct aps_db *db, int64_t maker, int64_t *first, struct aps_err *err)
{
	struct aps_outbox_row row;
	struct aps_dead_letter letter;
	*first = 0;
	aps_outbox_row_init(&row);
	aps_dead_letter_init(&letter);
	enum aps_rc rc = aps_outbox_find_number(db, maker, &row, err);
	if (rc == APS_OK) rc = read_first(&row.entry, first, err);
	if (rc == APS_OK && row.entry.id == 0) rc = aps_dead_letters_find_number(db, maker, &letter, err);
	if (rc == APS_OK) rc = read_first(&letter.entry, first, err);
	aps_dead_letter_clear(&letter);
	aps_outbox_row_clear(&row);
	return rc;
}

/* What comes behind it by now: what was queued before it was ever made has nothing to do with it, but what was queued
 * after it is sent no earlier than it. */
static enum aps_rc meet_later(struct naming *in, uint64_t maker)
{
	int64_t first;
	enum aps_rc rc = find_first(aps_queue_db(in->queue), (int64_t)maker, &first, in->err);
	if (rc == APS_OK && first != 0 && (uint64_t)first < in->info->number) in->info->blocked_by = maker;
	return rc;
}

/* A temporary id that has no other one yet: its maker is before this entry, or dead, or was discarded, and its record
 * will never be. */
static enum aps_rc meet_temporary(struct naming *in, struct aps_str id)
{
	struct aps_db *db = aps_queue_db(in->queue);
	bool is_queued, is_dead;
	enum aps_rc rc = aps_id_map_find(db, in->queue->owner, id, &in->pair, in->err);
	uint64_t maker = (uint64_t)in->pair.maker;
	/* the record goes by both: what was queued before that was known knows one of them */
	if (rc == APS_OK && in->pair.owner != 0 && in->pair.is_made) add_record(in, in->pair.made);
	if (rc != APS_OK || in->pair.owner == 0 || in->pair.is_made || maker == in->info->number) return rc;
	if (maker > in->info->number) return meet_later(in, maker);
	rc = aps_id_map_has_maker(db, &in->pair, &is_queued, &is_dead, in->err);
	if (rc == APS_OK && !is_queued)
		in->info->blocked_by = maker;
	else if (rc == APS_OK && maker > in->info->waits_for)
		in->info->waits_for = maker;
	return rc;
}

static void meet(void *context, struct aps_str text, unsigned how)
{
	struct naming *in = context;
	add_record(in, text);
	bool is_temporary = (how & APS_NAMED_ID_UUID) != 0 && in->queue->owner != 0;
	if (is_temporary && in->rc == APS_OK) in->rc = meet_temporary(in, text);
}

static void meet_of_key(void *context, struct aps_str text, unsigned how APS_UNUSED)
{
	add_record(context, text);
}

/* Those of its optimistic response that stand at its root. */
static enum aps_rc meet_roots(struct naming *in, struct aps_str extra)
{
	struct aps_queue_extra read;
	enum aps_rc rc = aps_queue_extra_read(&read, extra, in->err);
	for (size_t i = 0; rc == APS_OK && i < read.roots.n_items; i++)
		rc = aps_named_ids_scan_key(read.roots.items[i], meet_of_key, in, in->err);
	aps_queue_extra_clear(&read);
	return rc;
}

/* What its document says to be an id. */
static enum aps_rc meet_declared(struct naming *in, const struct aps_outbox_entry *entry)
{
	struct aps_gql_document *document;
	enum aps_rc rc = aps_queue_parse(in->queue, entry->document, &document, in->err);
	if (rc != APS_OK) return rc == APS_E_NOMEM ? rc : APS_OK; /* it is found out when it is to be sent */
	const struct aps_gql_operation *operation = aps_gql_document_find(document, entry->name);
	if (operation != NULL) rc = aps_named_ids_scan_declared(entry->variables, operation, meet_of_key, in, in->err);
	if (rc == APS_OK && operation != NULL)
		rc = aps_document_ids_scan(document, operation, entry->variables, meet_of_key, in, in->err);
	aps_gql_document_unref(document);
	return rc;
}

enum aps_rc aps_queue_describe(struct aps_queue *queue, const struct aps_outbox_row *row, struct aps_outbox_info *info,
                               struct aps_err *err)
{
	const struct aps_outbox_entry *entry = &row->entry;
	struct naming in = {.queue = queue, .info = info, .err = err};
	info->number = (uint64_t)aps_entry_number(entry->id);
	info->mode = (unsigned)aps_entry_mode(entry->id);
	info->resend = (enum aps_resend)(entry->flags / APS_ENTRY_RESEND % APS_RESEND_COUNT);
	info->is_marked = row->delivery.is_sending;
	info->n_attempts = (unsigned)row->delivery.n_attempts;
	info->n_counted = (unsigned)row->delivery.n_counted;
	info->n_rounds = (unsigned)row->delivery.n_rounds;
	aps_id_made_init(&in.pair);
	enum aps_rc rc = aps_named_ids_scan(entry->variables, meet, &in, err);
	if (rc == APS_OK) rc = in.rc;
	if (rc == APS_OK && queue->settings.order == APS_OUTBOX_ENTITY) rc = meet_roots(&in, entry->extra);
	if (rc == APS_OK && queue->settings.order == APS_OUTBOX_ENTITY) rc = meet_declared(&in, entry);
	aps_id_made_clear(&in.pair);
	if (rc == APS_OK && info->records.rc != APS_OK) rc = aps_fail(err, APS_E_NOMEM, "no memory for the queue");
	return rc;
}

static struct aps_queue *queue_of(struct aps_outbox_journal *journal)
{
	return APS_CONTAINER_OF(journal, struct aps_queue, journal);
}

/* Takes the place of *best, if it comes before it. */
static enum aps_rc look_in_lane(struct aps_queue *queue, unsigned mode, uint64_t after, int64_t *best,
                                struct aps_err *err)
{
	enum aps_entry_mode lane = (enum aps_entry_mode)mode;
	int64_t behind = after != 0 ? aps_entry_id(queue->owner, lane, (int64_t)after) : 0;
	enum aps_rc rc =
	        aps_outbox_next(aps_queue_db(queue), aps_entry_lane(queue->owner, lane), behind, &queue->row, err);
	int64_t id = queue->row.entry.id;
	if (rc == APS_OK && id != 0 && (*best == 0 || aps_entry_number(id) < aps_entry_number(*best))) *best = id;
	return rc;
}

static enum aps_rc read_entry(struct aps_queue *queue, int64_t id, struct aps_outbox_info *info, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	if (queue->row.entry.id != id) rc = aps_outbox_find(aps_queue_db(queue), id, &queue->row, err);
	if (rc != APS_OK || queue->row.entry.id == 0) return rc;
	return aps_queue_describe(queue, &queue->row, info, err);
}

static enum aps_rc next(struct aps_outbox_journal *journal, unsigned modes, uint64_t after,
                        struct aps_outbox_info *info, struct aps_err *err)
{
	struct aps_queue *queue = queue_of(journal);
	int64_t best = 0;
	enum aps_rc rc = APS_OK;
	info->number = 0;
	if (queue->owner == 0) return APS_OK;
	for (unsigned mode = 0; mode < APS_ENTRY_MODE_COUNT && rc == APS_OK; mode++)
		if ((modes >> mode & 1u) != 0) rc = look_in_lane(queue, mode, after, &best, err);
	return rc == APS_OK && best != 0 ? read_entry(queue, best, info, err) : rc;
}

static enum aps_rc find(struct aps_outbox_journal *journal, uint64_t number, struct aps_outbox_info *info,
                        struct aps_err *err)
{
	struct aps_queue *queue = queue_of(journal);
	info->number = 0;
	if (queue->owner == 0) return APS_OK;
	enum aps_rc rc = aps_outbox_find_number(aps_queue_db(queue), (int64_t)number, &queue->row, err);
	if (rc != APS_OK || queue->row.entry.id == 0 || aps_entry_owner(queue->row.entry.id) != queue->owner) return rc;
	return read_entry(queue, queue->row.entry.id, info, err);
}

const struct aps_outbox_journal aps_queue_journal = {next, find};

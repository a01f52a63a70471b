#include "sync/sync_store.h"

#include <string.h>

#define REMEMBERED_MS 600000 /* so long older states may still come, and the clock that has seen it may be wrong */

enum order { OLDER, SAME, NEWER, UNORDERED };
enum fate { IS_NEW, IS_SAME, IS_OLD, IS_DELETED };

void sync_store_init(struct sync_store *store, bool keeps_list)
{
	memset(store, 0, sizeof *store);
	store->keeps_list = keeps_list;
}

static enum order order_of(int64_t a, int64_t b)
{
	if (a == 0 || b == 0) return UNORDERED;
	return a < b ? OLDER : a > b ? NEWER : SAME;
}

static enum fate fate_of(const struct service_record *record, enum order order)
{
	if (order == OLDER) return IS_OLD;
	if (record->is_deleted) return IS_DELETED;
	return order == NEWER ? IS_NEW : IS_SAME;
}

/* What was made anew begins with a low version. Where nobody says when, a base query does that was made well behind. */
static bool is_made_anew(const struct stored_tombstone *tombstone, const struct store_write *write,
                         const struct service_record *record)
{
	enum order change = order_of(record->changed_ms, tombstone->changed_ms);
	if (change != UNORDERED || !write->is_base) return change == NEWER;
	return write->made_ms - REMEMBERED_MS > tombstone->seen_ms;
}

/* Where both are of one version the deletion came later. */
static enum fate judge_dead(const struct stored_tombstone *tombstone, const struct store_write *write,
                            const struct service_record *record)
{
	if (!tombstone->is_there || is_made_anew(tombstone, write, record))
		return record->is_deleted ? IS_DELETED : IS_NEW;
	/* as another deletion, too, which the tombstone would forget */
	if (order_of(record->changed_ms, tombstone->changed_ms) == OLDER) return IS_OLD;
	enum order order = order_of(record->version, tombstone->version);
	if (order == SAME && !record->is_deleted) return IS_OLD;
	if (order == UNORDERED && !record->is_deleted) return IS_NEW;
	return fate_of(record, order);
}

static enum fate judge(const struct store_image *image, const struct store_write *write,
                       const struct service_record *record)
{
	const struct stored_record *known = &image->records[record->key];
	if (!known->is_there) return judge_dead(&image->tombstones[record->key], write, record);
	/* One may have been made anew behind the other, with a low version, and nobody has told that it was deleted. */
	enum order order = order_of(record->changed_ms, known->record.changed_ms);
	if (order == SAME || order == UNORDERED) order = order_of(record->version, known->record.version);
	return fate_of(record, order);
}

/* What was told while a page was under way stays, where nobody can tell which is newer. */
static bool is_newer_known(const struct stored_record *known, const struct store_write *write, enum fate fate)
{
	return fate == IS_SAME && write->is_page && known->is_there && known->moment >= write->asked_at;
}

static void change(struct store_image *image, const struct store_write *write, const struct service_record *record,
                   bool *joining, bool *leaving, uint32_t moment)
{
	struct stored_record *known = &image->records[record->key];
	enum fate fate = judge(image, write, record);
	if (fate == IS_DELETED) {
		leaving[record->key] = true;
		joining[record->key] = false;
		*known = (struct stored_record){.is_there = false};
		/* what the service tells is no guess */
		int64_t seen_ms = record->changed_ms > write->now_ms ? record->changed_ms : write->now_ms;
		image->tombstones[record->key] =
		        (struct stored_tombstone){true, record->version, record->changed_ms, seen_ms};
		return;
	}
	if (fate != IS_OLD && !is_newer_known(known, write, fate)) {
		known->is_there = true;
		known->record = *record;
		if (moment != 0) known->moment = moment;
	}
	if (!known->is_there || (fate == IS_OLD && !write->is_page)) return;
	joining[record->key] = true;
	if (fate == IS_NEW) image->tombstones[record->key].is_there = false;
}

static void change_list(struct stored_list *list, const bool *joining, const bool *leaving, bool adds)
{
	if (!list->is_there) return;
	for (int key = 0; key < SERVICE_KEYS; key++) {
		if (leaving[key]) list->has[key] = false;
		if (adds && joining[key]) list->has[key] = true;
	}
}

static bool is_empty(const struct stored_list *list)
{
	for (int key = 0; key < SERVICE_KEYS; key++)
		if (list->has[key]) return false;
	return true;
}

/* Where the pass collects: the list that is shown, if there is nothing in it yet. */
static void begin_list(struct store_image *image, const struct store_write *write)
{
	for (int key = 0; key < SERVICE_KEYS; key++)
		if (image->beside.has[key] && !image->shown.has[key]) image->records[key].is_stray = true;
	image->beside = (struct stored_list){.is_there = false};
	write->next->is_beside = image->shown.is_there && !is_empty(&image->shown);
	if (write->next->is_beside)
		image->beside.is_there = true;
	else
		image->shown = (struct stored_list){.is_there = true};
}

/* No zombies: what a complete pass hasn't seen leaves list and store, unless it was written since the pass began. */
static void sweep(struct store_image *image, const struct store_write *write, const struct stored_list *former)
{
	for (int key = 0; key < SERVICE_KEYS; key++) {
		struct stored_record *known = &image->records[key];
		if (!former->has[key] || image->shown.has[key]) continue;
		if (write->began_at != 0 && known->moment >= write->began_at && known->is_there)
			image->shown.has[key] = true;
		else
			*known = (struct stored_record){.is_there = false};
	}
}

static bool end_list(struct store_image *image, const struct store_write *write)
{
	if (!write->next->is_beside) return true;
	if (write->list == APS_SYNC_LIST_SHOW) {
		for (int key = 0; key < SERVICE_KEYS; key++)
			if (image->beside.has[key]) image->shown.has[key] = true;
		return true;
	}
	if (!image->beside.is_there) return false;
	const struct stored_list former = image->shown;
	image->shown = image->beside;
	image->beside = (struct stored_list){.is_there = false};
	sweep(image, write, &former);
	return true;
}

bool sync_store_write(struct sync_store *store, const struct store_write *write)
{
	struct store_image *image = &store->open;
	bool joining[SERVICE_KEYS] = {false}, leaving[SERVICE_KEYS] = {false};
	store->is_open = true;
	uint32_t moment = write->is_page ? 0 : ++store->moment;
	for (size_t i = 0; i < write->n; i++) change(image, write, &write->records[i], joining, leaving, moment);
	if (!store->keeps_list) return true;
	const struct aps_checkpoint *checkpoint = write->checkpoint;
	bool has_open_list = checkpoint->base.is_open || checkpoint->is_truncated || write->is_base;
	if (write->begins) begin_list(image, write);
	bool is_beside = write->is_base ? write->next->is_beside : checkpoint->is_beside;
	if (has_open_list && is_beside) change_list(&image->beside, joining, leaving, true);
	change_list(&image->shown, joining, leaving, !write->is_base || !is_beside);
	for (int key = 0; key < SERVICE_KEYS; key++)
		if (joining[key]) image->records[key].is_stray = !image->shown.has[key] && !image->beside.has[key];
	bool ends = write->list == APS_SYNC_LIST_SHOW || write->list == APS_SYNC_LIST_COMPLETE;
	return !ends || end_list(image, write);
}

void sync_store_forget_deletions(struct sync_store *store, int64_t before_ms)
{
	for (int key = 0; key < SERVICE_KEYS; key++) {
		struct stored_tombstone *tombstone = &store->open.tombstones[key];
		if (tombstone->seen_ms < before_ms) tombstone->is_there = false;
	}
}

void sync_store_write_own(struct sync_store *store, const struct service_record *record)
{
	struct stored_record *known = &store->open.records[record->key];
	store->is_open = true;
	bool is_listed = store->open.shown.has[record->key] && !known->is_stray;
	*known = (struct stored_record){true, *record, ++store->moment, !is_listed};
}

bool sync_store_save(struct sync_store *store, const struct aps_checkpoint *checkpoint)
{
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_checkpoint_put(&text, checkpoint);
	bool is_text = text.rc == APS_OK && text.n < STORE_CHECKPOINT;
	if (is_text) {
		memcpy(store->open.checkpoint, text.p, text.n);
		store->open.checkpoint[text.n] = '\0';
		store->is_open = true;
	}
	aps_buf_clear(&text);
	return is_text;
}

void sync_store_forget_moments(struct sync_store *store)
{
	store->moment = 0;
	for (int key = 0; key < SERVICE_KEYS; key++)
		store->open.records[key].moment = store->committed.records[key].moment = 0;
}

void sync_store_clear(struct sync_store *store)
{
	int64_t skew_ms = store->open.skew_ms;
	memset(&store->open, 0, sizeof store->open);
	store->open.skew_ms = skew_ms;
	store->is_open = true;
}

void sync_store_commit(struct sync_store *store)
{
	store->committed = store->open;
	store->is_open = false;
}

void sync_store_lose(struct sync_store *store)
{
	store->open = store->committed;
	store->is_open = false;
}

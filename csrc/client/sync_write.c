#include "client/sync_write.h"

#include "cache/evict.h"
#include "client/collecting.h"
#include "client/sync_between.h"
#include "client/sync_gone.h"
#include "client/sync_hear.h"
#include "client/sync_judge.h"
#include "client/sync_lingering.h"
#include "client/sync_place.h"
#include "client/sync_quarantine.h"
#include "client/sync_shell.h"
#include "sync/page_time.h"
#include "sync/sync_progress.h"

#define MAX_ORDERING_BYTES 1024     /* of what is kept with a deletion */
#define MAX_AHEAD_MS       86400000 /* of now: what a service says wrongly would never be forgotten */

/* A page or an event on its way. */
struct writing {
	struct aps_partition_fill fill;
	struct aps_sync_run *run;
	const struct aps_page *page;
	const struct aps_partition_data *data;
	struct aps_sync_judgement judgement;
	struct aps_buf skipped;   /* size_t */
	struct aps_buf joining;   /* uint64_t: entries that the list is to have, */
	struct aps_buf leaving;   /* and those that it isn't to have any more */
	struct aps_buf unseen;    /* what a complete pass hasn't seen, */
	struct aps_buf lingering; /* what stays of it because layers speak of it, */
	struct aps_buf between;   /* or because it was told of meanwhile */
	struct aps_buf doubted;   /* records that the lists had, which nobody may need any more */
	bool has_untold;          /* the next delta pass is to tell of records that were heard of during a base pass */
	bool has_filled;          /* an older state told of something that nobody knew */
	bool has_rows;            /* something of it is in the transaction beside the entries */
	bool has_begun;           /* the lists, and what is known of them, may have it */
};

static const struct aps_sync_judged *judged_at(const struct writing *w, size_t i)
{
	return (const struct aps_sync_judged *)(const void *)w->judgement.records.p + i;
}

static struct aps_str key_of(const struct writing *w, const struct aps_sync_judged *judged)
{
	return (struct aps_str){w->judgement.keys.p + judged->key_at, judged->n_key};
}

static bool keeps_list(const struct writing *w)
{
	return w->run->settings->keeps_list || w->run->keeping.part == APS_SYNC_PART_BASE;
}

/* Of a mutation's answer that selected less something newer is known, but not all that the list shows. */
static bool fills(const struct aps_sync_judged *judged)
{
	return judged->fate == APS_SYNC_IS_OLD && judged->fills && !judged->stays_out;
}

static bool is_taken_as(const struct aps_sync_judged *judged, enum aps_sync_fate fate)
{
	return fate == APS_SYNC_IS_OLD ? fills(judged) : judged->fate == fate;
}

/* What an older state tells isn't new: nothing that is known gives way to it, and it gives way to whatever comes. */
static enum aps_rc normalize_with(struct writing *w, struct aps_partition *partition, struct aps_binding *binding,
                                  const struct aps_normalize_options *options, struct aps_err *err)
{
	struct aps_cache_write *write = &partition->write;
	struct aps_normalized out;
	uint32_t moment = write->moment;
	size_t n_changes = aps_write_n_changes(write);
	aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
	if (options->fills) write->moment = 0;
	enum aps_rc rc = aps_normalize(&partition->merge, binding, w->data->data, options, &out, err);
	write->moment = moment;
	w->has_filled = w->has_filled || (options->fills && aps_write_n_changes(write) != n_changes);
	if (rc == APS_OK && partition->listener != NULL)
		aps_buf_add_str(&partition->listener->stale, aps_buf_str(&out.stale));
	aps_buf_clear(&out.stale);
	return rc;
}

/* Those of one fate; all others are passed over. Of what is OLD, what nobody knows. */
static enum aps_rc normalize(struct writing *w, struct aps_partition *partition, struct aps_binding *binding,
                             enum aps_sync_fate fate, struct aps_err *err)
{
	const struct aps_partition_data *data = w->data;
	bool has_any = false;
	if (w->judgement.n_of[fate] == 0) return APS_OK;
	aps_buf_reset(&w->skipped);
	for (size_t i = 0; i < aps_page_count(w->page); i++) {
		const struct aps_page_record *record = aps_page_at(w->page, i);
		size_t at = record->text.p != NULL ? (size_t)(record->text.p - data->data.p) : 0;
		bool is_taken = is_taken_as(judged_at(w, i), fate);
		if (record->text.p != NULL && !is_taken) aps_buf_add(&w->skipped, &at, sizeof at);
		has_any = has_any || is_taken;
	}
	if (!has_any) return APS_OK;
	if (w->skipped.rc != APS_OK) return aps_fail(err, APS_E_NOMEM, "no memory for a page");
	const struct aps_normalize_options options = {
	        .errors = data->errors,
	        .now_s = data->now_s,
	        .skips_nulls = fate == APS_SYNC_IS_PARTIAL,
	        .fills = fate == APS_SYNC_IS_OLD,
	        .asked_at = fate == APS_SYNC_IS_SAME ? data->asked_at : 0,
	        .asked = data->asked,
	        .merges = data->merges,
	        .skipped = (const size_t *)(const void *)w->skipped.p,
	        .n_skipped = w->skipped.n / sizeof(size_t),
	};
	return normalize_with(w, partition, binding, &options, err);
}

/* A base query's result that is one record, and no list: the field refers to it. */
static bool is_single(const struct writing *w)
{
	return w->run->keeping.part == APS_SYNC_PART_BASE && !w->page->is_list && aps_page_count(w->page) != 0;
}

/* Of a response without a list of records: as any other one is kept. */
static enum aps_rc normalize_whole(struct writing *w, struct aps_partition *partition, struct aps_binding *binding,
                                   struct aps_err *err)
{
	const struct aps_partition_data *data = w->data;
	bool is_base = w->run->keeping.part == APS_SYNC_PART_BASE;
	bool is_old = is_single(w) && w->judgement.n_of[APS_SYNC_IS_OLD] != 0;
	if (is_old && !fills(judged_at(w, 0))) return APS_OK; /* what is there is newer */
	bool is_newer = is_single(w) && w->judgement.n_of[APS_SYNC_IS_NEW] != 0;
	const struct aps_normalize_options options = {
	        .root = is_base ? APS_STR("RROOT_QUERY") : APS_STR(""),
	        .errors = data->errors,
	        .now_s = data->now_s,
	        .skips_nulls = data->skips_nulls,
	        .fills = is_old,
	        .asked_at = is_newer ? 0 : data->asked_at,
	        .asked = data->asked,
	        .merges = data->merges,
	};
	return normalize_with(w, partition, binding, &options, err);
}

static enum aps_rc add_number(struct aps_buf *numbers, uint64_t number, struct aps_err *err)
{
	aps_buf_add(numbers, &number, sizeof number);
	return numbers->rc == APS_OK ? APS_OK : aps_fail(err, APS_E_NOMEM, "no memory for a page");
}

/* "Post:1" of "RPost:1". */
static struct aps_str bare(struct aps_str key)
{
	return (struct aps_str){key.p + 1, key.n - 1};
}

/* The later of now, which may be a guess, and of what the service says, within reason. */
static int64_t deleted_at_s(const struct writing *w, const struct aps_page_record *record)
{
	int64_t now_ms = aps_sync_run_seen_ms(w->run), changed_ms = aps_page_time_of(record->changed_at);
	if (changed_ms > now_ms + MAX_AHEAD_MS) changed_ms = now_ms + MAX_AHEAD_MS;
	return (changed_ms > now_ms ? changed_ms : now_ms) / 1000;
}

/* What orders states is short, whatever it is. Another one orders nothing, as if it weren't there. */
static struct aps_str ordering(struct aps_str value)
{
	return value.n <= MAX_ORDERING_BYTES ? value : APS_STR("");
}

/* It leaves the store, and comes back only in a newer version. */
static enum aps_rc bury(struct writing *w, struct aps_partition *partition, size_t index, struct aps_err *err)
{
	const struct aps_page_record *record = aps_page_at(w->page, index);
	struct aps_str key = key_of(w, judged_at(w, index));
	struct aps_sync_name name;
	struct aps_entry *entry;
	enum aps_rc rc = aps_entries_find_below(&partition->cache.entries, key, &entry, err);
	if (rc == APS_OK && entry != NULL && entry->number != 0) {
		rc = add_number(&w->leaving, entry->number, err);
		if (rc == APS_OK) aps_evict(&partition->write, bare(key), APS_STR(""));
	}
	if (rc == APS_OK) rc = aps_sync_run_name(w->run, &name, err);
	const struct aps_tombstone tombstone = {key, ordering(record->version), ordering(record->changed_at),
	                                        deleted_at_s(w, record)};
	if (rc == APS_OK) w->has_rows = true;
	if (rc == APS_OK) rc = aps_tombstone_put(w->run->vault->db, name, &tombstone, err);
	w->run->has_tombstones = w->run->has_tombstones || rc == APS_OK;
	return rc;
}

/* What the service has said of it: an entry under layers shows that while a write has it. */
static bool is_there(const struct aps_entry *entry)
{
	if (entry == NULL || entry->number == 0) return false;
	return (entry->is_in_write ? aps_entry_content(entry) : aps_entry_base(entry)).n != 0;
}

static enum aps_rc join(struct writing *w, struct aps_partition *partition, size_t index, struct aps_err *err)
{
	const struct aps_sync_judged *judged = judged_at(w, index);
	struct aps_str key = key_of(w, judged);
	struct aps_sync_name name;
	struct aps_entry *entry;
	enum aps_rc rc = aps_entries_find_below(&partition->cache.entries, key, &entry, err);
	if (rc != APS_OK || !is_there(entry)) return rc;
	rc = add_number(&w->joining, entry->number, err);
	if (rc == APS_OK && judged->fate == APS_SYNC_IS_NEW && w->run->has_tombstones) {
		rc = aps_sync_run_name(w->run, &name, err);
		w->has_rows = true;
		if (rc == APS_OK) rc = aps_tombstone_remove(w->run->vault->db, name, key, err);
	}
	return rc;
}

static enum aps_rc take_records(struct writing *w, struct aps_partition *partition, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	bool buries = w->run->settings->keeps_list;
	for (size_t i = 0; rc == APS_OK && i < aps_page_count(w->page); i++) {
		enum aps_sync_fate fate = judged_at(w, i)->fate;
		if (fate == APS_SYNC_IS_DELETED && buries)
			rc = bury(w, partition, i, err);
		else if (fate != APS_SYNC_IS_DELETED && fate != APS_SYNC_IS_BAD && !judged_at(w, i)->stays_out)
			rc = join(w, partition, i, err);
	}
	if (rc != APS_OK || w->judgement.n_of[APS_SYNC_IS_BAD] == 0) return rc;
	w->has_rows = true;
	return aps_sync_quarantine_put(w->run, w->page, &w->judgement, w->data->errors, err);
}

static const uint64_t *numbers(const struct aps_buf *buf)
{
	return (const uint64_t *)(const void *)buf->p;
}

static size_t count(const struct aps_buf *buf)
{
	return buf->n / sizeof(uint64_t);
}

/* It was told of since the pass began: the page that it would have been on may have been made before. Or layers speak
 * of it: a mutation of its is queued or under way. */
static enum aps_rc stays(struct writing *w, struct aps_partition *partition, uint64_t number, bool *stays_there,
                         struct aps_err *err)
{
	struct aps_entry *entry;
	enum aps_rc rc = aps_entries_at_below(&partition->cache.entries, number, &entry, err);
	uint32_t began_at = w->run->began_at;
	*stays_there = rc == APS_OK && entry != NULL && began_at != 0 && entry->told_at >= began_at;
	if (*stays_there) return add_number(&w->between, number, err);
	if (rc != APS_OK || !aps_entry_is_patched(entry)) return rc;
	*stays_there = true;
	return add_number(&w->lingering, number, err);
}

/* Known to the run that ends the pass, which may be another one. Delta passes until then tell what its pages lack. */
static void note_unknown(const struct writing *w)
{
	struct aps_sync_run *run = w->run;
	bool was_there = !run->keeping.begins && run->machine.checkpoint.has_unknown;
	bool is_of_pass = run->keeping.part == APS_SYNC_PART_BASE || aps_sync_is_partial(&run->machine.checkpoint);
	if (!run->keeping.is_page || !is_of_pass) return;
	run->machine.next.has_unknown = was_there || w->judgement.n_of[APS_SYNC_IS_BAD] != 0;
}

/* A delta pass follows, sooner or later, and changes the list. */
static bool tells_deltas(const struct aps_sync_run *run)
{
	return run->settings->keeps_list && run->settings->options.has_delta;
}

/* No zombies: what a complete pass hasn't seen leaves the list, and the store, unless something else refers to it: the
 * base query may be of some records only. Where it has brought something that nobody can tell any of them may be that:
 * they stay until a pass without such. */
static enum aps_rc sweep(struct writing *w, struct aps_partition *partition, struct aps_err *err)
{
	struct aps_sync_run *run = w->run;
	uint64_t *unseen = (uint64_t *)(void *)w->unseen.p; /* those that stay move to the front */
	size_t n_staying = 0;
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < count(&w->unseen); i++) {
		uint64_t number = unseen[i];
		bool stays_there = run->machine.next.has_unknown;
		if (!stays_there) rc = stays(w, partition, number, &stays_there, err);
		if (rc == APS_OK && stays_there) unseen[n_staying++] = number;
		if (rc == APS_OK && !stays_there) rc = add_number(&w->doubted, number, err);
	}
	if (rc == APS_OK && n_staying != 0)
		rc = aps_synced_list_add(&partition->write, &run->place, &run->shown, unseen, n_staying, err);
	if (rc == APS_OK)
		rc = aps_sync_lingering_set(run, partition, numbers(&w->lingering), count(&w->lingering), err);
	/* without delta queries it is for the next pass to tell */
	bool is_told = tells_deltas(run);
	run->is_behind_base = true;
	if (rc == APS_OK)
		rc = aps_sync_between_set(run, partition, numbers(&w->between), is_told ? count(&w->between) : 0, err);
	return rc;
}

/* It was heard while a base pass ran. The pass may have told more than that, in what it lacked. */
static bool is_late(const struct writing *w)
{
	const struct aps_sync_run *run = w->run;
	const struct aps_sync_keeping *keeping = &run->keeping;
	return run->is_behind_base && !keeping->is_page && !keeping->is_settling && tells_deltas(run);
}

/* Of what lingered, and of what nobody was sure of, what needn't stay any more. */
static enum aps_rc settle(struct writing *w, struct aps_partition *partition, struct aps_err *err)
{
	struct aps_sync_run *run = w->run;
	const struct aps_sync_keeping *keeping = &run->keeping;
	bool is_delta = keeping->is_page && keeping->part == APS_SYNC_PART_DELTA && !run->machine.is_inside;
	bool is_judged = !is_late(w); /* what was heard before the pass was over decides nothing behind it */
	bool is_unclear = is_delta && w->judgement.n_of[APS_SYNC_IS_BAD] != 0; /* it may be any of them */
	size_t first = count(&w->leaving);
	enum aps_rc rc = aps_sync_lingering_settle(run, partition, &w->joining, &w->leaving, err);
	if (rc == APS_OK && is_unclear) rc = aps_sync_between_set(run, partition, NULL, 0, err);
	if (rc == APS_OK && is_judged)
		rc = aps_sync_between_change(run, partition, &w->joining, is_delta && run->machine.is_last, &w->leaving,
		                             err);
	for (size_t i = first; rc == APS_OK && i < count(&w->leaving); i++)
		rc = add_number(&w->doubted, numbers(&w->leaving)[i], err);
	return rc;
}

/* What an earlier pass has collected, and never shown. */
static enum aps_rc drop_collected(struct writing *w, struct aps_partition *partition, struct aps_err *err)
{
	struct aps_sync_run *run = w->run;
	bool is_there;
	uint64_t number = 0;
	enum aps_rc rc = aps_synced_list_load(&partition->write, &run->beside, &run->collected, &is_there, err);
	while (rc == APS_OK && is_there && (number = aps_number_set_next(&run->collected.members, number)) != 0)
		rc = add_number(&w->doubted, number, err);
	return rc == APS_OK ? aps_synced_list_drop(&partition->write, &run->beside, &run->collected, err) : rc;
}

/* Where the pass collects: the list that is shown, if there is nothing in it yet. */
static enum aps_rc begin_list(struct writing *w, struct aps_partition *partition, struct aps_binding *binding,
                              struct aps_err *err)
{
	struct aps_sync_run *run = w->run;
	struct aps_cache_write *write = &partition->write;
	bool is_there;
	enum aps_rc rc = aps_synced_list_load(write, &run->place, &run->shown, &is_there, err);
	if (rc == APS_OK) rc = drop_collected(w, partition, err);
	if (rc != APS_OK) return rc;
	run->machine.next.is_beside = is_there && run->shown.n_items != 0;
	if (run->machine.next.is_beside) return aps_synced_list_begin(write, &run->beside, &run->collected, err);
	if (!is_there) rc = aps_sync_shell_write(run, partition, binding, w->data, err);
	return rc == APS_OK ? aps_synced_list_load(write, &run->place, &run->shown, &is_there, err) : rc;
}

/* What was collected so far is shown beside what was there. */
static enum aps_rc show_collected(struct writing *w, struct aps_partition *partition, struct aps_err *err)
{
	struct aps_sync_run *run = w->run;
	struct aps_buf all;
	bool is_there;
	enum aps_rc rc = aps_synced_list_load(&partition->write, &run->beside, &run->collected, &is_there, err);
	if (rc != APS_OK || !is_there) return rc;
	aps_buf_init(&all, APS_BUF_ANY_SIZE);
	uint64_t number = 0;
	while ((number = aps_number_set_next(&run->collected.members, number)) != 0)
		aps_buf_add(&all, &number, sizeof number);
	if (all.rc != APS_OK) rc = aps_fail(err, APS_E_NOMEM, "no memory for a list");
	if (rc == APS_OK)
		rc = aps_synced_list_add(&partition->write, &run->place, &run->shown, numbers(&all), count(&all), err);
	aps_buf_clear(&all);
	return rc;
}

/* An eviction took it, say, or another identity adopted it. */
static enum aps_rc fail_lost(struct aps_err *err)
{
	return aps_fail(err, APS_E_CONFLICT, "the list that a sync has collected isn't there any more");
}

static enum aps_rc change_shown(struct writing *w, struct aps_partition *partition, bool adds, bool is_needed,
                                struct aps_err *err)
{
	struct aps_sync_run *run = w->run;
	struct aps_cache_write *write = &partition->write;
	bool is_there;
	enum aps_rc rc = aps_synced_list_load(write, &run->place, &run->shown, &is_there, err);
	if (rc == APS_OK && !is_there && is_needed) return fail_lost(err);
	if (rc != APS_OK || !is_there) return rc;
	rc = aps_synced_list_remove(write, &run->place, &run->shown, numbers(&w->leaving), count(&w->leaving), err);
	if (rc == APS_OK && adds)
		rc = aps_synced_list_add(write, &run->place, &run->shown, numbers(&w->joining), count(&w->joining),
		                         err);
	return rc;
}

static enum aps_rc change_beside(struct writing *w, struct aps_partition *partition, bool is_base, struct aps_err *err)
{
	struct aps_sync_run *run = w->run;
	struct aps_cache_write *write = &partition->write;
	bool is_there;
	enum aps_rc rc = aps_synced_list_load(write, &run->beside, &run->collected, &is_there, err);
	if (rc == APS_OK && !is_there && is_base) return fail_lost(err);
	if (rc != APS_OK || !is_there) return rc;
	rc = aps_synced_list_remove(write, &run->beside, &run->collected, numbers(&w->leaving), count(&w->leaving),
	                            err);
	if (rc == APS_OK)
		rc = aps_synced_list_add(write, &run->beside, &run->collected, numbers(&w->joining), count(&w->joining),
		                         err);
	return rc;
}

static enum aps_rc end_list(struct writing *w, struct aps_partition *partition, struct aps_err *err)
{
	struct aps_sync_run *run = w->run;
	const struct aps_list_at from = {&run->beside, &run->collected}, to = {&run->place, &run->shown};
	if (!run->machine.next.is_beside) return APS_OK;
	if (run->keeping.list == APS_SYNC_LIST_SHOW) return show_collected(w, partition, err);
	return aps_synced_list_move(&partition->write, from, to, &w->unseen, err);
}

/* No page before it had records. */
static bool is_first(const struct aps_sync_run *run)
{
	const struct aps_sync_keeping *keeping = &run->keeping;
	return keeping->begins || keeping->list == APS_SYNC_LIST_BEGIN || run->machine.checkpoint.base.n_records == 0;
}

/* It is the sync's from now on; or still, which is told anew with each page. */
static void mark(struct writing *w, struct aps_partition *partition, bool is_new)
{
	struct aps_cache_write *write = &partition->write;
	const struct aps_list_place *place = &w->run->place;
	bool is_still = w->run->keeping.is_page && aps_kept_list_look(write, place) == APS_KEPT_LIST_IS_WHOLE;
	if (is_new || is_still) aps_kept_list_mark(write, place);
}

static enum aps_rc change_lists(struct writing *w, struct aps_partition *partition, struct aps_binding *binding,
                                struct aps_err *err)
{
	struct aps_sync_run *run = w->run;
	const struct aps_sync_keeping *keeping = &run->keeping;
	bool is_base = keeping->is_page && keeping->part == APS_SYNC_PART_BASE;
	bool begins = is_base && is_first(run);
	bool ends = is_base && (keeping->list == APS_SYNC_LIST_SHOW || keeping->list == APS_SYNC_LIST_COMPLETE);
	bool has_open_list = run->machine.checkpoint.base.is_open || run->machine.checkpoint.is_truncated || is_base;
	if (run->place.field.n == 0) return APS_OK;
	aps_followers_take_list(partition->followers, &partition->write, &run->place, &run->shown);
	enum aps_rc rc = APS_OK;
	if (is_late(w)) rc = aps_sync_between_add(run, partition, &w->joining, &w->has_untold, err);
	if (rc == APS_OK) rc = settle(w, partition, err);
	if (rc == APS_OK && begins) rc = begin_list(w, partition, binding, err);
	bool is_beside = is_base ? run->machine.next.is_beside : run->machine.checkpoint.is_beside;
	if (rc == APS_OK && has_open_list && is_beside) rc = change_beside(w, partition, is_base, err);
	/* what a pass collects beside isn't shown before its end, but what is gone, and what comes by other ways, is */
	if (rc == APS_OK)
		rc = change_shown(w, partition, !is_base || !is_beside, is_base && !is_beside && !begins, err);
	if (rc == APS_OK && ends) rc = end_list(w, partition, err);
	if (rc == APS_OK && ends && keeping->list == APS_SYNC_LIST_COMPLETE) rc = sweep(w, partition, err);
	/* delta queries ask from a later time now, and don't tell what an earlier pass has left open */
	if (rc == APS_OK && ends && keeping->list == APS_SYNC_LIST_SHOW)
		rc = aps_sync_between_set(run, partition, NULL, 0, err);
	if (rc == APS_OK) rc = aps_sync_gone_change(run, partition, &w->joining, &w->doubted, err);
	if (rc == APS_OK) mark(w, partition, (begins && !is_beside) || ends);
	return rc;
}

/* As the page of a base query has it. Where the start of the run had no memory to look for it others do that. */
static enum aps_rc find_place(struct writing *w, struct aps_binding *binding, struct aps_err *err)
{
	struct aps_sync_run *run = w->run;
	if (run->place.field.n == 0) {
		enum aps_rc rc = aps_sync_place_guess(run, err);
		if (rc != APS_OK) return rc;
	}
	bool is_page = run->keeping.part == APS_SYNC_PART_BASE && !run->keeping.is_settling;
	return is_page ? aps_sync_place_find(run, w->page, binding, err) : APS_OK;
}

static void reset(struct writing *w)
{
	aps_sync_judgement_clear(&w->judgement);
	aps_sync_judgement_init(&w->judgement);
	aps_buf_reset(&w->joining);
	aps_buf_reset(&w->leaving);
	aps_buf_reset(&w->unseen);
	aps_buf_reset(&w->lingering);
	aps_buf_reset(&w->between);
	aps_buf_reset(&w->doubted);
	w->has_rows = w->has_filled = w->has_untold = false;
}

/* An application that keeps its lists itself may have them elsewhere. */
static enum aps_rc doubt(struct writing *w, struct aps_err *err)
{
	struct aps_sync_run *run = w->run;
	struct aps_collecting *collecting = aps_caching_collecting(run->core, run->client, run->cache);
	if (collecting == NULL || !run->settings->keeps_list || count(&w->doubted) == 0) return APS_OK;
	w->has_rows = true;
	return aps_collecting_doubt(collecting, numbers(&w->doubted), count(&w->doubted), err);
}

static enum aps_rc fill(struct aps_partition *partition, struct aps_partition_fill *what, struct aps_binding *binding,
                        struct aps_err *err)
{
	struct writing *w = APS_CONTAINER_OF(what, struct writing, fill);
	struct aps_sync_run *run = w->run;
	bool has_records = w->page->is_list || (aps_page_count(w->page) != 0 && !is_single(w));
	reset(w);
	enum aps_rc rc = aps_sync_judge(run, w->page, w->data, binding, &w->judgement, err);
	if (rc == APS_OK) note_unknown(w);
	bool is_further = run->keeping.is_page && run->keeping.part == APS_SYNC_PART_BASE && !is_first(run);
	bool is_whole = !has_records && !is_further && !run->keeping.is_settling;
	if (rc == APS_OK && is_whole) return normalize_whole(w, partition, binding, err);
	if (rc == APS_OK) rc = normalize(w, partition, binding, APS_SYNC_IS_NEW, err);
	if (rc == APS_OK) rc = normalize(w, partition, binding, APS_SYNC_IS_SAME, err);
	if (rc == APS_OK) rc = normalize(w, partition, binding, APS_SYNC_IS_PARTIAL, err);
	if (rc == APS_OK && run->keeping.is_page) rc = normalize(w, partition, binding, APS_SYNC_IS_OLD, err);
	if (rc == APS_OK) rc = find_place(w, binding, err);
	w->has_begun = w->has_begun || rc == APS_OK;
	if (rc == APS_OK) rc = take_records(w, partition, err);
	if (rc == APS_OK && keeps_list(w)) rc = change_lists(w, partition, binding, err);
	if (rc == APS_OK) rc = doubt(w, err);
	bool is_asked = w->data->merges != NULL && aps_asked_merges_are_open(w->data->merges);
	run->has_lost_list = rc == APS_E_CONFLICT && !is_asked;
	return rc;
}

enum aps_rc aps_sync_write(struct aps_sync_run *run, struct aps_partition *partition,
                           const struct aps_partition_data *data, struct aps_err *err)
{
	struct writing w = {.run = run, .page = &run->keeping.answer.page, .data = data};
	w.fill = (struct aps_partition_fill){fill, data};
	aps_sync_judgement_init(&w.judgement);
	aps_buf_init(&w.skipped, APS_BUF_ANY_SIZE);
	aps_buf_init(&w.joining, APS_BUF_ANY_SIZE);
	aps_buf_init(&w.leaving, APS_BUF_ANY_SIZE);
	aps_buf_init(&w.unseen, APS_BUF_ANY_SIZE);
	aps_buf_init(&w.lingering, APS_BUF_ANY_SIZE);
	aps_buf_init(&w.between, APS_BUF_ANY_SIZE);
	aps_buf_init(&w.doubted, APS_BUF_ANY_SIZE);
	run->is_writing = true;
	enum aps_rc rc = aps_partition_fill(partition, &w.fill, err);
	run->is_writing = false;
	if (rc != APS_OK && w.has_rows) aps_vault_abandon(run->vault);   /* nothing of it is kept */
	if (rc != APS_OK && w.has_begun) aps_sync_run_forget_lists(run); /* they may have what was aborted */
	if (rc == APS_OK) {
		run->counts.n_records += w.judgement.n_of[APS_SYNC_IS_NEW] + w.judgement.n_of[APS_SYNC_IS_SAME] +
		                         w.judgement.n_of[APS_SYNC_IS_DELETED];
		run->counts.n_stale += w.judgement.n_of[APS_SYNC_IS_OLD];
		/* what such an event doesn't say has to be fetched */
		if (w.judgement.has_partial) aps_sync_hear_note_partial(run);
		/* and what an older state has told may be other by now */
		if (w.has_filled && run->settings->options.has_delta) run->hearing.has_missed = true;
		if (w.has_untold) run->hearing.has_untold = true;
	}
	aps_sync_judgement_clear(&w.judgement);
	aps_buf_clear(&w.skipped);
	aps_buf_clear(&w.joining);
	aps_buf_clear(&w.leaving);
	aps_buf_clear(&w.unseen);
	aps_buf_clear(&w.lingering);
	aps_buf_clear(&w.between);
	aps_buf_clear(&w.doubted);
	return rc;
}

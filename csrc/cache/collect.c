#include "cache/collect.h"

#include "cache/freshness.h"
#include "cache/list_place.h"
#include "cache/references.h"

#define ITEM_BYTES      7              /* about what a reference takes in a long list */
#define MAX_OWN_MINUTES (30 * 24 * 60) /* a list of the core's own that nobody has written for so long is nobody's */

void aps_collect_clear(struct aps_collect *collect)
{
	aps_number_set_clear(&collect->reached);
	aps_number_set_clear(&collect->due);
	aps_number_set_clear(&collect->seen);
	aps_number_set_clear(&collect->lists);
	aps_number_set_clear(&collect->owners);
	aps_number_set_clear(&collect->held);
	aps_number_set_clear(&collect->spreading);
	aps_number_set_clear(&collect->keeping);
	aps_number_set_clear(&collect->expired);
	aps_number_set_clear(&collect->warm);
}

/* Numbers that were never given stand in damaged files. */
static bool is_number(const struct aps_collect *collect, uint64_t number)
{
	return number != 0 && number <= *collect->cache->entries.last_number;
}

static bool add(struct aps_collect *collect, struct aps_number_set *set, uint64_t number)
{
	bool is_new = false;
	if (is_number(collect, number) && !aps_number_set_add(set, number, &is_new)) collect->is_short = true;
	return is_new;
}

static void reach(struct aps_collect *collect, uint64_t number)
{
	if (add(collect, &collect->reached, number)) add(collect, &collect->due, number);
}

static void reach_again(struct aps_collect *collect, uint64_t number)
{
	add(collect, &collect->reached, number);
	add(collect, &collect->due, number);
}

void aps_collect_hold(struct aps_collect *collect, uint64_t number)
{
	add(collect, &collect->held, number);
	reach(collect, number);
}

static void spread(struct aps_collect *collect, uint64_t number)
{
	add(collect, &collect->held, number);
	if (number != collect->root && add(collect, &collect->spreading, number)) reach_again(collect, number);
}

/* What a held entry refers to by now is held as well: which of it an operation reads isn't asked again. */
void aps_collect_touch(struct aps_collect *collect, uint64_t number)
{
	aps_number_set_remove(&collect->expired, number);
	bool is_root = number == collect->root; /* that has everything */
	if (!is_root && aps_number_set_has(&collect->held, number)) add(collect, &collect->spreading, number);
	reach_again(collect, number);
}

/* What layers change, and what they refer to, whether it shows or not. */
static void reach_layers(struct aps_collect *collect)
{
	const struct aps_entry *entry = collect->cache->entries.newest;
	for (; entry != NULL; entry = entry->older)
		if (entry->layered != NULL) aps_collect_hold(collect, entry->number);
}

static void reach_root(struct aps_collect *collect)
{
	struct aps_entry_row row = {.number = 0};
	struct aps_err err;
	if (collect->rows->find(collect->rows, APS_STR("RROOT_QUERY"), &row, &err) != APS_OK) collect->is_short = true;
	collect->root = row.number;
	collect->rows->done(collect->rows);
	reach(collect, collect->root);
}

/* From now on a used entry is one that was asked for since. */
static void take_uses(struct aps_collect *collect)
{
	for (struct aps_entry *entry = collect->cache->entries.newest; entry != NULL; entry = entry->older) {
		if (entry->is_used) add(collect, &collect->warm, entry->number);
		entry->is_used = false;
	}
}

void aps_collect_init(struct aps_collect *collect, struct aps_cache *cache, struct aps_entry_backing *rows,
                      const struct aps_policies *policies, int64_t now_s)
{
	*collect = (struct aps_collect){.cache = cache, .rows = rows, .policies = policies, .now_s = now_s};
	collect->last = *cache->entries.last_number;
	collect->cut = APS_N_AGES;
	take_uses(collect);
	reach_root(collect);
	reach_layers(collect);
}

/* "F", the number of the record, "." */
void aps_collect_see_field(struct aps_collect *collect, struct aps_str key)
{
	uint64_t record = 0;
	for (size_t i = 1; i < key.n && key.p[i] >= '0' && key.p[i] <= '9' && record < UINT64_MAX / 16; i++)
		record = record * 10 + (uint64_t)(key.p[i] - '0');
	add(collect, &collect->owners, record);
}

/* What one entry refers to is reached. */
struct following {
	struct aps_reference_sink sink;
	struct aps_collect *collect;
	bool spreads;
	bool holds;
	bool keeps; /* it holds, and so do the lists in it */
	uint64_t n_list_bytes;
};

static void keep(struct aps_collect *collect, const struct aps_reference *reference)
{
	bool is_record = reference->kind == APS_REFERS_TO_RECORD;
	if (!is_record && add(collect, &collect->keeping, reference->entry)) reach_again(collect, reference->entry);
}

static void found(struct aps_reference_sink *sink, const struct aps_reference *reference)
{
	struct following *following = APS_CONTAINER_OF(sink, struct following, sink);
	struct aps_collect *collect = following->collect;
	if (reference->kind == APS_REFERS_TO_LONG_LIST) {
		following->n_list_bytes += reference->n_items * ITEM_BYTES;
		/* what it is told how it is read: it may have been touched before */
		if (add(collect, &collect->lists, reference->entry)) reach_again(collect, reference->entry);
	}
	if (following->keeps) keep(collect, reference);
	if (following->spreads)
		spread(collect, reference->entry);
	else if (following->holds || following->keeps)
		aps_collect_hold(collect, reference->entry);
	else
		reach(collect, reference->entry);
}

static bool is_record(const struct aps_entry_row *row)
{
	return row->key.n != 0 && row->key.p[0] == 'R';
}

static void follow_content(const struct aps_collect *collect, const struct aps_entry_row *row,
                           struct aps_reference_sink *sink)
{
	if (is_record(row))
		aps_references_of_fields(row->content, sink);
	else if (row->key.n == 0 && aps_number_set_has(&collect->lists, row->number))
		aps_references_of_long_list(row->content, sink);
	else
		aps_references_of_value(row->content, sink);
}

/* Those that a store has come with the row. */
static void follow_stored(struct aps_str patches, struct following *following)
{
	struct aps_stored_patch patch;
	while (patches.n != 0 && aps_patches_take(&patches, &patch))
		aps_references_of_patch(patch.bytes, &following->sink);
}

static void follow_patches(const struct aps_collect *collect, uint64_t number, struct following *following)
{
	const struct aps_entry *entry = aps_entries_peek(&collect->cache->entries, number);
	if (entry == NULL || entry->layered == NULL) return;
	const struct aps_layer_patch *patch = entry->layered->patches;
	for (; patch != NULL; patch = patch->next_above)
		aps_references_of_patch((struct aps_str){patch->bytes, patch->n_bytes}, &following->sink);
}

static bool has_expired(const struct aps_collect *collect, const struct aps_entry_row *row)
{
	struct aps_cell type;
	if (!is_record(row) || row->content.n == 0 || collect->policies->types.n_items == 0) return false;
	uint32_t typename = aps_names_find(&collect->cache->names, APS_STR("__typename"));
	if (!aps_cell_find_field(row->content, typename, &type) || type.tag != APS_CELL_STRING) return false;
	return aps_freshness_is_over(collect->policies, type.text, row->content, collect->now_s);
}

static unsigned age_of(const struct aps_collect *collect, const struct aps_entry_row *row)
{
	int64_t minutes = collect->now_s / 60 - row->used_minute;
	bool is_now = minutes <= 0 || aps_number_set_has(&collect->warm, row->number);
	return aps_age_class(is_now ? 0 : (uint64_t)minutes);
}

/* What leaves with it. A record leaves its row, which others refer to. */
static uint64_t bytes_to_win(const struct aps_entry_row *row, uint64_t n_list_bytes)
{
	if (row->key.n == 0) return 0;
	if (is_record(row)) return row->content.n != 0 ? row->content.n + n_list_bytes : 0;
	return aps_entry_disk_bytes(row->key.n, row->content.n) + n_list_bytes;
}

/* The first time. */
static void account(struct aps_collect *collect, const struct aps_entry_row *row, uint64_t n_list_bytes)
{
	collect->n_bytes += aps_entry_disk_bytes(row->key.n, row->content.n);
	if (row->number > collect->last || aps_number_set_has(&collect->held, row->number)) return;
	collect->ages.bytes[age_of(collect, row)] += bytes_to_win(row, n_list_bytes);
}

static enum aps_rc follow_fields(struct aps_collect *collect, uint64_t record, bool spreads, struct aps_err *err)
{
	struct aps_buf prefix, numbers;
	enum aps_rc rc = APS_OK;
	aps_buf_init(&prefix, APS_BUF_ANY_SIZE);
	aps_buf_init(&numbers, APS_BUF_ANY_SIZE);
	aps_buf_addf(&prefix, "F%llu.", (unsigned long long)record);
	if (prefix.rc != APS_OK) rc = aps_fail(err, APS_E_NOMEM, "no memory to collect what isn't needed");
	if (rc == APS_OK) rc = collect->rows->list(collect->rows, aps_buf_str(&prefix), &numbers, err);
	const uint64_t *found_numbers = (const uint64_t *)(const void *)numbers.p;
	for (size_t i = 0; rc == APS_OK && i < numbers.n / sizeof *found_numbers; i++) {
		if (spreads)
			spread(collect, found_numbers[i]);
		else
			reach(collect, found_numbers[i]);
	}
	aps_buf_clear(&numbers);
	aps_buf_clear(&prefix);
	return rc;
}

static bool is_own(const struct aps_collect *collect, const struct aps_entry_row *row)
{
	return row->key.n != 0 && collect->root != 0 && aps_key_owner(row->key) == collect->root &&
	       aps_list_place_is_own(row->key);
}

/* A list of the core's own holds what it has; one that nobody has written for long is in nobody's way. */
static void keep_own(struct aps_collect *collect, const struct aps_entry_row *row)
{
	if (!is_own(collect, row) || row->is_nowhere) return;
	if (collect->now_s / 60 - row->used_minute > MAX_OWN_MINUTES) return;
	aps_collect_hold(collect, row->number);
	add(collect, &collect->keeping, row->number);
}

static bool is_forgotten(const struct aps_collect *collect, const struct aps_entry_row *row)
{
	return is_own(collect, row) && !aps_number_set_has(&collect->held, row->number);
}

/* A field that was evicted, or that only a layer had: unlike a record's its row is nothing that others refer to. */
static bool is_left_over(const struct aps_collect *collect, const struct aps_entry_row *row)
{
	return row->is_nowhere && row->key.n != 0 && !is_record(row) &&
	       !aps_number_set_has(&collect->held, row->number);
}

static enum aps_rc follow(struct aps_collect *collect, uint64_t number, struct aps_err *err)
{
	struct aps_entry_row row = {.number = 0};
	struct following following = {
	        .sink = {found}, .collect = collect, .spreads = aps_number_set_has(&collect->spreading, number)};
	bool has_fields = false;
	enum aps_rc rc = collect->rows->load(collect->rows, number, &row, err);
	following.holds = true;
	if (collect->cache->layers.source == NULL)
		follow_patches(collect, number, &following);
	else if (rc == APS_OK)
		follow_stored(row.patches, &following);
	following.holds = false;
	if (rc == APS_OK && row.number != 0) keep_own(collect, &row);
	following.keeps = aps_number_set_has(&collect->keeping, number);
	if (rc == APS_OK && row.number != 0 && (is_left_over(collect, &row) || is_forgotten(collect, &row))) {
		aps_number_set_remove(&collect->reached, number);
	} else if (rc == APS_OK && row.number != 0) {
		following.n_list_bytes = 0;
		follow_content(collect, &row, &following.sink);
		if (has_expired(collect, &row)) add(collect, &collect->expired, number);
		if (add(collect, &collect->seen, number)) account(collect, &row, following.n_list_bytes);
		has_fields = is_record(&row) && aps_number_set_has(&collect->owners, number);
	}
	collect->rows->done(collect->rows);
	return rc == APS_OK && has_fields ? follow_fields(collect, number, following.spreads, err) : rc;
}

static enum aps_rc fail_if_short(const struct aps_collect *collect, struct aps_err *err)
{
	return collect->is_short ? aps_fail(err, APS_E_NOMEM, "no memory to collect what isn't needed") : APS_OK;
}

/* In the order of the numbers, which is how the rows lie; round and round. */
enum aps_rc aps_collect_step(struct aps_collect *collect, size_t max_rows, bool *is_done, struct aps_err *err)
{
	enum aps_rc rc = fail_if_short(collect, err);
	for (size_t n = 0; rc == APS_OK && n < max_rows && collect->due.n_members != 0; n++) {
		uint64_t number = aps_number_set_next(&collect->due, collect->at);
		if (number == 0) number = aps_number_set_next(&collect->due, 0);
		collect->at = number;
		aps_number_set_remove(&collect->due, number);
		rc = follow(collect, number, err);
		if (rc == APS_OK) rc = fail_if_short(collect, err);
	}
	*is_done = rc == APS_OK && collect->due.n_members == 0;
	return rc;
}

void aps_collect_plan(struct aps_collect *collect, uint64_t n_to_go)
{
	collect->n_to_go = n_to_go;
	collect->cut = aps_ages_cut(&collect->ages, n_to_go);
}

/* The long lists of what may leave. */
struct leaving {
	struct aps_reference_sink sink;
	struct aps_buf lists; /* uint64_t */
	uint64_t n_bytes;
};

static void note_list(struct aps_reference_sink *sink, const struct aps_reference *reference)
{
	struct leaving *leaving = APS_CONTAINER_OF(sink, struct leaving, sink);
	if (reference->kind != APS_REFERS_TO_LONG_LIST) return;
	leaving->n_bytes += reference->n_items * ITEM_BYTES;
	aps_buf_add(&leaving->lists, &reference->entry, sizeof reference->entry);
}

struct unreaching {
	struct aps_reference_sink sink;
	struct aps_collect *collect;
};

static void unreach(struct aps_reference_sink *sink, const struct aps_reference *reference)
{
	struct unreaching *unreaching = APS_CONTAINER_OF(sink, struct unreaching, sink);
	aps_number_set_remove(&unreaching->collect->reached, reference->entry);
}

/* Nothing has them but what leaves. */
static enum aps_rc leave_lists(struct aps_collect *collect, const struct aps_buf *lists, struct aps_err *err)
{
	const uint64_t *numbers = (const uint64_t *)(const void *)lists->p;
	struct unreaching unreaching = {{unreach}, collect};
	enum aps_rc rc = APS_OK;
	if (lists->rc != APS_OK) collect->is_short = true;
	for (size_t i = 0; rc == APS_OK && i < lists->n / sizeof *numbers; i++) {
		struct aps_entry_row row = {.number = 0};
		rc = collect->rows->load(collect->rows, numbers[i], &row, err);
		if (rc == APS_OK && row.number != 0) aps_references_of_long_list(row.content, &unreaching.sink);
		collect->rows->done(collect->rows);
		aps_number_set_remove(&collect->reached, numbers[i]);
	}
	return rc;
}

/* Whether this one leaves. */
static bool is_chosen(struct aps_collect *collect, const struct aps_entry_row *row, uint64_t n_list_bytes)
{
	uint64_t n_bytes = bytes_to_win(row, n_list_bytes);
	bool is_over = is_record(row) && aps_number_set_has(&collect->expired, row->number);
	bool is_spared = !collect->takes_warm && aps_number_set_has(&collect->warm, row->number);
	unsigned age = age_of(collect, row);
	bool is_old = age > collect->cut || (age == collect->cut && collect->n_to_go != 0 && !is_spared);
	if (n_bytes == 0 || row->is_nowhere || (!is_over && !is_old)) return false;
	collect->n_to_go -= n_bytes < collect->n_to_go ? n_bytes : collect->n_to_go;
	return true;
}

static enum aps_rc choose(struct aps_collect *collect, uint64_t number, struct aps_buf *emptied, struct aps_err *err)
{
	struct aps_entry_row row = {.number = 0};
	struct leaving leaving = {.sink = {note_list}};
	bool leaves = false, stays_empty = false;
	aps_buf_init(&leaving.lists, APS_BUF_ANY_SIZE);
	enum aps_rc rc = collect->rows->load(collect->rows, number, &row, err);
	if (rc == APS_OK && row.number != 0 && row.key.n != 0) {
		follow_content(collect, &row, &leaving.sink);
		leaves = is_chosen(collect, &row, leaving.n_bytes);
		stays_empty = is_record(&row);
	}
	collect->rows->done(collect->rows);
	if (leaves && stays_empty)
		aps_buf_add(emptied, &number, sizeof number);
	else if (leaves)
		aps_number_set_remove(&collect->reached, number);
	if (emptied->rc != APS_OK) collect->is_short = true;
	if (rc == APS_OK && leaves) rc = leave_lists(collect, &leaving.lists, err);
	aps_buf_clear(&leaving.lists);
	return rc;
}

/* Somebody has it in hand. */
static bool is_held_in_memory(const struct aps_entry *entry)
{
	return entry->n_holds != 0 || entry->is_in_write;
}

/* It was there at the beginning, and nobody has asked for it since. */
static bool may_leave(const struct aps_collect *collect, uint64_t number)
{
	const struct aps_entry *entry = aps_entries_peek(&collect->cache->entries, number);
	bool is_needed = entry != NULL && (entry->is_used || is_held_in_memory(entry));
	return !is_needed && number <= collect->last && number != collect->root &&
	       aps_number_set_has(&collect->reached, number) && !aps_number_set_has(&collect->held, number);
}

enum aps_rc aps_collect_choose(struct aps_collect *collect, size_t max_rows, struct aps_buf *emptied, bool *is_done,
                               struct aps_err *err)
{
	enum aps_rc rc = fail_if_short(collect, err);
	*is_done = false;
	for (size_t n = 0; rc == APS_OK && n < max_rows && !*is_done; n++) {
		const struct aps_number_set *from = collect->n_to_go != 0 ? &collect->seen : &collect->expired;
		uint64_t number = aps_number_set_next(from, collect->chosen_at);
		bool is_short_of = number == 0 && collect->n_to_go != 0 && !collect->takes_warm;
		if (is_short_of) {
			collect->takes_warm = true;
			collect->chosen_at = 0;
			continue;
		}
		*is_done = number == 0;
		if (number != 0) collect->chosen_at = number;
		if (number != 0 && may_leave(collect, number)) rc = choose(collect, number, emptied, err);
		if (rc == APS_OK) rc = fail_if_short(collect, err);
	}
	return rc;
}

void aps_collect_hold_memory(struct aps_collect *collect)
{
	const struct aps_entry *entry = collect->cache->entries.newest;
	for (; entry != NULL; entry = entry->older)
		if (entry->number != 0 && is_held_in_memory(entry)) aps_collect_hold(collect, entry->number);
}

bool aps_collect_deletes(struct aps_collect *collect, uint64_t number)
{
	if (number > collect->last || aps_number_set_has(&collect->reached, number)) return false;
	const struct aps_entry *entry = aps_entries_peek(&collect->cache->entries, number);
	if (entry == NULL || !is_held_in_memory(entry)) return true;
	aps_collect_hold(collect, number);
	return false;
}

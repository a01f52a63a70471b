#include "cache/synced_list.h"

#include "cache/long_list_batch.h"
#include "cache/long_list_write.h"
#include "cache/references.h"

void aps_synced_list_clear(struct aps_synced_list *list)
{
	aps_number_set_clear(&list->members);
	*list = (struct aps_synced_list){.is_known = false};
}

void aps_synced_list_forget(struct aps_synced_list *list)
{
	list->is_known = false;
}

static void fail_damaged(struct aps_cache_write *write)
{
	if (write->err.code == APS_OK)
		aps_fail_word(&write->err, APS_E_STORAGE, "corrupt", 0, "a list in the cache is damaged");
}

/* What is known after a failure isn't there. */
static enum aps_rc end(const struct aps_cache_write *write, struct aps_synced_list *list, struct aps_err *err)
{
	if (write->err.code == APS_OK) return APS_OK;
	aps_synced_list_forget(list);
	if (err != NULL) *err = write->err;
	return write->err.code;
}

/* References, and nulls in the place of records that there aren't. */
static bool are_references(struct aps_str items)
{
	struct aps_cell item;
	while (items.n != 0)
		if (!aps_cell_take(&items, &item) || (item.tag != APS_CELL_REF && item.tag != APS_CELL_NULL))
			return false;
	return true;
}

static void take_items(struct aps_cache_write *write, struct aps_synced_list *list, struct aps_str items)
{
	uint64_t last = *write->cache->entries.last_number;
	struct aps_cell item;
	while (write->err.code == APS_OK && aps_cell_take(&items, &item)) {
		if (item.tag != APS_CELL_REF) continue;
		if (item.as.entry > last)
			fail_damaged(write);
		else if (!aps_number_set_add(&list->members, item.as.entry, NULL))
			aps_write_fail(write);
	}
	if (items.n != 0) fail_damaged(write);
}

static struct aps_str content_at(struct aps_cache_write *write, uint64_t number)
{
	struct aps_entry *entry = NULL;
	if (write->err.code != APS_OK) return APS_STR("");
	aps_entries_at_below(&write->cache->entries, number, &entry, &write->err);
	if (entry == NULL) fail_damaged(write);
	return entry != NULL ? aps_entry_content(entry) : APS_STR("");
}

static void take_blocks(struct aps_cache_write *write, struct aps_synced_list *list, uint64_t number)
{
	struct aps_long_block block;
	struct aps_cell cell;
	struct aps_buf blocks; /* loading one may let the list go */
	aps_buf_init(&blocks, APS_BUF_ANY_SIZE);
	aps_buf_add_str(&blocks, content_at(write, number));
	if (blocks.rc != APS_OK) aps_write_fail(write);
	struct aps_str rest = aps_buf_str(&blocks);
	while (write->err.code == APS_OK && rest.n != 0) {
		struct aps_str content = APS_STR("");
		if (aps_long_list_take(&rest, &block)) content = content_at(write, block.number);
		if (aps_cell_take(&content, &cell) && cell.tag == APS_CELL_LIST)
			take_items(write, list, cell.text);
		else
			fail_damaged(write);
	}
	aps_buf_clear(&blocks);
}

static bool is_long(const struct aps_cell *value)
{
	return value->tag == APS_CELL_LONG_LIST;
}

static bool is_list(const struct aps_cell *value)
{
	return is_long(value) || (value->tag == APS_CELL_LIST && are_references(value->text));
}

/* Makes the list known as what stands at its place. A short one costs nothing to read again. */
static void know(struct aps_cache_write *write, struct aps_synced_list *list, const struct aps_cell *value)
{
	uint64_t number = value != NULL && is_long(value) ? value->as.entry : 0;
	uint64_t n_items = value != NULL ? value->n_items : 0;
	bool is_same = list->is_known && number != 0 && list->number == number && list->n_items == n_items;
	if (is_same || write->err.code != APS_OK) return;
	aps_synced_list_clear(list);
	if (number != 0)
		take_blocks(write, list, number);
	else if (value != NULL)
		take_items(write, list, value->text);
	list->number = number;
	list->n_items = n_items;
	list->is_known = true;
}

/* The list at its place; false: there is none. */
static bool look(struct aps_cache_write *write, const struct aps_list_place *place, struct aps_synced_list *list,
                 struct aps_cell *value)
{
	bool is_there = aps_list_place_find(write, place, value) && is_list(value);
	know(write, list, is_there ? value : NULL);
	return is_there && write->err.code == APS_OK;
}

enum aps_rc aps_synced_list_load(struct aps_cache_write *write, const struct aps_list_place *place,
                                 struct aps_synced_list *list, bool *is_there, struct aps_err *err)
{
	struct aps_cell value;
	*is_there = look(write, place, list, &value);
	return end(write, list, err);
}

bool aps_synced_list_is_at(struct aps_cache_write *write, const struct aps_list_place *place)
{
	struct aps_cell value;
	return aps_list_place_find(write, place, &value) && is_list(&value);
}

/* Long lists in a value that is replaced. */
struct dropping {
	struct aps_reference_sink sink;
	struct aps_cache_write *write;
};

static void drop_long_list(struct aps_reference_sink *sink, const struct aps_reference *reference)
{
	struct aps_cache_write *write = APS_CONTAINER_OF(sink, struct dropping, sink)->write;
	if (reference->kind == APS_REFERS_TO_LONG_LIST) aps_long_list_drop(write, reference->entry);
}

static bool drop_value(struct aps_cache_write *write, const struct aps_list_place *place)
{
	struct dropping dropping = {{drop_long_list}, write};
	struct aps_cell value;
	if (!aps_list_place_find(write, place, &value)) return false;
	aps_references_of_value(value.whole, &dropping.sink);
	return true;
}

static void put(struct aps_cache_write *write, const struct aps_list_place *place, const struct aps_buf *value)
{
	if (value->rc == APS_OK)
		aps_list_place_set(write, place, aps_buf_str(value));
	else
		aps_write_fail(write);
}

void aps_synced_list_replace(struct aps_cache_write *write, const struct aps_list_place *place, struct aps_str value)
{
	drop_value(write, place);
	aps_list_place_set(write, place, value);
}

/* The same list, with so many items. */
static void put_long(struct aps_cache_write *write, const struct aps_list_place *place, struct aps_synced_list *list,
                     uint64_t number, uint64_t n_items)
{
	struct aps_buf value;
	if (write->err.code != APS_OK) return;
	aps_buf_init(&value, APS_BUF_ANY_SIZE);
	aps_cell_put_long_list(&value, number, n_items);
	put(write, place, &value);
	aps_buf_clear(&value);
	list->number = number;
	list->n_items = n_items;
}

/* A list of these items; it takes `items`. A long one gets blocks. */
static void put_items(struct aps_cache_write *write, const struct aps_list_place *place, struct aps_synced_list *list,
                      struct aps_buf *items, uint64_t n_items)
{
	struct aps_cell cell;
	bool is_changed;
	aps_cell_close_list(items, 0, n_items);
	struct aps_str whole = aps_buf_str(items);
	if (items->rc != APS_OK) {
		aps_write_fail(write);
	} else if (n_items > APS_BLOCK_MAX_ITEMS && aps_cell_take(&whole, &cell)) {
		uint64_t number = aps_long_list_write(write, 0, &cell, &is_changed);
		put_long(write, place, list, number, n_items);
	} else {
		put(write, place, items);
		list->number = 0;
		list->n_items = n_items;
	}
}

enum aps_rc aps_synced_list_begin(struct aps_cache_write *write, const struct aps_list_place *place,
                                  struct aps_synced_list *list, struct aps_err *err)
{
	struct aps_buf items;
	aps_buf_init(&items, APS_BUF_ANY_SIZE);
	drop_value(write, place);
	aps_synced_list_clear(list);
	put_items(write, place, list, &items, 0);
	list->is_known = true;
	aps_buf_clear(&items);
	return end(write, list, err);
}

/* References to those that aren't members yet, each once. */
static uint64_t put_new(struct aps_cache_write *write, struct aps_synced_list *list, const uint64_t *records,
                        size_t n_records, struct aps_buf *out)
{
	uint64_t n = 0;
	for (size_t i = 0; i < n_records; i++) {
		bool is_new = false;
		if (!aps_number_set_add(&list->members, records[i], &is_new)) aps_write_fail(write);
		if (!is_new) continue;
		aps_cell_put_ref(out, records[i]);
		n++;
	}
	return n;
}

static void add(struct aps_cache_write *write, const struct aps_list_place *place, struct aps_synced_list *list,
                const struct aps_cell *value, const uint64_t *records, size_t n_records)
{
	struct aps_buf items;
	uint64_t n_items = value->n_items, number = list->number;
	aps_buf_init(&items, APS_BUF_ANY_SIZE);
	if (number == 0) aps_buf_add_str(&items, value->text);
	uint64_t n_new = put_new(write, list, records, n_records, &items);
	if (items.rc != APS_OK) aps_write_fail(write);
	if (n_new != 0 && number == 0) {
		put_items(write, place, list, &items, n_items + n_new);
	} else if (n_new != 0) {
		aps_long_list_append(write, number, aps_buf_str(&items), n_new);
		put_long(write, place, list, number, n_items + n_new);
	}
	aps_buf_clear(&items);
}

enum aps_rc aps_synced_list_add(struct aps_cache_write *write, const struct aps_list_place *place,
                                struct aps_synced_list *list, const uint64_t *records, size_t n_records,
                                struct aps_err *err)
{
	struct aps_cell value;
	if (look(write, place, list, &value)) add(write, place, list, &value, records, n_records);
	return end(write, list, err);
}

static void remove_from_short(struct aps_cache_write *write, const struct aps_list_place *place,
                              struct aps_synced_list *list, struct aps_str items, const struct aps_number_set *gone)
{
	struct aps_buf left;
	struct aps_cell item;
	uint64_t n = 0;
	aps_buf_init(&left, APS_BUF_ANY_SIZE);
	while (aps_cell_take(&items, &item)) {
		if (item.tag == APS_CELL_REF && aps_number_set_has(gone, item.as.entry)) continue;
		aps_buf_add_str(&left, item.whole);
		n++;
	}
	put_items(write, place, list, &left, n);
	aps_buf_clear(&left);
}

/* A list that gets short is one value again. */
static void shorten(struct aps_cache_write *write, const struct aps_list_place *place, struct aps_synced_list *list,
                    uint64_t number, uint64_t n_items)
{
	struct aps_buf items;
	aps_buf_init(&items, APS_BUF_ANY_SIZE);
	aps_long_list_items(&write->cache->entries, number, &items, &write->err);
	if (write->err.code == APS_OK) aps_long_list_drop(write, number);
	if (write->err.code == APS_OK) put_items(write, place, list, &items, n_items);
	aps_buf_clear(&items);
}

static void remove_from_long(struct aps_cache_write *write, const struct aps_list_place *place,
                             struct aps_synced_list *list, const struct aps_number_set *gone)
{
	uint64_t number = list->number, n_items;
	aps_long_list_remove(write, number, gone, &n_items);
	if (write->err.code == APS_OK && n_items <= APS_BLOCK_MAX_ITEMS)
		shorten(write, place, list, number, n_items);
	else
		put_long(write, place, list, number, n_items);
}

enum aps_rc aps_synced_list_remove(struct aps_cache_write *write, const struct aps_list_place *place,
                                   struct aps_synced_list *list, const uint64_t *records, size_t n_records,
                                   struct aps_err *err)
{
	struct aps_number_set gone = {.pages = NULL};
	struct aps_cell value;
	bool is_there = look(write, place, list, &value);
	for (size_t i = 0; is_there && i < n_records; i++) {
		if (!aps_number_set_has(&list->members, records[i])) continue;
		if (!aps_number_set_add(&gone, records[i], NULL)) aps_write_fail(write);
		aps_number_set_remove(&list->members, records[i]);
	}
	if (gone.n_members != 0 && write->err.code == APS_OK) {
		if (list->number == 0)
			remove_from_short(write, place, list, value.text, &gone);
		else
			remove_from_long(write, place, list, &gone);
	}
	aps_number_set_clear(&gone);
	return end(write, list, err);
}

/* Of those of the former list. */
static void put_unseen(struct aps_cache_write *write, const struct aps_synced_list *former,
                       const struct aps_synced_list *now, struct aps_buf *unseen)
{
	uint64_t number = 0;
	while ((number = aps_number_set_next(&former->members, number)) != 0)
		if (!aps_number_set_has(&now->members, number)) aps_buf_add(unseen, &number, sizeof number);
	if (unseen->rc != APS_OK) aps_write_fail(write);
}

static void move(struct aps_cache_write *write, const struct aps_list_place *from, const struct aps_list_place *place,
                 struct aps_str value)
{
	struct aps_buf copy;
	aps_buf_init(&copy, APS_BUF_ANY_SIZE);
	aps_buf_add_str(&copy, value);
	drop_value(write, place);
	put(write, place, &copy);
	aps_list_place_set(write, from, APS_STR(""));
	aps_buf_clear(&copy);
}

enum aps_rc aps_synced_list_move(struct aps_cache_write *write, struct aps_list_at from, struct aps_list_at to,
                                 struct aps_buf *unseen, struct aps_err *err)
{
	struct aps_cell value, former;
	bool is_there = look(write, from.place, from.list, &value);
	if (!is_there && write->err.code == APS_OK)
		aps_fail(&write->err, APS_E_CONFLICT, "the list that a sync has collected isn't there any more");
	if (unseen != NULL && write->err.code == APS_OK) look(write, to.place, to.list, &former);
	if (unseen != NULL && write->err.code == APS_OK) put_unseen(write, to.list, from.list, unseen);
	if (write->err.code == APS_OK) move(write, from.place, to.place, value.whole);
	if (write->err.code == APS_OK) {
		aps_synced_list_clear(to.list);
		*to.list = *from.list;
		*from.list = (struct aps_synced_list){.is_known = false};
	}
	aps_synced_list_forget(from.list);
	return end(write, to.list, err);
}

enum aps_rc aps_synced_list_drop(struct aps_cache_write *write, const struct aps_list_place *place,
                                 struct aps_synced_list *list, struct aps_err *err)
{
	if (drop_value(write, place)) aps_list_place_set(write, place, APS_STR(""));
	aps_synced_list_clear(list);
	list->is_known = true;
	return end(write, list, err);
}

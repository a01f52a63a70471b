#include "cache/long_list_batch.h"

/* Neighbours that have no more than this together become one, where one of them is written anyway. */
#define MERGE_ITEMS 192

/* The block whose items aren't final yet. */
struct pending {
	uint64_t number; /* 0: there is none, or it will be a new one */
	uint64_t n_items;
	struct aps_buf items; /* where `is_read` */
	bool is_there, is_read, is_changed;
};

struct batch {
	struct aps_cache_write *write;
	struct aps_buf blocks;  /* what the list has: its content */
	struct aps_buf now;     /* what it will have */
	struct pending pending; /* its last block so far */
	bool is_changed;
	uint64_t n_items;
};

static void fail_damaged(struct aps_cache_write *write)
{
	if (write->err.code == APS_OK)
		aps_fail_word(&write->err, APS_E_STORAGE, "corrupt", 0, "a list in the cache is damaged");
}

static void begin(struct batch *in, struct aps_cache_write *write, uint64_t number)
{
	*in = (struct batch){.write = write};
	aps_buf_init(&in->blocks, APS_BUF_ANY_SIZE);
	aps_buf_init(&in->now, APS_BUF_ANY_SIZE);
	aps_buf_init(&in->pending.items, APS_BUF_ANY_SIZE);
	const struct aps_entry *list = aps_write_at(write, number);
	if (list == NULL) fail_damaged(write);
	if (list != NULL) aps_buf_add_str(&in->blocks, aps_entry_content(list));
}

/* The items of a block, borrowed until it is written. */
static struct aps_str items_of(const struct batch *in, uint64_t number)
{
	const struct aps_entry *entry = aps_write_at(in->write, number);
	struct aps_str content = entry != NULL ? aps_entry_content(entry) : APS_STR("");
	struct aps_cell list;
	if (aps_cell_take(&content, &list) && list.tag == APS_CELL_LIST) return list.text;
	fail_damaged(in->write);
	return APS_STR("");
}

static void drop_entry(struct aps_cache_write *write, uint64_t number)
{
	struct aps_entry *entry = number != 0 ? aps_write_at(write, number) : NULL;
	if (entry == NULL) return;
	aps_write_set(write, entry, (struct aps_str){NULL, 0});
	aps_write_report(write, entry, 0);
}

static void read_pending(struct batch *in)
{
	struct pending *pending = &in->pending;
	if (pending->is_read) return;
	pending->is_read = true;
	if (pending->number != 0) aps_buf_add_str(&pending->items, items_of(in, pending->number));
}

static void write_pending(struct batch *in)
{
	struct pending *pending = &in->pending;
	struct aps_entry *entry =
	        pending->number != 0 ? aps_write_at(in->write, pending->number) : aps_write_add(in->write);
	if (entry == NULL) return;
	pending->number = entry->number;
	aps_cell_close_list(&pending->items, 0, pending->n_items);
	if (pending->items.rc == APS_OK)
		aps_write_set(in->write, entry, aps_buf_str(&pending->items));
	else
		aps_write_fail(in->write);
	aps_write_report(in->write, entry, 0);
}

/* It is as it will be. */
static void flush(struct batch *in)
{
	struct pending *pending = &in->pending;
	if (!pending->is_there) return;
	in->is_changed = in->is_changed || pending->is_changed;
	if (pending->is_changed) write_pending(in);
	aps_cell_put_count(&in->now, pending->number);
	aps_cell_put_count(&in->now, pending->n_items);
	in->n_items += pending->n_items;
	aps_buf_reset(&pending->items);
	*pending = (struct pending){.items = pending->items};
}

static void take_block(struct batch *in, struct aps_long_block block)
{
	flush(in);
	in->pending.is_there = true;
	in->pending.number = block.number;
	in->pending.n_items = block.n_items;
}

static void end(struct batch *in, uint64_t number)
{
	flush(in);
	struct aps_entry *list = aps_write_at(in->write, number);
	if (in->blocks.rc != APS_OK || in->now.rc != APS_OK || in->pending.items.rc != APS_OK)
		aps_write_fail(in->write);
	if (list != NULL && in->is_changed) {
		aps_write_set(in->write, list, in->now.n != 0 ? aps_buf_str(&in->now) : APS_STR(""));
		aps_write_report(in->write, list, 0);
	}
	aps_buf_clear(&in->blocks);
	aps_buf_clear(&in->now);
	aps_buf_clear(&in->pending.items);
}

static void add_item(struct batch *in, struct aps_str item)
{
	struct pending *pending = &in->pending;
	if (!pending->is_there || pending->n_items >= APS_BLOCK_MAX_ITEMS) {
		take_block(in, (struct aps_long_block){0, 0});
		pending->is_read = true;
	}
	read_pending(in);
	aps_buf_add_str(&pending->items, item);
	pending->n_items++;
	pending->is_changed = true;
}

void aps_long_list_append(struct aps_cache_write *write, uint64_t number, struct aps_str items, uint64_t n_items)
{
	struct batch in;
	struct aps_long_block block;
	struct aps_cell item;
	begin(&in, write, number);
	struct aps_str rest = aps_buf_str(&in.blocks);
	while (aps_long_list_take(&rest, &block)) take_block(&in, block);
	if (rest.n != 0) fail_damaged(write);
	for (uint64_t i = 0; i < n_items && aps_cell_take(&items, &item); i++) add_item(&in, item.whole);
	end(&in, number);
}

static bool is_one_of(const struct aps_cell *item, const struct aps_number_set *entries)
{
	return item->tag == APS_CELL_REF && aps_number_set_has(entries, item->as.entry);
}

/* `only`: the reference to the one entry that goes; empty: there are several. */
static bool has_any(struct aps_str items, const struct aps_number_set *entries, struct aps_str only)
{
	struct aps_cell item;
	if (only.n != 0 && !aps_long_list_may_have(items, only)) return false;
	while (aps_cell_take(&items, &item))
		if (is_one_of(&item, entries)) return true;
	return false;
}

/* Into what is pending, which then has the items of both. */
static void merge_block(struct batch *in, struct aps_long_block block, struct aps_str items, uint64_t n_items)
{
	struct pending *pending = &in->pending;
	read_pending(in);
	aps_buf_add_str(&pending->items, items);
	pending->n_items += n_items;
	pending->is_changed = true;
	drop_entry(in->write, block.number);
}

static void keep_block(struct batch *in, struct aps_long_block block, struct aps_str items)
{
	const struct pending *pending = &in->pending;
	if (pending->is_changed && pending->n_items + block.n_items <= MERGE_ITEMS)
		merge_block(in, block, items, block.n_items);
	else
		take_block(in, block);
}

static void change_block(struct batch *in, struct aps_long_block block, struct aps_str items,
                         const struct aps_number_set *entries)
{
	struct pending *pending = &in->pending;
	struct aps_buf left;
	struct aps_cell item;
	uint64_t n = 0;
	aps_buf_init(&left, APS_BUF_ANY_SIZE);
	while (aps_cell_take(&items, &item)) {
		if (is_one_of(&item, entries)) continue;
		aps_buf_add_str(&left, item.whole);
		n++;
	}
	if (left.rc != APS_OK) aps_write_fail(in->write);
	if (n == 0) {
		drop_entry(in->write, block.number);
		in->is_changed = true;
	} else if (pending->is_there && pending->n_items + n <= MERGE_ITEMS) {
		merge_block(in, block, aps_buf_str(&left), n);
	} else {
		take_block(in, block);
		aps_buf_add_str(&pending->items, aps_buf_str(&left));
		pending->n_items = n;
		pending->is_read = pending->is_changed = true;
	}
	aps_buf_clear(&left);
}

void aps_long_list_remove(struct aps_cache_write *write, uint64_t number, const struct aps_number_set *entries,
                          uint64_t *n_items)
{
	struct batch in;
	struct aps_long_block block;
	struct aps_buf only;
	begin(&in, write, number);
	aps_buf_init(&only, APS_BUF_ANY_SIZE);
	if (entries->n_members == 1) aps_cell_put_ref(&only, aps_number_set_next(entries, 0));
	struct aps_str rest = aps_buf_str(&in.blocks);
	while (write->err.code == APS_OK && aps_long_list_take(&rest, &block)) {
		struct aps_str items = items_of(&in, block.number);
		if (has_any(items, entries, aps_buf_str(&only)))
			change_block(&in, block, items, entries);
		else
			keep_block(&in, block, items);
	}
	if (rest.n != 0) fail_damaged(write);
	if (only.rc != APS_OK) aps_write_fail(write);
	aps_buf_clear(&only);
	end(&in, number);
	*n_items = in.n_items;
}

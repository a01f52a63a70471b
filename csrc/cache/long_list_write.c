#include "cache/long_list_write.h"

#include "base/mem.h"

/* New blocks are not filled: an item more in the middle should not split one. */
#define BLOCK_FILL_ITEMS 192

/* The blocks that a list has, and the items that it is to have. */
struct rewriting {
	struct aps_cache_write *write;
	struct aps_buf old; /* of struct aps_long_block */
	struct aps_buf now; /* of struct aps_long_block */
	const char *items;
	struct aps_buf starts; /* uint32_t: where each item begins, and the end */
	size_t n_items;
	bool is_changed;
};

bool aps_long_list_wants(const struct aps_cell *list)
{
	if (list->tag != APS_CELL_LIST || list->n_items <= APS_BLOCK_MAX_ITEMS) return false;
	struct aps_str rest = list->text;
	struct aps_cell item;
	while (rest.n != 0)
		if (!aps_cell_take(&rest, &item) || (item.tag != APS_CELL_REF && item.tag != APS_CELL_NULL))
			return false;
	return true;
}

static size_t n_blocks(const struct aps_buf *blocks)
{
	return blocks->n / sizeof(struct aps_long_block);
}

static const struct aps_long_block *block_at(const struct aps_buf *blocks, size_t index)
{
	return (const struct aps_long_block *)(const void *)blocks->p + index;
}

static uint32_t start_of(const struct rewriting *in, size_t item)
{
	return ((const uint32_t *)(const void *)in->starts.p)[item];
}

static struct aps_str items_of(const struct rewriting *in, size_t from, size_t n)
{
	return (struct aps_str){in->items + start_of(in, from), start_of(in, from + n) - start_of(in, from)};
}

/* Where each item begins. */
static bool measure(struct rewriting *in, const struct aps_cell *list)
{
	struct aps_str rest = list->text;
	struct aps_cell item;
	while (in->starts.rc == APS_OK) {
		uint32_t at = (uint32_t)(list->text.n - rest.n);
		aps_buf_add(&in->starts, &at, sizeof at);
		if (rest.n == 0 || !aps_cell_take(&rest, &item)) break;
	}
	in->n_items = in->starts.n / sizeof(uint32_t) - 1;
	return in->starts.rc == APS_OK;
}

static void read_old(struct rewriting *in, uint64_t number)
{
	const struct aps_entry *entry = number != 0 ? aps_write_at(in->write, number) : NULL;
	struct aps_long_block block;
	if (entry == NULL) return;
	struct aps_str content = aps_entry_content(entry);
	while (aps_long_list_take(&content, &block)) aps_buf_add(&in->old, &block, sizeof block);
}

/* The block holds exactly these items. */
static bool holds(const struct rewriting *in, const struct aps_long_block *block, size_t from)
{
	const struct aps_entry *entry = aps_write_at(in->write, block->number);
	struct aps_cell kept;
	if (entry == NULL) return false;
	struct aps_str content = aps_entry_content(entry);
	return aps_cell_take(&content, &kept) && kept.tag == APS_CELL_LIST && kept.n_items == block->n_items &&
	       aps_str_eq(kept.text, items_of(in, from, (size_t)block->n_items));
}

/* Blocks at the beginning that stay; *item is the first that they don't hold. */
static size_t keep_first(const struct rewriting *in, size_t *item)
{
	size_t n = 0;
	for (; n < n_blocks(&in->old); n++) {
		const struct aps_long_block *block = block_at(&in->old, n);
		if (block->n_items > in->n_items - *item || !holds(in, block, *item)) break;
		*item += (size_t)block->n_items;
	}
	return n;
}

/* Likewise at the end, of those above `first`; *item is behind the last that they don't hold. */
static size_t keep_last(const struct rewriting *in, size_t first, size_t from, size_t *item)
{
	size_t n = 0;
	while (first + n < n_blocks(&in->old)) {
		const struct aps_long_block *block = block_at(&in->old, n_blocks(&in->old) - 1 - n);
		if (block->n_items > *item - from || !holds(in, block, *item - (size_t)block->n_items)) break;
		*item -= (size_t)block->n_items;
		n++;
	}
	return n;
}

static void put_block(struct rewriting *in, uint64_t number, size_t from, size_t n)
{
	struct aps_entry *entry = number != 0 ? aps_write_at(in->write, number) : aps_write_add(in->write);
	if (entry == NULL) entry = aps_write_add(in->write); /* a damaged file may lack one */
	if (entry == NULL) return;
	struct aps_buf content;
	aps_buf_init(&content, APS_BUF_ANY_SIZE);
	aps_buf_add_str(&content, items_of(in, from, n));
	aps_cell_close_list(&content, 0, n);
	if (content.rc == APS_OK)
		aps_write_set(in->write, entry, aps_buf_str(&content));
	else
		aps_write_fail(in->write);
	aps_write_report(in->write, entry, 0);
	aps_buf_clear(&content);
	const struct aps_long_block block = {entry->number, n};
	aps_buf_add(&in->now, &block, sizeof block);
}

static void drop_block(struct aps_cache_write *write, uint64_t number)
{
	struct aps_entry *entry = aps_write_at(write, number);
	if (entry == NULL) return;
	aps_write_set(write, entry, (struct aps_str){NULL, 0});
	aps_write_report(write, entry, 0);
}

/* Items [from, to) go into the old blocks [first, first + n_old), as many as it takes. */
static void put_middle(struct rewriting *in, size_t from, size_t to, size_t first, size_t n_old)
{
	size_t n = to - from, used = 0;
	size_t n_pieces = n <= APS_BLOCK_MAX_ITEMS ? (n != 0) : (n + BLOCK_FILL_ITEMS - 1) / BLOCK_FILL_ITEMS;
	for (size_t piece = 0; piece < n_pieces; piece++) {
		size_t begin = from + n * piece / n_pieces, end = from + n * (piece + 1) / n_pieces;
		uint64_t number = used < n_old ? block_at(&in->old, first + used++)->number : 0;
		put_block(in, number, begin, end - begin);
	}
	while (used < n_old) drop_block(in->write, block_at(&in->old, first + used++)->number);
	if (n_pieces != 0 || n_old != 0) in->is_changed = true;
}

static uint64_t put_list(struct rewriting *in, uint64_t number)
{
	struct aps_entry *entry = number != 0 ? aps_write_at(in->write, number) : NULL;
	if (entry == NULL) entry = aps_write_add(in->write);
	if (entry == NULL) return 0;
	struct aps_buf content;
	aps_buf_init(&content, APS_BUF_ANY_SIZE);
	for (size_t i = 0; i < n_blocks(&in->now); i++) {
		aps_cell_put_count(&content, block_at(&in->now, i)->number);
		aps_cell_put_count(&content, block_at(&in->now, i)->n_items);
	}
	if (content.rc == APS_OK)
		aps_write_set(in->write, entry, aps_buf_str(&content));
	else
		aps_write_fail(in->write);
	aps_write_report(in->write, entry, 0);
	aps_buf_clear(&content);
	return entry->number;
}

static void keep_blocks(struct rewriting *in, size_t from, size_t n)
{
	if (n != 0) aps_buf_add(&in->now, block_at(&in->old, from), n * sizeof(struct aps_long_block));
}

static uint64_t rewrite(struct rewriting *in, uint64_t number)
{
	size_t from = 0, to = in->n_items;
	size_t first = keep_first(in, &from);
	size_t last = keep_last(in, first, from, &to);
	size_t n_old = n_blocks(&in->old) - first - last;
	keep_blocks(in, 0, first);
	put_middle(in, from, to, first, n_old);
	keep_blocks(in, first + n_old, last);
	return in->is_changed || number == 0 ? put_list(in, number) : number;
}

uint64_t aps_long_list_write(struct aps_cache_write *write, uint64_t number, const struct aps_cell *list,
                             bool *is_changed)
{
	struct rewriting in = {.write = write, .items = list->text.p};
	aps_buf_init(&in.old, APS_BUF_ANY_SIZE);
	aps_buf_init(&in.now, APS_BUF_ANY_SIZE);
	aps_buf_init(&in.starts, APS_BUF_ANY_SIZE);
	read_old(&in, number);
	bool is_measured = measure(&in, list);
	if (is_measured) number = rewrite(&in, number);
	if (!is_measured || in.old.rc != APS_OK || in.now.rc != APS_OK) aps_write_fail(write);
	*is_changed = in.is_changed;
	aps_buf_clear(&in.old);
	aps_buf_clear(&in.now);
	aps_buf_clear(&in.starts);
	return write->err.code == APS_OK ? number : 0;
}

/* Where an item stands in a block: its first byte, and the one behind it. */
struct spot {
	size_t block; /* SIZE_MAX: nowhere */
	size_t from, to;
	bool is_last; /* of the list */
};

static struct aps_str block_items(const struct rewriting *in, size_t index)
{
	const struct aps_entry *entry = aps_write_at(in->write, block_at(&in->old, index)->number);
	struct aps_cell kept;
	struct aps_str content = entry != NULL ? aps_entry_content(entry) : APS_STR("");
	bool is_list = aps_cell_take(&content, &kept) && kept.tag == APS_CELL_LIST;
	return is_list ? kept.text : APS_STR("");
}

/* From the end, where what has come lately is. */
static struct spot find_item(const struct rewriting *in, struct aps_str item)
{
	struct aps_cell kept;
	for (size_t block = n_blocks(&in->old); block-- > 0;) {
		struct aps_str items = block_items(in, block), rest = items;
		if (!aps_long_list_may_have(items, item)) continue;
		while (aps_cell_take(&rest, &kept)) {
			if (!aps_str_eq(kept.whole, item)) continue;
			size_t to = items.n - rest.n;
			bool is_last = rest.n == 0 && block + 1 == n_blocks(&in->old);
			return (struct spot){block, to - item.n, to, is_last};
		}
	}
	return (struct spot){.block = SIZE_MAX};
}

/* Gives a block of the list other items, and the list that block. */
static void set_block(struct rewriting *in, size_t index, const struct aps_buf *items, uint64_t n_items)
{
	struct aps_long_block block = {0, n_items};
	bool is_new = index == n_blocks(&in->old);
	struct aps_buf content;
	struct aps_entry *entry =
	        is_new ? aps_write_add(in->write) : aps_write_at(in->write, block_at(&in->old, index)->number);
	if (entry == NULL) return;
	block.number = entry->number;
	aps_buf_init(&content, APS_BUF_ANY_SIZE);
	aps_buf_add_str(&content, aps_buf_str(items));
	aps_cell_close_list(&content, 0, n_items);
	if (content.rc == APS_OK) aps_write_set(in->write, entry, aps_buf_str(&content));
	aps_write_report(in->write, entry, 0);
	if (content.rc != APS_OK) aps_write_fail(in->write);
	aps_buf_clear(&content);
	aps_buf_add(&in->now, in->old.p, index * sizeof block);
	aps_buf_add(&in->now, &block, sizeof block);
	if (!is_new) aps_buf_add(&in->now, block_at(&in->old, index + 1), in->old.n - (index + 1) * sizeof block);
}

static void append(struct rewriting *in, struct aps_str item)
{
	size_t n = n_blocks(&in->old);
	bool has_room = n != 0 && block_at(&in->old, n - 1)->n_items < APS_BLOCK_MAX_ITEMS;
	size_t index = has_room ? n - 1 : n;
	struct aps_buf items;
	aps_buf_init(&items, APS_BUF_ANY_SIZE);
	if (has_room) aps_buf_add_str(&items, block_items(in, index));
	aps_buf_add_str(&items, item);
	if (items.rc == APS_OK)
		set_block(in, index, &items, has_room ? block_at(&in->old, index)->n_items + 1 : 1);
	else
		aps_write_fail(in->write);
	aps_buf_clear(&items);
}

static void take_out(struct rewriting *in, const struct spot *spot)
{
	struct aps_str kept = block_items(in, spot->block);
	struct aps_buf items;
	aps_buf_init(&items, APS_BUF_ANY_SIZE);
	aps_buf_add(&items, kept.p, spot->from);
	aps_buf_add(&items, kept.p + spot->to, kept.n - spot->to);
	if (items.rc == APS_OK)
		set_block(in, spot->block, &items, block_at(&in->old, spot->block)->n_items - 1);
	else
		aps_write_fail(in->write);
	aps_buf_clear(&items);
}

/* A list that gets short is one value again, and a block that gets empty is none. */
static bool may_lose(const struct rewriting *in, const struct spot *spot, uint64_t n_items)
{
	return n_items > APS_BLOCK_MAX_ITEMS + 1 && block_at(&in->old, spot->block)->n_items > 1;
}

bool aps_long_list_change(struct aps_cache_write *write, uint64_t number, struct aps_str item, bool comes,
                          uint64_t *n_items)
{
	struct rewriting in = {.write = write};
	aps_buf_init(&in.old, APS_BUF_ANY_SIZE);
	aps_buf_init(&in.now, APS_BUF_ANY_SIZE);
	read_old(&in, number);
	struct spot spot = find_item(&in, item);
	bool is_there = spot.block != SIZE_MAX, is_same = comes ? is_there && spot.is_last : !is_there;
	bool is_known = n_blocks(&in.old) != 0;
	bool can = is_known && (is_same || (comes ? !is_there : may_lose(&in, &spot, *n_items)));
	if (can && !is_same) {
		if (comes)
			append(&in, item);
		else
			take_out(&in, &spot);
		*n_items += comes ? 1 : UINT64_MAX;
		put_list(&in, number);
	}
	if (in.old.rc != APS_OK || in.now.rc != APS_OK) aps_write_fail(write);
	aps_buf_clear(&in.old);
	aps_buf_clear(&in.now);
	return can;
}

void aps_long_list_drop(struct aps_cache_write *write, uint64_t number)
{
	const struct aps_entry *entry = aps_write_at(write, number);
	struct aps_long_block block;
	if (entry == NULL) return;
	struct aps_buf content; /* the entry's own changes with the first block */
	aps_buf_init(&content, APS_BUF_ANY_SIZE);
	aps_buf_add_str(&content, aps_entry_content(entry));
	if (content.rc != APS_OK) aps_write_fail(write);
	struct aps_str rest = aps_buf_str(&content);
	while (aps_long_list_take(&rest, &block)) drop_block(write, block.number);
	aps_buf_clear(&content);
	drop_block(write, number);
}

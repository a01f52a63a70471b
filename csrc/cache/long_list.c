#include "cache/long_list.h"

#include <string.h>

bool aps_long_list_take(struct aps_str *content, struct aps_long_block *block)
{
	return content->n != 0 && aps_cell_take_count(content, &block->number) &&
	       aps_cell_take_count(content, &block->n_items) && block->n_items <= APS_BLOCK_MAX_ITEMS;
}

/* The byte that is looked for is the one in which references differ most: the lowest of the entry's number. */
bool aps_long_list_may_have(struct aps_str items, struct aps_str item)
{
	size_t at = item.n > 1 ? 1 : 0;
	if (items.n < item.n) return false;
	const char *p = items.p + at, *end = p + items.n - item.n + 1;
	while (p < end && (p = memchr(p, item.p[at], (size_t)(end - p))) != NULL) {
		if (memcmp(p - at, item.p, item.n) == 0) return true;
		p++;
	}
	return false;
}

static enum aps_rc fail_damaged(struct aps_err *err)
{
	return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "a list in the cache is damaged");
}

/* The list's content in a buffer of its own: loading a block may let it go. */
static enum aps_rc read_blocks(struct aps_entries *entries, struct aps_str blocks, struct aps_buf *out,
                               struct aps_err *err)
{
	struct aps_long_block block;
	struct aps_cell list;
	while (blocks.n != 0) {
		struct aps_entry *entry;
		if (!aps_long_list_take(&blocks, &block)) return fail_damaged(err);
		enum aps_rc rc = aps_entries_at(entries, block.number, &entry, err);
		if (rc != APS_OK) return rc;
		struct aps_str content = entry != NULL ? aps_entry_content(entry) : APS_STR("");
		if (!aps_cell_take(&content, &list) || list.tag != APS_CELL_LIST) return fail_damaged(err);
		aps_buf_add_str(out, list.text);
	}
	return out->rc == APS_OK ? APS_OK : aps_fail(err, out->rc, "no memory for a list of the cache");
}

enum aps_rc aps_long_list_items(struct aps_entries *entries, uint64_t number, struct aps_buf *out, struct aps_err *err)
{
	struct aps_entry *entry;
	struct aps_buf blocks;
	enum aps_rc rc = aps_entries_at(entries, number, &entry, err);
	if (rc != APS_OK) return rc;
	if (entry == NULL) return fail_damaged(err);
	aps_buf_init(&blocks, APS_BUF_ANY_SIZE);
	aps_buf_add_str(&blocks, aps_entry_content(entry));
	rc = blocks.rc == APS_OK ? read_blocks(entries, aps_buf_str(&blocks), out, err)
	                         : aps_fail(err, blocks.rc, "no memory for a list of the cache");
	aps_buf_clear(&blocks);
	return rc;
}

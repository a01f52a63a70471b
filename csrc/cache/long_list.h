/* Long lists of references: in blocks, so that an event on a list of 100,000 writes one of them. A list is an entry
 * that names its blocks and how many items each has; a block holds APS_BLOCK_MAX_ITEMS at most. */
#ifndef APS_CACHE_LONG_LIST_H
#define APS_CACHE_LONG_LIST_H

#include "cache/cell.h"
#include "cache/entry.h"

#define APS_BLOCK_MAX_ITEMS 256

struct aps_long_block {
	uint64_t number;
	uint64_t n_items;
};

APS_BEGIN_DECLS

/* Takes the next block from the content of a long list; false: there is none, or it is damaged. */
bool aps_long_list_take(struct aps_str *content, struct aps_long_block *block);
/* The bytes of an item are somewhere among these: where they aren't, none of them needs to be looked at. */
bool aps_long_list_may_have(struct aps_str items, struct aps_str item);
/* Appends the items of a long list, one behind the other. E_NOMEM, what the backing says; E_STORAGE: a block isn't
 * there, or is damaged. */
enum aps_rc aps_long_list_items(struct aps_entries *entries, uint64_t number, struct aps_buf *out, struct aps_err *err);

APS_END_DECLS

#endif

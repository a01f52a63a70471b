/* Long lists of references: in blocks, so that an event on a list of 100,000 writes one of them. A list is an entry
 * that names its blocks and how many items each has; a block holds APS_BLOCK_MAX_ITEMS at most. */
#ifndef APS_CACHE_LONG_LIST_H
#define APS_CACHE_LONG_LIST_H

#include "cache/value.h"
#include "cache/write.h"

#define APS_BLOCK_MAX_ITEMS 256

struct aps_long_block {
	uint64_t number;
	uint64_t n_items;
};

APS_BEGIN_DECLS

/* A LIST that is to be kept in blocks: longer than one of them, references and nulls only. */
bool aps_long_list_wants(const struct aps_value *list);
/* Makes the entry `number` (0: a new one) hold these items; blocks that stay the same are not written. Returns the
 * entry's number, 0 on a failure; *is_changed tells whether anything was written. */
uint64_t aps_long_list_write(struct aps_cache_write *write, uint64_t number, const struct aps_value *list,
                             bool *is_changed);
/* The list and its blocks are nowhere from now on. */
void aps_long_list_drop(struct aps_cache_write *write, uint64_t number);
/* Takes the next block from the content of a long list; false: there is none, or it is damaged. */
bool aps_long_list_take(struct aps_str *content, struct aps_long_block *block);

APS_END_DECLS

#endif

/* Long lists are written block by block: those that stay the same are left alone. */
#ifndef APS_CACHE_LONG_LIST_WRITE_H
#define APS_CACHE_LONG_LIST_WRITE_H

#include "cache/long_list.h"
#include "cache/write.h"

APS_BEGIN_DECLS

/* A LIST that is to be kept in blocks: longer than one of them, references and nulls only. */
bool aps_long_list_wants(const struct aps_cell *list);
/* Makes the entry `number` (0: a new one) hold these items; blocks that stay the same are not written. Returns the
 * entry's number, 0 on a failure; *is_changed tells whether anything was written. */
uint64_t aps_long_list_write(struct aps_cache_write *write, uint64_t number, const struct aps_cell *list,
                             bool *is_changed);
/* An item leaves the list, or comes last in it (`comes`; one that is there elsewhere moves). *n_items: how many there
 * are afterwards. False: nothing was done, for it takes more than one block: aps_long_list_write(). */
bool aps_long_list_change(struct aps_cache_write *write, uint64_t number, struct aps_str item, bool comes,
                          uint64_t *n_items);
/* The list and its blocks are nowhere from now on. */
void aps_long_list_drop(struct aps_cache_write *write, uint64_t number);
APS_END_DECLS

#endif

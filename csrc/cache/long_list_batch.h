/* Many items of a long list at once: of its blocks only those are written that change. */
#ifndef APS_CACHE_LONG_LIST_BATCH_H
#define APS_CACHE_LONG_LIST_BATCH_H

#include "cache/long_list.h"
#include "cache/number_set.h"
#include "cache/write.h"

APS_BEGIN_DECLS

/* Puts these references (cells one behind the other) at its end. Failures are in the write; E_STORAGE, "corrupt": there
 * is no such list. */
void aps_long_list_append(struct aps_cache_write *write, uint64_t number, struct aps_str items, uint64_t n_items);
/* Takes out all references to these entries. *n_items: how many items are left. A list that gets short stays a long
 * one: that is the caller's to change. Failures likewise. */
void aps_long_list_remove(struct aps_cache_write *write, uint64_t number, const struct aps_number_set *entries,
                          uint64_t *n_items);

APS_END_DECLS

#endif

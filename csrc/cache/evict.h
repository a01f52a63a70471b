/* What the application takes out of the cache. What refers to an evicted record keeps its reference: lists read
 * without it, and it is there again once it is written again. */
#ifndef APS_CACHE_EVICT_H
#define APS_CACHE_EVICT_H

#include "cache/write.h"

APS_BEGIN_DECLS

/* The record of this key, with all that belongs to it; with `field` (a name, or a name with its arguments; a bare name
 * means all of its arguments and directives) that only. True when something was there. */
bool aps_evict(struct aps_cache_write *write, struct aps_str key, struct aps_str field);

/* One field of a record that is being written, and no other one of its name. `is_apart`: it is an entry of its own. */
bool aps_evict_field(struct aps_cache_write *write, struct aps_entry *record, struct aps_str field, bool is_apart);

APS_END_DECLS

#endif

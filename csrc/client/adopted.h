/* What a partition becomes with the commit that gives it another part of the store: read before, so that nothing can
 * fail then. @thread core */
#ifndef APS_CLIENT_ADOPTED_H
#define APS_CLIENT_ADOPTED_H

#include "store/cache_store.h"

struct aps_adopted;

APS_BEGIN_DECLS

/* The part that is this owner's in the transaction that is open. NULL: no memory, or *err. */
struct aps_adopted *aps_adopted_new(struct aps_db *db, struct aps_str prefix, struct aps_str identity,
                                    struct aps_err *err);
/* Into a store and names that were cleared, and entries that were initialized. */
void aps_adopted_take(struct aps_adopted **adopted, struct aps_cache_store *store, struct aps_cache *cache);
void aps_adopted_free(struct aps_adopted **adopted); /* NULL is legal */

APS_END_DECLS

#endif

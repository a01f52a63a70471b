/* What becomes of what a layer lies on when it leaves and no function of the application says so. */
#ifndef APS_CACHE_LAYER_END_H
#define APS_CACHE_LAYER_END_H

#include "cache/merge.h"

APS_BEGIN_DECLS

/* Both: in a write to the base with which the layer, which is whole, leaves. Failures are in the write. */

/* The mutation was answered: what the layer puts into lists and takes out of them, and what it evicts, is done to the
 * base for good. What it says of anything else yields to what the service has said. Where the base has no list there is
 * nothing to do: half of one would be taken for all of it. */
void aps_layer_fold(struct aps_merge *merge, const struct aps_layer *layer);
/* Nobody knows whether the mutation was executed: all that is known of the records that the layer speaks of is in doubt
 * from now on (cache/doubt.h), of the root only the fields that the layer has. Appends to `stale`
 * struct aps_stale_field (cache/normalize.h), for those who watch them. */
void aps_layer_doubt(struct aps_cache_write *write, const struct aps_layer *layer, struct aps_buf *stale);
/* The same of one record, "RTodo:1", whatever the layer calls it: one that was made above a temporary record of which
 * the answer had just come speaks of that. */
void aps_record_doubt(struct aps_cache_write *write, struct aps_str key, struct aps_buf *stale);

APS_END_DECLS

#endif

/* Records that a complete base pass didn't have while a mutation of them was queued: they linger in the list as long as
 * a layer speaks of them. Once none does they leave it, unless something was heard of them since. Which ones they are
 * is a list of its own in the cache, so that a restart doesn't forget it.
 * @thread core */
#ifndef APS_CLIENT_SYNC_LINGERING_H
#define APS_CLIENT_SYNC_LINGERING_H

#include "client/sync_run.h"

APS_BEGIN_DECLS

/* Those of the pass that has just completed, entries, in the place of those that were known. In an open write. */
enum aps_rc aps_sync_lingering_set(struct aps_sync_run *run, struct aps_partition *partition, const uint64_t *records,
                                   size_t n_records, struct aps_err *err);
/* Which ones they are is known from now on: run->lingering. In an open write. */
enum aps_rc aps_sync_lingering_load(struct aps_sync_run *run, struct aps_partition *partition, bool *is_there,
                                    struct aps_err *err);
/* Appends to `leaving` (uint64_t) those that have to leave the list now; `joining` are told by what is being written.
 * In an open write. */
enum aps_rc aps_sync_lingering_settle(struct aps_sync_run *run, struct aps_partition *partition,
                                      const struct aps_buf *joining, struct aps_buf *leaving, struct aps_err *err);
/* No layer speaks of one of them any more. False as well: which ones they are isn't known in this run yet. */
bool aps_sync_lingering_is_over(struct aps_sync_run *run);
/* Somebody has changed this entry: a layer that leaves changes all that it speaks of. Only what was written since it
 * was looked at can be over. */
void aps_sync_lingering_wrote(struct aps_sync_run *run, uint64_t number);

APS_END_DECLS

#endif

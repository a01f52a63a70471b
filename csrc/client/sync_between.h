/* Records that were told of while a base pass ran, by a mutation's answer or an event, and that the pass lacked all the
 * same: they were made behind the page that they would have been on, or deleted before it. They are in the list, and
 * the first delta pass after it tells which: it has what was changed since the base pass began. Those that it doesn't
 * have leave, unless something was heard of them since. Which ones they are is a list of its own in the cache, so that
 * a restart doesn't forget it.
 * @thread core */
#ifndef APS_CLIENT_SYNC_BETWEEN_H
#define APS_CLIENT_SYNC_BETWEEN_H

#include "client/sync_run.h"

APS_BEGIN_DECLS

/* When the run begins: there may be some of an earlier one. */
void aps_sync_between_look(struct aps_sync_run *run);
/* Those of the pass that has just completed, entries, in the place of those that were known. In an open write. */
enum aps_rc aps_sync_between_set(struct aps_sync_run *run, struct aps_partition *partition, const uint64_t *records,
                                 size_t n_records, struct aps_err *err);
/* What was heard while the pass ran, and is taken behind it, tells of `joining` (uint64_t): those that the list lacks,
 * or that linger in it, are added. *has_any: they, or known ones, are to be told of, and a delta query should be asked.
 * In an open write, before it settles what lingers. */
enum aps_rc aps_sync_between_add(struct aps_sync_run *run, struct aps_partition *partition,
                                 const struct aps_buf *joining, bool *has_any, struct aps_err *err);
/* What is written tells of `joining` (uint64_t); with is_last it is the end of a delta pass, and those that have to
 * leave the list are appended to `leaving`. In an open write. */
enum aps_rc aps_sync_between_change(struct aps_sync_run *run, struct aps_partition *partition,
                                    const struct aps_buf *joining, bool is_last, struct aps_buf *leaving,
                                    struct aps_err *err);

APS_END_DECLS

#endif

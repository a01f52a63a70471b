/* A page or an event into the cache: its records, as they were judged, and the list that they join or leave.
 * @thread core */
#ifndef APS_CLIENT_SYNC_WRITE_H
#define APS_CLIENT_SYNC_WRITE_H

#include "client/sync_run.h"

APS_BEGIN_DECLS

/* What is in hand (run->keeping), in the transaction of the turn. */
enum aps_rc aps_sync_write(struct aps_sync_run *run, struct aps_partition *partition,
                           const struct aps_partition_data *data, struct aps_err *err);

APS_END_DECLS

#endif

/* What becomes of a sync's writes, and of the cache that they go into: a running sync is a part of its vault and
 * follows its partition.
 * @thread core */
#ifndef APS_CLIENT_SYNC_FOLLOW_H
#define APS_CLIENT_SYNC_FOLLOW_H

#include "client/sync_run.h"

APS_BEGIN_DECLS

/* run->partition is there, until `closing`. */
void aps_sync_follow(struct aps_sync_run *run, void (*closing)(struct aps_partition_follower *follower));
/* Another one may have it from now on, and go on from what this one knows. */
void aps_sync_give_up_name(struct aps_sync_run *run);
void aps_sync_unfollow(struct aps_sync_run *run);

APS_END_DECLS

#endif

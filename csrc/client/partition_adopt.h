/* What another identity has in the cache becomes a partition's. In the file that is the owner of a part of it; in
 * memory the partition is another one from the commit on. @thread core */
#ifndef APS_CLIENT_PARTITION_ADOPT_H
#define APS_CLIENT_PARTITION_ADOPT_H

#include "client/partition.h"

APS_BEGIN_DECLS

/* In the transaction that is open, in which nothing was written into either, and that is to be committed before
 * anything else is done with them. Where the partition has layers of mutations that are queued, or the other one has no
 * records, it stays as it is, and what the other one has is dropped. `other`: that one, which is empty from then on;
 * NULL: nobody has it open. */
enum aps_rc aps_partition_adopt(struct aps_partition *partition, const char *identity, struct aps_partition *other,
                                struct aps_err *err);

APS_END_DECLS

#endif

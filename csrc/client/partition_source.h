/* What a partition has, for whoever reads it in the core. @thread core */
#ifndef APS_CLIENT_PARTITION_SOURCE_H
#define APS_CLIENT_PARTITION_SOURCE_H

#include "client/partition.h"

APS_BEGIN_DECLS

/* partition->source reads it from now on. */
void aps_partition_source_init(struct aps_partition *partition);

APS_END_DECLS

#endif

/* The service's ids of records that the application made up ids for (store/id_map.h), as the core finds them: what is
 * asked is asked by those. The application's thread needn't open the store for that. @thread core */
#ifndef APS_CLIENT_PARTITION_IDS_H
#define APS_CLIENT_PARTITION_IDS_H

#include "client/partition.h"

APS_BEGIN_DECLS

/* Its reader is told where there are none, so that it needn't look. */
void aps_partition_tell_ids(const struct aps_partition *partition);
/* Puts the service's ids into the operation's variables; those that can't be read now stay as they are. E_NOMEM: and
 * nothing is changed. */
enum aps_rc aps_partition_put_ids(const struct aps_partition *partition, struct aps_operation *operation,
                                  struct aps_err *err);

APS_END_DECLS

#endif

/* What stands around the list of a delta sync: the connection object of the base query, as a page has it. @thread core
 */
#ifndef APS_CLIENT_SYNC_SHELL_H
#define APS_CLIENT_SYNC_SHELL_H

#include "client/sync_run.h"

APS_BEGIN_DECLS

/* Writes the root field as the page in hand has it, with an empty list, and without a token: all pages are one list. */
enum aps_rc aps_sync_shell_write(struct aps_sync_run *run, struct aps_partition *partition, struct aps_binding *binding,
                                 const struct aps_partition_data *data, struct aps_err *err);

APS_END_DECLS

#endif

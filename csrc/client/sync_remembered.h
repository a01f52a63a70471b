/* What a sync that has ended leaves behind in its partition, for the next one of its name in this process: from which
 * moment on what is told of its records is newer than the pass that lacked them. Moments are of a process. @thread core
 */
#ifndef APS_CLIENT_SYNC_REMEMBERED_H
#define APS_CLIENT_SYNC_REMEMBERED_H

#include "client/sync_run.h"

APS_BEGIN_DECLS

/* Of a run that ends, while its name is its own. Without memory it is as if the process were another one. */
void aps_sync_remember(const struct aps_sync_run *run);
/* Of one that begins: run->lingers_since and run->gone_since. */
void aps_sync_recall(struct aps_sync_run *run);

APS_END_DECLS

#endif

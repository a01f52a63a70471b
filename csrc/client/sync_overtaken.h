/* Records of a synced list that somebody else's response has in an older state than is known: an answer of the
 * application's own mutation that was long on its way, say. They stay as they were. @thread core */
#ifndef APS_CLIENT_SYNC_OVERTAKEN_H
#define APS_CLIENT_SYNC_OVERTAKEN_H

#include "client/sync_run.h"

APS_BEGIN_DECLS

/* Looks at what is in the partition's open write. */
enum aps_rc aps_sync_overtaken_restore(struct aps_sync_run *run, struct aps_err *err);

APS_END_DECLS

#endif

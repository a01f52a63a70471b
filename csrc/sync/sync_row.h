/* What a store keeps of a delta sync's progress: its checkpoint, and how the service's clock went then. Text for
 * store/sync_rows.h. */
#ifndef APS_SYNC_SYNC_ROW_H
#define APS_SYNC_SYNC_ROW_H

#include "sync/checkpoint.h"

APS_BEGIN_DECLS

/* Appends {"skew":…,"checkpoint":…}: the service's clock less the device's, in milliseconds. A failure is in out->rc.
 */
void aps_sync_row_put(struct aps_buf *out, const struct aps_checkpoint *checkpoint, int64_t skew_ms);
/* False: it isn't what aps_sync_row_put() writes, or memory is out, and nothing is known. */
bool aps_sync_row_take(struct aps_str text, struct aps_checkpoint *checkpoint, int64_t *skew_ms);

APS_END_DECLS

#endif

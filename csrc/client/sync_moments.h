/* What syncs that have ended leave behind in their partition, each for the next one of its name in this process: from
 * which moment on what is told of a record is newer than the pass that lacked it. While a partition is open its moments
 * only grow. @thread core */
#ifndef APS_CLIENT_SYNC_MOMENTS_H
#define APS_CLIENT_SYNC_MOMENTS_H

#include "base/macros.h"

struct aps_sync_moments {
	struct aps_sync_moments *next;
	char name[65];
	uint32_t lingers_since, gone_since; /* as in struct aps_sync_run */
};

APS_BEGIN_DECLS

/* Without memory it is as if the next one began in another process. */
void aps_sync_moments_keep(struct aps_sync_moments **first, const struct aps_sync_moments *moments);
/* *taken: zeros where nothing is kept. */
void aps_sync_moments_take(struct aps_sync_moments **first, const char *name, struct aps_sync_moments *taken);
void aps_sync_moments_free(struct aps_sync_moments **first);

APS_END_DECLS

#endif

/* The feature of delta syncs: those of a client, by their numbers. @thread core */
#ifndef APS_CLIENT_SYNCING_H
#define APS_CLIENT_SYNCING_H

#include "client/sync_work.h"

APS_BEGIN_DECLS

extern const struct aps_feature aps_syncing_feature;

/* NULL: there is none of this number. */
struct aps_sync_run *aps_syncing_find(const struct aps_core *core, const struct aps_client *client, uint64_t id);
/* Takes the settings, and `end` (aps_sync_end_event_new()). Where that fails the application is told its end. */
void aps_syncing_open(struct aps_core *core, struct aps_client *client, uint64_t cache, uint64_t id,
                      struct aps_sync_settings *settings, struct aps_result_event *end);
/* Unknown numbers are ignored. */
void aps_syncing_close(struct aps_core *core, struct aps_client *client, uint64_t id);

APS_END_DECLS

#endif

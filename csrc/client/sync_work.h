/* A delta sync at work: what happens is fed to its machine, and what comes back is carried out. @thread core */
#ifndef APS_CLIENT_SYNC_WORK_H
#define APS_CLIENT_SYNC_WORK_H

#include "client/sync_run.h"

APS_BEGIN_DECLS

/* Takes the settings, also on failure. NULL: *err. */
struct aps_sync_run *aps_sync_work_open(struct aps_core *core, struct aps_client *client, uint64_t cache, uint64_t id,
                                        struct aps_sync_settings *settings, struct aps_err *err);
/* Once. No event of it comes after it. */
void aps_sync_work_close(struct aps_sync_run *run);
/* What has happened; the actions are carried out. False: nothing came of it, for want of memory, which run->err says.
 */
bool aps_sync_work_feed(struct aps_sync_run *run, struct aps_sync_event *event);
void aps_sync_work_feed_kind(struct aps_sync_run *run, enum aps_sync_event_kind kind);
/* While nothing is reached: one request may be sent. False: there is none. */
bool aps_sync_work_probe(struct aps_sync_run *run);
/* The network may be back: what waits to try once more does so, a moment apart from others. */
void aps_sync_work_hint(struct aps_sync_run *run);
/* Before the end of the turn, until nothing follows. True: something did. */
bool aps_sync_work_go_on(struct aps_sync_run *run);

APS_END_DECLS

#endif

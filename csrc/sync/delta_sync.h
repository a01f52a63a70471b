/* One delta sync: subscribe, fetch what is missing, take what has been heard meanwhile, stay live; again after each
 * reconnect (aws-appsync 4, deltaSync.ts). A pure machine: it knows no clock, socket or store, nor what a record is.
 * Its owner feeds what happened and carries out what comes back, in the order of the actions' members, before it feeds
 * the next thing.
 *
 *                       offline, or a failure is waited out
 *            +-------> WAITING <--------------+------------------------------------+
 *            |            |                   |                                    |
 *            |            v                   |                                    |
 *   start ---+      SUBSCRIBING --subscribed--+--> BASE / DELTA --> DRAINING --> LIVE --+
 *            |            |                          ^   page by page             |     |
 *            |            +--can't be had--> POLLING-+                            +-----+ due, reconnected
 *            +--> STOPPED: told to, or refused for good
 *
 * What was heard is drained before the first page of a pass is asked for, too (and the page then knows better): behind
 * it something may be lost that the page shows, and an older event would bring a deleted record back.
 *
 * Pages: one is fetched while the one before it is kept. An ANSWERED or FAILED that comes while a page is being kept is
 * fed after SAVED or UNSAVED. The checkpoint that goes with a page is `next`; with SAVED it becomes `checkpoint`. Their
 * `is_beside` is the owner's: the machine only hands it on.
 *
 * Which query comes next is aps_delta_sync_plan() (sync/sync_plan.h): a table. All its times are the service's, so that
 * a device's clock may jump: whatever the answers tell is looked at again (a delta query that reached further back than
 * the window is thrown away, and a base query takes its place). */
#ifndef APS_SYNC_DELTA_SYNC_H
#define APS_SYNC_DELTA_SYNC_H

#include "sync/sync_machine.h"

APS_BEGIN_DECLS

const char *aps_sync_phase_name(enum aps_sync_phase phase);
const char *aps_sync_event_name(enum aps_sync_event_kind kind);
const char *aps_sync_failure_name(enum aps_sync_failure_kind kind);

/* Before START, which may be preceded by ONLINE and OFFLINE: it is online. The options are copied. */
void aps_delta_sync_init(struct aps_delta_sync *sync, const struct aps_delta_sync_options *options,
                         struct aps_rand *rand);
/* Twice is legal. */
void aps_delta_sync_clear(struct aps_delta_sync *sync);
struct aps_sync_actions aps_delta_sync_feed(struct aps_delta_sync *sync, const struct aps_sync_event *event);
/* What was heard is to be kept for later, and not taken at once. */
bool aps_delta_sync_holds_events(const struct aps_delta_sync *sync);

APS_END_DECLS

#endif

/* What client/sync_work.c, sync_keep.c, sync_hear.c and sync_fetch.c do, without a client. */
#ifndef APS_SPEC_SYNC_SYNC_OWNER_H
#define APS_SPEC_SYNC_SYNC_OWNER_H

#include "sync/sync_simulation.h"

void sync_owner_start(struct sync_simulation *world);
/* The process dies, and what it hasn't committed is lost. */
void sync_owner_kill(struct sync_simulation *world);
/* The service's time as the owner knows it. */
int64_t sync_owner_now_ms(const struct sync_simulation *world);
void sync_owner_feed(struct sync_simulation *world, struct aps_sync_event *event);
void sync_owner_feed_kind(struct sync_simulation *world, enum aps_sync_event_kind kind);
void sync_owner_go_on(struct sync_simulation *world);
/* Somebody else who writes into the store ends the transaction. */
void sync_owner_commit(struct sync_simulation *world);
/* What waited for the application's functions is written. */
void sync_owner_unpark(struct sync_simulation *world);
void sync_owner_clear_store(struct sync_simulation *world);
void sync_owner_answer(struct sync_simulation *world, const struct sync_answer *answer);
void sync_owner_hear(struct sync_simulation *world, const struct service_record *record);
void sync_owner_tell(struct sync_simulation *world, enum sync_standing standing);

#endif

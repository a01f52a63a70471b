/* What must hold for a delta sync, whatever happens. */
#ifndef APS_SPEC_SYNC_SYNC_CHECK_H
#define APS_SPEC_SYNC_SYNC_CHECK_H

#include "sync/sync_simulation.h"

#define SYNC_MAX_REFUSED 3 /* more tokens of one pass, or its first page, and it may stop */

/* A request is about to begin: it may, and a base pass begins with a reason. */
void sync_check_fetch(struct sync_simulation *world);
void sync_check_actions(struct sync_simulation *world, const struct aps_sync_actions *actions);
/* About to be fed. */
void sync_check_event(struct sync_simulation *world, enum aps_sync_event_kind kind);
/* Likewise: notes what it will be a reason for. */
void sync_check_answer(struct sync_simulation *world, struct sync_answer *answer);
/* A page or event is written: what the checkpoint has to know follows. */
void sync_check_write(struct sync_simulation *world);
void sync_check_own_write(struct sync_simulation *world, uint8_t key);
void sync_check_store(struct sync_simulation *world);
void sync_check_turn(struct sync_simulation *world);
/* Nothing is under way: the store has what the service has. */
void sync_check_end(struct sync_simulation *world, const char *when);

#endif

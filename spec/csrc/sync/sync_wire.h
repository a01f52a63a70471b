/* Between the owner and the service: pages, events, and what becomes of the connection. */
#ifndef APS_SPEC_SYNC_SYNC_WIRE_H
#define APS_SPEC_SYNC_SYNC_WIRE_H

#include "sync/sync_simulation.h"

/* A change at the service, and its event on the way. */
void sync_wire_change(struct sync_simulation *world, bool is_own);
void sync_wire_move_request(struct sync_simulation *world);
/* Some has passed: requests have waited too long, and no event is later than it may be. */
void sync_wire_pass_time(struct sync_simulation *world);
/* One event comes. */
void sync_wire_deliver(struct sync_simulation *world);
/* The subscription is acknowledged, refused or breaks, or the owner is told of it. */
void sync_wire_move_link(struct sync_simulation *world);
void sync_wire_break_link(struct sync_simulation *world);
/* And what was sent hasn't arrived. */
void sync_wire_break(struct sync_simulation *world);
/* Some events never come, and the owner is told. */
void sync_wire_lose_events(struct sync_simulation *world);

#endif

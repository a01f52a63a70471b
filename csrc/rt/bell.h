/* A wake-up that costs a system call only where somebody sleeps, or where an outside loop watches the descriptor.
 * One thread sleeps, any thread rings. Who rings has queued its work before; who wakes looks at its queues after. */
#ifndef APS_RT_BELL_H
#define APS_RT_BELL_H

#include "rt/wake.h"

#include <stdatomic.h>

struct aps_bell {
	struct aps_wake wake;
	atomic_bool is_asleep;
	atomic_bool has_rung;
	atomic_bool is_raised;  /* the descriptor is, or is about to be, readable */
	atomic_bool is_watched; /* the descriptor was given out: it is raised at each ring */
};

APS_BEGIN_DECLS

enum aps_rc aps_bell_init(struct aps_bell *bell, struct aps_err *err);
void aps_bell_clear(struct aps_bell *bell);
/* @thread any */
void aps_bell_ring(struct aps_bell *bell);
/* Before waiting for the descriptor. False: it has rung since the last sleep or silence, don't wait. */
bool aps_bell_sleep(struct aps_bell *bell);
/* After waiting; `is_readable`: the descriptor was. Then look at the queues. */
void aps_bell_awake(struct aps_bell *bell, bool is_readable);
/* Without having slept: makes the descriptor unreadable; then look at the queues. */
void aps_bell_silence(struct aps_bell *bell);
/* From now on an outside loop watches the descriptor. */
int aps_bell_watch(struct aps_bell *bell);
/* The same by this wake-up, which becomes the bell's, in the place of its own: nobody sleeps or watches yet. */
void aps_bell_watch_by(struct aps_bell *bell, const struct aps_wake *wake);
/* That loop has read what came over the wake-up's socket, before it looks at the queues: the next ring sends again. */
void aps_bell_heard(struct aps_bell *bell);

APS_END_DECLS

#endif

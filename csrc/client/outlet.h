/* The way out of the core: whoever takes its events. The core knows no more of the application than this.
 * All three are called on the core thread. */
#ifndef APS_CLIENT_OUTLET_H
#define APS_CLIENT_OUTLET_H

#include "rt/mailbox.h"

struct aps_outlet {
	void *context;
	/* Takes a chain of events: those of one turn. */
	void (*publish)(void *context, struct aps_mail *chain);
	/* Wakes the application without an event: a timer of its own is due. */
	void (*raise)(void *context);
	/* More events wait than should. The core reads no sockets then, and is woken when they were taken. */
	bool (*is_flooded)(void *context, bool was_flooded);
};

#endif

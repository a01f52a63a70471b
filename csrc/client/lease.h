/* A lease: the hold on a credential of one thing that is sent with its material, and that thing's questions about it.
 * Embedded in what is sent. @thread core
 *
 * aps_lease_use() before it is made, aps_lease_material() when it is made, aps_lease_refused() when the service didn't
 * take it, aps_lease_worked() when it did.
 *
 * Both questions return their verdict where it is known at once, and then `decided` isn't called. After WAITING it is
 * called once, later, from what changed the credential, and never from within a function of this header: a question may
 * be asked anywhere, and its answer is followed where it was asked. A new question takes the place of the one that is
 * waited for. `decided` may ask again, clear the lease, and free its owner or any other owner: nothing is touched after
 * it. */
#ifndef APS_CLIENT_LEASE_H
#define APS_CLIENT_LEASE_H

#include "client/credential.h"

enum aps_lease_verdict {
	APS_LEASE_WAITING, /* `decided` will tell, unless aps_lease_stop() comes first */
	APS_LEASE_USABLE,  /* material is there: make it and send it */
	APS_LEASE_FAILED,  /* there is none; the error tells why */
	APS_LEASE_RENEWED, /* after a refusal: newer material is there, try again */
	APS_LEASE_REFUSED /* after a refusal: there is nothing newer, the refusal stands; an error tells why, where more
	                     is known than what the service said */
};

struct aps_lease;

/* `err`: of FAILED, and of REFUSED where there is one; else NULL. Borrowed for the call. */
typedef void aps_lease_decided_fn(struct aps_core *core, struct aps_lease *lease, enum aps_lease_verdict verdict,
                                  const struct aps_err *err);

struct aps_lease {
	struct aps_credential *credential; /* held; NULL: none, which is always usable */
	uint64_t generation;               /* of the material that was used last */
	aps_lease_decided_fn *decided;
	struct aps_waiter waiter;
	bool is_renewing;   /* it waits for newer material */
	bool has_refreshed; /* once since it last worked */
};

APS_BEGIN_DECLS

/* Holds nothing at first. */
void aps_lease_init(struct aps_lease *lease, aps_lease_decided_fn *decided);
/* Lets go of it; twice is legal. */
void aps_lease_clear(struct aps_core *core, struct aps_lease *lease);
/* Holds this credential (0: none) in the place of the one before, and starts over: it waits for nothing, and may be
 * refreshed. False: the application dropped it; then nothing is held, and nothing should be sent. */
bool aps_lease_hold(struct aps_core *core, struct aps_lease *lease, uint64_t credential);

/* Asks for usable material: USABLE, FAILED (fills *err) or WAITING, and `decided` with one of the first two. */
enum aps_lease_verdict aps_lease_use(struct aps_core *core, struct aps_lease *lease, struct aps_err *err);
/* The service refused what was made with `generation`; asks for newer material, once until it worked: RENEWED, REFUSED
 * (fills *err; code OK: the service's own words say it all) or WAITING, and `decided` with one of the first two. */
enum aps_lease_verdict aps_lease_refused(struct aps_core *core, struct aps_lease *lease, struct aps_err *err);
/* It worked: it may be refreshed again, and the material is good whatever the clock says. */
void aps_lease_worked(struct aps_lease *lease);
/* Waits no longer; it holds what it held. */
void aps_lease_stop(struct aps_lease *lease);
bool aps_lease_is_waiting(const struct aps_lease *lease);

/* What it is to be made with, borrowed until anything else happens to the credential; its generation is remembered: a
 * refusal is about the last material that was taken here. NULL without a credential. */
const struct aps_auth_material *aps_lease_material(struct aps_lease *lease);

APS_END_DECLS

#endif

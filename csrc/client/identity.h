/* Identities: the slots of authentication material, and who waits for them. @thread core */
#ifndef APS_CLIENT_IDENTITY_H
#define APS_CLIENT_IDENTITY_H

#include "auth/appsync_headers.h"
#include "auth/slot.h"
#include "client/core.h"

/* Embedded in what waits for material; `ready` is called when the slot changed: ask the slot again. */
struct aps_waiter {
	struct aps_waiter *next;
	struct aps_waiter **link; /* NULL: it isn't waiting */
	void (*ready)(struct aps_core *core, struct aps_waiter *waiter);
};

struct aps_identity {
	uint64_t id;
	struct aps_client *client;
	struct aps_auth_slot slot;
	char *region; /* SigV4 */
	char *service;
	struct aps_sigv4_cache cache;
	struct aps_waiter *waiters;
	struct aps_timer timer; /* of the renewal under way */
	size_t n_users;         /* calls and feeds that hold it */
	bool is_dropped;        /* the application let go of it: freed with its last user */
};

APS_BEGIN_DECLS

/* Consumes what `identity` owns, also on failure. */
bool aps_identity_add(struct aps_core *core, struct aps_identity *identity);
struct aps_identity *aps_identity_hold(struct aps_core *core, uint64_t id);
void aps_identity_release(struct aps_core *core, struct aps_identity *identity);
void aps_identity_drop(struct aps_core *core, struct aps_identity *identity);

/* Asks the slot, and the application where the slot says so; parks the waiter on ASK and WAIT. */
enum aps_slot_verdict aps_identity_use(struct aps_core *core, struct aps_identity *identity, struct aps_waiter *waiter);
/* After the service refused what was made with `generation`; parks likewise. */
enum aps_slot_verdict aps_identity_refused(struct aps_core *core, struct aps_identity *identity, uint64_t generation,
                                           struct aps_waiter *waiter);
void aps_identity_set(struct aps_core *core, struct aps_identity *identity, struct aps_auth_material *material);
void aps_identity_fail(struct aps_core *core, struct aps_identity *identity, const struct aps_err *err);
void aps_waiter_stop(struct aps_waiter *waiter);
/* What signing needs, with the clock corrected. */
struct aps_appsync_signing aps_identity_signing(struct aps_identity *identity);

APS_END_DECLS

#endif

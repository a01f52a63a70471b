/* Credentials: the slots of authentication material, and who waits for them. @thread core */
#ifndef APS_CLIENT_CREDENTIAL_H
#define APS_CLIENT_CREDENTIAL_H

#include "auth/appsync_headers.h"
#include "auth/slot.h"
#include "client/core.h"

/* Embedded in what waits for material; `ready` is called when the slot changed: ask the slot again. */
struct aps_waiter {
	struct aps_waiter *next;
	struct aps_waiter **link; /* NULL: it isn't waiting */
	void (*ready)(struct aps_core *core, struct aps_waiter *waiter);
};

struct aps_credential {
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

extern const struct aps_feature aps_credential_feature;

/* Consumes what `credential` owns, also on failure. */
bool aps_credential_add(struct aps_core *core, struct aps_credential *credential);
/* NULL: there is none. */
struct aps_credential *aps_credential_find(const struct aps_core *core, uint64_t id);
struct aps_credential *aps_credential_hold(struct aps_core *core, uint64_t id);
void aps_credential_release(struct aps_core *core, struct aps_credential *credential);
void aps_credential_drop(struct aps_core *core, struct aps_credential *credential);

/* Asks the slot, and the application where the slot says so; parks the waiter on ASK and WAIT. */
enum aps_slot_verdict aps_credential_use(struct aps_core *core, struct aps_credential *credential,
                                         struct aps_waiter *waiter);
/* After the service refused what was made with `generation`; parks likewise. */
enum aps_slot_verdict aps_credential_refused(struct aps_core *core, struct aps_credential *credential,
                                             uint64_t generation, struct aps_waiter *waiter);
/* The service took what was made with `generation`. */
void aps_credential_worked(struct aps_credential *credential, uint64_t generation);
/* Takes the material; nobody is woken. */
void aps_credential_give(struct aps_credential *credential, struct aps_auth_material *material);
/* The same, and wakes whoever waits for it. */
void aps_credential_set(struct aps_core *core, struct aps_credential *credential, struct aps_auth_material *material);
void aps_credential_fail(struct aps_core *core, struct aps_credential *credential, const struct aps_err *err);
void aps_waiter_stop(struct aps_waiter *waiter);
/* What signing needs, with the clock corrected. */
struct aps_appsync_signing aps_credential_signing(struct aps_credential *credential);
/* The same for an authorization object; `extra` as there. */
struct aps_appsync_signing aps_credential_realtime_signing(struct aps_credential *credential,
                                                           const struct aps_header_list *extra);

APS_END_DECLS

#endif

#include "client/lease.h"

/* What the slot says, as an answer to the present question; that one is over, unless it is waited for. */
static enum aps_lease_verdict settle(struct aps_lease *lease, enum aps_slot_verdict verdict, struct aps_err *err)
{
	if (verdict == APS_SLOT_ASK || verdict == APS_SLOT_WAIT) return APS_LEASE_WAITING;
	bool was_renewing = lease->is_renewing;
	const struct aps_auth_slot *slot = &lease->credential->slot;
	aps_lease_stop(lease);
	if (verdict != APS_SLOT_FAIL) return was_renewing ? APS_LEASE_RENEWED : APS_LEASE_USABLE;
	if (was_renewing && !slot->is_err_of_expired)
		aps_err_clear(err);
	else
		*err = slot->err;
	return was_renewing ? APS_LEASE_REFUSED : APS_LEASE_FAILED;
}

static enum aps_lease_verdict ask(struct aps_core *core, struct aps_lease *lease, struct aps_err *err)
{
	enum aps_slot_verdict verdict =
	        lease->is_renewing ? aps_credential_refused(core, lease->credential, lease->generation, &lease->waiter)
	                           : aps_credential_use(core, lease->credential, &lease->waiter);
	return settle(lease, verdict, err);
}

static void material_ready(struct aps_core *core, struct aps_waiter *waiter)
{
	struct aps_lease *lease = APS_CONTAINER_OF(waiter, struct aps_lease, waiter);
	struct aps_err err; /* the slot's may go with its last user */
	enum aps_lease_verdict verdict = ask(core, lease, &err);
	bool has_err = verdict == APS_LEASE_FAILED || (verdict == APS_LEASE_REFUSED && err.code != APS_OK);
	if (verdict != APS_LEASE_WAITING) lease->decided(core, lease, verdict, has_err ? &err : NULL);
}

void aps_lease_init(struct aps_lease *lease, aps_lease_decided_fn *decided)
{
	*lease = (struct aps_lease){.decided = decided, .waiter.ready = material_ready};
}

void aps_lease_clear(struct aps_core *core, struct aps_lease *lease)
{
	aps_lease_hold(core, lease, 0);
}

bool aps_lease_hold(struct aps_core *core, struct aps_lease *lease, uint64_t credential)
{
	struct aps_credential *before = lease->credential; /* may be the same one, and this its last user */
	aps_lease_stop(lease);
	lease->credential = credential != 0 ? aps_credential_hold(core, credential) : NULL;
	lease->generation = 0;
	lease->has_refreshed = false;
	aps_credential_release(core, before);
	return credential == 0 || lease->credential != NULL;
}

enum aps_lease_verdict aps_lease_use(struct aps_core *core, struct aps_lease *lease, struct aps_err *err)
{
	lease->is_renewing = false;
	return lease->credential != NULL ? ask(core, lease, err) : APS_LEASE_USABLE;
}

enum aps_lease_verdict aps_lease_refused(struct aps_core *core, struct aps_lease *lease, struct aps_err *err)
{
	aps_lease_stop(lease);
	aps_err_clear(err);
	if (lease->credential == NULL || lease->has_refreshed) return APS_LEASE_REFUSED;
	lease->has_refreshed = true;
	lease->is_renewing = true;
	return ask(core, lease, err);
}

void aps_lease_worked(struct aps_lease *lease)
{
	lease->has_refreshed = false;
	if (lease->credential != NULL) aps_credential_worked(lease->credential, lease->generation);
}

void aps_lease_stop(struct aps_lease *lease)
{
	aps_waiter_stop(&lease->waiter);
	lease->is_renewing = false;
}

bool aps_lease_is_waiting(const struct aps_lease *lease)
{
	return lease->waiter.link != NULL;
}

const struct aps_auth_material *aps_lease_material(struct aps_lease *lease)
{
	if (lease->credential == NULL) return NULL;
	lease->generation = lease->credential->slot.generation;
	return &lease->credential->slot.material;
}

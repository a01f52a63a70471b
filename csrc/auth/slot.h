/* One identity's place for its material, as a pure machine: who asks for it, when it is renewed, one renewal at a time.
 * The owner keeps its own list of waiters; the machine only tells each of them what to do. Times are Unix milliseconds.
 */
#ifndef APS_AUTH_SLOT_H
#define APS_AUTH_SLOT_H

#include "auth/material.h"

enum aps_slot_verdict {
	APS_SLOT_USE,         /* slot->material is good */
	APS_SLOT_USE_AND_ASK, /* good, but ask for fresh material now, in the background (it ends within the refresh
	                         window) */
	APS_SLOT_ASK,         /* ask now, then wait */
	APS_SLOT_WAIT,        /* a renewal is under way */
	APS_SLOT_FAIL         /* slot->err: static material was refused or has expired, or the renewal failed */
};

enum aps_slot_reason { APS_SLOT_FIRST, APS_SLOT_EXPIRED, APS_SLOT_REFUSED };

struct aps_auth_slot {
	enum aps_auth_mode mode;
	bool is_dynamic; /* a function can be asked for fresh material */
	bool has_material;
	bool is_asking;
	enum aps_slot_reason reason; /* of the renewal under way */
	int64_t asked_ms;
	int64_t skew_ms; /* how far the times given here are from the local clock, as learned from a server's Date */
	int64_t failed_until_ms; /* a failed renewal answers waiters and newcomers until then, so a broken function
	                            isn't hammered */
	uint64_t generation;     /* grows with each new material; a request remembers the one that it was signed with */
	struct aps_auth_material material;
	struct aps_err err;
};

#define APS_SLOT_REFRESH_AHEAD_MS 300000 /* credentials; tokens: min(this, a tenth of their life) */
#define APS_SLOT_ASK_TIMEOUT_MS   30000

APS_BEGIN_DECLS

void aps_auth_slot_init(struct aps_auth_slot *slot, enum aps_auth_mode mode, bool is_dynamic);
void aps_auth_slot_clear(struct aps_auth_slot *slot);
/* Called for each request that is about to be authenticated. After ASK or USE_AND_ASK the slot is asking. */
enum aps_slot_verdict aps_auth_slot_use(struct aps_auth_slot *slot, int64_t now_ms);
/* The service refused (401, Unauthorized) a request that was made with `generation`. USE: newer material is there,
 * send again; ASK or WAIT: renew first; FAIL: nothing to renew with. */
enum aps_slot_verdict aps_auth_slot_refused(struct aps_auth_slot *slot, uint64_t generation, int64_t now_ms);
/* Fresh material arrived: consumed (moved). Waiters use the slot again. */
void aps_auth_slot_set(struct aps_auth_slot *slot, struct aps_auth_material *material);
/* The function failed or gave nothing usable. Waiters get slot->err. Good material that is still there is kept.
 * `err` may be NULL: "token_timeout" when the renewal is over time, else "no_token". */
void aps_auth_slot_fail(struct aps_auth_slot *slot, const struct aps_err *err, int64_t now_ms);

APS_END_DECLS

#endif

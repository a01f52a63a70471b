/* One identity's place for its material, as a pure machine: who asks for it, when it is renewed, one renewal at a time.
 * The owner keeps its own list of waiters; the machine only tells each of them what to do.
 *
 * A clock may be wrong, the device's most of all, so it never decides alone that material is of no use:
 *   - static material is sent, whatever its times say: the service decides;
 *   - what a function has just given is used although the clock says that it has expired: until the service has said
 *     something about it, and where it took it, until it refuses it; its own life is an end, too;
 *   - only what was good when it was given is judged by the clock later, and then the function is asked for more.
 * Expired material ends in an error in one case: the function gives it after a refusal, and it has expired by the clock
 * of the service itself. Then those that were refused fail; whoever comes later tries it. */
#ifndef APS_AUTH_SLOT_H
#define APS_AUTH_SLOT_H

#include "auth/material.h"

enum aps_slot_verdict {
	APS_SLOT_USE,         /* slot->material is good */
	APS_SLOT_USE_AND_ASK, /* good, but ask for fresh material now, in the background (it ends within the refresh
	                         window) */
	APS_SLOT_ASK,         /* ask now, then wait */
	APS_SLOT_WAIT,        /* a renewal is under way */
	APS_SLOT_FAIL         /* slot->err: static material was refused, or the renewal failed */
};

enum aps_slot_reason { APS_SLOT_FIRST, APS_SLOT_EXPIRED, APS_SLOT_REFUSED };

/* What time it is. */
struct aps_slot_clock {
	int64_t wall_ms; /* Unix time by the local clock, which may be set at any time */
	int64_t skew_ms; /* the service's clock less the local one, as far as is known */
	bool is_told;    /* the service told the time itself: skew_ms is no guess */
	int64_t mono_ms; /* of a clock that is never set: durations are measured with it */
};

struct aps_auth_slot {
	enum aps_auth_mode mode;
	bool is_dynamic; /* a function can be asked for fresh material */
	bool has_material;
	bool is_asking;
	enum aps_slot_reason reason; /* of the renewal under way */
	bool was_refused;            /* the renewal under way follows a refusal by the service */
	int64_t asked_ms;            /* monotonic, as are all without "unix"; 0: never */
	int64_t asked_unix_ms;
	int64_t failed_until_ms; /* a failed renewal answers waiters and newcomers until then, so a broken function
	                            isn't hammered */
	uint64_t generation;     /* grows with each new material; a request remembers the one that it was signed with */
	struct aps_auth_material material;
	int64_t given_ms;
	int64_t given_unix_ms;   /* by the local clock */
	bool outlasts_clock;     /* it was past its end by the clock when it was given; that doesn't count */
	int64_t stands_until_ms; /* then: the end of its own life. APS_SLOT_FOREVER: unknown */
	bool has_told_skew;      /* the material's own times told it; the owner takes it, where nobody knows better */
	int64_t told_skew_ms;
	struct aps_err err;
	bool is_err_of_expired; /* `err`: the material was given after a refusal, and has expired */
};

#define APS_SLOT_REFRESH_AHEAD_MS 300000 /* credentials; tokens: min(this, a tenth of their life) */
#define APS_SLOT_ASK_TIMEOUT_MS   30000
#define APS_SLOT_FOREVER          INT64_MAX

APS_BEGIN_DECLS

void aps_auth_slot_init(struct aps_auth_slot *slot, enum aps_auth_mode mode, bool is_dynamic);
void aps_auth_slot_clear(struct aps_auth_slot *slot);
/* Called for each request that is about to be authenticated. After ASK or USE_AND_ASK the slot is asking. */
enum aps_slot_verdict aps_auth_slot_use(struct aps_auth_slot *slot, const struct aps_slot_clock *clock);
/* The service refused (401, Unauthorized) a request that was made with `generation`. USE: newer material is there,
 * send again; ASK or WAIT: renew first; FAIL: nothing to renew with. */
enum aps_slot_verdict aps_auth_slot_refused(struct aps_auth_slot *slot, uint64_t generation,
                                            const struct aps_slot_clock *clock);
/* The service took a request that was made with `generation`. */
void aps_auth_slot_worked(struct aps_auth_slot *slot, uint64_t generation, const struct aps_slot_clock *clock);
/* Fresh material arrived: consumed (moved). Waiters use the slot again. */
void aps_auth_slot_set(struct aps_auth_slot *slot, struct aps_auth_material *material,
                       const struct aps_slot_clock *clock);
/* The function failed or gave nothing usable. Waiters get slot->err. Good material that is still there is kept.
 * `err` may be NULL: "token_timeout" when the renewal is over time, else "no_token". */
void aps_auth_slot_fail(struct aps_auth_slot *slot, const struct aps_err *err, const struct aps_slot_clock *clock);

APS_END_DECLS

#endif

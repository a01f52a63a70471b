#include "auth/slot.h"

#include <stdio.h>

/* A failed renewal is the answer to everyone for this long. */
#define HOLD_MS 2000
/* Material that is short-lived, or a function that keeps giving the same, must not mean a renewal for each request. */
#define BACKGROUND_GAP_MS 30000
/* How long material that tells no life of its own is used untried, where the clock says that it has expired. */
#define UNTRIED_MS 300000
/* Clocks that are closer than this agree (amplify-js, isClockSkewed.ts). */
#define SKEW_MS 300000

void aps_auth_slot_init(struct aps_auth_slot *slot, enum aps_auth_mode mode, bool is_dynamic)
{
	*slot = (struct aps_auth_slot){.mode = mode, .is_dynamic = is_dynamic && mode != APS_AUTH_NONE};
	slot->material.mode = mode;
	slot->has_material = mode == APS_AUTH_NONE;
}

void aps_auth_slot_clear(struct aps_auth_slot *slot)
{
	aps_auth_material_clear(&slot->material);
	aps_auth_slot_init(slot, slot->mode, slot->is_dynamic);
}

static const char *noun(enum aps_auth_mode mode)
{
	return mode == APS_AUTH_IAM ? "credentials" : mode == APS_AUTH_API_KEY ? "api_key" : "token";
}

static enum aps_slot_verdict fail(struct aps_auth_slot *slot, const char *word, const char *message)
{
	aps_fail_word(&slot->err, APS_E_AUTH, word, 0, "%s", message);
	return APS_SLOT_FAIL;
}

/* "2 h", …; at least two of a unit, or seconds. */
static const char *duration(char *text, size_t n, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *unit;
	} UNITS[] = {{86400000, "days"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}};
	size_t i = 0;
	while (i + 1 < APS_COUNTOF(UNITS) && ms < UNITS[i].ms * 3 / 2) i++;
	snprintf(text, n, "%lld %s", (long long)((ms + UNITS[i].ms / 2) / UNITS[i].ms), UNITS[i].unit);
	return text;
}

/* By the service's clock. */
static void tell_expired(struct aps_auth_slot *slot, const struct aps_slot_clock *clock)
{
	bool is_iam = slot->mode == APS_AUTH_IAM;
	char ago[32], off[32], device[64] = "";
	int64_t skew_ms = clock->skew_ms;
	duration(ago, sizeof ago, clock->wall_ms + skew_ms - slot->material.expires_ms);
	if (skew_ms >= SKEW_MS || skew_ms <= -SKEW_MS)
		snprintf(device, sizeof device, "; this device's clock is %s %s",
		         duration(off, sizeof off, skew_ms < 0 ? -skew_ms : skew_ms), skew_ms < 0 ? "ahead" : "behind");
	slot->is_err_of_expired = true;
	aps_fail_word(&slot->err, APS_E_AUTH, is_iam ? "credentials_expired" : "token_expired", 0,
	              "the %s expired, %s ago by the service's clock%s", is_iam ? "AWS credentials have" : "token has",
	              ago, device);
}

static enum aps_slot_verdict fail_refused(struct aps_auth_slot *slot)
{
	switch (slot->mode) {
	case APS_AUTH_NONE:
		return fail(slot, "unauthorized", "the service asks for authorization and none is configured");
	case APS_AUTH_API_KEY: return fail(slot, "api_key_refused", "the service refused the API key");
	case APS_AUTH_IAM: return fail(slot, "credentials_refused", "the service refused the AWS credentials");
	case APS_AUTH_USER_POOLS:
	case APS_AUTH_OIDC:
	case APS_AUTH_LAMBDA:
	case APS_AUTH_MODE_COUNT:
	default: return fail(slot, "token_refused", "the service refused the token");
	}
}

static enum aps_slot_verdict fail_missing(struct aps_auth_slot *slot)
{
	if (slot->mode == APS_AUTH_IAM) return fail(slot, "no_credentials", "there are no AWS credentials");
	if (slot->mode == APS_AUTH_API_KEY) return fail(slot, "no_api_key", "there is no API key");
	return fail(slot, "no_token", "there is no token");
}

static int64_t unix_ms(const struct aps_slot_clock *clock)
{
	return clock->wall_ms + clock->skew_ms;
}

/* 0: it isn't known. */
static int64_t life_ms(const struct aps_auth_material *material)
{
	bool is_known = material->issued_ms != 0 && material->issued_ms < material->expires_ms;
	return is_known ? material->expires_ms - material->issued_ms : 0;
}

/* By the clock. */
static bool is_past(const struct aps_auth_slot *slot, const struct aps_slot_clock *clock)
{
	return slot->material.expires_ms != 0 && slot->material.expires_ms <= unix_ms(clock);
}

/* How long the material is still good for, as far as is known. */
static int64_t left_ms(const struct aps_auth_slot *slot, const struct aps_slot_clock *clock)
{
	if (slot->material.expires_ms == 0) return APS_SLOT_FOREVER;
	if (!is_past(slot, clock)) return slot->material.expires_ms - unix_ms(clock);
	if (!slot->is_dynamic) return APS_SLOT_FOREVER;
	if (!slot->outlasts_clock) return 0;
	return slot->stands_until_ms == APS_SLOT_FOREVER ? APS_SLOT_FOREVER : slot->stands_until_ms - clock->mono_ms;
}

static bool is_good(const struct aps_auth_slot *slot, const struct aps_slot_clock *clock)
{
	return slot->has_material && left_ms(slot, clock) > 0;
}

/* How long before its end material is renewed. A token without `iat` is taken to have been issued when it was asked
 * for. */
static int64_t refresh_ahead_ms(const struct aps_auth_slot *slot)
{
	const struct aps_auth_material *material = &slot->material;
	if (slot->mode == APS_AUTH_IAM) return APS_SLOT_REFRESH_AHEAD_MS;
	int64_t issued_ms = material->issued_ms != 0 ? material->issued_ms : slot->asked_unix_ms;
	if (issued_ms == 0 || issued_ms >= material->expires_ms) return APS_SLOT_REFRESH_AHEAD_MS;
	int64_t tenth_ms = (material->expires_ms - issued_ms) / 10;
	return tenth_ms < APS_SLOT_REFRESH_AHEAD_MS ? tenth_ms : APS_SLOT_REFRESH_AHEAD_MS;
}

static bool wants_renewal(const struct aps_auth_slot *slot, const struct aps_slot_clock *clock)
{
	if (!slot->is_dynamic || left_ms(slot, clock) > refresh_ahead_ms(slot)) return false;
	/* Untried material of unknown life: what the service says comes first. */
	if (is_past(slot, clock) && life_ms(&slot->material) == 0) return false;
	return clock->mono_ms >= slot->failed_until_ms &&
	       (slot->asked_ms == 0 || clock->mono_ms - slot->asked_ms >= BACKGROUND_GAP_MS);
}

static enum aps_slot_verdict ask(struct aps_auth_slot *slot, enum aps_slot_reason reason,
                                 const struct aps_slot_clock *clock)
{
	slot->is_asking = true;
	slot->was_refused = false;
	slot->reason = reason;
	slot->asked_ms = clock->mono_ms;
	slot->asked_unix_ms = unix_ms(clock);
	return is_good(slot, clock) ? APS_SLOT_USE_AND_ASK : APS_SLOT_ASK;
}

/* Nothing good is there. */
static enum aps_slot_verdict renew(struct aps_auth_slot *slot, const struct aps_slot_clock *clock)
{
	if (slot->is_asking) return APS_SLOT_WAIT;
	if (!slot->is_dynamic) return fail_missing(slot);
	if (clock->mono_ms < slot->failed_until_ms) return APS_SLOT_FAIL;
	if (slot->has_material) return ask(slot, APS_SLOT_EXPIRED, clock);
	return ask(slot, slot->generation == 0 ? APS_SLOT_FIRST : APS_SLOT_REFUSED, clock);
}

enum aps_slot_verdict aps_auth_slot_use(struct aps_auth_slot *slot, const struct aps_slot_clock *clock)
{
	if (!is_good(slot, clock)) return renew(slot, clock);
	if (slot->is_asking || !wants_renewal(slot, clock)) return APS_SLOT_USE;
	return ask(slot, APS_SLOT_EXPIRED, clock);
}

static void drop_material(struct aps_auth_slot *slot)
{
	slot->has_material = slot->outlasts_clock = slot->is_err_of_expired = false;
	aps_auth_material_clear(&slot->material);
	slot->material.mode = slot->mode;
}

enum aps_slot_verdict aps_auth_slot_refused(struct aps_auth_slot *slot, uint64_t generation,
                                            const struct aps_slot_clock *clock)
{
	/* To send what has expired as well would be refused as well. */
	if (generation != slot->generation && slot->is_err_of_expired && is_past(slot, clock)) return APS_SLOT_FAIL;
	if (generation != slot->generation) return is_good(slot, clock) ? APS_SLOT_USE : renew(slot, clock);
	if (!slot->is_dynamic) return fail_refused(slot);
	/* Several requests may be refused with one generation: the first of them drops the material. */
	drop_material(slot);
	enum aps_slot_verdict verdict = renew(slot, clock);
	if (slot->is_asking) {
		slot->reason = APS_SLOT_REFUSED;
		slot->was_refused = true;
	}
	return verdict;
}

static void tell_skew(struct aps_auth_slot *slot, int64_t skew_ms)
{
	slot->has_told_skew = true;
	slot->told_skew_ms = skew_ms;
}

void aps_auth_slot_worked(struct aps_auth_slot *slot, uint64_t generation, const struct aps_slot_clock *clock)
{
	if (!slot->outlasts_clock || generation != slot->generation) return;
	slot->is_err_of_expired = false;
	slot->outlasts_clock = is_past(slot, clock);
	if (!slot->outlasts_clock) return;
	int64_t life = life_ms(&slot->material);
	bool is_alive = life != 0 && slot->given_ms + life > clock->mono_ms;
	slot->stands_until_ms = is_alive ? slot->given_ms + life : APS_SLOT_FOREVER;
	/* It is good, so the clock is wrong; it was issued when it was given, or before. */
	if (life != 0) tell_skew(slot, slot->material.issued_ms - slot->given_unix_ms);
}

void aps_auth_slot_set(struct aps_auth_slot *slot, struct aps_auth_material *material,
                       const struct aps_slot_clock *clock)
{
	bool was_refused = slot->was_refused;
	aps_auth_material_clear(&slot->material);
	slot->material = *material;
	*material = (struct aps_auth_material){.mode = APS_AUTH_NONE};
	slot->has_material = true;
	slot->is_asking = slot->was_refused = slot->is_err_of_expired = false;
	slot->failed_until_ms = 0;
	slot->given_ms = clock->mono_ms;
	slot->given_unix_ms = clock->wall_ms;
	slot->generation++;
	aps_err_clear(&slot->err);
	/* Nothing was issued in the future: the clock is behind. */
	if (slot->material.issued_ms - unix_ms(clock) >= SKEW_MS)
		tell_skew(slot, slot->material.issued_ms - clock->wall_ms);
	slot->outlasts_clock = is_past(slot, clock);
	if (!slot->outlasts_clock) return;
	if (was_refused && clock->is_told) tell_expired(slot, clock);
	int64_t life = life_ms(&slot->material);
	slot->stands_until_ms = clock->mono_ms + (life != 0 ? life : UNTRIED_MS);
}

void aps_auth_slot_fail(struct aps_auth_slot *slot, const struct aps_err *err, const struct aps_slot_clock *clock)
{
	if (err != NULL)
		slot->err = *err;
	else if (slot->is_asking && clock->mono_ms - slot->asked_ms >= APS_SLOT_ASK_TIMEOUT_MS)
		aps_fail_word(&slot->err, APS_E_AUTH, "token_timeout", 0, "the %s function did not answer in time",
		              noun(slot->mode));
	else
		fail_missing(slot);
	slot->is_asking = slot->was_refused = slot->is_err_of_expired = false;
	slot->failed_until_ms = clock->mono_ms + HOLD_MS;
}

#include "auth/slot.h"

/* A failed renewal is the answer to everyone for this long. */
#define HOLD_MS 2000
/* Material that is short-lived, or a function that keeps giving the same, must not mean a renewal for each request. */
#define BACKGROUND_GAP_MS 30000

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

static enum aps_slot_verdict fail_expired(struct aps_auth_slot *slot)
{
	if (slot->mode == APS_AUTH_IAM) return fail(slot, "credentials_expired", "the AWS credentials have expired");
	if (slot->mode == APS_AUTH_API_KEY) return fail(slot, "api_key_expired", "the API key has expired");
	return fail(slot, "token_expired", "the token has expired");
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

static bool is_expired(const struct aps_auth_slot *slot, int64_t now_ms)
{
	return slot->material.expires_ms != 0 && slot->material.expires_ms <= now_ms;
}

/* The clock that was learned from a server may be the wrong one (a proxy's Date, a clock that was set since): where
 * only it says so, the service is asked. Its answer brings the right time. */
static bool is_surely_expired(const struct aps_auth_slot *slot, int64_t now_ms)
{
	return is_expired(slot, now_ms) && is_expired(slot, now_ms - slot->skew_ms);
}

static enum aps_slot_verdict fail_or_use_expired(struct aps_auth_slot *slot, int64_t now_ms)
{
	return is_surely_expired(slot, now_ms) ? fail_expired(slot) : APS_SLOT_USE;
}

/* How long before its end material is renewed. A token without `iat` is taken to have been issued when it was asked
 * for. */
static int64_t refresh_ahead_ms(const struct aps_auth_slot *slot)
{
	const struct aps_auth_material *material = &slot->material;
	if (slot->mode == APS_AUTH_IAM) return APS_SLOT_REFRESH_AHEAD_MS;
	int64_t issued_ms = material->issued_ms != 0 ? material->issued_ms : slot->asked_ms;
	if (issued_ms == 0 || issued_ms >= material->expires_ms) return APS_SLOT_REFRESH_AHEAD_MS;
	int64_t tenth_ms = (material->expires_ms - issued_ms) / 10;
	return tenth_ms < APS_SLOT_REFRESH_AHEAD_MS ? tenth_ms : APS_SLOT_REFRESH_AHEAD_MS;
}

static bool wants_renewal(const struct aps_auth_slot *slot, int64_t now_ms)
{
	if (!slot->is_dynamic || slot->material.expires_ms == 0) return false;
	if (slot->material.expires_ms - now_ms > refresh_ahead_ms(slot)) return false;
	return now_ms >= slot->failed_until_ms && (slot->asked_ms == 0 || now_ms - slot->asked_ms >= BACKGROUND_GAP_MS);
}

static enum aps_slot_verdict ask(struct aps_auth_slot *slot, enum aps_slot_reason reason, int64_t now_ms)
{
	slot->is_asking = true;
	slot->reason = reason;
	slot->asked_ms = now_ms;
	return reason == APS_SLOT_EXPIRED && slot->has_material && !is_expired(slot, now_ms) ? APS_SLOT_USE_AND_ASK
	                                                                                     : APS_SLOT_ASK;
}

/* Nothing good is there. */
static enum aps_slot_verdict renew(struct aps_auth_slot *slot, int64_t now_ms)
{
	if (slot->is_asking) return APS_SLOT_WAIT;
	if (!slot->is_dynamic) return slot->has_material ? fail_or_use_expired(slot, now_ms) : fail_missing(slot);
	if (now_ms < slot->failed_until_ms) return APS_SLOT_FAIL;
	if (!slot->has_material) return ask(slot, slot->generation == 0 ? APS_SLOT_FIRST : APS_SLOT_REFUSED, now_ms);
	/* What the function gave last had expired before it was asked: it answers everyone for a while. */
	if (slot->asked_ms != 0 && slot->material.expires_ms <= slot->asked_ms && now_ms - slot->asked_ms < HOLD_MS)
		return fail_or_use_expired(slot, now_ms);
	return ask(slot, APS_SLOT_EXPIRED, now_ms);
}

enum aps_slot_verdict aps_auth_slot_use(struct aps_auth_slot *slot, int64_t now_ms)
{
	if (!slot->has_material || is_expired(slot, now_ms)) return renew(slot, now_ms);
	if (slot->is_asking || !wants_renewal(slot, now_ms)) return APS_SLOT_USE;
	return ask(slot, APS_SLOT_EXPIRED, now_ms);
}

enum aps_slot_verdict aps_auth_slot_refused(struct aps_auth_slot *slot, uint64_t generation, int64_t now_ms)
{
	bool is_good = slot->has_material && !is_expired(slot, now_ms);
	if (generation != slot->generation) return is_good ? APS_SLOT_USE : renew(slot, now_ms);
	if (!slot->is_dynamic) return fail_refused(slot);
	/* Several requests may be refused with one generation: the first of them drops the material. */
	slot->has_material = false;
	aps_auth_material_clear(&slot->material);
	slot->material.mode = slot->mode;
	if (slot->is_asking) slot->reason = APS_SLOT_REFUSED;
	return renew(slot, now_ms);
}

void aps_auth_slot_set(struct aps_auth_slot *slot, struct aps_auth_material *material)
{
	aps_auth_material_clear(&slot->material);
	slot->material = *material;
	*material = (struct aps_auth_material){.mode = APS_AUTH_NONE};
	slot->has_material = true;
	slot->is_asking = false;
	slot->failed_until_ms = 0;
	slot->generation++;
	aps_err_clear(&slot->err);
}

void aps_auth_slot_fail(struct aps_auth_slot *slot, const struct aps_err *err, int64_t now_ms)
{
	if (err != NULL)
		slot->err = *err;
	else if (slot->is_asking && now_ms - slot->asked_ms >= APS_SLOT_ASK_TIMEOUT_MS)
		aps_fail_word(&slot->err, APS_E_AUTH, "token_timeout", 0, "the %s function did not answer in time",
		              noun(slot->mode));
	else
		fail_missing(slot);
	slot->is_asking = false;
	slot->failed_until_ms = now_ms + HOLD_MS;
}

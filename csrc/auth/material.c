#include "auth/material.h"

#include "auth/jwt.h"
#include "base/mem.h"

static const char *const NAMES[APS_AUTH_MODE_COUNT] = {
#define APS_AUTH_MODE_NAME(name, text) text,
        APS_AUTH_MODE_MAP(APS_AUTH_MODE_NAME)
#undef APS_AUTH_MODE_NAME
};

const char *aps_auth_mode_name(enum aps_auth_mode mode)
{
	return mode < APS_AUTH_MODE_COUNT ? NAMES[mode] : "UNKNOWN";
}

bool aps_auth_mode_find(struct aps_str name, enum aps_auth_mode *mode)
{
	for (size_t i = 0; i < APS_AUTH_MODE_COUNT; i++) {
		if (!aps_str_is(name, NAMES[i])) continue;
		*mode = (enum aps_auth_mode)i;
		return true;
	}
	return false;
}

static void wipe(char **text)
{
	if (*text == NULL) return;
	explicit_bzero(*text, strlen(*text));
	aps_free(*text);
	*text = NULL;
}

void aps_auth_material_clear(struct aps_auth_material *material)
{
	wipe(&material->secret);
	wipe(&material->credentials.access_key_id);
	wipe(&material->credentials.secret_access_key);
	wipe(&material->credentials.session_token);
	*material = (struct aps_auth_material){.mode = APS_AUTH_NONE};
}

/* The text becomes an HTTP header's value (RFC 9110 section 5.5: visible ASCII is what is portable). */
static enum aps_rc dup_secret(char **out, struct aps_str text, const char *what, struct aps_err *err)
{
	if (text.n == 0) return aps_fail(err, APS_E_AUTH, "the %s is empty", what);
	if (text.n > APS_AUTH_MAX_BYTES)
		return aps_fail_word(err, APS_E_AUTH, "too_long", 0, "the %s is longer than %zu bytes", what,
		                     APS_AUTH_MAX_BYTES);
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20 || (unsigned char)text.p[i] >= 0x7f)
			return aps_fail(err, APS_E_AUTH, "the %s contains a control character or one beyond ASCII",
			                what);
	*out = aps_strndup(text.p, text.n);
	if (*out == NULL) return aps_fail(err, APS_E_NOMEM, "no memory for the %s", what);
	return APS_OK;
}

static enum aps_rc fill_credentials(struct aps_auth_material *made, const struct aps_given_iam_credentials *given,
                                    struct aps_err *err)
{
	if (given == NULL) return aps_fail(err, APS_E_AUTH, "AWS_IAM needs credentials");
	struct aps_iam_credentials *to = &made->credentials;
	enum aps_rc rc = dup_secret(&to->access_key_id, given->access_key_id, "access key id", err);
	if (rc == APS_OK) rc = dup_secret(&to->secret_access_key, given->secret_access_key, "secret access key", err);
	/* Environments and files often carry an empty session token beside a permanent key: that is none. */
	if (rc == APS_OK && given->session_token.n != 0)
		rc = dup_secret(&to->session_token, given->session_token, "session token", err);
	to->expires_ms = given->expires_ms;
	made->expires_ms = given->expires_ms;
	return rc;
}

static void fill_times(struct aps_auth_material *made)
{
	struct aps_jwt_times times;
	if (!aps_jwt_times(aps_str_of(made->secret), &times)) return;
	made->expires_ms = times.exp_s * 1000;
	made->issued_ms = times.iat_s * 1000;
}

enum aps_rc aps_auth_material_init(struct aps_auth_material *out, enum aps_auth_mode mode, struct aps_str secret,
                                   const struct aps_given_iam_credentials *credentials, struct aps_err *err)
{
	struct aps_auth_material made = {.mode = mode};
	enum aps_rc rc = APS_OK;
	switch (mode) {
	case APS_AUTH_NONE: break;
	case APS_AUTH_IAM: rc = fill_credentials(&made, credentials, err); break;
	case APS_AUTH_API_KEY: rc = dup_secret(&made.secret, secret, "API key", err); break;
	case APS_AUTH_USER_POOLS:
	case APS_AUTH_OIDC:
	case APS_AUTH_LAMBDA:
		rc = dup_secret(&made.secret, secret, "token", err);
		if (rc == APS_OK) fill_times(&made);
		break;
	case APS_AUTH_MODE_COUNT:
	default: rc = aps_fail(err, APS_E_USAGE, "unknown authorization mode"); break;
	}
	if (rc != APS_OK) {
		aps_auth_material_clear(&made);
		return rc;
	}
	*out = made;
	return APS_OK;
}

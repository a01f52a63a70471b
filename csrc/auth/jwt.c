#include "auth/jwt.h"

#include "codec/base64.h"
#include "codec/json_reader.h"

#include <strings.h>

#define JWT_MAX_BYTES ((size_t)1 << 20)
#define BEARER        "Bearer "

static struct aps_str without_bearer(struct aps_str token)
{
	size_t n = sizeof BEARER - 1;
	token = aps_str_trim(token);
	if (token.n > n && strncasecmp(token.p, BEARER, n) == 0) return (struct aps_str){token.p + n, token.n - n};
	return token;
}

static bool split(struct aps_str token, struct aps_str parts[3])
{
	const char *end = token.p + token.n;
	for (int i = 0; i < 2; i++) {
		const char *dot = memchr(token.p, '.', token.n);
		if (dot == NULL) return false;
		parts[i] = (struct aps_str){token.p, (size_t)(dot - token.p)};
		token = (struct aps_str){dot + 1, (size_t)(end - dot - 1)};
	}
	parts[2] = token;
	return true;
}

static bool is_object(struct aps_str json)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, json, 0);
	if (aps_json_next(&r) != APS_JSON_OBJECT) return false;
	return aps_json_skip_rest(&r) == APS_OK && aps_json_next(&r) == APS_JSON_END;
}

/* Leaves the payload's text in `out`, which is empty before. The signature may be empty (RFC 7519 section 6), as the
 * tokens of local emulators are. */
static enum aps_rc decode(struct aps_str token, struct aps_buf *out, struct aps_err *err)
{
	struct aps_str parts[3];
	if (token.n == 0 || token.n > JWT_MAX_BYTES || !split(without_bearer(token), parts)) goto no_jwt;
	for (int order = 0; order < 3; order++) {
		static const int PART[3] = {0, 2, 1}; /* the payload last: it stays in the buffer */
		aps_buf_reset(out);
		enum aps_rc rc = aps_base64_decode(out, parts[PART[order]], APS_BASE64_URL, err);
		if (rc == APS_E_NOMEM || out->rc == APS_E_NOMEM)
			return aps_fail(err, APS_E_NOMEM, "no memory to read a token");
		if (rc != APS_OK) goto no_jwt;
		if (PART[order] != 2 && !is_object(aps_buf_str(out))) goto no_jwt;
	}
	return APS_OK;
no_jwt:
	return aps_fail(err, APS_E_SYNTAX, "not a JSON Web Token");
}

/* NumericDate (RFC 7519 section 2) may have a fraction; what can't be a date is as good as missing. */
static int64_t numeric_date(const struct aps_json_reader *r, enum aps_json_token token)
{
	if (token == APS_JSON_INT && r->integer > 0 && r->integer < INT64_C(1) << 40) return r->integer;
	if (token == APS_JSON_DOUBLE && r->number >= 1 && r->number < 1e12) return (int64_t)r->number;
	return 0;
}

static void read_times(struct aps_str json, struct aps_jwt_times *out)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, json, 0);
	aps_json_next(&r);
	while (aps_json_next(&r) == APS_JSON_KEY) {
		int64_t *to = aps_json_text_is(&r, "exp")   ? &out->exp_s
		              : aps_json_text_is(&r, "iat") ? &out->iat_s
		                                            : NULL;
		if (to == NULL) {
			struct aps_str span;
			if (aps_json_skip_value(&r, &span) != APS_OK) return;
			continue;
		}
		enum aps_json_token token = aps_json_next(&r);
		if (token == APS_JSON_ERROR) return;
		*to = numeric_date(&r, token);
		if ((token == APS_JSON_OBJECT || token == APS_JSON_ARRAY) && aps_json_skip_rest(&r) != APS_OK) return;
	}
}

bool aps_jwt_times(struct aps_str token, struct aps_jwt_times *out)
{
	*out = (struct aps_jwt_times){0};
	struct aps_buf json;
	aps_buf_init(&json, JWT_MAX_BYTES);
	bool is_jwt = decode(token, &json, NULL) == APS_OK;
	if (is_jwt) read_times(aps_buf_str(&json), out);
	aps_buf_clear(&json);
	return is_jwt;
}

enum aps_rc aps_jwt_claims(struct aps_str token, struct aps_buf *json, struct aps_err *err)
{
	struct aps_buf claims;
	aps_buf_init(&claims, JWT_MAX_BYTES);
	enum aps_rc rc = decode(token, &claims, err);
	if (rc == APS_OK) {
		aps_buf_add_str(json, aps_buf_str(&claims));
		if (json->rc != APS_OK) rc = aps_fail(err, json->rc, "no room for the claims of a token");
	}
	aps_buf_clear(&claims);
	return rc;
}

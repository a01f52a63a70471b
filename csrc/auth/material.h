/* What authenticates a call: the mode and its key, token or credentials. Owned text; cleared with the bytes wiped. */
#ifndef APS_AUTH_MATERIAL_H
#define APS_AUTH_MATERIAL_H

#include "base/err.h"
#include "base/str.h"

/* X(name, the name of the service) */
#define APS_AUTH_MODE_MAP(X)                                                                                           \
	X(NONE, "NONE")                                                                                                \
	X(API_KEY, "API_KEY")                                                                                          \
	X(IAM, "AWS_IAM")                                                                                              \
	X(USER_POOLS, "AMAZON_COGNITO_USER_POOLS")                                                                     \
	X(OIDC, "OPENID_CONNECT")                                                                                      \
	X(LAMBDA, "AWS_LAMBDA")

enum aps_auth_mode {
#define APS_AUTH_MODE_ENUM(name, text) APS_AUTH_##name,
	APS_AUTH_MODE_MAP(APS_AUTH_MODE_ENUM)
#undef APS_AUTH_MODE_ENUM
	        APS_AUTH_MODE_COUNT
};

struct aps_iam_credentials {
	char *access_key_id;
	char *secret_access_key;
	char *session_token; /* NULL when there is none */
	int64_t expires_ms;  /* Unix milliseconds; 0: never */
};

/* As they are given: borrowed. An empty session token is none. */
struct aps_given_iam_credentials {
	struct aps_str access_key_id;
	struct aps_str secret_access_key;
	struct aps_str session_token;
	int64_t expires_ms;
};

/* Of one key or token; no server takes a header that is as long. */
#define APS_AUTH_MAX_BYTES ((size_t)256 * 1024)

struct aps_auth_material {
	enum aps_auth_mode mode;
	char *secret; /* API key or token; NULL for NONE and IAM */
	struct aps_iam_credentials credentials;
	int64_t expires_ms; /* of the token (its `exp` claim, where it is a JWT) or the credentials; 0: unknown or never
	                     */
	int64_t issued_ms;  /* of the token (its `iat` claim); 0: unknown */
};

APS_BEGIN_DECLS

const char *aps_auth_mode_name(enum aps_auth_mode mode);
/* False when no mode has this name. */
bool aps_auth_mode_find(struct aps_str name, enum aps_auth_mode *mode);
/* Wipes and frees; twice is legal. */
void aps_auth_material_clear(struct aps_auth_material *material);
/* Copies the text given; computes expires_ms (JWT `exp`, credentials' expiry). Refused, as E_AUTH: control
 * characters or bytes beyond ASCII in a value, an empty key, token or half of the credentials, more than
 * APS_AUTH_MAX_BYTES ("too_long"). *out is written only on success. */
enum aps_rc aps_auth_material_init(struct aps_auth_material *out, enum aps_auth_mode mode, struct aps_str secret,
                                   const struct aps_given_iam_credentials *credentials, struct aps_err *err);

APS_END_DECLS

#endif

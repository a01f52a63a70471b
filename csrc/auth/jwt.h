/* What a client reads of a JSON Web Token (RFC 7519): claims, never the signature. */
#ifndef APS_AUTH_JWT_H
#define APS_AUTH_JWT_H

#include "base/buf.h"

struct aps_jwt_times {
	int64_t exp_s; /* 0: the claim is missing */
	int64_t iat_s;
};

APS_BEGIN_DECLS

/* False when the text is no JWT (three base64url parts, JSON objects inside). A "Bearer " prefix is passed over. */
bool aps_jwt_times(struct aps_str token, struct aps_jwt_times *out);
/* Appends the claims, as the JSON text that the token carries. */
enum aps_rc aps_jwt_claims(struct aps_str token, struct aps_buf *json, struct aps_err *err);

APS_END_DECLS

#endif

/* How a mode's material becomes HTTP headers, and the authorization object of AppSync's realtime messages
 * (AppSync Developer Guide, "Building a Real-Time WebSocket Client"). */
#ifndef APS_AUTH_APPSYNC_HEADERS_H
#define APS_AUTH_APPSYNC_HEADERS_H

#include "auth/sigv4.h"
#include "codec/header.h"

struct aps_appsync_signing {
	struct aps_str endpoint; /* the HTTP GraphQL endpoint */
	struct aps_str region;
	struct aps_str service; /* "appsync", or "execute-api" behind API Gateway */
	int64_t now_s;          /* corrected for clock skew */
	struct aps_sigv4_cache *cache;
	const struct aps_header_list *extra; /* realtime: added to the object after signing; NULL: none */
};

APS_BEGIN_DECLS

/* Adds to `headers` (which holds all that is to be signed: content-type and so on) what the mode asks for: x-api-key,
 * authorization, x-amz-date, x-amz-security-token. IAM signs all of `headers` over `body`. A caller's own
 * Authorization or x-api-key in `headers` suppresses the mode's. */
enum aps_rc aps_appsync_http_headers(const struct aps_auth_material *material,
                                     const struct aps_appsync_signing *signing, struct aps_str body,
                                     struct aps_header_list *headers, struct aps_err *err);

enum aps_appsync_realtime_step { APS_APPSYNC_CONNECT, APS_APPSYNC_START };

/* Appends the JSON object: {"host":…,"x-api-key":…} and its siblings. IAM signs `data` ("{}" for connect) at
 * endpoint/connect or endpoint. signing->extra headers are added after signing; the caller's Authorization wins, and
 * their host is the API's, which is signed. */
enum aps_rc aps_appsync_realtime_object(const struct aps_auth_material *material,
                                        const struct aps_appsync_signing *signing, enum aps_appsync_realtime_step step,
                                        struct aps_str data, struct aps_buf *out, struct aps_err *err);

APS_END_DECLS

#endif

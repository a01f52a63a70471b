/* How a mode's material becomes HTTP headers, and the authorization object of AppSync's realtime messages
 * (AppSync Developer Guide, "Building a Real-Time WebSocket Client"). */
#ifndef APS_AUTH_APPSYNC_HEADERS_H
#define APS_AUTH_APPSYNC_HEADERS_H

#include "auth/sigv4.h"
#include "base/arena.h"

struct aps_appsync_signing {
	struct aps_str endpoint; /* the HTTP GraphQL endpoint */
	struct aps_str region;
	struct aps_str service; /* "appsync", or "execute-api" behind API Gateway */
	int64_t now_s;          /* corrected for clock skew */
	struct aps_sigv4_cache *cache;
	const struct aps_header_list *extra; /* realtime: added to the object after signing; NULL: none */
};

struct aps_header_list {
	struct aps_header *items; /* text in `arena` */
	size_t n_items;
	size_t capacity;
	struct aps_arena *arena;
};

APS_BEGIN_DECLS

void aps_header_list_init(struct aps_header_list *list, struct aps_arena *arena);
/* Copies name and value. E_USAGE for a name that is no HTTP token or a value with a control character but tabs;
 * E_TOO_BIG, E_NOMEM. Items stay with the arena. */
enum aps_rc aps_header_list_add(struct aps_header_list *list, struct aps_str name, struct aps_str value,
                                struct aps_err *err);
/* ASCII case is ignored; NULL when there is none. */
const struct aps_header *aps_header_list_find(const struct aps_header_list *list, const char *name);

/* Adds to `headers` (which holds all that is to be signed: content-type and so on) what the mode asks for: x-api-key,
 * authorization, x-amz-date, x-amz-security-token. IAM signs all of `headers` over `body`. A caller's own
 * Authorization or x-api-key in `headers` suppresses the mode's. */
enum aps_rc aps_appsync_http_headers(const struct aps_auth_material *material,
                                     const struct aps_appsync_signing *signing, struct aps_str body,
                                     struct aps_header_list *headers, struct aps_err *err);

enum aps_appsync_realtime_step { APS_APPSYNC_CONNECT, APS_APPSYNC_START };

/* Appends the JSON object: {"host":…,"x-api-key":…} and its siblings. IAM signs `data` ("{}" for connect) at
 * endpoint/connect or endpoint. signing->extra headers are added after signing; the caller's Authorization wins. */
enum aps_rc aps_appsync_realtime_object(const struct aps_auth_material *material,
                                        const struct aps_appsync_signing *signing, enum aps_appsync_realtime_step step,
                                        struct aps_str data, struct aps_buf *out, struct aps_err *err);

APS_END_DECLS

#endif

/* GraphQL over HTTP as a pure codec: the body of a request, and what a response means
 * (GraphQL over HTTP, draft; AppSync's flat errors: "errorType", "errorInfo", "data" beside "message"). */
#ifndef APS_PROTO_GQLHTTP_H
#define APS_PROTO_GQLHTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "proto/operation.h"

/* Borrowed spans of the response's body; empty where the member is missing. */
struct aps_gqlhttp_response {
	struct aps_str data;   /* JSON text of `data`; empty: missing or null */
	struct aps_str errors; /* JSON text of `errors`; empty: missing, null or an empty list */
	struct aps_str extensions;
	bool has_value;            /* at least one root field of `data` is not null */
	struct aps_str error_type; /* of the first error, decoded; in `arena` */
	struct aps_err err; /* OK: no errors at all. Else the most specific kind wins: auth, conflict, graphql, http,
	                       protocol */
};

APS_BEGIN_DECLS

/* {"query":…,"variables":…,"operationName":…}, the same bytes each time; an empty name is left out. E_TOO_BIG of the
 * buffer's ceiling, E_NOMEM. */
enum aps_rc aps_gqlhttp_body(struct aps_buf *out, const struct aps_operation *operation, struct aps_err *err);
/* What aps_gqlhttp_body() would return for a buffer of max_bytes: at no cost, but where the size is near them. */
enum aps_rc aps_gqlhttp_check_body(const struct aps_operation *operation, size_t max_bytes, struct aps_err *err);

/* Understands status and body. `error_type_header`: x-amzn-errortype, may be empty. `arena` backs the decoded text.
 * Neither data nor errors with a 2xx status: E_PROTOCOL, the message quotes the first bytes of what came. */
void aps_gqlhttp_parse(long status, struct aps_str error_type_header, struct aps_str body, struct aps_arena *arena,
                       struct aps_gqlhttp_response *out);

/* The same for a realtime `data` payload: {"data":…,"errors":…}. */
void aps_gqlhttp_parse_payload(struct aps_str payload, struct aps_arena *arena, struct aps_gqlhttp_response *out);

APS_END_DECLS

#endif

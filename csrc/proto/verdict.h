/* What became of a queued mutation, read from what its request ended with. By codes and the shape of the answer, never
 * by the text of a message. Pure.
 *
 * The first line that fits decides. "Value": a root field of `data` that isn't null.
 *
 *   the request ended with                                          | verdict
 *   ----------------------------------------------------------------|---------
 *   2xx and a value, or `data` without errors                       | DONE
 *   no status, no usable material (E_AUTH)                          | AUTH
 *   no status, it may have been sent: whatever failed               | DOUBT
 *   no status, not sent: its own text can't be sent                 | REFUSED   E_TOO_BIG E_SYNTAX E_UTF8 E_DEPTH
 *   no status, not sent: DNS, refused, TLS, proxy, time, memory     | UNSENT
 *   429                                                             | LATER
 *   2xx without a list of GraphQL errors: HTML, nothing, cut off    | DOUBT
 *   2xx, an error below a root field: the field had a value         | DONE
 *   2xx, fewer root fields with an error than were asked for        | DOUBT
 *   2xx, errors at root fields and of the request as a whole:       | the strongest: DOUBT REFUSED CONFLICT AUTH LATER
 *     - not an object                                               | DOUBT
 *     - of a data source that runs code: Lambda:…, Http:…           | DOUBT
 *     - ExecutionTimeout RequestTimeout TimeoutError InternalFailure| DOUBT
 *       InternalServerError DeltaSyncWriteError MappingTemplate Code|
 *     - throttling codes, ServiceUnavailable, TransactionConflict   | LATER
 *     - ConflictUnhandled ConflictError MaxConflicts                | CONFLICT
 *     - DynamoDB:ConditionalCheckFailed…, or without the prefix     | CONFLICT
 *       where an expected version was sent                          |
 *     - ConditionalCheckFailed… else: the caller's own condition    | REFUSED
 *     - UnauthorizedException without a path                        | AUTH
 *     - any other type                                              | REFUSED
 *     - no type, no path: validation, variables                     | REFUSED
 *     - no type, at a root field, `data` is null                    | DOUBT
 *     - no type, at a root field, which is null                     | REFUSED
 *   401, unless forbidden by a rule                                 | AUTH
 *   other statuses with types that tell, the strongest:             |
 *     - the types of DOUBT, LATER and CONFLICT above                | as above
 *     - refused material (ExpiredToken, UnrecognizedClient, …)      | AUTH
 *     - forbidden by a rule, a wrong clock or signature             | LATER
 *   408, 5xx but the next line's                                    | DOUBT
 *   501 503 505 511                                                 | LATER
 *   400 413 422                                                     | REFUSED
 *   all others: redirects, 403, 404, …                              | LATER
 *
 * Reasons. An error without a path was raised before execution began (GraphQL, October 2021, 7.1.2). A root field whose
 * type is nullable and that is null with an untyped error was refused by its resolver; where its type isn't nullable,
 * the error may be that its resolver returned null after it had done its work. Below a root field nothing is resolved
 * before the field has its value; a null at a place that must not be null takes it along afterwards. What a resolver
 * throws after its data source has written is told by no code: a type that none of the lines knows is believed to be a
 * refusal. A wrong clock was corrected and the request signed again once before (proto/attempt.h), and rules and
 * policies of a firewall change: neither was executed, both are tried again and counted. */
#ifndef APS_PROTO_VERDICT_H
#define APS_PROTO_VERDICT_H

#include "base/err.h"
#include "base/str.h"

/* X(name, text): each stronger than the ones before it where several errors came. */
#define APS_VERDICT_MAP(X)                                                                                             \
	X(DONE, "done")         /* executed; its errors are delivered */                                               \
	X(UNSENT, "unsent")     /* it surely never left; wait for the network */                                       \
	X(LATER, "later")       /* answered and not executed; send again, and count it */                              \
	X(AUTH, "auth")         /* not executed; wait for other material */                                            \
	X(CONFLICT, "conflict") /* not executed; the record has another version */                                     \
	X(REFUSED, "refused")   /* not executed, and never will be as it is */                                         \
	X(DOUBT, "doubt")       /* it may have been executed */

enum aps_verdict {
#define APS_VERDICT_ENUM(name, text) APS_VERDICT_##name,
	APS_VERDICT_MAP(APS_VERDICT_ENUM)
#undef APS_VERDICT_ENUM
	        APS_VERDICT_COUNT
};

/* Of a request that was given no leave to be sent again by itself (`can_retry` of struct aps_attempt_options): what an
 * earlier exchange of it did is known. Texts are borrowed for the call. */
struct aps_verdict_question {
	enum aps_rc code;          /* of the failure, or of what the answer means; OK: success */
	bool sent;                 /* it may have reached the service */
	long status;               /* HTTP; 0: none came */
	struct aps_str error_type; /* of the first error, or x-amzn-errortype (struct aps_gqlhttp_response) */
	struct aps_str errors;     /* JSON text of the answer's `errors`; empty: none */
	bool has_data;             /* `data` is an object */
	bool has_value;            /* and a root field of it is not null */
	bool is_versioned;         /* an expected version was sent (sync/safety.h) */
	unsigned n_roots;          /* root fields asked for; 0 counts as one, too many is safe */
};

APS_BEGIN_DECLS

const char *aps_verdict_name(enum aps_verdict verdict);
enum aps_verdict aps_verdict_of(const struct aps_verdict_question *question);

APS_END_DECLS

#endif

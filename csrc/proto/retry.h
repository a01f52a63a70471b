/* Retry or give up: decided here only, by code, never by the text of a message. Pure. */
#ifndef APS_PROTO_RETRY_H
#define APS_PROTO_RETRY_H

#include "base/err.h"
#include "base/str.h"

enum aps_retry_class {
	APS_RETRY_NEVER,
	APS_RETRY_LATER,  /* after a delay */
	APS_RETRY_RESIGN, /* the clock was wrong: correct it and send again, once */
	APS_RETRY_REFRESH /* authentication was refused: fresh material, then send again, once */
};

struct aps_retry_question {
	enum aps_rc code;          /* of the failure */
	long status;               /* HTTP status; 0 without a response */
	struct aps_str error_type; /* AppSync errorType or x-amzn-errortype; may be empty */
	bool sent;                 /* it may have reached the service */
	bool is_safe;              /* safe to send again: a query, or its caller said idempotent */
	bool is_lasting;           /* without a response: it fails in the same way later */
};

APS_BEGIN_DECLS

/* Network failure, timeout, 429, 500, 502, 503, 504 and throttling codes: LATER. Clock-skew codes: RESIGN. 401 and
 * Unauthorized: REFRESH. What may have been executed and isn't safe: NEVER (429 and a refused connection were not
 * executed). */
enum aps_retry_class aps_retry_classify(const struct aps_retry_question *question);

/* Retry-After (RFC 9110 10.2.3): seconds or an HTTP date. -1 when it is neither. */
int64_t aps_retry_after_ms(struct aps_str header, int64_t now_unix_s);

APS_END_DECLS

#endif

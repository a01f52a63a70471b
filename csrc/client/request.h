/* One operation on its way to the service: material, signing, exchanges, renewal, retries, until it has its outcome.
 * What comes next is decided by proto/attempt.h; here it is carried out. @thread core
 *
 * Embedded in its owner: what the application waits for, or what is kept until the service has taken it. It knows
 * nobody who waits: their deadlines and cancels are the owner's (aps_request_leave()).
 *
 *     aps_request_init(core, &entry->request, &options, &entry->sink);
 *     aps_request_start(core, &entry->request);    the sink is told the outcome, once, now or later
 *     aps_request_clear(core, &entry->request);    at any time, also by the sink */
#ifndef APS_CLIENT_REQUEST_H
#define APS_CLIENT_REQUEST_H

#include "client/lease.h"
#include "client/outcome.h"
#include "proto/attempt.h"

/* What it points at stays until the request is cleared. */
struct aps_request_options {
	struct aps_client *client;
	const struct aps_operation *operation;
	const struct aps_header_list *headers; /* the application's */
	uint64_t credential;                   /* 0: none */
	struct aps_backoff_policy retry;
	bool is_safe;   /* may be sent again although it may have been executed */
	bool is_single; /* what failed is its owner's to send again; renewed material and a corrected clock aren't */
	int64_t end_ms; /* of its time, by the monotonic clock: an answer after it is late, and nothing is tried that
	                   can't be answered before. APS_ATTEMPT_FOREVER: none; then an exchange has the client's */
	int64_t timeout_ms; /* with an end: all of its time, for the text of its error */
	uint64_t label;     /* what a simulation knows it by: the number of a queued mutation; 0: nothing */
	int64_t more_ms;    /* that an exchange may take beyond the end: it is put off for others who come to wait */
};

/* Who owns the request. */
struct aps_outcome_sink {
	/* Takes *outcome. It may clear the request and free itself: nothing of either is touched after it. */
	void (*ended)(struct aps_core *core, struct aps_outcome_sink *sink, struct aps_outcome *outcome);
	/* Each exchange is about to begin; on failure it doesn't, and that is the outcome. NULL: nobody wants to know.
	 */
	enum aps_rc (*sends)(struct aps_outcome_sink *sink, struct aps_err *err);
};

struct aps_request {
	struct aps_answer_sink sink; /* of the exchange */
	struct aps_request_options options;
	struct aps_outcome_sink *owner;
	struct aps_attempt attempt;
	struct aps_lease lease;
	struct aps_timer retry;
	uint64_t exchange; /* under way; 0: none */
	/* What an answer may quote. */
	struct aps_arena arena;      /* of `sent` */
	struct aps_header_list sent; /* by the last attempt */
	struct aps_secrets secrets;  /* of the attempts before it, and the material of all */
	struct aps_outcome *last;    /* of the attempt before a retry; NULL: without a response */
};

APS_BEGIN_DECLS

/* Holds the credential from now on; where the application dropped it before, that is the outcome. */
void aps_request_init(struct aps_core *core, struct aps_request *request, const struct aps_request_options *options,
                      struct aps_outcome_sink *owner);
/* Once. */
void aps_request_start(struct aps_core *core, struct aps_request *request);
/* Ends it wherever it is: nobody is told. Twice is legal. */
void aps_request_clear(struct aps_core *core, struct aps_request *request);

/* Somebody who waits for it leaves before it has its outcome: fills *outcome, which is the caller's, with what is told
 * instead: `why` or, where timeout_ms are over, the last response or error that there was. The request stays where it
 * was: its owner clears it, or it goes on. False: it has its outcome. */
bool aps_request_leave(struct aps_core *core, struct aps_request *request, const struct aps_err *why,
                       struct aps_outcome *outcome);
bool aps_request_leave_late(struct aps_core *core, struct aps_request *request, int64_t timeout_ms,
                            struct aps_outcome *outcome);

APS_END_DECLS

#endif

/* What one piece of work goes through until it has its outcome: material, sending, the answer, renewal, retries. A pure
 * machine over one request: it holds no answer, no timer and no socket, and allocates nothing.
 *
 * The owner feeds each thing that happened and carries out the one action that comes back, before it feeds the next
 * thing. It keeps two answers at most: the present one, and the last one of an attempt that was retried.
 *
 * Deadlines belong to whoever waits, not to the attempt. Where the machine decides on a retry it is told how much time
 * is left (APS_ATTEMPT_FOREVER: no deadline; then no wait is longer than the policy's cap). DEADLINE and CANCEL say
 * that a waiter leaves: the action is DO_TELL with what it is told, and the attempt stays where it was. A call ends its
 * attempt then (stops timers, cancels the exchange, feeds nothing more); a queue goes on, and anything may follow.
 *
 * Late events: DEADLINE and CANCEL are legal after DO_DONE too, and do nothing: the outcome was told. Nothing else can
 * be late: an attempt waits for one thing at a time, which its owner stops when it ends it. All else that a state
 * doesn't expect is DO_REJECT, an error of the owner's. */
#ifndef APS_PROTO_ATTEMPT_H
#define APS_PROTO_ATTEMPT_H

#include "base/backoff.h"
#include "base/err.h"
#include "base/str.h"

#define APS_ATTEMPT_FOREVER INT64_MAX

/* X(name, text) */
#define APS_ATTEMPT_STATE_MAP(X)                                                                                       \
	X(NEW, "new")                                                                                                  \
	X(ASKING, "asking")     /* for usable material */                                                              \
	X(RENEWING, "renewing") /* material was refused: for newer one */                                              \
	X(SENDING, "sending")   /* until the exchange ends */                                                          \
	X(BACKOFF, "backoff")                                                                                          \
	X(DONE, "done")

enum aps_attempt_state {
#define APS_ATTEMPT_STATE_ENUM(name, text) APS_ATTEMPT_##name,
	APS_ATTEMPT_STATE_MAP(APS_ATTEMPT_STATE_ENUM)
#undef APS_ATTEMPT_STATE_ENUM
	        APS_ATTEMPT_STATE_COUNT
};

#define APS_ATTEMPT_EVENT_MAP(X)                                                                                       \
	X(START, "start")                                                                                              \
	X(USABLE, "usable")       /* answers DO_USE */                                                                 \
	X(UNUSABLE, "unusable")   /* answers DO_USE: there is no material; `err` tells why */                          \
	X(RENEWED, "renewed")     /* answers DO_RENEW: newer material is there */                                      \
	X(REFUSED, "refused")     /* answers DO_RENEW: there is none, the refusal stands; `err`, where there is one,   \
	                             tells why */                                                                      \
	X(UNSENT, "unsent")       /* answers DO_SEND: it couldn't be built or started; `err` tells why */              \
	X(FAILED, "failed")       /* the exchange ended before a whole response was there; `err` tells why */          \
	X(ANSWERED, "answered")   /* a response came */                                                                \
	X(DUE, "due")             /* the time of DO_WAIT is over */                                                    \
	X(NO_MEMORY, "no_memory") /* there is none to carry out the last action */                                     \
	X(DEADLINE, "deadline")   /* a waiter's time is over */                                                        \
	X(CANCEL, "cancel")       /* a waiter leaves; `err` is what it is told */

enum aps_attempt_event_kind {
#define APS_ATTEMPT_EVENT_ENUM(name, text) APS_ATTEMPT_ON_##name,
	APS_ATTEMPT_EVENT_MAP(APS_ATTEMPT_EVENT_ENUM)
#undef APS_ATTEMPT_EVENT_ENUM
	        APS_ATTEMPT_EVENT_COUNT
};

/* Borrowed for the call. What an event has no use for stays zero. */
struct aps_attempt_event {
	enum aps_attempt_event_kind kind;
	const struct aps_err *err; /* of the kinds that say so; ANSWERED: what the answer means (NULL or OK: success) */
	/* FAILED and ANSWERED */
	long status;                /* HTTP; 0: none came */
	struct aps_str error_type;  /* AppSync errorType or x-amzn-errortype */
	struct aps_str retry_after; /* the headers' text; may be empty */
	struct aps_str date;
	int64_t wall_ms; /* Unix time by the local clock */
	int64_t skew_ms; /* the service's clock less the local one, as far as is known */
	int64_t left_ms; /* until the deadline. An ANSWERED that is late (0 or less) needs no err and no error_type */
	/* DEADLINE and a late ANSWERED */
	int64_t timeout_ms; /* how long the waiter was ready to wait */
};

#define APS_ATTEMPT_ACTION_MAP(X)                                                                                      \
	X(NOTHING, "nothing")                                                                                          \
	X(USE, "use")       /* get usable material, then USABLE or UNUSABLE; without a credential it is usable */      \
	X(RENEW, "renew")   /* get newer material than what was refused, then RENEWED or REFUSED */                    \
	X(SEND, "send")     /* build and send it with the material, then UNSENT, FAILED or ANSWERED */                 \
	X(WAIT, "wait")     /* for delay_ms, then DUE */                                                               \
	X(DONE, "done")     /* this is the outcome */                                                                  \
	X(TELL, "tell")     /* this is told to the waiter that leaves; the attempt stays where it was */               \
	X(REJECT, "reject") /* `err`, E_INTERNAL: the event is illegal here; the attempt stays where it was */

enum aps_attempt_action_kind {
#define APS_ATTEMPT_ACTION_ENUM(name, text) APS_ATTEMPT_DO_##name,
	APS_ATTEMPT_ACTION_MAP(APS_ATTEMPT_ACTION_ENUM)
#undef APS_ATTEMPT_ACTION_ENUM
	        APS_ATTEMPT_ACTION_COUNT
};

#define APS_ATTEMPT_OUTCOME_MAP(X)                                                                                     \
	X(ERROR, "error")             /* `err`; its `sent` is right for the whole attempt */                           \
	X(ANSWER, "answer")           /* the present answer, good or not */                                            \
	X(LAST_ANSWER, "last_answer") /* the one that was kept with the last `is_retry`; `err`, where it is one, tells \
	                                 more than the answer's own */

enum aps_attempt_outcome {
#define APS_ATTEMPT_OUTCOME_ENUM(name, text) APS_ATTEMPT_##name,
	APS_ATTEMPT_OUTCOME_MAP(APS_ATTEMPT_OUTCOME_ENUM)
#undef APS_ATTEMPT_OUTCOME_ENUM
	        APS_ATTEMPT_OUTCOME_COUNT
};

/* What an answer tells besides, whatever comes next: to be heeded before anything else. */
struct aps_attempt_lesson {
	bool is_clock_told; /* its Date told the time, */
	bool has_skew;      /* and that the clock is wrong: from now on skew_ms is known */
	int64_t skew_ms;
	bool is_accepted; /* the service took the material */
};

struct aps_attempt_action {
	enum aps_attempt_action_kind kind;
	int64_t delay_ms;                 /* DO_WAIT */
	enum aps_attempt_outcome outcome; /* DO_DONE and DO_TELL */
	struct aps_err err;               /* of outcome ERROR, of DO_REJECT, and perhaps of LAST_ANSWER */
	/* It failed and is tried again: the present answer (where there is one) is the last answer from now on, and the
	 * one before isn't needed any more. */
	bool is_retry;
	struct aps_attempt_lesson learned;
};

struct aps_attempt_options {
	struct aps_backoff_policy retry;
	bool can_retry;      /* later, that is; renewal and a corrected clock need no leave */
	bool is_safe;        /* may be sent again although it may have been executed */
	bool has_credential; /* it is sent with material, which may be refused */
	bool is_signed;      /* with the time: SigV4 */
};

struct aps_attempt {
	struct aps_attempt_options options;
	enum aps_attempt_state state;
	unsigned n_attempts; /* requests that were begun */
	bool was_sent;       /* an earlier exchange may have reached the service */
	bool has_refreshed;  /* once in its life */
	bool has_resigned;   /* likewise */
	bool has_last_answer;
	struct aps_err last_err; /* of the last failure that was retried; OK: none was */
};

APS_BEGIN_DECLS

const char *aps_attempt_state_name(enum aps_attempt_state state);
const char *aps_attempt_event_name(enum aps_attempt_event_kind kind);
const char *aps_attempt_action_name(enum aps_attempt_action_kind kind);
const char *aps_attempt_outcome_name(enum aps_attempt_outcome outcome);

/* There is nothing to clear. */
void aps_attempt_init(struct aps_attempt *attempt, const struct aps_attempt_options *options);
/* What an ANSWERED tells, wherever the answer came from. */
struct aps_attempt_lesson aps_attempt_learn(const struct aps_attempt_event *event);
/* `rand` is drawn from for the jitter of a retry. */
struct aps_attempt_action aps_attempt_feed(struct aps_attempt *attempt, const struct aps_attempt_event *event,
                                           struct aps_rand *rand);

APS_END_DECLS

#endif

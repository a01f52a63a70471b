/* The life of one queued mutation, from its turn to its end. A pure machine: no clock, no store, no socket.
 *
 *              GO                 COMMITTED                 DONE REFUSED CONFLICT
 *    QUEUED --------> MARKING ---------------> SENDING ---------------------------> ENDING ---COMMITTED---> ENDED
 *     ^ ^ |              ^ |                    |  |  ^                              |  ^
 *     | | |              | | LOST               |  |  |                         LOST |  | STORE_BACK
 *     | +-|--------------|-+                    |  |  |                              v  |
 *     |   | GO, in doubt |              CONFLICT|  |  |                             HELD
 *     |   +------------- | -------------------- | -|-LOOKING --SEEN_APPLIED SEEN_UNKNOWN--> ENDING
 *     |                  +--SEEN_SEND-----------|--|--|
 *     |                  |                      v  |  |
 *     |                  +--CHANGED-------- RESOLVING <- SEEN_RECORD SEEN_UNKNOWN
 *     |                                         |  |
 *     |                                         |  +-- GAVE_UP ---> ENDING
 *     +-- DUE AUTH_CHANGED -- WAITING NO_AUTH <-+-- LATER DOUBT AUTH, of SENDING and LOOKING (UNSENT: QUEUED at once);
 *                                                        SEEN_EARLY
 *
 * An entry is marked as being sent before its request starts, and its outcome is stored before anybody is told; both
 * durably; before one that looked first is sent again, too: the store knows when its last request was begun. An entry
 * is in doubt when a request of its may have been applied and wasn't answered: also where it was found marked, by a
 * process that has died. That stays with it: a request may arrive late, after a look that didn't show it, so what the
 * service says of the next one (it is refused, the version is another one) may be about a record that the first one has
 * made.
 *
 * The owner feeds what happened, carries out what is to be stored in the transaction that is open, then what is to be
 * done. */
#ifndef APS_SYNC_DELIVERY_H
#define APS_SYNC_DELIVERY_H

#include "base/err.h"

#include <stdbool.h>

#define APS_DELIVERY_STATE_MAP(X)                                                                                      \
	X(QUEUED, "queued")                                                                                            \
	X(MARKING, "marking")     /* as being sent: not committed yet */                                               \
	X(SENDING, "sending")     /* until its verdict */                                                              \
	X(WAITING, "waiting")     /* for some time to pass */                                                          \
	X(NO_AUTH, "no_auth")     /* for other material than was refused, and some time */                             \
	X(LOOKING, "looking")     /* what its record is like at the service */                                         \
	X(RESOLVING, "resolving") /* until the application's resolver has answered, however long it takes */           \
	X(ENDING, "ending")       /* its outcome isn't committed yet */                                                \
	X(HELD, "held")           /* its outcome couldn't be committed */                                              \
	X(ENDED, "ended")

enum aps_delivery_state {
#define APS_DELIVERY_STATE_ENUM(name, text) APS_DELIVERY_##name,
	APS_DELIVERY_STATE_MAP(APS_DELIVERY_STATE_ENUM)
#undef APS_DELIVERY_STATE_ENUM
	        APS_DELIVERY_STATE_COUNT
};

#define APS_DELIVERY_EVENT_MAP(X)                                                                                      \
	X(GO, "go") /* its turn has come, and the service may be reached */                                            \
	X(COMMITTED, "committed")                                                                                      \
	X(LOST, "lost") /* nothing of the transaction is in the store */                                               \
	/* the verdict about its request (proto/verdict.h); of a look, the first four */                               \
	X(UNSENT, "unsent")                                                                                            \
	X(LATER, "later")                                                                                              \
	X(AUTH, "auth")                                                                                                \
	X(DOUBT, "doubt")                                                                                              \
	X(DONE, "done")                                                                                                \
	X(REFUSED, "refused")                                                                                          \
	X(CONFLICT, "conflict") /* its record is another one than it expects */                                        \
	/* what a look has shown */                                                                                    \
	X(SEEN_SEND, "seen_send")       /* it wasn't applied */                                                        \
	X(SEEN_EARLY, "seen_early")     /* not yet: a request that was begun before may still be executed */           \
	X(SEEN_APPLIED, "seen_applied") /* it was */                                                                   \
	X(SEEN_UNKNOWN, "seen_unknown") /* it can't be told */                                                         \
	X(SEEN_RECORD, "seen_record")   /* the record that a conflict was about */                                     \
	X(CHANGED, "changed")           /* the resolver gives other variables */                                       \
	X(GAVE_UP, "gave_up")           /* or none */                                                                  \
	X(DUE, "due")                                                                                                  \
	X(BLOCKED, "blocked") /* what it needs was to be made by a mutation that is dead */                            \
	X(AUTH_CHANGED, "auth_changed")                                                                                \
	X(STORE_BACK, "store_back")

enum aps_delivery_event_kind {
#define APS_DELIVERY_EVENT_ENUM(name, text) APS_DELIVERY_ON_##name,
	APS_DELIVERY_EVENT_MAP(APS_DELIVERY_EVENT_ENUM)
#undef APS_DELIVERY_EVENT_ENUM
	        APS_DELIVERY_EVENT_COUNT
};

/* What becomes of its rows. */
#define APS_DELIVERY_STORE_MAP(X)                                                                                      \
	X(NOTHING, "nothing")                                                                                          \
	X(MARK, "mark")       /* it is being sent; with n_attempts. Durable: COMMITTED or LOST is fed */               \
	X(REWRITE, "rewrite") /* likewise, with other variables: the resolver's; with n_rounds */                      \
	X(FINISH, "finish") /* it leaves the queue with what the service has answered or a look has shown. Durable */  \
	X(BURY, "bury")     /* it becomes a dead letter; durable */                                                    \
	X(UNMARK, "unmark") /* it wasn't executed; with the numbers */                                                 \
	X(NUMBERS, "numbers") /* only the counts */

enum aps_delivery_store {
#define APS_DELIVERY_STORE_ENUM(name, text) APS_DELIVERY_STORE_##name,
	APS_DELIVERY_STORE_MAP(APS_DELIVERY_STORE_ENUM)
#undef APS_DELIVERY_STORE_ENUM
	        APS_DELIVERY_STORE_COUNT
};

#define APS_DELIVERY_ACTION_MAP(X)                                                                                     \
	X(NOTHING, "nothing")                                                                                          \
	X(SEND, "send")                                                                                                \
	X(LOOK, "look") /* read its record at the service */                                                           \
	X(ASK, "ask")   /* the application's resolver */                                                               \
	X(WAIT, "wait") /* for some time, which the owner knows, then DUE */                                           \
	X(TELL, "tell") /* whoever waits for it: its outcome is stored */                                              \
	X(REJECT, "reject")

enum aps_delivery_action_kind {
#define APS_DELIVERY_ACTION_ENUM(name, text) APS_DELIVERY_DO_##name,
	APS_DELIVERY_ACTION_MAP(APS_DELIVERY_ACTION_ENUM)
#undef APS_DELIVERY_ACTION_ENUM
	        APS_DELIVERY_ACTION_COUNT
};

/* How it ended. */
#define APS_DELIVERY_OUTCOME_MAP(X)                                                                                    \
	X(NONE, "none")                                                                                                \
	X(DONE, "done")                                                                                                \
	X(REFUSED, "refused")   /* by the service: it wasn't applied */                                                \
	X(CONFLICT, "conflict") /* likewise: the record had changed, and nobody has resolved that */                   \
	X(UNKNOWN, "unknown")   /* it may have been applied */                                                         \
	X(BLOCKED, "blocked")   /* it wasn't sent: what it needs doesn't exist */

enum aps_delivery_outcome {
#define APS_DELIVERY_OUTCOME_ENUM(name, text) APS_DELIVERY_ENDED_##name,
	APS_DELIVERY_OUTCOME_MAP(APS_DELIVERY_OUTCOME_ENUM)
#undef APS_DELIVERY_OUTCOME_ENUM
	        APS_DELIVERY_OUTCOME_COUNT
};

/* What may be done with a mutation that may have been applied. */
#define APS_RESEND_MAP(X)                                                                                              \
	X(NEVER, "never")                                                                                              \
	X(AT_ONCE, "at_once")       /* applied twice it is as if once: the application says so */                      \
	X(VERSIONED, "versioned")   /* after a look: the version that it expects tells */                              \
	X(IDENTIFIED, "identified") /* after a look: the record has the id that the application has made */

enum aps_resend {
#define APS_RESEND_ENUM(name, text) APS_RESEND_##name,
	APS_RESEND_MAP(APS_RESEND_ENUM)
#undef APS_RESEND_ENUM
	        APS_RESEND_COUNT
};

struct aps_delivery_options {
	unsigned max_tries;  /* answered failures while others succeeded; then it is a dead letter */
	bool has_resolver;   /* of conflicts */
	bool resolves_doubt; /* what can't be told is the resolver's, where a version was sent */
};

#define APS_DELIVERY_MAX_ROUNDS 10 /* of conflicts and their resolutions (aws-appsync, conflict-resolution-link) */

struct aps_delivery {
	enum aps_delivery_state state;
	enum aps_resend resend;
	enum aps_delivery_outcome outcome; /* of ENDING and later */
	enum aps_delivery_event_kind look; /* REFUSED, CONFLICT: what a look is about; else whether to send */
	bool is_marked;                    /* in the store, for good */
	bool is_in_doubt;
	bool is_rewriting;   /* what is committed next has the resolver's variables */
	bool asks_in_doubt;  /* the resolver is asked about what may have been applied */
	unsigned n_attempts; /* requests that were begun */
	unsigned n_counted;  /* failures of `max_tries` */
	unsigned n_rounds;   /* of conflicts */
	unsigned n_failures; /* in a row, for its next wait */
	uint64_t successes;  /* of the service, when it was begun first or a failure was counted last */
};

struct aps_delivery_event {
	enum aps_delivery_event_kind kind;
	bool has_record;    /* CONFLICT: the service has sent its own */
	bool is_unanswered; /* LATER, DOUBT: the service has said nothing. It isn't the mutation's own failure */
	uint64_t successes; /* GO, LATER, DOUBT: operations that the service has executed for this client by now */
};

struct aps_delivery_action {
	enum aps_delivery_store store;
	enum aps_delivery_action_kind kind;
	struct aps_err err; /* of REJECT: the event is illegal here; nothing has changed */
};

APS_BEGIN_DECLS

const char *aps_delivery_state_name(enum aps_delivery_state state);
const char *aps_delivery_event_name(enum aps_delivery_event_kind kind);
const char *aps_delivery_store_name(enum aps_delivery_store store);
const char *aps_delivery_action_name(enum aps_delivery_action_kind kind);
const char *aps_delivery_outcome_name(enum aps_delivery_outcome outcome);
const char *aps_resend_name(enum aps_resend resend);

/* One that waits for its turn. There is nothing to clear. */
void aps_delivery_init(struct aps_delivery *delivery, enum aps_resend resend);
/* One that was found marked. BURY: it can't be sent again. */
struct aps_delivery_action aps_delivery_init_found(struct aps_delivery *delivery, enum aps_resend resend);
struct aps_delivery_action aps_delivery_feed(struct aps_delivery *delivery, const struct aps_delivery_options *options,
                                             const struct aps_delivery_event *event);
/* A request is under way, somebody was asked, or something of it isn't committed: it can't be taken away now. */
bool aps_delivery_is_under_way(const struct aps_delivery *delivery);
/* The store's action is worth nothing before it is on the disk. */
bool aps_delivery_is_durable(enum aps_delivery_store store);

APS_END_DECLS

#endif

/* Whether an endpoint can be reached, one machine for all that a client sends there. Pure: it holds no timer; its owner
 * feeds what happened and carries out what comes back, before it feeds the next thing.
 *
 * While it is online anything may be sent. While it is not, nothing is, but one try after each step of the backoff, if
 * somebody has something to send: the owner gives one request the try (`may_probe`) and feeds what becomes of it,
 * ABANDONED where it ends without having asked the network. Requests that were under way before end as they may; their
 * ends are fed too. A timer that was stopped isn't DUE: that is an error of the owner's, as in proto/attempt.h.
 *
 * The first try comes within 200 ms of the failure; then the backoff grows, as base/backoff.h says. A HINT, that the
 * network may be back, brings the next try at once and begins the backoff anew. Who was told to be offline stays so
 * until it is told otherwise. */
#ifndef APS_SYNC_REACHABILITY_H
#define APS_SYNC_REACHABILITY_H

#include "base/backoff.h"
#include "base/err.h"

/* X(name, text) */
#define APS_REACHABILITY_STATE_MAP(X)                                                                                  \
	X(ONLINE, "online")                                                                                            \
	X(OFFLINE, "offline")           /* a connection failed */                                                      \
	X(TOLD_OFFLINE, "told_offline") /* by the application: no tries */                                             \
	X(PROBING, "probing")           /* offline, and one try is under way */

enum aps_reachability_state {
#define APS_REACHABILITY_STATE_ENUM(name, text) APS_REACHABILITY_##name,
	APS_REACHABILITY_STATE_MAP(APS_REACHABILITY_STATE_ENUM)
#undef APS_REACHABILITY_STATE_ENUM
	        APS_REACHABILITY_STATE_COUNT
};

#define APS_REACHABILITY_EVENT_MAP(X)                                                                                  \
	X(FAILED, "failed")           /* a connection, of any request: no name, no route, refused, TLS, silence */     \
	X(ANSWERED, "answered")       /* the endpoint, to anything, with any status; or a realtime message came */     \
	X(ABANDONED, "abandoned")     /* the try ended without either */                                               \
	X(SET_ONLINE, "set_online")   /* the application knows that there is a network */                              \
	X(SET_OFFLINE, "set_offline") /* or that there is none */                                                      \
	X(HINT, "hint")               /* the network may be back */                                                    \
	X(DUE, "due")                 /* the timer's time is over */                                                   \
	X(WANTED, "wanted")           /* somebody has something to send; again is legal */                             \
	X(UNWANTED, "unwanted")       /* nobody has, or what had the try is gone */

enum aps_reachability_event {
#define APS_REACHABILITY_EVENT_ENUM(name, text) APS_REACHABILITY_ON_##name,
	APS_REACHABILITY_EVENT_MAP(APS_REACHABILITY_EVENT_ENUM)
#undef APS_REACHABILITY_EVENT_ENUM
	        APS_REACHABILITY_EVENT_COUNT
};

enum aps_reachability_change { APS_REACHABILITY_SAME, APS_REACHABILITY_WENT_ONLINE, APS_REACHABILITY_WENT_OFFLINE };

enum aps_reachability_timer {
	APS_REACHABILITY_KEEP,
	APS_REACHABILITY_ARM, /* for delay_ms, then DUE; after a HINT it may be armed already, and is moved */
	APS_REACHABILITY_STOP
};

struct aps_reachability_action {
	enum aps_reachability_change change;
	enum aps_reachability_timer timer;
	int64_t delay_ms; /* ARM */
	bool may_probe;   /* one request may be sent */
	/* E_INTERNAL: the event is illegal here, and everything stays as it was. OK: it was legal. */
	struct aps_err err;
};

struct aps_reachability {
	enum aps_reachability_state state;
	bool is_wanted;
	bool is_armed;
	unsigned n_tries;   /* in vain, since it was online or got a hint */
	int64_t lost_at_ms; /* when it ceased to be online */
	int64_t try_at_ms;  /* when the last try began */
	int64_t due_ms;     /* of the timer */
};

APS_BEGIN_DECLS

const char *aps_reachability_state_name(enum aps_reachability_state state);
const char *aps_reachability_event_name(enum aps_reachability_event event);

/* Online, and wanted by nobody. There is nothing to clear. */
void aps_reachability_init(struct aps_reachability *reachability);
/* `now_ms`: of a clock that never steps back. `rand` is drawn from where the timer is armed. */
struct aps_reachability_action aps_reachability_feed(struct aps_reachability *reachability,
                                                     enum aps_reachability_event event, int64_t now_ms,
                                                     struct aps_rand *rand);

APS_END_DECLS

#endif

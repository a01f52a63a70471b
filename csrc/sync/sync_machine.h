/* What a delta sync is fed, what it asks for, and its state: of the files it is made of (delta_sync.c: the events,
 * sync_fetching.c: the pages, sync_hearing.c: the subscription), and of its owner, who includes delta_sync.h. */
#ifndef APS_SYNC_SYNC_MACHINE_H
#define APS_SYNC_SYNC_MACHINE_H

#include "base/rand.h"
#include "sync/sync_progress.h"

/* A Date tells when an answer was sent, not when its page was begun to be read: aws-appsync 4, deltaSync.ts takes off
 * so much, too. */
#define APS_SYNC_DATE_SLACK_MS 2000

/* X(name, text) */
#define APS_SYNC_PHASE_MAP(X)                                                                                          \
	X(WAITING, "waiting")         /* for the network, or until the next try */                                     \
	X(SUBSCRIBING, "subscribing") /* nothing is fetched before what comes from now on is heard */                  \
	X(BASE, "base")                                                                                                \
	X(DELTA, "delta")                                                                                              \
	X(DRAINING, "draining") /* what was heard meanwhile is taken */                                                \
	X(LIVE, "live")                                                                                                \
	X(POLLING, "polling") /* live without a subscription, which can't be had: delta queries instead */             \
	X(STOPPED, "stopped")

enum aps_sync_phase {
#define APS_SYNC_PHASE_ENUM(name, text) APS_SYNC_##name,
	APS_SYNC_PHASE_MAP(APS_SYNC_PHASE_ENUM)
#undef APS_SYNC_PHASE_ENUM
	        APS_SYNC_PHASE_COUNT
};

#define APS_SYNC_EVENT_MAP(X)                                                                                          \
	X(START, "start")           /* checkpoint is what the store has; once */                                       \
	X(ONLINE, "online")         /* something told that there is a network; also legal when nothing has changed */  \
	X(OFFLINE, "offline")       /* there is none: nothing is sent */                                               \
	X(SUBSCRIBED, "subscribed") /* the service has acknowledged: what comes from now on is heard */                \
	X(LOST, "lost")             /* it isn't heard any more; the subscription tries to come back by itself */       \
	X(DELAYED, "delayed")       /* it can't be had for the time being, and tries again by itself */                \
	X(ENDED, "ended")           /* for good: `failure` says why, or that it is to be asked for anew (RETRY) */     \
	X(MISSED, "missed")         /* what was heard was thrown away, or never delivered; a page knew less than we */ \
	X(ANSWERED, "answered")     /* the fetch that is under way: `page` */                                          \
	X(FAILED, "failed")         /* likewise: `failure` */                                                          \
	X(SAVED, "saved")           /* the page is kept, with `next` */                                                \
	X(UNSAVED, "unsaved") /* it isn't, nor is its transaction; REFUSED: what the pass had isn't there, either */   \
	X(DRAINED, "drained")                                                                                          \
	X(DUE, "due")         /* the timer's time is over */                                                           \
	X(CLEARED, "cleared") /* the cache was emptied, its checkpoints with it */                                     \
	X(MORE, "more")       /* `n_more` records beyond what truncated the base pass */                               \
	X(STOP, "stop")

enum aps_sync_event_kind {
#define APS_SYNC_EVENT_ENUM(name, text) APS_SYNC_ON_##name,
	APS_SYNC_EVENT_MAP(APS_SYNC_EVENT_ENUM)
#undef APS_SYNC_EVENT_ENUM
	        APS_SYNC_EVENT_COUNT
};

#define APS_SYNC_FAILURE_MAP(X)                                                                                        \
	X(NETWORK, "network")     /* no connection: until ONLINE */                                                    \
	X(RETRY, "retry")         /* it may be other next time: throttled, 5xx, no valid token */                      \
	X(TOO_LARGE, "too_large") /* the page was too much for the time or for a limit: a smaller one may do */        \
	X(REFUSED, "refused")     /* it will be the same next time */

enum aps_sync_failure_kind {
#define APS_SYNC_FAILURE_ENUM(name, text) APS_SYNC_FAILURE_##name,
	APS_SYNC_FAILURE_MAP(APS_SYNC_FAILURE_ENUM)
#undef APS_SYNC_FAILURE_ENUM
	        APS_SYNC_FAILURE_COUNT
};

struct aps_sync_failure {
	enum aps_sync_failure_kind kind;
	int64_t retry_after_ms; /* that the service asks for; 0: it doesn't */
};

struct aps_sync_event {
	enum aps_sync_event_kind kind;
	int64_t now_ms;  /* the service's clock, as far as it is known */
	int64_t mono_ms; /* a clock that never jumps */
	bool is_guess;   /* now_ms is the device's: nothing has told the service's time since START */
	struct aps_sync_page_facts page;
	struct aps_sync_failure failure;
	uint64_t n_more;
	int64_t after_ms; /* MISSED: it is asked for that much later */
	/* DUE, of a sync that begins live. Monotonic: when something came from the service last; 0: nobody knows */
	int64_t heard_at_ms;
	bool is_behind; /* likewise: what was heard isn't all taken */
};

enum aps_sync_timer { APS_SYNC_TIMER_KEEP, APS_SYNC_TIMER_ARM, APS_SYNC_TIMER_STOP };

struct aps_sync_actions {
	bool unsubscribes;
	bool subscribes;
	bool abandons_fetch; /* the one that is under way, if one is: what comes of it isn't fed */
	/* The page just answered is to be kept, with machine->next, in one transaction. */
	bool saves;
	enum aps_sync_list list;
	bool begins_and_completes; /* LIST_COMPLETE or _SHOW of a pass of one page: also BEGIN */
	int64_t forgets_before_ms; /* likewise: deletions that were seen before (aps_sync_seen_ms()) go; 0: none does */
	/* Is to be begun: of machine->fetch. */
	enum aps_sync_query fetches;
	bool drains;       /* what is held is taken; DRAINED once nothing is */
	bool warns_window; /* the delta query reaches further back than the window, and there is no base query */
	enum aps_sync_timer timer; /* ARM: also where it is armed already */
	int64_t delay_ms;          /* ARM */
	bool tells;                /* something that is shown has changed */
	/* E_INTERNAL: the event is illegal here, and everything stays as it was. E_NOMEM: likewise. OK: it was legal.
	 */
	struct aps_err err;
};

/* What is to be fetched. The token is the machine's, until it is fed again. */
struct aps_sync_fetch {
	enum aps_sync_query query;
	struct aps_str token;
	int64_t last_sync_ms; /* a delta query's */
	uint32_t page_size;
};

/* Of the pages of a query. */
struct aps_sync_sizes {
	uint32_t next;
	uint32_t limit; /* a larger page was too large, of this base pass, or of a delta pass; 0: none was */
	uint32_t n_fit; /* pages since then */
};

struct aps_delta_sync {
	struct aps_delta_sync_options options;
	struct aps_rand *rand; /* borrowed */
	enum aps_sync_phase phase;
	struct aps_checkpoint checkpoint; /* what the store has; the owner's to set before START */
	struct aps_checkpoint next;       /* what it will have with the page that is being kept */
	struct aps_sync_fetch fetch;

	enum aps_sync_query running; /* the pass that isn't over: its next page is fetched as soon as it may be */
	bool is_anew;                /* with its first page, whatever the checkpoint says */
	bool is_inside;              /* a delta pass between two pages of a base pass */
	bool is_last;                /* the page that is being kept ends it */
	int64_t made_ms;             /* the service's time of its last page */

	bool is_started;
	bool is_fetching; /* one is under way */
	bool is_saving;   /* the page before it is being kept */
	bool is_cleared;  /* and belongs to a cache that was emptied meanwhile */
	bool is_online;
	bool is_armed;      /* the timer */
	bool is_subscribed; /* what comes is heard */
	bool is_asked;      /* the subscription was asked for, and hasn't ended */
	bool is_unserved;   /* it can't be had */

	bool is_continuous; /* it was heard from the first page of this base pass on */
	bool has_gap;       /* something may have been missed that no query which has begun since then would tell */
	bool is_missing;    /* has_gap, and the subscription stands: something of it was thrown away */
	bool may_hold;      /* something was heard, maybe, that isn't taken yet */
	bool needs_plan;    /* what comes next is to be asked of the table */
	bool wants_more;    /* the pass that was truncated is to go on */

	unsigned n_restarts;     /* of this pass, because a fresh token was refused */
	unsigned n_old_restarts; /* likewise, of one that may have been too old */
	unsigned n_late;   /* passes in a row that were begun anew because the window was over, though all was quick */
	unsigned n_missed; /* passes in a row because of what was missed */
	unsigned n_failures; /* of fetches, in a row */
	unsigned n_unsaved;  /* pages that couldn't be kept, in a row */
	unsigned n_ended;    /* of subscriptions */
	struct aps_sync_sizes sizes[APS_SYNC_DELTA_QUERY + 1];
	int64_t jitter_permille;  /* of the interval, that are added once a pass is over: drawn once */
	int64_t early_permille;   /* that delta queries come earlier: the same draw */
	int64_t retry_at_ms;      /* monotonic: nothing is fetched before; 0: no failure is waited out */
	int64_t subscribe_at_ms;  /* monotonic: likewise, of the subscription */
	int64_t replan_at_ms;     /* monotonic: what is_missing is asked for then */
	int64_t subscribed_at_ms; /* monotonic */
	int64_t answered_at_ms[APS_SYNC_DELTA_QUERY + 1]; /* monotonic: the last page of each query */
	int64_t polled_at_ms;                             /* monotonic: when the last pass was over */
	int64_t based_at_ms;                              /* monotonic: likewise, of the last base pass of this run */

	/* Of a sync that begins live: */
	int64_t known_ms, known_at_ms; /* the service's clock, and the monotonic one, when it was known last */
	int64_t mark_ms, mark_at_ms;   /* likewise, at the last mark: sync_hearing.c */
};

/* One event on its way through the machine. */
struct aps_sync_step {
	struct aps_delta_sync *sync;
	const struct aps_sync_event *event;
	struct aps_sync_actions *actions;
	bool is_drained;
	bool is_due;
	bool is_refused;  /* for good: it stops */
	bool is_straight; /* the pass goes on with the page behind the one that was just kept */
	bool was_inside;  /* behind a delta pass that was inside of it */
};

#endif

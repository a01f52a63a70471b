/* One delta sync: subscribe, fetch what is missing, take what has been heard meanwhile, stay live; again after each
 * reconnect (aws-appsync 4, deltaSync.ts). A pure machine: it knows no clock, socket or store, nor what a record is.
 * Its owner feeds what happened and carries out what comes back, in the order of the actions' members, before it feeds
 * the next thing.
 *
 *                       offline, or a failure is waited out
 *            +-------> WAITING <--------------+------------------------------------+
 *            |            |                   |                                    |
 *            |            v                   |                                    |
 *   start ---+      SUBSCRIBING --subscribed--+--> BASE / DELTA --> DRAINING --> LIVE --+
 *            |            |                          ^   page by page             |     |
 *            |            +--can't be had--> POLLING-+                            +-----+ due, reconnected
 *            +--> STOPPED: told to, or refused for good
 *
 * Pages: one is fetched while the one before it is kept. An ANSWERED or FAILED that comes while a page is being kept is
 * fed after SAVED or UNSAVED. The checkpoint that goes with a page is `next`; with SAVED it becomes `checkpoint`.
 *
 * Which query comes next is aps_delta_sync_plan(): a table. All its times are the service's, so that a device's clock
 * may jump: whatever the answers tell is looked at again (a delta query that reached further back than the window is
 * thrown away, and a base query takes its place). */
#ifndef APS_SYNC_DELTA_SYNC_H
#define APS_SYNC_DELTA_SYNC_H

#include "base/rand.h"
#include "sync/checkpoint.h"

#define APS_SYNC_MIN_RERUN_MS 2000 /* deltaSync.ts: minimum delay of a base query that is run again */

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
	X(MISSED, "missed")         /* what was heard had to be thrown away, or was never delivered */                 \
	X(ANSWERED, "answered")     /* the fetch that is under way: `page` */                                          \
	X(FAILED, "failed")         /* likewise: `failure` */                                                          \
	X(SAVED, "saved")           /* the page is kept, with `next` */                                                \
	X(UNSAVED, "unsaved")       /* it isn't, nor is anything of its transaction */                                 \
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

/* What a page says. */
struct aps_sync_page_facts {
	uint64_t n_records, n_bytes;
	struct aps_str token; /* of the next page; empty: this is the last one. Borrowed */
	int64_t server_ms; /* when it was made: its startedAt, or the Date of the answer less what it took, less 2 s */
	int64_t took_ms;   /* from the request to the answer */
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
	struct aps_sync_page_facts page;
	struct aps_sync_failure failure;
	uint64_t n_more;
};

enum aps_sync_query { APS_SYNC_NO_QUERY, APS_SYNC_BASE_QUERY, APS_SYNC_DELTA_QUERY };

/* The base list: with the page that is kept. */
enum aps_sync_list {
	APS_SYNC_LIST_NONE,     /* a delta page */
	APS_SYNC_LIST_ADD,      /* its records join what the pass has collected */
	APS_SYNC_LIST_BEGIN,    /* the same, and what an earlier pass has left unfinished goes before */
	APS_SYNC_LIST_SHOW,     /* the last page before max_records: what was collected is shown beside the old ones */
	APS_SYNC_LIST_COMPLETE, /* the last page: what the pass hasn't seen leaves */
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
	/* Is to be begun: of machine->fetch. */
	enum aps_sync_query fetches;
	bool drains;            /* what was heard is taken, then DRAINED */
	bool writes_checkpoint; /* machine->checkpoint, without a page */
	bool warns_window;      /* the delta query reaches further back than the window, and there is no base query */
	enum aps_sync_timer timer;
	int64_t delay_ms; /* ARM */
	bool tells;       /* something that is shown has changed */
	/* E_INTERNAL: the event is illegal here, and everything stays as it was. E_NOMEM: likewise. OK: it was legal.
	 */
	struct aps_err err;
};

struct aps_delta_sync_options {
	bool has_base, has_delta, has_subscription;
	bool is_paged;        /* the base query declares a variable for the page size */
	int64_t interval_ms;  /* between base passes; at least APS_SYNC_MIN_RERUN_MS */
	int64_t window_ms;    /* how far back a delta query reaches */
	int64_t poll_ms;      /* between delta queries while POLLING */
	uint64_t max_records; /* 0: no limit */
	uint32_t page_size;   /* the largest one, and the first */
	uint32_t min_page_size;
};

/* What is to be fetched. The token is the machine's, until it is fed again. */
struct aps_sync_fetch {
	enum aps_sync_query query;
	struct aps_str token;
	int64_t last_sync_ms; /* a delta query's */
	uint32_t page_size;
};

struct aps_delta_sync {
	struct aps_delta_sync_options options;
	struct aps_rand *rand; /* borrowed */
	enum aps_sync_phase phase;
	struct aps_checkpoint checkpoint; /* what the store has */
	struct aps_checkpoint next;       /* what it will have with the page that is being kept */
	struct aps_sync_fetch fetch;
	bool is_fetching; /* one is under way */
	bool is_saving;   /* the page before it is being kept */
	bool is_online;
	bool is_subscribed; /* what comes is heard */
	bool is_asked;      /* the subscription was asked for, and hasn't ended */
	bool is_unserved;   /* it can't be had */
	bool is_continuous; /* it was heard from the first page of this base pass on */
	bool is_whole;      /* a pass was complete in this run */
	bool has_restarted; /* the pass began anew because its token was refused */
	bool is_truncated_told;
	unsigned n_failures;     /* in a row */
	uint32_t page_size;      /* of the next page */
	int64_t jitter_permille; /* of the interval, that are added: drawn once */
	int64_t retry_at_ms;     /* monotonic: nothing is sent before; 0: no failure is waited out */
	int64_t polled_at_ms;    /* monotonic: the last delta query of POLLING */
};

APS_BEGIN_DECLS

const char *aps_sync_phase_name(enum aps_sync_phase phase);
const char *aps_sync_event_name(enum aps_sync_event_kind kind);
const char *aps_sync_failure_name(enum aps_sync_failure_kind kind);

/* Before START. The options are copied. */
void aps_delta_sync_init(struct aps_delta_sync *sync, const struct aps_delta_sync_options *options,
                         struct aps_rand *rand);
/* Twice is legal. */
void aps_delta_sync_clear(struct aps_delta_sync *sync);
struct aps_sync_actions aps_delta_sync_feed(struct aps_delta_sync *sync, const struct aps_sync_event *event);
/* Which query the checkpoint asks for at this time, before anything is sent: the table in delta_sync.c. *anew: the base
 * pass that is open doesn't go on where it stopped. */
enum aps_sync_query aps_delta_sync_plan(const struct aps_delta_sync_options *options,
                                        const struct aps_checkpoint *checkpoint, int64_t now_ms, bool *anew);
/* What was heard is to be kept for later, and not taken at once. */
bool aps_delta_sync_holds_events(const struct aps_delta_sync *sync);

APS_END_DECLS

#endif

/* A world for delta syncs: a service whose records change and whose tokens, journal and deletions are over one day, an
 * owner who does what client/sync_work.c does, a store that loses what wasn't committed, processes that die, a network
 * that loses pages and events, clocks that jump, devices that are away. One seed is one schedule: some steps with all
 * of these, then quiet; at the end the store has to have what the service has. */
#ifndef APS_SPEC_SYNC_SYNC_SIMULATION_H
#define APS_SPEC_SYNC_SYNC_SIMULATION_H

#include "sync/delta_sync.h"
#include "sync/sync_service.h"
#include "sync/sync_store.h"

#include <stdio.h>

#define WIRE_EVENTS 64
#define HELD_EVENTS 12

/* An answer that came, or what came in its place. */
struct sync_answer {
	bool is_there, has_failed;
	struct aps_sync_failure failure;
	enum aps_sync_query query;
	struct service_page page;
	uint32_t asked_at;
	int64_t took_ms;
	int64_t since_ms; /* of a delta query */
	int64_t asked_true_ms;
	bool is_first;    /* it was asked for without a token */
	bool is_doubtful; /* the owner's clock was wrong when it came */
};

struct sync_request {
	bool is_under_way, is_made;
	int64_t begun_ms;
	struct aps_sync_fetch fetch; /* its token is `token` */
	char token[SERVICE_TOKEN];
	struct sync_answer answer; /* what the service has made of it */
};

/* One thing at a time on its way into the store. */
struct sync_keeping {
	bool is_busy, is_page, is_parked, is_dropped;
	bool is_uncommitted;           /* written, in a transaction */
	bool is_settled, is_committed; /* that has ended */
	bool is_over, is_kept;
	enum aps_sync_list list;
	bool begins;
	int64_t forgets_before_ms;
	struct sync_answer answer;
	struct service_record event;
};

enum sync_standing { NOT_ASKED, STANDS, IS_LOST, IS_DELAYED, HAS_ENDED };

struct sync_hearing {
	bool is_joined;
	enum sync_standing standing;
	bool has_news, was_lost, has_missed, is_draining;
	struct aps_sync_failure trouble;
	size_t n;
	struct service_record held[HELD_EVENTS];
};

/* Between the service and the owner. */
struct sync_link {
	bool is_registered;
	bool is_untold;   /* it has broken, and the owner doesn't know yet */
	bool is_mixed_up; /* some events have overtaken others, or come again */
	bool owes_missed; /* likewise that something was lost */
	size_t n;
	struct service_change wire[WIRE_EVENTS];
};

struct sync_process {
	bool is_running;
	struct aps_delta_sync machine;
	struct aps_rand rand;
	bool is_armed;
	int64_t due_ms; /* monotonic */
	int64_t told_ms,
	        told_at_ms; /* the service's time, and the monotonic one, when a page has told it; 0: none has */
	uint32_t began_at;
	struct sync_request request;
	struct sync_answer answer, taken;
	struct sync_keeping keeping;
	struct sync_hearing hearing;
	bool is_cleared;
	bool owes_checkpoint; /* the store's is another one, and is to be the machine's, */
	bool is_owing_open;   /* which it becomes in the transaction that is open */
	size_t n_uncommitted;
	/* for the checks */
	bool may_begin; /* a base pass has begun with a reason, or the store was cleared, and no page is kept yet */
	bool is_first_written;
	unsigned n_refused;            /* tokens, since the last complete pass */
	bool was_refused;              /* a token of it was */
	uint32_t heard[SERVICE_KEYS];  /* the last event of each, as far as it wasn't lost again */
	uint32_t newest[SERVICE_KEYS]; /* likewise, the one of the latest change */
	bool is_told_it_stands;
	bool is_heard; /* all was, since the first page of the last base pass was asked for */
};

struct sync_simulation {
	uint64_t seed;
	struct aps_rand rand;
	FILE *log;           /* NULL: it runs silently */
	char violation[256]; /* empty: none */
	struct aps_delta_sync_options options;
	struct sync_service service;
	struct sync_store store;
	struct sync_process process;
	struct sync_link link;
	int64_t true_ms;  /* the service's clock */
	int64_t mono_ms;  /* of the process */
	int64_t ahead_ms; /* the device's clock before the service's */
	bool has_network, is_told_offline, is_down, is_denied, is_slow, is_quiet;
	unsigned n_failing;             /* commits */
	bool has_lost_silently;         /* an event, since the last heartbeat */
	uint32_t excused[SERVICE_KEYS]; /* without a base query: no query tells this change any more */
	unsigned n_fetches, n_dues;
	/* Added up. */
	uint64_t n_steps, n_base_passes, n_delta_passes, n_events, n_kills, n_stops, n_excused, n_late;
};

/* NULL, or what was violated. */
const char *sync_simulation_run(struct sync_simulation *world, uint64_t seed, FILE *log);

uint64_t sync_below(struct sync_simulation *world, uint64_t n);
bool sync_chance(struct sync_simulation *world, unsigned percent);
void sync_say(struct sync_simulation *world, const char *format, ...) APS_PRINTF(2, 3);
void sync_violate(struct sync_simulation *world, const char *format, ...) APS_PRINTF(2, 3);

#endif

/* What a delta sync asks for next, and when: of its options, of what its checkpoint says, and of the time. Pure. */
#ifndef APS_SYNC_SYNC_PLAN_H
#define APS_SYNC_SYNC_PLAN_H

#include "base/rand.h"
#include "sync/checkpoint.h"

#define APS_SYNC_MIN_RERUN_MS 2000 /* deltaSync.ts: minimum delay of a base query that is run again */
/* The service's time is known to a few seconds, and before the first answer only as well as the device's clock goes: no
 * more than this much in the future isn't a clock that has jumped. */
#define APS_SYNC_CLOCK_SLACK_MS 300000

enum aps_sync_query { APS_SYNC_NO_QUERY, APS_SYNC_BASE_QUERY, APS_SYNC_DELTA_QUERY };

struct aps_delta_sync_options {
	bool has_base, has_delta, has_subscription;
	/* Nothing of before the first acknowledgement is wanted, and nothing is fetched while all is heard. Without a
	 * base query, and with a window that is never over. */
	bool begins_live;
	bool is_paged;        /* the base query declares a variable for the page size */
	bool is_delta_paged;  /* likewise, the delta query */
	int64_t interval_ms;  /* between base passes; at least APS_SYNC_MIN_RERUN_MS */
	int64_t window_ms;    /* how far back a delta query reaches */
	int64_t poll_ms;      /* between delta queries while POLLING */
	uint64_t max_records; /* 0: no limit */
	uint32_t page_size;   /* the largest one, and the first */
	uint32_t min_page_size;
};

APS_BEGIN_DECLS

/* Which query the checkpoint asks for at this time, before anything is sent: the table in sync_plan.c. *anew: the base
 * pass that is open doesn't go on where it stopped. */
enum aps_sync_query aps_delta_sync_plan(const struct aps_delta_sync_options *options,
                                        const struct aps_checkpoint *checkpoint, int64_t now_ms, bool *anew);
/* now - then, as far as it can be said. */
int64_t aps_sync_elapsed_ms(int64_t now_ms, int64_t then_ms);
/* No longer ago than this. In the future it is recent by the slack only. */
bool aps_sync_is_recent(int64_t now_ms, int64_t then_ms, int64_t limit_ms);
/* The interval of base passes is over. */
bool aps_sync_base_is_over(const struct aps_delta_sync_options *options, const struct aps_checkpoint *checkpoint,
                           int64_t now_ms);
/* A delta query can't tell all that has changed since. */
bool aps_sync_delta_is_late(const struct aps_delta_sync_options *options, const struct aps_checkpoint *checkpoint,
                            int64_t now_ms);
/* The delta pass that is open goes on with its token, if it asks for changes since then. */
bool aps_sync_delta_goes_on(const struct aps_delta_sync_options *options, const struct aps_checkpoint *checkpoint,
                            int64_t since_ms, int64_t now_ms);
/* While nothing is fetched: how long until a pass is due, as far as the service's time goes; at most a day, so that a
 * clock that has jumped is noticed. Not above 0: it is due. `jitter_permille` is added to the interval, or comes
 * off half the window, within which a delta query has to be sent. INT64_MAX: it never is. */
int64_t aps_sync_base_rest_ms(const struct aps_delta_sync_options *options, const struct aps_checkpoint *checkpoint,
                              int64_t jitter_permille, int64_t now_ms);
int64_t aps_sync_delta_rest_ms(const struct aps_delta_sync_options *options, const struct aps_checkpoint *checkpoint,
                               int64_t jitter_permille, int64_t now_ms);
int64_t aps_sync_earlier_ms(int64_t ms, int64_t jitter_permille);
/* After one more failure, which is counted, nothing is sent before: full jitter from 200 ms to 30 s, or what the
 * service asks for where that is more, up to 5 min. Monotonic, above mono_ms. */
int64_t aps_sync_retry_at_ms(struct aps_rand *rand, unsigned *n_failures, int64_t retry_after_ms, int64_t mono_ms);

APS_END_DECLS

#endif

/* clang-format off */
/* Which query comes next: the first row that fits.
 *
 *   begins live, and nothing is known yet            nothing
 *   base pass open, and no page of it kept           BASE
 *   base pass open, what it knows is in the window   BASE, goes on; anew where nothing could tell what was missed
 *                                                    between two pages: a subscription, or a gap, without a delta query
 *   base pass open, else                             BASE, anew
 *   never a complete base pass                       BASE, anew
 *   its interval is over, or the clock has jumped    BASE, anew
 *   changes were missed, no delta query              BASE, anew
 *   the delta query can't reach back so far          BASE, anew
 *   a delta query                                    DELTA
 *   else                                             nothing
 *
 * The first one is of a sync without a base query, the next seven of one that has one. */
/* clang-format on */
#include "sync/sync_plan.h"

#include "base/backoff.h"

#define DAY_MS             86400000
#define MAX_RETRY_AFTER_MS 300000

static const struct aps_backoff_policy POLICY = {.base_ms = 200, .cap_ms = 30000};

int64_t aps_sync_elapsed_ms(int64_t now_ms, int64_t then_ms)
{
	int64_t elapsed;
	if (!__builtin_sub_overflow(now_ms, then_ms, &elapsed)) return elapsed;
	return now_ms < then_ms ? INT64_MIN : INT64_MAX;
}

bool aps_sync_is_recent(int64_t now_ms, int64_t then_ms, int64_t limit_ms)
{
	int64_t elapsed = aps_sync_elapsed_ms(now_ms, then_ms);
	return elapsed >= -APS_SYNC_CLOCK_SLACK_MS && elapsed <= limit_ms;
}

bool aps_sync_base_is_over(const struct aps_delta_sync_options *options, const struct aps_checkpoint *checkpoint,
                           int64_t now_ms)
{
	return !aps_sync_is_recent(now_ms, checkpoint->base_ms, options->interval_ms - 1);
}

bool aps_sync_delta_is_late(const struct aps_delta_sync_options *options, const struct aps_checkpoint *checkpoint,
                            int64_t now_ms)
{
	int64_t elapsed = aps_sync_elapsed_ms(now_ms, checkpoint->last_sync_ms);
	return checkpoint->last_sync_ms == 0 || elapsed > options->window_ms || elapsed < -options->window_ms;
}

bool aps_sync_delta_goes_on(const struct aps_delta_sync_options *options, const struct aps_checkpoint *checkpoint,
                            int64_t since_ms, int64_t now_ms)
{
	const struct aps_sync_pass *delta = &checkpoint->delta;
	if (!delta->is_open || delta->since_ms != since_ms || delta->token.n == 0) return false;
	/* what is behind the token may have left the journal meanwhile */
	bool is_there = !options->has_base || aps_sync_is_recent(now_ms, since_ms, options->window_ms);
	return is_there && aps_sync_is_recent(now_ms, delta->began_ms, options->window_ms);
}

static bool goes_on(const struct aps_delta_sync_options *options, const struct aps_checkpoint *checkpoint,
                    int64_t now_ms)
{
	if (checkpoint->base.began_ms == 0) return true;
	if (!options->has_delta && (options->has_subscription || checkpoint->has_missed)) return false;
	return aps_sync_is_recent(now_ms, checkpoint->base.since_ms, options->window_ms);
}

static bool needs_base(const struct aps_delta_sync_options *options, const struct aps_checkpoint *checkpoint,
                       int64_t now_ms)
{
	if (checkpoint->base_ms == 0 || aps_sync_base_is_over(options, checkpoint, now_ms)) return true;
	if (!options->has_delta) return checkpoint->has_missed;
	return aps_sync_delta_is_late(options, checkpoint, now_ms);
}

enum aps_sync_query aps_delta_sync_plan(const struct aps_delta_sync_options *options,
                                        const struct aps_checkpoint *checkpoint, int64_t now_ms, bool *anew)
{
	*anew = false;
	if (options->begins_live && checkpoint->last_sync_ms == 0) return APS_SYNC_NO_QUERY;
	if (options->has_base && checkpoint->base.is_open) {
		*anew = !goes_on(options, checkpoint, now_ms);
		return APS_SYNC_BASE_QUERY;
	}
	if (options->has_base && needs_base(options, checkpoint, now_ms)) {
		*anew = true;
		return APS_SYNC_BASE_QUERY;
	}
	return options->has_delta ? APS_SYNC_DELTA_QUERY : APS_SYNC_NO_QUERY;
}

static int64_t at_most_a_day(int64_t ms)
{
	return ms < DAY_MS ? ms : DAY_MS;
}

int64_t aps_sync_base_rest_ms(const struct aps_delta_sync_options *options, const struct aps_checkpoint *checkpoint,
                              int64_t jitter_permille, int64_t now_ms)
{
	if (!options->has_base) return INT64_MAX;
	int64_t elapsed = aps_sync_elapsed_ms(now_ms, checkpoint->base_ms);
	if (elapsed < -APS_SYNC_CLOCK_SLACK_MS) return 0;
	int64_t interval_ms = options->interval_ms + options->interval_ms / 1000 * jitter_permille;
	return at_most_a_day(aps_sync_elapsed_ms(interval_ms, elapsed));
}

int64_t aps_sync_earlier_ms(int64_t ms, int64_t jitter_permille)
{
	return ms - ms / 1000 * jitter_permille;
}

int64_t aps_sync_delta_rest_ms(const struct aps_delta_sync_options *options, const struct aps_checkpoint *checkpoint,
                               int64_t jitter_permille, int64_t now_ms)
{
	if (!options->has_delta) return INT64_MAX;
	int64_t elapsed = aps_sync_elapsed_ms(now_ms, checkpoint->last_sync_ms);
	if (elapsed < -options->window_ms) return 0;
	return at_most_a_day(
	        aps_sync_elapsed_ms(aps_sync_earlier_ms(options->window_ms / 2, jitter_permille), elapsed));
}

int64_t aps_sync_retry_at_ms(struct aps_rand *rand, unsigned *n_failures, int64_t retry_after_ms, int64_t mono_ms)
{
	int64_t delay_ms = aps_backoff_delay_ms(&POLICY, *n_failures, rand);
	if (*n_failures < UINT32_MAX) ++*n_failures;
	if (retry_after_ms > MAX_RETRY_AFTER_MS) retry_after_ms = MAX_RETRY_AFTER_MS;
	if (delay_ms < retry_after_ms) delay_ms = retry_after_ms;
	return mono_ms + (delay_ms > 0 ? delay_ms : 1);
}

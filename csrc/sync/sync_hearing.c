/* A sync that begins live fetches nothing while all is heard. So that the next gap doesn't reach back to its beginning,
 * it makes a mark each minute: what the service sent before the mark was heard, once something came that it sent later
 * (and not just after: that may have waited to be read while the process stood still). The device's clock may jump
 * ahead, and the monotonic one stands still while the device sleeps: a mark goes by the one that says less. */
#include "sync/sync_hearing.h"

#include <limits.h>

#define MARK_MS   60000
#define LATER_MS  5000
#define STEADY_MS 30000 /* a subscription that stood so long wasn't refused: the next one is asked for soon */

bool aps_sync_is_served(const struct aps_delta_sync *sync)
{
	return !sync->options.has_subscription || sync->is_subscribed || sync->is_unserved;
}

static void mark_missed(struct aps_delta_sync *sync)
{
	sync->checkpoint.has_missed = true;
	if (sync->is_saving) sync->next.has_missed = true;
}

void aps_sync_note_gap(struct aps_delta_sync *sync)
{
	sync->has_gap = true;
	sync->is_continuous = false;
	mark_missed(sync);
}

static void lose(struct aps_delta_sync *sync)
{
	if (sync->is_subscribed) {
		aps_sync_note_gap(sync);
		sync->is_missing = false; /* as soon as it is heard again */
	}
	sync->is_subscribed = false;
}

/* The pass that runs is followed by another one where there is a gap: it needn't be asked for. */
static void plan_soon(struct aps_delta_sync *sync)
{
	if (sync->running == APS_SYNC_NO_QUERY) sync->needs_plan = true;
}

static void mark(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	const int64_t now_ms = s->event->now_ms, mono_ms = s->event->mono_ms;
	if (!sync->options.begins_live) return;
	if (sync->known_ms == 0) {
		sync->known_ms = now_ms;
		sync->known_at_ms = mono_ms;
	}
	int64_t since_ms = sync->known_ms + (mono_ms - sync->known_at_ms);
	sync->mark_ms = since_ms < now_ms ? since_ms : now_ms;
	sync->mark_at_ms = mono_ms;
}

void aps_sync_begin_live(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	if (!sync->options.begins_live || sync->checkpoint.last_sync_ms != 0) return;
	mark(s);
	sync->checkpoint.last_sync_ms =
	        sync->mark_ms > APS_SYNC_DATE_SLACK_MS ? sync->mark_ms - APS_SYNC_DATE_SLACK_MS : 1;
	sync->polled_at_ms = s->event->mono_ms;
	sync->has_gap = false;
}

void aps_sync_move_on(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	if (s->event->mono_ms < aps_sync_next_mark_ms(sync)) return;
	int64_t heard_ms = sync->mark_ms - APS_SYNC_DATE_SLACK_MS;
	bool is_heard = !sync->has_gap && !s->event->is_behind && s->event->heard_at_ms >= sync->mark_at_ms + LATER_MS;
	if (is_heard && heard_ms > sync->checkpoint.last_sync_ms) sync->checkpoint.last_sync_ms = heard_ms;
	mark(s);
}

int64_t aps_sync_next_mark_ms(const struct aps_delta_sync *sync)
{
	bool is_marked = sync->options.begins_live && sync->phase == APS_SYNC_LIVE;
	return is_marked ? sync->mark_at_ms + MARK_MS : INT64_MAX;
}

bool aps_sync_be_subscribed(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	if (!sync->is_asked) return false;
	lose(sync);
	sync->is_subscribed = true;
	sync->is_unserved = false;
	sync->subscribed_at_ms = s->event->mono_ms;
	mark(s);
	if (sync->has_gap && !sync->options.has_delta) mark_missed(sync);
	plan_soon(sync);
	return true;
}

bool aps_sync_be_delayed(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	if (!sync->options.has_subscription) return false;
	if (!sync->is_asked) return true;
	lose(sync);
	bool has_query = sync->options.has_base || sync->options.has_delta;
	if (sync->is_unserved || !has_query || !sync->is_online) return true;
	aps_sync_begin_live(s);
	sync->is_unserved = sync->has_gap = true;
	sync->is_continuous = false;
	sync->polled_at_ms = s->event->mono_ms;
	plan_soon(sync);
	return true;
}

bool aps_sync_end_subscription(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	if (!sync->is_asked) return false;
	if (sync->is_subscribed && s->event->mono_ms - sync->subscribed_at_ms >= STEADY_MS) sync->n_ended = 0;
	lose(sync);
	sync->is_asked = false;
	if (s->event->failure.kind == APS_SYNC_FAILURE_REFUSED)
		s->is_refused = true;
	else
		sync->subscribe_at_ms = aps_sync_retry_at_ms(sync->rand, &sync->n_ended,
		                                             s->event->failure.retry_after_ms, s->event->mono_ms);
	return true;
}

bool aps_sync_be_lost(struct aps_sync_step *s)
{
	lose(s->sync);
	return s->sync->options.has_subscription;
}

/* The first time at once. What is missed again and again (events that aren't whole, a device that is too slow) is asked
 * for as often as where nothing is heard. */
static int64_t missed_delay_ms(const struct aps_delta_sync *sync)
{
	const int64_t most_ms = sync->options.poll_ms;
	int64_t delay_ms = APS_SYNC_MIN_RERUN_MS;
	if (sync->n_missed == 0) return 0;
	for (unsigned i = 1; i < sync->n_missed && delay_ms < most_ms; i++) delay_ms *= 2;
	return delay_ms < most_ms ? delay_ms : most_ms;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void miss(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	const int64_t mono_ms = s->event->mono_ms;
	bool is_long_ago = mono_ms - sync->polled_at_ms >= 2 * later(sync->options.poll_ms, APS_SYNC_MIN_RERUN_MS);
	if (is_long_ago) sync->n_missed = 0;
	int64_t at_ms = later(mono_ms + s->event->after_ms, sync->polled_at_ms + missed_delay_ms(sync));
	if (!sync->is_missing || at_ms < sync->replan_at_ms) sync->replan_at_ms = at_ms;
	sync->is_missing = true;
}

bool aps_sync_have_missed(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	if (!sync->options.has_subscription && !sync->options.has_delta) return false;
	if (sync->options.has_subscription && !sync->is_asked) return true;
	bool is_known = sync->has_gap && !sync->is_missing;
	aps_sync_note_gap(sync);
	if (is_known)
		plan_soon(sync);
	else
		miss(s);
	return true;
}

void aps_sync_replan(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	sync->needs_plan = sync->has_gap && sync->is_subscribed && !sync->is_missing;
	if (sync->is_missing) sync->replan_at_ms = later(s->event->mono_ms, sync->polled_at_ms + missed_delay_ms(sync));
}

void aps_sync_ask_for_missed(struct aps_delta_sync *sync)
{
	if (sync->is_missing && sync->n_missed < UINT_MAX) sync->n_missed++;
	sync->is_missing = false;
}

void aps_sync_subscribe(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	if (!sync->options.has_subscription || sync->is_asked || !sync->is_online) return;
	if (s->event->mono_ms < sync->subscribe_at_ms) return;
	sync->is_asked = s->actions->subscribes = true;
}

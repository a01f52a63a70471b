/* Each event sets what it says; then go_on() looks at all that is known, does what may be done, and finds the phase. */
#include "sync/delta_sync.h"

#include "sync/sync_fetching.h"
#include "sync/sync_hearing.h"

#define LONG_AGO_MS      (INT64_MIN / 4)
#define MIN_HEARTBEAT_MS 500 /* however short the window is */

#define TEXT(name, text) text,
static const char *const PHASE_NAMES[] = {APS_SYNC_PHASE_MAP(TEXT)};
static const char *const EVENT_NAMES[] = {APS_SYNC_EVENT_MAP(TEXT)};
static const char *const FAILURE_NAMES[] = {APS_SYNC_FAILURE_MAP(TEXT)};
#undef TEXT

const char *aps_sync_phase_name(enum aps_sync_phase phase)
{
	return (unsigned)phase < APS_SYNC_PHASE_COUNT ? PHASE_NAMES[phase] : "unknown";
}

const char *aps_sync_event_name(enum aps_sync_event_kind kind)
{
	return (unsigned)kind < APS_SYNC_EVENT_COUNT ? EVENT_NAMES[kind] : "unknown";
}

const char *aps_sync_failure_name(enum aps_sync_failure_kind kind)
{
	return (unsigned)kind < APS_SYNC_FAILURE_COUNT ? FAILURE_NAMES[kind] : "unknown";
}

void aps_delta_sync_init(struct aps_delta_sync *sync, const struct aps_delta_sync_options *options,
                         struct aps_rand *rand)
{
	*sync = (struct aps_delta_sync){
	        .options = *options, .rand = rand, .phase = APS_SYNC_WAITING, .is_online = true};
	for (int i = 0; i <= APS_SYNC_DELTA_QUERY; i++) sync->sizes[i].next = options->page_size;
	sync->answered_at_ms[APS_SYNC_BASE_QUERY] = sync->answered_at_ms[APS_SYNC_DELTA_QUERY] = LONG_AGO_MS;
	sync->polled_at_ms = sync->based_at_ms = LONG_AGO_MS;
	aps_checkpoint_init(&sync->checkpoint);
	aps_checkpoint_init(&sync->next);
}

void aps_delta_sync_clear(struct aps_delta_sync *sync)
{
	aps_checkpoint_clear(&sync->checkpoint);
	aps_checkpoint_clear(&sync->next);
	sync->phase = APS_SYNC_STOPPED;
}

bool aps_delta_sync_holds_events(const struct aps_delta_sync *sync)
{
	return sync->phase != APS_SYNC_LIVE && sync->phase != APS_SYNC_POLLING;
}

static bool is_resting(const struct aps_delta_sync *sync)
{
	return !aps_delta_sync_holds_events(sync);
}

static void stop(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	s->actions->unsubscribes = sync->is_asked;
	aps_sync_abandon_fetch(s);
	if (sync->is_armed) s->actions->timer = APS_SYNC_TIMER_STOP;
	sync->is_asked = sync->is_subscribed = sync->is_armed = false;
	sync->running = APS_SYNC_NO_QUERY;
	sync->phase = APS_SYNC_STOPPED;
}

static bool open_again(struct aps_checkpoint *checkpoint)
{
	if (!checkpoint->is_truncated) return false;
	checkpoint->base.is_open = true;
	checkpoint->is_truncated = false;
	return true;
}

/* Another run may have had a lower limit. */
static void heed_limit(struct aps_delta_sync *sync)
{
	uint64_t max_records = sync->options.max_records;
	if (max_records == 0 || max_records > sync->checkpoint.base.n_records) (void)open_again(&sync->checkpoint);
}

static bool start(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	if (sync->is_started) return false;
	sync->is_started = sync->needs_plan = true;
	sync->has_gap = sync->options.has_subscription && sync->options.has_delta;
	/* What has changed while no process was there: only the base query tells it. */
	if (sync->options.has_subscription && !sync->options.has_delta) sync->checkpoint.has_missed = true;
	sync->jitter_permille = sync->early_permille = (int64_t)aps_rand_below(sync->rand, 101);
	heed_limit(sync);
	return true;
}

static bool go_online(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	if (!sync->is_online) sync->n_failures = sync->n_unsaved = sync->n_ended = 0;
	bool is_back = !sync->is_online && sync->is_started;
	if (is_back && sync->has_gap && sync->running == APS_SYNC_NO_QUERY) sync->needs_plan = true;
	sync->is_online = true;
	sync->retry_at_ms = sync->subscribe_at_ms = 0;
	return true;
}

static bool go_offline(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	/* A socket that is cut off may seem to stand for minutes. */
	if (sync->is_subscribed) aps_sync_note_gap(sync);
	sync->is_online = false;
	return true;
}

static bool be_drained(struct aps_sync_step *s)
{
	if (s->sync->phase != APS_SYNC_DRAINING) return false;
	s->is_drained = true;
	s->sync->may_hold = false;
	return true;
}

static bool be_due(struct aps_sync_step *s)
{
	s->sync->is_armed = false;
	s->is_due = true;
	aps_sync_move_on(s);
	return true;
}

static bool be_cleared(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	aps_sync_abandon_fetch(s);
	aps_checkpoint_clear(&sync->checkpoint);
	sync->is_cleared = sync->is_saving;
	sync->n_restarts = sync->n_old_restarts = sync->n_late = 0;
	sync->is_missing = false;
	sync->wants_more = false;
	aps_sync_run(sync, APS_SYNC_NO_QUERY, false, false);
	sync->needs_plan = true;
	return true;
}

/* What is complete has held back nothing. */
static void let_through(const struct aps_delta_sync_options *options, struct aps_checkpoint *checkpoint,
                        uint64_t n_more)
{
	if (!aps_sync_is_partial(checkpoint)) return;
	uint64_t max_records = aps_sync_max_records(options, checkpoint), n_records = checkpoint->base.n_records;
	checkpoint->max_records = (max_records > n_records ? max_records : n_records) + n_more;
}

static bool want_more(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	uint64_t n_more = s->event->n_more < UINT32_MAX ? s->event->n_more : UINT32_MAX;
	bool is_saving = sync->is_saving && !sync->is_cleared;
	if (n_more == 0) return true;
	let_through(&sync->options, &sync->checkpoint, n_more);
	if (is_saving) let_through(&sync->options, &sync->next, n_more);
	/* Another pass that has just begun brings them, unless it has just been as many as there were to be. */
	bool is_under_way = sync->running == APS_SYNC_BASE_QUERY;
	bool is_over = is_saving && open_again(&sync->next);
	if (!is_under_way) (void)open_again(&sync->checkpoint);
	if (is_under_way ? is_over : sync->checkpoint.base.is_open) sync->wants_more = true;
	return true;
}

static bool be_told_to_stop(struct aps_sync_step *s)
{
	stop(s);
	return true;
}

static int64_t lesser(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t greater(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* How long until what was missed is asked for. */
static int64_t replan_ms(const struct aps_sync_step *s)
{
	return s->sync->is_missing ? s->sync->replan_at_ms - s->event->mono_ms : INT64_MAX;
}

/* How long until a pass is due; not above 0: it is. A clock that is wrong, and stays so, says that again and again, or
 * never: the one that never jumps sees to it that the pass before it isn't just over, and that a heartbeat comes. */
static int64_t rest_ms(const struct aps_sync_step *s)
{
	const struct aps_delta_sync *sync = s->sync;
	const struct aps_delta_sync_options *options = &sync->options;
	const int64_t mono_ms = s->event->mono_ms, now_ms = s->event->now_ms;
	const int64_t quarter_ms = greater(options->window_ms / 4, MIN_HEARTBEAT_MS);
	/* Devices that lost their connections together don't ask together. */
	const int64_t half_ms = aps_sync_earlier_ms(options->window_ms / 2, sync->early_permille);
	const int64_t poll_ms = aps_sync_earlier_ms(options->poll_ms, sync->early_permille);
	int64_t base_ms = aps_sync_base_rest_ms(options, &sync->checkpoint, sync->jitter_permille, now_ms);
	int64_t delta_ms = aps_sync_delta_rest_ms(options, &sync->checkpoint, sync->early_permille, now_ms);
	int64_t least_ms = greater(lesser(options->interval_ms, quarter_ms), APS_SYNC_MIN_RERUN_MS);
	base_ms = greater(base_ms, sync->based_at_ms + least_ms - mono_ms);
	delta_ms = greater(delta_ms, sync->polled_at_ms + quarter_ms - mono_ms);
	if (delta_ms != INT64_MAX && !options->begins_live)
		delta_ms = lesser(delta_ms, sync->polled_at_ms + greater(half_ms, quarter_ms) - mono_ms);
	/* where the window is so short that a base query takes its place */
	if (options->has_base) delta_ms = greater(delta_ms, sync->based_at_ms + APS_SYNC_MIN_RERUN_MS - mono_ms);
	if (sync->phase == APS_SYNC_POLLING && options->has_delta)
		delta_ms = lesser(delta_ms, sync->polled_at_ms + poll_ms - mono_ms);
	return lesser(lesser(base_ms, delta_ms), replan_ms(s));
}

/* What wasn't heard between two pages, no other query would tell. */
static bool goes_on_anew(const struct aps_delta_sync *sync)
{
	return sync->options.has_subscription && !sync->options.has_delta && !sync->is_continuous;
}

/* A clock that nobody has confirmed is no reason to fetch everything: what is fetched anyway tells the time, and that
 * is looked at then. */
static enum aps_sync_query doubt(const struct aps_sync_step *s, enum aps_sync_query query, bool *anew)
{
	const struct aps_delta_sync_options *options = &s->sync->options;
	const struct aps_checkpoint *at = &s->sync->checkpoint;
	if (!s->event->is_guess || query != APS_SYNC_BASE_QUERY || !options->has_delta) return query;
	if (at->base.is_open) *anew = false;
	if (at->base.is_open || at->base_ms == 0 || at->last_sync_ms == 0) return query;
	*anew = false;
	return APS_SYNC_DELTA_QUERY;
}

static void choose(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	if (!sync->is_online || !aps_sync_is_served(sync)) return;
	if (s->is_due && is_resting(sync) && rest_ms(s) <= 0) sync->needs_plan = true;
	if (replan_ms(s) <= 0) sync->needs_plan = true;
	if (sync->needs_plan) {
		bool anew;
		enum aps_sync_query query =
		        aps_delta_sync_plan(&sync->options, &sync->checkpoint, s->event->now_ms, &anew);
		query = doubt(s, query, &anew);
		sync->needs_plan = false;
		if (query == APS_SYNC_NO_QUERY) sync->is_missing = false; /* nothing tells it */
		aps_sync_run(sync, query, anew, false);
		aps_sync_begin_live(s);
	} else if (sync->wants_more && sync->checkpoint.base.is_open) {
		aps_sync_run(sync, APS_SYNC_BASE_QUERY, goes_on_anew(sync), false);
	}
}

static enum aps_sync_phase drain(struct aps_sync_step *s)
{
	s->actions->drains = true;
	return APS_SYNC_DRAINING;
}

static enum aps_sync_phase rest(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	if (!sync->is_online) return APS_SYNC_WAITING;
	if (!aps_sync_is_served(sync)) return sync->is_asked ? APS_SYNC_SUBSCRIBING : APS_SYNC_WAITING;
	if (sync->options.has_subscription && !s->is_drained && !is_resting(sync)) return drain(s);
	return sync->is_unserved ? APS_SYNC_POLLING : APS_SYNC_LIVE;
}

static enum aps_sync_phase advance(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	if (sync->phase == APS_SYNC_DRAINING && !s->is_drained) return APS_SYNC_DRAINING;
	if (sync->is_cleared) return sync->phase;
	if (sync->is_saving) {
		aps_sync_fetch_ahead(s);
	} else if (!sync->is_fetching) {
		if (sync->running == APS_SYNC_NO_QUERY) choose(s);
		if (sync->running == APS_SYNC_NO_QUERY) return rest(s);
		if (!aps_sync_may_fetch(s)) return APS_SYNC_WAITING;
		aps_sync_revise(s);
		/* What was heard before the first page is asked for is older: what has followed may be lost. */
		if (sync->may_hold && aps_sync_begins(sync)) return drain(s);
		aps_sync_fetch(s);
	}
	return sync->running == APS_SYNC_BASE_QUERY ? APS_SYNC_BASE : APS_SYNC_DELTA;
}

static int64_t timer_ms(const struct aps_sync_step *s)
{
	const struct aps_delta_sync *sync = s->sync;
	const int64_t mono_ms = s->event->mono_ms;
	int64_t delay_ms = INT64_MAX;
	if (!sync->is_online) return delay_ms;
	if (sync->options.has_subscription && !sync->is_asked)
		delay_ms = lesser(delay_ms, sync->subscribe_at_ms - mono_ms);
	if (sync->phase == APS_SYNC_WAITING && sync->running != APS_SYNC_NO_QUERY)
		delay_ms = lesser(delay_ms, sync->retry_at_ms - mono_ms);
	if (is_resting(sync)) delay_ms = lesser(delay_ms, rest_ms(s));
	int64_t mark_ms = aps_sync_next_mark_ms(sync);
	if (mark_ms != INT64_MAX) delay_ms = lesser(delay_ms, mark_ms - mono_ms);
	return delay_ms > 0 ? delay_ms : 1;
}

static void set_timer(struct aps_sync_step *s)
{
	int64_t delay_ms = timer_ms(s);
	if (delay_ms != INT64_MAX) {
		s->actions->timer = APS_SYNC_TIMER_ARM;
		s->actions->delay_ms = delay_ms;
	} else if (s->sync->is_armed) {
		s->actions->timer = APS_SYNC_TIMER_STOP;
	}
	s->sync->is_armed = delay_ms != INT64_MAX;
}

static void go_on(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	aps_sync_subscribe(s);
	sync->phase = advance(s);
	/* A sync that begins live hands over what it hears, and its owner sees to the order. */
	if (sync->is_subscribed && !sync->options.begins_live) sync->may_hold = true;
	set_timer(s);
}

/* False: it is illegal here, and nothing has changed. */
static bool (*const HANDLERS[APS_SYNC_EVENT_COUNT])(struct aps_sync_step *s) = {
        [APS_SYNC_ON_START] = start,
        [APS_SYNC_ON_ONLINE] = go_online,
        [APS_SYNC_ON_OFFLINE] = go_offline,
        [APS_SYNC_ON_SUBSCRIBED] = aps_sync_be_subscribed,
        [APS_SYNC_ON_LOST] = aps_sync_be_lost,
        [APS_SYNC_ON_DELAYED] = aps_sync_be_delayed,
        [APS_SYNC_ON_ENDED] = aps_sync_end_subscription,
        [APS_SYNC_ON_MISSED] = aps_sync_have_missed,
        [APS_SYNC_ON_ANSWERED] = aps_sync_answer,
        [APS_SYNC_ON_FAILED] = aps_sync_fail_fetch,
        [APS_SYNC_ON_SAVED] = aps_sync_save,
        [APS_SYNC_ON_UNSAVED] = aps_sync_unsave,
        [APS_SYNC_ON_DRAINED] = be_drained,
        [APS_SYNC_ON_DUE] = be_due,
        [APS_SYNC_ON_CLEARED] = be_cleared,
        [APS_SYNC_ON_MORE] = want_more,
        [APS_SYNC_ON_STOP] = be_told_to_stop,
};

/* What is shown of it. */
struct sight {
	enum aps_sync_phase phase;
	unsigned n_failures;
	bool is_truncated;
	uint64_t n_records[2], n_pages[2];
};

static struct sight see(const struct aps_delta_sync *sync)
{
	const struct aps_checkpoint *c = &sync->checkpoint;
	return (struct sight){
	        .phase = sync->phase,
	        .n_failures = sync->n_failures,
	        .is_truncated = c->is_truncated,
	        .n_records = {c->base.n_records, c->delta.n_records},
	        .n_pages = {c->base.n_pages, c->delta.n_pages},
	};
}

static bool looks_alike(const struct sight *a, const struct sight *b)
{
	return a->phase == b->phase && a->n_failures == b->n_failures && a->is_truncated == b->is_truncated &&
	       memcmp(a->n_records, b->n_records, sizeof a->n_records) == 0 &&
	       memcmp(a->n_pages, b->n_pages, sizeof a->n_pages) == 0;
}

static bool is_legal(const struct aps_delta_sync *sync, enum aps_sync_event_kind kind)
{
	if ((unsigned)kind >= APS_SYNC_EVENT_COUNT) return false;
	return sync->is_started || kind == APS_SYNC_ON_START || kind == APS_SYNC_ON_ONLINE ||
	       kind == APS_SYNC_ON_OFFLINE || kind == APS_SYNC_ON_STOP;
}

struct aps_sync_actions aps_delta_sync_feed(struct aps_delta_sync *sync, const struct aps_sync_event *event)
{
	struct aps_sync_actions actions = {.timer = APS_SYNC_TIMER_KEEP};
	struct aps_sync_step step = {.sync = sync, .event = event, .actions = &actions};
	if (sync->phase == APS_SYNC_STOPPED) return actions;
	const struct sight before = see(sync);
	if (!is_legal(sync, event->kind) || !HANDLERS[event->kind](&step)) {
		aps_fail(&actions.err, APS_E_INTERNAL, "\"%s\" came to a delta sync in phase \"%s\"",
		         aps_sync_event_name(event->kind), aps_sync_phase_name(sync->phase));
		return actions;
	}
	if (actions.err.code != APS_OK) return actions;
	if (step.is_refused) stop(&step);
	if (sync->is_started && sync->phase != APS_SYNC_STOPPED) go_on(&step);
	const struct sight after = see(sync);
	actions.tells = !looks_alike(&before, &after);
	return actions;
}

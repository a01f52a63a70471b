#include "sync/sync_world.h"

#define FEED(w, kind) world_feed(w, APS_SYNC_ON_##kind)

/* The phases, some with what is under way: BASE and DELTA while a page is fetched, KEEPING while the last one is kept,
 * AHEAD while the next one is fetched, too; RETRY and OFF are WAITING. */
enum place { RETRY, OFF, ASKED, BASE, AHEAD, KEEPING, DELTA, DRAINS, LIVE, POLLS, OVER, PLACE_COUNT };

static const enum aps_sync_phase PHASES[PLACE_COUNT] = {
        [RETRY] = APS_SYNC_WAITING, [OFF] = APS_SYNC_WAITING,     [ASKED] = APS_SYNC_SUBSCRIBING,
        [BASE] = APS_SYNC_BASE,     [AHEAD] = APS_SYNC_BASE,      [KEEPING] = APS_SYNC_BASE,
        [DELTA] = APS_SYNC_DELTA,   [DRAINS] = APS_SYNC_DRAINING, [LIVE] = APS_SYNC_LIVE,
        [POLLS] = APS_SYNC_POLLING, [OVER] = APS_SYNC_STOPPED,
};

static void arrive_live(struct sync_world *w)
{
	world_answer(w, 5, "");
	FEED(w, SAVED);
	FEED(w, DRAINED);
}

/* What was heard before is taken first. */
static const char *begin_pass(struct sync_world *w, enum aps_sync_event_kind kind)
{
	world_feed(w, kind);
	assert_int_equal(w->sync.phase, APS_SYNC_DRAINING);
	return FEED(w, DRAINED);
}

static struct sync_world *arrive(enum place place)
{
	struct sync_world *w = world_init(&WORLD_OPTIONS);
	w->mono_ms = 1000;
	if (place == OFF) FEED(w, OFFLINE);
	FEED(w, START);
	if (place == POLLS)
		FEED(w, DELAYED);
	else if (place != OFF && place != ASKED)
		FEED(w, SUBSCRIBED);
	if (place == RETRY) world_fail(w, APS_SYNC_ON_FAILED, APS_SYNC_FAILURE_RETRY, 1000);
	if (place == AHEAD) world_answer(w, 100, "t");
	if (place == KEEPING || place == DRAINS) world_answer(w, 5, "");
	if (place == DRAINS) FEED(w, SAVED);
	if (place == DELTA || place == LIVE || place == POLLS) arrive_live(w);
	if (place == DELTA) begin_pass(w, APS_SYNC_ON_MISSED);
	if (place == OVER) FEED(w, STOP);
	assert_int_equal(w->sync.phase, PHASES[place]);
	return w;
}

#define REJECTS PLACE_COUNT

/* clang-format off */
static const enum place AFTER[APS_SYNC_EVENT_COUNT][PLACE_COUNT] = {
        /*                           RETRY    OFF      ASKED    BASE     AHEAD    KEEPING  DELTA    DRAINS   LIVE     POLLS    OVER */
        [APS_SYNC_ON_START] =      {REJECTS, REJECTS, REJECTS, REJECTS, REJECTS, REJECTS, REJECTS, REJECTS, REJECTS, REJECTS, OVER},
        [APS_SYNC_ON_ONLINE] =     {DRAINS,  ASKED,   ASKED,   BASE,    AHEAD,   KEEPING, DELTA,   DRAINS,  LIVE,    POLLS,   OVER},
        [APS_SYNC_ON_OFFLINE] =    {OFF,     OFF,     OFF,     BASE,    AHEAD,   KEEPING, DELTA,   DRAINS,  OFF,     OFF,     OVER},
        [APS_SYNC_ON_SUBSCRIBED] = {RETRY,   REJECTS, BASE,    BASE,    AHEAD,   KEEPING, DELTA,   DRAINS,  DRAINS,  DELTA,   OVER},
        [APS_SYNC_ON_LOST] =       {RETRY,   OFF,     ASKED,   BASE,    AHEAD,   KEEPING, DELTA,   DRAINS,  ASKED,   POLLS,   OVER},
        [APS_SYNC_ON_DELAYED] =    {RETRY,   OFF,     BASE,    BASE,    AHEAD,   KEEPING, DELTA,   DRAINS,  DRAINS,  POLLS,   OVER},
        [APS_SYNC_ON_ENDED] =      {RETRY,   REJECTS, RETRY,   BASE,    AHEAD,   KEEPING, DELTA,   DRAINS,  RETRY,   POLLS,   OVER},
        [APS_SYNC_ON_MISSED] =     {RETRY,   OFF,     ASKED,   BASE,    AHEAD,   KEEPING, DELTA,   DRAINS,  DRAINS,  DELTA,   OVER},
        [APS_SYNC_ON_ANSWERED] =   {REJECTS, REJECTS, REJECTS, KEEPING, REJECTS, REJECTS, DELTA,   REJECTS, REJECTS, REJECTS, OVER},
        [APS_SYNC_ON_FAILED] =     {REJECTS, REJECTS, REJECTS, RETRY,   REJECTS, REJECTS, RETRY,   REJECTS, REJECTS, REJECTS, OVER},
        [APS_SYNC_ON_SAVED] =      {REJECTS, REJECTS, REJECTS, REJECTS, BASE,    DRAINS,  REJECTS, REJECTS, REJECTS, REJECTS, OVER},
        [APS_SYNC_ON_UNSAVED] =    {REJECTS, REJECTS, REJECTS, REJECTS, RETRY,   RETRY,   REJECTS, REJECTS, REJECTS, REJECTS, OVER},
        [APS_SYNC_ON_DRAINED] =    {REJECTS, REJECTS, REJECTS, REJECTS, REJECTS, REJECTS, REJECTS, LIVE,    REJECTS, REJECTS, OVER},
        [APS_SYNC_ON_DUE] =        {RETRY,   OFF,     ASKED,   BASE,    AHEAD,   KEEPING, DELTA,   DRAINS,  LIVE,    POLLS,   OVER},
        [APS_SYNC_ON_CLEARED] =    {RETRY,   OFF,     ASKED,   DRAINS,  BASE,    KEEPING, DRAINS,  DRAINS,  DRAINS,  BASE,    OVER},
        [APS_SYNC_ON_MORE] =       {RETRY,   OFF,     ASKED,   BASE,    AHEAD,   KEEPING, DELTA,   DRAINS,  LIVE,    POLLS,   OVER},
        [APS_SYNC_ON_STOP] =       {OVER,    OVER,    OVER,    OVER,    OVER,    OVER,    OVER,    OVER,    OVER,    OVER,    OVER},
};
/* clang-format on */

static void each_event_in_each_phase_leads_where_the_table_says(void **state)
{
	(void)state;
	for (int kind = 0; kind < APS_SYNC_EVENT_COUNT; kind++) {
		for (int from = 0; from < PLACE_COUNT; from++) {
			struct sync_world *w = arrive((enum place)from);
			const struct aps_delta_sync before = w->sync;
			struct aps_sync_event event = {.kind = (enum aps_sync_event_kind)kind, .n_more = 1};
			event.failure.kind = APS_SYNC_FAILURE_RETRY;
			event.page = (struct aps_sync_page_facts){.server_ms = w->true_ms};
			world_feed_event(w, event);
			enum place to = AFTER[kind][from];
			print_message("%s, %s: %s\n", aps_sync_phase_name(before.phase),
			              aps_sync_event_name(event.kind), aps_sync_phase_name(w->sync.phase));
			assert_int_equal(w->actions.err.code, to == REJECTS ? APS_E_INTERNAL : APS_OK);
			if (to == REJECTS)
				assert_memory_equal(&w->sync, &before, sizeof before);
			else
				assert_int_equal(w->sync.phase, PHASES[to]);
			if (from == OVER) assert_string_equal(w->said.p, "");
			bool is_resting = w->sync.phase == APS_SYNC_LIVE || w->sync.phase == APS_SYNC_POLLING;
			assert_int_equal(aps_delta_sync_holds_events(&w->sync), !is_resting);
			if (is_resting || to == RETRY) assert_true(w->sync.is_armed);
			if (to == OFF || to == OVER) assert_false(w->sync.is_armed);
			world_clear(w);
		}
	}
}

static void before_the_start_only_the_network_counts(void **state)
{
	(void)state;
	for (int kind = APS_SYNC_ON_SUBSCRIBED; kind < APS_SYNC_ON_STOP; kind++) {
		struct sync_world *w = world_init(&WORLD_OPTIONS);
		world_feed(w, (enum aps_sync_event_kind)kind);
		assert_int_equal(w->actions.err.code, APS_E_INTERNAL);
		world_clear(w);
	}
	struct sync_world *w = world_init(&WORLD_OPTIONS);
	assert_string_equal(FEED(w, OFFLINE), "");
	assert_string_equal(FEED(w, ONLINE), "");
	assert_string_equal(FEED(w, STOP), "tell stopped\n");
	world_clear(w);
}

static void an_illegal_event_is_an_error_that_names_both(void **state)
{
	(void)state;
	struct sync_world *w = arrive(LIVE);
	FEED(w, SAVED);
	assert_string_equal(w->actions.err.msg, "\"saved\" came to a delta sync in phase \"live\"");
	world_feed(w, APS_SYNC_EVENT_COUNT);
	assert_int_equal(w->actions.err.code, APS_E_INTERNAL);
	world_clear(w);
}

static void of_a_subscription_that_is_not_there_nothing_can_be_told(void **state)
{
	(void)state;
	static const enum aps_sync_event_kind KINDS[] = {APS_SYNC_ON_SUBSCRIBED, APS_SYNC_ON_LOST, APS_SYNC_ON_DELAYED,
	                                                 APS_SYNC_ON_ENDED, APS_SYNC_ON_MISSED};
	struct aps_delta_sync_options options = WORLD_OPTIONS;
	options.has_subscription = false;
	for (size_t i = 0; i < APS_COUNTOF(KINDS); i++) {
		options.has_delta = KINDS[i] != APS_SYNC_ON_MISSED; /* which tells what a page didn't */
		struct sync_world *w = world_init(&options);
		FEED(w, START);
		world_feed(w, KINDS[i]);
		assert_int_equal(w->actions.err.code, APS_E_INTERNAL);
		world_clear(w);
	}
}

static void without_memory_a_page_can_be_fed_again(void **state)
{
	(void)state;
	struct sync_world *w = arrive(BASE);
	world_answer(w, 100, "t1");
	FEED(w, SAVED);
	size_t nth = 0;
	do {
		const struct aps_delta_sync before = w->sync;
		aps_mem_fail_at(++nth);
		struct aps_sync_event event = {
		        .kind = APS_SYNC_ON_ANSWERED, .now_ms = w->true_ms, .mono_ms = w->mono_ms};
		event.page =
		        (struct aps_sync_page_facts){.n_records = 3, .token = APS_STR("t2"), .server_ms = w->true_ms};
		w->actions = aps_delta_sync_feed(&w->sync, &event);
		aps_mem_fail_at(0);
		if (w->actions.err.code != APS_OK) {
			assert_int_equal(w->actions.err.code, APS_E_NOMEM);
			assert_false(w->actions.saves || w->actions.fetches != APS_SYNC_NO_QUERY || w->actions.tells);
			assert_memory_equal(&w->sync, &before, sizeof before);
		}
	} while (w->actions.err.code != APS_OK);
	assert_true(nth > 1);
	assert_true(w->actions.saves);
	assert_int_equal(w->sync.next.base.n_records, 103);
	world_clear(w);
}

static void a_page_without_a_time_was_made_now(void **state)
{
	(void)state;
	struct sync_world *w = arrive(BASE);
	world_pass_time(w, 7);
	world_feed_event(w, (struct aps_sync_event){.kind = APS_SYNC_ON_ANSWERED});
	assert_int_equal(w->sync.next.base_ms, WORLD_BEGAN_MS + 7);
	world_clear(w);
}

/* aws-appsync 4, deltaSync.ts: lastSync less two seconds. A service that says when it began needs none of that. */
static void changes_are_asked_for_from_startedAt_on_or_from_before_the_request(void **state)
{
	(void)state;
	for (int is_start = 0; is_start <= 1; is_start++) {
		struct sync_world *w = arrive(BASE);
		struct aps_sync_event event = {.kind = APS_SYNC_ON_ANSWERED};
		event.page = (struct aps_sync_page_facts){
		        .server_ms = w->true_ms, .is_start = is_start != 0, .took_ms = 300};
		world_feed_event(w, event);
		FEED(w, SAVED);
		FEED(w, DRAINED);
		assert_int_equal(w->sync.checkpoint.base_ms, WORLD_BEGAN_MS);
		assert_string_equal(begin_pass(w, APS_SYNC_ON_MISSED),
		                    is_start ? "fetch delta since 0 size=100\ntell delta\n"
		                             : "fetch delta since -2300 size=100\ntell delta\n");
		event.page.server_ms = w->true_ms += 7000;
		world_feed_event(w, event);
		FEED(w, SAVED);
		FEED(w, DRAINED);
		world_pass_time(w, 120000);
		assert_string_equal(begin_pass(w, APS_SYNC_ON_MISSED),
		                    is_start ? "fetch delta since 7000 size=100\ntell delta\n"
		                             : "fetch delta since 4700 size=100\ntell delta\n");
		world_clear(w);
	}
}

static void what_was_missed_is_asked_for_as_late_as_is_told(void **state)
{
	(void)state;
	for (int is_earlier_known = 0; is_earlier_known <= 1; is_earlier_known++) {
		struct sync_world *w = arrive(LIVE);
		struct aps_sync_event event = {.kind = APS_SYNC_ON_MISSED, .after_ms = 5000};
		if (is_earlier_known) {
			event.after_ms = 3000;
			world_feed_event(w, event);
			event.after_ms = 5000;
		}
		world_feed_event(w, event);
		assert_int_equal(w->sync.phase, APS_SYNC_LIVE);
		int64_t delay_ms = is_earlier_known ? 3000 : 5000;
		assert_int_equal(w->actions.timer, APS_SYNC_TIMER_ARM);
		assert_int_equal(w->actions.delay_ms, delay_ms);
		world_pass_time(w, delay_ms - 1);
		FEED(w, DUE);
		assert_int_equal(w->sync.phase, APS_SYNC_LIVE);
		world_pass_time(w, 1);
		FEED(w, DUE);
		assert_int_equal(w->sync.phase, APS_SYNC_DRAINING);
		world_clear(w);
	}
}

/* A Date is in whole seconds, lastSync may be, and the journal may have lost what was changed just behind it. */
static void what_whole_seconds_leave_out_counts_as_out_of_the_window(void **state)
{
	(void)state;
	for (int is_in = 0; is_in <= 1; is_in++) {
		struct sync_world *w = arrive(DELTA);
		w->true_ms += HOUR_MS - (is_in ? 999 : 998);
		world_answer(w, 1, "");
		assert_int_equal(w->actions.saves, is_in);
		world_clear(w);
		w = arrive(DELTA);
		struct aps_sync_event event = {.kind = APS_SYNC_ON_ANSWERED};
		event.page.server_ms = w->true_ms + HOUR_MS - (is_in ? 1998 : 1997);
		world_feed_event(w, event);
		assert_int_equal(w->actions.saves, is_in);
		world_clear(w);
	}
}

/* The clock that has seen a deletion may have stood still with the device: one pass that has begun later by it may have
 * begun before. */
static void deletions_are_forgotten_that_were_seen_before_the_pass_before(void **state)
{
	(void)state;
	for (int has_base = 0; has_base <= 1; has_base++) {
		struct aps_delta_sync_options options = WORLD_OPTIONS;
		options.has_base = has_base != 0;
		struct sync_world *w = world_init(&options);
		FEED(w, START);
		FEED(w, SUBSCRIBED);
		arrive_live(w);
		for (int i = 0; i < 2; i++) {
			world_pass_time(w, DAY_MS + DAY_MS / 5);
			begin_pass(w, APS_SYNC_ON_DUE);
			world_answer(w, 1, "t");
			assert_int_equal(w->actions.forgets_before_ms, 0); /* it isn't over */
			FEED(w, SAVED);
			world_answer(w, 1, "");
			assert_int_equal(w->actions.forgets_before_ms,
			                 WORLD_BEGAN_MS + i * (DAY_MS + DAY_MS / 5) - 600000);
			FEED(w, SAVED);
			FEED(w, DRAINED);
		}
		world_clear(w);
	}
}

static void what_is_seen_is_seen_no_earlier_than_what_is_known(void **state)
{
	(void)state;
	struct aps_checkpoint c = {.base_ms = 5, .last_sync_ms = 7, .base.began_ms = 6};
	assert_int_equal(aps_sync_seen_ms(&c, 9), 9);
	assert_int_equal(aps_sync_seen_ms(&c, 2), 7);
	c.base.began_ms = 8;
	assert_int_equal(aps_sync_seen_ms(&c, 2), 8);
	c.base_ms = 10;
	assert_int_equal(aps_sync_seen_ms(&c, 2), 10);
}

/* Also where a delta query has just been answered. What was due at the start isn't put off. */
static void base_passes_of_a_run_are_spread(void **state)
{
	(void)state;
	struct sync_world *w = arrive(LIVE);
	const int64_t interval_ms = w->sync.options.interval_ms;
	assert_in_range(interval_ms, DAY_MS + 1, DAY_MS + DAY_MS / 10); /* by this seed */
	for (int64_t at_ms = DAY_MS; at_ms < interval_ms; at_ms += HOUR_MS / 2) {
		world_pass_time(w, at_ms - (w->true_ms - WORLD_BEGAN_MS) - 1000);
		w->sync.checkpoint.last_sync_ms = w->true_ms - HOUR_MS / 2;
		begin_pass(w, APS_SYNC_ON_DUE);
		assert_int_equal(w->actions.fetches, APS_SYNC_DELTA_QUERY);
		world_pass_time(w, 1000);
		arrive_live(w);
		assert_int_equal(w->sync.phase, APS_SYNC_LIVE);
	}
	world_kill(w);
	FEED(w, START);
	FEED(w, SUBSCRIBED);
	assert_int_equal(w->actions.fetches, APS_SYNC_BASE_QUERY);
	world_clear(w);
}

/* In permille of `ms`. */
static int64_t earlier_permille(const struct sync_world *w, int64_t ms)
{
	assert_int_equal(w->actions.timer, APS_SYNC_TIMER_ARM);
	assert_in_range(w->actions.delay_ms, ms - ms / 10, ms);
	return (ms - w->actions.delay_ms) * 1000 / ms;
}

static void devices_that_lost_their_sockets_together_do_not_poll_together(void **state)
{
	(void)state;
	bool is_drawn[101] = {false};
	unsigned n_drawn = 0;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct sync_world *w = world_init(&WORLD_OPTIONS);
		aps_rand_init(&w->rand, seed);
		FEED(w, START);
		FEED(w, DELAYED);
		arrive_live(w);
		int64_t permille = earlier_permille(w, w->options.poll_ms);
		n_drawn += !is_drawn[permille];
		is_drawn[permille] = true;
		for (int i = 0; i < 3; i++) { /* they drift apart */
			world_pass_time(w, w->actions.delay_ms);
			FEED(w, DUE);
			assert_int_equal(w->actions.fetches, APS_SYNC_DELTA_QUERY);
			arrive_live(w);
			assert_int_equal(earlier_permille(w, w->options.poll_ms), permille);
		}
		FEED(w, SUBSCRIBED);
		arrive_live(w);
		assert_int_equal(w->sync.phase, APS_SYNC_LIVE);
		assert_int_equal(earlier_permille(w, w->options.window_ms / 2), permille);
		world_clear(w);
	}
	assert_true(n_drawn > 40);
}

static void slow_pages_do_not_grow(void **state)
{
	(void)state;
	struct sync_world *w = arrive(BASE);
	world_fail(w, APS_SYNC_ON_FAILED, APS_SYNC_FAILURE_TOO_LARGE, 0);
	assert_string_equal(FEED(w, DRAINED), "fetch base size=50\ntell base\n");
	struct aps_sync_event event = {.kind = APS_SYNC_ON_ANSWERED};
	event.page = (struct aps_sync_page_facts){.token = APS_STR("t"), .server_ms = w->true_ms, .took_ms = 1000};
	assert_string_equal(world_feed_event(w, event), "save begin\nfetch base token=t size=50\n");
	world_clear(w);
}

/* Else each of them would fail once, as one that is as large again. */
static void what_was_too_large_is_tried_again_after_some_pages(void **state)
{
	(void)state;
	struct sync_world *w = arrive(BASE);
	world_answer(w, 100, "t");
	FEED(w, SAVED);
	world_fail(w, APS_SYNC_ON_FAILED, APS_SYNC_FAILURE_TOO_LARGE, 0);
	assert_string_equal(w->said.p, "fetch base token=t size=50\n");
	for (int i = 0; i < 7; i++) {
		assert_string_equal(world_answer(w, 50, "t"), "save add\nfetch base token=t size=50\n");
		FEED(w, SAVED);
	}
	assert_string_equal(world_answer(w, 50, "t"), "save add\nfetch base token=t size=100\n");
	world_clear(w);
}

static void what_has_no_page_size_is_not_made_smaller(void **state)
{
	(void)state;
	struct aps_delta_sync_options options = WORLD_OPTIONS;
	options.is_paged = false;
	struct sync_world *w = world_init(&options);
	FEED(w, START);
	FEED(w, SUBSCRIBED);
	world_fail(w, APS_SYNC_ON_FAILED, APS_SYNC_FAILURE_TOO_LARGE, 500);
	assert_string_equal(w->said.p, "arm 500\ntell waiting\n");
	world_clear(w);
}

static void a_delta_query_has_a_page_size_of_its_own(void **state)
{
	(void)state;
	struct sync_world *w = arrive(DELTA);
	world_fail(w, APS_SYNC_ON_FAILED, APS_SYNC_FAILURE_TOO_LARGE, 500);
	assert_string_equal(FEED(w, DRAINED), "fetch delta since 0 size=50\ntell delta\n");
	assert_string_equal(world_answer(w, 50, "d"), "save\nfetch delta since 0 token=d size=50\n");
	FEED(w, SAVED);
	world_answer(w, 5, "");
	FEED(w, SAVED);
	FEED(w, DRAINED);
	world_pass_time(w, DAY_MS + DAY_MS / 10);
	assert_string_equal(begin_pass(w, APS_SYNC_ON_DUE), "fetch base size=100\ntell base\n");
	arrive_live(w);
	world_pass_time(w, HOUR_MS / 2);
	assert_string_equal(begin_pass(w, APS_SYNC_ON_DUE), "fetch delta since 95040000 size=50\ntell delta\n");
	world_answer(w, 5, "d");
	assert_string_equal(w->said.p, "save\nfetch delta since 95040000 token=d size=50\n"); /* of another pass */
	world_clear(w);
}

static void a_delta_query_without_a_page_size_is_not_made_smaller(void **state)
{
	(void)state;
	struct sync_world *w = arrive(DELTA);
	w->sync.options.is_delta_paged = false;
	world_fail(w, APS_SYNC_ON_FAILED, APS_SYNC_FAILURE_TOO_LARGE, 500);
	assert_string_equal(w->said.p, "arm 500\ntell waiting\n");
	world_clear(w);
}

static void hints_of_a_network_do_not_shorten_the_backoff_for_good(void **state)
{
	(void)state;
	struct sync_world *w = arrive(RETRY);
	for (int i = 0; i < 5; i++) {
		begin_pass(w, APS_SYNC_ON_ONLINE);
		world_fail(w, APS_SYNC_ON_FAILED, APS_SYNC_FAILURE_NETWORK, 0);
	}
	assert_int_equal(w->sync.n_failures, 6);
	FEED(w, OFFLINE);
	FEED(w, ONLINE);
	assert_int_equal(w->sync.n_failures, 0);
	world_clear(w);
}

static void the_delta_token_is_left_behind_when_it_is_refused(void **state)
{
	(void)state;
	struct sync_world *w = arrive(DELTA);
	for (int i = 0; i < 3; i++) {
		world_answer(w, 3, "d1");
		FEED(w, SAVED);
		world_fail(w, APS_SYNC_ON_FAILED, APS_SYNC_FAILURE_REFUSED, 0);
		assert_string_equal(FEED(w, DRAINED), "fetch delta since 0 size=100\ntell delta\n");
	}
	world_answer(w, 3, "d1");
	FEED(w, SAVED);
	world_fail(w, APS_SYNC_ON_FAILED, APS_SYNC_FAILURE_REFUSED, 0);
	assert_int_equal(w->sync.phase, APS_SYNC_STOPPED);
	world_clear(w);
}

/* That doesn't say that the next one won't do; but not for ever. */
static void tokens_that_may_have_been_too_old_are_left_behind_more_often(void **state)
{
	(void)state;
	struct sync_world *w = arrive(BASE);
	for (int i = 0; i <= 10; i++) {
		world_answer(w, 3, "t1");
		FEED(w, SAVED);
		world_pass_time(w, 60000);
		world_fail(w, APS_SYNC_ON_FAILED, APS_SYNC_FAILURE_REFUSED, 0);
		if (i == 10) break;
		assert_string_equal(FEED(w, DRAINED), "fetch base size=100\ntell base\n");
	}
	assert_int_equal(w->sync.phase, APS_SYNC_STOPPED);
	world_clear(w);
}

/* It is over before anything can be asked: base queries take the place of delta queries, and each pass gets to its end.
 */
static void a_window_of_a_moment_costs_a_base_query_now_and_then(void **state)
{
	(void)state;
	struct aps_delta_sync_options options = WORLD_OPTIONS;
	options.window_ms = 1;
	struct sync_world *w = world_init(&options);
	FEED(w, START);
	FEED(w, SUBSCRIBED);
	unsigned n_fetches = 0, n_base = 0;
	char token[16] = "";
	while (w->mono_ms < 60000) {
		if (w->sync.phase == APS_SYNC_DRAINING) {
			FEED(w, DRAINED);
		} else if (w->sync.is_fetching) {
			bool is_base = w->sync.fetch.query == APS_SYNC_BASE_QUERY;
			unsigned n_page =
			        is_base && w->sync.fetch.token.n != 0 ? (unsigned)(w->sync.fetch.token.p[0] - '0') : 0;
			assert_true(++n_fetches < 1000);
			world_pass_time(w, 5);
			bool is_last = !is_base || n_page == 3;
			snprintf(token, sizeof token, "%u", n_page + 1);
			n_base += is_base && n_page == 3;
			world_answer(w, 1, is_last ? "" : token);
			if (w->sync.is_saving) FEED(w, SAVED);
		} else {
			assert_int_equal(w->sync.phase, APS_SYNC_LIVE);
			world_pass_time(w, w->actions.delay_ms);
			FEED(w, DUE);
		}
	}
	assert_in_range(n_base, 20, 30);
	assert_in_range(n_fetches, 80, 300);
	world_clear(w);
}

static void a_pass_that_has_lost_what_it_had_begins_anew(void **state)
{
	(void)state;
	struct sync_world *w = arrive(AHEAD);
	FEED(w, SAVED);
	world_answer(w, 100, "u");
	world_fail(w, APS_SYNC_ON_UNSAVED, APS_SYNC_FAILURE_REFUSED, 500);
	world_pass_time(w, 500);
	assert_string_equal(begin_pass(w, APS_SYNC_ON_DUE), "fetch base size=100\ntell base\n");
	world_clear(w);
}

/* Its pages come: it is no trouble of the service's. */
static void a_page_that_can_not_be_kept_is_asked_for_at_growing_intervals(void **state)
{
	(void)state;
	struct sync_world *w = arrive(KEEPING);
	int64_t waited_ms = 0;
	for (int i = 0; i < 30; i++) {
		world_fail(w, APS_SYNC_ON_UNSAVED, APS_SYNC_FAILURE_RETRY, 0);
		int64_t delay_ms = w->sync.retry_at_ms - w->mono_ms;
		assert_true(delay_ms > 0);
		waited_ms += delay_ms;
		world_pass_time(w, delay_ms);
		begin_pass(w, APS_SYNC_ON_DUE);
		world_answer(w, 100, NULL);
	}
	assert_true(waited_ms > 120000);
	world_clear(w);
}

static void a_pass_that_waited_too_long_for_the_network_begins_anew(void **state)
{
	(void)state;
	struct sync_world *w = arrive(AHEAD);
	FEED(w, SAVED);
	world_fail(w, APS_SYNC_ON_FAILED, APS_SYNC_FAILURE_NETWORK, 0);
	FEED(w, OFFLINE);
	world_pass_time(w, HOUR_MS + 1);
	assert_string_equal(begin_pass(w, APS_SYNC_ON_ONLINE), "fetch base size=100\ntell base\n");
	world_clear(w);
}

static void a_delta_pass_that_waited_too_long_becomes_a_base_pass(void **state)
{
	(void)state;
	struct sync_world *w = arrive(DELTA);
	world_answer(w, 3, "d1");
	FEED(w, SAVED);
	world_fail(w, APS_SYNC_ON_FAILED, APS_SYNC_FAILURE_NETWORK, 0);
	FEED(w, OFFLINE);
	world_pass_time(w, HOUR_MS + 1);
	assert_string_equal(begin_pass(w, APS_SYNC_ON_ONLINE), "fetch base size=100\ntell base\n");
	world_clear(w);
}

/* The device's clock runs a day ahead of the service's, and nobody corrects it. */
static void a_base_pass_gets_to_its_end_with_a_wrong_clock(void **state)
{
	(void)state;
	struct sync_world *w = arrive(BASE);
	w->jump_ms = DAY_MS;
	unsigned n_base = 0;
	char token[16];
	for (int i = 0; w->sync.phase != APS_SYNC_DRAINING || w->sync.running != APS_SYNC_NO_QUERY; i++) {
		assert_true(i < 20);
		if (w->sync.phase == APS_SYNC_DRAINING) FEED(w, DRAINED);
		bool is_base = w->sync.fetch.query == APS_SYNC_BASE_QUERY;
		n_base += is_base;
		snprintf(token, sizeof token, "t%d", i);
		world_answer(w, 100, is_base && n_base < 5 ? token : "");
		FEED(w, SAVED);
	}
	assert_int_equal(n_base, 5);
	world_clear(w);
}

/* Likewise: the plan would have a base pass each time that it is asked. */
static void a_wrong_clock_costs_few_base_passes(void **state)
{
	(void)state;
	struct sync_world *w = arrive(LIVE);
	w->jump_ms = DAY_MS;
	unsigned n_base = 0;
	for (int64_t until_ms = w->mono_ms + 4 * HOUR_MS; w->mono_ms < until_ms;) {
		FEED(w, DUE);
		if (w->sync.phase == APS_SYNC_DRAINING) FEED(w, DRAINED);
		n_base += w->actions.fetches == APS_SYNC_BASE_QUERY;
		if (w->sync.is_fetching) arrive_live(w);
		assert_int_equal(w->sync.phase, APS_SYNC_LIVE);
		assert_int_equal(w->actions.timer, APS_SYNC_TIMER_ARM);
		world_pass_time(w, w->actions.delay_ms);
	}
	assert_in_range(n_base, 1, 16);
	world_clear(w);
}

static void phases_events_and_failures_have_names(void **state)
{
	(void)state;
	assert_string_equal(aps_sync_phase_name(APS_SYNC_POLLING), "polling");
	assert_string_equal(aps_sync_phase_name(APS_SYNC_PHASE_COUNT), "unknown");
	assert_string_equal(aps_sync_event_name(APS_SYNC_ON_UNSAVED), "unsaved");
	assert_string_equal(aps_sync_event_name(APS_SYNC_EVENT_COUNT), "unknown");
	assert_string_equal(aps_sync_failure_name(APS_SYNC_FAILURE_TOO_LARGE), "too_large");
	assert_string_equal(aps_sync_failure_name(APS_SYNC_FAILURE_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_event_in_each_phase_leads_where_the_table_says),
	        cmocka_unit_test(before_the_start_only_the_network_counts),
	        cmocka_unit_test(an_illegal_event_is_an_error_that_names_both),
	        cmocka_unit_test(of_a_subscription_that_is_not_there_nothing_can_be_told),
	        cmocka_unit_test(without_memory_a_page_can_be_fed_again),
	        cmocka_unit_test(a_page_without_a_time_was_made_now),
	        cmocka_unit_test(changes_are_asked_for_from_startedAt_on_or_from_before_the_request),
	        cmocka_unit_test(what_whole_seconds_leave_out_counts_as_out_of_the_window),
	        cmocka_unit_test(what_was_missed_is_asked_for_as_late_as_is_told),
	        cmocka_unit_test(deletions_are_forgotten_that_were_seen_before_the_pass_before),
	        cmocka_unit_test(what_is_seen_is_seen_no_earlier_than_what_is_known),
	        cmocka_unit_test(base_passes_of_a_run_are_spread),
	        cmocka_unit_test(devices_that_lost_their_sockets_together_do_not_poll_together),
	        cmocka_unit_test(slow_pages_do_not_grow),
	        cmocka_unit_test(what_was_too_large_is_tried_again_after_some_pages),
	        cmocka_unit_test(what_has_no_page_size_is_not_made_smaller),
	        cmocka_unit_test(a_delta_query_has_a_page_size_of_its_own),
	        cmocka_unit_test(a_delta_query_without_a_page_size_is_not_made_smaller),
	        cmocka_unit_test(hints_of_a_network_do_not_shorten_the_backoff_for_good),
	        cmocka_unit_test(the_delta_token_is_left_behind_when_it_is_refused),
	        cmocka_unit_test(tokens_that_may_have_been_too_old_are_left_behind_more_often),
	        cmocka_unit_test(a_window_of_a_moment_costs_a_base_query_now_and_then),
	        cmocka_unit_test(a_pass_that_has_lost_what_it_had_begins_anew),
	        cmocka_unit_test(a_page_that_can_not_be_kept_is_asked_for_at_growing_intervals),
	        cmocka_unit_test(a_pass_that_waited_too_long_for_the_network_begins_anew),
	        cmocka_unit_test(a_delta_pass_that_waited_too_long_becomes_a_base_pass),
	        cmocka_unit_test(a_base_pass_gets_to_its_end_with_a_wrong_clock),
	        cmocka_unit_test(a_wrong_clock_costs_few_base_passes),
	        cmocka_unit_test(phases_events_and_failures_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

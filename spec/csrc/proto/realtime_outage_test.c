/* How soon the realtime machine tries again while nothing can be reached, without a sign that the network is back and
 * with one. */
#include "proto/realtime_world.h"

/* Nothing can be reached: each attempt ends `took_ms` after it began, if nothing else happens before. */
static void fail_attempt(struct world *w, int64_t took_ms)
{
	struct aps_err err;
	aps_fail(&err, APS_E_NETWORK, "no route");
	w->now_ms += took_ms;
	w->wants_open = false;
	aps_realtime_closed(w->rt, &err, w->now_ms);
	drain(w, 0);
}

static void live_once(struct world *w, uint64_t seed)
{
	world_start(w, seed);
	add(w, 1);
	settle(w, 1000);
	assert_all_are_live(w);
}

static void attempt_when_due(struct world *w)
{
	w->now_ms = aps_realtime_deadline_ms(w->rt);
	aps_realtime_tick(w->rt, w->now_ms);
	drain(w, 0);
	assert_true(w->wants_open);
}

static void an_outage_has_tries_within_200_ms_at_first_then_5_s_and_after_a_minute_30_s(void **state)
{
	(void)state;
	static const int64_t TOOK_MS[] = {0, 30, 3000, 10000};
	for (uint64_t seed = 1; seed <= 80; seed++) {
		struct world w;
		live_once(&w, seed);
		w.now_ms += 20000;
		int64_t lost_ms = w.now_ms, took_ms = TOOK_MS[seed % APS_COUNTOF(TOOK_MS)], longest_ms = 0;
		lose(&w);
		for (int n = 0; w.now_ms - lost_ms < 600000; n++) {
			int64_t failed_ms = w.now_ms;
			attempt_when_due(&w);
			int64_t pause_ms = w.now_ms - failed_ms;
			if (pause_ms > longest_ms) longest_ms = pause_ms;
			assert_true(n != 0 || pause_ms < 200);
			assert_true(pause_ms < (failed_ms - lost_ms < 60000 ? 4000 : 25000));
			fail_attempt(&w, took_ms);
		}
		assert_true(longest_ms > 10000);
		world_end(&w);
	}
}

static void a_hint_brings_the_next_attempt_within_100_ms(void **state)
{
	(void)state;
	int64_t longest_ms = 0;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct world w;
		live_once(&w, seed);
		lose(&w);
		for (int i = 0; i < 15; i++) {
			attempt_when_due(&w);
			fail_attempt(&w, 1);
		}
		int64_t due_ms = aps_realtime_deadline_ms(w.rt), left_ms = 0;
		aps_realtime_hint(w.rt, w.now_ms);
		drain(&w, 0);
		assert_true(aps_realtime_deadline_ms(w.rt) <= due_ms);
		left_ms = aps_realtime_deadline_ms(w.rt) - w.now_ms;
		assert_in_range(left_ms, 0, 99);
		if (left_ms > longest_ms) longest_ms = left_ms;
		attempt_when_due(&w);
		fail_attempt(&w, 0);
		assert_true(aps_realtime_deadline_ms(w.rt) - w.now_ms < 100); /* it begins anew */
		world_end(&w);
	}
	assert_true(longest_ms > 80);
}

/* It may have begun before the network was back, and fail because of that. */
static void a_hint_in_an_attempt_counts_once_that_has_failed(void **state)
{
	(void)state;
	for (int is_hinted = 0; is_hinted <= 1; is_hinted++) {
		struct world w;
		live_once(&w, 1);
		lose(&w);
		for (int i = 0; i < 15; i++) {
			attempt_when_due(&w);
			fail_attempt(&w, 1);
		}
		attempt_when_due(&w);
		if (is_hinted) aps_realtime_hint(w.rt, w.now_ms);
		drain(&w, 0);
		fail_attempt(&w, 5);
		int64_t left_ms = aps_realtime_deadline_ms(w.rt) - w.now_ms;
		assert_true(is_hinted ? left_ms < 100 : left_ms > 200);
		/* for once */
		for (int i = 0; i < 15; i++) {
			attempt_when_due(&w);
			fail_attempt(&w, 5);
		}
		assert_true(aps_realtime_deadline_ms(w.rt) - w.now_ms > 200);
		world_end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_outage_has_tries_within_200_ms_at_first_then_5_s_and_after_a_minute_30_s),
	        cmocka_unit_test(a_hint_brings_the_next_attempt_within_100_ms),
	        cmocka_unit_test(a_hint_in_an_attempt_counts_once_that_has_failed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

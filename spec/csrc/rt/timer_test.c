#include "rt/timer.h"

#include "base/mem.h"
#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { N_MANY = 300 };

struct log {
	int64_t at[N_MANY];
	size_t n;
	struct aps_timers *timers;
	int64_t again_ms;
};

static void note(struct aps_timer *timer, void *context, int64_t now_ms)
{
	struct log *log = context;
	assert_true(timer->at_ms <= now_ms);
	assert_int_equal(timer->index, 0);
	log->at[log->n++] = timer->at_ms;
}

static void note_and_arm_again(struct aps_timer *timer, void *context, int64_t now_ms)
{
	struct log *log = context;
	note(timer, context, now_ms);
	assert_true(aps_timer_set(log->timers, timer, log->again_ms));
}

static void runs_due_timers_in_the_order_of_their_deadlines(void **state)
{
	(void)state;
	struct aps_timers timers;
	aps_timers_init(&timers);
	struct aps_timer a = {.due = note}, b = {.due = note}, c = {.due = note};
	assert_int_equal(aps_timers_left_ms(&timers, 0), -1);
	aps_timer_set(&timers, &a, 30);
	aps_timer_set(&timers, &b, 10);
	aps_timer_set(&timers, &c, 20);
	assert_int_equal(aps_timers_left_ms(&timers, 4), 6);
	assert_int_equal(aps_timers_left_ms(&timers, 10), 0);
	assert_int_equal(aps_timers_left_ms(&timers, 99), 0);
	struct log log = {.n = 0};
	aps_timers_run(&timers, &log, 9);
	assert_int_equal(log.n, 0);
	aps_timers_run(&timers, &log, 20);
	assert_int_equal(log.n, 2);
	assert_int_equal(log.at[0], 10);
	assert_int_equal(log.at[1], 20);
	assert_int_equal(a.index, 1);
	aps_timers_clear(&timers);
	assert_int_equal(a.index, 0);
	aps_timers_clear(&timers);
}

static void moves_and_stops(void **state)
{
	(void)state;
	struct aps_timers timers;
	aps_timers_init(&timers);
	struct aps_timer a = {.due = note}, b = {.due = note};
	aps_timer_set(&timers, &a, 10);
	aps_timer_set(&timers, &b, 20);
	aps_timer_set(&timers, &a, 40);
	assert_int_equal(aps_timers_left_ms(&timers, 0), 20);
	aps_timer_set(&timers, &a, 5);
	assert_int_equal(aps_timers_left_ms(&timers, 0), 5);
	aps_timer_stop(&timers, &a);
	aps_timer_stop(&timers, &a);
	assert_int_equal(aps_timers_left_ms(&timers, 0), 20);
	aps_timer_stop(&timers, &b);
	assert_int_equal(aps_timers_left_ms(&timers, 0), -1);
	aps_timers_clear(&timers);
}

static void a_timer_may_arm_itself_again(void **state)
{
	(void)state;
	struct aps_timers timers;
	aps_timers_init(&timers);
	struct aps_timer a = {.due = note_and_arm_again};
	struct log log = {.timers = &timers, .again_ms = 50};
	aps_timer_set(&timers, &a, 10);
	aps_timers_run(&timers, &log, 20);
	assert_int_equal(log.n, 1);
	assert_int_equal(aps_timers_left_ms(&timers, 20), 30);
	aps_timers_clear(&timers);
}

static void arming_tells_when_memory_is_out_and_moving_needs_none(void **state)
{
	(void)state;
	struct aps_timers timers;
	aps_timers_init(&timers);
	struct aps_timer a = {.due = note};
	aps_mem_fail_at(1);
	assert_false(aps_timer_set(&timers, &a, 1));
	assert_int_equal(a.index, 0);
	assert_true(aps_timer_set(&timers, &a, 1));
	aps_mem_fail_at(1);
	assert_true(aps_timer_set(&timers, &a, 2));
	aps_timer_stop(&timers, &a);
	assert_true(aps_timer_set(&timers, &a, 3));
	aps_mem_fail_at(0);
	aps_timers_clear(&timers);
}

static void agrees_with_sorting_on_random_schedules(void **state)
{
	(void)state;
	uint64_t seed = 20240607;
	printf("seed %llu\n", (unsigned long long)seed);
	struct aps_rand rand;
	aps_rand_init(&rand, seed);
	for (int round = 0; round < 20; round++) {
		struct aps_timers timers;
		aps_timers_init(&timers);
		struct aps_timer many[N_MANY] = {0};
		size_t n_armed = 0;
		for (size_t i = 0; i < N_MANY; i++) {
			many[i].due = note;
			aps_timer_set(&timers, &many[i], (int64_t)aps_rand_below(&rand, 1000));
		}
		for (size_t i = 0; i < N_MANY; i++) {
			if (aps_rand_below(&rand, 3) == 0)
				aps_timer_stop(&timers, &many[i]);
			else if (aps_rand_below(&rand, 2) == 0)
				aps_timer_set(&timers, &many[i], (int64_t)aps_rand_below(&rand, 1000));
			n_armed += many[i].index != 0;
		}
		struct log log = {.n = 0};
		aps_timers_run(&timers, &log, 2000);
		assert_int_equal(log.n, n_armed);
		for (size_t i = 1; i < log.n; i++) assert_true(log.at[i - 1] <= log.at[i]);
		aps_timers_clear(&timers);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(runs_due_timers_in_the_order_of_their_deadlines),
	        cmocka_unit_test(moves_and_stops),
	        cmocka_unit_test(a_timer_may_arm_itself_again),
	        cmocka_unit_test(arming_tells_when_memory_is_out_and_moving_needs_none),
	        cmocka_unit_test(agrees_with_sorting_on_random_schedules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void delays_fill_the_whole_range_below_the_doubling_bound(void **state)
{
	(void)state;
	const uint64_t seed = 20240607;
	const struct aps_backoff_policy policy = {.base_ms = 100, .cap_ms = 60000};
	struct aps_rand rand;
	aps_rand_init(&rand, seed);
	print_message("seed %llu\n", (unsigned long long)seed);
	for (unsigned attempt = 0; attempt < 14; attempt++) {
		int64_t bound = attempt < 10 ? INT64_C(100) << attempt : 60000;
		if (bound > 60000) bound = 60000;
		int64_t least = INT64_MAX, most = -1, sum = 0;
		const int n = 4000;
		for (int i = 0; i < n; i++) {
			int64_t delay = aps_backoff_delay_ms(&policy, attempt, &rand);
			if (delay < least) least = delay;
			if (delay > most) most = delay;
			sum += delay;
		}
		assert_true(least >= 0 && most < bound);
		assert_true(least <= bound / 50 && most >= bound - bound / 50);
		int64_t mean = sum / n;
		assert_true(mean > bound * 46 / 100 && mean < bound * 54 / 100);
	}
}

static void huge_attempts_and_odd_policies_stay_within_the_cap(void **state)
{
	(void)state;
	struct aps_rand rand;
	aps_rand_init(&rand, 1);
	const struct aps_backoff_policy large = {.base_ms = 3, .cap_ms = INT64_MAX};
	const struct aps_backoff_policy none = {.base_ms = 0, .cap_ms = 1000};
	const struct aps_backoff_policy low_cap = {.base_ms = 1000, .cap_ms = 5};
	for (int i = 0; i < 100; i++) {
		assert_true(aps_backoff_delay_ms(&large, 4000000000u, &rand) >= 0);
		assert_int_equal(aps_backoff_delay_ms(&none, 5, &rand), 0);
		assert_in_range(aps_backoff_delay_ms(&low_cap, 5, &rand), 0, 4);
	}
}

static void one_seed_gives_one_sequence_of_delays(void **state)
{
	(void)state;
	const struct aps_backoff_policy policy = {.base_ms = 100, .cap_ms = 300000};
	struct aps_rand a, b;
	aps_rand_init(&a, 9);
	aps_rand_init(&b, 9);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(aps_backoff_delay_ms(&policy, i, &a), aps_backoff_delay_ms(&policy, i, &b));
}

static int64_t most_of(const struct aps_backoff_policy *policy, int64_t outage_ms, int64_t took_ms)
{
	struct aps_rand rand;
	aps_rand_init(&rand, 5);
	int64_t most = -1;
	for (int i = 0; i < 4000; i++) {
		int64_t delay = aps_backoff_outage_ms(policy, 20, outage_ms, took_ms, &rand);
		assert_true(delay >= 0);
		if (delay > most) most = delay;
	}
	return most;
}

static void while_nothing_is_reached_the_bound_is_4_s_in_the_first_minute_and_25_s_later(void **state)
{
	(void)state;
	const struct aps_backoff_policy usual = {.base_ms = 100, .cap_ms = 60000};
	const struct aps_backoff_policy patient = {.base_ms = 30000, .cap_ms = 60000};
	const struct aps_backoff_policy eager = {.base_ms = 10, .cap_ms = 200};
	assert_in_range(most_of(&usual, 0, 0), 3950, 3999);
	assert_in_range(most_of(&usual, 59999, 0), 3950, 3999);
	assert_in_range(most_of(&usual, 60000, 0), 24700, 24999);
	assert_in_range(most_of(&patient, 0, 0), 29700, 29999); /* as long as it was wished to be */
	assert_in_range(most_of(&patient, 60000, 0), 29700, 29999);
	assert_in_range(most_of(&eager, 60000, 0), 190, 199);
}

static void what_a_try_took_is_part_of_the_delay(void **state)
{
	(void)state;
	const struct aps_backoff_policy policy = {.base_ms = 100, .cap_ms = 60000};
	assert_in_range(most_of(&policy, 0, 3000), 950, 999);
	assert_in_range(most_of(&policy, 0, 30000), 95, 99); /* never none at all */
	assert_in_range(most_of(&policy, 0, -5), 3950, 3999);
}

static void what_all_do_for_one_reason_is_spread_over_100_ms(void **state)
{
	(void)state;
	int n_of[10] = {0};
	struct aps_rand rand;
	aps_rand_init(&rand, 11);
	for (int i = 0; i < 10000; i++) {
		int64_t delay = aps_backoff_spread_ms(&rand);
		assert_in_range(delay, 0, 99);
		n_of[delay / 10]++;
	}
	for (int i = 0; i < 10; i++) assert_in_range(n_of[i], 850, 1150);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(delays_fill_the_whole_range_below_the_doubling_bound),
	        cmocka_unit_test(huge_attempts_and_odd_policies_stay_within_the_cap),
	        cmocka_unit_test(while_nothing_is_reached_the_bound_is_4_s_in_the_first_minute_and_25_s_later),
	        cmocka_unit_test(what_a_try_took_is_part_of_the_delay),
	        cmocka_unit_test(what_all_do_for_one_reason_is_spread_over_100_ms),
	        cmocka_unit_test(one_seed_gives_one_sequence_of_delays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(delays_fill_the_whole_range_below_the_doubling_bound),
	        cmocka_unit_test(huge_attempts_and_odd_policies_stay_within_the_cap),
	        cmocka_unit_test(one_seed_gives_one_sequence_of_delays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

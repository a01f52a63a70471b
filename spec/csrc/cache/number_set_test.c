#include "cache/number_set.h"

#include "base/mem.h"
#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define N_NUMBERS 20000

static void a_set_does_what_an_array_of_flags_does(void **state)
{
	(void)state;
	static bool wanted[N_NUMBERS];
	size_t n_wanted = 0;
	struct aps_number_set set = {.pages = NULL};
	struct aps_rand rand;
	print_message("seed 7\n");
	aps_rand_init(&rand, 7);
	memset(wanted, 0, sizeof wanted);
	assert_int_equal(aps_number_set_next(&set, 0), 0);
	for (int step = 0; step < 60000; step++) {
		uint64_t number = 1 + aps_rand_below(&rand, N_NUMBERS - 1), next;
		bool is_new;
		switch (aps_rand_below(&rand, 4)) {
		case 0:
			assert_true(aps_number_set_add(&set, number, &is_new));
			assert_int_equal(is_new, !wanted[number]);
			n_wanted += is_new;
			wanted[number] = true;
			break;
		case 1:
			aps_number_set_remove(&set, number);
			n_wanted -= wanted[number];
			wanted[number] = false;
			break;
		case 2:
			for (next = number + 1; next < N_NUMBERS && !wanted[next];) next++;
			assert_int_equal(aps_number_set_next(&set, number), next < N_NUMBERS ? next : 0);
			break;
		default: assert_int_equal(aps_number_set_has(&set, number), wanted[number]);
		}
		assert_int_equal(set.n_members, n_wanted);
	}
	aps_number_set_clear(&set);
	aps_number_set_clear(&set);
	assert_int_equal(set.n_members, 0);
	assert_int_equal(aps_mem_live(), 0);
}

static void numbers_may_lie_far_apart(void **state)
{
	(void)state;
	static const uint64_t NUMBERS[] = {1, 63, 64, 4095, 4096, 4097, 1000000, 99999999};
	struct aps_number_set set = {.pages = NULL};
	for (size_t i = 0; i < APS_COUNTOF(NUMBERS); i++) assert_true(aps_number_set_add(&set, NUMBERS[i], NULL));
	uint64_t number = 0;
	for (size_t i = 0; i < APS_COUNTOF(NUMBERS); i++) {
		number = aps_number_set_next(&set, number);
		assert_int_equal(number, NUMBERS[i]);
	}
	assert_int_equal(aps_number_set_next(&set, number), 0);
	assert_false(aps_number_set_has(&set, UINT64_MAX));
	aps_number_set_remove(&set, UINT64_MAX);
	aps_number_set_clear(&set);
}

static void without_memory_nothing_is_added(void **state)
{
	(void)state;
	struct aps_number_set set = {.pages = NULL};
	for (size_t nth = 1;; nth++) {
		aps_mem_fail_at(nth);
		bool is_ok = aps_number_set_add(&set, 5000, NULL);
		aps_mem_fail_at(0);
		assert_int_equal(aps_number_set_has(&set, 5000), is_ok);
		assert_int_equal(set.n_members, is_ok);
		if (is_ok) break;
	}
	aps_number_set_clear(&set);
	assert_int_equal(aps_mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_set_does_what_an_array_of_flags_does),
	        cmocka_unit_test(numbers_may_lie_far_apart),
	        cmocka_unit_test(without_memory_nothing_is_added),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "cache/ages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void what_is_older_is_never_of_a_younger_class(void **state)
{
	(void)state;
	unsigned last = 0;
	for (uint64_t minutes = 0; minutes < 3000000; minutes++) {
		unsigned age = aps_age_class(minutes);
		if (age < last || age > last + 1) fail_msg("%llu minutes", (unsigned long long)minutes);
		last = age;
	}
	assert_true(last < APS_N_AGES);
	assert_int_equal(aps_age_class(UINT64_MAX), APS_N_AGES - 1);
}

static void classes_are_exact_for_an_hour_and_near_after_it(void **state)
{
	(void)state;
	for (uint64_t minutes = 0; minutes < 60; minutes++) assert_int_equal(aps_age_class(minutes), minutes);
	for (uint64_t minutes = 64; minutes < 3000000; minutes += 97)
		assert_true(aps_age_class(minutes + minutes / 30) > aps_age_class(minutes));
}

static void the_oldest_go_until_the_rest_fits(void **state)
{
	(void)state;
	struct aps_ages ages = {.bytes = {0}};
	ages.bytes[aps_age_class(0)] = 100;
	ages.bytes[aps_age_class(5)] = 10;
	ages.bytes[aps_age_class(50000)] = 1;
	static const struct {
		uint64_t n_bytes;
		uint64_t minutes;
	} ROWS[] = {{1, 50000}, {2, 5}, {11, 5}, {12, 0}, {111, 0}, {112, 0}};
	assert_int_equal(aps_ages_cut(&ages, 0), APS_N_AGES);
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++)
		assert_int_equal(aps_ages_cut(&ages, ROWS[i].n_bytes), aps_age_class(ROWS[i].minutes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_older_is_never_of_a_younger_class),
	        cmocka_unit_test(classes_are_exact_for_an_hour_and_near_after_it),
	        cmocka_unit_test(the_oldest_go_until_the_rest_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka needs the four above */
#include <cmocka.h>

static void the_same_seed_gives_the_same_numbers(void **state)
{
	(void)state;
	struct aps_rand a, b, c;
	aps_rand_init(&a, 42);
	aps_rand_init(&b, 42);
	aps_rand_init(&c, 43);
	bool differs = false;
	for (int i = 0; i < 100; i++) {
		uint64_t number = aps_rand_u64(&a);
		assert_true(number == aps_rand_u64(&b));
		differs = differs || number != aps_rand_u64(&c);
	}
	assert_true(differs);
}

static void numbers_below_a_bound_reach_all_of_it(void **state)
{
	(void)state;
	struct aps_rand rand;
	int counts[7] = {0};
	aps_rand_init(&rand, 1);
	for (int i = 0; i < 7000; i++) {
		uint64_t number = aps_rand_below(&rand, 7);
		assert_true(number < 7);
		counts[number]++;
	}
	for (int i = 0; i < 7; i++) assert_in_range(counts[i], 800, 1200);
	assert_true(aps_rand_below(&rand, 0) == 0);
	assert_true(aps_rand_below(&rand, 1) == 0);
}

static void a_uuid_has_the_shape_of_version_4(void **state)
{
	(void)state;
	struct aps_rand rand;
	char text[APS_UUID_CHARS + 1], other[APS_UUID_CHARS + 1];
	aps_rand_init(&rand, 9);
	for (int i = 0; i < 200; i++) {
		aps_rand_uuid(&rand, text);
		assert_int_equal(strlen(text), APS_UUID_CHARS);
		for (int k = 0; k < APS_UUID_CHARS; k++) {
			bool is_dash = k == 8 || k == 13 || k == 18 || k == 23;
			assert_non_null(strchr(is_dash ? "-" : "0123456789abcdef", text[k]));
		}
		assert_int_equal(text[14], '4');
		assert_non_null(strchr("89ab", text[19]));
		if (i != 0) assert_string_not_equal(text, other);
		memcpy(other, text, sizeof text);
	}
}

static void the_system_gives_different_bytes_each_time(void **state)
{
	(void)state;
	unsigned char a[600], b[600];
	assert_true(aps_rand_system(a, sizeof a));
	assert_true(aps_rand_system(b, sizeof b));
	assert_memory_not_equal(a, b, sizeof a);
	assert_memory_not_equal(a + 512, b + 512, 88);
	struct aps_rand first, second;
	aps_rand_init_system(&first);
	aps_rand_init_system(&second);
	assert_true(aps_rand_u64(&first) != aps_rand_u64(&second));
}

static void a_simulation_gives_the_bytes_of_its_seed(void **state)
{
	(void)state;
	unsigned char a[37], b[37], c[37];
	aps_rand_simulate(7);
	assert_true(aps_rand_system(a, sizeof a));
	aps_rand_simulate(7);
	assert_true(aps_rand_system(b, sizeof b));
	assert_true(aps_rand_system(c, sizeof c));
	assert_memory_equal(a, b, sizeof a);
	assert_memory_not_equal(a, c, sizeof a);
	aps_rand_simulate_end();
	assert_true(aps_rand_system(b, sizeof b));
	assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
	        cmocka_unit_test(numbers_below_a_bound_reach_all_of_it),
	        cmocka_unit_test(a_uuid_has_the_shape_of_version_4),
	        cmocka_unit_test(the_system_gives_different_bytes_each_time),
	        cmocka_unit_test(a_simulation_gives_the_bytes_of_its_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

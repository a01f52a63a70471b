#include "store/row_sum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static int64_t sum_of(uint64_t number, const char *key, size_t n_key, const char *content, size_t n_content)
{
	struct aps_row_sum sum;
	aps_row_sum_init(&sum);
	aps_row_sum_add_int(&sum, number);
	aps_row_sum_add(&sum, (struct aps_str){key, n_key});
	aps_row_sum_add(&sum, (struct aps_str){content, n_content});
	return aps_row_sum_value(&sum);
}

static void each_bit_counts_wherever_it_stands(void **state)
{
	(void)state;
	char text[67];
	for (size_t i = 0; i < sizeof text; i++) text[i] = (char)(i * 31);
	for (size_t n = 0; n <= sizeof text; n++) {
		int64_t whole = sum_of(5, "R", 1, text, n);
		for (size_t i = 0; i < 8 * n; i++) {
			text[i / 8] ^= (char)(1 << i % 8);
			assert_true(sum_of(5, "R", 1, text, n) != whole);
			text[i / 8] ^= (char)(1 << i % 8);
		}
		assert_true(sum_of(5, "R", 1, text, n) == whole);
		if (n != 0) assert_true(sum_of(5, "R", 1, text, n - 1) != whole);
		for (int i = 0; i < 64; i++) assert_true(sum_of(5 ^ UINT64_C(1) << i, "R", 1, text, n) != whole);
	}
}

static void two_texts_are_not_one(void **state)
{
	(void)state;
	assert_true(sum_of(1, "ab", 2, "c", 1) != sum_of(1, "a", 1, "bc", 2));
	assert_true(sum_of(1, "", 0, "abc", 3) != sum_of(1, "abc", 3, "", 0));
	assert_true(sum_of(1, "a", 1, "\0", 1) != sum_of(1, "a", 1, "", 0));
}

/* A store is read by later versions, and on other machines. */
static void sums_stay_what_they_are(void **state)
{
	(void)state;
	assert_int_equal(sum_of(17, "RPost:1", 7, "0123456789abcdef", 16), 1847561051);
	assert_int_equal(sum_of(UINT64_MAX, "", 0, "\xff\x80", 2), 2111682331);
}

static void a_sum_takes_no_more_than_four_bytes_and_is_never_zero(void **state)
{
	(void)state;
	char key[24];
	for (int i = 0; i < 200000; i++) {
		int64_t sum = sum_of((uint64_t)i, key, (size_t)snprintf(key, sizeof key, "RPost:%d", i), "x", 1);
		assert_true(sum != 0 && sum >= INT32_MIN && sum <= INT32_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_bit_counts_wherever_it_stands),
	        cmocka_unit_test(two_texts_are_not_one),
	        cmocka_unit_test(sums_stay_what_they_are),
	        cmocka_unit_test(a_sum_takes_no_more_than_four_bytes_and_is_never_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

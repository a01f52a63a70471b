#include "base/str.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>

static void strings_are_compared_by_their_bytes(void **state)
{
	(void)state;
	assert_true(aps_str_eq(APS_STR("a\0b"), APS_STR("a\0b")));
	assert_false(aps_str_eq(APS_STR("a\0b"), APS_STR("a\0c")));
	assert_false(aps_str_eq(APS_STR("a"), APS_STR("ab")));
	assert_true(aps_str_eq((struct aps_str){NULL, 0}, APS_STR("")));
	assert_true(aps_str_is(APS_STR("abc"), "abc"));
	assert_false(aps_str_is(APS_STR("abc"), "ab"));
	assert_int_equal(aps_str_of(NULL).n, 0);
	assert_int_equal(aps_str_of("abc").n, 3);
}

static void only_ascii_letters_have_a_case(void **state)
{
	(void)state;
	assert_true(aps_str_eq_nocase(APS_STR("Content-TYPE"), APS_STR("content-type")));
	assert_false(aps_str_eq_nocase(APS_STR("[a"), APS_STR("{a")));
	assert_false(aps_str_eq_nocase(APS_STR("a"), APS_STR("ab")));
	assert_false(aps_str_eq_nocase(APS_STR("\xc3\x84"), APS_STR("\xc3\xa4")));
}

static void parts_are_found_at_both_ends_and_within(void **state)
{
	(void)state;
	struct aps_str text = APS_STR("hello");
	assert_true(aps_str_starts(text, "he"));
	assert_true(aps_str_starts(text, ""));
	assert_false(aps_str_starts(text, "hello!"));
	assert_true(aps_str_ends(text, "lo"));
	assert_false(aps_str_ends(text, "la"));
	assert_false(aps_str_ends(APS_STR("lo"), "hello"));
	assert_ptr_equal(aps_str_find(text, "l"), text.p + 2);
	assert_ptr_equal(aps_str_find(text, "lo"), text.p + 3);
	assert_ptr_equal(aps_str_find(text, ""), text.p);
	assert_null(aps_str_find(text, "lox"));
	assert_null(aps_str_find((struct aps_str){text.p, 4}, "lo"));
}

static void order_is_by_bytes_and_then_by_length(void **state)
{
	(void)state;
	assert_true(aps_str_cmp(APS_STR("a"), APS_STR("b")) < 0);
	assert_true(aps_str_cmp(APS_STR("b"), APS_STR("ab")) > 0);
	assert_true(aps_str_cmp(APS_STR("a"), APS_STR("ab")) < 0);
	assert_true(aps_str_cmp(APS_STR("\xff"), APS_STR("a")) > 0);
	assert_int_equal(aps_str_cmp(APS_STR("ab"), APS_STR("ab")), 0);
	assert_int_equal(aps_str_cmp((struct aps_str){NULL, 0}, APS_STR("")), 0);
}

static void of_a_long_name_the_beginning_is_shown(void **state)
{
	char name[100] = {0};
	(void)state;
	assert_int_equal(aps_str_shown(APS_STR("")), 0);
	assert_int_equal(aps_str_shown(APS_STR("post")), 4);
	assert_int_equal(aps_str_shown((struct aps_str){name, sizeof name}), APS_STR_MAX_SHOWN);
}

static void white_space_is_trimmed_at_both_ends(void **state)
{
	(void)state;
	assert_true(aps_str_is(aps_str_trim(APS_STR(" \t\r\n a b \t\r\n ")), "a b"));
	assert_true(aps_str_is(aps_str_trim(APS_STR("ab")), "ab"));
	assert_int_equal(aps_str_trim(APS_STR(" \t ")).n, 0);
	assert_int_equal(aps_str_trim(APS_STR("")).n, 0);
}

static void the_hash_depends_on_bytes_and_seed(void **state)
{
	(void)state;
	assert_true(aps_str_hash(APS_STR("abc"), 1) == aps_str_hash(APS_STR("abc"), 1));
	assert_true(aps_str_hash(APS_STR("abc"), 1) != aps_str_hash(APS_STR("abd"), 1));
	assert_true(aps_str_hash(APS_STR("abc"), 1) != aps_str_hash(APS_STR("abc"), 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(strings_are_compared_by_their_bytes),
	        cmocka_unit_test(only_ascii_letters_have_a_case),
	        cmocka_unit_test(parts_are_found_at_both_ends_and_within),
	        cmocka_unit_test(order_is_by_bytes_and_then_by_length),
	        cmocka_unit_test(of_a_long_name_the_beginning_is_shown),
	        cmocka_unit_test(white_space_is_trimmed_at_both_ends),
	        cmocka_unit_test(the_hash_depends_on_bytes_and_seed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

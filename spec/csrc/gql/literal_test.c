#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "gql/literal.h"

static struct aps_arena arena;

static int setup(void **state)
{
	(void)state;
	aps_arena_init(&arena, 1024 * 1024);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aps_arena_clear(&arena);
	return aps_mem_live() == 0 ? 0 : -1;
}

static void assert_bytes(struct aps_str got, const char *expected)
{
	if (!aps_str_is(got, expected)) print_message("got: %.*s\nexpected: %s\n", (int)got.n, got.p, expected);
	assert_true(aps_str_is(got, expected));
}

static void block_strings_lose_their_common_indentation(void **state)
{
	(void)state;
	static const struct {
		const char *raw;
		const char *value;
	} CASES[] = {
	        {"", ""},
	        {"abc", "abc"},
	        {"  abc  ", "  abc  "},
	        {"   ", ""},
	        {"\n \n\t\n", ""},
	        {"\n    Hello,\n      World!\n\n    Yours,\n      GraphQL.\n  ",
	         "Hello,\n  World!\n\nYours,\n  GraphQL."},
	        {"    Hello,\n      World!\n\n    Yours,\n      GraphQL.",
	         "    Hello,\n  World!\n\nYours,\n  GraphQL."},
	        {"\n\n    a\n  b\n", "  a\nb"},
	        {"a\r\nb\rc\nd", "a\nb\nc\nd"},
	        {"\n  a\n \n   b\n", "a\n\n b"},
	        {"\n  a\n     \n  b", "a\n   \nb"},
	        {"\n\ta\n\t\tb", "a\n\tb"},
	        {"\n \ta\n\t b", "a\nb"},
	        {"\n  a  \n  b  \n", "a  \nb  "},
	        {"x\n    y\n  z", "x\n  y\nz"},
	        {"x\n\n\n", "x"},
	        {"\\n \\u0041 \\\"\"\" \\", "\\n \\u0041 \"\"\" \\"},
	        {"\n  \\\"\"\"a\\\"\"\"", "\"\"\"a\"\"\""},
	        {"\n\xc3\xa9\n \xf0\x9f\x98\x80", "\xc3\xa9\n \xf0\x9f\x98\x80"},
	};
	for (size_t i = 0; i < APS_COUNTOF(CASES); i++) {
		struct aps_str value;
		assert_true(aps_gql_literal_block_value(&arena, aps_str_of(CASES[i].raw), &value));
		assert_bytes(value, CASES[i].value);
	}
}

static void escapes_are_resolved(void **state)
{
	(void)state;
	struct aps_str value;
	assert_true(aps_gql_literal_value(&arena, APS_STR("\\\"\\\\\\/\\b\\f\\n\\r\\t"), &value));
	assert_bytes(value, "\"\\/\b\f\n\r\t");
	assert_true(aps_gql_literal_value(&arena, APS_STR("\\u0041\\u00e9\\u20AC\\uD83D\\uDE00!"), &value));
	assert_bytes(value, "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!");
	assert_true(aps_gql_literal_value(&arena, APS_STR("a\\u0000b"), &value));
	assert_int_equal(value.n, 3);
	assert_memory_equal(value.p, "a\0b", 3);
	struct aps_str raw = APS_STR("no escape");
	assert_true(aps_gql_literal_value(&arena, raw, &value));
	assert_ptr_equal(value.p, raw.p);
}

static void strings_are_printed_with_escapes(void **state)
{
	(void)state;
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	aps_gql_literal_print(&out, (struct aps_str){"\b\t\n\f\r\"\\/\0\x0b\x7f\xc2\x9f\xc2\xa0\xc3\xa9", 17});
	assert_bytes(aps_buf_str(&out), "\"\\b\\t\\n\\f\\r\\\"\\\\/\\u0000\\u000B\\u007F\\u009F\xc2\xa0\xc3\xa9\"");
	aps_buf_clear(&out);
}

static void block_strings_are_printed_and_read_back(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		const char *print;
	} CASES[] = {
	        {"", "\"\"\"\"\"\""},
	        {"abc", "\"\"\"abc\"\"\""},
	        {"  abc", "\"\"\"  abc\"\"\""},
	        {"a\nb", "\"\"\"\n  a\n  b\n  \"\"\""},
	        {"  a\nb", "\"\"\"\n    a\n  b\n  \"\"\""},
	        {"a\n\n b", "\"\"\"\n  a\n  \n   b\n  \"\"\""},
	        {"a\"", "\"\"\"\n  a\"\n  \"\"\""},
	        {" a\"", "\"\"\" a\"\n  \"\"\""},
	        {"a\\", "\"\"\"\n  a\\\n  \"\"\""},
	        {"a\"\"\"b", "\"\"\"a\\\"\"\"b\"\"\""},
	        {"a\"\"\"", "\"\"\"\n  a\\\"\"\"\n  \"\"\""},
	        {"\"\"\"\"", "\"\"\"\n  \\\"\"\"\"\n  \"\"\""},
	        {"\\\"\"\"b", "\"\"\"\\\\\"\"\"b\"\"\""},
	};
	for (size_t i = 0; i < APS_COUNTOF(CASES); i++) {
		struct aps_buf out;
		struct aps_str value = aps_str_of(CASES[i].value), again;
		aps_buf_init(&out, APS_BUF_ANY_SIZE);
		assert_true(aps_gql_literal_fits_block(value));
		aps_gql_literal_print_block(&out, value, 2);
		assert_bytes(aps_buf_str(&out), CASES[i].print);
		assert_true(aps_gql_literal_block_value(&arena, (struct aps_str){out.p + 3, out.n - 6}, &again));
		assert_bytes(again, CASES[i].value);
		aps_buf_clear(&out);
	}
}

static void a_long_single_line_stands_on_its_own(void **state)
{
	(void)state;
	struct aps_buf out;
	char text[72];
	memset(text, 'x', sizeof text);
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	aps_gql_literal_print_block(&out, (struct aps_str){text, 70}, 0);
	assert_int_equal(out.n, 76);
	aps_buf_reset(&out);
	aps_gql_literal_print_block(&out, (struct aps_str){text, 71}, 0);
	assert_int_equal(out.n, 79);
	assert_int_equal(out.p[3], '\n');
	aps_buf_clear(&out);
}

static void values_that_a_block_cannot_hold_are_known(void **state)
{
	(void)state;
	static const char *const UNFIT[] = {" ",    "\n",       "a\n",  "\na",   " \na",
	                                    "a\n ", "  a\n  b", "a\rb", "a\x01", "\t\n\tb"};
	for (size_t i = 0; i < APS_COUNTOF(UNFIT); i++) assert_false(aps_gql_literal_fits_block(aps_str_of(UNFIT[i])));
}

static void lengths_count_utf16_units(void **state)
{
	(void)state;
	assert_int_equal(aps_gql_literal_units(APS_STR("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(block_strings_lose_their_common_indentation, setup, teardown),
	        cmocka_unit_test_setup_teardown(escapes_are_resolved, setup, teardown),
	        cmocka_unit_test_setup_teardown(strings_are_printed_with_escapes, setup, teardown),
	        cmocka_unit_test_setup_teardown(block_strings_are_printed_and_read_back, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_long_single_line_stands_on_its_own, setup, teardown),
	        cmocka_unit_test_setup_teardown(values_that_a_block_cannot_hold_are_known, setup, teardown),
	        cmocka_unit_test_setup_teardown(lengths_count_utf16_units, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "sync/same_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define YES     APS_SAME_JSON_YES
#define NO      APS_SAME_JSON_NO
#define UNCLEAR APS_SAME_JSON_UNCLEAR

struct row {
	const char *sent;
	const char *shown;
	enum aps_same_json same;
};

static void check(const struct row *rows, size_t n_rows)
{
	for (size_t i = 0; i < n_rows; i++) {
		size_t budget = APS_SAME_JSON_BYTES;
		print_message("%s %s\n", rows[i].sent, rows[i].shown);
		assert_int_equal(aps_same_json(aps_str_of(rows[i].sent), aps_str_of(rows[i].shown), &budget),
		                 rows[i].same);
	}
}

static void scalars_are_the_same_by_value(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"null", "null", YES},
	        {"null", "0", NO},
	        {"false", "null", NO},
	        {"true", "true", YES},
	        {"true", "false", NO},
	        {"\"a\"", "\"a\"", YES},
	        {"\"\\u00e9\\/\"", "\"\xc3\xa9/\"", YES},
	        {"\"a\"", "\"A\"", NO},
	        {"\"true\"", "true", NO},
	        {"\"{\\\"a\\\":1}\"", "\"{ \\\"a\\\":1}\"", NO}, /* AWSJSON is a string */
	};
	check(ROWS, APS_COUNTOF(ROWS));
}

static void numbers_are_the_same_by_value(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"1", "1", YES},
	        {"1", "1.0", YES},
	        {"1.0", "1", YES},
	        {"1e2", "100", YES},
	        {"0.1", "1e-1", YES},
	        {"-0", "0", YES},
	        {"1", "2", NO},
	        {"0.1", "0.10000000000000002", NO},
	        {"9007199254740993", "9007199254740992", NO},
	        {"9007199254740993", "9007199254740992.0", NO},
	        {"9007199254740992", "9007199254740992.0", YES},
	        {"123456789012345678901234567890", "123456789012345678901234567890", YES},
	        {"123456789012345678901234567890", "123456789012345678901234567891", NO},
	        {"1e999", "1e999", YES},
	        {"1e999", "2e999", NO},
	        {"5", "\"5\"", YES}, /* an ID */
	        {"123456789012345678901234567890", "\"123456789012345678901234567890\"", YES},
	        {"5", "\"05\"", NO},
	        {"5.0", "\"5.0\"", NO},
	        {"\"5\"", "5", NO},
	};
	check(ROWS, APS_COUNTOF(ROWS));
}

static void objects_are_the_same_as_far_as_they_are_shown(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"{}", "{}", YES},
	        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", YES},
	        {"{\"a\":1,\"b\":2}", "{\"a\":1}", YES},
	        {"{\"a\":1,\"b\":null}", "{\"a\":1}", YES},
	        {"{\"a\":1}", "{\"a\":1,\"b\":null}", YES},
	        {"{\"a\":1}", "{\"a\":1,\"__typename\":\"T\"}", YES},
	        {"{\"a\":1}", "{\"a\":1,\"b\":2}", NO},
	        {"{\"a\":1}", "{\"a\":null}", NO},
	        {"{\"a\":null}", "{\"a\":1}", NO},
	        {"{\"a\":{\"b\":[1,{\"c\":2}]}}", "{\"a\":{\"b\":[1.0,{\"c\":2,\"__typename\":\"T\"}]}}", YES},
	        {"{\"a\":{\"b\":[1,{\"c\":2}]}}", "{\"a\":{\"b\":[1,{\"c\":3}]}}", NO},
	        {"{\"a\":1}", "[1]", NO},
	        {"{\"a\":1}", "\"a\"", NO},
	};
	check(ROWS, APS_COUNTOF(ROWS));
}

static void lists_have_the_same_length_and_order(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"[]", "[]", YES},       {"[1,\"a\",null,[true]]", "[1,\"a\",null,[true]]", YES},
	        {"[1,2]", "[2,1]", NO},  {"[1]", "[1,1]", NO},
	        {"[1,null]", "[1]", NO}, {"[]", "{}", NO},
	};
	check(ROWS, APS_COUNTOF(ROWS));
}

static void what_cannot_be_read_is_unclear(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"", "1", UNCLEAR},
	        {"1", "", UNCLEAR},
	        {"[1,", "[1,2]", UNCLEAR},
	        {"{\"a\":1}", "{\"a\":1,", UNCLEAR},
	        {"{\"a\":1,x}", "{\"a\":1}", UNCLEAR},
	        {"{\"a\":1,x}", "{\"a\":2}", NO},
	};
	check(ROWS, APS_COUNTOF(ROWS));
}

static void what_is_too_deep_is_unclear(void **state)
{
	(void)state;
	char sent[128], shown[128];
	for (int depth = 20; depth < 30; depth++) {
		snprintf(sent, sizeof sent, "%.*s1%.*s", depth, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", depth,
		         "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
		snprintf(shown, sizeof shown, "%s", sent);
		size_t budget = APS_SAME_JSON_BYTES;
		enum aps_same_json same = aps_same_json(aps_str_of(sent), aps_str_of(shown), &budget);
		assert_int_equal(same, depth < APS_SAME_JSON_MAX_DEPTH ? YES : UNCLEAR);
	}
}

static void a_difference_is_told_beside_what_is_unclear(void **state)
{
	(void)state;
	static const char DEEP[] = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]";
	char sent[256], shown[256];
	size_t budget = APS_SAME_JSON_BYTES;
	snprintf(sent, sizeof sent, "{\"a\":%s,\"b\":1}", DEEP);
	snprintf(shown, sizeof shown, "{\"a\":%s,\"b\":2}", DEEP);
	assert_int_equal(aps_same_json(aps_str_of(sent), aps_str_of(sent), &budget), UNCLEAR);
	assert_int_equal(aps_same_json(aps_str_of(sent), aps_str_of(shown), &budget), NO);
}

static void a_spent_budget_is_unclear(void **state)
{
	(void)state;
	size_t budget = 20;
	assert_int_equal(aps_same_json(APS_STR("[1,2]"), APS_STR("[1,2]"), &budget), YES);
	assert_in_range(budget, 0, 10);
	assert_int_equal(aps_same_json(APS_STR("[1,2,3,4,5]"), APS_STR("[1,2,3,4,5]"), &budget), UNCLEAR);
	assert_int_equal(budget, 0);
	budget = 30; /* enough for the texts, not for looking up members again and again */
	assert_int_equal(aps_same_json(APS_STR("{\"a\":1,\"b\":2}"), APS_STR("{\"b\":2,\"a\":1}"), &budget), UNCLEAR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(scalars_are_the_same_by_value),
	        cmocka_unit_test(numbers_are_the_same_by_value),
	        cmocka_unit_test(objects_are_the_same_as_far_as_they_are_shown),
	        cmocka_unit_test(lists_have_the_same_length_and_order),
	        cmocka_unit_test(what_cannot_be_read_is_unclear),
	        cmocka_unit_test(what_is_too_deep_is_unclear),
	        cmocka_unit_test(a_difference_is_told_beside_what_is_unclear),
	        cmocka_unit_test(a_spent_budget_is_unclear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

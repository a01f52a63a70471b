#include "sync/field_merge.h"

#include "sync/record_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct row {
	enum aps_field_merge rule;
	const char *base, *local, *remote, *merged;
};

static void check(const struct row *rows, size_t n_rows)
{
	for (size_t i = 0; i < n_rows; i++) {
		const struct row *row = &rows[i];
		const struct aps_field_versions versions = {.base = aps_str_of(row->base),
		                                            .local = aps_str_of(row->local),
		                                            .remote = aps_str_of(row->remote)};
		struct aps_arena arena;
		struct aps_str merged;
		struct aps_err err;
		print_message("%s: %s, %s here, %s there\n", aps_field_merge_name(row->rule), row->base, row->local,
		              row->remote);
		aps_arena_init(&arena, APS_BUF_ANY_SIZE);
		assert_int_equal(aps_field_merge(row->rule, &versions, &arena, &merged, &err), APS_OK);
		print_message("%.*s\n", (int)merged.n, merged.p);
		assert_true(aps_str_is(merged, row->merged));
		aps_arena_clear(&arena);
	}
}

static void each_side_can_win(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {APS_FIELD_MERGE_CLIENT, "1", "2", "3", "2"},
	        {APS_FIELD_MERGE_CLIENT, "1", "", "3", "null"},
	        {APS_FIELD_MERGE_SERVER, "1", "2", "3", "3"},
	        {APS_FIELD_MERGE_SERVER, "1", "2", "", "null"},
	};
	check(ROWS, APS_COUNTOF(ROWS));
}

static void the_greater_one_stays(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {APS_FIELD_MERGE_MAX, "1", "2", "3", "3"},
	        {APS_FIELD_MERGE_MAX, "1", "4", "3", "4"},
	        {APS_FIELD_MERGE_MAX, "1", "9007199254740993", "9007199254740992", "9007199254740993"},
	        {APS_FIELD_MERGE_MAX, "1", "2.5", "2", "2.5"},
	        {APS_FIELD_MERGE_MAX, "", "\"2026-02-01\"", "\"2026-01-31\"", "\"2026-02-01\""},
	        {APS_FIELD_MERGE_MAX, "", "\"\\u0062\"", "\"a\"", "\"\\u0062\""},
	        {APS_FIELD_MERGE_MAX, "5", "null", "3", "3"},
	        {APS_FIELD_MERGE_MAX, "5", "3", "null", "3"},
	        {APS_FIELD_MERGE_MAX, "5", "null", "", "null"},
	        {APS_FIELD_MERGE_MAX, "5", "[1]", "3", "[1]"},
	        {APS_FIELD_MERGE_MAX, "5", "true", "false", "true"},
	        {APS_FIELD_MERGE_MIN, "1", "2", "3", "2"},
	        {APS_FIELD_MERGE_MIN, "1", "4", "3", "3"},
	        {APS_FIELD_MERGE_MIN, "1", "\"b\"", "\"a\"", "\"a\""},
	        {APS_FIELD_MERGE_MIN, "5", "null", "3", "3"},
	};
	check(ROWS, APS_COUNTOF(ROWS));
}

static void what_was_added_here_is_added_there(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {APS_FIELD_MERGE_SUM_DELTA, "10", "15", "20", "25"},
	        {APS_FIELD_MERGE_SUM_DELTA, "10", "7", "20", "17"},
	        {APS_FIELD_MERGE_SUM_DELTA, "10", "15", "15", "20"},
	        {APS_FIELD_MERGE_SUM_DELTA, "", "5", "7", "12"},
	        {APS_FIELD_MERGE_SUM_DELTA, "10", "15", "", "5"},
	        {APS_FIELD_MERGE_SUM_DELTA, "10", "", "20", "null"},
	        {APS_FIELD_MERGE_SUM_DELTA, "1.5", "2", "4", "4.5"},
	        {APS_FIELD_MERGE_SUM_DELTA, "0", "1", "9223372036854775807", "9223372036854775808"},
	        {APS_FIELD_MERGE_SUM_DELTA, "0", "1e308", "1.7e308", "1e308"},
	        {APS_FIELD_MERGE_SUM_DELTA, "\"a\"", "\"b\"", "\"c\"", "\"b\""},
	        {APS_FIELD_MERGE_SUM_DELTA, "9007199254740992", "9007199254740995", "9007199254740993",
	         "9007199254740996"},
	};
	check(ROWS, APS_COUNTOF(ROWS));
}

static void lists_are_joined(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {APS_FIELD_MERGE_UNION, "[1]", "[1,2]", "[1,3]", "[1,3,2]"},
	        {APS_FIELD_MERGE_UNION, "[1,2]", "[2]", "[1,2,3]", "[1,2,3]"},
	        {APS_FIELD_MERGE_UNION, "", "[2,2]", "[3,3]", "[3,2]"},
	        {APS_FIELD_MERGE_UNION, "[1]", "null", "[3]", "[3]"},
	        {APS_FIELD_MERGE_UNION, "[1]", "[1,2]", "null", "[1,2]"},
	        {APS_FIELD_MERGE_UNION, "", "[{\"a\":1,\"b\":2}]", "[{\"b\":2,\"a\":1}]", "[{\"b\":2,\"a\":1}]"},
	        {APS_FIELD_MERGE_UNION, "", "5", "[3]", "5"},
	        {APS_FIELD_MERGE_APPEND_ONCE, "[1]", "[1,2]", "[1,3]", "[1,3,2]"},
	        {APS_FIELD_MERGE_APPEND_ONCE, "[1,4]", "[1,4,2]", "[4]", "[4,2]"},
	        {APS_FIELD_MERGE_APPEND_ONCE, "[1]", "[1,2]", "[1,2]", "[1,2]"},
	        {APS_FIELD_MERGE_APPEND_ONCE, "[1]", "[1,2,2]", "[1,1]", "[1,1,2]"},
	        {APS_FIELD_MERGE_APPEND_ONCE, "[1]", "null", "[1]", "null"},
	};
	check(ROWS, APS_COUNTOF(ROWS));
}

static void very_long_lists_are_joined_blindly(void **state)
{
	(void)state;
	struct aps_buf text;
	struct aps_arena arena;
	struct aps_str merged;
	struct aps_err err;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&text, "[0");
	for (int i = 1; i < 2000; i++) aps_buf_addf(&text, ",%d", i);
	aps_buf_add_text(&text, "]");
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	const struct aps_field_versions versions = {
	        .base = APS_STR(""), .local = aps_buf_str(&text), .remote = aps_buf_str(&text)};
	assert_int_equal(aps_field_merge(APS_FIELD_MERGE_UNION, &versions, &arena, &merged, &err), APS_OK);
	assert_true(merged.n > 2 * text.n - 3 && merged.n < 2 * text.n);
	aps_arena_clear(&arena);
	aps_buf_clear(&text);
}

static void rules_have_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < APS_FIELD_MERGE_COUNT; i++) {
		enum aps_field_merge rule;
		const char *name = aps_field_merge_name((enum aps_field_merge)i);
		assert_true(aps_field_merge_find(aps_str_of(name), &rule));
		assert_int_equal(rule, i);
	}
	enum aps_field_merge rule;
	assert_false(aps_field_merge_find(APS_STR("newest"), &rule));
	assert_string_equal(aps_field_merge_name(APS_FIELD_MERGE_COUNT), "?");
}

static void a_ceiling_is_told(void **state)
{
	(void)state;
	static const enum aps_field_merge RULES[] = {APS_FIELD_MERGE_SUM_DELTA, APS_FIELD_MERGE_UNION,
	                                             APS_FIELD_MERGE_APPEND_ONCE};
	const struct aps_field_versions numbers = {APS_STR("1"), APS_STR("2"), APS_STR("3")};
	const struct aps_field_versions lists = {APS_STR("[1]"), APS_STR("[2]"), APS_STR("[3]")};
	for (size_t i = 0; i < APS_COUNTOF(RULES); i++) {
		struct aps_arena arena;
		struct aps_str merged;
		struct aps_err err;
		aps_arena_init(&arena, 1);
		const struct aps_field_versions *versions = i == 0 ? &numbers : &lists;
		assert_int_equal(aps_field_merge(RULES[i], versions, &arena, &merged, &err), APS_E_TOO_BIG);
		aps_arena_clear(&arena);
	}
}

static void values_are_compared_whole(void **state)
{
	(void)state;
	assert_true(aps_record_value_is_same(APS_STR(""), APS_STR("null")));
	assert_true(aps_record_value_is_same(APS_STR("1"), APS_STR("1.0")));
	assert_true(aps_record_value_is_same(APS_STR("{\"a\":1,\"b\":null}"), APS_STR("{\"a\":1}")));
	assert_false(aps_record_value_is_same(APS_STR("{\"a\":1,\"b\":2}"), APS_STR("{\"a\":1}")));
	assert_false(aps_record_value_is_same(APS_STR("{\"a\":1}"), APS_STR("{\"a\":1,\"b\":2}")));
	assert_false(aps_record_value_is_same(APS_STR("[1,2]"), APS_STR("[2,1]")));
	assert_false(aps_record_value_is_same(APS_STR("0"), APS_STR("null")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_side_can_win),
	        cmocka_unit_test(the_greater_one_stays),
	        cmocka_unit_test(what_was_added_here_is_added_there),
	        cmocka_unit_test(lists_are_joined),
	        cmocka_unit_test(very_long_lists_are_joined_blindly),
	        cmocka_unit_test(rules_have_names),
	        cmocka_unit_test(a_ceiling_is_told),
	        cmocka_unit_test(values_are_compared_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

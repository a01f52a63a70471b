#include "codec/json_members.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct aps_str get(struct aps_json_members *members, const char *name)
{
	struct aps_str value = {NULL, 0};
	return aps_json_members_get(members, name, &value) ? value : APS_STR("none");
}

static void members_are_found_in_any_order(void **state)
{
	(void)state;
	struct aps_json_members members;
	aps_json_members_init(&members, APS_STR(" { \"a\" : 1 , \"b\":\"x\",\"\\u0063\":{\"a\":[2,3]}, \"d\":null}"));
	static const char *const ORDERS[] = {"abcd", "dcba", "bdac", "aabb"};
	for (size_t i = 0; i < APS_COUNTOF(ORDERS); i++) {
		for (const char *name = ORDERS[i]; *name != '\0'; name++) {
			const char text[] = {*name, '\0'};
			static const char *const VALUES[] = {"1", "\"x\"", "{\"a\":[2,3]}", "null"};
			assert_true(aps_str_is(get(&members, text), VALUES[*name - 'a']));
		}
	}
	assert_true(aps_str_is(get(&members, "e"), "none"));
	assert_true(aps_str_is(get(&members, "a"), "1"));
}

static void a_name_that_is_no_c_string_finds_its_member(void **state)
{
	(void)state;
	struct aps_json_members members;
	struct aps_str value;
	aps_json_members_init(&members, APS_STR("{\"idx\":1,\"id\":2,\"\\u0069\":3}"));
	assert_true(aps_json_members_named(&members, (struct aps_str){"idx", 2}, &value));
	assert_true(aps_str_is(value, "2"));
	assert_false(aps_json_members_named(&members, APS_STR("i"), &value)); /* one that is escaped is no name */
}

static void a_key_of_another_reader_is_found_by_what_it_decodes_to(void **state)
{
	(void)state;
	struct aps_json_members members;
	struct aps_json_reader r;
	struct aps_str value;
	aps_json_members_init(&members, APS_STR("{\"\\u00e9\":7}"));
	aps_json_reader_init(&r, APS_STR("{\"\xc3\xa9\":1,\"e\":2}"), 0);
	assert_int_equal(aps_json_next(&r), APS_JSON_OBJECT);
	assert_int_equal(aps_json_next(&r), APS_JSON_KEY);
	assert_true(aps_json_members_find(&members, &r, &value));
	assert_true(aps_str_is(value, "7"));
	assert_int_equal(aps_json_next(&r), APS_JSON_INT);
	assert_int_equal(aps_json_next(&r), APS_JSON_KEY);
	assert_false(aps_json_members_find(&members, &r, &value));
}

static void what_is_no_object_has_no_members(void **state)
{
	(void)state;
	static const char *const TEXTS[] = {"", "null", "[\"a\",1]", "\"a\"", "{\"b\":1", "{", "{\"a\":}", "x"};
	for (size_t i = 0; i < APS_COUNTOF(TEXTS); i++) {
		struct aps_json_members members;
		aps_json_members_init(&members, aps_str_of(TEXTS[i]));
		assert_true(aps_str_is(get(&members, "a"), "none"));
		assert_true(aps_str_is(get(&members, "a"), "none"));
	}
	struct aps_json_members members;
	aps_json_members_init(&members, (struct aps_str){NULL, 0});
	assert_true(aps_str_is(get(&members, "a"), "none"));
}

static void members_in_the_same_order_cost_one_pass(void **state)
{
	(void)state;
	char text[8192];
	size_t n = 0;
	for (int i = 0; i < 500; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%c\"f%d\":%d", i ? ',' : '{', i, i);
	n += (size_t)snprintf(text + n, sizeof text - n, "}");
	struct aps_json_members members;
	aps_json_members_init(&members, (struct aps_str){text, n});
	for (int i = 0; i < 500; i++) {
		char name[16], value[16];
		snprintf(name, sizeof name, "f%d", i);
		snprintf(value, sizeof value, "%d", i);
		assert_true(aps_str_is(get(&members, name), value));
	}
	assert_in_range(members.n_read, n - 3, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(members_are_found_in_any_order),
	        cmocka_unit_test(a_name_that_is_no_c_string_finds_its_member),
	        cmocka_unit_test(a_key_of_another_reader_is_found_by_what_it_decodes_to),
	        cmocka_unit_test(what_is_no_object_has_no_members),
	        cmocka_unit_test(members_in_the_same_order_cost_one_pass),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

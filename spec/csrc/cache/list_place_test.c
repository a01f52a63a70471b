#include "cache/list_place.h"

#include "cache_world.h"

static const struct aps_str ITEMS[] = {{"box({\"a\":1})", 12}, {"items", 5}};

static const struct aps_list_place PLAIN = {.field = {"m", 1}};
static const struct aps_list_place APART = {.field = {"all({\"n\":1})", 12}, .is_apart = true};
static const struct aps_list_place INSIDE = {
        .field = {"all({\"n\":1})", 12}, .is_apart = true, .path = ITEMS, .n_path = 2};
static const struct aps_list_place BELOW = {.field = {"m", 1}, .path = ITEMS, .n_path = 2};

#define INT_7 ((struct aps_str){"\3\16", 2}) /* a cell */

/* The number that stands there, -1: nothing. */
static int64_t find(const struct aps_list_place *place)
{
	struct aps_cell value;
	aps_write_begin(&world.write, &world.cache);
	bool is_there = aps_list_place_find(&world.write, place, &value);
	assert_int_equal(aps_write_n_entries(&world.write), 0);
	aps_write_abort(&world.write);
	return is_there && value.tag == APS_CELL_INT ? value.as.integer : is_there ? 0 : -1;
}

static void set(const struct aps_list_place *place, struct aps_str value)
{
	aps_write_begin(&world.write, &world.cache);
	aps_list_place_set(&world.write, place, value);
	assert_true(aps_write_settle(&world.write));
	tell_changes();
	aps_write_commit(&world.write);
}

static void what_a_response_has_brought_is_found_and_replaced(void **state)
{
	(void)state;
	static const char QUERY[] =
	        "{ a m { x box(a: 1) { b items { id } z } } z all(n: 1) { box(a: 1) { items { id } } } }";
	write_data(QUERY, "{}",
	           "{\"a\":1,\"m\":{\"x\":2,\"box\":{\"b\":3,\"items\":[],\"z\":4}},\"z\":5,"
	           "\"all\":{\"box\":{\"items\":[]}}}");
	assert_int_equal(find(&PLAIN), 0);
	assert_int_equal(find(&APART), 0);
	assert_int_equal(find(&INSIDE), 0);
	assert_int_equal(find(&BELOW), 0);
	set(&INSIDE, INT_7);
	assert_string_equal(world.changes.p, "1.all({\"n\":1})");
	assert_int_equal(find(&INSIDE), 7);
	set(&BELOW, INT_7);
	assert_string_equal(world.changes.p, "ROOT_QUERY.m");
	assert_int_equal(find(&BELOW), 7);
	assert_reads("{ a m { x box(a: 1) { b items z } } z all(n: 1) { box(a: 1) { items } } }", "{}",
	             "{\"a\":1,\"m\":{\"x\":2,\"box\":{\"b\":3,\"items\":7,\"z\":4}},\"z\":5,"
	             "\"all\":{\"box\":{\"items\":7}}}");
}

static void where_nothing_is_it_is_made(void **state)
{
	(void)state;
	static const struct aps_list_place *const PLACES[] = {&PLAIN, &APART, &INSIDE, &BELOW};
	static const char *const QUERIES[] = {"{ m }", "{ all(n: 1) }", "{ all(n: 1) { box(a: 1) { items } } }",
	                                      "{ m { box(a: 1) { items } } }"};
	static const char *const RESULTS[] = {"{\"m\":7}", "{\"all\":7}", "{\"all\":{\"box\":{\"items\":7}}}",
	                                      "{\"m\":{\"box\":{\"items\":7}}}"};
	for (size_t i = 0; i < APS_COUNTOF(PLACES); i++) {
		world_close();
		world_open();
		assert_int_equal(find(PLACES[i]), -1);
		set(PLACES[i], INT_7);
		assert_int_equal(find(PLACES[i]), 7);
		assert_reads(QUERIES[i], "{}", RESULTS[i]);
	}
}

static void what_is_no_object_on_the_way_becomes_one(void **state)
{
	(void)state;
	write_data("{ m all(n: 1) { box(a: 1) x } }", "{}", "{\"m\":null,\"all\":{\"box\":[1],\"x\":2}}");
	assert_int_equal(find(&INSIDE), -1);
	assert_int_equal(find(&BELOW), -1);
	set(&INSIDE, INT_7);
	set(&BELOW, INT_7);
	assert_reads("{ m { box(a: 1) { items } } all(n: 1) { box(a: 1) { items } x } }", "{}",
	             "{\"m\":{\"box\":{\"items\":7}},\"all\":{\"box\":{\"items\":7},\"x\":2}}");
}

static void a_value_is_taken_away(void **state)
{
	(void)state;
	write_data("{ a m z all(n: 1) }", "{}", "{\"a\":1,\"m\":2,\"z\":3,\"all\":4}");
	set(&PLAIN, APS_STR(""));
	set(&APART, APS_STR(""));
	assert_int_equal(find(&PLAIN), -1);
	assert_int_equal(find(&APART), -1);
	assert_reads("{ a z }", "{}", "{\"a\":1,\"z\":3}");
	set(&PLAIN, APS_STR("")); /* twice */
	set(&APART, APS_STR(""));
	assert_reads("{ a z }", "{}", "{\"a\":1,\"z\":3}");
}

static void layers_lie_over_what_is_found_and_set(void **state)
{
	(void)state;
	write_data("{ a m }", "{}", "{\"a\":1,\"m\":1}");
	write_layer(7, "{ m all(n: 1) }", "{\"m\":2,\"all\":2}");
	assert_int_equal(find(&PLAIN), 1);
	assert_int_equal(find(&APART), -1);
	set(&PLAIN, INT_7);
	set(&APART, INT_7);
	assert_int_equal(find(&PLAIN), 7);
	assert_int_equal(find(&APART), 7);
	assert_reads("{ a m all(n: 1) }", "{}", "{\"a\":1,\"m\":2,\"all\":2}");
	write_answer(7, "{ a }", "{\"a\":1}");
	assert_reads("{ a m all(n: 1) }", "{}", "{\"a\":1,\"m\":7,\"all\":7}");
}

static void the_cores_own_fields_are_told_from_those_of_a_service(void **state)
{
	(void)state;
	static const struct {
		const char *field;
		bool is_own;
	} ROWS[] = {
	        {"listPosts({\"limit\":10})~base", true},
	        {"listPosts~base", true},
	        {"~1", true},
	        {"~", true},
	        {"listPosts", false},
	        {"listPosts({\"q\":\"~base\"})", false},
	        {"listPosts({\"q\":\"~\"})", false},
	        {"listPosts@connection({\"key\":\"~x\"})", false},
	        {"", false},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++)
		assert_int_equal(aps_list_place_is_own(aps_str_of(ROWS[i].field)), ROWS[i].is_own);
}

static void without_memory_all_stays_as_it_was(void **state)
{
	(void)state;
	write_data("{ a m }", "{}", "{\"a\":1,\"m\":1}");
	write_layer(7, "{ m }", "{\"m\":2}");
	for (size_t nth = 1;; nth++) {
		aps_write_begin(&world.write, &world.cache);
		aps_mem_fail_at(nth);
		aps_list_place_set(&world.write, &BELOW, INT_7);
		aps_list_place_set(&world.write, &INSIDE, INT_7);
		bool is_settled = aps_write_settle(&world.write);
		aps_mem_fail_at(0);
		if (is_settled) break;
		assert_int_equal(world.write.err.code, APS_E_NOMEM);
		aps_write_abort(&world.write);
		assert_int_equal(find(&PLAIN), 1);
		assert_int_equal(find(&APART), -1);
	}
	aps_write_commit(&world.write);
	assert_int_equal(find(&BELOW), 7);
	assert_int_equal(find(&INSIDE), 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(what_a_response_has_brought_is_found_and_replaced),
	        TEST(where_nothing_is_it_is_made),
	        TEST(what_is_no_object_on_the_way_becomes_one),
	        TEST(a_value_is_taken_away),
	        TEST(layers_lie_over_what_is_found_and_set),
	        TEST(the_cores_own_fields_are_told_from_those_of_a_service),
	        TEST(without_memory_all_stays_as_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

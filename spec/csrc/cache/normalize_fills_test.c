/* What comes of an older state: nothing that is known gives way to it. */
#include "cache_world.h"

static void fill(const char *query, const char *data)
{
	write_with(query, "{}", data, &(struct aps_normalize_options){.fills = true});
}

static void a_record_takes_what_nobody_knew_of_it(void **state)
{
	(void)state;
	write_data("{ a { id n } }", "{}", "{\"a\":{\"__typename\":\"T\",\"id\":\"1\",\"n\":2}}");
	fill("{ list { id n m } }", "{\"list\":[{\"__typename\":\"T\",\"id\":\"1\",\"n\":1,\"m\":1}]}");
	assert_reads("{ a { n m } }", "{}", "{\"a\":{\"n\":2,\"m\":1,\"__typename\":\"T\"}}");
}

/* That is an answer, too. */
static void a_null_that_is_known_stays(void **state)
{
	(void)state;
	write_data("{ a { id n } }", "{}", "{\"a\":{\"__typename\":\"T\",\"id\":\"1\",\"n\":null}}");
	fill("{ list { id n } }", "{\"list\":[{\"__typename\":\"T\",\"id\":\"1\",\"n\":1}]}");
	assert_reads("{ a { n } }", "{}", "{\"a\":{\"n\":null,\"__typename\":\"T\"}}");
}

static void an_embedded_object_is_filled_and_a_list_is_left(void **state)
{
	(void)state;
	write_data("{ a { id e { x } l { x } } }", "{}",
	           "{\"a\":{\"__typename\":\"T\",\"id\":\"1\",\"e\":{\"x\":2},\"l\":[{\"x\":2}]}}");
	fill("{ a { id e { x y } l { x } } }",
	     "{\"a\":{\"__typename\":\"T\",\"id\":\"1\",\"e\":{\"x\":1,\"y\":1},\"l\":[{\"x\":1},{\"x\":3}]}}");
	assert_reads("{ a { e { x y } l { x } } }", "{}",
	             "{\"a\":{\"e\":{\"x\":2,\"y\":1},\"l\":[{\"x\":2}],\"__typename\":\"T\"}}");
}

static void what_it_refers_to_is_filled_as_well(void **state)
{
	(void)state;
	write_data("{ a { id } b { id n } }", "{}",
	           "{\"a\":{\"__typename\":\"T\",\"id\":\"1\"},\"b\":{\"__typename\":\"U\",\"id\":\"2\",\"n\":2}}");
	fill("{ a { id u { id n m } v { id n } } }",
	     "{\"a\":{\"__typename\":\"T\",\"id\":\"1\",\"u\":{\"__typename\":\"U\",\"id\":\"2\",\"n\":1,\"m\":1},"
	     "\"v\":{\"__typename\":\"U\",\"id\":\"3\",\"n\":3}}}");
	assert_reads("{ a { u { n m } v { n } } }", "{}",
	             "{\"a\":{\"u\":{\"n\":2,\"m\":1,\"__typename\":\"U\"},\"v\":{\"n\":3,\"__typename\":\"U\"},"
	             "\"__typename\":\"T\"}}");
}

static void a_field_with_arguments_stays_and_another_one_comes(void **state)
{
	(void)state;
	write_data("{ a { id n(x: 1) } }", "{}", "{\"a\":{\"__typename\":\"T\",\"id\":\"1\",\"n\":2}}");
	fill("{ a { id one: n(x: 1) two: n(x: 2) } }",
	     "{\"a\":{\"__typename\":\"T\",\"id\":\"1\",\"one\":1,\"two\":1}}");
	assert_reads("{ a { one: n(x: 1) two: n(x: 2) } }", "{}", "{\"a\":{\"one\":2,\"two\":1,\"__typename\":\"T\"}}");
}

/* It tells nothing of other fields. */
static void at_the_root_it_counts_as_any_response(void **state)
{
	(void)state;
	write_data("{ a { id n } b { id n } }", "{}", "{\"a\":null,\"b\":{\"__typename\":\"T\",\"id\":\"1\",\"n\":2}}");
	write_with("{ a { id n m } }", "{}", "{\"a\":{\"__typename\":\"T\",\"id\":\"1\",\"n\":1,\"m\":1}}",
	           &(struct aps_normalize_options){.fills = true, .root = APS_STR("RROOT_QUERY")});
	assert_reads("{ a { n m } }", "{}", "{\"a\":{\"n\":2,\"m\":1,\"__typename\":\"T\"}}");
}

static void without_memory_what_is_known_is_as_it_was(void **state)
{
	(void)state;
	bool has_failed = true;
	for (size_t nth = 1; has_failed; nth++) {
		static const char DATA[] =
		        "{\"a\":{\"__typename\":\"T\",\"id\":\"1\",\"e\":{\"x\":1,\"y\":1},\"m\":1}}";
		struct aps_normalized out;
		struct aps_err err;
		world_close();
		world_open();
		write_data("{ a { id e { x } } }", "{}", "{\"a\":{\"__typename\":\"T\",\"id\":\"1\",\"e\":{\"x\":2}}}");
		struct aps_gql_document *doc = parse("{ a { id e { x y } m } }");
		struct aps_binding binding = {
		        .policies = &world.policies, .names = &world.cache.names, .gives_numbers = true};
		aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
		assert_int_equal(
		        aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), APS_STR("{}"), NULL),
		        APS_OK);
		aps_merge_clear(&world.merge);
		aps_write_begin(&world.write, &world.cache);
		aps_mem_fail_at(nth);
		bool has_merge = aps_merge_init(&world.merge, &world.write);
		const struct aps_normalize_options options = {.fills = true};
		enum aps_rc rc = has_merge
		                         ? aps_normalize(&world.merge, &binding, aps_str_of(DATA), &options, &out, &err)
		                         : APS_E_NOMEM;
		has_failed = rc != APS_OK;
		aps_mem_fail_at(0);
		if (has_failed) assert_int_equal(rc, APS_E_NOMEM);
		if (!has_failed) assert_true(nth > 5);
		aps_write_abort(&world.write);
		aps_buf_clear(&out.stale);
		aps_binding_clear(&binding);
		aps_gql_document_unref(doc);
		assert_reads("{ a { e { x } } }", "{}", "{\"a\":{\"e\":{\"x\":2},\"__typename\":\"T\"}}");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_record_takes_what_nobody_knew_of_it),
	        TEST(a_null_that_is_known_stays),
	        TEST(an_embedded_object_is_filled_and_a_list_is_left),
	        TEST(what_it_refers_to_is_filled_as_well),
	        TEST(a_field_with_arguments_stays_and_another_one_comes),
	        TEST(at_the_root_it_counts_as_any_response),
	        TEST(without_memory_what_is_known_is_as_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

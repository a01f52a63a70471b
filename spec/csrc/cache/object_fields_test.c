#include "cache/object_fields.h"

#include "cache_world.h"

/* One step for each word: "key" or "key:Type". */
static size_t steps_of(char *words, struct aps_object_step *steps)
{
	size_t n = 0;
	for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
		char *colon = strchr(word, ':');
		if (colon != NULL) *colon = '\0';
		steps[n++] = (struct aps_object_step){aps_str_of(word), aps_str_of(colon != NULL ? colon + 1 : "")};
	}
	return n;
}

static const char *fields_with(const char *document, const char *variables, const char *path)
{
	struct aps_gql_document *doc = parse(document);
	struct aps_binding binding = {.policies = &world.policies, .names = &world.cache.names};
	struct aps_object_step steps[8];
	struct aps_err err = {0};
	char words[128];
	snprintf(words, sizeof words, "%s", path);
	size_t n = steps_of(words, steps);
	aps_buf_reset(&world.result);
	assert_int_equal(
	        aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), aps_str_of(variables), &err),
	        APS_OK);
	assert_int_equal(aps_object_fields(&world.result, &binding, steps, n, &err), APS_OK);
	aps_binding_clear(&binding);
	aps_gql_document_unref(doc);
	return world.result.p;
}

static const char *fields(const char *document, const char *path)
{
	return fields_with(document, "{}", path);
}

static void fields_that_lead_to_objects_are_told_in_the_order_of_the_response(void **state)
{
	(void)state;
	assert_string_equal(fields("{ z { id } n b: a(x: 1) { id } tags }", ""),
	                    "[\"z\",\"z\",\"b\",\"a({\\\"x\\\":1})\"]");
	assert_string_equal(fields("{ a { n items { id } } }", "a"), "[\"items\",\"items\"]");
	assert_string_equal(fields("{ a { items { id } } }", "a items"), "[]");
	assert_string_equal(fields("{ ...F } fragment F on Query { a { id } }", ""), "[\"a\",\"a\"]");
}

static void arguments_have_the_values_of_the_variables(void **state)
{
	(void)state;
	static const char LIST[] = "query Q($n: Int = 3) { list(limit: $n) { items(of: $n) { id } } }";
	assert_string_equal(fields_with(LIST, "{\"n\":7}", ""), "[\"list\",\"list({\\\"limit\\\":7})\"]");
	assert_string_equal(fields_with(LIST, "{\"n\":7}", "list"), "[\"items\",\"items({\\\"of\\\":7})\"]");
	assert_string_equal(fields(LIST, ""), "[\"list\",\"list({\\\"limit\\\":3})\"]");
}

static void a_connection_and_the_policies_name_the_field(void **state)
{
	(void)state;
	assert_string_equal(fields("{ a(x: 1) @connection(key: \"k\") { id } }", ""), "[\"a\",\"k\"]");
	assert_string_equal(fields("query Q($no: Boolean = false) { a @include(if: $no) { id } b { id } }", ""),
	                    "[\"b\",\"b\"]");
}

static void the_type_of_an_object_decides_on_its_fragments(void **state)
{
	(void)state;
	static const char NODE[] = "{ node { id ... on Blog { posts { id } } ... on Post { comments { id } } } }";
	/* of types that nobody has told of, the data does */
	assert_string_equal(fields(NODE, "node:Blog"), "[\"posts\",\"posts\",\"comments\",\"comments\"]");
	aps_policies_add_possible(&world.policies, APS_STR("Node"), APS_STR("Blog"));
	aps_policies_add_possible(&world.policies, APS_STR("Node"), APS_STR("Post"));
	assert_string_equal(fields(NODE, "node:Blog"), "[\"posts\",\"posts\"]");
	assert_string_equal(fields(NODE, "node:Post"), "[\"comments\",\"comments\"]");
}

static void steps_that_lead_nowhere_find_nothing(void **state)
{
	(void)state;
	assert_string_equal(fields("{ a { id } }", "b"), "[]");
	assert_string_equal(fields("{ a { id } }", "a id"), "[]");
	assert_string_equal(fields("{ a { id } }", "a id more"), "[]");
}

static void every_failing_allocation_is_reported(void **state)
{
	(void)state;
	struct aps_gql_document *doc = parse("{ a(x: 1) { items(y: 2) { id } } }");
	const struct aps_object_step steps[] = {{APS_STR("a"), APS_STR("A")}};
	for (size_t nth = 1;; nth++) {
		struct aps_err err = {0};
		struct aps_binding binding = {.policies = &world.policies, .names = &world.cache.names};
		struct aps_buf out;
		aps_buf_init(&out, APS_BUF_ANY_SIZE);
		assert_int_equal(
		        aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), APS_STR("{}"), &err),
		        APS_OK);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_object_fields(&out, &binding, steps, 1, &err);
		aps_mem_fail_at(0);
		aps_binding_clear(&binding);
		aps_buf_clear(&out);
		if (rc == APS_OK) {
			assert_true(nth > 2);
			break;
		}
		assert_int_equal(rc, APS_E_NOMEM);
		assert_int_equal(err.code, APS_E_NOMEM);
	}
	aps_gql_document_unref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(fields_that_lead_to_objects_are_told_in_the_order_of_the_response,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(arguments_have_the_values_of_the_variables, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_connection_and_the_policies_name_the_field, setup, teardown),
	        cmocka_unit_test_setup_teardown(the_type_of_an_object_decides_on_its_fragments, setup, teardown),
	        cmocka_unit_test_setup_teardown(steps_that_lead_nowhere_find_nothing, setup, teardown),
	        cmocka_unit_test_setup_teardown(every_failing_allocation_is_reported, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

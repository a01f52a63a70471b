#include "cache_world.h"

#include "cache/data_shape.h"

/* The data as it is written, or the message. */
static const char *complete_as(const char *document, const char *type, const char *data)
{
	struct aps_gql_document *doc = parse(document);
	const struct aps_gql_operation *definition = aps_gql_document_operation(doc, 0);
	struct aps_binding binding = {.policies = &world.policies, .names = &world.cache.names};
	struct aps_err err = {0};
	if (definition == NULL) definition = aps_gql_document_fragment_at(doc, 0);
	assert_int_equal(aps_binding_init(&binding, doc, definition, APS_STR("{\"no\":false}"), &err), APS_OK);
	aps_buf_reset(&world.result);
	enum aps_rc rc = aps_data_complete(&world.result, &binding, aps_str_of(type), aps_str_of(data), &err);
	if (rc != APS_OK) {
		aps_buf_reset(&world.result);
		aps_buf_add_text(&world.result, err.msg);
		assert_int_equal(rc, err.code);
	}
	aps_binding_clear(&binding);
	aps_gql_document_unref(doc);
	return world.result.p;
}

static const char *complete(const char *document, const char *data)
{
	return complete_as(document, "", data);
}

#define LIST "query Q($no: Boolean) { list { items { id t } next } n @include(if: $no) }"

static void data_that_has_what_is_selected_stays_as_it_is(void **state)
{
	(void)state;
	static const char DATA[] = "{\"list\":{\"items\":[{\"id\":\"1\",\"t\":{\"any\":[1,null]},\"__typename\":\"T\"},"
	                           "null],\"next\":null}}";
	assert_string_equal(complete(LIST, DATA), DATA);
	assert_string_equal(complete("{ a { b } }", "{\"a\":null}"), "{\"a\":null}");
	/* what isn't selected is left out, and escapes are read */
	assert_string_equal(complete("{ a }", "{\"b\":{\"c\":1},\"\\u0061\":1e3}"), "{\"a\":1e3}");
}

static void what_has_another_shape_is_named_with_its_path(void **state)
{
	(void)state;
	static const struct {
		const char *document, *data, *message;
	} CASES[] = {
	        {LIST, "{\"list\":{\"items\":[{\"id\":\"1\",\"__typename\":\"T\"}],\"next\":null}}",
	         "data.list.items[1].t: the field is selected and missing; appsync.null stands for no value"},
	        {LIST, "{\"list\":{\"items\":[null,{\"id\":\"1\",\"t\":1}],\"next\":null}}",
	         "data.list.items[2]: it has an id but no __typename, which tells the record that it is"},
	        {LIST, "{\"list\":{\"items\":[7],\"next\":null}}",
	         "data.list.items[1]: fields of it are selected, so it must be an object, a list of them or "
	         "appsync.null, got a number"},
	        {LIST, "{\"list\":\"x\"}",
	         "data.list: fields of it are selected, so it must be an object, a list of them or appsync.null, got a "
	         "string"},
	        {LIST, "{\"list\":true}",
	         "data.list: fields of it are selected, so it must be an object, a list of them or appsync.null, got a "
	         "boolean"},
	        {LIST, "{\"list\":{\"items\":{},\"next\":null}}",
	         "data.list.items: an empty table is an object (appsync.array{} is an empty list) and lacks the field "
	         "id"},
	        {"{ a }", "[]", "data: it must be an object"},
	        {"{ a }", "{}",
	         "data: an empty table is an object (appsync.array{} is an empty list) and lacks the field a"},
	        {"{ a { b } }", "{\"a\":[[{\"c\":1}]]}",
	         "data.a[1][1].b: the field is selected and missing; appsync.null stands for no value"},
	};
	for (size_t i = 0; i < APS_COUNTOF(CASES); i++)
		assert_string_equal(complete(CASES[i].document, CASES[i].data), CASES[i].message);
	assert_non_null(strstr(complete("{ a }", "{\"a\":"), "byte"));
}

static void a_type_that_is_known_otherwise_is_added(void **state)
{
	(void)state;
	/* of the record itself; what it tells counts more */
	assert_string_equal(complete_as("fragment F on T { id t }", "T", "{\"id\":\"1\",\"t\":2}"),
	                    "{\"id\":\"1\",\"t\":2,\"__typename\":\"T\"}");
	assert_string_equal(complete_as("fragment F on N { id }", "T", "{\"__typename\":\"U\",\"id\":\"1\"}"),
	                    "{\"__typename\":\"U\",\"id\":\"1\"}");
	/* by a fragment, if its type is one of objects */
	static const char INCLUDES[] = "{ a { id ... on T { t } } }";
	static const char GIVEN[] = "{\"a\":{\"id\":\"1\",\"t\":2}}";
	static const char ADDED[] = "{\"a\":{\"id\":\"1\",\"t\":2,\"__typename\":\"T\"}}";
	assert_non_null(strstr(complete(INCLUDES, GIVEN), "no __typename"));
	aps_policies_add_possible(&world.policies, APS_STR("N"), APS_STR("T"));
	assert_string_equal(complete(INCLUDES, GIVEN), ADDED);
	assert_string_equal(complete("{ a { id ...F } } fragment F on T { t }", GIVEN), ADDED);
	assert_non_null(strstr(complete("{ a { id ... on N { t } } }", GIVEN), "no __typename"));
	aps_policies_add_possible(&world.policies, APS_STR("N"), APS_STR("U"));
	assert_non_null(strstr(complete("{ a { id ... on T { t } ... on U { u } } }", GIVEN), "no __typename"));
	/* by what a field looks up */
	aps_policies_field(&world.policies, APS_STR("Query"), APS_STR("getT"))->lookup = APS_STR("T");
	assert_string_equal(complete("{ getT(id: 1) { id } }", "{\"getT\":{\"id\":\"1\"}}"),
	                    "{\"getT\":{\"id\":\"1\",\"__typename\":\"T\"}}");
}

static void fields_of_fragments_on_other_types_may_be_missing(void **state)
{
	(void)state;
	static const char DATA[] = "{\"a\":{\"id\":\"1\",\"__typename\":\"T\",\"t\":2}}";
	assert_string_equal(complete("{ a { id ... on T { t } ... on U { u } } }", DATA), DATA);
	aps_policies_add_possible(&world.policies, APS_STR("N"), APS_STR("T"));
	assert_string_equal(complete("{ a { id ... on N { t n } } }", DATA),
	                    "data.a.n: the field is selected and missing; appsync.null stands for no value");
}

static void every_failing_allocation_is_reported(void **state)
{
	(void)state;
	struct aps_gql_document *doc = parse("{ a { id ... on T { t } } b { c } }");
	for (size_t nth = 1;; nth++) {
		struct aps_binding binding = {.policies = &world.policies, .names = &world.cache.names};
		struct aps_buf out;
		struct aps_err err = {0};
		aps_buf_init(&out, APS_BUF_ANY_SIZE);
		assert_int_equal(
		        aps_binding_init(&binding, doc, aps_gql_document_operation(doc, 0), APS_STR("{}"), &err),
		        APS_OK);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_data_complete(
		        &out, &binding, APS_STR(""),
		        APS_STR("{\"a\":{\"id\":\"\\u0031\",\"t\":2,\"__typename\":\"\\u0054\"},\"b\":[{\"c\":1}]}"),
		        &err);
		aps_mem_fail_at(0);
		aps_binding_clear(&binding);
		aps_buf_clear(&out);
		if (rc == APS_OK) {
			assert_true(nth > 3);
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
	        cmocka_unit_test_setup_teardown(data_that_has_what_is_selected_stays_as_it_is, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_has_another_shape_is_named_with_its_path, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_type_that_is_known_otherwise_is_added, setup, teardown),
	        cmocka_unit_test_setup_teardown(fields_of_fragments_on_other_types_may_be_missing, setup, teardown),
	        cmocka_unit_test_setup_teardown(every_failing_allocation_is_reported, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "sync/root_fields.h"

#include "base/mem.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct aps_gql_document *parse(const char *text)
{
	struct aps_gql_document *document;
	struct aps_err err;
	assert_int_equal(aps_gql_document_new(aps_str_of(text), &document, NULL, &err), APS_OK);
	return document;
}

static void fields_of_fragments_are_counted_and_typenames_are_not(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned n;
		const char *first, *name;
	} ROWS[] = {
	        {"mutation { createTodo { id } }", 1, "createTodo", "createTodo"},
	        {"mutation { __typename a: createTodo { id } b { id } }", 2, "a", "createTodo"},
	        {"mutation { __typename }", 0, "", ""},
	        {"mutation { ... on Mutation { a b } }", 2, "a", "a"},
	        {"mutation { ...F c } fragment F on Mutation { a b __typename }", 3, "c", "c"},
	        {"mutation { ...F ...F } fragment F on Mutation { x: a ...G } fragment G on Mutation { b }", 2, "x",
	         "a"},
	        {"mutation { a { id } b a { name } }", 2, "a", "a"},
	        {"mutation { ...F ...G } fragment F on Mutation { x: a { id } } fragment G on Mutation { x: a { name } "
	         "}",
	         1, "x", "a"},
	        {"mutation { a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 a10 a11 a12 a13 a14 a15 a16 a15 a16 }", 18, "a0", "a0"},
	        {"mutation { ... { ... @skip(if: true) { a } } b }", 2, "a", "a"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_gql_document *document = parse(ROWS[i].text);
		const struct aps_gql_operation *operation = aps_gql_document_operation(document, 0);
		print_message("%s\n", ROWS[i].text);
		assert_int_equal(aps_root_fields_count(document, operation), ROWS[i].n);
		assert_true(aps_str_is(aps_root_fields_first(document, operation), ROWS[i].first));
		assert_true(aps_str_is(aps_root_fields_first_name(document, operation), ROWS[i].name));
		aps_gql_document_unref(document);
	}
}

static void a_type_name_is_known_in_fragments_too_written_or_added(void **state)
{
	(void)state;
	struct aps_gql_document *document =
	        parse("mutation { a: __typename b ...F } fragment F on Mutation { c: __typename __typename: d }");
	const struct aps_gql_operation *operation = aps_gql_document_operation(document, 0);
	assert_true(aps_root_fields_tells_type(document, operation, APS_STR("a")));
	assert_true(aps_root_fields_tells_type(document, operation, APS_STR("c")));
	assert_false(aps_root_fields_tells_type(document, operation, APS_STR("b")));
	assert_false(aps_root_fields_tells_type(document, operation, APS_STR("__typename")));
	assert_false(aps_root_fields_tells_type(document, operation, APS_STR("e")));
	aps_gql_document_unref(document);
	document = parse("mutation { ...F } fragment F on Mutation { a }");
	operation = aps_gql_document_operation(document, 0);
	assert_true(aps_root_fields_tells_type(document, operation, APS_STR("__typename")));
	aps_gql_document_unref(document);
}

static void without_memory_the_count_is_on_the_safe_side(void **state)
{
	(void)state;
	struct aps_gql_document *document = parse("mutation { ...F } fragment F on Mutation { a: __typename b }");
	const struct aps_gql_operation *operation = aps_gql_document_operation(document, 0);
	size_t n_live = aps_mem_live();
	unsigned n = 0;
	for (size_t nth = 1; n != 1; nth++) {
		aps_mem_fail_at(nth);
		n = aps_root_fields_count(document, operation);
		aps_mem_fail_at(0);
		assert_true(n == 1 || n == UINT_MAX);
		assert_true(nth < 20);
	}
	aps_mem_fail_at(1);
	assert_int_equal(aps_root_fields_first(document, operation).n, 0);
	aps_mem_fail_at(1);
	assert_false(aps_root_fields_tells_type(document, operation, APS_STR("a")));
	aps_mem_fail_at(1);
	assert_true(aps_root_fields_tells_type(document, operation, APS_STR("__typename")));
	aps_mem_fail_at(0);
	assert_int_equal(aps_mem_live(), n_live);
	aps_gql_document_unref(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(fields_of_fragments_are_counted_and_typenames_are_not),
	        cmocka_unit_test(a_type_name_is_known_in_fragments_too_written_or_added),
	        cmocka_unit_test(without_memory_the_count_is_on_the_safe_side),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "proto/operation.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static int teardown(void **state)
{
	(void)state;
	return aps_mem_live() == 0 ? 0 : -1;
}

static struct aps_gql_document *parse(const char *text)
{
	struct aps_gql_document *doc;
	assert_int_equal(aps_gql_document_new(aps_str_of(text), &doc, NULL, NULL), APS_OK);
	return doc;
}

static struct aps_operation make(const char *text, const char *name, bool has_typenames, const char *variables)
{
	struct aps_operation operation;
	struct aps_err err;
	struct aps_gql_document *doc = parse(text);
	const struct aps_gql_operation *definition = aps_gql_document_find(doc, aps_str_of(name));
	assert_non_null(definition);
	assert_int_equal(aps_operation_init(&operation, doc, definition, has_typenames, aps_str_of(variables), &err),
	                 APS_OK);
	aps_gql_document_unref(doc); /* the operation has a reference of its own */
	return operation;
}

static void it_keeps_its_document_alive_and_copies_its_variables(void **state)
{
	(void)state;
	char variables[] = " {\"x\":1}\n";
	struct aps_operation operation = make("query A($x: Int) { a { b } } query B { c }", "A", false, variables);
	variables[3] = '!';
	assert_true(aps_str_is(aps_operation_text(&operation),
	                       "query A($x: Int) {\n  a {\n    b\n  }\n}\n\nquery B {\n  c\n}\n"));
	assert_true(aps_str_is(aps_operation_variables(&operation), "{\"x\":1}"));
	assert_true(aps_str_is(operation.definition->name, "A"));
	assert_true(aps_str_is(operation.definition->node->items->items->name, "b"));
	aps_operation_clear(&operation);
	aps_operation_clear(&operation);
	assert_null(operation.document);
}

static void without_variables_it_has_an_empty_object(void **state)
{
	(void)state;
	struct aps_operation operation = make("{ a { b } }", "", true, " ");
	assert_true(aps_str_is(aps_operation_variables(&operation), "{}"));
	assert_true(aps_str_is(aps_operation_text(&operation), "{\n  a {\n    b\n    __typename\n  }\n}\n"));
	aps_operation_clear(&operation);
}

static void what_asks_the_same_is_equal(void **state)
{
	(void)state;
	static const struct {
		const char *text, *name;
		bool has_typenames;
		const char *variables;
		bool is_same;
	} ROWS[] = {
	        {"query A($x: Int) { a } query B { a }", "A", false, "{\"x\":1}", true},
	        {"query A ( $x:Int ) {a}, query B {a} # other words", "A", false, "{\"x\":1}", true},
	        {"query A($x: Int) { a } query B { a }", "B", false, "{\"x\":1}", false},
	        {"query A($x: Int) { a } query B { a }", "A", true, "{\"x\":1}", false},
	        {"query A($x: Int) { a } query B { a }", "A", false, "{\"x\":2}", false},
	        {"query A($x: Int) { a } query B { a }", "A", false, "", false},
	        {"query A($x: Int) { a } query B { b }", "A", false, "{\"x\":1}", false},
	        {"query A($x: Int) { a }", "A", false, "{\"x\":1}", false},
	};
	struct aps_operation first = make(ROWS[0].text, ROWS[0].name, ROWS[0].has_typenames, ROWS[0].variables);
	assert_true(aps_operation_is_same(&first, &first));
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_operation other = make(ROWS[i].text, ROWS[i].name, ROWS[i].has_typenames, ROWS[i].variables);
		assert_int_equal(aps_operation_is_same(&first, &other), ROWS[i].is_same);
		assert_int_equal(first.hash == other.hash, ROWS[i].is_same);
		other.hash = first.hash; /* as of hashes that collide */
		assert_int_equal(aps_operation_is_same(&first, &other), ROWS[i].is_same);
		aps_operation_clear(&other);
	}
	aps_operation_clear(&first);
}

static void two_with_one_document_share_it(void **state)
{
	(void)state;
	struct aps_operation a, b;
	struct aps_gql_document *doc = parse("{ a }");
	const struct aps_gql_operation *definition = aps_gql_document_operation(doc, 0);
	assert_int_equal(aps_operation_init(&a, doc, definition, false, APS_STR("{}"), NULL), APS_OK);
	assert_int_equal(aps_operation_init(&b, doc, definition, false, APS_STR(""), NULL), APS_OK);
	aps_gql_document_unref(doc);
	assert_ptr_equal(a.document, b.document);
	assert_true(aps_operation_is_same(&a, &b));
	aps_operation_clear(&a);
	assert_true(aps_str_is(aps_operation_text(&b), "{\n  a\n}\n"));
	aps_operation_clear(&b);
}

static void every_failing_allocation_is_told_and_holds_no_document(void **state)
{
	(void)state;
	struct aps_gql_document *doc = parse("{ a }");
	const struct aps_gql_operation *definition = aps_gql_document_operation(doc, 0);
	size_t n_live = aps_mem_live();
	for (size_t nth = 1;; nth++) {
		struct aps_operation operation;
		struct aps_err err = {.code = APS_OK};
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_operation_init(&operation, doc, definition, false, APS_STR("{}"), &err);
		aps_mem_fail_at(0);
		if (rc == APS_OK) assert_true(nth > 1);
		if (rc != APS_OK) assert_int_equal(err.code, APS_E_NOMEM);
		aps_operation_clear(&operation);
		assert_int_equal(aps_mem_live(), n_live);
		if (rc == APS_OK) break;
	}
	aps_gql_document_unref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_teardown(it_keeps_its_document_alive_and_copies_its_variables, teardown),
	        cmocka_unit_test_teardown(without_variables_it_has_an_empty_object, teardown),
	        cmocka_unit_test_teardown(what_asks_the_same_is_equal, teardown),
	        cmocka_unit_test_teardown(two_with_one_document_share_it, teardown),
	        cmocka_unit_test_teardown(every_failing_allocation_is_told_and_holds_no_document, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

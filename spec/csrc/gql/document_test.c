#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "gql/document.h"

static struct aps_gql_place place;
static struct aps_err err;

static int teardown(void **state)
{
	(void)state;
	return aps_mem_live() == 0 ? 0 : -1;
}

static struct aps_gql_document *make(const char *text)
{
	struct aps_gql_document *doc;
	enum aps_rc rc = aps_gql_document_new(aps_str_of(text), &doc, &place, &err);
	if (rc != APS_OK) print_message("%s\n", err.msg);
	assert_int_equal(rc, APS_OK);
	return doc;
}

static void assert_text(struct aps_str got, const char *expected)
{
	if (!aps_str_is(got, expected)) print_message("got:\n%.*s\n", (int)got.n, got.p);
	assert_true(aps_str_is(got, expected));
}

static void operations_are_described(void **state)
{
	(void)state;
	struct aps_gql_document *doc = make("query A($x: Int, $y: [B!]) { a b: c ...F ... on Q { d } }"
	                                    "mutation M { e { f } } subscription S { g } fragment F on Q { h }");
	assert_int_equal(aps_gql_document_n_operations(doc), 3);
	const struct aps_gql_operation *a = aps_gql_document_operation(doc, 0);
	assert_int_equal(a->kind, APS_GQL_QUERY);
	assert_text(a->name, "A");
	assert_int_equal(a->n_variables, 2);
	assert_text(a->variables[0], "x");
	assert_text(a->variables[1], "y");
	assert_int_equal(a->n_root_fields, 2);
	assert_text(a->root_fields[0], "a");
	assert_text(a->root_fields[1], "b");
	assert_int_equal(aps_gql_document_operation(doc, 1)->kind, APS_GQL_MUTATION);
	assert_int_equal(aps_gql_document_operation(doc, 2)->kind, APS_GQL_SUBSCRIPTION);
	assert_null(aps_gql_document_operation(doc, 3));
	assert_ptr_equal(aps_gql_document_find(doc, APS_STR("A")), a);
	assert_ptr_equal(aps_gql_document_find(doc, APS_STR("S")), aps_gql_document_operation(doc, 2));
	assert_null(aps_gql_document_find(doc, APS_STR("F")));
	assert_null(aps_gql_document_find(doc, APS_STR("")));
	aps_gql_document_unref(doc);
}

static void an_empty_name_finds_the_only_operation(void **state)
{
	(void)state;
	struct aps_gql_document *doc = make("query Only { a }");
	assert_ptr_equal(aps_gql_document_find(doc, APS_STR("")), aps_gql_document_operation(doc, 0));
	aps_gql_document_unref(doc);
	doc = make("{ a }");
	assert_int_equal(aps_gql_document_find(doc, APS_STR(""))->name.n, 0);
	aps_gql_document_unref(doc);
}

static void typename_is_added_once_and_not_at_the_root(void **state)
{
	(void)state;
	struct aps_gql_document *doc = make("query Q { a { b { __typename c } d: e { f: __typename } ... on T { g } "
	                                    "...F } } fragment F on T { h }");
	assert_text(
	        aps_gql_document_text_typenames(doc),
	        "query Q {\n  a {\n    b {\n      __typename\n      c\n    }\n    d: e {\n      f: __typename\n"
	        "      __typename\n    }\n    ... on T {\n      g\n      __typename\n    }\n    ...F\n    __typename\n"
	        "  }\n}\n\nfragment F on T {\n  h\n  __typename\n}\n");
	assert_null(aps_str_find(aps_gql_document_text(doc), "h\n  __typename"));
	aps_gql_document_unref(doc);
}

static void a_subscription_keeps_its_single_root_field(void **state)
{
	(void)state;
	struct aps_gql_document *doc =
	        make("subscription S { ...F ... on Subscription { ...G } }"
	             "fragment F on Subscription { ...G } fragment G on Subscription { on { a } }");
	assert_text(aps_gql_document_text_typenames(doc),
	            "subscription S {\n  ...F\n  ... on Subscription {\n    ...G\n  }\n}\n\n"
	            "fragment F on Subscription {\n  ...G\n}\n\n"
	            "fragment G on Subscription {\n  on {\n    a\n    __typename\n  }\n}\n");
	aps_gql_document_unref(doc);
	doc = make("query Q { ...F } fragment F on Query { a { b } }");
	assert_non_null(aps_str_find(aps_gql_document_text_typenames(doc), "  }\n  __typename\n}\n"));
	aps_gql_document_unref(doc);
}

static void the_print_is_that_of_amplify(void **state)
{
	(void)state;
	struct aps_gql_document *doc =
	        make("query operation($limit: Int, $nextToken: String, $lastSync: AWSTimestamp, $filter: F)"
	             "{ syncPosts(limit: $limit, nextToken: $nextToken, lastSync: $lastSync, filter: $filter)"
	             "{ items { id } } }");
	assert_text(aps_gql_document_text(doc),
	            "query operation($limit: Int, $nextToken: String, $lastSync: AWSTimestamp, $filter: F) {\n"
	            "  syncPosts(\n    limit: $limit\n    nextToken: $nextToken\n    lastSync: $lastSync\n"
	            "    filter: $filter\n  ) {\n    items {\n      id\n    }\n  }\n}\n");
	aps_gql_document_unref(doc);
	doc = make("query ($id: ID!) { getTodo(id: $id) { id } }");
	assert_text(aps_gql_document_text(doc), "query ($id: ID!) {\n  getTodo(id: $id) {\n    id\n  }\n}\n");
	aps_gql_document_unref(doc);
}

static void the_hash_is_that_of_the_print(void **state)
{
	(void)state;
	struct aps_gql_document *doc = make("{a}"), *same = make("query # c\n{ a }");
	/* printf '{\n  a\n}\n' | sha256sum */
	assert_text(aps_gql_document_hash(doc), "e0dc5d76b9865226ef70e1b48f8f81f3360f61766327c4b52c389b09f64ddbc9");
	assert_true(aps_str_eq(aps_gql_document_hash(doc), aps_gql_document_hash(same)));
	aps_gql_document_unref(doc);
	aps_gql_document_unref(same);
}

static void documents_that_cannot_run_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *message;
	} CASES[] = {
	        {"query A { a }\nquery A { b }", "Two operations have the same name (line 2, column 1)"},
	        {"query B { a } mutation A { a } query B { b }",
	         "Two operations have the same name (line 1, column 32)"},
	        {"query A { a } { b }", "An operation without a name must be the only one (line 1, column 15)"},
	        {"{ a } { b }", "An operation without a name must be the only one (line 1, column 7)"},
	        {"{ a } type A",
	         "Expected an operation or a fragment, found a type system definition (line 1, column 7)"},
	        {"extend type A @b",
	         "Expected an operation or a fragment, found a type system definition (line 1, column 1)"},
	        {"{ a { ...F } }", "The fragment \"F\" is not defined (line 1, column 7)"},
	        {"{ a } fragment G on T { ... { b { ...H } } }",
	         "The fragment \"H\" is not defined (line 1, column 35)"},
	        {"{ ...F } fragment F on T { a { ...F } }", "The fragment \"F\" includes itself (line 1, column 32)"},
	        {"{ a } fragment F on T { ...G } fragment G on T { ...H ...F } fragment H on T { b }",
	         "The fragment \"F\" includes itself (line 1, column 55)"},
	        {"{ ...F } fragment F on T { a } fragment F on T { b }",
	         "The fragment \"F\" is defined twice (line 1, column 32)"},
	};
	for (size_t i = 0; i < APS_COUNTOF(CASES); i++) {
		struct aps_gql_document *doc;
		enum aps_rc rc = aps_gql_document_new(aps_str_of(CASES[i].text), &doc, &place, &err);
		assert_int_equal(rc, APS_E_SYNTAX);
		assert_string_equal(err.msg, CASES[i].message);
		assert_null(doc);
		char expected[64];
		snprintf(expected, sizeof expected, "(line %u, column %u)", place.line, place.column);
		assert_non_null(strstr(err.msg, expected));
	}
}

static void fragments_may_stand_alone(void **state)
{
	(void)state;
	struct aps_gql_document *doc = make("fragment A on T { a b { ...B ... on U { ...C } } } fragment B on U { c } "
	                                    "fragment C on U { d } fragment D on T { ...C }");
	assert_int_equal(aps_gql_document_n_operations(doc), 0);
	assert_null(aps_gql_document_find(doc, APS_STR("")));
	assert_int_equal(aps_gql_document_n_fragments(doc), 2);
	const struct aps_gql_operation *first = aps_gql_document_fragment_at(doc, 0);
	assert_int_equal(first->kind, APS_GQL_FRAGMENT);
	assert_text(first->name, "A");
	assert_text(first->node->text, "T");
	assert_text(aps_gql_document_fragment_at(doc, 1)->name, "D");
	assert_null(aps_gql_document_fragment_at(doc, 2));
	aps_gql_document_unref(doc);
	doc = make("{ a { ...F } } fragment F on T { a }");
	assert_int_equal(aps_gql_document_n_fragments(doc), 0);
	aps_gql_document_unref(doc);
}

static void a_refusal_needs_neither_place_nor_error(void **state)
{
	(void)state;
	struct aps_gql_document *doc;
	assert_int_equal(aps_gql_document_new(APS_STR("{"), &doc, NULL, NULL), APS_E_SYNTAX);
	assert_int_equal(aps_gql_document_new(APS_STR("{...F}"), &doc, NULL, NULL), APS_E_SYNTAX);
	assert_int_equal(aps_gql_document_new((struct aps_str){NULL, 0}, &doc, NULL, NULL), APS_E_SYNTAX);
	aps_gql_document_unref(NULL);
}

static void a_long_chain_of_fragments_is_checked_without_deep_recursion(void **state)
{
	(void)state;
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&text, "subscription{...f0}");
	for (int i = 0; i < 20000; i++) aps_buf_addf(&text, "fragment f%d on T{...f%d}", i, i + 1);
	size_t n = text.n;
	aps_buf_add_text(&text, "fragment f20000 on T{a}");
	struct aps_gql_document *doc;
	assert_int_equal(aps_gql_document_new(aps_buf_str(&text), &doc, &place, &err), APS_OK);
	aps_gql_document_unref(doc);
	text.n = n;
	aps_buf_add_text(&text, "fragment f20000 on T{...f7}");
	assert_int_equal(aps_gql_document_new(aps_buf_str(&text), &doc, &place, &err), APS_E_SYNTAX);
	assert_non_null(strstr(err.msg, "includes itself"));
	aps_buf_clear(&text);
}

static void a_print_beyond_its_ceiling_is_refused(void **state)
{
	(void)state;
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	for (int i = 0; i < 199; i++) aps_buf_add_text(&text, "{a");
	aps_buf_add_byte(&text, '{');
	for (int i = 0; i < 20000; i++) aps_buf_add_text(&text, "b ");
	for (int i = 0; i < 200; i++) aps_buf_add_byte(&text, '}');
	struct aps_gql_document *doc;
	assert_int_equal(aps_gql_document_new(aps_buf_str(&text), &doc, &place, &err), APS_E_TOO_BIG);
	aps_buf_clear(&text);
}

static void fail_every_allocation(struct aps_str text)
{
	size_t before = aps_mem_live();
	for (size_t nth = 1;; nth++) {
		struct aps_gql_document *doc;
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_gql_document_new(text, &doc, &place, &err);
		aps_mem_fail_at(0);
		if (rc == APS_OK) {
			assert_true(nth > 4);
			aps_gql_document_unref(doc);
			break;
		}
		assert_int_equal(rc, APS_E_NOMEM);
		assert_null(doc);
		assert_int_equal(aps_mem_live(), before);
	}
}

static void every_failing_allocation_is_reported_and_leaves_nothing(void **state)
{
	(void)state;
	fail_every_allocation(APS_STR("query Q($a: I = {b: \"\\n\"}) { a(s: \"\"\"\n x\n\"\"\") { ...F } } "
	                              "fragment F on T { b }"));
	fail_every_allocation(APS_STR("fragment F on T { a { ...G } } fragment G on U { b }"));
}

static void the_tree_outlives_the_text_and_the_parse(void **state)
{
	(void)state;
	char text[] = "query Q($s: String = \"a\\u0062\") { a: b(s: $s) { ...F } } fragment F on T { ...G } fragment G "
	              "on T { c }";
	struct aps_gql_document *doc = make(text);
	memset(text, '!', sizeof text - 1);
	const struct aps_gql_node *tree = aps_gql_document_tree(doc);
	assert_int_equal(tree->kind, APS_GQL_DOCUMENT);
	const struct aps_gql_operation *operation = aps_gql_document_operation(doc, 0);
	assert_ptr_equal(operation->node, tree->items);
	assert_text(operation->node->arguments->value->text, "ab");
	const struct aps_gql_node *field = operation->node->items;
	assert_text(field->text, "a");
	assert_text(field->name, "b");
	assert_text(operation->root_fields[0], "a");
	assert_int_equal(field->items->kind, APS_GQL_FRAGMENT_SPREAD);
	const struct aps_gql_node *fragment = aps_gql_document_fragment(doc, field->items->name);
	assert_ptr_equal(fragment, tree->items->next);
	fragment = aps_gql_document_fragment(doc, fragment->items->name);
	assert_text(fragment->items->name, "c");
	assert_null(fragment->value); /* what the parse used it for is over */
	assert_null(aps_gql_document_fragment(doc, APS_STR("Q")));
	aps_gql_document_unref(doc);
}

static size_t weight_of(struct aps_str text)
{
	struct aps_gql_document *doc;
	assert_int_equal(aps_gql_document_new(text, &doc, &place, &err), APS_OK);
	size_t n = aps_gql_document_bytes(doc);
	aps_gql_document_unref(doc);
	return n;
}

/* The numbers that gql/document.h tells. */
static void what_a_document_weighs_is_bounded(void **state)
{
	(void)state;
	static const char LIST[] =
	        "query ListPosts($filter: ModelPostFilterInput, $limit: Int, $nextToken: String) {\n"
	        "  listPosts(filter: $filter, limit: $limit, nextToken: $nextToken) {\n"
	        "    items { id title content createdAt updatedAt owner\n"
	        "      blog { id name createdAt updatedAt }\n"
	        "      comments { items { id content postID createdAt updatedAt owner } nextToken startedAt }\n"
	        "      ...PostMeta\n    }\n    nextToken startedAt\n  }\n}\n"
	        "fragment PostMeta on Post { _version _deleted _lastChangedAt tags(limit: 10) { items { id label } } }";
	assert_in_range(
	        weight_of(APS_STR("query GetPost($id: ID!) { getPost(id: $id) { id title ups downs createdAt } }")),
	        1000, 4500);
	assert_in_range(weight_of(aps_str_of(LIST)), 20 * (sizeof LIST - 1), 26 * (sizeof LIST - 1));
	struct aps_buf text; /* one-letter fields: the most for each byte */
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_byte(&text, '{');
	for (int i = 0; i < 262000; i++) aps_buf_add_text(&text, "a ");
	aps_buf_add_byte(&text, '}');
	assert_in_range(weight_of(aps_buf_str(&text)), 60 * text.n, 70 * text.n);
	aps_buf_reset(&text); /* near every ceiling: tokens, bytes of text, bytes of both prints */
	for (int i = 0; i < 5; i++) aps_buf_add_text(&text, "{a");
	aps_buf_add_byte(&text, '{');
	for (int i = 0; i < 262000; i++) aps_buf_add_text(&text, "aaa ");
	for (int i = 0; i < 6; i++) aps_buf_add_byte(&text, '}');
	size_t n = weight_of(aps_buf_str(&text));
	assert_in_range(n, (size_t)35 * 1024 * 1024, (size_t)40 * 1024 * 1024);
	aps_buf_clear(&text);
}

static void *take_and_drop(void *argument)
{
	struct aps_gql_document *doc = argument;
	for (int i = 0; i < 20000; i++) {
		aps_gql_document_ref(doc);
		aps_gql_document_unref(doc);
	}
	aps_gql_document_unref(doc);
	return NULL;
}

static void references_are_counted_across_threads(void **state)
{
	(void)state;
	pthread_t threads[4];
	struct aps_gql_document *doc = make("{ a }");
	for (size_t i = 0; i < APS_COUNTOF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_drop, aps_gql_document_ref(doc)), 0);
	for (size_t i = 0; i < APS_COUNTOF(threads); i++) pthread_join(threads[i], NULL);
	assert_text(aps_gql_document_text(doc), "{\n  a\n}\n");
	aps_gql_document_unref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_teardown(operations_are_described, teardown),
	        cmocka_unit_test_teardown(an_empty_name_finds_the_only_operation, teardown),
	        cmocka_unit_test_teardown(typename_is_added_once_and_not_at_the_root, teardown),
	        cmocka_unit_test_teardown(a_subscription_keeps_its_single_root_field, teardown),
	        cmocka_unit_test_teardown(the_print_is_that_of_amplify, teardown),
	        cmocka_unit_test_teardown(the_hash_is_that_of_the_print, teardown),
	        cmocka_unit_test_teardown(documents_that_cannot_run_are_refused, teardown),
	        cmocka_unit_test_teardown(fragments_may_stand_alone, teardown),
	        cmocka_unit_test_teardown(a_refusal_needs_neither_place_nor_error, teardown),
	        cmocka_unit_test_teardown(a_long_chain_of_fragments_is_checked_without_deep_recursion, teardown),
	        cmocka_unit_test_teardown(a_print_beyond_its_ceiling_is_refused, teardown),
	        cmocka_unit_test_teardown(every_failing_allocation_is_reported_and_leaves_nothing, teardown),
	        cmocka_unit_test_teardown(the_tree_outlives_the_text_and_the_parse, teardown),
	        cmocka_unit_test_teardown(what_a_document_weighs_is_bounded, teardown),
	        cmocka_unit_test_teardown(references_are_counted_across_threads, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

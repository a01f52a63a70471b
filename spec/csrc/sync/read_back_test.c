#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sync/read_back.h"

static struct aps_err err;
static struct aps_buf text, needed;

static const struct aps_str ID_VERSION[] = {APS_STR("id"), APS_STR("_version")};
static const struct aps_identity_field ID_1[] = {{APS_STR("id"), APS_STR("\"1\"")}};

static int setup(void **state)
{
	(void)state;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_init(&needed, APS_BUF_ANY_SIZE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aps_buf_clear(&text);
	aps_buf_clear(&needed);
	return aps_mem_live() == 0 ? 0 : -1;
}

static struct aps_gql_document *make(struct aps_str of)
{
	struct aps_gql_document *doc;
	enum aps_rc rc = aps_gql_document_new(of, &doc, NULL, &err);
	if (rc != APS_OK) print_message("%s\n%.*s\n", err.msg, (int)of.n, of.p);
	assert_int_equal(rc, APS_OK);
	return doc;
}

/* Of a Todo with the id "1" and the fields id and _version. */
static struct aps_read_back todo(void)
{
	return (struct aps_read_back){
	        .type = APS_STR("Todo"), .identity = ID_1, .n_identity = 1, .fields = ID_VERSION, .n_fields = 2};
}

static enum aps_rc write(struct aps_read_back of, const char *mutation, const char *variables)
{
	struct aps_gql_document *doc = make(aps_str_of(mutation));
	of.document = doc;
	of.operation = aps_gql_document_operation(doc, 0);
	aps_buf_reset(&text);
	aps_buf_reset(&needed);
	aps_err_clear(&err);
	enum aps_rc rc = aps_read_back_write(&of, aps_str_of(variables), &text, &needed, &err);
	assert_int_equal(err.code, rc);
	aps_gql_document_unref(doc);
	return rc;
}

/* `expected` in any layout: the canonical print of it is compared. The canonical print can be parsed. */
static void assert_query(const char *expected)
{
	struct aps_gql_document *want = make(aps_str_of(expected)), *got = make(aps_buf_str(&text));
	struct aps_str canonical = aps_gql_document_text(want);
	if (!aps_str_eq(canonical, aps_buf_str(&text))) print_message("got:\n%s\n", text.p);
	assert_true(aps_str_eq(canonical, aps_buf_str(&text)));
	assert_true(aps_str_eq(aps_gql_document_text(got), aps_buf_str(&text)));
	aps_gql_document_unref(want);
	aps_gql_document_unref(got);
}

static void assert_written(struct aps_read_back of, const char *mutation, const char *expected)
{
	enum aps_rc rc = write(of, mutation, "");
	if (rc != APS_OK) print_message("%s\n", err.msg);
	assert_int_equal(rc, APS_OK);
	assert_query(expected);
	assert_string_equal(needed.p, "{}");
}

static void assert_refused(struct aps_read_back of, const char *mutation, const char *message)
{
	assert_int_equal(write(of, mutation, ""), APS_E_USAGE);
	if (strstr(err.msg, message) == NULL) print_message("got: %s\n", err.msg);
	assert_non_null(strstr(err.msg, message));
	assert_int_equal(text.n, 0);
	assert_int_equal(needed.n, 0);
}

static void the_record_is_selected_as_the_mutation_selects_it(void **state)
{
	(void)state;
	assert_written(todo(), "mutation M($i: I!) { createTodo(input: $i) { title author { name } } }",
	               "{ createTodo: getTodo(id: \"1\") { __typename id _version title author { name } } }");
}

static void the_root_field_has_the_response_key_of_the_mutations(void **state)
{
	(void)state;
	struct aps_read_back of = todo();
	assert_written(of, "mutation { made: createTodo { title } }",
	               "{ made: getTodo(id: \"1\") { __typename id _version title } }");
	assert_written(of, "mutation { getTodo: createTodo { title } }",
	               "{ getTodo(id: \"1\") { __typename id _version title } }");
	of.query_field = APS_STR("todoById");
	assert_written(of, "mutation { createTodo { title } }",
	               "{ createTodo: todoById(id: \"1\") { __typename id _version title } }");
	of.type = APS_STR("");
	assert_written(of, "mutation { createTodo { title } }",
	               "{ createTodo: todoById(id: \"1\") { __typename id _version title } }");
}

static void what_is_selected_already_is_not_added(void **state)
{
	(void)state;
	struct aps_read_back of = todo();
	assert_written(of, "mutation { createTodo { id title _version __typename } }",
	               "{ createTodo: getTodo(id: \"1\") { id title _version __typename } }");
	assert_written(of, "mutation { createTodo { id @include(if: true) ...F } } fragment F on Todo { _version }",
	               "{ createTodo: getTodo(id: \"1\") { __typename id _version id @include(if: true) ...F } } "
	               "fragment F on Todo { _version }");
	static const struct aps_str TWICE[] = {APS_STR("id"), APS_STR("id"), APS_STR("__typename")};
	of.fields = TWICE;
	of.n_fields = 3;
	assert_written(of, "mutation { createTodo { title } }",
	               "{ createTodo: getTodo(id: \"1\") { __typename id title } }");
	of.n_fields = 0;
	assert_written(of, "mutation { createTodo { title } }",
	               "{ createTodo: getTodo(id: \"1\") { __typename title } }");
}

static void a_field_that_stands_for_something_else_is_refused(void **state)
{
	(void)state;
	static const char *const MUTATIONS[] = {
	        "mutation { createTodo { _version: title } }",
	        "mutation { createTodo { _version(n: 1) } }",
	        "mutation { createTodo { _version { n } } }",
	        "mutation { createTodo { ... on Todo { _version: title } } }",
	        "mutation { createTodo { ...F } } fragment F on Todo { ...G } fragment G on Todo { _version: title }",
	};
	for (size_t i = 0; i < APS_COUNTOF(MUTATIONS); i++)
		assert_refused(todo(), MUTATIONS[i], "the mutation selects something else as \"_version\"");
	assert_refused(todo(), "mutation { createTodo { __typename: title } }", "something else as \"__typename\"");
	assert_written(todo(), "mutation { createTodo { v: _version a { _version: b } } }",
	               "{ createTodo: getTodo(id: \"1\") { __typename id _version v: _version a { _version: b } } }");
}

static void what_is_wanted_besides_is_asked_for_unless_its_name_is_taken(void **state)
{
	(void)state;
	static const struct aps_str WANTED[] = {APS_STR("note"), APS_STR("title"), APS_STR("n"), APS_STR("id")};
	struct aps_read_back of = todo();
	of.wanted = WANTED;
	of.n_wanted = APS_COUNTOF(WANTED);
	assert_written(of, "mutation { createTodo { title n: m } }",
	               "{ createTodo: getTodo(id: \"1\") { __typename id _version note title n: m } }");
}

static void fragments_that_it_includes_come_along(void **state)
{
	(void)state;
	assert_written(
	        todo(),
	        "fragment Z on Todo { z } fragment A on Todo { a { ...B } } mutation { createTodo { ...A ... on Todo { "
	        "c } } } fragment B on User { b } fragment R on Mutation { createTodo { r } }",
	        "{ createTodo: getTodo(id: \"1\") { __typename id _version ...A ... on Todo { c } } } "
	        "fragment A on Todo { a { ...B } } fragment B on User { b }");
}

static void the_root_field_may_stand_in_fragments_and_several_times(void **state)
{
	(void)state;
	struct aps_read_back of = todo();
	assert_written(of,
	               "mutation { createTodo { a } ...F ... on Mutation { createTodo { b } } } "
	               "fragment F on Mutation { createTodo { c } }",
	               "{ createTodo: getTodo(id: \"1\") { __typename id _version a b c } }");
	assert_written(of, "mutation { __typename createTodo { a } }",
	               "{ createTodo: getTodo(id: \"1\") { __typename id _version a } }");
	assert_refused(of, "mutation { createTodo { a } b: createTodo { b } }", "several root fields");
	assert_refused(of, "mutation { __typename }", "several root fields");
	of.response_key = APS_STR("b");
	assert_written(of, "mutation { createTodo { a } b: createTodo { b } }",
	               "{ b: getTodo(id: \"1\") { __typename id _version b } }");
	of.response_key = APS_STR("c");
	assert_refused(of, "mutation { createTodo { a } b: createTodo { b } }", "no root field has the key \"c\"");
}

static void a_root_field_is_found(void **state)
{
	(void)state;
	struct aps_gql_document *doc =
	        make(APS_STR("mutation A { a: createTodo { x } b { y } } mutation B { c { z } }"));
	const struct aps_gql_operation *a = aps_gql_document_operation(doc, 0), *b = aps_gql_document_operation(doc, 1);
	const struct aps_gql_node *root;
	assert_int_equal(aps_read_back_root(doc, a, APS_STR("a"), &root, &err), APS_OK);
	assert_true(aps_str_is(root->name, "createTodo"));
	assert_int_equal(aps_read_back_root(doc, a, APS_STR("createTodo"), &root, &err), APS_OK);
	assert_null(root);
	assert_int_equal(aps_read_back_root(doc, a, APS_STR(""), &root, &err), APS_OK);
	assert_null(root);
	assert_int_equal(aps_read_back_root(doc, b, APS_STR(""), &root, &err), APS_OK);
	assert_true(aps_str_is(root->name, "c"));
	aps_mem_fail_at(1);
	assert_int_equal(aps_read_back_root(doc, b, APS_STR(""), &root, &err), APS_E_NOMEM);
	assert_null(root);
	aps_gql_document_unref(doc);
}

static void a_root_field_without_selections_is_refused(void **state)
{
	(void)state;
	assert_refused(todo(), "mutation { deleteTodo }", "\"deleteTodo\" selects no fields of one");
}

static void the_identity_becomes_literals(void **state)
{
	(void)state;
	static const struct aps_identity_field IDENTITY[] = {
	        {APS_STR("a"), APS_STR("\"q\\\"\\\\\\n\\u0000\\u00e9$x\"")},
	        {APS_STR("b"), APS_STR("-12")},
	        {APS_STR("c"), APS_STR("1.50e3")},
	        {APS_STR("d"), APS_STR("true")},
	        {APS_STR("e"), APS_STR("false")},
	        {APS_STR("f"), APS_STR("null")},
	        {APS_STR("g"), APS_STR("123456789012345678901234567890")},
	        {APS_STR("h"), APS_STR(" \"\" ")},
	        {APS_STR("i"), APS_STR("-0")},
	        {APS_STR("j"), APS_STR("\"ACTIVE\"")},
	};
	struct aps_read_back of = todo();
	of.identity = IDENTITY;
	of.n_identity = APS_COUNTOF(IDENTITY);
	assert_written(
	        of, "mutation { createTodo { title } }",
	        "{ createTodo: getTodo(a: \"q\\\"\\\\\\n\\u0000\xc3\xa9$x\", b: -12, c: 1.50e3, d: true, e: false, "
	        "f: null, g: 123456789012345678901234567890, h: \"\", i: -0, j: \"ACTIVE\") "
	        "{ __typename id _version title } }");
}

static void what_cannot_be_an_argument_is_refused(void **state)
{
	(void)state;
	static const struct {
		struct aps_identity_field field;
		const char *message;
	} ROWS[] = {
	        {{APS_STR("id"), APS_STR("{}")}, "the identity's \"id\" is no string"},
	        {{APS_STR("id"), APS_STR("[1]")}, "the identity's \"id\" is no string"},
	        {{APS_STR("id"), APS_STR("")}, "the identity's \"id\" is no string"},
	        {{APS_STR("id"), APS_STR("1 2")}, "the identity's \"id\" is no string"},
	        {{APS_STR("id"), APS_STR("\"x")}, "the identity's \"id\" is no string"},
	        {{APS_STR("author.id"), APS_STR("1")}, "\"author.id\" isn't the name of an argument"},
	        {{APS_STR(""), APS_STR("1")}, "\"\" isn't the name of an argument"},
	};
	struct aps_read_back of = todo();
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		of.identity = &ROWS[i].field;
		assert_refused(of, "mutation { createTodo { title } }", ROWS[i].message);
	}
	of.n_identity = 0;
	assert_refused(of, "mutation { createTodo { title } }", "nothing identifies what \"createTodo\" changes");
}

static void what_is_no_name_is_refused(void **state)
{
	(void)state;
	static const struct aps_str PATH[] = {APS_STR("author.id")};
	struct aps_read_back of = todo();
	of.fields = PATH;
	of.n_fields = 1;
	assert_refused(of, "mutation { createTodo { title } }", "\"author.id\" isn't the name of a field");
	of = todo();
	of.type = APS_STR("To do");
	assert_refused(of, "mutation { createTodo { title } }", "\"getTo do\" isn't the name of a field");
	of.query_field = APS_STR("get-todo");
	assert_refused(of, "mutation { createTodo { title } }", "\"get-todo\" isn't the name of a field");
	of = todo();
	of.type = APS_STR("");
	assert_refused(of, "mutation { likeTodo { title } }", "the type that \"likeTodo\" gives isn't known");
}

static const char VARIED[] =
        "mutation M($input: I!, $first: Int = 10, $with: Boolean! @d(a: 1), $x: [ID!]) { createTodo(input: $input) { "
        "title "
        "notes(first: $first, filter: {a: [$x]}) { id } ...F } } fragment F on Todo { f @include(if: $with) }";

static void variables_that_the_selections_use_are_declared(void **state)
{
	(void)state;
	assert_int_equal(write(todo(), VARIED, "{\"input\":{\"id\":\"1\"},\"with\":true}"), APS_OK);
	assert_query("query ($first: Int = 10, $with: Boolean! @d(a: 1), $x: [ID!]) { createTodo: getTodo(id: \"1\") { "
	             "__typename id _version title notes(first: $first, filter: {a: [$x]}) { id } ...F } } "
	             "fragment F on Todo { f @include(if: $with) }");
	assert_string_equal(needed.p, "{\"with\":true}");
}

static void only_these_are_sent_along_as_they_were(void **state)
{
	(void)state;
	static const struct {
		const char *variables;
		const char *needed;
	} ROWS[] = {
	        {"", "{}"},
	        {"{}", "{}"},
	        {"null", "{}"},
	        {"{\"input\":{\"first\":1}}", "{}"},
	        {" { \"x\" : [ \"a\" , \"\\u0062\" ] , \"y\":1, \"f\\u0069rst\" : 1.50 } ",
	         "{\"x\":[ \"a\" , \"\\u0062\" ],\"first\":1.50}"},
	        {"{\"first\":1,\"first\":2,\"with\":null}", "{\"first\":1,\"first\":2,\"with\":null}"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		assert_int_equal(write(todo(), VARIED, ROWS[i].variables), APS_OK);
		assert_string_equal(needed.p, ROWS[i].needed);
	}
}

static void variables_that_are_no_object_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *variables;
		enum aps_rc rc;
	} ROWS[] = {
	        {"[]", APS_E_USAGE},           {"1", APS_E_USAGE},    {"{", APS_E_SYNTAX},
	        {"{\"first\":", APS_E_SYNTAX}, {"{}x", APS_E_SYNTAX}, {"nullx", APS_E_SYNTAX},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		assert_int_equal(write(todo(), VARIED, ROWS[i].variables), ROWS[i].rc);
		assert_int_equal(text.n, 0);
		assert_int_equal(needed.n, 0);
	}
}

static void what_was_in_the_buffers_stays(void **state)
{
	(void)state;
	struct aps_gql_document *doc = make(APS_STR("mutation { createTodo { a } }"));
	struct aps_read_back of = todo();
	of.document = doc;
	of.operation = aps_gql_document_operation(doc, 0);
	aps_buf_add_text(&text, "one");
	aps_buf_add_text(&needed, "two");
	assert_int_equal(aps_read_back_write(&of, APS_STR("1"), &text, &needed, NULL), APS_E_USAGE);
	assert_int_equal(text.n, 3);
	assert_int_equal(needed.n, 3);
	assert_int_equal(aps_read_back_write(&of, APS_STR("{}"), &text, &needed, NULL), APS_OK);
	assert_memory_equal(text.p, "one{\n  createTodo: getTodo", 23);
	assert_string_equal(needed.p, "two{}");
	aps_gql_document_unref(doc);
}

static void a_query_that_is_too_large_is_refused(void **state)
{
	(void)state;
	struct aps_buf of;
	aps_buf_init(&of, APS_BUF_ANY_SIZE);
	/* an indented print is larger than the text that it was made from */
	aps_buf_add_text(&of, "mutation{createTodo{");
	for (int i = 0; i < 120; i++) aps_buf_add_text(&of, "a{");
	for (int i = 0; i < 8000; i++) aps_buf_add_text(&of, "b ");
	for (int i = 0; i < 122; i++) aps_buf_add_text(&of, "}");
	assert_int_equal(write(todo(), of.p, ""), APS_E_TOO_BIG);
	assert_int_equal(text.n, 0);
	aps_buf_clear(&of);
	text.max_bytes = 50;
	assert_int_equal(write(todo(), "mutation { createTodo { title } }", ""), APS_E_TOO_BIG);
	assert_int_equal(text.n, 0);
	aps_buf_clear(&text);
	text.max_bytes = APS_BUF_ANY_SIZE;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	needed.max_bytes = 1;
	assert_int_equal(write(todo(), "mutation { createTodo { title } }", ""), APS_E_TOO_BIG);
	assert_int_equal(text.n + needed.n, 0);
}

static void every_failed_allocation_is_reported(void **state)
{
	(void)state;
	static const struct aps_identity_field ESCAPED[] = {{APS_STR("id"), APS_STR("\"\\u0031\"")}};
	struct aps_gql_document *doc = make(aps_str_of(VARIED));
	struct aps_read_back of = todo();
	of.document = doc;
	of.operation = aps_gql_document_operation(doc, 0);
	of.identity = ESCAPED;
	size_t n_live = aps_mem_live();
	for (size_t nth = 1;; nth++) {
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_read_back_write(&of, APS_STR("{\"\\u0078\":[\"a\"]}"), &text, &needed, &err);
		aps_mem_fail_at(0);
		assert_true(rc == APS_OK || text.n + needed.n == 0);
		aps_buf_clear(&text);
		aps_buf_clear(&needed);
		assert_int_equal(aps_mem_live(), n_live);
		if (rc == APS_OK) {
			assert_true(nth > 5);
			break;
		}
		assert_int_equal(rc, APS_E_NOMEM);
		assert_int_equal(err.code, APS_E_NOMEM);
	}
	aps_gql_document_unref(doc);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void what_is_shown_under_another_name_is_told_of_the_one_root_field_or_no_memory_is(void **state)
{
	(void)state;
	struct aps_gql_document *doc =
	        make(APS_STR("mutation { ...F a { id n: m s: s } } fragment F on Mutation { a { t(x: 1) ...G } } "
	                     "fragment G on Todo { u: v }"));
	struct aps_read_back of = todo();
	struct aps_str *keys;
	size_t n;
	enum aps_rc rc = APS_E_NOMEM;
	of.document = doc;
	of.operation = aps_gql_document_operation(doc, 0);
	for (size_t nth = 1; rc != APS_OK; nth++) {
		struct aps_arena arena;
		aps_arena_init(&arena, APS_BUF_ANY_SIZE);
		aps_mem_fail_at(nth);
		rc = aps_read_back_disguised(&of, &arena, &keys, &n, &err);
		aps_mem_fail_at(0);
		assert_true(rc == APS_OK || rc == APS_E_NOMEM);
		assert_true(nth < 30);
		assert_int_equal(n, rc == APS_OK ? 3 : 0);
		if (rc == APS_OK)
			assert_true(aps_str_is(keys[0], "n") && aps_str_is(keys[1], "t") && aps_str_is(keys[2], "u"));
		aps_arena_clear(&arena);
	}
	aps_gql_document_unref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(the_record_is_selected_as_the_mutation_selects_it),
	        TEST(the_root_field_has_the_response_key_of_the_mutations),
	        TEST(what_is_selected_already_is_not_added),
	        TEST(a_field_that_stands_for_something_else_is_refused),
	        TEST(what_is_wanted_besides_is_asked_for_unless_its_name_is_taken),
	        TEST(fragments_that_it_includes_come_along),
	        TEST(the_root_field_may_stand_in_fragments_and_several_times),
	        TEST(a_root_field_is_found),
	        TEST(a_root_field_without_selections_is_refused),
	        TEST(the_identity_becomes_literals),
	        TEST(what_cannot_be_an_argument_is_refused),
	        TEST(what_is_no_name_is_refused),
	        TEST(variables_that_the_selections_use_are_declared),
	        TEST(only_these_are_sent_along_as_they_were),
	        TEST(variables_that_are_no_object_are_refused),
	        TEST(what_was_in_the_buffers_stays),
	        TEST(a_query_that_is_too_large_is_refused),
	        TEST(every_failed_allocation_is_reported),
	        TEST(what_is_shown_under_another_name_is_told_of_the_one_root_field_or_no_memory_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

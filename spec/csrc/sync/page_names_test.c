#include "sync/page.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct aps_err err;

static struct aps_gql_document *parse(const char *text)
{
	struct aps_gql_document *document;
	enum aps_rc rc = aps_gql_document_new(aps_str_of(text), &document, NULL, &err);
	if (rc != APS_OK) fail_msg("%s\n%s", err.msg, text);
	return document;
}

/* The names outlive the document. */
static enum aps_rc init(struct aps_page_names *names, const char *text, const char *version_field)
{
	struct aps_gql_document *document = parse(text);
	const struct aps_gql_operation *definition = aps_gql_document_n_operations(document) != 0
	                                                     ? aps_gql_document_operation(document, 0)
	                                                     : aps_gql_document_fragment_at(document, 0);
	enum aps_rc rc = aps_page_names_init(names, document, definition, aps_str_of(version_field), &err);
	aps_gql_document_unref(document);
	return rc;
}

static void assert_name(const char *document, const char *what, struct aps_str found, const char *expected)
{
	struct aps_str wanted = aps_str_of(expected != NULL ? expected : "");
	if (!aps_str_eq(found, wanted))
		fail_msg("%s: %s is \"%.*s\", not \"%s\"", document, what, (int)found.n, found.p, expected);
}

/* What isn't named here isn't selected. */
struct expected {
	const char *root, *field, *items, *next_token, *started_at, *version, *changed_at, *aws_ds, *deleted, *typename,
	        *version_field;
	bool is_page, is_event;
};

struct row {
	const char *document, *version_field;
	struct expected names;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct aps_page_names names;
		const char *text = rows[i].document;
		const struct expected *want = &rows[i].names;
		const char *version_field = rows[i].version_field != NULL ? rows[i].version_field : "";
		if (init(&names, text, version_field) != APS_OK) fail_msg("%s: %s", text, err.msg);
		assert_name(text, "root", names.root, want->root);
		assert_name(text, "field", names.field, want->field);
		assert_name(text, "items", names.items, want->items);
		assert_name(text, "next_token", names.next_token, want->next_token);
		assert_name(text, "started_at", names.started_at, want->started_at);
		assert_name(text, "version", names.version, want->version);
		assert_name(text, "changed_at", names.changed_at, want->changed_at);
		assert_name(text, "aws_ds", names.aws_ds, want->aws_ds);
		assert_name(text, "deleted", names.deleted, want->deleted);
		assert_name(text, "typename", names.typename, want->typename);
		assert_name(text, "version_field", names.version_field, want->version_field);
		if (names.is_page != want->is_page || names.is_event != want->is_event)
			fail_msg("%s: %d %d", text, names.is_page, names.is_event);
		aps_page_names_clear(&names);
		aps_page_names_clear(&names);
		assert_int_equal(names.root.n + names.version.n, 0);
		assert_int_equal(aps_mem_live(), 0);
	}
}

#define CHECK(rows) check(rows, APS_COUNTOF(rows))

static void a_connection_names_its_page_and_its_records(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"query { syncTodos { items { id _version _lastChangedAt _deleted aws_ds __typename } nextToken "
	         "startedAt } "
	         "}",
	         "",
	         {.root = "syncTodos",
	          .field = "syncTodos",
	          .items = "items",
	          .next_token = "nextToken",
	          .started_at = "startedAt",
	          .version = "_version",
	          .changed_at = "_lastChangedAt",
	          .aws_ds = "aws_ds",
	          .deleted = "_deleted",
	          .typename = "__typename",
	          .version_field = "_version",
	          .is_page = true}},
	        {"query { todos: listTodos { list: items { i: id v: _version c: _lastChangedAt d: _deleted a: aws_ds "
	         "t: "
	         "__typename } next: nextToken at: startedAt } }",
	         "",
	         {.root = "todos",
	          .field = "listTodos",
	          .items = "list",
	          .next_token = "next",
	          .started_at = "at",
	          .version = "v",
	          .changed_at = "c",
	          .aws_ds = "a",
	          .deleted = "d",
	          .typename = "t",
	          .version_field = "_version",
	          .is_page = true}},
	        {"query { l { items { id } total } }", "", {.root = "l", .field = "l", .items = "items"}},
	        {"query { l { items { id } startedAt __typename } }",
	         "",
	         {.root = "l", .field = "l", .items = "items", .started_at = "startedAt", .is_page = true}},
	        /* an object's version is none, nor is another field under the name of one */
	        {"query { l { items { _version { n } version: revision updatedAt } } }",
	         "",
	         {.root = "l",
	          .field = "l",
	          .items = "items",
	          .version = "updatedAt",
	          .changed_at = "updatedAt",
	          .version_field = "updatedAt",
	          .is_page = true}},
	        /* what is selected beside the list or below a record isn't a record's */
	        {"query { l { version updatedAt items { id author { _version nextToken } } } }",
	         "",
	         {.root = "l", .field = "l", .items = "items"}},
	        {"query { __typename l { items { id } } __typename }",
	         "",
	         {.root = "l", .field = "l", .items = "items", .is_page = true}},
	};
	CHECK(ROWS);
}

static void the_version_is_the_first_of_four_fields_that_is_selected_or_the_applications(void **state)
{
	(void)state;
#define LIST .root = "l", .field = "l", .items = "items", .is_page = true
	static const struct row ROWS[] = {
	        {"{ l { items { updatedAt _lastChangedAt version _version } } }",
	         "",
	         {LIST, .version = "_version", .version_field = "_version", .changed_at = "_lastChangedAt"}},
	        {"{ l { items { updatedAt _lastChangedAt version } } }",
	         "",
	         {LIST, .version = "version", .version_field = "version", .changed_at = "_lastChangedAt"}},
	        {"{ l { items { updatedAt _lastChangedAt } } }",
	         "",
	         {LIST, .version = "_lastChangedAt", .version_field = "_lastChangedAt",
	          .changed_at = "_lastChangedAt"}},
	        {"{ l { items { updatedAt } } }",
	         "",
	         {LIST, .version = "updatedAt", .version_field = "updatedAt", .changed_at = "updatedAt"}},
	        {"{ l { items { createdAt } } }", "", {LIST}},
	        {"{ l { items { _version r: revision updatedAt } } }",
	         "revision",
	         {LIST, .version = "r", .version_field = "revision", .changed_at = "updatedAt"}},
	        {"{ l { items { _version updatedAt } } }",
	         "updatedAt",
	         {LIST, .version = "updatedAt", .version_field = "updatedAt", .changed_at = "updatedAt"}},
	};
	CHECK(ROWS);
#undef LIST
}

static void fragments_are_looked_through_and_fields_that_are_written_twice_are_one(void **state)
{
	(void)state;
#define LIST                                                                                                           \
	.root = "l", .field = "l", .items = "items", .next_token = "nextToken", .version = "_version",                 \
	.version_field = "_version", .is_page = true
	static const struct row ROWS[] = {
	        {"query { ...Q } fragment Q on Query { l { ...L } } fragment L on C { items { ...T } nextToken } "
	         "fragment T on Todo { _version }",
	         "",
	         {LIST}},
	        {"query { ... { l { ... on C @include(if: true) { items { ... on Todo { _version } } nextToken } } } }",
	         "",
	         {LIST}},
	        {"query { l { items { id } } l { nextToken } l { items { _version } } }", "", {LIST}},
	        {"query { ...A ...B } fragment A on Query { l { items { id } } } fragment B on Query { l { items { "
	         "...T } "
	         "nextToken } } fragment T on Todo { _version }",
	         "_version",
	         {LIST}},
	        /* conditions count for nothing */
	        {"query { l { items { _version @skip(if: true) updatedAt @include(if: false) } nextToken } }",
	         "",
	         {LIST, .changed_at = "updatedAt"}},
	};
	CHECK(ROWS);
#undef LIST
}

static void without_items_the_record_is_where_its_version_is(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"query { allTodos { id version } }",
	         "",
	         {.root = "allTodos", .field = "allTodos", .version = "version", .version_field = "version"}},
	        {"query { allTodos { id author { version } aws_ds } }",
	         "",
	         {.root = "allTodos", .field = "allTodos", .aws_ds = "aws_ds"}},
	        {"query { allTodos { id author { version } _deleted } }",
	         "",
	         {.root = "allTodos", .field = "allTodos", .deleted = "_deleted"}},
	        {"query { allTodos { id author { v: version } } }",
	         "version",
	         {.root = "allTodos", .field = "allTodos", .version = "v", .version_field = "version"}},
	        {"query { p { page { entries { id v: _version __typename } next: nextToken startedAt } } }",
	         "",
	         {.root = "p",
	          .field = "p",
	          .next_token = "next",
	          .started_at = "startedAt",
	          .version = "v",
	          .typename = "__typename",
	          .version_field = "_version"}},
	        {"query { p { nextToken page { entries { id } n: nextToken } } }",
	         "",
	         {.root = "p", .field = "p", .next_token = "nextToken", .is_page = true}},
	        {"query { p { page { items { id aws_ds } } } }", "", {.root = "p", .field = "p", .aws_ds = "aws_ds"}},
	        {"query { p { _deleted entries { version } } }",
	         "version",
	         {.root = "p", .field = "p", .version = "version", .version_field = "version"}},
	        {"query { allTodos { id t: __typename author { id } } }",
	         "",
	         {.root = "allTodos", .field = "allTodos", .typename = "t"}},
	        /* `items` that selects nothing is a field like others */
	        {"query { order { id version items } }",
	         "",
	         {.root = "order", .field = "order", .version = "version", .version_field = "version"}},
	        {"query { a { b { c { d { e { f { g { h { i { version } } } } } } } } } }",
	         "",
	         {.root = "a", .field = "a"}},
	        {"query { a { b { c { d { e { f { g { h { i version } } } } } } } } }",
	         "",
	         {.root = "a", .field = "a", .version = "version", .version_field = "version"}},
	        {"fragment F on Query { allTodos { version } }",
	         "",
	         {.root = "allTodos", .field = "allTodos", .version = "version", .version_field = "version"}},
	};
	CHECK(ROWS);
}

static void a_page_s_fields_stand_above_the_records(void **state)
{
	(void)state;
#define P    .root = "p", .field = "p"
#define V    .version = "version", .version_field = "version"
#define LIST .root = "jobs", .field = "jobs"
	static const struct row ROWS[] = {
	        {"{ jobs { id startedAt version } }", "", {LIST, V}},
	        {"{ jobs { id startedAt } }", "", {LIST}},
	        {"{ jobs { id version session { startedAt } } }", "", {LIST, V}},
	        {"{ jobs { id session { startedAt } } }", "", {LIST}},
	        {"{ jobs { session { startedAt } id rev } }", "rev", {LIST, .version = "rev", .version_field = "rev"}},
	        {"{ p { rows { id startedAt version } } }", "", {P, V}},
	        {"{ p { rows { id version session { startedAt } } at: startedAt } }", "", {P, V, .started_at = "at"}},
	        {"{ p { session { startedAt } rows { id version } } }", "", {P, V}},
	        {"{ p { page { rows { id } n: nextToken at: startedAt total } } }",
	         "",
	         {P, .next_token = "n", .started_at = "at"}},
	        {"{ p { startedAt page { at: startedAt rows { id version } } } }",
	         "",
	         {P, V, .started_at = "startedAt"}},
	        {"{ p { items { id version startedAt } nextToken at: startedAt } }",
	         "",
	         {P, V, .items = "items", .next_token = "nextToken", .started_at = "at", .is_page = true}},
	        {"{ p { items { id startedAt session { startedAt } } } }", "", {P, .items = "items", .is_page = true}},
	        {"{ p { total items { id version } startedAt } }",
	         "",
	         {P, V, .items = "items", .started_at = "startedAt"}},
	        /* orders with their items, and no list of records that is named so */
	        {"{ p { id version startedAt items { id version } } }", "", {P, V, .items = "items"}},
	        {"{ p { id startedAt items { sku } } }", "", {P, .items = "items"}},
	        {"{ p { meta { n: nextToken } page { rows { id version } nextToken } } }",
	         "",
	         {P, V, .next_token = "nextToken"}},
	        /* a token that isn't asked for would be the end of the list */
	        {"{ p { version page { rows { id } nextToken startedAt } } }", "", {P, V, .next_token = "nextToken"}},
	};
	CHECK(ROWS);
#undef P
#undef V
#undef LIST
}

static void only_where_the_root_field_itself_has_the_records_fields_it_may_be_one(void **state)
{
	(void)state;
	static const struct {
		const char *document;
		bool has_list;
	} ROWS[] = {
	        {"{ l { items { id } } }", true},
	        {"{ l { id version } }", false},
	        {"{ l { id } }", false},
	        {"{ l { id nextToken } }", true},
	        {"{ p { rows { id version } } }", true},
	        {"{ p { version rows { id version } } }", false},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_page_names names;
		assert_int_equal(init(&names, ROWS[i].document, ""), APS_OK);
		if (names.has_list != ROWS[i].has_list) fail_msg("%s", ROWS[i].document);
		aps_page_names_clear(&names);
	}
}

static void an_event_is_a_record_unless_it_is_a_page(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"subscription { onTodo: onCreateTodo { id version items { updatedAt } } }",
	         "",
	         {.root = "onTodo",
	          .field = "onCreateTodo",
	          .version = "version",
	          .version_field = "version",
	          .is_event = true}},
	        {"subscription { onOrder { id lines { version } items { version } } }",
	         "",
	         {.root = "onOrder", .field = "onOrder", .is_event = true}},
	        {"subscription { onBatch { items { version } __typename } }",
	         "",
	         {.root = "onBatch",
	          .field = "onBatch",
	          .items = "items",
	          .version = "version",
	          .version_field = "version",
	          .is_page = true}},
	        {"subscription { onBatch { id items { version } nextToken } }",
	         "",
	         {.root = "onBatch",
	          .field = "onBatch",
	          .items = "items",
	          .next_token = "nextToken",
	          .version = "version",
	          .version_field = "version",
	          .is_page = true}},
	};
	CHECK(ROWS);
}

static void what_a_sync_cannot_read_is_refused_with_its_reason(void **state)
{
	(void)state;
	static const struct {
		const char *document, *version_field, *message;
	} ROWS[] = {
	        {"query { a { id } b { id } }", "", "The query has several root fields: a sync reads one"},
	        {"query { a { id } ...F } fragment F on Query { b: a { id } }", "",
	         "The query has several root fields: a sync reads one"},
	        {"query Base { a { id } b { id } }", "",
	         "The query \"Base\" has several root fields: a sync reads one"},
	        {"query a23456789b123456789c123456789d123456789e123456789f123456789g123456789 { count }", "",
	         "The query \"a23456789b123456789c123456789d123456789e123456789f123456789g\" selects no fields of "
	         "\"count\""},
	        {"subscription { __typename }", "", "The subscription has no root field that a sync could read"},
	        {"query { count }", "", "The query selects no fields of \"count\""},
	        {"mutation M { c: count }", "", "The mutation \"M\" selects no fields of \"count\""},
	        {"query { l { items { id } } }", "version", "The query doesn't select its version field \"version\""},
	        {"query Q { l { items { v: revision version: id } version } }", "version",
	         "The query \"Q\" doesn't select its version field \"version\""},
	        {"query { l { items { version { n } } } }", "version",
	         "The query doesn't select its version field \"version\""},
	        {"subscription S { onTodo { id author { version } } }", "version",
	         "The subscription \"S\" doesn't select its version field \"version\""},
	        {"query { l { entries { id } } }", "version", "The query doesn't select its version field \"version\""},
	        {"query { l { id } }", "a.b", "The query doesn't select its version field \"a.b\""},
	        {"query { l { id } }", "a23456789b123456789c123456789d123456789e123456789f123456789g123456789",
	         "The query doesn't select its version field "
	         "\"a23456789b123456789c123456789d123456789e123456789f123456789g\""},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_page_names names;
		assert_int_equal(init(&names, ROWS[i].document, ROWS[i].version_field), APS_E_USAGE);
		if (strcmp(err.msg, ROWS[i].message) != 0) fail_msg("%s: %s", ROWS[i].document, err.msg);
		assert_int_equal(aps_mem_live(), 0);
		assert_int_equal(names.root.n, 0);
		aps_page_names_clear(&names);
	}
}

/* Fragments that multiply with each level: what they stand for has billions of selection sets. */
static void a_document_that_stands_for_far_more_than_it_says_is_read_at_once(void **state)
{
	(void)state;
	struct aps_page_names names;
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&text, "query { l { ...F0 } }");
	for (int i = 0; i < 10; i++) {
		aps_buf_addf(&text, " fragment F%d on T {", i);
		for (char c = 'a'; c <= 'z'; c++) aps_buf_addf(&text, " %c { ...F%d }", c, i + 1);
		aps_buf_add_text(&text, " }");
	}
	aps_buf_add_text(&text, " fragment F10 on T { version }");
	assert_int_equal(init(&names, text.p, ""), APS_OK);
	assert_int_equal(names.version.n, 0);
	assert_int_equal(names.holders.n_items, 26); /* l is one of them */
	aps_page_names_clear(&names);
	aps_buf_clear(&text);
}

static void only_what_the_operation_selects_may_hold_the_list(void **state)
{
	(void)state;
	struct aps_page_names names;
	assert_int_equal(init(&names,
	                      "query A { l { id ...F } } query B { m { ...G } } fragment F on X { a { id } } "
	                      "fragment G on X { tags { id } }",
	                      ""),
	                 APS_OK);
	assert_int_equal(names.holders.n_items, 2);
	assert_non_null(aps_map_get(&names.holders, APS_STR("l")));
	assert_non_null(aps_map_get(&names.holders, APS_STR("a")));
	aps_page_names_clear(&names);
}

static void every_failed_allocation_is_reported(void **state)
{
	(void)state;
	static const char *const TEXTS[] = {
	        "query { ...Q } fragment Q on Query { l { items { ...T } nextToken } } fragment T on T { _version }",
	        "query { l { page { entries { ...T } } nextToken } } fragment T on T { _version author { name } }",
	        "subscription { onT { ...T } } fragment T on T { _version author { name } }",
	};
	for (size_t i = 0; i < APS_COUNTOF(TEXTS); i++) {
		struct aps_gql_document *document = parse(TEXTS[i]);
		const struct aps_gql_operation *definition = aps_gql_document_operation(document, 0);
		size_t n_live = aps_mem_live(), nth = 1;
		enum aps_rc rc = APS_E_NOMEM;
		for (; rc != APS_OK; nth++) {
			struct aps_page_names names;
			aps_err_clear(&err);
			aps_mem_fail_at(nth);
			rc = aps_page_names_init(&names, document, definition, APS_STR(""), &err);
			aps_mem_fail_at(0);
			assert_int_equal(err.code, rc);
			assert_true(rc == APS_OK || (rc == APS_E_NOMEM && aps_mem_live() == n_live));
			aps_page_names_clear(&names);
			assert_int_equal(aps_mem_live(), n_live);
		}
		assert_true(nth > 8);
		aps_gql_document_unref(document);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_connection_names_its_page_and_its_records),
	        cmocka_unit_test(the_version_is_the_first_of_four_fields_that_is_selected_or_the_applications),
	        cmocka_unit_test(fragments_are_looked_through_and_fields_that_are_written_twice_are_one),
	        cmocka_unit_test(without_items_the_record_is_where_its_version_is),
	        cmocka_unit_test(a_page_s_fields_stand_above_the_records),
	        cmocka_unit_test(only_where_the_root_field_itself_has_the_records_fields_it_may_be_one),
	        cmocka_unit_test(an_event_is_a_record_unless_it_is_a_page),
	        cmocka_unit_test(what_a_sync_cannot_read_is_refused_with_its_reason),
	        cmocka_unit_test(a_document_that_stands_for_far_more_than_it_says_is_read_at_once),
	        cmocka_unit_test(only_what_the_operation_selects_may_hold_the_list),
	        cmocka_unit_test(every_failed_allocation_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sync/document_ids.h"

static void note(void *context, struct aps_str text, unsigned how)
{
	struct aps_buf *out = context;
	assert_int_equal(how, APS_NAMED_ID_MEMBER);
	aps_buf_add_str(out, text);
	aps_buf_add_byte(out, ' ');
}

static struct aps_gql_document *parse(const char *text)
{
	struct aps_gql_document *document;
	struct aps_err err;
	assert_int_equal(aps_gql_document_new(aps_str_of(text), &document, NULL, &err), APS_OK);
	return document;
}

static void literals_and_defaults_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *text, *variables, *expected;
	} ROWS[] = {
	        {"mutation { done(id: \"a\") { id } }", "{}", "a "},
	        {"mutation { a(input: {id: \"a\\u0062\", name: \"x\", tagId: 7, ok: true, n: 1}) { id } }", "{}",
	         "ab 7 "},
	        {"mutation { a(ids: [\"a\", 2, [\"b\"]], names: [\"x\"], all: [{id: \"c\"}]) }", "{}", "a 2 b c "},
	        {"mutation { a(ids: \"a\", x: {id: null, bId: E, cId: 1.5}) }", "{}", ""},
	        {"mutation { ...F } fragment F on Mutation { ... { x: a(id: \"a\") { b(id: \"no\") } } }", "{}", "a "},
	        {"mutation M($a: ID = \"a\", $b: ID! = 2, $l: [ID!] = [\"c\"], $s: String = \"x\", $d: ID) { f(a: $a) "
	         "}",
	         "{}", "a 2 c "},
	        {"mutation M($input: In = {id: \"a\", n: 1}, $tagId: String = \"b\", $ids: [Int!] = [1]) { f(a: "
	         "$input) }",
	         "{}", "a b 1 "},
	        {"mutation M($a: ID = \"a\", $b: ID = \"b\") { f(a: $a) }", "{\"a\":\"x\",\"b\":null}", ""},
	        {"mutation M($a: ID = \"a\") { f(a: $a) }", "", "a "},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_gql_document *document = parse(ROWS[i].text);
		struct aps_buf out;
		struct aps_err err;
		aps_buf_init(&out, APS_BUF_ANY_SIZE);
		assert_int_equal(aps_document_ids_scan(document, aps_gql_document_operation(document, 0),
		                                       aps_str_of(ROWS[i].variables), note, &out, &err),
		                 APS_OK);
		assert_string_equal(out.p != NULL ? out.p : "", ROWS[i].expected);
		aps_buf_clear(&out);
		aps_gql_document_unref(document);
		assert_int_equal(aps_mem_live(), 0);
	}
}

static void drop(void *context APS_UNUSED, struct aps_str text APS_UNUSED, unsigned how APS_UNUSED)
{
}

static void every_failed_allocation_is_reported(void **state)
{
	(void)state;
	struct aps_gql_document *document = parse("mutation { ...F } fragment F on Mutation { a(id: 1) }");
	size_t n_live = aps_mem_live();
	enum aps_rc rc = APS_E_NOMEM;
	for (size_t nth = 1; rc != APS_OK; nth++) {
		struct aps_err err;
		aps_mem_fail_at(nth);
		rc = aps_document_ids_scan(document, aps_gql_document_operation(document, 0), APS_STR("{}"), drop, NULL,
		                           &err);
		aps_mem_fail_at(0);
		assert_true(rc == APS_OK || rc == APS_E_NOMEM);
		assert_true(nth < 20);
	}
	assert_int_equal(aps_mem_live(), n_live);
	aps_gql_document_unref(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(literals_and_defaults_are_named),
	        cmocka_unit_test(every_failed_allocation_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

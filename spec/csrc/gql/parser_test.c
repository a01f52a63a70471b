#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "gql/parser.h"

static struct aps_arena arena;
static struct aps_gql_node *tree;
static struct aps_gql_place place;
static struct aps_err err;

static int setup(void **state)
{
	(void)state;
	aps_arena_init(&arena, APS_GQL_ARENA_BYTES);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aps_arena_clear(&arena);
	return aps_mem_live() == 0 ? 0 : -1;
}

static enum aps_rc parse_bytes(const char *p, size_t n)
{
	aps_arena_clear(&arena);
	return aps_gql_parse((struct aps_str){p, n}, &arena, &tree, &place, &err);
}

static enum aps_rc parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static const struct {
	const char *text;
	const char *message; /* between "Syntax error: " and the place */
	unsigned line;
	unsigned column;
} REFUSED[] = {
        {"", "expected a definition, found end of text", 1, 1},
        {" # only a comment\n", "expected a definition, found end of text", 2, 1},
        {"{", "expected Name, found end of text", 1, 2},
        {"{}", "expected Name, found \"}\"", 1, 2},
        {"{ a", "expected Name, found end of text", 1, 4},
        {"{ a\n  b {\n}", "expected Name, found \"}\"", 3, 1},
        {"}", "expected a definition, found \"}\"", 1, 1},
        {"{a} 1", "expected a definition, found \"1\"", 1, 5},
        {"quer {a}", "expected a definition, found \"quer\"", 1, 1},
        {"\"text\"", "expected the definition of a type, a schema or a directive, found end of text", 1, 7},
        {"\"text\" query {a}", "expected the definition of a type, a schema or a directive, found \"query\"", 1, 8},
        {"\"text\" extend type A @b", "expected the definition of a type, a schema or a directive, found \"extend\"", 1,
         8},
        {"query", "expected \"{\", found end of text", 1, 6},
        {"query Q", "expected \"{\", found end of text", 1, 8},
        {"query Q() {a}", "expected \"$\", found \")\"", 1, 9},
        {"query Q($) {a}", "expected Name, found \")\"", 1, 10},
        {"query Q($a) {a}", "expected \":\", found \")\"", 1, 11},
        {"query Q($a:) {a}", "expected a type, found \")\"", 1, 12},
        {"query Q($a: [Int) {a}", "expected \"]\", found \")\"", 1, 17},
        {"query Q($a: Int!!) {a}", "expected \"$\", found \"!\"", 1, 17},
        {"query Q($a: Int = ) {a}", "expected a constant value, found \")\"", 1, 19},
        {"query Q($a: Int = $b) {a}", "expected a constant value, found \"$\"", 1, 19},
        {"query Q($a: [Int] = [1, $b]) {a}", "expected a constant value, found \"$\"", 1, 25},
        {"query Q($a: I = {b: $b}) {a}", "expected a constant value, found \"$\"", 1, 21},
        {"query Q($a: Int @d(x: $b)) {a}", "expected a constant value, found \"$\"", 1, 23},
        {"query @ {a}", "expected Name, found \"{\"", 1, 9},
        {"query @d() {a}", "expected Name, found \")\"", 1, 10},
        {"{a()}", "expected Name, found \")\"", 1, 4},
        {"{a(b)}", "expected \":\", found \")\"", 1, 5},
        {"{a(b:)}", "expected a value, found \")\"", 1, 6},
        {"{a(b: @)}", "expected a value, found \"@\"", 1, 7},
        {"{a(b: [1)}", "expected a value, found \")\"", 1, 9},
        {"{a(b: {1})}", "expected Name, found \"1\"", 1, 8},
        {"{a(b: {c})}", "expected \":\", found \"}\"", 1, 9},
        {"{a(b: $)}", "expected Name, found \")\"", 1, 8},
        {"{a: }", "expected Name, found \"}\"", 1, 5},
        {"{a: b: c}", "expected Name, found \":\"", 1, 6},
        {"{a \"s\"}", "expected Name, found a string", 1, 4},
        {"{...}", "expected a fragment's name, \"on\", a directive or \"{\", found \"}\"", 1, 5},
        {"{... on}", "expected Name, found \"}\"", 1, 8},
        {"{... on A}", "expected \"{\", found \"}\"", 1, 10},
        {"{... @d}", "expected \"{\", found \"}\"", 1, 8},
        {"fragment on on A {a}", "expected a fragment's name, found \"on\"", 1, 10},
        {"fragment F {a}", "expected \"on\", found \"{\"", 1, 12},
        {"fragment F on {a}", "expected Name, found \"{\"", 1, 15},
        {"fragment F on A", "expected \"{\", found end of text", 1, 16},
        {"fragment F($a: Int) on A {a}", "expected \"on\", found \"(\"", 1, 11},
        /* lexical */
        {"{a %}", "unexpected character \"%\"", 1, 4},
        {"{a \xc3\xa9}", "unexpected character \"\xc3\xa9\"", 1, 4},
        {"# \xc3\xa9\n{ \xf0\x9f\x98\x80", "unexpected character \"\xf0\x9f\x98\x80\"", 2, 3},
        {"{a(s: \"\xf0\x9f\x98\x80\xc3\xa9\") %", "unexpected character \"%\"", 1, 13},
        {"{a \x01}", "unexpected character U+0001", 1, 4},
        {"# \x07\n{a}", "unexpected character U+0007", 1, 3},
        {"{a\r\n\rb\n?}", "unexpected character \"?\"", 4, 1},
        {"{.a}", "expected \"...\", found \".\"", 1, 2},
        {"{..a}", "expected \"...\", found \".\"", 1, 2},
        {"{a(b: 01)}", "invalid number, expected no digit after 0, found character \"1\"", 1, 8},
        {"{a(b: -)}", "invalid number, expected a digit, found character \")\"", 1, 8},
        {"{a(b: 1.)}", "invalid number, expected a digit, found character \")\"", 1, 9},
        {"{a(b: .5)}", "expected \"...\", found \".\"", 1, 7},
        {"{a(b: 1e)}", "invalid number, expected a digit, found character \")\"", 1, 9},
        {"{a(b: 1e+)}", "invalid number, expected a digit, found character \")\"", 1, 10},
        {"{a(b: 1a)}", "invalid number, expected its end, found character \"a\"", 1, 8},
        {"{a(b: 0xF1)}", "invalid number, expected its end, found character \"x\"", 1, 8},
        {"{a(b: 1.2.3)}", "invalid number, expected its end, found character \".\"", 1, 10},
        {"{a(b: 1", "expected Name, found end of text", 1, 8},
        {"{a(b: 1.", "invalid number, expected a digit, found end of text", 1, 9},
        {"{a(b: \"x", "unterminated string, expected '\"', found end of text", 1, 9},
        {"{a(b: \"x\ny\")}", "unterminated string, expected '\"', found end of line", 1, 9},
        {"{a(b: \"x\\", "unterminated string, expected '\"', found end of text", 1, 10},
        {"{a(b: \"x\x02\")}", "invalid string, found character U+0002", 1, 9},
        {"{a(b: \"\\x\")}", "invalid escape, expected one of \"\\/bfnrtu, found character \"x\"", 1, 9},
        {"{a(b: \"\\u12g4\")}", "invalid escape, expected four hexadecimal digits after \\u", 1, 8},
        {"{a(b: \"\\u12", "invalid escape, expected four hexadecimal digits after \\u", 1, 8},
        {"{a(b: \"\\u{41}\")}", "invalid escape, expected four hexadecimal digits after \\u", 1, 8},
        {"{a(b: \"\\ud83d\")}", "invalid escape, a high surrogate stands alone", 1, 8},
        {"{a(b: \"\\ud83d\\u0041\")}", "invalid escape, a high surrogate stands alone", 1, 8},
        {"{a(b: \"\\ude00\")}", "invalid escape, a low surrogate stands alone", 1, 8},
        {"{a(b: \"\"\"x\ny\"\" ", "unterminated block string, expected '\"\"\"', found end of text", 2, 5},
        {"{a(b: \"\"\"\n\x03\"\"\")}", "invalid block string, found character U+0003", 2, 1},
        /* type system */
        {"schema", "expected \"{\", found end of text", 1, 7},
        {"schema {}", "expected \"query\", \"mutation\" or \"subscription\", found \"}\"", 1, 9},
        {"schema {q: Q}", "expected \"query\", \"mutation\" or \"subscription\", found \"q\"", 1, 9},
        {"schema {query Q}", "expected \":\", found \"Q\"", 1, 15},
        {"schema {query: [Q]}", "expected Name, found \"[\"", 1, 16},
        {"schema @d(a: $b) {query: Q}", "expected a constant value, found \"$\"", 1, 14},
        {"scalar", "expected Name, found end of text", 1, 7},
        {"type A {}", "expected Name, found \"}\"", 1, 9},
        {"type A {b}", "expected \":\", found \"}\"", 1, 10},
        {"type A {b()}", "expected Name, found \")\"", 1, 11},
        {"type A {b(): C}", "expected Name, found \")\"", 1, 11},
        {"type A {b(c): D}", "expected \":\", found \")\"", 1, 12},
        {"type A {b(c: D = $e): F}", "expected a constant value, found \"$\"", 1, 18},
        {"type A implements {b: C}", "expected Name, found \"{\"", 1, 19},
        {"type A implements B & {b: C}", "expected Name, found \"{\"", 1, 23},
        {"type A implements B C {b: C}", "expected a definition, found \"C\"", 1, 21},
        {"interface A {}", "expected Name, found \"}\"", 1, 14},
        {"union A =", "expected Name, found end of text", 1, 10},
        {"union A = | B |", "expected Name, found end of text", 1, 16},
        {"union A = || B", "expected Name, found \"|\"", 1, 12},
        {"enum A {}", "expected Name, found \"}\"", 1, 9},
        {"enum A {B true}", "expected an enum value, found \"true\"", 1, 11},
        {"enum A {false}", "expected an enum value, found \"false\"", 1, 9},
        {"enum A {null}", "expected an enum value, found \"null\"", 1, 9},
        {"input A {}", "expected Name, found \"}\"", 1, 10},
        {"input A {b(c: D): E}", "expected \":\", found \"(\"", 1, 11},
        {"directive a on FIELD", "expected \"@\", found \"a\"", 1, 11},
        {"directive @a", "expected \"on\", found end of text", 1, 13},
        {"directive @a() on FIELD", "expected Name, found \")\"", 1, 14},
        {"directive @a on", "expected a directive location, found end of text", 1, 16},
        {"directive @a on FIELDS", "expected a directive location, found \"FIELDS\"", 1, 17},
        {"directive @a on FIELD |", "expected a directive location, found end of text", 1, 24},
        {"extend", "expected a word for what is extended, found end of text", 1, 7},
        {"extend query {a}", "expected a word for what is extended, found \"query\"", 1, 8},
        {"extend directive @a on FIELD", "expected a word for what is extended, found \"directive\"", 1, 8},
        {"extend schema", "expected a directive or \"{\", found end of text", 1, 14},
        {"extend scalar A", "expected a directive, found end of text", 1, 16},
        {"extend type A", "expected \"implements\", a directive or \"{\", found end of text", 1, 14},
        {"extend type A {}", "expected Name, found \"}\"", 1, 16},
        {"extend interface A type B", "expected \"implements\", a directive or \"{\", found \"type\"", 1, 20},
        {"extend union A", "expected a directive or \"=\", found end of text", 1, 15},
        {"extend enum A", "expected a directive or \"{\", found end of text", 1, 14},
        {"extend input A", "expected a directive or \"{\", found end of text", 1, 15},
};

static void refuses_each_broken_text_with_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < APS_COUNTOF(REFUSED); i++) {
		char expected[240];
		snprintf(expected, sizeof expected, "Syntax error: %s (line %u, column %u)", REFUSED[i].message,
		         REFUSED[i].line, REFUSED[i].column);
		enum aps_rc rc = parse(REFUSED[i].text);
		if (rc != APS_E_SYNTAX || strcmp(err.msg, expected) != 0) print_message("for: %s\n", REFUSED[i].text);
		assert_int_equal(rc, APS_E_SYNTAX);
		assert_string_equal(err.msg, expected);
		assert_int_equal(place.line, REFUSED[i].line);
		assert_int_equal(place.column, REFUSED[i].column);
		assert_null(tree);
	}
}

static void long_names_are_cut_in_messages(void **state)
{
	(void)state;
	char text[301];
	memset(text, 'x', 300);
	text[300] = '\0';
	assert_int_equal(parse(text), APS_E_SYNTAX);
	assert_string_equal(err.msg, "Syntax error: expected a definition, found "
	                             "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\" (line 1, column 1)");
}

static void a_zero_byte_is_refused(void **state)
{
	(void)state;
	assert_int_equal(parse_bytes("{a \0}", 5), APS_E_SYNTAX);
	assert_string_equal(err.msg, "Syntax error: unexpected character U+0000 (line 1, column 4)");
	assert_int_equal(parse_bytes("{a(b:\"\\\0\")}", 11), APS_E_SYNTAX);
	assert_int_equal(place.column, 8);
}

static void bytes_that_are_not_utf8_are_refused_with_their_place(void **state)
{
	(void)state;
	assert_int_equal(parse("{a\n \xc3\xa9 \xff}"), APS_E_UTF8);
	assert_string_equal(err.msg, "The document is not UTF-8 (line 2, column 4)");
	assert_int_equal(err.native, 7);
	assert_int_equal(place.line, 2);
	assert_int_equal(place.column, 4);
}

static void a_text_beyond_the_ceiling_is_refused(void **state)
{
	(void)state;
	size_t n = APS_GQL_MAX_TEXT_BYTES + 1;
	char *text = malloc(n);
	assert_non_null(text);
	memset(text, ' ', n);
	memcpy(text, "{a}", 3);
	assert_int_equal(parse_bytes(text, n), APS_E_TOO_BIG);
	assert_int_equal(parse_bytes(text, n - 1), APS_OK);
	free(text);
}

static void too_many_tokens_are_refused(void **state)
{
	(void)state;
	size_t n = 2 * APS_GQL_MAX_TOKENS;
	char *text = malloc(n);
	assert_non_null(text);
	for (size_t i = 0; i < n; i += 2) memcpy(text + i, "a ", 2);
	text[0] = '{';
	text[n - 2] = '}';
	assert_int_equal(parse_bytes(text, n), APS_OK);
	text[n - 1] = '1';
	assert_int_equal(parse_bytes(text, n), APS_E_TOO_BIG);
	assert_int_equal(place.column, n);
	free(text);
}

/* Writes `before` n times, `middle`, `after` n times. */
static enum aps_rc parse_nested(unsigned n, const char *start, const char *before, const char *middle,
                                const char *after)
{
	struct aps_buf buf;
	aps_buf_init(&buf, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&buf, start);
	for (unsigned i = 0; i < n; i++) aps_buf_add_text(&buf, before);
	aps_buf_add_text(&buf, middle);
	for (unsigned i = 0; i < n; i++) aps_buf_add_text(&buf, after);
	enum aps_rc rc = parse_bytes(buf.p, buf.n);
	aps_buf_clear(&buf);
	return rc;
}

static void nesting_ends_at_the_depth_limit(void **state)
{
	(void)state;
	unsigned most = APS_GQL_MAX_DEPTH;
	assert_int_equal(parse_nested(most, "", "{a", "", "}"), APS_OK);
	assert_int_equal(parse_nested(most + 1, "", "{a", "", "}"), APS_E_DEPTH);
	assert_string_equal(err.msg, "The document is nested deeper than 200 levels (line 1, column 401)");
	assert_int_equal(place.column, 401);
	assert_int_equal(parse_nested(most + 1, "{a(b:", "[", "1", "]"), APS_E_DEPTH);
	assert_int_equal(parse_nested(most + 1, "{a(b:", "{c:", "1", "}"), APS_E_DEPTH);
	assert_int_equal(parse_nested(most + 1, "type A{b:", "[", "C", "]"), APS_E_DEPTH);
	assert_int_equal(parse_nested(100000, "", "{...", "", ""), APS_E_DEPTH);
	assert_int_equal(parse_nested(most, "type A{b:", "[", "C", "]!"), APS_E_SYNTAX); /* the brace is missing */
}

static const char *const ACCEPTED[] = {
        "{a}",
        "query{a}",
        "query Q{a}",
        "\xef\xbb\xbf{a\xef\xbb\xbf}",
        "{,a,,b,}",
        "query Q($a:Int,$b:[Int!]!=[1]@d(x:1)$c:C={a:{b:[]}}){a}",
        "{type query mutation subscription fragment on true false null extend}",
        "{a(on:on,true:true,query:query)}",
        "fragment fragment on on{on}",
        "{...fragment ...@d{a}...{b}...on on{c}}",
        "{a(x:[],y:{},z:-0,w:0.0e-1)}",
        "{a(x:\"\\u0000\\uD83D\\uDE00\\\"\\\\\\/\\b\\f\\n\\r\\t\")}",
        "{a(x:\"\",y:\"\"\"\"\"\",z:\"\"\"\\\"\"\"\"\"\")}",
        "type A",
        "type A implements&B&C",
        "type A implements B@d{e:F}",
        "interface A implements B{c:D}",
        "union A",
        "union A=|B",
        "enum A",
        "enum A{B@d C}",
        "input A{b:C=1@d}",
        "directive@a on|FIELD|QUERY",
        "directive@a(b:C=1@d)repeatable on VARIABLE_DEFINITION",
        "extend schema@a",
        "extend schema{query:Q}",
        "extend type A implements B",
        "extend union A=B",
        "schema{query:Q mutation:M subscription:S}",
        "\"d\"schema@a{query:Q}\"\"\"e\"\"\"type A{\"f\"b(\"g\"c:D):E}",
};

static void accepts_each_production(void **state)
{
	(void)state;
	for (size_t i = 0; i < APS_COUNTOF(ACCEPTED); i++) {
		enum aps_rc rc = parse(ACCEPTED[i]);
		if (rc != APS_OK) print_message("for: %s: %s\n", ACCEPTED[i], err.msg);
		assert_int_equal(rc, APS_OK);
	}
}

static void nodes_know_their_places(void **state)
{
	(void)state;
	assert_int_equal(parse("# \xc3\xa9\r\nquery Q(\n  $a: Int\n) { x: y, \xef\xbb\xbf z(s: \"\"\"\n\n\"\"\") w }"),
	                 APS_OK);
	const struct aps_gql_node *query = tree->items, *variable = query->arguments, *field = query->items;
	assert_int_equal(query->place.line, 2);
	assert_int_equal(query->place.column, 1);
	assert_int_equal(variable->place.line, 3);
	assert_int_equal(variable->place.column, 3);
	assert_int_equal(field->place.line, 4);
	assert_int_equal(field->place.column, 5);
	assert_int_equal(field->next->place.column, 13);
	assert_int_equal(field->next->arguments->value->place.column, 18);
	assert_int_equal(field->next->next->place.line, 6);
	assert_int_equal(field->next->next->place.column, 6);
}

static void every_failing_allocation_is_reported_and_leaves_nothing(void **state)
{
	(void)state;
	const char *text = "query Q($a: I = {b: \"\\n\"}) { a(s: \"\"\"\n x\n\"\"\") { ...F } } fragment F on T { b }";
	size_t before = aps_mem_live(), nth = 1;
	for (;; nth++) {
		aps_mem_fail_at(nth);
		enum aps_rc rc = parse(text);
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
		aps_arena_clear(&arena);
		assert_int_equal(aps_mem_live(), before);
	}
	assert_true(nth > 1);
}

static void a_small_arena_is_reported_as_a_document_that_is_too_big(void **state)
{
	(void)state;
	const char *text = "{a(b: \"\\n\", c: \"\"\" x \"\"\") {d}}";
	size_t max_bytes = 0;
	enum aps_rc rc;
	do {
		struct aps_arena small;
		aps_arena_init(&small, max_bytes += 8);
		rc = aps_gql_parse(aps_str_of(text), &small, &tree, NULL, &err);
		assert_true(rc == APS_OK || rc == APS_E_TOO_BIG);
		aps_arena_clear(&small);
	} while (rc != APS_OK);
	assert_true(max_bytes > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(refuses_each_broken_text_with_its_place, setup, teardown),
	        cmocka_unit_test_setup_teardown(long_names_are_cut_in_messages, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_zero_byte_is_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(bytes_that_are_not_utf8_are_refused_with_their_place, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_text_beyond_the_ceiling_is_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(too_many_tokens_are_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(nesting_ends_at_the_depth_limit, setup, teardown),
	        cmocka_unit_test_setup_teardown(accepts_each_production, setup, teardown),
	        cmocka_unit_test_setup_teardown(nodes_know_their_places, setup, teardown),
	        cmocka_unit_test_setup_teardown(every_failing_allocation_is_reported_and_leaves_nothing, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(a_small_arena_is_reported_as_a_document_that_is_too_big, setup,
	                                        teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

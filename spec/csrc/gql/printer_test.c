#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "gql/parser.h"
#include "gql/printer.h"

#define CORPUS "spec/fuzz/corpus/graphql"

static int teardown(void **state)
{
	(void)state;
	return aps_mem_live() == 0 ? 0 : -1;
}

/* False when the text doesn't parse. */
static bool print_text(struct aps_str text, struct aps_buf *out)
{
	struct aps_arena arena;
	struct aps_gql_node *tree;
	aps_arena_init(&arena, APS_GQL_ARENA_BYTES);
	bool is_ok = aps_gql_parse(text, &arena, &tree, NULL, NULL) == APS_OK;
	if (is_ok) aps_gql_print(tree, APS_GQL_AS_WRITTEN, out);
	aps_arena_clear(&arena);
	return is_ok;
}

static struct aps_buf read_corpus(const char *name)
{
	char path[512];
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	snprintf(path, sizeof path, CORPUS "/%s", name);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	for (int c = fgetc(file); c != EOF; c = fgetc(file)) aps_buf_add_byte(&text, (char)c);
	fclose(file);
	return text;
}

static void each_form_has_its_canonical_print(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *print;
	} CASES[] = {
	        {"query{a}", "{\n  a\n}\n"},
	        {"query@d{a}", "query @d {\n  a\n}\n"},
	        {"query($a:A=1@d){a}", "query ($a: A = 1 @d) {\n  a\n}\n"},
	        {"mutation{a}", "mutation {\n  a\n}\n"},
	        {"query Q@d@e{a}subscription S{b}", "query Q @d @e {\n  a\n}\n\nsubscription S {\n  b\n}\n"},
	        {"{x:a(b:$c,d:[1,E],e:{f:null,g:true})@h(i:1.5)}",
	         "{\n  x: a(b: $c, d: [1, E], e: {f: null, g: true}) @h(i: 1.5)\n}\n"},
	        {"{...F@d...on T@d{a}...@d{a}...{a}}",
	         "{\n  ...F @d\n  ... on T @d {\n    a\n  }\n  ... @d {\n    a\n  }\n  ... {\n    a\n  }\n}\n"},
	        {"fragment F on T@d{a}", "fragment F on T @d {\n  a\n}\n"},
	        {"{a{b(s:\"\"\"x\n  y\"\"\")}}", "{\n  a {\n    b(s: \"\"\"\n    x\n    y\n    \"\"\")\n  }\n}\n"},
	        {"schema@d{query:Q}", "schema @d {\n  query: Q\n}\n"},
	        {"\"d\"scalar S@e(f:\"g\")", "\"d\"\nscalar S @e(f: \"g\")\n"},
	        {"type A implements&B&C@d{\"e\"f:[G!]!@h}",
	         "type A implements B & C @d {\n  \"e\"\n  f: [G!]! @h\n}\n"},
	        {"interface A implements B{c(d:E=1@f,g:H):I}",
	         "interface A implements B {\n  c(d: E = 1 @f, g: H): I\n}\n"},
	        {"type A{b(\"c\"d:E f:G):H}", "type A {\n  b(\n    \"c\"\n    d: E\n    f: G\n  ): H\n}\n"},
	        {"type A{\"\"\"b\nc\"\"\"d:E}", "type A {\n  \"\"\"\n  b\n  c\n  \"\"\"\n  d: E\n}\n"},
	        {"union U@d=|A|B", "union U @d = A | B\n"},
	        {"union U", "union U\n"},
	        {"enum E{\"a\"A B@d}", "enum E {\n  \"a\"\n  A\n  B @d\n}\n"},
	        {"input I{a:A=[]@d}", "input I {\n  a: A = [] @d\n}\n"},
	        {"directive@d(a:A)repeatable on|FIELD|QUERY", "directive @d(a: A) repeatable on FIELD | QUERY\n"},
	        {"directive@d(\"x\"a:A)on FIELD", "directive @d(\n  \"x\"\n  a: A\n) on FIELD\n"},
	        {"extend schema@d extend scalar S@d extend type T implements A extend interface I@d",
	         "extend schema @d\n\nextend scalar S @d\n\nextend type T implements A\n\nextend interface I @d\n"},
	        {"extend schema{query:Q}extend union U=A extend enum E{A}extend input I{a:A}",
	         "extend schema {\n  query: Q\n}\n\nextend union U = A\n\nextend enum E {\n  A\n}\n\n"
	         "extend input I {\n  a: A\n}\n"},
	};
	for (size_t i = 0; i < APS_COUNTOF(CASES); i++) {
		struct aps_buf out;
		aps_buf_init(&out, APS_BUF_ANY_SIZE);
		if (!print_text(aps_str_of(CASES[i].text), &out)) fail_msg("refused: %s", CASES[i].text);
		assert_string_equal(out.p, CASES[i].print);
		aps_buf_clear(&out);
	}
}

/* The line is "ab(s: "...")" with n characters between the quotes: n + 9 of them, or n + 8 without `b`. */
static void a_field_of_more_than_80_characters_gives_each_argument_a_line(void **state)
{
	(void)state;
	for (size_t n = 70; n <= 73; n++) {
		struct aps_buf text, out;
		aps_buf_init(&text, APS_BUF_ANY_SIZE);
		aps_buf_init(&out, APS_BUF_ANY_SIZE);
		aps_buf_add_text(&text, "{ab(s:\"\xc3\xa9");
		for (size_t i = 1; i < n; i++) aps_buf_add_byte(&text, 'x');
		aps_buf_add_text(&text, "\")}");
		assert_true(print_text(aps_buf_str(&text), &out));
		assert_int_equal(aps_str_find(aps_buf_str(&out), "ab(\n    s:") != NULL, n + 9 > 80);
		aps_buf_clear(&text);
		aps_buf_clear(&out);
	}
}

static void printing_the_corpus_twice_changes_nothing(void **state)
{
	(void)state;
	DIR *folder = opendir(CORPUS);
	assert_non_null(folder);
	size_t n_parsed = 0;
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		if (entry->d_name[0] == '.') continue;
		struct aps_buf text = read_corpus(entry->d_name), first, second;
		aps_buf_init(&first, APS_BUF_ANY_SIZE);
		aps_buf_init(&second, APS_BUF_ANY_SIZE);
		bool is_ok = print_text(aps_buf_str(&text), &first);
		assert_int_equal(is_ok, strncmp(entry->d_name, "refused_", 8) != 0);
		if (is_ok) {
			assert_true(print_text(aps_buf_str(&first), &second));
			assert_string_equal(first.p, second.p);
			n_parsed++;
		}
		aps_buf_clear(&text);
		aps_buf_clear(&first);
		aps_buf_clear(&second);
	}
	closedir(folder);
	assert_true(n_parsed >= 18);
}

static void the_kitchen_sink_is_canonical_but_for_its_layout_of_blocks(void **state)
{
	(void)state;
	struct aps_buf text = read_corpus("kitchen_sink.graphql"), out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_true(print_text(aps_buf_str(&text), &out));
	const char *until = "  short(block:";
	const char *a = aps_str_find(aps_buf_str(&text), until), *b = aps_str_find(aps_buf_str(&out), until);
	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(a - text.p, b - out.p);
	assert_memory_equal(text.p, out.p, (size_t)(a - text.p));
	aps_buf_clear(&text);
	aps_buf_clear(&out);
}

/* A copy of exactly that size, so that the sanitizer sees a read behind the end. */
static void a_document_cut_at_any_byte_is_read_within_its_bounds(void **state)
{
	(void)state;
	static const char *const NAMES[] = {"kitchen_sink.graphql", "schema_kitchen_sink.graphql", "escapes.graphql",
	                                    "values.graphql", "ignored.graphql"};
	for (size_t i = 0; i < APS_COUNTOF(NAMES); i++) {
		struct aps_buf text = read_corpus(NAMES[i]);
		size_t n_parsed = 0;
		for (size_t n = 0; n <= text.n; n++) {
			char *cut = malloc(n + (n == 0));
			assert_non_null(cut);
			memcpy(cut, text.p, n);
			struct aps_buf out;
			aps_buf_init(&out, APS_BUF_ANY_SIZE);
			n_parsed += print_text((struct aps_str){cut, n}, &out);
			aps_buf_clear(&out);
			free(cut);
		}
		assert_true(n_parsed >= 1);
		aps_buf_clear(&text);
	}
}

static void a_full_buffer_is_reported(void **state)
{
	(void)state;
	struct aps_buf text = read_corpus("kitchen_sink.graphql");
	for (size_t max_bytes = 0; max_bytes < text.n / 2; max_bytes += 7) {
		struct aps_buf out;
		aps_buf_init(&out, max_bytes);
		assert_true(print_text(aps_buf_str(&text), &out));
		assert_int_equal(out.rc, APS_E_TOO_BIG);
		aps_buf_clear(&out);
	}
	aps_buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_teardown(each_form_has_its_canonical_print, teardown),
	        cmocka_unit_test_teardown(a_field_of_more_than_80_characters_gives_each_argument_a_line, teardown),
	        cmocka_unit_test_teardown(printing_the_corpus_twice_changes_nothing, teardown),
	        cmocka_unit_test_teardown(the_kitchen_sink_is_canonical_but_for_its_layout_of_blocks, teardown),
	        cmocka_unit_test_teardown(a_document_cut_at_any_byte_is_read_within_its_bounds, teardown),
	        cmocka_unit_test_teardown(a_full_buffer_is_reported, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

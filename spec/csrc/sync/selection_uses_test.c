#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sync/level_fields.h"
#include "sync/selection_uses.h"

static struct aps_err err;

static struct aps_gql_document *make(struct aps_str text)
{
	struct aps_gql_document *doc;
	assert_int_equal(aps_gql_document_new(text, &doc, NULL, &err), APS_OK);
	return doc;
}

/* The selections of the first root field. */
static const struct aps_gql_node *selections(const struct aps_gql_document *doc)
{
	return aps_gql_document_operation(doc, 0)->node->items->items;
}

static void assert_uses(const char *text, const char *variables, const char *fragments)
{
	static const char *const NAMES[] = {"a", "b", "c", "d"}, *const FRAGMENTS[] = {"F", "G", "H"};
	struct aps_gql_document *doc = make(aps_str_of(text));
	struct aps_selection_uses uses;
	assert_int_equal(aps_selection_uses_init(&uses, doc, selections(doc), &err), APS_OK);
	for (size_t i = 0; i < APS_COUNTOF(NAMES); i++) {
		bool expected = strstr(variables, NAMES[i]) != NULL;
		assert_int_equal(aps_selection_uses_variable(&uses, aps_str_of(NAMES[i])), expected);
	}
	for (size_t i = 0; i < APS_COUNTOF(FRAGMENTS); i++) {
		bool expected = strstr(fragments, FRAGMENTS[i]) != NULL;
		assert_int_equal(aps_selection_uses_fragment(&uses, aps_str_of(FRAGMENTS[i])), expected);
	}
	aps_selection_uses_clear(&uses);
	aps_selection_uses_clear(&uses);
	aps_gql_document_unref(doc);
	assert_int_equal(aps_mem_live(), 0);
}

static void variables_are_used_wherever_one_can_stand(void **state)
{
	(void)state;
	assert_uses("mutation M($a: A) { m(i: $a) { x } }", "", "");
	assert_uses("mutation M { m { x(n: $a) } }", "a", "");
	assert_uses("mutation M { m { x(n: [1, [$a], {k: {l: $b}}]) } }", "ab", "");
	assert_uses("mutation M { m { x { y @include(if: $c) } } }", "c", "");
	assert_uses("mutation M { m { ... @skip(if: $a) { x(n: $b) } } }", "ab", "");
	assert_uses("mutation M { m { ...F @include(if: $a) } } fragment F on T @f(n: $b) { x(n: $c) }", "abc", "F");
	assert_uses("mutation M { m { x(n: \"$a\", m: a) a } n(a: $b) { x(b: $c) } }", "", "");
}

static void fragments_are_used_through_others(void **state)
{
	(void)state;
	assert_uses("mutation M { m { ...F ...F } n { ...H } } fragment F on T { x { ... on U { ...G } } } "
	            "fragment G on U { y(n: $a) } fragment H on T { z(n: $b) }",
	            "a", "FG");
}

static void assert_level(const char *text, const char *expected)
{
	struct aps_gql_document *doc = make(aps_str_of(text));
	struct aps_arena arena;
	struct aps_buf out;
	struct aps_level_field *list = NULL;
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_level_fields_add(&list, doc, selections(doc), &arena, &err), APS_OK);
	assert_int_equal(aps_level_fields_add(&list, doc, selections(doc), &arena, &err), APS_OK);
	for (; list != NULL; list = list->next)
		aps_buf_addf(&out, "%.*s ", (int)list->node->name.n, list->node->name.p);
	assert_string_equal(out.p, expected);
	aps_buf_clear(&out);
	aps_arena_clear(&arena);
	aps_gql_document_unref(doc);
}

static void fields_of_one_level_are_those_of_its_fragments_too(void **state)
{
	(void)state;
	assert_level("mutation M { m { a { b } c } }", "a c a c ");
	assert_level("mutation M { m { a ...F ... on T { b ... { c } } d ...F } } fragment F on T { e ...G f } "
	             "fragment G on T { g { h } ...H } fragment H on T { i }",
	             "a b c d e f g i a b c d e f g i ");
}

static void a_long_chain_of_fragments_needs_no_deep_recursion(void **state)
{
	(void)state;
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&text, "mutation M { m { ...F0 } } ");
	for (int i = 0; i < 20000; i++) aps_buf_addf(&text, "fragment F%d on T { ...F%d } ", i, i + 1);
	aps_buf_add_text(&text, "fragment F20000 on T { x(n: $n) }");
	struct aps_gql_document *doc = make(aps_buf_str(&text));
	struct aps_selection_uses uses;
	assert_int_equal(aps_selection_uses_init(&uses, doc, selections(doc), &err), APS_OK);
	assert_true(aps_selection_uses_fragment(&uses, APS_STR("F20000")));
	assert_true(aps_selection_uses_variable(&uses, APS_STR("n")));
	aps_selection_uses_clear(&uses);
	struct aps_arena arena;
	struct aps_level_field *list = NULL;
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_level_fields_add(&list, doc, selections(doc), &arena, &err), APS_OK);
	assert_true(aps_str_is(list->node->name, "x"));
	aps_arena_clear(&arena);
	aps_gql_document_unref(doc);
	aps_buf_clear(&text);
}

static void every_failed_allocation_is_reported(void **state)
{
	(void)state;
	struct aps_gql_document *doc = make(APS_STR("mutation M { m { a(n: $a) ...F } } fragment F on T { b }"));
	size_t n_live = aps_mem_live();
	bool is_done = false;
	for (size_t nth = 1; !is_done; nth++) {
		struct aps_selection_uses uses;
		struct aps_arena arena;
		struct aps_level_field *list = NULL;
		aps_arena_init(&arena, APS_BUF_ANY_SIZE);
		aps_mem_fail_at(nth);
		enum aps_rc uses_rc = aps_selection_uses_init(&uses, doc, selections(doc), &err);
		aps_mem_fail_at(nth);
		enum aps_rc level_rc = aps_level_fields_add(&list, doc, selections(doc), &arena, &err);
		aps_mem_fail_at(0);
		assert_true(uses_rc == APS_OK || uses_rc == APS_E_NOMEM);
		assert_true(level_rc == APS_OK || level_rc == APS_E_NOMEM);
		aps_selection_uses_clear(&uses);
		aps_arena_clear(&arena);
		assert_int_equal(aps_mem_live(), n_live);
		is_done = uses_rc == APS_OK && level_rc == APS_OK;
		assert_true(!is_done || nth > 2);
	}
	aps_gql_document_unref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(variables_are_used_wherever_one_can_stand),
	        cmocka_unit_test(fragments_are_used_through_others),
	        cmocka_unit_test(fields_of_one_level_are_those_of_its_fragments_too),
	        cmocka_unit_test(a_long_chain_of_fragments_needs_no_deep_recursion),
	        cmocka_unit_test(every_failed_allocation_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "sync/operation_kind.h"

static void assert_kind(const char *field, enum aps_operation_kind kind, size_t n_prefix)
{
	size_t n = 99;
	enum aps_operation_kind got = aps_operation_kind_of(aps_str_of(field), &n);
	if (got != kind || n != n_prefix) print_message("%s: %s, %zu\n", field, aps_operation_kind_name(got), n);
	assert_int_equal(got, kind);
	assert_int_equal(n, n_prefix);
	assert_int_equal(aps_operation_kind_of(aps_str_of(field), NULL), kind);
}

static void each_verb_is_known_in_any_case_and_behind_on(void **state)
{
	(void)state;
	static const struct {
		enum aps_operation_kind kind;
		const char *verb;
	} ROWS[] = {
	        {APS_OPERATION_ADD, "create"},       {APS_OPERATION_ADD, "created"},
	        {APS_OPERATION_ADD, "put"},          {APS_OPERATION_ADD, "set"},
	        {APS_OPERATION_ADD, "add"},          {APS_OPERATION_ADD, "added"},
	        {APS_OPERATION_ADD, "new"},          {APS_OPERATION_ADD, "insert"},
	        {APS_OPERATION_ADD, "inserted"},     {APS_OPERATION_REMOVE, "delete"},
	        {APS_OPERATION_REMOVE, "deleted"},   {APS_OPERATION_REMOVE, "discard"},
	        {APS_OPERATION_REMOVE, "discarded"}, {APS_OPERATION_REMOVE, "erase"},
	        {APS_OPERATION_REMOVE, "erased"},    {APS_OPERATION_REMOVE, "remove"},
	        {APS_OPERATION_REMOVE, "removed"},   {APS_OPERATION_UPDATE, "update"},
	        {APS_OPERATION_UPDATE, "updated"},   {APS_OPERATION_UPDATE, "upsert"},
	        {APS_OPERATION_UPDATE, "upserted"},  {APS_OPERATION_UPDATE, "edit"},
	        {APS_OPERATION_UPDATE, "edited"},    {APS_OPERATION_UPDATE, "modify"},
	        {APS_OPERATION_UPDATE, "modified"},
	};
	char text[64];
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		size_t n = strlen(ROWS[i].verb);
		assert_kind(ROWS[i].verb, ROWS[i].kind, n);
		snprintf(text, sizeof text, "%sTodo", ROWS[i].verb);
		assert_kind(text, ROWS[i].kind, n);
		text[0] = (char)(text[0] - 'a' + 'A');
		assert_kind(text, ROWS[i].kind, n);
		snprintf(text, sizeof text, "on%sTodo", ROWS[i].verb);
		text[2] = (char)(text[2] - 'a' + 'A');
		assert_kind(text, ROWS[i].kind, n + 2);
	}
}

static void what_has_no_verb_tells_nothing(void **state)
{
	(void)state;
	static const char *const NAMES[] = {"",    "o", "on", "likeTodo", "onTodo", "todo", "creat", "ononCreateTodo",
	                                    "xadd"};
	for (size_t i = 0; i < APS_COUNTOF(NAMES); i++) assert_kind(NAMES[i], APS_OPERATION_AUTO, 0);
	assert_int_equal(aps_operation_kind_of((struct aps_str){NULL, 0}, NULL), APS_OPERATION_AUTO);
}

static void of_two_verbs_that_fit_a_word_begins_behind_the_right_one(void **state)
{
	(void)state;
	assert_kind("createDog", APS_OPERATION_ADD, 6);
	assert_kind("createdDog", APS_OPERATION_ADD, 7);
	assert_kind("onCreateDog", APS_OPERATION_ADD, 8);
	assert_kind("addDog", APS_OPERATION_ADD, 3);
	assert_kind("add_ed", APS_OPERATION_ADD, 3);
	assert_kind("delete2", APS_OPERATION_REMOVE, 6);
	assert_kind("updatedtodo", APS_OPERATION_UPDATE, 7);
	assert_kind("updatetodo", APS_OPERATION_UPDATE, 6);
}

static void kinds_have_names(void **state)
{
	(void)state;
	assert_string_equal(aps_operation_kind_name(APS_OPERATION_AUTO), "auto");
	assert_string_equal(aps_operation_kind_name(APS_OPERATION_ADD), "add");
	assert_string_equal(aps_operation_kind_name(APS_OPERATION_REMOVE), "remove");
	assert_string_equal(aps_operation_kind_name(APS_OPERATION_UPDATE), "update");
	assert_string_equal(aps_operation_kind_name(APS_OPERATION_KIND_COUNT), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_verb_is_known_in_any_case_and_behind_on),
	        cmocka_unit_test(what_has_no_verb_tells_nothing),
	        cmocka_unit_test(of_two_verbs_that_fit_a_word_begins_behind_the_right_one),
	        cmocka_unit_test(kinds_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

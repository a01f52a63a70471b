#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sync/record_type.h"

static struct aps_err err;

static void assert_type(const char *optimistic, const char *field, const char *alias, const char *expected)
{
	struct aps_arena arena;
	struct aps_gql_node node = {.kind = APS_GQL_FIELD, .name = aps_str_of(field), .text = aps_str_of(alias)};
	struct aps_str type;
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_record_type_of(aps_str_of(optimistic), &node, &arena, &type, &err), APS_OK);
	if (!aps_str_is(type, expected)) print_message("%s: got %.*s\n", field, (int)type.n, type.p);
	assert_true(aps_str_is(type, expected));
	aps_arena_clear(&arena);
	assert_int_equal(aps_mem_live(), 0);
}

static void the_optimistic_response_tells_it(void **state)
{
	(void)state;
	assert_type("{\"createTodo\":{\"id\":\"1\",\"__typename\":\"Task\"}}", "createTodo", "", "Task");
	assert_type("{\"a\":{\"__typename\":\"A\"},\"b\":{\"x\":{\"__typename\":\"C\"},\"__typename\":\"B\"}}",
	            "createTodo", "b", "B");
	assert_type("{\"like\\u0054odo\":{\"__\\u0074ypename\":\"\\u0054ask\"}}", "likeTodo", "", "Task");
}

static void a_list_is_no_record(void **state)
{
	(void)state;
	assert_type("{\"createTodo\":[{\"__typename\":\"A\"}]}", "createTodo", "", "");
	assert_type("{\"createTodo\":[]}", "createTodo", "", "");
	assert_type("{\"a\":[{\"__typename\":\"A\"}],\"createTodo\":null}", "createTodo", "", "Todo");
}

static void of_several_members_with_one_key_the_last_one_counts(void **state)
{
	(void)state;
	assert_type("{\"createTodo\":{\"__typename\":\"A\",\"__typename\":\"B\"}}", "createTodo", "", "B");
	assert_type("{\"createTodo\":{\"__typename\":\"A\"},\"createTodo\":{\"__typename\":\"B\"}}", "createTodo", "",
	            "B");
	assert_type("{\"createTodo\":{\"__typename\":\"A\"},\"createTodo\":null}", "createTodo", "", "Todo");
}

static void else_the_name_of_the_field_without_its_verb_is_it(void **state)
{
	(void)state;
	assert_type("", "createTodo", "", "Todo");
	assert_type("", "createTodo", "task", "Todo");
	assert_type("", "deleteTodo", "", "Todo");
	assert_type("", "UpdateTodo", "", "Todo");
	assert_type("", "onCreatedTodo", "", "Todo");
	assert_type("", "createDog", "", "Dog");
	assert_type("", "create_todo", "", "Todo");
	assert_type("", "addblogPost", "", "BlogPost");
	assert_type("{\"createTodo\":null}", "createTodo", "", "Todo");
	assert_type("{\"createTodo\":{\"__typename\":1}}", "createTodo", "", "Todo");
	assert_type("{\"createTodo\":{\"__typename\":\"not a name\"}}", "createTodo", "", "Todo");
	assert_type("{\"createTodo\":{\"x\":{\"__typename\":\"A\"}}}", "createTodo", "", "Todo");
	assert_type("{\"other\":{\"__typename\":\"A\"}}", "createTodo", "", "Todo");
	assert_type("null", "createTodo", "", "Todo");
}

static void where_neither_tells_it_is_empty(void **state)
{
	(void)state;
	assert_type("", "likeTodo", "", "");
	assert_type("", "create", "", "");
	assert_type("", "create_", "", "");
	assert_type("", "create2", "", "");
	assert_type("{}", "publish", "", "");
}

static void a_response_that_is_no_json_is_refused(void **state)
{
	(void)state;
	static const char *const TEXTS[] = {"{", "{\"createTodo\":{", "{\"createTodo\":{\"__typename\":\"A\""};
	struct aps_gql_node node = {.kind = APS_GQL_FIELD, .name = APS_STR("createTodo")};
	struct aps_arena arena;
	struct aps_str type;
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	for (size_t i = 0; i < APS_COUNTOF(TEXTS); i++) {
		enum aps_rc rc = aps_record_type_of(aps_str_of(TEXTS[i]), &node, &arena, &type, &err);
		assert_int_equal(rc, APS_E_SYNTAX);
		assert_int_equal(err.code, APS_E_SYNTAX);
		assert_int_equal(type.n, 0);
		assert_int_equal(aps_record_type_of(aps_str_of(TEXTS[i]), &node, &arena, &type, NULL), rc);
	}
	aps_arena_clear(&arena);
}

static void assert_allocations_are_reported(const char *optimistic)
{
	struct aps_gql_node node = {.kind = APS_GQL_FIELD, .name = APS_STR("createTodo")};
	struct aps_arena arena;
	struct aps_str type;
	for (size_t nth = 1;; nth++) {
		aps_arena_init(&arena, APS_BUF_ANY_SIZE);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_record_type_of(aps_str_of(optimistic), &node, &arena, &type, &err);
		aps_mem_fail_at(0);
		aps_arena_clear(&arena);
		assert_int_equal(aps_mem_live(), 0);
		if (rc == APS_OK) {
			assert_true(nth > 1);
			return;
		}
		assert_int_equal(rc, APS_E_NOMEM);
		assert_int_equal(err.code, APS_E_NOMEM);
	}
}

static void every_failed_allocation_is_reported(void **state)
{
	(void)state;
	assert_allocations_are_reported("");
	assert_allocations_are_reported("{\"createTodo\":{\"__typename\":\"A\"}}");
	assert_allocations_are_reported("{\"create\\u0054odo\":{\"__typename\":\"A\"}}");
	assert_allocations_are_reported("{\"createTodo\":{\"__typename\":\"\\u0041\"}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_optimistic_response_tells_it),
	        cmocka_unit_test(a_list_is_no_record),
	        cmocka_unit_test(of_several_members_with_one_key_the_last_one_counts),
	        cmocka_unit_test(else_the_name_of_the_field_without_its_verb_is_it),
	        cmocka_unit_test(where_neither_tells_it_is_empty),
	        cmocka_unit_test(a_response_that_is_no_json_is_refused),
	        cmocka_unit_test(every_failed_allocation_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

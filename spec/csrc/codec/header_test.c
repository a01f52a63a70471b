#include "codec/header.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs setjmp, stdarg, stddef and stdint */
#include <cmocka.h>

static struct aps_arena arena;
static struct aps_header_list list;
static struct aps_err err;

static int setup(void **state)
{
	(void)state;
	aps_arena_init(&arena, 1 << 16);
	aps_header_list_init(&list, &arena);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aps_arena_clear(&arena);
	return aps_mem_live() == 0 ? 0 : -1;
}

static enum aps_rc add(struct aps_str name, struct aps_str value)
{
	return aps_header_list_add(&list, name, value, &err);
}

static void a_list_copies_grows_and_finds_in_any_case(void **state)
{
	(void)state;
	char value[] = "changes";
	assert_int_equal(add(APS_STR("X-One"), aps_str_of(value)), APS_OK);
	value[0] = '!';
	for (int i = 0; i < 20; i++) assert_int_equal(add(APS_STR("n"), APS_STR("v")), APS_OK);
	assert_string_equal(aps_header_list_find(&list, "x-oNE")->value.p, "changes");
	assert_int_equal(list.n_items, 21);
	assert_null(aps_header_list_find(&list, "x-on"));
	assert_null(aps_header_list_find(NULL, "x-one"));
}

static void what_would_break_a_request_is_refused(void **state)
{
	(void)state;
	assert_int_equal(add(APS_STR(""), APS_STR("v")), APS_E_USAGE);
	assert_int_equal(add(APS_STR("a:"), APS_STR("v")), APS_E_USAGE);
	assert_string_equal(err.msg, "headers: a name isn't an HTTP token");
	assert_int_equal(add(APS_STR("a"), APS_STR("v\rw")), APS_E_USAGE);
	assert_int_equal(add(APS_STR("a"), APS_STR("v\nw")), APS_E_USAGE);
	assert_int_equal(add(APS_STR("a"), APS_STR("v\0w")), APS_E_USAGE);
	assert_string_equal(err.msg, "headers: the value of a contains a line break or another control character");
	assert_int_equal(add(APS_STR("a"), APS_STR("v\x1b")), APS_E_USAGE);
	assert_int_equal(add(APS_STR("a"), APS_STR("v\x7f")), APS_E_USAGE);
	assert_int_equal(add(APS_STR("a"), APS_STR("v\tw \xc3\xa9")), APS_OK);
	assert_int_equal(add(APS_STR("a"), APS_STR("")), APS_OK);
	arena.max_bytes = 0;
	assert_int_equal(add(APS_STR("a"), APS_STR("v")), APS_E_TOO_BIG);
	assert_string_equal(aps_rc_kind(err.code), "protocol");
	assert_int_equal(list.n_items, 2);
}

static void every_failed_allocation_is_told(void **state)
{
	(void)state;
	static char value[5000]; /* has no room in the block that the list begins with */
	memset(value, 'v', sizeof value);
	for (size_t nth = 1; nth <= 2; nth++) {
		aps_arena_clear(&arena);
		aps_header_list_init(&list, &arena);
		aps_mem_fail_at(nth);
		assert_int_equal(add(APS_STR("a"), (struct aps_str){value, sizeof value}), APS_E_NOMEM);
		assert_int_equal(list.n_items, 0);
	}
	aps_mem_fail_at(0);
	assert_int_equal(add(APS_STR("a"), APS_STR("v")), APS_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_list_copies_grows_and_finds_in_any_case, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_would_break_a_request_is_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(every_failed_allocation_is_told, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

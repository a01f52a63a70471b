#include "sync/own_ids.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct aps_own_ids ids;

static int teardown(void **state)
{
	(void)state;
	aps_mem_fail_at(0);
	aps_own_ids_clear(&ids);
	aps_own_ids_clear(&ids);
	return aps_mem_live() == 0 ? 0 : -1;
}

static struct aps_str id_of(unsigned n, char room[37])
{
	snprintf(room, 37, "%08x-0000-4000-8000-000000000000", n);
	return (struct aps_str){room, 36};
}

static void add(unsigned n)
{
	char room[37];
	aps_own_ids_add(&ids, id_of(n, room));
}

static bool take(unsigned n)
{
	char room[37];
	return aps_own_ids_take(&ids, id_of(n, room));
}

static void an_id_that_was_made_here_is_taken_once(void **state)
{
	(void)state;
	assert_false(take(1));
	add(1);
	add(2);
	assert_false(take(3));
	assert_true(take(1));
	assert_false(take(1));
	assert_true(take(2));
	add(1);
	assert_true(take(1));
}

static void those_behind_one_that_was_taken_are_found(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 1000; n++) add(n);
	for (unsigned n = 0; n < 1000; n += 2) assert_true(take(n));
	for (unsigned n = 1000; n < 1100; n++) add(n);
	for (unsigned n = 1; n < 1000; n += 2) assert_true(take(n));
	for (unsigned n = 0; n < 1000; n++) assert_false(take(n));
}

static void the_last_ones_are_known_in_bounded_memory(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 3 * APS_OWN_IDS_HALF; n++) add(n);
	size_t n_live = aps_mem_live();
	for (unsigned n = 3 * APS_OWN_IDS_HALF; n < 4 * APS_OWN_IDS_HALF; n++) add(n);
	assert_true(aps_mem_live() <= n_live);
	assert_false(take(0));
	assert_false(take(APS_OWN_IDS_HALF));
	for (unsigned n = 3 * APS_OWN_IDS_HALF; n < 4 * APS_OWN_IDS_HALF; n++) assert_true(take(n));
}

static void without_memory_an_id_is_not_known(void **state)
{
	(void)state;
	aps_mem_fail_at(1);
	add(1);
	aps_mem_fail_at(0);
	assert_false(take(1));
	for (unsigned n = 0; n < 32; n++) add(n);
	aps_mem_fail_at(1);
	add(32);
	aps_mem_fail_at(0);
	assert_false(take(32));
	assert_true(take(31));
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(an_id_that_was_made_here_is_taken_once),
	        TEST(those_behind_one_that_was_taken_are_found),
	        TEST(the_last_ones_are_known_in_bounded_memory),
	        TEST(without_memory_an_id_is_not_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/map.h"

#include "base/mem.h"
#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka needs the four above */
#include <cmocka.h>

#define N_KEYS 500

static struct aps_str key_of(int i)
{
	static char text[16];
	return (struct aps_str){text, (size_t)snprintf(text, sizeof text, "key%d", i)};
}

static void a_map_does_what_an_array_of_flags_does(void **state)
{
	(void)state;
	static int values[2][N_KEYS];
	int *wanted[N_KEYS] = {NULL};
	size_t n_items = 0;
	struct aps_map map;
	struct aps_rand rand;
	print_message("seed 5\n");
	aps_rand_init(&rand, 5);
	aps_map_init(&map, aps_rand_u64(&rand));
	for (int step = 0; step < 20000; step++) {
		int i = (int)aps_rand_below(&rand, N_KEYS);
		switch (aps_rand_below(&rand, 3)) {
		case 0:
			n_items += wanted[i] == NULL ? 1 : 0;
			wanted[i] = &values[aps_rand_below(&rand, 2)][i];
			assert_true(aps_map_set(&map, key_of(i), wanted[i]));
			break;
		case 1:
			assert_ptr_equal(aps_map_take(&map, key_of(i)), wanted[i]);
			n_items -= wanted[i] != NULL ? 1 : 0;
			wanted[i] = NULL;
			break;
		default: assert_ptr_equal(aps_map_get(&map, key_of(i)), wanted[i]);
		}
		assert_int_equal(map.n_items, n_items);
	}
	aps_map_clear(&map);
	aps_map_clear(&map);
	assert_int_equal(aps_mem_live(), 0);
}

static void replacing_needs_no_memory(void **state)
{
	(void)state;
	static int values[2];
	struct aps_map map;
	aps_map_init(&map, 1);
	do {
		assert_true(aps_map_set(&map, key_of((int)map.n_items), &values[0]));
	} while (map.n_items < map.n_slots);
	aps_mem_fail_at(1);
	assert_true(aps_map_set(&map, key_of(0), &values[1]));
	assert_false(aps_map_set(&map, key_of(N_KEYS), &values[1]));
	aps_mem_fail_at(0);
	assert_ptr_equal(aps_map_get(&map, key_of(0)), &values[1]);
	aps_map_clear(&map);
}

static void every_entry_is_visited_once_also_while_entries_are_taken(void **state)
{
	(void)state;
	static int values[N_KEYS];
	struct aps_map map;
	aps_map_init(&map, 1);
	for (int i = 0; i < N_KEYS; i++) assert_true(aps_map_set(&map, key_of(i), &values[i]));
	size_t cursor = 0;
	void *place = NULL;
	struct aps_str key;
	void *value;
	while (aps_map_next(&map, &cursor, &place, &key, &value)) {
		int i = (int)((int *)value - values);
		assert_true(aps_str_eq(key, key_of(i)));
		values[i]++;
		if (i % 2 == 0) assert_ptr_equal(aps_map_take(&map, key_of(i)), value);
	}
	for (int i = 0; i < N_KEYS; i++) assert_int_equal(values[i], 1);
	assert_int_equal(map.n_items, N_KEYS / 2);
	aps_map_clear(&map);
}

static void keys_are_bytes_and_may_be_empty(void **state)
{
	(void)state;
	int a, b, c;
	struct aps_map map;
	aps_map_init(&map, 3);
	assert_null(aps_map_get(&map, APS_STR("")));
	assert_null(aps_map_take(&map, APS_STR("")));
	assert_true(aps_map_set(&map, APS_STR("x\0y"), &a));
	assert_true(aps_map_set(&map, APS_STR("x\0z"), &b));
	assert_true(aps_map_set(&map, (struct aps_str){NULL, 0}, &c));
	assert_ptr_equal(aps_map_get(&map, APS_STR("x\0y")), &a);
	assert_ptr_equal(aps_map_get(&map, APS_STR("x\0z")), &b);
	assert_ptr_equal(aps_map_get(&map, APS_STR("")), &c);
	assert_null(aps_map_get(&map, APS_STR("x")));
	aps_map_clear(&map);
}

static void a_failed_allocation_leaves_the_map_as_it_was(void **state)
{
	(void)state;
	int value;
	for (size_t nth = 1; nth < 40; nth++) {
		struct aps_map map;
		aps_map_init(&map, 3);
		aps_mem_fail_at(nth);
		size_t n_set = 0;
		for (int i = 0; i < 20; i++) {
			bool is_set = aps_map_set(&map, key_of(i), &value);
			n_set += is_set ? 1 : 0;
			assert_true((aps_map_get(&map, key_of(i)) != NULL) == is_set);
		}
		aps_mem_fail_at(0);
		assert_int_equal(map.n_items, n_set);
		assert_true(n_set >= 19);
		aps_map_clear(&map);
		assert_int_equal(aps_mem_live(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_map_does_what_an_array_of_flags_does),
	        cmocka_unit_test(replacing_needs_no_memory),
	        cmocka_unit_test(every_entry_is_visited_once_also_while_entries_are_taken),
	        cmocka_unit_test(keys_are_bytes_and_may_be_empty),
	        cmocka_unit_test(a_failed_allocation_leaves_the_map_as_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

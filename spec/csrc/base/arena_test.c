#include "base/arena.h"

#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>

static void memory_is_zeroed_aligned_and_apart(void **state)
{
	(void)state;
	struct aps_arena arena;
	aps_arena_init(&arena, 1 << 20);
	char *last = NULL;
	for (size_t n = 1; n < 700; n++) {
		char *block = aps_arena_get(&arena, n);
		assert_non_null(block);
		assert_int_equal((uintptr_t)block % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++) assert_int_equal(block[i], 0);
		memset(block, 0xff, n);
		if (last != NULL) assert_int_equal((unsigned char)*last, 0xff);
		last = block;
	}
	aps_arena_clear(&arena);
	aps_arena_clear(&arena);
	assert_int_equal(aps_mem_live(), 0);
	assert_int_equal(arena.max_bytes, 1 << 20);
}

static void a_block_larger_than_the_usual_is_served(void **state)
{
	(void)state;
	struct aps_arena arena;
	aps_arena_init(&arena, 1 << 24);
	char *block = aps_arena_get(&arena, 1000000);
	assert_non_null(block);
	memset(block, 1, 1000000);
	assert_non_null(aps_arena_get(&arena, 1));
	aps_arena_clear(&arena);
}

static void the_ceiling_holds(void **state)
{
	(void)state;
	struct aps_arena arena;
	aps_arena_init(&arena, 64);
	assert_null(aps_arena_get(&arena, 65));
	assert_null(aps_arena_get(&arena, SIZE_MAX));
	assert_non_null(aps_arena_get(&arena, 48));
	assert_non_null(aps_arena_get(&arena, 16));
	assert_null(aps_arena_get(&arena, 1));
	aps_arena_clear(&arena);
	assert_non_null(aps_arena_get(&arena, 64));
	aps_arena_clear(&arena);
}

static void copies_end_with_a_zero(void **state)
{
	(void)state;
	struct aps_arena arena;
	aps_arena_init(&arena, 1000);
	struct aps_str copy = aps_arena_dup(&arena, (struct aps_str){"abcdef", 3});
	assert_int_equal(copy.n, 3);
	assert_string_equal(copy.p, "abc");
	copy = aps_arena_dup(&arena, (struct aps_str){NULL, 0});
	assert_string_equal(copy.p, "");
	aps_arena_clear(&arena);
	aps_mem_fail_at(1);
	assert_null(aps_arena_dup(&arena, APS_STR("abc")).p);
	aps_mem_fail_at(0);
	aps_arena_clear(&arena);
	assert_int_equal(aps_mem_live(), 0);
}

static void a_reset_keeps_one_block_of_the_usual_size(void **state)
{
	(void)state;
	struct aps_arena arena;
	aps_arena_init(&arena, 100000);
	aps_arena_reset(&arena); /* of nothing */
	char *first = aps_arena_get(&arena, 1000);
	assert_non_null(first);
	memset(first, 'x', 1000);
	aps_mem_fail_at(1);
	for (int i = 0; i < 100; i++) {
		aps_arena_reset(&arena);
		assert_int_equal(arena.used_bytes, 0);
		char *again = aps_arena_get(&arena, 1000);
		assert_ptr_equal(again, first);
		for (size_t j = 0; j < 1000; j++) assert_int_equal(again[j], 0);
		memset(again, 'x', 1000);
	}
	aps_mem_fail_at(0);
	assert_non_null(aps_arena_get(&arena, 50000));
	aps_arena_reset(&arena);
	assert_int_equal(arena.held_bytes, 0);
	assert_null(aps_arena_get(&arena, 100001));
	aps_arena_reset(&arena);
	assert_int_equal(arena.rc, APS_OK);
	assert_non_null(aps_arena_get(&arena, 10));
	aps_arena_clear(&arena);
	assert_int_equal(aps_mem_live(), 0);
}

static void all_that_was_written_is_wiped_also_before_a_reset_and_no_more(void **state)
{
	(void)state;
	struct aps_arena arena;
	aps_arena_init(&arena, 100000);
	assert_non_null(aps_arena_get(&arena, 2000));
	aps_arena_reset(&arena);
	assert_non_null(aps_arena_get(&arena, 10));
	size_t n_wiped = aps_mem_wiped();
	aps_arena_clear(&arena);
	n_wiped = aps_mem_wiped() - n_wiped;
	assert_true(n_wiped >= 2000 && n_wiped < 3000);
	assert_int_equal(aps_mem_live(), 0);
	aps_free_used(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(all_that_was_written_is_wiped_also_before_a_reset_and_no_more),
	        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
	        cmocka_unit_test(a_block_larger_than_the_usual_is_served),
	        cmocka_unit_test(the_ceiling_holds),
	        cmocka_unit_test(copies_end_with_a_zero),
	        cmocka_unit_test(a_reset_keeps_one_block_of_the_usual_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

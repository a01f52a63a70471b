#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka needs the four above */
#include <cmocka.h>

static void a_block_that_grows_keeps_its_bytes(void **state)
{
	(void)state;
	for (size_t n = 1; n <= (size_t)1 << 23; n *= 8) {
		char *block = aps_malloc(n);
		assert_non_null(block);
		memset(block, 'a', n);
		char *grown = aps_realloc(block, 3 * n);
		assert_non_null(grown);
		memset(grown + n, 'b', 2 * n);
		for (size_t i = 0; i < n; i++) assert_int_equal(grown[i], 'a');
		assert_int_equal(aps_mem_live(), 1);
		aps_free(grown);
	}
	assert_int_equal(aps_mem_live(), 0);
}

static void a_block_of_any_size_that_grows_leaves_nothing_where_it_was(void **state)
{
	(void)state;
	for (size_t n = 1000; n <= (size_t)1 << 24; n *= 8) {
		char *block = aps_malloc(n);
		assert_non_null(block);
		memset(block, 's', n);
		size_t n_wiped = aps_mem_wiped();
		char *grown = aps_realloc(block, n + n / 2);
		assert_non_null(grown);
		assert_true(aps_mem_wiped() - n_wiped >= n);
		aps_free(grown);
	}
}

static void a_block_that_cannot_grow_stays_whole(void **state)
{
	(void)state;
	char *block = aps_strndup("abc", 3);
	aps_mem_fail_at(1);
	assert_null(aps_realloc(block, 100));
	assert_string_equal(block, "abc");
	aps_free(block);
}

static void nothing_is_freed_and_moved_like_an_empty_block(void **state)
{
	(void)state;
	aps_free(NULL);
	aps_mem_forget(NULL);
	void *block = aps_mem_move(NULL, 8);
	assert_non_null(block);
	aps_mem_forget(block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_block_that_grows_keeps_its_bytes),
	        cmocka_unit_test(a_block_of_any_size_that_grows_leaves_nothing_where_it_was),
	        cmocka_unit_test(a_block_that_cannot_grow_stays_whole),
	        cmocka_unit_test(nothing_is_freed_and_moved_like_an_empty_block),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

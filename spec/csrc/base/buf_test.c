#include "base/buf.h"

#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>

static void what_is_added_stands_there_with_a_zero_behind_it(void **state)
{
	(void)state;
	struct aps_buf buf;
	aps_buf_init(&buf, 1000);
	assert_string_equal(aps_buf_str(&buf).p, "");
	aps_buf_add_text(&buf, "ab");
	aps_buf_add_byte(&buf, 'c');
	aps_buf_add(&buf, NULL, 0);
	aps_buf_add_str(&buf, APS_STR("de"));
	aps_buf_addf(&buf, "%d-%s", 42, "x");
	assert_string_equal(buf.p, "abcde42-x");
	assert_int_equal(buf.n, 9);
	aps_buf_reset(&buf);
	assert_int_equal(buf.n, 0);
	assert_non_null(buf.p);
	aps_buf_clear(&buf);
	aps_buf_clear(&buf);
	assert_int_equal(aps_mem_live(), 0);
}

static void the_ceiling_is_sticky_and_exact(void **state)
{
	(void)state;
	struct aps_buf buf;
	aps_buf_init(&buf, 5);
	aps_buf_add_text(&buf, "12345");
	assert_int_equal(buf.rc, APS_OK);
	aps_buf_add_byte(&buf, '6');
	assert_int_equal(buf.rc, APS_E_TOO_BIG);
	assert_int_equal(buf.n, 5);
	aps_buf_add(&buf, NULL, 0);
	assert_int_equal(buf.rc, APS_E_TOO_BIG);
	assert_null(aps_buf_reserve(&buf, 0));
	assert_null(aps_buf_take(&buf, NULL));
	assert_int_equal(buf.rc, APS_OK);
	assert_null(aps_buf_reserve(&buf, SIZE_MAX));
	aps_buf_clear(&buf);
	assert_int_equal(aps_mem_live(), 0);
}

static void growth_keeps_the_bytes(void **state)
{
	(void)state;
	struct aps_buf buf;
	aps_buf_init(&buf, APS_BUF_ANY_SIZE);
	for (int i = 0; i < 5000; i++) aps_buf_add_byte(&buf, (char)('a' + i % 26));
	assert_int_equal(buf.n, 5000);
	for (int i = 0; i < 5000; i++) assert_int_equal(buf.p[i], 'a' + i % 26);
	assert_int_equal(buf.p[5000], 0);
	aps_buf_clear(&buf);
}

static void taking_moves_the_bytes_out(void **state)
{
	(void)state;
	struct aps_buf buf;
	size_t n = 7;
	aps_buf_init(&buf, 100);
	char *taken = aps_buf_take(&buf, &n);
	assert_string_equal(taken, "");
	assert_int_equal(n, 0);
	aps_free(taken);
	aps_buf_add_text(&buf, "abc");
	taken = aps_buf_take(&buf, &n);
	assert_string_equal(taken, "abc");
	assert_int_equal(n, 3);
	assert_null(buf.p);
	aps_free(taken);
	assert_int_equal(aps_mem_live(), 0);
}

static void missing_memory_is_sticky_and_keeps_what_was_there(void **state)
{
	(void)state;
	struct aps_buf buf;
	aps_buf_init(&buf, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&buf, "kept");
	aps_mem_fail_at(1);
	for (int i = 0; i < 100; i++) aps_buf_add_text(&buf, "0123456789");
	aps_mem_fail_at(0);
	assert_int_equal(buf.rc, APS_E_NOMEM);
	assert_memory_equal(buf.p, "kept0123456789", 14);
	aps_buf_clear(&buf);
	aps_mem_fail_at(1);
	assert_null(aps_buf_take(&buf, NULL));
	aps_mem_fail_at(0);
	assert_int_equal(aps_mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_added_stands_there_with_a_zero_behind_it),
	        cmocka_unit_test(the_ceiling_is_sticky_and_exact),
	        cmocka_unit_test(growth_keeps_the_bytes),
	        cmocka_unit_test(taking_moves_the_bytes_out),
	        cmocka_unit_test(missing_memory_is_sticky_and_keeps_what_was_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

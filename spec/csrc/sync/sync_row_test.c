#include "sync/sync_row.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void what_was_put_is_taken(void **state)
{
	(void)state;
	struct aps_checkpoint put, taken;
	struct aps_buf text;
	int64_t skew_ms = 0;
	aps_checkpoint_init(&put);
	aps_checkpoint_init(&taken);
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	put.base_ms = 12;
	put.has_missed = true;
	aps_sync_row_put(&text, &put, -86400000);
	assert_int_equal(text.rc, APS_OK);
	assert_true(aps_sync_row_take(aps_buf_str(&text), &taken, &skew_ms));
	assert_int_equal(skew_ms, -86400000);
	assert_int_equal(taken.base_ms, 12);
	assert_true(taken.has_missed);
	aps_buf_clear(&text);
	aps_checkpoint_clear(&put);
	aps_checkpoint_clear(&taken);
}

static void nothing_else_is(void **state)
{
	(void)state;
	static const char *const OTHERS[] = {
	        "",
	        "{}",
	        "[]",
	        "{\"skew\":1}",
	        "{\"skew\":1,\"checkpoint\":{}}",
	        "{\"skew\":1.5,\"checkpoint\":{\"version\":1}}",
	        "{\"checkpoint\":{\"version\":1},\"skew\":1}",
	        "{\"skew\":1,\"checkpoint\":3} ",
	};
	for (size_t i = 0; i < APS_COUNTOF(OTHERS); i++) {
		struct aps_checkpoint checkpoint;
		int64_t skew_ms = 7;
		aps_checkpoint_init(&checkpoint);
		assert_false(aps_sync_row_take(aps_str_of(OTHERS[i]), &checkpoint, &skew_ms));
		assert_int_equal(skew_ms, 7);
		assert_int_equal(checkpoint.base_ms, 0);
		aps_checkpoint_clear(&checkpoint);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_was_put_is_taken),
	        cmocka_unit_test(nothing_else_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "codec/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void what_may_pass_is_told_from_what_stays(void **state)
{
	(void)state;
	static const long PASSING[] = {408, 425, 429, 500, 502, 503, 504, 599};
	static const long STAYING[] = {0, 200, 301, 400, 401, 403, 404, 407, 410, 421, 426, 499};
	for (size_t i = 0; i < APS_COUNTOF(PASSING); i++) assert_true(aps_status_is_passing(PASSING[i]));
	for (size_t i = 0; i < APS_COUNTOF(STAYING); i++) assert_false(aps_status_is_passing(STAYING[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_may_pass_is_told_from_what_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

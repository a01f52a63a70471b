/* What of a value is a time. */
#include "sync/page_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_time_is_a_number_digits_or_a_date_time(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		int64_t ms;
	} ROWS[] = {
	        {"1700000000000", 1700000000000},
	        {"1700000000", 1700000000000}, /* seconds */
	        {"99999999999", 99999999999000},
	        {"100000000000", 100000000000},
	        {"1700000000.5", 1700000000500},
	        {"1.7e12", 1700000000000},
	        {"\"1700000000000\"", 1700000000000},
	        {"\"1700000000\"", 1700000000000},
	        {"\"2023-11-14T22:13:20Z\"", 1700000000000},
	        {"\"2023-11-14T22:13:20.5Z\"", 1700000000500},
	        {"\"2023-11-14T23:13:20.0015+01:00\"", 1700000000001},
	        {"\"2023-11-14T22\\u003a13:20Z\"", 1700000000000},
	        {" 1700000000 ", 1700000000000},
	        {"253402300799999", 253402300799999}, /* the last one of the year 9999 */
	        {"253402300800000", 0},
	        {"9223372036854775807", 0},
	        {"9223372036854775808", 0},
	        {"1e300", 0},
	        {"0", 0},
	        {"-1700000000", 0},
	        {"-1.5", 0},
	        {"null", 0},
	        {"true", 0},
	        {"[1700000000]", 0},
	        {"{}", 0},
	        {"\"\"", 0},
	        {"\"soon\"", 0},
	        {"\"17000000000000000\"", 0},
	        {"\"1.7e12\"", 0},
	        {"\"2023-11-14\"", 0},
	        {"\"2023-11-14T22:13:20.00000000000000000000000000000000000000000000000Z\"", 0}, /* longer than any */
	        {"", 0},
	        {"\"", 0},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++)
		if (aps_page_time_of(aps_str_of(ROWS[i].json)) != ROWS[i].ms)
			fail_msg("%s: %lld", ROWS[i].json, (long long)aps_page_time_of(aps_str_of(ROWS[i].json)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_time_is_a_number_digits_or_a_date_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "codec/timefmt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
/* cmocka needs the four above */
#include <cmocka.h>

static void long_dates_stay_within_four_digits_of_a_year(void **state)
{
	(void)state;
	static const struct {
		int64_t unix_s;
		const char *text;
	} ROWS[] = {
	        {0, "19700101T000000Z"},         {1440938160, "20150830T123600Z"},   {-1, "19691231T235959Z"},
	        {951782400, "20000229T000000Z"}, {253402300799, "99991231T235959Z"}, {-62167219200, "00000101T000000Z"},
	        {INT64_MAX, "99991231T235959Z"}, {INT64_MIN, "00000101T000000Z"},    {4107542400, "21000301T000000Z"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		char text[APS_TIME_AMZ_CHARS + 1];
		aps_time_format_amz(ROWS[i].unix_s, text);
		assert_string_equal(text, ROWS[i].text);
	}
}

static void every_day_agrees_with_the_libc(void **state)
{
	(void)state;
	for (int64_t day = -719528; day < 2932897; day += 13) {
		time_t t = (time_t)(day * 86400 + 43210);
		struct tm tm;
		assert_non_null(gmtime_r(&t, &tm));
		char wanted[64], text[APS_TIME_AMZ_CHARS + 1];
		snprintf(wanted, sizeof wanted, "%04d%02d%02dT%02d%02d%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
		         tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
		aps_time_format_amz(t, text);
		assert_string_equal(text, wanted);
		int64_t back;
		assert_true(aps_time_parse_amz(aps_str_of(text), &back));
		assert_true(back == t);
	}
}

static void all_three_http_dates_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t unix_s; /* -1: refused */
	} ROWS[] = {
	        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
	        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
	        {"Sun Nov  6 08:49:37 1994", 784111777},
	        {"Wed Nov 16 08:49:37 1994", 784975777},
	        {"Tuesday, 01-Jan-69 00:00:00 GMT", 3124224000},
	        {"Thursday, 01-Jan-70 00:00:00 GMT", 0},
	        {"Wednesday, 06-Nov-24 08:49:37 GMT", 1730882977},
	        {"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
	        {"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
	        {"", -1},
	        {"Sun", -1},
	        {"Sun, 06 Nov 1994 08:49:37", -1},
	        {"Sun, 06 Nov 1994 08:49:37 UTC", -1},
	        {"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
	        {"Sun, 6 Nov 1994 08:49:37 GMT", -1},
	        {"sun, 06 Nov 1994 08:49:37 GMT", -1},
	        {"Sun, 06 nov 1994 08:49:37 GMT", -1},
	        {"Xxx, 06 Nov 1994 08:49:37 GMT", -1},
	        {"Sun, 31 Nov 1994 08:49:37 GMT", -1},
	        {"Sun, 00 Nov 1994 08:49:37 GMT", -1},
	        {"Sun, 29 Feb 1900 08:49:37 GMT", -1},
	        {"Sun, 06 Nov 1994 24:00:00 GMT", -1},
	        {"Sun, 06 Nov 1994 08:60:00 GMT", -1},
	        {"Sun, 06 Nov 1994 08:00:61 GMT", -1},
	        {"Sunday, 06 Nov 1994 08:49:37 GMT", -1},
	        {"Sun Nov 6 08:49:37 1994", -1},
	        {"Sun Nov  6 08:49:37 1994 GMT", -1},
	        {"1994-11-06T08:49:37Z", -1},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		int64_t unix_s = -1;
		bool is_date = aps_time_parse_http(aps_str_of(ROWS[i].text), &unix_s);
		if (is_date != (ROWS[i].unix_s >= 0) || unix_s != ROWS[i].unix_s)
			fail_msg("%s: %d, %lld", ROWS[i].text, is_date, (long long)unix_s);
	}
}

static void long_dates_of_the_wrong_shape_are_refused(void **state)
{
	(void)state;
	static const char *const TEXTS[] = {"",
	                                    "20150830",
	                                    "20150830T123600",
	                                    "20150830T123600ZZ",
	                                    "2015083OT123600Z",
	                                    "20151330T123600Z",
	                                    "20150830 123600Z"};
	int64_t unix_s;
	for (size_t i = 0; i < APS_COUNTOF(TEXTS); i++) assert_false(aps_time_parse_amz(aps_str_of(TEXTS[i]), &unix_s));
}

static void date_times_with_offsets_are_moments_with_a_fraction(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t unix_s;
		const char *fraction; /* NULL: it is none */
	} ROWS[] = {
	        {"1970-01-01T00:00:00Z", 0, ""},
	        {"1970-01-01t00:00:00z", 0, ""},
	        {"1969-12-31T23:59:59.9Z", -1, "9"},
	        {"2024-02-29T12:30:15.123456789012345678901234567890Z", 1709209815, "123456789012345678901234567890"},
	        {"2024-02-29T12:30:15.Z", 1709209815, ""},
	        {"2024-02-29T12:30Z", 1709209800, ""},
	        {"2024-02-29T12:30+00:30", 1709208000, ""},
	        {"2024-02-29T12:30:15-01:30", 1709215215, ""},
	        {"2024-02-29T12:30:15-00:00", 1709209815, ""},
	        {"2024-02-29T12:30:15.50+01:00:10", 1709206205, "50"},
	        {"2016-12-31T23:59:60Z", 1483228800, ""},
	        {"0000-01-01T00:00:00+23:59", -62167305540, ""},
	        {"9999-12-31T23:59:59-23:59", 253402387139, ""},
	        {"", 0, NULL},
	        {"2024-02-29", 0, NULL},
	        {"2024-02-29T12", 0, NULL},
	        {"2024-02-29T12:30", 0, NULL},
	        {"2024-02-29T12:30:15", 0, NULL},
	        {"2024-02-29 12:30:15Z", 0, NULL},
	        {"2024-02-29T12:30:15ZZ", 0, NULL},
	        {"2024-02-29T12:30:Z", 0, NULL},
	        {"2024-02-29T12:30.5Z", 0, NULL},
	        {"2024-02-29T12:30:15,5Z", 0, NULL},
	        {"2024-02-29T12:30:15+1:00", 0, NULL},
	        {"2024-02-29T12:30:15+0100", 0, NULL},
	        {"2024-02-29T12:30:15+24:00", 0, NULL},
	        {"2024-02-29T12:30:15+01:60", 0, NULL},
	        {"2024-02-29T12:30:15+01:00:60", 0, NULL},
	        {"2024-02-29T12:30:15+01:00:", 0, NULL},
	        {"2023-02-29T12:30:15Z", 0, NULL},
	        {"2024-13-29T12:30:15Z", 0, NULL},
	        {"2024-00-29T12:30:15Z", 0, NULL},
	        {"2024-02-00T12:30:15Z", 0, NULL},
	        {"2024-02-29T24:00:00Z", 0, NULL},
	        {"2024-02-29T12:60:00Z", 0, NULL},
	        {"2024-02-29T12:30:61Z", 0, NULL},
	        {"12024-02-29T12:30:15Z", 0, NULL},
	        {"-024-02-29T12:30:15Z", 0, NULL},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		int64_t unix_s = 0;
		struct aps_str fraction;
		bool is_one = aps_time_parse_rfc3339(aps_str_of(ROWS[i].text), &unix_s, &fraction);
		bool is_right = is_one == (ROWS[i].fraction != NULL) && unix_s == ROWS[i].unix_s;
		if (!is_right || (is_one && !aps_str_is(fraction, ROWS[i].fraction)))
			fail_msg("%s: %d, %lld, %.*s", ROWS[i].text, is_one, (long long)unix_s, (int)fraction.n,
			         fraction.p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(long_dates_stay_within_four_digits_of_a_year),
	        cmocka_unit_test(every_day_agrees_with_the_libc),
	        cmocka_unit_test(all_three_http_dates_are_read),
	        cmocka_unit_test(long_dates_of_the_wrong_shape_are_refused),
	        cmocka_unit_test(date_times_with_offsets_are_moments_with_a_fraction),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "codec/decimal.h"

#include "base/rand.h"
#include "codec/json_reader.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the four above */
#include <cmocka.h>

static const char *print(double value)
{
	static char text[APS_DECIMAL_CHARS + 1];
	text[aps_decimal_print(value, text)] = '\0';
	return text;
}

static double parse(const char *text)
{
	return aps_decimal_parse(aps_str_of(text));
}

static double read_json(struct aps_str text)
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, text, 0);
	assert_int_not_equal(aps_json_next(&r), APS_JSON_ERROR);
	return r.number;
}

static void doubles_are_printed_shortest(void **state)
{
	(void)state;
	static const struct {
		double value;
		const char *text;
	} ROWS[] = {
	        {0, "0"},
	        {-0.0, "-0"},
	        {5, "5"},
	        {-5, "-5"},
	        {0.1, "0.1"},
	        {0.1 + 0.2, "0.30000000000000004"},
	        {1.0 / 3, "0.3333333333333333"},
	        {2.0 / 3, "0.6666666666666666"},
	        {123.456, "123.456"},
	        {-1.5, "-1.5"},
	        {1e15, "1000000000000000"},
	        {1e21, "1000000000000000000000"},
	        {9007199254740993.0, "9007199254740992"},
	        {9223372036854775808.0, "9223372036854775808"},
	        {-9223372036854775808.0, "-9223372036854775808"},
	        {1e23, "99999999999999991611392"},
	        {123456789012345.6, "123456789012345.6"},
	        {1e-5, "0.00001"},
	        {1e-6, "0.000001"},
	        {1e-7, "1e-7"},
	        {1.25e-7, "1.25e-7"},
	        {5e-324, "5e-324"},
	        {1.5e-323, "1.5e-323"},
	        {2.2250738585072014e-308, "2.2250738585072014e-308"},
	        {5.684341886080802e-14,
	         "5.684341886080802e-14"}, /* 2^-44: the nearest 16 digits read back as its neighbour */
	        {4503599627370495.5, "4503599627370495.5"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) assert_string_equal(print(ROWS[i].value), ROWS[i].text);
	assert_int_equal(strlen(print(-DBL_MAX)), 310);
}

static void a_float_is_told_from_an_integer(void **state)
{
	(void)state;
	static const struct {
		double value;
		const char *text;
	} ROWS[] = {
	        {0, "0.0"},
	        {-0.0, "-0.0"},
	        {1, "1.0"},
	        {-20, "-20.0"},
	        {0.5, "0.5"},
	        {1e-7, "1e-7"},
	        {999999999999999, "999999999999999.0"},
	        {1e15, "1e15"},
	        {1234567890123456, "1.234567890123456e15"},
	        {-0x1p60, "-1.152921504606847e18"},
	        {1e300, "1e300"},
	        {DBL_MAX, "1.7976931348623157e308"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		char text[APS_DECIMAL_CHARS + 1];
		text[aps_decimal_print_float(ROWS[i].value, text)] = '\0';
		assert_string_equal(text, ROWS[i].text);
	}
}

static void decimal_text_is_rounded_correctly(void **state)
{
	(void)state;
	assert_true(parse("9007199254740993.0") == 9007199254740992.0);
	assert_true(parse("9007199254740993.00000000000000000000000000000000000000000001") == 9007199254740994.0);
	assert_true(parse("2.2250738585072011e-308") == 2.2250738585072011e-308);
	assert_true(parse("1.7976931348623157e308") == DBL_MAX);
	assert_true(isinf(parse("1.7976931348623159e308")));
	assert_true(parse("2.4703282292062327e-324") == 0);
	assert_true(parse("2.4703282292062328e-324") == 5e-324);
	assert_true(parse("-1e-400") == 0 && signbit(parse("-1e-400")));
	assert_true(parse("0e99999999999") == 0);
	assert_true(parse("0.0000000000000000000000000000000000000000000000001e49") == 1);
	assert_true(parse("1e-99999999999999999999") == 0);
	assert_true(isinf(parse("-1e+99999999999999999999")));
}

/* A tie is told from what is above it by a digit far behind the ones that are kept. */
static void a_digit_after_a_thousand_zeros_counts(void **state)
{
	(void)state;
	char text[1200] = "9007199254740993.";
	size_t n = strlen(text);
	memset(text + n, '0', 1000);
	assert_true(parse(text) == 9007199254740992.0);
	text[n + 1000] = '1';
	assert_true(parse(text) == 9007199254740994.0);
	memset(text, '0', 1100);
	memcpy(text, "0.", 2);
	memcpy(text + 1100, "25e1098", 8);
	assert_true(parse(text) == 0.25);
	memset(text, '0', 1100);
	text[0] = '1';
	memcpy(text + 1100, "e-1099", 7);
	assert_true(parse(text) == 1);
}

static void check_round_trip(double value)
{
	char text[APS_DECIMAL_CHARS + 1];
	size_t n = aps_decimal_print(value, text);
	assert_true(n <= APS_DECIMAL_CHARS);
	text[n] = '\0';
	double again = read_json((struct aps_str){text, n});
	if (memcmp(&again, &value, sizeof value) != 0)
		fail_msg("%a was printed as %s and read as %a", value, text, again);
	char marked[APS_DECIMAL_CHARS + 1];
	size_t n_marked = aps_decimal_print_float(value, marked);
	marked[n_marked] = '\0';
	again = read_json((struct aps_str){marked, n_marked});
	if (memcmp(&again, &value, sizeof value) != 0 || strpbrk(marked, ".e") == NULL)
		fail_msg("%a was printed as %s and read as %a", value, marked, again);
	if (strtod(text, NULL) != value) fail_msg("%a was printed as %s", value, text);
	char other[64];
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(other, sizeof other, "%.*e", digits - 1, value);
		if (strtod(other, NULL) == value) {
			size_t ours = 0;
			size_t zeros = 0;
			for (const char *p = text; *p != '\0' && *p != 'e'; p++)
				if (*p >= '0' && *p <= '9' && (ours != 0 || *p != '0')) {
					ours++;
					zeros = *p == '0' ? zeros + 1 : 0;
				}
			if (fabs(value) < 1e15 && ours - zeros > (size_t)digits)
				fail_msg("%s has more digits than %s", text, other);
			break;
		}
	}
}

static void random_doubles_survive_print_and_read(void **state)
{
	(void)state;
	const char *given = getenv("SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 20240601;
	print_message("seed %llu (SEED=... replays)\n", (unsigned long long)seed);
	struct aps_rand rand;
	aps_rand_init(&rand, seed);
	for (int i = 0; i < 20000; i++) {
		uint64_t bits = aps_rand_u64(&rand);
		double value;
		memcpy(&value, &bits, sizeof value);
		if (isfinite(value)) check_round_trip(value);
		check_round_trip((double)(int64_t)aps_rand_u64(&rand) / 1000.0);
		check_round_trip((double)aps_rand_below(&rand, 1000000) / 128.0);
		check_round_trip(ldexp(1.0, (int)aps_rand_below(&rand, 2098) - 1074));
		check_round_trip((double)aps_rand_below(&rand, 100000000) / 1e4);
	}
}

/* What the reader makes of a number must be what strtod() makes of it, whichever way it went. */
static void random_texts_are_read_as_the_libc_reads_them(void **state)
{
	(void)state;
	struct aps_rand rand;
	aps_rand_init(&rand, 7);
	print_message("seed 7\n");
	for (int i = 0; i < 20000; i++) {
		char text[80];
		size_t n = 0;
		if (aps_rand_below(&rand, 2) != 0) text[n++] = '-';
		text[n++] = (char)('1' + aps_rand_below(&rand, 9));
		for (uint64_t k = aps_rand_below(&rand, 22); k != 0; k--)
			text[n++] = (char)('0' + aps_rand_below(&rand, 10));
		text[n++] = '.';
		for (uint64_t k = 1 + aps_rand_below(&rand, 22); k != 0; k--)
			text[n++] = (char)('0' + aps_rand_below(&rand, 10));
		n += (size_t)snprintf(text + n, sizeof text - n, "e%d", (int)aps_rand_below(&rand, 700) - 350);
		if (aps_rand_below(&rand, 2) != 0) n = (size_t)(strchr(text, 'e') - text);
		text[n] = '\0';
		double ours = read_json((struct aps_str){text, n});
		double theirs = strtod(text, NULL);
		if (ours != theirs) fail_msg("%s: %a, the libc says %a", text, ours, theirs);
	}
}

static void integers_are_printed_whole(void **state)
{
	(void)state;
	static const int64_t VALUES[] = {0, 1, -1, 9, 10, 99, 100, INT64_MAX, INT64_MIN, INT64_MIN + 1, -1234567890123};
	for (size_t i = 0; i < APS_COUNTOF(VALUES); i++) {
		char text[21];
		char wanted[32];
		text[aps_decimal_print_int(VALUES[i], text)] = '\0';
		snprintf(wanted, sizeof wanted, "%lld", (long long)VALUES[i]);
		assert_string_equal(text, wanted);
	}
}

static void the_locale_changes_nothing(void **state)
{
	static const char *const NAMES[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE",
	                                    "fr_FR",       "it_IT.UTF-8", "ps_AF.UTF-8"};
	const char *found = NULL;
	for (size_t i = 0; i < APS_COUNTOF(NAMES) && found == NULL; i++) {
		found = setlocale(LC_ALL, NAMES[i]);
		if (found != NULL && strtod("1,5", NULL) != 1.5) found = NULL;
	}
	if (found == NULL) {
		setlocale(LC_ALL, "C");
		print_message("skipped: no locale with a decimal comma is installed\n");
		skip();
	}
	print_message("locale %s\n", found);
	double slow = read_json(APS_STR("3.14159265358979323846264338327950288"));
	double fast = read_json(APS_STR("1.5"));
	char pi[32] = {0};
	memcpy(pi, print(3.141592653589793), 17);
	setlocale(LC_ALL, "C");
	assert_true(slow == 3.141592653589793);
	assert_true(fast == 1.5);
	assert_string_equal(pi, "3.141592653589793");
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(doubles_are_printed_shortest),
	        cmocka_unit_test(a_float_is_told_from_an_integer),
	        cmocka_unit_test(decimal_text_is_rounded_correctly),
	        cmocka_unit_test(a_digit_after_a_thousand_zeros_counts),
	        cmocka_unit_test(random_doubles_survive_print_and_read),
	        cmocka_unit_test(random_texts_are_read_as_the_libc_reads_them),
	        cmocka_unit_test(integers_are_printed_whole),
	        cmocka_unit_test(the_locale_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

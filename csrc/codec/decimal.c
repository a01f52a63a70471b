#include "codec/decimal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EXACT_INTEGER   (UINT64_C(1) << 53)
#define MAX_EXACT_POWER 22
/* More digits can't move the rounding, but for telling a tie from what is just above it. */
#define SIGNIFICANT_DIGITS 770
#define MAX_EXPONENT       100000
#define MIN_EXPONENTIAL    1e15 /* integral values from there on are written with an exponent */

static const double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

bool aps_decimal_scale_fast(uint64_t mantissa, int64_t exponent, double *value)
{
	/* W. D. Clinger, "How to read floating point numbers accurately" (1990): both operands are exact, so the one
	 * operation rounds correctly. Not where intermediate results are wider than a double. */
#if FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 1
	if (mantissa <= EXACT_INTEGER && exponent >= -MAX_EXACT_POWER && exponent <= MAX_EXACT_POWER) {
		double m = (double)mantissa;
		*value = exponent < 0 ? m / POWERS[-exponent] : m * POWERS[exponent];
		return true;
	}
#endif
	if (mantissa != 0) return false;
	*value = 0;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

struct digits {
	char text[SIGNIFICANT_DIGITS + 32];
	size_t n;
	int64_t exponent;
	bool dropped_nonzero;
};

static void add_digits(struct digits *d, const char **p, const char *end, int64_t step)
{
	for (; *p < end && is_digit(**p); (*p)++) {
		d->exponent += step;
		if (d->n == 0 && **p == '0') continue;
		if (d->n < SIGNIFICANT_DIGITS) {
			d->text[d->n++] = **p;
		} else {
			d->exponent++;
			if (**p != '0') d->dropped_nonzero = true;
		}
	}
}

double aps_decimal_parse(struct aps_str number)
{
	struct digits d;
	d.n = 0;
	d.exponent = 0;
	d.dropped_nonzero = false;
	const char *p = number.p;
	const char *end = number.p + number.n;
	bool negative = p < end && *p == '-';
	if (negative) p++;
	add_digits(&d, &p, end, 0);
	if (p < end && *p == '.') {
		p++;
		add_digits(&d, &p, end, -1);
	}
	if (d.n == 0) return negative ? -0.0 : 0.0;
	if (p < end) {
		p++;
		bool is_below = p < end && *p == '-';
		if (p < end && (*p == '-' || *p == '+')) p++;
		int64_t given = 0;
		for (; p < end && is_digit(*p); p++)
			if (given < INT32_MAX) given = given * 10 + (*p - '0');
		d.exponent += is_below ? -given : given;
	}
	if (d.dropped_nonzero) {
		d.text[d.n++] = '1';
		d.exponent--;
	}
	/* Before the clamp: a long fraction's own exponent and the written one may cancel each other. */
	if (d.exponent > MAX_EXPONENT) d.exponent = MAX_EXPONENT;
	if (d.exponent < -MAX_EXPONENT) d.exponent = -MAX_EXPONENT;
	/* No decimal point in this text, so strtod() has nothing to ask the locale for. */
	snprintf(d.text + d.n, sizeof d.text - d.n, "e%d", (int)d.exponent);
	double value = strtod(d.text, NULL);
	return negative ? -value : value;
}

size_t aps_decimal_print_int(int64_t value, char out[20])
{
	char reversed[20];
	size_t n = 0;
	uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	do {
		reversed[n++] = (char)('0' + left % 10);
		left /= 10;
	} while (left != 0);
	size_t at = 0;
	if (value < 0) out[at++] = '-';
	while (n != 0) out[at++] = reversed[--n];
	return at;
}

/* value = mantissa * 10^exponent in decimal text. */
struct shortest {
	uint64_t mantissa;
	int exponent;
};

static bool reads_back(struct shortest s, double value)
{
	double again;
	if (!aps_decimal_scale_fast(s.mantissa, s.exponent, &again)) {
		char text[48];
		snprintf(text, sizeof text, "%llue%d", (unsigned long long)s.mantissa, s.exponent);
		again = strtod(text, NULL);
	}
	return again == value;
}

static struct shortest round_to(double value, int n_digits)
{
	char text[64];
	snprintf(text, sizeof text, "%.*e", n_digits - 1, value);
	struct shortest s = {0, 0};
	const char *p = text;
	/* Between the digits stands the locale's decimal point, of any length. */
	for (; *p != 'e'; p++)
		if (is_digit(*p)) s.mantissa = s.mantissa * 10 + (uint64_t)(*p - '0');
	s.exponent = atoi(p + 1) - (n_digits - 1);
	return s;
}

/* Few decimals are the usual case: no more than 15 digits, so the first that reads back is the shortest. */
static bool find_few_decimals(double value, struct shortest *s)
{
	if (value < 1e-5 || value >= 1e15) return false;
	for (int k = 1; k <= 20; k++) {
		double scaled = value * POWERS[k];
		if (scaled >= 1e15) return false;
		*s = (struct shortest){(uint64_t)(scaled + 0.5), -k};
		if ((double)s->mantissa / POWERS[k] == value) return true;
	}
	return false;
}

static struct shortest find_shortest(double value)
{
	struct shortest s;
#if FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 1
	if (find_few_decimals(value, &s)) return s;
#endif
	/* 15 digits name every normal double's neighbourhood; subnormal ones can need a single digit (5e-324). */
	for (int n = value < DBL_MIN ? 1 : 15; n < 17; n++) {
		s = round_to(value, n);
		if (reads_back(s, value)) return s;
		/* Below a power of two the gap is half as wide: the nearest text may be too low, and its successor
		 * right. */
		int exponent;
		s.mantissa++;
		if (n == 16 && frexp(value, &exponent) == 0.5 && reads_back(s, value)) return s;
	}
	return round_to(value, 17);
}

/* digits[0].digits[1…]e… */
static size_t print_scientific(const char *digits, size_t n, int exponent, char *out)
{
	size_t at = 0;
	out[at++] = digits[0];
	if (n > 1) {
		out[at++] = '.';
		memcpy(out + at, digits + 1, n - 1);
		at += n - 1;
	}
	out[at++] = 'e';
	return at + aps_decimal_print_int(exponent, out + at);
}

static size_t print_fraction(struct shortest s, char *out)
{
	while (s.mantissa % 10 == 0) {
		s.mantissa /= 10;
		s.exponent++;
	}
	char digits[20];
	size_t n = aps_decimal_print_int((int64_t)s.mantissa, digits);
	int point = (int)n + s.exponent; /* digits before the decimal point */
	size_t at = 0;
	if (point >= (int)n) return print_scientific(digits, n, point - 1, out);
	if (point > 0) {
		memcpy(out, digits, (size_t)point);
		out[point] = '.';
		memcpy(out + point + 1, digits + point, n - (size_t)point);
		return n + 1;
	}
	if (point > -6) {
		out[at++] = '0';
		out[at++] = '.';
		for (; point < 0; point++) out[at++] = '0';
		memcpy(out + at, digits, n);
		return at + n;
	}
	return print_scientific(digits, n, point - 1, out);
}

/* How many digits it takes to write the number: without zeros at its ends. */
static size_t count_significant(struct aps_str number)
{
	size_t n = 0, n_zeros = 0;
	for (const char *p = number.p, *end = p + number.n; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '0') {
			n_zeros += n != 0;
		} else if (is_digit(*p)) {
			n += n_zeros + 1;
			n_zeros = 0;
		}
	}
	return n;
}

bool aps_decimal_is_distinct(struct aps_str number, double value)
{
	size_t n = count_significant(number);
	if (n == 0) return true;
	double magnitude = fabs(value);
	if (!(magnitude >= DBL_MIN && magnitude <= DBL_MAX)) return false;
	if (n <= DBL_DIG) return true;
	char shortest[APS_DECIMAL_CHARS];
	size_t n_chars = aps_decimal_print(value, shortest);
	return aps_str_eq(number, (struct aps_str){shortest, n_chars});
}

size_t aps_decimal_print(double value, char out[APS_DECIMAL_CHARS])
{
	size_t sign = signbit(value) ? 1 : 0;
	if (sign != 0) out[0] = '-';
	double magnitude = fabs(value);
	if (magnitude < 9223372036854775808.0) {
		int64_t whole = (int64_t)magnitude;
		if ((double)whole == magnitude) return sign + aps_decimal_print_int(whole, out + sign);
		return sign + print_fraction(find_shortest(magnitude), out + sign);
	}
	char whole[APS_DECIMAL_CHARS];
	int n = snprintf(whole, sizeof whole, "%.0f", magnitude);
	memcpy(out + sign, whole, (size_t)n);
	return sign + (size_t)n;
}

size_t aps_decimal_print_float(double value, char out[APS_DECIMAL_CHARS])
{
	double magnitude = fabs(value);
	bool is_integral = magnitude == floor(magnitude);
	size_t sign = signbit(value) ? 1 : 0;
	if (!is_integral || magnitude < MIN_EXPONENTIAL) {
		size_t n = aps_decimal_print(value, out);
		if (is_integral) memcpy(out + n, ".0", 2);
		return is_integral ? n + 2 : n;
	}
	if (sign != 0) out[0] = '-';
	return sign + print_fraction(find_shortest(magnitude), out + sign);
}

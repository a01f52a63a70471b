#include "sync/record_order.h"

#include "codec/json_reader.h"
#include "codec/timefmt.h"

#define ROOM                256 /* bytes: a longer text with escapes is no integer and no date-time */
#define MAX_EXPONENT_DIGITS 15

/* ± 0.d1d2d3… * 10^point, where d1 isn't 0. */
struct number {
	bool is_number;
	bool is_integer; /* as it is written: digits and nothing else */
	bool is_negative;
	bool is_zero;
	struct aps_str digits; /* from d1 on, maybe with a point in them */
	int64_t point;
};

struct moment {
	bool is_moment;
	bool is_local; /* it has no offset: it can be compared with others that have none */
	int64_t unix_s;
	struct aps_str fraction;
};

struct value {
	struct aps_json_reader r;
	bool is_text;
	struct number number;
	struct moment moment; /* a text's */
	char room[ROOM];
};

static size_t count_digits(struct aps_str text, size_t from)
{
	size_t at = from;
	while (at < text.n && text.p[at] >= '0' && text.p[at] <= '9') at++;
	return at - from;
}

static void set_digits(struct number *number, struct aps_str digits, size_t n_before_point)
{
	size_t n_skipped = 0;
	while (digits.n != 0 && (*digits.p == '0' || *digits.p == '.')) {
		n_skipped += *digits.p == '0';
		digits.p++;
		digits.n--;
	}
	number->digits = digits;
	number->is_zero = digits.n == 0;
	number->point = (int64_t)n_before_point - (int64_t)n_skipped;
}

/* From the 'e' on, to the end. False: it is none, or larger than anything that it would have to be compared with. */
static bool add_exponent(struct number *number, struct aps_str text, size_t at)
{
	int64_t exponent = 0;
	bool is_below = ++at < text.n && text.p[at] == '-';
	if (at < text.n && (text.p[at] == '-' || text.p[at] == '+')) at++;
	size_t n = count_digits(text, at);
	if (n == 0 || at + n != text.n) return false;
	for (; n > 1 && text.p[at] == '0'; n--) at++;
	if (n > MAX_EXPONENT_DIGITS) return number->is_zero;
	for (; at < text.n; at++) exponent = exponent * 10 + (text.p[at] - '0');
	number->point += is_below ? -exponent : exponent;
	return true;
}

/* JSON's grammar of numbers, and zeros before them. */
static struct number number_of(struct aps_str text)
{
	struct number number = {.is_negative = text.n != 0 && text.p[0] == '-'};
	size_t from = number.is_negative;
	size_t n_before = count_digits(text, from);
	size_t at = from + n_before;
	if (n_before == 0) return number;
	number.is_integer = at == text.n;
	if (at < text.n && text.p[at] == '.') {
		size_t n_behind = count_digits(text, ++at);
		if (n_behind == 0) return number;
		at += n_behind;
	}
	set_digits(&number, (struct aps_str){text.p + from, at - from}, n_before);
	bool is_exponent = at < text.n && (text.p[at] == 'e' || text.p[at] == 'E');
	number.is_number = at == text.n || (is_exponent && add_exponent(&number, text, at));
	return number;
}

/* "2024-05-01T10:00:00", as Python's isoformat() writes it. */
static void read_local_moment(struct value *value, struct aps_str text)
{
	struct moment *moment = &value->moment;
	if (text.n >= sizeof value->room) return;
	if (text.p != value->room) memcpy(value->room, text.p, text.n);
	value->room[text.n] = 'Z';
	moment->is_moment = moment->is_local =
	        aps_time_parse_rfc3339((struct aps_str){value->room, text.n + 1}, &moment->unix_s, &moment->fraction);
}

static void read_text(struct value *value)
{
	struct aps_str text = value->r.text;
	value->is_text = true;
	if (value->r.has_escapes) {
		if (aps_json_unescape_room(&value->r) > sizeof value->room) return;
		text = (struct aps_str){value->room, aps_json_unescape_to(&value->r, value->room)};
	}
	value->number = number_of(text);
	struct moment *moment = &value->moment;
	moment->is_moment = aps_time_parse_rfc3339(text, &moment->unix_s, &moment->fraction);
	if (!moment->is_moment && !value->number.is_number) read_local_moment(value, text);
}

/* False: it is no number and no text. The reader keeps what it is. */
static bool read_value(struct value *value, struct aps_str text)
{
	struct aps_json_reader end;
	value->is_text = false;
	value->number = (struct number){0};
	value->moment = (struct moment){0};
	aps_json_reader_init(&value->r, text, 0);
	switch (aps_json_next(&value->r)) {
	case APS_JSON_STRING: read_text(value); break;
	case APS_JSON_INT:
	case APS_JSON_BIGINT:
	case APS_JSON_DOUBLE: value->number = number_of(value->r.text); break;
	default: return false;
	}
	end = value->r;
	return aps_json_next(&end) == APS_JSON_END;
}

static int compare_ints(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* The digit at *at, which moves on; behind the last one there are zeros. */
static char next_digit(struct aps_str digits, size_t *at)
{
	if (*at < digits.n && digits.p[*at] == '.') ++*at;
	return *at < digits.n ? digits.p[(*at)++] : '0';
}

static int compare_digits(struct aps_str a, struct aps_str b)
{
	size_t at_a = 0, at_b = 0;
	while (at_a < a.n || at_b < b.n) {
		char x = next_digit(a, &at_a), y = next_digit(b, &at_b);
		if (x != y) return x < y ? -1 : 1;
	}
	return 0;
}

static int sign_of(const struct number *number)
{
	return number->is_zero ? 0 : number->is_negative ? -1 : 1;
}

static int compare_numbers(const struct number *a, const struct number *b)
{
	int sign = sign_of(a);
	if (sign != sign_of(b) || sign == 0) return compare_ints(sign, sign_of(b));
	int order = compare_ints(a->point, b->point);
	return sign * (order != 0 ? order : compare_digits(a->digits, b->digits));
}

static int compare_moments(const struct moment *a, const struct moment *b)
{
	int order = compare_ints(a->unix_s, b->unix_s);
	return order != 0 ? order : compare_digits(a->fraction, b->fraction);
}

static enum aps_record_order order_of(int order)
{
	return order < 0 ? APS_RECORD_OLDER : order > 0 ? APS_RECORD_NEWER : APS_RECORD_SAME;
}

static enum aps_record_order order_texts(const struct value *a, const struct value *b)
{
	if (a->number.is_integer && b->number.is_integer) return order_of(compare_numbers(&a->number, &b->number));
	if (a->moment.is_moment && b->moment.is_moment && a->moment.is_local == b->moment.is_local)
		return order_of(compare_moments(&a->moment, &b->moment));
	return aps_json_text_cmp(&a->r, &b->r) == 0 ? APS_RECORD_SAME : APS_RECORD_UNORDERED;
}

enum aps_record_order aps_record_order(struct aps_str a, struct aps_str b)
{
	struct value x, y;
	if (!read_value(&x, a) || !read_value(&y, b)) return APS_RECORD_UNORDERED;
	if (x.is_text && y.is_text) return order_texts(&x, &y);
	if (!x.number.is_number || !y.number.is_number) return APS_RECORD_UNORDERED;
	return order_of(compare_numbers(&x.number, &y.number));
}

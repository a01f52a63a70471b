#include "codec/json_reader.h"

#include "codec/decimal.h"
#include "codec/json_scan.h"

#include <stdio.h>

#define DEFAULT_DEPTH 128
#define MARK_BYTES    3
#define REPLACEMENT   0xfffd /* U+FFFD, three bytes in UTF-8 */

enum state {
	VALUE,        /* a value must come: at the start, after a colon, after a list's comma */
	VALUE_OR_END, /* just after '[' */
	KEY_OR_END,   /* just after '{' */
	AFTER_VALUE,  /* inside a container: a comma or its end */
	DONE,         /* the outermost value is complete */
	FAILED
};

static enum aps_json_token fail(struct aps_json_reader *r, enum aps_rc code, const char *at, const char *what)
{
	long offset = (long)(at - r->start);
	bool is_short = at == r->end && code == APS_E_SYNTAX;
	aps_fail_word(&r->err, code, NULL, offset, "%s at byte %ld%s", what, offset,
	              is_short ? ", where the text ends" : "");
	r->at = at;
	r->state = FAILED;
	return APS_JSON_ERROR;
}

void aps_json_reader_init(struct aps_json_reader *r, struct aps_str text, unsigned max_depth)
{
	r->start = text.p != NULL ? text.p : "";
	r->end = r->start + text.n;
	/* RFC 8259 section 8.1: a byte order mark may be ignored. */
	bool has_mark = text.n >= MARK_BYTES && memcmp(r->start, "\xef\xbb\xbf", MARK_BYTES) == 0;
	r->at = has_mark ? r->start + MARK_BYTES : r->start;
	r->text = (struct aps_str){r->start, 0};
	r->strictness = APS_JSON_LENIENT;
	r->has_escapes = false;
	r->n_broken = 0;
	r->integer = 0;
	r->number = 0;
	r->depth = 0;
	r->max_depth = max_depth == 0 ? DEFAULT_DEPTH : max_depth;
	if (r->max_depth > APS_JSON_MAX_DEPTH) r->max_depth = APS_JSON_MAX_DEPTH;
	r->state = VALUE;
	aps_err_clear(&r->err);
}

static inline const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')) p++;
	return p;
}

static inline bool is_digit(const char *p, const char *end)
{
	return p < end && *p >= '0' && *p <= '9';
}

static bool in_object(const struct aps_json_reader *r)
{
	unsigned level = r->depth - 1;
	return (r->is_object[level / 64] >> (level % 64) & 1) != 0;
}

static enum aps_json_token emit(struct aps_json_reader *r, const char *from, const char *to, enum aps_json_token token)
{
	r->text = (struct aps_str){from, (size_t)(to - from)};
	r->at = to;
	r->state = r->depth != 0 ? AFTER_VALUE : DONE;
	return token;
}

/* Four hexadecimal digits, or -1. */
static int32_t hex4(const char *p, const char *end)
{
	if (end - p < 4) return -1;
	int32_t value = 0;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
		            : c >= 'a' && c <= 'f' ? c - 'a' + 10
		            : c >= 'A' && c <= 'F' ? c - 'A' + 10
		                                   : -1;
		if (digit < 0) return -1;
		value = value * 16 + digit;
	}
	return value;
}

static bool is_surrogate(uint32_t code_point)
{
	return code_point >= 0xd800 && code_point <= 0xdfff;
}

/* Reads the escape at p (a backslash). Returns what follows it; NULL where it is none. *code_point is what it stands
 * for: a surrogate where only one half of a pair is there. */
static const char *read_escape(const char *p, const char *end, uint32_t *code_point)
{
	static const char NAMES[] = "\"\\/bfnrt";
	static const char BYTES[] = "\"\\/\b\f\n\r\t";
	if (end - p < 2) return NULL;
	if (p[1] != 'u') {
		const char *name = p[1] != '\0' ? strchr(NAMES, p[1]) : NULL;
		if (name == NULL) return NULL;
		*code_point = (uint32_t)BYTES[name - NAMES];
		return p + 2;
	}
	int32_t high = hex4(p + 2, end);
	if (high < 0) return NULL;
	*code_point = (uint32_t)high;
	if (high < 0xd800 || high > 0xdbff || end - p < 12 || p[6] != '\\' || p[7] != 'u') return p + 6;
	int32_t low = hex4(p + 8, end);
	if (low < 0xdc00 || low > 0xdfff) return p + 6;
	*code_point = 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
	return p + 12;
}

/* What of a string stands for something else: an escape, bytes that aren't UTF-8. Returns what follows; NULL on
 * failure. Not inline: the loop over strings without such is faster for it. */
static __attribute__((noinline)) const char *read_odd(struct aps_json_reader *r, const char *p)
{
	if (!r->has_escapes) r->n_broken = 0;
	r->has_escapes = true;
	if (*p == '\\') {
		uint32_t code_point;
		const char *next = read_escape(p, r->end, &code_point);
		if (next == NULL) {
			fail(r, APS_E_SYNTAX, p, "invalid escape");
		} else if (is_surrogate(code_point) && r->strictness == APS_JSON_STRICT) {
			fail(r, APS_E_UTF8, p, "lone surrogate");
			return NULL;
		}
		return next;
	}
	if ((unsigned char)*p < 0x20) {
		fail(r, APS_E_SYNTAX, p, "control byte in a string");
		return NULL;
	}
	if (r->strictness != APS_JSON_LENIENT) {
		fail(r, APS_E_UTF8, p, "invalid UTF-8");
		return NULL;
	}
	r->n_broken++;
	return p + aps_utf8_broken(p, r->end);
}

/* Reads the string whose opening quote is at p; r->at is behind its closing quote then. */
static inline bool read_string(struct aps_json_reader *r, const char *p)
{
	const char *end = r->end;
	const char *from = ++p;
	r->has_escapes = false;
	for (;;) {
		p = aps_json_scan(p, end);
		if (p == end) {
			fail(r, APS_E_SYNTAX, p, "unfinished string");
			return false;
		}
		if (*p == '"') break;
		p = read_odd(r, p);
		if (p == NULL) return false;
	}
	r->text = (struct aps_str){from, (size_t)(p - from)};
	r->at = p + 1;
	return true;
}

static enum aps_json_token emit_integer(struct aps_json_reader *r, const char *from, const char *digits, const char *to,
                                        uint64_t magnitude)
{
	bool negative = *from == '-';
	size_t n = (size_t)(to - digits);
	if (negative && magnitude == 0 && n == 1) { /* an integer has no -0 */
		r->number = -0.0;
		return emit(r, from, to, APS_JSON_DOUBLE);
	}
	if (n <= 19 && magnitude <= (uint64_t)INT64_MAX + negative) {
		r->integer = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
		r->number = (double)r->integer;
		return emit(r, from, to, APS_JSON_INT);
	}
	r->number = aps_decimal_parse((struct aps_str){from, (size_t)(to - from)});
	return emit(r, from, to, APS_JSON_BIGINT);
}

/* Reads [eE][+-]?[0-9]+ at p. NULL on failure. */
static const char *read_exponent(struct aps_json_reader *r, const char *p, int64_t *exponent)
{
	const char *end = r->end;
	p++;
	bool is_below = p < end && *p == '-';
	if (p < end && (*p == '-' || *p == '+')) p++;
	if (!is_digit(p, end)) {
		fail(r, APS_E_SYNTAX, p, "digit missing in an exponent");
		return NULL;
	}
	int64_t given = 0;
	for (; is_digit(p, end); p++)
		if (given < INT32_MAX) given = given * 10 + (*p - '0');
	*exponent += is_below ? -given : given;
	return p;
}

static enum aps_json_token read_number(struct aps_json_reader *r, const char *p)
{
	const char *end = r->end;
	const char *from = p;
	if (*p == '-') p++;
	if (!is_digit(p, end)) return fail(r, APS_E_SYNTAX, p, "digit missing in a number");
	const char *digits = p;
	uint64_t mantissa = 0; /* wraps beyond 19 digits, and is not used then */
	if (*p == '0' && is_digit(p + 1, end)) return fail(r, APS_E_SYNTAX, p, "leading zero");
	for (; is_digit(p, end); p++) mantissa = mantissa * 10 + (uint64_t)(*p - '0');
	if (p == end || (*p != '.' && *p != 'e' && *p != 'E')) return emit_integer(r, from, digits, p, mantissa);
	size_t n_digits = (size_t)(p - digits);
	int64_t exponent = 0;
	if (*p == '.') {
		const char *fraction = ++p;
		if (!is_digit(p, end)) return fail(r, APS_E_SYNTAX, p, "digit missing in a fraction");
		for (; is_digit(p, end); p++) mantissa = mantissa * 10 + (uint64_t)(*p - '0');
		exponent = fraction - p;
		n_digits += (size_t)(p - fraction);
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p = read_exponent(r, p, &exponent);
		if (p == NULL) return APS_JSON_ERROR;
	}
	double magnitude;
	if (n_digits <= 19 && aps_decimal_scale_fast(mantissa, exponent, &magnitude))
		r->number = *from == '-' ? -magnitude : magnitude;
	else
		r->number = aps_decimal_parse((struct aps_str){from, (size_t)(p - from)});
	return emit(r, from, p, APS_JSON_DOUBLE);
}

static enum aps_json_token read_word(struct aps_json_reader *r, const char *p, const char *word, size_t n,
                                     enum aps_json_token token)
{
	for (size_t i = 0; i < n; i++)
		if (p + i == r->end || p[i] != word[i]) return fail(r, APS_E_SYNTAX, p + i, "unknown word");
	return emit(r, p, p + n, token);
}

static enum aps_json_token fail_depth(struct aps_json_reader *r, const char *p)
{
	char what[48];
	snprintf(what, sizeof what, "nested deeper than %u levels", r->max_depth);
	return fail(r, APS_E_DEPTH, p, what);
}

static enum aps_json_token open_container(struct aps_json_reader *r, const char *p, bool is_object)
{
	if (r->depth == r->max_depth) return fail_depth(r, p);
	unsigned level = r->depth++;
	uint64_t bit = UINT64_C(1) << (level % 64);
	if (level % 64 == 0) r->is_object[level / 64] = 0;
	r->is_object[level / 64] = is_object ? r->is_object[level / 64] | bit : r->is_object[level / 64] & ~bit;
	emit(r, p, p + 1, APS_JSON_OBJECT);
	r->state = is_object ? KEY_OR_END : VALUE_OR_END;
	return is_object ? APS_JSON_OBJECT : APS_JSON_ARRAY;
}

static enum aps_json_token close_container(struct aps_json_reader *r, const char *p)
{
	enum aps_json_token token = *p == '}' ? APS_JSON_OBJECT_END : APS_JSON_ARRAY_END;
	r->depth--;
	return emit(r, p, p + 1, token);
}

/* Why no value begins there. */
static const char *what_else(const struct aps_json_reader *r, const char *p)
{
	bool is_utf16 =
	        p == r->start && r->end - p >= 2 && (memcmp(p, "\xff\xfe", 2) == 0 || memcmp(p, "\xfe\xff", 2) == 0);
	if (is_utf16) return "UTF-16 in place of UTF-8";
	return *p == '<' && r->depth == 0 ? "HTML or XML in place of a value" : "value missing";
}

static enum aps_json_token read_value(struct aps_json_reader *r, const char *p)
{
	if (p == r->end) return fail(r, APS_E_SYNTAX, p, "value missing");
	switch (*p) {
	case '"':
		if (!read_string(r, p)) return APS_JSON_ERROR;
		r->state = r->depth != 0 ? AFTER_VALUE : DONE;
		return APS_JSON_STRING;
	case '{': return open_container(r, p, true);
	case '[': return open_container(r, p, false);
	case 't': return read_word(r, p, "true", 4, APS_JSON_TRUE);
	case 'f': return read_word(r, p, "false", 5, APS_JSON_FALSE);
	case 'n': return read_word(r, p, "null", 4, APS_JSON_NULL);
	default:
		if (*p == '-' || is_digit(p, r->end)) return read_number(r, p);
		return fail(r, APS_E_SYNTAX, p, what_else(r, p));
	}
}

/* The key with its colon. */
static enum aps_json_token read_key(struct aps_json_reader *r, const char *p)
{
	if (p == r->end || *p != '"') return fail(r, APS_E_SYNTAX, p, "key missing");
	if (!read_string(r, p)) return APS_JSON_ERROR;
	p = skip_space(r->at, r->end);
	if (p == r->end || *p != ':') return fail(r, APS_E_SYNTAX, p, "':' missing");
	r->at = p + 1;
	r->state = VALUE;
	return APS_JSON_KEY;
}

static enum aps_json_token read_after_value(struct aps_json_reader *r, const char *p)
{
	bool is_object = in_object(r);
	if (p < r->end && *p == (is_object ? '}' : ']')) return close_container(r, p);
	if (p == r->end || *p != ',')
		return fail(r, APS_E_SYNTAX, p, is_object ? "',' or '}' missing" : "',' or ']' missing");
	p = skip_space(p + 1, r->end);
	return is_object ? read_key(r, p) : read_value(r, p);
}

enum aps_json_token aps_json_next(struct aps_json_reader *r)
{
	if (r->state == FAILED) return APS_JSON_ERROR;
	const char *p = skip_space(r->at, r->end);
	switch ((enum state)r->state) {
	case VALUE: return read_value(r, p);
	case AFTER_VALUE: return read_after_value(r, p);
	case KEY_OR_END: return p < r->end && *p == '}' ? close_container(r, p) : read_key(r, p);
	case VALUE_OR_END: return p < r->end && *p == ']' ? close_container(r, p) : read_value(r, p);
	case DONE:
		if (p != r->end) return fail(r, APS_E_SYNTAX, p, "text after the value");
		r->at = p;
		return APS_JSON_END;
	case FAILED: break;
	}
	return APS_JSON_ERROR;
}

static enum aps_rc skip_to_depth(struct aps_json_reader *r, unsigned depth)
{
	while (r->depth > depth)
		if (aps_json_next(r) == APS_JSON_ERROR) return r->err.code;
	return APS_OK;
}

enum aps_rc aps_json_skip_value(struct aps_json_reader *r, struct aps_str *span)
{
	unsigned depth = r->depth;
	enum aps_json_token token = aps_json_next(r);
	const char *from = r->text.p;
	switch (token) {
	case APS_JSON_ERROR: return r->err.code;
	case APS_JSON_END:
	case APS_JSON_KEY:
	case APS_JSON_OBJECT_END:
	case APS_JSON_ARRAY_END: fail(r, APS_E_SYNTAX, r->at, "value missing"); return r->err.code;
	case APS_JSON_STRING: from--; break;
	default: break;
	}
	if (skip_to_depth(r, depth) != APS_OK) return r->err.code;
	if (span != NULL) *span = (struct aps_str){from, (size_t)(r->at - from)};
	return APS_OK;
}

enum aps_rc aps_json_skip_rest(struct aps_json_reader *r)
{
	if (r->state == FAILED) return r->err.code;
	return r->depth == 0 ? APS_OK : skip_to_depth(r, r->depth - 1);
}

/* Reads what read_odd() has accepted. */
static const char *read_replaced(const char *p, const char *end, uint32_t *code_point)
{
	*code_point = REPLACEMENT;
	if (*p != '\\') return p + aps_utf8_broken(p, end);
	p = read_escape(p, end, code_point);
	APS_ASSERT(p != NULL);
	if (is_surrogate(*code_point)) *code_point = REPLACEMENT;
	return p;
}

/* Up to there the text is what it stands for. */
static const char *find_odd(const struct aps_json_reader *r, const char *p, const char *end)
{
	if (r->n_broken != 0) return aps_json_scan(p, end);
	const char *found = memchr(p, '\\', (size_t)(end - p));
	return found != NULL ? found : end;
}

size_t aps_json_unescape_room(const struct aps_json_reader *r)
{
	size_t n_more = r->has_escapes ? 2 * r->n_broken : 0; /* one byte at least is replaced by three */
	return r->text.n + n_more;
}

size_t aps_json_unescape_to(const struct aps_json_reader *r, char *out)
{
	char *at = out;
	const char *p = r->text.p;
	const char *end = p + r->text.n;
	while (p < end) {
		const char *odd = r->has_escapes ? find_odd(r, p, end) : end;
		size_t n = (size_t)(odd - p);
		memcpy(at, p, n);
		at += n;
		p = odd;
		if (p == end) break;
		uint32_t code_point;
		p = read_replaced(p, end, &code_point);
		at += aps_utf8_encode(code_point, at);
	}
	return (size_t)(at - out);
}

struct aps_str aps_json_unescape(const struct aps_json_reader *r, struct aps_arena *arena)
{
	if (!r->has_escapes) return r->text;
	char *out = aps_arena_get(arena, aps_json_unescape_room(r) + 1);
	if (out == NULL) return (struct aps_str){NULL, 0};
	return (struct aps_str){out, aps_json_unescape_to(r, out)};
}

static bool take(struct aps_str *wanted, const char *bytes, size_t n)
{
	if (wanted->n < n || memcmp(wanted->p, bytes, n) != 0) return false;
	wanted->p += n;
	wanted->n -= n;
	return true;
}

bool aps_json_text_is(const struct aps_json_reader *r, const char *zero_terminated)
{
	struct aps_str wanted = aps_str_of(zero_terminated);
	if (!r->has_escapes) return aps_str_eq(r->text, wanted);
	const char *p = r->text.p;
	const char *end = p + r->text.n;
	while (p < end) {
		const char *odd = find_odd(r, p, end);
		if (!take(&wanted, p, (size_t)(odd - p))) return false;
		p = odd;
		if (p == end) break;
		char bytes[4];
		uint32_t code_point;
		p = read_replaced(p, end, &code_point);
		if (!take(&wanted, bytes, aps_utf8_encode(code_point, bytes))) return false;
	}
	return wanted.n == 0;
}

/* A string's bytes in runs: those that stand for themselves, and one character at a time of what doesn't. */
struct runs {
	const struct aps_json_reader *r;
	const char *at;
	struct aps_str run; /* what isn't compared yet */
	char bytes[4];
};

static bool next_run(struct runs *runs)
{
	const char *end = runs->r->text.p + runs->r->text.n;
	if (runs->run.n != 0) return true;
	if (runs->at == end) return false;
	const char *odd = runs->r->has_escapes ? find_odd(runs->r, runs->at, end) : end;
	if (odd != runs->at) {
		runs->run = (struct aps_str){runs->at, (size_t)(odd - runs->at)};
		runs->at = odd;
		return true;
	}
	uint32_t code_point;
	runs->at = read_replaced(odd, end, &code_point);
	runs->run = (struct aps_str){runs->bytes, aps_utf8_encode(code_point, runs->bytes)};
	return true;
}

int aps_json_text_cmp(const struct aps_json_reader *a, const struct aps_json_reader *b)
{
	if (!a->has_escapes && !b->has_escapes) return aps_str_cmp(a->text, b->text);
	struct runs x = {.r = a, .at = a->text.p};
	struct runs y = {.r = b, .at = b->text.p};
	for (;;) {
		bool has_x = next_run(&x), has_y = next_run(&y);
		if (!has_x || !has_y) return (int)has_x - (int)has_y;
		size_t n = x.run.n < y.run.n ? x.run.n : y.run.n;
		int order = memcmp(x.run.p, y.run.p, n);
		if (order != 0) return order;
		x.run = (struct aps_str){x.run.p + n, x.run.n - n};
		y.run = (struct aps_str){y.run.p + n, y.run.n - n};
	}
}

bool aps_json_text_eq(const struct aps_json_reader *a, const struct aps_json_reader *b)
{
	if (!a->has_escapes && !b->has_escapes) return aps_str_eq(a->text, b->text);
	return aps_json_text_cmp(a, b) == 0;
}

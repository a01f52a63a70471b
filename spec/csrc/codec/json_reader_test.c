/* JSON texts by row: y_ must be read, n_ must be refused with this code at this byte, i_ is where RFC 8259 leaves the
 * choice to us. Every text lies at the end of a block of its exact size, so that the address sanitizer sees a look
 * beyond. */
#include "codec/json_reader.h"

#include "base/buf.h"
#include "base/mem.h"
#include "codec/utf8.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka needs the four above */
#include <cmocka.h>

struct row {
	const char *name;
	const char *text;
	size_t n;
	enum aps_rc code;
	long offset;
	const char *tokens;
};

#define Y(name, text, tokens)                                                                                          \
	{                                                                                                              \
		"y_" name, text, sizeof(text) - 1, APS_OK, 0, tokens                                                   \
	}
#define I(name, text, tokens)                                                                                          \
	{                                                                                                              \
		"i_" name, text, sizeof(text) - 1, APS_OK, 0, tokens                                                   \
	}
#define N(name, text, offset)                                                                                          \
	{                                                                                                              \
		"n_" name, text, sizeof(text) - 1, APS_E_SYNTAX, offset, NULL                                          \
	}
#define NC(name, text, code, offset)                                                                                   \
	{                                                                                                              \
		"n_" name, text, sizeof(text) - 1, code, offset, NULL                                                  \
	}

/* One letter a token: { } [ ] k s i b d t f n */
static const struct row ROWS[] = {
        Y("object_empty", "{}", "{}"),
        Y("array_empty", "[]", "[]"),
        Y("white_space", " \t\r\n[ \n1 ,\t2 ]\r\n", "[ii]"),
        Y("object", "{\"a\":1,\"b\":[true,false,null]}", "{kik[tfn]}"),
        Y("object_space", "{ \"a\" : { } , \"b\" : [ ] }", "{k{}k[]}"),
        Y("object_duplicate_key", "{\"a\":1,\"a\":2}", "{kiki}"),
        Y("object_empty_key", "{\"\":0}", "{ki}"),
        Y("string_empty", "\"\"", "s"),
        Y("string_escapes", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"", "s"),
        Y("string_nul_escape", "\"\\u0000\"", "s"),
        Y("string_pair", "\"\\ud83d\\ude00\"", "s"),
        Y("string_last_pair", "\"\\uDBFF\\uDFFF\"", "s"),
        Y("string_utf8_2", "\"\xc2\x80\xdf\xbf\"", "s"),
        Y("string_utf8_3", "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"", "s"),
        Y("string_utf8_4", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"", "s"),
        Y("string_del", "\"\x7f\"", "s"),
        Y("string_u2028", "\"\xe2\x80\xa8\"", "s"),
        Y("string_long", "\"0123456789abcdef0123456789abcdef\"", "s"),
        Y("number_zero", "0", "i"),
        Y("number_negative", "-1", "i"),
        Y("number_max_int64", "9223372036854775807", "i"),
        Y("number_min_int64", "-9223372036854775808", "i"),
        Y("number_above_int64", "9223372036854775808", "b"),
        Y("number_below_int64", "-9223372036854775809", "b"),
        Y("number_above_uint64", "18446744073709551616", "b"),
        Y("number_minus_zero", "-0", "d"),
        Y("number_fraction", "0.5", "d"),
        Y("number_exponent", "1e2", "d"),
        Y("number_exponent_plus", "1E+2", "d"),
        Y("number_exponent_minus", "1e-2", "d"),
        Y("number_exponent_zeros", "1e00002", "d"),
        Y("number_zero_exponent", "0e5", "d"),
        Y("number_all", "-12.25e-3", "d"),
        Y("lonely_true", "true", "t"),
        Y("lonely_false", "false", "f"),
        Y("lonely_null", "null", "n"),
        Y("list_after_object", "[{},[1],{\"a\":{}},[[2]]]", "[{}[i]{k{}}[[i]]]"),
        Y("nested", "[[[[[{\"a\":[[]]}]]]]]", "[[[[[{k[[]]}]]]]]"),
        I("number_too_big", "1e400", "d"),
        I("number_too_small", "1e-400", "d"),
        I("number_huge_exponent", "1e99999999999999999999", "d"),
        I("string_noncharacter", "\"\xef\xbf\xbe\\uffff\"", "s"),
        N("empty", "", 0),
        N("only_space", "  ", 2),
        I("byte_order_mark", "\xef\xbb\xbf{}", "{}"),
        N("two_values", "1 2", 2),
        N("text_after", "{}x", 2),
        N("end_after", "[]]", 2),
        N("array_open", "[", 1),
        N("array_open_value", "[1", 2),
        N("array_comma_first", "[,1]", 1),
        N("array_trailing_comma", "[1,]", 3),
        N("array_double_comma", "[1,,2]", 3),
        N("array_no_comma", "[1 2]", 3),
        N("array_colon", "[1:2]", 2),
        N("array_closed_by_brace", "[1}", 2),
        N("object_open", "{", 1),
        N("object_no_colon", "{\"a\" 1}", 5),
        N("object_no_value", "{\"a\":}", 5),
        N("object_key_end", "{\"a\"", 4),
        N("object_trailing_comma", "{\"a\":1,}", 7),
        N("object_double_comma", "{\"a\":1,,\"b\":2}", 7),
        N("object_comma_first", "{,}", 1),
        N("object_bare_key", "{a:1}", 1),
        N("object_number_key", "{1:1}", 1),
        N("object_single_quotes", "{'a':1}", 1),
        N("object_closed_by_bracket", "{\"a\":1]", 6),
        N("object_key_only", "{\"a\"}", 4),
        N("comment", "/**/1", 0),
        N("comment_after", "1//", 1),
        N("string_open", "\"abc", 4),
        N("string_open_long", "\"0123456789", 11),
        N("string_open_escape", "\"\\", 1),
        N("string_single_quotes", "'a'", 0),
        N("string_newline", "\"a\nb\"", 2),
        N("string_nul", "\"a\0b\"", 2),
        N("string_tab_late", "\"01234567890\t\"", 12),
        N("string_bad_escape", "\"\\x41\"", 1),
        N("string_nul_after_backslash", "\"\\\0\"", 1),
        N("string_upper_u", "\"\\U0041\"", 1),
        N("string_short_u", "\"\\u004\"", 1),
        N("string_u_not_hex", "\"\\u00g1\"", 1),
        N("string_u_end", "\"\\u00", 1),
        NC("string_lone_high", "\"\\ud800\"", APS_E_UTF8, 1),
        NC("string_lone_low", "\"a\\udc00\"", APS_E_UTF8, 2),
        NC("string_two_high", "\"\\ud800\\ud800\"", APS_E_UTF8, 1),
        NC("string_high_then_text", "\"\\ud800abcdef\"", APS_E_UTF8, 1),
        NC("string_high_then_bad_u", "\"\\ud800\\uzzzz\"", APS_E_UTF8, 1),
        NC("utf8_continuation", "\"\x80\"", APS_E_UTF8, 1),
        NC("utf8_overlong_2", "\"\xc0\xaf\"", APS_E_UTF8, 1),
        NC("utf8_overlong_3", "\"\xe0\x9f\xbf\"", APS_E_UTF8, 1),
        NC("utf8_overlong_4", "\"\xf0\x8f\xbf\xbf\"", APS_E_UTF8, 1),
        NC("utf8_surrogate", "\"\xed\xa0\x80\"", APS_E_UTF8, 1),
        NC("utf8_above_max", "\"\xf4\x90\x80\x80\"", APS_E_UTF8, 1),
        NC("utf8_f5", "\"\xf5\x80\x80\x80\"", APS_E_UTF8, 1),
        NC("utf8_ff", "\"\xff\"", APS_E_UTF8, 1),
        NC("utf8_cut_2", "\"\xc3\"", APS_E_UTF8, 1),
        NC("utf8_cut_3", "\"ab\xe2\x82\"", APS_E_UTF8, 3),
        NC("utf8_cut_by_end", "\"\xe2\x82", APS_E_UTF8, 1),
        NC("utf8_late", "\"0123456789abcdef\xc3\xa9\x80\"", APS_E_UTF8, 19),
        NC("utf8_in_key", "{\"\xff\":1}", APS_E_UTF8, 2),
        N("utf8_outside", "\xc3\xa9", 0),
        N("number_minus", "-", 1),
        N("number_plus", "+1", 0),
        N("number_leading_zero", "01", 0),
        N("number_minus_leading_zero", "-01", 1),
        N("number_point_first", ".5", 0),
        N("number_point_last", "1.", 2),
        N("number_point_exponent", "1.e5", 2),
        N("number_exponent_empty", "1e", 2),
        N("number_exponent_sign", "1e+", 3),
        N("number_two_points", "1.2.3", 3),
        N("number_hex", "0x10", 1),
        N("number_text", "1a", 1),
        N("number_minus_space", "- 1", 1),
        N("number_nan", "NaN", 0),
        N("number_infinity", "-Infinity", 1),
        N("word_cut", "tru", 3),
        N("word_upper", "True", 0),
        N("word_long", "nulll", 4),
        N("word_wrong", "falze", 3),
        N("nul_byte", "[1,\0]", 3),
        N("form_feed", "[\f1]", 1),
        N("no_break_space", "[\xc2\xa0]", 1),
};

/* A copy at the very end of a block. */
static char *exact_copy(struct aps_str text)
{
	char *block = malloc(text.n != 0 ? text.n : 1);
	assert_non_null(block);
	if (text.n != 0) memcpy(block, text.p, text.n);
	return block;
}

static enum aps_rc read_tokens(struct aps_json_reader *r, char *tokens, size_t room)
{
	static const char LETTERS[] = {[APS_JSON_OBJECT] = '{',    [APS_JSON_OBJECT_END] = '}', [APS_JSON_ARRAY] = '[',
	                               [APS_JSON_ARRAY_END] = ']', [APS_JSON_KEY] = 'k',        [APS_JSON_STRING] = 's',
	                               [APS_JSON_INT] = 'i',       [APS_JSON_BIGINT] = 'b',     [APS_JSON_DOUBLE] = 'd',
	                               [APS_JSON_TRUE] = 't',      [APS_JSON_FALSE] = 'f',      [APS_JSON_NULL] = 'n'};
	size_t n = 0;
	for (;;) {
		enum aps_json_token token = aps_json_next(r);
		tokens[n] = '\0';
		if (token == APS_JSON_ERROR) return r->err.code;
		if (token == APS_JSON_END) return APS_OK;
		if (n + 1 < room) tokens[n++] = LETTERS[token];
	}
}

static void each_text_is_read_or_refused_at_the_right_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		const struct row *row = &ROWS[i];
		char *block = exact_copy((struct aps_str){row->text, row->n});
		struct aps_json_reader r;
		char tokens[64];
		aps_json_reader_init(&r, (struct aps_str){block, row->n}, 0);
		r.strictness = APS_JSON_STRICT;
		enum aps_rc rc = read_tokens(&r, tokens, sizeof tokens);
		if (rc != row->code || (rc != APS_OK && r.err.native != row->offset) ||
		    (rc == APS_OK && strcmp(tokens, row->tokens) != 0))
			fail_msg("%s: %s at %ld, tokens %s (%s)", row->name, aps_rc_name(rc), r.err.native, tokens,
			         r.err.msg);
		if (rc != APS_OK)
			assert_int_equal(aps_json_next(&r), APS_JSON_ERROR);
		else
			assert_int_equal(aps_json_next(&r), APS_JSON_END);
		free(block);
	}
}

static void every_control_byte_is_refused_wherever_it_stands(void **state)
{
	(void)state;
	for (int c = 0; c < 0x21; c++)
		for (size_t at = 0; at < 20; at++) {
			char text[22];
			memset(text, 'a', sizeof text);
			text[0] = text[21] = '"';
			text[1 + at] = (char)c;
			struct aps_json_reader r;
			char tokens[4];
			aps_json_reader_init(&r, (struct aps_str){text, sizeof text}, 0);
			assert_int_equal(read_tokens(&r, tokens, sizeof tokens), c < 0x20 ? APS_E_SYNTAX : APS_OK);
			if (c < 0x20) assert_int_equal(r.err.native, 1 + at);
		}
}

static void every_text_cut_short_is_refused_without_a_look_beyond(void **state)
{
	(void)state;
	static const char TEXT[] =
	        "{\"k\\n\\ud83d\\ude00\":[-1.5e+10,true,false,null,\"\xe2\x82\xac 0123456789\"],\"b\":{}}";
	for (size_t n = 0; n + 1 < sizeof TEXT - 1; n++) {
		char *block = exact_copy((struct aps_str){TEXT, n});
		struct aps_json_reader r;
		char tokens[64];
		aps_json_reader_init(&r, (struct aps_str){block, n}, 0);
		assert_int_not_equal(read_tokens(&r, tokens, sizeof tokens), APS_OK);
		assert_true(r.err.native >= 0 && (size_t)r.err.native <= n);
		free(block);
	}
}

static enum aps_json_token first_token(struct aps_json_reader *r, const char *text)
{
	aps_json_reader_init(r, aps_str_of(text), 0);
	return aps_json_next(r);
}

static void numbers_carry_their_exact_values(void **state)
{
	(void)state;
	struct aps_json_reader r;
	assert_int_equal(first_token(&r, "-9223372036854775808"), APS_JSON_INT);
	assert_true(r.integer == INT64_MIN);
	assert_true(r.number == -9223372036854775808.0);
	assert_int_equal(first_token(&r, "9007199254740993"), APS_JSON_INT);
	assert_true(r.integer == 9007199254740993);
	assert_int_equal(first_token(&r, "123456789012345678901234567890"), APS_JSON_BIGINT);
	assert_true(r.number == 123456789012345678901234567890.0);
	assert_true(aps_str_is(r.text, "123456789012345678901234567890"));
	assert_int_equal(first_token(&r, "-0"), APS_JSON_DOUBLE);
	assert_true(r.number == 0 && signbit(r.number));
	assert_int_equal(first_token(&r, "-0.0"), APS_JSON_DOUBLE);
	assert_true(r.number == 0 && signbit(r.number));
	assert_int_equal(first_token(&r, "5.0"), APS_JSON_DOUBLE);
	assert_true(r.number == 5.0 && aps_str_is(r.text, "5.0"));
	assert_int_equal(first_token(&r, "1e400"), APS_JSON_DOUBLE);
	assert_true(isinf(r.number));
}

static void depth_is_refused_at_the_bracket_that_goes_too_deep(void **state)
{
	(void)state;
	char text[2 * 600 + 1];
	for (unsigned limit = 1; limit <= 600; limit += limit < 4 ? 1 : 37) {
		unsigned real = limit < APS_JSON_MAX_DEPTH ? limit : APS_JSON_MAX_DEPTH;
		for (unsigned depth = real; depth <= real + 1; depth++) {
			memset(text, '[', depth);
			memset(text + depth, ']', depth);
			struct aps_json_reader r;
			char tokens[8];
			aps_json_reader_init(&r, (struct aps_str){text, 2 * depth}, limit);
			enum aps_rc rc = read_tokens(&r, tokens, sizeof tokens);
			assert_int_equal(rc, depth == real ? APS_OK : APS_E_DEPTH);
			if (rc != APS_OK) assert_int_equal(r.err.native, real);
		}
	}
}

static void objects_and_lists_are_told_apart_at_every_depth(void **state)
{
	(void)state;
	char text[2048];
	size_t n = 0;
	for (int i = 0; i < 150; i++) n += (size_t)sprintf(text + n, i % 3 == 0 ? "[" : "{\"k\":");
	n += (size_t)sprintf(text + n, "1");
	for (int i = 150; i-- > 0;) text[n++] = i % 3 == 0 ? ']' : '}';
	struct aps_json_reader r;
	char tokens[8];
	aps_json_reader_init(&r, (struct aps_str){text, n}, 200);
	assert_int_equal(read_tokens(&r, tokens, sizeof tokens), APS_OK);
	text[n - 1] = '}';
	aps_json_reader_init(&r, (struct aps_str){text, n}, 200);
	assert_int_equal(read_tokens(&r, tokens, sizeof tokens), APS_E_SYNTAX);
	assert_int_equal(r.err.native, n - 1);
}

static void a_value_can_be_skipped_and_its_text_kept(void **state)
{
	(void)state;
	struct aps_json_reader r;
	struct aps_str span;
	aps_json_reader_init(&r, APS_STR("{\"a\": {\"x\":[1, 2]} ,\"b\":\"q\\\"\" , \"c\": -1.5 }"), 0);
	assert_int_equal(aps_json_next(&r), APS_JSON_OBJECT);
	assert_int_equal(aps_json_next(&r), APS_JSON_KEY);
	assert_int_equal(aps_json_skip_value(&r, &span), APS_OK);
	assert_true(aps_str_is(span, "{\"x\":[1, 2]}"));
	assert_int_equal(aps_json_next(&r), APS_JSON_KEY);
	assert_int_equal(aps_json_skip_value(&r, &span), APS_OK);
	assert_true(aps_str_is(span, "\"q\\\"\""));
	assert_int_equal(aps_json_next(&r), APS_JSON_KEY);
	assert_int_equal(aps_json_skip_value(&r, &span), APS_OK);
	assert_true(aps_str_is(span, "-1.5"));
	assert_int_equal(aps_json_skip_value(&r, &span), APS_E_SYNTAX);

	aps_json_reader_init(&r, APS_STR("[[1,{\"a\":[]}],7]"), 0);
	aps_json_next(&r);
	aps_json_next(&r);
	assert_int_equal(aps_json_skip_rest(&r), APS_OK);
	assert_int_equal(aps_json_next(&r), APS_JSON_INT);
	assert_int_equal(aps_json_skip_rest(&r), APS_OK);
	assert_int_equal(aps_json_next(&r), APS_JSON_END);

	aps_json_reader_init(&r, APS_STR("[1,{]"), 0);
	aps_json_next(&r);
	assert_int_equal(aps_json_skip_rest(&r), APS_E_SYNTAX);
	assert_int_equal(r.err.native, 4);
}

static void escapes_are_decoded_and_compared(void **state)
{
	(void)state;
	struct aps_json_reader r;
	struct aps_arena decoded;
	aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
	assert_int_equal(first_token(&r, "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83d\\ude00z\""),
	                 APS_JSON_STRING);
	assert_true(r.has_escapes);
	static const char WANTED[] = "a\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
	assert_true(aps_str_is(aps_json_unescape(&r, &decoded), WANTED));
	assert_true(aps_json_text_is(&r, WANTED));
	assert_false(aps_json_text_is(&r, "a\"\\/\b\f\n\r\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
	assert_false(aps_json_text_is(&r, "a"));
	assert_int_equal(first_token(&r, "\"x\\u0000y\""), APS_JSON_STRING);
	struct aps_str text = aps_json_unescape(&r, &decoded);
	assert_int_equal(text.n, 3);
	assert_memory_equal(text.p, "x\0y", 3);
	assert_int_equal(first_token(&r, "\"plain\""), APS_JSON_STRING);
	assert_false(r.has_escapes);
	text = aps_json_unescape(&r, &decoded);
	assert_ptr_equal(text.p, r.text.p);
	assert_true(aps_json_text_is(&r, "plain"));
	assert_false(aps_json_text_is(&r, "plai"));
	aps_arena_clear(&decoded);
}

static bool is_same_text(const char *one, const char *other)
{
	struct aps_json_reader a, b;
	assert_int_equal(first_token(&a, one), APS_JSON_STRING);
	assert_int_equal(first_token(&b, other), APS_JSON_STRING);
	assert_int_equal(aps_json_text_eq(&a, &b), aps_json_text_eq(&b, &a));
	return aps_json_text_eq(&a, &b);
}

static void strings_are_compared_by_what_they_decode_to(void **state)
{
	(void)state;
	assert_true(is_same_text("\"\"", "\"\""));
	assert_true(is_same_text("\"abc\"", "\"abc\""));
	assert_true(is_same_text("\"a/\\u00e9\\n\"", "\"\\u0061\\/\xc3\xa9\\u000a\""));
	assert_true(is_same_text("\"\\ud83d\\ude00\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\\ud83d\\ude00\""));
	assert_true(is_same_text("\"x\\u0000y\"", "\"x\\u0000\\u0079\""));
	assert_true(is_same_text("\"\\ud800\"", "\"\xff\""));
	assert_false(is_same_text("\"abc\"", "\"abd\""));
	assert_false(is_same_text("\"x\\u0000y\"", "\"x\\u0000z\""));
	assert_false(is_same_text("\"\\u0061\"", "\"ab\""));
	assert_false(is_same_text("\"\\u0061\"", "\"\""));
}

static int sign_of_order(const char *one, const char *other)
{
	struct aps_json_reader a, b;
	assert_int_equal(first_token(&a, one), APS_JSON_STRING);
	assert_int_equal(first_token(&b, other), APS_JSON_STRING);
	int order = aps_json_text_cmp(&a, &b), reverse = aps_json_text_cmp(&b, &a);
	assert_true((order > 0) == (reverse < 0) && (order == 0) == (reverse == 0));
	return order < 0 ? -1 : order > 0;
}

static void strings_are_ordered_by_the_bytes_that_they_decode_to(void **state)
{
	(void)state;
	static const struct {
		const char *one, *other;
		int order;
	} ROWS[] = {
	        {"\"\"", "\"\"", 0},
	        {"\"\"", "\"\\u0000\"", -1},
	        {"\"a\"", "\"b\"", -1},
	        {"\"ab\"", "\"a\"", 1},
	        {"\"\\u0061b\"", "\"a\"", 1},
	        {"\"\\u0061\"", "\"b\"", -1},
	        {"\"\\u0061bc\"", "\"ab\\u0063\"", 0},
	        {"\"x\\u00e9y\"", "\"x\xc3\xa9z\"", -1},
	        {"\"\\ud83d\\ude00\"", "\"\\uffff\"", 1},
	        {"\"\\n\"", "\" \"", -1},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++)
		if (sign_of_order(ROWS[i].one, ROWS[i].other) != ROWS[i].order)
			fail_msg("%s, %s", ROWS[i].one, ROWS[i].other);
}

#define FFFD "\xef\xbf\xbd"

/* What is in a string, and what it decodes to where it isn't refused. */
static const struct {
	struct aps_str text;
	struct aps_str decoded;
	bool is_utf8;
} MENDED[] = {
        {APS_STR("cut off \\ud83d"), APS_STR("cut off " FFFD), true},
        {APS_STR("\\ud800"), APS_STR(FFFD), true},
        {APS_STR("\\udfff"), APS_STR(FFFD), true},
        {APS_STR("a\\uDC00b"), APS_STR("a" FFFD "b"), true},
        {APS_STR("\\ud83d\\ud83d\\ude00"), APS_STR(FFFD "\xf0\x9f\x98\x80"), true},
        {APS_STR("\\ud83d\\ude00\\ude00"), APS_STR("\xf0\x9f\x98\x80" FFFD), true},
        {APS_STR("\\ude00\\ud83d"), APS_STR(FFFD FFFD), true},
        {APS_STR("\\ud83d\\n"), APS_STR(FFFD "\n"), true},
        {APS_STR("\\ud83d\\\\ude00"), APS_STR(FFFD "\\ude00"), true},
        {APS_STR("\\ud83dabcdef"), APS_STR(FFFD "abcdef"), true},
        {APS_STR("\xff"), APS_STR(FFFD), false},
        {APS_STR("0123456789\xc3"), APS_STR("0123456789" FFFD), false},
        {APS_STR("\xe2\x82"), APS_STR(FFFD), false},
        {APS_STR("\xe2\x82x\xf0\x9f\x98y"), APS_STR(FFFD "x" FFFD "y"), false},
        {APS_STR("\xed\xa0\x80"), APS_STR(FFFD FFFD FFFD), false},
        {APS_STR("\xc0\xaf\xf5\x80"), APS_STR(FFFD FFFD FFFD FFFD), false},
        {APS_STR("\xf0\x9f\x98\\n\xf0\x9f\x98\x80\xc3\xa9"), APS_STR(FFFD "\n\xf0\x9f\x98\x80\xc3\xa9"), false},
        {APS_STR("\xff\xff\xff\xff\xff\xff\xff\xff\\ud83d"), APS_STR(FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD),
         false},
};

static void check_mended(struct aps_json_reader *r, struct aps_str wanted)
{
	size_t room = aps_json_unescape_room(r);
	char *out = malloc(room);
	assert_non_null(out);
	size_t n = aps_json_unescape_to(r, out); /* the sanitizer sees what doesn't fit */
	assert_int_equal(n, wanted.n);
	assert_memory_equal(out, wanted.p, n);
	free(out);
	char text[64];
	snprintf(text, sizeof text, "%.*s", (int)wanted.n, wanted.p);
	assert_true(aps_json_text_is(r, text));
	text[wanted.n - 1] ^= 1;
	assert_false(aps_json_text_is(r, text));
	struct aps_arena decoded;
	aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
	assert_true(aps_str_eq(aps_json_unescape(r, &decoded), wanted));
	aps_arena_clear(&decoded);
}

static void what_a_service_cut_decodes_to_the_replacement_character_in_values_and_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < APS_COUNTOF(MENDED); i++) {
		char text[128];
		int n = snprintf(text, sizeof text, "{\"%.*s\":\"%.*s\"}", (int)MENDED[i].text.n, MENDED[i].text.p,
		                 (int)MENDED[i].text.n, MENDED[i].text.p);
		struct aps_json_reader r;
		aps_json_reader_init(&r, (struct aps_str){text, (size_t)n}, 0);
		assert_int_equal(aps_json_next(&r), APS_JSON_OBJECT);
		assert_int_equal(aps_json_next(&r), APS_JSON_KEY);
		check_mended(&r, MENDED[i].decoded);
		assert_int_equal(aps_json_next(&r), APS_JSON_STRING);
		check_mended(&r, MENDED[i].decoded);
		assert_int_equal(aps_json_next(&r), APS_JSON_OBJECT_END);
		assert_int_equal(aps_json_next(&r), APS_JSON_END);
		for (enum aps_json_strictness s = APS_JSON_UTF8; s <= APS_JSON_STRICT; s++) {
			char tokens[16];
			aps_json_reader_init(&r, (struct aps_str){text, (size_t)n}, 0);
			r.strictness = s;
			bool is_read = s == APS_JSON_UTF8 && MENDED[i].is_utf8;
			assert_int_equal(read_tokens(&r, tokens, sizeof tokens), is_read ? APS_OK : APS_E_UTF8);
		}
	}
}

/* All strings of three bytes above ASCII: what comes out is UTF-8, and a string after it is read whole. */
static void whatever_bytes_a_string_has_it_decodes_to_utf8(void **state)
{
	(void)state;
	static const unsigned char BYTES[] = {'a',  0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf,
	                                      0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff};
	const size_t n = sizeof BYTES;
	for (size_t i = 0; i < n * n * n * n; i++) {
		char text[] = {'[', '"', 0, 0, 0, 0, '"', ',', '"', 'z', '"', ']'};
		size_t k = i;
		for (size_t at = 2; at < 6; at++, k /= n) text[at] = (char)BYTES[k % n];
		struct aps_json_reader r;
		char out[16];
		aps_json_reader_init(&r, (struct aps_str){text, sizeof text}, 0);
		aps_json_next(&r);
		assert_int_equal(aps_json_next(&r), APS_JSON_STRING);
		assert_true(aps_json_unescape_room(&r) <= sizeof out);
		size_t n_out = aps_json_unescape_to(&r, out);
		assert_true(n_out <= aps_json_unescape_room(&r));
		assert_int_equal(aps_utf8_check((struct aps_str){out, n_out}), n_out);
		assert_int_equal(r.has_escapes, aps_utf8_check((struct aps_str){text + 2, 4}) != 4);
		assert_int_equal(aps_json_next(&r), APS_JSON_STRING);
		assert_true(aps_json_text_is(&r, "z"));
	}
}

static void a_byte_order_mark_is_passed_over_at_the_start_alone(void **state)
{
	(void)state;
	struct aps_json_reader r;
	struct aps_str span;
	aps_json_reader_init(&r, APS_STR("\xef\xbb\xbf {\"a\":1}"), 0);
	assert_int_equal(aps_json_skip_value(&r, &span), APS_OK);
	assert_true(aps_str_is(span, "{\"a\":1}"));
	assert_int_equal(aps_json_next(&r), APS_JSON_END);
	aps_json_reader_init(&r, APS_STR("\xef\xbb\xbf[1,]"), 0);
	char tokens[8];
	assert_int_equal(read_tokens(&r, tokens, sizeof tokens), APS_E_SYNTAX);
	assert_int_equal(r.err.native, 6);
	static const char *const refused[] = {"\xef\xbb\xbf\xef\xbb\xbf[]",
	                                      " \xef\xbb\xbf[]",
	                                      "[]\xef\xbb\xbf",
	                                      "[\xef\xbb\xbf]",
	                                      "\xef\xbb",
	                                      "\xef\xbb\xbf"};
	for (size_t i = 0; i < APS_COUNTOF(refused); i++) {
		aps_json_reader_init(&r, aps_str_of(refused[i]), 0);
		assert_int_equal(read_tokens(&r, tokens, sizeof tokens), APS_E_SYNTAX);
	}
}

static void unescaping_without_memory_gives_nothing(void **state)
{
	(void)state;
	struct aps_json_reader r;
	struct aps_arena decoded;
	aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
	first_token(&r, "\"\\n\"");
	aps_mem_fail_at(1);
	assert_null(aps_json_unescape(&r, &decoded).p);
	aps_mem_fail_at(0);
	aps_arena_clear(&decoded);
	assert_int_equal(aps_mem_live(), 0);
}

static void a_message_tells_what_and_where(void **state)
{
	(void)state;
	struct aps_json_reader r;
	char tokens[8];
	static const struct {
		struct aps_str text;
		const char *message;
	} rows[] = {
	        {APS_STR("[1,]"), "value missing at byte 3"},
	        {APS_STR(""), "value missing at byte 0, where the text ends"},
	        {APS_STR("{\"data\":{\"a\":\"b"), "unfinished string at byte 15, where the text ends"},
	        {APS_STR("{\"data\":{\"a\":1"), "',' or '}' missing at byte 14, where the text ends"},
	        {APS_STR("[[[]]]"), "nested deeper than 2 levels at byte 2"},
	        {APS_STR(" <!DOCTYPE html>"), "HTML or XML in place of a value at byte 1"},
	        {APS_STR("[<a/>]"), "value missing at byte 1"},
	        {APS_STR("\xff\xfe[\0]\0"), "UTF-16 in place of UTF-8 at byte 0"},
	        {APS_STR("\xfe\xff\0["), "UTF-16 in place of UTF-8 at byte 0"},
	};
	for (size_t i = 0; i < APS_COUNTOF(rows); i++) {
		aps_json_reader_init(&r, rows[i].text, 2);
		read_tokens(&r, tokens, sizeof tokens);
		assert_string_equal(r.err.msg, rows[i].message);
	}
	aps_json_reader_init(&r, (struct aps_str){NULL, 0}, 0);
	assert_int_equal(aps_json_next(&r), APS_JSON_ERROR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_text_is_read_or_refused_at_the_right_byte),
	        cmocka_unit_test(strings_are_compared_by_what_they_decode_to),
	        cmocka_unit_test(strings_are_ordered_by_the_bytes_that_they_decode_to),
	        cmocka_unit_test(every_control_byte_is_refused_wherever_it_stands),
	        cmocka_unit_test(every_text_cut_short_is_refused_without_a_look_beyond),
	        cmocka_unit_test(numbers_carry_their_exact_values),
	        cmocka_unit_test(depth_is_refused_at_the_bracket_that_goes_too_deep),
	        cmocka_unit_test(objects_and_lists_are_told_apart_at_every_depth),
	        cmocka_unit_test(a_value_can_be_skipped_and_its_text_kept),
	        cmocka_unit_test(escapes_are_decoded_and_compared),
	        cmocka_unit_test(what_a_service_cut_decodes_to_the_replacement_character_in_values_and_keys),
	        cmocka_unit_test(whatever_bytes_a_string_has_it_decodes_to_utf8),
	        cmocka_unit_test(a_byte_order_mark_is_passed_over_at_the_start_alone),
	        cmocka_unit_test(unescaping_without_memory_gives_nothing),
	        cmocka_unit_test(a_message_tells_what_and_where),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

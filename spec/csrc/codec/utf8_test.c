#include "codec/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka needs the four above */
#include <cmocka.h>

static void every_code_point_is_encoded_and_accepted(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x110000; c++) {
		char bytes[4];
		size_t n = aps_utf8_encode(c, bytes);
		bool is_legal = c < 0xd800 || (c > 0xdfff && c <= 0x10ffff);
		assert_int_equal(n, !is_legal ? 0 : c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4);
		if (n != 0) assert_int_equal(aps_utf8_check((struct aps_str){bytes, n}), n);
		for (size_t cut = 1; cut < n; cut++) assert_int_equal(aps_utf8_check((struct aps_str){bytes, cut}), 0);
	}
}

/* All two-byte strings against the definition, and all three-byte ones that begin with a byte above 0xbf. */
static void malformed_sequences_are_found_at_their_first_byte(void **state)
{
	(void)state;
	for (unsigned a = 0x80; a < 0x100; a++)
		for (unsigned b = 0; b < 0x100; b++) {
			char bytes[3] = {(char)a, (char)b, (char)0x80};
			bool is_two = a >= 0xc2 && a <= 0xdf && (b & 0xc0) == 0x80;
			size_t at = aps_utf8_check((struct aps_str){bytes, 2});
			assert_int_equal(at, is_two ? 2 : 0);
			bool is_three = a >= 0xe0 && a <= 0xef && b >= (a == 0xe0 ? 0xa0u : 0x80u) &&
			                b <= (a == 0xed ? 0x9fu : 0xbfu);
			at = aps_utf8_check((struct aps_str){bytes, 3});
			assert_int_equal(at, is_three ? 3 : is_two ? 2 : 0);
		}
}

static void a_broken_sequence_ends_before_what_can_begin_another(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t n;
	} rows[] = {
	        {"\x80", 1},         {"\xbf\x80", 1},     {"\xc0\xaf", 1},   {"\xc3", 1},           {"\xc3\"", 1},
	        {"\xe0\x9f\xbf", 1}, {"\xe2\x82", 2},     {"\xe2\x82\"", 2}, {"\xe2\"\x82", 1},     {"\xed\xa0\x80", 1},
	        {"\xf0\x8f\xbf", 1}, {"\xf0\x9f\x98", 3}, {"\xf0\x9f\"", 2}, {"\xf0\x9f\x98\"", 3}, {"\xf4\x90", 1},
	        {"\xf4\x8f\xbf", 3}, {"\xf5\x80\x80", 1}, {"\xff\xff", 1},   {"\xef\xbf\xc3", 2},
	};
	for (size_t i = 0; i < APS_COUNTOF(rows); i++) {
		const char *end = rows[i].text + strlen(rows[i].text);
		assert_int_equal(aps_utf8_broken(rows[i].text, end), rows[i].n);
	}
}

static void the_offset_is_right_wherever_the_byte_stands(void **state)
{
	(void)state;
	for (size_t n = 1; n < 40; n++)
		for (size_t bad = 0; bad < n; bad++) {
			char *block = malloc(n);
			assert_non_null(block);
			memset(block, 'a', n);
			assert_int_equal(aps_utf8_check((struct aps_str){block, n}), n);
			block[bad] = (char)0xff;
			assert_int_equal(aps_utf8_check((struct aps_str){block, n}), bad);
			free(block);
		}
	assert_int_equal(aps_utf8_check((struct aps_str){NULL, 0}), 0);
}

static void wide_characters_are_passed_over_up_to_the_next_ascii_byte(void **state)
{
	(void)state;
	struct aps_str text = APS_STR("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"
	                              "a\xc3\xa9\xc3");
	const char *end = text.p + text.n;
	assert_ptr_equal(aps_utf8_skip_wide(text.p, end), text.p + 9);
	assert_ptr_equal(aps_utf8_skip_wide(text.p + 9, end), text.p + 9);
	assert_ptr_equal(aps_utf8_skip_wide(text.p + 10, end), text.p + 12);
	assert_ptr_equal(aps_utf8_skip_wide(end, end), end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_code_point_is_encoded_and_accepted),
	        cmocka_unit_test(malformed_sequences_are_found_at_their_first_byte),
	        cmocka_unit_test(a_broken_sequence_ends_before_what_can_begin_another),
	        cmocka_unit_test(the_offset_is_right_wherever_the_byte_stands),
	        cmocka_unit_test(wide_characters_are_passed_over_up_to_the_next_ascii_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/printable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka needs the four above */
#include <cmocka.h>

static void expect(const char *text, const char *shown)
{
	char line[128];
	strcpy(line, text);
	aps_printable(line);
	assert_string_equal(line, shown);
}

static void text_of_all_scripts_stays(void **state)
{
	(void)state;
	static const char *const TEXTS[] = {
	        "",
	        "plain ~",
	        "na\xc3\xafve \xc2\xa0 \xc2\xbf",
	        "\xe6\x97\xa5\xe6\x9c\xac",
	        "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xd8\xb3\xd9\x84\xd8\xa7\xd9\x85",
	        "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7 \xe2\x80\x8c \xe2\x80\xa6 \xe2\x80\xa7 \xe2\x80\xaf",
	        "\xef\xbf\xbd \xee\x80\x80 \xf4\x8f\xbf\xbf",
	};
	for (size_t i = 0; i < APS_COUNTOF(TEXTS); i++) expect(TEXTS[i], TEXTS[i]);
}

static void control_characters_of_both_sets_are_replaced(void **state)
{
	(void)state;
	expect("a\x1b[31mb\r\nc\td\x7f", "a?[31mb??c?d?");
	expect("a\xc2\x80"
	       "b\xc2\x85"
	       "c\xc2\x9b"
	       "31m\xc2\x9f",
	       "a?b?c?31m?");
}

static void separators_and_marks_of_direction_are_replaced(void **state)
{
	(void)state;
	expect("\xd8\x9c|\xe2\x80\x8e|\xe2\x80\x8f|\xe2\x80\xa8|\xe2\x80\xa9", "?|?|?|?|?");
	expect("\xe2\x80\xaa|\xe2\x80\xab|\xe2\x80\xac|\xe2\x80\xad|\xe2\x80\xae", "?|?|?|?|?");
	expect("\xe2\x81\xa6|\xe2\x81\xa7|\xe2\x81\xa8|\xe2\x81\xa9|\xe2\x81\xaf|\xef\xbf\xb9|\xef\xbb\xbf",
	       "?|?|?|?|?|?|?");
}

static void bytes_that_are_no_utf8_are_replaced_one_by_one(void **state)
{
	(void)state;
	expect("a\xff"
	       "b\xc3",
	       "a?b?");
	expect("\xc0\x80 \xed\xa0\x80 \xf5\x80\x80\x80 \x9b", "?? ??? ???? ?");
	expect("\xe2\x80", "??");
}

static void a_sequence_that_was_cut_goes_and_a_whole_one_stays(void **state)
{
	(void)state;
	static const char *const ROWS[][2] = {
	        {"a\xc3", "a"},
	        {"a\xe2\x80", "a"},
	        {"a\xe2", "a"},
	        {"a\xf0\x9f\x91", "a"},
	        {"a\xc3\xa9", "a\xc3\xa9"},
	        {"a\xf0\x9f\x91\xa9", "a\xf0\x9f\x91\xa9"},
	        {"a", "a"},
	        {"", ""},
	        {"\xa9\xa9\xa9\xa9", "\xa9\xa9\xa9\xa9"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		char line[16];
		strcpy(line, ROWS[i][0]);
		aps_printable_cut(line);
		assert_string_equal(line, ROWS[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(text_of_all_scripts_stays),
	        cmocka_unit_test(control_characters_of_both_sets_are_replaced),
	        cmocka_unit_test(separators_and_marks_of_direction_are_replaced),
	        cmocka_unit_test(bytes_that_are_no_utf8_are_replaced_one_by_one),
	        cmocka_unit_test(a_sequence_that_was_cut_goes_and_a_whole_one_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

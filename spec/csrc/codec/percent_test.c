#include "codec/percent.h"

#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>

static void only_unreserved_characters_stay(void **state)
{
	(void)state;
	struct aps_buf out;
	aps_buf_init(&out, 1000);
	aps_percent_encode(&out, APS_STR("AZaz09-._~ /+%&=?\xc3\xa9\0"), APS_PERCENT_ALL);
	assert_string_equal(out.p, "AZaz09-._~%20%2F%2B%25%26%3D%3F%C3%A9%00");
	aps_buf_reset(&out);
	aps_percent_encode(&out, APS_STR("/a b/"), APS_PERCENT_KEEP_SLASH);
	assert_string_equal(out.p, "/a%20b/");
	aps_buf_clear(&out);
}

static void broken_escapes_and_plus_stay_when_decoding(void **state)
{
	(void)state;
	static const char *const ROWS[][2] = {
	        {"", ""},         {"a%20b", "a b"}, {"%c3%A9", "\xc3\xa9"}, {"a+b", "a+b"},
	        {"%", "%"},       {"%4", "%4"},     {"%4x", "%4x"},         {"%%41", "%A"},
	        {"100%", "100%"}, {"%41%", "A%"},   {"%2525", "%25"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_buf out;
		aps_buf_init(&out, 100);
		aps_percent_decode(&out, aps_str_of(ROWS[i][0]));
		assert_true(aps_str_is(aps_buf_str(&out), ROWS[i][1]));
		aps_buf_clear(&out);
	}
}

static void every_byte_survives(void **state)
{
	(void)state;
	char bytes[256];
	for (int i = 0; i < 256; i++) bytes[i] = (char)i;
	for (int form = APS_PERCENT_ALL; form <= APS_PERCENT_KEEP_SLASH; form++) {
		struct aps_buf text, back;
		aps_buf_init(&text, 1000);
		aps_buf_init(&back, 1000);
		aps_percent_encode(&text, (struct aps_str){bytes, 256}, (enum aps_percent_form)form);
		aps_percent_decode(&back, aps_buf_str(&text));
		assert_int_equal(back.n, 256);
		assert_memory_equal(back.p, bytes, 256);
		aps_buf_clear(&text);
		aps_buf_clear(&back);
	}
}

static void missing_memory_stays_in_the_buffer(void **state)
{
	(void)state;
	struct aps_buf out;
	aps_buf_init(&out, 100);
	aps_mem_fail_at(1);
	aps_percent_encode(&out, APS_STR("a b"), APS_PERCENT_ALL);
	aps_mem_fail_at(0);
	assert_int_equal(out.rc, APS_E_NOMEM);
	aps_buf_clear(&out);
	assert_int_equal(aps_mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(only_unreserved_characters_stay),
	        cmocka_unit_test(broken_escapes_and_plus_stay_when_decoding),
	        cmocka_unit_test(every_byte_survives),
	        cmocka_unit_test(missing_memory_stays_in_the_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

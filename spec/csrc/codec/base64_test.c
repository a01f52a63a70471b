#include "codec/base64.h"

#include "base/mem.h"
#include "base/rand.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>

struct row {
	struct aps_str bytes;
	const char *plain;
	const char *url;
};

/* The vectors of RFC 4648 10, and the two characters in which the alphabets differ. */
static const struct row ROWS[] = {
        {{"", 0}, "", ""},
        {{"f", 1}, "Zg==", "Zg"},
        {{"fo", 2}, "Zm8=", "Zm8"},
        {{"foo", 3}, "Zm9v", "Zm9v"},
        {{"foob", 4}, "Zm9vYg==", "Zm9vYg"},
        {{"fooba", 5}, "Zm9vYmE=", "Zm9vYmE"},
        {{"foobar", 6}, "Zm9vYmFy", "Zm9vYmFy"},
        {{"\xfb\xff\xbf", 3}, "+/+/", "-_-_"},
        {{"\0\0", 2}, "AAA=", "AAA"},
};

static void the_vectors_are_encoded_and_decoded(void **state)
{
	(void)state;
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++)
		for (int form = APS_BASE64; form <= APS_BASE64_URL; form++) {
			const char *text = form == APS_BASE64 ? ROWS[i].plain : ROWS[i].url;
			struct aps_buf out;
			aps_buf_init(&out, 64);
			aps_base64_encode(&out, ROWS[i].bytes, (enum aps_base64_form)form);
			assert_true(aps_str_is(aps_buf_str(&out), text));
			aps_buf_reset(&out);
			assert_int_equal(aps_base64_decode(&out, aps_str_of(text), (enum aps_base64_form)form, NULL),
			                 APS_OK);
			assert_true(aps_str_eq(aps_buf_str(&out), ROWS[i].bytes));
			aps_buf_clear(&out);
		}
}

static void padding_may_be_missing_but_not_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum aps_base64_form form;
		long offset; /* -1: accepted */
	} CASES[] = {
	        {"Zg", APS_BASE64, -1},      {"Zm8", APS_BASE64, -1},     {"Zg==", APS_BASE64_URL, -1},
	        {"Zg=", APS_BASE64, 2},      {"Zm8==", APS_BASE64, 3},    {"Zm9v=", APS_BASE64, 4},
	        {"Zm9v====", APS_BASE64, 4}, {"=", APS_BASE64, 0},        {"Z", APS_BASE64, 0},
	        {"Zm9vZ", APS_BASE64, 4},    {"Zm 9", APS_BASE64, 2},     {"Zm9v\n", APS_BASE64, 4},
	        {"-_-_", APS_BASE64, 0},     {"+/+/", APS_BASE64_URL, 0}, {"Zm9vZ!", APS_BASE64, 5},
	        {"Zh", APS_BASE64, 1},       {"Zm9", APS_BASE64, 2},      {"Zo", APS_BASE64, 1},
	        {"Zm+", APS_BASE64, 2},
	};
	for (size_t i = 0; i < APS_COUNTOF(CASES); i++) {
		struct aps_buf out;
		struct aps_err err = {0};
		aps_buf_init(&out, 64);
		enum aps_rc rc = aps_base64_decode(&out, aps_str_of(CASES[i].text), CASES[i].form, &err);
		if (rc != (CASES[i].offset < 0 ? APS_OK : APS_E_SYNTAX) ||
		    (rc != APS_OK && err.native != CASES[i].offset))
			fail_msg("%s: %s at %ld", CASES[i].text, aps_rc_name(rc), err.native);
		aps_buf_clear(&out);
	}
}

static void random_bytes_survive_and_are_appended(void **state)
{
	(void)state;
	struct aps_rand rand;
	aps_rand_init(&rand, 11);
	print_message("seed 11\n");
	for (size_t n = 0; n < 300; n++) {
		char bytes[300];
		for (size_t i = 0; i < n; i++) bytes[i] = (char)aps_rand_u64(&rand);
		struct aps_buf text, back;
		aps_buf_init(&text, 1000);
		aps_buf_init(&back, 1000);
		aps_base64_encode(&text, (struct aps_str){bytes, n}, APS_BASE64_URL);
		aps_buf_add_text(&back, "<");
		assert_int_equal(aps_base64_decode(&back, aps_buf_str(&text), APS_BASE64_URL, NULL), APS_OK);
		assert_int_equal(back.n, n + 1);
		if (n != 0) assert_memory_equal(back.p + 1, bytes, n);
		aps_buf_clear(&text);
		aps_buf_clear(&back);
	}
}

static void missing_memory_is_reported(void **state)
{
	(void)state;
	struct aps_buf out;
	struct aps_err err;
	aps_buf_init(&out, 64);
	aps_mem_fail_at(1);
	aps_base64_encode(&out, APS_STR("foo"), APS_BASE64);
	assert_int_equal(out.rc, APS_E_NOMEM);
	aps_buf_clear(&out);
	aps_mem_fail_at(1);
	assert_int_equal(aps_base64_decode(&out, APS_STR("Zm9v"), APS_BASE64, &err), APS_E_NOMEM);
	aps_mem_fail_at(0);
	aps_buf_clear(&out);
	aps_buf_init(&out, 3);
	assert_int_equal(aps_base64_decode(&out, APS_STR("Zm9vYmFyZm9v"), APS_BASE64, &err), APS_E_TOO_BIG);
	aps_buf_clear(&out);
	assert_int_equal(aps_mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_vectors_are_encoded_and_decoded),
	        cmocka_unit_test(padding_may_be_missing_but_not_wrong),
	        cmocka_unit_test(random_bytes_survive_and_are_appended),
	        cmocka_unit_test(missing_memory_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

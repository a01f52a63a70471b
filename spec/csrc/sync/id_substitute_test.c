#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sync/id_substitute.h"

#define A "aaaaaaaa-0000-4000-8000-000000000001"
#define B "BBBBBBBB-0000-4000-8000-000000000002"
#define C "cccccccc-0000-4000-8000-000000000003"

static struct aps_err err;
static size_t n_asked;

/* A became 42, B a text with a quote; C stays. */
static struct aps_str lookup(void *context, struct aps_str id)
{
	assert_int_equal(id.n, 36);
	(*(size_t *)context)++;
	if (aps_str_is(id, A)) return APS_STR("42");
	if (aps_str_is(id, B)) return APS_STR("b\"\n\xc3\xa9");
	return (struct aps_str){NULL, 0};
}

static void assert_copy(const char *json, const char *expected)
{
	struct aps_buf out;
	bool is_changed;
	n_asked = 0;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&out, "before");
	assert_int_equal(aps_id_substitute(aps_str_of(json), lookup, &n_asked, &out, &is_changed, &err), APS_OK);
	if (strcmp(out.p + 6, expected) != 0) print_message("got: %s\n", out.p + 6);
	assert_string_equal(out.p + 6, expected);
	assert_int_equal(is_changed, strcmp(json, expected) != 0);
	aps_buf_clear(&out);
	assert_int_equal(aps_mem_live(), 0);
}

static void whole_string_values_are_replaced_at_any_depth(void **state)
{
	(void)state;
	assert_copy("\"" A "\"", "\"42\"");
	assert_copy("{\"id\":\"" A "\"}", "{\"id\":\"42\"}");
	assert_copy("{\"input\":{\"todoIds\":[\"" A "\",\"x\",[\"" B "\"]],\"note\":\"" A "\"}}",
	            "{\"input\":{\"todoIds\":[\"42\",\"x\",[\"b\\\"\\n\xc3\xa9\"]],\"note\":\"42\"}}");
	assert_copy("[\"" A "\",\"" A "\"]", "[\"42\",\"42\"]");
}

static void all_other_bytes_stay_as_they_are(void **state)
{
	(void)state;
	static const char ODD[] = " { \"z\" : 1.50e+03 , \"a\":-0, \"big\":123456789012345678901234567890,\n"
	                          "\"text\":\"\\u0041\\/\\ud83d\\ude00\xff\", \"z\" : [true , null]} \t";
	assert_copy(ODD, ODD);
	assert_copy("\xef\xbb\xbf{ \"k\" : 1.0 , \"id\" :\t\"" A "\" , \"l\" : \"\\u0041\" } ",
	            "\xef\xbb\xbf{ \"k\" : 1.0 , \"id\" :\t\"42\" , \"l\" : \"\\u0041\" } ");
}

static void an_id_that_the_lookup_does_not_know_stays(void **state)
{
	(void)state;
	assert_copy("{\"id\":\"" C "\"}", "{\"id\":\"" C "\"}");
	assert_int_equal(n_asked, 1);
}

static struct aps_str same(void *context, struct aps_str id)
{
	(void)context;
	return id;
}

static void an_id_that_is_replaced_by_itself_is_no_change(void **state)
{
	(void)state;
	static const char JSON[] = "{\"id\":\"\\u0061aaaaaaa-0000-4000-8000-000000000001\"}";
	struct aps_buf out;
	bool is_changed = true;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_id_substitute(aps_str_of(JSON), same, NULL, &out, &is_changed, &err), APS_OK);
	assert_false(is_changed);
	assert_string_equal(out.p, JSON);
	aps_buf_clear(&out);
}

static void keys_and_parts_of_strings_are_never_replaced(void **state)
{
	(void)state;
	static const char JSON[] = "{\"" A "\":\"x" A "\",\"" B "\":\"" A " \",\"n\":[\"" A "" B "\",\"Todo:" A "\"]}";
	assert_copy(JSON, JSON);
	assert_int_equal(n_asked, 0);
}

static void strings_with_escapes_count_by_their_decoded_value(void **state)
{
	(void)state;
	assert_copy("[\"\\u0061aaaaaaa\\u002D0000-4000-8000-00000000000\\u0031\"]", "[\"42\"]");
	assert_copy("[\"\\\\u0061aaaaaaa-0000-4000-8000-000000000001\"]",
	            "[\"\\\\u0061aaaaaaa-0000-4000-8000-000000000001\"]");
}

static void a_text_that_is_no_json_gives_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		enum aps_rc rc;
	} ROWS[] = {
	        {"", APS_E_SYNTAX},
	        {"{\"id\":\"" A "\"", APS_E_SYNTAX},
	        {"[\"" A "\"]]", APS_E_SYNTAX},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_buf out;
		bool is_changed = true;
		aps_buf_init(&out, APS_BUF_ANY_SIZE);
		aps_buf_add_text(&out, "before");
		struct aps_str json = aps_str_of(ROWS[i].json);
		assert_int_equal(aps_id_substitute(json, lookup, &n_asked, &out, &is_changed, &err), ROWS[i].rc);
		assert_int_equal(err.code, ROWS[i].rc);
		assert_int_equal(aps_id_substitute(json, lookup, &n_asked, &out, &is_changed, NULL), ROWS[i].rc);
		assert_int_equal(out.n, 6);
		assert_false(is_changed);
		aps_buf_clear(&out);
	}
}

static void a_text_that_is_nested_too_deep_is_refused(void **state)
{
	(void)state;
	struct aps_buf json, out;
	bool is_changed;
	aps_buf_init(&json, APS_BUF_ANY_SIZE);
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	for (int i = 0; i < 513; i++) aps_buf_add_byte(&json, '[');
	assert_int_equal(aps_id_substitute(aps_buf_str(&json), lookup, &n_asked, &out, &is_changed, &err), APS_E_DEPTH);
	aps_buf_clear(&json);
	aps_buf_clear(&out);
}

static struct aps_str broken(void *context, struct aps_str id)
{
	(void)context;
	(void)id;
	return APS_STR("\xff");
}

static void an_id_that_is_not_utf8_is_refused(void **state)
{
	(void)state;
	struct aps_buf out;
	bool is_changed;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_id_substitute(APS_STR("[\"" A "\"]"), broken, NULL, &out, &is_changed, &err), APS_E_UTF8);
	assert_int_equal(out.n, 0);
	aps_buf_clear(&out);
}

static void the_ceiling_is_exact(void **state)
{
	(void)state;
	for (size_t max = 0; max <= 6; max++) {
		struct aps_buf out;
		bool is_changed;
		aps_buf_init(&out, max);
		enum aps_rc rc = aps_id_substitute(APS_STR("[\"" A "\"]"), lookup, &n_asked, &out, &is_changed, &err);
		assert_int_equal(rc, max == 6 ? APS_OK : APS_E_TOO_BIG);
		assert_int_equal(out.n, max == 6 ? 6 : 0);
		assert_int_equal(is_changed, max == 6);
		aps_buf_clear(&out);
	}
}

static void every_failed_allocation_is_reported(void **state)
{
	(void)state;
	for (size_t nth = 1;; nth++) {
		struct aps_buf out;
		bool is_changed;
		aps_buf_init(&out, APS_BUF_ANY_SIZE);
		aps_mem_fail_at(nth);
		enum aps_rc rc =
		        aps_id_substitute(APS_STR("{\"a\":[\"" C "\",\"" A "\"],\"b\":\"" C "\",\"c\":\"" B "\"}"),
		                          lookup, &n_asked, &out, &is_changed, &err);
		aps_mem_fail_at(0);
		assert_true(rc == APS_OK || out.n == 0);
		aps_buf_clear(&out);
		assert_int_equal(aps_mem_live(), 0);
		if (rc == APS_OK) {
			assert_true(nth > 1);
			return;
		}
		assert_int_equal(rc, APS_E_NOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(whole_string_values_are_replaced_at_any_depth),
	        cmocka_unit_test(all_other_bytes_stay_as_they_are),
	        cmocka_unit_test(an_id_that_the_lookup_does_not_know_stays),
	        cmocka_unit_test(an_id_that_is_replaced_by_itself_is_no_change),
	        cmocka_unit_test(keys_and_parts_of_strings_are_never_replaced),
	        cmocka_unit_test(strings_with_escapes_count_by_their_decoded_value),
	        cmocka_unit_test(a_text_that_is_no_json_gives_nothing),
	        cmocka_unit_test(a_text_that_is_nested_too_deep_is_refused),
	        cmocka_unit_test(an_id_that_is_not_utf8_is_refused),
	        cmocka_unit_test(the_ceiling_is_exact),
	        cmocka_unit_test(every_failed_allocation_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

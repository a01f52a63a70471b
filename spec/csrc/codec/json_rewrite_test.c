#include "codec/json_rewrite.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka needs the four above */
#include <cmocka.h>

/* The text, or what is said of it. */
static const char *rewritten(const char *text, size_t max_bytes)
{
	static char out[1024];
	struct aps_buf buf;
	struct aps_json_writer w;
	struct aps_err err;
	aps_buf_init(&buf, max_bytes);
	aps_json_writer_init(&w, &buf);
	enum aps_rc rc = aps_json_rewrite(&w, aps_str_of(text), &err);
	if (rc == APS_OK)
		snprintf(out, sizeof out, "%s", buf.n != 0 ? buf.p : "");
	else
		snprintf(out, sizeof out, "%s", aps_rc_name(rc));
	aps_buf_clear(&buf);
	return out;
}

static void it_is_what_the_writer_would_have_written(void **state)
{
	(void)state;
	static const char *const ROWS[][2] = {
	        {" { \"a\" : [ 1 , [ ] , { } , null , true , false ] ,\n\"b\" : \"\" } ",
	         "{\"a\":[1,[],{},null,true,false],\"b\":\"\"}"},
	        {"\"\\u00e9 \\/ \\ud83d\\ude00 \\n \\u0001 \\\"\"", "\"\xc3\xa9 / \xf0\x9f\x98\x80 \\n \\u0001 \\\"\""},
	        {"{\"\\u0061\\\"\":\"x\"}", "{\"a\\\"\":\"x\"}"},
	        {"\xef\xbb\xbf[]", "[]"},
	        {"\"\\ud83d \xff\"", "\"\xef\xbf\xbd \xef\xbf\xbd\""}, /* a service cuts strings */
	        {"null", "null"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++)
		assert_string_equal(rewritten(ROWS[i][0], APS_BUF_ANY_SIZE), ROWS[i][1]);
}

static void integers_stay_what_they_are_and_others_are_doubles(void **state)
{
	(void)state;
	static const char *const ROWS[][2] = {
	        {"9007199254740993", "9007199254740993"},
	        {"-9223372036854775808", "-9223372036854775808"},
	        {"123456789012345678901234567890", "123456789012345678901234567890"},
	        {"5.0", "5"},
	        {"1e2", "100"},
	        {"0.10", "0.1"},
	        {"-0.5E1", "-5"},
	        {"1e400", "1e400"}, /* no double is so large */
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++)
		assert_string_equal(rewritten(ROWS[i][0], APS_BUF_ANY_SIZE), ROWS[i][1]);
}

static void what_is_no_json_or_has_no_room_fails(void **state)
{
	(void)state;
	static const char *const ROWS[] = {"", "[1,]", "{\"a\"}", "[1] 2", "\"a", "[01]"};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++)
		assert_string_equal(rewritten(ROWS[i], APS_BUF_ANY_SIZE), aps_rc_name(APS_E_SYNTAX));
	char deep[300];
	memset(deep, '[', 129);
	deep[129] = '\0';
	assert_string_equal(rewritten(deep, APS_BUF_ANY_SIZE), aps_rc_name(APS_E_DEPTH));
	assert_string_equal(rewritten("[\"0123456789\"]", 8), aps_rc_name(APS_E_TOO_BIG));
}

/* Each allocation fails once. */
static void it_fails_where_there_is_no_memory(void **state)
{
	(void)state;
	size_t n_live = aps_mem_live();
	bool has_failed = true;
	for (size_t nth = 1; has_failed; nth++) {
		aps_mem_fail_at(nth);
		const char *text = rewritten("[\"\\u00e9\",\"x\\n\"]", APS_BUF_ANY_SIZE);
		has_failed = aps_mem_has_failed();
		aps_mem_fail_at(0);
		assert_string_equal(text, has_failed ? aps_rc_name(APS_E_NOMEM) : "[\"\xc3\xa9\",\"x\\n\"]");
		assert_int_equal(aps_mem_live(), n_live);
		assert_true(nth < 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(it_is_what_the_writer_would_have_written),
	        cmocka_unit_test(integers_stay_what_they_are_and_others_are_doubles),
	        cmocka_unit_test(what_is_no_json_or_has_no_room_fails),
	        cmocka_unit_test(it_fails_where_there_is_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "codec/json_writer.h"

#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above */
#include <cmocka.h>

static void write_sample(struct aps_json_writer *w)
{
	aps_json_write_object(w);
	aps_json_write_member(w, "a", APS_STR("x"));
	aps_json_write_key(w, APS_STR("list"));
	aps_json_write_array(w);
	aps_json_write_int(w, INT64_MIN);
	aps_json_write_double(w, 0.1);
	aps_json_write_bool(w, true);
	aps_json_write_bool(w, false);
	aps_json_write_null(w);
	aps_json_write_raw(w, APS_STR("{\"raw\":[]}"));
	aps_json_write_array(w);
	aps_json_write_array_end(w);
	aps_json_write_object(w);
	aps_json_write_object_end(w);
	aps_json_write_string(w, APS_STR(""));
	aps_json_write_array_end(w);
	aps_json_write_key(w, APS_STR("k\n"));
	aps_json_write_int(w, 0);
	aps_json_write_object_end(w);
}

static const char SAMPLE[] =
        "{\"a\":\"x\",\"list\":[-9223372036854775808,0.1,true,false,null,{\"raw\":[]},[],{},\"\"],\"k\\n\":0}";

static void commas_and_colons_are_placed_by_the_writer(void **state)
{
	(void)state;
	struct aps_buf buf;
	struct aps_json_writer w;
	aps_buf_init(&buf, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&w, &buf);
	write_sample(&w);
	assert_int_equal(aps_json_writer_finish(&w), APS_OK);
	assert_string_equal(buf.p, SAMPLE);
	aps_buf_clear(&buf);
}

static void only_what_must_be_escaped_is_escaped(void **state)
{
	(void)state;
	static const struct {
		struct aps_str text;
		const char *json;
	} ROWS[] = {
	        {APS_STR("\"\\/"), "\"\\\"\\\\/\""},
	        {APS_STR("\b\t\n\f\r"), "\"\\b\\t\\n\\f\\r\""},
	        {APS_STR("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\x7f\""},
	        {APS_STR("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), "\"h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""},
	        {APS_STR("0123456789abcdef\n0123456789abcdef\""), "\"0123456789abcdef\\n0123456789abcdef\\\"\""},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_buf buf;
		struct aps_json_writer w;
		aps_buf_init(&buf, APS_BUF_ANY_SIZE);
		aps_json_writer_init(&w, &buf);
		aps_json_write_string(&w, ROWS[i].text);
		assert_int_equal(aps_json_writer_finish(&w), APS_OK);
		assert_string_equal(buf.p, ROWS[i].json);
		aps_buf_clear(&buf);
	}
}

static void the_first_failure_stays(void **state)
{
	(void)state;
	struct aps_buf buf;
	struct aps_json_writer w;
	aps_buf_init(&buf, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&w, &buf);
	aps_json_write_array(&w);
	aps_json_write_string(&w, APS_STR("0123456789\n\xff"));
	aps_json_write_double(&w, NAN);
	aps_json_write_array_end(&w);
	assert_int_equal(aps_json_writer_finish(&w), APS_E_UTF8);
	assert_int_equal(w.err.native, 11);
	aps_json_writer_init(&w, &buf);
	aps_json_write_double(&w, INFINITY);
	assert_int_equal(aps_json_writer_finish(&w), APS_E_USAGE);
	aps_json_writer_init(&w, &buf);
	aps_json_write_key(&w, APS_STR("\x80"));
	assert_int_equal(aps_json_writer_finish(&w), APS_E_UTF8);
	assert_int_equal(w.err.native, 0);
	aps_buf_clear(&buf);
}

static void the_ceiling_is_exact(void **state)
{
	(void)state;
	for (size_t max = 0; max <= sizeof SAMPLE - 1; max++) {
		struct aps_buf buf;
		struct aps_json_writer w;
		aps_buf_init(&buf, max);
		aps_json_writer_init(&w, &buf);
		write_sample(&w);
		assert_int_equal(aps_json_writer_finish(&w), max == sizeof SAMPLE - 1 ? APS_OK : APS_E_TOO_BIG);
		assert_true(buf.n <= max);
		aps_buf_clear(&buf);
	}
}

static void one_string_fits_exactly(void **state)
{
	(void)state;
	for (size_t max = 4; max <= 5; max++) {
		struct aps_buf buf;
		struct aps_json_writer w;
		aps_buf_init(&buf, max);
		aps_json_writer_init(&w, &buf);
		aps_json_write_string(&w, APS_STR("abc"));
		assert_int_equal(aps_json_writer_finish(&w), max == 5 ? APS_OK : APS_E_TOO_BIG);
		aps_buf_clear(&buf);
	}
}

static void every_failed_allocation_is_reported(void **state)
{
	(void)state;
	for (size_t nth = 1;; nth++) {
		struct aps_buf buf;
		struct aps_json_writer w;
		aps_buf_init(&buf, APS_BUF_ANY_SIZE);
		aps_json_writer_init(&w, &buf);
		aps_mem_fail_at(nth);
		write_sample(&w);
		aps_mem_fail_at(0);
		enum aps_rc rc = aps_json_writer_finish(&w);
		aps_buf_clear(&buf);
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
	        cmocka_unit_test(commas_and_colons_are_placed_by_the_writer),
	        cmocka_unit_test(only_what_must_be_escaped_is_escaped),
	        cmocka_unit_test(the_first_failure_stays),
	        cmocka_unit_test(the_ceiling_is_exact),
	        cmocka_unit_test(one_string_fits_exactly),
	        cmocka_unit_test(every_failed_allocation_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "cache/answer_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka needs the four above */
#include <cmocka.h>

static const struct aps_str LABELS[] = {{"a", sizeof "a" - 1}, {"b\"", sizeof "b\"" - 1}};
static struct aps_buf bytes;

static int setup(void **state)
{
	(void)state;
	aps_buf_init(&bytes, APS_BUF_ANY_SIZE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aps_buf_clear(&bytes);
	return 0;
}

static void put_u32(uint32_t n)
{
	aps_buf_add(&bytes, &n, sizeof n);
}

static void put_table(enum aps_cell_tag tag, uint32_t n)
{
	aps_cell_put_tag(&bytes, tag);
	put_u32(n);
}

static void put_text(enum aps_cell_tag tag, const char *text)
{
	aps_cell_put_text(&bytes, tag, aps_str_of(text));
}

/* What the first n bytes are; an error's word or name. */
static const char *text_of_first(size_t n, size_t max_bytes)
{
	static char out[512];
	struct aps_buf text;
	struct aps_err err;
	const struct aps_packed packed = {{bytes.p, n}, LABELS, APS_COUNTOF(LABELS)};
	aps_buf_init(&text, max_bytes);
	enum aps_rc rc = aps_answer_text(&text, &packed, &err);
	snprintf(out, sizeof out, "%s", rc == APS_OK ? text.p : rc == APS_E_STORAGE ? err.word : aps_rc_name(rc));
	aps_buf_clear(&text);
	return out;
}

static const char *text(void)
{
	return text_of_first(bytes.n, APS_BUF_ANY_SIZE);
}

static void put_all(void)
{
	put_table(APS_CELL_OBJECT, 2);
	put_u32(1);
	put_table(APS_CELL_LIST, 9);
	aps_cell_put_tag(&bytes, APS_CELL_NULL);
	aps_cell_put_tag(&bytes, APS_CELL_TRUE);
	aps_cell_put_tag(&bytes, APS_CELL_FALSE);
	aps_cell_put_int(&bytes, INT64_MIN);
	aps_cell_put_double(&bytes, 5.0);
	aps_cell_put_double(&bytes, 0.5);
	put_text(APS_CELL_NUMBER, "12345678901234567890123");
	put_text(APS_CELL_STRING, "x\n\xc3\xa9");
	put_text(APS_CELL_JSON, "{ \"j\" : [ 1.0 ] }");
	put_u32(0);
	put_table(APS_CELL_LIST, 3);
	put_table(APS_CELL_OBJECT, 0);
	put_table(APS_CELL_LIST, 0);
	put_table(APS_CELL_OBJECT, 1);
	put_u32(0);
	put_text(APS_CELL_STRING, "");
}

static const char ALL[] =
        "{\"b\\\"\":[null,true,false,-9223372036854775808,5,0.5,12345678901234567890123,\"x\\n\xc3\xa9\","
        "{\"j\":[1]}],\"a\":[{},[],{\"a\":\"\"}]}";

static void each_kind_of_value_is_written_as_a_table_of_it_would_be(void **state)
{
	(void)state;
	put_all();
	assert_string_equal(text(), ALL);
}

static void what_is_not_whole_is_no_text(void **state)
{
	(void)state;
	put_all();
	for (size_t n = 0; n < bytes.n; n++) assert_string_equal(text_of_first(n, APS_BUF_ANY_SIZE), "corrupt");
	aps_cell_put_tag(&bytes, APS_CELL_NULL);
	assert_string_equal(text(), "corrupt"); /* something is behind it */
	aps_buf_reset(&bytes);
	put_table(APS_CELL_OBJECT, 1);
	put_u32(2); /* there are two labels */
	aps_cell_put_tag(&bytes, APS_CELL_NULL);
	assert_string_equal(text(), "corrupt");
	aps_buf_reset(&bytes);
	put_text(APS_CELL_JSON, "{");
	assert_string_equal(text(), "corrupt");
}

static void tables_may_be_as_deep_as_cells(void **state)
{
	(void)state;
	for (int i = 0; i < APS_CELL_MAX_DEPTH; i++) put_table(APS_CELL_LIST, 1);
	put_table(APS_CELL_LIST, 0);
	assert_int_equal(strlen(text()), 2 * (APS_CELL_MAX_DEPTH + 1));
	aps_buf_reset(&bytes);
	for (int i = 0; i <= APS_CELL_MAX_DEPTH; i++) put_table(APS_CELL_LIST, 1);
	put_table(APS_CELL_LIST, 0);
	assert_string_equal(text(), "corrupt");
}

static void it_ends_where_there_is_no_room(void **state)
{
	(void)state;
	put_all();
	for (size_t n = 1; n < sizeof ALL - 1; n++)
		assert_string_equal(text_of_first(bytes.n, n), aps_rc_name(APS_E_TOO_BIG));
	assert_string_equal(text_of_first(bytes.n, sizeof ALL - 1), ALL);
}

#define UNIT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        UNIT(each_kind_of_value_is_written_as_a_table_of_it_would_be),
	        UNIT(what_is_not_whole_is_no_text),
	        UNIT(tables_may_be_as_deep_as_cells),
	        UNIT(it_ends_where_there_is_no_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

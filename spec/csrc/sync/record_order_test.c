#include "sync/record_order.h"

#include "base/buf.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define OLDER     APS_RECORD_OLDER
#define SAME      APS_RECORD_SAME
#define NEWER     APS_RECORD_NEWER
#define UNORDERED APS_RECORD_UNORDERED

struct row {
	const char *a, *b;
	enum aps_record_order order;
};

static enum aps_record_order reversed(enum aps_record_order order)
{
	return order == OLDER ? NEWER : order == NEWER ? OLDER : order;
}

static void check(struct aps_str a, struct aps_str b, enum aps_record_order order)
{
	enum aps_record_order found = aps_record_order(a, b), back = aps_record_order(b, a);
	if (found == order && back == reversed(order)) return;
	fail_msg("%.*s against %.*s: %d and %d, not %d", (int)a.n, a.p, (int)b.n, b.p, found, back, order);
}

static void check_rows(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) check(aps_str_of(rows[i].a), aps_str_of(rows[i].b), rows[i].order);
}

static void numbers_are_compared_by_their_exact_value(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"1", "1", SAME},
	        {"1", "2", OLDER},
	        {"9", "10", OLDER},
	        {"-1", "1", OLDER},
	        {"-9", "-10", NEWER},
	        {"0", "-0", SAME},
	        {"0", "-1", NEWER},
	        {"0", "0.0e5", SAME},
	        {"0", "0e99999999999999999999", SAME},
	        {" 7 ", "7", SAME},
	        {"9223372036854775807", "9223372036854775808", OLDER},
	        {"9007199254740992", "9007199254740993", OLDER},
	        {"123456789012345678901234567890", "123456789012345678901234567891", OLDER},
	        {"123456789012345678901234567890", "99999999999999999999999999999", NEWER},
	        {"1.5", "1.50", SAME},
	        {"1.5", "1.49999999999999999999999999", NEWER},
	        {"1.0", "1", SAME},
	        {"0.05", "0.5", OLDER},
	        {"-0.05", "-0.5", NEWER},
	        {"0.1", "0.10000000000000000000000000000000001", OLDER},
	        {"1e3", "1000", SAME},
	        {"1E+3", "999.99", NEWER},
	        {"12.5e-1", "1.25", SAME},
	        {"1e-3", "0.001", SAME},
	        {"1e0003", "1000", SAME},
	        {"1e-00000000000000000003", "0.001", SAME},
	        {"1e400", "1e401", OLDER},
	        {"1e-400", "1e-401", NEWER},
	        {"1.7E12", "1700000000000", SAME},
	        {"100000000000000000000e-20", "1", SAME},
	        {"1e999999999999999", "1e999999999999998", NEWER},
	        {"1e1000000000000000", "1e1000000000000001", UNORDERED}, /* nobody's version */
	};
	check_rows(ROWS, APS_COUNTOF(ROWS));
}

static void texts_that_are_integers_are_compared_by_value(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"\"9\"", "\"10\"", OLDER},
	        {"\"-9\"", "\"-10\"", NEWER},
	        {"\"007\"", "\"7\"", SAME},
	        {"\"0\"", "\"-0\"", SAME},
	        {"\"123456789012345678901234567890\"", "\"99999999999999999999999999999\"", NEWER},
	        {"\"\\u0039\"", "\"1\\u0030\"", OLDER},
	        {"\"9\"", "10", OLDER},
	        {"\"10\"", "10", SAME},
	        {"\"10\"", "9.5", NEWER},
	        {"\"10\"", "1e1", SAME},
	        {"\"+9\"", "\"10\"", UNORDERED}, /* how JSON doesn't write it */
	        {"\" 9\"", "\"10\"", UNORDERED},
	        {"\"-\"", "\"1\"", UNORDERED},
	};
	check_rows(ROWS, APS_COUNTOF(ROWS));
}

static void a_decimal_text_is_a_number_beside_numbers_only(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"\"1.5\"", "1.50", SAME},          {"\"1.5\"", "2", OLDER},
	        {"\"1.9\"", "\"1.10\"", UNORDERED}, /* of a program, say */
	        {"\"1.5\"", "\"1.50\"", UNORDERED}, {"\"1.5\"", "\"1.5\"", SAME},
	        {"\"1.\"", "1", UNORDERED},         {"\"1e\"", "1", UNORDERED},
	        {"\"1e+\"", "1", UNORDERED},        {"\"1e5x\"", "1", UNORDERED},
	        {"\".5\"", "1", UNORDERED},         {"\"1e9999999999999999\"", "1", UNORDERED},
	};
	check_rows(ROWS, APS_COUNTOF(ROWS));
}

static void date_times_are_compared_by_the_moment(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"\"2024-05-01T10:00:00Z\"", "\"2024-05-01T10:00:00Z\"", SAME},
	        {"\"2024-05-01T10:00:00Z\"", "\"2024-05-01T10:00:00.000Z\"", SAME},
	        {"\"2024-05-01T10:00:00Z\"", "\"2024-05-01T10:00:00.001Z\"", OLDER},
	        {"\"2024-05-01T10:00:00.5Z\"", "\"2024-05-01T10:00:00.50000Z\"", SAME},
	        {"\"2024-05-01T10:00:00.9Z\"", "\"2024-05-01T10:00:00.10Z\"", NEWER},
	        {"\"2024-05-01T10:00:00.000000000000000000001Z\"", "\"2024-05-01T10:00:00.000000000000000000002Z\"",
	         OLDER},
	        {"\"2024-05-01T12:00:00+02:00\"", "\"2024-05-01T10:00:00Z\"", SAME},
	        {"\"2024-05-01T11:00:00+02:00\"", "\"2024-05-01T10:00:00Z\"", OLDER},
	        {"\"2024-05-01T23:30:00-01:00\"", "\"2024-05-02T00:00:00Z\"", NEWER},
	        {"\"2024-05-01T12:00:00\\u002B02:00\"", "\"2024-05-01T10:00:00Z\"", SAME},
	        {"\"1969-12-31T23:59:59.9Z\"", "\"1970-01-01T00:00:00Z\"", OLDER},
	        {"\"2024-05-01T10:00Z\"", "\"2024-05-01T10:00:00Z\"", SAME},
	        {"\"2024-05-01T10:00:00Z\"", "1714557600", UNORDERED},
	        {"\"2024-05-01T10:00:00Z\"", "1714557600000.5", UNORDERED},
	        {"\"2024-05-01T10:00:00Z\"", "\"1714557600\"", UNORDERED},
	        {"\"2024-05-01T10:00:00Z\"", "\"2024-05-01\"", UNORDERED},
	        {"\"2024-05-32T10:00:00Z\"", "\"2024-05-31T10:00:00Z\"", UNORDERED},
	};
	check_rows(ROWS, APS_COUNTOF(ROWS));
}

/* As Python writes them. */
static void date_times_without_an_offset_are_compared_with_each_other(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"\"2024-05-01T10:00:00\"", "\"2024-05-01T10:00:01\"", OLDER},
	        {"\"2024-05-01T10:00:00\"", "\"2024-05-01T10:00:00.000001\"", OLDER},
	        {"\"2024-05-01T10:00:00.9\"", "\"2024-05-01T10:00:00.123456\"", NEWER},
	        {"\"2024-05-01T10:00:00\"", "\"2024-05-01T10:00:00.0\"", SAME},
	        {"\"2024-05-01T10:00:00\\u002e5\"", "\"2024-05-01T10:00:00.50\"", SAME},
	        {"\"2024-05-01T10:00:00\"", "\"2024-05-01T10:00:01Z\"", UNORDERED}, /* whose time it is nobody says */
	        {"\"2024-05-01T10:00:00\"", "5", UNORDERED},
	        {"\"2024-05-01T10:00:00\"", "\"5\"", UNORDERED},
	};
	check_rows(ROWS, APS_COUNTOF(ROWS));
}

static void other_texts_have_no_order(void **state)
{
	(void)state;
	static const struct row ROWS[] = {
	        {"\"\"", "\"\"", SAME},
	        {"\"\"", "\"a\"", UNORDERED},
	        {"\"a\"", "\"b\"", UNORDERED},
	        {"\"\\u0061\"", "\"a\"", SAME},
	        {"\"v1.10\"", "\"v1.9\"", UNORDERED},
	        {"\"v1.9\"", "\"v1.9\"", SAME},
	        {"\"10000000\"", "\"0abcdef0\"", UNORDERED}, /* of a hash, say, that happens to be digits */
	        {"\"7b1c8a3e-5d0f-4f6b-9a43-2f2d1f0f9b11\"", "\"0e4a1f55-3c9e-4c53-8d4e-0a7b5d4c2e1f\"", UNORDERED},
	        {"\"\\u00e9\"", "\"\xc3\xa9\"", SAME},
	        {"\"a\"", "1", UNORDERED},
	        {"\"\"", "0", UNORDERED},
	};
	check_rows(ROWS, APS_COUNTOF(ROWS));
}

static void what_is_no_number_and_no_text_has_no_order(void **state)
{
	(void)state;
	static const char *const VALUES[] = {"",    "null", "true",   "false", "{}", "{\"a\":1}", "[]", "[1]",
	                                     "1 2", "\"a",  "\"a\"b", "nul",   "-",  "01",        "1.", "1e5x"};
	for (size_t i = 0; i < APS_COUNTOF(VALUES); i++) {
		struct aps_str value = aps_str_of(VALUES[i]);
		check(value, APS_STR("1"), UNORDERED);
		check(value, APS_STR("\"a\""), UNORDERED);
		check(value, value, UNORDERED);
	}
	check((struct aps_str){NULL, 0}, APS_STR("1"), UNORDERED);
	check((struct aps_str){NULL, 0}, (struct aps_str){NULL, 0}, UNORDERED);
}

static void make_long(struct aps_buf *buf, const char *head, char digit, const char *tail)
{
	aps_buf_init(buf, APS_BUF_ANY_SIZE);
	aps_buf_add_text(buf, head);
	for (int i = 0; i < 100000; i++) aps_buf_add_byte(buf, digit);
	aps_buf_add_text(buf, tail);
}

static void integers_and_fractions_may_be_of_any_length(void **state)
{
	(void)state;
	static const struct {
		const char *head, *tail_a, *tail_b;
		enum aps_record_order order;
	} ROWS[] = {
	        {"", "1", "2", OLDER},
	        {"\"", "2\"", "1\"", NEWER},
	        {"0.", "1", "10", SAME},
	        {"\"2024-05-01T10:00:00.", "1Z\"", "2Z\"", OLDER},
	        {"\"\\u0061", "1\"", "2\"", UNORDERED},
	        {"\"\\u0061", "1\"", "1\"", SAME},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_buf a, b;
		char digit = i == 0 || i == 1 ? '7' : '0';
		make_long(&a, ROWS[i].head, digit, ROWS[i].tail_a);
		make_long(&b, ROWS[i].head, digit, ROWS[i].tail_b);
		check(aps_buf_str(&a), aps_buf_str(&b), ROWS[i].order);
		aps_buf_clear(&a);
		aps_buf_clear(&b);
	}
}

static void nothing_is_allocated(void **state)
{
	(void)state;
	aps_mem_fail_at(1);
	check(APS_STR("\"\\u0039\""), APS_STR("\"1\\u0030\""), OLDER);
	check(APS_STR("1.5"), APS_STR("\"1.50\""), SAME);
	assert_null(aps_malloc(1)); /* that one is still to fail */
	aps_mem_fail_at(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(numbers_are_compared_by_their_exact_value),
	        cmocka_unit_test(texts_that_are_integers_are_compared_by_value),
	        cmocka_unit_test(a_decimal_text_is_a_number_beside_numbers_only),
	        cmocka_unit_test(date_times_are_compared_by_the_moment),
	        cmocka_unit_test(date_times_without_an_offset_are_compared_with_each_other),
	        cmocka_unit_test(other_texts_have_no_order),
	        cmocka_unit_test(what_is_no_number_and_no_text_has_no_order),
	        cmocka_unit_test(integers_and_fractions_may_be_of_any_length),
	        cmocka_unit_test(nothing_is_allocated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

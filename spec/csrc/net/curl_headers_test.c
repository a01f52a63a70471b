#include "net/curl_headers.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs setjmp, stdarg, stddef and stdint */
#include <cmocka.h>

static struct aps_curl_headers list;
static struct aps_err err;

static int setup(void **state)
{
	(void)state;
	aps_curl_headers_init(&list);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	aps_curl_headers_clear(&list);
	aps_curl_headers_clear(&list);
	return aps_mem_live() == 0 ? 0 : -1;
}

#define HEADER(name, value) ((struct aps_header){APS_STR(name), APS_STR(value)})

static enum aps_rc set(const struct aps_header *headers, size_t n_headers)
{
	return aps_curl_headers_set(&list, headers, n_headers, &err);
}

static void assert_lines(const char *const *lines, size_t n_lines)
{
	const struct curl_slist *node = list.nodes;
	for (size_t i = 0; i < n_lines; i++, node = node->next) {
		assert_non_null(node);
		assert_string_equal(node->data, lines[i]);
	}
	assert_null(node);
}

static void each_header_has_the_line_that_libcurl_sends_it_for(void **state)
{
	(void)state;
	const struct aps_header headers[] = {HEADER("x-normal", "a: b;"),  HEADER("x-empty", ""),
	                                     HEADER("x-blank", " \t "),    HEADER("x-padded", " \ta b \t"),
	                                     HEADER("x-utf8", "\xc3\xa9"), {APS_STR("x-none"), {NULL, 0}}};
	static const char *const LINES[] = {"x-normal: a: b;",  "x-empty;", "x-blank;", "x-padded: a b",
	                                    "x-utf8: \xc3\xa9", "x-none;",  "Expect:"};
	assert_int_equal(set(headers, APS_COUNTOF(headers)), APS_OK);
	assert_lines(LINES, APS_COUNTOF(LINES));
	assert_int_equal(set(NULL, 0), APS_OK);
	assert_lines(&LINES[APS_COUNTOF(LINES) - 1], 1);
}

static void only_what_has_changed_is_other_than_before(void **state)
{
	(void)state;
	const struct aps_header first[] = {HEADER("a", "1"), HEADER("b", "")};
	assert_false(aps_curl_headers_is(&list, first, 0));
	assert_int_equal(set(first, 2), APS_OK);
	assert_true(aps_curl_headers_is(&list, first, 2));
	assert_false(aps_curl_headers_is(&list, first, 1));
	const struct aps_header padded[] = {HEADER("a", " 1"), HEADER("b", " ")}; /* the same on the wire */
	assert_true(aps_curl_headers_is(&list, padded, 2));
	static const struct aps_header OTHERS[][2] = {
	        {{{"a", 1}, {"1", 1}}, {{"b", 1}, {"2", 1}}}, {{{"a", 1}, {"", 0}}, {{"b", 1}, {"", 0}}},
	        {{{"a", 1}, {"11", 2}}, {{"b", 1}, {"", 0}}}, {{{"a", 1}, {"1", 1}}, {{"bb", 2}, {"", 0}}},
	        {{{"A", 1}, {"1", 1}}, {{"b", 1}, {"", 0}}},
	};
	for (size_t i = 0; i < APS_COUNTOF(OTHERS); i++) assert_false(aps_curl_headers_is(&list, OTHERS[i], 2));
	aps_curl_headers_reset(&list);
	assert_false(aps_curl_headers_is(&list, first, 2));
	assert_false(aps_curl_headers_is(&list, NULL, 0));
}

static void what_would_split_the_request_is_refused(void **state)
{
	(void)state;
	const struct aps_header cases[] = {HEADER("x-a", "1\r\nx-b: 2"), HEADER("x-a", "1\n"), HEADER("x-a", "1\0 2"),
	                                   HEADER("x-a\r\nx-b", "1"), HEADER("x-a\0", "1")};
	for (size_t i = 0; i < APS_COUNTOF(cases); i++) {
		assert_int_equal(set(&cases[i], 1), APS_E_USAGE);
		assert_string_equal(err.msg, "a request header holds a line break or another control character");
		assert_int_equal(list.n_nodes, 0);
	}
}

static void a_section_above_its_ceiling_is_refused_and_the_next_one_is_taken(void **state)
{
	(void)state;
	static char text[512 * 1024];
	memset(text, 'x', sizeof text);
	const struct aps_header header = {APS_STR("x-long"), {text, sizeof text}};
	assert_int_equal(set(&header, 1), APS_E_TOO_BIG);
	assert_string_equal(err.msg, "the request's header section is longer than 524288 bytes");
	const struct aps_header good = HEADER("a", "1");
	assert_int_equal(set(&good, 1), APS_OK);
	assert_true(aps_curl_headers_is(&list, &good, 1));
}

static void every_failing_allocation_is_told_and_leaves_no_list(void **state)
{
	(void)state;
	static char text[1000];
	memset(text, 'x', sizeof text);
	const struct aps_header headers[] = {HEADER("a", "1"), {APS_STR("b"), {text, sizeof text}}};
	size_t nth = 1;
	for (;; nth++) {
		aps_mem_fail_at(nth);
		enum aps_rc rc = set(headers, 2);
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
		assert_false(aps_curl_headers_is(&list, headers, 2));
		aps_curl_headers_clear(&list);
	}
	assert_true(nth > 3);
	assert_true(aps_curl_headers_is(&list, headers, 2));
}

static void what_it_held_is_wiped(void **state)
{
	(void)state;
	const struct aps_header header = HEADER("authorization", "a-secret-of-some-length");
	assert_int_equal(set(&header, 1), APS_OK);
	size_t n = list.lines.n, before = aps_mem_wiped();
	aps_curl_headers_clear(&list);
	assert_true(aps_mem_wiped() - before >= n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(each_header_has_the_line_that_libcurl_sends_it_for, setup, teardown),
	        cmocka_unit_test_setup_teardown(only_what_has_changed_is_other_than_before, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_would_split_the_request_is_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_section_above_its_ceiling_is_refused_and_the_next_one_is_taken, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(every_failing_allocation_is_told_and_leaves_no_list, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_it_held_is_wiped, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

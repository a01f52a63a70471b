#include "server/request_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define POST   "POST /a HTTP/1.1\r\nHost: h\r\n"
#define CHUNKS POST "Transfer-Encoding: chunked\r\n\r\n"
#define GET    "GET /a HTTP/1.1\r\nHost: h\r\n"

/* From bytes of their own, so that a look past their end is seen. */
static size_t feed_part(struct aps_request_guard *guard, const char *p, size_t n)
{
	char *copy = malloc(n);
	assert_non_null(copy);
	memcpy(copy, p, n);
	size_t n_good = aps_request_guard_feed(guard, copy, n);
	free(copy);
	return n_good;
}

/* In pieces of that size; how many bytes are good. */
static size_t feed(struct aps_request_guard *guard, const char *text, size_t n, size_t size)
{
	size_t i = 0;
	aps_request_guard_init(guard, 0);
	while (i < n) {
		size_t n_part = n - i < size ? n - i : size;
		size_t n_good = feed_part(guard, text + i, n_part);
		i += n_good;
		if (n_good < n_part && !guard->is_empty_line) return i;
		guard->is_empty_line = false;
	}
	return i;
}

struct row {
	const char *text;
	enum aps_guard_state state;
	size_t n_bad; /* the bytes from the first bad one on */
};

#define GOOD(text, state)                                                                                              \
	{                                                                                                              \
		text, APS_GUARD_##state, 0                                                                             \
	}
#define BAD(text, bad)                                                                                                 \
	{                                                                                                              \
		text bad, APS_GUARD_BAD, sizeof(bad) - 1                                                               \
	}

static void check(const struct row *rows, size_t n_rows)
{
	for (size_t i = 0; i < n_rows; i++) {
		size_t n = strlen(rows[i].text);
		for (size_t size = 1; size <= n; size = size < 3 ? size + 1 : size * 2) {
			struct aps_request_guard guard;
			assert_int_equal(feed(&guard, rows[i].text, n, size), n - rows[i].n_bad);
			assert_int_equal(guard.state, rows[i].state);
		}
		struct aps_request_guard whole;
		assert_int_equal(feed(&whole, rows[i].text, n, n), n - rows[i].n_bad);
		assert_int_equal(whole.state, rows[i].state);
	}
}

static void each_byte_leads_on(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        GOOD("G", METHOD),
	        GOOD("GET ", TARGET),
	        GOOD("GET /a ", VERSION),
	        GOOD("GET /a HTTP/1.1\r", REQUEST_LF),
	        GOOD("GET /a HTTP/1.1\r\n", HEADER),
	        GOOD("GET /a HTTP/1.1\r\nH", NAME),
	        GOOD("GET /a HTTP/1.1\r\nHost:", VALUE),
	        GOOD("GET /a HTTP/1.1\r\nHost: h\r", VALUE_LF),
	        GOOD(GET "\r", HEAD_LF),
	        GOOD(GET "\r\n", REQUEST),
	        GOOD("GET /a HTTP/1.0\r\n\r\n", REQUEST),
	        GOOD(POST "Content-Length: 0\r\n\r\n", REQUEST),
	        GOOD(POST "Content-Length: 3\r\n\r\n", BODY),
	        GOOD(POST "Content-Length: 3\r\n\r\nab", BODY),
	        GOOD(POST "Content-Length: 3\r\n\r\nabc", REQUEST),
	        GOOD(POST "Content-Length: 3\r\n\r\nabcG", METHOD),
	        GOOD(CHUNKS, CHUNK_SIZE),
	        GOOD(CHUNKS "1a", CHUNK_SIZE),
	        GOOD(CHUNKS "2\r", CHUNK_SIZE_LF),
	        GOOD(CHUNKS "2\r\n", CHUNK),
	        GOOD(CHUNKS "2\r\nab", CHUNK_CR),
	        GOOD(CHUNKS "2\r\nab\r", CHUNK_LF),
	        GOOD(CHUNKS "2\r\nab\r\n", CHUNK_SIZE),
	        GOOD(CHUNKS "2\r\nab\r\n0\r\n", LAST_CR),
	        GOOD(CHUNKS "2\r\nab\r\n0\r\n\r", LAST_LF),
	        GOOD(CHUNKS "2\r\nab\r\n0\r\n\r\n", REQUEST),
	        GOOD(GET "Upgrade: websocket\r\n\r\n", OVER),
	        GOOD(GET "Upgrade: websocket\r\n\r\n\r\n\1anything", OVER),
	        GOOD("\r", EMPTY_LF),
	        GOOD("\r\n", REQUEST),
	        GOOD("\r\n" GET "\r\n\r\n" GET "\r\n", REQUEST),
	        GOOD(POST "Content-Length: 1\r\n\r\na\r\n", REQUEST),
	        GOOD(CHUNKS "0\r\n\r\n\r\n" GET, HEADER),
	};
	check(rows, APS_COUNTOF(rows));
}

static void what_another_server_could_read_otherwise_is_bad_from_that_byte_on(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        BAD("", " GET"),
	        BAD("", "\nGET"),
	        BAD("\r", "G"),
	        BAD("\r", "\r\n"),
	        BAD("\r\n", "\r\n"),
	        BAD(GET "\r\n\r\n", "\r\n"),
	        BAD("GET", "\t/a"),
	        BAD("GET ", "\1"),
	        BAD("GET /a", "\r\n"),
	        BAD("GET /a ", " HTTP/1.1"),
	        BAD("GET /a HTTP/1.1", "\n"),
	        BAD("GET /a HTTP/2.0", "\r\n"),
	        BAD("GET /a HTTP/1.1\r", "H"),
	        BAD("GET /a HTTP/1.1\r\n", " Host: h"),
	        BAD("GET /a HTTP/1.1\r\n", ": h"),
	        BAD("GET /a HTTP/1.1\r\nHost", " : h"),
	        BAD("GET /a HTTP/1.1\r\nHost: h", "\n"),
	        BAD("GET /a HTTP/1.1\r\nHost: h", "\1"),
	        BAD("GET /a HTTP/1.1\r\nHost: h\r", "X"),
	        BAD(GET "Host: i\r", "\n"),
	        BAD(GET "\r", "\r\n"),
	        BAD(GET "Content-Length: 1\r\n\r", "\na"),
	        BAD(POST "Content-Length: 1\r\nContent-Length: 1\r", "\n"),
	        BAD(POST "Content-Length: 1, 1\r", "\n"),
	        BAD(POST "Content-Length: 1234567890123456789\r", "\n"),
	        BAD(POST "Content-Length:\r", "\n"),
	        BAD(POST "Transfer-Encoding: gzip\r", "\n"),
	        BAD(POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r", "\n"),
	        BAD("POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r", "\n"),
	        BAD(CHUNKS, "\r\n"),
	        BAD(CHUNKS, "+1"),
	        BAD(CHUNKS "0", "x1"),
	        BAD(CHUNKS "1", ";a"),
	        BAD(CHUNKS "00000000", "1"),
	        BAD(CHUNKS "1", "\n"),
	        BAD(CHUNKS "1\r\na", "b"),
	        BAD(CHUNKS "1\r\na\r", "0"),
	        BAD(CHUNKS "0\r\n", "X: y"),
	        BAD(CHUNKS "0\r\n\r", "X"),
	};
	check(rows, APS_COUNTOF(rows));
}

static void nothing_is_good_behind_what_is_bad(void **state)
{
	(void)state;
	struct aps_request_guard guard;
	feed(&guard, " ", 1, 1);
	assert_int_equal(aps_request_guard_feed(&guard, GET, sizeof(GET) - 1), 0);
}

static void an_empty_line_is_told_where_it_ends(void **state)
{
	(void)state;
	struct aps_request_guard guard;
	aps_request_guard_init(&guard, 0);
	assert_int_equal(aps_request_guard_feed(&guard, "\r\nGET", 5), 2);
	assert_true(guard.is_empty_line);
	guard.is_empty_line = false;
	assert_int_equal(aps_request_guard_feed(&guard, "GET", 3), 3);
	assert_false(guard.is_empty_line);
}

static void what_spoils_a_request_ends_the_line_that_is_begun(void **state)
{
	(void)state;
	struct aps_request_guard guard;
	feed(&guard, "GET\t", 4, 4);
	assert_string_equal(aps_request_guard_spoiler(&guard), "\r\n!\r\n");
	feed(&guard, "\r\n\r\n", 4, 4);
	assert_string_equal(aps_request_guard_spoiler(&guard), "!\r\n");
}

static void check_too_large(const char *good, const char *line, const char *rest, const char *ending)
{
	char text[512];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s%s%s", good, line, rest);
	for (size_t size = 1; size <= n; size++) {
		struct aps_request_guard guard;
		size_t i = 0, n_good = 0;
		aps_request_guard_init(&guard, 10);
		while (i < n && guard.state != APS_GUARD_TOO_LARGE) {
			n_good = feed_part(&guard, text + i, n - i < size ? n - i : size);
			i += n_good;
		}
		assert_int_equal(guard.state, APS_GUARD_TOO_LARGE);
		assert_int_equal(i, strlen(good) + strlen(line));
		assert_int_equal(guard.n_line, strlen(line));
		assert_string_equal(aps_request_guard_ending(&guard), ending);
		assert_int_equal(feed_part(&guard, GET, sizeof(GET) - 1), 0);
	}
}

static void a_body_that_is_too_large_ends_at_the_line_that_says_so(void **state)
{
	(void)state;
	check_too_large(POST, "Content-Length: 11\r\n", "A: b\r\n\r\n", "Content-Length: 0\r\n\r\n");
	check_too_large(CHUNKS, "b\r\n", "hello", "0\r\n\r\n");
	check_too_large(CHUNKS "a\r\n0123456789\r\n", "1\r\n", "x", "0\r\n\r\n");
	check_too_large(POST "Content-Length: 10\r\n\r\n0123456789" POST, "Content-Length: 11\r\n", "",
	                "Content-Length: 0\r\n\r\n");
}

static void a_body_of_just_the_limit_is_good(void **state)
{
	(void)state;
	struct aps_request_guard guard;
	aps_request_guard_init(&guard, 10);
	static const char text[] =
	        POST "Content-Length: 10\r\n\r\n0123456789" CHUNKS "5\r\n01234\r\n5\r\n01234\r\n0\r\n\r\n";
	assert_int_equal(feed_part(&guard, text, sizeof(text) - 1), sizeof(text) - 1);
	assert_int_equal(guard.state, APS_GUARD_REQUEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_byte_leads_on),
	        cmocka_unit_test(what_another_server_could_read_otherwise_is_bad_from_that_byte_on),
	        cmocka_unit_test(nothing_is_good_behind_what_is_bad),
	        cmocka_unit_test(an_empty_line_is_told_where_it_ends),
	        cmocka_unit_test(what_spoils_a_request_ends_the_line_that_is_begun),
	        cmocka_unit_test(a_body_that_is_too_large_ends_at_the_line_that_says_so),
	        cmocka_unit_test(a_body_of_just_the_limit_is_good),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

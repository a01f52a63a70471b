#include "net/ws_request.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs setjmp, stdarg, stddef and stdint */
#include <cmocka.h>

static const struct aps_net_options OPTIONS = {.verify = true};
static struct aps_err err;

#define HEADER(name, value) ((struct aps_header){APS_STR(name), APS_STR(value)})

static int teardown(void **state)
{
	(void)state;
	return aps_mem_live() == 0 ? 0 : -1;
}

static struct aps_ws_request *with(const struct aps_header *headers, size_t n_headers)
{
	const struct aps_ws_connect connect = {
	        .host = "localhost",
	        .port = 443,
	        .is_tls = true,
	        .address = "127.0.0.1",
	        .path = "/graphql/realtime",
	        .protocols = "graphql-ws",
	        .headers = headers,
	        .n_headers = n_headers,
	        .options = &OPTIONS,
	};
	return aps_ws_request_new(&connect, &err);
}

static void the_headers_are_the_lines_of_an_upgrade(void **state)
{
	(void)state;
	const struct aps_header headers[] = {HEADER("x-normal", "a: b;"),
	                                     HEADER("x-empty", ""),
	                                     HEADER("x-blank", " \t "),
	                                     HEADER("x-padded", " \ta b \t"),
	                                     {APS_STR("x-none"), {NULL, 0}}};
	struct aps_ws_request *request = with(headers, APS_COUNTOF(headers));
	assert_non_null(request);
	assert_true(aps_str_is(request->header_lines, "x-normal: a: b;\r\nx-empty: \r\nx-blank: \r\nx-padded: a b\r\n"
	                                              "x-none: \r\n"));
	assert_int_equal(request->connect.n_headers, 0); /* those were borrowed */
	assert_null(request->connect.headers);
	aps_ws_request_free(request);
	request = with(NULL, 0);
	assert_int_equal(request->header_lines.n, 0);
	aps_ws_request_free(request);
}

static void a_host_among_the_headers_is_no_line_of_its_own(void **state)
{
	(void)state;
	const struct aps_header headers[] = {HEADER("x-a", "1"), HEADER("HOST", " told.example "), HEADER("x-b", "2")};
	struct aps_ws_request *request = with(headers, APS_COUNTOF(headers));
	assert_non_null(request);
	assert_true(aps_str_is(request->header_lines, "x-a: 1\r\nx-b: 2\r\n"));
	assert_string_equal(request->host_header, "told.example");
	assert_string_equal(request->authority, "localhost");
	aps_ws_request_free(request);
	request = with(headers, 1);
	assert_string_equal(request->host_header, "localhost");
	aps_ws_request_free(request);
}

static void a_proxy_is_named_by_its_address(void **state)
{
	(void)state;
	static const struct {
		const char *proxy, *address, *expected;
	} ROWS[] = {
	        {"http://proxy:3128", "127.0.0.1", "127.0.0.1:3128"},
	        {"http://[::1]:3128", "::1", "[::1]:3128"},
	        {"http://a%40b:c%3Ad@proxy:80", "127.0.0.1", "a@b:c:d@127.0.0.1:80"},
	        {"http://u@[::1]", "::1", "u@[::1]:80"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		const struct aps_net_options options = {.proxy = (char *)(uintptr_t)ROWS[i].proxy, .verify = true};
		struct aps_ws_connect connect = {.host = "::1",
		                                 .port = 8080,
		                                 .address = "::1",
		                                 .proxy_address = ROWS[i].address,
		                                 .path = "/",
		                                 .protocols = "p",
		                                 .options = &options};
		struct aps_ws_request *request = aps_ws_request_new(&connect, &err);
		assert_non_null(request);
		assert_string_equal(request->proxy, ROWS[i].expected);
		assert_string_equal(request->target, "[::1]");
		assert_string_equal(request->host_header, "[::1]:8080");
		aps_ws_request_free(request);
		connect.proxy_address = NULL;
		assert_null(aps_ws_request_new(&connect, &err));
		assert_string_equal(err.msg, "the proxy has no address");
	}
}

static void what_would_split_the_upgrade_is_refused(void **state)
{
	(void)state;
	const struct aps_header cases[] = {HEADER("x-a", "1\r\nx-b: 2"), HEADER("x-a", "1\0 2"), HEADER("x-a\n", "1"),
	                                   HEADER("x-a", "\x7f")};
	for (size_t i = 0; i < APS_COUNTOF(cases); i++) {
		assert_null(with(&cases[i], 1));
		assert_int_equal(err.code, APS_E_USAGE);
		assert_string_equal(err.msg, "the WebSocket's header holds a control character");
	}
}

/* "n: " and the line's end take five bytes. */
static void headers_up_to_16_kb_are_taken_and_longer_ones_refused(void **state)
{
	(void)state;
	static char text[16 * 1024];
	memset(text, 'x', sizeof text);
	struct aps_header headers[] = {HEADER("n", "v"), {APS_STR("n"), {text, sizeof text - 5 - 6}}};
	struct aps_ws_request *request = with(headers, 2);
	assert_non_null(request);
	assert_int_equal(request->header_lines.n, sizeof text);
	aps_ws_request_free(request);
	headers[1].value.n++;
	assert_null(with(headers, 2));
	assert_int_equal(err.code, APS_E_TOO_BIG);
	assert_string_equal(err.msg, "the WebSocket's headers are longer than 16384 bytes");
	headers[1].value.n = sizeof text;
	assert_null(with(&headers[1], 1));
	assert_int_equal(err.code, APS_E_TOO_BIG);
}

static void every_failing_allocation_is_told_and_leaks_nothing(void **state)
{
	(void)state;
	static char text[8000]; /* needs a block of its own */
	memset(text, 'x', sizeof text);
	const struct aps_header header = {APS_STR("n"), {text, sizeof text}};
	size_t nth = 1;
	for (;; nth++) {
		aps_mem_fail_at(nth);
		struct aps_ws_request *request = with(&header, 1);
		aps_mem_fail_at(0);
		if (request != NULL) {
			aps_ws_request_free(request);
			break;
		}
		assert_int_equal(err.code, APS_E_NOMEM);
		assert_int_equal(aps_mem_live(), 0);
	}
	assert_true(nth > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_teardown(the_headers_are_the_lines_of_an_upgrade, teardown),
	        cmocka_unit_test_teardown(a_host_among_the_headers_is_no_line_of_its_own, teardown),
	        cmocka_unit_test_teardown(a_proxy_is_named_by_its_address, teardown),
	        cmocka_unit_test_teardown(what_would_split_the_upgrade_is_refused, teardown),
	        cmocka_unit_test_teardown(headers_up_to_16_kb_are_taken_and_longer_ones_refused, teardown),
	        cmocka_unit_test_teardown(every_failing_allocation_is_told_and_leaks_nothing, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "net/endpoint.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs setjmp, stdarg, stddef and stdint */
#include <cmocka.h>

static void a_url_has_its_parts(void **state)
{
	(void)state;
	static const struct {
		const char *url;
		bool is_tls;
		const char *user, *host;
		int port;
		const char *path;
	} ROWS[] = {
	        {"https://h.example/g?x#f", true, NULL, "h.example", 443, "/g?x"},
	        {"HTTP://h:8080", false, NULL, "h", 8080, "/"},
	        {"Wss://[::1]/g", true, NULL, "::1", 443, "/g"},
	        {"ws://[2001:db8::1]:81?q", false, NULL, "2001:db8::1", 81, "/?q"},
	        {"http://u:p%40w@h:3128/", false, "u:p%40w", "h", 3128, "/"},
	        {"http://a@b@[::1]:1", false, "a@b", "::1", 1, "/"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_endpoint got;
		struct aps_err err;
		assert_int_equal(aps_endpoint_parse(ROWS[i].url, &got, &err), APS_OK);
		assert_int_equal(got.is_tls, ROWS[i].is_tls);
		if (ROWS[i].user == NULL)
			assert_null(got.user);
		else
			assert_string_equal(got.user, ROWS[i].user);
		assert_string_equal(got.host, ROWS[i].host);
		assert_int_equal(got.port, ROWS[i].port);
		assert_string_equal(got.path, ROWS[i].path);
		aps_endpoint_clear(&got);
		assert_int_equal(aps_mem_live(), 0);
	}
}

static void a_malformed_url_is_refused(void **state)
{
	(void)state;
	static const char *const URLS[] = {"",
	                                   "h",
	                                   "ftp://h",
	                                   "http://",
	                                   "http://:1",
	                                   "http://h:",
	                                   "http://h:0",
	                                   "http://h:65536",
	                                   "http://[::1",
	                                   "http://[::1]x",
	                                   "http://h\\x",
	                                   "http://u@"};
	for (size_t i = 0; i < APS_COUNTOF(URLS); i++) {
		struct aps_endpoint got;
		struct aps_err err;
		assert_int_equal(aps_endpoint_parse(URLS[i], &got, &err), APS_E_USAGE);
	}
	assert_int_equal(aps_mem_live(), 0);
}

static void a_host_with_colons_gets_brackets(void **state)
{
	(void)state;
	struct aps_buf out;
	aps_buf_init(&out, 256);
	aps_endpoint_add_host(&out, "::1");
	aps_buf_add_byte(&out, ' ');
	aps_endpoint_add_authority(&out, "::1", 443, 443);
	aps_buf_add_byte(&out, ' ');
	aps_endpoint_add_authority(&out, "::1", 80, 443);
	aps_buf_add_byte(&out, ' ');
	aps_endpoint_add_authority(&out, "h", 443, 443);
	aps_buf_add_byte(&out, ' ');
	aps_endpoint_add_host(&out, "127.0.0.1");
	assert_true(aps_str_is(aps_buf_str(&out), "[::1] [::1] [::1]:80 h 127.0.0.1"));
	aps_buf_clear(&out);
}

static void the_host_header_has_no_zone(void **state)
{
	(void)state;
	struct aps_buf out;
	aps_buf_init(&out, 256);
	aps_endpoint_add_host_header(&out, "fe80::1%25eth0", 443, 443);
	aps_buf_add_byte(&out, ' ');
	aps_endpoint_add_host_header(&out, "::1", 80, 443);
	aps_buf_add_byte(&out, ' ');
	aps_endpoint_add_host_header(&out, "h%25", 80, 80);
	assert_true(aps_str_is(aps_buf_str(&out), "[fe80::1] [::1]:80 h%25"));
	aps_buf_clear(&out);
}

static void every_failing_allocation_is_told(void **state)
{
	(void)state;
	for (size_t nth = 1; nth < 4; nth++) {
		struct aps_endpoint got;
		struct aps_err err;
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_endpoint_parse("http://u@h/p", &got, &err);
		aps_mem_fail_at(0);
		assert_int_equal(rc, APS_E_NOMEM);
		assert_int_equal(aps_mem_live(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_url_has_its_parts),
	        cmocka_unit_test(a_malformed_url_is_refused),
	        cmocka_unit_test(a_host_with_colons_gets_brackets),
	        cmocka_unit_test(the_host_header_has_no_zone),
	        cmocka_unit_test(every_failing_allocation_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

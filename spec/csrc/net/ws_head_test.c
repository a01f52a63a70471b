#include "net/ws_head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs setjmp, stdarg, stddef and stdint */
#include <cmocka.h>

#define REST "Upgrade: websocket\r\nSec-WebSocket-Protocol: graphql-ws\r\n"

/* What libwebsockets has written, behind what was in the buffer before. */
static struct aps_ws_head written(char *buffer, const char *before, const char *text, size_t n_room)
{
	size_t n_before = strlen(before), n = strlen(text);
	memcpy(buffer, before, n_before);
	memcpy(buffer + n_before, text, n + 1);
	return (struct aps_ws_head){buffer + n_before + n, n_before + n, n_room};
}

static void the_path_and_the_host_are_put_in(void **state)
{
	(void)state;
	static const struct {
		const char *path, *host, *expected;
	} ROWS[] = {
	        {"/", "h", "GET / HTTP/1.1\r\nPragma: no-cache\r\nHost: h\r\n" REST "a: b\r\n"},
	        {"/graphql?x=1", "[::1]:80",
	         "GET /graphql?x=1 HTTP/1.1\r\nPragma: no-cache\r\nHost: [::1]:80\r\n" REST "a: b\r\n"},
	        {"/g", "a.longer.name.example:8443",
	         "GET /g HTTP/1.1\r\nPragma: no-cache\r\nHost: a.longer.name.example:8443\r\n" REST "a: b\r\n"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		char buffer[1024] = "";
		struct aps_ws_head head = written(buffer, "GET / HTTP/1.1\r\nHost: old\r\n",
		                                  "GET / HTTP/1.1\r\nPragma: no-cache\r\nHost: ::1\r\n" REST, 200);
		assert_true(aps_ws_head_fill(&head, aps_str_of(ROWS[i].path), aps_str_of(ROWS[i].host)));
		assert_true(aps_ws_head_add(&head, APS_STR("a: b\r\n")));
		*head.end = '\0';
		const char *own = buffer + strlen("GET / HTTP/1.1\r\nHost: old\r\n");
		assert_string_equal(own, ROWS[i].expected);
		assert_int_equal(head.end - buffer, strlen(buffer));
		assert_int_equal(head.n_before, strlen(buffer));
		assert_int_equal(head.n_before + head.n_room,
		                 strlen("GET / HTTP/1.1\r\nHost: old\r\nGET / HTTP/1.1\r\nPragma: no-cache\r\nHost: "
		                        "::1\r\n" REST) +
		                         200);
	}
}

static void what_has_no_room_is_refused(void **state)
{
	(void)state;
	for (size_t n_room = 0; n_room < 12; n_room++) {
		char buffer[256];
		struct aps_ws_head head = written(buffer, "", "GET / HTTP/1.1\r\nHost: h\r\n", n_room);
		bool is_filled = aps_ws_head_fill(&head, APS_STR("/12345"), APS_STR("h12")); /* 7 bytes more */
		assert_int_equal(is_filled, n_room >= 7);
		if (is_filled) assert_int_equal(aps_ws_head_add(&head, APS_STR("a:\r\n")), n_room >= 11);
	}
}

static void another_head_than_the_expected_one_is_refused(void **state)
{
	(void)state;
	static const char *const TEXTS[] = {"",
	                                    "GET /",
	                                    "GET /x HTTP/1.1\r\nHost: h\r\n",
	                                    "POST / HTTP/1.1\r\nHost: h\r\n",
	                                    "GET / HTTP/1.1\r\nhost: h\r\n",
	                                    "GET / HTTP/1.1\r\nHost: h"};
	for (size_t i = 0; i < APS_COUNTOF(TEXTS); i++) {
		char buffer[256];
		struct aps_ws_head head = written(buffer, "", TEXTS[i], 100);
		assert_false(aps_ws_head_fill(&head, APS_STR("/p"), APS_STR("h")));
	}
	char buffer[256]; /* and nothing before the buffer is looked at */
	struct aps_ws_head head = written(buffer, "", "GET / HTTP/1.1\r\nHost: h\r\n", 100);
	head.n_before--;
	assert_false(aps_ws_head_fill(&head, APS_STR("/p"), APS_STR("h")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_path_and_the_host_are_put_in),
	        cmocka_unit_test(what_has_no_room_is_refused),
	        cmocka_unit_test(another_head_than_the_expected_one_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

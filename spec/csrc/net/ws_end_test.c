#include "net_ws_fixture.h"

/* ---- scripts ---- */

static void serve_other_protocol(struct peer *peer)
{
	peer_ws_open(peer, "chat");
	peer_read_end(peer);
}

static void serve_listed_protocol(struct peer *peer)
{
	peer_ws_open(peer, "header-abc");
	peer_read_end(peer);
}

static void serve_no_protocol(struct peer *peer)
{
	peer_ws_open(peer, NULL);
	peer_read_end(peer);
}

static void serve_silence(struct peer *peer)
{
	peer_accept(peer);
	aps_wake_raise(&peer->told);
	peer_read_end(peer);
}

static void serve_status(struct peer *peer, const char *status)
{
	char answer[200];
	peer_accept(peer);
	if (!peer_read_request(peer)) return;
	snprintf(answer, sizeof answer, "HTTP/1.1 %s\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
	         status);
	peer_write_text(peer, answer);
	peer_read_end(peer);
}

static void serve_401(struct peer *peer)
{
	serve_status(peer, "401 Unauthorized");
}

static void serve_403(struct peer *peer)
{
	serve_status(peer, "403 Forbidden");
}

static void serve_503(struct peer *peer)
{
	serve_status(peer, "503 Service Unavailable");
}

static void serve_302(struct peer *peer)
{
	serve_status(peer, "302 Found");
}

static void serve_answer(struct peer *peer, const char *answer)
{
	peer_accept(peer);
	if (!peer_read_request(peer)) return;
	peer_write_text(peer, answer);
	peer_read_end(peer);
}

static void serve_redirect(struct peer *peer)
{
	serve_answer(
	        peer,
	        "HTTP/1.1 307 Temporary Redirect\r\nLocation:  https://me:secret@else.example/a?secret=1#secret \r\n"
	        "Content-Length: 0\r\n\r\n");
}

static void serve_relative_redirect(struct peer *peer)
{
	serve_answer(peer, "HTTP/1.1 308 Permanent Redirect\r\nLocation: /there?secret=1\r\nContent-Length: 0\r\n\r\n");
}

static void serve_long_redirect(struct peer *peer)
{
	char answer[4000];
	snprintf(answer, sizeof answer,
	         "HTTP/1.1 302 Found\r\nLocation: https://else.example/%0500d?secret=%01000d\r\n\r\n", 7, 7);
	serve_answer(peer, answer);
}

static void serve_body(struct peer *peer)
{
	serve_answer(peer, "HTTP/1.1 404 Not Found\r\nContent-Length: 24\r\n\r\n\n no such \t\r\n API\1here \n");
}

static void serve_body_until_end(struct peer *peer)
{
	peer_accept(peer);
	if (!peer_read_request(peer)) return;
	peer_write_text(peer, "HTTP/1.0 502 Bad Gateway\r\n\r\nupstream");
}

static void serve_chunks(struct peer *peer)
{
	serve_answer(peer, "HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n4\r\n two\r\n0\r\n\r\n");
}

static void serve_bad_chunks(struct peer *peer)
{
	serve_answer(peer, "HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n");
}

static void serve_missing_body(struct peer *peer)
{
	serve_answer(peer, "HTTP/1.1 500 Oh\r\nContent-Length: 100\r\n\r\n");
}

static void serve_wrong_accept(struct peer *peer)
{
	peer_accept(peer);
	peer_read_request(peer);
	peer_write_text(peer, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	                      "Sec-WebSocket-Accept: AAAA\r\nSec-WebSocket-Protocol: graphql-ws\r\n\r\n");
	peer_read_end(peer);
}

static void serve_garbage(struct peer *peer)
{
	peer_accept(peer);
	peer_read_request(peer);
	peer_write_text(peer, "220 mail.example ESMTP\r\n\r\n");
	peer_read_end(peer);
}

static void serve_hang_up(struct peer *peer)
{
	peer_accept(peer);
	peer_read_request(peer);
}

static void serve_close(struct peer *peer)
{
	peer_ws_open(peer, "graphql-ws");
	peer_ws_send_text(peer, "before");
	peer_ws_send(peer, 0x88, "\x11\x5dg\x01\xc3\xa9!", 7); /* 4445, "g<control>é!" */
	peer_read_end(peer);
}

static void serve_reset(struct peer *peer)
{
	peer_ws_open(peer, "graphql-ws");
	aps_wake_wait(&peer->go, PEER_WAIT_S * 1000);
	peer_reset(peer);
}

static void serve_deaf(struct peer *peer)
{
	peer_ws_open(peer, "graphql-ws");
	aps_wake_wait(&peer->go, PEER_WAIT_S * 1000); /* reads nothing, answers no close frame */
}

static void serve_proxy_refusal(struct peer *peer)
{
	peer_accept(peer);
	peer_read_request(peer);
	peer_write_text(peer, "HTTP/1.0 407 Proxy Authentication Required\r\n\r\n");
	peer_read_end(peer);
}

/* ---- tests ---- */

static void an_upgrade_that_is_refused_tells_why(void **state)
{
	(void)state;
	static const struct {
		void (*serve)(struct peer *peer);
		enum aps_rc code;
		const char *word;
		long native;
		bool retryable;
	} rows[] = {
	        {serve_other_protocol, APS_E_PROTOCOL, "sub_protocol", 0, false},
	        {serve_listed_protocol, APS_E_PROTOCOL, "sub_protocol", 0, false},
	        {serve_no_protocol, APS_E_PROTOCOL, "sub_protocol", 0, false},
	        {serve_wrong_accept, APS_E_PROTOCOL, "handshake", 0, false},
	        {serve_401, APS_E_AUTH, "upgrade_refused", 401, false},
	        {serve_403, APS_E_AUTH, "upgrade_refused", 403, false},
	        {serve_503, APS_E_HTTP, "upgrade_refused", 503, true},
	        {serve_302, APS_E_HTTP, "upgrade_refused", 302, false},
	        {serve_hang_up, APS_E_NETWORK, "connection_lost", 0, true},
	};
	for (size_t i = 0; i < APS_COUNTOF(rows); i++) {
		struct peer *peer = peer_start(rows[i].serve);
		start(to(peer->port));
		struct aps_err err = expect_closed(rows[i].code, rows[i].word);
		assert_int_equal(err.native, rows[i].native);
		assert_int_equal(err.retryable, rows[i].retryable);
		peer_stop(peer);
	}
}

static void a_refusal_names_its_target_and_quotes_its_body(void **state)
{
	(void)state;
	static const struct {
		void (*serve)(struct peer *peer);
		const char *end; /* of the message */
	} rows[] = {
	        {serve_redirect, "HTTP status 307 by localhost, which redirects to https://else.example/a"},
	        {serve_relative_redirect, "HTTP status 308 by localhost, which redirects to /there"},
	        {serve_long_redirect, "0000"},
	        {serve_body, "HTTP status 404 by localhost: no such API?here"},
	        {serve_body_until_end, "HTTP status 502 by localhost: upstream"},
	        {serve_chunks, "HTTP status 500 by localhost: one two"},
	        {serve_bad_chunks, "HTTP status 500 by localhost"},
	        {serve_missing_body, "HTTP status 500 by localhost"},
	        {serve_missing_body, "HTTP status 500 by localhost"}, /* which isn't waited for a second time */
	};
	for (size_t i = 0; i < APS_COUNTOF(rows); i++) {
		struct peer *peer = peer_start(rows[i].serve);
		start(to(peer->port));
		struct aps_err err = expect_closed(APS_E_HTTP, "upgrade_refused");
		size_t n = strlen(err.msg), n_end = strlen(rows[i].end);
		if (n < n_end || strcmp(err.msg + n - n_end, rows[i].end) != 0) print_message("%s\n", err.msg);
		assert_true(n >= n_end);
		assert_string_equal(err.msg + n - n_end, rows[i].end);
		peer_stop(peer);
	}
}

static void a_refused_connection_is_told(void **state)
{
	(void)state;
	start(to(peer_free_port()));
	struct aps_err err = expect_closed(APS_E_NETWORK, "unreachable");
	assert_non_null(strstr(err.msg, "localhost"));
}

static void a_peer_that_never_answers_meets_the_connect_deadline_once(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_silence);
	struct aps_ws_connect connect = to(peer->port);
	connect.connect_timeout_ms = 60;
	start(connect);
	expect_closed(APS_E_TIMEOUT, "connect_timeout");
	peer_stop(peer); /* ends because the socket was dropped; close_ws() counts further terminal events */
}

static void a_socket_above_the_limit_is_refused_and_one_below_it_is_not(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_silence);
	struct aps_ws_connect connect = to(peer->port);
	for (int i = 0; i < 16; i++) start(connect); /* most of them stay in the peer's backlog */
	start(connect);
	struct aps_err err = expect_closed(APS_E_SYSTEM, "socket_limit");
	assert_non_null(strstr(err.msg, "16 WebSockets"));
	assert_int_equal(aps_ws_close(ws, CONNECTION, 1000, APS_STR("")), APS_OK);
	expect_closed(APS_E_CLOSED, NULL);
	connect.connect_timeout_ms = 60;
	start(connect);
	expect_closed(APS_E_TIMEOUT, "connect_timeout");
	for (int i = 0; i < 15; i++) {
		assert_int_equal(aps_ws_close(ws, CONNECTION, 1000, APS_STR("")), APS_OK);
		expect_closed(APS_E_CLOSED, NULL);
	}
	peer_stop(peer);
}

static void a_peer_that_speaks_no_http_meets_it_too(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_garbage);
	struct aps_ws_connect connect = to(peer->port);
	connect.connect_timeout_ms = 60;
	start(connect);
	expect_closed(APS_E_TIMEOUT, "connect_timeout");
	peer_stop(peer);
}

static void a_peers_close_tells_code_and_printable_reason(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_close);
	start(to(peer->port));
	expect_opened();
	expect_text("before");
	struct aps_err err = expect_closed(APS_E_NETWORK, "closed_by_peer");
	assert_int_equal(err.native, 4445);
	assert_non_null(strstr(err.msg, "4445: g?\xc3\xa9!"));
	peer_stop(peer);
}

static void an_abrupt_reset_is_told(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_reset);
	start(to(peer->port));
	expect_opened();
	aps_wake_raise(&peer->go);
	expect_closed(APS_E_NETWORK, "connection_lost");
	peer_stop(peer);
}

static void a_close_that_the_peer_does_not_answer_ends_by_itself(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_deaf);
	start(to(peer->port));
	expect_opened();
	aps_ws_close(ws, CONNECTION, 1000, APS_STR(""));
	aps_ws_close(ws, CONNECTION, 1000, APS_STR("")); /* twice is legal */
	expect_closed(APS_E_CLOSED, NULL);
	peer_stop(peer);
}

static void closing_while_connecting_ends_at_once(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_silence);
	start(to(peer->port));
	assert_true(aps_wake_wait(&peer->told, WAIT_MS));
	aps_ws_close(ws, CONNECTION, 1000, APS_STR(""));
	expect_closed(APS_E_CLOSED, NULL);
	peer_stop(peer);
}

static void tls(const char *host, long not_after_s, bool verify, const char *word)
{
	struct tls_peer peer;
	tls_peer_start(&peer, host, not_after_s);
	options.ca_file = peer.cert;
	options.verify = verify;
	struct aps_ws_connect connect = to(peer.port);
	connect.is_tls = true;
	start(connect);
	options = (struct aps_net_options){.verify = true};
	if (word) {
		struct aps_err err = expect_closed(APS_E_TLS, word);
		assert_false(err.retryable);
	} else {
		expect_opened();
		aps_ws_send(ws, CONNECTION, APS_STR("over tls"));
		expect_text("over tls");
		aps_ws_close(ws, CONNECTION, 1000, APS_STR(""));
		expect_closed(APS_E_CLOSED, NULL);
	}
	tls_peer_stop(&peer);
}

static void a_certificate_is_checked(void **state)
{
	(void)state;
	tls("localhost", 3600, true, NULL);
	tls("other.example", 3600, true, "host_name");
	tls("localhost", -60, true, "certificate_expired");
	tls("other.example", -60, false, NULL);
}

static void a_ca_file_replaces_the_systems(void **state)
{
	(void)state;
	struct tls_peer peer;
	tls_peer_start(&peer, "localhost", 3600);
	struct aps_ws_connect connect = to(peer.port);
	connect.is_tls = true;
	start(connect);
	expect_closed(APS_E_TLS, "certificate");
	tls_peer_stop(&peer);
	options.ca_file = "/nonexistent.pem";
	start(connect);
	expect_closed(APS_E_TLS, "ca_file");
	options.ca_file = NULL;
	options.cert_file = "/nonexistent.pem";
	start(connect);
	expect_closed(APS_E_TLS, "client_certificate");
	options.cert_file = NULL;
}

static void a_proxy_that_refuses_is_told(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_proxy_refusal);
	char proxy[80];
	snprintf(proxy, sizeof proxy, "http://proxy.invalid:%d", peer->port);
	options.proxy = proxy;
	struct aps_ws_connect connect = to(8081);
	connect.proxy_address = "127.0.0.1";
	start(connect);
	options.proxy = NULL;
	expect_closed(APS_E_NETWORK, "proxy");
	peer_stop(peer);
}

static void a_failing_allocation_is_told_before_or_by_the_terminal_event(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_ws_connect connect = to(peer_free_port());
	int n_refused = 0;
	for (size_t nth = 1; nth < 16; nth++) {
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_ws_connect(ws, &connect, &err);
		if (rc == APS_OK) {
			struct event event = next_event();
			assert_int_equal(event.kind, APS_WS_CLOSED);
		} else {
			assert_int_equal(rc, APS_E_NOMEM);
			n_refused++;
		}
		aps_mem_fail_at(0);
	}
	assert_true(n_refused > 0);
	aps_mem_fail_at(1);
	assert_int_equal(aps_ws_send(ws, CONNECTION, APS_STR("x")), APS_E_NOMEM);
	aps_mem_fail_at(2);
	assert_int_equal(aps_ws_send(ws, CONNECTION, APS_STR("x")), APS_E_NOMEM);
	aps_mem_fail_at(1);
	assert_int_equal(aps_ws_close(ws, CONNECTION, 1000, APS_STR("")), APS_E_NOMEM);
	aps_mem_fail_at(1);
	assert_int_equal(aps_ws_pause(ws, CONNECTION, true), APS_E_NOMEM);
	aps_mem_fail_at(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WS_TEST(an_upgrade_that_is_refused_tells_why),
	        WS_TEST(a_refusal_names_its_target_and_quotes_its_body),
	        WS_TEST(a_refused_connection_is_told),
	        WS_TEST(a_peer_that_never_answers_meets_the_connect_deadline_once),
	        WS_TEST(a_socket_above_the_limit_is_refused_and_one_below_it_is_not),
	        WS_TEST(a_peer_that_speaks_no_http_meets_it_too),
	        WS_TEST(a_peers_close_tells_code_and_printable_reason),
	        WS_TEST(an_abrupt_reset_is_told),
	        WS_TEST(a_close_that_the_peer_does_not_answer_ends_by_itself),
	        WS_TEST(closing_while_connecting_ends_at_once),
	        WS_TEST(a_certificate_is_checked),
	        WS_TEST(a_ca_file_replaces_the_systems),
	        WS_TEST(a_proxy_that_refuses_is_told),
	        WS_TEST(a_failing_allocation_is_told_before_or_by_the_terminal_event),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

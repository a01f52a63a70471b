#include "net/http.h"

#include "base/mem.h"
#include "net/global.h"
#include "net_certificate.h"
#include "net_peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct aps_net_options options = {.verify = true};
static struct aps_http *http;

static struct aps_http_request request_to(const char *url, const char *body)
{
	struct aps_http_request request = {
	        .method = body ? "POST" : "GET",
	        .url = url,
	        .body = body ? aps_strndup(body, strlen(body)) : NULL,
	        .n_body = body ? strlen(body) : 0,
	        .options = &options,
	        .connect_timeout_ms = 20000,
	        .timeout_ms = 20000,
	        .max_response_bytes = 100000,
	};
	return request;
}

static const char *url_of(int port)
{
	static char url[80];
	snprintf(url, sizeof url, "http://127.0.0.1:%d/graphql?secret=1", port);
	return url;
}

static uint64_t start(struct aps_http_request *request)
{
	uint64_t id = 0;
	struct aps_err err;
	assert_int_equal(aps_http_start(http, request, &id, &err), APS_OK);
	assert_int_not_equal(id, 0);
	return id;
}

static struct aps_http_answer wait_answer(void)
{
	struct aps_http_answer answer;
	while (!aps_http_next(http, &answer)) aps_http_poll(http, 20000);
	return answer;
}

static struct aps_http_answer exchange(struct aps_http_request request)
{
	start(&request);
	return wait_answer();
}

static int open_http(void **state)
{
	(void)state;
	struct aps_err err;
	http = aps_http_new(&err);
	return http ? 0 : -1;
}

static int close_http(void **state)
{
	(void)state;
	aps_http_free(http);
	return aps_mem_live() == 0 ? 0 : -1;
}

/* ---- scripts ---- */

static void serve_three_on_one_connection(struct peer *peer)
{
	peer_accept(peer);
	for (int i = 0; i < 3; i++) {
		if (!peer_read_request(peer)) return;
		peer_write_text(peer, "HTTP/1.1 200 OK\r\nX-Amzn-RequestId:  abc \r\nContent-Length: 2\r\n\r\nok");
	}
}

static void serve_gzip(struct peer *peer)
{
	static const char packed[] =
	        "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\xca\x48\xcd\xc9\xc9\x57\xb2\x52\x4a\xaf\xca\x2c\x50"
	        "\xaa\xad\x1e\xe5\x93\xc4\x07\x00\xd6\xf4\xf7\x8d\x40\x01\x00\x00";
	peer_accept(peer);
	if (!peer_read_request(peer)) return;
	char head[200];
	snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
	         sizeof packed - 1);
	peer_write_text(peer, head);
	peer_write(peer, packed, sizeof packed - 1);
	peer_read_end(peer);
}

static void serve_silence(struct peer *peer)
{
	peer_accept(peer);
	peer_read_end(peer);
}

static void serve_told_silence(struct peer *peer)
{
	peer_accept(peer);
	peer_read_request(peer);
	aps_wake_raise(&peer->told);
	peer_read_end(peer);
}

static void serve_truncated(struct peer *peer)
{
	peer_accept(peer);
	peer_read_request(peer);
	peer_write_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it");
}

static void serve_nothing(struct peer *peer)
{
	peer_accept(peer);
	peer_read_request(peer);
}

static void serve_long_headers(struct peer *peer)
{
	char line[1024];
	peer_accept(peer);
	if (!peer_read_request(peer)) return;
	peer_write_text(peer, "HTTP/1.1 200 OK\r\n");
	memset(line, 'x', sizeof line);
	memcpy(line, "a: ", 3);
	memcpy(line + sizeof line - 3, "\r\n", 3);
	for (int i = 0; i < 400 && peer_write_text(peer, line); i++) continue;
	peer_read_end(peer);
}

static void serve_endless_line(struct peer *peer)
{
	char text[1024];
	peer_accept(peer);
	if (!peer_read_request(peer)) return;
	peer_write_text(peer, "HTTP/1.1 200 OK\r\na: ");
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	for (int i = 0; i < 400 && peer_write_text(peer, text); i++) continue;
	peer_read_end(peer);
}

static void serve_long_text(struct peer *peer)
{
	peer_accept(peer);
	peer_read_request(peer);
	peer_write_text(peer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	static char chunk[1000];
	memset(chunk, 'x', sizeof chunk);
	for (int i = 0; i < 1000 && peer_write_text(peer, "3e8\r\n"); i++) {
		peer_write(peer, chunk, sizeof chunk);
		peer_write_text(peer, "\r\n");
	}
}

static void serve_redirect(struct peer *peer)
{
	peer_accept(peer);
	peer_read_request(peer);
	peer_write_text(peer, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
	peer_read_end(peer);
}

static void serve_proxy_question(struct peer *peer)
{
	peer_accept(peer);
	peer_read_request(peer);
	peer_write_text(peer, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
	peer_read_end(peer);
}

static void serve_proxy_refusal(struct peer *peer)
{
	peer_accept(peer);
	peer_read_request(peer);
	peer_write_text(peer, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
	peer_read_end(peer);
}

/* ---- tests ---- */

static void answers_with_status_headers_and_body_over_one_kept_connection(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_three_on_one_connection);
	static const struct aps_header headers[] = {{{"Content-Type", 12}, {"application/json", 16}},
	                                            {{"x-api-key", 9}, {"da2-x", 5}}};
	int tag = 0;
	for (int i = 0; i < 3; i++) {
		struct aps_http_request request = request_to(url_of(peer->port), i == 2 ? NULL : "{}");
		request.headers = headers;
		request.n_headers = i == 1 ? 1 : 2; /* same, other, other method */
		request.tag = &tag;
		struct aps_http_answer answer = exchange(request);
		assert_int_equal(answer.err.code, APS_OK);
		assert_ptr_equal(answer.tag, &tag);
		assert_int_equal(answer.status, 200);
		assert_int_equal(answer.http_version, 11);
		assert_int_equal(answer.n_body, 2);
		assert_memory_equal(answer.body, "ok", 2);
		assert_true(aps_str_is(aps_http_answer_header(&answer, "x-amzn-requestid"), "abc"));
		assert_int_equal(aps_http_answer_header(&answer, "absent").n, 0);
		assert_string_equal(answer.address, "127.0.0.1");
		aps_http_answer_clear(&answer);
	}
	assert_int_equal(aps_http_n_running(http), 0);
	assert_non_null(strstr(peer->input, "GET /graphql?secret=1 HTTP/1.1"));
	assert_non_null(strstr(peer->input, "x-api-key: da2-x\r\n"));
	assert_null(strstr(peer->input, "Expect"));
	assert_int_equal(peer->n_accepted, 1);
	peer_stop(peer);
}

static void unpacks_gzip(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_gzip);
	struct aps_http_answer answer = exchange(request_to(url_of(peer->port), "{}"));
	assert_int_equal(answer.err.code, APS_OK);
	assert_int_equal(answer.n_body, 320);
	assert_memory_equal(answer.body, "{\"hello\":\"gzip\"}{", 17);
	aps_http_answer_clear(&answer);
	aps_http_free(http);
	http = NULL;
	peer_stop(peer);
}

static void the_ceiling_counts_unpacked_bytes(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_gzip);
	struct aps_http_request request = request_to(url_of(peer->port), "{}");
	request.max_response_bytes = 319;
	struct aps_http_answer answer = exchange(request);
	assert_int_equal(answer.err.code, APS_E_TOO_BIG);
	assert_string_equal(aps_err_word(&answer.err), "response_too_big");
	aps_http_answer_clear(&answer);
	peer_stop(peer);
}

static void headers_above_the_ceiling_are_told_as_such(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_long_headers);
	struct aps_http_answer answer = exchange(request_to(url_of(peer->port), "{}"));
	assert_int_equal(answer.err.code, APS_E_TOO_BIG);
	assert_non_null(strstr(answer.err.msg, "the headers of the answer are longer than 262144 bytes"));
	aps_http_answer_clear(&answer);
	peer_stop(peer);
}

static void a_header_without_an_end_is_told_as_such(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_endless_line);
	struct aps_http_answer answer = exchange(request_to(url_of(peer->port), "{}"));
	assert_int_equal(answer.err.code, APS_E_TOO_BIG);
	assert_non_null(strstr(answer.err.msg, "a line of the answer's headers is longer than libcurl accepts"));
	aps_http_answer_clear(&answer);
	peer_stop(peer);
}

static void stops_a_response_above_the_ceiling(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_long_text);
	struct aps_http_answer answer = exchange(request_to(url_of(peer->port), "{}"));
	assert_int_equal(answer.err.code, APS_E_TOO_BIG);
	assert_string_equal(aps_err_word(&answer.err), "response_too_big");
	assert_true(answer.err.sent);
	aps_http_answer_clear(&answer);
	peer_stop(peer);
}

static void a_refused_connection_was_not_sent_and_names_the_host_only(void **state)
{
	(void)state;
	struct aps_http_answer answer = exchange(request_to(url_of(peer_free_port()), "{}"));
	assert_int_equal(answer.err.code, APS_E_NETWORK);
	assert_string_equal(answer.err.word, "connection_refused");
	assert_true(answer.err.retryable);
	assert_false(answer.err.sent);
	assert_non_null(strstr(answer.err.msg, "127.0.0.1"));
	assert_null(strstr(answer.err.msg, "secret"));
	aps_http_answer_clear(&answer);
}

static void a_silent_server_times_out_after_sending(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_silence);
	struct aps_http_request request = request_to(url_of(peer->port), "{}");
	request.timeout_ms = 400; /* it is to be sent before that, on a busy machine, too */
	struct aps_http_answer answer = exchange(request);
	assert_int_equal(answer.err.code, APS_E_TIMEOUT);
	assert_true(answer.err.sent);
	aps_http_answer_clear(&answer);
	peer_stop(peer);
}

static void a_silent_handshake_times_out_before_sending(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_silence);
	char url[80];
	snprintf(url, sizeof url, "https://127.0.0.1:%d/", peer->port);
	struct aps_http_request request = request_to(url, "{}");
	request.connect_timeout_ms = 60;
	struct aps_http_answer answer = exchange(request);
	assert_int_equal(answer.err.code, APS_E_TIMEOUT);
	assert_string_equal(answer.err.word, "connect_timeout");
	assert_false(answer.err.sent);
	aps_http_answer_clear(&answer);
	peer_stop(peer);
}

static void a_truncated_or_missing_answer_may_have_been_executed(void **state)
{
	(void)state;
	void (*const scripts[])(struct peer *) = {serve_truncated, serve_nothing};
	for (size_t i = 0; i < APS_COUNTOF(scripts); i++) {
		struct peer *peer = peer_start(scripts[i]);
		struct aps_http_answer answer = exchange(request_to(url_of(peer->port), "{}"));
		assert_int_equal(answer.err.code, APS_E_NETWORK);
		assert_string_equal(answer.err.word, "connection_lost");
		assert_true(answer.err.sent);
		assert_null(answer.body);
		aps_http_answer_clear(&answer);
		peer_stop(peer);
	}
}

static void no_answer_comes_after_a_cancel(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_told_silence);
	struct aps_http_request request = request_to(url_of(peer->port), "{}");
	uint64_t id = start(&request);
	assert_int_equal(aps_http_n_running(http), 1);
	while (!aps_wake_wait(&peer->told, 0)) aps_http_poll(http, 5);
	aps_http_cancel(http, id);
	aps_http_cancel(http, id);
	aps_http_cancel(http, 12345);
	assert_int_equal(aps_http_n_running(http), 0);
	aps_http_poll(http, 0);
	struct aps_http_answer answer;
	assert_false(aps_http_next(http, &answer));
	peer_stop(peer);
}

static void a_cancelled_id_does_not_name_the_next_exchange(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_three_on_one_connection);
	struct aps_http_request first = request_to(url_of(peer->port), "{}");
	uint64_t id = start(&first);
	aps_http_cancel(http, id);
	struct aps_http_request second = request_to(url_of(peer->port), "{}");
	assert_true(start(&second) != id);
	aps_http_cancel(http, id);
	struct aps_http_answer answer = wait_answer();
	assert_int_equal(answer.status, 200);
	aps_http_answer_clear(&answer);
	aps_http_free(http);
	http = NULL;
	peer_stop(peer);
}

static void wake(void *context, const struct aps_thread *self APS_UNUSED)
{
	aps_http_wakeup(context);
}

static void expect_wake_up(void)
{
	struct aps_thread *thread = aps_thread_start("waker", wake, http, NULL);
	aps_http_poll(http, -1); /* for ever, but for the wake-up */
	assert_true(aps_thread_join(thread, 20000));
}

static void another_thread_ends_the_wait(void **state)
{
	(void)state;
	expect_wake_up(); /* before there is anything of libcurl's */
	struct aps_http_request request = request_to("http://host.invalid:80", NULL);
	struct aps_http_answer answer = exchange(request);
	aps_http_answer_clear(&answer);
	expect_wake_up();
}

static void a_resolving_connect_tells_the_peers_address(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_silence);
	char url[80];
	snprintf(url, sizeof url, "http://localhost:%d", peer->port);
	struct aps_http_request request = request_to(url, NULL);
	request.is_resolve_only = true;
	struct aps_http_answer answer = exchange(request);
	assert_int_equal(answer.err.code, APS_OK);
	assert_string_equal(answer.address, "127.0.0.1");
	aps_http_answer_clear(&answer);
	peer_stop(peer); /* ends because the connection was closed */
	request = request_to("http://host.invalid:80", NULL);
	request.is_resolve_only = true;
	answer = exchange(request);
	assert_int_equal(answer.err.code, APS_E_NETWORK);
	assert_string_equal(answer.err.word, "dns");
	aps_http_answer_clear(&answer);
}

static void a_resolving_connect_through_a_proxy_tells_how_that_answers(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_proxy_question);
	char proxy[80];
	snprintf(proxy, sizeof proxy, "http://user:pw@127.0.0.1:%d", peer->port);
	options.proxy = proxy;
	struct aps_http_request request = request_to("http://host.invalid:80", NULL);
	request.is_resolve_only = true;
	struct aps_http_answer answer = exchange(request);
	options.proxy = NULL;
	assert_non_null(strstr(peer->input, "CONNECT host.invalid:80"));
	assert_int_equal(answer.err.code, APS_E_NETWORK);
	assert_string_equal(answer.err.word, "proxy");
	assert_int_equal(answer.err.native, 407);
	assert_false(answer.err.retryable);
	aps_http_answer_clear(&answer);
	aps_http_free(http);
	http = NULL;
	peer_stop(peer);
}

static void redirects_are_not_followed(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_redirect);
	struct aps_http_answer answer = exchange(request_to(url_of(peer->port), NULL));
	assert_int_equal(answer.status, 302);
	aps_http_answer_clear(&answer);
	aps_http_free(http);
	http = NULL;
	peer_stop(peer);
}

static void the_environments_proxy_is_not_looked_at(void **state)
{
	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	struct peer *peer = peer_start(serve_three_on_one_connection);
	struct aps_http_answer answer = exchange(request_to(url_of(peer->port), "{}"));
	unsetenv("http_proxy");
	assert_int_equal(answer.err.code, APS_OK);
	aps_http_answer_clear(&answer);
	aps_http_free(http);
	http = NULL;
	peer_stop(peer);
}

static void a_proxy_that_refuses_the_tunnel_got_nothing_of_the_request(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_proxy_refusal);
	char proxy[80];
	snprintf(proxy, sizeof proxy, "http://user:pw@127.0.0.1:%d", peer->port);
	options.proxy = proxy;
	struct aps_http_answer answer = exchange(request_to("https://api.invalid/graphql", "{}"));
	options.proxy = NULL;
	assert_int_equal(answer.err.code, APS_E_NETWORK);
	assert_false(answer.err.sent);
	aps_http_answer_clear(&answer);
	assert_non_null(strstr(peer->input, "CONNECT api.invalid:443"));
	assert_non_null(strstr(peer->input, "Proxy-Authorization: Basic dXNlcjpwdw=="));
	aps_http_free(http);
	http = NULL;
	peer_stop(peer);
}

static void refuses_what_would_split_the_request(void **state)
{
	(void)state;
	static const struct aps_header split[] = {{{"x-a", 3}, {"1\r\nx-b: 2", 9}}};
	struct aps_http_request request = request_to(url_of(1), "{}");
	request.headers = split;
	request.n_headers = 1;
	struct aps_err err;
	uint64_t id = 0;
	assert_int_equal(aps_http_start(http, &request, &id, &err), APS_E_USAGE);
	assert_int_equal(aps_http_n_running(http), 0);
}

static void each_failing_allocation_is_told_and_leaks_nothing(void **state)
{
	(void)state;
	static const struct aps_header header = {{"x-a", 3}, {"1", 1}};
	for (size_t nth = 1; nth < 20; nth++) {
		struct peer *peer = peer_start(serve_three_on_one_connection);
		struct aps_http_request request = request_to(url_of(peer->port), "{}");
		request.headers = &header;
		request.n_headers = 1;
		uint64_t id = 0;
		struct aps_err err;
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_http_start(http, &request, &id, &err);
		if (rc == APS_OK) {
			struct aps_http_answer answer = wait_answer();
			rc = answer.err.code;
			aps_http_answer_clear(&answer);
		}
		aps_mem_fail_at(0);
		assert_true(rc == APS_OK || rc == APS_E_NOMEM);
		close_http(NULL);
		assert_int_equal(open_http(NULL), 0);
		shutdown(peer->listener, SHUT_RDWR);
		peer_stop(peer);
	}
}

static void tls(const char *host, long not_after_s, bool verify, enum aps_rc expected, const char *word)
{
	struct tls_peer peer;
	tls_peer_start(&peer, host, not_after_s);
	options.ca_file = peer.cert;
	options.verify = verify;
	char url[80];
	snprintf(url, sizeof url, "https://localhost:%d/", peer.port);
	struct aps_http_answer answer = exchange(request_to(url, "{}"));
	assert_int_equal(answer.err.code, expected);
	if (word) assert_string_equal(answer.err.word, word);
	if (expected == APS_OK) assert_memory_equal(answer.body, "POST / HTTP/1.1", answer.n_body);
	assert_int_equal(answer.err.sent, expected == APS_OK);
	aps_http_answer_clear(&answer);
	options = (struct aps_net_options){.verify = true};
	tls_peer_stop(&peer);
}

static void a_certificate_is_checked(void **state)
{
	(void)state;
	tls("localhost", 3600, true, APS_OK, NULL);
	tls("other.example", 3600, true, APS_E_TLS, "host_name");
	tls("localhost", -60, true, APS_E_TLS, "certificate_expired");
	tls("other.example", -60, false, APS_OK, NULL);
}

static void a_ca_file_replaces_the_systems(void **state)
{
	(void)state;
	struct tls_peer peer;
	tls_peer_start(&peer, "localhost", 3600);
	char url[80];
	snprintf(url, sizeof url, "https://localhost:%d/", peer.port);
	struct aps_http_answer answer = exchange(request_to(url, NULL));
	assert_int_equal(answer.err.code, APS_E_TLS);
	assert_string_equal(answer.err.word, "certificate");
	assert_false(answer.err.retryable);
	aps_http_answer_clear(&answer);
	tls_peer_stop(&peer);
	/* Told before libcurl opens it: a pipe would stop the thread. */
	static char *const files[] = {"/nonexistent.pem", "/dev/zero", "/tmp"};
	for (size_t i = 0; i < APS_COUNTOF(files); i++) {
		uint64_t id = 0;
		struct aps_err err;
		struct aps_http_request request = request_to(url, NULL);
		options.ca_file = files[i];
		enum aps_rc rc = aps_http_start(http, &request, &id, &err);
		options.ca_file = NULL;
		assert_int_equal(rc, APS_E_TLS);
		assert_string_equal(err.word, "ca_file");
	}
}

static unsigned n_ready;

static void count_ready(struct aps_descriptor *descriptor, void *context)
{
	(void)descriptor;
	assert_null(context);
	n_ready++;
}

static unsigned run_ready(struct aps_descriptors *others)
{
	n_ready = 0;
	aps_descriptors_run(others, NULL);
	return n_ready;
}

/* It is somebody else's: it is told, not read. */
static void poll_with(struct aps_descriptors *others, struct aps_wake *wake)
{
	assert_int_equal(run_ready(others), 0);
	aps_wake_raise(wake);
	aps_http_poll(http, -1);
	assert_int_equal(run_ready(others), 1);
	assert_int_equal(run_ready(others), 0);
	aps_http_wakeup(http);
	aps_wake_lower(wake);
	aps_http_poll(http, -1);
	assert_int_equal(run_ready(others), 0);
}

static void a_watched_descriptor_ends_the_wait_before_the_first_exchange_and_later(void **state)
{
	(void)state;
	struct aps_wake wake, silent;
	struct aps_err err;
	struct aps_descriptors others = {NULL};
	struct aps_descriptor first = {.ready = count_ready}, second = {.ready = count_ready};
	assert_int_equal(aps_wake_init(&wake, &err), APS_OK);
	assert_int_equal(aps_wake_init(&silent, &err), APS_OK);
	aps_http_watch(http, &others);
	aps_descriptors_add(&others, &first, wake.read_fd);
	aps_descriptors_add(&others, &second, silent.read_fd);
	poll_with(&others, &wake);
	struct peer *peer = peer_start(serve_told_silence);
	struct aps_http_request request = request_to(url_of(peer->port), NULL);
	uint64_t id = start(&request);
	while (!aps_wake_wait(&peer->told, 0)) aps_http_poll(http, 10);
	poll_with(&others, &wake);
	poll_with(&others, &silent);
	aps_wake_raise(&wake);
	aps_wake_raise(&silent);
	aps_http_poll(http, 0);
	assert_int_equal(run_ready(&others), 2);
	aps_descriptors_remove(&others, &first);
	aps_http_poll(http, 0);
	assert_int_equal(run_ready(&others), 1);
	aps_descriptors_remove(&others, &second);
	aps_http_poll(http, 0);
	assert_int_equal(run_ready(&others), 0);
	aps_http_cancel(http, id);
	aps_http_free(http);
	http = aps_http_new(&err);
	peer_stop(peer);
	aps_wake_clear(&wake);
	aps_wake_clear(&silent);
}

#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, open_http, close_http)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        HTTP_TEST(answers_with_status_headers_and_body_over_one_kept_connection),
	        HTTP_TEST(unpacks_gzip),
	        HTTP_TEST(the_ceiling_counts_unpacked_bytes),
	        HTTP_TEST(headers_above_the_ceiling_are_told_as_such),
	        HTTP_TEST(a_header_without_an_end_is_told_as_such),
	        HTTP_TEST(stops_a_response_above_the_ceiling),
	        HTTP_TEST(a_refused_connection_was_not_sent_and_names_the_host_only),
	        HTTP_TEST(a_silent_server_times_out_after_sending),
	        HTTP_TEST(a_silent_handshake_times_out_before_sending),
	        HTTP_TEST(a_truncated_or_missing_answer_may_have_been_executed),
	        HTTP_TEST(no_answer_comes_after_a_cancel),
	        HTTP_TEST(a_cancelled_id_does_not_name_the_next_exchange),
	        HTTP_TEST(another_thread_ends_the_wait),
	        HTTP_TEST(a_watched_descriptor_ends_the_wait_before_the_first_exchange_and_later),
	        HTTP_TEST(a_resolving_connect_tells_the_peers_address),
	        HTTP_TEST(a_resolving_connect_through_a_proxy_tells_how_that_answers),
	        HTTP_TEST(redirects_are_not_followed),
	        HTTP_TEST(the_environments_proxy_is_not_looked_at),
	        HTTP_TEST(a_proxy_that_refuses_the_tunnel_got_nothing_of_the_request),
	        HTTP_TEST(refuses_what_would_split_the_request),
	        HTTP_TEST(each_failing_allocation_is_told_and_leaks_nothing),
	        HTTP_TEST(a_certificate_is_checked),
	        HTTP_TEST(a_ca_file_replaces_the_systems),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

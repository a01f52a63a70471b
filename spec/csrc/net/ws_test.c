#include "net/ws.h"

#include "base/mem.h"
#include "net_certificate.h"
#include "net_peer.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>

#include <cmocka.h>

enum { WAIT_MS = 20000, CONNECTION = 7 };

/* ---- the receiving side ---- */

static struct {
	pthread_mutex_t lock;
	struct aps_ws_batch *first;
	struct aps_ws_batch **last;
	struct aps_wake wake;
} inbox = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct aps_ws *ws;
static struct aps_net_options options = {.verify = true};
static struct aps_ws_batch *current; /* being read by next_event() */
static size_t next_in_current;
static size_t n_batches;
static size_t live_before;

struct event {
	enum aps_ws_event_kind kind;
	const char *p; /* until the next call */
	size_t n;
	struct aps_err err;
};

static void deliver(void *context, struct aps_ws_batch *batch)
{
	(void)context;
	pthread_mutex_lock(&inbox.lock);
	batch->next = NULL;
	*inbox.last = batch;
	inbox.last = &batch->next;
	pthread_mutex_unlock(&inbox.lock);
	aps_wake_raise(&inbox.wake);
}

static struct aps_ws_batch *take_batch(void)
{
	pthread_mutex_lock(&inbox.lock);
	struct aps_ws_batch *batch = inbox.first;
	if (batch) inbox.first = batch->next;
	if (!inbox.first) inbox.last = &inbox.first;
	pthread_mutex_unlock(&inbox.lock);
	return batch;
}

/* False: nothing within timeout_ms. */
static bool try_event(struct event *event, int timeout_ms)
{
	while (!current || next_in_current == current->n_events) {
		aps_ws_batch_free(current);
		next_in_current = 0;
		current = take_batch();
		if (current) {
			n_batches++;
			break;
		}
		if (!aps_wake_wait(&inbox.wake, timeout_ms)) return false;
		aps_wake_lower(&inbox.wake);
	}
	const struct aps_ws_event *from = &current->events[next_in_current++];
	assert_int_equal(from->connection, CONNECTION);
	*event = (struct event){.kind = from->kind, .n = from->n};
	event->p = from->n ? current->bytes->p + from->offset : "";
	if (from->kind == APS_WS_CLOSED) {
		event->err = current->err;
		assert_int_equal(next_in_current, current->n_events); /* always the last of its batch */
	}
	return true;
}

static struct event next_event(void)
{
	struct event event = {.n = 0};
	assert_true(try_event(&event, WAIT_MS));
	return event;
}

static void expect_opened(void)
{
	struct event event = next_event();
	if (event.kind == APS_WS_CLOSED) print_message("closed: %s\n", event.err.msg);
	assert_int_equal(event.kind, APS_WS_OPENED);
}

static void expect_text(const char *text)
{
	struct event event = next_event();
	if (event.kind == APS_WS_CLOSED) print_message("closed: %s\n", event.err.msg);
	assert_int_equal(event.kind, APS_WS_FRAME);
	assert_int_equal(event.n, strlen(text));
	assert_memory_equal(event.p, text, event.n);
}

static struct aps_err expect_closed(enum aps_rc code, const char *word)
{
	struct event event = next_event();
	assert_int_equal(event.kind, APS_WS_CLOSED);
	if (event.err.code != code) print_message("closed with %s: %s\n", aps_rc_name(event.err.code), event.err.msg);
	assert_int_equal(event.err.code, code);
	if (word) assert_string_equal(aps_err_word(&event.err), word);
	assert_null(strstr(event.err.msg, "secret"));
	return event.err;
}

static int open_ws(void **state)
{
	(void)state;
	inbox.first = NULL;
	inbox.last = &inbox.first;
	n_batches = 0;
	live_before = aps_mem_live();
	struct aps_err err;
	if (aps_wake_init(&inbox.wake, NULL)) return -1;
	ws = aps_ws_new((struct aps_ws_sink){deliver, NULL}, &err);
	return ws ? 0 : -1;
}

/* Stops the thread and looks at what it left behind: no further terminal event, no memory. */
static int close_ws(void **state)
{
	(void)state;
	struct event event;
	int n_closed = 0;
	if (!aps_ws_free(ws, WAIT_MS)) return -1;
	while (try_event(&event, 0)) n_closed += event.kind == APS_WS_CLOSED;
	aps_ws_batch_free(current);
	current = NULL;
	aps_wake_clear(&inbox.wake);
	return n_closed == 0 && aps_mem_live() == live_before ? 0 : -1;
}

static struct aps_ws_connect to(int port)
{
	return (struct aps_ws_connect){
	        .connection = CONNECTION,
	        .host = "localhost",
	        .port = port,
	        .address = "127.0.0.1",
	        .path = "/graphql/realtime?secret=1",
	        .protocols = "graphql-ws, header-abc",
	        .expected_protocol = "graphql-ws",
	        .options = &options,
	        .connect_timeout_ms = WAIT_MS,
	        .max_message_bytes = 100000,
	};
}

static void start(struct aps_ws_connect connect)
{
	struct aps_err err = {.code = APS_OK};
	enum aps_rc rc = aps_ws_connect(ws, &connect, &err);
	if (rc != APS_OK) print_message("%s\n", err.msg);
	assert_int_equal(rc, APS_OK);
}

/* ---- scripts ---- */

static void serve_echo(struct peer *peer)
{
	static char text[70000];
	size_t n;
	if (!peer_ws_open(peer, "graphql-ws")) return;
	for (;;) {
		int opcode = peer_ws_read(peer, text, sizeof text, &n);
		if (opcode < 0) return;
		peer_ws_send(peer, 0x80 | opcode, text, n);
		if (opcode == 8) return;
	}
}

static void serve_fragments(struct peer *peer)
{
	peer_ws_open(peer, "graphql-ws");
	peer_ws_send(peer, 0x01, "one ", 4);
	peer_ws_send(peer, 0x89, "", 0); /* a ping may come between fragments */
	peer_ws_send(peer, 0x00, "two ", 4);
	peer_ws_send(peer, 0x80, "three", 5);
	peer_ws_send(peer, 0x82, "\x00\x01", 2); /* binary: ignored */
	peer_ws_send_text(peer, "");
	peer_ws_send_text(peer, "next");
	peer_read_end(peer);
}

enum { N_MANY = 2000, MANY_BYTES = 300 };

static void serve_many(struct peer *peer)
{
	static unsigned char all[N_MANY * (MANY_BYTES + 4)];
	char text[MANY_BYTES + 1];
	size_t n = 0;
	for (int i = 0; i < N_MANY; i++) {
		snprintf(text, sizeof text, "%0*d", MANY_BYTES, i);
		n += peer_ws_frame(all + n, 0x81, text, MANY_BYTES);
	}
	if (!peer_ws_open(peer, "graphql-ws")) return;
	aps_wake_wait(&peer->go, PEER_WAIT_S * 1000);
	peer_write(peer, all, n);
	peer_read_end(peer);
}

static void serve_too_big(struct peer *peer)
{
	static char text[300000];
	memset(text, 'b', sizeof text);
	peer_ws_open(peer, "graphql-ws");
	peer_ws_send(peer, 0x81, text, 100000); /* the bound itself */
	peer_ws_send(peer, 0x81, text, 100001);
	peer_ws_send_text(peer, "small");
	peer_ws_send(peer, 0x81, text, sizeof text);
	peer_ws_send(peer, 0x01, text, 60000);
	peer_ws_send(peer, 0x80, text, 60000);
	peer_ws_send_text(peer, "last");
	peer_read_end(peer);
}

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

static void serve_two_on_request(struct peer *peer)
{
	char text[100];
	size_t n;
	peer_ws_open(peer, "graphql-ws");
	while (peer_ws_read(peer, text, sizeof text, &n) == 1) {
		peer_ws_send_text(peer, "first");
		peer_ws_send_text(peer, "second");
		aps_wake_raise(&peer->told);
	}
}

static void serve_tunnel(struct peer *peer)
{
	peer_accept(peer);
	peer_read_request(peer);
	aps_wake_raise(&peer->told);
	aps_wake_wait(&peer->go, PEER_WAIT_S * 1000);
	aps_wake_lower(&peer->go);
	peer_write_text(peer, "HTTP/1.0 200 Connection established\r\n\r\n");
	if (!peer_read_request(peer)) return;
	char key[40], answer[300];
	peer_ws_accept_key(peer->input, key);
	snprintf(answer, sizeof answer,
	         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
	         "Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
	         "Sec-WebSocket-Protocol: graphql-ws\r\n\r\n",
	         key);
	peer_write_text(peer, answer);
	peer_read_end(peer);
}

static void serve_proxy_refusal(struct peer *peer)
{
	peer_accept(peer);
	peer_read_request(peer);
	peer_write_text(peer, "HTTP/1.0 407 Proxy Authentication Required\r\n\r\n");
	peer_read_end(peer);
}

/* ---- tests ---- */

static void opens_sends_and_closes(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_echo);
	static const char *const lines[] = {"x-one: 1", "x-two: 2"};
	struct aps_ws_connect connect = to(peer->port);
	connect.header_lines = lines;
	connect.n_header_lines = 2;
	start(connect);
	assert_int_equal(aps_ws_send(ws, CONNECTION, APS_STR("early")), APS_OK); /* kept until it is open */
	expect_opened();
	expect_text("early");
	for (int i = 0; i < 3; i++) assert_int_equal(aps_ws_send(ws, CONNECTION, APS_STR("hello")), APS_OK);
	for (int i = 0; i < 3; i++) expect_text("hello");
	static char longer[60001];
	memset(longer, 'l', 60000);
	aps_ws_send(ws, CONNECTION, aps_str_of(longer));
	expect_text(longer);
	aps_ws_send(ws, 99, APS_STR("nobody")); /* dropped */
	aps_ws_send(ws, CONNECTION, APS_STR("bye"));
	aps_ws_close(ws, CONNECTION, 1000, APS_STR("done"));
	expect_text("bye"); /* what was queued goes out first */
	struct aps_err err = expect_closed(APS_E_CLOSED, NULL);
	assert_int_equal(err.native, 1000);
	char host[80];
	snprintf(host, sizeof host, "Host: localhost:%d\r\n", peer->port);
	assert_non_null(strstr(peer->input, host));
	assert_non_null(strstr(peer->input, "GET /graphql/realtime?secret=1 HTTP/1.1\r\n"));
	assert_non_null(strstr(peer->input, "Sec-WebSocket-Protocol: graphql-ws, header-abc\r\n"));
	assert_non_null(strstr(peer->input, "x-one: 1\r\nx-two: 2\r\n"));
	assert_null(strstr(peer->input, "Extensions"));
	peer_stop(peer);
}

static void puts_fragments_together_and_ignores_binary_frames(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_fragments);
	start(to(peer->port));
	expect_opened();
	expect_text("one two three");
	expect_text("");
	expect_text("next");
	aps_ws_close(ws, CONNECTION, 1000, APS_STR(""));
	peer_stop(peer);
	expect_closed(APS_E_CLOSED, NULL);
}

static void many_frames_come_in_few_batches(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_many);
	start(to(peer->port));
	expect_opened();
	n_batches = 0;
	aps_wake_raise(&peer->go);
	char text[MANY_BYTES + 1];
	for (int i = 0; i < N_MANY; i++) {
		snprintf(text, sizeof text, "%0*d", MANY_BYTES, i);
		expect_text(text);
	}
	print_message("%d frames in %zu batches\n", N_MANY, n_batches);
	assert_true(n_batches <= N_MANY / 4);
	aps_ws_close(ws, CONNECTION, 1000, APS_STR(""));
	peer_stop(peer);
	expect_closed(APS_E_CLOSED, NULL);
}

static void expect_too_big(void)
{
	struct event event = next_event();
	assert_int_equal(event.kind, APS_WS_TOO_BIG);
	assert_int_equal(event.n, 512);
	for (size_t i = 0; i < event.n; i++) assert_int_equal(event.p[i], 'b');
}

static void a_message_above_the_bound_is_skipped_and_the_next_one_comes(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_too_big);
	start(to(peer->port));
	expect_opened();
	struct event event = next_event();
	assert_int_equal(event.kind, APS_WS_FRAME);
	assert_int_equal(event.n, 100000);
	expect_too_big();
	expect_text("small");
	expect_too_big();
	expect_too_big();
	expect_text("last");
	aps_ws_close(ws, CONNECTION, 1000, APS_STR(""));
	peer_stop(peer);
	expect_closed(APS_E_CLOSED, NULL);
}

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
	        {serve_garbage, APS_E_NETWORK, NULL, 0, true},
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
	assert_non_null(strstr(err.msg, "4445: g?"
	                                "?"
	                                "?!"));
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

static void a_send_queue_above_its_bound_ends_the_connection(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_deaf);
	start(to(peer->port));
	expect_opened();
	static char text[100000];
	memset(text, 'q', sizeof text);
	for (int i = 0; i < 300; i++) /* far more than socket buffers and the queue hold together */
		aps_ws_send(ws, CONNECTION, (struct aps_str){text, sizeof text});
	expect_closed(APS_E_NETWORK, "send_queue_full");
	peer_stop(peer);
}

static void a_paused_connection_reads_nothing_until_it_is_resumed(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_two_on_request);
	start(to(peer->port));
	expect_opened();
	struct event event;
	for (int round = 0; round < 2; round++) {
		aps_ws_pause(ws, CONNECTION, true);
		aps_ws_send(ws, CONNECTION, APS_STR("go")); /* sending goes on */
		assert_true(aps_wake_wait(&peer->told, WAIT_MS));
		aps_wake_lower(&peer->told);
		assert_false(try_event(&event, 30)); /* both are in the socket by now */
		aps_ws_pause(ws, CONNECTION, false);
		expect_text("first");
		expect_text("second");
	}
	aps_ws_close(ws, CONNECTION, 1000, APS_STR(""));
	expect_closed(APS_E_CLOSED, NULL);
	peer_stop(peer);
}

static void a_long_list_of_sub_protocols_arrives_whole(void **state)
{
	(void)state;
	static const size_t sizes[] = {4096, 16000, 28000};
	for (size_t i = 0; i < APS_COUNTOF(sizes); i++) {
		struct peer *peer = peer_start(serve_echo);
		struct aps_ws_connect connect = to(peer->port);
		char *protocols = calloc(1, sizes[i] + 1);
		strcpy(protocols, "graphql-ws, header-");
		memset(protocols + strlen(protocols), 'A', sizes[i] - strlen(protocols));
		connect.protocols = protocols;
		start(connect);
		expect_opened();
		assert_non_null(strstr(peer->input, protocols));
		aps_ws_close(ws, CONNECTION, 1000, APS_STR(""));
		expect_closed(APS_E_CLOSED, NULL);
		peer_stop(peer);
		free(protocols);
	}
}

static void values_that_would_be_cut_are_refused(void **state)
{
	(void)state;
	static char text[40000];
	memset(text, 'a', sizeof text - 1);
	static const char *const split[] = {"x-a: 1\r\nx-b: 2"};
	struct aps_err err;
	struct aps_ws_connect connect = to(1);
	connect.protocols = text;
	assert_int_equal(aps_ws_connect(ws, &connect, &err), APS_E_USAGE);
	connect = to(1);
	connect.path = text;
	assert_int_equal(aps_ws_connect(ws, &connect, &err), APS_E_USAGE);
	connect = to(1);
	connect.host = text;
	assert_int_equal(aps_ws_connect(ws, &connect, &err), APS_E_USAGE);
	connect = to(1);
	connect.header_lines = split;
	connect.n_header_lines = 1;
	assert_int_equal(aps_ws_connect(ws, &connect, &err), APS_E_USAGE);
	connect = to(0);
	assert_int_equal(aps_ws_connect(ws, &connect, &err), APS_E_USAGE);
	options.proxy = text; /* no port */
	connect = to(1);
	connect.proxy_address = "127.0.0.1";
	assert_int_equal(aps_ws_connect(ws, &connect, &err), APS_E_USAGE);
	options.proxy = NULL;
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

static void the_environments_proxy_is_not_looked_at(void **state)
{
	(void)state;
	setenv("http_proxy", "127.0.0.1:1", 1);
	struct peer *peer = peer_start(serve_echo);
	start(to(peer->port));
	expect_opened();
	unsetenv("http_proxy");
	aps_ws_close(ws, CONNECTION, 1000, APS_STR(""));
	expect_closed(APS_E_CLOSED, NULL);
	peer_stop(peer);
}

static void goes_through_the_proxy_that_was_named(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_tunnel);
	char proxy[80];
	snprintf(proxy, sizeof proxy, "http://user:p%%40w@proxy.invalid:%d", peer->port);
	options.proxy = proxy;
	struct aps_ws_connect connect = to(8081);
	connect.proxy_address = "127.0.0.1";
	start(connect);
	options.proxy = NULL;
	assert_true(aps_wake_wait(&peer->told, WAIT_MS));
	assert_non_null(strstr(peer->input, "CONNECT localhost:8081 "));
	assert_non_null(strstr(peer->input, "dXNlcjpwQHc=")); /* user:p@w */
	aps_wake_raise(&peer->go);
	expect_opened();
	aps_ws_close(ws, CONNECTION, 1000, APS_STR(""));
	expect_closed(APS_E_CLOSED, NULL);
	peer_stop(peer);
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

static void can_be_freed_while_connecting(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_silence);
	start(to(peer->port));
	assert_true(aps_wake_wait(&peer->told, WAIT_MS));
	assert_true(aps_ws_free(ws, WAIT_MS));
	ws = NULL;
	peer_stop(peer);
}

static void can_be_freed_before_the_thread_has_looked(void **state)
{
	(void)state;
	start(to(1));
	assert_true(aps_ws_free(ws, WAIT_MS));
	ws = NULL;
	struct event event;
	if (try_event(&event, 0)) assert_int_equal(event.kind, APS_WS_CLOSED); /* it may have looked in time */
}

static void can_be_freed_while_open(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_echo);
	start(to(peer->port));
	aps_ws_send(ws, CONNECTION, APS_STR("hello"));
	expect_opened();
	aps_ws_send(ws, CONNECTION, APS_STR("hello"));
	assert_true(aps_ws_free(ws, WAIT_MS));
	ws = NULL;
	peer_stop(peer);
}

static void the_hosts_sigpipe_choice_stays(void **state)
{
	(void)state;
	struct sigaction now;
	assert_int_equal(sigaction(SIGPIPE, NULL, &now), 0);
	assert_true(now.sa_handler == SIG_DFL);
	start(to(peer_free_port()));
	expect_closed(APS_E_NETWORK, NULL);
	assert_int_equal(sigaction(SIGPIPE, NULL, &now), 0);
	assert_true(now.sa_handler == SIG_DFL);
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

#define WS_TEST(name) cmocka_unit_test_setup_teardown(name, open_ws, close_ws)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WS_TEST(the_hosts_sigpipe_choice_stays),
	        WS_TEST(opens_sends_and_closes),
	        WS_TEST(puts_fragments_together_and_ignores_binary_frames),
	        WS_TEST(many_frames_come_in_few_batches),
	        WS_TEST(a_message_above_the_bound_is_skipped_and_the_next_one_comes),
	        WS_TEST(an_upgrade_that_is_refused_tells_why),
	        WS_TEST(a_refused_connection_is_told),
	        WS_TEST(a_peer_that_never_answers_meets_the_connect_deadline_once),
	        WS_TEST(a_peers_close_tells_code_and_printable_reason),
	        WS_TEST(an_abrupt_reset_is_told),
	        WS_TEST(a_close_that_the_peer_does_not_answer_ends_by_itself),
	        WS_TEST(closing_while_connecting_ends_at_once),
	        WS_TEST(a_send_queue_above_its_bound_ends_the_connection),
	        WS_TEST(a_paused_connection_reads_nothing_until_it_is_resumed),
	        WS_TEST(a_long_list_of_sub_protocols_arrives_whole),
	        WS_TEST(values_that_would_be_cut_are_refused),
	        WS_TEST(a_certificate_is_checked),
	        WS_TEST(a_ca_file_replaces_the_systems),
	        WS_TEST(the_environments_proxy_is_not_looked_at),
	        WS_TEST(goes_through_the_proxy_that_was_named),
	        WS_TEST(a_proxy_that_refuses_is_told),
	        WS_TEST(can_be_freed_while_connecting),
	        WS_TEST(can_be_freed_while_open),
	        WS_TEST(a_failing_allocation_is_told_before_or_by_the_terminal_event),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/clock.h"
#include "net_ws_fixture.h"

#include <sched.h>
#include <stdatomic.h>

/* ---- scripts ---- */

static void serve_echo(struct peer *peer)
{
	static char text[70000];
	size_t n;
	if (!peer_ws_open(peer, "graphql-ws")) return;
	for (;;) {
		int opcode = peer_ws_read(peer, text, sizeof text, &n);
		if (opcode < 0) return;
		if (strcmp(text, "bye") == 0) aps_wake_raise(&peer->told);
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

static void serve_silence(struct peer *peer)
{
	peer_accept(peer);
	aps_wake_raise(&peer->told);
	peer_read_end(peer);
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

/* One message each time that the test lets it. */
static void serve_when_let(struct peer *peer)
{
	peer_ws_open(peer, "graphql-ws");
	for (int i = 1; i <= 3; i++) {
		char text[] = {(char)('0' + i), '\0'};
		aps_wake_wait(&peer->go, PEER_WAIT_S * 1000);
		aps_wake_lower(&peer->go);
		if (i < 3)
			peer_ws_send_text(peer, text);
		else
			peer_ws_send(peer, 0x01, text, 1); /* its end never comes */
		aps_wake_raise(&peer->told);
	}
	peer_read_end(peer);
}

static void serve_upgrade_when_let(struct peer *peer)
{
	char answer[400];
	peer_accept(peer);
	if (!peer_read_request(peer)) return;
	aps_wake_raise(&peer->told);
	aps_wake_wait(&peer->go, PEER_WAIT_S * 1000);
	aps_wake_lower(&peer->go);
	peer_ws_answer(peer, "graphql-ws", answer, sizeof answer);
	peer_write_text(peer, answer);
	aps_wake_raise(&peer->told);
	peer_read_end(peer);
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
	char answer[400];
	peer_ws_answer(peer, "graphql-ws", answer, sizeof answer);
	peer_write_text(peer, answer);
	peer_read_end(peer);
}

#define GATED_TEST(name) cmocka_unit_test_setup_teardown(name, open_gated_ws, close_gated_ws)

/* ---- tests ---- */

static void opens_sends_and_closes(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_echo);
	static const struct aps_header headers[] = {{{"x-one", 5}, {"1", 1}}, {{"x-two", 5}, {"2", 1}}};
	struct aps_ws_connect connect = to(peer->port);
	connect.headers = headers;
	connect.n_headers = 2;
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
	assert_true(aps_wake_wait(&peer->told, WAIT_MS)); /* what was queued goes out first */
	struct event event = next_event();
	if (event.kind == APS_WS_FRAME) event = next_event(); /* the echo may come before the close is under way */
	assert_int_equal(event.kind, APS_WS_CLOSED);
	struct aps_err err = event.err;
	assert_int_equal(err.code, APS_E_CLOSED);
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

static struct {
	atomic_bool is_shut;
	struct aps_wake reached, open;
} gate;

/* Holds the realtime thread up where the gate is shut. */
static void deliver_when_let(void *context, struct aps_ws_batch *batch)
{
	if (atomic_exchange(&gate.is_shut, false)) {
		aps_wake_raise(&gate.reached);
		aps_wake_wait(&gate.open, WAIT_MS);
		aps_wake_lower(&gate.open);
	}
	deliver(context, batch);
}

static void let_peer_send(struct peer *peer)
{
	aps_wake_raise(&peer->go);
	assert_true(aps_wake_wait(&peer->told, WAIT_MS));
	aps_wake_lower(&peer->told);
}

static size_t expect_looked(void)
{
	struct event event = {.n = 0};
	assert_true(try_event(&event, WAIT_MS));
	assert_int_equal(event.kind, APS_WS_LOOKED);
	return event.n;
}

static void wait_ms(int64_t n_ms)
{
	for (int64_t end_ms = aps_clock_mono_ms() + n_ms; aps_clock_mono_ms() < end_ms;) sched_yield();
}

static int open_gated_ws(void **state)
{
	struct aps_err err;
	if (open_ws(state) != 0 || !aps_ws_free(ws, WAIT_MS)) return -1;
	if (aps_wake_init(&gate.reached, NULL) || aps_wake_init(&gate.open, NULL)) return -1;
	ws = aps_ws_new((struct aps_ws_sink){deliver_when_let, NULL}, &err);
	return ws ? 0 : -1;
}

static int close_gated_ws(void **state)
{
	int rc = close_ws(state);
	aps_wake_clear(&gate.reached);
	aps_wake_clear(&gate.open);
	return rc;
}

static void what_the_socket_has_comes_before_the_answer_of_who_looks(void **state)
{
	(void)state;
	struct peer *peer = peer_start(serve_when_let);
	start(to(peer->port));
	expect_opened();
	aps_ws_look(ws, CONNECTION); /* nothing comes, and nothing is waited for */
	expect_looked();

	atomic_store(&gate.is_shut, true);
	let_peer_send(peer);
	assert_true(aps_wake_wait(&gate.reached, WAIT_MS));
	let_peer_send(peer); /* the thread has 1 in its hands: 2 lies in the socket */
	aps_ws_look(ws, CONNECTION);
	aps_wake_raise(&gate.open);
	expect_text("1");
	expect_text("2");
	expect_looked();

	int64_t from_ms = aps_clock_mono_ms();
	wait_ms(2);
	aps_ws_look(ws, CONNECTION);
	assert_in_range(expect_looked(), 1, (size_t)from_ms);
	from_ms = aps_clock_mono_ms();
	let_peer_send(peer); /* a part is a sign of life, too */
	aps_ws_look(ws, CONNECTION);
	assert_in_range(expect_looked(), (size_t)from_ms, (size_t)aps_clock_mono_ms());

	aps_ws_look(ws, CONNECTION + 1); /* nobody's: nobody is told */
	aps_ws_close(ws, CONNECTION, 1000, APS_STR(""));
	peer_stop(peer);
	expect_closed(APS_E_CLOSED, NULL);
}

/* The upgrade is answered while the realtime thread is held up, and its time is over before that goes on. False: the
 * machine was too busy to say so. */
static bool is_opened_late(int64_t timeout_ms)
{
	struct peer *peer = peer_start(serve_upgrade_when_let);
	struct aps_ws_connect connect = to(peer->port);
	int64_t from_ms = aps_clock_mono_ms();
	connect.connect_timeout_ms = timeout_ms;
	start(connect);
	assert_true(aps_wake_wait(&peer->told, WAIT_MS));
	aps_wake_lower(&peer->told);
	int64_t begun_ms = aps_clock_mono_ms(); /* its time has begun to run between the two */
	atomic_store(&gate.is_shut, true);
	aps_ws_look(ws, CONNECTION);
	assert_true(aps_wake_wait(&gate.reached, WAIT_MS)); /* by LOOKED, or by CLOSED */
	aps_wake_lower(&gate.reached);
	bool is_in_time = aps_clock_mono_ms() < from_ms + timeout_ms;
	let_peer_send(peer);
	if (is_in_time) wait_ms(begun_ms + timeout_ms + 2 - aps_clock_mono_ms());
	aps_wake_raise(&gate.open);
	if (is_in_time) {
		expect_looked();
		expect_opened();
	}
	aps_ws_close(ws, CONNECTION, 1000, APS_STR("")); /* it may have been opened all the same */
	peer_stop(peer);
	struct event event = next_event();
	while (event.kind != APS_WS_CLOSED) event = next_event();
	return is_in_time;
}

static void an_answer_that_came_in_time_counts_where_the_thread_was_late(void **state)
{
	(void)state;
	int64_t timeout_ms = 100;
	while (!is_opened_late(timeout_ms)) {
		timeout_ms *= 2;
		assert_true(timeout_ms < WAIT_MS);
	}
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
	static const struct aps_header split[] = {{{"x-a", 3}, {"1\r\nx-b: 2", 9}}};
	struct aps_err err;
	struct aps_ws_connect connect = to(1);
	connect.protocols = text;
	assert_int_equal(aps_ws_connect(ws, &connect, &err), APS_E_TOO_BIG);
	connect = to(1);
	connect.path = text;
	assert_int_equal(aps_ws_connect(ws, &connect, &err), APS_E_TOO_BIG);
	connect = to(1);
	connect.host = text;
	assert_int_equal(aps_ws_connect(ws, &connect, &err), APS_E_TOO_BIG);
	connect = to(1);
	connect.headers = split;
	connect.n_headers = 1;
	assert_int_equal(aps_ws_connect(ws, &connect, &err), APS_E_USAGE);
	connect = to(0);
	assert_int_equal(aps_ws_connect(ws, &connect, &err), APS_E_USAGE);
	options.proxy = text; /* no port */
	connect = to(1);
	connect.proxy_address = "127.0.0.1";
	assert_int_equal(aps_ws_connect(ws, &connect, &err), APS_E_USAGE);
	options.proxy = NULL;
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
	aps_wake_lower(&peer->told);
	assert_non_null(strstr(peer->input, "CONNECT localhost:8081 "));
	assert_non_null(strstr(peer->input, "dXNlcjpwQHc=")); /* user:p@w */
	aps_wake_raise(&peer->go);
	expect_opened();
	aps_ws_close(ws, CONNECTION, 1000, APS_STR(""));
	expect_closed(APS_E_CLOSED, NULL);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        WS_TEST(the_hosts_sigpipe_choice_stays),
	        WS_TEST(opens_sends_and_closes),
	        WS_TEST(puts_fragments_together_and_ignores_binary_frames),
	        WS_TEST(many_frames_come_in_few_batches),
	        WS_TEST(a_message_above_the_bound_is_skipped_and_the_next_one_comes),
	        WS_TEST(a_send_queue_above_its_bound_ends_the_connection),
	        WS_TEST(a_paused_connection_reads_nothing_until_it_is_resumed),
	        GATED_TEST(what_the_socket_has_comes_before_the_answer_of_who_looks),
	        GATED_TEST(an_answer_that_came_in_time_counts_where_the_thread_was_late),
	        WS_TEST(a_long_list_of_sub_protocols_arrives_whole),
	        WS_TEST(values_that_would_be_cut_are_refused),
	        WS_TEST(the_environments_proxy_is_not_looked_at),
	        WS_TEST(goes_through_the_proxy_that_was_named),
	        WS_TEST(can_be_freed_while_connecting),
	        WS_TEST(can_be_freed_before_the_thread_has_looked),
	        WS_TEST(can_be_freed_while_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

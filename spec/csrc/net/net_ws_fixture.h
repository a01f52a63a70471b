/* A realtime thread under test, and the side that receives its batches. Included by the tests of net/ws.h. */
#ifndef NET_WS_FIXTURE_H
#define NET_WS_FIXTURE_H

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

APS_UNUSED static void deliver(void *context, struct aps_ws_batch *batch)
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
APS_UNUSED static bool try_event(struct event *event, int timeout_ms)
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
	event->p = current->bytes ? current->bytes->p + from->offset : "";
	if (from->kind == APS_WS_CLOSED) {
		event->err = current->err;
		assert_int_equal(next_in_current, current->n_events); /* always the last of its batch */
	}
	return true;
}

APS_UNUSED static struct event next_event(void)
{
	struct event event = {.n = 0};
	assert_true(try_event(&event, WAIT_MS));
	return event;
}

APS_UNUSED static void expect_opened(void)
{
	struct event event = next_event();
	if (event.kind == APS_WS_CLOSED) print_message("closed: %s\n", event.err.msg);
	assert_int_equal(event.kind, APS_WS_OPENED);
}

APS_UNUSED static void expect_text(const char *text)
{
	struct event event = next_event();
	if (event.kind == APS_WS_CLOSED) print_message("closed: %s\n", event.err.msg);
	assert_int_equal(event.kind, APS_WS_FRAME);
	assert_int_equal(event.n, strlen(text));
	assert_memory_equal(event.p, text, event.n);
}

APS_UNUSED static struct aps_err expect_closed(enum aps_rc code, const char *word)
{
	struct event event = next_event();
	assert_int_equal(event.kind, APS_WS_CLOSED);
	if (event.err.code != code) print_message("closed with %s: %s\n", aps_rc_name(event.err.code), event.err.msg);
	assert_int_equal(event.err.code, code);
	if (word) assert_string_equal(aps_err_word(&event.err), word);
	assert_null(strstr(event.err.msg, "secret"));
	return event.err;
}

APS_UNUSED static int open_ws(void **state)
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
APS_UNUSED static int close_ws(void **state)
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

APS_UNUSED static void start(struct aps_ws_connect connect)
{
	struct aps_err err = {.code = APS_OK};
	enum aps_rc rc = aps_ws_connect(ws, &connect, &err);
	if (rc != APS_OK) print_message("%s\n", err.msg);
	assert_int_equal(rc, APS_OK);
}

#define WS_TEST(name) cmocka_unit_test_setup_teardown(name, open_ws, close_ws)

#endif

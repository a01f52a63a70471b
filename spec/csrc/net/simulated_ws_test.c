/* The WebSockets of a simulation, behind the interface of the real ones. */
#include "net/simulated_ws.h"

#include "base/clock.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	size_t n_live;
	struct aps_ws *ws;
	struct aps_simulated_ws *sockets;
	struct aps_ws_batch *first;
};

static void put(void *context, struct aps_ws_batch *batch)
{
	struct fixture *f = context;
	struct aps_ws_batch **at = &f->first;
	while (*at != NULL) at = &(*at)->next;
	*at = batch;
}

static void begin(struct fixture *f)
{
	struct aps_err err;
	*f = (struct fixture){.n_live = aps_mem_live()};
	f->ws = aps_ws_new_simulated((struct aps_ws_sink){put, f}, &err);
	assert_non_null(f->ws);
	f->sockets = aps_ws_simulation(f->ws);
	assert_non_null(f->sockets);
}

static struct aps_ws_batch *take(struct fixture *f)
{
	struct aps_ws_batch *batch = f->first;
	if (batch != NULL) f->first = batch->next;
	return batch;
}

/* The next event of a connection. */
static void expect(struct fixture *f, uint64_t connection, enum aps_ws_event_kind kind, const char *text)
{
	struct aps_ws_batch *batch = take(f);
	assert_non_null(batch);
	assert_int_equal(batch->n_events, 1);
	assert_true(batch->events[0].connection == connection);
	assert_int_equal(batch->events[0].kind, kind);
	if (text != NULL) {
		assert_int_equal(batch->events[0].n, strlen(text));
		assert_memory_equal(batch->bytes->p + batch->events[0].offset, text, strlen(text));
	}
	aps_ws_batch_free(batch);
}

static void expect_end(struct fixture *f, uint64_t connection, enum aps_rc code, const char *word, long native)
{
	struct aps_ws_batch *batch = take(f);
	assert_non_null(batch);
	assert_true(batch->events[0].connection == connection);
	assert_int_equal(batch->events[0].kind, APS_WS_CLOSED);
	assert_int_equal(batch->err.code, code);
	if (word != NULL) assert_string_equal(aps_err_word(&batch->err), word);
	assert_int_equal(batch->err.native, native);
	aps_ws_batch_free(batch);
}

static void finish(struct fixture *f)
{
	assert_null(f->first);
	assert_true(aps_ws_free(f->ws, 0));
	assert_int_equal(aps_mem_live(), f->n_live);
}

static enum aps_rc try_connect(struct fixture *f, uint64_t connection)
{
	static const struct aps_header HEADERS[] = {
	        {.name = {"x-api-key", 9}, .value = {"da2", 3}},
	        {.name = {"accept", 6}, .value = {"*/*", 3}},
	};
	struct aps_err err;
	struct aps_ws_connect connect = {
	        .connection = connection,
	        .path = "/graphql/realtime",
	        .protocols = "graphql-ws, header-e30",
	        .headers = HEADERS,
	        .n_headers = 2,
	};
	return aps_ws_connect(f->ws, &connect, &err);
}

static void connect_one(struct fixture *f, uint64_t connection)
{
	assert_int_equal(try_connect(f, connection), APS_OK);
	aps_simulated_wish_free(aps_simulated_ws_take(f->sockets));
}

static void wishes_are_handed_out_once_in_their_order(void **state APS_UNUSED)
{
	struct fixture f;
	begin(&f);
	assert_int_equal(try_connect(&f, 7), APS_OK);
	assert_int_equal(aps_ws_send(f.ws, 7, APS_STR("hello")), APS_OK);
	assert_int_equal(aps_ws_close(f.ws, 7, 1000, APS_STR("bye")), APS_OK);
	expect_end(&f, 7, APS_E_CLOSED, NULL, 0);
	struct aps_simulated_wish *wish = aps_simulated_ws_take(f.sockets);
	assert_int_equal(wish->kind, APS_SIMULATED_CONNECT);
	assert_true(wish->connection == 7);
	assert_string_equal(wish->text, "/graphql/realtime");
	assert_string_equal(wish->protocols, "graphql-ws, header-e30");
	assert_string_equal(wish->headers, "x-api-key: da2\naccept: */*\n");
	aps_simulated_wish_free(wish);
	wish = aps_simulated_ws_take(f.sockets);
	assert_int_equal(wish->kind, APS_SIMULATED_SEND);
	assert_int_equal(wish->n_text, 5);
	assert_memory_equal(wish->text, "hello", 5);
	aps_simulated_wish_free(wish);
	wish = aps_simulated_ws_take(f.sockets);
	assert_int_equal(wish->kind, APS_SIMULATED_CLOSE);
	aps_simulated_wish_free(wish);
	assert_null(aps_simulated_ws_take(f.sockets));
	finish(&f);
}

static void what_is_told_comes_in_its_order_until_the_end(void **state APS_UNUSED)
{
	struct fixture f;
	begin(&f);
	connect_one(&f, 1);
	connect_one(&f, 2);
	assert_true(aps_simulated_ws_open(f.sockets, 1));
	assert_true(aps_simulated_ws_message(f.sockets, 1, APS_STR("{\"type\":\"ka\"}")));
	assert_true(aps_simulated_ws_end(f.sockets, 1, APS_SIMULATED_WS_CLOSED, 1001));
	assert_false(aps_simulated_ws_message(f.sockets, 1, APS_STR("late")));
	assert_false(aps_simulated_ws_end(f.sockets, 1, APS_SIMULATED_WS_LOST, 0));
	assert_int_equal(aps_ws_send(f.ws, 1, APS_STR("to nobody")), APS_OK);
	assert_int_equal(aps_ws_close(f.ws, 1, 1000, APS_STR("")), APS_OK);
	assert_int_equal(aps_ws_pause(f.ws, 1, true), APS_OK);
	assert_int_equal(aps_ws_look(f.ws, 1), APS_OK);
	assert_int_equal(aps_ws_forget(f.ws), APS_OK);
	assert_null(aps_simulated_ws_take(f.sockets));
	expect(&f, 1, APS_WS_OPENED, NULL);
	expect(&f, 1, APS_WS_FRAME, "{\"type\":\"ka\"}");
	expect_end(&f, 1, APS_E_NETWORK, "closed_by_peer", 1001);
	finish(&f); /* which drops the other one */
}

static void each_end_is_the_error_that_a_real_one_gives(void **state APS_UNUSED)
{
	struct fixture f;
	begin(&f);
	for (uint64_t connection = 1; connection <= 6; connection++) connect_one(&f, connection);
	aps_simulated_ws_end(f.sockets, 1, APS_SIMULATED_WS_UNREACHABLE, 0);
	expect_end(&f, 1, APS_E_NETWORK, "unreachable", 0);
	aps_simulated_ws_end(f.sockets, 2, APS_SIMULATED_WS_SILENT, 0);
	expect_end(&f, 2, APS_E_TIMEOUT, "connect_timeout", 0);
	aps_simulated_ws_end(f.sockets, 3, APS_SIMULATED_WS_LOST, 0);
	expect_end(&f, 3, APS_E_NETWORK, "connection_lost", 0);
	aps_simulated_ws_end(f.sockets, 4, APS_SIMULATED_WS_STATUS, 401);
	expect_end(&f, 4, APS_E_AUTH, "upgrade_refused", 401);
	aps_simulated_ws_end(f.sockets, 5, APS_SIMULATED_WS_STATUS, 404);
	expect_end(&f, 5, APS_E_HTTP, "upgrade_refused", 404);
	aps_simulated_ws_end(f.sockets, 6, APS_SIMULATED_WS_STATUS, 503);
	assert_true(f.first->err.retryable);
	expect_end(&f, 6, APS_E_HTTP, "upgrade_refused", 503);
	finish(&f);
}

static void a_paused_one_isnt_read_and_loses_what_it_has_when_it_ends(void **state APS_UNUSED)
{
	struct fixture f;
	begin(&f);
	connect_one(&f, 1);
	aps_ws_pause(f.ws, 1, true);
	aps_simulated_ws_message(f.sockets, 1, APS_STR("one"));
	aps_simulated_ws_message(f.sockets, 1, APS_STR("two"));
	assert_null(f.first);
	aps_ws_pause(f.ws, 1, false);
	expect(&f, 1, APS_WS_FRAME, "one");
	expect(&f, 1, APS_WS_FRAME, "two");
	aps_ws_pause(f.ws, 1, true);
	aps_simulated_ws_message(f.sockets, 1, APS_STR("three"));
	aps_simulated_ws_end(f.sockets, 1, APS_SIMULATED_WS_LOST, 0);
	expect_end(&f, 1, APS_E_NETWORK, "connection_lost", 0);
	finish(&f);
}

static void a_look_tells_when_something_was_read(void **state APS_UNUSED)
{
	struct fixture f;
	begin(&f);
	aps_clock_stand(5000, 0);
	connect_one(&f, 1);
	aps_simulated_ws_message(f.sockets, 1, APS_STR("one"));
	aps_clock_stand(9000, 0);
	aps_ws_look(f.ws, 1);
	expect(&f, 1, APS_WS_FRAME, "one");
	struct aps_ws_batch *batch = take(&f);
	assert_int_equal(batch->events[0].kind, APS_WS_LOOKED);
	assert_int_equal(batch->events[0].n, 5000);
	aps_ws_batch_free(batch);
	aps_clock_go_on();
	finish(&f);
}

static void without_memory_nothing_begins_and_a_message_ends_its_connection(void **state APS_UNUSED)
{
	struct fixture f;
	begin(&f);
	size_t n_before = aps_mem_live();
	size_t nth = 1;
	for (;; nth++) {
		aps_mem_fail_at(nth);
		enum aps_rc rc = try_connect(&f, 1);
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
		assert_int_equal(aps_mem_live(), n_before);
	}
	assert_true(nth > 5);
	aps_simulated_wish_free(aps_simulated_ws_take(f.sockets));
	aps_mem_fail_at(1);
	assert_int_equal(aps_ws_send(f.ws, 1, APS_STR("x")), APS_E_NOMEM);
	aps_mem_fail_at(2);
	assert_int_equal(aps_ws_send(f.ws, 1, APS_STR("x")), APS_E_NOMEM);
	aps_mem_fail_at(1);
	assert_int_equal(aps_ws_close(f.ws, 1, 1000, APS_STR("")), APS_E_NOMEM);
	aps_mem_fail_at(1);
	assert_int_equal(aps_ws_look(f.ws, 1), APS_E_NOMEM);
	aps_mem_fail_at(2);
	assert_false(aps_simulated_ws_message(f.sockets, 1, APS_STR("x")));
	aps_mem_fail_at(0);
	expect_end(&f, 1, APS_E_NETWORK, "connection_lost", 0);
	assert_null(aps_simulated_ws_take(f.sockets));
	for (nth = 1; nth <= 2; nth++) {
		struct aps_err err;
		aps_mem_fail_at(nth);
		assert_null(aps_ws_new_simulated((struct aps_ws_sink){put, &f}, &err));
		aps_mem_fail_at(0);
		assert_int_equal(err.code, APS_E_NOMEM);
	}
	finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(wishes_are_handed_out_once_in_their_order),
	        cmocka_unit_test(what_is_told_comes_in_its_order_until_the_end),
	        cmocka_unit_test(each_end_is_the_error_that_a_real_one_gives),
	        cmocka_unit_test(a_paused_one_isnt_read_and_loses_what_it_has_when_it_ends),
	        cmocka_unit_test(a_look_tells_when_something_was_read),
	        cmocka_unit_test(without_memory_nothing_begins_and_a_message_ends_its_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

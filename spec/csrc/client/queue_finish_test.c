/* A queue whose client is about to close: what is under way is waited for, and nothing more is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_world.h"

static void assert_finished(struct aps_result_event *event)
{
	assert_non_null(event);
	assert_int_equal(event->response.err.code, APS_OK);
	assert_int_equal(event->response.data.n, 4);
	assert_memory_equal(event->response.data.p, "true", 4);
	free_result(event);
}

static struct aps_result_event *ask_to_finish(void)
{
	return ask_in(CACHE, APS_QUEUE_ASK_FINISH, NULL, NULL);
}

static void what_is_under_way_is_waited_for_and_nothing_more_is_sent(void **state)
{
	(void)state;
	begin();
	enqueue_n(1);
	enqueue_n(2);
	turn();
	assert_null(ask_to_finish());
	uint64_t call = world.last_call;
	answer(200, DONE);
	turn();
	assert_finished(take_result(call));
	assert_null(under_way());
	aps_reach_set_online(world.core, world.client, true);
	let_time_pass(600000);
	assert_null(under_way());
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"size\":1");
	restart();
	assert_has(body_of(under_way()), "\"n\":2"); /* neither is in doubt */
	finish();
}

static void where_nothing_is_under_way_it_is_answered_at_once(void **state)
{
	(void)state;
	begin();
	assert_finished(ask_to_finish());
	finish();
	begin();
	enqueue_n(1);
	turn();
	answer_to(under_way(), 429, "retry-after: 120", "slow down");
	turn();
	assert_finished(ask_to_finish());
	let_time_pass(600000);
	assert_null(under_way());
	finish();
}

static void a_request_whose_headers_are_still_asked_for_is_not_waited_for(void **state)
{
	(void)state;
	struct aps_queue_settings settings;
	begin();
	make_queue_settings(&settings);
	settings.asks_headers = true;
	open_queue_with(CACHE, &settings);
	enqueue_n(1);
	turn();
	assert_true(world.queue->sendings->waits_for_headers);
	assert_finished(ask_to_finish());
	finish();
}

static void a_queue_that_closes_first_says_so(void **state)
{
	(void)state;
	begin();
	enqueue_n(1);
	turn();
	assert_null(ask_to_finish());
	uint64_t call = world.last_call;
	replace_client();
	struct aps_result_event *event = result_of(call);
	assert_int_equal(event->response.err.code, APS_E_CLOSED);
	free_result(event);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_under_way_is_waited_for_and_nothing_more_is_sent),
	        cmocka_unit_test(where_nothing_is_under_way_it_is_answered_at_once),
	        cmocka_unit_test(a_request_whose_headers_are_still_asked_for_is_not_waited_for),
	        cmocka_unit_test(a_queue_that_closes_first_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

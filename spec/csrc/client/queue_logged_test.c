/* What a call is answered with where another process has sent its mutation: what that has logged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/queue_logged.h"
#include "queue_world.h"
#include "store/outcomes.h"

static struct aps_result_event *take(const char *content)
{
	begin();
	uint64_t call = enqueue_n(1);
	turn();
	struct aps_queue_wait *wait = world.queue->waits;
	assert_non_null(wait);
	const struct aps_kept_outcome outcome = {
	        .number = 99, .entry = (int64_t)wait->number, .content = aps_str_of(content)};
	aps_queue_take_logged(wait, &outcome, false);
	aps_queue_waits_give(wait);
	turn();
	return result_of(call);
}

static void data_is_what_the_service_has_answered(void **state)
{
	(void)state;
	struct aps_result_event *event = take("{\"by\":5,\"data\":{\"addTodo\":{\"id\":\"1\"}}}");
	assert_int_equal(event->response.err.code, APS_OK);
	assert_non_null(aps_str_find(event->response.data, "\"addTodo\""));
	assert_int_equal(event->queued.outcome, 99);
	free_result(event);
	finish();
}

static void a_refusal_has_the_services_own_words_until_it_was_read(void **state)
{
	(void)state;
	struct aps_result_event *event =
	        take("{\"err\":{\"kind\":\"graphql\",\"message\":\"no\",\"status\":200,\"outcome\":\"refused\","
	             "\"errors\":[{\"errorType\":\"Refused\",\"message\":\"never\"}]}}");
	assert_int_not_equal(event->response.err.code, APS_OK);
	assert_string_equal(event->response.err.msg, "no");
	assert_true(aps_str_is(event->response.error_type, "Refused"));
	assert_non_null(aps_str_find(event->response.errors, "\"never\""));
	assert_string_equal(event->queued.dead, "refused");
	free_result(event);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(data_is_what_the_service_has_answered),
	        cmocka_unit_test(a_refusal_has_the_services_own_words_until_it_was_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Answers take their turns: the application makes of an earlier one what it will, before it gets the next one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_world.h"

/* With an optimistic response, and an `update` of the call's own. */
static uint64_t create(const char *id)
{
	char variables[64], json[96];
	snprintf(variables, sizeof variables, "{\"input\":{\"id\":\"%s\",\"n\":1}}", id);
	snprintf(json, sizeof json, "{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"%s\",\"n\":1}}", id);
	return enqueue(&(struct asked){.document = CREATE,
	                               .variables = variables,
	                               .has_update = true,
	                               .edits = make_edits(CREATE, variables, json)});
}

static void answer_create(const char *id)
{
	char body[96];
	snprintf(body, sizeof body, "{\"data\":{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"%s\",\"n\":1}}}", id);
	answer(200, body);
	turn();
}

static void settle(uint64_t entry)
{
	struct aps_queue_answer_command *command = aps_settle_entry_command_new(7, CACHE);
	assert_non_null(command);
	command->entry = entry;
	run_command(&command->head);
	turn();
}

/* Both are answered; the first one's answer is the application's. */
static struct aps_result_event *answer_both(uint64_t *second)
{
	begin();
	uint64_t first = create("t1");
	*second = create("t2");
	turn();
	answer_create("t1");
	struct aps_result_event *event = result_of(first);
	assert_true(event->queued.has_layer);
	answer_create("t2");
	assert_null(take_result(*second));
	return event;
}

static void assert_is_answered(uint64_t call)
{
	struct aps_result_event *event = result_of(call);
	assert_int_equal(event->response.err.code, APS_OK);
	assert_non_null(aps_str_find(event->response.data, "\"t2\""));
	free_result(event);
}

static void an_answer_comes_when_the_update_of_the_one_before_it_is_through(void **state)
{
	(void)state;
	uint64_t second;
	struct aps_result_event *event = answer_both(&second);
	settle(event->queued.entry + 1); /* another one's */
	assert_null(take_result(second));
	settle(event->queued.entry);
	assert_is_answered(second);
	free_result(event);
	finish();
}

static void or_when_that_one_is_confirmed_without(void **state)
{
	(void)state;
	uint64_t second;
	struct aps_result_event *event = answer_both(&second);
	tell_told(event->queued.outcome);
	assert_is_answered(second);
	free_result(event);
	finish();
}

static void whoever_does_not_wait_any_more_is_told_in_turn(void **state)
{
	(void)state;
	struct aps_str data;
	begin();
	uint64_t first = create("t1"), second = create("t2");
	turn();
	run_command(aps_cancel_command_new(7, second));
	turn();
	assert_ends(second, APS_E_CANCELLED, true);
	answer_create("t1");
	struct aps_result_event *event = result_of(first);
	answer_create("t2");
	assert_int_equal(count_queue_events("\"what\":\"answer\"", NULL), 0);
	settle(event->queued.entry);
	assert_int_equal(count_queue_events("\"what\":\"answer\"", &data), 1);
	assert_non_null(aps_str_find(data, "\"has_layer\":true"));
	assert_int_equal(count_queue_events("\"what\":\"outcome\"", NULL), 0);
	settle(event->queued.entry + 1);
	assert_int_equal(count_queue_events("\"what\":\"answer\"", NULL), 1);
	free_result(event);
	finish();
}

static void an_answer_that_waits_for_its_turn_is_given_when_the_client_closes(void **state)
{
	(void)state;
	uint64_t second;
	struct aps_result_event *event = answer_both(&second);
	replace_client();
	assert_is_answered(second);
	free_result(event);
	finish();
}

static void a_cancel_or_the_end_of_its_time_comes_too_late_for_it(void **state)
{
	(void)state;
	uint64_t second;
	struct aps_result_event *event = answer_both(&second);
	run_command(aps_cancel_command_new(7, second));
	let_time_pass(1000);
	assert_null(take_result(second));
	settle(event->queued.entry);
	assert_is_answered(second);
	free_result(event);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_answer_comes_when_the_update_of_the_one_before_it_is_through),
	        cmocka_unit_test(or_when_that_one_is_confirmed_without),
	        cmocka_unit_test(whoever_does_not_wait_any_more_is_told_in_turn),
	        cmocka_unit_test(an_answer_that_waits_for_its_turn_is_given_when_the_client_closes),
	        cmocka_unit_test(a_cancel_or_the_end_of_its_time_comes_too_late_for_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Calls whose answers wait for the application's functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/call.h"
#include "client/flight.h"
#include "net/answer.h"
#include "parking_world.h"

static void ask(uint64_t id, const char *document)
{
	struct aps_call_command *command = aps_call_command_new(7, id);
	assert_non_null(command);
	command->topic->operation = make(document);
	command->topic->cache = CACHE;
	command->is_safe = true;
	command->head.run(world.core, &command->head);
}

static struct aps_flight *flight_of(uint64_t id)
{
	const struct aps_passenger *passenger = aps_table_get(aps_core_part(world.core, &aps_call_feature), id);
	return passenger != NULL ? passenger->flight : NULL;
}

static void respond(uint64_t id, const char *data)
{
	struct aps_answer_sink *sink = (struct aps_answer_sink *)flight_of(id);
	char body[160];
	snprintf(body, sizeof body, "{\"data\":%s}", data);
	struct aps_http_answer answer = {.status = 200, .n_body = strlen(body)};
	aps_http_cancel(world.core->http, ((struct aps_request *)sink)->exchange);
	answer.body = aps_strndup(body, answer.n_body);
	sink->answered(world.core, sink, &answer);
	aps_http_answer_clear(&answer);
}

static void expect_result(uint64_t id, enum aps_rc code)
{
	struct aps_result_event *result = (struct aps_result_event *)take();
	assert_non_null(result);
	assert_int_equal(result->head.kind, APS_EVENT_RESULT);
	assert_int_equal(result->head.target, id);
	assert_int_equal(result->response.err.code, code);
	drop(&result->head);
}

static void cancel(uint64_t id)
{
	struct aps_command *command = aps_cancel_command_new(7, id);
	command->run(world.core, command);
}

static void let_pass(int64_t ms)
{
	aps_timers_run(&world.core->timers, world.core, aps_clock_mono_ms() + ms);
}

static void a_call_is_told_after_its_answer_was_written(void **state)
{
	(void)state;
	char data[96];
	ask(11, QUERY);
	ask(12, QUERY);
	respond(11, object_of(data, 1));
	struct aps_answer_command *answer = expect_question(data);
	ask(13, QUERY); /* what has come isn't what is asked for now */
	assert_int_equal(world.client->stats->requests, 2);
	let_pass(50000);
	expect_nothing();
	answer_with(answer, "key");
	assert_int_equal(read_n(CACHE, "Rkey"), 1);
	expect_result(11, APS_OK);
	expect_result(12, APS_OK);
	cancel(13);
	expect_result(13, APS_E_CANCELLED);
}

static void an_answer_that_waits_is_not_late(void **state)
{
	(void)state;
	char data[96];
	ask(11, QUERY);
	respond(11, object_of(data, 1));
	struct aps_answer_command *answer = expect_question(data);
	let_pass(70000);
	expect_nothing();
	answer_with(answer, "key");
	expect_result(11, APS_OK);
}

static void who_leaves_is_told_and_the_answer_is_kept(void **state)
{
	(void)state;
	char data[96];
	ask(11, "mutation { a { id n } }");
	respond(11, object_of(data, 6));
	struct aps_answer_command *answer = expect_question(data);
	cancel(11);
	expect_result(11, APS_E_CANCELLED);
	answer_with(answer, "key");
	expect_nothing();
	assert_int_equal(read_n(CACHE, "Rkey"), 6);
	/* and one that nobody has an answer for when the client closes: the world looks for leaks */
	ask(12, QUERY);
	ask(13, QUERY);
	respond(12, object_of(data, 7));
	aps_command_free(&expect_question(data)->head);
	cancel(12);
	expect_result(12, APS_E_CANCELLED);
	cancel(13);
	expect_result(13, APS_E_CANCELLED);
}

static void a_client_that_closes_answers_those_who_wait(void **state)
{
	(void)state;
	char data[96];
	ask(11, QUERY);
	respond(11, object_of(data, 1));
	aps_command_free(&expect_question(data)->head);
	aps_core_close_client(world.core, world.client);
	expect_result(11, APS_E_CLOSED);
	renew_client();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_call_is_told_after_its_answer_was_written, setup, teardown),
	        cmocka_unit_test_setup_teardown(an_answer_that_waits_is_not_late, setup, teardown),
	        cmocka_unit_test_setup_teardown(who_leaves_is_told_and_the_answer_is_kept, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_client_that_closes_answers_those_who_wait, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

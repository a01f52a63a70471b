#include "client/call.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/credential.h"
#include "client/flight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core_world.h"

#define BODY "{\"data\":{\"a\":1}}"

static void begin(struct core_world *world, int64_t request_timeout_ms)
{
	core_world_begin(world);
	world->client->settings.endpoint = aps_strndup("http://127.0.0.1:9/", 19);
	world->client->settings.request_timeout_ms = request_timeout_ms;
}

static struct aps_answer_sink *running(const struct core_world *world)
{
	/* a call begins with its passenger, a flight with its request, and that with its sink */
	const struct aps_passenger *passenger = aps_table_get(aps_core_part(world->core, &aps_call_feature), 1);
	return passenger != NULL ? (struct aps_answer_sink *)passenger->flight : NULL;
}

static void finish(struct core_world *world, struct aps_result_event *result)
{
	if (result != NULL) result->head.mail.kind->free_mail(&result->head.mail);
	core_world_finish(world);
}

static struct aps_call_command *ask(void)
{
	struct aps_gql_document *doc;
	struct aps_call_command *command = aps_call_command_new(7, 1);
	assert_non_null(command);
	assert_int_equal(aps_gql_document_new(APS_STR("{ a }"), &doc, NULL, NULL), APS_OK);
	assert_int_equal(aps_operation_init(&command->topic->operation, doc, aps_gql_document_operation(doc, 0), false,
	                                    APS_STR("{}"), NULL),
	                 APS_OK);
	aps_gql_document_unref(doc);
	return command;
}

static void run(struct core_world *world, struct aps_command *command)
{
	assert_non_null(command);
	command->run(world->core, command);
}

static void call(struct core_world *world)
{
	run(world, &ask()->head);
	assert_non_null(running(world));
}

static void call_with_credential(struct core_world *world)
{
	struct aps_call_command *command = ask();
	command->topic->credential = 3;
	run(world, &command->head);
}

/* What asks the application for its token. */
static void add_credential(struct core_world *world)
{
	struct aps_credential *credential = aps_calloc(1, sizeof *credential);
	assert_non_null(credential);
	credential->id = 3;
	credential->client = world->client;
	aps_auth_slot_init(&credential->slot, APS_AUTH_OIDC, true);
	assert_true(aps_credential_add(world->core, credential));
}

static void answer(struct core_world *world, long status, const char *body)
{
	struct aps_answer_sink *sink = running(world);
	assert_non_null(sink);
	struct aps_http_answer answer = {.status = status, .n_body = strlen(body)};
	answer.body = aps_strndup(body, answer.n_body);
	sink->answered(world->core, sink, &answer);
	aps_http_answer_clear(&answer);
}

/* The timers that are due within this time. */
static void let_pass(struct core_world *world, int64_t ms)
{
	aps_timers_run(&world->core->timers, world->core, aps_clock_mono_ms() + ms);
}

/* The only event of this turn, which ends the call. */
static struct aps_result_event *result_of(struct core_world *world)
{
	assert_null(running(world));
	assert_int_equal(world->client->stats->operations_in_flight, 0);
	assert_int_equal(core_world_turn(world), 1);
	struct aps_result_event *result = (struct aps_result_event *)core_world_take(world);
	assert_int_equal(result->head.kind, APS_EVENT_RESULT);
	assert_int_equal(result->head.target, 1);
	return result;
}

/* Sends a call without a credential and answers it at once; its result. */
static struct aps_result_event *answered(struct core_world *world)
{
	call(world);
	answer(world, 200, BODY);
	assert_int_equal(world->core->timers.n_items, 0);
	return result_of(world);
}

/* What the core asks the application for. */
static void take_question(struct core_world *world)
{
	assert_int_equal(core_world_turn(world), 1);
	struct aps_event *event = core_world_take(world);
	assert_int_equal(event->kind, APS_EVENT_AUTH);
	event->mail.kind->free_mail(&event->mail);
}

static void an_answer_in_time_is_the_result(void **state)
{
	(void)state;
	struct core_world world;
	begin(&world, 60000);
	struct aps_result_event *result = answered(&world);
	assert_int_equal(result->response.err.code, APS_OK);
	assert_true(aps_str_is(result->response.data, "{\"a\":1}"));
	assert_int_equal(result->n_attempts, 1);
	assert_int_equal(result->head.mail.n_bytes, sizeof *result + strlen(BODY));
	assert_int_equal(world.client->stats->operations, 1);
	assert_int_equal(world.client->stats->errors, 0);
	finish(&world, result);
}

static void a_failure_is_told_with_what_came(void **state)
{
	(void)state;
	struct core_world world;
	begin(&world, 60000);
	call(&world);
	answer(&world, 400, "{\"message\":\"no such field\"}");
	struct aps_result_event *result = result_of(&world);
	assert_int_equal(result->response.err.code, APS_E_HTTP);
	assert_int_equal(result->answer.status, 400);
	assert_int_equal(world.client->stats->errors, 1);
	finish(&world, result);
}

static void an_answer_after_the_deadline_is_a_time_out(void **state)
{
	(void)state;
	struct core_world world;
	begin(&world, -1); /* it is over already, as after a core that was held up */
	struct aps_result_event *result = answered(&world);
	assert_int_equal(result->response.err.code, APS_E_TIMEOUT);
	assert_true(result->response.err.sent);
	assert_int_equal(result->response.data.n, 0);
	finish(&world, result);
}

static void a_deadline_during_another_attempt_tells_the_last_response(void **state)
{
	(void)state;
	struct core_world world;
	begin(&world, 60000);
	call(&world);
	answer(&world, 429, "busy");
	assert_int_equal(world.client->stats->errors, 0);
	let_pass(&world, 30000);
	assert_int_equal(world.client->stats->requests, 2);
	let_pass(&world, 60000);
	struct aps_result_event *result = result_of(&world);
	assert_int_equal(result->answer.status, 429);
	assert_int_equal(result->response.err.code, APS_E_HTTP);
	assert_int_equal(result->n_attempts, 2);
	assert_int_equal(world.core->timers.n_items, 0);
	assert_int_equal(world.client->stats->errors, 1);
	finish(&world, result);
}

static void a_deadline_while_a_token_is_waited_for_tells_so(void **state)
{
	(void)state;
	struct core_world world;
	begin(&world, 1000);
	add_credential(&world);
	call_with_credential(&world);
	take_question(&world);
	let_pass(&world, 2000);
	struct aps_result_event *result = result_of(&world);
	assert_int_equal(result->response.err.code, APS_E_AUTH);
	assert_string_equal(aps_err_word(&result->response.err), "token_timeout");
	assert_false(result->response.err.sent);
	finish(&world, result);
}

static void a_deadline_counts_from_when_the_application_asked(void **state)
{
	(void)state;
	struct core_world world;
	begin(&world, 60000);
	struct aps_call_command *command = ask();
	command->made_ms -= 1500;
	command->timeout_ms = 2000;
	run(&world, &command->head);
	let_pass(&world, 400);
	assert_non_null(running(&world));
	let_pass(&world, 1000);
	struct aps_result_event *result = result_of(&world);
	assert_int_equal(result->response.err.code, APS_E_TIMEOUT);
	assert_string_equal(result->response.err.msg, "no answer within 2 s");
	assert_true(result->response.err.sent);
	finish(&world, result);
}

static void a_cancelled_call_is_told_at_once(void **state)
{
	(void)state;
	struct core_world world;
	begin(&world, 60000);
	call(&world);
	assert_int_equal(aps_http_n_running(world.core->http), 1);
	run(&world, aps_cancel_command_new(7, 1));
	assert_int_equal(aps_http_n_running(world.core->http), 0);
	run(&world, aps_cancel_command_new(7, 1)); /* which comes too late */
	struct aps_result_event *result = result_of(&world);
	assert_int_equal(result->response.err.code, APS_E_CANCELLED);
	assert_true(result->response.err.sent);
	assert_int_equal(result->n_attempts, 1);
	finish(&world, result);
}

static void a_cancelled_call_that_waits_for_a_token_lets_go_of_it(void **state)
{
	(void)state;
	struct core_world world;
	begin(&world, 60000);
	add_credential(&world);
	call_with_credential(&world);
	take_question(&world);
	run(&world, aps_cancel_command_new(7, 1));
	struct aps_result_event *result = result_of(&world);
	assert_int_equal(result->response.err.code, APS_E_CANCELLED);
	assert_false(result->response.err.sent);
	assert_int_equal(aps_credential_find(world.core, 3)->n_users, 0);
	finish(&world, result);
}

static void a_call_whose_identity_was_dropped_is_told_so(void **state)
{
	(void)state;
	struct core_world world;
	begin(&world, 60000);
	call_with_credential(&world);
	struct aps_result_event *result = result_of(&world);
	assert_int_equal(result->response.err.code, APS_E_AUTH);
	assert_string_equal(result->response.err.msg, "the identity of this call was dropped before it was sent");
	assert_int_equal(result->n_attempts, 0);
	assert_int_equal(world.client->stats->errors, 1);
	finish(&world, result);
}

static void a_client_that_closes_tells_its_calls(void **state)
{
	(void)state;
	struct core_world world;
	struct aps_err err;
	begin(&world, 60000);
	call(&world);
	aps_fail(&err, APS_E_CLOSED, "the client was closed");
	aps_call_feature.client_closing(world.core, world.client, &err);
	struct aps_result_event *result = result_of(&world);
	assert_int_equal(result->response.err.code, APS_E_CLOSED);
	assert_true(result->response.err.sent);
	finish(&world, result);
}

static void a_call_of_a_client_that_is_closed_is_refused(void **state)
{
	(void)state;
	struct core_world world;
	begin(&world, 60000);
	struct aps_call_command *command = ask();
	command->head.client = 8;
	run(&world, &command->head);
	struct aps_result_event *result = result_of(&world);
	assert_int_equal(result->response.err.code, APS_E_CLOSED);
	assert_int_equal(world.client->stats->operations, 0);
	finish(&world, result);
}

static void a_call_that_finds_no_memory_says_so(void **state)
{
	(void)state;
	for (size_t nth = 1;; nth++) {
		struct core_world world;
		begin(&world, 60000);
		struct aps_call_command *command = ask();
		aps_mem_fail_at(nth);
		command->head.run(world.core, &command->head);
		aps_mem_fail_at(0);
		bool was_sent = running(&world) != NULL;
		assert_int_equal(core_world_turn(&world), was_sent ? 0 : 1);
		struct aps_result_event *result = (struct aps_result_event *)core_world_take(&world);
		if (!was_sent) {
			assert_int_equal(result->response.err.code, APS_E_NOMEM);
			assert_false(result->response.err.sent);
		}
		finish(&world, result);
		if (was_sent) {
			assert_true(nth > 5);
			break;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_answer_in_time_is_the_result),
	        cmocka_unit_test(a_failure_is_told_with_what_came),
	        cmocka_unit_test(an_answer_after_the_deadline_is_a_time_out),
	        cmocka_unit_test(a_deadline_during_another_attempt_tells_the_last_response),
	        cmocka_unit_test(a_deadline_while_a_token_is_waited_for_tells_so),
	        cmocka_unit_test(a_deadline_counts_from_when_the_application_asked),
	        cmocka_unit_test(a_cancelled_call_is_told_at_once),
	        cmocka_unit_test(a_cancelled_call_that_waits_for_a_token_lets_go_of_it),
	        cmocka_unit_test(a_call_whose_identity_was_dropped_is_told_so),
	        cmocka_unit_test(a_client_that_closes_tells_its_calls),
	        cmocka_unit_test(a_call_of_a_client_that_is_closed_is_refused),
	        cmocka_unit_test(a_call_that_finds_no_memory_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

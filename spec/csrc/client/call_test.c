#include "client/call.h"

#include "base/mem.h"

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
	return aps_table_get(aps_core_part(world->core, &aps_call_feature), 1); /* a call begins with it */
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
	assert_int_equal(aps_operation_init(&command->operation, doc, aps_gql_document_operation(doc, 0), false,
	                                    APS_STR("{}"), NULL),
	                 APS_OK);
	aps_gql_document_unref(doc);
	return command;
}

/* Sends a call without a credential and answers it at once; its result. */
static struct aps_result_event *answered(struct core_world *world)
{
	struct aps_call_command *command = ask();
	command->head.run(world->core, &command->head);
	struct aps_answer_sink *sink = running(world);
	assert_non_null(sink);
	struct aps_http_answer answer = {.status = 200, .n_body = sizeof BODY - 1};
	answer.body = aps_strndup(BODY, sizeof BODY - 1);
	sink->answered(world->core, sink, &answer);
	aps_http_answer_clear(&answer);
	assert_int_equal(core_world_turn(world), 1);
	return (struct aps_result_event *)core_world_take(world);
}

static void an_answer_in_time_is_the_result(void **state)
{
	(void)state;
	struct core_world world;
	begin(&world, 60000);
	struct aps_result_event *result = answered(&world);
	assert_int_equal(result->response.err.code, APS_OK);
	assert_true(aps_str_is(result->response.data, "{\"a\":1}"));
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
	        cmocka_unit_test(an_answer_after_the_deadline_is_a_time_out),
	        cmocka_unit_test(a_call_that_finds_no_memory_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

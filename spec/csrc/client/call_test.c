#include "client/call.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define BODY "{\"data\":{\"a\":1}}"

/* Only what a call without an credential uses of the core. */
struct world {
	struct aps_core core;
	struct aps_client client;
	size_t n_live;
};

static void begin(struct world *world, int64_t request_timeout_ms)
{
	struct aps_err err;
	*world = (struct world){.n_live = aps_mem_live()};
	world->core.events_tail = &world->core.events_head;
	world->core.http = aps_http_new(&err);
	assert_non_null(world->core.http);
	aps_timers_init(&world->core.timers);
	aps_map_init(&world->core.calls.map, 1);
	world->core.clients = &world->client;
	world->client.id = 7;
	world->client.stats = aps_stats_new();
	aps_settings_init(&world->client.settings);
	world->client.settings.endpoint = aps_strndup("http://127.0.0.1:9/", 19);
	world->client.settings.request_timeout_ms = request_timeout_ms;
}

static void finish(struct world *world)
{
	aps_call_free_all(&world->core);
	aps_mail_free_chain(world->core.events_head);
	aps_http_free(world->core.http);
	aps_map_clear(&world->core.calls.map);
	aps_timers_clear(&world->core.timers);
	aps_settings_clear(&world->client.settings);
	aps_stats_unref(world->client.stats);
	assert_int_equal(aps_mem_live(), world->n_live);
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

/* Sends a call and answers it at once; its result. */
static const struct aps_result_event *answered(struct world *world)
{
	struct aps_call_command *command = ask();
	command->head.run(&world->core, &command->head);
	command->head.mail.kind->free_mail(&command->head.mail);
	struct aps_answer_sink *sink = aps_table_get(&world->core.calls, 1); /* a call begins with it */
	assert_non_null(sink);
	struct aps_http_answer answer = {.status = 200, .n_body = sizeof BODY - 1};
	answer.body = aps_strndup(BODY, sizeof BODY - 1);
	sink->answered(&world->core, sink, &answer);
	aps_http_answer_clear(&answer);
	assert_non_null(world->core.events_head);
	return (const struct aps_result_event *)world->core.events_head;
}

static void an_answer_in_time_is_the_result(void **state)
{
	(void)state;
	struct world world;
	begin(&world, 60000);
	const struct aps_result_event *result = answered(&world);
	assert_int_equal(result->response.err.code, APS_OK);
	assert_true(aps_str_is(result->response.data, "{\"a\":1}"));
	finish(&world);
}

static void an_answer_after_the_deadline_is_a_time_out(void **state)
{
	(void)state;
	struct world world;
	begin(&world, -1); /* it is over already, as after a core that was held up */
	const struct aps_result_event *result = answered(&world);
	assert_int_equal(result->response.err.code, APS_E_TIMEOUT);
	assert_true(result->response.err.sent);
	assert_int_equal(result->response.data.n, 0);
	finish(&world);
}

static void a_call_that_finds_no_memory_says_so(void **state)
{
	(void)state;
	for (size_t nth = 1;; nth++) {
		struct world world;
		begin(&world, 60000);
		struct aps_call_command *command = ask();
		aps_mem_fail_at(nth);
		command->head.run(&world.core, &command->head);
		aps_mem_fail_at(0);
		command->head.mail.kind->free_mail(&command->head.mail);
		bool was_sent = aps_table_get(&world.core.calls, 1) != NULL;
		const struct aps_result_event *result = (const struct aps_result_event *)world.core.events_head;
		assert_int_equal(was_sent, result == NULL);
		if (!was_sent) {
			assert_int_equal(result->response.err.code, APS_E_NOMEM);
			assert_false(result->response.err.sent);
		}
		finish(&world);
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

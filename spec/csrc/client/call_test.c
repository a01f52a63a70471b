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

/* Sends a call and answers it at once; its result. */
static const struct aps_result_event *answered(struct world *world)
{
	struct aps_call_command *command = aps_call_command_new(7, 1);
	assert_non_null(command);
	command->body = aps_strndup("{}", 2);
	command->n_body = 2;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(an_answer_in_time_is_the_result),
	        cmocka_unit_test(an_answer_after_the_deadline_is_a_time_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

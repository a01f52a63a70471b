#include "client/flight.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/call.h"
#include "client/credential.h"
#include "client/reach.h"
#include "net/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core_world.h"

#define BODY "{\"data\":{\"a\":1},\"extensions\":{\"cost\":2}}"

enum { CACHE = 5 }; /* which isn't there: what would be written is dropped */

static struct core_world world;

static int setup(void **state)
{
	(void)state;
	core_world_begin(&world);
	world.client->settings.endpoint = aps_strndup("http://127.0.0.1:9/", 19);
	world.client->settings.request_timeout_ms = 60000;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(world.client->stats->operations_in_flight, 0);
	assert_int_equal(aps_http_n_running(world.core->http), 0);
	assert_int_equal(world.core->timers.n_items, 0);
	core_world_finish(&world);
	return 0;
}

static struct aps_call_command *prepare(uint64_t id, const char *document)
{
	struct aps_gql_document *doc;
	struct aps_call_command *command = aps_call_command_new(7, id);
	assert_non_null(command);
	assert_int_equal(aps_gql_document_new(aps_str_of(document), &doc, NULL, NULL), APS_OK);
	assert_int_equal(aps_operation_init(&command->topic->operation, doc, aps_gql_document_operation(doc, 0), false,
	                                    APS_STR("{}"), NULL),
	                 APS_OK);
	aps_gql_document_unref(doc);
	command->topic->cache = CACHE;
	command->is_safe = command->topic->operation.definition->kind == APS_GQL_QUERY;
	return command;
}

static void run(struct aps_command *command)
{
	assert_non_null(command);
	command->run(world.core, command);
}

static void ask(uint64_t id, const char *document)
{
	run(&prepare(id, document)->head);
}

static struct aps_flight *flight_of(uint64_t id)
{
	/* a call begins with its passenger */
	const struct aps_passenger *passenger = aps_table_get(aps_core_part(world.core, &aps_call_feature), id);
	return passenger != NULL ? passenger->flight : NULL;
}

/* What the call of this number waits for is answered. */
static void answer(uint64_t id, long status, const char *body)
{
	struct aps_answer_sink *sink = (struct aps_answer_sink *)flight_of(id); /* it begins with it */
	struct aps_http_answer answer = {.status = status, .n_body = strlen(body)};
	assert_non_null(sink);
	aps_http_cancel(world.core->http, ((struct aps_request *)sink)->exchange);
	answer.body = aps_strndup(body, answer.n_body);
	assert_true(aps_answer_take_headers(&answer, APS_STR("x-a: 1\r\nx-b: 2\r\n"), 2));
	sink->answered(world.core, sink, &answer);
	aps_http_answer_clear(&answer);
}

/* The result of this call, the next event, which the caller frees. */
static struct aps_result_event *take(uint64_t id)
{
	core_world_turn(&world);
	struct aps_event *event = core_world_take(&world);
	while (event != NULL && event->kind == APS_EVENT_REACH) {
		event->mail.kind->free_mail(&event->mail);
		event = core_world_take(&world);
	}
	struct aps_result_event *result = (struct aps_result_event *)event;
	assert_non_null(result);
	assert_int_equal(result->head.kind, APS_EVENT_RESULT);
	assert_int_equal(result->head.target, id);
	return result;
}

static void drop(struct aps_result_event *result)
{
	result->head.mail.kind->free_mail(&result->head.mail);
}

static void expect_answer(uint64_t id)
{
	struct aps_result_event *result = take(id);
	assert_int_equal(result->response.err.code, APS_OK);
	assert_true(aps_str_is(result->response.data, "{\"a\":1}"));
	assert_true(aps_str_is(result->response.extensions, "{\"cost\":2}"));
	assert_true(aps_str_is(aps_http_answer_header(&result->answer, "x-b"), "2"));
	assert_true(result->response.data.p > result->answer.body &&
	            result->response.data.p < result->answer.body + result->answer.n_body);
	drop(result);
}

static void expect_failure(uint64_t id, enum aps_rc code)
{
	struct aps_result_event *result = take(id);
	assert_int_equal(result->response.err.code, code);
	drop(result);
}

static void let_pass(int64_t ms)
{
	aps_timers_run(&world.core->timers, world.core, aps_clock_mono_ms() + ms);
}

static void equal_queries_share_one_request(void **state)
{
	(void)state;
	for (uint64_t id = 1; id <= 3; id++) ask(id, "{ a }");
	assert_int_equal(world.client->stats->requests, 1);
	assert_int_equal(world.client->stats->operations, 3);
	assert_int_equal(world.client->stats->deduplicated, 2);
	answer(2, 200, BODY);
	for (uint64_t id = 1; id <= 3; id++) expect_answer(id);
	ask(4, "{ a }"); /* what was answered isn't shared */
	assert_int_equal(world.client->stats->requests, 2);
	answer(4, 200, BODY);
	expect_answer(4);
}

static void each_is_told_a_failure(void **state)
{
	(void)state;
	static const char REFUSED[] = "{\"errors\":[{\"errorType\":\"X\",\"message\":\"no\"}]}";
	ask(1, "{ a }");
	ask(2, "{ a }");
	answer(1, 200, REFUSED);
	for (uint64_t id = 1; id <= 2; id++) {
		struct aps_result_event *result = take(id);
		assert_int_equal(result->response.err.code, APS_E_GRAPHQL);
		assert_string_equal(result->response.err.msg, "no");
		assert_true(aps_str_is(result->response.error_type, "X"));
		assert_int_equal(result->answer.status, 200);
		drop(result);
	}
	assert_int_equal(world.client->stats->errors, 2);
}

static void a_client_that_closes_tells_each(void **state)
{
	(void)state;
	ask(1, "{ a }");
	ask(2, "{ a }");
	struct aps_err err;
	aps_fail(&err, APS_E_CLOSED, "the client was closed");
	aps_call_feature.client_closing(world.core, world.client, &err);
	assert_int_equal(core_world_turn(&world), 2);
	for (int i = 0; i < 2; i++) {
		struct aps_result_event *result = (struct aps_result_event *)core_world_take(&world);
		assert_int_equal(result->response.err.code, APS_E_CLOSED);
		drop(result);
	}
}

static void what_differs_is_asked_for_itself(void **state)
{
	(void)state;
	struct aps_call_command *others[6];
	ask(1, "{ a }");
	for (uint64_t i = 0; i < 6; i++) others[i] = prepare(i + 2, i == 3 ? "{ b }" : "{ a }");
	others[0]->topic->credential = 99;
	others[1]->topic->cache = CACHE + 1;
	assert_int_equal(aps_header_list_add(&others[2]->topic->headers, APS_STR("x"), APS_STR("1"), NULL), APS_OK);
	others[4]->topic->cache = others[5]->topic->cache = 0; /* which share with nobody */
	for (uint64_t i = 0; i < 6; i++) run(&others[i]->head);
	assert_int_equal(world.client->stats->deduplicated, 0);
	expect_failure(2, APS_E_AUTH); /* whose identity nobody knows */
	for (uint64_t id = 1; id <= 7; id++) {
		if (id == 2) continue;
		answer(id, 200, BODY);
		expect_answer(id);
	}
}

static void mutations_are_never_shared(void **state)
{
	(void)state;
	ask(1, "mutation { a }");
	ask(2, "mutation { a }");
	assert_int_equal(world.client->stats->requests, 2);
	answer(1, 200, BODY);
	answer(2, 200, BODY);
	expect_answer(1);
	expect_answer(2);
}

static void a_query_joins_none_that_began_before_a_mutation_was_answered(void **state)
{
	(void)state;
	ask(1, "{ a }");
	ask(2, "mutation { a }");
	ask(3, "{ a }"); /* nothing is known of it yet */
	answer(2, 200, BODY);
	expect_answer(2);
	ask(4, "{ a }");
	ask(5, "{ a }");
	assert_ptr_equal(flight_of(3), flight_of(1));
	assert_ptr_not_equal(flight_of(4), flight_of(1));
	assert_ptr_equal(flight_of(5), flight_of(4));
	answer(1, 200, BODY); /* the older one goes, the newer one stays open */
	expect_answer(1);
	expect_answer(3);
	ask(6, "{ a }");
	assert_ptr_equal(flight_of(6), flight_of(4));
	ask(7, "mutation { a }");
	answer(7, 500, "");
	expect_failure(7, APS_E_HTTP); /* it may have been executed */
	ask(8, "{ a }");
	assert_ptr_not_equal(flight_of(8), flight_of(4));
	answer(8, 200, BODY); /* and the newest before an older one */
	expect_answer(8);
	answer(4, 200, BODY);
	expect_answer(4);
	expect_answer(5);
	expect_answer(6);
}

static void one_that_is_cancelled_ends_no_other(void **state)
{
	(void)state;
	for (uint64_t id = 1; id <= 3; id++) ask(id, "{ a }");
	run(aps_cancel_command_new(7, 1));
	expect_failure(1, APS_E_CANCELLED);
	run(aps_cancel_command_new(7, 3));
	expect_failure(3, APS_E_CANCELLED);
	assert_int_equal(aps_http_n_running(world.core->http), 1);
	answer(2, 200, BODY);
	expect_answer(2);
	ask(4, "{ a }");
	ask(5, "{ a }");
	run(aps_cancel_command_new(7, 4));
	run(aps_cancel_command_new(7, 5));
	assert_int_equal(aps_http_n_running(world.core->http), 0); /* the last one ends it */
	expect_failure(4, APS_E_CANCELLED);
	expect_failure(5, APS_E_CANCELLED);
}

static void one_whose_time_is_over_ends_no_other(void **state)
{
	(void)state;
	struct aps_call_command *hasty = prepare(1, "{ a }");
	hasty->timeout_ms = 1000;
	run(&hasty->head);
	ask(2, "{ a }");
	assert_int_equal(world.client->stats->deduplicated, 1);
	let_pass(2000);
	expect_failure(1, APS_E_TIMEOUT);
	answer(2, 200, BODY);
	expect_answer(2);
}

static void a_retry_lasts_as_long_as_anybody_waits(void **state)
{
	(void)state;
	struct aps_call_command *hasty = prepare(1, "{ a }");
	hasty->timeout_ms = 1000;
	run(&hasty->head);
	ask(2, "{ a }");
	answer(1, 429, "busy");
	let_pass(30000);
	struct aps_result_event *result = take(1);
	assert_int_equal(result->answer.status, 429); /* what it has seen last */
	drop(result);
	assert_int_equal(world.client->stats->requests, 2);
	answer(2, 200, BODY);
	expect_answer(2);
}

static void without_memory_each_hears_something(void **state)
{
	(void)state;
	size_t n_failed = 0;
	for (size_t nth = 1; nth < 12; nth++) {
		ask(1, "{ a }");
		ask(2, "{ a }");
		struct aps_answer_sink *sink = (struct aps_answer_sink *)flight_of(1);
		struct aps_http_answer answer = {.status = 200, .n_body = strlen(BODY)};
		aps_http_cancel(world.core->http, ((struct aps_request *)sink)->exchange);
		answer.body = aps_strndup(BODY, strlen(BODY));
		assert_true(aps_answer_take_headers(&answer, APS_STR("x-b: 2\r\n"), 1));
		aps_mem_fail_at(nth);
		sink->answered(world.core, sink, &answer);
		aps_mem_fail_at(0);
		aps_http_answer_clear(&answer);
		struct aps_result_event *result = take(1);
		if (result->response.err.code != APS_OK) {
			assert_int_equal(result->response.err.code, APS_E_NOMEM);
			n_failed++;
		} else {
			assert_true(aps_str_is(result->response.data, "{\"a\":1}"));
		}
		drop(result);
		expect_answer(2); /* its own */
	}
	assert_int_equal(n_failed, 3); /* body, headers, their text */
}

static void a_query_that_finds_no_memory_says_so(void **state)
{
	(void)state;
	for (size_t nth = 1;; nth++) {
		struct aps_call_command *command = prepare(1, "{ a }");
		aps_mem_fail_at(nth);
		run(&command->head);
		aps_mem_fail_at(0);
		if (flight_of(1) != NULL) {
			assert_true(nth > 6);
			break;
		}
		expect_failure(1, APS_E_NOMEM);
	}
	answer(1, 200, BODY);
	expect_answer(1);
}

static void break_off(uint64_t id, enum aps_rc code)
{
	struct aps_answer_sink *sink = (struct aps_answer_sink *)flight_of(id);
	struct aps_http_answer answer = {.status = 0};
	assert_non_null(sink);
	aps_http_cancel(world.core->http, ((struct aps_request *)sink)->exchange);
	aps_fail(&answer.err, code, "no");
	answer.err.sent = true;
	sink->answered(world.core, sink, &answer);
	aps_http_answer_clear(&answer);
	drop(take(id));
}

static void what_becomes_of_a_flight_tells_whether_the_service_can_be_reached(void **state)
{
	(void)state;
	struct aps_call_command *hasty = prepare(1, "mutation { a }");
	hasty->timeout_ms = 50;
	run(&hasty->head);
	break_off(1, APS_E_TIMEOUT);
	assert_true(aps_reach_is_online(world.core, world.client)); /* it was in a hurry */
	ask(2, "mutation { a }");
	break_off(2, APS_E_NETWORK);
	assert_false(aps_reach_is_online(world.core, world.client));
	ask(3, "mutation { a }");
	answer(3, 503, "busy");
	drop(take(3));
	assert_true(aps_reach_is_online(world.core, world.client));
	assert_int_equal(aps_reach_successes(world.core, world.client), 0);
	ask(4, "{ a }");
	answer(4, 200, BODY);
	drop(take(4));
	assert_int_equal(aps_reach_successes(world.core, world.client), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(what_becomes_of_a_flight_tells_whether_the_service_can_be_reached,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(equal_queries_share_one_request, setup, teardown),
	        cmocka_unit_test_setup_teardown(each_is_told_a_failure, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_client_that_closes_tells_each, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_differs_is_asked_for_itself, setup, teardown),
	        cmocka_unit_test_setup_teardown(mutations_are_never_shared, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_query_joins_none_that_began_before_a_mutation_was_answered, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(one_that_is_cancelled_ends_no_other, setup, teardown),
	        cmocka_unit_test_setup_teardown(one_whose_time_is_over_ends_no_other, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_retry_lasts_as_long_as_anybody_waits, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_each_hears_something, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_query_that_finds_no_memory_says_so, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

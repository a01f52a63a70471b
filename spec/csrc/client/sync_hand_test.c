/* A sync that hands over what it brings, in a core without sockets: its feed and its requests are played by the test.
 */
#include "client/sync_hand.h"

#include "client/connections.h"
#include "client/feed.h"
#include "client/link_state.h"
#include "client/sync_commands.h"
#include "client/syncing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core_world.h"
#include "net/answer.h"

enum { CLIENT = 7, KEY = 3, SYNC = 50 };

#define QUERY        "query Q($lastSync: Int) { missed(lastSync: $lastSync) { id } }"
#define SUBSCRIPTION "subscription S { on { id } }"

struct world {
	struct core_world all;
	struct aps_core *core;
	size_t fail_at; /* of what the core does about the next event or answer; 0: none */
};

static void begin(struct world *world)
{
	core_world_begin(&world->all);
	world->core = world->all.core;
	world->fail_at = 0;
	struct aps_client *client = world->all.client;
	client->settings.endpoint = aps_strndup("http://127.0.0.1:9/", 19);
	client->settings.realtime_endpoint = aps_strndup("ws://a.example/", 15);
	core_world_add_key(&world->all, KEY);
	aps_connections_set_online(world->core, client, false);
	aps_client_set_clock(client, 0);
}

static void set_part(struct aps_sync_part *part, const char *text)
{
	struct aps_gql_document *doc;
	assert_int_equal(aps_gql_document_new(aps_str_of(text), &doc, NULL, NULL), APS_OK);
	assert_int_equal(aps_operation_init(&part->operation, doc, aps_gql_document_operation(doc, 0), false,
	                                    APS_STR("{}"), NULL),
	                 APS_OK);
	aps_gql_document_unref(doc);
}

static struct aps_open_sync_command *command_of(size_t max_events)
{
	struct aps_open_sync_command *command = aps_open_sync_command_new(CLIENT, SYNC);
	assert_non_null(command);
	struct aps_sync_settings *settings = command->settings;
	set_part(&settings->parts[APS_SYNC_PART_DELTA], QUERY);
	set_part(&settings->parts[APS_SYNC_PART_SUBSCRIPTION], SUBSCRIPTION);
	settings->hands_over = settings->options.begins_live = true;
	settings->options.interval_ms = settings->options.window_ms = INT64_C(36500) * 86400000;
	settings->options.poll_ms = 30000;
	settings->options.page_size = 100;
	settings->credential = KEY;
	settings->max_events = max_events;
	return command;
}

static void open_sync(struct world *world, size_t max_events)
{
	struct aps_open_sync_command *command = command_of(max_events);
	command->head.run(world->core, &command->head);
	core_world_turn(&world->all);
}

static struct aps_sync_run *run_of(const struct world *world)
{
	return aps_syncing_find(world->core, world->all.client, SYNC);
}

static struct aps_feed *feed_of(const struct world *world)
{
	const struct aps_link *link = aps_connections_of(world->core, world->all.client)->links;
	return link != NULL ? link->feeds : NULL;
}

static void hear(struct world *world, const char *payload)
{
	size_t n = strlen(payload);
	struct aps_bytes *bytes = aps_bytes_new(n);
	assert_non_null(bytes);
	memcpy(bytes->p, payload, n);
	aps_mem_fail_at(world->fail_at);
	aps_feed_data(world->core, feed_of(world), bytes, (struct aps_str){bytes->p, bytes->n});
	aps_bytes_unref(bytes);
}

static void hear_number(struct world *world, int n)
{
	char payload[64];
	snprintf(payload, sizeof payload, "{\"data\":{\"on\":{\"id\":%d}}}", n);
	hear(world, payload);
}

/* The request that is under way. */
static void answer(struct world *world, long status, const char *body)
{
	struct aps_sync_run *run = run_of(world);
	struct aps_http_answer answer = {.status = status, .n_body = strlen(body)};
	assert_true(run->fetching.is_requested);
	assert_int_not_equal(run->fetching.request.exchange, 0);
	answer.body = aps_strndup(body, answer.n_body);
	aps_mem_fail_at(world->fail_at);
	aps_http_cancel(world->core->http, run->fetching.request.exchange);
	run->fetching.request.sink.answered(world->core, &run->fetching.request.sink, &answer);
	aps_http_answer_clear(&answer);
	core_world_turn(&world->all);
}

static void lose(struct world *world)
{
	struct aps_err err;
	aps_fail(&err, APS_E_NETWORK, "lost");
	aps_feed_reconnecting(world->core, feed_of(world), &err);
	core_world_turn(&world->all);
}

static void stand(struct world *world)
{
	aps_feed_started(world->core, feed_of(world));
	core_world_turn(&world->all);
}

static void settle(struct world *world, uint64_t question, uint64_t n_events)
{
	struct aps_sync_answer_command *command = aps_settle_sync_command_new(CLIENT, SYNC);
	command->question = question;
	command->n = n_events;
	command->head.run(world->core, &command->head);
	core_world_turn(&world->all);
}

/* The next event with what the application has to do with: not a state. The caller frees it; NULL: none. */
static struct aps_result_event *take(struct world *world)
{
	struct aps_event *event;
	while ((event = core_world_take(&world->all)) != NULL) {
		struct aps_result_event *result = (struct aps_result_event *)event;
		bool is_sync = event->kind == APS_EVENT_SYNC;
		if (is_sync && aps_str_find(result->response.data, "\"what\":\"state\"") == NULL) return result;
		event->mail.kind->free_mail(&event->mail);
	}
	return NULL;
}

static void told(struct world *world, const char *text, enum aps_rc code)
{
	struct aps_result_event *event = take(world);
	assert_non_null(event);
	if (!aps_str_is(event->response.data, text))
		fail_msg("%.*s", (int)event->response.data.n, event->response.data.p);
	assert_int_equal(event->response.err.code, code);
	aps_result_event_unref(event);
}

static void nothing_told(struct world *world)
{
	assert_null(take(world));
}

static void finish(struct world *world)
{
	core_world_finish(&world->all);
}

static void live(struct world *world, size_t max_events)
{
	begin(world);
	open_sync(world, max_events);
	stand(world);
	assert_int_equal(run_of(world)->machine.phase, APS_SYNC_LIVE);
	nothing_told(world);
}

static void what_is_heard_goes_to_the_application_with_its_errors(void **state)
{
	(void)state;
	struct world world;
	live(&world, 0);
	hear_number(&world, 1);
	hear(&world, "{\"data\":{\"on\":null},\"errors\":[{\"message\":\"half\",\"errorType\":\"T\"}]}");
	hear(&world, "{\"errors\":[{\"message\":\"none\"}]}");
	core_world_turn(&world.all);
	told(&world, "{\"what\":\"event\",\"data\":{\"on\":{\"id\":1}}}", APS_OK);
	struct aps_result_event *event = take(&world);
	assert_int_equal(event->response.err.code, APS_E_GRAPHQL);
	assert_true(aps_str_is(event->response.errors, "[{\"message\":\"half\",\"errorType\":\"T\"}]"));
	assert_true(aps_str_is(event->response.error_type, "T"));
	aps_result_event_unref(event);
	told(&world, "{\"what\":\"event\",\"errors\":[{\"message\":\"none\"}]}", APS_E_GRAPHQL);
	finish(&world);
}

static void what_was_missed_comes_before_what_was_heard_meanwhile(void **state)
{
	(void)state;
	struct world world;
	live(&world, 0);
	lose(&world);
	stand(&world);
	hear_number(&world, 2);
	core_world_turn(&world.all);
	nothing_told(&world);
	answer(&world, 200, "{\"data\":{\"missed\":[{\"id\":1},null]}}");
	told(&world, "{\"what\":\"page\",\"number\":1,\"records\":[{\"id\":1}]}", APS_OK);
	nothing_told(&world);
	settle(&world, 9, 0);
	nothing_told(&world);
	settle(&world, 1, 0);
	told(&world, "{\"what\":\"event\",\"data\":{\"on\":{\"id\":2}}}", APS_OK);
	assert_int_equal(run_of(&world)->machine.phase, APS_SYNC_LIVE);
	finish(&world);
}

static void so_many_are_out_and_no_more_than_may_wait_are_held(void **state)
{
	(void)state;
	struct world world;
	live(&world, 10);
	for (int i = 0; i < 256; i++) {
		hear_number(&world, i);
		core_world_turn(&world.all);
	}
	for (int i = 0; i < 256; i++) aps_result_event_unref(take(&world));
	for (int i = 0; i < 10; i++) hear_number(&world, 1000 + i);
	core_world_turn(&world.all);
	nothing_told(&world);
	settle(&world, 0, 3);
	for (int i = 0; i < 3; i++) aps_result_event_unref(take(&world));
	nothing_told(&world);
	assert_int_equal(run_of(&world)->machine.phase, APS_SYNC_LIVE);
	/* More than ten: what waits is given up, and asked for. */
	for (int i = 0; i < 4; i++) hear_number(&world, 2000 + i);
	core_world_turn(&world.all);
	assert_int_equal(run_of(&world)->machine.phase, APS_SYNC_DELTA);
	answer(&world, 200, "{\"data\":{\"missed\":[{\"id\":1003}]}}");
	told(&world, "{\"what\":\"page\",\"number\":1,\"records\":[{\"id\":1003}]}", APS_OK);
	settle(&world, 1, 256);
	settle(&world, 0, 999);
	assert_int_equal(run_of(&world)->hearing.n_out, 0);
	assert_int_equal(run_of(&world)->machine.phase, APS_SYNC_LIVE);
	finish(&world);
}

static void what_was_heard_before_a_loss_comes_before_what_was_missed(void **state)
{
	(void)state;
	struct world world;
	live(&world, 0);
	for (int i = 0; i < 256; i++) hear_number(&world, i);
	core_world_turn(&world.all);
	for (int i = 0; i < 256; i++) aps_result_event_unref(take(&world));
	hear_number(&world, 1000);
	lose(&world);
	stand(&world);
	hear_number(&world, 3000);
	answer(&world, 200, "{\"data\":{\"missed\":[{\"id\":2000}]}}");
	nothing_told(&world);
	settle(&world, 0, 2);
	told(&world, "{\"what\":\"event\",\"data\":{\"on\":{\"id\":1000}}}", APS_OK);
	told(&world, "{\"what\":\"page\",\"number\":1,\"records\":[{\"id\":2000}]}", APS_OK);
	nothing_told(&world);
	settle(&world, 1, 0);
	told(&world, "{\"what\":\"event\",\"data\":{\"on\":{\"id\":3000}}}", APS_OK);
	finish(&world);
}

/* Which a query that is sent again may know of. */
static void what_was_heard_before_the_query_is_sent_again_comes_as_well(void **state)
{
	(void)state;
	struct world world;
	live(&world, 0);
	lose(&world);
	stand(&world);
	hear_number(&world, 2);
	answer(&world, 500, "no");
	aps_sync_work_feed_kind(run_of(&world), APS_SYNC_ON_ONLINE);
	core_world_turn(&world.all);
	answer(&world, 200, "{\"data\":{\"missed\":[]}}");
	told(&world, "{\"what\":\"page\",\"number\":1,\"records\":[]}", APS_OK);
	settle(&world, 1, 0);
	told(&world, "{\"what\":\"event\",\"data\":{\"on\":{\"id\":2}}}", APS_OK);
	finish(&world);
}

static void the_bytes_that_are_out_are_bounded_as_well(void **state)
{
	(void)state;
	struct world world;
	size_t n = 700000;
	char *payload = aps_calloc(1, n + 64);
	assert_non_null(payload);
	live(&world, 0);
	int at = snprintf(payload, 64, "{\"data\":{\"on\":{\"id\":\"");
	memset(payload + at, 'x', n);
	memcpy(payload + at + n, "\"}}}", 5);
	for (int i = 0; i < 3; i++) hear(&world, payload);
	core_world_turn(&world.all);
	aps_result_event_unref(take(&world));
	aps_result_event_unref(take(&world));
	nothing_told(&world);
	settle(&world, 0, 2);
	aps_result_event_unref(take(&world));
	nothing_told(&world);
	finish(&world);
	aps_free(payload);
}

static void what_the_service_completes_ends_after_all_that_it_has_sent(void **state)
{
	(void)state;
	struct world world;
	live(&world, 0);
	lose(&world);
	stand(&world);
	hear_number(&world, 2);
	aps_feed_ended(world.core, feed_of(&world), NULL);
	core_world_turn(&world.all);
	nothing_told(&world);
	answer(&world, 200, "{\"data\":{\"missed\":[]}}");
	told(&world, "{\"what\":\"page\",\"number\":1,\"records\":[]}", APS_OK);
	settle(&world, 1, 0);
	told(&world, "{\"what\":\"event\",\"data\":{\"on\":{\"id\":2}}}", APS_OK);
	told(&world, "{\"what\":\"end\"}", APS_OK);
	assert_int_equal(run_of(&world)->machine.phase, APS_SYNC_STOPPED);
	finish(&world);
}

static void end_with(enum aps_rc code, bool is_end)
{
	struct world world;
	struct aps_err err;
	live(&world, 0);
	hear_number(&world, 1);
	aps_feed_tell(feed_of(&world), APS_STR("[{\"message\":\"no\"}]"));
	aps_fail(&err, code, "no more");
	aps_feed_ended(world.core, feed_of(&world), &err);
	core_world_turn(&world.all);
	told(&world, "{\"what\":\"event\",\"data\":{\"on\":{\"id\":1}}}", APS_OK);
	if (is_end)
		told(&world, "{\"what\":\"end\",\"errors\":[{\"message\":\"no\"}]}", code);
	else
		assert_int_not_equal(run_of(&world)->machine.phase, APS_SYNC_STOPPED);
	finish(&world);
}

static void a_refusal_of_the_subscription_ends_it_and_other_failures_do_not(void **state)
{
	(void)state;
	end_with(APS_E_GRAPHQL, true);
	end_with(APS_E_USAGE, true);
	end_with(APS_E_AUTH, true);
	end_with(APS_E_TIMEOUT, false);
	end_with(APS_E_NOMEM, false);
}

static void a_query_that_is_forbidden_ends_it_and_one_that_fails_is_sent_again(void **state)
{
	(void)state;
	struct world world;
	live(&world, 0);
	lose(&world);
	stand(&world);
	answer(&world, 500, "no");
	nothing_told(&world);
	assert_int_equal(run_of(&world)->machine.phase, APS_SYNC_WAITING);
	aps_sync_work_feed_kind(run_of(&world), APS_SYNC_ON_ONLINE);
	core_world_turn(&world.all);
	answer(&world, 200, "{\"data\":null,\"errors\":[{\"message\":\"not you\",\"errorType\":\"Unauthorized\"}]}");
	told(&world, "{\"what\":\"end\",\"errors\":[{\"message\":\"not you\",\"errorType\":\"Unauthorized\"}]}",
	     APS_E_AUTH);
	finish(&world);
}

static void what_is_no_list_is_told_of_the_option_that_the_query_was_given_as(void **state)
{
	(void)state;
	struct world world;
	live(&world, 0);
	lose(&world);
	stand(&world);
	answer(&world, 200, "{\"data\":{}}");
	assert_int_equal(run_of(&world)->machine.phase, APS_SYNC_WAITING);
	assert_int_equal(strncmp(run_of(&world)->err.msg, "catch_up: the service's answer", 30), 0);
	finish(&world);
}

static void without_memory_nothing_is_lost_silently(void **state)
{
	(void)state;
	bool is_over = false;
	for (size_t nth = 1; !is_over; nth++) {
		struct world world;
		live(&world, 0);
		world.fail_at = nth;
		hear_number(&world, 1);
		core_world_turn(&world.all);
		aps_mem_fail_at(0);
		struct aps_result_event *event = take(&world);
		/* It was handed over, or counts as missed. */
		bool is_asked = run_of(&world)->machine.phase != APS_SYNC_LIVE || run_of(&world)->hearing.has_missed;
		assert_true(event != NULL || is_asked);
		is_over = event != NULL && !is_asked && nth > 6;
		aps_result_event_unref(event);
		finish(&world);
		assert_true(nth < 200);
	}
}

static void without_memory_a_page_is_asked_for_again(void **state)
{
	(void)state;
	bool is_over = false;
	for (size_t nth = 1; !is_over; nth++) {
		struct world world;
		live(&world, 0);
		lose(&world);
		stand(&world);
		world.fail_at = nth;
		answer(&world, 200, "{\"data\":{\"missed\":[{\"id\":1}]}}");
		aps_mem_fail_at(0);
		struct aps_result_event *event = take(&world);
		bool waits = run_of(&world)->machine.phase == APS_SYNC_WAITING ||
		             run_of(&world)->fetching.is_under_way || run_of(&world)->fetching.answer.is_there;
		assert_true(event != NULL || waits);
		is_over = event != NULL && nth > 8;
		aps_result_event_unref(event);
		finish(&world);
		assert_true(nth < 400);
	}
}

static void one_that_cannot_begin_is_told_its_end(void **state)
{
	(void)state;
	bool is_over = false;
	for (size_t nth = 1; !is_over; nth++) {
		struct world world;
		begin(&world);
		struct aps_open_sync_command *command = command_of(0);
		aps_mem_fail_at(nth);
		command->head.run(world.core, &command->head);
		aps_mem_fail_at(0);
		is_over = run_of(&world) != NULL && run_of(&world)->hearing.is_joined && nth > 10;
		core_world_turn(&world.all);
		finish(&world);
		assert_true(nth < 200);
	}
}

static void its_client_takes_it_along(void **state)
{
	(void)state;
	struct world world;
	live(&world, 0);
	assert_int_equal(world.all.client->stats->subscriptions, 1);
	struct aps_command *stop = aps_stop_sync_command_new(CLIENT, SYNC);
	stop->run(world.core, stop);
	assert_int_equal(world.all.client->stats->subscriptions, 0);
	assert_null(run_of(&world));
	open_sync(&world, 0);
	core_world_turn(&world.all);
	aps_core_close_client(world.core, world.all.client);
	core_world_turn(&world.all);
	told(&world, "{\"what\":\"end\"}", APS_E_CLOSED);
	aps_core_free(world.core);
	aps_mail_free_chain(world.all.events);
	assert_int_equal(aps_mem_live(), world.all.n_live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_heard_goes_to_the_application_with_its_errors),
	        cmocka_unit_test(what_was_missed_comes_before_what_was_heard_meanwhile),
	        cmocka_unit_test(so_many_are_out_and_no_more_than_may_wait_are_held),
	        cmocka_unit_test(what_was_heard_before_a_loss_comes_before_what_was_missed),
	        cmocka_unit_test(what_was_heard_before_the_query_is_sent_again_comes_as_well),
	        cmocka_unit_test(the_bytes_that_are_out_are_bounded_as_well),
	        cmocka_unit_test(what_the_service_completes_ends_after_all_that_it_has_sent),
	        cmocka_unit_test(a_refusal_of_the_subscription_ends_it_and_other_failures_do_not),
	        cmocka_unit_test(a_query_that_is_forbidden_ends_it_and_one_that_fails_is_sent_again),
	        cmocka_unit_test(what_is_no_list_is_told_of_the_option_that_the_query_was_given_as),
	        cmocka_unit_test(without_memory_nothing_is_lost_silently),
	        cmocka_unit_test(without_memory_a_page_is_asked_for_again),
	        cmocka_unit_test(one_that_cannot_begin_is_told_its_end),
	        cmocka_unit_test(its_client_takes_it_along),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

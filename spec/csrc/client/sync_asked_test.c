/* What a delta sync asks the application for: headers, what its functions make of pages and events, which page comes
 * next. And that each of these may be cut short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/feed.h"
#include "syncing_world.h"

static struct aps_sync_answer_command *headers_command(uint64_t question)
{
	struct aps_sync_answer_command *command = aps_sync_headers_command_new(7, SYNC);
	assert_non_null(command);
	command->question = question;
	return command;
}

static void give_header(uint64_t question, const char *value)
{
	struct aps_sync_answer_command *command = headers_command(question);
	command->are_given = true;
	assert_int_equal(aps_header_list_add(&command->headers, APS_STR("x-a"), aps_str_of(value), NULL), APS_OK);
	run_command(&command->head);
	turn();
}

static void fail_headers(uint64_t question)
{
	struct aps_sync_answer_command *command = headers_command(question);
	aps_fail(&command->failed, APS_E_AUTH, "no token");
	run_command(&command->head);
	turn();
}

/* What a function of the application writes. */
static struct aps_edits *nine(void)
{
	return make_edits("mutation M { up { id n } }", "{\"up\":{\"__typename\":\"Post\",\"id\":\"9\",\"n\":9}}");
}

static void headers_are_asked_for_before_each_page(void **state)
{
	(void)state;
	open_sync(&(struct asked){.asks_headers = true, .live = ""});
	assert_false(is_asked());
	assert_told("headers", "\"part\":\"base\"");
	give_header(world.last_question + 7, "late"); /* nobody has asked with this number */
	assert_false(is_asked());
	give_header(world.last_question, "1");
	assert_true(is_asked());
	const struct aps_header_list *sent = &world.run->fetching.headers;
	assert_int_equal(sent->n_items, 1);
	assert_true(aps_str_is(sent->items[0].value, "1"));
	answer_base(post("1", 1, 1), "a");
	uint64_t first = world.last_question;
	assert_told("headers", "\"part\":\"base\"");
	assert_true(world.last_question > first);
	give_header(first, "late");
	assert_false(is_asked());
	give_header(world.last_question, "2");
	answer_base(post("2", 2, 1), NULL);
	assert_string_equal(list(), "1:1 2:2");
	assert_phase(APS_SYNC_LIVE);
}

static void without_headers_it_tries_again_later(void **state)
{
	(void)state;
	open_sync(&(struct asked){.asks_headers = true, .live = ""});
	told("headers");
	fail_headers(world.last_question);
	assert_phase(APS_SYNC_WAITING);
	assert_int_equal(world.run->err.code, APS_E_AUTH);
	assert_told("state", "\"attempts\":1");
	uint64_t first = world.last_question;
	let_time_pass(30000);
	told("headers");
	assert_true(world.last_question > first);
	give_header(world.last_question, "1");
	answer_base("", NULL);
	assert_phase(APS_SYNC_LIVE);
}

static void headers_of_the_subscription_are_another_question(void **state)
{
	(void)state;
	open_sync(&(struct asked){.asks_headers = true});
	struct aps_consumer *consumer = &world.run->hearing.consumer;
	assert_non_null(consumer->feed);
	drop_events();
	assert_true(consumer->kind->ask_headers(world.core, consumer));
	assert_true(consumer->feed->asked == NULL || consumer->feed->asked == consumer);
	turn();
	assert_told("headers", "\"part\":\"subscription\"");
	fail_headers(world.last_question + 1);
	assert_int_equal(world.run->hearing.question, world.last_question);
	give_header(world.last_question, "1");
	assert_int_equal(world.run->hearing.question, 0);
	/* of one that never asks for any */
	stop();
	open_sync(&(struct asked){0});
	consumer = &world.run->hearing.consumer;
	assert_false(consumer->kind->ask_headers(world.core, consumer));
}

static void the_application_tells_which_page_comes_next(void **state)
{
	(void)state;
	open_sync(&(struct asked){.has_page = true});
	tell("subscribed");
	assert_string_equal(variables(), "{}");
	answer_base(post("1", 1, 1), NULL);
	assert_told("update", "\"variables\":{}");
	assert_int_equal(n_of("1"), -1);
	settle_with(world.last_question, 0, NULL, "{\"offset\":1}");
	assert_string_equal(list(), "1:1");
	assert_string_equal(variables(), "{\"offset\":1}");
	answer_base(post("2", 2, 1), NULL);
	assert_told("update", "\"variables\":{\"offset\":1}");
	settle();
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(list(), "1:1 2:2");
}

/* It is told of a page that the machine doesn't know yet: nothing of it is left where that isn't wanted any more. */
static void a_page_that_is_asked_before_it_is_known_may_be_cut_short(void **state)
{
	(void)state;
	const struct asked asked = {.has_page = true};
	for (int i = 0; i < 4; i++) {
		open_sync(&asked);
		tell("subscribed");
		answer_base(post("1", 1, 1), NULL);
		told("update");
		uint64_t question = world.last_question;
		if (i == 0) stop();
		if (i == 1) aps_caching_clear(world.core, world.client, CACHE, APS_PART_CLEARED);
		if (i == 2) aps_reach_set_online(world.core, world.client, false);
		turn();
		settle_with(question, (uint64_t)(10 + i), nine(), "{\"offset\":1}");
		/* offline, what has come is kept all the same */
		assert_int_equal(n_of("1"), i >= 2 ? 1 : -1);
		assert_true(aps_channel_decided(world.channel) >= (uint64_t)(10 + i));
		aps_reach_set_online(world.core, world.client, true);
		restart();
	}
}

static void functions_are_told_of_the_records_that_are_newer(void **state)
{
	(void)state;
	open_sync(&(struct asked){.has_cache_updates = true});
	tell("subscribed");
	answer_base(both(post("1", 1, 2), both("null", post("2", 2, 1))), NULL);
	assert_told("records", "\"id\":\"1\"");
	assert_told("records", "\"id\":\"2\"");
	settle();
	assert_phase(APS_SYNC_LIVE);
	drop_events();
	hear(post("1", 0, 1)); /* older */
	assert_told("records", "\"records\":[]");
	settle();
	hear(deleted("1", 3));
	assert_told("records", "\"deleted\":true");
	settle();
	assert_string_equal(list(), "2:2");
}

static void functions_are_not_told_of_what_was_deleted_in_an_earlier_run(void **state)
{
	(void)state;
	go_live(&(struct asked){.delta = ""}, both(post("1", 1, 1), post("2", 2, 1)));
	hear(deleted("1", 3));
	restart();
	open_sync(&(struct asked){.delta = "", .has_cache_updates = true});
	tell("subscribed");
	answer_base(both(post("1", 1, 1), post("2", 2, 1)), NULL); /* its replica is behind */
	assert_told("records", "\"records\":[{\"data\":{\"__typename\":\"Post\",\"id\":\"2\"");
	settle();
	assert_string_equal(list(), "2:2");
}

static void edits_go_in_with_the_page(void **state)
{
	(void)state;
	open_sync(&(struct asked){.has_update = true});
	tell("subscribed");
	answer_base(post("1", 1, 1), NULL);
	told("update");
	settle_with(world.last_question, 3, nine(), NULL);
	assert_int_equal(n_of("9"), 9);
	assert_int_equal(aps_channel_decided(world.channel), 3);
	assert_string_equal(list(), "1:1");
}

/* What nobody waits for is decided all the same: its reader shows it until then. */
static void edits_that_nobody_has_asked_for_are_decided(void **state)
{
	(void)state;
	go_live(&(struct asked){0}, post("1", 1, 1));
	settle_with(99, 4, nine(), NULL);
	assert_int_equal(aps_channel_decided(world.channel), 4);
	stop();
	settle_with(0, 5, NULL, NULL);
	assert_int_equal(aps_channel_decided(world.channel), 5);
	assert_int_equal(n_of("9"), -1);
	assert_string_equal(list(), "1:1");
}

/* Each state that it can be in, and what it was asked for. */
enum {
	OFFLINE,
	HEADERS_ASKED,
	SUBSCRIBING,
	FETCHING,
	PAGE_ASKED,
	NEXT_PAGE_ASKED,
	PAGE_PARKED,
	EVENT_ASKED,
	EVENT_HELD,
	LIVE_STATE,
	POLLING,
	RETRYING,
	STOPPED,
	N_STATES
};

static void bring_to(int which)
{
	struct asked asked = {.asks_headers = which == HEADERS_ASKED,
	                      .has_update = which == PAGE_ASKED || which == EVENT_ASKED,
	                      .has_page = which == NEXT_PAGE_ASKED};
	if (which == HEADERS_ASKED) asked.live = "";
	if (which == OFFLINE) aps_reach_set_online(world.core, world.client, false);
	if (which == PAGE_PARKED) world.client->settings.cache->policies.asks_all = true;
	open_sync(&asked);
	if (which <= SUBSCRIBING) return;
	tell(which == POLLING ? "delayed" : "subscribed");
	if (which == FETCHING) return;
	if (which == EVENT_HELD) hear(post("1", 1, 1));
	if (which == EVENT_HELD) return;
	if (which == RETRYING) answer_status(503, "");
	if (which == STOPPED)
		answer_status(200, "{\"errors\":[{\"errorType\":\"ValidationException\",\"message\":\"no\"}]}");
	if (which == RETRYING || which == STOPPED) return;
	answer_base(post("1", 1, 1), NULL);
	if (which == PAGE_ASKED || which == NEXT_PAGE_ASKED || which == PAGE_PARKED) return;
	if (which == EVENT_ASKED) {
		told("update");
		settle();
		hear(post("2", 2, 1));
		assert_true(world.run->keeping.is_busy);
		return;
	}
	assert_phase(which == POLLING ? APS_SYNC_POLLING : APS_SYNC_LIVE);
}

static void in_each_state_the_client_may_close(void **state)
{
	(void)state;
	for (int i = 0; i < N_STATES; i++) {
		begin();
		bring_to(i);
		drop_events();
		aps_core_close_client(world.core, world.client);
		turn();
		const struct aps_result_event *end = told("end");
		if (end == NULL) fail_msg("state %d: its end wasn't told", i);
		assert_int_equal(end->response.err.code, APS_E_CLOSED);
		struct aps_err err;
		world.client = world.all.client = aps_calloc(1, sizeof *world.client);
		assert_non_null(world.client);
		world.client->id = 7;
		world.client->stats = aps_stats_new();
		aps_settings_init(&world.client->settings);
		assert_int_equal(aps_core_open_client(world.core, world.client, &err), APS_OK);
		settle_with(3, 9, nine(), NULL);
		finish();
	}
}

static void in_each_state_it_may_be_stopped(void **state)
{
	(void)state;
	for (int i = 0; i < N_STATES; i++) {
		begin();
		bring_to(i);
		uint64_t question = world.run->last_question;
		drop_events();
		stop();
		assert_null(told("end")); /* who stops it knows */
		settle_with(question, 9, nine(), NULL);
		assert_int_equal(aps_channel_decided(world.channel), 9);
		assert_int_equal(aps_http_n_running(world.core->http), 0);
		/* another one of the same queries begins where it was */
		aps_reach_set_online(world.core, world.client, true);
		world.client->settings.cache->policies.asks_all = false;
		if (i != PAGE_PARKED) {
			open_sync(&(struct asked){0});
			stop();
		}
		finish();
	}
}

static void in_each_state_its_cache_may_be_cleared(void **state)
{
	(void)state;
	for (int i = 0; i < N_STATES; i++) {
		begin();
		bring_to(i);
		drop_events();
		aps_caching_clear(world.core, world.client, CACHE, APS_PART_CLEARED);
		turn();
		if (i == EVENT_ASKED) settle_with(world.run->last_question, 0, NULL, NULL);
		if (i != EVENT_ASKED && i != EVENT_HELD && n_of("1") != -1) fail_msg("state %d", i);
		assert_int_equal(world.run->machine.checkpoint.base_ms, 0);
		finish();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(headers_are_asked_for_before_each_page),
	        TEST(without_headers_it_tries_again_later),
	        TEST(headers_of_the_subscription_are_another_question),
	        TEST(the_application_tells_which_page_comes_next),
	        TEST(a_page_that_is_asked_before_it_is_known_may_be_cut_short),
	        TEST(functions_are_told_of_the_records_that_are_newer),
	        TEST(functions_are_not_told_of_what_was_deleted_in_an_earlier_run),
	        TEST(edits_go_in_with_the_page),
	        TEST(edits_that_nobody_has_asked_for_are_decided),
	        cmocka_unit_test(in_each_state_the_client_may_close),
	        cmocka_unit_test(in_each_state_it_may_be_stopped),
	        cmocka_unit_test(in_each_state_its_cache_may_be_cleared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

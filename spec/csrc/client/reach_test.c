/* Whether the service can be reached, with an outbox and a realtime connection that wait for it: what a sign that the
 * network is back does, and to whom. Time is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/link_state.h"
#include "client/reach_commands.h"
#include "client/subscription_commands.h"
#include "queue_world.h"

enum { SUBSCRIPTION = 101, START_MS = 1000000 };

static int64_t now_ms;

static void pass(int64_t ms)
{
	now_ms += ms;
	aps_clock_stand(now_ms, now_ms);
	turn();
}

static void begin_at(uint64_t seed)
{
	now_ms = START_MS;
	aps_clock_stand(now_ms, now_ms);
	begin();
	aps_rand_init(&world.core->rand, seed);
	pass(0);
	drop_events();
}

static void end(void)
{
	finish();
	aps_clock_go_on();
}

static size_t count_reach(const char *word)
{
	size_t n = 0;
	for (struct aps_mail *mail = world.all.events; mail != NULL; mail = mail->next) {
		const struct aps_note_event *event = (struct aps_note_event *)mail;
		n += event->head.kind == APS_EVENT_REACH && strcmp(event->word, word) == 0;
	}
	return n;
}

static void refuse(void)
{
	fail_exchange(APS_E_NETWORK, false);
	turn();
}

/* Nothing is reached for so long that the next try is seconds away. */
static void be_long_offline(void)
{
	enqueue_n(1);
	turn();
	for (int64_t until_ms = now_ms + 90000; now_ms < until_ms;) {
		if (under_way() != NULL) refuse();
		pass(1);
	}
	while (under_way() != NULL) {
		refuse();
		pass(1000);
	}
}

static void say_online(bool is_online)
{
	run_command(aps_online_command_new(7, is_online));
	turn();
}

static void resume(void)
{
	run_command(aps_resumed_command_new());
	turn();
}

static void hear(enum aps_rc code, long status)
{
	struct aps_outcome outcome;
	struct aps_err err = {0};
	if (code != APS_OK) aps_fail(&err, code, "no");
	aps_outcome_init_err(&outcome, &err);
	outcome.answer.status = status;
	aps_reach_heard(world.core, world.client, &outcome);
	aps_outcome_clear(&outcome);
}

static struct aps_link *subscribe(void)
{
	struct aps_gql_document *doc;
	struct aps_subscribe_command *command = aps_subscribe_command_new(7, SUBSCRIPTION);
	assert_non_null(command);
	assert_int_equal(aps_gql_document_new(APS_STR("subscription { on { n } }"), &doc, NULL, NULL), APS_OK);
	assert_int_equal(aps_operation_init(&command->topic->operation, doc, aps_gql_document_find(doc, APS_STR("")),
	                                    false, APS_STR(""), NULL),
	                 APS_OK);
	aps_gql_document_unref(doc);
	command->topic->credential = KEY;
	command->limits.max_items = 10;
	command->limits.max_bytes = 1000;
	world.client->settings.realtime_endpoint = aps_strndup("ws://realtime.example/", 22);
	command->head.run(world.core, &command->head);
	turn();
	return aps_connections_of(world.core, world.client)->links;
}

/* Its name isn't found. */
static void fail_link(struct aps_link *link)
{
	struct aps_http_answer answer = {.status = 0};
	aps_fail(&answer.err, APS_E_NETWORK, "no such name");
	assert_true(link->resolving != 0);
	aps_http_cancel(world.core->http, link->resolving);
	link->resolved.answered(world.core, &link->resolved, &answer);
	turn();
}

static void fail_link_for_long(struct aps_link *link)
{
	for (int64_t until_ms = now_ms + 90000; now_ms < until_ms || link->timer.at_ms - now_ms < 2000;) {
		if (link->resolving != 0) fail_link(link);
		pass(link->timer.at_ms - now_ms);
		if (link->resolving != 0) fail_link(link);
	}
}

static void without_a_sign_a_try_comes_within_200_ms_then_5_s_and_after_a_minute_30_s(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		begin_at(seed);
		enqueue_n(1);
		turn();
		refuse();
		int64_t lost_ms = now_ms, last_ms = now_ms;
		for (size_t n = 0; now_ms - lost_ms < 300000; pass(1)) {
			if (under_way() == NULL) continue;
			int64_t pause_ms = now_ms - last_ms;
			assert_true(pause_ms <= (n == 0 ? 200 : last_ms - lost_ms < 60000 ? 5000 : 30000));
			last_ms = now_ms;
			n++;
			refuse();
		}
		end();
	}
}

static void a_mutation_that_is_not_answered_is_tried_as_soon_as_any(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		begin_at(seed);
		enqueue(&(struct asked){.is_idempotent = true});
		turn();
		int64_t lost_ms = now_ms, last_ms = now_ms;
		for (size_t n = 0; n < 60; pass(1)) {
			if (under_way() == NULL) continue;
			int64_t most_ms = n == 0 ? 0 : n == 1 ? 201 : last_ms - lost_ms < 60000 ? 5000 : 30000;
			assert_true(now_ms - last_ms <= most_ms);
			last_ms = now_ms;
			n++;
			fail_exchange(APS_E_NETWORK, true); /* it may have been executed */
			turn();
		}
		end();
	}
}

static void a_hint_brings_a_try_within_100_ms(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		begin_at(seed);
		be_long_offline();
		size_t n = n_requests();
		aps_reach_hint(world.core, seed % 2 == 0 ? world.client : NULL);
		for (int i = 0; i < 100 && under_way() == NULL; i++) pass(1);
		assert_non_null(under_way());
		assert_int_equal(n_requests(), n + 1);
		answer(200, DONE);
		turn();
		assert_true(aps_reach_is_online(world.core, world.client));
		assert_int_equal(count_reach("hint"), 1);
		assert_int_equal(count_reach("online"), 1);
		end();
	}
}

static void hints_that_come_within_500_ms_are_one_at_the_end_of_that_time(void **state)
{
	(void)state;
	begin_at(4);
	be_long_offline();
	aps_reach_hint(world.core, world.client);
	for (int i = 0; i < 499; i++) {
		aps_reach_hint(world.core, world.client);
		pass(1);
		if (under_way() != NULL) refuse();
	}
	assert_int_equal(count_reach("hint"), 1);
	pass(1);
	assert_int_equal(count_reach("hint"), 2);
	pass(100);
	assert_non_null(under_way());
	refuse();
	pass(500);
	assert_int_equal(count_reach("hint"), 2);
	end();
}

static void who_was_told_that_there_is_no_network_makes_nothing_of_hints(void **state)
{
	(void)state;
	begin_at(5);
	be_long_offline();
	aps_reach_hint(world.core, world.client);
	turn();
	aps_reach_hint(world.core, world.client); /* waits for half a second */
	say_online(false);
	size_t n = n_requests();
	struct aps_link *link = subscribe();
	resume();
	aps_reach_connected(world.core, world.client);
	pass(600);
	resume();
	pass(60000);
	assert_int_equal(n_requests(), n);
	assert_int_equal(link->resolving, 0);
	assert_int_equal(count_reach("hint"), 1);
	assert_int_equal(count_reach("online"), 0);
	say_online(true);
	assert_non_null(under_way());
	assert_true(link->resolving != 0);
	end();
}

static void one_request_at_a_time_finds_out_whether_the_service_is_back(void **state)
{
	(void)state;
	begin_at(6);
	for (int i = 0; i < 5; i++) enqueue_n(i);
	open_cache(OTHER_CACHE, "ann");
	open_queue(OTHER_CACHE);
	enqueue(&(struct asked){.cache = OTHER_CACHE});
	turn();
	const struct aps_queue *other = aps_queueing_find(world.core, world.client, OTHER_CACHE);
	refuse();
	struct aps_sending *sending = under_way_in(other);
	struct aps_http_answer failure = {.status = 0};
	aps_fail(&failure.err, APS_E_NETWORK, "no route");
	end_exchange(sending, &failure);
	for (int i = 0; i < 3000; i++) {
		if (i % 100 == 0) resume();
		pass(1);
		size_t n = (under_way() != NULL ? 1 : 0) + (under_way_in(other) != NULL ? 1 : 0);
		assert_in_range(n, 0, 1);
		if (i % 7 == 0 && under_way() != NULL) refuse();
	}
	end();
}

static void a_hint_makes_a_realtime_connection_try_and_said_online_once_more_is_one(void **state)
{
	(void)state;
	for (int way = 0; way < 3; way++) {
		begin_at(7);
		struct aps_link *link = subscribe();
		fail_link_for_long(link);
		if (way == 0) say_online(true);
		if (way == 1) resume();
		if (way == 2) aps_reach_hint(world.core, world.client);
		assert_in_range(link->timer.at_ms - now_ms, 0, 100);
		pass(100);
		assert_true(link->resolving != 0);
		end();
	}
}

static void an_attempt_that_hangs_is_begun_anew_after_a_hint(void **state)
{
	(void)state;
	begin_at(8);
	struct aps_link *link = subscribe();
	pass(3000);
	uint64_t before = link->resolving;
	resume();
	pass(100);
	assert_true(link->resolving != 0 && link->resolving != before);
	assert_int_equal(link->state, APS_CONN_CONNECTING);
	assert_int_equal(aps_http_n_running(world.core->http), 1);
	end();
}

static void an_answer_of_the_service_makes_a_realtime_connection_try_but_not_again_and_again(void **state)
{
	(void)state;
	begin_at(9);
	struct aps_link *link = subscribe();
	fail_link_for_long(link);
	hear(APS_OK, 200); /* it was never known to be offline */
	pass(100);
	fail_link(link);
	int n = 0;
	for (int i = 0; i < 15000; i++) {
		hear(APS_OK, 503);
		pass(1);
		if (link->resolving == 0) continue;
		fail_link(link);
		n++;
	}
	assert_in_range(n, 4, 40); /* after each of three signs the backoff begins anew */
	fail_link_for_long(link);
	hear(APS_E_NETWORK, 0);
	assert_true(link->timer.at_ms - now_ms > 100);
	hear(APS_OK, 200); /* that it is back is news */
	assert_in_range(link->timer.at_ms - now_ms, 0, 100);
	end();
}

static void what_stands_ends_the_offline_state_for_whom_it_was_not_told(void **state)
{
	(void)state;
	begin_at(10);
	be_long_offline();
	aps_reach_connected(world.core, world.client);
	turn();
	assert_non_null(under_way());
	assert_int_equal(count_reach("online"), 1);
	assert_int_equal(count_reach("hint"), 0);
	end();
}

static void a_hint_that_no_timer_can_be_had_for_acts_at_once(void **state)
{
	(void)state;
	begin_at(11);
	be_long_offline();
	aps_reach_hint(world.core, world.client);
	aps_mem_fail_at(1);
	aps_reach_hint(world.core, world.client);
	aps_mem_fail_at(0);
	pass(100);
	assert_non_null(under_way());
	end();
}

static void a_client_that_closes_leaves_no_hint_behind(void **state)
{
	(void)state;
	begin_at(12);
	subscribe();
	be_long_offline();
	resume();
	resume();
	replace_client();
	pass(1000);
	resume();
	end();
}

/* Its parts are opened one after the other: each may be the one without memory. */
static void a_client_that_cannot_be_opened_leaves_nothing(void **state)
{
	(void)state;
	struct aps_err err;
	begin_at(13);
	for (size_t nth = 1;; nth++) {
		struct aps_client *client = aps_calloc(1, sizeof *client);
		assert_non_null(client);
		client->id = 8;
		client->stats = aps_stats_new();
		aps_settings_init(&client->settings);
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_core_open_client(world.core, client, &err);
		aps_mem_fail_at(0);
		turn();
		if (rc != APS_OK) continue;
		aps_core_close_client(world.core, client);
		break;
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(without_a_sign_a_try_comes_within_200_ms_then_5_s_and_after_a_minute_30_s),
	        cmocka_unit_test(a_mutation_that_is_not_answered_is_tried_as_soon_as_any),
	        cmocka_unit_test(a_hint_brings_a_try_within_100_ms),
	        cmocka_unit_test(hints_that_come_within_500_ms_are_one_at_the_end_of_that_time),
	        cmocka_unit_test(who_was_told_that_there_is_no_network_makes_nothing_of_hints),
	        cmocka_unit_test(one_request_at_a_time_finds_out_whether_the_service_is_back),
	        cmocka_unit_test(a_hint_makes_a_realtime_connection_try_and_said_online_once_more_is_one),
	        cmocka_unit_test(an_attempt_that_hangs_is_begun_anew_after_a_hint),
	        cmocka_unit_test(an_answer_of_the_service_makes_a_realtime_connection_try_but_not_again_and_again),
	        cmocka_unit_test(what_stands_ends_the_offline_state_for_whom_it_was_not_told),
	        cmocka_unit_test(a_hint_that_no_timer_can_be_had_for_acts_at_once),
	        cmocka_unit_test(a_client_that_closes_leaves_no_hint_behind),
	        cmocka_unit_test(a_client_that_cannot_be_opened_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

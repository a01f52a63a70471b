/* A delta sync at work: commits that fail, caches that are cleared or closed, and ends, in each state that it can be
 * in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/question.h"
#include "saboteur.h"

#define PLAIN (&(struct asked){0})

static void a_page_whose_commit_fails_is_asked_for_again(void **state)
{
	(void)state;
	open_sync(PLAIN);
	tell("subscribed");
	answer_base(post("1", 1, 1), "a");
	sabotage(1);
	answer_base(post("2", 2, 1), "b");
	end_sabotage();
	assert_phase(APS_SYNC_WAITING);
	assert_told("state", "\"phase\":\"waiting\"");
	assert_string_equal(world.run->err.msg, "out of memory");
	assert_string_equal(list(), "1:1");
	assert_string_equal(aps_buf_str(&world.run->machine.checkpoint.base.token).p, "a");
	let_time_pass(30000);
	assert_string_equal(variables(), "{\"limit\":100,\"nextToken\":\"a\"}");
	answer_base(post("2", 2, 1), NULL);
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(list(), "1:1 2:2");
}

static void commits_that_fail_in_a_row_are_counted(void **state)
{
	(void)state;
	open_sync(PLAIN);
	tell("subscribed");
	for (int i = 1; i <= 3; i++) {
		char attempts[24];
		drop_events();
		sabotage(1);
		answer_base(post("1", 1, 1), "a");
		end_sabotage();
		snprintf(attempts, sizeof attempts, "\"attempts\":%d,", i);
		assert_told("state", attempts);
		let_time_pass(30000);
	}
	drop_events();
	answer_base(post("1", 1, 1), NULL);
	assert_told("state", "\"attempts\":0,");
}

/* As long as it wants to be left alone: others that are answered, and its own answer, say nothing new of it. */
static void a_service_that_fails_is_asked_again_by_its_time_and_not_by_answers(void **state)
{
	(void)state;
	open_sync(PLAIN);
	tell("subscribed");
	for (int i = 0; i < 4; i++) {
		answer_status(503, "{\"errors\":[{\"message\":\"not now\"}]}");
		assert_phase(APS_SYNC_WAITING);
		assert_int_equal(world.run->hint.index, 0);
		let_time_pass(i < 3 ? 30000 : 0);
	}
	world.ms += APS_REACH_ANSWER_MS + 1;
	stand();
	aps_reach_connected(world.core, world.client);
	turn();
	assert_int_equal(world.run->hint.index, 0);
	aps_reach_hint(world.core, world.client);
	assert_int_not_equal(world.run->hint.index, 0);
}

static void what_was_not_answered_is_tried_again_once_anything_is(void **state)
{
	(void)state;
	open_sync(PLAIN);
	tell("subscribed");
	fail_exchange(APS_E_SYSTEM);
	assert_phase(APS_SYNC_WAITING);
	aps_reach_connected(world.core, world.client);
	assert_int_not_equal(world.run->hint.index, 0);
}

static void deletions_of_a_page_whose_commit_fails_are_not_remembered(void **state)
{
	(void)state;
	go_live(PLAIN, both(post("1", 1, 1), post("2", 2, 1)));
	tell("reconnecting");
	tell("subscribed");
	sabotage(1);
	answer_delta(both(deleted("1", 2), "null"), NULL);
	end_sabotage();
	assert_false(is_dead("1"));
	assert_string_equal(list(), "1:1 2:2");
	assert_int_equal(world.run->n_bad, 0);
	let_time_pass(30000);
	answer_delta(deleted("1", 2), NULL);
	assert_true(is_dead("1"));
	assert_string_equal(list(), "2:2");
	assert_phase(APS_SYNC_LIVE);
}

static void a_page_is_told_again_where_the_store_has_moved(void **state)
{
	(void)state;
	open_sync(PLAIN);
	tell("subscribed");
	faulty_vfs_set("full=0");
	answer_base(post("1", 1, 1), "a");
	assert_false(aps_vault_is_available(world.run->vault));
	assert_phase(APS_SYNC_WAITING);
	assert_string_equal(world.run->err.word, "full");
	let_time_pass(30000);
	assert_string_equal(variables(), "{\"limit\":100}");
	answer_base(post("1", 1, 1), "a");
	answer_base(post("2", 2, 1), NULL);
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(list(), "1:1 2:2");
	faulty_vfs_set("full=off");
}

/* Nothing else happens: the core would sleep. */
static void events_whose_commit_fails_are_asked_for_at_once(void **state)
{
	(void)state;
	go_live(PLAIN, post("1", 1, 1));
	sabotage(1);
	hear(post("2", 2, 1));
	end_sabotage();
	assert_string_equal(list(), "1:1");
	assert_int_equal(aps_timers_left_ms(&world.core->timers, aps_clock_mono_ms()), 0);
	let_time_pass(0);
	answer_delta(post("2", 2, 1), NULL);
	assert_string_equal(list(), "1:1 2:2");
	assert_phase(APS_SYNC_LIVE);
}

static void clear_cache(void)
{
	aps_caching_clear(world.core, world.client, CACHE, APS_PART_CLEARED);
	turn();
}

static void a_cache_that_is_cleared_is_filled_anew(void **state)
{
	(void)state;
	go_live(PLAIN, both(post("1", 1, 1), post("2", 2, 1)));
	clear_cache();
	assert_phase(APS_SYNC_BASE);
	assert_string_equal(variables(), "{\"limit\":100}");
	answer_base(post("1", 1, 1), NULL);
	assert_string_equal(list(), "1:1");
	/* while a page is under way */
	begin_next_pass();
	answer_base(post("1", 1, 1), "a");
	clear_cache();
	assert_string_equal(variables(), "{\"limit\":100}");
	answer_base(post("3", 3, 1), NULL);
	assert_string_equal(list(), "3:3");
	assert_phase(APS_SYNC_LIVE);
}

/* What is told behind it isn't in the list that the store's checkpoint goes on with. */
static void a_pass_is_over_with_a_clear_even_where_that_is_lost(void **state)
{
	(void)state;
	go_live(PLAIN, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	answer_base(post("1", 1, 1), "a");
	sabotage(1);
	clear_cache();
	end_sabotage();
	assert_string_equal(list(), "1:1 2:2");
	hear(deleted("1", 2));
	restart();
	open_sync(PLAIN);
	tell("subscribed");
	assert_string_equal(variables(), "{\"limit\":100}");
}

/* The functions of the application are told of the second page, and the cache is cleared: nothing of it is kept, or the
 * checkpoint would speak of records that are gone. */
static void of_a_page_that_is_asked_while_the_cache_is_cleared_nothing_is_kept(void **state)
{
	(void)state;
	open_sync(&(struct asked){.has_update = true});
	tell("subscribed");
	answer_base(post("1", 1, 1), "a");
	assert_told("update", "\"part\":\"base\"");
	settle();
	answer_base(post("2", 2, 1), NULL);
	assert_told("update", "\"id\":\"2\"");
	clear_cache();
	settle_with(world.last_question, 5, make_edits("mutation M { x }", "{\"x\":1}"), NULL);
	assert_true(aps_channel_decided(world.channel) >= 5);
	assert_int_equal(n_of("2"), -1);
	assert_string_equal(variables(), "{\"limit\":100}");
	restart();
	open_sync(&(struct asked){.has_update = true});
	assert_int_equal(world.run->machine.checkpoint.base_ms, 0);
	tell("subscribed");
	assert_string_equal(variables(), "{\"limit\":100}");
}

/* Responses wait in the cache until the application has told what their objects are. */
static void ask_of_identities(void)
{
	world.client->settings.cache->policies.asks_all = true;
}

static struct aps_answer_command *take_question(void)
{
	for (struct aps_mail **at = &world.all.events; *at != NULL; at = &(*at)->next) {
		struct aps_question_event *event = (struct aps_question_event *)*at;
		if (event->head.kind != APS_EVENT_ASK || event->answer == NULL) continue;
		struct aps_answer_command *answer = event->answer;
		event->answer = NULL;
		return answer;
	}
	return NULL;
}

static void answer_question(struct aps_answer_command *answer)
{
	assert_non_null(answer);
	answer->head.run(world.core, &answer->head);
	turn();
}

static void go_live_asked(const char *items)
{
	open_sync(PLAIN);
	tell("subscribed");
	answer_base(items, NULL);
	answer_question(take_question());
	assert_phase(APS_SYNC_LIVE);
}

static void a_parked_page_is_kept_once_its_identities_are_told(void **state)
{
	(void)state;
	ask_of_identities();
	open_sync(PLAIN);
	tell("subscribed");
	answer_base(post("1", 1, 1), "a");
	assert_true(world.run->keeping.is_parked);
	assert_string_equal(variables(), "{\"limit\":100,\"nextToken\":\"a\"}"); /* the next one is on its way */
	answer_base(post("2", 2, 1), NULL);
	assert_int_equal(n_of("1"), -1);
	answer_question(take_question());
	answer_question(take_question());
	assert_string_equal(list(), "1:1 2:2");
	assert_phase(APS_SYNC_LIVE);
}

/* Others write in the same turns: what becomes of their transactions says nothing of the page. */
static void a_page_goes_by_the_transaction_that_it_was_written_in(void **state)
{
	(void)state;
	struct aps_err err;
	ask_of_identities();
	open_sync(PLAIN);
	tell("subscribed");
	answer_base(post("1", 1, 1), "a");
	struct aps_answer_command *answer = take_question();
	answer->head.run(world.core, &answer->head);
	assert_true(world.run->keeping.is_uncommitted);
	assert_int_equal(aps_vault_commit(partition()->vault, &err), APS_OK);
	aps_vault_abandon(partition()->vault);
	turn();
	assert_int_equal(world.run->machine.checkpoint.base.n_pages, 1);
	answer_base(post("2", 2, 1), "b");
	answer = take_question();
	answer->head.run(world.core, &answer->head);
	aps_vault_abandon(partition()->vault);
	assert_int_equal(aps_vault_begin(partition()->vault, &err), APS_OK);
	assert_int_equal(aps_vault_commit(partition()->vault, &err), APS_OK);
	turn();
	assert_int_equal(world.run->machine.checkpoint.base.n_pages, 1);
	assert_phase(APS_SYNC_WAITING);
	assert_string_equal(world.run->err.msg, "something else that was written with it failed");
}

/* Each is told of its own. */
static void a_page_is_kept_where_another_transaction_of_its_turn_was_lost(void **state)
{
	(void)state;
	struct aps_err err;
	ask_of_identities();
	go_live_asked(post("1", 1, 1));
	begin_next_pass();
	answer_base(post("2", 2, 1), NULL);
	struct aps_answer_command *question = take_question();
	assert_int_equal(aps_sync_run_save(world.run, &world.run->machine.checkpoint, &err), APS_OK);
	sabotage(1);
	assert_int_not_equal(aps_caching_commit(world.core, world.run->vault), APS_OK);
	end_sabotage();
	answer_question(question);
	let_time_pass(0);
	assert_string_equal(list(), "2:2");
	assert_phase(APS_SYNC_LIVE);
}

static struct aps_answer_command *park_the_only_page(void)
{
	ask_of_identities();
	open_sync(PLAIN);
	tell("subscribed");
	answer_base(post("1", 1, 1), NULL);
	return take_question();
}

static void of_a_page_that_is_parked_while_the_cache_is_cleared_nothing_is_kept(void **state)
{
	(void)state;
	struct aps_answer_command *question = park_the_only_page();
	clear_cache();
	assert_string_equal(variables(), "{\"limit\":100}");
	answer_question(question);
	assert_int_equal(n_of("1"), -1);
	answer_base(post("2", 2, 1), NULL);
	answer_question(take_question());
	assert_string_equal(list(), "2:2");
	assert_phase(APS_SYNC_LIVE);
}

static void of_a_page_that_is_parked_when_it_is_stopped_nothing_is_kept(void **state)
{
	(void)state;
	struct aps_answer_command *question = park_the_only_page();
	stop();
	answer_question(question);
	assert_int_equal(n_of("1"), -1);
	/* and when the client closes meanwhile */
	open_sync(PLAIN);
	tell("subscribed");
	answer_base(post("1", 1, 1), NULL);
	stop();
}

static void of_a_page_that_is_parked_when_the_service_ends_it_nothing_is_kept(void **state)
{
	(void)state;
	struct aps_answer_command *question = park_the_only_page();
	end_subscription(APS_E_GRAPHQL, NO_SUCH_FIELD);
	assert_phase(APS_SYNC_STOPPED);
	answer_question(question);
	assert_int_equal(n_of("1"), -1);
	assert_false(world.run->keeping.is_busy);
}

static void of_a_page_that_is_asked_when_it_is_stopped_nothing_is_kept(void **state)
{
	(void)state;
	open_sync(&(struct asked){.has_update = true});
	tell("subscribed");
	answer_base(post("1", 1, 1), NULL);
	assert_told("update", "\"id\":\"1\"");
	stop();
	settle_with(world.last_question, 7, make_edits("mutation M { x }", "{\"x\":1}"), NULL);
	assert_true(aps_channel_decided(world.channel) >= 7);
	assert_int_equal(n_of("1"), -1);
}

static void an_event_that_is_asked_is_not_overtaken_by_a_page(void **state)
{
	(void)state;
	open_sync(&(struct asked){.has_update = true});
	tell("subscribed");
	answer_base(post("1", 1, 1), NULL);
	told("update");
	settle();
	assert_phase(APS_SYNC_LIVE);
	hear(post("2", 2, 1));
	assert_told("update", "\"part\":\"subscription\"");
	uint64_t of_event = world.last_question;
	world.run->hearing.consumer.kind->missed(world.core, &world.run->hearing.consumer);
	turn();
	assert_phase(APS_SYNC_DRAINING);
	assert_false(world.run->fetching.is_under_way);
	told("update");
	assert_int_equal(world.last_question, of_event);
	settle();
	assert_int_equal(n_of("2"), 2);
	answer_delta(post("3", 3, 1), NULL);
	assert_told("update", "\"part\":\"delta\"");
	settle();
	assert_string_equal(list(), "1:1 2:2 3:3");
	assert_phase(APS_SYNC_LIVE);
}

static void an_event_that_is_parked_is_not_overtaken_by_a_page(void **state)
{
	(void)state;
	go_live(PLAIN, post("1", 1, 1));
	ask_of_identities();
	hear(post("2", 2, 1));
	assert_true(world.run->keeping.is_parked);
	world.run->hearing.consumer.kind->missed(world.core, &world.run->hearing.consumer);
	turn();
	assert_phase(APS_SYNC_DRAINING);
	answer_question(take_question());
	assert_int_equal(n_of("2"), 2);
	answer_delta(post("3", 3, 1), NULL);
	answer_question(take_question());
	assert_string_equal(list(), "1:1 2:2 3:3");
	assert_phase(APS_SYNC_LIVE);
}

static void events_that_come_while_one_is_asked_are_held_in_order(void **state)
{
	(void)state;
	open_sync(&(struct asked){.has_update = true});
	tell("subscribed");
	answer_base("", NULL);
	told("update");
	settle();
	hear(post("1", 1, 1));
	hear(post("1", 2, 2));
	hear(post("2", 2, 1));
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(world.run->hearing.n_events, 3 - i);
		told("update");
		settle();
	}
	assert_string_equal(list(), "1:2 2:2");
	assert_phase(APS_SYNC_LIVE);
}

static void where_too_many_are_held_they_are_asked_for_instead(void **state)
{
	(void)state;
	open_sync(&(struct asked){.has_update = true});
	tell("subscribed");
	answer_base("", NULL);
	told("update");
	settle();
	hear(post("1", 1, 1));
	const char *event = event_of(post("2", 2, 1));
	for (int i = 0; i < 8192; i++) assert_true(offer(event));
	turn();
	assert_int_equal(world.run->hearing.n_events, 8192);
	assert_phase(APS_SYNC_LIVE);
	assert_true(offer(event));
	turn();
	assert_int_equal(world.run->hearing.n_events, 0);
	assert_phase(APS_SYNC_DRAINING);
	told("update");
	settle();
	assert_phase(APS_SYNC_DELTA);
	answer_delta(post("2", 2, 1), NULL);
	told("update");
	settle();
	assert_string_equal(list(), "1:1 2:2");
	assert_phase(APS_SYNC_LIVE);
}

static void fail_in_resolver(void)
{
	answer_status(200, "{\"data\":null,\"errors\":[{\"path\":[\"listPosts\"],\"errorType\":\"Lambda:Unhandled\","
	                   "\"message\":\"it threw\"}]}");
}

/* What a resolver throws may be a token that has expired: a page that fails again and again is taken for that; then, if
 * that was wrong, after a minute, but only a few times. */
static void a_page_that_fails_again_and_again_begins_its_pass_anew(void **state)
{
	(void)state;
	open_sync(PLAIN);
	tell("subscribed");
	answer_base(post("1", 1, 1), "a");
	for (int n = 0; n < 4; n++) {
		assert_string_equal(variables(), "{\"limit\":100,\"nextToken\":\"a\"}");
		fail_in_resolver();
		let_time_pass(2000);
	}
	assert_string_equal(variables(), "{\"limit\":100}");
	for (int i = 0; i < 4; i++) {
		answer_base(post("1", 1, 1), "a");
		for (int n = 0; n < 3; n++) {
			assert_string_equal(variables(), "{\"limit\":100,\"nextToken\":\"a\"}");
			fail_in_resolver();
			let_time_pass(30000);
		}
		fail_in_resolver();
		let_time_pass(30000);
		assert_phase(APS_SYNC_BASE);
		if (i == 3) break;
		assert_string_equal(variables(), "{\"limit\":100}");
	}
	for (int n = 0; n < 20; n++) {
		assert_string_equal(variables(), "{\"limit\":100,\"nextToken\":\"a\"}");
		fail_in_resolver();
		let_time_pass(30000);
	}
	answer_base(post("2", 2, 1), NULL);
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(list(), "1:1 2:2");
}

static void a_service_that_refuses_the_query_ends_it(void **state)
{
	(void)state;
	open_sync(PLAIN);
	tell("subscribed");
	drop_events();
	answer_status(200,
	              "{\"data\":null,\"errors\":[{\"errorType\":\"ValidationException\",\"message\":\"no field\"}]}");
	assert_phase(APS_SYNC_STOPPED);
	assert_told("state", "\"phase\":\"stopped\"");
	assert_int_equal(told("end")->response.err.code, APS_E_GRAPHQL);
	drop_events();
	turn();
	assert_null(told("end"));
	stop();
}

static void its_cache_may_be_closed_under_it(void **state)
{
	(void)state;
	go_live(PLAIN, post("1", 1, 1));
	aps_caching_close(world.core, world.client, CACHE);
	turn();
	assert_int_equal(told("end")->response.err.code, APS_E_CLOSED);
	assert_phase(APS_SYNC_STOPPED);
	drop_events();
	turn();
	assert_null(told("end"));
	stop();
}

static void its_cache_may_be_closed_while_a_page_is_parked(void **state)
{
	(void)state;
	struct aps_answer_command *question = park_the_only_page();
	aps_caching_close(world.core, world.client, CACHE);
	turn();
	assert_int_equal(told("end")->response.err.code, APS_E_CLOSED);
	answer_question(question);
}

/* A vault that has no room to move to has lost what the turn has written so far, whoever fails to write in it. */
static void a_page_is_lost_where_its_vault_cannot_move(void **state)
{
	(void)state;
	static const struct aps_err full = {.code = APS_E_STORAGE, .word = "full", .native = 13, .msg = "no room"};
	struct aps_err err;
	ask_of_identities();
	open_sync(PLAIN);
	tell("subscribed");
	answer_base(post("1", 1, 1), "a");
	struct aps_answer_command *answer = take_question();
	answer->head.run(world.core, &answer->head);
	assert_true(world.run->keeping.is_uncommitted);
	aps_mem_fail_at(1);
	assert_false(aps_vault_cope(partition()->vault, &full));
	aps_mem_fail_at(0);
	assert_int_equal(aps_vault_begin(partition()->vault, &err), APS_OK);
	assert_int_equal(aps_vault_commit(partition()->vault, &err), APS_OK); /* of something else */
	turn();
	assert_int_equal(world.run->machine.checkpoint.base.n_pages, 0);
	assert_phase(APS_SYNC_WAITING);
}

/* Without a delta query a base query would follow. */
static void what_lingers_and_cannot_leave_is_nothing_that_was_missed(void **state)
{
	(void)state;
	const struct aps_caching_edits what = {
	        .layer = 50,
	        .edits = make_edits("mutation M { up { id n } }",
	                            "{\"up\":{\"__typename\":\"Post\",\"id\":\"2\",\"n\":200}}")};
	go_live(&(struct asked){.delta = ""}, both(post("1", 1, 1), post("2", 2, 1)));
	aps_caching_add_layer(world.core, world.client, CACHE, &what);
	aps_edits_unref(what.edits);
	turn();
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_string_equal(list(), "1:1 2:200");
	aps_caching_settle_layer(world.core, world.client, CACHE, &(struct aps_caching_edits){.layer = 50});
	sabotage(1);
	turn();
	end_sabotage();
	for (int i = 0; i < 3; i++) turn();
	assert_phase(APS_SYNC_LIVE);
	hear(post("1", 5, 2)); /* with which it leaves */
	assert_string_equal(list(), "1:5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_page_whose_commit_fails_is_asked_for_again),
	        TEST(commits_that_fail_in_a_row_are_counted),
	        TEST(a_service_that_fails_is_asked_again_by_its_time_and_not_by_answers),
	        TEST(what_was_not_answered_is_tried_again_once_anything_is),
	        TEST(deletions_of_a_page_whose_commit_fails_are_not_remembered),
	        TEST(a_page_is_told_again_where_the_store_has_moved),
	        TEST(events_whose_commit_fails_are_asked_for_at_once),
	        TEST(a_cache_that_is_cleared_is_filled_anew),
	        TEST(a_pass_is_over_with_a_clear_even_where_that_is_lost),
	        TEST(of_a_page_that_is_asked_while_the_cache_is_cleared_nothing_is_kept),
	        TEST(a_parked_page_is_kept_once_its_identities_are_told),
	        TEST(a_page_goes_by_the_transaction_that_it_was_written_in),
	        TEST(a_page_is_kept_where_another_transaction_of_its_turn_was_lost),
	        TEST(of_a_page_that_is_parked_while_the_cache_is_cleared_nothing_is_kept),
	        TEST(of_a_page_that_is_parked_when_it_is_stopped_nothing_is_kept),
	        TEST(of_a_page_that_is_parked_when_the_service_ends_it_nothing_is_kept),
	        TEST(of_a_page_that_is_asked_when_it_is_stopped_nothing_is_kept),
	        TEST(an_event_that_is_asked_is_not_overtaken_by_a_page),
	        TEST(an_event_that_is_parked_is_not_overtaken_by_a_page),
	        TEST(events_that_come_while_one_is_asked_are_held_in_order),
	        TEST(where_too_many_are_held_they_are_asked_for_instead),
	        TEST(a_page_that_fails_again_and_again_begins_its_pass_anew),
	        TEST(a_service_that_refuses_the_query_ends_it),
	        TEST(its_cache_may_be_closed_under_it),
	        TEST(its_cache_may_be_closed_while_a_page_is_parked),
	        TEST(a_page_is_lost_where_its_vault_cannot_move),
	        TEST(what_lingers_and_cannot_leave_is_nothing_that_was_missed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What was told of while a base pass ran, and what the pass lacks: the delta pass behind it tells what became of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "client/sync_work.h"
#include "saboteur.h"
#include "syncing_world.h"

#define ALL_DEFAULT (&(struct asked){0})

/* A mutation's answer tells of it. */
static void be_told(const char *id, int n, int version)
{
	char json[160];
	snprintf(json, sizeof json, "{\"up\":{\"__typename\":\"Post\",\"id\":\"%s\",\"n\":%d,\"_version\":%d}}", id, n,
	         version);
	keep("mutation M { up { id n _version } }", json);
}

static void tell_of_2_in_a_pass_without_it(const struct asked *asked)
{
	go_live(asked, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	be_told("2", 20, 2);
	answer_base(post("1", 1, 1), NULL);
	assert_string_equal(list(), "1:1 2:20");
	assert_phase(APS_SYNC_LIVE);
}

static void connect_again(void)
{
	tell("reconnecting");
	tell("subscribed");
}

static void assert_2_has_left(void)
{
	assert_string_equal(list(), "1:1");
	collect_later();
	assert_int_equal(n_of("2"), -1);
}

/* Its deletion lies before the time that the delta query asks from. */
static void what_the_delta_pass_does_not_tell_of_either_leaves(void **state)
{
	(void)state;
	tell_of_2_in_a_pass_without_it(ALL_DEFAULT);
	connect_again();
	answer_delta("", NULL);
	assert_2_has_left();
	connect_again();
	answer_delta(post("2", 21, 3), NULL);
	assert_string_equal(list(), "1:1 2:21");
}

static void so_it_does_in_the_next_run(void **state)
{
	(void)state;
	tell_of_2_in_a_pass_without_it(ALL_DEFAULT);
	restart();
	assert_string_equal(list(), "1:1 2:20");
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	answer_delta("", NULL);
	assert_2_has_left();
}

/* What it was told of in the pass was told in the same process. */
static void so_it_does_where_the_sync_has_ended_and_begins_again(void **state)
{
	(void)state;
	tell_of_2_in_a_pass_without_it(ALL_DEFAULT);
	stop();
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	answer_delta("", NULL);
	assert_2_has_left();
}

static void then_what_it_tells_of_stays_too(void **state)
{
	(void)state;
	tell_of_2_in_a_pass_without_it(ALL_DEFAULT);
	stop();
	be_told("2", 21, 3);
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	answer_delta(post("2", 21, 3), NULL);
	assert_string_equal(list(), "1:1 2:21");
}

static void what_it_tells_of_stays(void **state)
{
	(void)state;
	tell_of_2_in_a_pass_without_it(ALL_DEFAULT);
	connect_again();
	answer_delta(post("2", 20, 2), NULL);
	assert_string_equal(list(), "1:1 2:20");
	connect_again();
	answer_delta("", NULL);
	assert_string_equal(list(), "1:1 2:20");
}

static void all_its_pages_count_and_none_before_the_last_decides(void **state)
{
	(void)state;
	tell_of_2_in_a_pass_without_it(ALL_DEFAULT);
	connect_again();
	answer_delta(post("1", 10, 2), "a");
	assert_string_equal(list(), "1:10 2:20");
	answer_delta(post("2", 20, 2), "b");
	answer_delta(post("1", 11, 3), NULL);
	assert_string_equal(list(), "1:11 2:20");
}

/* The one page of a pass that has more tells an older state than the one that is known. */
static void an_older_state_tells_of_it_too(void **state)
{
	(void)state;
	tell_of_2_in_a_pass_without_it(ALL_DEFAULT);
	connect_again();
	answer_delta(post("2", 2, 1), "a");
	answer_delta("", NULL);
	assert_string_equal(list(), "1:1 2:20");
}

/* It may be the one that nobody can tell. */
static void behind_a_bad_record_it_stays_until_the_next_base_pass(void **state)
{
	(void)state;
	tell_of_2_in_a_pass_without_it(ALL_DEFAULT);
	connect_again();
	answer_delta("null", "a");
	answer_delta("", NULL);
	assert_string_equal(list(), "1:1 2:20");
	connect_again();
	answer_delta("", NULL);
	assert_string_equal(list(), "1:1 2:20");
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_2_has_left();
}

static void so_it_does_behind_one_of_a_delta_pass_inside_of_the_base_pass(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	answer_base(post("1", 1, 1), "a");
	be_told("2", 20, 2);
	answer_status(500, "");
	let_time_pass(DAY_MS / 2 + 1);
	answer_delta("null", NULL);
	answer_base("", NULL);
	assert_string_equal(list(), "1:1 2:20");
	connect_again();
	answer_delta("", NULL);
	assert_string_equal(list(), "1:1 2:20");
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_2_has_left();
}

static void so_it_does_behind_one_of_a_delta_pass_before_the_rest_is_fetched(void **state)
{
	(void)state;
	const struct asked asked = {.max_records = 2};
	go_live(&asked, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	answer_base(both(post("1", 1, 1), post("3", 3, 1)), "a");
	be_told("2", 20, 2);
	connect_again();
	answer_delta("null", NULL);
	struct aps_sync_event more = {.kind = APS_SYNC_ON_MORE, .n_more = 10};
	aps_sync_work_feed(world.run, &more);
	turn();
	answer_base("", NULL);
	assert_string_equal(list(), "1:1 3:3 2:20");
	connect_again();
	answer_delta("", NULL);
	assert_string_equal(list(), "1:1 3:3 2:20");
}

static void what_an_event_tells_of_meanwhile_stays(void **state)
{
	(void)state;
	tell_of_2_in_a_pass_without_it(ALL_DEFAULT);
	hear(post("2", 21, 3));
	connect_again();
	answer_delta("", NULL);
	assert_string_equal(list(), "1:1 2:21");
}

static void what_an_answer_tells_of_behind_the_pass_stays(void **state)
{
	(void)state;
	tell_of_2_in_a_pass_without_it(ALL_DEFAULT);
	be_told("2", 21, 3);
	connect_again();
	answer_delta("", NULL);
	assert_string_equal(list(), "1:1 2:21");
}

static void of_an_earlier_pass_what_an_answer_tells_of_in_the_next_run_stays(void **state)
{
	(void)state;
	tell_of_2_in_a_pass_without_it(ALL_DEFAULT);
	restart();
	open_sync(ALL_DEFAULT);
	be_told("2", 21, 3);
	tell("subscribed");
	answer_delta("", NULL);
	assert_string_equal(list(), "1:1 2:21");
}

static void while_a_mutation_of_it_is_queued_it_stays(void **state)
{
	(void)state;
	tell_of_2_in_a_pass_without_it(ALL_DEFAULT);
	const struct aps_caching_edits what = {
	        .layer = 50,
	        .edits = make_edits("mutation M { up { id n } }",
	                            "{\"up\":{\"__typename\":\"Post\",\"id\":\"2\",\"n\":200}}")};
	aps_caching_add_layer(world.core, world.client, CACHE, &what);
	aps_edits_unref(what.edits);
	turn();
	connect_again();
	answer_delta("", NULL);
	assert_string_equal(list(), "1:1 2:200");
	aps_caching_settle_layer(world.core, world.client, CACHE, &(struct aps_caching_edits){.layer = 50});
	for (int i = 0; i < 5; i++) turn();
	assert_string_equal(list(), "1:1 2:20");
	connect_again();
	answer_delta("", NULL);
	assert_2_has_left();
}

/* It asks from another time, and isn't about what the pass before has left open. */
static void a_delta_pass_inside_of_the_next_base_pass_decides_nothing(void **state)
{
	(void)state;
	tell_of_2_in_a_pass_without_it(ALL_DEFAULT);
	begin_next_pass();
	answer_base(post("1", 1, 1), "a");
	answer_status(500, "");
	let_time_pass(DAY_MS / 2 + 1);
	answer_delta("", NULL);
	assert_string_equal(list(), "1:1 2:20");
	answer_base("", NULL);
	assert_2_has_left();
}

static void without_delta_queries_the_next_pass_decides(void **state)
{
	(void)state;
	tell_of_2_in_a_pass_without_it(&(struct asked){.delta = ""});
	assert_false(world.run->has_between);
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_2_has_left();
}

/* Of 2, which the pass doesn't have: it was deleted before its page was made, and nobody has told that. */
static void hear_of_2_in_a_pass_without_it(const struct asked *asked)
{
	go_live(asked, post("1", 1, 1));
	begin_next_pass();
	hear(post("2", 2, 1));
	answer_base(post("1", 1, 1), NULL);
	assert_string_equal(list(), "1:1 2:2");
}

/* A journal may lag a little behind. */
static void wait_until_it_is_asked(void)
{
	assert_phase(APS_SYNC_LIVE);
	let_time_pass(4999);
	assert_false(is_asked());
	let_time_pass(2);
	assert_true(is_asked());
}

static void what_was_heard_before_the_page_was_made_is_asked_about_soon(void **state)
{
	(void)state;
	hear_of_2_in_a_pass_without_it(ALL_DEFAULT);
	wait_until_it_is_asked();
	answer_delta("", NULL);
	assert_2_has_left();
	assert_phase(APS_SYNC_LIVE);
	assert_false(is_asked());
}

static void in_a_first_pass_too(void **state)
{
	(void)state;
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	hear(post("2", 2, 1));
	answer_base(post("1", 1, 1), "a");
	answer_base("", NULL);
	assert_string_equal(list(), "1:1 2:2");
	wait_until_it_is_asked();
	answer_delta("", NULL);
	assert_2_has_left();
}

static void what_was_heard_and_the_delta_pass_tells_of_stays(void **state)
{
	(void)state;
	hear_of_2_in_a_pass_without_it(ALL_DEFAULT);
	wait_until_it_is_asked();
	answer_delta(post("2", 2, 1), NULL);
	connect_again();
	answer_delta("", NULL);
	assert_string_equal(list(), "1:1 2:2");
	assert_false(world.run->has_between);
}

static void nothing_is_asked_about_what_the_pass_has(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, post("1", 1, 1));
	begin_next_pass();
	hear(post("1", 11, 2));
	hear(post("2", 2, 1));
	answer_base(both(post("1", 1, 1), post("2", 2, 1)), NULL);
	assert_string_equal(list(), "1:11 2:2");
	assert_phase(APS_SYNC_LIVE);
	assert_false(is_asked());
	assert_false(world.run->has_between);
}

static void nor_about_what_is_heard_behind_it(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, post("1", 1, 1));
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_phase(APS_SYNC_LIVE);
	hear(post("2", 2, 1));
	assert_string_equal(list(), "1:1 2:2");
	assert_false(is_asked());
	connect_again();
	answer_delta("", NULL);
	assert_string_equal(list(), "1:1 2:2");
}

static void what_was_heard_leaves_in_the_next_run(void **state)
{
	(void)state;
	hear_of_2_in_a_pass_without_it(ALL_DEFAULT);
	restart();
	open_sync(ALL_DEFAULT);
	assert_string_equal(list(), "1:1 2:2");
	tell("subscribed");
	answer_delta("", NULL);
	assert_2_has_left();
}

static void what_was_heard_again_stays(void **state)
{
	(void)state;
	for (int is_asked_before = 0; is_asked_before <= 1; is_asked_before++) {
		begin();
		hear_of_2_in_a_pass_without_it(ALL_DEFAULT);
		if (is_asked_before) wait_until_it_is_asked();
		hear(post("2", 21, 2));
		if (!is_asked_before) wait_until_it_is_asked();
		answer_delta("", NULL);
		assert_string_equal(list(), "1:1 2:21");
		finish();
	}
}

/* It was heard before the pass was over, and says no more than the answer did. */
static void an_event_of_the_pass_decides_nothing_about_an_answer_in_it(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	be_told("2", 20, 2);
	hear(post("2", 20, 2));
	answer_base(post("1", 1, 1), NULL);
	assert_string_equal(list(), "1:1 2:20");
	connect_again();
	answer_delta("", NULL);
	assert_2_has_left();
}

static void without_delta_queries_what_was_heard_stays_until_the_next_pass(void **state)
{
	(void)state;
	hear_of_2_in_a_pass_without_it(&(struct asked){.delta = ""});
	assert_false(is_asked());
	assert_false(world.run->has_between);
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_2_has_left();
}

static void go_on_until_it_is_live(void)
{
	for (int i = 0; i < 20 && phase() != APS_SYNC_LIVE; i++) {
		if (!is_asked())
			let_time_pass(31000);
		else if (world.run->fetching.query == APS_SYNC_BASE_QUERY)
			answer_base(post("1", 1, 1), NULL);
		else
			answer_delta("", NULL);
	}
	assert_phase(APS_SYNC_LIVE);
}

static void where_it_cannot_be_written_it_is_decided_later(void **state)
{
	(void)state;
	tell_of_2_in_a_pass_without_it(ALL_DEFAULT);
	connect_again();
	sabotage(1);
	answer_delta("", NULL);
	end_sabotage();
	assert_string_equal(list(), "1:1 2:20");
	go_on_until_it_is_live();
	assert_2_has_left();
}

static void without_memory_it_is_decided_later(void **state)
{
	(void)state;
	size_t n_failed = 0;
	for (size_t nth = 1; nth < 200; nth++) {
		begin();
		tell_of_2_in_a_pass_without_it(ALL_DEFAULT);
		connect_again();
		struct aps_http_answer answer;
		assert_true(make_answer(&answer, 200, "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n",
		                        page_of("syncPosts", "", NULL)));
		aps_mem_fail_at(nth);
		end_exchange(&answer);
		aps_mem_fail_at(0);
		n_failed += phase() != APS_SYNC_LIVE;
		go_on_until_it_is_live();
		if (strcmp(list(), "1:1") != 0) fail_msg("allocation %zu: %s", nth, list());
		finish();
		if (!aps_mem_has_failed()) break;
	}
	assert_true(n_failed > 5);
}

static void what_was_heard_cannot_be_written_and_is_decided_later(void **state)
{
	(void)state;
	size_t n_failed = 0;
	for (size_t nth = 1; nth < 200; nth++) {
		begin();
		go_live(ALL_DEFAULT, post("1", 1, 1));
		begin_next_pass();
		hear(post("2", 2, 1));
		struct aps_http_answer answer;
		assert_true(make_answer(&answer, 200, "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n",
		                        page_of("syncPosts", post("1", 1, 1), NULL)));
		aps_mem_fail_at(nth);
		end_exchange(&answer);
		aps_mem_fail_at(0);
		n_failed += strcmp(list(), "1:1 2:2") != 0;
		for (int i = 0; i < 3; i++) turn();
		go_on_until_it_is_live();
		if (!is_asked()) let_time_pass(31000);
		if (is_asked()) answer_delta("", NULL);
		if (strcmp(list(), "1:1") != 0) fail_msg("allocation %zu: %s", nth, list());
		finish();
		if (!aps_mem_has_failed()) break;
	}
	assert_true(n_failed > 5);
}

/* A mutation that is queued keeps it in the list, too. */
static void what_was_heard_of_a_record_that_lingers_is_asked_about(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	const struct aps_caching_edits what = {
	        .layer = 50,
	        .edits = make_edits("mutation M { up { id n } }",
	                            "{\"up\":{\"__typename\":\"Post\",\"id\":\"2\",\"n\":200}}")};
	aps_caching_add_layer(world.core, world.client, CACHE, &what);
	aps_edits_unref(what.edits);
	begin_next_pass();
	hear(post("2", 20, 2));
	answer_base(post("1", 1, 1), NULL);
	assert_string_equal(list(), "1:1 2:200");
	wait_until_it_is_asked();
	answer_delta("", NULL);
	assert_string_equal(list(), "1:1 2:200");
	aps_caching_settle_layer(world.core, world.client, CACHE, &(struct aps_caching_edits){.layer = 50});
	for (int i = 0; i < 5; i++) turn();
	connect_again();
	answer_delta("", NULL);
	assert_2_has_left();
}

static void what_a_start_without_memory_does_not_know_it_finds_out_later(void **state)
{
	(void)state;
	size_t n_opened = 0;
	for (size_t nth = 1; nth < 150; nth++) {
		begin();
		tell_of_2_in_a_pass_without_it(ALL_DEFAULT);
		restart();
		aps_mem_fail_at(nth);
		bool is_open = try_open(ALL_DEFAULT);
		aps_mem_fail_at(0);
		n_opened += is_open;
		if (!is_open) open_sync(ALL_DEFAULT);
		for (int i = 0; i < 20 && phase() != APS_SYNC_LIVE; i++) {
			if (world.run->hearing.is_joined && !world.run->machine.is_subscribed)
				tell("subscribed");
			else if (!is_asked())
				let_time_pass(31000);
			else if (world.run->fetching.query == APS_SYNC_BASE_QUERY)
				answer_base(both(post("1", 1, 1), post("3", 3, 1)), NULL);
			else
				answer_delta(post("3", 3, 1), NULL);
		}
		assert_phase(APS_SYNC_LIVE);
		if (strcmp(list(), "1:1 3:3") != 0) fail_msg("allocation %zu: %s", nth, list());
		finish();
		if (!aps_mem_has_failed()) break;
	}
	assert_true(n_opened > 5);
}

/* The delta query asks from a later time then. */
static void a_pass_that_ends_early_leaves_it_to_the_next_one(void **state)
{
	(void)state;
	const struct asked asked = {.max_records = 2};
	go_live(&asked, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	be_told("2", 20, 2);
	answer_base(post("1", 1, 1), NULL);
	assert_string_equal(list(), "1:1 2:20");
	begin_next_pass();
	answer_base(both(post("1", 1, 1), post("3", 3, 1)), "a");
	assert_true(world.run->machine.checkpoint.is_truncated);
	connect_again();
	answer_delta("", NULL);
	assert_string_equal(list(), "1:1 2:20 3:3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(what_the_delta_pass_does_not_tell_of_either_leaves),
	        TEST(so_it_does_in_the_next_run),
	        TEST(so_it_does_where_the_sync_has_ended_and_begins_again),
	        TEST(then_what_it_tells_of_stays_too),
	        TEST(what_it_tells_of_stays),
	        TEST(all_its_pages_count_and_none_before_the_last_decides),
	        TEST(an_older_state_tells_of_it_too),
	        TEST(behind_a_bad_record_it_stays_until_the_next_base_pass),
	        TEST(so_it_does_behind_one_of_a_delta_pass_inside_of_the_base_pass),
	        TEST(so_it_does_behind_one_of_a_delta_pass_before_the_rest_is_fetched),
	        TEST(what_an_event_tells_of_meanwhile_stays),
	        TEST(what_an_answer_tells_of_behind_the_pass_stays),
	        TEST(of_an_earlier_pass_what_an_answer_tells_of_in_the_next_run_stays),
	        TEST(while_a_mutation_of_it_is_queued_it_stays),
	        TEST(a_delta_pass_inside_of_the_next_base_pass_decides_nothing),
	        TEST(without_delta_queries_the_next_pass_decides),
	        TEST(what_was_heard_before_the_page_was_made_is_asked_about_soon),
	        TEST(in_a_first_pass_too),
	        TEST(what_was_heard_and_the_delta_pass_tells_of_stays),
	        TEST(nothing_is_asked_about_what_the_pass_has),
	        TEST(nor_about_what_is_heard_behind_it),
	        TEST(what_was_heard_leaves_in_the_next_run),
	        cmocka_unit_test(what_was_heard_again_stays),
	        TEST(an_event_of_the_pass_decides_nothing_about_an_answer_in_it),
	        TEST(without_delta_queries_what_was_heard_stays_until_the_next_pass),
	        TEST(where_it_cannot_be_written_it_is_decided_later),
	        TEST(what_was_heard_of_a_record_that_lingers_is_asked_about),
	        TEST(a_pass_that_ends_early_leaves_it_to_the_next_one),
	        cmocka_unit_test(what_a_start_without_memory_does_not_know_it_finds_out_later),
	        cmocka_unit_test(without_memory_it_is_decided_later),
	        cmocka_unit_test(what_was_heard_cannot_be_written_and_is_decided_later),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

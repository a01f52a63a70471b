/* Two delta syncs that keep the same list, in one client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "syncing_world.h"

#define ALL_DEFAULT (&(struct asked){0})
#define OTHERWISE   (&(struct asked){.delta = ""}) /* the base query is the same */

static struct aps_sync_run *first, *second;

static struct aps_sync_run *open_one(uint64_t id, const struct asked *asked)
{
	assert_true(try_open_as(id, asked));
	tell("subscribed");
	return world.run;
}

static void open_both(const struct asked *asked)
{
	first = open_one(SYNC, ALL_DEFAULT);
	second = open_one(SYNC + 1, asked);
}

/* A page of a base query. */
static void answer_to(struct aps_sync_run *run, const char *items, const char *token)
{
	world.run = run;
	answer_base(items, token);
}

static void assert_asks(struct aps_sync_run *run, bool asks)
{
	world.run = run;
	assert_int_equal(is_asked(), asks);
}

static void go_live_both(const struct asked *asked)
{
	const char *items = both(both(post("1", 1, 1), post("2", 2, 1)), post("3", 3, 1));
	open_both(asked);
	answer_to(first, items, NULL);
	answer_to(second, items, NULL);
	assert_phase(APS_SYNC_LIVE);
	world.run = first;
	assert_phase(APS_SYNC_LIVE);
}

static void do_not_take_their_pages_from_each_other(const struct asked *asked)
{
	go_live_both(asked);
	begin_next_pass();
	answer_to(first, post("1", 1, 1), "a");
	answer_to(second, post("1", 1, 1), "x");
	answer_to(first, post("2", 2, 1), "b");
	answer_to(second, post("2", 2, 1), "y");
	assert_string_equal(list(), "1:1 2:2 3:3");
	answer_to(first, post("4", 4, 1), NULL);
	assert_string_equal(list(), "1:1 2:2 4:4");
	answer_to(second, post("4", 4, 1), NULL);
	assert_string_equal(list(), "1:1 2:2 4:4");
	assert_false(is_logged("anew"));
	assert_asks(first, false);
	assert_asks(second, false);
}

static void equal_ones_do_not_take_their_pages_from_each_other(void **state)
{
	(void)state;
	do_not_take_their_pages_from_each_other(ALL_DEFAULT);
}

static void nor_do_others_with_the_same_base_query(void **state)
{
	(void)state;
	do_not_take_their_pages_from_each_other(OTHERWISE);
}

static void their_first_passes_are_shown_together(void **state)
{
	(void)state;
	open_both(ALL_DEFAULT);
	answer_to(first, post("1", 1, 1), "a");
	answer_to(second, post("1", 1, 1), "x");
	answer_to(first, post("2", 2, 1), "b");
	assert_string_equal(list(), "1:1 2:2");
	answer_to(second, post("2", 2, 1), NULL);
	answer_to(first, post("3", 3, 1), NULL);
	assert_string_equal(list(), "1:1 2:2 3:3");
	assert_false(is_logged("anew"));
}

static void a_query_of_others_leaves_the_list_to_both(void **state)
{
	(void)state;
	go_live_both(ALL_DEFAULT);
	keep(BASE, "{\"listPosts\":{\"items\":[{\"__typename\":\"Post\",\"id\":\"9\",\"n\":9,\"_version\":1,\"_"
	           "deleted\":null,"
	           "\"_lastChangedAt\":1}],\"nextToken\":\"q\",\"startedAt\":1,\"__typename\":\"Page\"}}");
	assert_string_equal(list(), "1:1 2:2 3:3");
	assert_int_equal(n_of("9"), 9);
	assert_asks(first, false);
	assert_asks(second, false);
}

static void each_goes_on_after_a_restart_with_what_it_has(void **state)
{
	(void)state;
	go_live_both(ALL_DEFAULT);
	begin_next_pass();
	answer_to(first, post("1", 1, 1), "a");
	answer_to(second, both(post("1", 1, 1), post("2", 2, 1)), "x");
	restart();
	open_both(ALL_DEFAULT);
	world.run = first;
	assert_string_equal(variables(), "{\"limit\":100,\"nextToken\":\"a\"}");
	world.run = second;
	assert_string_equal(variables(), "{\"limit\":100,\"nextToken\":\"x\"}");
	answer_to(second, post("3", 3, 1), NULL);
	answer_to(first, both(post("2", 2, 1), post("3", 3, 1)), NULL);
	assert_string_equal(list(), "1:1 2:2 3:3");
	assert_false(is_logged("anew"));
}

static void one_that_ended_leaves_its_place_to_the_next_one(void **state)
{
	(void)state;
	go_live_both(ALL_DEFAULT);
	world.run = first;
	stop();
	open_one(SYNC + 2, ALL_DEFAULT);
	assert_int_equal(world.run->fetching.query, APS_SYNC_DELTA_QUERY);
}

/* Nobody need have closed it. */
static void so_does_one_that_was_refused(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, post("1", 1, 1));
	let_time_pass(DAY_MS / 2 + 1000);
	answer_status(200, "{\"errors\":[{\"message\":\"no such field\",\"errorType\":\"ValidationError\"}]}");
	assert_phase(APS_SYNC_STOPPED);
	open_one(SYNC + 1, ALL_DEFAULT);
	assert_int_equal(world.run->fetching.query, APS_SYNC_DELTA_QUERY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(equal_ones_do_not_take_their_pages_from_each_other),
	        TEST(nor_do_others_with_the_same_base_query),
	        TEST(their_first_passes_are_shown_together),
	        TEST(a_query_of_others_leaves_the_list_to_both),
	        TEST(each_goes_on_after_a_restart_with_what_it_has),
	        TEST(one_that_ended_leaves_its_place_to_the_next_one),
	        TEST(so_does_one_that_was_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

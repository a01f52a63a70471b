/* Where the list of a delta sync stands: found again after a restart, missed where it has gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cache/evict.h"
#include "client/collect_commands.h"
#include "syncing_world.h"

#define ALL_DEFAULT (&(struct asked){0})
#define ALIASED                                                                                                        \
	"query B($limit: Int, $nextToken: String) { all: listPosts(limit: $limit, nextToken: $nextToken) { list: "     \
	"items { " FIELDS " } more: nextToken startedAt } }"
#define DEEP                                                                                                           \
	"query B($nextToken: String) { viewer { tags { name } feed { posts(nextToken: $nextToken) { rows { " FIELDS    \
	" } nextToken } } } }"
#define DEEP_LIST "query L($nextToken: String) { viewer { feed { posts(nextToken: $nextToken) { rows { id n } } } } }"

static void answer_deep(const char *rows)
{
	static char body[4096];
	snprintf(body, sizeof body,
	         "{\"data\":{\"viewer\":{\"tags\":{\"name\":\"a\",\"__typename\":\"Tags\"},\"feed\":{\"posts\":{"
	         "\"rows\":[%s],"
	         "\"nextToken\":null,\"__typename\":\"Page\"},\"__typename\":\"Feed\"},\"__typename\":\"Viewer\"}}}",
	         rows);
	answer_status(200, body);
}

static void evict(const char *key, const char *field)
{
	struct aps_edits *edits = aps_edits_new();
	const struct aps_edit_what what = {.kind = APS_EDIT_EVICT, .key = aps_str_of(key), .field = aps_str_of(field)};
	assert_non_null(edits);
	assert_true(aps_edits_add(edits, &what));
	const struct aps_caching_edits caching = {.number = 900, .edits = edits};
	aps_caching_edit(world.core, world.client, CACHE, &caching);
	aps_edits_unref(edits);
	turn();
}

static void an_aliased_list_is_found_again_after_a_restart(void **state)
{
	(void)state;
	char body[1024];
	open_sync(&(struct asked){.base = ALIASED});
	tell("subscribed");
	snprintf(body, sizeof body,
	         "{\"data\":{\"all\":{\"list\":[%s],\"more\":null,\"startedAt\":%" PRId64 ",\"__typename\":\"Page\"}}}",
	         both(post("1", 1, 1), post("2", 2, 1)), BEGIN_MS);
	answer_status(200, body);
	restart();
	open_sync(&(struct asked){.base = ALIASED});
	tell("subscribed");
	answer_delta(both(post("3", 3, 1), deleted("1", 2)), NULL);
	assert_string_equal(list(), "2:2 3:3");
	hear(post("4", 4, 1));
	assert_string_equal(list(), "2:2 3:3 4:4");
}

static void a_list_deep_in_the_result_is_found_again_after_a_restart(void **state)
{
	(void)state;
	open_sync(&(struct asked){.base = DEEP});
	tell("subscribed");
	answer_deep(both(post("1", 1, 1), post("2", 2, 1)));
	assert_string_equal(list_of(DEEP_LIST), "1:1 2:2");
	restart();
	open_sync(&(struct asked){.base = DEEP});
	tell("subscribed");
	answer_delta(both(post("3", 3, 1), deleted("1", 2)), NULL);
	assert_string_equal(list_of(DEEP_LIST), "2:2 3:3");
	hear(post("4", 4, 1));
	assert_string_equal(list_of(DEEP_LIST), "2:2 3:3 4:4");
}

static void a_list_that_is_evicted_while_nothing_comes_is_fetched_anew(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	evict("ROOT_QUERY", "listPosts");
	assert_true(is_asked());
	answer_base(both(post("1", 1, 1), post("2", 2, 1)), NULL);
	assert_string_equal(list(), "1:1 2:2");
	assert_phase(APS_SYNC_LIVE);
	evict("ROOT_QUERY", "");
	assert_true(is_asked());
	answer_base(post("1", 1, 1), NULL);
	assert_string_equal(list(), "1:1");
}

static void a_list_that_is_taken_away_each_time_is_not_fetched_for_ever(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, post("1", 1, 1));
	for (int i = 0; i < 3; i++) {
		evict("ROOT_QUERY", "listPosts");
		assert_true(is_asked());
		answer_base(post("1", 1, 1), NULL);
	}
	assert_true(is_logged(
	        "its list isn't in the cache any more; the application evicts or overwrites it again and again: "
	        "it isn't fetched again for a minute"));
	let_time_pass(20000);
	evict("ROOT_QUERY", "listPosts");
	assert_false(is_asked());
	/* nothing else happens: the core would sleep */
	assert_int_equal(aps_timers_left_ms(&world.core->timers, aps_clock_mono_ms()), 40000);
	let_time_pass(39999);
	assert_false(is_asked());
	let_time_pass(1);
	assert_true(is_asked());
	answer_base(post("1", 1, 1), NULL);
	assert_string_equal(list(), "1:1");
}

static void a_list_that_is_there_is_not_fetched_later_because_it_was_lost_before(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, post("1", 1, 1));
	for (int i = 0; i < 3; i++) {
		evict("ROOT_QUERY", "listPosts");
		answer_base(post("1", 1, 1), NULL);
	}
	evict("Post:1", "");
	let_time_pass(60000);
	assert_false(is_asked());
	evict("ROOT_QUERY", "listPosts");
	assert_true(is_asked());
}

static void one_that_is_stopped_does_not_look_again(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, post("1", 1, 1));
	for (int i = 0; i < 3; i++) {
		evict("ROOT_QUERY", "listPosts");
		answer_base(post("1", 1, 1), NULL);
	}
	evict("ROOT_QUERY", "listPosts");
	assert_int_not_equal(world.run->look.index, 0);
	stop();
	let_time_pass(61000);
}

static void other_evictions_cost_nothing(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	evict("Post:2", "");
	evict("ROOT_QUERY", "other");
	assert_false(is_asked());
	assert_phase(APS_SYNC_LIVE);
}

static void a_list_that_was_evicted_while_nobody_kept_it_is_fetched_anew(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	restart();
	evict("ROOT_QUERY", "listPosts");
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	answer_base(both(post("1", 1, 1), post("2", 2, 1)), NULL);
	assert_string_equal(list(), "1:1 2:2");
}

static void a_pass_that_was_cut_short_goes_on_where_nobody_has_touched_its_list(void **state)
{
	(void)state;
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	answer_base(post("1", 1, 1), "a");
	restart();
	keep("{ other { id } }", "{\"other\":{\"id\":\"x\",\"__typename\":\"Other\"}}");
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	assert_string_equal(variables(), "{\"limit\":100,\"nextToken\":\"a\"}");
	answer_base(post("2", 2, 1), NULL);
	assert_string_equal(list(), "1:1 2:2");
}

static void a_pass_that_was_cut_short_begins_anew_where_somebody_has(void **state)
{
	(void)state;
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	answer_base(both(post("1", 1, 1), post("2", 2, 1)), "a");
	restart();
	keep("query L($limit: Int, $nextToken: String) { listPosts(limit: $limit, nextToken: $nextToken) { items { id "
	     "n } "
	     "nextToken } }",
	     "{\"listPosts\":{\"items\":[{\"__typename\":\"Post\",\"id\":\"1\",\"n\":1}],\"nextToken\":\"q\","
	     "\"__typename\":\"Page\"}}");
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	assert_string_equal(variables(), "{\"limit\":100}");
	answer_base(both(post("1", 1, 1), post("2", 2, 1)), NULL);
	assert_string_equal(list(), "1:1 2:2");
}

/* Until a sync has a list of its own, it is theirs. */
static void what_others_are_answered_is_shown_until_the_first_page_is_there(void **state)
{
	(void)state;
	open_sync(ALL_DEFAULT);
	for (int n = 1; n < 3; n++) {
		char data[1024];
		snprintf(data, sizeof data,
		         "{\"listPosts\":{\"items\":[%s],\"nextToken\":null,\"startedAt\":1,\"__typename\":\"Page\"}}",
		         n == 1 ? post("1", 1, 1) : both(post("1", 1, 1), post("2", 2, 1)));
		keep(BASE, data);
	}
	assert_string_equal(list(), "1:1 2:2");
	tell("subscribed");
	answer_base(both(post("1", 1, 1), post("3", 3, 1)), NULL);
	assert_string_equal(list(), "1:1 3:3");
}

static void collect_all(void)
{
	run_command(aps_collect_command_new(7, CACHE, 901));
	collect();
}

/* Longer than a list of the core's own is kept that nobody writes. */
static void a_sync_that_runs_for_months_keeps_its_list(const struct asked *asked)
{
	go_live(asked, both(post("1", 1, 1), post("2", 2, 1)));
	for (int half_days = 0; half_days < 70; half_days++) {
		let_time_pass(DAY_MS / 2 + 1000);
		if (!is_asked()) continue;
		if (world.run->fetching.query == APS_SYNC_BASE_QUERY)
			answer_base(both(post("1", 1, 1), post("2", 2, 1)), NULL);
		else
			answer_delta("", NULL);
	}
	assert_phase(APS_SYNC_LIVE);
	collect_all();
	keep("{ other { id } }", "{\"other\":{\"id\":\"x\",\"__typename\":\"Other\"}}");
	assert_false(is_asked());
	assert_false(is_logged("anew"));
	assert_string_equal(list(), "1:1 2:2");
}

static void a_list_is_not_missed_where_base_queries_have_kept_it_for_long(void **state)
{
	(void)state;
	a_sync_that_runs_for_months_keeps_its_list(ALL_DEFAULT);
}

static void nor_where_delta_queries_have(void **state)
{
	(void)state;
	a_sync_that_runs_for_months_keeps_its_list(&(struct asked){.interval_ms = 100 * DAY_MS});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(an_aliased_list_is_found_again_after_a_restart),
	        TEST(a_list_deep_in_the_result_is_found_again_after_a_restart),
	        TEST(a_list_that_is_evicted_while_nothing_comes_is_fetched_anew),
	        TEST(a_list_that_is_taken_away_each_time_is_not_fetched_for_ever),
	        TEST(a_list_that_is_there_is_not_fetched_later_because_it_was_lost_before),
	        TEST(one_that_is_stopped_does_not_look_again),
	        TEST(other_evictions_cost_nothing),
	        TEST(a_list_that_was_evicted_while_nobody_kept_it_is_fetched_anew),
	        TEST(a_pass_that_was_cut_short_goes_on_where_nobody_has_touched_its_list),
	        TEST(a_pass_that_was_cut_short_begins_anew_where_somebody_has),
	        TEST(what_others_are_answered_is_shown_until_the_first_page_is_there),
	        TEST(a_list_is_not_missed_where_base_queries_have_kept_it_for_long),
	        TEST(nor_where_delta_queries_have),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

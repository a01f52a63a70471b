/* What was deleted: how long that is remembered, and what comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "syncing_world.h"

#define ALL_DEFAULT (&(struct asked){0})

static void a_pass_that_has_seen_a_record_before_its_deletion_does_not_bring_it_back(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	hear(deleted("2", 2));
	assert_string_equal(list(), "1:1");
	begin_next_pass();
	answer_base(both(post("1", 1, 1), post("2", 2, 1)), NULL); /* its replica is behind */
	assert_string_equal(list(), "1:1");
	assert_int_equal(n_of("2"), -1);
}

static void deletions_are_remembered_until_the_second_pass_is_over_that_began_later(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	hear(deleted("2", 3));
	assert_true(is_dead("2"));
	hear(post("2", 22, 2)); /* late */
	assert_string_equal(list(), "1:1");
	assert_int_equal(n_of("2"), -1);
	hear(post("2", 24, 4));
	assert_string_equal(list(), "1:1 2:24");
	assert_false(is_dead("2"));
	hear(deleted("2", 5));
	hear(deleted("9", 1)); /* of what nobody knew */
	assert_true(is_dead("9"));
	begin_next_pass();
	hear(deleted("1", 2));
	answer_base(post("1", 1, 1), NULL);
	assert_true(is_dead("2"));
	assert_true(is_dead("9"));
	begin_next_pass();
	answer_base("", NULL);
	assert_false(is_dead("2"));
	assert_false(is_dead("9"));
	assert_true(is_dead("1"));
	assert_string_equal(list(), "");
}

/* It would be remembered until then. */
static void a_deletion_of_the_far_future_is_forgotten_all_the_same(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	hear("{\"__typename\":\"Post\",\"id\":\"2\",\"n\":null,\"_version\":2,\"_deleted\":true,\"_lastChangedAt\":"
	     "\"2999-01-01T00:00:00Z\"}");
	assert_true(is_dead("2"));
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_true(is_dead("2")); /* a day ahead is within reason */
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_false(is_dead("2"));
}

/* Older events may still come, and the clock that has seen them may be wrong. */
static void deletions_are_remembered_for_ten_minutes_behind_the_begin_of_a_pass(void **state)
{
	(void)state;
	go_live(&(struct asked){.interval_ms = 300000}, both(post("1", 1, 1), post("2", 2, 1)));
	hear(deleted("2", 3));
	let_time_pass(400000);
	answer_base(post("1", 1, 1), NULL);
	for (int i = 0; i < 2; i++) {
		assert_true(is_dead("2"));
		hear(post("2", 22, 2));
		assert_string_equal(list(), "1:1");
		let_time_pass(400000);
		answer_base(post("1", 1, 1), NULL);
	}
	assert_false(is_dead("2"));
}

static void without_a_base_query_deletions_are_remembered_until_the_second_delta_pass(void **state)
{
	(void)state;
	open_sync(&(struct asked){.base = ""});
	tell("subscribed");
	answer_delta(post("1", 1, 1), NULL);
	let_time_pass(1000);
	hear(deleted("1", 2));
	for (int i = 0; i < 2; i++) {
		assert_true(is_dead("1"));
		let_time_pass(DAY_MS / 2 + 1);
		answer_delta("", NULL);
	}
	assert_false(is_dead("1"));
}

static void without_a_query_deletions_are_remembered_for_a_day(void **state)
{
	(void)state;
	open_sync(&(struct asked){.base = "", .delta = ""});
	tell("subscribed");
	hear(deleted("1", 2));
	let_time_pass(DAY_MS / 2);
	hear(deleted("2", 2));
	assert_true(is_dead("1"));
	let_time_pass(DAY_MS / 2 + 2000);
	hear(post("3", 3, 1));
	assert_false(is_dead("1"));
	assert_true(is_dead("2"));
}

/* The service's clock counts, where the record says that it was deleted later than now. */
static void a_deletion_is_as_late_as_the_service_says(void **state)
{
	(void)state;
	char gone[256];
	snprintf(gone, sizeof gone,
	         "{\"__typename\":\"Post\",\"id\":\"2\",\"_version\":3,\"_deleted\":true,\"_lastChangedAt\":%" PRId64
	         "}",
	         BEGIN_MS + DAY_MS * 9 / 10);
	go_live(&(struct asked){.interval_ms = DAY_MS / 4}, both(post("1", 1, 1), post("2", 2, 1)));
	hear(gone);
	for (int i = 0; i < 5; i++) {
		assert_true(is_dead("2"));
		let_time_pass(DAY_MS * 3 / 10);
		answer_base(post("1", 1, 1), NULL);
	}
	assert_false(is_dead("2"));
}

/* Nothing tells that the event behind it is older: a delta query does. */
static void a_deletion_that_does_not_tell_its_version_is_asked_after(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	hear("{\"__typename\":\"Post\",\"id\":\"2\",\"n\":null,\"_version\":null,\"_deleted\":true}");
	assert_string_equal(list(), "1:1");
	assert_true(is_logged("isn't whole"));
	hear(post("2", 22, 2)); /* late */
	answer_delta(deleted("2", 3), NULL);
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(list(), "1:1");
	hear(post("2", 22, 2));
	assert_string_equal(list(), "1:1");
}

/* They are kept with it. */
static void of_a_deletion_no_version_is_kept_that_is_longer_than_any(void **state)
{
	(void)state;
	static const size_t LENGTHS[] = {1024, 1025};
	char version[1100], gone[2600];
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	for (size_t i = 0; i < APS_COUNTOF(LENGTHS); i++) {
		struct aps_tombstone_found found = {.is_there = false};
		struct aps_err err;
		memset(version, '9', LENGTHS[i]);
		version[LENGTHS[i]] = '\0';
		snprintf(gone, sizeof gone,
		         "{\"__typename\":\"Post\",\"id\":\"%zu\",\"_version\":%s,\"_deleted\":true,\"_lastChangedAt\":"
		         "%s}",
		         i + 1, version, version);
		hear(gone);
		snprintf(gone, sizeof gone, "RPost:%zu", i + 1);
		aps_buf_init(&found.version, APS_BUF_ANY_SIZE);
		aps_buf_init(&found.changed_at, APS_BUF_ANY_SIZE);
		assert_int_equal(aps_tombstone_find(world.run->vault->db, sync_name(), aps_str_of(gone), &found, &err),
		                 APS_OK);
		assert_true(found.is_there);
		assert_int_equal(found.version.n, i == 0 ? 1024 : 0);
		assert_int_equal(found.changed_at.n, i == 0 ? 1024 : 0);
		aps_buf_clear(&found.version);
		aps_buf_clear(&found.changed_at);
	}
	assert_string_equal(list(), "");
}

#define TIMELESS                                                                                                       \
	"query B($limit: Int, $nextToken: String) { listPosts(limit: $limit, nextToken: $nextToken) { items { id n "   \
	"_version _deleted } nextToken startedAt } }"

/* Without a time nobody can tell an event of it from a late one. */
static void what_was_made_anew_with_a_low_version_comes_back_with_a_base_pass(void **state)
{
	(void)state;
	const struct asked asked = {.base = TIMELESS,
	                            .delta = "",
	                            .live = "subscription S { onPost { id n _version _deleted } }",
	                            .interval_ms = 300000};
	go_live(&asked, both(post("1", 1, 1), post("2", 2, 6)));
	hear(deleted("2", 7));
	hear(post("2", 10, 1));
	assert_string_equal(list(), "1:1");
	let_time_pass(400000); /* a replica may be behind, or a clock */
	answer_base(both(post("1", 1, 1), post("2", 10, 1)), NULL);
	assert_string_equal(list(), "1:1");
	let_time_pass(400000);
	answer_base(both(post("1", 1, 1), post("2", 10, 1)), NULL);
	assert_string_equal(list(), "1:1 2:10");
	hear(post("2", 20, 2));
	assert_string_equal(list(), "1:1 2:20");
	assert_false(is_dead("2"));
}

/* By what somebody else was answered, of a state before that. */
static void what_is_cached_again_after_its_deletion_does_not_join_the_list(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	hear(deleted("2", 3));
	keep("query Q { a { id n _version } }",
	     "{\"a\":{\"__typename\":\"Post\",\"id\":\"2\",\"n\":2,\"_version\":1}}");
	assert_int_equal(n_of("2"), 2);
	hear(post("2", 2, 1));
	assert_string_equal(list(), "1:1");
	hear("{\"__typename\":\"Post\",\"id\":\"2\",\"n\":9,\"_version\":null}");
	assert_string_equal(list(), "1:1");
	assert_int_equal(n_of("2"), 2);
	answer_delta(post("2", 4, 4), NULL); /* that the part has called for */
	assert_string_equal(list(), "1:1 2:4");
}

/* Whether the answer was of a deletion isn't told by what it selects. */
static void what_an_answer_has_overtaken_does_not_join_the_list_by_a_late_event(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, post("1", 1, 1));
	keep("mutation M { m { id n _version } }",
	     "{\"m\":{\"__typename\":\"Post\",\"id\":\"2\",\"n\":2,\"_version\":2}}");
	hear(post("2", 1, 1));
	assert_string_equal(list(), "1:1");
	hear(post("2", 2, 2));
	assert_string_equal(list(), "1:1 2:2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_pass_that_has_seen_a_record_before_its_deletion_does_not_bring_it_back),
	        TEST(deletions_are_remembered_until_the_second_pass_is_over_that_began_later),
	        TEST(a_deletion_of_the_far_future_is_forgotten_all_the_same),
	        TEST(deletions_are_remembered_for_ten_minutes_behind_the_begin_of_a_pass),
	        TEST(without_a_base_query_deletions_are_remembered_until_the_second_delta_pass),
	        TEST(without_a_query_deletions_are_remembered_for_a_day),
	        TEST(a_deletion_is_as_late_as_the_service_says),
	        TEST(a_deletion_that_does_not_tell_its_version_is_asked_after),
	        TEST(of_a_deletion_no_version_is_kept_that_is_longer_than_any),
	        TEST(what_was_made_anew_with_a_low_version_comes_back_with_a_base_pass),
	        TEST(what_an_answer_has_overtaken_does_not_join_the_list_by_a_late_event),
	        TEST(what_is_cached_again_after_its_deletion_does_not_join_the_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What becomes of the records that a delta sync's lists had, and have no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "client/collecting.h"
#include "store/doubted_rows.h"
#include "syncing_world.h"

#define ALL_DEFAULT (&(struct asked){0})

static void go_live_with_three(const struct asked *asked)
{
	go_live(asked, both(both(post("1", 1, 1), post("2", 2, 1)), post("3", 3, 1)));
}

/* Of the three, the first one alone is still there. */
static void let_the_others_go(void)
{
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_string_equal(list(), "1:1");
	collect();
}

static void what_nothing_else_refers_to_leaves_the_store(void **state)
{
	(void)state;
	go_live_with_three(ALL_DEFAULT);
	let_the_others_go();
	assert_int_equal(n_of("1"), 1);
	assert_int_equal(n_of("2"), -1);
	assert_int_equal(n_of("3"), -1);
}

static void what_other_queries_show_stays(void **state)
{
	(void)state;
	go_live_with_three(ALL_DEFAULT);
	keep("{ best { id n } }", "{\"best\":{\"__typename\":\"Post\",\"id\":\"2\",\"n\":2}}");
	keep("{ hers(by: 7) { id n } }", "{\"hers\":[{\"__typename\":\"Post\",\"id\":\"3\",\"n\":3}]}");
	let_the_others_go();
	assert_string_equal(read_query("{ best { id n } }"),
	                    "{\"best\":{\"id\":\"2\",\"n\":2,\"__typename\":\"Post\"}}");
	assert_string_equal(list_of("{ hers(by: 7) { id n } }"), "3:3");
}

static void what_a_record_refers_to_stays(void **state)
{
	(void)state;
	go_live_with_three(ALL_DEFAULT);
	keep("{ author { id best { id n } } }",
	     "{\"author\":{\"__typename\":\"Author\",\"id\":\"a\",\"best\":{\"__typename\":"
	     "\"Post\",\"id\":\"2\",\"n\":2}}}");
	let_the_others_go();
	assert_int_equal(n_of("2"), 2);
	assert_int_equal(n_of("3"), -1);
}

static void what_another_sync_has_stays(void **state)
{
	(void)state;
	go_live_with_three(ALL_DEFAULT);
	struct aps_sync_run *first = world.run;
	assert_true(try_open_as(SYNC + 1, &(struct asked){.base = "{ hers { items { " FIELDS " } } }", .delta = ""}));
	tell("subscribed");
	answer_status(200, page_of("hers", both(post("2", 2, 1), post("4", 4, 1)), NULL));
	assert_phase(APS_SYNC_LIVE);
	begin_next_pass();
	answer_status(200, page_of("hers", both(post("2", 2, 1), post("4", 4, 1)), NULL));
	world.run = first;
	answer_base(post("1", 1, 1), NULL);
	collect();
	assert_string_equal(list(), "1:1");
	assert_string_equal(list_of("{ hers { items { id n } } }"), "2:2 4:4");
	assert_int_equal(n_of("3"), -1);
}

/* As write_fragment does: nothing refers to it, but it wasn't the sync's. */
static void what_the_list_never_had_is_left_alone(void **state)
{
	(void)state;
	go_live_with_three(ALL_DEFAULT);
	keep("mutation M { up { id n } }", "{\"up\":{\"__typename\":\"Post\",\"id\":\"9\",\"n\":9}}");
	let_the_others_go();
	assert_int_equal(n_of("9"), 9);
	assert_int_equal(n_of("2"), -1);
}

static void what_comes_back_before_it_has_left_stays(void **state)
{
	(void)state;
	go_live_with_three(ALL_DEFAULT);
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	hear(post("2", 20, 2));
	collect();
	assert_string_equal(list(), "1:1 2:20");
	assert_int_equal(n_of("3"), -1);
}

static void fields_with_arguments_leave_with_their_record(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, post("1", 1, 1));
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	size_t before = partition()->cache.entries.n_entries;
	hear(post("2", 2, 1));
	keep("mutation M { up { id tags(n: 3) } }", "{\"up\":{\"__typename\":\"Post\",\"id\":\"2\",\"tags\":[\"a\"]}}");
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	collect();
	assert_int_equal(n_of("2"), -1);
	assert_int_equal(partition()->cache.entries.n_entries, before);
}

static void an_application_that_keeps_its_lists_itself_keeps_its_records(void **state)
{
	(void)state;
	go_live_with_three(&(struct asked){.is_by_hand = true});
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	collect();
	assert_int_equal(n_of("2"), 2);
}

/* As a refused token has it. */
static void what_was_collected_for_a_pass_that_begins_anew_leaves(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, post("1", 1, 1));
	begin_next_pass();
	answer_base(both(post("2", 2, 1), post("3", 3, 1)), "a");
	assert_string_equal(list(), "1:1");
	answer_status(200,
	              "{\"data\":null,\"errors\":[{\"message\":\"Invalid nextToken\",\"errorType\":\"BadRequest\"}]}");
	assert_string_equal(variables(), "{\"limit\":100}");
	answer_base(both(post("1", 1, 1), post("3", 3, 1)), NULL);
	collect();
	assert_string_equal(list(), "1:1 3:3");
	assert_int_equal(n_of("2"), -1);
	assert_int_equal(n_of("3"), 3);
}

static void so_does_what_an_earlier_run_has_collected(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, post("1", 1, 1));
	begin_next_pass();
	answer_base(both(post("2", 2, 1), post("3", 3, 1)), "a");
	restart();
	let_time_pass(3 * DAY_MS);
	open_sync(ALL_DEFAULT);
	tell("subscribed");
	answer_delta("", NULL); /* its time tells that it reached back too far */
	assert_string_equal(variables(), "{\"limit\":100}");
	answer_base(both(post("1", 1, 1), post("3", 3, 1)), NULL);
	collect();
	assert_string_equal(list(), "1:1 3:3");
	assert_int_equal(n_of("2"), -1);
}

static uint64_t number_of(const char *key)
{
	struct aps_entry *entry;
	struct aps_err err;
	assert_int_equal(aps_entries_find_below(&partition()->cache.entries, aps_str_of(key), &entry, &err), APS_OK);
	return entry->number;
}

static void what_has_not_left_when_the_process_ends_leaves_in_the_next_one(void **state)
{
	(void)state;
	go_live_with_three(ALL_DEFAULT);
	keep("mutation M { up { id n } }", "{\"up\":{\"__typename\":\"Post\",\"id\":\"9\",\"n\":9}}");
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_string_equal(list(), "1:1");
	restart();
	assert_int_equal(n_of("2"), 2);
	assert_int_equal(n_of("3"), 3);
	collect();
	assert_int_equal(n_of("1"), 1);
	assert_int_equal(n_of("2"), -1);
	assert_int_equal(n_of("3"), -1);
	assert_int_equal(n_of("9"), 9);
}

/* The list that is saved once more in memory has lost them already. */
static void so_it_does_where_the_store_has_moved_in_the_turn_of_the_page(void **state)
{
	(void)state;
	go_live_with_three(ALL_DEFAULT);
	begin_next_pass();
	faulty_vfs_set("full=0");
	answer_base(post("1", 1, 1), NULL);
	faulty_vfs_set("full=off");
	assert_false(aps_vault_is_available(partition()->vault));
	assert_string_equal(list(), "1:1");
	assert_int_equal(n_of("2"), 2);
	aps_vault_retry(partition()->vault, aps_clock_mono_ms());
	assert_true(aps_vault_is_available(partition()->vault));
	restart();
	assert_int_equal(n_of("2"), 2);
	collect();
	assert_int_equal(n_of("1"), 1);
	assert_int_equal(n_of("2"), -1);
	assert_int_equal(n_of("3"), -1);
}

static int64_t last_doubted(void)
{
	int64_t last;
	struct aps_err err;
	struct aps_cache_store *store = &partition()->store;
	assert_int_equal(aps_doubted_rows_last(store->db, store->part, &last, &err), APS_OK);
	return last;
}

static bool is_still_to_fail(void)
{
	void *block = aps_malloc(1);
	aps_free(block);
	return block == NULL;
}

/* With each allocation in turn that fails. */
static void a_page_that_is_not_kept_doubts_nothing(void **state)
{
	(void)state;
	bool is_over = false;
	size_t n_failures = 0;
	for (size_t nth = 1; !is_over; nth++) {
		assert_true(nth < 2000);
		finish();
		begin();
		go_live_with_three(ALL_DEFAULT);
		begin_next_pass();
		aps_mem_fail_at(nth);
		answer_status(200, page_of("listPosts", post("1", 1, 1), NULL));
		is_over = is_still_to_fail();
		aps_mem_fail_at(0);
		bool is_kept = strcmp(list(), "1:1") == 0;
		if (!is_kept) assert_string_equal(list(), "1:1 2:2 3:3");
		assert_int_equal(last_doubted(), is_kept ? 1 : 0);
		n_failures += !is_kept;
		collect();
		if (is_kept) assert_int_equal(n_of("2"), -1);
		assert_int_equal(last_doubted(), 0);
	}
	assert_true(n_failures > 10);
}

/* They are in the store again, and are doubted as before. */
static void what_a_failed_commit_brings_back_leaves_all_the_same(void **state)
{
	(void)state;
	go_live_with_three(ALL_DEFAULT);
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	world.ms += 5;
	stand();
	aps_timers_run(&world.core->timers, world.core, aps_clock_mono_ms());
	assert_int_equal(n_of("2"), -1);
	assert_int_equal(last_doubted(), 0);
	aps_vault_abandon(partition()->vault);
	assert_int_equal(n_of("2"), 2);
	collect_later();
	assert_int_equal(n_of("2"), -1);
	assert_int_equal(last_doubted(), 0);
}

static enum aps_rc doubt(const uint64_t *numbers, size_t n)
{
	struct aps_err err;
	return aps_collecting_doubt(aps_caching_collecting(world.core, world.client, CACHE), numbers, n, &err);
}

/* It is left to a later one. */
static void without_memory_for_a_collection_nothing_is_lost(void **state)
{
	(void)state;
	size_t n_failures = 0, n_left = 0;
	go_live_with_three(ALL_DEFAULT);
	for (size_t nth = 1; nth < 90; nth++) {
		keep("mutation M { up { id n } }", "{\"up\":{\"__typename\":\"Post\",\"id\":\"9\",\"n\":9}}");
		uint64_t numbers[] = {number_of("RPost:9"), number_of("RPost:2")};
		aps_mem_fail_at(nth);
		bool is_doubted = doubt(numbers, 2) == APS_OK;
		if (is_doubted)
			collect();
		else
			aps_vault_abandon(partition()->vault);
		aps_mem_fail_at(0);
		assert_string_equal(list(), "1:1 2:2 3:3");
		n_failures += !is_doubted;
		n_left += is_doubted && n_of("9") != -1;
		if (!is_doubted) assert_int_equal(doubt(numbers, 2), APS_OK);
		collect_later();
		assert_int_equal(n_of("9"), -1);
		assert_string_equal(list(), "1:1 2:2 3:3");
		let_time_pass(10000);
	}
	assert_true(n_failures > 1);
	assert_true(n_left > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(what_nothing_else_refers_to_leaves_the_store),
	        TEST(what_other_queries_show_stays),
	        TEST(what_a_record_refers_to_stays),
	        TEST(what_another_sync_has_stays),
	        TEST(what_the_list_never_had_is_left_alone),
	        TEST(what_comes_back_before_it_has_left_stays),
	        TEST(fields_with_arguments_leave_with_their_record),
	        TEST(an_application_that_keeps_its_lists_itself_keeps_its_records),
	        TEST(what_was_collected_for_a_pass_that_begins_anew_leaves),
	        TEST(so_does_what_an_earlier_run_has_collected),
	        TEST(what_has_not_left_when_the_process_ends_leaves_in_the_next_one),
	        TEST(so_it_does_where_the_store_has_moved_in_the_turn_of_the_page),
	        TEST(a_page_that_is_not_kept_doubts_nothing),
	        TEST(what_a_failed_commit_brings_back_leaves_all_the_same),
	        TEST(without_memory_for_a_collection_nothing_is_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

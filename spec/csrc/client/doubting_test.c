/* Records that are doubted, from the transaction on that doubts them until a collection has looked at them, and when
 * collections look. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "client/collecting.h"
#include "client/doubting.h"
#include "client/partition.h"
#include "client/partition_adopt.h"
#include "collecting_world.h"

enum { BOB = CACHE + 1 };

static struct counting {
	struct aps_partition_holder holder;
	int n_runs; /* collections, as far as they got */
	int64_t takes_ms;
} counting;

static int64_t now_ms;

static void stand(int64_t more_ms)
{
	now_ms += more_ms;
	aps_clock_stand(now_ms, INT64_C(1700000000000) + now_ms);
}

static void count_run(struct aps_partition_holder *holder, struct aps_collect *collect)
{
	(void)holder;
	(void)collect;
	counting.n_runs++;
	stand(counting.takes_ms);
}

static struct aps_partition *partition_of(uint64_t cache)
{
	return aps_caching_partition(world.core.core, world.client, cache);
}

/* From now on. */
static void count_runs(void)
{
	counting.holder = (struct aps_partition_holder){NULL, count_run};
	counting.n_runs = 0;
	partition_of(CACHE)->holders = &counting.holder;
}

static int setup(void **state)
{
	counting.takes_ms = 0;
	now_ms = 1000000;
	stand(0);
	if (collecting_setup(state) != 0) return -1;
	core_world_turn(&world.core);
	count_runs();
	return 0;
}

static int teardown(void **state)
{
	int rc = collecting_teardown(state);
	aps_clock_go_on();
	return rc;
}

static void turn_after(int64_t ms)
{
	stand(ms);
	core_world_turn(&world.core);
}

static void reopen(void)
{
	close_client();
	open_client();
	count_runs();
}

/* "T:n", to which nothing refers. */
static void make_alone(uint64_t cache, int n)
{
	char data[96];
	snprintf(data, sizeof data, "{\"up\":{\"id\":\"%d\",\"__typename\":\"T\"}}", n);
	write_to(cache, "mutation M { up { id } }", data);
}

static uint64_t number_of(uint64_t cache, int n)
{
	char key[32];
	struct aps_entry *entry;
	struct aps_err err;
	snprintf(key, sizeof key, "RT:%d", n);
	assert_int_equal(aps_entries_find_below(&partition_of(cache)->cache.entries, aps_str_of(key), &entry, &err),
	                 APS_OK);
	return entry != NULL ? entry->number : 0;
}

static bool is_there(int n)
{
	return number_of(CACHE, n) != 0;
}

static void doubt_number(uint64_t cache, uint64_t number)
{
	struct aps_err err;
	struct aps_collecting *collecting = aps_caching_collecting(world.core.core, world.client, cache);
	assert_int_equal(aps_collecting_doubt(collecting, &number, 1, &err), APS_OK);
}

/* Makes it and doubts it, in the turn that runs. */
static void doubt_alone(uint64_t cache, int n)
{
	make_alone(cache, n);
	doubt_number(cache, number_of(cache, n));
}

static void doubt_now(int n)
{
	doubt_alone(CACHE, n);
	core_world_turn(&world.core);
}

static int64_t n_doubted(void)
{
	return in_file("SELECT count(*) FROM doubted");
}

/* Until the file has no more than that. */
static void turn_until(const char *sql, int64_t most)
{
	for (int i = 0; in_file(sql) > most; i++) {
		assert_true(i < 1000);
		turn_after(5);
	}
}

static void what_nothing_reaches_leaves_and_is_doubted_no_more(void **state)
{
	(void)state;
	write_now("{ a { id } }", "{\"a\":{\"id\":\"1\",\"__typename\":\"T\"}}");
	make_alone(CACHE, 2);
	doubt_number(CACHE, number_of(CACHE, 1));
	doubt_now(3);
	assert_int_equal(n_doubted(), 2);
	turn_after(5);
	assert_true(is_there(1)); /* it is referred to, */
	assert_true(is_there(2)); /* and nobody had this one */
	assert_false(is_there(3));
	assert_int_equal(n_doubted(), 0);
	turn_after(5); /* the file is tidied */
	assert_int_equal(world.core.core->timers.n_items, 0);
}

static void it_is_doubted_with_the_transaction_or_not_at_all(void **state)
{
	(void)state;
	make_alone(CACHE, 1);
	doubt_now(2);
	doubt_number(CACHE, number_of(CACHE, 1));
	aps_vault_abandon(partition_of(CACHE)->vault);
	assert_int_equal(n_doubted(), 1);
	turn_after(5);
	assert_true(is_there(1));
	assert_false(is_there(2));
	assert_int_equal(n_doubted(), 0);
}

static void the_next_process_goes_on_with_it(void **state)
{
	(void)state;
	make_alone(CACHE, 1);
	doubt_now(2);
	assert_int_equal(counting.n_runs, 0);
	reopen();
	assert_true(is_there(2));
	turn_after(5);
	assert_int_equal(counting.n_runs, 1);
	assert_false(is_there(2));
	assert_true(is_there(1));
	assert_int_equal(n_doubted(), 0);
	reopen();
	turn_after(5);
	assert_int_equal(counting.n_runs, 0);
}

static void copy_file(const char *from, const char *to)
{
	char bytes[4096];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	assert_non_null(out);
	for (size_t n; in != NULL && (n = fread(bytes, 1, sizeof bytes, in)) != 0;) fwrite(bytes, 1, n, out);
	if (in != NULL) fclose(in);
	fclose(out);
}

/* What it had in its file at that moment. */
static void kill_and_reopen(void)
{
	char log[128], copy[128], copy_of_log[128];
	snprintf(log, sizeof log, "%s-wal", world.path);
	snprintf(copy, sizeof copy, "%s/copy", world.folder);
	snprintf(copy_of_log, sizeof copy_of_log, "%s/copy-wal", world.folder);
	copy_file(world.path, copy);
	copy_file(log, copy_of_log);
	close_client();
	assert_int_equal(rename(copy, world.path), 0);
	assert_int_equal(rename(copy_of_log, log), 0);
	open_client();
	count_runs();
}

static void a_process_that_is_killed_amid_a_collection_leaves_it_to_the_next_one(void **state)
{
	(void)state;
	enum { N = 1500 };
	for (int i = 1; i <= N; i++) doubt_alone(CACHE, i);
	core_world_turn(&world.core);
	turn_after(5); /* no more than a thousand rows leave in a turn */
	int64_t n_left = n_records();
	assert_true(n_left > 0 && n_left < N);
	kill_and_reopen();
	assert_int_equal(n_records(), n_left);
	turn_until("SELECT count(*) FROM doubted", 0);
	assert_int_equal(n_records(), 0);
	assert_int_equal(counting.n_runs, 1);
}

static void rows_that_are_damaged_keep_none_behind_them(void **state)
{
	(void)state;
	enum { N = 15 };
	struct aps_err err;
	for (int i = 1; i <= N; i++) doubt_alone(CACHE, i);
	struct aps_db *db = partition_of(CACHE)->store.db;
	assert_int_equal(aps_db_exec(db, "UPDATE doubted SET sum = sum + 1 WHERE number <= 10", &err), APS_OK);
	core_world_turn(&world.core);
	assert_int_equal(n_doubted(), N);
	turn_until("SELECT count(*) FROM doubted", 0);
	assert_int_equal(n_records(), 10);
}

static void each_partition_of_a_file_has_its_own(void **state)
{
	(void)state;
	struct aps_channel *channel = aps_channel_new(6);
	open_cache_as(BOB, "bob", channel);
	doubt_alone(BOB, 1);
	doubt_now(2);
	assert_int_equal(n_doubted(), 2);
	reopen(); /* without bob */
	turn_after(5);
	assert_int_equal(n_doubted(), 1);
	assert_false(is_there(2));
	open_cache_as(BOB, "bob", channel);
	core_world_turn(&world.core);
	assert_true(number_of(BOB, 1) != 0);
	turn_after(5);
	assert_int_equal(n_doubted(), 0);
	assert_true(number_of(BOB, 1) == 0);
	aps_channel_unref(channel);
}

static void the_first_is_looked_at_at_once_and_later_ones_together(void **state)
{
	(void)state;
	doubt_now(1);
	turn_after(5);
	assert_int_equal(counting.n_runs, 1);
	assert_false(is_there(1));
	for (int n = 2; n <= 10; n++) {
		doubt_now(n);
		turn_after(500);
	}
	assert_int_equal(counting.n_runs, 1);
	assert_true(is_there(2));
	turn_after(499); /* 4999 after the end of the first one */
	assert_int_equal(counting.n_runs, 1);
	turn_after(1);
	assert_int_equal(counting.n_runs, 2);
	for (int n = 2; n <= 10; n++) assert_false(is_there(n));
	assert_int_equal(n_doubted(), 0);
	/* after a while it is at once again */
	turn_after(60000);
	doubt_now(11);
	turn_after(5);
	assert_int_equal(counting.n_runs, 3);
	assert_false(is_there(11));
}

static void the_pause_is_twenty_times_the_work(void **state)
{
	(void)state;
	counting.takes_ms = 400;
	doubt_now(1);
	for (int i = 0; i < 10; i++) turn_after(4); /* the slice was a long one: there is another one */
	assert_int_equal(counting.n_runs, 1);
	assert_int_equal(n_doubted(), 0);
	doubt_now(2);
	turn_after(7900);
	assert_int_equal(counting.n_runs, 1);
	turn_after(100);
	assert_int_equal(counting.n_runs, 2);
}

static void what_is_asked_for_is_not_put_off(void **state)
{
	(void)state;
	doubt_now(1);
	turn_after(5);
	doubt_now(2);
	run_command(aps_collect_command_new(world.client->id, CACHE, 5));
	turn_after(1);
	assert_int_equal(wait_for(5, NULL), 1);
	assert_false(is_there(2));
	assert_int_equal(n_doubted(), 0);
	assert_int_equal(counting.n_runs, 2);
	turn_after(60000);
	assert_int_equal(counting.n_runs, 2); /* that one has looked at it */
}

static void nor_is_what_leaves_for_want_of_room(void **state)
{
	(void)state;
	doubt_now(1);
	turn_after(5);
	partition_of(CACHE)->max_disk_bytes = 2000;
	for (int n = 2; n < 100; n++) make_alone(CACHE, n);
	doubt_now(100);
	assert_true(partition_of(CACHE)->store.n_bytes > 2000);
	turn_after(5);
	assert_int_equal(counting.n_runs, 2);
	assert_true(partition_of(CACHE)->store.n_bytes < 2000);
	assert_int_equal(n_doubted(), 0);
}

/* Reads that are noted don't wait for it, either. */
static void uses_are_saved_meanwhile(void **state)
{
	(void)state;
	write_now("{ a { id } }", "{\"a\":{\"id\":\"1\",\"__typename\":\"T\"}}");
	doubt_now(2);
	turn_after(5);
	doubt_now(3);
	partition_of(CACHE)->max_disk_bytes = 1000000;
	world.client->skew_ms += 3600000;
	int64_t before = in_file("SELECT max(used) FROM entry");
	uint64_t number = number_of(CACHE, 1);
	run_command(aps_used_command_new(world.client->id, CACHE, &number, 1));
	turn_after(5);
	assert_true(in_file("SELECT max(used) FROM entry") > before);
	assert_true(is_there(3));
	turn_after(5000);
	assert_false(is_there(3));
}

static void what_is_doubted_while_a_collection_runs_waits_for_the_next_one(void **state)
{
	(void)state;
	enum { N = 1500 };
	write_now("{ a { id } }", "{\"a\":{\"id\":\"9999\",\"__typename\":\"T\"}}");
	doubt_number(CACHE, number_of(CACHE, 9999)); /* it is reached still */
	for (int i = 1; i <= N; i++) doubt_alone(CACHE, i);
	core_world_turn(&world.core);
	turn_after(5);
	assert_int_equal(counting.n_runs, 1);
	write_to(CACHE, "{ a { id } }", "{\"a\":null}");
	doubt_number(CACHE, number_of(CACHE, 9999));
	doubt_now(3000);
	for (int i = 0; i < 10; i++) turn_after(5);
	assert_int_equal(n_records(), 3); /* with the root */
	assert_int_equal(counting.n_runs, 1);
	assert_int_equal(n_doubted(), 2);
	reopen();
	turn_after(5);
	assert_int_equal(n_records(), 1);
	assert_int_equal(n_doubted(), 0);
}

static void a_cache_that_is_cleared_has_nothing_to_doubt(void **state)
{
	(void)state;
	doubt_now(1);
	doubt_alone(CACHE, 2);
	aps_caching_clear(world.core.core, world.client, CACHE, APS_PART_CLEARED);
	doubt_now(3); /* of what comes next */
	turn_until("SELECT count(*) FROM part", 1);
	assert_int_equal(n_doubted(), 0);
	assert_false(is_there(3));
	assert_int_equal(counting.n_runs, 1);
	aps_caching_clear(world.core.core, world.client, CACHE, APS_PART_CLEARED);
	for (int i = 0; i < 5; i++) turn_after(5000);
	assert_int_equal(counting.n_runs, 1); /* where there is nothing, nothing is looked at */
}

static void what_another_identity_has_doubted_is_doubted_where_it_is_adopted(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_channel *channel = aps_channel_new(6);
	make_alone(CACHE, 7); /* what isn't there any more then */
	open_cache_as(BOB, "bob", channel);
	make_alone(BOB, 1);
	doubt_alone(BOB, 2);
	core_world_turn(&world.core);
	assert_int_equal(aps_vault_begin(partition_of(CACHE)->vault, &err), APS_OK);
	assert_int_equal(aps_partition_adopt(partition_of(CACHE), "bob", partition_of(BOB), &err), APS_OK);
	core_world_turn(&world.core);
	assert_true(is_there(2));
	turn_until("SELECT count(*) FROM part", 1);
	turn_after(5);
	assert_true(is_there(1));
	assert_false(is_there(2));
	assert_int_equal(n_doubted(), 0);
	aps_channel_unref(channel);
}

/* How long the next one waits, from now on. */
static int64_t left_after(struct aps_doubting *doubting, int64_t worked_ms, bool was_whole)
{
	doubting->may_have = true;
	aps_doubting_rest(doubting, worked_ms, was_whole, 1000);
	return aps_doubting_left_ms(doubting, 1000);
}

static void collections_that_fail_become_rarer(void **state)
{
	(void)state;
	struct aps_doubting doubting = {.may_have = false};
	assert_int_equal(aps_doubting_left_ms(&doubting, 1000), -1);
	doubting.may_have = true;
	assert_int_equal(aps_doubting_left_ms(&doubting, 1000), 0);
	assert_int_equal(left_after(&doubting, 0, true), 5000);
	assert_int_equal(left_after(&doubting, 250, true), 5000);
	assert_int_equal(left_after(&doubting, 251, true), 5020);
	assert_int_equal(left_after(&doubting, 0, false), 5000);
	assert_int_equal(left_after(&doubting, 0, false), 10000);
	assert_int_equal(left_after(&doubting, 500, false), 40000);
	for (int i = 0; i < 20; i++) left_after(&doubting, 0, false);
	assert_int_equal(left_after(&doubting, 0, false), 320000);
	assert_int_equal(left_after(&doubting, 0, true), 5000);
	assert_int_equal(left_after(&doubting, 0, false), 5000);
	assert_int_equal(aps_doubting_left_ms(&doubting, 6000), 0);
}

/* A collection without memory fails, and what it was to look at waits. */
static void without_memory_it_is_looked_at_later(void **state)
{
	(void)state;
	int n_failures = 0;
	for (size_t nth = 1; nth < 60; nth++) {
		int n = (int)nth;
		turn_after(600000);
		doubt_now(n);
		aps_mem_fail_at(nth);
		turn_after(5);
		aps_mem_fail_at(0);
		n_failures += is_there(n);
		assert_true(n_doubted() != 0 || !is_there(n));
		turn_after(600000);
		turn_after(5);
		assert_false(is_there(n));
		assert_int_equal(n_doubted(), 0);
	}
	assert_true(n_failures > 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(what_nothing_reaches_leaves_and_is_doubted_no_more),
	        TEST(it_is_doubted_with_the_transaction_or_not_at_all),
	        TEST(the_next_process_goes_on_with_it),
	        TEST(a_process_that_is_killed_amid_a_collection_leaves_it_to_the_next_one),
	        TEST(rows_that_are_damaged_keep_none_behind_them),
	        TEST(each_partition_of_a_file_has_its_own),
	        TEST(the_first_is_looked_at_at_once_and_later_ones_together),
	        TEST(the_pause_is_twenty_times_the_work),
	        TEST(what_is_asked_for_is_not_put_off),
	        TEST(nor_is_what_leaves_for_want_of_room),
	        TEST(uses_are_saved_meanwhile),
	        TEST(what_is_doubted_while_a_collection_runs_waits_for_the_next_one),
	        TEST(a_cache_that_is_cleared_has_nothing_to_doubt),
	        TEST(what_another_identity_has_doubted_is_doubted_where_it_is_adopted),
	        TEST(collections_that_fail_become_rarer),
	        TEST(without_memory_it_is_looked_at_later),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

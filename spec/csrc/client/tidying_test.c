#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/partition.h"
#include "client/tidying.h"
#include "collecting_world.h"
#include "store/sync_rows.h"

#define SECRET      "it was a dark and stormy night"
#define T(id, rest) "{\"id\":\"" id "\",\"__typename\":\"T\",\"text\":\"" rest "\"}"

static void clear_now(void)
{
	aps_reader_clear(world.reader);
	run_command(aps_clear_command_new(world.client->id, CACHE));
}

static int64_t wipe_now(const char **message)
{
	aps_reader_clear(world.reader);
	run_command(aps_wipe_command_new(world.client->id, CACHE, 50));
	return wait_for(50, message);
}

static void a_cleared_partition_is_empty_at_once_for_its_reader(void **state)
{
	(void)state;
	write_now("{ a { id text } }", "{\"a\":" T("1", "x") "}");
	assert_string_equal(read_now("{ a { id text } }"), "{\"a\":{\"id\":\"1\",\"text\":\"x\"}}");
	aps_reader_clear(world.reader);
	assert_string_equal(read_now("{ a { id text } }"), "missing a");
	run_command(aps_clear_command_new(world.client->id, CACHE));
	assert_string_equal(read_now("{ a { id text } }"), "missing a");
	/* what comes in the same turn is there afterwards */
	write_to(CACHE, "{ b }", "{\"b\":2}");
	assert_string_equal(read_now("{ b }"), "missing b");
	core_world_turn(&world.core);
	assert_string_equal(read_now("{ b }"), "{\"b\":2}");
	assert_string_equal(read_now("{ a { id text } }"), "missing a");
	settle();
	assert_int_equal(in_file("SELECT count(*) FROM part"), 1);
	assert_int_equal(in_file("SELECT count(*) FROM entry"), 1);
	write_now("{ a { id text } }", "{\"a\":" T("1", "y") "}");
	assert_string_equal(read_now("{ a { id text } b }"), "{\"a\":{\"id\":\"1\",\"text\":\"y\"},\"b\":2}");
}

static void several_clears_are_over_with_the_last_of_them(void **state)
{
	(void)state;
	write_now("{ a }", "{\"a\":1}");
	aps_reader_clear(world.reader);
	aps_reader_clear(world.reader);
	run_command(aps_clear_command_new(world.client->id, CACHE));
	write_to(CACHE, "{ a }", "{\"a\":2}");
	core_world_turn(&world.core);
	assert_string_equal(read_now("{ a }"), "missing a"); /* the second one isn't done */
	run_command(aps_clear_command_new(world.client->id, CACHE));
	write_to(CACHE, "{ a }", "{\"a\":3}");
	core_world_turn(&world.core);
	assert_string_equal(read_now("{ a }"), "{\"a\":3}");
	aps_reader_clear(world.reader);
	aps_reader_take_back_clear(world.reader);
	assert_string_equal(read_now("{ a }"), "{\"a\":3}");
}

static void a_partition_that_could_not_be_opened_is_cleared_as_well(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_channel *channel = aps_channel_new(5);
	open_cache_as(CACHE + 1, "ann", channel); /* another one has it */
	struct aps_reader *reader = aps_reader_new(world.path, "p", "ann", &world.settings->policies, channel, &err);
	write_now("{ a }", "{\"a\":1}");
	aps_reader_clear(reader);
	run_command(aps_clear_command_new(world.client->id, CACHE + 1));
	core_world_turn(&world.core);
	assert_int_equal(aps_channel_ended_clears(channel), 1);
	assert_string_equal(read_now("{ a }"), "{\"a\":1}");
	aps_reader_free(reader);
	aps_channel_unref(channel);
}

static void other_partitions_are_left_alone(void **state)
{
	(void)state;
	struct aps_channel *channel = aps_channel_new(5);
	open_cache_as(CACHE + 1, "bob", channel);
	write_to(CACHE + 1, "{ a }", "{\"a\":1}");
	write_now("{ a }", "{\"a\":2}");
	clear_now();
	settle();
	assert_int_equal(in_file("SELECT count(*) FROM part WHERE identity = 'bob'"), 1);
	assert_int_equal(in_file("SELECT count(*) FROM part"), 1);
	assert_int_equal(in_file("SELECT count(*) FROM entry"), 1);
	aps_channel_unref(channel);
}

static const char *const SYNC_TABLES[] = {"sync", "tombstone", "quarantine"};

/* What a sync keeps beside the records, with the secret in its texts. */
static void keep_sync(int n)
{
	struct aps_err err;
	uint64_t n_bad = 0;
	struct aps_partition *partition = aps_caching_partition(world.core.core, world.client, CACHE);
	struct aps_sync_name sync = {.name = APS_STR("aa")};
	assert_int_equal(aps_vault_begin(partition->vault, &err), APS_OK);
	assert_int_equal(aps_cache_store_part(&partition->store, &sync.part, &err), APS_OK);
	assert_int_equal(aps_sync_rows_save(partition->vault->db, sync, APS_STR(SECRET), &err), APS_OK);
	for (int i = 0; i < n; i++) {
		char key[32];
		snprintf(key, sizeof key, "T:%d", i);
		const struct aps_tombstone tombstone = {aps_str_of(key), APS_STR(SECRET), APS_STR(""), 10};
		const struct aps_sync_bad_record record = {aps_str_of(key), APS_STR(SECRET), 10};
		assert_int_equal(aps_tombstone_put(partition->vault->db, sync, &tombstone, &err), APS_OK);
		assert_int_equal(aps_quarantine_put(partition->vault->db, sync, &record, &n_bad, &err), APS_OK);
	}
	core_world_turn(&world.core);
}

static int64_t n_sync_rows(void)
{
	int64_t n = 0;
	for (size_t i = 0; i < APS_COUNTOF(SYNC_TABLES); i++) {
		char sql[64];
		snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", SYNC_TABLES[i]);
		n += in_file(sql);
	}
	return n;
}

static void what_syncs_keep_leaves_with_the_partition(void **state)
{
	(void)state;
	keep_sync(900);
	assert_int_equal(n_sync_rows(), 1801);
	clear_now();
	int64_t last = n_sync_rows();
	keep_sync(0); /* it begins anew */
	while (last > 1) {
		core_world_turn(&world.core);
		int64_t n = n_sync_rows();
		assert_true(last - n <= 1000);
		last = n;
	}
	settle();
	assert_int_equal(n_sync_rows(), 1);
	assert_int_equal(in_file("SELECT count(*) FROM part"), 1);
}

static void write_many(int n)
{
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_text(&text, "{\"all\":[");
	for (int i = 0; i < n; i++) aps_buf_addf(&text, "%s" T("%d", SECRET), i != 0 ? "," : "", i);
	aps_buf_add_text(&text, "]}");
	write_now("{ all { id text } }", text.p);
	aps_buf_clear(&text);
}

static void old_rows_leave_a_thousand_a_turn(void **state)
{
	(void)state;
	enum { N = 5000 };
	write_many(N);
	clear_now();
	int64_t last = in_file("SELECT count(*) FROM entry");
	size_t n_turns = 0;
	while (last != 0) {
		core_world_turn(&world.core);
		int64_t n = in_file("SELECT count(*) FROM entry");
		assert_true(last - n <= 1000);
		n_turns += n != last;
		last = n;
	}
	assert_true(n_turns >= 5);
	settle();
	assert_int_equal(in_file("SELECT count(*) FROM part"), 0);
	assert_int_equal(in_file("SELECT count(*) FROM name"), 0);
}

static void a_restart_in_the_middle_goes_on(void **state)
{
	(void)state;
	write_many(5000);
	clear_now();
	while (in_file("SELECT count(*) FROM entry") > 3000) core_world_turn(&world.core);
	close_client();
	int64_t n = in_file("SELECT count(*) FROM entry");
	assert_true(n > 0);
	open_client();
	assert_string_equal(read_now("{ all { id } }"), "missing all");
	write_now("{ a }", "{\"a\":1}");
	settle();
	assert_int_equal(in_file("SELECT count(*) FROM entry"), 1);
	assert_int_equal(in_file("SELECT count(*) FROM part"), 1);
	assert_string_equal(read_now("{ a }"), "{\"a\":1}");
}

static void nothing_of_a_wiped_partition_is_left_in_the_file(void **state)
{
	(void)state;
	write_many(3000);
	write_now("{ all { id } }", "{\"all\":[]}");
	collect_now(); /* some of it is on pages that are free */
	write_many(2000);
	struct aps_channel *channel = aps_channel_new(5);
	open_cache_as(CACHE + 1, "bob", channel);
	write_to(CACHE + 1, "{ a }", "{\"a\":\"bob's\"}");
	core_world_turn(&world.core);
	assert_true(is_in_file(SECRET));
	assert_true(is_in_file("ann"));
	assert_int_equal(wipe_now(NULL), 1);
	assert_false(is_in_file(SECRET));
	assert_true(is_in_file("bob's"));
	assert_int_equal(in_file("PRAGMA freelist_count"), 0);
	settle();
	assert_int_equal(in_file("SELECT count(*) FROM part"), 1);
	assert_false(is_in_file("ann"));
	assert_string_equal(read_now("{ all { id } }"), "missing all");
	/* it goes on as a new one */
	write_now("{ a }", "{\"a\":1}");
	assert_string_equal(read_now("{ a }"), "{\"a\":1}");
	aps_channel_unref(channel);
}

static void what_syncs_keep_is_wiped_with_the_partition(void **state)
{
	(void)state;
	keep_sync(300);
	assert_true(is_in_file(SECRET));
	assert_int_equal(wipe_now(NULL), 1);
	assert_int_equal(n_sync_rows(), 0);
	assert_false(is_in_file(SECRET));
}

static void a_wipe_that_a_restart_interrupts_is_finished(void **state)
{
	(void)state;
	const char *message;
	write_many(5000);
	aps_reader_clear(world.reader);
	run_command(aps_wipe_command_new(world.client->id, CACHE, 50));
	while (in_file("SELECT count(*) FROM entry") > 3000) core_world_turn(&world.core);
	close_client();
	assert_int_equal(wait_for(50, &message), -1);
	assert_string_equal(message, "the client was closed");
	open_client();
	settle();
	assert_int_equal(in_file("SELECT count(*) FROM part"), 0);
	assert_false(is_in_file(SECRET));
	assert_false(is_in_file("ann"));
}

static void a_wipe_waits_for_who_reads_the_file_and_says_so(void **state)
{
	(void)state;
	const char *message;
	sqlite3 *db;
	sqlite3_stmt *stmt;
	write_many(10);
	assert_int_equal(sqlite3_open_v2(world.path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT id FROM entry", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_int_equal(wipe_now(&message), -1);
	assert_string_equal(message, "another connection keeps reading the store");
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	settle();
	assert_false(is_in_file(SECRET));
}

static void without_memory_a_partition_is_cleared_or_it_is_not(void **state)
{
	(void)state;
	for (size_t nth = 1; nth < 60; nth++) {
		write_now("{ a { id text } }", "{\"a\":" T("1", "x") "}");
		aps_reader_clear(world.reader);
		struct aps_command *command = aps_clear_command_new(world.client->id, CACHE);
		aps_mem_fail_at(nth);
		run_command(command);
		core_world_turn(&world.core);
		aps_mem_fail_at(0);
		const char *text = read_now("{ a { id text } }");
		if (strcmp(text, "missing a") != 0) assert_string_equal(text, "{\"a\":{\"id\":\"1\",\"text\":\"x\"}}");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, collecting_setup, collecting_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_cleared_partition_is_empty_at_once_for_its_reader),
	        TEST(several_clears_are_over_with_the_last_of_them),
	        TEST(a_partition_that_could_not_be_opened_is_cleared_as_well),
	        TEST(other_partitions_are_left_alone),
	        TEST(old_rows_leave_a_thousand_a_turn),
	        TEST(what_syncs_keep_leaves_with_the_partition),
	        TEST(what_syncs_keep_is_wiped_with_the_partition),
	        TEST(a_restart_in_the_middle_goes_on),
	        TEST(nothing_of_a_wiped_partition_is_left_in_the_file),
	        TEST(a_wipe_that_a_restart_interrupts_is_finished),
	        TEST(a_wipe_waits_for_who_reads_the_file_and_says_so),
	        TEST(without_memory_a_partition_is_cleared_or_it_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

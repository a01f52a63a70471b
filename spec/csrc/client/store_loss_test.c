/* What runs in the background while the store of a client moves between its file and memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/partition.h"
#include "client/tidying.h"
#include "collecting_world.h"

#define SECRET "it was a dark and stormy night"

static struct aps_vault *vault_of_world(void)
{
	return aps_caching_partition(world.core.core, world.client, CACHE)->vault;
}

static sqlite3 *other;

/* Another connection writes: nothing else can. */
static void lock_file(void)
{
	struct aps_err err;
	assert_int_equal(aps_db_exec(vault_of_world()->db, "PRAGMA busy_timeout = 0", &err), APS_OK);
	assert_int_equal(sqlite3_open(world.path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
}

static void move_over_file(void)
{
	const struct aps_err full = {.code = APS_E_STORAGE, .word = "full", .native = SQLITE_FULL, .msg = "no room"};
	lock_file();
	assert_true(aps_vault_cope(vault_of_world(), &full));
	core_world_turn(&world.core);
	assert_false(aps_vault_is_available(vault_of_world()));
}

static void return_to_file(void)
{
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	turn_later();
	assert_true(aps_vault_is_available(vault_of_world()));
}

/* A list of so many records, and as many that nobody reaches. */
static void write_many(int n)
{
	for (int half = 0; half < 2; half++) {
		struct aps_buf text;
		aps_buf_init(&text, APS_BUF_ANY_SIZE);
		aps_buf_add_text(&text, "{\"all\":[");
		for (int i = half * n; i < half * n + n; i++)
			aps_buf_addf(&text, "%s{\"id\":\"%d\",\"__typename\":\"T\",\"text\":\"" SECRET "\"}",
			             i != half * n ? "," : "", i);
		aps_buf_add_text(&text, "]}");
		write_now("{ all { id text } }", text.p);
		aps_buf_clear(&text);
	}
}

static void assert_all(int n)
{
	const char *text = read_now("{ all { id } }");
	for (int i = n; i < 2 * n; i++) {
		char id[32];
		snprintf(id, sizeof id, "\"id\":\"%d\"", i);
		text = strstr(text, id);
		assert_non_null(text);
	}
}

static void what_lies_over_a_file_is_collected(void **state)
{
	(void)state;
	write_many(10);
	move_over_file();
	assert_int_equal(collect_now(), 10);
	assert_false(aps_vault_is_available(vault_of_world()));
	assert_all(10);
	return_to_file();
	assert_all(10);
	assert_int_equal(n_records(), 11); /* and the root */
	assert_int_equal(n_rows(), 20);
	collect_now(); /* what they leave leaves as well */
	assert_int_equal(n_rows(), 10);
}

static void a_collection_may_be_what_finds_that_nothing_can_be_written(void **state)
{
	(void)state;
	write_many(10);
	lock_file();
	assert_int_equal(collect_now(), 10);
	assert_false(aps_vault_is_available(vault_of_world()));
	assert_all(10);
	return_to_file();
	assert_int_equal(n_records(), 11); /* and the root */
}

static void a_collection_begins_anew_where_its_store_moves(void **state)
{
	(void)state;
	enum { N = 2000 };
	for (int n_turns = 1; n_turns < 60; n_turns += 7) {
		write_many(N);
		run_command(aps_collect_command_new(world.client->id, CACHE, 5));
		for (int i = 0; i < n_turns; i++) turn_later();
		move_over_file();
		assert_true(wait_for(5, NULL) >= 0);
		assert_all(N);
		return_to_file();
		assert_all(N);
		collect_now();
		assert_int_equal(n_records(), N + 1);
	}
}

/* There are some. */
static void remove_damaged(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm '%s'/*damaged*", world.folder);
	assert_int_equal(system(command), 0);
}

/* A file that is damaged takes with it what is collected, and whoever asked is answered. */
static void a_collection_goes_on_in_a_new_file(void **state)
{
	(void)state;
	write_many(2000);
	run_command(aps_collect_command_new(world.client->id, CACHE, 5));
	turn_later();
	aps_vault_damaged(vault_of_world(), vault_of_world()->place);
	write_to(CACHE, "{ a }", "{\"a\":1}");
	assert_int_equal(wait_for(5, NULL), 0);
	assert_string_equal(read_now("{ a }"), "{\"a\":1}");
	assert_int_equal(n_records(), 1);
	remove_damaged();
}

static void what_finds_that_a_table_is_lost_has_the_store_set_aside(void **state)
{
	(void)state;
	struct aps_err err;
	write_now("{ a }", "{\"a\":1}");
	settle();
	assert_int_equal(aps_db_exec(vault_of_world()->db, "ALTER TABLE part RENAME TO lost", &err), APS_OK);
	aps_tidying_begin(vault_of_world()->tidying);
	turn_later();
	turn_later();
	assert_string_equal(read_now("{ a }"), "missing a");
	write_now("{ a }", "{\"a\":2}");
	assert_string_equal(read_now("{ a }"), "{\"a\":2}");
	remove_damaged();
}

static void a_file_is_set_aside_once_by_what_finds_damage_in_a_transaction(void **state)
{
	(void)state;
	struct aps_err err;
	write_now("{ a }", "{\"a\":1}");
	settle();
	aps_caching_clear(world.core.core, world.client, CACHE, APS_PART_CLEARED);
	core_world_turn(&world.core);
	assert_int_equal(aps_db_exec(vault_of_world()->db, "ALTER TABLE name RENAME TO lost", &err), APS_OK);
	for (int i = 0; i < 4; i++) {
		turn_later();
		assert_true(aps_vault_is_available(vault_of_world()));
	}
	write_now("{ a }", "{\"a\":2}");
	assert_string_equal(read_now("{ a }"), "{\"a\":2}");
	remove_damaged();
}

static int64_t wipe_now(const char **message)
{
	aps_reader_clear(world.reader);
	run_command(aps_wipe_command_new(world.client->id, CACHE, 50));
	return wait_for(50, message);
}

static void a_wipe_over_a_file_is_done_there_later(void **state)
{
	(void)state;
	const char *message;
	write_many(10);
	assert_true(is_in_file(SECRET));
	move_over_file();
	assert_int_equal(wipe_now(&message), -1);
	assert_string_equal(message, "no room");
	assert_string_equal(read_now("{ all { id } }"), "missing all");
	return_to_file();
	assert_string_equal(read_now("{ all { id } }"), "missing all");
	settle();
	assert_false(is_in_file(SECRET));
}

static void a_wipe_may_be_what_finds_that_nothing_can_be_written(void **state)
{
	(void)state;
	const char *message;
	write_many(10);
	lock_file();
	assert_int_equal(wipe_now(&message), -1);
	assert_non_null(strstr(message, "locked"));
	assert_string_equal(read_now("{ all { id } }"), "missing all");
	return_to_file();
	assert_string_equal(read_now("{ all { id } }"), "missing all");
	settle();
	assert_false(is_in_file(SECRET));
}

/* The rows of what was cleared leave in slices; one of them meets it. */
static void rows_that_leave_may_be_what_finds_that_nothing_can_be_written(void **state)
{
	(void)state;
	write_many(2000);
	aps_reader_clear(world.reader);
	run_command(aps_clear_command_new(world.client->id, CACHE));
	core_world_turn(&world.core);
	turn_later();
	lock_file();
	for (int i = 0; i < 5; i++) turn_later();
	assert_false(aps_vault_is_available(vault_of_world()));
	write_now("{ a }", "{\"a\":1}");
	assert_string_equal(read_now("{ a }"), "{\"a\":1}");
	return_to_file();
	settle();
	assert_int_equal(n_records(), 1);
	assert_string_equal(read_now("{ a }"), "{\"a\":1}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, collecting_setup, collecting_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(what_lies_over_a_file_is_collected),
	        TEST(a_collection_may_be_what_finds_that_nothing_can_be_written),
	        TEST(a_collection_begins_anew_where_its_store_moves),
	        TEST(a_collection_goes_on_in_a_new_file),
	        TEST(what_finds_that_a_table_is_lost_has_the_store_set_aside),
	        TEST(a_file_is_set_aside_once_by_what_finds_damage_in_a_transaction),
	        TEST(a_wipe_over_a_file_is_done_there_later),
	        TEST(a_wipe_may_be_what_finds_that_nothing_can_be_written),
	        TEST(rows_that_leave_may_be_what_finds_that_nothing_can_be_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "client/process.h"
#include "vault_world.h"

#include <sqlite3.h>

static struct vault_world world;
static size_t n_live;

static int setup(void **state)
{
	(void)state;
	n_live = aps_mem_live();
	vault_world_begin(&world);
	vault_world_open(&world);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vault_world_end(&world);
	return aps_mem_live() == n_live ? 0 : -1;
}

static int64_t log_bytes(void)
{
	struct stat found;
	char log[160];
	snprintf(log, sizeof log, "%s-wal", world.path);
	assert_int_equal(stat(log, &found), 0);
	return found.st_size;
}

/* Of what writes the file. */
static int64_t cache_bytes(void)
{
	struct aps_err err;
	struct aps_db *db = world.vault->base != NULL ? world.vault->base : world.vault->db;
	int64_t size;
	assert_int_equal(aps_db_read_int(db, "PRAGMA cache_size", &size, &err), APS_OK);
	return size * -1024;
}

static void write_some(int n)
{
	char data[32];
	snprintf(data, sizeof data, "{\"a\":%d}", n);
	vault_world_write(&world, "{ a }", data);
}

static void run_timers(int64_t later_ms)
{
	aps_timers_run(&world.timers, NULL, aps_clock_mono_ms() + later_ms);
}

static int64_t left_ms(void)
{
	return aps_timers_left_ms(&world.timers, aps_clock_mono_ms());
}

static void it_takes_more_memory_from_the_next_transaction_to_the_last_end(void **state)
{
	(void)state;
	int64_t usual = cache_bytes();
	assert_true(usual < APS_DB_BULK_CACHE_BYTES);
	aps_vault_begin_bulk(world.vault);
	write_some(1);
	vault_world_commit(&world);
	assert_int_equal(cache_bytes(), APS_DB_BULK_CACHE_BYTES);
	aps_vault_begin_bulk(world.vault);
	aps_vault_end_bulk(world.vault);
	assert_int_equal(left_ms(), -1);
	write_some(2);
	vault_world_commit(&world);
	assert_int_equal(cache_bytes(), APS_DB_BULK_CACHE_BYTES);
	aps_vault_end_bulk(world.vault);
	assert_int_equal(left_ms(), 0);
	run_timers(0);
	assert_int_equal(cache_bytes(), usual);
	assert_int_equal(left_ms(), -1);
}

static void with_the_last_end_the_log_is_emptied_in_a_later_turn(void **state)
{
	(void)state;
	aps_vault_begin_bulk(world.vault);
	write_some(1);
	vault_world_commit(&world);
	aps_vault_end_bulk(world.vault);
	assert_true(log_bytes() > 0);
	run_timers(0);
	assert_int_equal(log_bytes(), 0);
	assert_string_equal(vault_world_read(&world, "{ a }"), "{\"a\":1}");
}

static void who_has_written_nothing_leaves_the_log_alone(void **state)
{
	(void)state;
	int64_t n_bytes = log_bytes();
	assert_true(n_bytes > 0);
	aps_vault_begin_bulk(world.vault);
	aps_vault_end_bulk(world.vault);
	assert_int_equal(left_ms(), -1);
	assert_int_equal(log_bytes(), n_bytes);
}

static void a_transaction_that_is_open_is_waited_for(void **state)
{
	(void)state;
	aps_vault_begin_bulk(world.vault);
	write_some(1);
	aps_vault_end_bulk(world.vault);
	run_timers(0);
	assert_true(left_ms() >= 0);
	assert_true(log_bytes() > 0);
	vault_world_commit(&world);
	run_timers(10);
	assert_int_equal(log_bytes(), 0);
	assert_string_equal(vault_world_read(&world, "{ a }"), "{\"a\":1}");
}

static void what_reads_from_the_log_is_waited_for_but_not_for_ever(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_db *reading;
	const struct aps_db_options options = {.read_only = true};
	int64_t value, usual = cache_bytes(), now_ms = aps_clock_mono_ms();
	int n_tries = 0;
	assert_int_equal(aps_db_open(world.path, &options, &reading, &err), APS_OK);
	assert_int_equal(aps_db_begin(reading, &err), APS_OK);
	assert_int_equal(aps_db_read_int(reading, "SELECT count(*) FROM entry", &value, &err), APS_OK);
	aps_vault_begin_bulk(world.vault);
	write_some(1);
	vault_world_commit(&world);
	aps_vault_end_bulk(world.vault);
	run_timers(0);
	assert_true(log_bytes() > 0);
	assert_int_equal(cache_bytes(), usual);
	while (aps_timers_left_ms(&world.timers, now_ms) >= 0 && n_tries < 1000) {
		aps_timers_run(&world.timers, NULL, now_ms += 5);
		n_tries++;
	}
	assert_in_range(n_tries, 100, 300);
	aps_db_close(reading);
	aps_vault_begin_bulk(world.vault);
	write_some(2);
	vault_world_commit(&world);
	aps_vault_end_bulk(world.vault);
	run_timers(0);
	assert_int_equal(log_bytes(), 0);
}

static void who_begins_again_before_has_it_as_it_was(void **state)
{
	(void)state;
	aps_vault_begin_bulk(world.vault);
	write_some(1);
	vault_world_commit(&world);
	aps_vault_end_bulk(world.vault);
	aps_vault_begin_bulk(world.vault);
	run_timers(0);
	assert_int_equal(cache_bytes(), APS_DB_BULK_CACHE_BYTES);
	assert_true(log_bytes() > 0);
	aps_vault_end_bulk(world.vault);
	run_timers(0);
	assert_int_equal(log_bytes(), 0);
}

/* The file's connection is there all the time, and is put back by what is written next. */
static void a_file_that_is_not_used_meanwhile_is_as_usual_once_it_is(void **state)
{
	(void)state;
	static const struct aps_err full = {
	        .code = APS_E_STORAGE, .word = "full", .native = SQLITE_FULL, .msg = "full"};
	int64_t usual = cache_bytes();
	aps_vault_begin_bulk(world.vault);
	write_some(1);
	vault_world_commit(&world);
	assert_true(aps_vault_cope(world.vault, &full));
	assert_int_equal(aps_place_kind(world.vault->place), APS_PLACE_OVER);
	write_some(2);
	vault_world_commit(&world);
	aps_vault_end_bulk(world.vault);
	run_timers(0);
	assert_int_equal(aps_place_kind(world.vault->place), APS_PLACE_OVER);
	aps_vault_retry(world.vault, 0);
	vault_world_commit(&world);
	assert_int_equal(aps_place_kind(world.vault->place), APS_PLACE_FILE);
	assert_int_equal(cache_bytes(), usual);
	assert_string_equal(vault_world_read(&world, "{ a }"), "{\"a\":2}");
}

static void another_file_in_its_place_is_written_likewise(void **state)
{
	(void)state;
	static const struct aps_err damaged = {
	        .code = APS_E_STORAGE, .word = "corrupt", .native = SQLITE_CORRUPT, .msg = "damaged"};
	aps_vault_begin_bulk(world.vault);
	write_some(1);
	vault_world_commit(&world);
	assert_true(aps_vault_cope(world.vault, &damaged));
	assert_int_equal(cache_bytes(), APS_DB_BULK_CACHE_BYTES);
	write_some(2);
	vault_world_commit(&world);
	aps_vault_end_bulk(world.vault);
	run_timers(0);
	assert_int_equal(log_bytes(), 0);
}

static void a_vault_that_is_closed_first_folds_nothing_any_more(void **state)
{
	(void)state;
	aps_vault_begin_bulk(world.vault);
	write_some(1);
	vault_world_commit(&world);
	aps_vault_end_bulk(world.vault);
	vault_world_close(&world);
	assert_int_equal(left_ms(), -1);
}

static void without_memory_it_is_written_all_the_same_or_not_at_all(void **state)
{
	(void)state;
	bool is_done = false;
	for (size_t nth = 1; !is_done; nth++) {
		struct aps_err err;
		struct aps_operation operation = vault_world_operation("{ a }");
		char data[32];
		snprintf(data, sizeof data, "{\"a\":%zu}", nth);
		aps_vault_begin_bulk(world.vault);
		aps_mem_fail_at(nth);
		is_done = vault_world_try_write(&world, &operation, data, &err) == APS_OK &&
		          aps_vault_commit(world.vault, &err) == APS_OK;
		aps_vault_end_bulk(world.vault);
		run_timers(0);
		aps_mem_fail_at(0);
		aps_vault_abandon(world.vault);
		run_timers(1000);
		if (is_done) assert_string_equal(vault_world_read(&world, "{ a }"), data);
		aps_operation_clear(&operation);
		assert_true(nth < 1000);
	}
}

int main(void)
{
	struct aps_err err;
	if (aps_process_init(&err) != APS_OK) return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	        TEST(it_takes_more_memory_from_the_next_transaction_to_the_last_end),
	        TEST(with_the_last_end_the_log_is_emptied_in_a_later_turn),
	        TEST(who_has_written_nothing_leaves_the_log_alone),
	        TEST(a_transaction_that_is_open_is_waited_for),
	        TEST(what_reads_from_the_log_is_waited_for_but_not_for_ever),
	        TEST(who_begins_again_before_has_it_as_it_was),
	        TEST(a_file_that_is_not_used_meanwhile_is_as_usual_once_it_is),
	        TEST(another_file_in_its_place_is_written_likewise),
	        TEST(a_vault_that_is_closed_first_folds_nothing_any_more),
	        TEST(without_memory_it_is_written_all_the_same_or_not_at_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

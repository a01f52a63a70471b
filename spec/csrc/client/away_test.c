/* Stores that are in memory for a while: what is collected and cleared there is so in the file as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "client/partition.h"
#include "collecting_world.h"

#define T(id, rest) "{\"id\":\"" id "\",\"__typename\":\"T\"" rest "}"

static struct aps_partition *partition(void)
{
	return aps_caching_partition(world.core.core, world.client, CACHE);
}

static bool is_away(void)
{
	return !aps_vault_is_available(partition()->vault);
}

static void set_max_pages(struct aps_db *db, int n)
{
	char sql[64];
	struct aps_err err;
	snprintf(sql, sizeof sql, "PRAGMA max_page_count = %d", n);
	assert_int_equal(aps_db_exec(db, sql, &err), APS_OK);
}

static void write_big(void)
{
	static char data[70000];
	int n = snprintf(data, sizeof data, "{\"big\":\"");
	memset(data + n, 'y', 60000);
	snprintf(data + n + 60000, sizeof data - (size_t)n - 60000, "\"}");
	write_to(CACHE, "{ big }", data);
}

/* From now on the file has no room for more. */
static void fill_disk(void)
{
	set_max_pages(partition()->vault->db, 1); /* as many as there are */
}

static void go_back(void)
{
	struct aps_vault *vault = partition()->vault;
	if (vault->base != NULL) set_max_pages(vault->base, 100000);
	aps_vault_retry(vault, 0);
	core_world_turn(&world.core);
	assert_false(is_away());
}

/* What is counted is what there is. */
static void assert_bytes(void)
{
	char sql[160];
	snprintf(sql, sizeof sql,
	         "SELECT sum(%zu + 2 * ifnull(length(key), 0) + ifnull(length(content), 0)) FROM entry",
	         aps_entry_disk_bytes(0, 0));
	assert_int_equal(in_file("SELECT value FROM counter WHERE id > 0"), in_file(sql));
	assert_int_equal(partition()->store.n_bytes, in_file(sql));
}

static void what_lies_over_a_full_disk_is_collected(void **state)
{
	(void)state;
	write_now("{ a { id next { id } } c { id } }",
	          "{\"a\":" T("1", ",\"next\":" T("2", "")) ",\"c\":" T("9", "") "}");
	fill_disk();
	write_big();
	core_world_turn(&world.core);
	assert_true(is_away());
	write_now("{ a { id } c { id } }", "{\"a\":" T("3", "") ",\"c\":" T("4", "") "}");
	write_now("{ c { id } }", "{\"c\":null}");
	assert_int_equal(collect_now(), 4); /* of the file, and of memory */
	assert_true(is_away());
	assert_int_equal(collect_now(), 0);
	assert_string_equal(read_now("{ a { id } c { id } }"), "{\"a\":{\"id\":\"3\"},\"c\":null}");
	/* one of the same key is made anew */
	write_now("{ c { id next { id } } }", "{\"c\":" T("2", ",\"next\":null") "}");
	assert_string_equal(read_now("{ c { id next { id } } }"), "{\"c\":{\"id\":\"2\",\"next\":null}}");
	go_back();
	assert_bytes();
	assert_string_equal(read_now("{ a { id } c { id } }"), "{\"a\":{\"id\":\"3\"},\"c\":{\"id\":\"2\"}}");
	collect_now();
	assert_int_equal(n_rows(), 2);
	assert_bytes();
}

static void what_was_collected_when_the_disk_was_full_stays_so(void **state)
{
	(void)state;
	struct aps_timers *timers = &world.core.core->timers;
	write_now("{ a { id next { id } } }", "{\"a\":" T("1", ",\"next\":" T("2", "")) "}");
	write_now("{ a { id } }", "{\"a\":" T("3", "") "}");
	assert_bytes();
	fill_disk();
	run_command(aps_collect_command_new(world.client->id, CACHE, 7));
	/* its deletions are in the transaction that fails */
	while (!partition()->vault->is_writing) {
		for (size_t i = 0; i < timers->n_items; i++) timers->heap[i]->at_ms = 0;
		aps_timers_run(timers, world.core.core, aps_clock_mono_ms());
	}
	write_big();
	core_world_turn(&world.core);
	assert_true(is_away());
	wait_for(7, NULL);
	assert_int_equal(collect_now(), 0);
	go_back();
	assert_bytes();
	assert_string_equal(read_now("{ a { id } }"), "{\"a\":{\"id\":\"3\"}}");
	collect_now();
	assert_int_equal(n_rows(), 1);
	assert_bytes();
}

/* The file is somewhere else for a while, and a folder in its place. */
static void take_file_away(void)
{
	char aside[128];
	snprintf(aside, sizeof aside, "%s-aside", world.path);
	close_client();
	assert_int_equal(rename(world.path, aside), 0);
	assert_int_equal(mkdir(world.path, 0700), 0);
	open_client();
	assert_true(is_away());
}

static void put_file_back(void)
{
	char aside[128];
	snprintf(aside, sizeof aside, "%s-aside", world.path);
	assert_int_equal(rmdir(world.path), 0);
	assert_int_equal(rename(aside, world.path), 0);
	go_back();
}

static void what_was_collected_in_memory_is_not_what_the_file_has_of_it(void **state)
{
	(void)state;
	write_now("{ a { id n } b { id n } }", "{\"a\":" T("1", ",\"n\":1") ",\"b\":" T("1", ",\"n\":1") "}");
	take_file_away();
	assert_string_equal(read_now("{ b { n } }"), "missing b");
	write_now("{ c { id n } }", "{\"c\":" T("1", ",\"n\":2") "}");
	write_now("{ c { id n } }", "{\"c\":null}");
	assert_int_equal(collect_now(), 1);
	assert_int_equal(collect_now(), 0);
	put_file_back();
	assert_string_equal(read_now("{ b { n } }"), "missing b");
	write_now("{ b { id n } }", "{\"b\":" T("1", ",\"n\":3") "}");
	assert_string_equal(read_now("{ b { n } }"), "{\"b\":{\"n\":3}}");
}

static void clear_now(void)
{
	aps_reader_clear(world.reader);
	run_command(aps_clear_command_new(world.client->id, CACHE));
	core_world_turn(&world.core);
}

static int64_t rows_in_memory(void)
{
	int64_t n;
	struct aps_err err;
	assert_int_equal(aps_db_read_int(partition()->vault->db, "SELECT count(*) FROM entry", &n, &err), APS_OK);
	return n;
}

static void what_is_cleared_in_memory_is_cleared_in_the_file(void **state)
{
	(void)state;
	write_now("{ a }", "{\"a\":1}");
	take_file_away();
	clear_now(); /* of what it has never seen */
	write_now("{ b { id } }", "{\"b\":" T("1", "") "}");
	clear_now();
	assert_int_equal(rows_in_memory(), 0);
	assert_string_equal(read_now("{ b { id } }"), "missing b");
	write_now("{ c }", "{\"c\":1}");
	put_file_back();
	assert_string_equal(read_now("{ a }"), "missing a");
	assert_string_equal(read_now("{ c }"), "missing c"); /* it is asked for again */
	settle();
	assert_int_equal(in_file("SELECT count(*) FROM entry"), 0);
}

static void what_is_cleared_over_a_full_disk_is_cleared_in_the_file(void **state)
{
	(void)state;
	write_now("{ a { id } }", "{\"a\":" T("1", "") "}");
	fill_disk();
	write_big();
	core_world_turn(&world.core);
	assert_true(is_away());
	clear_now();
	assert_int_equal(rows_in_memory(), 0);
	assert_string_equal(read_now("{ a { id } }"), "missing a");
	write_now("{ b }", "{\"b\":2}");
	go_back();
	assert_string_equal(read_now("{ b }"), "{\"b\":2}");
	assert_string_equal(read_now("{ a { id } }"), "missing a");
	settle();
	assert_int_equal(in_file("SELECT count(*) FROM entry"), 1);
	assert_int_equal(in_file("SELECT count(*) FROM part"), 1);
}

static void who_signs_out_is_told_that_the_file_keeps_what_it_has(void **state)
{
	(void)state;
	const char *message = NULL;
	write_now("{ a }", "{\"a\":\"a dark and stormy night\"}");
	take_file_away();
	aps_reader_clear(world.reader);
	run_command(aps_wipe_command_new(world.client->id, CACHE, 50));
	assert_int_equal(wait_for(50, &message), -1);
	assert_non_null(strstr(message, "Is a directory"));
	put_file_back();
	assert_string_equal(read_now("{ a }"), "missing a");
	settle();
	assert_int_equal(in_file("SELECT count(*) FROM part"), 0);
	assert_false(is_in_file("stormy"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, collecting_setup, collecting_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(what_lies_over_a_full_disk_is_collected),
	        TEST(what_was_collected_when_the_disk_was_full_stays_so),
	        TEST(what_was_collected_in_memory_is_not_what_the_file_has_of_it),
	        TEST(what_is_cleared_in_memory_is_cleared_in_the_file),
	        TEST(what_is_cleared_over_a_full_disk_is_cleared_in_the_file),
	        TEST(who_signs_out_is_told_that_the_file_keeps_what_it_has),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

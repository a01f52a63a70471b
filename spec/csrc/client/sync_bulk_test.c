/* How the file's connection is told that much is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "syncing_world.h"

#include <sys/stat.h>

static int64_t log_bytes(void)
{
	struct stat found;
	char log[128];
	snprintf(log, sizeof log, "%s-wal", world.path);
	assert_int_equal(stat(log, &found), 0);
	return found.st_size;
}

static size_t n_bulks(void)
{
	return partition()->vault->n_bulks;
}

static void much_is_written_while_a_base_pass_is_under_way(void **state)
{
	(void)state;
	open_sync(&(struct asked){0});
	assert_int_equal(n_bulks(), 0);
	tell("subscribed");
	assert_phase(APS_SYNC_BASE);
	assert_int_equal(n_bulks(), 1);
	answer_base(post("1", 1, 1), "t2");
	assert_int_equal(n_bulks(), 1);
	assert_true(partition()->vault->bulk.is_on);
	answer_base(post("2", 2, 1), NULL);
	assert_phase(APS_SYNC_LIVE);
	assert_int_equal(n_bulks(), 0);
}

static void the_log_is_folded_once_it_was_told_that_the_sync_is_live(void **state)
{
	(void)state;
	go_live(&(struct asked){0}, post("1", 1, 1));
	assert_true(log_bytes() > 0);
	let_time_pass(1);
	assert_int_equal(log_bytes(), 0);
	assert_false(partition()->vault->bulk.is_on);
	assert_string_equal(list(), "1:1");
}

static void a_delta_pass_writes_little(void **state)
{
	(void)state;
	go_live(&(struct asked){0}, post("1", 1, 1));
	let_time_pass(1);
	tell("lost");
	tell("subscribed");
	assert_phase(APS_SYNC_DELTA);
	assert_int_equal(n_bulks(), 0);
	answer_delta(post("1", 2, 2), NULL);
	assert_false(partition()->vault->bulk.is_on);
	assert_true(log_bytes() > 0);
	let_time_pass(1);
	assert_true(log_bytes() > 0);
}

static void a_pass_that_waits_or_ends_writes_nothing(void **state)
{
	(void)state;
	open_sync(&(struct asked){0});
	tell("subscribed");
	answer_base(post("1", 1, 1), "t2");
	fail_exchange(APS_E_NETWORK);
	assert_phase(APS_SYNC_WAITING);
	assert_int_equal(n_bulks(), 0);
	let_time_pass(1);
	assert_int_equal(log_bytes(), 0);
	let_time_pass(120000);
	assert_phase(APS_SYNC_BASE);
	assert_int_equal(n_bulks(), 1);
	stop();
	assert_int_equal(n_bulks(), 0);
}

static void each_sync_counts(void **state)
{
	(void)state;
	open_sync(&(struct asked){0});
	tell("subscribed");
	struct aps_open_sync_command *command = aps_open_sync_command_new(7, SYNC + 1);
	assert_non_null(command);
	command->cache = CACHE;
	assert_true(fill_settings(command->settings, &(struct asked){.live = ""}));
	command->head.run(world.core, &command->head);
	turn();
	assert_int_equal(n_bulks(), 2);
	stop();
	assert_int_equal(n_bulks(), 1);
	run_command(aps_stop_sync_command_new(7, SYNC + 1));
	assert_int_equal(n_bulks(), 0);
}

int main(void)
{
	struct aps_err err;
	if (aps_process_init(&err) != APS_OK) return 1;
	const struct CMUnitTest tests[] = {
	        TEST(much_is_written_while_a_base_pass_is_under_way),
	        TEST(the_log_is_folded_once_it_was_told_that_the_sync_is_live),
	        TEST(a_delta_pass_writes_little),
	        TEST(a_pass_that_waits_or_ends_writes_nothing),
	        TEST(each_sync_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

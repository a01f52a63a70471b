/* What keeps reads within a frame: a connection that the core has opened, a bound on rows, memory that the core frees.
 */
#include "reader_world.h"

#include "client/disposal.h"
#include "client/sight.h"

static void lend(void)
{
	const struct aps_sight_owner owner = {world.path, "p", ""};
	assert_true(aps_channel_may_lend(world.channel));
	struct aps_db *db = aps_sight_prepare(&owner);
	assert_non_null(db);
	aps_channel_lend(world.channel, db, world.vault->place);
}

/* Of this name there is nothing: a connection that is opened now finds no store. */
static void hide_file(bool is_hidden)
{
	char other[128];
	snprintf(other, sizeof other, "%s-hidden", world.path);
	assert_int_equal(rename(is_hidden ? world.path : other, is_hidden ? other : world.path), 0);
}

static struct aps_operation filled(void)
{
	struct aps_operation operation = make("{ a }", "{}");
	open_core();
	write_one(&operation, "{\"a\":1}");
	commit();
	return operation;
}

static void a_reader_opens_nothing_that_it_was_lent(void **state)
{
	(void)state;
	struct aps_operation operation = filled();
	lend();
	assert_false(aps_channel_may_lend(world.channel));
	hide_file(true);
	assert_string_equal(read_one(&operation), "{\"a\":1}");
	hide_file(false);
	assert_false(aps_channel_may_lend(world.channel)); /* it has one */
	write_one(&operation, "{\"a\":2}");
	commit();
	assert_string_equal(read_one(&operation), "{\"a\":2}");
	close_core();
	aps_operation_clear(&operation);
}

static void a_reader_that_was_lent_nothing_opens_its_own(void **state)
{
	(void)state;
	struct aps_operation operation = filled();
	assert_true(aps_channel_may_lend(world.channel));
	assert_string_equal(read_one(&operation), "{\"a\":1}");
	assert_false(aps_channel_may_lend(world.channel));
	close_core();
	aps_operation_clear(&operation);
}

static void one_that_comes_too_late_is_closed(void **state)
{
	(void)state;
	const struct aps_sight_owner owner = {world.path, "p", ""};
	struct aps_operation operation = filled();
	struct aps_db *db = aps_sight_prepare(&owner);
	assert_string_equal(read_one(&operation), "{\"a\":1}"); /* meanwhile */
	aps_channel_lend(world.channel, db, world.vault->place);
	assert_null(aps_channel_take_lent(world.channel, world.vault->place));
	close_core();
	aps_operation_clear(&operation);
}

static void a_connection_to_another_place_is_not_taken(void **state)
{
	(void)state;
	struct aps_operation operation = filled();
	lend();
	aps_channel_move(world.channel, aps_channel_place(world.channel)); /* the same: it stays */
	assert_false(aps_channel_may_lend(world.channel));
	aps_vault_rename(world.vault);
	assert_true(aps_channel_may_lend(world.channel)); /* it was closed */
	aps_channel_lend(world.channel, aps_sight_prepare(&(struct aps_sight_owner){world.path, "p", ""}), 0);
	assert_null(aps_channel_take_lent(world.channel, world.vault->place));
	assert_string_equal(read_one(&operation), "{\"a\":1}");
	close_core();
	aps_operation_clear(&operation);
}

/* Else the store's log would outlive its last writer. */
static void what_nobody_takes_is_closed_before_the_vault(void **state)
{
	(void)state;
	char log[128];
	struct aps_operation operation = filled();
	lend();
	close_core();
	snprintf(log, sizeof log, "%s-wal", world.path);
	assert_int_equal(access(log, F_OK), -1);
	aps_operation_clear(&operation);
}

static void without_memory_nothing_is_lent(void **state)
{
	(void)state;
	struct aps_operation operation = filled();
	const struct aps_sight_owner owner = {world.path, "p", ""};
	bool is_lent = false;
	for (size_t nth = 1; !is_lent; nth++) {
		aps_mem_fail_at(nth);
		struct aps_db *db = aps_sight_prepare(&owner);
		aps_channel_lend(world.channel, db, world.vault->place);
		aps_mem_fail_at(0);
		is_lent = db != NULL && !aps_channel_may_lend(world.channel);
	}
	assert_string_equal(read_one(&operation), "{\"a\":1}");
	close_core();
	aps_operation_clear(&operation);
}

/* Each read goes on where the one before gave up. */
static void a_read_takes_no_more_rows_than_it_may(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_kept_read kept;
	struct aps_operation operation = make("{ all { id } }", "{}");
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_packed = true};
	open_core();
	write_one(&operation, "{\"all\":[{\"__typename\":\"T\",\"id\":\"1\"},{\"__typename\":\"T\",\"id\":\"2\"},"
	                      "{\"__typename\":\"T\",\"id\":\"3\"},{\"__typename\":\"T\",\"id\":\"4\"},"
	                      "{\"__typename\":\"T\",\"id\":\"5\"}]}");
	commit();
	aps_kept_read_init(&kept, operation.document, operation.definition);
	aps_reader_limit_rows(world.reader, 2); /* of six */
	enum aps_rc rc = APS_E_TOO_BIG;
	int n_reads = 0;
	for (; rc == APS_E_TOO_BIG && n_reads < 9; n_reads++)
		rc = aps_reader_read_again(world.reader, &kept, APS_STR(""), &options, &err);
	assert_int_equal(rc, APS_OK);
	assert_int_equal(n_reads, 3);
	assert_int_equal(kept.result.n_missing, 0);
	aps_kept_read_clear(&kept);
	close_core();
	aps_operation_clear(&operation);
}

static void a_long_row_counts_for_several(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_kept_read kept;
	char data[4096], filler[2001];
	struct aps_operation operation = make("{ a { id t } b { id } }", "{}");
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_packed = true};
	memset(filler, 'x', sizeof filler - 1);
	filler[sizeof filler - 1] = '\0';
	open_core();
	snprintf(data, sizeof data,
	         "{\"a\":{\"__typename\":\"T\",\"id\":\"1\",\"t\":\"%s\"},\"b\":{\"__typename\":\"T\",\"id\":\"2\"}}",
	         filler);
	write_one(&operation, data);
	commit();
	aps_kept_read_init(&kept, operation.document, operation.definition);
	aps_reader_limit_rows(world.reader, 3); /* of three */
	assert_int_equal(aps_reader_read_again(world.reader, &kept, APS_STR(""), &options, &err), APS_E_TOO_BIG);
	assert_int_equal(aps_reader_read_again(world.reader, &kept, APS_STR(""), &options, &err), APS_OK);
	assert_int_equal(kept.result.n_missing, 0);
	aps_kept_read_clear(&kept);
	close_core();
	aps_operation_clear(&operation);
}

static void count(void *object)
{
	++*(int *)object;
}

static void what_is_disposed_of_is_let_go_once(void **state)
{
	(void)state;
	int n = 0;
	struct aps_command *command = aps_disposal_command_new(count, &n);
	assert_int_equal(n, 0);
	command->run(NULL, command);
	assert_int_equal(n, 1);
	aps_command_free(aps_disposal_command_new(count, &n)); /* that was never run */
	assert_int_equal(n, 2);
	aps_mem_fail_at(1);
	assert_null(aps_disposal_command_new(count, &n));
	aps_mem_fail_at(0);
	assert_int_equal(n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_reader_opens_nothing_that_it_was_lent, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_reader_that_was_lent_nothing_opens_its_own, setup, teardown),
	        cmocka_unit_test_setup_teardown(one_that_comes_too_late_is_closed, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_connection_to_another_place_is_not_taken, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_nobody_takes_is_closed_before_the_vault, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_nothing_is_lent, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_read_takes_no_more_rows_than_it_may, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_long_row_counts_for_several, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_is_disposed_of_is_let_go_once, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

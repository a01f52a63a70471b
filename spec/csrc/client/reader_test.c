#include "reader_world.h"

#include "store/db_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

static void what_was_committed_is_read_and_nothing_before(void **state)
{
	(void)state;
	struct aps_operation operation = make("query Q($n: Int) { a(n: $n) { id t } }", "{\"n\":1}");
	static const char ONE[] = "{\"a\":{\"id\":\"1\",\"t\":\"x\",\"__typename\":\"T\"}}";
	static const char TWO[] = "{\"a\":{\"id\":\"1\",\"t\":\"y\",\"__typename\":\"T\"}}";
	assert_string_equal(read_one(&operation), "missing"); /* there is no file yet */
	open_core();
	assert_string_equal(read_one(&operation), "missing");
	write_one(&operation, ONE);
	assert_string_equal(read_one(&operation), "missing");
	commit();
	assert_string_equal(read_one(&operation), ONE);
	write_one(&operation, TWO);
	assert_string_equal(read_one(&operation), ONE);
	commit();
	assert_string_equal(read_one(&operation), TWO);
	assert_string_equal(read_one(&operation), TWO);
	close_core();
	assert_string_equal(read_one(&operation), TWO);
	aps_operation_clear(&operation);
}

/* What selects by variables, what variables make plain, and names that come later: all that a binding has to follow. */
static void a_kept_read_goes_on_with_other_variables(void **state)
{
	(void)state;
	static const char QUERY[] =
	        "query Q($n: Int, $b: Boolean) { a(n: $n) { id t(n: $n) ... @include(if: $b) { x } } }";
	static const char *const VARIABLES[] = {"{\"n\":1}",    "{\"n\":2,\"b\":true}",          "{}",
	                                        "{\"n\":1}",    "{\"n\":2,\"b\":false}",         "{\"b\":true}",
	                                        "{\"n\":null}", "{\"n\":\"a\\\"b\",\"b\":true}", "{\"n\":\"Ã¤\"}"};
	struct aps_operation operations[APS_COUNTOF(VARIABLES)];
	struct aps_operation first = make(QUERY, VARIABLES[0]);
	const struct aps_gql_operation *definition = first.definition;
	open_core();
	for (size_t i = 0; i < APS_COUNTOF(VARIABLES); i++) {
		char data[160];
		assert_int_equal(aps_operation_init(&operations[i], first.document, definition, true,
		                                    aps_str_of(VARIABLES[i]), NULL),
		                 APS_OK);
		for (size_t j = 0; j <= i; j++) read_one(&operations[j]);
		snprintf(data, sizeof data, "{\"a\":{\"__typename\":\"T\",\"id\":\"%zu\",\"t\":%zu,\"x\":true}}", i % 4,
		         i);
		write_one(&operations[i], data);
		commit();
		for (size_t j = 0; j <= i; j++) read_one(&operations[j]);
	}
	assert_true(world.kept[3].n_bindings < 100);
	close_core();
	for (size_t i = 0; i < APS_COUNTOF(VARIABLES); i++) aps_operation_clear(&operations[i]);
	aps_operation_clear(&first);
}

static void a_kept_read_fails_for_wrong_variables_and_goes_on(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_kept_read kept;
	struct aps_operation operation = make("query Q($n: Int) { a(n: $n) }", "{\"n\":1}");
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_packed = true};
	open_core();
	write_one(&operation, "{\"a\":7}");
	commit();
	aps_kept_read_init(&kept, operation.document, operation.definition);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(aps_reader_read_again(world.reader, &kept, APS_STR("{\"n\":1}"), &options, &err),
		                 APS_OK);
		assert_int_equal(kept.result.n_missing, 0);
		assert_int_equal(aps_reader_read_again(world.reader, &kept, APS_STR("{\"n\":"), &options, &err),
		                 APS_E_SYNTAX);
		assert_int_equal(aps_reader_read_again(world.reader, &kept, APS_STR(""), &options, &err), APS_OK);
		assert_int_equal(kept.result.n_missing, 1);
		aps_kept_read_shrink(&kept);
		if (i == 1) aps_kept_read_rest(&kept);
	}
	aps_kept_read_clear(&kept);
	aps_kept_read_clear(&kept);
	close_core();
	aps_operation_clear(&operation);
}

/* Wherever memory is out, it is said, and the next read is whole. */
static void a_kept_read_survives_the_lack_of_memory(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_operation operation = make("query Q($n: Int) { a(n: $n) { id t(n: $n) } }", "{\"n\":1}");
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_packed = true};
	open_core();
	write_one(&operation, "{\"a\":{\"__typename\":\"T\",\"id\":\"1\",\"t\":2}}");
	commit();
	enum aps_rc rc = APS_E_NOMEM;
	for (size_t nth = 1; rc == APS_E_NOMEM; nth++) {
		struct aps_kept_read kept;
		aps_kept_read_init(&kept, operation.document, operation.definition);
		read_one(&operation);
		aps_mem_fail_at(nth);
		rc = aps_reader_read_again(world.reader, &kept, APS_STR("{\"n\":\"other\"}"), &options, &err);
		if (rc == APS_OK) rc = aps_reader_read_again(world.reader, &kept, APS_STR("{\"n\":1}"), &options, &err);
		aps_mem_fail_at(0);
		assert_true(rc == APS_OK || rc == APS_E_NOMEM);
		assert_int_equal(aps_reader_read_again(world.reader, &kept, APS_STR("{\"n\":1}"), &options, &err),
		                 APS_OK);
		assert_int_equal(kept.result.n_missing, 0);
		aps_kept_read_clear(&kept);
	}
	close_core();
	aps_operation_clear(&operation);
}

/* What the application writes has names that are only lent; once they are the store's the binding is to know them. */
static void a_kept_read_meets_doubts_of_fields_whose_names_it_met_as_lent_ones(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_edits *own;
	struct aps_kept_read kept;
	static const char ONE[] = "{\"a\":{\"id\":\"1\",\"t\":2,\"__typename\":\"T\"}}";
	struct aps_operation operation = make("{ a { id t } }", "");
	struct aps_operation event = make("subscription { a { id t } }", "");
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_packed = true, .now_s = 1};
	const struct aps_edit_what what = {.kind = APS_EDIT_WRITE,
	                                   .key = APS_STR("ROOT_QUERY"),
	                                   .document = operation.document,
	                                   .definition = operation.definition,
	                                   .json = aps_str_of(ONE)};
	const struct aps_partition_data null = {
	        .operation = &event,
	        .data = APS_STR("{\"a\":{\"__typename\":\"T\",\"id\":\"1\",\"t\":null}}"),
	        .skips_nulls = true,
	};
	open_core();
	aps_kept_read_init(&kept, operation.document, operation.definition);
	assert_int_equal(aps_reader_edit(world.reader, &what, &err), APS_OK);
	assert_int_equal(aps_reader_read_again(world.reader, &kept, APS_STR(""), &options, &err), APS_OK);
	assert_int_equal(kept.result.n_missing, 0);
	uint64_t number = aps_reader_close_edits(world.reader, &own);
	assert_int_equal(aps_partition_edit(world.partition, number, own, &err), APS_OK);
	commit();
	aps_edits_unref(own);
	assert_string_equal(read_alone(&operation), ONE); /* which learns the store's names */
	assert_int_equal(aps_reader_read_again(world.reader, &kept, APS_STR(""), &options, &err), APS_OK);
	assert_int_equal(kept.result.n_expired, 0);
	assert_int_equal(aps_partition_write(world.partition, &null, &err), APS_OK);
	commit();
	assert_int_equal(aps_reader_read_again(world.reader, &kept, APS_STR(""), &options, &err), APS_OK);
	assert_int_equal(kept.result.n_missing, 0);
	assert_int_equal(kept.result.n_expired, 1);
	aps_kept_read_clear(&kept);
	close_core();
	aps_operation_clear(&operation);
	aps_operation_clear(&event);
}

static void a_file_that_is_being_made_is_not_there_yet(void **state)
{
	(void)state;
	struct aps_operation operation = make("{ a }", "");
	sqlite3 *maker;
	assert_int_equal(sqlite3_open(world.path, &maker), SQLITE_OK);
	assert_int_equal(sqlite3_exec(maker, "CREATE TABLE t (a); BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	assert_string_equal(read_one(&operation), "missing");
	assert_int_equal(sqlite3_exec(maker, "DROP TABLE t; COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(maker), SQLITE_OK);
	open_core();
	write_one(&operation, "{\"a\":1}");
	commit();
	assert_string_equal(read_one(&operation), "{\"a\":1}");
	close_core();
	aps_operation_clear(&operation);
}

static void a_store_that_comes_with_content_is_read(void **state)
{
	(void)state;
	char elsewhere[128];
	struct aps_operation operation = make("{ a }", "");
	snprintf(elsewhere, sizeof elsewhere, "%s-shipped", world.path);
	open_core();
	write_one(&operation, "{\"a\":1}");
	commit();
	close_core();
	assert_int_equal(rename(world.path, elsewhere), 0);
	assert_string_equal(read_one(&operation), "missing");
	assert_int_equal(rename(elsewhere, world.path), 0);
	assert_string_equal(read_one(&operation), "{\"a\":1}");
	aps_operation_clear(&operation);
}

static void a_store_is_read_that_was_there_before(void **state)
{
	(void)state;
	struct aps_operation operation = make("{ a { id t ... on T { t } } }", "");
	static const char ONE[] = "{\"a\":{\"id\":\"1\",\"t\":\"x\",\"__typename\":\"T\"}}";
	open_core();
	write_one(&operation, ONE);
	commit();
	close_core();
	open_core();
	assert_string_equal(read_one(&operation), ONE);
	/* and written on */
	write_one(&operation, ONE);
	assert_int_equal(world.partition->changed.n, 0);
	commit();
	close_core();
	aps_operation_clear(&operation);
}

static void partitions_do_not_see_each_other(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_operation operation = make("{ a }", "");
	open_core();
	assert_null(aps_partition_open(world.vault, "p", "", &world.policies, world.channel, &err));
	assert_string_equal(err.word, "in_use");
	struct aps_channel *channel = aps_channel_new(5);
	struct aps_partition *other = aps_partition_open(world.vault, "p", "user", &world.policies, channel, &err);
	assert_non_null(other);
	const struct aps_partition_data what = {
	        .operation = &operation, .data = APS_STR("{\"a\":1}"), .errors = APS_STR("")};
	assert_int_equal(aps_partition_write(other, &what, &err), APS_OK);
	commit();
	assert_string_equal(read_one(&operation), "missing");
	write_one(&operation, "{\"a\":2}");
	commit();
	assert_string_equal(read_one(&operation), "{\"a\":2}");
	aps_partition_close(other);
	aps_channel_unref(channel);
	close_core();
	aps_operation_clear(&operation);
}

#define N_ROUNDS 400

static void *write_rounds(void *context)
{
	struct aps_operation *operation = context;
	char data[256];
	for (int round = 1; round <= N_ROUNDS; round++) {
		snprintf(data, sizeof data,
		         "{\"a\":{\"id\":\"1\",\"t\":%d,\"__typename\":\"T\"},\"b\":{\"id\":\"2\",\"t\":%d,\"__"
		         "typename\":\"T\"},"
		         "\"c\":%d}",
		         round, round, round);
		write_one(operation, data);
		commit();
	}
	return NULL;
}

static void each_read_sees_one_generation_while_others_are_written(void **state)
{
	(void)state;
	struct aps_operation operation = make("{ a { id t } b { id t } c }", "");
	struct aps_operation half = make("{ b { t } }", "");
	pthread_t writer;
	int last = 0, n_seen = 0;
	open_core();
	write_one(&operation,
	          "{\"a\":{\"id\":\"1\",\"t\":0,\"__typename\":\"T\"},\"b\":{\"id\":\"2\",\"t\":0,\"__typename\":"
	          "\"T\"},\"c\":0}");
	commit();
	assert_int_equal(pthread_create(&writer, NULL, write_rounds, &operation), 0);
	while (last < N_ROUNDS) {
		int a, b, c;
		read_alone(&half); /* what is in memory differs from read to read */
		const char *text = read_alone(&operation);
		assert_int_equal(
		        sscanf(text,
		               "{\"a\":{\"id\":\"1\",\"t\":%d,\"__typename\":\"T\"},\"b\":{\"id\":\"2\",\"t\":%d,"
		               "\"__typename\":\"T\"},\"c\":%d}",
		               &a, &b, &c),
		        3);
		assert_int_equal(a, b);
		assert_int_equal(a, c);
		assert_true(a >= last);
		n_seen += a != last;
		last = a;
	}
	pthread_join(writer, NULL);
	assert_true(n_seen > 1);
	close_core();
	aps_operation_clear(&operation);
	aps_operation_clear(&half);
}

static void what_a_reader_leaves_waiting_is_bounded(void **state)
{
	(void)state;
	struct aps_operation operation = make("query Q($n: Int) { a(n: $n) }", "{\"n\":0}");
	char variables[32], data[32];
	open_core();
	write_one(&operation, "{\"a\":0}");
	commit();
	assert_string_equal(read_one(&operation), "{\"a\":0}");
	for (int i = 1; i <= 300; i++) {
		snprintf(variables, sizeof variables, "{\"n\":%d}", i);
		snprintf(data, sizeof data, "{\"a\":%d}", i);
		struct aps_operation each = make("query Q($n: Int) { a(n: $n) }", variables);
		write_one(&each, data);
		commit();
		aps_operation_clear(&each);
	}
	write_one(&operation, "{\"a\":-1}");
	aps_channel_announce(world.channel, 999, NULL, 0, 0); /* as where memory is short */
	commit();
	assert_string_equal(read_one(&operation), "{\"a\":-1}");
	close_core();
	aps_operation_clear(&operation);
}

/* Whoever changes something waits for the repair of what a killed process has left behind; that it had to isn't a
 * failure, also where what comes of it is no store yet. */
static void an_own_write_is_there_after_a_repair(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct aps_buf text;
	struct aps_operation operation = make("{ b }", "{}");
	const struct aps_edit_what what = {
	        .kind = APS_EDIT_WRITE,
	        .key = APS_STR("ROOT_QUERY"),
	        .document = operation.document,
	        .definition = operation.definition,
	        .json = APS_STR("{\"b\":2}"),
	};
	if (aps_reader_edit(world.reader, &what, &err) != APS_OK) fail_msg("%s", err.msg);
	pid_t child = fork();
	if (child == 0) {
		sqlite3 *maker;
		if (sqlite3_open(world.path, &maker) != SQLITE_OK) _exit(1);
		sqlite3_exec(maker, "PRAGMA journal_mode = WAL; CREATE TABLE t (a)", NULL, NULL, NULL);
		_exit(0); /* its log is left behind */
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	child = db_begin_repair(world.path);
	pid_t ender = fork();
	if (ender == 0) {
		usleep(100000); /* longer than a read waits */
		kill(child, SIGKILL);
		_exit(0);
	}
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_reader_field(world.reader, APS_STR("ROOT_QUERY"), APS_STR("b"), &text, &err);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(waitpid(ender, NULL, 0), ender);
	if (rc != APS_OK) fail_msg("%s", err.msg);
	assert_non_null(memchr(text.p, '2', text.n));
	aps_buf_clear(&text);
	aps_operation_clear(&operation);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(an_own_write_is_there_after_a_repair, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_kept_read_goes_on_with_other_variables, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_kept_read_fails_for_wrong_variables_and_goes_on, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_kept_read_survives_the_lack_of_memory, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_was_committed_is_read_and_nothing_before, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_kept_read_meets_doubts_of_fields_whose_names_it_met_as_lent_ones,
	                                        setup, teardown),
	        cmocka_unit_test_setup_teardown(a_file_that_is_being_made_is_not_there_yet, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_store_that_comes_with_content_is_read, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_store_is_read_that_was_there_before, setup, teardown),
	        cmocka_unit_test_setup_teardown(partitions_do_not_see_each_other, setup, teardown),
	        cmocka_unit_test_setup_teardown(each_read_sees_one_generation_while_others_are_written, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(what_a_reader_leaves_waiting_is_bounded, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

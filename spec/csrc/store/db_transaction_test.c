#include "db_fixture.h"

/* A table whose key refuses the 7 that is there, in a way that ends the transaction as a full disk does. */
static struct aps_db *open_with_table(void)
{
	struct aps_db *db = db_open_memory();
	db_do(db, "CREATE TABLE t (a UNIQUE ON CONFLICT ROLLBACK); INSERT INTO t VALUES (7)");
	return db;
}

static void begin(struct aps_db *db)
{
	struct aps_err err = {0};
	if (aps_db_begin(db, &err) != APS_OK) fail_msg("%s", err.msg);
	assert_true(aps_db_in_transaction(db));
}

static void commit(struct aps_db *db)
{
	struct aps_err err = {0};
	if (aps_db_commit(db, &err) != APS_OK) fail_msg("%s", err.msg);
	assert_false(aps_db_in_transaction(db));
}

static void what_is_committed_stays_and_what_is_rolled_back_does_not(void **state)
{
	(void)state;
	struct aps_db *db = open_with_table();
	begin(db);
	db_do(db, "INSERT INTO t VALUES (1)");
	aps_db_rollback(db);
	aps_db_rollback(db);
	assert_false(aps_db_in_transaction(db));
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 1);
	begin(db);
	db_do(db, "INSERT INTO t VALUES (1)");
	commit(db);
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 2);
	aps_db_close(db);
}

static void a_file_that_was_moved_or_replaced_is_noticed(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct db_place place;
	struct aps_db *db = open_with_table();
	char other[64];
	assert_false(aps_db_is_moved(db)); /* in memory */
	aps_db_close(db);
	db_place_make(&place);
	assert_int_equal(aps_db_open(place.path, &db_defaults, &db, &err), APS_OK);
	db_do(db, "CREATE TABLE t (a)");
	assert_false(aps_db_is_moved(db));
	snprintf(other, sizeof other, "%s-journal", place.path);
	assert_int_equal(rename(place.path, other), 0);
	assert_true(aps_db_is_moved(db));
	FILE *file = fopen(place.path, "w");
	assert_non_null(file);
	fclose(file);
	assert_true(aps_db_is_moved(db));
	assert_int_equal(rename(other, place.path), 0);
	assert_false(aps_db_is_moved(db));
	aps_db_close(db);
	db_place_remove(&place);
}

static void a_second_begin_is_refused_and_leaves_the_first(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct aps_db *db = open_with_table();
	begin(db);
	db_do(db, "INSERT INTO t VALUES (1)");
	assert_int_equal(aps_db_begin(db, &err), APS_E_USAGE);
	assert_string_equal(err.msg, "a transaction is open already");
	commit(db);
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 2);
	aps_db_close(db);
}

static void a_commit_without_a_begin_is_refused(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct aps_db *db = open_with_table();
	assert_int_equal(aps_db_commit(db, &err), APS_E_USAGE);
	assert_string_equal(err.msg, "no transaction is open");
	begin(db);
	commit(db);
	assert_int_equal(aps_db_commit(db, &err), APS_E_USAGE);
	aps_db_close(db);
}

static void sql_can_neither_begin_nor_end_a_transaction(void **state)
{
	(void)state;
	static const char *const texts[] = {"BEGIN",          "BEGIN IMMEDIATE",    "COMMIT",    "END",
	                                    "ROLLBACK",       "SAVEPOINT s",        "RELEASE s", "ROLLBACK TO s",
	                                    "  begin;commit", "/* x */ COMMIT -- y"};
	struct aps_db *db = open_with_table();
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
			struct aps_err err = {0};
			struct aps_stmt *stmt = NULL;
			assert_int_equal(aps_db_exec(db, texts[i], &err), APS_E_USAGE);
			assert_string_equal(err.msg,
			                    "SQL: transactions begin and end by begin, commit and rollback only");
			assert_int_equal(aps_db_prepare(db, aps_str_of(texts[i]), &stmt, &err), APS_E_USAGE);
			assert_null(stmt);
		}
		if (round == 0) begin(db);
	}
	db_do(db, "INSERT INTO t VALUES (1)");
	aps_db_rollback(db);
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 1);
	aps_db_close(db);
}

static void an_error_in_a_transaction_leaves_it_open(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct aps_db *db = open_with_table();
	begin(db);
	db_do(db, "INSERT INTO t VALUES (1)");
	assert_int_equal(aps_db_exec(db, "INSERT OR ABORT INTO t VALUES (7)", &err), APS_E_STORAGE);
	assert_true(aps_db_in_transaction(db));
	db_do(db, "INSERT INTO t VALUES (2)");
	commit(db);
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 3);
	aps_db_close(db);
}

/* Else what comes after the error would be committed, statement by statement. */
static void nothing_runs_in_a_transaction_that_sqlite_has_rolled_back(void **state)
{
	(void)state;
	static const char said[] = "an earlier failure has rolled the transaction back";
	struct aps_err err = {0};
	bool has_row = true;
	struct aps_db *db = open_with_table();
	struct aps_stmt *stmt = db_statement(db, "INSERT INTO t VALUES (2)");
	begin(db);
	db_do(db, "INSERT INTO t VALUES (1)");
	assert_int_equal(aps_db_exec(db, "INSERT INTO t VALUES (7)", &err), APS_E_STORAGE);
	assert_int_equal(aps_db_exec(db, "INSERT INTO t VALUES (2)", &err), APS_E_STORAGE);
	assert_string_equal(err.msg, said);
	assert_int_equal(aps_stmt_step(stmt, &has_row, &err), APS_E_STORAGE);
	assert_string_equal(err.msg, said);
	assert_false(has_row);
	assert_true(aps_db_in_transaction(db));
	assert_int_equal(aps_db_begin(db, &err), APS_E_USAGE);
	assert_int_equal(aps_db_commit(db, &err), APS_E_STORAGE);
	assert_string_equal(err.msg, said);
	assert_false(aps_db_in_transaction(db));
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 1);
	begin(db);
	assert_int_equal(aps_stmt_step(stmt, &has_row, &err), APS_OK);
	commit(db);
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 2);
	aps_db_close(db);
}

static void a_statement_with_rows_left_is_in_the_way_of_begin_and_commit(void **state)
{
	(void)state;
	struct aps_err err = {0};
	bool has_row = false;
	struct aps_db *db = open_with_table();
	db_do(db, "INSERT INTO t VALUES (8)");
	struct aps_stmt *stmt = db_statement(db, "SELECT a FROM t");
	assert_int_equal(aps_stmt_step(stmt, &has_row, &err), APS_OK);
	assert_int_equal(aps_db_begin(db, &err), APS_E_USAGE);
	assert_string_equal(err.msg, "a statement has rows left: step it to the end or reset it");
	assert_false(aps_db_in_transaction(db));
	aps_stmt_reset(stmt);
	begin(db);
	assert_int_equal(aps_stmt_step(stmt, &has_row, &err), APS_OK);
	assert_int_equal(aps_db_commit(db, &err), APS_E_USAGE);
	assert_true(aps_db_in_transaction(db));
	assert_int_equal(aps_stmt_step(stmt, &has_row, &err), APS_OK);
	assert_true(has_row);
	assert_int_equal(aps_stmt_step(stmt, &has_row, &err), APS_OK);
	assert_false(has_row);
	commit(db);
	aps_db_close(db);
}

static void a_rollback_resets_the_statements(void **state)
{
	(void)state;
	struct aps_err err = {0};
	bool has_row = false;
	struct aps_db *db = open_with_table();
	begin(db);
	db_do(db, "CREATE TABLE u (a); INSERT INTO u VALUES (1), (2)");
	struct aps_stmt *stmt = db_statement(db, "INSERT INTO t SELECT a FROM u RETURNING a");
	assert_int_equal(aps_stmt_step(stmt, &has_row, &err), APS_OK);
	assert_true(has_row);
	aps_db_rollback(db);
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 1);
	assert_int_equal(db_int(db, "SELECT count(*) FROM sqlite_master WHERE name = 'u'"), 0);
	begin(db);
	commit(db);
	aps_db_close(db);
}

static void closing_in_the_middle_of_one_rolls_back(void **state)
{
	(void)state;
	struct aps_err err = {0};
	bool has_row = false;
	struct db_place place;
	db_place_make(&place);
	struct aps_db *db = db_open_as(place.path, &db_defaults);
	struct aps_db *other = db_open_as(place.path, &db_hasty);
	db_do(db, "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)");
	begin(db);
	db_do(db, "INSERT INTO t VALUES (3)");
	assert_int_equal(aps_stmt_step(db_statement(db, "SELECT a FROM t"), &has_row, &err), APS_OK);
	assert_int_equal(aps_db_begin(other, &err), APS_E_STORAGE);
	assert_string_equal(aps_err_word(&err), "locked");
	aps_db_close(db);
	begin(other);
	assert_int_equal(db_int(other, "SELECT count(*) FROM t"), 2);
	commit(other);
	aps_db_close(other);
	db_place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_committed_stays_and_what_is_rolled_back_does_not),
	        cmocka_unit_test(a_file_that_was_moved_or_replaced_is_noticed),
	        cmocka_unit_test(a_second_begin_is_refused_and_leaves_the_first),
	        cmocka_unit_test(a_commit_without_a_begin_is_refused),
	        cmocka_unit_test(sql_can_neither_begin_nor_end_a_transaction),
	        cmocka_unit_test(an_error_in_a_transaction_leaves_it_open),
	        cmocka_unit_test(nothing_runs_in_a_transaction_that_sqlite_has_rolled_back),
	        cmocka_unit_test(a_statement_with_rows_left_is_in_the_way_of_begin_and_commit),
	        cmocka_unit_test(a_rollback_resets_the_statements),
	        cmocka_unit_test(closing_in_the_middle_of_one_rolls_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

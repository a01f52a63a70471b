#include "db_fixture.h"

static void values_come_back_with_their_types(void **state)
{
	(void)state;
	struct aps_err err = {0};
	bool has_row = false;
	struct aps_db *db = db_open_memory();
	struct aps_stmt *stmt = db_statement(db, "SELECT ?, ?, ?, ?, x'ff', ?");
	assert_int_equal(aps_stmt_n_params(stmt), 5);
	assert_int_equal(aps_stmt_bind_null(stmt, 1, &err), APS_OK);
	assert_int_equal(aps_stmt_bind_int(stmt, 2, INT64_MIN, &err), APS_OK);
	assert_int_equal(aps_stmt_bind_float(stmt, 3, 1.5, &err), APS_OK);
	assert_int_equal(aps_stmt_bind_text(stmt, 4, APS_STR("a\0b"), &err), APS_OK);
	assert_int_equal(aps_stmt_bind_text(stmt, 5, (struct aps_str){NULL, 0}, &err), APS_OK);
	assert_int_equal(aps_stmt_step(stmt, &has_row, &err), APS_OK);
	assert_true(has_row);
	assert_int_equal(aps_stmt_n_columns(stmt), 6);
	assert_int_equal(aps_stmt_column_type(stmt, 0), APS_DB_NULL);
	assert_int_equal(aps_stmt_column_type(stmt, 1), APS_DB_INTEGER);
	assert_true(aps_stmt_column_int(stmt, 1) == INT64_MIN);
	assert_int_equal(aps_stmt_column_type(stmt, 2), APS_DB_FLOAT);
	assert_true(aps_stmt_column_float(stmt, 2) == 1.5);
	assert_int_equal(aps_stmt_column_type(stmt, 3), APS_DB_TEXT);
	assert_true(aps_str_eq(aps_stmt_column_str(stmt, 3), APS_STR("a\0b")));
	assert_int_equal(aps_stmt_column_type(stmt, 4), APS_DB_BLOB);
	assert_true(aps_str_eq(aps_stmt_column_str(stmt, 4), APS_STR("\xff")));
	assert_int_equal(aps_stmt_column_type(stmt, 5), APS_DB_TEXT);
	assert_int_equal(aps_stmt_column_str(stmt, 5).n, 0);
	assert_int_equal(aps_stmt_step(stmt, &has_row, &err), APS_OK);
	assert_false(has_row);
	aps_db_close(db);
}

static void a_statement_comes_from_the_cache_without_its_bindings(void **state)
{
	(void)state;
	struct aps_err err = {0};
	bool has_row = false;
	struct aps_db *db = db_open_memory();
	struct aps_stmt *first = db_statement(db, "SELECT ?");
	assert_int_equal(aps_stmt_bind_int(first, 1, 5, &err), APS_OK);
	assert_int_equal(aps_stmt_step(first, &has_row, &err), APS_OK);
	assert_ptr_equal(db_statement(db, "SELECT ?"), first);
	assert_int_equal(aps_stmt_step(first, &has_row, &err), APS_OK);
	assert_int_equal(aps_stmt_column_type(first, 0), APS_DB_NULL);
	aps_db_close(db);
}

static void a_full_cache_drops_the_statement_not_asked_for_longest(void **state)
{
	(void)state;
	char sql[32];
	struct aps_db *db = db_open_memory();
	struct aps_stmt *kept = db_statement(db, "SELECT 'kept'");
	size_t live = 0;
	for (int i = 0; i < APS_DB_MAX_STATEMENTS * 3; i++) {
		snprintf(sql, sizeof(sql), "SELECT %d", i);
		assert_int_equal(db_int(db, sql), i);
		assert_ptr_equal(db_statement(db, "SELECT 'kept'"), kept);
		if (i == APS_DB_MAX_STATEMENTS) live = aps_mem_live();
	}
	assert_int_equal(aps_mem_live(), live);
	aps_db_close(db);
}

static void wrong_sql_and_wrong_parameters_are_errors(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct aps_stmt *stmt = NULL;
	struct aps_db *db = db_open_memory();
	assert_int_equal(aps_db_exec(db, "NOPE", &err), APS_E_STORAGE);
	assert_string_equal(err.msg, "SQL: near \"NOPE\": syntax error");
	assert_int_equal(err.native, 1);
	assert_int_equal(aps_db_prepare(db, APS_STR("SELECT nope"), &stmt, &err), APS_E_STORAGE);
	assert_null(stmt);
	assert_int_equal(aps_db_prepare(db, APS_STR(" ; "), &stmt, &err), APS_E_USAGE);
	assert_int_equal(aps_db_prepare(db, APS_STR("SELECT 1; SELECT 2"), &stmt, &err), APS_E_USAGE);
	assert_int_equal(aps_db_prepare(db, APS_STR("SELECT 1 ; \n"), &stmt, &err), APS_OK);
	assert_int_equal(aps_stmt_bind_int(stmt, 1, 1, &err), APS_E_USAGE);
	assert_string_equal(err.msg, "the statement has no parameter 1");
	aps_db_close(db);
}

static void a_failed_step_leaves_the_statement_usable(void **state)
{
	(void)state;
	struct aps_err err = {0};
	bool has_row = true;
	struct aps_db *db = db_open_memory();
	assert_int_equal(aps_db_exec(db, "CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1)", &err), APS_OK);
	struct aps_stmt *stmt = db_statement(db, "INSERT INTO t VALUES (?)");
	assert_int_equal(aps_stmt_bind_int(stmt, 1, 1, &err), APS_OK);
	assert_int_equal(aps_stmt_step(stmt, &has_row, &err), APS_E_STORAGE);
	assert_false(has_row);
	assert_int_equal(err.native & 0xff, 19); /* SQLITE_CONSTRAINT */
	assert_int_equal(aps_stmt_bind_int(stmt, 1, 2, &err), APS_OK);
	assert_int_equal(aps_stmt_step(stmt, &has_row, &err), APS_OK);
	assert_int_equal(aps_db_changes(db), 1);
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 2);
	aps_db_close(db);
}

static void one_integer_is_read(void **state)
{
	(void)state;
	struct aps_err err = {0};
	int64_t value = 1;
	struct aps_db *db = db_open_memory();
	db_do(db, "CREATE TABLE t (a); INSERT INTO t VALUES (7), (8)");
	assert_int_equal(db_int(db, "SELECT a FROM t ORDER BY a"), 7);
	db_do(db, "DROP TABLE t"); /* its statement is done */
	assert_int_equal(db_int(db, "SELECT 1 WHERE 0"), 0);
	assert_int_equal(aps_db_read_int(db, "SELECT a FROM t", &value, &err), APS_E_STORAGE);
	assert_int_equal(value, 0);
	aps_db_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(values_come_back_with_their_types),
	        cmocka_unit_test(a_statement_comes_from_the_cache_without_its_bindings),
	        cmocka_unit_test(a_full_cache_drops_the_statement_not_asked_for_longest),
	        cmocka_unit_test(wrong_sql_and_wrong_parameters_are_errors),
	        cmocka_unit_test(a_failed_step_leaves_the_statement_usable),
	        cmocka_unit_test(one_integer_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "store/db_space.h"

#include "db_fixture.h"

#include <sys/stat.h>

static void fill(struct aps_db *db, int n)
{
	char sql[160];
	snprintf(sql, sizeof sql,
	         "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < %d)"
	         " INSERT INTO t SELECT randomblob(3000) FROM i",
	         n);
	db_do(db, sql);
}

static void free_pages_are_counted_and_given_back(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_db_space space, after;
	struct db_place place;
	db_place_make(&place);
	struct aps_db *db = db_open_as(place.path, &db_defaults);
	db_do(db, "CREATE TABLE t (a)");
	fill(db, 200);
	assert_int_equal(aps_db_space(db, &space, &err), APS_OK);
	assert_int_equal(space.page_bytes, 4096);
	assert_true(space.n_pages > 200);
	assert_int_equal(space.n_free_pages, 0);
	db_do(db, "DELETE FROM t");
	assert_int_equal(aps_db_space(db, &space, &err), APS_OK);
	assert_true(space.n_free_pages >= 199);
	assert_int_equal(aps_db_begin(db, &err), APS_OK);
	assert_int_equal(aps_db_give_back(db, 64, &err), APS_OK);
	assert_int_equal(aps_db_commit(db, &err), APS_OK);
	assert_int_equal(aps_db_space(db, &after, &err), APS_OK);
	assert_int_equal(after.n_free_pages, space.n_free_pages - 64);
	assert_int_equal(after.n_pages, space.n_pages - 64);
	aps_db_close(db);
	db_place_remove(&place);
}

static void the_log_is_emptied_unless_somebody_reads(void **state)
{
	(void)state;
	struct aps_err err;
	struct stat found;
	bool is_done;
	char log[64];
	struct db_place place;
	db_place_make(&place);
	snprintf(log, sizeof log, "%s-wal", place.path);
	struct aps_db *db = db_open_as(place.path, &db_defaults);
	db_do(db, "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)");
	struct aps_db *other = db_open_as(place.path, &db_reading);
	struct aps_stmt *stmt = db_statement(other, "SELECT a FROM t");
	bool has_row;
	assert_int_equal(aps_stmt_step(stmt, &has_row, &err), APS_OK);
	db_do(db, "INSERT INTO t VALUES (3)");
	assert_int_equal(aps_db_truncate_log(db, &is_done, &err), APS_OK);
	assert_false(is_done);
	assert_int_equal(db_int(db, "PRAGMA busy_timeout"), APS_DB_BUSY_MS);
	aps_stmt_reset(stmt);
	assert_int_equal(aps_db_truncate_log(db, &is_done, &err), APS_OK);
	assert_true(is_done);
	assert_int_equal(stat(log, &found), 0);
	assert_int_equal(found.st_size, 0);
	aps_db_close(other);
	aps_db_close(db);
	db_place_remove(&place);
}

static void what_is_deleted_is_overwritten_thoroughly_or_where_it_costs_nothing(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_db *db = db_open_memory();
	assert_int_equal(db_int(db, "PRAGMA secure_delete"), 2);
	assert_int_equal(aps_db_set_erasing(db, true, &err), APS_OK);
	assert_int_equal(db_int(db, "PRAGMA secure_delete"), 1);
	assert_int_equal(aps_db_set_erasing(db, false, &err), APS_OK);
	assert_int_equal(db_int(db, "PRAGMA secure_delete"), 2);
	aps_db_close(db);
}

static void without_memory_nothing_is_done(void **state)
{
	(void)state;
	struct aps_err err;
	bool is_done;
	struct aps_db_space space;
	for (size_t nth = 1;; nth++) {
		struct aps_db *db = db_open_memory();
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_db_space(db, &space, &err);
		if (rc == APS_OK) rc = aps_db_truncate_log(db, &is_done, &err);
		aps_mem_fail_at(0);
		aps_db_close(db);
		assert_int_equal(aps_mem_live(), 0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(free_pages_are_counted_and_given_back),
	        cmocka_unit_test(the_log_is_emptied_unless_somebody_reads),
	        cmocka_unit_test(what_is_deleted_is_overwritten_thoroughly_or_where_it_costs_nothing),
	        cmocka_unit_test(without_memory_nothing_is_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

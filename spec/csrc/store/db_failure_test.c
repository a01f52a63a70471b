/* Failures as they come, on files: what each is called. */
#include "db_fixture.h"

#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

static sqlite3_mem_methods real_memory;
static size_t fail_at; /* which of SQLite's next allocations fails; 0: none */

static bool must_fail(void)
{
	return fail_at != 0 && --fail_at == 0;
}

static void *allocate(int n_bytes)
{
	return must_fail() ? NULL : real_memory.xMalloc(n_bytes);
}

static void *reallocate(void *block, int n_bytes)
{
	return must_fail() ? NULL : real_memory.xRealloc(block, n_bytes);
}

static void expect(enum aps_rc rc, const struct aps_err *err, enum aps_rc code, const char *word)
{
	if (rc != code || strcmp(aps_err_word(err) != NULL ? aps_err_word(err) : "", word) != 0)
		fail_msg("%s %s: %s", aps_rc_name(rc), aps_err_word(err), err->msg);
	assert_int_equal(err->code, code);
}

static void expect_open(const char *path, const struct aps_db_options *options, enum aps_rc code, const char *word)
{
	struct aps_err err = {0};
	struct aps_db *db = NULL;
	expect(aps_db_open(path, options, &db, &err), &err, code, word);
	assert_null(db);
}

static void a_file_that_may_not_grow_is_full(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct aps_db *db = db_open_memory();
	db_do(db, "CREATE TABLE t (a); PRAGMA max_page_count = 2");
	assert_int_equal(aps_db_begin(db, &err), APS_OK);
	expect(aps_db_exec(db, "INSERT INTO t VALUES (zeroblob(100000))", &err), &err, APS_E_STORAGE, "full");
	aps_db_rollback(db);
	aps_db_close(db);
}

static void what_another_has_locked_is_locked(void **state)
{
	(void)state;
	struct aps_err err = {0};
	bool has_row = false;
	struct db_place place;
	db_place_make(&place);
	struct aps_db *db = db_open_as(place.path, &db_defaults), *other = db_open_as(place.path, &db_hasty);
	db_do(db, "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)");
	assert_int_equal(aps_db_begin(db, &err), APS_OK);
	expect(aps_db_begin(other, &err), &err, APS_E_STORAGE, "locked");
	expect(aps_db_exec(other, "INSERT INTO t VALUES (3)", &err), &err, APS_E_STORAGE, "locked");
	aps_db_rollback(db);
	aps_db_close(other);
	struct aps_stmt *stmt = db_statement(db, "SELECT a FROM t");
	assert_int_equal(aps_stmt_step(stmt, &has_row, &err), APS_OK);
	expect(aps_db_exec(db, "DROP TABLE t", &err), &err, APS_E_STORAGE, "locked");
	aps_stmt_reset(stmt);
	db_do(db, "PRAGMA locking_mode = EXCLUSIVE; INSERT INTO t VALUES (3)");
	expect_open(place.path, &db_hasty, APS_E_STORAGE, "locked");
	expect_open(place.path, &db_reading, APS_E_STORAGE, "locked");
	aps_db_close(db);
	db_place_remove(&place);
}

static void write_bytes(const char *path, long at, const char *bytes, size_t n)
{
	FILE *file = fopen(path, at < 0 ? "wb" : "r+b");
	assert_non_null(file);
	if (at > 0) assert_int_equal(fseek(file, at, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	fclose(file);
}

static void what_is_no_database_or_a_damaged_one_is_corrupt(void **state)
{
	(void)state;
	struct aps_err err = {0};
	char garbage[8192];
	struct db_place place;
	memset(garbage, 'x', sizeof(garbage));
	db_place_make(&place);
	write_bytes(place.path, -1, garbage, sizeof(garbage));
	expect_open(place.path, &db_defaults, APS_E_STORAGE, "corrupt");
	expect_open(place.path, &db_reading, APS_E_STORAGE, "corrupt");
	unlink(place.path);
	struct aps_db *db = db_open_as(place.path, &db_defaults);
	db_do(db, "PRAGMA page_size = 4096; CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	aps_db_close(db);
	write_bytes(place.path, 8192, garbage, 4096); /* the second page says what the others are for */
	db = db_open_as(place.path, &db_defaults);
	expect(aps_db_exec(db, "SELECT * FROM t", &err), &err, APS_E_STORAGE, "corrupt");
	aps_db_close(db);
	db_place_remove(&place);
}

static void a_version_of_the_file_that_nobody_knows_is_damage_where_the_tables_are_own(void **state)
{
	(void)state;
	static const struct aps_db_options own = {.has_own_tables = true, .busy_ms = 10};
	struct aps_err err = {0};
	struct db_place place;
	struct aps_db *db = NULL;
	db_place_make(&place);
	db = db_open_as(place.path, &own);
	db_do(db, "CREATE TABLE t (a)");
	aps_db_close(db);
	write_bytes(place.path, 18, "\xee", 1);
	enum aps_rc rc = aps_db_open(place.path, &own, &db, &err);
	if (rc == APS_OK) rc = aps_db_exec(db, "INSERT INTO t VALUES (1)", &err);
	expect(rc, &err, APS_E_STORAGE, "corrupt");
	aps_db_close(db);
	rc = aps_db_open(place.path, &db_defaults, &db, &err);
	if (rc == APS_OK) rc = aps_db_exec(db, "INSERT INTO t VALUES (1)", &err);
	expect(rc, &err, APS_E_STORAGE, "readonly");
	aps_db_close(db);
	db_place_remove(&place);
}

static void a_place_where_nothing_can_be_made_has_no_word(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct aps_db *db = NULL;
	assert_int_equal(aps_db_open("/nonexistent/folder/x.db", &db_defaults, &db, &err), APS_E_STORAGE);
	assert_null(db);
	assert_null(aps_err_word(&err));
	assert_string_equal(err.msg, "cannot open the store: unable to open database file (No such file or directory)");
	expect_open("/", &db_defaults, APS_E_STORAGE, "");
	aps_db_close(NULL);
}

static void what_may_not_be_written_is_readonly(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct db_place place;
	db_place_make(&place);
	struct aps_db *db = db_open_as(place.path, &db_defaults);
	db_do(db, "CREATE TABLE t (a); PRAGMA query_only = ON");
	expect(aps_db_exec(db, "INSERT INTO t VALUES (1)", &err), &err, APS_E_STORAGE, "readonly");
	aps_db_close(db);
	if (geteuid() != 0 || seteuid(65534) != 0) skip();
	expect_open(place.path, &db_defaults, APS_E_STORAGE, "readonly"); /* the folder is the superuser's own */
	expect_open(place.path, &db_reading, APS_E_STORAGE, "");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(place.folder, 0755), 0);
	assert_int_equal(chmod(place.path, 0644), 0);
	assert_int_equal(seteuid(65534), 0);
	expect_open(place.path, &db_defaults, APS_E_STORAGE, "readonly");
	char other[64];
	snprintf(other, sizeof(other), "%s/other.db", place.folder);
	expect_open(other, &db_defaults, APS_E_STORAGE, "readonly");
	assert_int_equal(seteuid(0), 0);
	db_place_remove(&place);
}

static void a_process_without_descriptors_is_a_failure_of_the_system(void **state)
{
	(void)state;
	struct rlimit before, none;
	struct db_place place;
	db_place_make(&place);
	aps_db_close(db_open_as(place.path, &db_defaults));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	struct aps_err err = {0};
	struct aps_db *db = NULL;
	enum aps_rc rc = aps_db_open(place.path, &db_defaults, &db, &err);
	struct aps_err of_reader = {0};
	enum aps_rc rc_of_reader = aps_db_open(place.path, &db_reading, &db, &of_reader);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	expect(rc, &err, APS_E_SYSTEM, "descriptors");
	expect(rc_of_reader, &of_reader, APS_E_SYSTEM, "descriptors");
	assert_string_equal(aps_rc_kind(err.code), "system");
	assert_string_equal(err.msg, "cannot open the store: unable to open database file (Too many open files)");
	db_place_remove(&place);
}

static enum aps_rc insert(struct aps_db *db, struct aps_err *err)
{
	struct aps_stmt *stmt = NULL;
	bool has_row = false;
	enum aps_rc rc = aps_db_prepare(db, APS_STR("INSERT INTO t VALUES (?)"), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_text(stmt, 1, APS_STR("some text"), err);
	return rc == APS_OK ? aps_stmt_step(stmt, &has_row, err) : rc;
}

static enum aps_rc write_and_read(struct aps_db *db, struct aps_err *err)
{
	struct aps_stmt *stmt = NULL;
	bool has_row = true;
	enum aps_rc rc =
	        aps_db_exec(db, "CREATE TABLE IF NOT EXISTS t (a); CREATE INDEX IF NOT EXISTS i ON t (a)", err);
	if (rc == APS_OK) rc = aps_db_begin(db, err);
	if (rc == APS_OK) rc = insert(db, err);
	if (rc == APS_OK) rc = aps_db_commit(db, err);
	if (rc == APS_OK) rc = aps_db_begin(db, err);
	if (rc == APS_OK) rc = insert(db, err);
	if (rc != APS_OK) return rc;
	aps_db_rollback(db);
	rc = aps_db_prepare(db, APS_STR("SELECT a FROM t ORDER BY a DESC"), &stmt, err);
	while (rc == APS_OK && has_row) rc = aps_stmt_step(stmt, &has_row, err);
	return rc;
}

/* Both kinds of allocation: SQLite's, and ours. */
static bool one_round(size_t sqlite_at, size_t own_at)
{
	size_t live = aps_mem_live();
	struct aps_err err = {0};
	struct aps_db *db = NULL;
	struct db_place place;
	db_place_make(&place);
	fail_at = sqlite_at;
	aps_mem_fail_at(own_at);
	enum aps_rc rc = aps_db_open(place.path, &(struct aps_db_options){.synchronous = APS_DB_SYNC_OFF}, &db, &err);
	if (rc == APS_OK) rc = write_and_read(db, &err);
	bool has_failed = sqlite_at != 0 && fail_at == 0;
	fail_at = 0;
	aps_mem_fail_at(0);
	if (rc != APS_OK) expect(rc, &err, APS_E_NOMEM, "out_of_memory");
	if (db != NULL) {
		aps_db_rollback(db);
		if (write_and_read(db, &err) != APS_OK) fail_msg("%zu, %zu: %s", sqlite_at, own_at, err.msg);
	}
	aps_db_close(db);
	assert_int_equal(aps_mem_live(), live);
	db_place_remove(&place);
	return rc != APS_OK || has_failed;
}

static void every_failed_allocation_is_of_memory_and_leaks_nothing(void **state)
{
	(void)state;
	size_t n = 1;
	while (one_round(n, 0)) n++;
	assert_true(n > 100);
	n = 1;
	while (one_round(0, n)) n++;
	assert_true(n > 3);
	assert_int_equal(sqlite3_memory_used(), 0);
}

int main(void)
{
	sqlite3_mem_methods failing;
	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
	failing = real_memory;
	failing.xMalloc = allocate;
	failing.xRealloc = reallocate;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
	sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_file_that_may_not_grow_is_full),
	        cmocka_unit_test(what_another_has_locked_is_locked),
	        cmocka_unit_test(what_is_no_database_or_a_damaged_one_is_corrupt),
	        cmocka_unit_test(a_version_of_the_file_that_nobody_knows_is_damage_where_the_tables_are_own),
	        cmocka_unit_test(a_place_where_nothing_can_be_made_has_no_word),
	        cmocka_unit_test(what_may_not_be_written_is_readonly),
	        cmocka_unit_test(a_process_without_descriptors_is_a_failure_of_the_system),
	        cmocka_unit_test(every_failed_allocation_is_of_memory_and_leaks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

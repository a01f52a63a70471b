#include "store/db_simulation.h"

#include "db_fixture.h"

#include <sys/stat.h>

/* A simulated store at `place`, which has a table. */
static struct aps_db *begin(struct db_place *place)
{
	struct aps_err err;
	db_place_make(place);
	int fd = open(place->path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(aps_db_simulation_begin(place->path, &err), APS_OK);
	struct aps_db *db = db_open_as(place->path, &db_defaults);
	db_do(db, "CREATE TABLE t (a)");
	return db;
}

static void end(struct db_place *place)
{
	aps_db_close_kept();
	aps_db_simulation_end();
	assert_int_equal(aps_mem_live(), 0);
	db_place_remove(place);
}

static int64_t file_bytes(const char *path, const char *suffix)
{
	char name[64];
	struct stat found;
	snprintf(name, sizeof name, "%s%s", path, suffix);
	return stat(name, &found) == 0 ? (int64_t)found.st_size : -1;
}

static void keep(enum aps_db_copy which)
{
	struct aps_err err;
	assert_int_equal(aps_db_simulation_keep(which, &err), APS_OK);
}

static void put(enum aps_db_copy which)
{
	struct aps_err err;
	assert_int_equal(aps_db_simulation_put(which, &err), APS_OK);
}

static void what_is_written_is_in_memory_and_readers_see_it(void **state)
{
	(void)state;
	struct db_place place;
	struct aps_db *db = begin(&place);
	struct aps_db *reader = db_open_as(place.path, &db_reading);
	db_do(db, "INSERT INTO t VALUES (1), (2)");
	assert_int_equal(db_int(reader, "SELECT count(*) FROM t"), 2);
	assert_int_equal(file_bytes(place.path, ""), 0);
	assert_int_equal(file_bytes(place.path, "-wal"), -1);
	assert_int_equal(file_bytes(place.path, "-shm"), -1);
	aps_db_close(reader);
	aps_db_close(db);
	end(&place);
}

static void a_connection_that_is_closed_is_kept_without_what_it_was_about(void **state)
{
	(void)state;
	struct aps_err err;
	struct db_place place;
	struct aps_db *db = begin(&place), *reader = db_open_as(place.path, &db_reading);
	assert_int_equal(aps_db_begin(db, &err), APS_OK);
	db_do(db, "INSERT INTO t VALUES (1)");
	aps_db_close(db);
	aps_db_close(reader);
	assert_ptr_equal(db_open_as(place.path, &db_reading), reader);
	assert_ptr_equal(db_open_as(place.path, &db_defaults), db);
	assert_false(aps_db_in_transaction(db));
	assert_int_equal(db_int(reader, "SELECT count(*) FROM t"), 0);
	db_do(db, "INSERT INTO t VALUES (2)");
	assert_int_equal(db_int(reader, "SELECT a FROM t"), 2);
	aps_db_close(db);
	aps_db_close(reader);
	aps_db_close_kept();
	db = db_open_as(place.path, &db_defaults);
	assert_int_equal(db_int(db, "SELECT a FROM t"), 2);
	aps_db_abandon(db);
	end(&place);
}

static void a_killed_process_leaves_what_it_had_committed(void **state)
{
	(void)state;
	struct aps_err err;
	struct db_place place;
	struct aps_db *db = begin(&place), *reader = db_open_as(place.path, &db_reading);
	db_do(db, "INSERT INTO t VALUES (1)");
	assert_int_equal(aps_db_begin(db, &err), APS_OK);
	db_do(db, "INSERT INTO t VALUES (2)");
	keep(APS_DB_COPY_KILLED);
	assert_int_equal(aps_db_commit(db, &err), APS_OK);
	db_do(db, "UPDATE t SET a = 7; DROP TABLE IF EXISTS u; CREATE TABLE u (b)");
	assert_int_equal(db_int(reader, "SELECT sum(a) FROM t"), 14);
	aps_db_close(db);
	aps_db_close(reader);
	put(APS_DB_COPY_KILLED);
	reader = db_open_as(place.path, &db_reading);
	db = db_open_as(place.path, &db_defaults);
	assert_int_equal(db_int(reader, "SELECT sum(a) FROM t"), 1);
	assert_int_equal(db_int(db, "SELECT sum(a) FROM t"), 1);
	assert_int_equal(db_int(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'u'"), 0);
	aps_db_close(db);
	aps_db_close(reader);
	end(&place);
}

/* As many rows as the seed says: the log is folded into the file now and then. */
static void live(const char *path, int seed)
{
	char sql[160];
	struct aps_db *db = db_open_as(path, &db_defaults), *reader = db_open_as(path, &db_reading);
	int64_t n = db_int(reader, "SELECT count(*) FROM t");
	snprintf(sql, sizeof sql,
	         "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < %d)"
	         " INSERT INTO t SELECT %d || printf('%%0400d', n) FROM i",
	         1 + seed * 37 % 300, seed);
	for (int i = 0; i < 3; i++) db_do(db, sql);
	assert_int_equal(db_int(reader, "SELECT count(*) FROM t"), n + (int64_t)3 * (1 + seed * 37 % 300));
	snprintf(sql, sizeof sql, "SELECT count(*) FROM t WHERE a NOT LIKE '%d0%%'", seed);
	assert_int_equal(db_int(reader, sql), n);
	assert_int_equal(db_int(db, "SELECT count(*) FROM pragma_quick_check WHERE quick_check <> 'ok'"), 0);
	aps_db_close(db);
	aps_db_close(reader);
}

static void a_new_store_is_new_each_time(void **state)
{
	(void)state;
	struct db_place place;
	aps_db_close(begin(&place));
	aps_db_close_kept();
	keep(APS_DB_COPY_NEW);
	for (int seed = 1; seed <= 60; seed++) {
		put(APS_DB_COPY_NEW);
		live(place.path, seed);
		if (seed % 3 != 0) continue;
		keep(APS_DB_COPY_KILLED);
		live(place.path, 109);
		put(APS_DB_COPY_KILLED);
		live(place.path, 108);
	}
	put(APS_DB_COPY_NEW);
	struct aps_db *db = db_open_as(place.path, &db_defaults);
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 0);
	aps_db_close(db);
	end(&place);
}

static void who_writes_is_alone(void **state)
{
	(void)state;
	struct aps_err err;
	struct db_place place;
	struct aps_db *db = begin(&place), *other = db_open_as(place.path, &db_hasty);
	assert_int_equal(aps_db_begin(db, &err), APS_OK);
	assert_int_equal(aps_db_begin(other, &err), APS_E_STORAGE);
	assert_string_equal(err.word, "locked");
	assert_int_equal(aps_db_commit(db, &err), APS_OK);
	assert_int_equal(aps_db_begin(other, &err), APS_OK);
	aps_db_close(other);
	aps_db_close(db);
	end(&place);
}

static void other_stores_are_files_and_misuse_is_told(void **state)
{
	(void)state;
	struct aps_err err;
	struct db_place place, elsewhere;
	assert_int_equal(aps_db_simulation_keep(APS_DB_COPY_NEW, &err), APS_E_USAGE);
	assert_int_equal(aps_db_simulation_put(APS_DB_COPY_NEW, &err), APS_E_USAGE);
	struct aps_db *db = begin(&place);
	assert_int_equal(aps_db_simulation_begin(place.path, &err), APS_E_USAGE);
	assert_int_equal(aps_db_simulation_put(APS_DB_COPY_KILLED, &err), APS_E_USAGE);
	db_place_make(&elsewhere);
	struct aps_db *other = db_open_as(elsewhere.path, &db_defaults);
	db_do(other, "CREATE TABLE t (a)");
	assert_true(file_bytes(elsewhere.path, "-wal") > 0);
	aps_db_close(other);
	assert_true(file_bytes(elsewhere.path, "") > 0);
	db_place_remove(&elsewhere);
	aps_db_close(db);
	end(&place);
	assert_null(aps_db_simulation_vfs(place.path));
}

/* Whatever fails, what was committed is there. */
static void without_memory_nothing_is_half_done(void **state)
{
	(void)state;
	struct aps_err err;
	struct db_place place;
	for (size_t nth = 1;; nth++) {
		db_place_make(&place);
		aps_mem_fail_at(nth);
		struct aps_db *db = NULL;
		enum aps_rc rc = aps_db_simulation_begin(place.path, &err);
		if (rc == APS_OK) rc = aps_db_open(place.path, &db_defaults, &db, &err);
		if (rc == APS_OK) rc = aps_db_exec(db, "CREATE TABLE t (a)", &err);
		if (rc == APS_OK) rc = aps_db_simulation_keep(APS_DB_COPY_KILLED, &err);
		if (rc == APS_OK) rc = aps_db_simulation_put(APS_DB_COPY_KILLED, &err);
		aps_mem_fail_at(0);
		aps_db_close(db);
		end(&place);
		if (rc == APS_OK) break;
		assert_true(rc == APS_E_NOMEM || rc == APS_E_STORAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_written_is_in_memory_and_readers_see_it),
	        cmocka_unit_test(a_connection_that_is_closed_is_kept_without_what_it_was_about),
	        cmocka_unit_test(a_killed_process_leaves_what_it_had_committed),
	        cmocka_unit_test(a_new_store_is_new_each_time),
	        cmocka_unit_test(who_writes_is_alone),
	        cmocka_unit_test(other_stores_are_files_and_misuse_is_told),
	        cmocka_unit_test(without_memory_nothing_is_half_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

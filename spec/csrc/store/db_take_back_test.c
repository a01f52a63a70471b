/* What a commit leaves in the log when its sync fails (spec/support/faulty_vfs.h), and how it is taken back. */
#include "../../support/faulty_vfs.h"
#include "db_fixture.h"
#include "store/db_take_back.h"

static const struct aps_db_options db_full = {.busy_ms = APS_DB_BUSY_MS, .synchronous = APS_DB_SYNC_FULL};

/* A row more, whose commit fails where it is synchronised. */
static void fail_at_sync(struct aps_db *db)
{
	struct aps_err err = {0};
	for (int i = 1; i < 20; i++) {
		char fault[24];
		snprintf(fault, sizeof fault, "error=%d", i);
		assert_int_equal(aps_db_begin(db, &err), APS_OK);
		assert_int_equal(aps_db_exec(db, "INSERT INTO t VALUES (2)", &err), APS_OK);
		assert_true(faulty_vfs_set(fault));
		enum aps_rc rc = aps_db_commit(db, &err);
		assert_true(faulty_vfs_set("error=off"));
		assert_int_not_equal(rc, APS_OK);
		if (aps_db_is_unsynced(&err)) return;
	}
	fail_msg("no sync has failed");
}

static struct aps_db *open_with_one_row(const struct db_place *place)
{
	struct aps_db *db = db_open_as(place->path, &db_full);
	db_do(db, "CREATE TABLE t (a); INSERT INTO t VALUES (1); PRAGMA user_version = 7");
	return db;
}

/* As whoever opens the file after a kill. */
static int64_t n_found(const struct db_place *place, struct aps_db *db)
{
	aps_db_abandon(db);
	db = db_open_as(place->path, &db_full);
	int64_t n = db_int(db, "SELECT count(*) FROM t");
	assert_int_equal(db_int(db, "PRAGMA user_version"), 7);
	aps_db_close(db);
	return n;
}

static void it_is_found_by_whoever_opens_the_file(void **state)
{
	(void)state;
	struct db_place place;
	db_place_make(&place);
	struct aps_db *db = open_with_one_row(&place);
	fail_at_sync(db);
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 1);
	assert_int_equal(n_found(&place, db), 2);
	db_place_remove(&place);
}

static void what_was_taken_back_is_not(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct db_place place;
	db_place_make(&place);
	struct aps_db *db = open_with_one_row(&place);
	fail_at_sync(db);
	assert_int_equal(aps_db_take_back(db, &err), APS_OK);
	assert_int_equal(db_int(db, "PRAGMA synchronous"), 1);
	assert_int_equal(n_found(&place, db), 1);
	db_place_remove(&place);
}

static void a_disk_that_goes_on_failing_says_so(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct db_place place;
	db_place_make(&place);
	struct aps_db *db = open_with_one_row(&place);
	fail_at_sync(db);
	assert_true(faulty_vfs_set("error=1 errors=100"));
	assert_int_equal(aps_db_take_back(db, &err), APS_E_STORAGE);
	assert_false(aps_db_in_transaction(db));
	assert_true(faulty_vfs_set("error=off errors=off"));
	assert_int_equal(n_found(&place, db), 2);
	db_place_remove(&place);
}

static int install(void **state)
{
	(void)state;
	faulty_vfs_install();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(it_is_found_by_whoever_opens_the_file),
	        cmocka_unit_test(what_was_taken_back_is_not),
	        cmocka_unit_test(a_disk_that_goes_on_failing_says_so),
	};
	return cmocka_run_group_tests(tests, install, NULL);
}

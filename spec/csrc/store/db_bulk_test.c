#include "store/db_bulk.h"

#include "db_fixture.h"

#include <sys/stat.h>

static int64_t log_bytes(const struct db_place *place)
{
	struct stat found;
	char log[64];
	snprintf(log, sizeof log, "%s-wal", place->path);
	assert_int_equal(stat(log, &found), 0);
	return found.st_size;
}

static void set(struct aps_db *db, struct aps_db_bulk *bulk, bool is_on)
{
	struct aps_err err;
	if (aps_db_set_bulk(db, bulk, is_on, &err) != APS_OK) fail_msg("%s", err.msg);
	assert_int_equal(bulk->is_on, is_on);
}

static void pages_stay_in_memory_while_much_is_written_and_no_longer(void **state)
{
	(void)state;
	struct aps_db *db = db_open_memory();
	struct aps_db_bulk bulk = {.is_on = false};
	db_do(db, "PRAGMA cache_size = -1234; PRAGMA wal_autocheckpoint = 321");
	set(db, &bulk, false);
	assert_int_equal(db_int(db, "PRAGMA cache_size"), -1234);
	for (int i = 0; i < 2; i++) {
		set(db, &bulk, true);
		set(db, &bulk, true);
		assert_int_equal(db_int(db, "PRAGMA cache_size") * -1024, APS_DB_BULK_CACHE_BYTES);
		assert_int_equal(db_int(db, "PRAGMA wal_autocheckpoint"), APS_DB_BULK_LOG_PAGES);
		set(db, &bulk, false);
		assert_int_equal(db_int(db, "PRAGMA cache_size"), -1234);
		assert_int_equal(db_int(db, "PRAGMA wal_autocheckpoint"), 321);
	}
	aps_db_close(db);
}

/* One page of the file is written again and again: the log is as long as what was committed until it is folded. */
static void the_log_grows_longer_while_much_is_written(void **state)
{
	(void)state;
	struct aps_db_bulk bulk = {.is_on = false};
	int64_t longest[2] = {0};
	for (int is_on = 0; is_on < 2; is_on++) {
		struct db_place place;
		db_place_make(&place);
		struct aps_db *db = db_open_as(place.path, &db_defaults);
		db_do(db, "PRAGMA synchronous = OFF; CREATE TABLE t (a); INSERT INTO t VALUES (1)");
		set(db, &bulk, is_on);
		for (int i = 0; i < 2 * APS_DB_BULK_LOG_PAGES; i++) db_do(db, "UPDATE t SET a = a + 1");
		longest[is_on] = log_bytes(&place);
		assert_int_equal(db_int(db, "SELECT a FROM t"), 2 * APS_DB_BULK_LOG_PAGES + 1);
		aps_db_close(db);
		db_place_remove(&place);
	}
	assert_in_range(longest[0], 1000 * 4096, 1100 * 4096);
	assert_in_range(longest[1], APS_DB_BULK_LOG_PAGES * 4096, (APS_DB_BULK_LOG_PAGES + 400) * 4096);
}

static void neither_begins_nor_ends_in_the_middle_of_a_transaction(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_db *db = db_open_memory();
	struct aps_db_bulk bulk = {.is_on = false};
	for (int is_on = 1; is_on >= 0; is_on--) {
		assert_int_equal(aps_db_begin(db, &err), APS_OK);
		assert_int_equal(aps_db_set_bulk(db, &bulk, is_on, &err), APS_E_USAGE);
		assert_int_equal(bulk.is_on, !is_on);
		assert_int_equal(aps_db_commit(db, &err), APS_OK);
		set(db, &bulk, is_on);
	}
	aps_db_close(db);
}

static void without_memory_it_stays_as_it_was(void **state)
{
	(void)state;
	struct aps_err err;
	for (size_t nth = 1;; nth++) {
		struct aps_db *db = db_open_memory();
		struct aps_db_bulk bulk = {.is_on = false};
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_db_set_bulk(db, &bulk, true, &err);
		aps_mem_fail_at(0);
		assert_int_equal(bulk.is_on, rc == APS_OK);
		aps_db_close(db);
		assert_int_equal(aps_mem_live(), 0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(pages_stay_in_memory_while_much_is_written_and_no_longer),
	        cmocka_unit_test(the_log_grows_longer_while_much_is_written),
	        cmocka_unit_test(neither_begins_nor_ends_in_the_middle_of_a_transaction),
	        cmocka_unit_test(without_memory_it_stays_as_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

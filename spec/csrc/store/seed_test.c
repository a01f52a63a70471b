#include "store/seed.h"

#include "store/migrations.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "db_fixture.h"

static struct db_place shipped, place;
static size_t n_live;
static struct aps_err err;

/* A store with one entry, as an application ships it. */
static void ship(const char *more)
{
	struct aps_db *db = db_open_as(shipped.path, &db_defaults);
	assert_int_equal(aps_migrations_run(db, &err), APS_OK);
	db_do(db, "INSERT INTO entry (part, key, content) VALUES (1, x'00', x'01')");
	db_do(db, more);
	aps_db_close(db);
}

static int setup(void **state)
{
	(void)state;
	n_live = aps_mem_live();
	err = (struct aps_err){0};
	db_place_make(&shipped);
	db_place_make(&place);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	db_place_remove(&shipped);
	db_place_remove(&place); /* which fails where a copy was left */
	return aps_mem_live() == n_live ? 0 : -1;
}

static int64_t n_entries(void)
{
	struct aps_db *db = db_open_as(place.path, &db_defaults);
	int64_t n = db_int(db, "SELECT count(*) FROM entry");
	aps_db_close(db);
	return n;
}

static void plant(void)
{
	if (aps_seed_plant(shipped.path, place.path, &err) != APS_OK) fail_msg("%s", err.msg);
}

static void assert_refused(const char *why)
{
	assert_int_equal(aps_seed_plant(shipped.path, place.path, &err), APS_E_STORAGE);
	assert_string_equal(err.word, "seed");
	assert_non_null(strstr(err.msg, shipped.path));
	if (strstr(err.msg, why) == NULL) fail_msg("%s", err.msg);
	assert_false(aps_db_is_there(place.path));
}

static void a_new_store_begins_with_what_was_shipped(void **state)
{
	(void)state;
	struct stat found;
	ship("");
	chmod(shipped.path, 0444);
	plant();
	assert_int_equal(stat(place.path, &found), 0);
	assert_int_equal(found.st_mode & 07777, 0600);
	assert_int_equal(found.st_nlink, 1);
	assert_int_equal(n_entries(), 1);
}

static void a_store_that_is_there_stays(void **state)
{
	(void)state;
	struct aps_db *db = db_open_as(place.path, &db_defaults);
	assert_int_equal(aps_migrations_run(db, &err), APS_OK);
	aps_db_close(db);
	ship("");
	plant();
	assert_int_equal(n_entries(), 0);
	unlink(shipped.path);
	plant(); /* nor is the seed looked for */
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 1000; i++) fputs(text, file);
	fclose(file);
}

static void what_is_no_store_is_refused_by_name(void **state)
{
	(void)state;
	assert_refused("No such file");
	put(shipped.path, "");
	assert_refused("isn't a store of this library");
	put(shipped.path, "not a database ");
	assert_refused("isn't a database");
	unlink(shipped.path);
	struct aps_db *db = db_open_as(shipped.path, &db_defaults);
	db_do(db, "CREATE TABLE t (a)");
	aps_db_close(db);
	assert_refused("isn't a store of this library");
	unlink(shipped.path);
	assert_int_equal(mkfifo(shipped.path, 0600), 0);
	assert_refused("pipe");
}

static void the_store_of_a_later_version_is_refused_as_a_store_is(void **state)
{
	(void)state;
	ship("PRAGMA user_version = 99");
	assert_int_equal(aps_seed_plant(shipped.path, place.path, &err), APS_E_STORAGE);
	assert_string_equal(err.word, "newer");
	assert_false(aps_db_is_there(place.path));
}

static void a_store_that_a_client_has_open_is_no_seed(void **state)
{
	(void)state;
	ship("");
	struct aps_db *db = db_open_as(shipped.path, &db_defaults);
	db_do(db, "INSERT INTO entry (part, key, content) VALUES (1, x'01', x'01')");
	assert_refused("write-ahead log");
	aps_db_close(db);
	plant();
	assert_int_equal(n_entries(), 2);
}

static void where_no_file_can_be_made_it_says_so(void **state)
{
	(void)state;
	ship("");
	assert_int_equal(aps_seed_plant(shipped.path, "/nowhere/at/all.db", &err), APS_E_STORAGE);
	assert_non_null(strstr(err.msg, "/nowhere/at/all.db"));
}

static void without_memory_there_is_no_store_yet(void **state)
{
	(void)state;
	ship("");
	size_t nth = 0;
	do {
		aps_mem_fail_at(++nth);
		enum aps_rc rc = aps_seed_plant(shipped.path, place.path, &err);
		aps_mem_fail_at(0);
		if (rc == APS_OK) break;
		assert_int_equal(rc, APS_E_NOMEM);
		assert_false(aps_db_is_there(place.path));
	} while (nth < 200);
	assert_in_range(nth, 5, 199);
	assert_int_equal(n_entries(), 1);
}

static void mutations_of_whoever_made_it_are_not_shipped(void **state)
{
	(void)state;
	ship("INSERT INTO owner VALUES (1, 'p', 'ann', 0); INSERT INTO owner_copy VALUES (1, 'p', 'ann', 0);"
	     "INSERT INTO outbox VALUES (1, 0, 0, '', '', '', '', '', 0);"
	     "INSERT INTO delivery VALUES (1, 1, 0, 0, 0, 0, 0, '', 0);"
	     "INSERT INTO dead_letter VALUES (2, 0, 0, '', '', '', '', '', 0, 0, '', 0, '', 0);"
	     "INSERT INTO outcome VALUES (3, 1, 1, 0, 0, '', 0);"
	     "INSERT INTO id_map VALUES (1, 't', NULL, 1, 0, 0);"
	     "INSERT INTO counter VALUES (-18, 7), (-19, 7); UPDATE counter SET value = 3 WHERE id = -2; UPDATE "
	     "counter SET value = -7 WHERE id = -3");
	plant();
	assert_int_equal(n_entries(), 1);
	struct aps_db *db = db_open_as(place.path, &db_defaults);
	assert_int_equal(db_int(db, "SELECT (SELECT count(*) FROM owner) + (SELECT count(*) FROM owner_copy)"
	                            " + (SELECT count(*) FROM outbox) + (SELECT count(*) FROM delivery)"
	                            " + (SELECT count(*) FROM dead_letter) + (SELECT count(*) FROM outcome)"
	                            " + (SELECT count(*) FROM id_map)"),
	                 0);
	assert_int_equal(db_int(db, "SELECT value FROM counter WHERE id = -2"), 3);
	assert_true(db_int(db, "SELECT value FROM counter WHERE id = -3") > 0);
	assert_int_equal(db_int(db, "SELECT count(*) FROM counter WHERE id < -3"), 0);
	aps_db_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_new_store_begins_with_what_was_shipped, setup, teardown),
	        cmocka_unit_test_setup_teardown(mutations_of_whoever_made_it_are_not_shipped, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_store_that_is_there_stays, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_is_no_store_is_refused_by_name, setup, teardown),
	        cmocka_unit_test_setup_teardown(the_store_of_a_later_version_is_refused_as_a_store_is, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_store_that_a_client_has_open_is_no_seed, setup, teardown),
	        cmocka_unit_test_setup_teardown(where_no_file_can_be_made_it_says_so, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_there_is_no_store_yet, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

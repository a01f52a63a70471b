#include "db_fixture.h"

#include "store/db_error.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void a_file_is_private_and_keeps_what_was_committed(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct stat info;
	struct db_place place;
	db_place_make(&place);
	for (int round = 0; round < 2; round++) {
		struct aps_db *db = db_open_as(place.path, &db_defaults);
		db_do(db, "CREATE TABLE IF NOT EXISTS t (a); INSERT INTO t VALUES (1)");
		assert_int_equal(db_int(db, "SELECT count(*) FROM t"), round + 1);
		/* What is open when the connection closes is undone. */
		assert_int_equal(aps_db_begin(db, &err), APS_OK);
		db_do(db, "INSERT INTO t VALUES (2)");
		aps_db_close(db);
	}
	assert_int_equal(stat(place.path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	db_place_remove(&place);
}

static void a_link_to_no_file_makes_a_private_one(void **state)
{
	(void)state;
	struct stat info;
	struct db_place place;
	char link[64];
	db_place_make(&place);
	snprintf(link, sizeof(link), "%s/link", place.folder);
	assert_int_equal(symlink(place.path, link), 0);
	aps_db_close(db_open_as(link, &db_defaults));
	assert_int_equal(stat(place.path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	unlink(link);
	db_place_remove(&place);
}

static void a_connection_has_its_own_level_of_synchronous(void **state)
{
	(void)state;
	static const int64_t values[APS_DB_SYNC_COUNT] = {
	        [APS_DB_SYNC_NORMAL] = 1, [APS_DB_SYNC_FULL] = 2, [APS_DB_SYNC_OFF] = 0};
	for (int level = 0; level < APS_DB_SYNC_COUNT; level++) {
		struct aps_db_options options = {.synchronous = (enum aps_db_sync)level};
		struct aps_db *db = db_open_as(":memory:", &options);
		assert_int_equal(db_int(db, "PRAGMA synchronous"), values[level]);
		aps_db_close(db);
	}
}

static void synchronous_changes_between_transactions_only(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct aps_db *db = db_open_memory();
	assert_int_equal(aps_db_set_synchronous(db, APS_DB_SYNC_FULL, &err), APS_OK);
	assert_int_equal(aps_db_begin(db, &err), APS_OK);
	assert_int_equal(db_int(db, "PRAGMA synchronous"), 2);
	assert_int_equal(aps_db_set_synchronous(db, APS_DB_SYNC_NORMAL, &err), APS_E_USAGE);
	assert_int_equal(db_int(db, "PRAGMA synchronous"), 2);
	assert_int_equal(aps_db_commit(db, &err), APS_OK);
	assert_int_equal(aps_db_set_synchronous(db, APS_DB_SYNC_NORMAL, &err), APS_OK);
	assert_int_equal(db_int(db, "PRAGMA synchronous"), 1);
	aps_db_close(db);
}

static void another_s_lock_is_waited_for_as_long_as_asked(void **state)
{
	(void)state;
	struct db_place place;
	db_place_make(&place);
	struct aps_db *db = db_open_as(place.path, &(struct aps_db_options){.busy_ms = 1234});
	assert_int_equal(db_int(db, "PRAGMA busy_timeout"), 1234);
	aps_db_close(db);
	db = db_open_as(place.path, &(struct aps_db_options){.read_only = true, .busy_ms = 1234});
	assert_int_equal(db_int(db, "PRAGMA busy_timeout"), 1234);
	aps_db_close(db);
	db_place_remove(&place);
}

static void a_reader_of_a_file_that_is_not_there_is_an_error_and_makes_none(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct aps_db *db = NULL;
	struct stat info;
	struct db_place place;
	db_place_make(&place);
	assert_int_equal(aps_db_open(place.path, &db_reading, &db, &err), APS_E_STORAGE);
	assert_null(db);
	assert_null(aps_err_word(&err));
	assert_string_equal(err.msg, "cannot open the store: unable to open database file (No such file or directory)");
	assert_int_equal(stat(place.path, &info), -1);
	db_place_remove(&place);
}

static void a_reader_is_refused_every_write(void **state)
{
	(void)state;
	static const char *const writes[] = {"INSERT INTO t VALUES (2)", "UPDATE t SET a = 2",      "DELETE FROM t",
	                                     "CREATE TABLE u (a)",       "PRAGMA user_version = 3", "DROP TABLE t"};
	struct aps_err err = {0};
	struct db_place place;
	db_place_make(&place);
	struct aps_db *writer = db_open_as(place.path, &db_defaults);
	db_do(writer, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	struct aps_db *reader = db_open_as(place.path, &db_reading);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
			assert_int_equal(aps_db_exec(reader, writes[i], &err), APS_E_STORAGE);
			assert_string_equal(err.msg, "SQL: the connection is read-only");
			assert_string_equal(aps_err_word(&err), "readonly");
		}
		if (round == 0) assert_int_equal(aps_db_begin(reader, &err), APS_OK);
	}
	aps_db_rollback(reader);
	assert_int_equal(db_int(reader, "SELECT a FROM t"), 1);
	aps_db_close(reader);
	aps_db_close(writer);
	db_place_remove(&place);
}

static void a_reader_sees_what_the_writer_commits(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct db_place place;
	db_place_make(&place);
	struct aps_db *writer = db_open_as(place.path, &db_defaults);
	db_do(writer, "CREATE TABLE t (a)");
	struct aps_db *reader = db_open_as(place.path, &db_reading);
	assert_int_equal(db_int(reader, "SELECT count(*) FROM t"), 0);
	assert_int_equal(aps_db_begin(writer, &err), APS_OK);
	db_do(writer, "INSERT INTO t VALUES (1)");
	assert_int_equal(db_int(reader, "SELECT count(*) FROM t"), 0);
	assert_int_equal(aps_db_commit(writer, &err), APS_OK);
	assert_int_equal(db_int(reader, "SELECT count(*) FROM t"), 1);
	aps_db_close(reader);
	aps_db_close(writer);
	db_place_remove(&place);
}

static void a_reader_s_transaction_is_one_view(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct db_place place;
	db_place_make(&place);
	struct aps_db *writer = db_open_as(place.path, &db_hasty);
	db_do(writer, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	struct aps_db *reader = db_open_as(place.path, &db_reading);
	assert_int_equal(aps_db_begin(reader, &err), APS_OK);
	db_do(writer, "INSERT INTO t VALUES (2)"); /* waits for no reader */
	assert_int_equal(db_int(reader, "SELECT count(*) FROM t"), 1);
	assert_int_equal(aps_db_commit(reader, &err), APS_OK);
	assert_int_equal(db_int(reader, "SELECT count(*) FROM t"), 2);
	aps_db_close(reader);
	aps_db_close(writer);
	db_place_remove(&place);
}

static void a_reader_opens_a_file_whose_writer_is_gone(void **state)
{
	(void)state;
	struct db_place place;
	db_place_make(&place);
	struct aps_db *db = db_open_as(place.path, &db_defaults);
	db_do(db, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	aps_db_close(db);
	db = db_open_as(place.path, &db_reading);
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 1);
	aps_db_close(db);
	db_place_remove(&place);
}

/* Without its log folded into the file, as after a crash. */
static void a_reader_opens_a_file_whose_writer_was_killed(void **state)
{
	(void)state;
	int status = 0;
	struct db_place place;
	db_place_make(&place);
	pid_t child = fork();
	if (child == 0) {
		struct aps_db *db = db_open_as(place.path, &db_defaults);
		db_do(db, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	struct aps_db *db = db_open_as(place.path, &db_reading);
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 1);
	aps_db_close(db);
	db_place_remove(&place);
}

static void a_file_that_is_being_repaired_is_told_from_one_that_is_locked(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct aps_db *db = NULL;
	struct db_place place;
	db_place_make(&place);
	pid_t child = fork();
	if (child == 0) {
		db = db_open_as(place.path, &db_defaults);
		db_do(db, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	child = db_begin_repair(place.path);
	assert_int_equal(aps_db_open(place.path, &db_reading, &db, &err), APS_E_STORAGE);
	assert_string_equal(err.word, "locked");
	assert_true(aps_db_is_under_repair(&err));
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	db = db_open_as(place.path, &db_reading);
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 1);
	struct aps_db *writer = db_open_as(place.path, &db_defaults), *other = db_open_as(place.path, &db_hasty);
	assert_int_equal(aps_db_begin(writer, &err), APS_OK);
	assert_int_equal(aps_db_begin(other, &err), APS_E_STORAGE);
	assert_string_equal(err.word, "locked");
	assert_false(aps_db_is_under_repair(&err));
	aps_db_close(other);
	aps_db_close(writer);
	aps_db_close(db);
	db_place_remove(&place);
}

static bool others_see_a_lock(const char *path)
{
	int status = 0;
	pid_t child = fork();
	if (child == 0) {
		/* The bytes of SQLite's shared lock: https://www.sqlite.org/fileformat.html, "The Lock-Byte Page". */
		struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0x40000002, .l_len = 510};
		int fd = open(path, O_RDWR);
		_exit(fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 ? lock.l_type != F_UNLCK : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 1;
}

/* The system drops all of a process's locks on a file when it closes any descriptor of it. */
static void a_connection_keeps_its_locks_when_the_process_opens_the_file_again(void **state)
{
	(void)state;
	struct db_place place;
	db_place_make(&place);
	struct aps_db *db = db_open_as(place.path, &db_defaults);
	db_do(db, "CREATE TABLE t (a)");
	assert_true(others_see_a_lock(place.path));
	struct aps_db *reader = db_open_as(place.path, &db_reading);
	assert_true(others_see_a_lock(place.path));
	struct aps_db *writer = db_open_as(place.path, &db_defaults);
	assert_true(others_see_a_lock(place.path));
	aps_db_close(reader);
	aps_db_close(writer);
	assert_true(others_see_a_lock(place.path));
	aps_db_close(db);
	db_place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_file_is_private_and_keeps_what_was_committed),
	        cmocka_unit_test(a_link_to_no_file_makes_a_private_one),
	        cmocka_unit_test(a_connection_has_its_own_level_of_synchronous),
	        cmocka_unit_test(synchronous_changes_between_transactions_only),
	        cmocka_unit_test(another_s_lock_is_waited_for_as_long_as_asked),
	        cmocka_unit_test(a_reader_of_a_file_that_is_not_there_is_an_error_and_makes_none),
	        cmocka_unit_test(a_reader_is_refused_every_write),
	        cmocka_unit_test(a_reader_sees_what_the_writer_commits),
	        cmocka_unit_test(a_reader_s_transaction_is_one_view),
	        cmocka_unit_test(a_reader_opens_a_file_whose_writer_is_gone),
	        cmocka_unit_test(a_reader_opens_a_file_whose_writer_was_killed),
	        cmocka_unit_test(a_file_that_is_being_repaired_is_told_from_one_that_is_locked),
	        cmocka_unit_test(a_connection_keeps_its_locks_when_the_process_opens_the_file_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

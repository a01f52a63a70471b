/* The faults of a disk, one by one (spec/support/faulty_vfs.h), and what a database makes of them. */
#include "../../support/faulty_vfs.h"
#include "../../support/lost_power.h"
#include "db_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static const struct aps_db_options db_full = {.busy_ms = APS_DB_BUSY_MS, .synchronous = APS_DB_SYNC_FULL};

static void set(const char *settings)
{
	assert_true(faulty_vfs_set(settings));
}

static int forget_faults(void **state)
{
	(void)state;
	set("crash=off full=off readonly=off error=off errors=off unreadable=off slow=off hold=off of=off");
	return 0;
}

static struct aps_db *open_with_table(const char *path)
{
	struct aps_db *db = db_open_as(path, &db_full);
	db_do(db, "CREATE TABLE t (a, b)");
	return db;
}

/* A row for each commit. */
static enum aps_rc commit_row(struct aps_db *db, int n_bytes, struct aps_err *err)
{
	char sql[80];
	snprintf(sql, sizeof(sql), "INSERT INTO t VALUES (1, zeroblob(%d))", n_bytes);
	enum aps_rc rc = aps_db_begin(db, err);
	if (rc == APS_OK) rc = aps_db_exec(db, sql, err);
	if (rc == APS_OK) return aps_db_commit(db, err);
	aps_db_rollback(db);
	return rc;
}

static void expect(enum aps_rc rc, const struct aps_err *err, const char *word)
{
	if (rc != APS_E_STORAGE || strcmp(aps_err_word(err) != NULL ? aps_err_word(err) : "", word) != 0)
		fail_msg("%s %s: %s (%lld)", aps_rc_name(rc), aps_err_word(err), err->msg, (long long)err->native);
}

static void what_is_no_setting_is_refused(void **state)
{
	static const char *const wrong[] = {"slow",     "slow=",       "slow=x",   "slow=1x",     "slow=-1", "quick=1",
	                                    "crash=no", "slow=1 full", "seed=1=2", "error=1;of=", "=1"};
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (faulty_vfs_set(wrong[i])) fail_msg("%s", wrong[i]);
	set("");
	set("slow=0, seed=7,full=off  of=-wal");
}

static void a_sync_takes_the_time_that_it_is_told(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct timespec before, after;
	struct db_place place;
	db_place_make(&place);
	struct aps_db *db = open_with_table(place.path);
	int64_t n = faulty_vfs_counts().syncs;
	set("slow=60");
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(commit_row(db, 10, &err), APS_OK);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_int_equal(faulty_vfs_counts().syncs - n, 1);
	assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 >= 59);
	set("of=-nothing");
	assert_int_equal(commit_row(db, 10, &err), APS_OK);
	assert_int_equal(faulty_vfs_counts().syncs - n, 1);
	aps_db_close(db);
	db_place_remove(&place);
}

static void *commit_on_a_thread(void *context)
{
	struct aps_err err = {0};
	return commit_row(context, 10, &err) == APS_OK ? context : NULL;
}

static void a_sync_waits_until_it_is_let_through(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct db_place place;
	pthread_t thread;
	void *made = NULL;
	db_place_make(&place);
	struct aps_db *db = open_with_table(place.path);
	set("hold=1");
	assert_int_equal(commit_row(db, 10, &err), APS_OK);
	int64_t n = faulty_vfs_counts().syncs;
	assert_int_equal(pthread_create(&thread, NULL, commit_on_a_thread, db), 0);
	while (faulty_vfs_counts().syncs == n) sched_yield();
	struct aps_db *other = db_open_as(place.path, &db_full);
	assert_int_equal(db_int(other, "SELECT count(*) FROM t"), 1);
	set("hold=1");
	assert_int_equal(pthread_join(thread, &made), 0);
	assert_ptr_equal(made, db);
	set("hold=off");
	assert_int_equal(db_int(other, "SELECT count(*) FROM t"), 2);
	aps_db_close(other);
	aps_db_close(db);
	db_place_remove(&place);
}

static void a_disk_is_full_after_so_many_bytes(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct db_place place;
	int64_t n = 0;
	db_place_make(&place);
	struct aps_db *db = open_with_table(place.path);
	set("full=100000");
	while (commit_row(db, 5000, &err) == APS_OK) n++;
	expect(APS_E_STORAGE, &err, "full");
	assert_in_range(n, 2, 19);
	expect(commit_row(db, 5000, &err), &err, "full");
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), n);
	set("full=off");
	assert_int_equal(commit_row(db, 5000, &err), APS_OK);
	aps_db_close(db);
	db_place_remove(&place);
}

static void a_disk_becomes_read_only(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct aps_db *other = NULL;
	struct db_place place;
	char missing[64];
	db_place_make(&place);
	snprintf(missing, sizeof(missing), "%s/y.db", place.folder);
	struct aps_db *db = open_with_table(place.path);
	set("readonly=1");
	expect(commit_row(db, 10, &err), &err, "readonly"); /* of a COMMIT SQLite keeps no errno */
	assert_int_equal(err.native, SQLITE_IOERR_WRITE);
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 0);
	expect(aps_db_open(missing, &db_full, &other, &err), &err, "readonly");
	aps_db_abandon(db);
	unlink(missing);
	db = db_open_as(place.path, &db_full);
	expect(commit_row(db, 10, &err), &err, "readonly");
	aps_db_abandon(db);
	set("readonly=off");
	db = db_open_as(place.path, &db_full);
	assert_int_equal(commit_row(db, 10, &err), APS_OK);
	aps_db_close(db);
	db_place_remove(&place);
}

static void a_read_fails(void **state)
{
	(void)state;
	struct aps_err err = {0};
	int64_t n;
	struct db_place place;
	db_place_make(&place);
	struct aps_db *db = open_with_table(place.path);
	aps_db_close(db);
	db = db_open_as(place.path, &db_full);
	set("unreadable=1");
	expect(aps_db_read_int(db, "SELECT count(*) FROM t", &n, &err), &err, "");
	assert_non_null(strstr(err.msg, "Input/output error"));
	assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 0);
	aps_db_close(db);
	db_place_remove(&place);
}

/* From the first to the one after the last, each alone: what was told is there, a failure has left nothing. */
static void a_history_with_a_failure_at_any_operation_keeps_what_it_has_told(void **state)
{
	(void)state;
	int64_t n_failures = 0;
	bool has_failed = true;
	for (int at = 1; has_failed; at++) {
		struct aps_err err = {0};
		struct aps_db *db = NULL;
		struct db_place place;
		char settings[32];
		int64_t told = 0, before = faulty_vfs_counts().failures;
		db_place_make(&place);
		snprintf(settings, sizeof(settings), "error=%d", at);
		set(settings);
		bool has_table =
		        aps_db_open(place.path, &db_full, &db, &err) == APS_OK &&
		        aps_db_exec(db, "PRAGMA wal_autocheckpoint = 3; CREATE TABLE t (a, b)", &err) == APS_OK;
		for (int i = 0; has_table && i < 5; i++) told += commit_row(db, 3000, &err) == APS_OK;
		aps_db_close(db);
		has_failed = faulty_vfs_counts().failures > before;
		n_failures += has_failed;
		set("error=off");
		db = db_open_as(place.path, &db_full);
		if (has_table) assert_int_equal(db_int(db, "SELECT count(*) FROM t"), told);
		assert_int_equal(db_int(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"),
		                 1);
		aps_db_close(db);
		db_place_remove(&place);
	}
	assert_in_range(n_failures, 20, 200);
}

static void as_many_operations_fail_as_are_asked_for(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct db_place place;
	db_place_make(&place);
	struct aps_db *db = open_with_table(place.path);
	int64_t before = faulty_vfs_counts().failures;
	set("error=1 errors=2");
	expect(commit_row(db, 10, &err), &err, "");
	expect(commit_row(db, 10, &err), &err, "");
	assert_int_equal(commit_row(db, 10, &err), APS_OK);
	assert_int_equal(faulty_vfs_counts().failures - before, 2);
	aps_db_close(db);
	db_place_remove(&place);
}

/* A file of this process, written as SQLite does it. */
static void write_file(const char *path, struct disk_file *file, off_t at, const char *text)
{
	int fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	if (file != NULL) disk_write(file, at, text, strlen(text));
	assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
	close(fd);
}

static struct disk_file *make_file(const char *path, bool is_new)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	close(fd);
	struct disk_file *file = disk_open(path, is_new);
	assert_non_null(file);
	return file;
}

static size_t read_file(const char *path, char *text, size_t n)
{
	int fd = open(path, O_RDONLY);
	if (fd < 0) return 0;
	ssize_t got = read(fd, text, n);
	close(fd);
	assert_true(got >= 0);
	return (size_t)got;
}

static void what_is_synchronised_stays_and_of_the_rest_anything_may(void **state)
{
	(void)state;
	bool was_there = false, was_gone = false, was_torn = false;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct db_place place;
		char longer[2 * LOST_POWER_SECTOR + 1], found[2 * LOST_POWER_SECTOR + 16];
		memset(longer, 'n', sizeof(longer) - 1);
		longer[sizeof(longer) - 1] = '\0';
		db_place_make(&place);
		struct disk_file *file = make_file(place.path, false);
		write_file(place.path, file, 0, "kept");
		disk_sync(file);
		write_file(place.path, file, 4, longer);
		disk_settle(seed);
		size_t n = read_file(place.path, found, sizeof(found));
		assert_true(n >= 4);
		assert_memory_equal(found, "kept", 4);
		bool is_whole = n == 4 + 2 * LOST_POWER_SECTOR && memchr(found, '\0', n) == NULL;
		was_there = was_there || is_whole;
		was_gone = was_gone || n == 4;
		was_torn = was_torn || (n > 4 && !is_whole);
		db_place_remove(&place);
	}
	assert_true(was_there && was_gone && was_torn);
}

static void a_file_that_became_shorter_may_be_as_long_as_it_was(void **state)
{
	(void)state;
	size_t lengths = 0;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct db_place place;
		char found[16];
		db_place_make(&place);
		struct disk_file *file = make_file(place.path, false);
		write_file(place.path, file, 0, "123456");
		disk_sync(file);
		disk_truncate(file, 2);
		assert_int_equal(truncate(place.path, 2), 0);
		disk_settle(seed);
		size_t n = read_file(place.path, found, sizeof(found));
		assert_memory_equal(found, "123456", n);
		lengths |= (size_t)1 << n;
		db_place_remove(&place);
	}
	assert_int_equal(lengths, 1 << 2 | 1 << 6);
}

/* Bit 0: it may be missing, bit 1: it may be there. */
static unsigned find_endings(bool is_new, bool is_removed, bool is_folder_synchronised)
{
	unsigned endings = 0;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct db_place place;
		char found[16];
		db_place_make(&place);
		struct disk_file *file = make_file(place.path, is_new);
		write_file(place.path, file, 0, "x");
		disk_sync(file);
		if (is_removed) {
			disk_remove(place.path);
			unlink(place.path);
		}
		if (is_folder_synchronised) disk_sync_folder(place.path);
		disk_settle(seed);
		size_t n = read_file(place.path, found, sizeof(found));
		if (n > 0) assert_memory_equal(found, "x", 1);
		endings |= 1u << n;
		db_place_remove(&place);
	}
	return endings;
}

static void a_name_is_settled_by_a_sync_of_its_folder(void **state)
{
	(void)state;
	assert_int_equal(find_endings(true, false, false), 3);
	assert_int_equal(find_endings(true, false, true), 2);
	assert_int_equal(find_endings(false, true, false), 3);
	assert_int_equal(find_endings(false, true, true), 1);
	assert_int_equal(find_endings(true, true, false), 3);
	assert_int_equal(find_endings(true, true, true), 1);
}

static void sqlite_settles_the_name_of_its_log_and_of_what_is_beside_it(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct aps_err err = {0};
		struct db_place place;
		db_place_make(&place);
		struct aps_db *db = open_with_table(place.path);
		assert_int_equal(commit_row(db, 10, &err), APS_OK);
		pid_t child = fork();
		if (child == 0) {
			disk_settle(seed);
			_exit(0);
		}
		assert_int_equal(waitpid(child, NULL, 0), child);
		assert_true(aps_db_is_there(place.path));
		aps_db_abandon(db);
		db = db_open_as(place.path, &db_full);
		assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 1);
		aps_db_close(db);
		db_place_remove(&place);
	}
}

static int install(void **state)
{
	(void)state;
	faulty_vfs_install();
	faulty_vfs_install();
	return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, forget_faults)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(what_is_no_setting_is_refused),
	        TEST(a_sync_takes_the_time_that_it_is_told),
	        TEST(a_sync_waits_until_it_is_let_through),
	        TEST(a_disk_is_full_after_so_many_bytes),
	        TEST(a_disk_becomes_read_only),
	        TEST(a_read_fails),
	        TEST(a_history_with_a_failure_at_any_operation_keeps_what_it_has_told),
	        TEST(as_many_operations_fail_as_are_asked_for),
	        TEST(what_is_synchronised_stays_and_of_the_rest_anything_may),
	        TEST(a_file_that_became_shorter_may_be_as_long_as_it_was),
	        TEST(a_name_is_settled_by_a_sync_of_its_folder),
	        TEST(sqlite_settles_the_name_of_its_log_and_of_what_is_beside_it),
	};
	return cmocka_run_group_tests(tests, install, NULL);
}

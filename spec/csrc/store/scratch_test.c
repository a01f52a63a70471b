#include "store/scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "db_fixture.h"

#define LEFT "lua-appsync-aaaaaa"

static struct db_place place; /* its folder is where the others are made */
static size_t n_live;

static int setup(void **state)
{
	(void)state;
	n_live = aps_mem_live();
	db_place_make(&place);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	db_place_remove(&place);
	return aps_mem_live() == n_live ? 0 : -1;
}

static const char *path_of(const char *name)
{
	static char path[128];
	snprintf(path, sizeof path, "%s/%s", place.folder, name);
	return path;
}

static bool is_there(const char *path)
{
	struct stat found;
	return stat(path, &found) == 0;
}

static void put(const char *name)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static struct aps_scratch *make(void)
{
	struct aps_err err = {0};
	struct aps_scratch *scratch = aps_scratch_new(place.folder, &err);
	if (scratch == NULL) fail_msg("%s", err.msg);
	return scratch;
}

static void a_store_has_a_private_folder_until_it_is_removed(void **state)
{
	(void)state;
	char folder[128];
	struct stat found;
	struct aps_scratch *scratch = make();
	const char *path = aps_scratch_path(scratch);
	snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
	assert_int_equal(stat(folder, &found), 0);
	assert_int_equal(found.st_mode & 07777, 0700);
	assert_false(is_there(path));
	struct aps_db *db = db_open_as(path, &db_defaults), *reader;
	db_do(db, "CREATE TABLE t (a)");
	reader = db_open_as(path, &db_reading);
	assert_int_equal(db_int(reader, "SELECT count(*) FROM t"), 0);
	aps_scratch_remove(scratch); /* whoever has it open may go on */
	assert_false(is_there(folder));
	assert_int_equal(db_int(reader, "SELECT count(*) FROM t"), 0);
	aps_scratch_remove(scratch);
	aps_db_close(reader);
	aps_db_close(db);
	aps_scratch_free(scratch);
	aps_scratch_free(NULL);
}

static void two_of_one_process_know_nothing_of_each_other(void **state)
{
	(void)state;
	struct aps_scratch *one = make(), *other = make();
	assert_string_not_equal(aps_scratch_path(one), aps_scratch_path(other));
	aps_db_close(db_open_as(aps_scratch_path(one), &db_defaults));
	aps_scratch_free(other);
	aps_scratch_sweep(place.folder);
	assert_true(is_there(aps_scratch_path(one)));
	aps_scratch_free(one);
}

/* In a child process that makes one and then is killed; *leftover is where its file is. */
static void leave_behind(char *leftover, size_t n)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		struct aps_scratch *scratch = make();
		aps_db_close(db_open_as(aps_scratch_path(scratch), &db_defaults));
		if (write(ends[1], aps_scratch_path(scratch), strlen(aps_scratch_path(scratch)) + 1) < 0) _exit(1);
		kill(getpid(), SIGKILL);
	}
	close(ends[1]);
	assert_true(read(ends[0], leftover, n) > 1);
	close(ends[0]);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void what_a_killed_process_left_is_swept_by_the_next_one(void **state)
{
	(void)state;
	char leftover[128];
	leave_behind(leftover, sizeof leftover);
	assert_true(is_there(leftover));
	struct aps_scratch *scratch = make();
	assert_true(is_there(leftover));
	aps_scratch_sweep_beside(scratch);
	assert_false(is_there(leftover));
	*strrchr(leftover, '/') = '\0';
	assert_false(is_there(leftover));
	aps_scratch_free(scratch);
}

static void a_child_process_leaves_its_parents_folder_alone(void **state)
{
	(void)state;
	struct aps_scratch *scratch = make();
	aps_db_close(db_open_as(aps_scratch_path(scratch), &db_defaults));
	pid_t child = fork();
	if (child == 0) {
		aps_scratch_free(scratch);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(is_there(aps_scratch_path(scratch)));
	aps_scratch_sweep(place.folder); /* nor did the child's end give the lock away */
	assert_true(is_there(aps_scratch_path(scratch)));
	aps_scratch_free(scratch);
}

static void only_folders_of_ours_are_swept(void **state)
{
	(void)state;
	mkdir(path_of("appsync-else"), 0700);
	put("lua-appsync-file");
	mkdir(path_of("lua-appsync-open"), 0755);
	put("lua-appsync-open/lock");
	assert_int_equal(symlink("lua-appsync-open", path_of("lua-appsync-link")), 0);
	aps_scratch_sweep(place.folder);
	assert_true(is_there(path_of("appsync-else")));
	assert_true(is_there(path_of("lua-appsync-file")));
	assert_true(is_there(path_of("lua-appsync-open/lock")));
	assert_true(is_there(path_of("lua-appsync-link")));
	unlink(path_of("lua-appsync-link"));
	unlink(path_of("lua-appsync-open/lock"));
	rmdir(path_of("lua-appsync-open"));
	unlink(path_of("lua-appsync-file"));
	rmdir(path_of("appsync-else"));
	aps_scratch_sweep("/nowhere/at/all");
}

/* As its maker has it between two steps, and as a sweeper that was killed left it. */
static void a_folder_without_a_lock_file_goes_only_when_it_is_empty(void **state)
{
	(void)state;
	mkdir(path_of(LEFT), 0700);
	put(LEFT "/x");
	aps_scratch_sweep(place.folder);
	assert_true(is_there(path_of(LEFT "/x")));
	unlink(path_of(LEFT "/x"));
	aps_scratch_sweep(place.folder);
	assert_false(is_there(path_of(LEFT)));
}

static void a_folder_whose_lock_somebody_has_stays(void **state)
{
	(void)state;
	mkdir(path_of(LEFT), 0700);
	put(LEFT "/lock");
	int lock = open(path_of(LEFT "/lock"), O_RDWR);
	assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
	aps_scratch_sweep(place.folder);
	assert_true(is_there(path_of(LEFT "/lock")));
	close(lock);
	aps_scratch_sweep(place.folder);
	assert_false(is_there(path_of(LEFT)));
}

static void where_no_folder_can_be_made_it_says_so(void **state)
{
	(void)state;
	struct aps_err err = {0};
	assert_null(aps_scratch_new("/nowhere/at/all", &err));
	assert_int_equal(err.code, APS_E_STORAGE);
	assert_non_null(strstr(err.msg, "/nowhere/at/all"));
}

static void without_memory_nothing_is_left(void **state)
{
	(void)state;
	struct aps_err err = {0};
	struct aps_scratch *scratch = NULL;
	size_t nth = 0;
	while (scratch == NULL) {
		aps_mem_fail_at(++nth);
		scratch = aps_scratch_new(place.folder, &err);
		aps_mem_fail_at(0);
		if (scratch == NULL) assert_int_equal(err.code, APS_E_NOMEM);
	}
	assert_int_equal(nth, 5);
	aps_scratch_free(scratch); /* and the folder is empty: teardown removes it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_store_has_a_private_folder_until_it_is_removed, setup, teardown),
	        cmocka_unit_test_setup_teardown(two_of_one_process_know_nothing_of_each_other, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_a_killed_process_left_is_swept_by_the_next_one, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_child_process_leaves_its_parents_folder_alone, setup, teardown),
	        cmocka_unit_test_setup_teardown(only_folders_of_ours_are_swept, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_folder_without_a_lock_file_goes_only_when_it_is_empty, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(a_folder_whose_lock_somebody_has_stays, setup, teardown),
	        cmocka_unit_test_setup_teardown(where_no_folder_can_be_made_it_says_so, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_nothing_is_left, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

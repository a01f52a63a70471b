#include "store/db_fixture.h"

#include "base/clock.h"
#include "client/store_file.h"

#include <signal.h>
#include <sys/wait.h>

static struct db_place place;
static struct aps_store_file file;
static struct aps_opened_store opened;
static struct aps_err err;

static int setup(void **state)
{
	(void)state;
	db_place_make(&place);
	const struct aps_store_options options = {.path = place.path};
	return aps_store_file_init(&file, &options, &err) == APS_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	char leader[64];
	aps_store_file_clear(&file);
	snprintf(leader, sizeof leader, "%s-leader", place.path);
	unlink(leader);
	db_place_remove(&place);
	return 0;
}

/* How long it takes, and what it says. */
static int64_t open_ms(enum aps_rc *rc)
{
	int64_t began_ms = aps_clock_mono_ms();
	*rc = aps_store_file_open(&file, 0, &opened, &err);
	return aps_clock_mono_ms() - began_ms;
}

static void a_lock_of_another_program_is_waited_for_a_moment_only(void **state)
{
	(void)state;
	enum aps_rc rc;
	open_ms(&rc);
	assert_int_equal(rc, APS_OK);
	aps_db_close(opened.db);
	struct aps_db *other = db_open_as(place.path, &db_defaults);
	db_do(other, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA user_version = 0");
	int64_t ms = open_ms(&rc);
	assert_int_equal(rc, APS_E_STORAGE);
	assert_string_equal(err.word, "locked");
	assert_null(opened.db);
	assert_true(ms < 1500); /* and not as long as a repair is */
	aps_db_close(other);
}

static void a_repair_is_waited_for(void **state)
{
	(void)state;
	enum aps_rc rc;
	pid_t child = fork();
	if (child == 0) {
		open_ms(&rc);
		_exit(rc == APS_OK ? 0 : 1); /* its log is left behind */
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	child = db_begin_repair(place.path);
	pid_t ender = fork();
	if (ender == 0) {
		usleep(600000); /* longer than a lock is waited for */
		kill(child, SIGKILL);
		_exit(0);
	}
	open_ms(&rc);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(waitpid(ender, NULL, 0), ender);
	assert_int_equal(rc, APS_OK);
	aps_db_close(opened.db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_lock_of_another_program_is_waited_for_a_moment_only),
	        TEST(a_repair_is_waited_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

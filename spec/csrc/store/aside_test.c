#include "db_fixture.h"

#include "store/aside.h"

#include <errno.h>
#include <sys/stat.h>

static struct db_place place;

static int setup(void **state)
{
	(void)state;
	db_place_make(&place);
	return 0;
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void assert_holds(const char *path, const char *ending, const char *text)
{
	char name[128], got[32] = "";
	snprintf(name, sizeof name, "%s%s", path, ending);
	FILE *file = fopen(name, "rb");
	if (file == NULL) fail_msg("%s isn't there", name);
	assert_int_equal(fread(got, 1, sizeof got - 1, file), strlen(text));
	fclose(file);
	assert_string_equal(got, text);
}

static bool is_there(const char *path, const char *ending)
{
	char name[128];
	snprintf(name, sizeof name, "%s%s", path, ending);
	return access(name, F_OK) == 0;
}

static void make_store(const char *text)
{
	char name[128];
	put(place.path, text);
	snprintf(name, sizeof name, "%s-wal", place.path);
	put(name, "log");
	snprintf(name, sizeof name, "%s-shm", place.path);
	put(name, "shared");
}

static void remove_all(void)
{
	char command[96];
	snprintf(command, sizeof command, "rm -rf %s", place.folder);
	assert_int_equal(system(command), 0);
}

static void a_store_and_its_log_get_a_name_with_the_time(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_buf name;
	aps_buf_init(&name, APS_BUF_ANY_SIZE);
	make_store("store");
	assert_int_equal(aps_aside_move(place.path, 1796020509, &name, &err), APS_OK);
	assert_true(strncmp(name.p, place.path, strlen(place.path)) == 0);
	assert_string_equal(name.p + strlen(place.path), ".damaged-20261130T063509Z");
	assert_holds(name.p, "", "store");
	assert_holds(name.p, "-wal", "log");
	assert_false(is_there(place.path, "") || is_there(place.path, "-wal") || is_there(place.path, "-shm"));
	aps_buf_clear(&name);
	remove_all();
}

static void what_was_moved_earlier_stays_as_it_is(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_buf names[4];
	char text[8];
	for (int i = 0; i < 4; i++) {
		aps_buf_init(&names[i], APS_BUF_ANY_SIZE);
		snprintf(text, sizeof text, "%d", i);
		if (i == 2) /* a log alone is something, too */
			put(place.path, text);
		else
			make_store(text);
		assert_int_equal(aps_aside_move(place.path, 1796020509, &names[i], &err), APS_OK);
	}
	for (int i = 0; i < 4; i++) {
		snprintf(text, sizeof text, "%d", i);
		assert_holds(names[i].p, "", text);
		assert_true(is_there(names[i].p, "-wal") == (i != 2));
		aps_buf_clear(&names[i]);
	}
	remove_all();
}

static void what_cannot_be_moved_stays_whole(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_buf name;
	aps_buf_init(&name, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_aside_move(place.path, 0, &name, &err), APS_E_STORAGE);
	assert_int_equal(err.native, ENOENT);
	aps_buf_clear(&name);
	make_store("store");
	if (geteuid() == 0 && seteuid(65534) == 0) {
		assert_int_equal(aps_aside_move(place.path, 0, &name, &err), APS_E_STORAGE);
		assert_int_equal(seteuid(0), 0);
		assert_string_equal(err.word, "readonly");
		assert_holds(place.path, "", "store");
		assert_holds(place.path, "-wal", "log");
		aps_buf_clear(&name);
	}
	/* a log that has no file beside it any more goes back to its place */
	assert_int_equal(unlink(place.path), 0);
	assert_int_equal(aps_aside_move(place.path, 0, &name, &err), APS_E_STORAGE);
	assert_holds(place.path, "-wal", "log");
	aps_buf_clear(&name);
	remove_all();
}

static void without_memory_nothing_is_lost(void **state)
{
	(void)state;
	size_t live = aps_mem_live();
	for (size_t nth = 1;; nth++) {
		struct aps_err err;
		struct aps_buf name;
		aps_buf_init(&name, APS_BUF_ANY_SIZE);
		make_store("store");
		aps_mem_fail_at(nth);
		enum aps_rc rc = aps_aside_move(place.path, 1796020509 + (int64_t)nth, &name, &err);
		aps_mem_fail_at(0);
		if (rc != APS_OK) {
			assert_int_equal(rc, APS_E_NOMEM);
			assert_holds(place.path, "", "store");
			assert_holds(place.path, "-wal", "log");
		}
		aps_buf_clear(&name);
		assert_int_equal(aps_mem_live(), live);
		if (rc == APS_OK) break;
	}
	remove_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup(a_store_and_its_log_get_a_name_with_the_time, setup),
	        cmocka_unit_test_setup(what_was_moved_earlier_stays_as_it_is, setup),
	        cmocka_unit_test_setup(what_cannot_be_moved_stays_whole, setup),
	        cmocka_unit_test_setup(without_memory_nothing_is_lost, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

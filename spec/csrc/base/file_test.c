#include "base/file.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[32], before[512];

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/aps_file_XXXXXX");
	if (getcwd(before, sizeof before) == NULL || mkdtemp(folder) == NULL) return -1;
	return chdir(folder);
}

static int teardown(void **state)
{
	(void)state;
	return chdir(before) != 0 || rmdir(folder) != 0 || aps_mem_live() != 0 ? -1 : 0;
}

static void expect(const char *path, const char *end)
{
	char expected[128];
	struct aps_buf out;
	snprintf(expected, sizeof expected, "%s%s", end[0] == '/' ? folder : "", end);
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_file_resolve(path, &out, NULL), APS_OK);
	assert_string_equal(out.p, expected);
	aps_buf_clear(&out);
}

static void a_file_has_one_path_whatever_it_is_called(void **state)
{
	(void)state;
	char path[64];
	fclose(fopen("x.db", "w"));
	assert_int_equal(symlink("x.db", "link.db"), 0);
	assert_int_equal(symlink(".", "here"), 0);
	snprintf(path, sizeof path, "%s/x.db", folder);
	expect(path, "/x.db");
	expect("x.db", "/x.db");
	expect("./x.db", "/x.db");
	expect("link.db", "/x.db");
	expect("here/here/x.db", "/x.db");
	unlink("here");
	unlink("link.db");
	unlink("x.db");
}

static void so_has_one_that_is_not_there_yet(void **state)
{
	(void)state;
	assert_int_equal(symlink(".", "here"), 0);
	expect("new.db", "/new.db");
	expect("here/new.db", "/new.db");
	unlink("here");
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	assert_int_equal(aps_file_resolve("/no such file at all", &out, NULL), APS_OK);
	assert_string_equal(out.p, "/no such file at all");
	aps_buf_clear(&out);
}

static void what_leads_nowhere_stays_as_it_is(void **state)
{
	(void)state;
	expect("no/such/folder.db", "no/such/folder.db");
}

static void a_file_is_known_by_its_number(void **state)
{
	(void)state;
	char too_long[300];
	struct stat info;
	memset(too_long, 'x', sizeof too_long - 1);
	too_long[sizeof too_long - 1] = '\0';
	fclose(fopen("x.db", "w"));
	assert_int_equal(stat("x.db", &info), 0);
	assert_int_equal(aps_file_number("x.db", 7), info.st_ino);
	assert_int_equal(aps_file_number("y.db", 7), 0);
	assert_int_equal(aps_file_number("x.db/y", 7), 0);
	assert_int_equal(aps_file_number(too_long, 7), 7);
	unlink("x.db");
}

static void without_memory_it_says_so(void **state)
{
	(void)state;
	struct aps_err err;
	struct aps_buf out;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	aps_mem_fail_at(1);
	assert_int_equal(aps_file_resolve("new.db", &out, &err), APS_E_NOMEM);
	aps_mem_fail_at(0);
	aps_buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_file_has_one_path_whatever_it_is_called, setup, teardown),
	        cmocka_unit_test_setup_teardown(so_has_one_that_is_not_there_yet, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_leads_nowhere_stays_as_it_is, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_file_is_known_by_its_number, setup, teardown),
	        cmocka_unit_test_setup_teardown(without_memory_it_says_so, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

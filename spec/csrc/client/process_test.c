#include "client/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], path[96], link_path[96];

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/appsync-process-XXXXXX");
	if (mkdtemp(folder) == NULL) return -1;
	snprintf(path, sizeof path, "%s/lock", folder);
	snprintf(link_path, sizeof link_path, "%s/link", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(link_path);
	return rmdir(folder);
}

/* What another process is told: APS_OK, or an error that begins like this. */
static bool is_free_for_others(void)
{
	int status = 0;
	pid_t child = fork();
	if (child == 0) {
		struct aps_claim claim;
		struct aps_err err;
		enum aps_rc rc = aps_process_claim(path, &claim, &err);
		char expected[64];
		snprintf(expected, sizeof expected, "another process (%ld) has it open", (long)getppid());
		bool is_told = rc == APS_E_STORAGE && strcmp(err.word, "locked") == 0 && strcmp(err.msg, expected) == 0;
		_exit(rc == APS_OK ? 1 : is_told ? 2 : 3);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 3);
	return WEXITSTATUS(status) == 1;
}

static void a_claim_is_the_process_s_until_it_is_released(void **state)
{
	(void)state;
	struct aps_claim claim, other = {.fd = -1};
	struct aps_err err;
	struct stat info;
	assert_true(is_free_for_others()); /* and free again when that has ended */
	assert_int_equal(aps_process_claim(path, &claim, &err), APS_OK);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_false(is_free_for_others());
	/* not by another name either, and the refusal doesn't take the lock with it */
	assert_int_equal(symlink(path, link_path), 0);
	const char *const names[] = {path, link_path};
	for (int i = 0; i < 2; i++) {
		assert_int_equal(aps_process_claim(names[i], &other, &err), APS_E_STORAGE);
		assert_string_equal(err.word, "locked");
		assert_int_equal(other.fd, -1);
		assert_false(is_free_for_others());
	}
	aps_process_release(&claim);
	aps_process_release(&claim);
	assert_true(is_free_for_others());
	assert_int_equal(aps_process_claim(link_path, &claim, &err), APS_OK);
	assert_false(is_free_for_others());
	aps_process_release(&claim);
}

static void what_cannot_be_opened_cannot_be_claimed(void **state)
{
	(void)state;
	struct aps_claim claim;
	struct aps_err err;
	char missing[128];
	snprintf(missing, sizeof missing, "%s/no/lock", folder);
	assert_int_equal(aps_process_claim(missing, &claim, &err), APS_E_STORAGE);
	assert_null(err.word);
	assert_int_equal(claim.fd, -1);
	if (geteuid() != 0 || seteuid(65534) != 0) skip();
	enum aps_rc rc = aps_process_claim(path, &claim, &err);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(rc, APS_E_STORAGE);
	assert_string_equal(err.word, "readonly");
}

static void there_is_an_end_to_claims(void **state)
{
	(void)state;
	struct aps_claim claims[300];
	struct aps_err err;
	char name[128];
	int n = 0;
	for (; n < 300; n++) {
		snprintf(name, sizeof name, "%s/%d", folder, n);
		if (aps_process_claim(name, &claims[n], &err) != APS_OK) break;
	}
	assert_int_equal(n, 256);
	assert_string_equal(err.msg, "this process has 256 stores open");
	for (int i = 0; i <= n; i++) {
		snprintf(name, sizeof name, "%s/%d", folder, i);
		unlink(name);
		aps_process_release(&claims[i]);
	}
	assert_int_equal(aps_process_claim(path, &claims[0], &err), APS_OK);
	aps_process_release(&claims[0]);
}

static void who_opens_and_who_moves_exclude_each_other(void **state)
{
	(void)state;
	assert_true(aps_process_begin_opening());
	assert_true(aps_process_begin_opening());
	assert_false(aps_process_begin_moving(2));
	aps_process_end_opening();
	assert_false(aps_process_begin_moving(0));
	aps_process_end_opening();
	assert_true(aps_process_begin_moving(0));
	assert_false(aps_process_begin_opening());
	assert_false(aps_process_begin_moving(0));
	aps_process_end_moving();
	assert_true(aps_process_begin_opening());
	aps_process_end_opening();
}

int main(void)
{
	struct aps_err err;
	if (aps_process_init(&err) != APS_OK) return 1;
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(a_claim_is_the_process_s_until_it_is_released, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_cannot_be_opened_cannot_be_claimed, setup, teardown),
	        cmocka_unit_test_setup_teardown(there_is_an_end_to_claims, setup, teardown),
	        cmocka_unit_test_setup_teardown(who_opens_and_who_moves_exclude_each_other, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

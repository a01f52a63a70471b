/* The wake-up that an outside loop reads from a socket: nobody else finds the path, and nothing of it is left. */
#include "rt/bell.h"
#include "rt/wake_socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
/* cmocka needs setjmp, stdarg, stddef and stdint */
#include <cmocka.h>

static int connect_to(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	memcpy(name.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof name), 0);
	return fd;
}

static size_t n_waiting(int fd)
{
	char bytes[256];
	ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
	return n > 0 ? (size_t)n : 0;
}

static bool exists(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0;
}

static void what_is_raised_comes_over_the_socket(void **state)
{
	(void)state;
	struct aps_wake_socket listening;
	struct aps_wake wake;
	struct aps_err err;
	char path[APS_WAKE_SOCKET_PATH], folder[APS_WAKE_SOCKET_PATH];
	struct stat st;
	assert_int_equal(aps_wake_socket_open(&listening, &err), APS_OK);
	memcpy(path, listening.path, sizeof path);
	memcpy(folder, listening.folder, sizeof folder);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	int fd = connect_to(path);
	assert_int_equal(aps_wake_socket_accept(&listening, &wake, &err), APS_OK);
	assert_false(exists(path));
	assert_false(exists(folder));
	assert_int_equal(n_waiting(fd), 0);
	aps_wake_raise(&wake);
	assert_true(n_waiting(fd) > 0);
	aps_wake_lower(&wake);
	assert_int_equal(n_waiting(fd), 0);
	close(fd);
	aps_wake_raise(&wake); /* nobody reads it any more */
	aps_wake_raise(&wake);
	aps_wake_clear(&wake);
	aps_wake_socket_close(&listening);
}

static void a_full_socket_is_raised_already(void **state)
{
	(void)state;
	struct aps_wake_socket listening;
	struct aps_wake wake;
	struct aps_err err;
	assert_int_equal(aps_wake_socket_open(&listening, &err), APS_OK);
	int fd = connect_to(listening.path);
	assert_int_equal(aps_wake_socket_accept(&listening, &wake, &err), APS_OK);
	for (int i = 0; i < 1000000; i++) aps_wake_raise(&wake);
	assert_true(n_waiting(fd) > 0);
	aps_wake_clear(&wake);
	close(fd);
}

static void without_a_connection_there_is_an_error(void **state)
{
	(void)state;
	struct aps_wake_socket listening;
	struct aps_wake wake;
	struct aps_err err;
	char folder[APS_WAKE_SOCKET_PATH];
	assert_int_equal(aps_wake_socket_open(&listening, &err), APS_OK);
	memcpy(folder, listening.folder, sizeof folder);
	assert_int_equal(aps_wake_socket_accept(&listening, &wake, &err), APS_E_SYSTEM);
	assert_non_null(strstr(err.msg, "nobody has connected"));
	assert_false(exists(folder));
	assert_int_equal(aps_wake_socket_accept(&listening, &wake, &err), APS_E_SYSTEM);
	aps_wake_socket_close(&listening);
}

/* 107 bytes are all that an address takes. */
static void a_folder_with_a_long_name_is_not_used(void **state)
{
	(void)state;
	struct aps_wake_socket listening;
	struct aps_err err;
	char name[160] = "/tmp/", kept[512] = "";
	const char *before = getenv("TMPDIR");
	if (before != NULL) strncat(kept, before, sizeof kept - 1);
	memset(name + 5, 'x', 120);
	mkdir(name, 0700);
	setenv("TMPDIR", name, 1);
	assert_int_equal(aps_wake_socket_open(&listening, &err), APS_OK);
	assert_memory_equal(listening.folder, "/tmp/appsync-wake-", 18);
	aps_wake_socket_close(&listening);
	rmdir(name);
	setenv("TMPDIR", "/no/such/folder", 1);
	assert_int_equal(aps_wake_socket_open(&listening, &err), APS_OK);
	aps_wake_socket_close(&listening);
	aps_wake_socket_close(&listening);
	if (before != NULL)
		setenv("TMPDIR", kept, 1);
	else
		unsetenv("TMPDIR");
}

static void a_bell_rings_over_it_once_until_it_is_silenced(void **state)
{
	(void)state;
	struct aps_wake_socket listening;
	struct aps_wake wake;
	struct aps_bell bell;
	struct aps_err err;
	assert_int_equal(aps_bell_init(&bell, &err), APS_OK);
	aps_bell_ring(&bell); /* before anybody watches */
	assert_int_equal(aps_wake_socket_open(&listening, &err), APS_OK);
	int fd = connect_to(listening.path);
	assert_int_equal(aps_wake_socket_accept(&listening, &wake, &err), APS_OK);
	aps_bell_watch_by(&bell, &wake);
	assert_int_equal(n_waiting(fd), 8);
	aps_bell_silence(&bell);
	for (int i = 0; i < 3; i++) aps_bell_ring(&bell);
	assert_int_equal(n_waiting(fd), 8);
	aps_bell_silence(&bell);
	aps_bell_ring(&bell);
	assert_int_equal(n_waiting(fd), 8);
	aps_bell_clear(&bell);
	close(fd);
}

/* A loop that takes only some of what there is reads the bytes, and doesn't silence. */
static void what_was_heard_is_sent_again(void **state)
{
	(void)state;
	struct aps_wake_socket listening;
	struct aps_wake wake;
	struct aps_bell bell;
	struct aps_err err;
	char bytes[64];
	assert_int_equal(aps_bell_init(&bell, &err), APS_OK);
	assert_int_equal(aps_wake_socket_open(&listening, &err), APS_OK);
	int fd = connect_to(listening.path);
	assert_int_equal(aps_wake_socket_accept(&listening, &wake, &err), APS_OK);
	aps_bell_watch_by(&bell, &wake);
	for (int i = 0; i < 3; i++) {
		aps_bell_ring(&bell);
		assert_int_equal(read(fd, bytes, sizeof bytes), 8);
		aps_bell_heard(&bell);
	}
	aps_bell_clear(&bell);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_raised_comes_over_the_socket),
	        cmocka_unit_test(a_full_socket_is_raised_already),
	        cmocka_unit_test(without_a_connection_there_is_an_error),
	        cmocka_unit_test(a_folder_with_a_long_name_is_not_used),
	        cmocka_unit_test(a_bell_rings_over_it_once_until_it_is_silenced),
	        cmocka_unit_test(what_was_heard_is_sent_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

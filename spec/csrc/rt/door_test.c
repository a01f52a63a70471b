/* Doors of processes: what a knock says, and what one that isn't answered, or can't be, does to whoever knocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rt/descriptor.h"
#include "rt/door.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], first_path[96], second_path[96];
static struct aps_door first, second;

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/appsync-door-XXXXXX");
	if (mkdtemp(folder) == NULL) return -1;
	snprintf(first_path, sizeof first_path, "%s/first", folder);
	snprintf(second_path, sizeof second_path, "%s/second", folder);
	return aps_door_open(&first, first_path) && aps_door_open(&second, second_path) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	aps_door_close(&first);
	aps_door_close(&second);
	return rmdir(folder); /* nothing is left in it */
}

static bool is_readable(const struct aps_door *door)
{
	struct pollfd fd = {.fd = door->fd, .events = POLLIN};
	return poll(&fd, 1, 0) == 1;
}

static void what_all_have_said_is_heard_at_once(void **state)
{
	(void)state;
	unsigned bits = 7;
	assert_false(aps_door_answer(&second, &bits));
	assert_int_equal(bits, 0);
	assert_true(aps_door_knock(&first, second_path, 0));
	assert_true(is_readable(&second));
	assert_true(aps_door_answer(&second, &bits));
	assert_int_equal(bits, 0);
	assert_true(aps_door_knock(&first, second_path, 1));
	assert_true(aps_door_knock(&first, second_path, 4));
	assert_true(aps_door_answer(&second, &bits));
	assert_int_equal(bits, 5);
	assert_false(is_readable(&second));
	assert_false(aps_door_answer(&second, &bits));
}

static void only_its_user_may_knock_and_no_program_inherits_it(void **state)
{
	(void)state;
	struct stat info;
	mode_t before = umask(0);
	aps_door_close(&first);
	assert_true(aps_door_open(&first, first_path));
	umask(before);
	assert_int_equal(stat(first_path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	assert_int_equal(fcntl(first.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static void one_that_nobody_answers_holds_nobody_up(void **state)
{
	(void)state;
	unsigned bits;
	for (int i = 0; i < 5000; i++) assert_true(aps_door_knock(&first, second_path, 1));
	assert_true(aps_door_answer(&second, &bits));
	assert_int_equal(bits, 1);
	while (aps_door_answer(&second, &bits)) continue;
	assert_true(aps_door_knock(&first, second_path, 2));
	assert_true(aps_door_answer(&second, &bits));
	assert_int_equal(bits, 2);
}

static void where_nobody_is_behind_it_who_knocks_learns_that(void **state)
{
	(void)state;
	struct aps_door gone;
	char path[96];
	snprintf(path, sizeof path, "%s/gone", folder);
	assert_false(aps_door_knock(&first, path, 1));
	/* as one leaves it that was killed */
	assert_true(aps_door_open(&gone, path));
	close(gone.fd);
	assert_false(aps_door_knock(&first, path, 1));
	assert_int_equal(access(path, F_OK), 0);
	/* whoever comes after it has the same place */
	assert_true(aps_door_open(&gone, path));
	assert_true(aps_door_knock(&first, path, 1));
	aps_door_close(&gone);
	aps_door_close(&gone);
	assert_int_equal(access(path, F_OK), -1);
}

static void where_none_can_be_had_nobody_hears_and_nobody_knocks(void **state)
{
	(void)state;
	struct aps_door none;
	unsigned bits;
	char path[256];
	int n = snprintf(path, sizeof path, "%s/", folder);
	memset(path + n, 'x', sizeof none.path - (size_t)n);
	path[sizeof none.path] = '\0';
	assert_false(aps_door_open(&none, path));
	assert_false(aps_door_answer(&none, &bits));
	assert_true(aps_door_knock(&none, second_path, 1));
	assert_false(is_readable(&second));
	assert_true(aps_door_knock(&first, path, 1));
	aps_door_close(&none);
	/* the longest that there is */
	path[sizeof none.path - 1] = '\0';
	assert_true(aps_door_open(&none, path));
	assert_true(aps_door_knock(&first, path, 1));
	assert_true(aps_door_answer(&none, &bits));
	aps_door_close(&none);
	snprintf(path, sizeof path, "%s/none/door", folder);
	assert_false(aps_door_open(&none, path));
}

static void a_strangers_bytes_say_what_their_first_one_says(void **state)
{
	(void)state;
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	char much[3000];
	unsigned bits;
	memset(much, 0x42, sizeof much);
	memcpy(name.sun_path, second_path, strlen(second_path) + 1);
	int stranger = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_true(stranger >= 0);
	assert_int_equal(sendto(stranger, much, sizeof much, 0, (struct sockaddr *)&name, sizeof name), sizeof much);
	assert_true(aps_door_answer(&second, &bits));
	assert_int_equal(bits, 0x42);
	assert_int_equal(sendto(stranger, much, 0, 0, (struct sockaddr *)&name, sizeof name), 0);
	assert_true(aps_door_answer(&second, &bits));
	assert_int_equal(bits, 0);
	close(stranger);
}

static struct aps_descriptors all;
static unsigned n_calls;

static void count_and_remove(struct aps_descriptor *descriptor, void *context)
{
	(void)descriptor;
	n_calls++;
	for (struct aps_descriptor *at = context; at != NULL; at = NULL) aps_descriptors_remove(&all, at);
}

static void poll_all(void)
{
	struct pollfd fds[APS_DESCRIPTORS_MAX];
	size_t n = aps_descriptors_list(&all, fds);
	if (poll(fds, (nfds_t)n, 0) > 0) (void)aps_descriptors_note(&all, fds);
}

static void each_descriptor_is_told_of_itself_and_may_take_another_away(void **state)
{
	(void)state;
	struct aps_descriptor one = {.ready = count_and_remove}, two = {.ready = count_and_remove};
	aps_descriptors_remove(&all, &one);
	aps_descriptors_add(&all, &one, first.fd);
	aps_descriptors_add(&all, &one, first.fd);
	aps_descriptors_add(&all, &two, second.fd);
	poll_all();
	aps_descriptors_run(&all, NULL);
	assert_int_equal(n_calls, 0);
	(void)aps_door_knock(&first, second_path, 0);
	poll_all();
	assert_false(one.is_ready);
	assert_true(two.is_ready);
	aps_descriptors_run(&all, NULL);
	assert_int_equal(n_calls, 1);
	(void)aps_door_knock(&second, first_path, 0);
	poll_all(); /* that door hasn't been answered */
	aps_descriptors_run(&all, &one);
	assert_int_equal(n_calls, 2); /* the one that was added last comes first, and is alone then */
	aps_descriptors_remove(&all, &two);
	assert_null(all.first);
	unsigned bits;
	(void)aps_door_answer(&first, &bits);
	(void)aps_door_answer(&second, &bits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(what_all_have_said_is_heard_at_once, setup, teardown),
	        cmocka_unit_test_setup_teardown(only_its_user_may_knock_and_no_program_inherits_it, setup, teardown),
	        cmocka_unit_test_setup_teardown(one_that_nobody_answers_holds_nobody_up, setup, teardown),
	        cmocka_unit_test_setup_teardown(where_nobody_is_behind_it_who_knocks_learns_that, setup, teardown),
	        cmocka_unit_test_setup_teardown(where_none_can_be_had_nobody_hears_and_nobody_knocks, setup, teardown),
	        cmocka_unit_test_setup_teardown(a_strangers_bytes_say_what_their_first_one_says, setup, teardown),
	        cmocka_unit_test_setup_teardown(each_descriptor_is_told_of_itself_and_may_take_another_away, setup,
	                                        teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

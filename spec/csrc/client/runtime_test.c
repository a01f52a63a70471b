/* The application's end of the core while the core does nothing: what it takes, and what it refuses. */
#include "client/runtime.h"

#include "base/mem.h"

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct aps_feature *const no_features[] = {NULL};

/* The core thread stands in a command until the gate opens. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_entered;
	bool is_open;
	size_t n_run; /* of all others */
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void set_flag(bool *flag)
{
	pthread_mutex_lock(&gate.lock);
	*flag = true;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.lock);
}

static void wait_for_flag(const bool *flag)
{
	pthread_mutex_lock(&gate.lock);
	while (!*flag) pthread_cond_wait(&gate.changed, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
}

static void stand(struct aps_core *core APS_UNUSED, struct aps_command *command)
{
	set_flag(&gate.is_entered);
	wait_for_flag(&gate.is_open);
	aps_command_free(command);
}

static void count(struct aps_core *core APS_UNUSED, struct aps_command *command)
{
	gate.n_run++;
	aps_command_free(command);
}

static enum aps_rc post(struct aps_runtime *runtime, bool begins, struct aps_err *err)
{
	struct aps_command *command = aps_command_new(count, 1, 1);
	assert_non_null(command);
	command->begins = begins;
	return aps_runtime_post(runtime, command, err);
}

static void a_full_inbox_refuses_what_begins_and_takes_what_follows(void **state APS_UNUSED)
{
	struct aps_err err = {0};
	struct aps_runtime *runtime = aps_runtime_new(no_features, &err);
	assert_non_null(runtime);
	assert_int_equal(aps_runtime_post(runtime, aps_command_new(stand, 1, 1), &err), APS_OK);
	wait_for_flag(&gate.is_entered);
	size_t n_taken = 0;
	while (post(runtime, true, &err) == APS_OK) n_taken++;
	assert_int_equal(err.code, APS_E_USAGE);
	assert_string_equal(aps_err_word(&err), "too_many_operations");
	for (size_t i = 0; i < 10; i++) assert_int_equal(post(runtime, false, &err), APS_OK);
	assert_int_equal(post(runtime, true, &err), APS_E_TOO_BIG);
	set_flag(&gate.is_open);
	assert_true(aps_runtime_free(runtime, -1));
	assert_int_equal(gate.n_run, n_taken + 10);
}

static size_t n_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	size_t n = 0;
	for (const struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;) n += task->d_name[0] != '.';
	if (tasks != NULL) closedir(tasks);
	return n;
}

static struct aps_runtime *of_exit;
static size_t n_at_first;

/* As another Lua state's thread would go on while the process ends: after the exit hook. */
static void go_on(void)
{
	struct aps_err err = {0};
	enum aps_rc rc = aps_runtime_post(of_exit, aps_command_new(count, 1, 1), &err);
	_exit(rc == APS_E_CLOSED && n_threads() == n_at_first ? 0 : 1);
}

static void a_process_that_ends_starts_no_thread_again(void **state APS_UNUSED)
{
	pid_t child = fork();
	if (child == 0) {
		struct aps_err err = {0};
		n_at_first = n_threads();
		atexit(go_on); /* before the hook is registered: it runs after it */
		of_exit = aps_runtime_new(no_features, &err);
		if (aps_runtime_post(of_exit, aps_command_new(count, 1, 1), &err) != APS_OK) _exit(2);
		exit(3);
	}
	int status = -1;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_driven_runtime_runs_what_was_posted_when_it_is_driven(void **state APS_UNUSED)
{
	struct aps_err err = {0};
	size_t n_live = aps_mem_live();
	struct aps_runtime *runtime = aps_runtime_new_driven(no_features, &err);
	assert_non_null(runtime);
	assert_non_null(aps_runtime_network(runtime));
	size_t n_at_start = n_threads();
	gate.n_run = 0;
	assert_int_equal(post(runtime, true, &err), APS_OK);
	assert_int_equal(gate.n_run, 0);
	assert_int_equal(n_threads(), n_at_start);
	assert_true(aps_runtime_drive(runtime) == -1);
	assert_int_equal(gate.n_run, 1);
	assert_int_equal(post(runtime, true, &err), APS_OK);
	assert_true(aps_runtime_free(runtime, 0)); /* what had come is still run */
	assert_int_equal(gate.n_run, 2);
	assert_int_equal(aps_mem_live(), n_live);
}

static void a_driven_runtime_without_memory_is_none(void **state APS_UNUSED)
{
	size_t n_live = aps_mem_live();
	size_t nth = 1;
	for (;; nth++) {
		struct aps_err err = {0};
		aps_mem_fail_at(nth);
		struct aps_runtime *runtime = aps_runtime_new_driven(no_features, &err);
		aps_mem_fail_at(0);
		if (runtime != NULL) {
			assert_true(aps_runtime_free(runtime, 0));
			break;
		}
		assert_int_equal(err.code, APS_E_NOMEM);
		assert_int_equal(aps_mem_live(), n_live);
	}
	assert_true(nth > 5);
	assert_int_equal(aps_mem_live(), n_live);
}

static void tell_three(struct aps_runtime *runtime)
{
	for (uint64_t i = 1; i <= 3; i++) {
		struct aps_note_event *event = aps_note_event_new(APS_EVENT_REQUEST, i, NULL, NULL);
		assert_non_null(event);
		aps_runtime_tell(runtime, &event->head);
	}
}

static void take(struct aps_runtime *runtime)
{
	struct aps_event *event = aps_runtime_take(runtime);
	assert_non_null(event);
	event->mail.kind->free_mail(&event->mail);
}

/* So many wakes have come over the socket; they are heard. */
static size_t hear(struct aps_runtime *runtime, int fd)
{
	char bytes[256];
	ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
	aps_runtime_heard(runtime);
	return n > 0 ? (size_t)n / sizeof(uint64_t) : 0;
}

/* nginx: it goes on until nothing is left, and each further wake would be a turn for nothing. */
static void a_loop_that_listens_to_a_socket_is_woken_once_for_what_has_come_together(void **state APS_UNUSED)
{
	struct aps_err err = {0};
	const char *path;
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	struct aps_runtime *runtime = aps_runtime_new(no_features, &err);
	assert_non_null(runtime);
	assert_int_equal(aps_runtime_listen(runtime, &path, &err), APS_OK);
	strncpy(name.sun_path, path, sizeof name.sun_path - 1);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof name), 0);
	assert_int_equal(aps_runtime_accept(runtime, &err), APS_OK);
	for (int i = 0; i < 3; i++) {
		tell_three(runtime);
		assert_int_equal(hear(runtime, fd), 1);
		take(runtime);
		assert_int_equal(hear(runtime, fd), 0);
		take(runtime);
		take(runtime);
		assert_null(aps_runtime_take(runtime));
		assert_int_equal(hear(runtime, fd), 0);
	}
	tell_three(runtime);
	take(runtime);
	(void)hear(runtime, fd);
	aps_runtime_ring(runtime); /* it stops before the end */
	assert_int_equal(hear(runtime, fd), 1);
	close(fd);
	assert_true(aps_runtime_free(runtime, -1));
}

/* Any other one: it may stop after each. */
static void a_descriptor_stays_readable_while_something_is_left(void **state APS_UNUSED)
{
	struct aps_err err = {0};
	struct aps_runtime *runtime = aps_runtime_new(no_features, &err);
	assert_non_null(runtime);
	struct pollfd fd = {.fd = aps_runtime_fd(runtime), .events = POLLIN};
	tell_three(runtime);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(poll(&fd, 1, 0), 1);
		take(runtime);
	}
	assert_null(aps_runtime_take(runtime));
	assert_int_equal(poll(&fd, 1, 0), 0);
	assert_true(aps_runtime_free(runtime, -1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(
	                a_process_that_ends_starts_no_thread_again), /* first: the process has no runtime yet */
	        cmocka_unit_test(a_full_inbox_refuses_what_begins_and_takes_what_follows),
	        cmocka_unit_test(a_driven_runtime_runs_what_was_posted_when_it_is_driven),
	        cmocka_unit_test(a_driven_runtime_without_memory_is_none),
	        cmocka_unit_test(a_loop_that_listens_to_a_socket_is_woken_once_for_what_has_come_together),
	        cmocka_unit_test(a_descriptor_stays_readable_while_something_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

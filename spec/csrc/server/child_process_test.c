#include "server/child_process.h"

#include "base/mem.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What the hooks were told, and the set that they belong to. */
struct fixture {
	struct event_base *base;
	struct aps_child_set *set;
	char output[1 << 20];
	size_t n_output;
	int n_outputs;
	int n_ends;
	uint64_t id;
	struct aps_child_end end;
	int n_refused; /* so many calls find no memory */
};

static bool on_output(void *context, uint64_t id, struct aps_str text)
{
	struct fixture *f = context;
	if (f->n_refused > 0) {
		f->n_refused--;
		return false;
	}
	f->id = id;
	f->n_outputs++;
	assert_true(f->n_output + text.n + 1 < sizeof(f->output));
	memcpy(f->output + f->n_output, text.p, text.n);
	f->n_output += text.n;
	f->output[f->n_output++] = '|';
	f->output[f->n_output] = '\0';
	return true;
}

static bool on_ended(void *context, uint64_t id, const struct aps_child_end *end)
{
	struct fixture *f = context;
	if (f->n_refused > 0) {
		f->n_refused--;
		return false;
	}
	f->id = id;
	f->n_ends++;
	f->end = *end;
	return true;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct aps_err err;
	f->base = event_base_new();
	struct aps_child_hooks hooks = {f, on_output, on_ended};
	assert_int_equal(aps_child_set_new(f->base, &hooks, &f->set, &err), APS_OK);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	aps_child_set_free(f->set);
	event_base_free(f->base);
	free(f);
	assert_int_equal(aps_mem_live(), 0);
	/* Nothing is left to be waited for: there are no zombies. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return 0;
}

static enum aps_rc spawn(struct fixture *f, bool by_lines, size_t max, char *const *argv, uint64_t *id)
{
	struct aps_child_options options = {.argv = argv, .by_lines = by_lines, .max_output_bytes = max};
	struct aps_err err;
	return aps_child_spawn(f->set, &options, id, &err);
}

static uint64_t spawn_sh(struct fixture *f, bool by_lines, size_t max, const char *script)
{
	char *argv[] = {"sh", "-c", (char *)script, NULL};
	uint64_t id = 0;
	assert_int_equal(spawn(f, by_lines, max, argv, &id), APS_OK);
	assert_int_not_equal(id, 0);
	return id;
}

static void run_until_end(struct fixture *f, int n_ends)
{
	while (f->n_ends < n_ends) event_base_loop(f->base, EVLOOP_ONCE);
}

static void run_until_output(struct fixture *f, int n)
{
	while (f->n_outputs < n) event_base_loop(f->base, EVLOOP_ONCE);
}

static void gets_its_input_and_gives_all_output_at_its_end(void **state)
{
	struct fixture *f = *state;
	uint64_t id = spawn_sh(f, false, 1000, "cat; printf '\\nb'; exit 3");
	assert_true(aps_child_write(f->set, id, APS_STR("event"), true));
	assert_false(aps_child_write(f->set, id, APS_STR("more"), false)); /* its input has ended */
	run_until_end(f, 1);
	assert_string_equal(f->output, "event\nb|");
	assert_int_equal(f->id, id);
	assert_int_equal(f->end.status, 3);
	assert_int_equal(f->end.signal, 0);
	assert_true(f->end.is_known);
	assert_false(f->end.is_cut);
	assert_int_equal(aps_child_set_count(f->set), 0);
	assert_false(aps_child_kill(f->set, id));
}

static void gives_lines_as_they_come(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {"cat", NULL};
	uint64_t id = 0;
	assert_int_equal(spawn(f, true, 1000, argv, &id), APS_OK);
	assert_true(aps_child_write(f->set, id, APS_STR("one\ntwo\n\nun"), false));
	run_until_output(f, 3);
	assert_string_equal(f->output, "one|two||");
	assert_true(aps_child_write(f->set, id, APS_STR("finished\n"), false));
	run_until_output(f, 4);
	assert_string_equal(f->output, "one|two||unfinished|");
	assert_int_equal(f->n_ends, 0);
	assert_true(aps_child_write(f->set, id, APS_STR("rest"), true));
	run_until_end(f, 1);
	assert_int_equal(f->n_outputs, 4); /* what isn't a line is none */
	assert_int_equal(f->end.status, 0);
}

/* Nobody would know what its next line answers. */
static void is_given_nothing_after_a_line_that_answers_none(void **state)
{
	struct fixture *f = *state;
	uint64_t id = spawn_sh(f, true, 1000, "while read -r line; do printf 'a\nb\nc\nd\n'; done");
	assert_true(aps_child_write(f->set, id, APS_STR("1\n2\n"), false));
	run_until_output(f, 3);
	assert_false(aps_child_write(f->set, id, APS_STR("3\n"), false));
	assert_true(aps_child_kill(f->set, id));
	run_until_end(f, 1);
	assert_string_equal(f->output, "a|b|c|");
}

/* A daemon has left its group and keeps its output open. */
static void its_end_is_told_although_a_daemon_has_its_pipes(void **state)
{
	struct fixture *f = *state;
	uint64_t id =
	        spawn_sh(f, true, 1000, "read -r line; setsid sh -c 'echo $$; exec sleep 1000' & read -r line; exit 3");
	assert_true(aps_child_write(f->set, id, APS_STR("1\n"), false));
	run_until_output(f, 1);
	pid_t daemon = (pid_t)atol(f->output);
	assert_true(daemon > 0);
	assert_true(aps_child_write(f->set, id, APS_STR("2\n"), false));
	run_until_end(f, 1);
	assert_int_equal(f->end.status, 3);
	assert_int_equal(kill(daemon, SIGKILL), 0);
}

static void is_killed_when_it_has_closed_its_output_and_lives_on(void **state)
{
	struct fixture *f = *state;
	uint64_t id = spawn_sh(f, true, 1000, "read -r line; exec >&-; exec sleep 1000");
	assert_true(aps_child_write(f->set, id, APS_STR("1\n"), false));
	run_until_end(f, 1);
	assert_int_equal(f->end.signal, SIGKILL);
	assert_int_equal(f->n_outputs, 0);
	spawn_sh(f, true, 1000, "exec >&-; exit 4"); /* its own end is told as it is */
	run_until_end(f, 2);
	assert_int_equal(f->end.status, 4);
}

#ifdef __linux__
static void tells_all_of_a_large_pipe(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {"python3", "-c", "import fcntl, os; fcntl.fcntl(1, 1031, 1 << 20); os.write(1, b'x' * 1000000)",
	                NULL};
	uint64_t id = 0;
	siginfo_t info;
	assert_int_equal(spawn(f, false, 1 << 20, argv, &id), APS_OK);
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	run_until_end(f, 1);
	assert_int_equal(f->end.status, 0);
	assert_int_equal(f->n_output, 1000001);
}
#endif

static void is_cut_when_it_writes_too_much(void **state)
{
	struct fixture *f = *state;
	spawn_sh(f, false, 1000, "while :; do echo 0123456789; done");
	run_until_end(f, 1);
	assert_true(f->end.is_cut);
	assert_int_equal(f->end.signal, SIGKILL);
	assert_int_equal(f->n_outputs, 0);
	spawn_sh(f, true, 10, "printf '0123456789\\n'; printf '01234567890\\n'; exec sleep 1000");
	run_until_end(f, 2);
	assert_true(f->end.is_cut);
	assert_string_equal(f->output, "0123456789|");
	spawn_sh(f, true, 1000, "while :; do printf 0123456789; done"); /* a line without an end */
	run_until_end(f, 3);
	assert_true(f->end.is_cut);
}

static void is_killed_with_its_group(void **state)
{
	struct fixture *f = *state;
	/* The one in the background has the pipe too: it ends only when all have gone. */
	uint64_t id = spawn_sh(f, true, 1000, "sleep 1000 & echo $!; wait");
	run_until_output(f, 1);
	pid_t grandchild = (pid_t)atol(f->output);
	assert_true(grandchild > 0);
	assert_int_equal(kill(grandchild, 0), 0);
	assert_true(aps_child_kill(f->set, id));
	assert_false(aps_child_write(f->set, id, APS_STR("x"), false));
	run_until_end(f, 1);
	assert_int_equal(f->end.signal, SIGKILL);
	while (kill(grandchild, 0) == 0) event_base_loop(f->base, EVLOOP_NONBLOCK); /* init waits for it */
}

static void ends_although_a_descendant_has_its_output(void **state)
{
	struct fixture *f = *state;
	spawn_sh(f, false, 1000, "sleep 1000 & echo $!");
	run_until_end(f, 1);
	assert_int_equal(f->end.status, 0);
	assert_int_equal(f->n_outputs, 1);
	pid_t grandchild = (pid_t)atol(f->output);
	assert_true(grandchild > 0);
	while (kill(grandchild, 0) == 0) event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void is_gone_with_the_set(void **state)
{
	struct fixture *f = *state;
	spawn_sh(f, true, 1000, "echo $$; exec sleep 1000");
	run_until_output(f, 1);
	pid_t pid = (pid_t)atol(f->output);
	aps_child_set_free(f->set);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(f->n_ends, 0);
	struct aps_err err;
	struct aps_child_hooks hooks = {f, on_output, on_ended};
	assert_int_equal(aps_child_set_new(f->base, &hooks, &f->set, &err), APS_OK);
}

static void may_leave_its_input_unread(void **state)
{
	struct fixture *f = *state;
	char *bytes = calloc(1, 1 << 20);
	uint64_t id = spawn_sh(f, false, 1000, "exec <&-; echo done");
	assert_true(aps_child_write(f->set, id, (struct aps_str){bytes, 1 << 20}, true));
	free(bytes);
	run_until_end(f, 1);
	assert_string_equal(f->output, "done\n|");
}

static void tells_again_when_there_was_no_memory(void **state)
{
	struct fixture *f = *state;
	f->n_refused = 3;
	spawn_sh(f, false, 1000, "echo kept");
	run_until_end(f, 1);
	assert_string_equal(f->output, "kept\n|");
	assert_int_equal(f->n_outputs, 1);
	f->n_refused = 1; /* a line that can't be kept */
	spawn_sh(f, true, 1000, "echo lost; exec sleep 1000");
	run_until_end(f, 2);
	assert_int_equal(f->n_outputs, 1);
	assert_int_equal(f->end.signal, SIGKILL);
}

static void starts_what_can_be_run_only(void **state)
{
	struct fixture *f = *state;
	char *unknown[] = {"there-is-no-such-program", NULL};
	char *folder[] = {"/tmp", NULL};
	uint64_t id = 0;
	assert_int_equal(spawn(f, false, 10, unknown, &id), APS_E_USAGE);
	assert_int_equal(spawn(f, false, 10, folder, &id), APS_E_USAGE);
	assert_int_equal(aps_child_set_count(f->set), 0);
}

static void no_memory_starts_nothing(void **state)
{
	struct fixture *f = *state;
	char *argv[] = {"true", NULL};
	uint64_t id = 0;
	aps_mem_fail_at(1);
	assert_int_equal(spawn(f, false, 10, argv, &id), APS_E_NOMEM);
	assert_int_equal(aps_child_set_count(f->set), 0);
	struct aps_child_set *other = NULL;
	struct aps_child_hooks hooks = {f, on_output, on_ended};
	struct aps_err err;
	aps_mem_fail_at(1);
	assert_int_equal(aps_child_set_new(f->base, &hooks, &other, &err), APS_E_NOMEM);
}

/* Words reach it as they are, and descriptors of the program's own don't. */
static void gets_its_words_and_no_descriptors(void **state)
{
	struct fixture *f = *state;
	int fd = dup(2); /* without FD_CLOEXEC */
	char script[200];
	snprintf(script, sizeof(script), "printf '%%s' \"$1\"; (: >&%d) 2>/dev/null && echo open", fd);
	char *argv[] = {"sh", "-c", script, "sh", "$(touch x); `y` 'z'", NULL};
	uint64_t id = 0;
	assert_int_equal(spawn(f, false, 1000, argv, &id), APS_OK);
	run_until_end(f, 1);
	assert_string_equal(f->output, "$(touch x); `y` 'z'|");
	close(fd);
}

/* What the program ignores, its children would ignore too. */
static void has_signals_as_the_system_has_them(void **state)
{
	struct fixture *f = *state;
	signal(SIGXFSZ, SIG_IGN);
	spawn_sh(f, false, 1000, "kill -PIPE $$; echo survived");
	run_until_end(f, 1);
	assert_int_equal(f->end.signal, SIGPIPE);
	spawn_sh(f, false, 1000, "kill -XFSZ $$; echo survived");
	run_until_end(f, 2);
	assert_int_equal(f->end.signal, SIGXFSZ);
	signal(SIGXFSZ, SIG_DFL);
}

static void the_end_that_another_took_is_told(void **state)
{
	struct fixture *f = *state;
	spawn_sh(f, true, 1000, "echo $$");
	run_until_output(f, 1);
	assert_int_equal(waitpid((pid_t)atol(f->output), NULL, 0), atol(f->output));
	run_until_end(f, 1);
	assert_false(f->end.is_known);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(gets_its_input_and_gives_all_output_at_its_end),
	        TEST(gives_lines_as_they_come),
	        TEST(is_given_nothing_after_a_line_that_answers_none),
	        TEST(its_end_is_told_although_a_daemon_has_its_pipes),
	        TEST(is_killed_when_it_has_closed_its_output_and_lives_on),
#ifdef __linux__
	        TEST(tells_all_of_a_large_pipe),
#endif
	        TEST(is_cut_when_it_writes_too_much),
	        TEST(is_killed_with_its_group),
	        TEST(ends_although_a_descendant_has_its_output),
	        TEST(is_gone_with_the_set),
	        TEST(may_leave_its_input_unread),
	        TEST(tells_again_when_there_was_no_memory),
	        TEST(starts_what_can_be_run_only),
	        TEST(no_memory_starts_nothing),
	        TEST(gets_its_words_and_no_descriptors),
	        TEST(has_signals_as_the_system_has_them),
	        TEST(the_end_that_another_took_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

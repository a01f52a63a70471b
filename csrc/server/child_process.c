#include "server/child_process.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* Of one turn of the loop: one process must not keep the others waiting. */
#define READ_BYTES 65536
/* How often an end is looked for; soon after a sign of it, then less often. */
#define FIRST_LOOK_MS 1
#define LAST_LOOK_MS  50
/* A killed process is gone at once, unless the system itself holds it. */
#define FREE_WAIT_MS 2000
/* What a process wrote before its end is in its pipe, which holds a megabyte at most (pipe(7)), and libevent may read
 * four kilobytes at a time. A descendant that has left its group may go on for ever. */
#define LAST_READS 257
/* What reads lines and has closed its output can't answer any more; it may have something to do before it ends. */
#define CLOSED_WAIT_MS 1000

struct process {
	struct process *next;
	struct aps_child_set *set;
	uint64_t id;
	pid_t pid;
	bool by_lines;
	bool is_last;   /* nothing follows what waits in `input` */
	bool is_killed; /* its output interests nobody any more */
	bool is_over;   /* `end` is known; nobody was told yet */
	bool is_astray; /* it wrote a line more than it was given */
	size_t max_output_bytes;
	size_t n_searched; /* of `output`, for the end of a line */
	size_t n_asked;    /* lines that it was given and has not answered */
	int64_t closed_at_ms;
	struct aps_child_end end;
	int in;  /* -1: closed */
	int out; /* -1: at its end */
	struct event *in_event;
	struct event *out_event;
	struct evbuffer *input;
	struct evbuffer *output;
};

struct aps_child_set {
	struct event_base *base;
	struct aps_child_hooks hooks;
	struct process *first;
	struct event *timer;
	int wait_ms;
	uint64_t last_id;
};

static void handle_by_default(int number, void (*unwanted)(int), void (*wanted)(int))
{
	struct sigaction action;
	if (sigaction(number, NULL, &action) != 0 || action.sa_handler != unwanted) return;
	action.sa_handler = wanted;
	sigaction(number, &action, NULL);
}

/* From now on ends are looked for, beginning in so many milliseconds. */
static void look_in(struct aps_child_set *set, int wait_ms)
{
	struct timeval wait = {0, wait_ms * 1000};
	set->wait_ms = wait_ms;
	evtimer_add(set->timer, &wait);
}

static void close_input(struct process *process)
{
	if (process->in_event != NULL) event_free(process->in_event);
	process->in_event = NULL;
	if (process->in >= 0) close(process->in);
	process->in = -1;
	evbuffer_drain(process->input, evbuffer_get_length(process->input));
}

static void close_output(struct process *process)
{
	if (process->out_event != NULL) event_free(process->out_event);
	process->out_event = NULL;
	if (process->out >= 0) close(process->out);
	process->out = -1;
}

static void process_free(struct process *process)
{
	if (process == NULL) return;
	if (process->input != NULL) close_input(process);
	close_output(process);
	if (process->input != NULL) evbuffer_free(process->input);
	if (process->output != NULL) evbuffer_free(process->output);
	aps_free(process);
}

/* Its number stays its own until it has been waited for. */
static void kill_group(struct process *process)
{
	if (process->is_over) return;
	process->is_killed = true;
	kill(-process->pid, SIGKILL);
	look_in(process->set, FIRST_LOOK_MS);
}

static void cut(struct process *process)
{
	process->end.is_cut = true;
	kill_group(process); /* before it can die of a closed pipe */
	close_output(process);
}

static bool tell_output(struct process *process, size_t n)
{
	const unsigned char *bytes =
	        n > 0 ? evbuffer_pullup(process->output, (ev_ssize_t)n) : (const unsigned char *)"";
	if (bytes == NULL) return false;
	struct aps_child_hooks *hooks = &process->set->hooks;
	return hooks->output(hooks->context, process->id, (struct aps_str){(const char *)bytes, n});
}

/* Whether a line is to be told: of those that answer nothing the first is. */
static bool takes_line(struct process *process)
{
	if (process->n_asked > 0) {
		process->n_asked--;
		return true;
	}
	bool is_first = !process->is_astray;
	process->is_astray = true;
	return is_first;
}

/* Tells every line that is complete. False: something is wrong with them, the process has been killed. */
static bool tell_lines(struct process *process)
{
	for (;;) {
		struct evbuffer_ptr start, end;
		size_t n_bytes = evbuffer_get_length(process->output);
		if (n_bytes == process->n_searched ||
		    evbuffer_ptr_set(process->output, &start, process->n_searched, EVBUFFER_PTR_SET) != 0)
			break;
		end = evbuffer_search(process->output, "\n", 1, &start);
		if (end.pos < 0) {
			process->n_searched = n_bytes;
			break;
		}
		size_t n = (size_t)end.pos;
		if (n > process->max_output_bytes) break;
		if (takes_line(process) && !tell_output(process, n)) {
			kill_group(process);
			close_output(process);
			return false;
		}
		evbuffer_drain(process->output, n + 1);
		process->n_searched = 0;
	}
	return true;
}

/* One read; false when nothing more can be read now. */
static bool read_some(struct process *process)
{
	int n = evbuffer_read(process->output, process->out, READ_BYTES);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
	if (n <= 0) {
		close_output(process);
		process->closed_at_ms = aps_clock_mono_ms();
		look_in(process->set, FIRST_LOOK_MS);
		return false;
	}
	if (process->is_killed) {
		evbuffer_drain(process->output, evbuffer_get_length(process->output));
		return true;
	}
	if (process->by_lines && !tell_lines(process)) return false;
	if (evbuffer_get_length(process->output) > process->max_output_bytes) {
		cut(process);
		return false;
	}
	return true;
}

static void on_readable(evutil_socket_t fd APS_UNUSED, short what APS_UNUSED, void *context)
{
	read_some(context);
}

static void on_writable(evutil_socket_t fd APS_UNUSED, short what APS_UNUSED, void *context)
{
	struct process *process = context;
	int n = evbuffer_write(process->input, process->in);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
	if (n < 0) {
		close_input(process); /* it has closed its input, or is gone: its end tells more */
		return;
	}
	if (evbuffer_get_length(process->input) > 0) return;
	event_del(process->in_event);
	if (process->is_last) close_input(process);
}

/* Whether it has ended; then `end` says how, and its group is gone. Its number is free only after that. */
static bool has_ended(struct process *process)
{
	if (process->is_over) return true;
	siginfo_t info;
	memset(&info, 0, sizeof(info));
	int rc = waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT);
	if (rc != 0 && errno != ECHILD) return false;
	if (rc == 0 && info.si_pid == 0) return false;
	process->end.is_known = rc == 0;
	if (rc == 0) {
		int status = 0;
		kill(-process->pid, SIGKILL); /* what it has left behind */
		waitpid(process->pid, &status, 0);
		process->end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
		process->end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	}
	process->is_over = true;
	return true;
}

/* Tells the end of a process that has ended. False: there's no memory to tell it. */
static bool tell_end(struct process *process)
{
	struct aps_child_hooks *hooks = &process->set->hooks;
	for (int i = 0; i < LAST_READS && process->out >= 0 && read_some(process);) i++;
	close_output(process);
	if (!process->by_lines && !process->is_killed) {
		if (!tell_output(process, evbuffer_get_length(process->output))) return false;
		process->is_killed = true; /* so that it isn't told twice */
	}
	return hooks->ended(hooks->context, process->id, &process->end);
}

/* What reads lines isn't looked after while nothing is asked of it: it runs for long. */
static bool is_looked_after(const struct process *process)
{
	return !process->by_lines || process->out < 0 || process->n_asked > 0 || process->is_killed || process->is_over;
}

static bool is_mute(const struct process *process)
{
	return process->by_lines && process->out < 0 && !process->is_killed &&
	       aps_clock_mono_ms() - process->closed_at_ms >= CLOSED_WAIT_MS;
}

static void on_timer(evutil_socket_t fd APS_UNUSED, short what APS_UNUSED, void *context)
{
	struct aps_child_set *set = context;
	bool is_awaited = false;
	int wait_ms = set->wait_ms * 2 < LAST_LOOK_MS ? set->wait_ms * 2 : LAST_LOOK_MS;
	for (struct process **at = &set->first; *at != NULL;) {
		struct process *process = *at;
		bool is_watched = is_looked_after(process);
		if (is_watched && has_ended(process) && tell_end(process)) {
			*at = process->next;
			process_free(process);
			continue;
		}
		if (is_mute(process)) kill_group(process);
		is_awaited = is_awaited || is_watched;
		at = &process->next;
	}
	if (is_awaited) look_in(set, wait_ms);
}

enum aps_rc aps_child_set_new(struct event_base *base, const struct aps_child_hooks *hooks, struct aps_child_set **out,
                              struct aps_err *err)
{
	struct aps_child_set *set = aps_calloc(1, sizeof(*set));
	if (set == NULL) return aps_fail(err, APS_E_NOMEM, "no memory for processes");
	set->base = base;
	set->hooks = *hooks;
	set->timer = evtimer_new(base, on_timer, set);
	if (set->timer == NULL) {
		aps_free(set);
		return aps_fail(err, APS_E_NOMEM, "no memory for processes");
	}
	handle_by_default(SIGCHLD, SIG_IGN, SIG_DFL);
	handle_by_default(SIGPIPE, SIG_DFL, SIG_IGN);
	*out = set;
	return APS_OK;
}

void aps_child_set_free(struct aps_child_set *set)
{
	if (set == NULL) return;
	for (struct process *process = set->first; process != NULL; process = process->next) kill_group(process);
	const struct timespec nap = {0, 1000000};
	int n_naps = 0;
	while (set->first != NULL) {
		struct process *process = set->first;
		if (!has_ended(process) && n_naps < FREE_WAIT_MS) {
			n_naps++;
			nanosleep(&nap, NULL);
			continue;
		}
		set->first = process->next;
		process_free(process);
	}
	event_free(set->timer);
	aps_free(set);
}

size_t aps_child_set_count(const struct aps_child_set *set)
{
	size_t n = 0;
	for (const struct process *process = set->first; process != NULL; process = process->next) n++;
	return n;
}

/* A pipe above the standard descriptors, which a program may have been started without. */
static bool open_pipe(int ends[2])
{
	int low[2];
	if (pipe2(low, O_CLOEXEC) != 0) return false;
	for (int i = 0; i < 2; i++) ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 3);
	for (int i = 0; i < 2; i++) close(low[i]);
	if (ends[0] >= 0 && ends[1] >= 0) return true;
	for (int i = 0; i < 2; i++) {
		if (ends[i] >= 0) close(ends[i]);
	}
	return false;
}

static void close_pipe(const int ends[2])
{
	close(ends[0]);
	close(ends[1]);
}

static int set_attributes(posix_spawnattr_t *attributes)
{
	static const int changed[] = {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGHUP, SIGCHLD};
	sigset_t signals;
	sigemptyset(&signals);
	int rc = posix_spawnattr_setsigmask(attributes, &signals);
	for (size_t i = 0; i < APS_COUNTOF(changed); i++) sigaddset(&signals, changed[i]);
	if (rc == 0) rc = posix_spawnattr_setsigdefault(attributes, &signals);
	if (rc == 0) rc = posix_spawnattr_setpgroup(attributes, 0);
	if (rc == 0)
		rc = posix_spawnattr_setflags(attributes,
		                              POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	return rc;
}

/* Descriptors that were opened without thought of children are theirs no more than the others. */
static int set_files(posix_spawn_file_actions_t *files, int in, int out)
{
	int rc = posix_spawn_file_actions_adddup2(files, in, STDIN_FILENO);
	if (rc == 0) rc = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
	if (rc == 0) rc = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
#endif
#endif
	return rc;
}

static int start(char *const *argv, int in, int out, pid_t *pid)
{
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_t files;
	int rc = posix_spawnattr_init(&attributes);
	if (rc != 0) return rc;
	rc = posix_spawn_file_actions_init(&files);
	if (rc == 0) {
		rc = set_attributes(&attributes);
		if (rc == 0) rc = set_files(&files, in, out);
		if (rc == 0) rc = posix_spawnp(pid, argv[0], &files, &attributes, argv, environ);
		posix_spawn_file_actions_destroy(&files);
	}
	posix_spawnattr_destroy(&attributes);
	return rc;
}

static bool is_shortage(int number)
{
	return number == EAGAIN || number == ENOMEM || number == EMFILE || number == ENFILE;
}

static struct process *process_new(struct aps_child_set *set, const struct aps_child_options *options)
{
	struct process *process = aps_calloc(1, sizeof(*process));
	if (process == NULL) return NULL;
	process->set = set;
	process->by_lines = options->by_lines;
	process->max_output_bytes = options->max_output_bytes;
	process->in = process->out = -1;
	process->input = evbuffer_new();
	process->output = evbuffer_new();
	if (process->input != NULL && process->output != NULL) return process;
	process_free(process);
	return NULL;
}

/* The ends of the pipes are the process's, whatever happens. */
static bool watch(struct process *process, int in, int out)
{
	process->in = in;
	process->out = out;
	if (fcntl(in, F_SETFL, O_NONBLOCK) != 0 || fcntl(out, F_SETFL, O_NONBLOCK) != 0) return false;
	process->in_event = event_new(process->set->base, in, EV_WRITE | EV_PERSIST, on_writable, process);
	process->out_event = event_new(process->set->base, out, EV_READ | EV_PERSIST, on_readable, process);
	return process->in_event != NULL && process->out_event != NULL && event_add(process->out_event, NULL) == 0;
}

static enum aps_rc fail_shortage(struct aps_err *err, const char *program, int number)
{
	return aps_fail(err, APS_E_NOMEM, "can't run '%s' now: %s", program, strerror(number));
}

enum aps_rc aps_child_spawn(struct aps_child_set *set, const struct aps_child_options *options, uint64_t *id,
                            struct aps_err *err)
{
	const char *program = options->argv[0];
	struct process *process = process_new(set, options);
	if (process == NULL) return fail_shortage(err, program, ENOMEM);
	int to[2], from[2];
	if (!open_pipe(to)) {
		process_free(process);
		return fail_shortage(err, program, errno);
	}
	if (!open_pipe(from)) {
		close_pipe(to);
		process_free(process);
		return fail_shortage(err, program, errno);
	}
	bool is_watched = watch(process, to[1], from[0]);
	int rc = is_watched ? start(options->argv, to[0], from[1], &process->pid) : ENOMEM;
	close(to[0]);
	close(from[1]);
	if (rc != 0) {
		process_free(process);
		if (is_shortage(rc)) return fail_shortage(err, program, rc);
		return aps_fail(err, APS_E_USAGE, "can't run '%s': %s", program, strerror(rc));
	}
	process->id = *id = ++set->last_id;
	process->next = set->first;
	set->first = process;
	if (!process->by_lines && !evtimer_pending(set->timer, NULL)) look_in(set, LAST_LOOK_MS);
	return APS_OK;
}

static struct process *find(struct aps_child_set *set, uint64_t id)
{
	struct process *process = set->first;
	while (process != NULL && process->id != id) process = process->next;
	return process;
}

static size_t count_lines(struct aps_str bytes)
{
	size_t n = 0;
	for (size_t i = 0; i < bytes.n; i++) n += bytes.p[i] == '\n';
	return n;
}

bool aps_child_write(struct aps_child_set *set, uint64_t id, struct aps_str bytes, bool is_last)
{
	struct process *process = find(set, id);
	if (process == NULL || process->in < 0 || process->is_last || process->is_killed || process->is_astray)
		return false;
	if (process->by_lines && process->out < 0) return false;
	if (bytes.n > 0 && evbuffer_add(process->input, bytes.p, bytes.n) != 0) return false;
	if (event_add(process->in_event, NULL) != 0) return false;
	process->is_last = is_last;
	if (!process->by_lines) return true;
	process->n_asked += count_lines(bytes);
	if (!evtimer_pending(set->timer, NULL)) look_in(set, LAST_LOOK_MS);
	return true;
}

bool aps_child_kill(struct aps_child_set *set, uint64_t id)
{
	struct process *process = find(set, id);
	if (process == NULL || process->is_over) return false;
	kill_group(process);
	return true;
}

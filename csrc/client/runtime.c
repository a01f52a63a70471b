#include "client/runtime.h"

#include "base/mem.h"
#include "client/core.h"
#include "client/process.h"
#include "rt/bell.h"
#include "rt/thread.h"
#include "rt/wake_socket.h"

/* Commands that wait for the core thread: far more than a program means to have in flight. */
#define INBOX_ITEMS ((size_t)262144)
#define INBOX_BYTES ((size_t)1024 * 1024 * 1024)

/* Events that wait for the application, all subscriptions together; each has a window of its own besides. */
#define EVENTS_ITEMS ((size_t)16384)
#define EVENTS_BYTES ((size_t)32 * 1024 * 1024)

struct aps_runtime {
	const struct aps_feature *const *features;
	unsigned generation;
	uint64_t last_id;
	struct aps_mailbox *inbox;  /* commands and frames, to the core */
	struct aps_mailbox *events; /* to the application; bounded by not reading sockets */
	struct aps_mail *taken;     /* drained, not yet handed out */
	struct aps_bell bell;
	struct aps_wake_socket listening;
	atomic_bool core_waits; /* to be woken when the events were taken */
	struct aps_core *core;
	struct aps_simulated_http *network; /* NULL: the core has a thread and a real one */
	bool is_registered;
	bool is_started;
	/* The exit hook may stop it while the state's own thread goes on: whoever takes the core's thread joins it, and
	 * none is started any more. */
	_Atomic(struct aps_thread *) thread;
	atomic_bool is_stopped;
};

static void wake_app(void *context)
{
	struct aps_runtime *runtime = context;
	aps_bell_ring(&runtime->bell);
}

static void wake_core(void *context)
{
	struct aps_runtime *runtime = context;
	if (runtime->core != NULL) aps_core_wakeup(runtime->core);
}

static void free_parts(struct aps_runtime *runtime)
{
	if (runtime->core != NULL) aps_core_free(runtime->core);
	if (runtime->inbox != NULL) aps_mailbox_free(runtime->inbox);
	if (runtime->events != NULL) aps_mailbox_free(runtime->events);
	aps_mail_free_chain(runtime->taken);
	aps_bell_clear(&runtime->bell);
	aps_wake_socket_close(&runtime->listening);
	aps_free(runtime);
}

struct aps_runtime *aps_runtime_new(const struct aps_feature *const *features, struct aps_err *err)
{
	if (aps_process_init(err) != APS_OK) return NULL;
	struct aps_runtime *runtime = aps_calloc(1, sizeof *runtime);
	if (runtime == NULL) {
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return NULL;
	}
	runtime->features = features;
	runtime->generation = aps_process_generation();
	runtime->listening.fd = -1;
	if (aps_bell_init(&runtime->bell, err) != APS_OK) goto fail;
	runtime->inbox = aps_mailbox_new((struct aps_mailbox_limits){INBOX_ITEMS, INBOX_BYTES},
	                                 (struct aps_wakeup){wake_core, runtime});
	runtime->events = aps_mailbox_new((struct aps_mailbox_limits){0, 0}, (struct aps_wakeup){wake_app, runtime});
	if (runtime->inbox != NULL && runtime->events != NULL) return runtime;
	aps_fail(err, APS_E_NOMEM, "out of memory");
fail:
	free_parts(runtime);
	return NULL;
}

bool aps_runtime_is_usable(const struct aps_runtime *runtime)
{
	return runtime->generation == aps_process_generation();
}

/* The core's way out, with wake_app(). @thread core */
static bool is_flooded(void *context, bool was_flooded)
{
	struct aps_runtime *runtime = context;
	size_t part = was_flooded ? 4 : 1; /* once it was, a quarter of the bound is enough of it */
	if (aps_mailbox_n_items(runtime->events) <= EVENTS_ITEMS / part &&
	    aps_mailbox_n_bytes(runtime->events) <= EVENTS_BYTES / part)
		return false;
	atomic_store(&runtime->core_waits, true);
	/* Taken between the look and the flag: nobody would wake us. */
	return !aps_mailbox_is_empty(runtime->events);
}

static void publish(void *context, struct aps_mail *chain)
{
	struct aps_runtime *runtime = context;
	aps_mailbox_send(runtime->events, chain);
}

static struct aps_core *new_core(struct aps_runtime *runtime, struct aps_err *err)
{
	struct aps_outlet outlet = {runtime, publish, wake_app, is_flooded};
	return aps_core_new(outlet, runtime->features, err);
}

/* @thread core, from its first line to its last. */
static void core_main(void *context, const struct aps_thread *self)
{
	struct aps_runtime *runtime = context;
	aps_core_run(runtime->core, runtime->inbox, self);
}

/* Stops the threads only. @thread any */
static bool stop(void *object, int64_t timeout_ms)
{
	struct aps_runtime *runtime = object;
	atomic_store(&runtime->is_stopped, true);
	if (runtime->core == NULL) return true;
	aps_core_stop(runtime->core);
	if (runtime->network != NULL) { /* there is no thread that would wind it up */
		runtime->network = NULL;
		aps_core_run(runtime->core, runtime->inbox, NULL);
		return aps_core_join_left(runtime->core, timeout_ms);
	}
	struct aps_thread *thread = atomic_exchange(&runtime->thread, NULL);
	if (!aps_thread_join(thread, timeout_ms)) {
		atomic_store(&runtime->thread, thread);
		return false;
	}
	return aps_core_join_left(runtime->core, timeout_ms);
}

static enum aps_rc fail_stopped(struct aps_err *err)
{
	return aps_fail(err, APS_E_CLOSED, "the runtime is closed");
}

static enum aps_rc start(struct aps_runtime *runtime, struct aps_err *err)
{
	if (atomic_load(&runtime->is_stopped)) return fail_stopped(err);
	if (runtime->is_started) return APS_OK;
	if (runtime->core == NULL) {
		runtime->core = new_core(runtime, err);
		if (runtime->core == NULL) return err->code;
	}
	if (!runtime->is_registered) {
		if (!aps_process_add((struct aps_stoppable){stop, runtime}))
			return aps_fail_word(err, APS_E_USAGE, "too_many_states", 0,
			                     "too many Lua states of this process use appsync at once");
		runtime->is_registered = true;
	}
	struct aps_thread *thread = aps_thread_start("appsync-core", core_main, runtime, err);
	if (thread == NULL) return err->code;
	runtime->is_started = true;
	atomic_store(&runtime->thread, thread);
	if (!atomic_load(&runtime->is_stopped)) return APS_OK;
	stop(runtime, -1); /* the exit hook came in between, and found no thread */
	return fail_stopped(err);
}

bool aps_runtime_free(struct aps_runtime *runtime, int64_t timeout_ms)
{
	/* In a forked child the threads are gone and their locks may be held: leave it all where it is. */
	if (!aps_runtime_is_usable(runtime)) return false;
	if (runtime->is_registered && !aps_process_take(runtime)) return false;
	if (!stop(runtime, timeout_ms)) {
		if (runtime->is_registered)
			aps_process_add((struct aps_stoppable){stop, runtime}); /* the exit hook tries again */
		return false;
	}
	free_parts(runtime);
	return true;
}

struct aps_runtime *aps_runtime_new_driven(const struct aps_feature *const *features, struct aps_err *err)
{
	struct aps_runtime *runtime = aps_runtime_new(features, err);
	if (runtime == NULL) return NULL;
	runtime->core = new_core(runtime, err);
	if (runtime->core != NULL) runtime->network = aps_core_simulate(runtime->core, runtime->inbox, err);
	runtime->is_started = runtime->network != NULL;
	if (runtime->is_started) return runtime;
	free_parts(runtime);
	return NULL;
}

int64_t aps_runtime_drive(struct aps_runtime *runtime)
{
	return aps_core_drive(runtime->core);
}

struct aps_simulated_http *aps_runtime_network(const struct aps_runtime *runtime)
{
	return runtime->network;
}

struct aps_simulated_ws *aps_runtime_sockets(const struct aps_runtime *runtime)
{
	return runtime->network != NULL ? aps_ws_simulation(runtime->core->ws) : NULL;
}

uint64_t aps_runtime_next_id(struct aps_runtime *runtime)
{
	return ++runtime->last_id;
}

enum aps_rc aps_runtime_post(struct aps_runtime *runtime, struct aps_command *command, struct aps_err *err)
{
	enum aps_rc rc = start(runtime, err);
	if (rc != APS_OK) {
		command->mail.kind->free_mail(&command->mail);
		return rc;
	}
	rc = command->begins ? aps_mailbox_send(runtime->inbox, &command->mail)
	                     : aps_mailbox_send_owed(runtime->inbox, &command->mail);
	if (rc == APS_E_TOO_BIG)
		aps_fail_word(err, APS_E_USAGE, "too_many_operations", 0,
		              "too many operations wait for the core thread; wait for some of them first");
	else if (rc != APS_OK)
		fail_stopped(err);
	return rc;
}

enum aps_rc aps_runtime_start(struct aps_runtime *runtime, struct aps_err *err)
{
	return start(runtime, err);
}

uint64_t aps_runtime_take_missed(struct aps_runtime *runtime)
{
	return runtime->core == NULL ? 0 : atomic_exchange(&runtime->core->n_missed, 0);
}

void aps_runtime_tell(struct aps_runtime *runtime, struct aps_event *event)
{
	publish(runtime, &event->mail);
}

struct aps_event *aps_runtime_take(struct aps_runtime *runtime)
{
	if (runtime->taken == NULL) {
		aps_bell_silence(&runtime->bell);
		if (aps_mailbox_is_empty(runtime->events)) return NULL;
		runtime->taken = aps_mailbox_drain(runtime->events);
		if (runtime->taken == NULL) return NULL;
		/* A loop that listens to a socket looks until nothing is left: what it leaves it rings for itself. */
		if (runtime->taken->next != NULL && !runtime->bell.wake.is_socket) aps_bell_ring(&runtime->bell);
		if (atomic_exchange(&runtime->core_waits, false)) aps_core_wakeup(runtime->core);
	}
	struct aps_mail *mail = runtime->taken;
	runtime->taken = mail->next;
	mail->next = NULL;
	return (struct aps_event *)mail;
}

bool aps_runtime_has_events(const struct aps_runtime *runtime)
{
	return runtime->taken != NULL || !aps_mailbox_is_empty(runtime->events);
}

bool aps_runtime_wait(struct aps_runtime *runtime, int64_t timeout_ms)
{
	if (aps_runtime_has_events(runtime)) return true;
	int wait_ms = timeout_ms < 0 ? -1 : timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms;
	bool is_readable = false;
	if (wait_ms != 0 && aps_bell_sleep(&runtime->bell)) is_readable = aps_wake_wait(&runtime->bell.wake, wait_ms);
	aps_bell_awake(&runtime->bell, is_readable);
	return aps_runtime_has_events(runtime);
}

int aps_runtime_fd(struct aps_runtime *runtime)
{
	int fd = aps_bell_watch(&runtime->bell);
	if (aps_runtime_has_events(runtime)) aps_bell_ring(&runtime->bell);
	return fd;
}

enum aps_rc aps_runtime_listen(struct aps_runtime *runtime, const char **path, struct aps_err *err)
{
	aps_wake_socket_close(&runtime->listening);
	if (aps_wake_socket_open(&runtime->listening, err) != APS_OK) return err->code;
	*path = runtime->listening.path;
	return APS_OK;
}

enum aps_rc aps_runtime_accept(struct aps_runtime *runtime, struct aps_err *err)
{
	struct aps_wake wake;
	if (aps_wake_socket_accept(&runtime->listening, &wake, err) != APS_OK) return err->code;
	aps_bell_watch_by(&runtime->bell, &wake);
	if (aps_runtime_has_events(runtime)) aps_bell_ring(&runtime->bell);
	return APS_OK;
}

void aps_runtime_heard(struct aps_runtime *runtime)
{
	aps_bell_heard(&runtime->bell);
}

void aps_runtime_ring(struct aps_runtime *runtime)
{
	aps_bell_ring(&runtime->bell);
}

struct arm_command {
	struct aps_command head;
	int64_t after_ms;
};

static void run_arm(struct aps_core *core, struct aps_command *command)
{
	aps_core_arm(core, ((struct arm_command *)command)->after_ms);
	aps_command_free(command);
}

static void free_arm(struct aps_mail *mail)
{
	aps_free(mail);
}

static const struct aps_mail_kind ARM_KIND = {"arm", free_arm};

enum aps_rc aps_runtime_arm(struct aps_runtime *runtime, int64_t after_ms, struct aps_err *err)
{
	struct arm_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	command->head.mail = (struct aps_mail){NULL, &ARM_KIND, sizeof *command};
	command->head.run = run_arm;
	command->after_ms = after_ms;
	return aps_runtime_post(runtime, &command->head, err);
}

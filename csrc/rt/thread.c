#include "rt/thread.h"

#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define STACK_BYTES ((size_t)64 * 1024) /* half of the smallest default, which is musl's */

/* The wait for the end is a condition variable of our own: pthread_timedjoin_np(3) does not exist on macOS. */
struct aps_thread {
	pthread_t id;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool has_ended;
	void (*run)(void *context, const struct aps_thread *self);
	void *context;
	char name[16];
};

static void set_own_name(const char *name)
{
#if defined(__APPLE__)
	pthread_setname_np(name);
#elif defined(__linux__)
	pthread_setname_np(pthread_self(), name);
#else
	(void)name;
#endif
}

/* The C library keeps the stack for the next thread: what the deepest calls left there is wiped, as far as they go. */
static __attribute__((noinline)) void wipe_stack(void)
{
	char below[STACK_BYTES];
	explicit_bzero(below, sizeof below);
}

static void *thread_main(void *argument)
{
	struct aps_thread *thread = argument;
	pthread_mutex_lock(&thread->lock); /* until the starter has stored `id` */
	pthread_mutex_unlock(&thread->lock);
	set_own_name(thread->name);
	thread->run(thread->context, thread);
	wipe_stack();
	pthread_mutex_lock(&thread->lock);
	thread->has_ended = true;
	pthread_cond_signal(&thread->ended);
	pthread_mutex_unlock(&thread->lock);
	return NULL;
}

static int init_cond(pthread_cond_t *cond)
{
#ifdef __APPLE__
	return pthread_cond_init(cond, NULL);
#else
	/* A wall clock that is set back must not lengthen a join. */
	pthread_condattr_t attributes;
	int why = pthread_condattr_init(&attributes);
	if (why) return why;
	why = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (!why) why = pthread_cond_init(cond, &attributes);
	pthread_condattr_destroy(&attributes);
	return why;
#endif
}

static void wait_for_end(struct aps_thread *thread, int64_t timeout_ms)
{
	if (timeout_ms < 0) {
		while (!thread->has_ended) pthread_cond_wait(&thread->ended, &thread->lock);
		return;
	}
	struct timespec limit;
#ifdef __APPLE__
	clock_gettime(CLOCK_REALTIME, &limit);
#else
	clock_gettime(CLOCK_MONOTONIC, &limit);
#endif
	limit.tv_sec += (time_t)(timeout_ms / 1000);
	limit.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
	if (limit.tv_nsec >= 1000000000L) {
		limit.tv_sec++;
		limit.tv_nsec -= 1000000000L;
	}
	while (!thread->has_ended && pthread_cond_timedwait(&thread->ended, &thread->lock, &limit) != ETIMEDOUT) {
	}
}

struct aps_thread *aps_thread_start(const char *name, void (*run)(void *context, const struct aps_thread *self),
                                    void *context, struct aps_err *err)
{
	struct aps_thread *thread = aps_calloc(1, sizeof *thread);
	if (!thread) {
		aps_fail(err, APS_E_NOMEM, "no memory for a thread");
		return NULL;
	}
	thread->run = run;
	thread->context = context;
	strncpy(thread->name, name, sizeof thread->name - 1);
	int why = pthread_mutex_init(&thread->lock, NULL);
	if (why) goto no_lock;
	why = init_cond(&thread->ended);
	if (why) goto no_cond;
	sigset_t all, before;
	sigfillset(&all);
	/* The new thread inherits the mask, so there is no moment in which it could run a handler. */
	why = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (why) goto no_thread;
	pthread_mutex_lock(&thread->lock);
	why = pthread_create(&thread->id, NULL, thread_main, thread);
	pthread_mutex_unlock(&thread->lock);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (why) goto no_thread;
	return thread;
no_thread:
	pthread_cond_destroy(&thread->ended);
no_cond:
	pthread_mutex_destroy(&thread->lock);
no_lock:
	aps_free(thread);
	aps_fail_word(err, APS_E_SYSTEM, "threads", why, "cannot start a thread: %s", strerror(why));
	return NULL;
}

bool aps_thread_join(struct aps_thread *thread, int64_t timeout_ms)
{
	if (!thread) return true;
	pthread_mutex_lock(&thread->lock);
	wait_for_end(thread, timeout_ms);
	bool has_ended = thread->has_ended;
	pthread_mutex_unlock(&thread->lock);
	if (!has_ended) return false;
	pthread_join(thread->id, NULL); /* what is left of it is a few instructions */
	pthread_cond_destroy(&thread->ended);
	pthread_mutex_destroy(&thread->lock);
	aps_free(thread);
	return true;
}

bool aps_thread_is_current(const struct aps_thread *thread)
{
	return thread && pthread_equal(thread->id, pthread_self());
}

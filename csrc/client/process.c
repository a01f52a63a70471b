#include "client/process.h"

#include "base/mem.h"
#include "net/global.h"
#include "net/tls.h"
#include "rt/pin.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define EXIT_JOIN_MS 2000
#define MAX_OBJECTS  256

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint generation;
static struct aps_stoppable live[MAX_OBJECTS]; /* object NULL: free */
static enum aps_rc init_rc;
static struct aps_err init_err;

static void after_fork_in_child(void)
{
	atomic_fetch_add(&generation, 1);
	/* The parent's threads are not here, its objects are never touched again; the lock may have been held. */
	pthread_mutex_init(&lock, NULL);
	for (size_t i = 0; i < MAX_OBJECTS; i++) live[i].object = NULL;
}

static struct aps_stoppable take_at(size_t i)
{
	pthread_mutex_lock(&lock);
	struct aps_stoppable taken = live[i];
	live[i].object = NULL;
	pthread_mutex_unlock(&lock);
	return taken;
}

/* Those whose threads don't end in time stay. */
static void stop_all(int64_t timeout_ms)
{
	for (size_t i = 0; i < MAX_OBJECTS; i++) {
		struct aps_stoppable taken = take_at(i);
		if (taken.object != NULL && !taken.stop(taken.object, timeout_ms)) aps_process_add(taken);
	}
}

/* os.exit() without closing the state: stop the threads while the libraries under them still stand. */
static void at_exit(void)
{
	stop_all(EXIT_JOIN_MS);
}

/* However long a thread is busy with it: the library is about to be taken from under it. */
static void before_cleanup(void)
{
	stop_all(-1);
}

static void load_once(void)
{
	aps_pin_module();
	aps_tls_outlive_exit(before_cleanup);
}

void aps_process_load(void)
{
	static pthread_once_t loaded = PTHREAD_ONCE_INIT;
	pthread_once(&loaded, load_once);
}

static void init_once(void)
{
	init_rc = aps_net_global_init(&init_err);
	if (init_rc != APS_OK) return;
	if (pthread_atfork(NULL, NULL, after_fork_in_child) != 0 || atexit(at_exit) != 0)
		init_rc = aps_fail(&init_err, APS_E_NOMEM, "no memory for the fork and exit hooks");
}

enum aps_rc aps_process_init(struct aps_err *err)
{
	pthread_once(&once, init_once);
	if (init_rc != APS_OK && err != NULL) *err = init_err;
	return init_rc;
}

unsigned aps_process_generation(void)
{
	return atomic_load(&generation);
}

bool aps_process_add(struct aps_stoppable stoppable)
{
	bool is_added = false;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < MAX_OBJECTS && !is_added; i++)
		if (live[i].object == NULL) {
			live[i] = stoppable;
			is_added = true;
		}
	pthread_mutex_unlock(&lock);
	return is_added;
}

bool aps_process_take(const void *object)
{
	bool is_taken = false;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < MAX_OBJECTS && !is_taken; i++)
		if (live[i].object == object) {
			live[i].object = NULL;
			is_taken = true;
		}
	pthread_mutex_unlock(&lock);
	return is_taken;
}

/* Asked of the process, not of Lua: a program of another kind may have a global `ngx`, as a mock in its tests, and code
 * under nginx may have hidden it. nginx exports its symbols to its modules, this one since its first version. */
bool aps_process_is_nginx(void)
{
	return dlsym(RTLD_DEFAULT, "ngx_cycle") != NULL;
}

#include "client/process.h"

#include "base/mem.h"
#include "net/tls.h"
#include "rt/pin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define EXIT_JOIN_MS 2000
#define MAX_OBJECTS  256
#define MAX_CLAIMS   256

struct identity {
	dev_t device;
	ino_t number;
};

struct claimed {
	bool is_held;
	bool is_inherited; /* the parent holds it, or did */
	int fd;
	struct identity lock, store;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint generation;
static struct aps_stoppable live[MAX_OBJECTS]; /* object NULL: free */
static struct claimed claims[MAX_CLAIMS];
static atomic_int n_opening; /* stores that are being opened to be read; -1: one is being moved */
static enum aps_rc init_rc;
static struct aps_err init_err;

static void after_fork_in_child(void)
{
	atomic_fetch_add(&generation, 1);
	/* The parent's threads are not here, its objects are never touched again; the lock may have been held. */
	pthread_mutex_init(&lock, NULL);
	for (size_t i = 0; i < MAX_OBJECTS; i++) live[i].object = NULL;
	for (size_t i = 0; i < MAX_CLAIMS; i++) {
		claims[i].is_inherited = claims[i].is_inherited || claims[i].is_held;
		claims[i].is_held = false;
	}
	atomic_store(&n_opening, 0);
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

static bool is_same(struct identity a, struct identity b)
{
	return a.device == b.device && a.number == b.number;
}

/* Where there is none: an identity that no file has. *has_names: several. */
static struct identity identify(const char *path, bool *has_names)
{
	struct stat info;
	*has_names = false;
	if (path == NULL || stat(path, &info) != 0) return (struct identity){.number = 0};
	*has_names = info.st_nlink > 1;
	return (struct identity){info.st_dev, info.st_ino};
}

static struct claimed *find_claim(struct identity of_lock, struct identity of_store, bool is_inherited)
{
	for (size_t i = 0; i < MAX_CLAIMS; i++) {
		bool is_one = is_inherited ? claims[i].is_inherited : claims[i].is_held;
		bool is_known = of_lock.number != 0 && is_same(claims[i].lock, of_lock);
		is_known = is_known || (of_store.number != 0 && is_same(claims[i].store, of_store));
		if (is_one && is_known) return &claims[i];
	}
	return NULL;
}

static struct claimed *free_claim(void)
{
	size_t i = 0;
	while (i < MAX_CLAIMS && (claims[i].is_held || claims[i].is_inherited)) i++;
	return i < MAX_CLAIMS ? &claims[i] : NULL;
}

static enum aps_rc fail_file(int code, struct aps_err *err)
{
	bool is_out = code == EMFILE || code == ENFILE;
	bool is_readonly = code == EROFS || code == EACCES || code == EPERM;
	const char *word = is_out ? "descriptors" : is_readonly ? "readonly" : NULL;
	if (code == ENOSPC || code == EDQUOT) word = "full";
	return aps_fail_word(err, is_out ? APS_E_SYSTEM : APS_E_STORAGE, word, code,
	                     "its lock file can't be opened (%s)", strerror(code));
}

/* As SQLite has it with the files that it makes: else a store that root has opened once, or that a group shares, would
 * be nobody else's. What can't be given stays as it was made. */
static void give_to_owner(int fd, const char *store)
{
	struct stat info;
	if (store == NULL || stat(store, &info) != 0) return;
	bool is_given = fchown(fd, info.st_uid, info.st_gid) == 0 || fchown(fd, (uid_t)-1, info.st_gid) == 0;
	if (is_given) (void)fchmod(fd, info.st_mode & 0666);
}

static int open_or_make(const char *path, const char *store)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = open(path, flags | O_CREAT | O_EXCL, 0600);
	if (fd >= 0) give_to_owner(fd, store);
	return fd >= 0 || errno != EEXIST ? fd : open(path, flags);
}

static enum aps_rc open_file(const char *path, const char *store, struct claimed *claimed, struct aps_err *err)
{
	struct stat info;
	bool has_names;
	int fd = open_or_make(path, store);
	if (fd < 0) return fail_file(errno, err);
	if (fstat(fd, &info) != 0) {
		enum aps_rc rc = fail_file(errno, err);
		close(fd);
		return rc;
	}
	*claimed = (struct claimed){
	        .is_held = true, .fd = fd, .lock = {info.st_dev, info.st_ino}, .store = identify(store, &has_names)};
	return APS_OK;
}

/* A store is known by its lock file; and by itself where it may have another one, under another name. */
enum aps_rc aps_process_open_claim(const char *path, const char *store, struct aps_claim *claim, struct aps_err *err)
{
	bool has_names;
	enum aps_rc rc;
	*claim = (struct aps_claim){.fd = -1};
	pthread_mutex_lock(&lock);
	struct claimed *claimed = free_claim();
	struct identity of_store = identify(store, &has_names);
	if (!has_names) of_store.number = 0;
	struct identity of_lock = identify(path, &has_names);
	if (find_claim(of_lock, of_store, false) != NULL)
		rc = aps_fail_word(err, APS_E_STORAGE, "locked", 0,
		                   "this process has it open already, in another Lua state or under another name");
	else if (claimed == NULL)
		rc = aps_fail_word(err, APS_E_STORAGE, "locked", 0, "this process has %d stores open", MAX_CLAIMS);
	else
		rc = open_file(path, store, claimed, err);
	if (rc == APS_OK) claim->fd = claimed->fd;
	claim->is_inherited = find_claim(of_lock, of_store, true) != NULL;
	pthread_mutex_unlock(&lock);
	return rc;
}

enum aps_rc aps_process_claim(const char *path, struct aps_claim *claim, struct aps_err *err)
{
	enum aps_rc rc = aps_process_open_claim(path, NULL, claim, err);
	if (rc == APS_OK) rc = aps_claim_alone(claim, err);
	if (rc != APS_OK) aps_process_release(claim);
	return rc;
}

void aps_process_release(struct aps_claim *claim)
{
	if (claim->fd < 0) return;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < MAX_CLAIMS; i++)
		if (claims[i].is_held && claims[i].fd == claim->fd) claims[i].is_held = false;
	close(claim->fd);
	pthread_mutex_unlock(&lock);
	*claim = (struct aps_claim){.fd = -1};
}

bool aps_process_begin_opening(void)
{
	int n = atomic_load(&n_opening);
	while (n >= 0)
		if (atomic_compare_exchange_weak(&n_opening, &n, n + 1)) return true;
	return false;
}

void aps_process_end_opening(void)
{
	atomic_fetch_sub(&n_opening, 1);
}

bool aps_process_begin_moving(int64_t timeout_ms)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	int none = 0;
	while (!atomic_compare_exchange_strong(&n_opening, &none, -1)) {
		if (timeout_ms-- <= 0) return false;
		nanosleep(&moment, NULL);
		none = 0;
	}
	return true;
}

void aps_process_end_moving(void)
{
	atomic_store(&n_opening, 0);
}

unsigned aps_process_count_states(enum aps_state_group group, int change)
{
	static atomic_uint n_states[APS_STATE_GROUPS];
	return atomic_fetch_add(&n_states[group], (unsigned)change) + (unsigned)change;
}

/* Asked of the process, not of Lua: a program of another kind may have a global `ngx`, as a mock in its tests, and code
 * under nginx may have hidden it. nginx exports its symbols to its modules, this one since its first version. */
bool aps_process_is_nginx(void)
{
	return dlsym(RTLD_DEFAULT, "ngx_cycle") != NULL;
}

#include "faulty_vfs.h"

#include "lost_power.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OFF (-1)

/* What SQLite knows of it lies behind it. */
struct faulty_file {
	sqlite3_file methods;
	const char *path;       /* SQLite's own, valid until it is closed */
	struct disk_file *disk; /* NULL: a temporary file */
};

enum operation { WRITE, TRUNCATE, SYNC, REMOVE, MAKE };

static sqlite3_vfs *real_vfs;
static sqlite3_vfs vfs;
static int (*real_open_folder)(const char *, int *);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t let_through = PTHREAD_COND_INITIALIZER;
static sem_t signals;
static struct faulty_vfs_counts counts;

/* Numbers of operations are of all that were counted. */
static struct {
	int64_t seed, slow_ms, room;
	int64_t crash_at, readonly_from, error_at, n_errors, unreadable_at;
	int64_t n_passing; /* syncs that don't wait */
	char of[64];
} set = {.seed = 1,
         .slow_ms = 0,
         .room = OFF,
         .crash_at = OFF,
         .readonly_from = OFF,
         .error_at = OFF,
         .n_errors = 1,
         .unreadable_at = OFF,
         .n_passing = OFF};

static sqlite3_file *real_of(sqlite3_file *file)
{
	return (sqlite3_file *)((struct faulty_file *)file + 1);
}

static bool is_meant(const char *path)
{
	size_t n = strlen(path), n_of = strlen(set.of);
	return n >= n_of && strcmp(path + n - n_of, set.of) == 0;
}

/* "unix" gives errno as the reason of a failure. */
static int refuse(int code, int reason)
{
	errno = reason;
	counts.failures++;
	return code;
}

static int refuse_as(enum operation operation, int reason)
{
	static const int CODES[] = {[WRITE] = SQLITE_IOERR_WRITE,
	                            [TRUNCATE] = SQLITE_IOERR_TRUNCATE,
	                            [SYNC] = SQLITE_IOERR_FSYNC,
	                            [REMOVE] = SQLITE_IOERR_DELETE,
	                            [MAKE] = SQLITE_CANTOPEN};
	return refuse(CODES[operation], reason);
}

static bool is_read_only(void)
{
	return set.readonly_from != OFF && counts.operations >= set.readonly_from;
}

/* One more operation: what comes of it, before it is made. *is_end: the power goes at this one.
 * @param growth how many bytes it makes the file longer, or shorter */
static int count(enum operation operation, const char *path, int64_t growth, bool *is_end)
{
	*is_end = false;
	if (!is_meant(path)) return SQLITE_OK;
	int64_t number = ++counts.operations;
	if (operation == SYNC) counts.syncs++;
	*is_end = number == set.crash_at;
	if (set.error_at != OFF && number >= set.error_at && number - set.error_at < set.n_errors)
		return refuse_as(operation, EIO);
	if (is_read_only() && operation != SYNC) return refuse_as(operation, EROFS);
	if (set.room == OFF || growth == 0) return SQLITE_OK;
	if (growth > set.room) return refuse(SQLITE_FULL, ENOSPC);
	set.room -= growth;
	return SQLITE_OK;
}

static _Noreturn void end_process(void)
{
	disk_lose_power((uint64_t)set.seed, FAULTY_VFS_STATUS);
}

static int on_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	struct faulty_file *self = (struct faulty_file *)file;
	sqlite3_int64 size = 0;
	bool is_end;
	if (self->disk == NULL) return real_of(file)->pMethods->xWrite(real_of(file), bytes, n, at);
	pthread_mutex_lock(&lock);
	int rc = real_of(file)->pMethods->xFileSize(real_of(file), &size);
	if (rc == SQLITE_OK) rc = count(WRITE, self->path, at + n > size ? at + n - size : 0, &is_end);
	if (rc == SQLITE_OK) {
		disk_write(self->disk, at, bytes, (size_t)n);
		if (is_end) end_process();
		rc = real_of(file)->pMethods->xWrite(real_of(file), bytes, n, at);
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 to)
{
	struct faulty_file *self = (struct faulty_file *)file;
	sqlite3_int64 size = 0;
	bool is_end;
	if (self->disk == NULL) return real_of(file)->pMethods->xTruncate(real_of(file), to);
	pthread_mutex_lock(&lock);
	int rc = real_of(file)->pMethods->xFileSize(real_of(file), &size);
	if (rc == SQLITE_OK) rc = count(TRUNCATE, self->path, to - size, &is_end);
	if (rc == SQLITE_OK) {
		disk_truncate(self->disk, to);
		if (is_end) end_process();
		rc = real_of(file)->pMethods->xTruncate(real_of(file), to);
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

static void sleep_ms(int64_t ms)
{
	struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
	while (ms > 0 && nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

/* Whoever lets it through takes the lock meanwhile. */
static void await_turn(void)
{
	while (set.n_passing == 0) pthread_cond_wait(&let_through, &lock);
	if (set.n_passing > 0) set.n_passing--;
}

/* The others don't wait for one that is slow. */
static int on_sync(sqlite3_file *file, int flags)
{
	struct faulty_file *self = (struct faulty_file *)file;
	bool is_end;
	if (self->disk == NULL) return real_of(file)->pMethods->xSync(real_of(file), flags);
	pthread_mutex_lock(&lock);
	int rc = count(SYNC, self->path, 0, &is_end);
	int64_t ms = is_meant(self->path) ? set.slow_ms : 0;
	if (is_end) end_process();
	if (is_meant(self->path)) await_turn();
	pthread_mutex_unlock(&lock);
	sleep_ms(ms);
	if (rc != SQLITE_OK) return rc;
	pthread_mutex_lock(&lock);
	rc = real_of(file)->pMethods->xSync(real_of(file), flags);
	if (rc == SQLITE_OK) disk_sync(self->disk);
	pthread_mutex_unlock(&lock);
	return rc;
}

static int on_read(sqlite3_file *file, void *bytes, int n, sqlite3_int64 at)
{
	const struct faulty_file *self = (struct faulty_file *)file;
	int rc = SQLITE_OK;
	if (self->disk != NULL) {
		pthread_mutex_lock(&lock);
		if (is_meant(self->path) && ++counts.reads == set.unreadable_at) rc = refuse(SQLITE_IOERR_READ, EIO);
		pthread_mutex_unlock(&lock);
	}
	return rc == SQLITE_OK ? real_of(file)->pMethods->xRead(real_of(file), bytes, n, at) : rc;
}

static int on_close(sqlite3_file *file)
{
	return real_of(file)->pMethods->xClose(real_of(file));
}

static int on_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int on_lock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int on_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int on_check_lock(sqlite3_file *file, int *is_reserved)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), is_reserved);
}

static int on_control(sqlite3_file *file, int operation, void *argument)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int on_sector_size(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int on_characteristics(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int on_shm_map(sqlite3_file *file, int region, int n, int may_extend, void volatile **at)
{
	return real_of(file)->pMethods->xShmMap(real_of(file), region, n, may_extend, at);
}

static int on_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void on_shm_barrier(sqlite3_file *file)
{
	real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int on_shm_unmap(sqlite3_file *file, int must_remove)
{
	return real_of(file)->pMethods->xShmUnmap(real_of(file), must_remove);
}

/* Version 2: without xFetch() no page is read or written past these. */
static const sqlite3_io_methods METHODS = {.iVersion = 2,
                                           .xClose = on_close,
                                           .xRead = on_read,
                                           .xWrite = on_write,
                                           .xTruncate = on_truncate,
                                           .xSync = on_sync,
                                           .xFileSize = on_size,
                                           .xLock = on_lock,
                                           .xUnlock = on_unlock,
                                           .xCheckReservedLock = on_check_lock,
                                           .xFileControl = on_control,
                                           .xSectorSize = on_sector_size,
                                           .xDeviceCharacteristics = on_characteristics,
                                           .xShmMap = on_shm_map,
                                           .xShmLock = on_shm_lock,
                                           .xShmBarrier = on_shm_barrier,
                                           .xShmUnmap = on_shm_unmap};

/* A file that its user has made, empty, for SQLite to fill is new too: its name was settled by nobody. */
static int open_kept(const char *path, sqlite3_file *file, int flags, int *out_flags)
{
	struct faulty_file *self = (struct faulty_file *)file;
	struct stat found;
	bool is_there = stat(path, &found) == 0, is_end = false;
	bool is_new = !is_there || ((flags & SQLITE_OPEN_MAIN_DB) != 0 && found.st_size == 0);
	int rc = SQLITE_OK;
	if (!is_there && (flags & SQLITE_OPEN_CREATE) != 0) rc = count(MAKE, path, 0, &is_end);
	if (is_end) end_process();
	if (rc != SQLITE_OK) return rc;
	if (is_there && is_meant(path) && is_read_only()) {
		flags &= ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
		flags |= SQLITE_OPEN_READONLY;
	}
	rc = real_vfs->xOpen(real_vfs, path, real_of(file), flags, out_flags);
	if (rc == SQLITE_OK) self->disk = disk_open(path, is_new);
	return rc;
}

static int on_open(sqlite3_vfs *own, const char *path, sqlite3_file *file, int flags, int *out_flags)
{
	static const int KEPT =
	        SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
	struct faulty_file *self = (struct faulty_file *)file;
	int rc;
	(void)own;
	self->path = path;
	self->disk = NULL;
	self->methods.pMethods = NULL;
	if (path != NULL && (flags & KEPT) != 0 && (flags & SQLITE_OPEN_DELETEONCLOSE) == 0) {
		pthread_mutex_lock(&lock);
		rc = open_kept(path, file, flags, out_flags);
		pthread_mutex_unlock(&lock);
	} else {
		rc = real_vfs->xOpen(real_vfs, path, real_of(file), flags, out_flags);
	}
	if (rc == SQLITE_OK) self->methods.pMethods = &METHODS;
	return rc;
}

static int on_remove(sqlite3_vfs *own, const char *path, int must_sync)
{
	struct stat found;
	bool is_end = false;
	(void)own;
	if (stat(path, &found) != 0) return real_vfs->xDelete(real_vfs, path, must_sync);
	pthread_mutex_lock(&lock);
	int rc = count(REMOVE, path, -found.st_size, &is_end);
	if (rc == SQLITE_OK) {
		disk_remove(path);
		if (is_end) end_process();
		rc = real_vfs->xDelete(real_vfs, path, must_sync);
	}
	pthread_mutex_unlock(&lock);
	return rc;
}

/* "unix" opens a folder for nothing else than to synchronise it: in a sync, or a removal, so under the lock. */
static int on_open_folder(const char *path_in_it, int *fd)
{
	int rc = real_open_folder(path_in_it, fd);
	if (rc == SQLITE_OK) disk_sync_folder(path_in_it);
	return rc;
}

/* What isn't replaced is that of "unix", which looks at nothing in its VFS but the data of the application. */
void faulty_vfs_install(void)
{
	if (real_vfs != NULL) return;
	real_vfs = sqlite3_vfs_find("unix");
	if (real_vfs == NULL) abort();
	vfs = *real_vfs;
	vfs.zName = "faulty";
	vfs.szOsFile = (int)sizeof(struct faulty_file) + real_vfs->szOsFile;
	vfs.xOpen = on_open;
	vfs.xDelete = on_remove;
	real_open_folder = (int (*)(const char *, int *))real_vfs->xGetSystemCall(real_vfs, "openDirectory");
	if (real_vfs->xSetSystemCall(real_vfs, "openDirectory", (sqlite3_syscall_ptr)on_open_folder) != SQLITE_OK)
		abort();
	if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK) abort();
}

struct faulty_vfs_counts faulty_vfs_counts(void)
{
	pthread_mutex_lock(&lock);
	struct faulty_vfs_counts now = counts;
	pthread_mutex_unlock(&lock);
	return now;
}

_Noreturn void faulty_vfs_lose_power(void)
{
	pthread_mutex_lock(&lock);
	end_process();
}

static void on_signal(int number)
{
	(void)number;
	sem_post(&signals);
}

static void *wait_for_signal(void *context)
{
	while (sem_wait(&signals) != 0) continue;
	faulty_vfs_lose_power();
	return context;
}

/* A handler can't take the lock; a thread can. */
static void end_by_signal(void)
{
	static bool is_ready;
	pthread_t thread;
	sigset_t all, before;
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	if (is_ready) return;
	is_ready = true;
	sigfillset(&all);
	if (sem_init(&signals, 0, 0) != 0) abort();
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, wait_for_signal, NULL) != 0) abort();
	pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	sigaction(SIGUSR2, &action, NULL);
}

static bool set_text(const char *value)
{
	size_t n = strcspn(value, ", ");
	if (n >= sizeof(set.of)) return false;
	memcpy(set.of, value, n);
	set.of[n] = '\0';
	return true;
}

static bool is_word(const char *value, const char *word)
{
	size_t n = strcspn(value, ", ");
	return n == strlen(word) && memcmp(value, word, n) == 0;
}

/* @param base what the number is added to */
static bool set_number(const char *value, int64_t base, int64_t off, int64_t *to)
{
	char *end;
	long long number = strtoll(value, &end, 10);
	bool is_off = is_word(value, "off");
	if (!is_off && (end == value || number < 0 || strchr(", ", *end) == NULL)) return false;
	*to = is_off ? off : base + number;
	return true;
}

static bool set_crash(const char *value)
{
	if (is_word(value, "now")) end_process();
	if (!is_word(value, "signal")) return set_number(value, counts.operations, OFF, &set.crash_at);
	end_by_signal();
	return true;
}

static bool set_one(const char *name, size_t n, const char *value)
{
	const struct {
		const char *name;
		int64_t base, off, *to;
	} numbers[] = {
	        {"seed", 0, 1, &set.seed},
	        {"slow", 0, 0, &set.slow_ms},
	        {"full", 0, OFF, &set.room},
	        {"readonly", counts.operations, OFF, &set.readonly_from},
	        {"error", counts.operations, OFF, &set.error_at},
	        {"errors", 0, 1, &set.n_errors},
	        {"unreadable", counts.reads, OFF, &set.unreadable_at},
	        {"hold", 0, OFF, &set.n_passing},
	};
	if (n == 2 && memcmp(name, "of", n) == 0) return set_text(is_word(value, "off") ? "" : value);
	if (n == 5 && memcmp(name, "crash", n) == 0) return set_crash(value);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strlen(numbers[i].name) == n && memcmp(numbers[i].name, name, n) == 0)
			return set_number(value, numbers[i].base, numbers[i].off, numbers[i].to);
	return false;
}

bool faulty_vfs_set(const char *settings)
{
	bool is_right = true;
	pthread_mutex_lock(&lock);
	for (const char *at = settings; is_right && *(at += strspn(at, ", ")) != '\0'; at += strcspn(at, ", ")) {
		size_t n = strcspn(at, "=, ");
		is_right = at[n] == '=' && set_one(at, n, at + n + 1);
	}
	pthread_cond_broadcast(&let_through);
	pthread_mutex_unlock(&lock);
	return is_right;
}

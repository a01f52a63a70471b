/* The lock is flock's: it ends with its process, however that ends, and keeps others of the same process out as well. A
 * child process has it too, until it ends or becomes another program: the folder is swept later then.
 *
 *    maker                                 sweeper
 *    makes the folder                      no lock file: takes the folder away if it is empty
 *    makes the lock file  --gone: again    has a lock file: tries to lock it, and only then empties the folder,
 *    locks it             --held: again    the lock file last
 *    looks whether it still has a name  --no: again */
#include "store/scratch.h"

#include "base/mem.h"
#include "store/db_error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "lua-appsync-"
#define LOCK   "lock"
#define FILE_  "store.db"
#define TRIES  16

struct aps_scratch {
	char *folder;
	char *path;
	int lock; /* -1: it was removed */
	pid_t process;
};

static char *join(const char *folder, const char *name)
{
	size_t n = strlen(folder) + 1 + strlen(name);
	char *path = aps_malloc(n + 1);
	if (path != NULL) snprintf(path, n + 1, "%s/%s", folder, name);
	return path;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* The entries of a folder, which is given away; NULL: there are none to be had. */
static DIR *entries_of(int folder)
{
	DIR *entries = fdopendir(folder);
	if (entries == NULL) close(folder);
	return entries;
}

static int open_folder(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* All but the lock file. */
static void remove_files(int parent, const char *name)
{
	DIR *entries;
	int folder = open_folder(parent, name);
	if (folder < 0 || (entries = entries_of(folder)) == NULL) return;
	for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
		if (!is_dots(entry->d_name) && strcmp(entry->d_name, LOCK) != 0)
			unlinkat(dirfd(entries), entry->d_name, 0);
	closedir(entries);
}

/* Its lock is the caller's. */
static void remove_locked(int parent, const char *name)
{
	remove_files(parent, name);
	int folder = open_folder(parent, name);
	if (folder >= 0) {
		unlinkat(folder, LOCK, 0);
		close(folder);
	}
	unlinkat(parent, name, AT_REMOVEDIR);
}

/* Somebody else's, or what isn't as we make them, isn't ours to remove. */
static bool is_own(int folder)
{
	struct stat found;
	return fstat(folder, &found) == 0 && found.st_uid == geteuid() && (found.st_mode & 0777) == 0700;
}

static void sweep_one(int parent, const char *name)
{
	int folder = open_folder(parent, name);
	if (folder < 0) return;
	bool is_ours = is_own(folder);
	int lock = is_ours ? openat(folder, LOCK, O_RDWR | O_NOFOLLOW | O_CLOEXEC) : -1;
	bool has_none = is_ours && lock < 0 && errno == ENOENT;
	close(folder);
	if (has_none)
		unlinkat(parent, name, AT_REMOVEDIR);
	else if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
		remove_locked(parent, name);
	if (lock >= 0) close(lock);
}

void aps_scratch_sweep(const char *parent)
{
	DIR *entries;
	int folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || (entries = entries_of(folder)) == NULL) return;
	for (struct dirent *entry; (entry = readdir(entries)) != NULL;)
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0) sweep_one(dirfd(entries), entry->d_name);
	closedir(entries);
}

void aps_scratch_sweep_beside(const struct aps_scratch *scratch)
{
	char *parent = aps_strndup(scratch->folder, (size_t)(strrchr(scratch->folder, '/') - scratch->folder));
	if (parent != NULL) aps_scratch_sweep(parent);
	aps_free(parent);
}

/* False with errno: a sweeper was faster (EAGAIN), or it can't be made. */
static bool lock_folder(struct aps_scratch *scratch)
{
	struct stat found;
	char *path = join(scratch->folder, LOCK);
	if (path == NULL) {
		errno = ENOMEM;
		return false;
	}
	int lock = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int code = lock < 0 ? (errno == ENOENT ? EAGAIN : errno) : 0;
	aps_free(path);
	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) code = EAGAIN;
	if (lock >= 0 && (fstat(lock, &found) != 0 || found.st_nlink == 0)) code = EAGAIN;
	if (code == 0) {
		scratch->lock = lock;
		return true;
	}
	if (lock >= 0) close(lock);
	errno = code;
	return false;
}

static bool make_folder(struct aps_scratch *scratch, const char *parent)
{
	aps_free(scratch->folder);
	scratch->folder = join(parent, PREFIX "XXXXXX");
	if (scratch->folder == NULL) {
		errno = ENOMEM;
		return false;
	}
	if (mkdtemp(scratch->folder) == NULL) return false;
	if (lock_folder(scratch)) return true;
	int code = errno;
	rmdir(scratch->folder);
	errno = code;
	return false;
}

static void fail(const char *parent, int code, struct aps_err *err)
{
	struct aps_db_fault fault = aps_db_fault_of(SQLITE_CANTOPEN, code);
	aps_fail_word(err, fault.rc, fault.word, code, "no folder for a store in memory can be made in %s (%s)", parent,
	              strerror(code));
}

static void free_scratch(struct aps_scratch *scratch)
{
	aps_free(scratch->folder);
	aps_free(scratch->path);
	aps_free(scratch);
}

struct aps_scratch *aps_scratch_new(const char *parent, struct aps_err *err)
{
	struct aps_scratch *scratch = aps_calloc(1, sizeof *scratch);
	if (scratch == NULL) {
		fail(parent, ENOMEM, err);
		return NULL;
	}
	scratch->lock = -1;
	scratch->process = getpid();
	bool is_made = false;
	for (int i = 0; i < TRIES && !is_made; i++) {
		is_made = make_folder(scratch, parent);
		if (!is_made && errno != EAGAIN) break;
	}
	int code = errno;
	if (is_made) {
		scratch->path = join(scratch->folder, FILE_);
		if (scratch->path != NULL) return scratch;
		code = ENOMEM;
		aps_scratch_remove(scratch);
	}
	free_scratch(scratch);
	fail(parent, code, err);
	return NULL;
}

const char *aps_scratch_path(const struct aps_scratch *scratch)
{
	return scratch->path;
}

void aps_scratch_remove(struct aps_scratch *scratch)
{
	if (scratch->lock < 0) return;
	if (scratch->process == getpid()) remove_locked(AT_FDCWD, scratch->folder);
	close(scratch->lock);
	scratch->lock = -1;
}

void aps_scratch_free(struct aps_scratch *scratch)
{
	if (scratch == NULL) return;
	aps_scratch_remove(scratch);
	free_scratch(scratch);
}

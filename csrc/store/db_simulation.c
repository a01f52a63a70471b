#include "store/db_simulation.h"

#include "base/mem.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGION_BYTES 32768 /* of a log's index: SQLite asks for no others */
#define MAX_REGIONS  64    /* 4,096 pages of the log each; it is folded into the file at 1,000 */
#define FIRST_BYTES  65536

enum kind { MAIN, LOG, JOURNAL, N_KINDS };

static const char *const SUFFIXES[N_KINDS] = {[MAIN] = "", [LOG] = "-wal", [JOURNAL] = "-journal"};

struct bytes {
	unsigned char *p;
	size_t n, n_room;
	bool is_there;
};

struct copy {
	struct bytes files[N_KINDS];
	struct bytes regions;
};

struct handle;

/* One store. Its connections are of one thread, which never waits for itself: nothing here does. */
struct simulation {
	sqlite3_vfs vfs;
	sqlite3_vfs *system;
	char name[40];
	char *paths[2]; /* as it was given, and without links */
	struct bytes files[N_KINDS];
	unsigned char *regions[MAX_REGIONS];
	size_t n_regions, n_mapped; /* handles that use them */
	size_t n_shared;            /* handles with a lock of the file */
	struct handle *writer;      /* with more than a shared one */
	unsigned n_readers[SQLITE_SHM_NLOCK], excluded;
	struct copy copies[APS_DB_COPY_COUNT];
};

struct handle {
	sqlite3_file methods;
	struct simulation *simulation;
	enum kind kind;
	int level;
	unsigned shared, exclusive; /* locks of the log's index, by bit */
	bool is_mapped;
};

static _Thread_local struct simulation *simulated;

static struct bytes *bytes_of(sqlite3_file *file)
{
	struct handle *handle = (struct handle *)file;
	return &handle->simulation->files[handle->kind];
}

static bool reserve(struct bytes *bytes, size_t n)
{
	size_t n_room = bytes->n_room != 0 ? bytes->n_room : FIRST_BYTES;
	while (n_room < n) n_room *= 2;
	if (n_room == bytes->n_room) return true;
	unsigned char *p = aps_realloc(bytes->p, n_room);
	if (p == NULL) return false;
	bytes->p = p;
	bytes->n_room = n_room;
	return true;
}

static bool resize(struct bytes *bytes, size_t n)
{
	if (!reserve(bytes, n)) return false;
	if (n > bytes->n) memset(bytes->p + bytes->n, 0, n - bytes->n);
	bytes->n = n;
	return true;
}

static bool copy_bytes(struct bytes *to, const struct bytes *from)
{
	if (!reserve(to, from->n)) return false;
	if (from->n != 0) memcpy(to->p, from->p, from->n);
	to->n = from->n;
	to->is_there = from->is_there;
	return true;
}

/* https://www.sqlite.org/c3ref/io_methods.html, in its order. */
static int unlock_file(sqlite3_file *file, int level);
static int unmap_index(sqlite3_file *file, int is_deleted);

static int close_file(sqlite3_file *file)
{
	unmap_index(file, 0);
	return unlock_file(file, SQLITE_LOCK_NONE);
}

static int read_file(sqlite3_file *file, void *to, int n, sqlite3_int64 offset)
{
	const struct bytes *bytes = bytes_of(file);
	size_t at = (size_t)offset, n_left = at < bytes->n ? bytes->n - at : 0;
	size_t n_read = n_left < (size_t)n ? n_left : (size_t)n;
	if (n_read != 0) memcpy(to, bytes->p + at, n_read);
	memset((char *)to + n_read, 0, (size_t)n - n_read);
	return n_read == (size_t)n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int write_file(sqlite3_file *file, const void *from, int n, sqlite3_int64 offset)
{
	struct bytes *bytes = bytes_of(file);
	size_t at = (size_t)offset, end = at + (size_t)n;
	if (!reserve(bytes, end) || (at > bytes->n && !resize(bytes, at))) return SQLITE_IOERR_NOMEM;
	if (end > bytes->n) bytes->n = end;
	memcpy(bytes->p + offset, from, (size_t)n);
	return SQLITE_OK;
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 n)
{
	return resize(bytes_of(file), (size_t)n) ? SQLITE_OK : SQLITE_IOERR_NOMEM;
}

static int sync_file(sqlite3_file *file, int flags)
{
	(void)file, (void)flags;
	return SQLITE_OK;
}

static int tell_size(sqlite3_file *file, sqlite3_int64 *n)
{
	*n = (sqlite3_int64)bytes_of(file)->n;
	return SQLITE_OK;
}

static int lock_file(sqlite3_file *file, int level)
{
	struct handle *handle = (struct handle *)file;
	struct simulation *at = handle->simulation;
	if (handle->level >= level) return SQLITE_OK;
	if (level == SQLITE_LOCK_SHARED) {
		if (at->writer != NULL && at->writer->level >= SQLITE_LOCK_PENDING) return SQLITE_BUSY;
		at->n_shared++;
		handle->level = level;
		return SQLITE_OK;
	}
	if (at->writer != NULL && at->writer != handle) return SQLITE_BUSY;
	at->writer = handle;
	handle->level = level == SQLITE_LOCK_RESERVED ? level : SQLITE_LOCK_PENDING;
	if (level == SQLITE_LOCK_EXCLUSIVE) {
		if (at->n_shared > 1) return SQLITE_BUSY;
		handle->level = level;
	}
	return SQLITE_OK;
}

static int unlock_file(sqlite3_file *file, int level)
{
	struct handle *handle = (struct handle *)file;
	struct simulation *at = handle->simulation;
	if (handle->level <= level) return SQLITE_OK;
	if (at->writer == handle) at->writer = NULL;
	if (level == SQLITE_LOCK_NONE) at->n_shared--;
	handle->level = level;
	return SQLITE_OK;
}

static int has_writer(sqlite3_file *file, int *has)
{
	*has = ((struct handle *)file)->simulation->writer != NULL;
	return SQLITE_OK;
}

static int control_file(sqlite3_file *file, int operation, void *argument)
{
	(void)file, (void)operation, (void)argument;
	return SQLITE_NOTFOUND;
}

static int sector_bytes(sqlite3_file *file)
{
	(void)file;
	return 4096;
}

static int describe_device(sqlite3_file *file)
{
	(void)file;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int map_index(sqlite3_file *file, int region, int n_bytes, int may_extend, void volatile **p)
{
	struct handle *handle = (struct handle *)file;
	struct simulation *at = handle->simulation;
	*p = NULL;
	if (region >= MAX_REGIONS || n_bytes != REGION_BYTES) return SQLITE_IOERR_SHMMAP;
	if (!handle->is_mapped) at->n_mapped++;
	handle->is_mapped = true;
	while (may_extend && at->n_regions <= (size_t)region) {
		unsigned char *made = aps_calloc(1, REGION_BYTES);
		if (made == NULL) return SQLITE_IOERR_NOMEM;
		at->regions[at->n_regions++] = made;
	}
	if ((size_t)region < at->n_regions) *p = at->regions[region];
	return SQLITE_OK;
}

static void unlock_index(struct handle *handle, unsigned mask)
{
	struct simulation *at = handle->simulation;
	for (unsigned i = 0; i < SQLITE_SHM_NLOCK; i++)
		if ((handle->shared & mask & 1U << i) != 0) at->n_readers[i]--;
	at->excluded &= ~(handle->exclusive & mask);
	handle->shared &= ~mask;
	handle->exclusive &= ~mask;
}

static int lock_index(sqlite3_file *file, int offset, int n, int flags)
{
	struct handle *handle = (struct handle *)file;
	struct simulation *at = handle->simulation;
	unsigned mask = ((1U << n) - 1) << offset;
	if ((flags & SQLITE_SHM_UNLOCK) != 0) {
		unlock_index(handle, mask);
		return SQLITE_OK;
	}
	if ((at->excluded & mask & ~handle->exclusive) != 0) return SQLITE_BUSY;
	if ((flags & SQLITE_SHM_SHARED) != 0) {
		if ((handle->shared & mask) == 0) at->n_readers[offset]++;
		handle->shared |= mask;
		return SQLITE_OK;
	}
	for (unsigned i = 0; i < SQLITE_SHM_NLOCK; i++)
		if ((mask & 1U << i) != 0 && at->n_readers[i] > (handle->shared >> i & 1U)) return SQLITE_BUSY;
	at->excluded |= mask;
	handle->exclusive |= mask;
	return SQLITE_OK;
}

static void order_index(sqlite3_file *file)
{
	(void)file;
}

static int unmap_index(sqlite3_file *file, int is_deleted)
{
	struct handle *handle = (struct handle *)file;
	struct simulation *at = handle->simulation;
	(void)is_deleted;
	unlock_index(handle, (1U << SQLITE_SHM_NLOCK) - 1);
	if (!handle->is_mapped) return SQLITE_OK;
	handle->is_mapped = false;
	if (--at->n_mapped != 0) return SQLITE_OK;
	while (at->n_regions != 0) aps_free(at->regions[--at->n_regions]);
	return SQLITE_OK;
}

static const sqlite3_io_methods METHODS = {
        .iVersion = 2,
        .xClose = close_file,
        .xRead = read_file,
        .xWrite = write_file,
        .xTruncate = truncate_file,
        .xSync = sync_file,
        .xFileSize = tell_size,
        .xLock = lock_file,
        .xUnlock = unlock_file,
        .xCheckReservedLock = has_writer,
        .xFileControl = control_file,
        .xSectorSize = sector_bytes,
        .xDeviceCharacteristics = describe_device,
        .xShmMap = map_index,
        .xShmLock = lock_index,
        .xShmBarrier = order_index,
        .xShmUnmap = unmap_index,
};

static bool is_of(const struct simulation *at, const char *name, enum kind kind)
{
	for (int i = 0; i < 2; i++) {
		size_t n = strlen(at->paths[i]);
		if (strncmp(name, at->paths[i], n) == 0 && strcmp(name + n, SUFFIXES[kind]) == 0) return true;
	}
	return false;
}

/* N_KINDS: it is none of the store's. */
static enum kind kind_of(const struct simulation *at, const char *name)
{
	enum kind kind = MAIN;
	while (name != NULL && kind < N_KINDS && !is_of(at, name, kind)) kind++;
	return name != NULL ? kind : N_KINDS;
}

/* Names of what isn't the store's, and temporary files, are the system's. */
static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *got)
{
	struct simulation *at = vfs->pAppData;
	enum kind kind = kind_of(at, name);
	if (kind == N_KINDS) return at->system->xOpen(at->system, name, file, flags, got);
	file->pMethods = NULL;
	if (!at->files[kind].is_there && (flags & SQLITE_OPEN_CREATE) == 0 && kind != MAIN) return SQLITE_CANTOPEN;
	*(struct handle *)file = (struct handle){.methods.pMethods = &METHODS, .simulation = at, .kind = kind};
	at->files[kind].is_there = true;
	if (got != NULL) *got = flags;
	return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int is_synced)
{
	struct simulation *at = vfs->pAppData;
	enum kind kind = kind_of(at, name);
	if (kind == N_KINDS) return at->system->xDelete(at->system, name, is_synced);
	if (!at->files[kind].is_there) return SQLITE_IOERR_DELETE_NOENT;
	at->files[kind].is_there = false;
	at->files[kind].n = 0;
	return SQLITE_OK;
}

static int access_file(sqlite3_vfs *vfs, const char *name, int flags, int *can)
{
	struct simulation *at = vfs->pAppData;
	enum kind kind = kind_of(at, name);
	if (kind == N_KINDS) return at->system->xAccess(at->system, name, flags, can);
	*can = at->files[kind].is_there && (flags != SQLITE_ACCESS_EXISTS || at->files[kind].n != 0);
	return SQLITE_OK;
}

static int name_file(sqlite3_vfs *vfs, const char *name, int n_room, char *full)
{
	struct simulation *at = vfs->pAppData;
	if (kind_of(at, name) == N_KINDS) return at->system->xFullPathname(at->system, name, n_room, full);
	int n = snprintf(full, (size_t)n_room, "%s", name);
	return n < n_room ? SQLITE_OK : SQLITE_CANTOPEN;
}

static void free_simulation(struct simulation *at)
{
	for (int i = 0; i < 2; i++) aps_free(at->paths[i]);
	for (int kind = 0; kind < N_KINDS; kind++) aps_free(at->files[kind].p);
	for (int which = 0; which < APS_DB_COPY_COUNT; which++) {
		for (int kind = 0; kind < N_KINDS; kind++) aps_free(at->copies[which].files[kind].p);
		aps_free(at->copies[which].regions.p);
	}
	aps_free(at);
}

static bool take_paths(struct simulation *at, const char *path)
{
	char *real = realpath(path, NULL);
	const char *other = real != NULL ? real : path;
	at->paths[0] = aps_strndup(path, strlen(path));
	at->paths[1] = aps_strndup(other, strlen(other));
	free(real);
	return at->paths[0] != NULL && at->paths[1] != NULL;
}

/* Its clock, its chance and its names are the system's. */
static bool add_vfs(struct simulation *at)
{
	if ((at->system = sqlite3_vfs_find(NULL)) == NULL) return false;
	at->vfs = *at->system;
	snprintf(at->name, sizeof at->name, "appsync-%p", (void *)at);
	at->vfs.zName = at->name;
	at->vfs.pAppData = at;
	if (at->vfs.szOsFile < (int)sizeof(struct handle)) at->vfs.szOsFile = (int)sizeof(struct handle);
	at->vfs.xOpen = open_file;
	at->vfs.xDelete = delete_file;
	at->vfs.xAccess = access_file;
	at->vfs.xFullPathname = name_file;
	return sqlite3_vfs_register(&at->vfs, 0) == SQLITE_OK;
}

enum aps_rc aps_db_simulation_begin(const char *path, struct aps_err *err)
{
	if (simulated != NULL) return aps_fail(err, APS_E_USAGE, "this thread has a simulated store");
	struct simulation *at = aps_calloc(1, sizeof *at);
	if (at != NULL && take_paths(at, path) && add_vfs(at)) {
		simulated = at;
		return APS_OK;
	}
	if (at != NULL) free_simulation(at);
	return aps_fail(err, APS_E_NOMEM, "no memory for a simulated store");
}

void aps_db_simulation_end(void)
{
	if (simulated == NULL) return;
	sqlite3_vfs_unregister(&simulated->vfs);
	free_simulation(simulated);
	simulated = NULL;
}

const char *aps_db_simulation_vfs(const char *path)
{
	return simulated != NULL && is_of(simulated, path, MAIN) ? simulated->name : NULL;
}

enum aps_rc aps_db_simulation_keep(enum aps_db_copy which, struct aps_err *err)
{
	if (simulated == NULL) return aps_fail(err, APS_E_USAGE, "this thread has no simulated store");
	struct copy *copy = &simulated->copies[which];
	bool is_kept = resize(&copy->regions, simulated->n_regions * REGION_BYTES);
	for (int kind = 0; kind < N_KINDS; kind++)
		is_kept = is_kept && copy_bytes(&copy->files[kind], &simulated->files[kind]);
	if (!is_kept) return aps_fail(err, APS_E_NOMEM, "no memory for a copy of a simulated store");
	for (size_t i = 0; i < simulated->n_regions; i++)
		memcpy(copy->regions.p + i * REGION_BYTES, simulated->regions[i], REGION_BYTES);
	return APS_OK;
}

/* Connections have the index mapped: it stays where it is. What it says tells them that others have written. */
enum aps_rc aps_db_simulation_put(enum aps_db_copy which, struct aps_err *err)
{
	if (simulated == NULL) return aps_fail(err, APS_E_USAGE, "this thread has no simulated store");
	const struct copy *copy = &simulated->copies[which];
	if (!copy->files[MAIN].is_there) return aps_fail(err, APS_E_USAGE, "no such copy was kept");
	for (int kind = 0; kind < N_KINDS; kind++)
		if (!copy_bytes(&simulated->files[kind], &copy->files[kind]))
			return aps_fail(err, APS_E_NOMEM, "no memory for a simulated store");
	for (size_t i = 0; i < simulated->n_regions; i++) {
		bool is_kept = (i + 1) * REGION_BYTES <= copy->regions.n;
		if (is_kept)
			memcpy(simulated->regions[i], copy->regions.p + i * REGION_BYTES, REGION_BYTES);
		else
			memset(simulated->regions[i], 0, REGION_BYTES);
	}
	return APS_OK;
}

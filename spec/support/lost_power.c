#include "lost_power.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A write, or a truncation: there `after` is NULL. */
struct change {
	struct change *next, *previous;
	int64_t at, old_size;
	size_t n_before, n_after;
	unsigned char *before, *after;
};

struct disk_file {
	struct disk_file *next;
	dev_t device;
	ino_t node;
	int fd;
	struct change *first, *last; /* since it was synchronised */
};

/* A name that was made or removed. */
struct name_change {
	struct name_change *next;
	char *path;
	struct disk_file *file;
	bool is_removed, is_done;
};

static struct disk_file *files;
static struct name_change *first_name, *last_name;

static void give_up(const char *what)
{
	fprintf(stderr, "lost_power: %s: %s\n", what, strerror(errno));
	abort();
}

static void *allocate(size_t n)
{
	void *block = calloc(1, n > 0 ? n : 1);
	if (block == NULL) give_up("calloc");
	return block;
}

static int64_t size_of(const struct disk_file *file)
{
	struct stat found;
	if (fstat(file->fd, &found) != 0) give_up("fstat");
	return found.st_size;
}

/* How many of them are there. */
static size_t read_all(const struct disk_file *file, int64_t at, unsigned char *bytes, size_t n)
{
	size_t done = 0;
	while (done < n) {
		ssize_t got = pread(file->fd, bytes + done, n - done, (off_t)at + (off_t)done);
		if (got < 0) give_up("pread");
		if (got == 0) break;
		done += (size_t)got;
	}
	return done;
}

static void write_all(const struct disk_file *file, int64_t at, const unsigned char *bytes, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t put = pwrite(file->fd, bytes + done, n - done, (off_t)at + (off_t)done);
		if (put < 0) give_up("pwrite");
		done += (size_t)put;
	}
}

static void set_size(const struct disk_file *file, int64_t size)
{
	if (ftruncate(file->fd, (off_t)size) != 0) give_up("ftruncate");
}

static void add_name_change(const char *path, struct disk_file *file, bool is_removed)
{
	struct name_change *change = allocate(sizeof(*change));
	change->path = strdup(path);
	if (change->path == NULL) give_up("strdup");
	change->file = file;
	change->is_removed = is_removed;
	if (last_name != NULL)
		last_name->next = change;
	else
		first_name = change;
	last_name = change;
}

static struct disk_file *find_file(const struct stat *found)
{
	struct disk_file *file = files;
	while (file != NULL && (file->device != found->st_dev || file->node != found->st_ino)) file = file->next;
	return file;
}

struct disk_file *disk_open(const char *path, bool is_new)
{
	struct stat found;
	if (stat(path, &found) != 0 || !S_ISREG(found.st_mode)) return NULL;
	struct disk_file *file = find_file(&found);
	if (file == NULL) {
		int fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0) fd = open(path, O_RDONLY | O_CLOEXEC); /* then nothing is written either */
		if (fd < 0) return NULL;
		file = allocate(sizeof(*file));
		file->device = found.st_dev;
		file->node = found.st_ino;
		file->fd = fd;
		file->next = files;
		files = file;
		if (is_new) add_name_change(path, file, false);
	}
	return file;
}

static struct change *add_change(struct disk_file *file, int64_t at, size_t n_before)
{
	struct change *change = allocate(sizeof(*change));
	change->at = at;
	change->old_size = size_of(file);
	change->before = allocate(n_before);
	change->n_before = read_all(file, at, change->before, n_before);
	change->previous = file->last;
	if (file->last != NULL)
		file->last->next = change;
	else
		file->first = change;
	file->last = change;
	return change;
}

void disk_write(struct disk_file *file, int64_t at, const void *bytes, size_t n)
{
	struct change *change = add_change(file, at, n);
	change->after = allocate(n);
	change->n_after = n;
	memcpy(change->after, bytes, n);
}

void disk_truncate(struct disk_file *file, int64_t size)
{
	int64_t now = size_of(file);
	(void)add_change(file, size, now > size ? (size_t)(now - size) : 0);
}

void disk_remove(const char *path)
{
	struct disk_file *file = disk_open(path, false);
	if (file != NULL) add_name_change(path, file, true);
}

void disk_sync(struct disk_file *file)
{
	while (file->first != NULL) {
		struct change *change = file->first;
		file->first = change->next;
		free(change->before);
		free(change->after);
		free(change);
	}
	file->last = NULL;
}

static size_t folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? (size_t)(slash - path) : 0;
}

static void free_name_change(struct name_change *change)
{
	free(change->path);
	free(change);
}

void disk_sync_folder(const char *path_in_it)
{
	struct name_change **at = &first_name;
	size_t n = folder_length(path_in_it);
	last_name = NULL;
	while (*at != NULL) {
		struct name_change *change = *at;
		if (folder_length(change->path) != n || strncmp(change->path, path_in_it, n) != 0) {
			last_name = change;
			at = &change->next;
			continue;
		}
		*at = change->next;
		free_name_change(change);
	}
}

/* Vigna's splitmix64: any seed is a good one. */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* `percent`: how many of a hundred get through. */
static bool gets_through(uint64_t *state, unsigned percent)
{
	return draw(state) % 100 < percent;
}

static void apply_torn(const struct disk_file *file, const struct change *change, uint64_t *state)
{
	for (size_t done = 0; done < change->n_after;) {
		size_t offset = (size_t)((uint64_t)change->at + done) % LOST_POWER_SECTOR;
		size_t n = LOST_POWER_SECTOR - offset;
		if (n > change->n_after - done) n = change->n_after - done;
		if (gets_through(state, 50)) write_all(file, change->at + (int64_t)done, change->after + done, n);
		done += n;
	}
}

/* Some of the changes, in their order. What isn't applied of a longer file are zeros, or its end. */
static void settle_file(struct disk_file *file, uint64_t *state)
{
	static const unsigned SHARES[] = {0, 10, 50, 90, 100};
	unsigned share = SHARES[draw(state) % 5];
	for (struct change *change = file->last; change != NULL; change = change->previous) {
		write_all(file, change->at, change->before, change->n_before);
		set_size(file, change->old_size);
	}
	for (struct change *change = file->first; change != NULL; change = change->next) {
		if (!gets_through(state, share)) continue;
		if (change->after == NULL)
			set_size(file, change->at);
		else if (share == 100 || gets_through(state, 70))
			write_all(file, change->at, change->after, change->n_after);
		else
			apply_torn(file, change, state);
	}
	disk_sync(file);
}

static bool is_at(const char *path, const struct disk_file *file)
{
	struct stat found;
	return stat(path, &found) == 0 && found.st_dev == file->device && found.st_ino == file->node;
}

/* A file that was removed comes back as a copy: nothing else has its name any more. Not where its folder is gone too.
 */
static void put_back(const char *path, const struct disk_file *file)
{
	struct disk_file copy = {.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
	unsigned char block[4096];
	int64_t at = 0;
	size_t n;
	if (copy.fd < 0 && errno == ENOENT) return;
	if (copy.fd < 0) give_up(path);
	while ((n = read_all(file, at, block, sizeof(block))) > 0) {
		write_all(&copy, at, block, n);
		at += (int64_t)n;
	}
	close(copy.fd);
}

/* The first of what happened to a name, as far as the disk has it: any number of them. A name that something else has
 * by now (who renames a file tells nothing of it) is left alone. */
static void settle_name(struct name_change *first, uint64_t *state)
{
	struct disk_file *before = first->is_removed ? first->file : NULL, *now = NULL, *kept = before;
	unsigned n_changes = 0, n_kept;
	for (struct name_change *change = first; change != NULL; change = change->next) {
		if (strcmp(change->path, first->path) != 0) continue;
		now = change->is_removed ? NULL : change->file;
		n_changes++;
	}
	n_kept = (unsigned)(draw(state) % (n_changes + 1));
	for (struct name_change *change = first; change != NULL; change = change->next) {
		if (strcmp(change->path, first->path) != 0) continue;
		change->is_done = true;
		if (n_kept == 0) continue;
		kept = change->is_removed ? NULL : change->file;
		n_kept--;
	}
	if (kept == now || (now != NULL && !is_at(first->path, now)) || (now == NULL && access(first->path, F_OK) == 0))
		return;
	if (now != NULL) unlink(first->path);
	if (kept != NULL) put_back(first->path, kept);
}

void disk_settle(uint64_t seed)
{
	uint64_t state = seed;
	for (struct disk_file *file = files; file != NULL; file = file->next) settle_file(file, &state);
	for (struct name_change *change = first_name; change != NULL; change = change->next)
		if (!change->is_done) settle_name(change, &state);
	while (first_name != NULL) {
		struct name_change *change = first_name;
		first_name = change->next;
		free_name_change(change);
	}
	last_name = NULL;
}

_Noreturn void disk_lose_power(uint64_t seed, int status)
{
	disk_settle(seed);
	_exit(status);
}

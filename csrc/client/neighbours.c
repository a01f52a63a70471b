#include "client/neighbours.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEM       "-wake-"
#define SLOT_CHARS 8

struct path {
	char text[sizeof((struct aps_door *)0)->path + SLOT_CHARS];
};

void aps_neighbours_init(struct aps_neighbours *neighbours)
{
	*neighbours = (struct aps_neighbours){.door = {.fd = -1}, .folder = -1};
	aps_buf_init(&neighbours->here, APS_BUF_ANY_SIZE);
}

static void leave_folder(struct aps_neighbours *neighbours)
{
	if (neighbours->folder >= 0) close(neighbours->folder);
	neighbours->folder = -1;
}

/* One that is too long names no door. */
static const char *path_of(const struct aps_neighbours *neighbours, int slot, struct path *path)
{
	snprintf(path->text, sizeof path->text, "%s%08x", neighbours->stem, (unsigned)slot);
	return path->text;
}

static const int *here(const struct aps_neighbours *neighbours, size_t *n)
{
	*n = neighbours->here.n / sizeof(int);
	return (const int *)(const void *)neighbours->here.p;
}

bool aps_neighbours_are_open(const struct aps_neighbours *neighbours)
{
	return neighbours->stem != NULL;
}

/* A path that is too long for a socket goes by its folder's descriptor, where the system has such names, as Linux has
 * (proc_pid_fd(5)). */
static char *make_stem(struct aps_neighbours *neighbours, const char *path)
{
	const char *slash = strrchr(path, '/');
	bool is_long = strlen(path) + strlen(STEM) + SLOT_CHARS >= sizeof neighbours->door.path;
	struct aps_buf stem;
	aps_buf_init(&stem, APS_BUF_ANY_SIZE);
	if (is_long && slash != NULL) {
		aps_buf_addf(&stem, "%.*s", (int)(slash - path) + 1, path);
		if (stem.rc == APS_OK) neighbours->folder = open(stem.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		aps_buf_clear(&stem);
	}
	if (neighbours->folder >= 0)
		aps_buf_addf(&stem, "/proc/self/fd/%d%s" STEM, neighbours->folder, slash);
	else
		aps_buf_addf(&stem, "%s" STEM, path);
	char *text = stem.rc == APS_OK ? aps_strndup(stem.p, stem.n) : NULL;
	aps_buf_clear(&stem);
	return text;
}

void aps_neighbours_open(struct aps_neighbours *neighbours, const char *path, const struct aps_claim *claim)
{
	struct path own;
	if (neighbours->stem != NULL || claim->slot == 0) return;
	neighbours->stem = make_stem(neighbours, path);
	if (neighbours->stem == NULL || !aps_door_open(&neighbours->door, path_of(neighbours, claim->slot, &own))) {
		leave_folder(neighbours);
		return;
	}
	aps_neighbours_look(neighbours, claim);
	aps_neighbours_knock(neighbours, APS_KNOCK_URGENT);
}

void aps_neighbours_close(struct aps_neighbours *neighbours)
{
	aps_neighbours_knock(neighbours, APS_KNOCK_LEFT);
	aps_door_close(&neighbours->door);
	leave_folder(neighbours);
	aps_buf_clear(&neighbours->here);
	aps_free(neighbours->stem);
	aps_neighbours_init(neighbours);
}

/* Whoever takes a slot makes its door afterwards, and none is taken twice but by chance. */
static void remove_if_left(const struct aps_neighbours *neighbours, const struct aps_claim *claim, int slot)
{
	struct path path;
	struct stat info;
	(void)path_of(neighbours, slot, &path);
	if (lstat(path.text, &info) == 0 && S_ISSOCK(info.st_mode) && aps_claim_is_free(claim, slot))
		(void)unlink(path.text);
}

/* 0: it is no door's. */
static int slot_of(const char *name, const char *stem)
{
	size_t n = strlen(stem);
	if (strncmp(name, stem, n) != 0 || strspn(name + n, "0123456789abcdef") != SLOT_CHARS) return 0;
	unsigned long slot = strtoul(name + n, NULL, 16);
	return slot <= APS_CLAIM_MAX_SLOT ? (int)slot : 0;
}

static void sweep(const struct aps_neighbours *neighbours, const struct aps_claim *claim)
{
	struct path folder;
	const char *slash = strrchr(neighbours->stem, '/');
	size_t n = slash != NULL ? (size_t)(slash - neighbours->stem) + 1 : 0;
	if (n >= sizeof folder.text) return;
	memcpy(folder.text, neighbours->stem, n);
	folder.text[n] = '\0';
	DIR *entries = opendir(n != 0 ? folder.text : ".");
	if (entries == NULL) return;
	for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
		int slot = slot_of(entry->d_name, neighbours->stem + n);
		if (slot != 0) remove_if_left(neighbours, claim, slot);
	}
	closedir(entries);
}

static bool has(const int *slots, size_t n, int slot)
{
	size_t i = 0;
	while (i < n && slots[i] != slot) i++;
	return i < n;
}

/* Whoever tidies the folder may have removed it. */
static void renew_door(struct aps_door *door)
{
	struct aps_door renewed;
	struct stat info;
	if (lstat(door->path, &info) == 0 || errno != ENOENT || !aps_door_open(&renewed, door->path)) return;
	close(door->fd);
	*door = renewed;
}

void aps_neighbours_look(struct aps_neighbours *neighbours, const struct aps_claim *claim)
{
	struct aps_buf now;
	size_t n_known;
	if (neighbours->door.fd < 0) return;
	renew_door(&neighbours->door);
	aps_buf_init(&now, APS_BUF_ANY_SIZE);
	aps_claim_list(claim, &now);
	const int *known = here(neighbours, &n_known), *all = (const int *)(const void *)now.p;
	for (size_t i = 0; i < n_known && now.rc == APS_OK; i++)
		if (!has(all, now.n / sizeof *all, known[i])) remove_if_left(neighbours, claim, known[i]);
	if (claim->leads && !neighbours->has_swept) {
		neighbours->has_swept = true;
		sweep(neighbours, claim);
	}
	aps_buf_clear(&neighbours->here);
	neighbours->here = now;
	neighbours->here.rc = APS_OK; /* those that there was no memory for hear nothing */
}

void aps_neighbours_knock(const struct aps_neighbours *neighbours, unsigned char what)
{
	struct path path;
	size_t n;
	const int *slots = here(neighbours, &n);
	if (neighbours->door.fd < 0) return;
	for (size_t i = 0; i < n; i++)
		(void)aps_door_knock(&neighbours->door, path_of(neighbours, slots[i], &path), what);
}

bool aps_neighbours_answer(const struct aps_neighbours *neighbours, unsigned *what)
{
	return aps_door_answer(&neighbours->door, what);
}

#include "net/sealing.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DESCRIPTORS (1 << 20)
#ifdef __linux__
#define FOLDER "/proc/self/fd"
#else
#define FOLDER "/dev/fd"
#endif

int aps_sealed_socket(int family, int type, int protocol)
{
#ifdef SOCK_CLOEXEC
	return socket(family, type | SOCK_CLOEXEC, protocol);
#else
	int fd = socket(family, type, protocol);
	if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
#endif
}

void aps_sealing_init(struct aps_sealing *sealing)
{
	*sealing = (struct aps_sealing){.has_begun = false};
	aps_buf_init(&sealing->before, MAX_DESCRIPTORS / 8);
}

void aps_sealing_clear(struct aps_sealing *sealing)
{
	aps_buf_clear(&sealing->before);
	sealing->has_begun = false;
}

/* The next descriptor of the folder; -1 at its end. */
static int next_descriptor(DIR *folder)
{
	const struct dirent *entry;
	while ((entry = readdir(folder)) != NULL) {
		char *end;
		long fd = strtol(entry->d_name, &end, 10);
		if (end != entry->d_name && *end == '\0' && fd >= 0 && fd < MAX_DESCRIPTORS && fd != dirfd(folder))
			return (int)fd;
	}
	return -1;
}

static bool was_open(const struct aps_sealing *sealing, int fd)
{
	size_t at = (size_t)fd / 8;
	return at < sealing->before.n && ((unsigned char)sealing->before.p[at] >> (fd % 8) & 1);
}

static bool note(struct aps_sealing *sealing, int fd)
{
	struct aps_buf *bits = &sealing->before;
	size_t at = (size_t)fd / 8;
	if (at >= bits->n) {
		char *more = aps_buf_reserve(bits, at + 1 - bits->n);
		if (more == NULL) return false;
		memset(more, 0, at + 1 - bits->n);
		bits->n = at + 1;
	}
	bits->p[at] = (char)((unsigned char)bits->p[at] | 1 << (fd % 8));
	return true;
}

void aps_sealing_begin(struct aps_sealing *sealing)
{
	if (sealing->has_begun) return;
	aps_buf_reset(&sealing->before);
	DIR *folder = opendir(FOLDER);
	if (folder == NULL) return;
	sealing->has_begun = true;
	for (int fd; sealing->has_begun && (fd = next_descriptor(folder)) >= 0;) sealing->has_begun = note(sealing, fd);
	closedir(folder);
}

/* Of the kinds that the libraries make; whatever the host opens meanwhile on another thread is mostly another one. */
static bool is_private_kind(int fd)
{
	struct stat st;
	union {
		struct sockaddr any;
		struct sockaddr_storage room;
	} name;
	socklen_t n = sizeof name;
	if (fstat(fd, &st) != 0) return false;
	if (S_ISFIFO(st.st_mode) || (st.st_mode & S_IFMT) == 0) return true;
	return S_ISSOCK(st.st_mode) && getsockname(fd, &name.any, &n) == 0 && name.any.sa_family == AF_UNIX;
}

void aps_sealing_end(struct aps_sealing *sealing)
{
	DIR *folder = sealing->has_begun ? opendir(FOLDER) : NULL;
	sealing->has_begun = false;
	if (folder == NULL) return;
	for (int fd; (fd = next_descriptor(folder)) >= 0;) {
		int flags = was_open(sealing, fd) ? -1 : fcntl(fd, F_GETFD);
		if (flags >= 0 && !(flags & FD_CLOEXEC) && is_private_kind(fd)) fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
	}
	closedir(folder);
}

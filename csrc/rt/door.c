#include "rt/door.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef SOCK_CLOEXEC
#define CLOEXEC SOCK_CLOEXEC /* a program that is started meanwhile would keep the door open */
#else
#define CLOEXEC 0
#endif

#define MAX_TAKEN 64 /* at once: whoever never stops knocking doesn't hold up the rest */

static bool set_name(struct sockaddr_un *name, const char *path)
{
	size_t n = strlen(path);
	*name = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (n >= sizeof name->sun_path) return false;
	memcpy(name->sun_path, path, n);
	return true;
}

static bool set_flags(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

/* The mode of the socket is the file's from its first moment on where the system has it so, as Linux has. */
static bool bind_to(int fd, const struct sockaddr_un *name)
{
	(void)fchmod(fd, 0600);
	(void)unlink(name->sun_path);
	if (bind(fd, (const struct sockaddr *)name, sizeof *name) != 0) return false;
	if (chmod(name->sun_path, 0600) == 0) return true;
	(void)unlink(name->sun_path);
	return false;
}

bool aps_door_open(struct aps_door *door, const char *path)
{
	struct sockaddr_un name;
	*door = (struct aps_door){.fd = -1};
	if (!set_name(&name, path)) return false;
	int fd = socket(AF_UNIX, SOCK_DGRAM | CLOEXEC, 0);
	if (fd < 0) return false;
	if (!set_flags(fd) || !bind_to(fd, &name)) {
		close(fd);
		return false;
	}
	door->fd = fd;
	memcpy(door->path, name.sun_path, sizeof door->path);
	return true;
}

void aps_door_close(struct aps_door *door)
{
	if (door->fd < 0) return;
	(void)unlink(door->path);
	close(door->fd);
	*door = (struct aps_door){.fd = -1};
}

bool aps_door_answer(const struct aps_door *door, unsigned *bits)
{
	unsigned char said;
	ssize_t n;
	int n_taken = 0;
	*bits = 0;
	if (door->fd < 0) return false;
	do {
		said = 0;
		n = recv(door->fd, &said, sizeof said, 0);
		if (n > 0) *bits |= said;
		if (n >= 0) n_taken++;
	} while ((n >= 0 && n_taken < MAX_TAKEN) || (n < 0 && errno == EINTR));
	return n_taken != 0;
}

bool aps_door_knock(const struct aps_door *door, const char *path, unsigned char bits)
{
	struct sockaddr_un name;
	ssize_t n;
	if (door->fd < 0 || !set_name(&name, path)) return true;
	do {
		n = sendto(door->fd, &bits, sizeof bits, 0, (const struct sockaddr *)&name, sizeof name);
	} while (n < 0 && errno == EINTR);
	return n >= 0 || (errno != ECONNREFUSED && errno != ENOENT);
}

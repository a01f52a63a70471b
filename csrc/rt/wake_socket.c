#include "rt/wake_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME     "appsync-wake-XXXXXX"
#define FALLBACK "/tmp"

static enum aps_rc fail(struct aps_err *err, int why, const char *what)
{
	const char *word = why == EMFILE || why == ENFILE ? "descriptors" : NULL;
	return aps_fail_word(err, APS_E_SYSTEM, word, why, "cannot make a wake-up socket: %s: %s", what, strerror(why));
}

/* False: the path would be too long, or no folder can be made there. */
static bool make_folder(struct aps_wake_socket *listening, const char *where)
{
	int n = snprintf(listening->folder, sizeof listening->folder, "%s/" NAME, where);
	if (n < 0 || (size_t)n + sizeof "/s" > sizeof listening->folder) return false;
	return mkdtemp(listening->folder) != NULL;
}

static int set_flags(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : 0;
}

static int listen_at(struct aps_wake_socket *listening)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	memcpy(name.sun_path, listening->path, sizeof name.sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0) return -1;
	listening->fd = fd;
	if (set_flags(fd) < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) < 0) return -1;
	return listen(fd, 1);
}

enum aps_rc aps_wake_socket_open(struct aps_wake_socket *listening, struct aps_err *err)
{
	const char *where = getenv("TMPDIR");
	*listening = (struct aps_wake_socket){.fd = -1};
	bool is_made = where != NULL && where[0] == '/' && make_folder(listening, where);
	if (!is_made && !make_folder(listening, FALLBACK)) {
		int why = errno;
		listening->folder[0] = '\0';
		return fail(err, why, "a folder in TMPDIR or " FALLBACK);
	}
	size_t n = strlen(listening->folder);
	memcpy(listening->path, listening->folder, n);
	memcpy(listening->path + n, "/s", sizeof "/s");
	if (listen_at(listening) == 0) return APS_OK;
	int why = errno;
	aps_wake_socket_close(listening);
	return fail(err, why, "a socket in it");
}

/* Whoever may read the folder may have connected: only this process's own loop is served. */
static bool is_ours(int fd)
{
#ifdef SO_PEERCRED
	struct ucred peer;
	socklen_t n = sizeof peer;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && peer.pid == getpid();
#else
	(void)fd;
	return true;
#endif
}

enum aps_rc aps_wake_socket_accept(struct aps_wake_socket *listening, struct aps_wake *wake, struct aps_err *err)
{
	int fd = listening->fd >= 0 ? accept(listening->fd, NULL, NULL) : -1;
	int why = listening->fd >= 0 ? errno : EBADF;
	aps_wake_socket_close(listening);
	if (fd < 0) return fail(err, why, "nobody has connected");
	if (set_flags(fd) < 0 || !is_ours(fd)) {
		close(fd);
		return fail(err, EPERM, "another process has connected");
	}
	*wake = (struct aps_wake){.read_fd = -1, .write_fd = fd, .is_socket = true};
	return APS_OK;
}

void aps_wake_socket_close(struct aps_wake_socket *listening)
{
	if (listening->fd >= 0) close(listening->fd);
	listening->fd = -1;
	if (listening->path[0] != '\0') unlink(listening->path);
	if (listening->folder[0] != '\0') rmdir(listening->folder);
	listening->path[0] = listening->folder[0] = '\0';
}

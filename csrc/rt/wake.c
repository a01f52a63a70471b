#include "rt/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/eventfd.h>

static int open_pair(int fds[2])
{
	fds[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fds[1] = fds[0];
	return fds[0] < 0 ? -1 : 0;
}
#else
static int set_flags(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : 0;
}

static int open_pair(int fds[2])
{
	if (pipe(fds) < 0) return -1;
	if (set_flags(fds[0]) == 0 && set_flags(fds[1]) == 0) return 0;
	int why = errno;
	close(fds[0]);
	close(fds[1]);
	errno = why;
	return -1;
}
#endif

enum aps_rc aps_wake_init(struct aps_wake *wake, struct aps_err *err)
{
	int fds[2];
	if (open_pair(fds) < 0) {
		int why = errno;
		*wake = (struct aps_wake){.read_fd = -1, .write_fd = -1};
		const char *word = why == EMFILE || why == ENFILE ? "descriptors" : NULL;
		return aps_fail_word(err, APS_E_SYSTEM, word, why, "cannot make a wake-up descriptor: %s",
		                     strerror(why));
	}
	*wake = (struct aps_wake){.read_fd = fds[0], .write_fd = fds[1]};
	return APS_OK;
}

void aps_wake_clear(struct aps_wake *wake)
{
	if (wake->write_fd >= 0 && wake->write_fd != wake->read_fd) close(wake->write_fd);
	if (wake->read_fd >= 0) close(wake->read_fd);
	wake->read_fd = wake->write_fd = -1;
}

void aps_wake_raise(struct aps_wake *wake)
{
	int kept = errno;
	/* Eight bytes: what an eventfd wants. What is full is raised already; a socket's other end may be closed. */
	uint64_t one = 1;
	ssize_t n;
	do {
		n = wake->is_socket ? send(wake->write_fd, &one, sizeof one, MSG_NOSIGNAL)
		                    : write(wake->write_fd, &one, sizeof one);
	} while (n < 0 && errno == EINTR);
	errno = kept;
}

void aps_wake_lower(struct aps_wake *wake)
{
	if (wake->read_fd < 0) return;
	int kept = errno;
	uint64_t sink[32];
	ssize_t n;
	do {
		n = read(wake->read_fd, sink, sizeof sink);
		/* One read empties an eventfd; a pipe is read until it holds less than was asked for. */
	} while ((n < 0 && errno == EINTR) || n == (ssize_t)sizeof sink);
	errno = kept;
}

bool aps_wake_wait(const struct aps_wake *wake, int timeout_ms)
{
	struct pollfd fd = {.fd = wake->read_fd, .events = POLLIN, .revents = 0};
	return poll(&fd, 1, timeout_ms < 0 ? -1 : timeout_ms) > 0 && (fd.revents & POLLIN);
}

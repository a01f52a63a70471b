#include "peer_loop.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES  65536
#define WRITE_BYTES (1u << 20)
#define MAX_EVENTS  64

void aps_bench_peer_skip(struct aps_bench_peer *peer, size_t n)
{
	if (n == 0) return;
	memmove(peer->in.p, peer->in.p + n, peer->in.n - n);
	peer->in.n -= n;
}

static int listen_on(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	socklen_t n = sizeof address;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, n) != 0 || listen(fd, 1024) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &n) != 0) {
		perror("listen");
		return -1;
	}
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

static void accept_peers(int poll_fd, int listener)
{
	int fd, one = 1;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct aps_bench_peer *peer = aps_calloc(1, sizeof *peer);
		if (!peer) {
			close(fd);
			return;
		}
		peer->fd = fd;
		aps_buf_init(&peer->in, APS_BUF_ANY_SIZE);
		aps_buf_init(&peer->out, APS_BUF_ANY_SIZE);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
		epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
	}
}

static void close_peer(const struct aps_bench_server *server, struct aps_bench_peer *peer)
{
	close(peer->fd);
	if (server->closed) server->closed(peer);
	aps_buf_clear(&peer->in);
	aps_buf_clear(&peer->out);
	aps_free(peer);
}

static bool receive(struct aps_bench_peer *peer)
{
	char *room = aps_buf_reserve(&peer->in, READ_BYTES);
	if (!room) return false;
	ssize_t n = read(peer->fd, room, READ_BYTES);
	if (n > 0) peer->in.n += (size_t)n;
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static bool send_out(struct aps_bench_peer *peer)
{
	while (peer->n_sent < peer->out.n) {
		size_t n_left = peer->out.n - peer->n_sent;
		ssize_t n = write(peer->fd, peer->out.p + peer->n_sent, n_left < WRITE_BYTES ? n_left : WRITE_BYTES);
		if (n < 0) return errno == EAGAIN;
		peer->n_sent += (size_t)n;
	}
	peer->n_sent = 0;
	aps_buf_reset(&peer->out);
	return true;
}

static void serve_peer(const struct aps_bench_server *server, int poll_fd, struct aps_bench_peer *peer, uint32_t ready)
{
	bool was_waiting = peer->out.n != 0;
	bool goes_on = (ready & (EPOLLIN | EPOLLOUT)) != 0;
	if (goes_on && (ready & EPOLLIN)) goes_on = receive(peer) && server->take(peer);
	if (goes_on) goes_on = peer->out.rc == APS_OK && send_out(peer);
	if (!goes_on) {
		close_peer(server, peer);
		return;
	}
	bool is_waiting = peer->out.n != 0;
	if (is_waiting == was_waiting) return;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};
	if (is_waiting) event.events |= EPOLLOUT;
	epoll_ctl(poll_fd, EPOLL_CTL_MOD, peer->fd, &event);
}

int aps_bench_serve(int port, const struct aps_bench_server *server)
{
	struct epoll_event events[MAX_EVENTS], accepting = {.events = EPOLLIN};
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	int listener = listen_on(port);
	int poll_fd = epoll_create1(0);
	if (listener < 0 || poll_fd < 0) return 2;
	epoll_ctl(poll_fd, EPOLL_CTL_ADD, listener, &accepting);
	for (;;) {
		int n = epoll_wait(poll_fd, events, MAX_EVENTS, -1);
		for (int i = 0; i < n; i++) {
			struct aps_bench_peer *peer = events[i].data.ptr;
			if (peer)
				serve_peer(server, poll_fd, peer, events[i].events);
			else
				accept_peers(poll_fd, listener);
		}
	}
}

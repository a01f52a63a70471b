#include "load/load_peer.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

void aps_load_die(const char *what)
{
	fprintf(stderr, "server_load: %s\n", what);
	exit(1);
}

void aps_load_open(struct aps_load_peer *peer, int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int on = 1;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	aps_buf_init(&peer->in, APS_BUF_ANY_SIZE);
	peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (peer->fd < 0 || connect(peer->fd, (struct sockaddr *)&at, sizeof(at)) != 0) aps_load_die(strerror(errno));
	setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void aps_load_send(struct aps_load_peer *peer, const char *bytes, size_t n)
{
	peer->sent_at = aps_clock_mono_s();
	while (n > 0) {
		ssize_t sent = send(peer->fd, bytes, n, MSG_NOSIGNAL);
		if (sent < 0) aps_load_die(strerror(errno));
		bytes += sent;
		n -= (size_t)sent;
	}
}

void aps_load_receive(struct aps_load_peer *peer)
{
	char block[65536];
	ssize_t got = recv(peer->fd, block, sizeof(block), MSG_DONTWAIT);
	if (got == 0) aps_load_die("the server hung up");
	if (got < 0 && errno != EAGAIN && errno != EINTR) aps_load_die(strerror(errno));
	if (got > 0) aps_buf_add(&peer->in, block, (size_t)got);
}

void aps_load_skip(struct aps_load_peer *peer, size_t n)
{
	memmove(peer->in.p, peer->in.p + n, peer->in.n - n);
	peer->in.n -= n;
}

int aps_load_answer(struct aps_load_peer *peer, struct aps_str *body, size_t *n_whole)
{
	const char *bytes = peer->in.p;
	const char *end = peer->in.n > 0 ? memmem(bytes, peer->in.n, "\r\n\r\n", 4) : NULL;
	if (end == NULL) return 0;
	size_t n_head = (size_t)(end - bytes) + 4;
	size_t n_body = 0;
	for (const char *line = bytes; line < end; line = (const char *)memchr(line, '\n', n_head) + 1) {
		if (strncasecmp(line, "content-length:", 15) == 0) n_body = strtoul(line + 15, NULL, 10);
	}
	if (peer->in.n < n_head + n_body) return 0;
	*body = (struct aps_str){bytes + n_head, n_body};
	*n_whole = n_head + n_body;
	return atoi(bytes + 9);
}

static void wait_readable(struct aps_load_peer *peer)
{
	struct pollfd wait = {.fd = peer->fd, .events = POLLIN};
	if (poll(&wait, 1, 10000) <= 0) aps_load_die("no answer within 10 seconds");
	aps_load_receive(peer);
}

void aps_load_ws_send(struct aps_load_peer *peer, const char *text)
{
	/* A mask of zeros is legal. */
	char frame[2048] = {(char)0x81};
	size_t n = strlen(text), n_head = 2;
	if (n > sizeof(frame) - 8) aps_load_die("a message is too long");
	if (n < 126) {
		frame[1] = (char)(0x80 | n);
	} else {
		frame[1] = (char)0xfe;
		frame[2] = (char)(n >> 8);
		frame[3] = (char)n;
		n_head = 4;
	}
	memcpy(frame + n_head + 4, text, n);
	aps_load_send(peer, frame, n_head + 4 + n);
}

bool aps_load_ws_text(struct aps_load_peer *peer, struct aps_str *text, size_t *n_whole)
{
	const unsigned char *bytes = (const unsigned char *)peer->in.p;
	if (peer->in.n < 2) return false;
	size_t n = bytes[1] & 127u, n_head = n == 126 ? 4 : 2;
	if (bytes[0] != 0x81 || n == 127) aps_load_die("a frame that was not asked for");
	if (peer->in.n < n_head) return false;
	if (n == 126) n = (size_t)bytes[2] << 8 | bytes[3];
	if (peer->in.n < n_head + n) return false;
	*text = (struct aps_str){peer->in.p + n_head, n};
	*n_whole = n_head + n;
	return true;
}

void aps_load_ws_open(struct aps_load_peer *peer, int port)
{
	static const char hello[] = "GET /graphql/realtime HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
	                            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	                            "Sec-WebSocket-Protocol: graphql-transport-ws\r\nx-api-key: da2-bench\r\n\r\n";
	struct aps_str text;
	size_t n_whole;
	int status;
	aps_load_open(peer, port);
	aps_load_send(peer, hello, sizeof(hello) - 1);
	while ((status = aps_load_answer(peer, &text, &n_whole)) == 0) wait_readable(peer);
	if (status != 101) aps_load_die("the WebSocket was refused");
	aps_load_skip(peer, n_whole);
	aps_load_ws_send(peer, "{\"type\":\"connection_init\",\"payload\":{}}");
	while (!aps_load_ws_text(peer, &text, &n_whole)) wait_readable(peer);
	if (memmem(text.p, text.n, "connection_ack", 14) == NULL) aps_load_die("no connection_ack");
	aps_load_skip(peer, n_whole);
}

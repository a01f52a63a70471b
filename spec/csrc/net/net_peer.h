/* A listening socket on 127.0.0.1 whose other side is scripted by the test, on a thread of its own. */
#ifndef NET_PEER_H
#define NET_PEER_H

#include "rt/thread.h"
#include "rt/wake.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PEER_WAIT_S = 20 };

struct peer {
	int listener;
	int port;
	int fd; /* of the connection that was accepted last */
	int n_accepted;
	char input[80000]; /* the last request head, or what was read of it */
	size_t n_input;
	struct aps_wake go;   /* raised by the test */
	struct aps_wake told; /* raised by the script */
	void (*serve)(struct peer *peer);
	struct aps_thread *thread;
};

APS_UNUSED static void peer_main(void *context, const struct aps_thread *self APS_UNUSED)
{
	struct peer *peer = context;
	peer->serve(peer);
	if (peer->fd >= 0) close(peer->fd);
}

APS_UNUSED static int peer_listen(int *port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof address;
	if (bind(fd, (struct sockaddr *)&address, n) || listen(fd, 16) ||
	    getsockname(fd, (struct sockaddr *)&address, &n))
		abort();
	*port = ntohs(address.sin_port);
	return fd;
}

APS_UNUSED static struct peer *peer_start(void (*serve)(struct peer *peer))
{
	struct peer *peer = calloc(1, sizeof *peer);
	if (!peer) abort();
	peer->listener = peer_listen(&peer->port);
	peer->fd = -1;
	peer->serve = serve;
	if (aps_wake_init(&peer->go, NULL) || aps_wake_init(&peer->told, NULL)) abort();
	peer->thread = aps_thread_start("peer", peer_main, peer, NULL);
	if (!peer->thread) abort();
	return peer;
}

APS_UNUSED static void peer_stop(struct peer *peer)
{
	aps_wake_raise(&peer->go);
	if (!aps_thread_join(peer->thread, PEER_WAIT_S * 1000)) abort();
	close(peer->listener);
	aps_wake_clear(&peer->go);
	aps_wake_clear(&peer->told);
	free(peer);
}

/* A port that nobody listens on. */
APS_UNUSED static int peer_free_port(void)
{
	int port;
	close(peer_listen(&port));
	return port;
}

APS_UNUSED static void peer_accept(struct peer *peer)
{
	if (peer->fd >= 0) close(peer->fd);
	struct timeval limit = {.tv_sec = PEER_WAIT_S};
	setsockopt(peer->listener, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	peer->fd = accept(peer->listener, NULL, NULL);
	if (peer->fd < 0) return;
	int is_on = 1; /* what was sent has arrived */
	setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &is_on, sizeof is_on);
	setsockopt(peer->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(peer->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	peer->n_accepted++;
}

APS_UNUSED static bool peer_write(struct peer *peer, const void *p, size_t n)
{
	const char *at = p;
	while (n > 0) {
		ssize_t k = send(peer->fd, at, n, MSG_NOSIGNAL);
		if (k <= 0) return false;
		at += k;
		n -= (size_t)k;
	}
	return true;
}

APS_UNUSED static bool peer_write_text(struct peer *peer, const char *text)
{
	return peer_write(peer, text, strlen(text));
}

APS_UNUSED static bool peer_read(struct peer *peer, void *p, size_t n)
{
	char *at = p;
	while (n > 0) {
		ssize_t k = recv(peer->fd, at, n, 0);
		if (k <= 0) return false;
		at += k;
		n -= (size_t)k;
	}
	return true;
}

/* Reads until the client closes. */
APS_UNUSED static void peer_read_end(struct peer *peer)
{
	char sink[4096];
	while (recv(peer->fd, sink, sizeof sink, 0) > 0) {
	}
}

/* A request head and the body that its Content-Length tells. */
APS_UNUSED static bool peer_read_request(struct peer *peer)
{
	peer->n_input = 0;
	char *end = NULL;
	while (!end) {
		if (peer->n_input + 1 >= sizeof peer->input || !peer_read(peer, peer->input + peer->n_input, 1))
			return false;
		peer->input[++peer->n_input] = '\0';
		if (peer->n_input >= 4 && memcmp(peer->input + peer->n_input - 4, "\r\n\r\n", 4) == 0)
			end = peer->input;
	}
	const char *length = strstr(peer->input, "Content-Length: ");
	char body[4096];
	return !length || peer_read(peer, body, (size_t)atol(length + 16) % sizeof body);
}

/* An abrupt end: the client sees a reset. */
APS_UNUSED static void peer_reset(struct peer *peer)
{
	struct linger now = {1, 0};
	setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(peer->fd);
	peer->fd = -1;
}

/* ---- WebSocket (RFC 6455), server side ---- */

APS_UNUSED static void peer_ws_accept_key(const char *request, char out[40])
{
	char text[128] = "";
	const char *key = strstr(request, "Sec-WebSocket-Key: ");
	if (key) sscanf(key + 19, "%60[^\r]", text);
	strcat(text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	unsigned char digest[32];
	EVP_Digest(text, strlen(text), digest, NULL, EVP_sha1(), NULL);
	EVP_EncodeBlock((unsigned char *)out, digest, 20);
}

/* What accepts the request that was read last. protocol: what is answered; NULL: no such header. */
APS_UNUSED static void peer_ws_answer(const struct peer *peer, const char *protocol, char *answer, size_t n)
{
	char key[40];
	peer_ws_accept_key(peer->input, key);
	snprintf(answer, n,
	         "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
	         "Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s%s%s\r\n",
	         key, protocol ? "Sec-WebSocket-Protocol: " : "", protocol ? protocol : "", protocol ? "\r\n" : "");
}

APS_UNUSED static bool peer_ws_open(struct peer *peer, const char *protocol)
{
	char answer[400];
	peer_accept(peer);
	if (!peer_read_request(peer)) return false;
	peer_ws_answer(peer, protocol, answer, sizeof answer);
	return peer_write_text(peer, answer);
}

/* Appends a frame to a buffer; returns the bytes used. first_byte: 0x81 is a whole text message. */
APS_UNUSED static size_t peer_ws_frame(unsigned char *out, int first_byte, const void *p, size_t n)
{
	size_t at = 0;
	out[at++] = (unsigned char)first_byte;
	if (n < 126) {
		out[at++] = (unsigned char)n;
	} else if (n < 65536) {
		out[at++] = 126;
		out[at++] = (unsigned char)(n >> 8);
		out[at++] = (unsigned char)n;
	} else {
		out[at++] = 127;
		for (int i = 7; i >= 0; i--) out[at++] = (unsigned char)(n >> (8 * i));
	}
	memcpy(out + at, p, n);
	return at + n;
}

APS_UNUSED static bool peer_ws_send(struct peer *peer, int first_byte, const void *p, size_t n)
{
	unsigned char *frame = malloc(n + 16);
	if (!frame) abort();
	bool ok = peer_write(peer, frame, peer_ws_frame(frame, first_byte, p, n));
	free(frame);
	return ok;
}

APS_UNUSED static bool peer_ws_send_text(struct peer *peer, const char *text)
{
	return peer_ws_send(peer, 0x81, text, strlen(text));
}

/* The payload of one frame (at most n - 1 bytes), zero-terminated; the opcode, or -1 at the end of the connection. */
APS_UNUSED static int peer_ws_read(struct peer *peer, char *out, size_t n_room, size_t *n_out)
{
	unsigned char head[2], more[8], mask[4];
	if (!peer_read(peer, head, 2)) return -1;
	size_t n = head[1] & 127;
	if (n == 126 || n == 127) {
		size_t n_more = n == 126 ? 2 : 8;
		if (!peer_read(peer, more, n_more)) return -1;
		n = 0;
		for (size_t i = 0; i < n_more; i++) n = n << 8 | more[i];
	}
	if (n >= n_room || !peer_read(peer, mask, 4) || !peer_read(peer, out, n)) return -1;
	for (size_t i = 0; i < n; i++) out[i] = (char)(out[i] ^ mask[i % 4]);
	out[n] = '\0';
	*n_out = n;
	return head[0] & 15;
}

#endif

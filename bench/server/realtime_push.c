/* A server of AppSync's realtime protocol that pushes N messages of about 300 bytes as fast as they are taken: when so
 * many subscriptions were started on a connection, round-robin over them. Arguments: port or 0, subscriptions, N.
 * AppSync Developer Guide, "Building a real-time WebSocket client"; RFC 6455. */
#include "peer_loop.h"

#include "base/mem.h"
#include "server/ws_handshake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ID_BYTES 64

enum { OP_TEXT = 1, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

struct realtime {
	size_t n_subs;
	char (*ids)[MAX_ID_BYTES];
};

static size_t n_wanted_subs;
static long n_messages;

static void add_frame(struct aps_buf *out, int op, struct aps_str text)
{
	unsigned char head[4] = {(unsigned char)(0x80 | op), (unsigned char)text.n};
	size_t n_head = 2;
	if (text.n > 125) {
		head[1] = 126;
		head[2] = (unsigned char)(text.n >> 8);
		head[3] = (unsigned char)text.n;
		n_head = 4;
	}
	aps_buf_add(out, head, n_head);
	aps_buf_add_str(out, text);
}

static void push_all(struct aps_bench_peer *peer, const struct realtime *realtime)
{
	char message[512];
	for (long i = 0; i < n_messages; i++) {
		int n = snprintf(
		        message, sizeof message,
		        "{\"id\":\"%s\",\"type\":\"data\",\"payload\":{\"data\":{\"onUpdatePost\":{\"__typename\":"
		        "\"Post\",\"id\":\"11111111-2222-4333-8444-%012ld\",\"title\":\"title of update %ld\","
		        "\"content\":\"lorem ipsum dolor sit amet consectetur \\\"adipiscing\\\" elit sed do "
		        "eiusmod\",\"ups\":%ld,\"downs\":%ld}}}}",
		        realtime->ids[(size_t)i % realtime->n_subs], i % 10000, i, i, i & 63);
		add_frame(&peer->out, OP_TEXT, (struct aps_str){message, (size_t)n});
	}
	add_frame(&peer->out, OP_TEXT, APS_STR("{\"type\":\"ka\"}"));
}

/* {"type":"…","id":"…"} */
static void answer(struct aps_bench_peer *peer, const char *type, const char *id)
{
	char text[2 * MAX_ID_BYTES];
	int n = snprintf(text, sizeof text, "{\"type\":\"%s\",\"id\":\"%s\"}", type, id);
	add_frame(&peer->out, OP_TEXT, (struct aps_str){text, (size_t)n});
}

static void take_text(struct aps_bench_peer *peer, const char *text)
{
	struct realtime *realtime = peer->state;
	char id[MAX_ID_BYTES] = "";
	const char *at = strstr(text, "\"id\":\"");
	if (at) sscanf(at + 6, "%63[^\"]", id);
	if (strstr(text, "\"type\":\"connection_init\"")) {
		add_frame(&peer->out, OP_TEXT,
		          APS_STR("{\"type\":\"connection_ack\",\"payload\":{\"connectionTimeoutMs\":300000}}"));
	} else if (at && strstr(text, "\"type\":\"start\"") && realtime->n_subs < n_wanted_subs) {
		memcpy(realtime->ids[realtime->n_subs++], id, sizeof id);
		answer(peer, "start_ack", id);
		if (realtime->n_subs == n_wanted_subs) push_all(peer, realtime);
	} else if (at && strstr(text, "\"type\":\"stop\"")) {
		answer(peer, "complete", id);
	}
}

/* One masked frame; 0 when it isn't whole yet. */
static size_t take_frame(struct aps_bench_peer *peer, size_t at)
{
	unsigned char *frame = (unsigned char *)peer->in.p + at;
	size_t n_given = peer->in.n - at, n_head = 2;
	if (n_given < 6) return 0;
	size_t n = frame[1] & 127;
	if (n == 126) {
		n = (size_t)frame[2] << 8 | frame[3];
		n_head = 4;
	}
	const unsigned char *mask = frame + n_head;
	unsigned char *body = frame + n_head + 4;
	if (n == 127 || n_given < n_head + 4 + n) return 0;
	for (size_t i = 0; i < n; i++) body[i] ^= mask[i & 3];
	int op = frame[0] & 15;
	if (op == OP_CLOSE)
		add_frame(&peer->out, OP_CLOSE, (struct aps_str){(char *)body, n < 2 ? n : 2});
	else if (op == OP_PING)
		add_frame(&peer->out, OP_PONG, (struct aps_str){(char *)body, n});
	if (op != OP_TEXT) return n_head + 4 + n;
	unsigned char next = body[n]; /* the buffer has a zero behind its end */
	body[n] = '\0';
	take_text(peer, (char *)body);
	body[n] = next;
	return n_head + 4 + n;
}

/* The request's header field, up to a comma or the end of its line. */
static bool field_of(const char *request, const char *name, char value[128])
{
	const char *at = strcasestr(request, name);
	return at && sscanf(at + strlen(name), " %127[^,\r]", value) == 1;
}

static bool take_upgrade(struct aps_bench_peer *peer)
{
	char key[128], protocol[128], accept[APS_WS_ACCEPT_CHARS + 1];
	char *end = memmem(peer->in.p, peer->in.n, "\r\n\r\n", 4);
	if (!end) return true;
	*end = '\0';
	if (!field_of(peer->in.p, "\nsec-websocket-key:", key)) return false;
	if (!field_of(peer->in.p, "\nsec-websocket-protocol:", protocol)) return false;
	struct realtime *realtime = aps_calloc(1, sizeof *realtime);
	if (!realtime || !aps_ws_handshake_accept_key(aps_str_of(key), accept)) return false;
	peer->state = realtime;
	realtime->ids = aps_calloc(n_wanted_subs, sizeof *realtime->ids);
	if (!realtime->ids) return false;
	aps_buf_addf(&peer->out,
	             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	             "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
	             accept, protocol);
	aps_bench_peer_skip(peer, (size_t)(end - peer->in.p) + 4);
	return true;
}

static bool take(struct aps_bench_peer *peer)
{
	size_t at = 0, n;
	if (!peer->state && !take_upgrade(peer)) return false;
	if (!peer->state) return true;
	while ((n = take_frame(peer, at)) != 0) at += n;
	aps_bench_peer_skip(peer, at);
	return true;
}

static void closed(struct aps_bench_peer *peer)
{
	struct realtime *realtime = peer->state;
	if (realtime) aps_free(realtime->ids);
	aps_free(realtime);
}

int main(int n_args, char **args)
{
	if (n_args < 4) return 2;
	n_wanted_subs = strtoul(args[2], NULL, 10);
	n_messages = atol(args[3]);
	return aps_bench_serve(atoi(args[1]), &(struct aps_bench_server){take, closed});
}

#include "realtime_peer.h"

#include "base/mem.h"
#include "server/ws_handshake.h"

#include <stdio.h>
#include <string.h>

enum { OP_TEXT = 1, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

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

void aps_bench_realtime_add_text(struct aps_buf *out, struct aps_str text)
{
	add_frame(out, OP_TEXT, text);
}

/* {"type":"…","id":"…"} */
static void answer(struct aps_bench_peer *peer, const char *type, const char *id)
{
	char text[2 * APS_BENCH_MAX_ID_BYTES];
	int n = snprintf(text, sizeof text, "{\"type\":\"%s\",\"id\":\"%s\"}", type, id);
	add_frame(&peer->out, OP_TEXT, (struct aps_str){text, (size_t)n});
}

static bool add_sub(struct aps_bench_realtime *realtime, const char id[APS_BENCH_MAX_ID_BYTES])
{
	if (realtime->n_subs == realtime->n_room) {
		size_t n_room = realtime->n_room == 0 ? 8 : 2 * realtime->n_room;
		void *ids = aps_realloc(realtime->ids, n_room * sizeof *realtime->ids);
		if (ids == NULL) return false;
		realtime->ids = ids;
		realtime->n_room = n_room;
	}
	memcpy(realtime->ids[realtime->n_subs++], id, APS_BENCH_MAX_ID_BYTES);
	return true;
}

static void take_text(struct aps_bench_peer *peer, const char *text, void (*started)(struct aps_bench_peer *peer))
{
	char id[APS_BENCH_MAX_ID_BYTES] = "";
	const char *at = strstr(text, "\"id\":\"");
	if (at) sscanf(at + 6, "%63[^\"]", id);
	if (strstr(text, "\"type\":\"connection_init\"")) {
		aps_bench_realtime_add_text(
		        &peer->out,
		        APS_STR("{\"type\":\"connection_ack\",\"payload\":{\"connectionTimeoutMs\":300000}}"));
	} else if (at && strstr(text, "\"type\":\"start\"") && add_sub(peer->state, id)) {
		answer(peer, "start_ack", id);
		started(peer);
	} else if (at && strstr(text, "\"type\":\"stop\"")) {
		answer(peer, "complete", id);
	}
}

/* One masked frame; 0 when it isn't whole yet. */
static size_t take_frame(struct aps_bench_peer *peer, size_t at, void (*started)(struct aps_bench_peer *peer))
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
	take_text(peer, (char *)body, started);
	body[n] = next;
	return n_head + 4 + n;
}

bool aps_bench_realtime_take(struct aps_bench_peer *peer, void (*started)(struct aps_bench_peer *peer))
{
	size_t at = 0, n;
	while ((n = take_frame(peer, at, started)) != 0) at += n;
	aps_bench_peer_skip(peer, at);
	return true;
}

bool aps_bench_realtime_upgrade(struct aps_bench_peer *peer, const struct aps_bench_request *request)
{
	char key[128], protocol[128], accept[APS_WS_ACCEPT_CHARS + 1];
	if (!aps_bench_request_field(request, "sec-websocket-key", key)) return false;
	if (!aps_bench_request_field(request, "sec-websocket-protocol", protocol)) return false;
	if (!aps_ws_handshake_accept_key(aps_str_of(key), accept)) return false;
	peer->state = aps_calloc(1, sizeof(struct aps_bench_realtime));
	aps_buf_addf(&peer->out,
	             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	             "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
	             accept, protocol);
	return peer->state != NULL;
}

void aps_bench_realtime_free(struct aps_bench_peer *peer)
{
	struct aps_bench_realtime *realtime = peer->state;
	if (realtime) aps_free(realtime->ids);
	aps_free(realtime);
}

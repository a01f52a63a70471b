/* WebSocket frames by wslay over the connection that evhttp gave up. wslay's queue is flushed into the bufferevent at
 * once, so what waits for a peer is exactly the length of its output buffer. */
#include "base/mem.h"
#include "server/peer.h"
#include "server/ws_handshake.h"

#include <event2/buffer.h>
#include <event2/http_struct.h>
#include <stdio.h>
#include <string.h>

/* How long a peer may take to answer our close frame, and to read it. */
static const struct timeval close_wait = {2, 0};
/* Two bytes and the mask (RFC 6455 §5.2). */
#define CONTROL_HEAD 6u
/* RFC 6455 §7.4.2; registered with IANA. */
#define TRY_AGAIN_LATER 1013

static ssize_t on_recv(wslay_event_context_ptr ws, uint8_t *out, size_t n, int flags APS_UNUSED, void *context)
{
	struct aps_peer *peer = context;
	int got = evbuffer_remove(bufferevent_get_input(peer->bev), out, n);
	if (got > 0) {
		peer->n_partial += (size_t)got;
		return got;
	}
	wslay_event_set_error(ws, WSLAY_ERR_WOULDBLOCK);
	return -1;
}

static ssize_t on_send(wslay_event_context_ptr ws, const uint8_t *p, size_t n, int flags APS_UNUSED, void *context)
{
	struct aps_peer *peer = context;
	if (bufferevent_write(peer->bev, p, n) == 0) return (ssize_t)n;
	wslay_event_set_error(ws, WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static void on_message(wslay_event_context_ptr ws, const struct wslay_event_on_msg_recv_arg *message, void *context)
{
	struct aps_peer *peer = context;
	if (message->opcode == WSLAY_CONNECTION_CLOSE && message->msg_length > 2 && peer->state == APS_PEER_OPEN) {
		snprintf(peer->close_reason, sizeof(peer->close_reason), "%.*s", (int)message->msg_length - 2,
		         (const char *)message->msg + 2);
	}
	if (wslay_is_ctrl_frame(message->opcode)) {
		size_t n_frame = message->msg_length + CONTROL_HEAD;
		peer->n_partial -= n_frame < peer->n_partial ? n_frame : peer->n_partial;
		return;
	}
	peer->n_partial = 0;
	if (message->opcode != WSLAY_TEXT_FRAME) {
		static const char reason[] = "text messages only";
		wslay_event_queue_close(ws, WSLAY_CODE_UNSUPPORTED_DATA, (const uint8_t *)reason, sizeof(reason) - 1);
		wslay_event_shutdown_read(ws);
		return;
	}
	if (peer->state != APS_PEER_OPEN) return;
	struct aps_peer_event *event = aps_malloc(sizeof(*event) + message->msg_length);
	if (event == NULL) {
		peer->failed = true;
		return;
	}
	*event = (struct aps_peer_event){.kind = APS_LISTENER_MESSAGE, .id = peer->id, .n_bytes = message->msg_length};
	event->bytes = (char *)(event + 1);
	if (message->msg_length > 0) memcpy(event->bytes, message->msg, message->msg_length);
	peer->listener->stats.messages_in++;
	aps_peer_queue(peer->listener, event);
}

static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .on_msg_recv_callback = on_message,
};

static int code_of(struct aps_peer *peer)
{
	if (peer->close_code != 0) return peer->close_code;
	if (wslay_event_get_close_received(peer->ws)) return wslay_event_get_status_code_received(peer->ws);
	if (wslay_event_get_close_sent(peer->ws)) return wslay_event_get_status_code_sent(peer->ws);
	return WSLAY_CODE_ABNORMAL_CLOSURE;
}

void aps_peer_drop(struct aps_peer *peer, int code, const char *reason)
{
	struct aps_listener *listener = peer->listener;
	listener->stats.open_sockets--;
	peer->state = APS_PEER_GONE;
	peer->close_code = code;
	if (reason != NULL) snprintf(peer->close_reason, sizeof(peer->close_reason), "%s", reason);
	wslay_event_context_free(peer->ws);
	peer->ws = NULL;
	aps_peer_end_connection(peer, false);
	aps_peer_queue(listener, &peer->closed);
}

static void count_pending(struct aps_listener_stats *stats, size_t n_added, size_t n_deleted)
{
	stats->pending += n_added;
	stats->pending -= n_deleted;
	stats->socket_pending += n_added;
	stats->socket_pending -= n_deleted;
}

static void on_output(struct evbuffer *buffer APS_UNUSED, const struct evbuffer_cb_info *info, void *context)
{
	count_pending(context, info->n_added, info->n_deleted);
}

static bool count_output(struct aps_peer *peer)
{
	struct evbuffer *output = bufferevent_get_output(peer->bev);
	struct aps_listener_stats *stats = &peer->listener->stats;
	peer->output_counter = evbuffer_add_cb(output, on_output, stats);
	if (peer->output_counter == NULL) return false;
	count_pending(stats, evbuffer_get_length(output), 0);
	return true;
}

void aps_peer_uncount(struct aps_peer *peer)
{
	if (peer->output_counter == NULL) return;
	struct evbuffer *output = bufferevent_get_output(peer->bev);
	evbuffer_remove_cb_entry(output, peer->output_counter);
	peer->output_counter = NULL;
	count_pending(&peer->listener->stats, 0, evbuffer_get_length(output));
}

static bool reads_too_slowly(const struct aps_peer *peer, size_t n_pending)
{
	const struct aps_listener *listener = peer->listener;
	const struct aps_listener_options *options = &listener->options;
	if (n_pending > options->max_pending_bytes) return true;
	/* So that answers have room whatever WebSockets do. */
	size_t max_of_sockets = options->max_pending_total / 2;
	return listener->stats.socket_pending > max_of_sockets &&
	       n_pending > max_of_sockets / listener->stats.open_sockets;
}

static void on_close_timer(evutil_socket_t fd APS_UNUSED, short what APS_UNUSED, void *context)
{
	struct aps_peer *peer = context;
	if (peer->state == APS_PEER_CLOSING)
		aps_peer_drop(peer, code_of(peer), "the peer didn't answer the close frame");
}

/* Our close frame is out: waits for the peer's within bounds. Returns false when the peer was dropped. */
static bool begin_closing(struct aps_peer *peer)
{
	if (peer->state == APS_PEER_CLOSING) return true;
	peer->state = APS_PEER_CLOSING;
	peer->close_timer = evtimer_new(peer->listener->base, on_close_timer, peer);
	if (peer->close_timer == NULL || evtimer_add(peer->close_timer, &close_wait) != 0) {
		aps_peer_drop(peer, code_of(peer), "out of memory");
		return false;
	}
	return true;
}

/* After anything was read or queued. Returns false when the peer was dropped. */
static bool settle(struct aps_peer *peer)
{
	if (peer->failed || wslay_event_send(peer->ws) != 0) {
		aps_peer_drop(peer, WSLAY_CODE_INTERNAL_SERVER_ERROR, "out of memory");
		return false;
	}
	size_t n_pending = evbuffer_get_length(bufferevent_get_output(peer->bev));
	if (reads_too_slowly(peer, n_pending)) {
		peer->listener->stats.overflows++;
		aps_peer_drop(peer, WSLAY_CODE_POLICY_VIOLATION, "the peer reads too slowly");
		return false;
	}
	if (!wslay_event_get_close_sent(peer->ws)) return true;
	if (!begin_closing(peer)) return false;
	if (wslay_event_get_close_received(peer->ws) && n_pending == 0) {
		aps_peer_drop(peer, code_of(peer), NULL);
		return false;
	}
	return true;
}

/* For headers that are no frame's at all wslay would close without a status: we say 1002 ourselves (RFC 6455 §7.1.7).
 * Returns false when the peer was dropped. */
static bool refuse_frame(struct aps_peer *peer)
{
	static const unsigned char close_1002[] = {0x88, 2, 3, 0xea};
	wslay_event_shutdown_read(peer->ws);
	wslay_event_shutdown_write(peer->ws);
	if (peer->state == APS_PEER_CLOSING) return true;
	peer->close_code = WSLAY_CODE_PROTOCOL_ERROR;
	if (bufferevent_write(peer->bev, close_1002, sizeof(close_1002)) != 0) peer->failed = true;
	return begin_closing(peer);
}

/* Returns false when the peer was dropped. */
static bool keep_part(struct aps_peer *peer)
{
	struct aps_connection *connection = aps_peer_connection(peer);
	if (peer->state != APS_PEER_OPEN) peer->n_partial = 0;
	if (connection == NULL || aps_connection_has_part(connection, peer->n_partial)) return true;
	aps_peer_drop(peer, TRY_AGAIN_LATER, "too many large messages are being sent");
	return false;
}

static void on_readable(struct bufferevent *bev, void *context)
{
	struct aps_peer *peer = context;
	int rc = wslay_event_recv(peer->ws);
	if (rc == WSLAY_ERR_NOMEM) peer->failed = true;
	if (rc == WSLAY_ERR_CALLBACK_FAILURE && !refuse_frame(peer)) return;
	if (!settle(peer) || !keep_part(peer)) return;
	/* After a broken frame nothing more is read as one; the bytes are thrown away until the peer closes. */
	if (!wslay_event_get_read_enabled(peer->ws)) {
		struct evbuffer *input = bufferevent_get_input(bev);
		evbuffer_drain(input, evbuffer_get_length(input));
	}
}

static void on_written(struct bufferevent *bev APS_UNUSED, void *context)
{
	settle(context);
}

static void on_ended(struct bufferevent *bev APS_UNUSED, short what, void *context)
{
	struct aps_peer *peer = context;
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)) == 0) return;
	aps_peer_drop(peer, code_of(peer), (what & BEV_EVENT_EOF) != 0 ? NULL : "the connection failed");
}

static bool write_handshake(struct aps_peer *peer, const char *protocol)
{
	const char *key = evhttp_find_header(evhttp_request_get_input_headers(peer->request), "Sec-WebSocket-Key");
	char accept[APS_WS_ACCEPT_CHARS + 1];
	if (key == NULL || !aps_ws_handshake_accept_key(aps_str_of(key), accept)) return false;
	return evbuffer_add_printf(bufferevent_get_output(peer->bev),
	                           "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	                           "Sec-WebSocket-Accept: %s\r\n%s%s%s\r\n",
	                           accept, protocol != NULL ? "Sec-WebSocket-Protocol: " : "",
	                           protocol != NULL ? protocol : "", protocol != NULL ? "\r\n" : "") > 0;
}

enum aps_rc aps_peer_accept(struct aps_peer *peer, const char *protocol, struct aps_err *err)
{
	if (peer->state != APS_PEER_UPGRADE) return aps_fail(err, APS_E_USAGE, "this peer waits for no handshake");
	if (protocol != NULL && strpbrk(protocol, "\r\n") != NULL)
		return aps_fail(err, APS_E_USAGE, "the sub-protocol has a line break");
	wslay_event_context_ptr ws = NULL;
	if (wslay_event_context_server_init(&ws, &callbacks, peer) != 0)
		return aps_fail(err, APS_E_NOMEM, "no memory for the WebSocket");
	wslay_event_config_set_max_recv_msg_length(ws, peer->listener->options.max_message_bytes);
	peer->bev = evhttp_connection_get_bufferevent(peer->connection);
	if (!count_output(peer) || !write_handshake(peer, protocol)) {
		aps_peer_uncount(peer);
		peer->bev = NULL;
		wslay_event_context_free(ws);
		return aps_fail(err, APS_E_NOMEM, "no memory for the handshake");
	}
	aps_peer_take_over(peer);
	aps_peer_limit_writing(peer);
	peer->ws = ws;
	peer->state = APS_PEER_OPEN;
	peer->listener->stats.open_requests--;
	peer->listener->stats.open_sockets++;
	bufferevent_setcb(peer->bev, on_readable, on_written, on_ended, peer);
	bufferevent_enable(peer->bev, EV_READ | EV_WRITE);
	/* A client may send frames in one packet with its handshake. */
	if (evbuffer_get_length(bufferevent_get_input(peer->bev)) > 0) bufferevent_trigger(peer->bev, EV_READ, 0);
	return APS_OK;
}

bool aps_peer_send(struct aps_peer *peer, struct aps_str text)
{
	if (peer->state != APS_PEER_OPEN) return false;
	struct wslay_event_msg message = {WSLAY_TEXT_FRAME, (const uint8_t *)text.p, text.n};
	if (wslay_event_queue_msg(peer->ws, &message) != 0) {
		if (!wslay_event_get_close_sent(peer->ws))
			aps_peer_drop(peer, WSLAY_CODE_INTERNAL_SERVER_ERROR, "out of memory");
		return false;
	}
	peer->listener->stats.messages_out++;
	return settle(peer);
}

void aps_peer_close(struct aps_peer *peer, int code, struct aps_str reason)
{
	if (peer->state != APS_PEER_OPEN) return;
	size_t n = reason.n > 123 ? 123 : reason.n; /* a control frame holds 125 bytes, two are the code */
	while (n > 0 && n < reason.n && ((unsigned char)reason.p[n] & 0xc0) == 0x80) n--; /* whole characters only */
	if (wslay_event_queue_close(peer->ws, (uint16_t)code, (const uint8_t *)reason.p, n) != 0) {
		aps_peer_drop(peer, WSLAY_CODE_INTERNAL_SERVER_ERROR, "out of memory");
		return;
	}
	snprintf(peer->close_reason, sizeof(peer->close_reason), "%.*s", (int)n, reason.p);
	settle(peer);
}

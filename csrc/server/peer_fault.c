/* What a server does to a connection only when it fails: cut it by RST, break an answer off, fall silent. */
#include "server/listener_tls.h"
#include "server/peer.h"

#include <event2/buffer.h>
#include <event2/http_struct.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifdef __linux__
#include <linux/sockios.h>
#endif

/* An RST takes back what the peer hasn't acknowledged: the kernel is asked this often, at most that many times. */
static const struct timeval flush_wait = {0, 2000};
#define MAX_FLUSH_WAITS 1000

/* evhttp's time-out of idle connections must not go on: libevent 2.1 keeps the old one in its persistent events where
 * the new one is "none", and starts it with the next byte that comes. */
static const struct timeval never = {100000000, 0};

void aps_peer_take_over(struct aps_peer *peer)
{
	/* evhttp frees the connection only when we ask for it. The request goes with it. */
	struct aps_connection *connection = aps_connection_at(peer->listener, peer->fd);
	if (connection != NULL) aps_connection_taken(connection);
	evhttp_connection_set_closecb(peer->connection, NULL, NULL);
	aps_peer_drop_body(peer->request);
	peer->request = NULL;
	peer->bev = evhttp_connection_get_bufferevent(peer->connection);
	bufferevent_set_timeouts(peer->bev, &never, &never);
	bufferevent_setwatermark(peer->bev, EV_READ | EV_WRITE, 0, 0);
}

void aps_peer_limit_writing(struct aps_peer *peer)
{
	double write_s = peer->listener->options.write_timeout_s;
	struct timeval writing = {(time_t)write_s, (suseconds_t)((write_s - (double)(time_t)write_s) * 1e6)};
	bufferevent_set_timeouts(peer->bev, &never, &writing);
}

static void end_by_reset(struct bufferevent *bev)
{
	struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	setsockopt(bufferevent_getfd(bev), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

void aps_peer_end_connection(struct aps_peer *peer, bool by_reset)
{
	struct aps_connection *connection = aps_peer_connection(peer);
	if (connection != NULL) aps_connection_release(connection);
	aps_peer_uncount(peer);
	if (by_reset) {
		end_by_reset(peer->bev);
	} else if (peer->listener->tls != NULL) {
		aps_listener_tls_end(peer->bev);
	}
	evhttp_connection_free(peer->connection);
	peer->connection = NULL;
	peer->bev = NULL;
}

static void end_held(struct aps_peer *peer)
{
	aps_peer_end_connection(peer, peer->ends_by_reset);
	aps_peer_free(peer);
}

static void on_held_ended(struct bufferevent *bev APS_UNUSED, short what, void *context)
{
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)) != 0) end_held(context);
}

static void drain(struct bufferevent *bev, void *context APS_UNUSED)
{
	struct evbuffer *input = bufferevent_get_input(bev);
	evbuffer_drain(input, evbuffer_get_length(input));
}

void aps_peer_reset(struct aps_peer *peer)
{
	switch (peer->state) {
	case APS_PEER_REQUEST:
	case APS_PEER_UPGRADE: {
		struct evhttp_connection *connection = peer->connection;
		struct aps_connection *record = aps_peer_connection(peer);
		if (record != NULL) aps_connection_release(record);
		end_by_reset(evhttp_connection_get_bufferevent(connection));
		evhttp_connection_set_closecb(connection, NULL, NULL);
		peer->request = NULL;
		peer->connection = NULL;
		evhttp_connection_free(connection);
		aps_peer_gone(peer);
		return;
	}
	case APS_PEER_OPEN:
	case APS_PEER_CLOSING:
	case APS_PEER_MUTE:
		end_by_reset(peer->bev);
		aps_peer_drop(peer, WSLAY_CODE_ABNORMAL_CLOSURE, "the server has reset the connection");
		return;
	case APS_PEER_HELD:
		peer->ends_by_reset = true;
		end_held(peer);
		return;
	case APS_PEER_PARTIAL:
	case APS_PEER_GONE: return;
	}
}

static void on_mute_ended(struct bufferevent *bev APS_UNUSED, short what, void *context)
{
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)) == 0) return;
	aps_peer_drop(context, WSLAY_CODE_ABNORMAL_CLOSURE, NULL);
}

void aps_peer_mute(struct aps_peer *peer)
{
	if (peer->state != APS_PEER_OPEN) return;
	peer->state = APS_PEER_MUTE;
	struct aps_connection *connection = aps_peer_connection(peer);
	if (connection != NULL) aps_connection_has_part(connection, 0);
	drain(peer->bev, NULL);
	bufferevent_setcb(peer->bev, drain, NULL, on_mute_ended, peer);
}

void aps_peer_hold(struct aps_peer *peer)
{
	if (peer->state != APS_PEER_REQUEST && peer->state != APS_PEER_UPGRADE) return;
	aps_peer_take_over(peer);
	peer->state = APS_PEER_HELD;
	drain(peer->bev, NULL);
	bufferevent_setcb(peer->bev, drain, NULL, on_held_ended, peer);
	bufferevent_enable(peer->bev, EV_READ);
}

static void finish_partial(struct aps_peer *peer)
{
	aps_peer_end_connection(peer, peer->ends_by_reset);
	peer->state = APS_PEER_GONE;
	aps_peer_free(peer);
}

/* Whether the peer's kernel has all bytes. */
static bool is_flushed(struct aps_peer *peer)
{
	int n_pending = 0;
	if (evbuffer_get_length(bufferevent_get_output(peer->bev)) > 0) return false;
#ifdef SIOCOUTQ
	if (ioctl(bufferevent_getfd(peer->bev), SIOCOUTQ, &n_pending) != 0) n_pending = 0;
#endif
	return n_pending == 0;
}

static void finish_flushed(struct aps_peer *peer)
{
	if (peer->state == APS_PEER_PARTIAL) {
		finish_partial(peer);
	} else {
		aps_peer_reset(peer);
	}
}

static void on_flush_timer(evutil_socket_t fd APS_UNUSED, short what APS_UNUSED, void *context)
{
	struct aps_peer *peer = context;
	if (peer->bev == NULL) return; /* the client was first */
	if (is_flushed(peer) || ++peer->n_flush_waits > MAX_FLUSH_WAITS ||
	    evtimer_add(peer->close_timer, &flush_wait) != 0)
		finish_flushed(peer);
}

static void finish_when_flushed(struct aps_peer *peer)
{
	if (peer->close_timer == NULL) peer->close_timer = evtimer_new(peer->listener->base, on_flush_timer, peer);
	if (is_flushed(peer) || peer->close_timer == NULL || evtimer_add(peer->close_timer, &flush_wait) != 0)
		finish_flushed(peer);
}

void aps_peer_reset_flushed(struct aps_peer *peer)
{
	if (peer->state != APS_PEER_OPEN) {
		aps_peer_reset(peer);
		return;
	}
	aps_peer_mute(peer);
	finish_when_flushed(peer);
}

static void on_partial_written(struct bufferevent *bev, void *context)
{
	struct aps_peer *peer = context;
	if (evbuffer_get_length(bufferevent_get_output(bev)) > 0 || peer->close_timer != NULL) return;
	if (peer->ends_by_reset) {
		finish_when_flushed(peer);
	} else {
		finish_partial(peer);
	}
}

static void on_partial_ended(struct bufferevent *bev APS_UNUSED, short what, void *context)
{
	if ((what & (BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)) != 0) finish_partial(context);
}

enum aps_rc aps_peer_respond_partial(struct aps_peer *peer, const struct aps_partial *answer, struct aps_err *err)
{
	if (peer->state != APS_PEER_REQUEST && peer->state != APS_PEER_UPGRADE)
		return aps_fail(err, APS_E_USAGE, "this peer waits for no response");
	struct evbuffer *output = bufferevent_get_output(evhttp_connection_get_bufferevent(peer->connection));
	size_t n = answer->n_bytes < answer->body.n ? answer->n_bytes : answer->body.n;
	struct evbuffer *bytes = evbuffer_new();
	bool is_written = bytes != NULL &&
	                  evbuffer_add_printf(bytes, "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\n", answer->status,
	                                      aps_peer_reason_phrase(answer->status), answer->body.n) > 0 &&
	                  evbuffer_add(bytes, answer->headers.p, answer->headers.n) == 0 &&
	                  evbuffer_add(bytes, "\r\n", 2) == 0 &&
	                  aps_peer_add_body(peer, bytes, (struct aps_str){answer->body.p, n});
	if (!is_written) {
		if (bytes != NULL) evbuffer_free(bytes);
		aps_peer_reset(peer);
		return aps_fail(err, APS_E_NOMEM, "no memory for the response");
	}
	aps_peer_take_over(peer);
	peer->listener->stats.open_requests--;
	peer->state = APS_PEER_PARTIAL;
	peer->ends_by_reset = answer->by_reset;
	aps_peer_limit_writing(peer);
	bufferevent_setcb(peer->bev, drain, on_partial_written, on_partial_ended, peer);
	bufferevent_enable(peer->bev, EV_READ | EV_WRITE);
	int rc = evbuffer_add_buffer(output, bytes);
	evbuffer_free(bytes);
	if (rc == 0) return APS_OK;
	finish_partial(peer);
	return aps_fail(err, APS_E_NOMEM, "no memory for the response");
}

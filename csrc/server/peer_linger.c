/* The answer to a request that isn't read to its end. A close beside unread bytes is an RST, which takes the answer
 * back: so the end is said first, and what still comes is thrown away for a while (RFC 9112 section 9.6). */
#include "server/listener_tls.h"
#include "server/peer.h"

#include <event2/buffer.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <sys/socket.h>

static const struct timeval linger_wait = {2, 0};

static void finish(struct aps_peer *peer)
{
	aps_peer_end_connection(peer, false);
	peer->state = APS_PEER_GONE;
	aps_peer_free(peer);
}

static void on_linger_timer(evutil_socket_t fd APS_UNUSED, short what APS_UNUSED, void *context)
{
	finish(context);
}

static void drain(struct bufferevent *bev, void *context APS_UNUSED)
{
	struct evbuffer *input = bufferevent_get_input(bev);
	evbuffer_drain(input, evbuffer_get_length(input));
}

static void on_written(struct bufferevent *bev, void *context)
{
	struct aps_peer *peer = context;
	if (evbuffer_get_length(bufferevent_get_output(bev)) > 0 || peer->close_timer != NULL) return;
	peer->close_timer = evtimer_new(peer->listener->base, on_linger_timer, peer);
	if (peer->has_ended || peer->close_timer == NULL || evtimer_add(peer->close_timer, &linger_wait) != 0) {
		finish(peer);
		return;
	}
	if (peer->listener->tls != NULL && !peer->is_control) aps_listener_tls_say_end(bev);
	shutdown(bufferevent_getfd(bev), SHUT_WR);
}

static void on_ended(struct bufferevent *bev, short what, void *context)
{
	struct aps_peer *peer = context;
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)) == 0) return;
	bool is_half = (what & BEV_EVENT_EOF) != 0 && evbuffer_get_length(bufferevent_get_output(bev)) > 0;
	if (is_half) {
		peer->has_ended = true;
	} else {
		finish(peer);
	}
}

static bool write_answer(struct evbuffer *out, int status, const struct evkeyvalq *headers, struct aps_str body)
{
	bool is_written = evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\nConnection: close\r\n",
	                                      status, aps_peer_reason_phrase(status), body.n) > 0;
	for (const struct evkeyval *one = headers->tqh_first; is_written && one != NULL; one = one->next.tqe_next)
		is_written = evbuffer_add_printf(out, "%s: %s\r\n", one->key, one->value) > 0;
	return is_written && evbuffer_add(out, "\r\n", 2) == 0 && evbuffer_add(out, body.p, body.n) == 0;
}

enum aps_rc aps_peer_respond_lingering(struct aps_peer *peer, int status, struct aps_str body, struct aps_err *err)
{
	struct evbuffer *answer = evbuffer_new();
	bool is_written =
	        answer != NULL && write_answer(answer, status, evhttp_request_get_output_headers(peer->request), body);
	if (!is_written) {
		if (answer != NULL) evbuffer_free(answer);
		return aps_fail(err, APS_E_NOMEM, "no memory for the response");
	}
	aps_peer_take_over(peer);
	peer->listener->stats.open_requests--;
	peer->state = APS_PEER_PARTIAL;
	aps_peer_limit_writing(peer);
	bufferevent_setcb(peer->bev, drain, on_written, on_ended, peer);
	bufferevent_enable(peer->bev, EV_READ | EV_WRITE);
	drain(peer->bev, NULL);
	int rc = evbuffer_add_buffer(bufferevent_get_output(peer->bev), answer);
	evbuffer_free(answer);
	if (rc != 0) finish(peer); /* which is an end, too */
	return APS_OK;
}

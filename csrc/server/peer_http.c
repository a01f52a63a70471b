#include "server/peer.h"

#include "base/mem.h"
#include "server/peer_table.h"
#include "server/ws_handshake.h"

#include <event2/buffer.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <string.h>

/* A socket takes it at once, whatever its client does. */
#define SMALL_BODY 4096u

void aps_peer_drop_body(struct evhttp_request *request)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(request);
	evbuffer_drain(body, evbuffer_get_length(body));
}

struct aps_connection *aps_peer_connection(const struct aps_peer *peer)
{
	struct aps_connection *connection = aps_connection_at(peer->listener, peer->fd);
	return connection != NULL && connection->number == peer->connection_number ? connection : NULL;
}

static void on_connection_gone(struct evhttp_connection *gone APS_UNUSED, void *context)
{
	struct aps_peer *peer = context;
	struct aps_connection *connection = aps_peer_connection(peer);
	if (connection != NULL) aps_connection_release(connection);
	peer->request = NULL;
	peer->connection = NULL;
	aps_peer_gone(peer);
}

struct aps_peer *aps_peer_new(struct aps_listener *listener, struct evhttp_request *request)
{
	struct aps_peer *peer = aps_calloc(1, sizeof(*peer));
	if (peer == NULL) return NULL;
	peer->listener = listener;
	peer->request = request;
	peer->connection = evhttp_request_get_connection(request);
	struct bufferevent *bev = evhttp_connection_get_bufferevent(peer->connection);
	peer->fd = bufferevent_getfd(bev);
	struct aps_connection *connection = aps_connection_at(listener, peer->fd);
	if (connection != NULL) {
		peer->connection_number = connection->number;
		aps_connection_busy(connection);
		if (connection->rate != NULL) aps_connection_slow(connection, bev, 0);
	}
	if (!aps_peer_table_add(&listener->peers, peer)) {
		aps_free(peer);
		return NULL;
	}
	evhttp_connection_set_closecb(peer->connection, on_connection_gone, peer);
	peer->arrived.id = peer->closed.id = peer->id;
	peer->arrived.peer = peer->closed.peer = peer;
	peer->closed.kind = APS_LISTENER_CLOSE;
	listener->stats.open_requests++;
	return peer;
}

void aps_peer_free(struct aps_peer *peer)
{
	struct aps_listener *listener = peer->listener;
	if (peer->state == APS_PEER_OPEN || peer->state == APS_PEER_CLOSING || peer->state == APS_PEER_MUTE)
		listener->stats.open_sockets--;
	if (peer->state == APS_PEER_REQUEST || peer->state == APS_PEER_UPGRADE || peer->state == APS_PEER_HELD)
		listener->stats.open_requests--;
	aps_peer_table_remove(&listener->peers, peer->id);
	if (peer->connection != NULL) evhttp_connection_set_closecb(peer->connection, NULL, NULL);
	if (peer->close_timer != NULL) event_free(peer->close_timer);
	if (peer->ws != NULL) wslay_event_context_free(peer->ws);
	aps_peer_uncount(peer);
	if (peer->bev != NULL) evhttp_connection_free(peer->connection);
	aps_free(peer);
}

void aps_peer_gone(struct aps_peer *peer)
{
	struct aps_listener *listener = peer->listener;
	if (peer->state == APS_PEER_REQUEST || peer->state == APS_PEER_UPGRADE) listener->stats.open_requests--;
	peer->state = APS_PEER_GONE;
	if (!peer->is_queued) aps_peer_free(peer);
}

void aps_peer_queue(struct aps_listener *listener, struct aps_peer_event *event)
{
	if (event->peer != NULL) event->peer->is_queued = true;
	event->next = NULL;
	*listener->last = event;
	listener->last = &event->next;
}

const char *aps_peer_reason_phrase(int status)
{
	switch (status) {
	case 200: return "OK";
	case 204: return "No Content";
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 413: return "Content Too Large";
	case 429: return "Too Many Requests";
	case 500: return "Internal Server Error";
	case 502: return "Bad Gateway";
	case 503: return "Service Unavailable";
	default: return "Status";
	}
}

/* A body that waits for its client to read it. */
struct answer {
	struct aps_listener *listener;
	int fd;
	uint64_t connection_number;
	char bytes[];
};

static void on_answer_gone(const void *p APS_UNUSED, size_t n, void *context)
{
	struct answer *answer = context;
	answer->listener->stats.pending -= n;
	struct aps_connection *connection = aps_connection_at(answer->listener, answer->fd);
	if (connection != NULL && connection->number == answer->connection_number) aps_connection_written(connection);
	aps_free(answer);
}

bool aps_peer_add_body(struct aps_peer *peer, struct evbuffer *out, struct aps_str body)
{
	if (body.n <= SMALL_BODY) return body.n == 0 || evbuffer_add(out, body.p, body.n) == 0;
	struct answer *answer = aps_malloc(sizeof(*answer) + body.n);
	if (answer == NULL) return false;
	*answer = (struct answer){peer->listener, peer->fd, peer->connection_number};
	memcpy(answer->bytes, body.p, body.n);
	if (evbuffer_add_reference(out, answer->bytes, body.n, on_answer_gone, answer) != 0) {
		aps_free(answer);
		return false;
	}
	peer->listener->stats.pending += body.n;
	return true;
}

enum aps_rc aps_peer_respond(struct aps_peer *peer, int status, struct aps_str body, struct aps_err *err)
{
	if (peer->state != APS_PEER_REQUEST && peer->state != APS_PEER_UPGRADE)
		return aps_fail(err, APS_E_USAGE, "this peer waits for no response");
	struct evhttp_request *request = peer->request;
	/* What follows a handshake isn't looked at as a request. */
	if (peer->state == APS_PEER_UPGRADE &&
	    evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close") != 0)
		return aps_fail(err, APS_E_NOMEM, "no memory for the response");
	bool is_head = evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
	if (is_head && status != 204) {
		/* RFC 9110 §9.3.2: the length that GET would give, and no body; evhttp would send the body. */
		char length[24];
		snprintf(length, sizeof(length), "%zu", body.n);
		if (evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Length", length) != 0)
			return aps_fail(err, APS_E_NOMEM, "no memory for the response");
	} else if (!aps_peer_add_body(peer, evhttp_request_get_output_buffer(request), body)) {
		return aps_fail(err, APS_E_NOMEM, "no memory for the response");
	}
	struct aps_connection *connection = aps_connection_at(peer->listener, peer->fd);
	struct evbuffer *left = bufferevent_get_input(evhttp_connection_get_bufferevent(peer->connection));
	bool is_large = !is_head && body.n > SMALL_BODY;
	/* It would stay until the client has read the answer. */
	aps_peer_drop_body(request);
	if (connection != NULL) aps_connection_idle(connection, is_large, evbuffer_get_length(left));
	/* Freed first: sending can fail at once and would then report the connection as gone. */
	aps_peer_free(peer);
	evhttp_send_reply(request, status, aps_peer_reason_phrase(status), NULL);
	return APS_OK;
}

/* One HTTP request that waits for its answer, or one WebSocket that grew out of it. Owned by its listener; freed when
 * it was answered (HTTP) or when its CLOSE event was taken (WebSocket). */
#ifndef APS_SERVER_PEER_H
#define APS_SERVER_PEER_H

#include "server/listener.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <wslay/wslay.h>

enum aps_peer_state {
	APS_PEER_REQUEST, /* HTTP: unanswered */
	APS_PEER_UPGRADE, /* handshake: unanswered */
	APS_PEER_OPEN,    /* WebSocket */
	APS_PEER_CLOSING, /* WebSocket: our close frame is out, or the protocol was broken */
	APS_PEER_GONE     /* no connection any more */
};

struct aps_peer_event {
	struct aps_peer_event *next;
	enum aps_listener_event_kind kind;
	uint64_t id;
	struct aps_peer *peer; /* NULL for messages: their peer is found by id */
	int code;
	size_t n_bytes;
	char *bytes; /* messages only: they follow the event in its block */
};

struct aps_peer {
	struct aps_listener *listener;
	uint64_t id;
	enum aps_peer_state state;
	bool is_queued; /* `arrived` or `closed` stands in the queue */
	struct evhttp_request *request;
	struct evhttp_connection *connection;
	struct bufferevent *bev;
	wslay_event_context_ptr ws;
	struct event *close_timer;
	bool failed; /* a callback of wslay couldn't go on */
	int close_code;
	char close_reason[124];
	/* Preallocated, so that neither can be lost when memory is out. */
	struct aps_peer_event arrived;
	struct aps_peer_event closed;
};

struct aps_peer_table {
	struct aps_peer **slots;
	uint32_t *generations;
	uint32_t *free_slots;
	size_t n_slots;
	size_t n_free;
};

struct aps_listener {
	struct event_base *base;
	struct evhttp *http;
	struct evconnlistener *socket;
	struct event *timer;
	struct event *signals[2];
	void *tls; /* SSL_CTX */
	struct aps_listener_options options;
	struct aps_listener_stats stats;
	struct aps_peer_table peers;
	struct aps_peer_event *first;
	struct aps_peer_event **last;
	struct aps_peer_event signal_event;
	bool signal_queued;
	bool timed_out;
	bool is_stopping;
	int port;
	char address[80]; /* of the peer of the event that was peeked */
};

APS_BEGIN_DECLS

/* NULL when memory is out. */
struct aps_peer *aps_peer_new(struct aps_listener *listener, struct evhttp_request *request);
/* Frees the peer and what it still holds; the connection of an unanswered request is left to evhttp. */
void aps_peer_free(struct aps_peer *peer);
/* The connection is gone: frees the peer now, or when its queued event is taken. */
void aps_peer_gone(struct aps_peer *peer);
void aps_peer_queue(struct aps_listener *listener, struct aps_peer_event *event);

/* Answers a request or refuses an upgrade; the caller has filled the request's output headers. The peer is freed.
 * E_NOMEM. */
enum aps_rc aps_peer_respond(struct aps_peer *peer, int status, struct aps_str body, struct aps_err *err);
/* Completes the handshake with that sub-protocol (NULL: none). E_USAGE when the peer waits for no handshake. */
enum aps_rc aps_peer_accept(struct aps_peer *peer, const char *protocol, struct aps_err *err);
/* Queues one text message. False when the socket is closing, gone, or dropped because of this message. */
bool aps_peer_send(struct aps_peer *peer, struct aps_str text);
/* Starts the closing handshake (RFC 6455 §7.1.2). The reason is cut at 123 bytes. */
void aps_peer_close(struct aps_peer *peer, int code, struct aps_str reason);
/* Cuts the connection and queues CLOSE. `reason` NULL: the one that stood in the close frame. */
void aps_peer_drop(struct aps_peer *peer, int code, const char *reason);

APS_END_DECLS

#endif

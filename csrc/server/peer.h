/* One HTTP request that waits for its answer, or one WebSocket that grew out of it. Owned by its listener; freed when
 * it was answered (HTTP) or when its CLOSE event was taken (WebSocket). */
#ifndef APS_SERVER_PEER_H
#define APS_SERVER_PEER_H

#include "server/connection.h"
#include "server/listener.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <signal.h>
#include <wslay/wslay.h>

enum aps_peer_state {
	APS_PEER_REQUEST, /* HTTP: unanswered */
	APS_PEER_UPGRADE, /* handshake: unanswered */
	APS_PEER_OPEN,    /* WebSocket */
	APS_PEER_CLOSING, /* WebSocket: our close frame is out, or the protocol was broken */
	APS_PEER_MUTE,    /* WebSocket: nothing is sent, and what comes is thrown away */
	APS_PEER_HELD,    /* HTTP: it will have no answer */
	APS_PEER_PARTIAL, /* HTTP: a part of the answer is on its way, then the end */
	APS_PEER_GONE     /* no connection any more */
};

struct aps_child_set;

struct aps_peer_event {
	struct aps_peer_event *next;
	enum aps_listener_event_kind kind;
	uint64_t id;
	struct aps_peer *peer; /* NULL for messages: their peer is found by id; and for what isn't of a peer */
	int code;
	size_t n_bytes;
	char *bytes; /* messages and processes only: they follow the event in its block */
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
	struct evbuffer_cb_entry *output_counter; /* WebSocket: of what waits for it */
	unsigned int n_flush_waits;
	size_t n_partial; /* WebSocket: bytes of a message that isn't complete */
	int fd;
	uint64_t connection_number;
	bool is_control;
	bool has_ended;     /* PARTIAL: the client sends nothing more */
	bool ends_by_reset; /* PARTIAL */
	bool failed;        /* a callback of wslay couldn't go on */
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
	struct aps_port main;
	struct aps_port control; /* without evhttp when it isn't asked for */
	struct aps_connection_table connections;
	struct event *timer;
	struct event *signals[2];
	struct sigaction signal_actions[2]; /* the loop's */
	void *tls;                          /* SSL_CTX */
	struct aps_listener_options options;
	struct aps_listener_stats stats;
	struct aps_peer_table peers;
	struct aps_child_set *children; /* NULL while there was none */
	struct aps_peer_event *first;
	struct aps_peer_event **last;
	struct aps_peer_event signal_event;
	bool signal_queued;
	bool is_accepting_paused; /* the system had no descriptor for a connection */
	bool timed_out;
	bool is_stopping;
	char address[80]; /* of the peer of the event that was peeked */
};

/* An answer that breaks off. */
struct aps_partial {
	int status;
	struct aps_str headers;
	struct aps_str body;
	size_t n_bytes; /* of the body that are sent */
	bool by_reset;  /* else by FIN */
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
/* Adds an answer's body; what is large counts in stats.pending until it is written or its buffer is freed. False when
 * memory is out. */
bool aps_peer_add_body(struct aps_peer *peer, struct evbuffer *out, struct aps_str body);
/* As aps_peer_respond(), of a request whose body isn't read to its end: the connection ends behind the answer. */
enum aps_rc aps_peer_respond_lingering(struct aps_peer *peer, int status, struct aps_str body, struct aps_err *err);
/* Completes the handshake with that sub-protocol (NULL: none). E_USAGE when the peer waits for no handshake. */
enum aps_rc aps_peer_accept(struct aps_peer *peer, const char *protocol, struct aps_err *err);
/* Queues one text message. False when the socket is closing, gone, or dropped because of this message. */
bool aps_peer_send(struct aps_peer *peer, struct aps_str text);
/* Starts the closing handshake (RFC 6455 §7.1.2). The reason is cut at 123 bytes. */
void aps_peer_close(struct aps_peer *peer, int code, struct aps_str reason);
/* Cuts the connection by RST, whatever its state; a WebSocket's CLOSE is queued, a request is forgotten. */
void aps_peer_reset(struct aps_peer *peer);
/* The same of a WebSocket, but what was sent to it before arrives. */
void aps_peer_reset_flushed(struct aps_peer *peer);
/* Writes the whole answer's head and the first bytes of its body, then ends the connection. `headers`: lines, each with
 * its CRLF. The peer is freed when the bytes are out, or at once: E_NOMEM. E_USAGE. */
enum aps_rc aps_peer_respond_partial(struct aps_peer *peer, const struct aps_partial *answer, struct aps_err *err);
/* The request stays without an answer; what comes is thrown away. The peer is freed when the client ends the
 * connection, which evhttp, waiting for our answer, would not see. */
void aps_peer_hold(struct aps_peer *peer);
/* The WebSocket stays open and dead: nothing is sent any more, what comes is thrown away. CLOSE comes when the peer
 * ends the connection. */
void aps_peer_mute(struct aps_peer *peer);
/* The body of a request that nobody reads any more. */
void aps_peer_drop_body(struct evhttp_request *request);
/* NULL when memory was out as it came, or when the descriptor is another one's now. */
struct aps_connection *aps_peer_connection(const struct aps_peer *peer);
/* A client that reads nothing of what is written for that long ends its connection. */
void aps_peer_limit_writing(struct aps_peer *peer);
/* The descriptor is no evhttp connection's any more: the bytes are ours. */
void aps_peer_take_over(struct aps_peer *peer);
/* What waits for the peer counts in stats.pending no more. Twice is legal. */
void aps_peer_uncount(struct aps_peer *peer);
/* Ends a connection that was taken over. */
void aps_peer_end_connection(struct aps_peer *peer, bool by_reset);
const char *aps_peer_reason_phrase(int status);
/* Cuts the connection and queues CLOSE. `reason` NULL: the one that stood in the close frame. */
void aps_peer_drop(struct aps_peer *peer, int code, const char *reason);

APS_END_DECLS

#endif

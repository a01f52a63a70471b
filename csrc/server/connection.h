/* What the listener knows of each accepted TCP connection: its number, on which port it came, and until when the
 * request that it sends must be complete. evhttp owns the connection and tells nobody when it ends, so a record stands
 * for a file descriptor, is taken over by the next connection with that number, and looks at the peer's address before
 * it touches one. */
#ifndef APS_SERVER_CONNECTION_H
#define APS_SERVER_CONNECTION_H

#include "base/macros.h"
#include "server/request_guard.h"

#include <event2/bufferevent.h>
#include <netinet/in.h>
#include <stdbool.h>

struct aps_listener;

/* One listening socket with its evhttp. */
struct aps_port {
	struct aps_listener *listener;
	struct evhttp *http;
	struct evconnlistener *socket;
	int number;
	bool is_control;
};

enum aps_connection_phase {
	APS_CONNECTION_CLOSED,  /* or taken for that */
	APS_CONNECTION_IDLE,    /* between requests */
	APS_CONNECTION_READING, /* a part of a request is there */
	APS_CONNECTION_BUSY,    /* a request waits for its answer */
	APS_CONNECTION_TAKEN    /* a WebSocket, or another that evhttp has given up */
};

union aps_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct aps_connection {
	struct aps_port *port;
	struct bufferevent *bev; /* while fresh, in callbacks of its input, and while an answer waits in it */
	int fd;
	uint64_t number; /* 1 is the first connection of its port */
	enum aps_connection_phase phase;
	double deadline_s;     /* READING; TAKEN: of a WebSocket's message, 0 when none is half there */
	double answer_since_s; /* when a large answer was given; 0: none waits */
	size_t n_answer;       /* what of it waited when it was looked at first; 0: it wasn't yet */
	size_t n_incoming;     /* bytes that it has sent and that aren't answered */
	union aps_address peer;
	struct ev_token_bucket_cfg *rate;
	struct aps_request_guard guard;
	bool is_cutting; /* its input is being changed: nothing came */
};

struct aps_connection_table {
	struct aps_connection **by_fd;
	size_t n_slots;
	size_t n_open; /* an upper bound */
	uint64_t n_main;
	uint64_t n_control;
	uint64_t timeouts;
	uint64_t refused;      /* above the limit */
	uint64_t slow_readers; /* that were cut */
	size_t n_incoming;     /* of all connections */
	uint64_t crowded;      /* that were ended because too much was incoming */
	struct event *sweep;
	bool is_sweeping;
	bool is_swollen;    /* much was kept at once since memory was given back */
	size_t hand;        /* the slot that is looked at next */
	size_t n_looks;     /* how many may be looked at now */
	uint64_t looked_at; /* so far */
};

APS_BEGIN_DECLS

/* The bufferevent of a connection that is being accepted; evhttp's callback, `context` is the port. */
struct bufferevent *aps_connection_accept(struct event_base *base, void *context);
/* A turn of the loop is over: connections may have ended. */
void aps_connection_turn(struct aps_listener *listener);
/* The record of a live connection; NULL when memory was out as it came. */
struct aps_connection *aps_connection_at(struct aps_listener *listener, int fd);
/* Whether the request is one whose body is too large: nothing follows it. */
bool aps_connection_is_cut_off(const struct aps_connection *connection, struct bufferevent *bev);
/* Its request is complete. */
void aps_connection_busy(struct aps_connection *connection);
/* It isn't evhttp's any more. */
void aps_connection_taken(struct aps_connection *connection);
/* Its answer was given; a large one counts until it is written. So much input is left, of a request behind it. */
void aps_connection_idle(struct aps_connection *connection, bool is_large, size_t n_left);
/* All of a large answer is written. */
void aps_connection_written(struct aps_connection *connection);
/* What it sent isn't kept any more. Twice is legal. */
void aps_connection_release(struct aps_connection *connection);
/* So many bytes of a WebSocket's message are there, which isn't complete. False when there is no room for them. */
bool aps_connection_has_part(struct aps_connection *connection, size_t n_bytes);
/* At most that many bytes a second are written from now on; 0 takes the limit away. False when memory is out. */
bool aps_connection_slow(struct aps_connection *connection, struct bufferevent *bev, size_t bytes_per_s);
/* Ends all connections on which no request waits, but those of the control port; returns how many. */
size_t aps_connection_cut_all(struct aps_listener *listener);
void aps_connection_table_clear(struct aps_connection_table *table);

APS_END_DECLS

#endif

/* WebSockets over libwebsockets on a thread of their own (the realtime thread) that moves bytes only: open, frames,
 * close, error; exactly one terminal event for each connection. Commands go in by mailbox, batches of frames come out
 * by `deliver`. */
#ifndef APS_NET_WS_H
#define APS_NET_WS_H

#include "codec/header.h"
#include "net/options.h"
#include "rt/bytes.h"
#include "rt/mailbox.h"

struct aps_ws;
struct aps_simulated_ws;

struct aps_ws_connect {
	uint64_t connection; /* the owner's number */
	bool is_tls;
	const char *host; /* for SNI, the certificate and, unless `headers` have one, the Host header; without port */
	int port;
	const char *address;              /* numeric address to connect to: no DNS happens on this thread */
	const char *proxy_address;        /* numeric address of options->proxy's host; NULL without a proxy */
	const char *path;                 /* with query; starts with '/' */
	const char *protocols;            /* Sec-WebSocket-Protocol, the whole list: "graphql-ws, header-…" */
	const char *expected_protocol;    /* what the server must have chosen: "graphql-ws" */
	const struct aps_header *headers; /* further ones of the upgrade */
	size_t n_headers;
	const struct aps_net_options *options;
	int64_t connect_timeout_ms; /* until the upgrade is answered */
	size_t max_message_bytes;   /* a longer message is skipped and told as TOO_BIG with its head */
};

enum aps_ws_event_kind {
	APS_WS_OPENED,
	APS_WS_FRAME,   /* a complete text message: bytes->p + offset, n */
	APS_WS_TOO_BIG, /* its first bytes likewise */
	APS_WS_LOOKED,  /* answers aps_ws_look(): n is when the last byte of a message was read, in milliseconds of the
	                   monotonic clock, cut to a size_t */
	APS_WS_CLOSED   /* terminal: err tells why (E_NETWORK, E_TLS, E_TIMEOUT, E_AUTH for an upgrade refused with
	                   401/403,   E_HTTP for another status, E_PROTOCOL for a wrong sub-protocol); native: the close
	                   code or HTTP status */
};

struct aps_ws_event {
	enum aps_ws_event_kind kind;
	uint64_t connection;
	size_t offset;
	size_t n;
};

/* One hand-over: events in order, their bytes in one shared block. */
struct aps_ws_batch {
	struct aps_ws_batch *next; /* for the receiver's use, */
	struct aps_mail mail;      /* and so is this: a batch can wait in a mailbox as it is */
	struct aps_bytes *bytes;   /* NULL when no event has bytes; else the batch holds one reference */
	struct aps_err err;        /* of a CLOSED event, which is always the last of its batch */
	size_t n_events;
	struct aps_ws_event events[];
};

/* Called on the realtime thread, without a lock held; takes the batch (aps_ws_batch_free). */
struct aps_ws_sink {
	void (*deliver)(void *context, struct aps_ws_batch *batch);
	void *context;
};

APS_BEGIN_DECLS

/* Starts the thread. NULL with *err. */
struct aps_ws *aps_ws_new(struct aps_ws_sink sink, struct aps_err *err);
/* Without a thread or a socket: all goes to a simulation (net/simulated_ws.h), which calls the sink on its own thread.
 * NULL with *err. */
struct aps_ws *aps_ws_new_simulated(struct aps_ws_sink sink, struct aps_err *err);
/* NULL: the network is real. */
struct aps_simulated_ws *aps_ws_simulation(const struct aps_ws *ws);
/* Closes every connection, stops and joins, at most timeout_ms; false: the thread is stuck and was left behind. */
bool aps_ws_free(struct aps_ws *ws, int64_t timeout_ms);

/* @thread core (any one thread but the realtime thread). Text is copied. E_NOMEM, E_USAGE, E_TOO_BIG (too long a
 * value): no event will follow. */
enum aps_rc aps_ws_connect(struct aps_ws *ws, const struct aps_ws_connect *connect, struct aps_err *err);
/* A text message; for an unknown connection it is dropped. E_NOMEM. */
enum aps_rc aps_ws_send(struct aps_ws *ws, uint64_t connection, struct aps_str text);
/* The terminal event follows, also where the peer does not answer the close frame within 1 s. */
enum aps_rc aps_ws_close(struct aps_ws *ws, uint64_t connection, int code, struct aps_str reason);
/* Stops or resumes reading the socket. */
enum aps_rc aps_ws_pause(struct aps_ws *ws, uint64_t connection, bool is_paused);
/* LOOKED follows what the socket has by then, unless the connection has ended: silence is told from a thread of ours
 * that was late. */
enum aps_rc aps_ws_look(struct aps_ws *ws, uint64_t connection);
/* As soon as no connection is left, drops what libwebsockets still knows of earlier ones. */
enum aps_rc aps_ws_forget(struct aps_ws *ws);

void aps_ws_batch_free(struct aps_ws_batch *batch);

APS_END_DECLS

#endif

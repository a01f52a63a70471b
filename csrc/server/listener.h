/* The local server's listener: HTTP/1.1 and WebSocket over TCP or TLS, on the thread that calls it. Everything that
 * happens is queued as an event; the caller takes the events and answers by the peer's id. Nothing here calls back.
 * @thread app: one thread owns a listener and everything that it made. */
#ifndef APS_SERVER_LISTENER_H
#define APS_SERVER_LISTENER_H

#include "base/err.h"
#include "base/str.h"

/* Of a request: 431 above. */
#define APS_LISTENER_MAX_HEADERS 200

struct aps_listener;
struct aps_peer;
struct evkeyvalq;

enum aps_listener_event_kind {
	APS_LISTENER_REQUEST, /* an HTTP request waits for aps_peer_respond() */
	APS_LISTENER_UPGRADE, /* a valid WebSocket handshake waits for aps_peer_accept() or aps_peer_respond() */
	APS_LISTENER_MESSAGE, /* one complete text message */
	APS_LISTENER_CLOSE,   /* a WebSocket is gone; the last event of its id */
	APS_LISTENER_SIGNAL,  /* SIGINT or SIGTERM arrived */
	APS_LISTENER_OUTPUT,  /* of a child process: a line, or all of it */
	APS_LISTENER_EXIT     /* a child process is gone; the last event of its id */
};

struct aps_listener_options {
	const char *host; /* a name or address; borrowed during the call */
	int port;         /* 0: any free one */
	const char *cert_file;
	const char *key_file;      /* both or none: PEM files */
	size_t max_body_bytes;     /* of a request: 413 above */
	size_t max_headers_bytes;  /* of a request, names and values */
	size_t max_message_bytes;  /* of a WebSocket message: close code 1009 above */
	size_t max_pending_bytes;  /* bytes that wait for one WebSocket peer: it is dropped above */
	size_t max_pending_total;  /* of all peers and answers: aps_listener_is_full() above, and a WebSocket peer is
	                            * dropped for whom more than its share waits */
	size_t max_incoming_total; /* of requests that aren't answered and messages that aren't complete: above, what is
	                            * larger than 64 KB is refused with 503, and a WebSocket peer is dropped */
	int idle_timeout_s;        /* of an HTTP connection between requests, and of a stalled body */
	double write_timeout_s;    /* without a byte being read of what is written */
	double request_timeout_s;  /* from a request's first byte to its last: a slower client is cut off */
	size_t max_connections;    /* TCP connections at once; one more is closed as it comes */
	int control_port;          /* a second port, plain HTTP on 127.0.0.1; 0: any free one; negative: none */
};

/* What a caller sees of an event. Borrowed: valid until aps_listener_event_done(). */
struct aps_listener_event {
	enum aps_listener_event_kind kind;
	uint64_t id;               /* 0 for a signal; OUTPUT, EXIT: of the process, among processes */
	struct aps_str text;       /* MESSAGE, OUTPUT; CLOSE: the reason; EXIT: "cut" when it wrote too much, else "" */
	int code;                  /* CLOSE: RFC 6455 §7.4; SIGNAL: its number; EXIT: the status, or minus a signal */
	const char *method;        /* REQUEST */
	struct aps_str path;       /* REQUEST, UPGRADE; as it was sent, not decoded */
	struct aps_str query;      /* without '?'; p is NULL when there is none */
	struct evkeyvalq *headers; /* REQUEST, UPGRADE */
	struct aps_str body;       /* REQUEST */
	const char *peer_address;
	uint64_t connection; /* REQUEST, UPGRADE: the number of the TCP connection, 1 is its port's first */
	bool is_control;     /* REQUEST, UPGRADE: it came to the control port */
};

struct aps_listener_stats {
	uint64_t connections; /* of TCP, not the control port's */
	uint64_t requests;
	uint64_t upgrades;
	uint64_t messages_in;
	uint64_t messages_out;
	uint64_t timeouts;     /* connections that were cut because a request took too long */
	uint64_t refused;      /* connections above max_connections */
	uint64_t looked_at;    /* connections, whether they had ended, at max_connections */
	uint64_t overflows;    /* WebSocket peers that were dropped because they read too slowly */
	uint64_t slow_readers; /* connections that were cut because an answer was read too slowly */
	uint64_t pending;      /* bytes that wait for WebSocket peers, and large answers that wait for their clients */
	uint64_t socket_pending; /* the part of WebSocket peers */
	uint64_t incoming;       /* bytes of requests that aren't answered and of messages that aren't complete */
	uint64_t crowded;        /* connections that were ended because too much was incoming */
	uint64_t open_requests;
	uint64_t open_sockets; /* WebSockets */
};

APS_BEGIN_DECLS

void aps_listener_options_init(struct aps_listener_options *options);
/* Listens. Ignores SIGPIPE for the process where nothing else handles it, and raises the soft limit of open files to
 * the hard one. E_USAGE (TLS files), E_NETWORK (address), E_NOMEM. */
enum aps_rc aps_listener_new(const struct aps_listener_options *options, struct aps_listener **out,
                             struct aps_err *err);
/* Closes every connection at once; NULL is legal. */
void aps_listener_free(struct aps_listener *listener);
int aps_listener_port(const struct aps_listener *listener);
/* 0 when there is none. */
int aps_listener_control_port(const struct aps_listener *listener);
/* Ends all connections but those of the control port and WebSockets, those that are held too; returns how many. */
size_t aps_listener_cut_all(struct aps_listener *listener);
/* At most that many bytes a second are written to the peer's connection, up to its next request; 0: no limit. False
 * when memory is out, and over TLS, where it can't be done. */
bool aps_listener_slow(struct aps_listener *listener, uint64_t id, size_t bytes_per_s);
/* From now on SIGINT and SIGTERM are events. One that comes while an earlier one waits to be seen ends the process. */
enum aps_rc aps_listener_catch_signals(struct aps_listener *listener, struct aps_err *err);
/* Runs until an event is there or the time is over; negative: no limit. */
void aps_listener_wait(struct aps_listener *listener, double timeout_s);
/* The first event, without taking it. False when there is none. */
bool aps_listener_event_peek(struct aps_listener *listener, struct aps_listener_event *out);
/* Takes the event that was peeked. */
void aps_listener_event_done(struct aps_listener *listener);
/* Accepts nothing more, says 1001 to every WebSocket and writes what waits, for at most that long. */
void aps_listener_shutdown(struct aps_listener *listener, double timeout_s);
/* So much waits for peers that read slowly that nothing more should be answered. */
bool aps_listener_is_full(const struct aps_listener *listener);
struct aps_listener_stats aps_listener_stats(const struct aps_listener *listener);

/* NULL when the id is unknown or gone. */
struct aps_peer *aps_listener_peer(struct aps_listener *listener, uint64_t id);

APS_END_DECLS

#endif

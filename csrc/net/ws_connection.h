/* One WebSocket: reassembles messages, queues texts, and tells its end exactly once. @thread net */
#ifndef APS_NET_WS_CONNECTION_H
#define APS_NET_WS_CONNECTION_H

#include "net/ws_command.h"
#include "net/ws_loop.h"
#include "net/ws_refusal.h"

enum aps_ws_state { APS_WS_CONNECTING, APS_WS_ESTABLISHED, APS_WS_CLOSING };

struct aps_ws_connection {
	struct aps_ws_connection *next;
	struct aps_ws *ws;
	uint64_t id;
	struct lws *wsi;
	struct aps_ws_request *request;
	enum aps_ws_state state;
	struct aps_ws_batch *closed; /* NULL once the terminal event was told */
	bool is_gone;                /* libwebsockets has forgotten the socket; with !closed: ready to be freed */
	bool is_paused;
	bool is_skipping;   /* inside a message that is too big */
	bool must_look;     /* LOOKED follows this turn */
	bool is_overdue;    /* its answer has one more turn to be read in */
	int64_t read_at_ms; /* when something of a message was read last, or when it began */
	bool is_closing_by_us;
	long x509_error; /* why the certificate was refused; 0: it was not */
	struct aps_ws_refusal refusal;
	lws_sorted_usec_list_t deadline;
	struct aps_buf partial;
	struct aps_ws_text *first;
	struct aps_ws_text **last;
	size_t queued_bytes;
	int close_code;
	size_t n_reason;
	char reason[123];
};

APS_BEGIN_DECLS

/* The callback of the one protocol that all vhosts have. */
int aps_ws_connection_on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n);
/* Takes the command's request and its CLOSED batch. */
void aps_ws_connection_open(struct aps_ws *ws, struct aps_ws_command *command);
struct aps_ws_connection *aps_ws_connection_find(struct aps_ws *ws, uint64_t id);
/* Takes the command's text. */
void aps_ws_connection_send(struct aps_ws_connection *connection, struct aps_ws_command *command);
void aps_ws_connection_close(struct aps_ws_connection *connection, const struct aps_ws_command *command);
void aps_ws_connection_pause(struct aps_ws_connection *connection, bool is_paused);
/* After a turn in which all sockets were read. */
void aps_ws_connection_answer_looks(struct aps_ws *ws);
/* Tells the end of each, unless it was told, and drops the sockets. */
void aps_ws_connection_fail_all(struct aps_ws *ws, const struct aps_err *err);
/* Frees those that have ended. */
void aps_ws_connection_reap(struct aps_ws *ws);
/* Before and after the context is destroyed. */
void aps_ws_connection_stop_timers(struct aps_ws *ws);
void aps_ws_connection_free_all(struct aps_ws *ws);

/* Of ws_failure.c: why a connection could not be made; `text` is libwebsockets' own. */
void aps_ws_failure_fill(const struct aps_ws_connection *connection, struct lws *wsi, const char *text,
                         struct aps_err *err);

/* Likewise: the certificate is for somebody else. */
void aps_ws_failure_fill_name(const char *host, struct aps_err *err);

APS_END_DECLS

#endif

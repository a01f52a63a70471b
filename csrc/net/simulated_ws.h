/* The WebSockets of a simulation, behind the interface of net/ws.h: what the core wants of them is handed to the
 * simulator, in its order, and what comes of it is the simulator's to tell, at moments of its choice. No socket, no
 * thread, no time. @thread core, which is the simulator's own */
#ifndef APS_NET_SIMULATED_WS_H
#define APS_NET_SIMULATED_WS_H

#include "net/ws.h"

struct aps_simulated_ws;

enum aps_simulated_wish_kind {
	APS_SIMULATED_CONNECT,
	APS_SIMULATED_SEND,
	APS_SIMULATED_CLOSE, /* it is closed for the core by then */
};

/* What the core wants of a connection. */
struct aps_simulated_wish {
	struct aps_simulated_wish *next;
	enum aps_simulated_wish_kind kind;
	uint64_t connection;
	char *text;      /* the message; CONNECT: the path */
	size_t n_text;   /* of the message */
	char *protocols; /* CONNECT: the list of sub-protocols */
	char *headers;   /* CONNECT: lines of "Name: value" LF */
};

/* How a connection ends. */
enum aps_simulated_end {
	APS_SIMULATED_WS_UNREACHABLE, /* no connection could be made, */
	APS_SIMULATED_WS_SILENT,      /* or the upgrade wasn't answered in time, */
	APS_SIMULATED_WS_STATUS,      /* or not with 101: `number` is the status */
	APS_SIMULATED_WS_LOST,        /* it broke */
	APS_SIMULATED_WS_CLOSED,      /* the peer has closed it: `number` is its code */
};

APS_BEGIN_DECLS

struct aps_simulated_ws *aps_simulated_ws_new(struct aps_ws_sink sink, struct aps_err *err);
void aps_simulated_ws_free(struct aps_simulated_ws *ws);

/* As those of net/ws.h. */
enum aps_rc aps_simulated_ws_connect(struct aps_simulated_ws *ws, const struct aps_ws_connect *connect,
                                     struct aps_err *err);
enum aps_rc aps_simulated_ws_send(struct aps_simulated_ws *ws, uint64_t connection, struct aps_str text);
enum aps_rc aps_simulated_ws_close(struct aps_simulated_ws *ws, uint64_t connection);
enum aps_rc aps_simulated_ws_pause(struct aps_simulated_ws *ws, uint64_t connection, bool is_paused);
enum aps_rc aps_simulated_ws_look(struct aps_simulated_ws *ws, uint64_t connection);

/* The oldest wish, which is the caller's from now on. NULL: there is none. */
struct aps_simulated_wish *aps_simulated_ws_take(struct aps_simulated_ws *ws);
void aps_simulated_wish_free(struct aps_simulated_wish *wish);
/* Tell what has come of a connection. False: it has ended, or memory is out, which ends it. */
bool aps_simulated_ws_open(struct aps_simulated_ws *ws, uint64_t connection);
bool aps_simulated_ws_message(struct aps_simulated_ws *ws, uint64_t connection, struct aps_str text);
bool aps_simulated_ws_end(struct aps_simulated_ws *ws, uint64_t connection, enum aps_simulated_end how, int number);

APS_END_DECLS

#endif

/* The realtime thread's own state. Only `lock`, `context` (for waking it) and `inbox` are touched by other threads. */
#ifndef APS_NET_WS_LOOP_H
#define APS_NET_WS_LOOP_H

#include "net/ws_batch.h"
#include "net/ws_request.h"
#include "rt/mailbox.h"
#include "rt/thread.h"

#include <libwebsockets.h>
#include <pthread.h>

struct aps_simulated_ws;
struct aps_ws_connection;

/* Of libwebsockets' buffer that a head is written into. */
#define APS_WS_SERVICE_BYTES 65536
/* What it keeps free behind a head (lws_generate_client_handshake()). */
#define APS_WS_SERVICE_SPARE 12

/* One libwebsockets vhost for each set of proxy and TLS options: its TLS context loads the CA store once. That takes as
 * long as some thousand messages: what goes without TLS has another vhost, which doesn't. */
struct aps_ws_vhost {
	struct aps_ws_vhost *next;
	struct lws_vhost *vhost;
	bool is_tls;
	struct aps_net_options options;
};

struct aps_ws {
	struct aps_simulated_ws *simulated; /* NULL: the network is real. Else there is nothing else here */
	struct aps_thread *thread;          /* the owner's */
	const struct aps_thread *self;      /* the same, as the thread itself knows it */
	struct aps_mailbox *inbox;
	pthread_mutex_t lock; /* guards the three below */
	pthread_cond_t raised;
	struct lws_context *context; /* NULL before the first connect; written by the realtime thread only */
	bool is_raised;
	bool is_stopping;
	/* @thread net */
	bool must_look;   /* somebody's socket was to be looked at: the next turn reads, and doesn't wait */
	bool must_forget; /* once no connection is left: its buffers have handshakes in them */
	struct aps_ws_gather gather;
	struct aps_ws_vhost *vhosts;
	struct aps_ws_connection *connections;
	lws_usec_t waited_us; /* when somebody's refusal was waited for last */
};

APS_BEGIN_DECLS

/* The thread's main function; context is the struct aps_ws. */
void aps_ws_loop_run(void *context, const struct aps_thread *self);
/* @thread any: the inbox is not empty any more, or is_stopping was set. */
void aps_ws_loop_raise(void *context);
/* @thread net: the vhost for these options, made where there is none yet. NULL with *err. */
struct lws_vhost *aps_ws_vhost_get(struct aps_ws *ws, const struct aps_ws_request *request, struct aps_err *err);
void aps_ws_vhosts_clear(struct aps_ws *ws);

APS_END_DECLS

#endif

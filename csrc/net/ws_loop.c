#include "net/ws_loop.h"

#include "base/mem.h"
#include "net/descriptors.h"
#include "net/ws_connection.h"

#include <signal.h>

/* Sizes: max_http_header_data is an unsigned short inside, and the larger max_http_header_data2 is cut to one by 4.3,
 * so 32 KB is what fits; the service buffer must hold the whole handshake, which is written there without a check. */
#define HANDSHAKE_BYTES 32768
/* For libwebsockets' tables, which would otherwise be sized by the process's limit of descriptors: billions in some
 * containers. */
#ifdef APS_TESTING
#define MAX_SOCKETS 16
#else
#define MAX_SOCKETS 16384
#endif
#define OWN_SOCKETS 8 /* of libwebsockets itself */

void aps_ws_loop_raise(void *context)
{
	struct aps_ws *ws = context;
	/* Under the lock: waking a context that was destroyed meanwhile would read freed memory. */
	pthread_mutex_lock(&ws->lock);
	ws->is_raised = true;
	if (ws->context)
		lws_cancel_service(ws->context);
	else
		pthread_cond_signal(&ws->raised);
	pthread_mutex_unlock(&ws->lock);
}

/* libwebsockets keeps copies of requests: see net/global.c. */
static void *lws_allocate(void *block, size_t n_bytes, const char *reason)
{
	(void)reason;
	if (n_bytes != 0) return aps_mem_move(block, n_bytes);
	aps_mem_forget(block);
	return NULL;
}

static pthread_once_t has_allocator = PTHREAD_ONCE_INIT;

static void set_allocator(void)
{
	lws_set_allocator(lws_allocate);
}

/* lws_create_context() sets SIGPIPE to be ignored in the whole process. The host's own choice is put back: this thread
 * blocks all signals, so that a SIGPIPE of its own writes stays pending on it and harms nobody. */
static struct lws_context *make_context(void)
{
	struct lws_context_creation_info info;
	memset(&info, 0, sizeof info);
	info.port = CONTEXT_PORT_NO_LISTEN;
	info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
	info.max_http_header_data = HANDSHAKE_BYTES;
	info.pt_serv_buf_size = APS_WS_SERVICE_BYTES;
	info.fd_limit_per_thread = MAX_SOCKETS + OWN_SOCKETS;
	info.timeout_secs = 120;
	struct sigaction before;
	bool is_known = sigaction(SIGPIPE, NULL, &before) == 0;
	lws_set_log_level(0, NULL);
	pthread_once(&has_allocator, set_allocator);
	struct lws_context *context = lws_create_context(&info);
	if (is_known) sigaction(SIGPIPE, &before, NULL);
	return context;
}

static bool ensure_context(struct aps_ws *ws)
{
	if (ws->context) return true;
	struct lws_context *context = make_context();
	pthread_mutex_lock(&ws->lock);
	ws->context = context;
	pthread_mutex_unlock(&ws->lock);
	return context != NULL;
}

static void destroy_context(struct aps_ws *ws)
{
	struct lws_context *context = ws->context;
	if (!context) return;
	aps_ws_connection_stop_timers(ws);
	pthread_mutex_lock(&ws->lock);
	ws->context = NULL;
	pthread_mutex_unlock(&ws->lock);
	lws_context_destroy(context);
	aps_ws_vhosts_clear(ws);
}

static bool may_connect(struct aps_ws *ws, struct aps_err *err)
{
	if (!ensure_context(ws)) {
		if (!aps_descriptors_are_out(err)) aps_fail(err, APS_E_SYSTEM, "cannot start libwebsockets");
		return false;
	}
	size_t n = 0;
	for (const struct aps_ws_connection *c = ws->connections; c; c = c->next) n++;
	if (n < MAX_SOCKETS) return true;
	aps_fail_word(err, APS_E_SYSTEM, "socket_limit", 0,
	              "%d WebSockets are open in this process; no more are possible", MAX_SOCKETS);
	return false;
}

static void refuse_connect(struct aps_ws *ws, struct aps_ws_command *command, const struct aps_err *why)
{
	aps_ws_gather_close(&ws->gather, command->closed, why);
	command->closed = NULL;
}

static void obey(struct aps_ws *ws, struct aps_ws_command *command)
{
	if (command->kind == APS_WS_DO_CONNECT) {
		struct aps_err err = {0};
		if (may_connect(ws, &err))
			aps_ws_connection_open(ws, command);
		else
			refuse_connect(ws, command, &err);
		return;
	}
	if (command->kind == APS_WS_DO_FORGET) {
		ws->must_forget = true;
		return;
	}
	struct aps_ws_connection *connection = aps_ws_connection_find(ws, command->connection);
	if (!connection) return; /* it has ended meanwhile */
	switch (command->kind) {
	case APS_WS_DO_SEND: aps_ws_connection_send(connection, command); break;
	case APS_WS_DO_CLOSE: aps_ws_connection_close(connection, command); break;
	case APS_WS_DO_PAUSE: aps_ws_connection_pause(connection, command->is_paused); break;
	case APS_WS_DO_LOOK: ws->must_look = connection->must_look = true; break;
	case APS_WS_DO_CONNECT:
	case APS_WS_DO_FORGET: break;
	}
}

static void obey_all(struct aps_ws *ws)
{
	struct aps_mail *chain = aps_mailbox_drain(ws->inbox);
	for (struct aps_mail *mail = chain; mail; mail = mail->next)
		obey(ws, APS_CONTAINER_OF(mail, struct aps_ws_command, mail));
	aps_mail_free_chain(chain);
}

/* False: stop. */
static bool wait_for_work(struct aps_ws *ws)
{
	pthread_mutex_lock(&ws->lock);
	while (!ws->context && !ws->is_raised && !ws->is_stopping) pthread_cond_wait(&ws->raised, &ws->lock);
	ws->is_raised = false;
	bool must_go_on = !ws->is_stopping;
	pthread_mutex_unlock(&ws->lock);
	return must_go_on;
}

static void end_turn(struct aps_ws *ws)
{
	aps_ws_gather_flush(&ws->gather);
	if (ws->gather.has_lost) {
		struct aps_err err;
		aps_fail(&err, APS_E_NOMEM, "no memory for the messages of a WebSocket");
		ws->gather.has_lost = false;
		aps_ws_connection_fail_all(ws, &err);
	}
	aps_ws_connection_reap(ws);
	if (!ws->must_forget || ws->connections) return;
	ws->must_forget = false;
	destroy_context(ws); /* the next connection makes another one */
}

void aps_ws_loop_run(void *context, const struct aps_thread *self)
{
	struct aps_ws *ws = context;
	ws->self = self;
	while (wait_for_work(ws)) {
		obey_all(ws);
		end_turn(ws);
		bool must_look = ws->must_look;
		if (must_look && ws->context) lws_cancel_service(ws->context); /* it returns at once */
		/* Waits for sockets, our deadlines or lws_cancel_service(); its second argument means nothing
		 * since 3.2. */
		if (ws->context && lws_service(ws->context, 0) < 0) {
			struct aps_err err;
			aps_fail(&err, APS_E_SYSTEM, "libwebsockets stopped serving");
			aps_ws_connection_fail_all(ws, &err);
			destroy_context(ws);
		}
		if (must_look) aps_ws_connection_answer_looks(ws);
		end_turn(ws);
	}
	ws->gather.is_muted = true;
	destroy_context(ws);
	aps_ws_connection_free_all(ws);
	aps_ws_gather_clear(&ws->gather);
}

#include "net/ws.h"

#include "base/mem.h"
#include "net/global.h"
#include "net/simulated_ws.h"
#include "net/ws_command.h"
#include "net/ws_loop.h"

static void free_command(struct aps_mail *mail)
{
	struct aps_ws_command *command = APS_CONTAINER_OF(mail, struct aps_ws_command, mail);
	aps_ws_request_free(command->request);
	aps_ws_batch_free(command->closed);
	aps_free(command->text);
	aps_free(command);
}

static const struct aps_mail_kind COMMAND = {"ws_command", free_command};

static struct aps_ws_command *new_command(enum aps_ws_command_kind kind, uint64_t connection)
{
	struct aps_ws_command *command = aps_calloc(1, sizeof *command);
	if (!command) return NULL;
	command->mail.kind = &COMMAND;
	command->mail.n_bytes = sizeof *command;
	command->kind = kind;
	command->connection = connection;
	return command;
}

static void free_ws(struct aps_ws *ws)
{
	aps_mailbox_free(ws->inbox);
	pthread_cond_destroy(&ws->raised);
	pthread_mutex_destroy(&ws->lock);
	aps_free(ws);
}

struct aps_ws *aps_ws_new(struct aps_ws_sink sink, struct aps_err *err)
{
	if (aps_net_global_init(err) != APS_OK) return NULL;
	struct aps_ws *ws = aps_calloc(1, sizeof *ws);
	if (!ws) goto no_memory;
	pthread_mutex_init(&ws->lock, NULL);
	pthread_cond_init(&ws->raised, NULL);
	aps_ws_gather_init(&ws->gather, sink);
	/* No bound here: texts are bounded by each connection's queue, connects and closes by their number of
	 * connections. */
	ws->inbox = aps_mailbox_new((struct aps_mailbox_limits){0, 0}, (struct aps_wakeup){aps_ws_loop_raise, ws});
	if (!ws->inbox) goto no_memory;
	ws->thread = aps_thread_start("appsync-ws", aps_ws_loop_run, ws, err);
	if (ws->thread) return ws;
	free_ws(ws);
	return NULL;
no_memory:
	if (ws) free_ws(ws);
	aps_fail(err, APS_E_NOMEM, "no memory for WebSockets");
	return NULL;
}

struct aps_ws *aps_ws_new_simulated(struct aps_ws_sink sink, struct aps_err *err)
{
	struct aps_simulated_ws *simulated = aps_simulated_ws_new(sink, err);
	struct aps_ws *ws = simulated ? aps_calloc(1, sizeof *ws) : NULL;
	if (ws) {
		ws->simulated = simulated;
		return ws;
	}
	aps_simulated_ws_free(simulated);
	aps_fail(err, APS_E_NOMEM, "no memory for WebSockets");
	return NULL;
}

struct aps_simulated_ws *aps_ws_simulation(const struct aps_ws *ws)
{
	return ws ? ws->simulated : NULL;
}

bool aps_ws_free(struct aps_ws *ws, int64_t timeout_ms)
{
	if (!ws) return true;
	if (ws->simulated) {
		aps_simulated_ws_free(ws->simulated);
		aps_free(ws);
		return true;
	}
	aps_mail_free_chain(aps_mailbox_close(ws->inbox));
	pthread_mutex_lock(&ws->lock);
	ws->is_stopping = true;
	pthread_mutex_unlock(&ws->lock);
	aps_ws_loop_raise(ws);
	if (!aps_thread_join(ws->thread, timeout_ms)) return false; /* it still uses *ws, which is left to it */
	free_ws(ws);
	return true;
}

enum aps_rc aps_ws_connect(struct aps_ws *ws, const struct aps_ws_connect *connect, struct aps_err *err)
{
	if (ws->simulated) return aps_simulated_ws_connect(ws->simulated, connect, err);
	struct aps_ws_request *request = aps_ws_request_new(connect, err);
	if (!request) return err ? err->code : APS_E_USAGE;
	struct aps_ws_command *command = new_command(APS_WS_DO_CONNECT, connect->connection);
	struct aps_ws_batch *closed = aps_ws_batch_new_closed(connect->connection);
	if (!command || !closed) {
		aps_ws_request_free(request);
		aps_ws_batch_free(closed);
		aps_free(command);
		return aps_fail(err, APS_E_NOMEM, "no memory for a WebSocket");
	}
	command->request = request;
	command->closed = closed;
	return aps_mailbox_send(ws->inbox, &command->mail);
}

enum aps_rc aps_ws_send(struct aps_ws *ws, uint64_t connection, struct aps_str text)
{
	if (ws->simulated) return aps_simulated_ws_send(ws->simulated, connection, text);
	struct aps_ws_command *command = new_command(APS_WS_DO_SEND, connection);
	if (!command) return APS_E_NOMEM;
	command->text = aps_malloc(sizeof *command->text + LWS_PRE + text.n);
	if (!command->text) {
		aps_free(command);
		return APS_E_NOMEM;
	}
	command->text->next = NULL;
	command->text->n = text.n;
	memcpy(command->text->block + LWS_PRE, text.p, text.n);
	command->mail.n_bytes += text.n;
	return aps_mailbox_send(ws->inbox, &command->mail);
}

enum aps_rc aps_ws_close(struct aps_ws *ws, uint64_t connection, int code, struct aps_str reason)
{
	if (ws->simulated) return aps_simulated_ws_close(ws->simulated, connection);
	struct aps_ws_command *command = new_command(APS_WS_DO_CLOSE, connection);
	if (!command) return APS_E_NOMEM;
	command->code = code;
	command->n_reason = reason.n < sizeof command->reason ? reason.n : sizeof command->reason;
	if (command->n_reason) memcpy(command->reason, reason.p, command->n_reason);
	return aps_mailbox_send(ws->inbox, &command->mail);
}

enum aps_rc aps_ws_pause(struct aps_ws *ws, uint64_t connection, bool is_paused)
{
	if (ws->simulated) return aps_simulated_ws_pause(ws->simulated, connection, is_paused);
	struct aps_ws_command *command = new_command(APS_WS_DO_PAUSE, connection);
	if (!command) return APS_E_NOMEM;
	command->is_paused = is_paused;
	return aps_mailbox_send(ws->inbox, &command->mail);
}

enum aps_rc aps_ws_look(struct aps_ws *ws, uint64_t connection)
{
	if (ws->simulated) return aps_simulated_ws_look(ws->simulated, connection);
	struct aps_ws_command *command = new_command(APS_WS_DO_LOOK, connection);
	return command ? aps_mailbox_send(ws->inbox, &command->mail) : APS_E_NOMEM;
}

enum aps_rc aps_ws_forget(struct aps_ws *ws)
{
	if (ws->simulated) return APS_OK;
	struct aps_ws_command *command = new_command(APS_WS_DO_FORGET, 0);
	return command ? aps_mailbox_send(ws->inbox, &command->mail) : APS_E_NOMEM;
}

#include "net/simulated_ws.h"

#include "base/clock.h"
#include "base/mem.h"
#include "codec/status.h"
#include "net/ws_batch.h"

#define HOST "the simulated service"

/* A connection that has not ended. */
struct wire {
	struct wire *next;
	uint64_t connection;
	struct aps_ws_batch *closed; /* for its end */
	struct aps_ws_batch *unread; /* came while it is paused */
	int64_t read_ms;             /* when something was read last */
	bool is_paused;
};

struct aps_simulated_ws {
	struct aps_ws_sink sink;
	struct aps_simulated_wish *wishes; /* the oldest first */
	struct wire *wires;
};

struct aps_simulated_ws *aps_simulated_ws_new(struct aps_ws_sink sink, struct aps_err *err)
{
	struct aps_simulated_ws *ws = aps_calloc(1, sizeof *ws);
	if (ws == NULL)
		aps_fail(err, APS_E_NOMEM, "no memory for WebSockets");
	else
		ws->sink = sink;
	return ws;
}

static void free_wire(struct wire *wire)
{
	while (wire->unread != NULL) {
		struct aps_ws_batch *batch = wire->unread;
		wire->unread = batch->next;
		aps_ws_batch_free(batch);
	}
	aps_ws_batch_free(wire->closed);
	aps_free(wire);
}

void aps_simulated_wish_free(struct aps_simulated_wish *wish)
{
	if (wish == NULL) return;
	aps_free(wish->text);
	aps_free(wish->protocols);
	aps_free(wish->headers);
	aps_free(wish);
}

void aps_simulated_ws_free(struct aps_simulated_ws *ws)
{
	if (ws == NULL) return;
	while (ws->wires != NULL) {
		struct wire *wire = ws->wires;
		ws->wires = wire->next;
		free_wire(wire);
	}
	while (ws->wishes != NULL) aps_simulated_wish_free(aps_simulated_ws_take(ws));
	aps_free(ws);
}

static struct wire *find(const struct aps_simulated_ws *ws, uint64_t connection)
{
	struct wire *wire = ws->wires;
	while (wire != NULL && wire->connection != connection) wire = wire->next;
	return wire;
}

static void take_out(struct aps_simulated_ws *ws, struct wire *wire)
{
	struct wire **at = &ws->wires;
	while (*at != wire) at = &(*at)->next;
	*at = wire->next;
}

static void read_batch(struct aps_simulated_ws *ws, struct wire *wire, struct aps_ws_batch *batch)
{
	batch->next = NULL;
	wire->read_ms = aps_clock_mono_ms();
	ws->sink.deliver(ws->sink.context, batch);
}

/* Its last batch frees it. */
static void end_wire(struct aps_simulated_ws *ws, struct wire *wire)
{
	struct aps_ws_batch *closed = wire->closed;
	take_out(ws, wire);
	wire->closed = NULL;
	free_wire(wire);
	ws->sink.deliver(ws->sink.context, closed);
}

static void lose(struct aps_simulated_ws *ws, struct wire *wire, const char *why)
{
	aps_fail_word(&wire->closed->err, APS_E_NETWORK, "connection_lost", 0, "the WebSocket to " HOST " was lost%s",
	              why);
	end_wire(ws, wire);
}

static struct aps_simulated_wish *new_wish(enum aps_simulated_wish_kind kind, uint64_t connection, struct aps_str text)
{
	struct aps_simulated_wish *wish = aps_calloc(1, sizeof *wish);
	if (wish == NULL) return NULL;
	wish->kind = kind;
	wish->connection = connection;
	wish->n_text = text.n;
	wish->text = aps_strndup(text.p, text.n);
	if (wish->text != NULL) return wish;
	aps_free(wish);
	return NULL;
}

static void put_wish(struct aps_simulated_ws *ws, struct aps_simulated_wish *wish)
{
	struct aps_simulated_wish **at = &ws->wishes;
	while (*at != NULL) at = &(*at)->next;
	*at = wish;
}

static char *lines_of(const struct aps_ws_connect *connect)
{
	struct aps_buf lines;
	aps_buf_init(&lines, APS_BUF_ANY_SIZE);
	for (size_t i = 0; i < connect->n_headers; i++) {
		aps_buf_add_str(&lines, connect->headers[i].name);
		aps_buf_add_text(&lines, ": ");
		aps_buf_add_str(&lines, connect->headers[i].value);
		aps_buf_add_byte(&lines, '\n');
	}
	char *text = lines.rc == APS_OK ? aps_strndup(lines.n != 0 ? lines.p : "", lines.n) : NULL;
	aps_buf_clear(&lines);
	return text;
}

enum aps_rc aps_simulated_ws_connect(struct aps_simulated_ws *ws, const struct aps_ws_connect *connect,
                                     struct aps_err *err)
{
	struct aps_simulated_wish *wish =
	        new_wish(APS_SIMULATED_CONNECT, connect->connection, aps_str_of(connect->path));
	struct wire *wire = aps_calloc(1, sizeof *wire);
	if (wish == NULL || wire == NULL) goto no_memory;
	wish->protocols = aps_strndup(connect->protocols, strlen(connect->protocols));
	wish->headers = lines_of(connect);
	wire->connection = connect->connection;
	wire->closed = aps_ws_batch_new_closed(connect->connection);
	if (wish->protocols == NULL || wish->headers == NULL || wire->closed == NULL) goto no_memory;
	wire->next = ws->wires;
	ws->wires = wire;
	put_wish(ws, wish);
	return APS_OK;
no_memory:
	aps_simulated_wish_free(wish);
	if (wire != NULL) free_wire(wire);
	return aps_fail(err, APS_E_NOMEM, "no memory for a WebSocket");
}

enum aps_rc aps_simulated_ws_send(struct aps_simulated_ws *ws, uint64_t connection, struct aps_str text)
{
	if (find(ws, connection) == NULL) return APS_OK;
	struct aps_simulated_wish *wish = new_wish(APS_SIMULATED_SEND, connection, text);
	if (wish == NULL) return APS_E_NOMEM;
	put_wish(ws, wish);
	return APS_OK;
}

enum aps_rc aps_simulated_ws_close(struct aps_simulated_ws *ws, uint64_t connection)
{
	struct wire *wire = find(ws, connection);
	if (wire == NULL) return APS_OK;
	struct aps_simulated_wish *wish = new_wish(APS_SIMULATED_CLOSE, connection, APS_STR(""));
	if (wish == NULL) return APS_E_NOMEM;
	put_wish(ws, wish);
	aps_fail(&wire->closed->err, APS_E_CLOSED, "the WebSocket to " HOST " was closed");
	end_wire(ws, wire);
	return APS_OK;
}

enum aps_rc aps_simulated_ws_pause(struct aps_simulated_ws *ws, uint64_t connection, bool is_paused)
{
	struct wire *wire = find(ws, connection);
	if (wire == NULL) return APS_OK;
	wire->is_paused = is_paused;
	if (is_paused) return APS_OK;
	while (wire->unread != NULL) {
		struct aps_ws_batch *batch = wire->unread;
		wire->unread = batch->next;
		read_batch(ws, wire, batch);
	}
	return APS_OK;
}

/* One event and its text; NULL: no memory. */
static struct aps_ws_batch *new_batch(struct aps_ws_event event, struct aps_str text)
{
	struct aps_ws_batch *batch = aps_calloc(1, sizeof *batch + sizeof event);
	if (batch == NULL) return NULL;
	batch->n_events = 1;
	batch->events[0] = event;
	if (text.n == 0) return batch;
	batch->bytes = aps_bytes_new(text.n);
	if (batch->bytes == NULL) {
		aps_free(batch);
		return NULL;
	}
	memcpy(batch->bytes->p, text.p, text.n);
	return batch;
}

enum aps_rc aps_simulated_ws_look(struct aps_simulated_ws *ws, uint64_t connection)
{
	const struct wire *wire = find(ws, connection);
	if (wire == NULL) return APS_OK;
	struct aps_ws_event event = {APS_WS_LOOKED, connection, 0, (size_t)wire->read_ms};
	struct aps_ws_batch *batch = new_batch(event, APS_STR(""));
	if (batch == NULL) return APS_E_NOMEM;
	ws->sink.deliver(ws->sink.context, batch);
	return APS_OK;
}

struct aps_simulated_wish *aps_simulated_ws_take(struct aps_simulated_ws *ws)
{
	struct aps_simulated_wish *wish = ws->wishes;
	if (wish != NULL) ws->wishes = wish->next;
	return wish;
}

static bool put_event(struct aps_simulated_ws *ws, uint64_t connection, enum aps_ws_event_kind kind,
                      struct aps_str text)
{
	struct wire *wire = find(ws, connection);
	if (wire == NULL) return false;
	struct aps_ws_batch *batch = new_batch((struct aps_ws_event){kind, connection, 0, text.n}, text);
	if (batch == NULL) {
		lose(ws, wire, ": no memory");
		return false;
	}
	if (!wire->is_paused) {
		read_batch(ws, wire, batch);
		return true;
	}
	struct aps_ws_batch **at = &wire->unread;
	while (*at != NULL) at = &(*at)->next;
	*at = batch;
	return true;
}

bool aps_simulated_ws_open(struct aps_simulated_ws *ws, uint64_t connection)
{
	return put_event(ws, connection, APS_WS_OPENED, APS_STR(""));
}

bool aps_simulated_ws_message(struct aps_simulated_ws *ws, uint64_t connection, struct aps_str text)
{
	return put_event(ws, connection, APS_WS_FRAME, text);
}

static void fill_status(int status, struct aps_err *err)
{
	bool is_auth = status == 401 || status == 403;
	aps_fail_word(err, is_auth ? APS_E_AUTH : APS_E_HTTP, "upgrade_refused", status,
	              "the WebSocket was refused with HTTP status %d by " HOST, status);
	err->retryable = aps_status_is_passing(status);
}

bool aps_simulated_ws_end(struct aps_simulated_ws *ws, uint64_t connection, enum aps_simulated_end how, int number)
{
	struct wire *wire = find(ws, connection);
	if (wire == NULL) return false;
	struct aps_err *err = &wire->closed->err;
	switch (how) {
	case APS_SIMULATED_WS_UNREACHABLE:
		aps_fail_word(err, APS_E_NETWORK, "unreachable", 0, "cannot connect to " HOST);
		break;
	case APS_SIMULATED_WS_SILENT:
		aps_fail_word(err, APS_E_TIMEOUT, "connect_timeout", 0, HOST " does not answer");
		break;
	case APS_SIMULATED_WS_STATUS: fill_status(number, err); break;
	case APS_SIMULATED_WS_LOST: lose(ws, wire, ""); return true;
	case APS_SIMULATED_WS_CLOSED:
		aps_fail_word(err, APS_E_NETWORK, "closed_by_peer", number, "the WebSocket was closed by " HOST);
		break;
	}
	end_wire(ws, wire);
	return true;
}

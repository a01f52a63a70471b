#include "net/ws_connection.h"

#include "base/clock.h"
#include "base/mem.h"
#include "net/descriptors.h"
#include "net/tls.h"
#include "net/ws_head.h"

#include <string.h>

#if !defined(LWS_WITH_TLS) || defined(LWS_WITH_MBEDTLS)
#error "libwebsockets must be built with OpenSSL: certificates are verified with it"
#endif

#define MAX_QUEUED_BYTES ((size_t)1024 * 1024)
#define CLOSE_WAIT_MS    1000
#define HEAD_BYTES       ((size_t)512) /* of a message that is too big */

/* ---- the end ---- */

static void tell_end(struct aps_ws_connection *connection, const struct aps_err *err)
{
	struct aps_ws_batch *closed = connection->closed;
	if (!closed) return;
	connection->closed = NULL;
	aps_ws_gather_close(&connection->ws->gather, closed, err);
}

static void kill_socket(struct aps_ws_connection *connection)
{
	/* "Async": at the next turn, so it is legal inside this connection's own callback too. */
	if (connection->wsi && !connection->is_gone)
		lws_set_timeout(connection->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

/* Tells the end, unless it was told, and drops the socket. */
static void fail(struct aps_ws_connection *connection, const struct aps_err *err)
{
	connection->state = APS_WS_CLOSING;
	tell_end(connection, err);
	kill_socket(connection);
}

void aps_ws_connection_fail_all(struct aps_ws *ws, const struct aps_err *err)
{
	APS_ON_THREAD(ws->self);
	for (struct aps_ws_connection *c = ws->connections; c; c = c->next) fail(c, err);
}

static void fill_own_close(const struct aps_ws_connection *connection, struct aps_err *err)
{
	aps_fail_word(err, APS_E_CLOSED, NULL, connection->close_code, "the WebSocket to %s was closed",
	              connection->request->connect.host);
}

static void arm(struct aps_ws_connection *connection, int64_t delay_ms);

static void on_deadline(lws_sorted_usec_list_t *sul)
{
	struct aps_ws_connection *connection = lws_container_of(sul, struct aps_ws_connection, deadline);
	struct aps_err err;
	bool is_connecting = connection->state == APS_WS_CONNECTING;
	if (is_connecting && !connection->is_overdue) {
		/* Deadlines come before sockets: where this thread is late, an answer may lie there. */
		connection->is_overdue = true;
		arm(connection, 0);
		return;
	}
	if (is_connecting)
		aps_fail_word(&err, APS_E_TIMEOUT, "connect_timeout", 0,
		              "the WebSocket handshake with %s took too long", connection->request->connect.host);
	else
		fill_own_close(connection, &err);
	fail(connection, &err);
}

/* After `delay_ms`; below 0: never. */
static void arm(struct aps_ws_connection *connection, int64_t delay_ms)
{
	struct lws_context *context = connection->ws->context;
	if (!context) return; /* it is being destroyed, and all deadlines were stopped before */
	lws_usec_t us = delay_ms < 0 ? LWS_SET_TIMER_USEC_CANCEL : (lws_usec_t)(delay_ms > 0 ? delay_ms : 1) * 1000;
	lws_sul_schedule(context, 0, &connection->deadline, on_deadline, us);
}

/* The socket has ended before anybody told. */
static void on_lost(struct aps_ws_connection *connection)
{
	struct aps_err err;
	bool was_open = connection->state != APS_WS_CONNECTING;
	if (connection->is_closing_by_us)
		fill_own_close(connection, &err);
	else if (was_open || !aps_descriptors_are_out(&err)) /* that no socket could be made is told by nothing else */
		aps_fail_word(&err, APS_E_NETWORK, "connection_lost", 0, "the WebSocket to %s was lost",
		              connection->request->connect.host);
	tell_end(connection, &err);
}

static void on_gone(struct aps_ws_connection *connection)
{
	if (connection->closed) on_lost(connection);
	arm(connection, -1);
	connection->is_gone = true;
	connection->wsi = NULL;
}

/* RFC 6455 5.5.1: two bytes of code, then text. */
static void on_peer_close(struct aps_ws_connection *connection, const unsigned char *p, size_t n)
{
	int code = n >= 2 ? p[0] << 8 | p[1] : 1005;
	char reason[124];
	size_t n_reason = n > 2 ? n - 2 : 0;
	if (n_reason > sizeof reason - 1) n_reason = sizeof reason - 1;
	for (size_t i = 0; i < n_reason; i++) reason[i] = p[i + 2] == '\0' ? '?' : (char)p[i + 2];
	reason[n_reason] = '\0';
	struct aps_err err;
	if (connection->is_closing_by_us)
		fill_own_close(connection, &err);
	else
		aps_fail_word(&err, APS_E_NETWORK, "closed_by_peer", code,
		              "the WebSocket was closed by %s with code %d%s%s", connection->request->connect.host,
		              code, n_reason ? ": " : "", reason);
	/* The peer may keep the connection open after its close frame; that is not waited for. */
	connection->state = APS_WS_CLOSING;
	tell_end(connection, &err);
	arm(connection, CLOSE_WAIT_MS);
}

/* ---- in ---- */

void aps_ws_connection_answer_looks(struct aps_ws *ws)
{
	APS_ON_THREAD(ws->self);
	ws->must_look = false;
	for (struct aps_ws_connection *c = ws->connections; c; c = c->next) {
		if (c->must_look && c->closed) aps_ws_gather_look(&ws->gather, c->id, c->read_at_ms);
		c->must_look = false;
	}
}

static void finish_message(struct aps_ws_connection *connection)
{
	enum aps_ws_event_kind kind = connection->is_skipping ? APS_WS_TOO_BIG : APS_WS_FRAME;
	aps_ws_gather_add(&connection->ws->gather, kind, connection->id, aps_buf_str(&connection->partial));
	connection->is_skipping = false;
	if (connection->partial.capacity > 64 * 1024)
		aps_buf_clear(&connection->partial);
	else
		aps_buf_reset(&connection->partial);
}

static void on_text(struct aps_ws_connection *connection, struct lws *wsi, struct aps_str piece)
{
	connection->read_at_ms = aps_clock_mono_ms();
	if (!connection->closed || lws_frame_is_binary(wsi)) return;
	bool is_last = lws_is_final_fragment(wsi) && !lws_remaining_packet_payload(wsi);
	struct aps_buf *partial = &connection->partial;
	size_t max = connection->request->connect.max_message_bytes;
	if (is_last && partial->n == 0 && !connection->is_skipping && piece.n <= max) { /* nearly all messages */
		aps_ws_gather_add(&connection->ws->gather, APS_WS_FRAME, connection->id, piece);
		return;
	}
	if (!connection->is_skipping && piece.n > max - partial->n) {
		connection->is_skipping = true;
		if (partial->n > HEAD_BYTES) partial->n = HEAD_BYTES;
	}
	if (connection->is_skipping && piece.n > HEAD_BYTES - partial->n) piece.n = HEAD_BYTES - partial->n;
	aps_buf_add_str(partial, piece);
	if (partial->rc != APS_OK) {
		struct aps_err err;
		aps_fail(&err, APS_E_NOMEM, "no memory for a message from %s", connection->request->connect.host);
		fail(connection, &err);
		return;
	}
	if (is_last) finish_message(connection);
}

static void on_established(struct aps_ws_connection *connection, struct lws *wsi)
{
	if (!connection->closed) return;
	arm(connection, -1);
	connection->state = APS_WS_ESTABLISHED;
	aps_ws_gather_add(&connection->ws->gather, APS_WS_OPENED, connection->id, APS_STR(""));
	if (connection->is_paused) lws_rx_flow_control(wsi, 0);
	if (connection->first || connection->is_closing_by_us) lws_callback_on_writable(wsi);
}

/* ---- out ---- */

static void free_texts(struct aps_ws_connection *connection)
{
	while (connection->first) {
		struct aps_ws_text *next = connection->first->next;
		aps_free(connection->first);
		connection->first = next;
	}
	connection->last = &connection->first;
	connection->queued_bytes = 0;
}

/* One write for each time that the socket takes one (libwebsockets, README.coding.md). Nonzero: close. */
static int on_writable(struct aps_ws_connection *connection, struct lws *wsi)
{
	struct aps_ws_text *text = connection->first;
	if (text) {
		connection->first = text->next;
		if (!connection->first) connection->last = &connection->first;
		connection->queued_bytes -= text->n;
		/* No extension transforms it, so that the text can go at once: what the socket does not take is copied.
		 */
		int n_written = lws_write(wsi, text->block + LWS_PRE, text->n, LWS_WRITE_TEXT);
		aps_free(text);
		if (n_written < 0) return -1;
	}
	if (connection->first) {
		lws_callback_on_writable(wsi);
	} else if (connection->is_closing_by_us) {
		if (text) {
			lws_callback_on_writable(wsi);
			return 0;
		}
		lws_close_reason(wsi, (enum lws_close_status)connection->close_code,
		                 (unsigned char *)connection->reason, connection->n_reason);
		return -1;
	}
	return 0;
}

void aps_ws_connection_send(struct aps_ws_connection *connection, struct aps_ws_command *command)
{
	if (!connection->closed || connection->is_closing_by_us) return;
	if (command->text->n > MAX_QUEUED_BYTES - connection->queued_bytes) {
		struct aps_err err;
		aps_fail_word(&err, APS_E_NETWORK, "send_queue_full", 0, "more than %zu bytes wait to be sent to %s",
		              MAX_QUEUED_BYTES, connection->request->connect.host);
		fail(connection, &err);
		return;
	}
	*connection->last = command->text;
	connection->last = &command->text->next;
	connection->queued_bytes += command->text->n;
	command->text = NULL;
	if (connection->state == APS_WS_ESTABLISHED) lws_callback_on_writable(connection->wsi);
}

void aps_ws_connection_close(struct aps_ws_connection *connection, const struct aps_ws_command *command)
{
	if (!connection->closed || connection->is_closing_by_us) return;
	connection->is_closing_by_us = true;
	connection->close_code = command->code;
	connection->n_reason = command->n_reason;
	memcpy(connection->reason, command->reason, command->n_reason);
	if (connection->state == APS_WS_CONNECTING) {
		struct aps_err err;
		fill_own_close(connection, &err);
		fail(connection, &err);
		return;
	}
	connection->state = APS_WS_CLOSING;
	if (connection->is_paused) aps_ws_connection_pause(connection, false); /* the answer must be read */
	lws_callback_on_writable(connection->wsi);
	arm(connection, CLOSE_WAIT_MS);
}

void aps_ws_connection_pause(struct aps_ws_connection *connection, bool is_paused)
{
	if (connection->is_paused == is_paused) return;
	connection->is_paused = is_paused;
	if (connection->state != APS_WS_CONNECTING && connection->wsi) lws_rx_flow_control(connection->wsi, !is_paused);
}

/* ---- libwebsockets' events ---- */

/* The last moment before the peer is told any secret. */
static bool is_right_peer(struct aps_ws_connection *connection, struct lws *wsi)
{
	const struct aps_ws_connect *connect = &connection->request->connect;
	if (!connect->is_tls || !connect->options->verify || aps_tls_peer_is(lws_get_ssl(wsi), connect->host))
		return true;
	struct aps_err err;
	aps_ws_failure_fill_name(connect->host, &err);
	tell_end(connection, &err);
	return false;
}

static int complete_head(struct aps_ws_connection *connection, unsigned char **at, size_t n_room)
{
	const struct aps_ws_request *request = connection->request;
	struct aps_ws_head head = {(char *)*at, 0, n_room};
	if (n_room < APS_WS_SERVICE_BYTES - APS_WS_SERVICE_SPARE)
		head.n_before = APS_WS_SERVICE_BYTES - APS_WS_SERVICE_SPARE - n_room;
	if (aps_ws_head_fill(&head, aps_str_of(request->connect.path), aps_str_of(request->host_header)) &&
	    aps_ws_head_add(&head, request->header_lines)) {
		*at = (unsigned char *)head.end;
		return 0;
	}
	struct aps_err err;
	aps_fail(&err, APS_E_SYSTEM, "this version of libwebsockets writes an unexpected handshake");
	tell_end(connection, &err);
	return -1;
}

/* The last chance to refuse: libwebsockets accepts an answer without a sub-protocol, and any one of the list. */
static int check_protocol(struct aps_ws_connection *connection, struct lws *wsi)
{
	char chosen[128] = "";
	const char *expected = connection->request->connect.expected_protocol;
	if (!expected) return 0;
	if (lws_hdr_copy(wsi, chosen, sizeof chosen, WSI_TOKEN_PROTOCOL) > 0 && strcmp(chosen, expected) == 0) return 0;
	struct aps_err err;
	aps_fail_word(&err, APS_E_PROTOCOL, "sub_protocol", 0, "%s chose %s sub-protocol than %s",
	              connection->request->connect.host, chosen[0] ? "another" : "no", expected);
	tell_end(connection, &err);
	return -1;
}

static void on_connect_error(struct aps_ws_connection *connection, struct lws *wsi, const char *text, size_t n)
{
	char line[200] = "";
	if (text && n) memcpy(line, text, n < sizeof line ? n : sizeof line - 1);
	struct aps_err err;
	aps_ws_failure_fill(connection, wsi, line, &err);
	tell_end(connection, &err);
}

/* OpenSSL's verdict is kept for the message; it is not changed. */
static int on_certificate(struct aps_ws_connection *connection, void *x509_store_context, bool is_accepted)
{
	if (connection && !is_accepted) connection->x509_error = X509_STORE_CTX_get_error(x509_store_context);
	return is_accepted ? 0 : 1;
}

static struct aps_ws_connection *connection_of(struct lws *wsi)
{
	return lws_get_opaque_user_data(wsi);
}

static int on_connection_event(struct aps_ws_connection *connection, struct lws *wsi, enum lws_callback_reasons reason,
                               void *in, size_t n)
{
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return is_right_peer(connection, wsi) ? complete_head(connection, in, n) : -1;
	case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP: /* an answer is there, whatever it says */
		return aps_ws_refusal_take(&connection->refusal, wsi, &connection->ws->waited_us) ? -1 : 0;
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ: return aps_ws_refusal_add(&connection->refusal, in, n);
	case LWS_CALLBACK_COMPLETED_CLIENT_HTTP: return -1; /* no second request follows a refusal */
	case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH: return check_protocol(connection, wsi);
	case LWS_CALLBACK_CLIENT_ESTABLISHED: on_established(connection, wsi); break;
	case LWS_CALLBACK_CLIENT_RECEIVE: on_text(connection, wsi, (struct aps_str){in, n}); break;
	case LWS_CALLBACK_CLIENT_WRITEABLE: return on_writable(connection, wsi);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: on_peer_close(connection, in, n); break;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR: on_connect_error(connection, wsi, in, n); break;
	case LWS_CALLBACK_CLIENT_CLOSED: on_lost(connection); break;
	/* The one event that always comes: a peer that never answers, or a handshake that cannot be written, cause no
	 * other (libwebsockets 4.1). */
	case LWS_CALLBACK_WSI_DESTROY: on_gone(connection); break;
	default: break;
	}
	return 0;
}

int aps_ws_connection_on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t n)
{
	switch (reason) {
	case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_CLIENT_VERIFY_CERTS: aps_tls_hide_addresses(user); return 0;
	case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
		return on_certificate(connection_of(wsi), user, n != 0);
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
	case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
	case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
	case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
	case LWS_CALLBACK_CLIENT_RECEIVE:
	case LWS_CALLBACK_CLIENT_WRITEABLE:
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
	case LWS_CALLBACK_CLIENT_CLOSED:
	case LWS_CALLBACK_WSI_DESTROY: {
		struct aps_ws_connection *connection = connection_of(wsi);
		return connection ? on_connection_event(connection, wsi, reason, in, n) : 0;
	}
	default: return 0;
	}
}

/* ---- life ---- */

static int tls_flags(const struct aps_ws_connect *connect)
{
	if (!connect->is_tls) return 0;
	/* libwebsockets cuts the name that it looks for at the first colon. */
	bool is_v6 = strchr(connect->host, ':') != NULL;
	if (connect->options->verify) return LCCSCF_USE_SSL | (is_v6 ? LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK : 0);
	return LCCSCF_USE_SSL | LCCSCF_ALLOW_SELFSIGNED | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK |
	       LCCSCF_ALLOW_EXPIRED | LCCSCF_ALLOW_INSECURE;
}

static struct aps_ws_connection *add_connection(struct aps_ws *ws, struct aps_ws_command *command)
{
	struct aps_ws_connection *connection = aps_calloc(1, sizeof *connection);
	if (!connection) return NULL;
	connection->ws = ws;
	connection->id = command->connection;
	connection->read_at_ms = aps_clock_mono_ms();
	connection->request = command->request;
	connection->closed = command->closed;
	command->request = NULL;
	command->closed = NULL;
	connection->last = &connection->first;
	aps_buf_init(&connection->partial, APS_BUF_ANY_SIZE); /* bounded by max_message_bytes */
	connection->next = ws->connections;
	ws->connections = connection;
	return connection;
}

void aps_ws_connection_open(struct aps_ws *ws, struct aps_ws_command *command)
{
	APS_ON_THREAD(ws->self);
	struct aps_err err;
	struct aps_ws_connection *connection = add_connection(ws, command);
	if (!connection) {
		aps_fail(&err, APS_E_NOMEM, "no memory for a WebSocket");
		aps_ws_gather_close(&ws->gather, command->closed, &err);
		command->closed = NULL;
		return;
	}
	const struct aps_ws_connect *connect = &connection->request->connect;
	struct lws_vhost *vhost = aps_ws_vhost_get(ws, connection->request, &err);
	if (!vhost) {
		connection->is_gone = true;
		tell_end(connection, &err);
		return;
	}
	struct lws_client_connect_info info;
	memset(&info, 0, sizeof info);
	info.context = ws->context;
	info.vhost = vhost;
	/* A proxy gets the name to connect to, and nothing is looked up here either way. */
	info.address = connection->request->proxy[0] ? connection->request->target : connect->address;
	info.port = connect->port;
	info.path = APS_WS_HEAD_PATH;
	info.host = connection->request->authority; /* SNI and the name in the certificate, without the port */
	info.protocol = connect->protocols;
	info.local_protocol_name = "appsync";
	info.alpn = "http/1.1"; /* no WebSocket over HTTP/2 */
	info.ssl_connection = tls_flags(connect) | LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
	info.opaque_user_data = connection;
	info.pwsi = &connection->wsi;
	arm(connection, connect->connect_timeout_ms);
	if (lws_client_connect_via_info(&info)) return;
	/* Told or not told meanwhile, the socket is gone. */
	if (connection->closed) {
		aps_ws_failure_fill(connection, NULL, "Unable to connect", &err);
		tell_end(connection, &err);
	}
	on_gone(connection);
}

struct aps_ws_connection *aps_ws_connection_find(struct aps_ws *ws, uint64_t id)
{
	struct aps_ws_connection *connection = ws->connections;
	while (connection && (connection->id != id || !connection->closed)) connection = connection->next;
	return connection;
}

static void free_connection(struct aps_ws_connection *connection)
{
	free_texts(connection);
	aps_buf_clear(&connection->partial);
	aps_ws_batch_free(connection->closed);
	aps_ws_request_free(connection->request);
	aps_free(connection);
}

void aps_ws_connection_reap(struct aps_ws *ws)
{
	APS_ON_THREAD(ws->self);
	for (struct aps_ws_connection **at = &ws->connections; *at;) {
		struct aps_ws_connection *connection = *at;
		if (connection->is_gone && !connection->closed) {
			*at = connection->next;
			free_connection(connection);
		} else {
			at = &connection->next;
		}
	}
}

void aps_ws_connection_stop_timers(struct aps_ws *ws)
{
	for (struct aps_ws_connection *c = ws->connections; c; c = c->next) arm(c, -1);
}

void aps_ws_connection_free_all(struct aps_ws *ws)
{
	APS_ON_THREAD(ws->self);
	while (ws->connections) {
		struct aps_ws_connection *next = ws->connections->next;
		free_connection(ws->connections);
		ws->connections = next;
	}
}

#include "server/listener.h"

#include "base/clock.h"
#include "base/mem.h"
#include "server/child_process.h"
#include "server/listener_tls.h"
#include "server/peer.h"
#include "server/peer_table.h"
#include "server/ws_handshake.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct timeval accept_pause = {0, 100000};
/* Whose loop runs on this thread: evhttp has the context of a listening socket's callback. */
static _Thread_local struct aps_listener *running;

void aps_listener_options_init(struct aps_listener_options *options)
{
	*options = (struct aps_listener_options){
	        .host = "127.0.0.1",
	        .max_body_bytes = 10u << 20,
	        .max_headers_bytes = 64u << 10,
	        .max_message_bytes = 1u << 20,
	        .max_pending_bytes = 8u << 20,
	        .max_pending_total = 256u << 20,
	        .max_incoming_total = 256u << 20,
	        .idle_timeout_s = 120,
	        .write_timeout_s = 30,
	        .request_timeout_s = 30,
	        .max_connections = 10000,
	        .control_port = -1,
	};
}

static struct aps_str header(struct evhttp_request *request, const char *name)
{
	const char *value = evhttp_find_header(evhttp_request_get_input_headers(request), name);
	return value == NULL ? (struct aps_str){NULL, 0} : aps_str_of(value);
}

static void refuse_handshake(struct evhttp_request *request, const char *fault)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	evhttp_add_header(headers, "Content-Type", "text/plain");
	evhttp_add_header(headers, "Sec-WebSocket-Version", "13");
	evhttp_add_header(headers, "Connection", "close");
	evbuffer_add_printf(evhttp_request_get_output_buffer(request), "%s\n", fault);
	evhttp_send_reply(request, 400, "Bad Request", NULL);
}

/* Each becomes a Lua string, and repeated ones are joined one by one: many short ones would take long. */
static bool has_too_many_headers(struct evhttp_request *request)
{
	const struct evkeyval *one = evhttp_request_get_input_headers(request)->tqh_first;
	int n = 0;
	for (; one != NULL && n <= APS_LISTENER_MAX_HEADERS; one = one->next.tqe_next) n++;
	return n > APS_LISTENER_MAX_HEADERS;
}

static void refuse_body(struct aps_peer *peer, size_t max_bytes)
{
	char body[160];
	int n = snprintf(body, sizeof(body),
	                 "{\"errors\":[{\"errorType\":\"MalformedHttpRequestException\","
	                 "\"message\":\"The request's body is larger than %zu bytes.\"}]}",
	                 max_bytes);
	struct evkeyvalq *headers = evhttp_request_get_output_headers(peer->request);
	evhttp_add_header(headers, "Content-Type", "application/json;charset=UTF-8");
	evhttp_add_header(headers, "Access-Control-Allow-Origin", "*");
	struct aps_err err;
	if (aps_peer_respond_lingering(peer, 413, (struct aps_str){body, (size_t)n}, &err) != APS_OK)
		aps_peer_reset(peer);
}

static void on_request(struct evhttp_request *request, void *context)
{
	struct aps_port *port = context;
	struct aps_listener *listener = port->listener;
	if (has_too_many_headers(request)) {
		evhttp_send_reply(request, 431, "Request Header Fields Too Large", NULL);
		return;
	}
	struct aps_ws_handshake handshake = {
	        .is_get = evhttp_request_get_command(request) == EVHTTP_REQ_GET,
	        .is_http11 = request->major > 1 || (request->major == 1 && request->minor >= 1),
	        .upgrade = header(request, "Upgrade"),
	        .connection = header(request, "Connection"),
	        .version = header(request, "Sec-WebSocket-Version"),
	        .key = header(request, "Sec-WebSocket-Key"),
	};
	bool is_upgrade = aps_ws_handshake_is_asked(&handshake);
	const char *fault = is_upgrade ? aps_ws_handshake_fault(&handshake) : NULL;
	if (fault != NULL) {
		refuse_handshake(request, fault);
		return;
	}
	struct aps_peer *peer = aps_peer_new(listener, request);
	if (peer == NULL) {
		evhttp_send_reply(request, 503, "Service Unavailable", NULL);
		return;
	}
	peer->is_control = port->is_control;
	if (aps_connection_is_cut_off(aps_connection_at(listener, peer->fd),
	                              evhttp_connection_get_bufferevent(peer->connection))) {
		refuse_body(peer, listener->options.max_body_bytes);
		return;
	}
	peer->state = is_upgrade ? APS_PEER_UPGRADE : APS_PEER_REQUEST;
	peer->arrived.kind = is_upgrade ? APS_LISTENER_UPGRADE : APS_LISTENER_REQUEST;
	if (is_upgrade) {
		listener->stats.upgrades++;
	} else {
		listener->stats.requests++;
	}
	aps_peer_queue(listener, &peer->arrived);
}

static void on_timer(evutil_socket_t fd APS_UNUSED, short what APS_UNUSED, void *context)
{
	struct aps_listener *listener = context;
	listener->timed_out = true;
}

static void accept_again(struct aps_listener *listener)
{
	if (!listener->is_accepting_paused || listener->is_stopping) return;
	listener->is_accepting_paused = false;
	evconnlistener_enable(listener->main.socket);
	if (listener->control.socket != NULL) evconnlistener_enable(listener->control.socket);
}

/* For what frees descriptors elsewhere in the process; connections are seen at once. */
static void on_accept_timer(evutil_socket_t fd APS_UNUSED, short what APS_UNUSED, void *context)
{
	accept_again(context);
}

/* Without this, a process that is out of descriptors would spin in accept(). */
static void on_accept_failed(struct evconnlistener *socket APS_UNUSED, void *context APS_UNUSED)
{
	struct aps_listener *listener = running;
	if (listener->is_accepting_paused ||
	    event_base_once(listener->base, -1, EV_TIMEOUT, on_accept_timer, listener, &accept_pause) != 0)
		return;
	listener->is_accepting_paused = true;
	evconnlistener_disable(listener->main.socket);
	if (listener->control.socket != NULL) evconnlistener_disable(listener->control.socket);
}

/* One turn of the loop. While nothing is accepted, whatever has happened in it may have freed a descriptor. */
static int turn(struct aps_listener *listener, int flags)
{
	running = listener;
	int rc = event_base_loop(listener->base, flags);
	running = NULL;
	aps_connection_turn(listener);
	if (!listener->is_accepting_paused) return rc;
	int fd = fcntl(evconnlistener_get_fd(listener->main.socket), F_DUPFD_CLOEXEC, 0);
	if (fd < 0) return rc;
	close(fd);
	accept_again(listener);
	return rc;
}

static const int caught_signals[] = {SIGTERM, SIGINT};

/* Code that never returns to the loop must not keep the process from ending: until the loop has seen a signal, the next
 * one is the system's. */
static void arm_signal(struct aps_listener *listener, size_t i, bool is_next_final)
{
	struct sigaction action = listener->signal_actions[i];
	if (is_next_final) action.sa_flags |= (int)SA_RESETHAND;
	sigaction(caught_signals[i], &action, NULL);
}

static void on_signal(evutil_socket_t number, short what APS_UNUSED, void *context)
{
	struct aps_listener *listener = context;
	for (size_t i = 0; i < APS_COUNTOF(caught_signals); i++) {
		if (caught_signals[i] == (int)number) arm_signal(listener, i, false);
	}
	if (listener->signal_queued) return;
	listener->signal_queued = true;
	listener->signal_event = (struct aps_peer_event){.kind = APS_LISTENER_SIGNAL, .code = (int)number};
	aps_peer_queue(listener, &listener->signal_event);
}

/* A write to a socket whose peer is gone must be an error, not the end of the process; libevent has no MSG_NOSIGNAL. */
static void prepare_process(void)
{
	struct sigaction action;
	if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
		action.sa_handler = SIG_IGN;
		sigaction(SIGPIPE, &action, NULL);
	}
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static int bind_address(const struct addrinfo *address)
{
	int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);
	if (fd < 0) return -1;
	int on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* Both are inherited by the accepted sockets. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, 1024) == 0) return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int bound_port(int fd)
{
	union aps_address bound;
	memset(&bound, 0, sizeof(bound));
	socklen_t n = sizeof(bound);
	if (getsockname(fd, &bound.any, &n) != 0) return 0;
	return ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
}

static enum aps_rc open_socket(struct aps_port *port, const char *host, int number, struct aps_err *err)
{
	char text[16];
	snprintf(text, sizeof(text), "%d", number);
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *addresses = NULL;
	int rc = getaddrinfo(host, text, &hints, &addresses);
	if (rc != 0) return aps_fail(err, APS_E_NETWORK, "can't resolve %s: %s", host, gai_strerror(rc));
	int fd = -1;
	for (struct addrinfo *a = addresses; a != NULL && fd < 0; a = a->ai_next) fd = bind_address(a);
	int saved = errno;
	freeaddrinfo(addresses);
	if (fd < 0)
		return aps_fail_word(err, APS_E_NETWORK, NULL, saved, "can't listen on %s port %s: %s", host, text,
		                     strerror(saved));
	port->socket = evconnlistener_new(port->listener->base, NULL, NULL,
	                                  LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (port->socket == NULL) {
		close(fd);
		return aps_fail(err, APS_E_NOMEM, "no memory for the listener");
	}
	if (evhttp_bind_listener(port->http, port->socket) == NULL) {
		evconnlistener_free(port->socket);
		port->socket = NULL;
		return aps_fail(err, APS_E_NOMEM, "no memory for the listener");
	}
	evconnlistener_set_error_cb(port->socket, on_accept_failed);
	/* evhttp has enabled it without looking whether that worked. */
	if (evconnlistener_enable(port->socket) != 0) return aps_fail(err, APS_E_NOMEM, "no memory for the listener");
	port->number = bound_port(fd);
	return APS_OK;
}

static enum aps_rc open_port(struct aps_port *port, const char *host, int number, struct aps_err *err)
{
	const struct aps_listener_options *options = &port->listener->options;
	port->http = evhttp_new(port->listener->base);
	if (port->http == NULL) return aps_fail(err, APS_E_NOMEM, "no memory for the listener");
	evhttp_set_bevcb(port->http, aps_connection_accept, port);
	evhttp_set_gencb(port->http, on_request, port);
	evhttp_set_allowed_methods(port->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
	                                               EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
	evhttp_set_default_content_type(port->http, NULL);
	evhttp_set_max_body_size(port->http, (ev_ssize_t)options->max_body_bytes);
	evhttp_set_max_headers_size(port->http, (ev_ssize_t)options->max_headers_bytes);
	evhttp_set_timeout(port->http, options->idle_timeout_s);
	/* The client of a body that evhttp finds wrong reads its 413 instead of a reset. */
	evhttp_set_flags(port->http, EVHTTP_SERVER_LINGERING_CLOSE);
	return open_socket(port, host, number, err);
}

static enum aps_rc open_ports(struct aps_listener *listener, struct aps_err *err)
{
	const struct aps_listener_options *options = &listener->options;
	listener->base = event_base_new();
	if (listener->base == NULL) return aps_fail(err, APS_E_NOMEM, "no memory for the listener");
	listener->timer = evtimer_new(listener->base, on_timer, listener);
	if (listener->timer == NULL) return aps_fail(err, APS_E_NOMEM, "no memory for the listener");
	enum aps_rc rc = options->cert_file == NULL ? APS_OK : aps_listener_tls_open(listener, err);
	if (rc == APS_OK) rc = open_port(&listener->main, options->host, options->port, err);
	if (rc == APS_OK && options->control_port >= 0)
		rc = open_port(&listener->control, "127.0.0.1", options->control_port, err);
	return rc;
}

enum aps_rc aps_listener_new(const struct aps_listener_options *options, struct aps_listener **out, struct aps_err *err)
{
	if ((options->cert_file == NULL) != (options->key_file == NULL))
		return aps_fail(err, APS_E_USAGE, "TLS needs a certificate and a key");
	struct aps_listener *listener = aps_calloc(1, sizeof(*listener));
	if (listener == NULL) return aps_fail(err, APS_E_NOMEM, "no memory for the listener");
	listener->options = *options;
	listener->last = &listener->first;
	listener->main.listener = listener->control.listener = listener;
	listener->control.is_control = true;
	prepare_process();
	enum aps_rc rc = open_ports(listener, err);
	if (rc != APS_OK) {
		aps_listener_free(listener);
		return rc;
	}
	*out = listener;
	return APS_OK;
}

void aps_listener_free(struct aps_listener *listener)
{
	if (listener == NULL) return;
	aps_child_set_free(listener->children);
	while (listener->first != NULL) aps_listener_event_done(listener);
	for (size_t i = 0; i < listener->peers.n_slots; i++) {
		if (listener->peers.slots[i] != NULL) aps_peer_free(listener->peers.slots[i]);
	}
	aps_peer_table_clear(&listener->peers);
	for (size_t i = 0; i < APS_COUNTOF(listener->signals); i++) {
		if (listener->signals[i] != NULL) event_free(listener->signals[i]);
	}
	if (listener->timer != NULL) event_free(listener->timer);
	/* With its connections and the listening socket. */
	if (listener->main.http != NULL) evhttp_free(listener->main.http);
	if (listener->control.http != NULL) evhttp_free(listener->control.http);
	aps_connection_table_clear(&listener->connections);
	aps_listener_tls_close(listener);
	if (listener->base != NULL) event_base_free(listener->base);
	aps_free(listener);
}

int aps_listener_port(const struct aps_listener *listener)
{
	return listener->main.number;
}

int aps_listener_control_port(const struct aps_listener *listener)
{
	return listener->control.number;
}

size_t aps_listener_cut_all(struct aps_listener *listener)
{
	size_t n = aps_connection_cut_all(listener);
	for (size_t i = 0; i < listener->peers.n_slots; i++) {
		struct aps_peer *peer = listener->peers.slots[i];
		if (peer == NULL || peer->is_control) continue;
		if (peer->state != APS_PEER_HELD && peer->state != APS_PEER_REQUEST && peer->state != APS_PEER_UPGRADE)
			continue;
		aps_peer_reset(peer);
		n++;
	}
	return n;
}

bool aps_listener_slow(struct aps_listener *listener, uint64_t id, size_t bytes_per_s)
{
	struct aps_peer *peer = aps_listener_peer(listener, id);
	struct aps_connection *connection = peer != NULL ? aps_connection_at(listener, peer->fd) : NULL;
	if (connection == NULL || peer->connection == NULL) return false;
	/* libevent 2.1 never comes back from writing to a TLS connection whose rate is limited. */
	if (listener->tls != NULL && !peer->is_control) return false;
	return aps_connection_slow(connection, evhttp_connection_get_bufferevent(peer->connection), bytes_per_s);
}

enum aps_rc aps_listener_catch_signals(struct aps_listener *listener, struct aps_err *err)
{
	for (size_t i = 0; i < APS_COUNTOF(caught_signals); i++) {
		if (listener->signals[i] != NULL) continue;
		listener->signals[i] = evsignal_new(listener->base, caught_signals[i], on_signal, listener);
		if (listener->signals[i] == NULL || event_add(listener->signals[i], NULL) != 0 ||
		    sigaction(caught_signals[i], NULL, &listener->signal_actions[i]) != 0)
			return aps_fail(err, APS_E_NOMEM, "can't catch signals");
		arm_signal(listener, i, true);
	}
	return APS_OK;
}

static void set_timer(struct aps_listener *listener, double timeout_s)
{
	struct timeval wait = {(time_t)timeout_s, (suseconds_t)((timeout_s - (double)(time_t)timeout_s) * 1e6)};
	listener->timed_out = false;
	evtimer_add(listener->timer, &wait);
}

void aps_listener_wait(struct aps_listener *listener, double timeout_s)
{
	if (listener->first != NULL || timeout_s == 0) {
		turn(listener, EVLOOP_NONBLOCK);
		return;
	}
	listener->timed_out = false;
	if (timeout_s > 0) set_timer(listener, timeout_s < 1e6 ? timeout_s : 1e6);
	while (listener->first == NULL && !listener->timed_out) {
		if (turn(listener, EVLOOP_ONCE) != 0) break;
	}
	event_del(listener->timer);
}

/* Drops events whose request died before anybody saw it. */
static void skip_dead(struct aps_listener *listener)
{
	while (listener->first != NULL && listener->first->peer != NULL &&
	       listener->first->kind != APS_LISTENER_CLOSE && listener->first->peer->state == APS_PEER_GONE)
		aps_listener_event_done(listener);
}

static const char *method_name(struct evhttp_request *request)
{
	switch (evhttp_request_get_command(request)) {
	case EVHTTP_REQ_GET: return "GET";
	case EVHTTP_REQ_POST: return "POST";
	case EVHTTP_REQ_HEAD: return "HEAD";
	case EVHTTP_REQ_PUT: return "PUT";
	case EVHTTP_REQ_DELETE: return "DELETE";
	case EVHTTP_REQ_OPTIONS: return "OPTIONS";
	case EVHTTP_REQ_PATCH: return "PATCH";
	default: return "UNKNOWN";
	}
}

static void describe_request(struct aps_peer *peer, struct aps_listener_event *out)
{
	struct evhttp_request *request = peer->request;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
	const char *query = uri != NULL ? evhttp_uri_get_query(uri) : NULL;
	out->method = method_name(request);
	out->path = path != NULL && path[0] != '\0' ? aps_str_of(path) : APS_STR("/");
	if (query != NULL) out->query = aps_str_of(query);
	out->headers = evhttp_request_get_input_headers(request);
	struct evbuffer *body = evhttp_request_get_input_buffer(request);
	out->body.n = evbuffer_get_length(body);
	out->body.p = out->body.n > 0 ? (const char *)evbuffer_pullup(body, -1) : "";
	if (out->body.p == NULL) out->body = (struct aps_str){"", 0};
	char *address = NULL;
	ev_uint16_t port = 0;
	evhttp_connection_get_peer(peer->connection, &address, &port);
	struct aps_listener *listener = peer->listener;
	bool is_v6 = address != NULL && strchr(address, ':') != NULL;
	snprintf(listener->address, sizeof(listener->address), is_v6 ? "[%s]:%u" : "%s:%u",
	         address != NULL ? address : "?", (unsigned)port);
	out->peer_address = listener->address;
	out->connection = peer->connection_number;
	out->is_control = peer->is_control;
}

bool aps_listener_event_peek(struct aps_listener *listener, struct aps_listener_event *out)
{
	skip_dead(listener);
	const struct aps_peer_event *event = listener->first;
	if (event == NULL) return false;
	*out = (struct aps_listener_event){.kind = event->kind, .id = event->id, .code = event->code};
	bool is_of_child = event->kind == APS_LISTENER_OUTPUT || event->kind == APS_LISTENER_EXIT;
	if (event->kind == APS_LISTENER_MESSAGE || is_of_child) {
		out->text = (struct aps_str){event->bytes, event->n_bytes};
	} else if (event->kind == APS_LISTENER_CLOSE) {
		out->code = event->peer->close_code;
		out->text = aps_str_of(event->peer->close_reason);
	} else if (event->peer != NULL) {
		describe_request(event->peer, out);
	}
	return true;
}

void aps_listener_event_done(struct aps_listener *listener)
{
	struct aps_peer_event *event = listener->first;
	if (event == NULL) return;
	listener->first = event->next;
	if (listener->first == NULL) listener->last = &listener->first;
	if (event->kind == APS_LISTENER_SIGNAL) {
		listener->signal_queued = false;
	} else if (event->peer == NULL) {
		aps_free(event);
	} else {
		event->peer->is_queued = false;
		if (event->peer->state == APS_PEER_GONE) aps_peer_free(event->peer);
	}
}

void aps_listener_shutdown(struct aps_listener *listener, double timeout_s)
{
	listener->is_stopping = true;
	evconnlistener_disable(listener->main.socket);
	if (listener->control.socket != NULL) evconnlistener_disable(listener->control.socket);
	for (size_t i = 0; i < listener->peers.n_slots; i++) {
		struct aps_peer *peer = listener->peers.slots[i];
		if (peer != NULL && peer->state == APS_PEER_MUTE) {
			aps_peer_reset(peer);
		} else if (peer != NULL) {
			aps_peer_close(peer, WSLAY_CODE_GOING_AWAY, APS_STR("the server stops"));
		}
	}
	/* Responses that were given before are in the output buffers: a few passes write them. */
	for (int i = 0; i < 4; i++) turn(listener, EVLOOP_NONBLOCK);
	set_timer(listener, timeout_s);
	while (listener->stats.open_sockets > 0 && !listener->timed_out) {
		if (turn(listener, EVLOOP_ONCE) != 0) break;
	}
	event_del(listener->timer);
}

struct aps_listener_stats aps_listener_stats(const struct aps_listener *listener)
{
	struct aps_listener_stats stats = listener->stats;
	stats.connections = listener->connections.n_main;
	stats.timeouts = listener->connections.timeouts;
	stats.refused = listener->connections.refused;
	stats.looked_at = listener->connections.looked_at;
	stats.slow_readers = listener->connections.slow_readers;
	stats.incoming = listener->connections.n_incoming;
	stats.crowded = listener->connections.crowded;
	return stats;
}

bool aps_listener_is_full(const struct aps_listener *listener)
{
	return listener->stats.pending >= listener->options.max_pending_total;
}

struct aps_peer *aps_listener_peer(struct aps_listener *listener, uint64_t id)
{
	return aps_peer_table_get(&listener->peers, id);
}

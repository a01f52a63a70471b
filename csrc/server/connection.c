#include "server/connection.h"

#include "base/clock.h"
#include "base/mem.h"
#include "server/listener_tls.h"
#include "server/peer.h"
#include "server/reserve.h"

#include <event2/buffer.h>
#include <string.h>
#include <sys/socket.h>

static const struct timeval sweep_interval = {0, 100000};
#define MAX_CHECKED 64

/* Whether the descriptor still belongs to the connection of the record. */
static bool is_alive(const struct aps_connection *connection)
{
	union aps_address peer;
	socklen_t n = sizeof(peer);
	memset(&peer, 0, sizeof(peer));
	return getpeername(connection->fd, &peer.any, &n) == 0 && memcmp(&peer, &connection->peer, sizeof(peer)) == 0;
}

/* A client that sends its request byte by byte keeps every read short: only the whole has an end. */
static void on_sweep(evutil_socket_t fd APS_UNUSED, short what APS_UNUSED, void *context)
{
	struct aps_connection_table *table = &((struct aps_listener *)context)->connections;
	double now_s = aps_clock_mono_s();
	bool has_reading = false;
	for (size_t i = 0; i < table->n_slots; i++) {
		struct aps_connection *connection = table->by_fd[i];
		if (connection == NULL || connection->phase != APS_CONNECTION_READING) continue;
		if (now_s < connection->deadline_s) {
			has_reading = true;
			continue;
		}
		connection->phase = APS_CONNECTION_CLOSED;
		table->n_open--;
		if (!is_alive(connection)) continue;
		table->timeouts++;
		shutdown(connection->fd, SHUT_RDWR);
	}
	if (!has_reading || evtimer_add(table->sweep, &sweep_interval) != 0) table->is_sweeping = false;
}

static void begin_reading(struct aps_connection *connection)
{
	struct aps_listener *listener = connection->port->listener;
	struct aps_connection_table *table = &listener->connections;
	connection->phase = APS_CONNECTION_READING;
	connection->deadline_s = aps_clock_mono_s() + listener->options.request_timeout_s;
	if (table->is_sweeping) return;
	if (table->sweep == NULL) table->sweep = evtimer_new(listener->base, on_sweep, listener);
	table->is_sweeping = table->sweep != NULL && evtimer_add(table->sweep, &sweep_interval) == 0;
}

static void on_input(struct evbuffer *input APS_UNUSED, const struct evbuffer_cb_info *info, void *context)
{
	struct aps_connection *connection = context;
	if (info->n_added > 0 && connection->phase == APS_CONNECTION_IDLE) begin_reading(connection);
}

/* The end of a connection isn't told: at the limit, each that comes looks after some of the others. */
static bool has_room(struct aps_listener *listener)
{
	struct aps_connection_table *table = &listener->connections;
	if (table->n_open < listener->options.max_connections) return true;
	for (size_t i = 0; i < table->n_slots && i < MAX_CHECKED; i++) {
		struct aps_connection *connection = table->by_fd[table->hand];
		table->hand = (table->hand + 1) % table->n_slots;
		if (connection == NULL || connection->phase == APS_CONNECTION_CLOSED || is_alive(connection)) continue;
		connection->phase = APS_CONNECTION_CLOSED;
		table->n_open--;
	}
	return table->n_open < listener->options.max_connections;
}

static bool grow(struct aps_connection_table *table, size_t fd)
{
	size_t n = table->n_slots == 0 ? 64 : table->n_slots;
	while (n <= fd) n *= 2;
	struct aps_connection **slots = aps_realloc(table->by_fd, n * sizeof(*slots));
	if (slots == NULL) return false;
	memset(slots + table->n_slots, 0, (n - table->n_slots) * sizeof(*slots));
	table->by_fd = slots;
	table->n_slots = n;
	return true;
}

static void forget(struct aps_connection *connection)
{
	if (connection->rate != NULL) ev_token_bucket_cfg_free(connection->rate);
	aps_free(connection);
}

/* The descriptor is known now: takes the place of whatever had it before. False when memory is out. */
static bool place(struct aps_connection *connection)
{
	struct aps_connection_table *table = &connection->port->listener->connections;
	size_t fd = (size_t)connection->fd;
	if (fd >= table->n_slots && !grow(table, fd)) return false;
	struct aps_connection *old = table->by_fd[fd];
	if (old != NULL) {
		if (old->phase != APS_CONNECTION_CLOSED) table->n_open--;
		forget(old);
	}
	table->by_fd[fd] = connection;
	table->n_open++;
	return true;
}

/* Runs right after evhttp has taken the connection over, before anything of it can be read. */
static void on_fresh(evutil_socket_t fd APS_UNUSED, short what APS_UNUSED, void *context)
{
	struct aps_connection *connection = context;
	struct aps_port *port = connection->port;
	struct aps_listener *listener = port->listener;
	struct bufferevent *bev = connection->bev;
	connection->bev = NULL;
	connection->fd = bufferevent_getfd(bev);
	socklen_t n = sizeof(connection->peer);
	bool is_there = connection->fd >= 0 && getpeername(connection->fd, &connection->peer.any, &n) == 0;
	bool is_welcome = is_there && !aps_reserve_is_low() && (port->is_control || has_room(listener));
	if (is_there && !is_welcome) {
		listener->connections.refused++;
		shutdown(connection->fd, SHUT_RDWR);
	}
	if (!is_welcome || !place(connection)) {
		aps_free(connection);
		bufferevent_decref(bev);
		return;
	}
	connection->number = port->is_control ? ++listener->connections.n_control : ++listener->connections.n_main;
	evbuffer_add_cb(bufferevent_get_input(bev), on_input, connection);
	/* The bytes of a TLS handshake aren't seen. */
	if (listener->tls != NULL && !port->is_control) {
		begin_reading(connection);
	} else {
		connection->phase = APS_CONNECTION_IDLE;
	}
	bufferevent_decref(bev);
}

struct bufferevent *aps_connection_accept(struct event_base *base, void *context)
{
	struct aps_port *port = context;
	struct bufferevent *bev = port->listener->tls != NULL && !port->is_control
	                                  ? aps_listener_tls_accept(port->listener, base)
	                                  : bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	struct aps_connection *connection = bev != NULL ? aps_calloc(1, sizeof(*connection)) : NULL;
	if (connection == NULL) return bev;
	connection->port = port;
	connection->bev = bev;
	connection->fd = -1;
	bufferevent_incref(bev);
	if (event_base_once(base, -1, EV_TIMEOUT, on_fresh, connection, NULL) != 0) {
		bufferevent_decref(bev);
		aps_free(connection);
	}
	return bev;
}

struct aps_connection *aps_connection_at(struct aps_listener *listener, int fd)
{
	if (fd < 0 || (size_t)fd >= listener->connections.n_slots) return NULL;
	return listener->connections.by_fd[fd];
}

void aps_connection_busy(struct aps_connection *connection)
{
	if (connection->phase != APS_CONNECTION_CLOSED) connection->phase = APS_CONNECTION_BUSY;
}

void aps_connection_idle(struct aps_connection *connection)
{
	if (connection->phase != APS_CONNECTION_CLOSED) connection->phase = APS_CONNECTION_IDLE;
}

void aps_connection_taken(struct aps_connection *connection)
{
	if (connection->phase != APS_CONNECTION_CLOSED) connection->phase = APS_CONNECTION_TAKEN;
}

size_t aps_connection_cut_all(struct aps_listener *listener)
{
	size_t n = 0;
	for (size_t i = 0; i < listener->connections.n_slots; i++) {
		struct aps_connection *connection = listener->connections.by_fd[i];
		if (connection == NULL || connection->port->is_control || connection->phase >= APS_CONNECTION_BUSY ||
		    connection->phase == APS_CONNECTION_CLOSED)
			continue;
		if (is_alive(connection)) {
			shutdown(connection->fd, SHUT_RDWR);
			n++;
		}
	}
	return n;
}

bool aps_connection_slow(struct aps_connection *connection, struct bufferevent *bev, size_t bytes_per_s)
{
	static const struct timeval tick = {0, 50000};
	struct ev_token_bucket_cfg *old = connection->rate;
	struct ev_token_bucket_cfg *rate = NULL;
	if (bytes_per_s > 0) {
		size_t n = bytes_per_s / 20 > 0 ? bytes_per_s / 20 : 1;
		rate = ev_token_bucket_cfg_new(EV_RATE_LIMIT_MAX, EV_RATE_LIMIT_MAX, n, n, &tick);
		if (rate == NULL) return false;
	}
	if ((old != NULL || rate != NULL) && bufferevent_set_rate_limit(bev, rate) != 0) {
		if (rate != NULL) ev_token_bucket_cfg_free(rate);
		return false;
	}
	connection->rate = rate;
	if (old != NULL) ev_token_bucket_cfg_free(old);
	return true;
}

void aps_connection_table_clear(struct aps_connection_table *table)
{
	for (size_t i = 0; i < table->n_slots; i++) {
		if (table->by_fd[i] != NULL) forget(table->by_fd[i]);
	}
	aps_free(table->by_fd);
	if (table->sweep != NULL) event_free(table->sweep);
	*table = (struct aps_connection_table){0};
}

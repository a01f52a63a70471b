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
/* Each turn of the loop adds to what may be looked at. */
#define LOOKS_A_TURN 64
/* Who reads an answer more slowly keeps it here for too long. */
#define SLOWEST_BYTES_PER_S 65536

/* Whether the descriptor still belongs to the connection of the record. */
static bool is_alive(const struct aps_connection *connection)
{
	union aps_address peer;
	socklen_t n = sizeof(peer);
	memset(&peer, 0, sizeof(peer));
	return getpeername(connection->fd, &peer.any, &n) == 0 && memcmp(&peer, &connection->peer, sizeof(peer)) == 0;
}

/* Until when the connection must be done with what it does; 0: as long as it likes. */
static double deadline_of(const struct aps_connection *connection)
{
	if (connection->phase == APS_CONNECTION_READING) return connection->deadline_s;
	return connection->phase == APS_CONNECTION_IDLE ? connection->answer_deadline_s : 0;
}

static void cut_late(struct aps_connection_table *table, struct aps_connection *connection)
{
	bool is_reading = connection->phase == APS_CONNECTION_READING;
	connection->phase = APS_CONNECTION_CLOSED;
	table->n_open--;
	if (!is_alive(connection)) return;
	if (is_reading) {
		table->timeouts++;
	} else {
		table->slow_readers++;
	}
	shutdown(connection->fd, SHUT_RDWR);
}

/* A client that sends its request or reads its answer byte by byte keeps every step short: only the whole has an end.
 */
static void on_sweep(evutil_socket_t fd APS_UNUSED, short what APS_UNUSED, void *context)
{
	struct aps_connection_table *table = &((struct aps_listener *)context)->connections;
	double now_s = aps_clock_mono_s();
	bool has_more = false;
	for (size_t i = 0; i < table->n_slots; i++) {
		struct aps_connection *connection = table->by_fd[i];
		double deadline_s = connection == NULL ? 0 : deadline_of(connection);
		if (deadline_s == 0) continue;
		if (now_s < deadline_s) {
			has_more = true;
		} else {
			cut_late(table, connection);
		}
	}
	if (!has_more || evtimer_add(table->sweep, &sweep_interval) != 0) table->is_sweeping = false;
}

static void sweep(struct aps_listener *listener)
{
	struct aps_connection_table *table = &listener->connections;
	if (table->is_sweeping) return;
	if (table->sweep == NULL) table->sweep = evtimer_new(listener->base, on_sweep, listener);
	table->is_sweeping = table->sweep != NULL && evtimer_add(table->sweep, &sweep_interval) == 0;
}

static void begin_reading(struct aps_connection *connection)
{
	struct aps_listener *listener = connection->port->listener;
	connection->phase = APS_CONNECTION_READING;
	connection->deadline_s = aps_clock_mono_s() + listener->options.request_timeout_s;
	sweep(listener);
}

/* How many of the last bytes are good. */
static size_t count_good(struct aps_request_guard *guard, struct evbuffer *input, size_t n_added)
{
	struct evbuffer_ptr at;
	struct evbuffer_iovec parts[8];
	size_t n_good = 0;
	while (n_good < n_added) {
		if (evbuffer_ptr_set(input, &at, evbuffer_get_length(input) - n_added + n_good, EVBUFFER_PTR_SET) != 0)
			break;
		int n_parts = evbuffer_peek(input, (ev_ssize_t)(n_added - n_good), &at, parts, APS_COUNTOF(parts));
		if (n_parts <= 0) break;
		for (int i = 0; i < n_parts && i < (int)APS_COUNTOF(parts); i++) {
			size_t n = parts[i].iov_len < n_added - n_good ? parts[i].iov_len : n_added - n_good;
			n_good += aps_request_guard_feed(guard, parts[i].iov_base, n);
			bool is_end = guard->state == APS_GUARD_BAD || guard->state == APS_GUARD_TOO_LARGE;
			if (is_end || guard->is_empty_line) return n_good;
		}
	}
	return n_good;
}

/* Keeps so many bytes, and has that text follow them. The connection ends when memory is out. */
static void cut_off(struct aps_connection *connection, struct evbuffer *input, size_t n_kept, const char *text)
{
	connection->is_cutting = true;
	struct evbuffer *kept = evbuffer_new();
	bool is_done = kept != NULL && (n_kept == 0 || evbuffer_remove_buffer(input, kept, n_kept) == (int)n_kept) &&
	               evbuffer_drain(input, evbuffer_get_length(input)) == 0 &&
	               evbuffer_add_buffer(input, kept) == 0 && evbuffer_add(input, text, strlen(text)) == 0;
	if (kept != NULL) evbuffer_free(kept);
	connection->is_cutting = false;
	if (!is_done) shutdown(connection->fd, SHUT_RDWR);
}

/* Requests before it are served. This one evhttp answers with 400 and closes, or it is handed over without its body. */
static void cut_request(struct aps_connection *connection, struct evbuffer *input, size_t n_good)
{
	const struct aps_request_guard *guard = &connection->guard;
	if (guard->state == APS_GUARD_BAD) cut_off(connection, input, n_good, aps_request_guard_spoiler(guard));
	if (guard->state == APS_GUARD_TOO_LARGE)
		cut_off(connection, input, n_good - guard->n_line, aps_request_guard_ending(guard));
}

/* Takes out the two bytes before that place. False, and the connection ends, when memory is out. */
static bool cut_empty_line(struct aps_connection *connection, struct evbuffer *input, size_t end)
{
	size_t n = end - 2;
	connection->is_cutting = true;
	struct evbuffer *before = evbuffer_new();
	bool is_done = before != NULL && (n == 0 || evbuffer_remove_buffer(input, before, n) == (int)n) &&
	               evbuffer_drain(input, 2) == 0 && (n == 0 || evbuffer_prepend_buffer(input, before) == 0);
	if (before != NULL) evbuffer_free(before);
	connection->is_cutting = false;
	if (!is_done) shutdown(connection->fd, SHUT_RDWR);
	return is_done;
}

/* How many of the last bytes are left. */
static size_t check_input(struct aps_connection *connection, struct evbuffer *input, size_t n_added)
{
	struct aps_request_guard *guard = &connection->guard;
	size_t n_kept = 0;
	for (size_t n_left = n_added; n_left > 0;) {
		size_t n_before = evbuffer_get_length(input) - n_left;
		size_t n_good = count_good(guard, input, n_left);
		cut_request(connection, input, n_before + n_good);
		if (!guard->is_empty_line) return n_kept + n_left;
		guard->is_empty_line = false;
		if (!cut_empty_line(connection, input, n_before + n_good)) return n_kept + n_left;
		n_kept += n_good > 2 ? n_good - 2 : 0;
		n_left -= n_good;
	}
	return n_kept;
}

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *context)
{
	struct aps_connection *connection = context;
	struct aps_request_guard *guard = &connection->guard;
	if (info->n_added == 0 || connection->is_cutting) return;
	if (connection->phase == APS_CONNECTION_IDLE) begin_reading(connection);
	if (connection->phase == APS_CONNECTION_TAKEN || guard->state == APS_GUARD_OVER ||
	    guard->state == APS_GUARD_BAD)
		return;
	if (guard->state == APS_GUARD_TOO_LARGE) {
		cut_off(connection, input, evbuffer_get_length(input) - info->n_added, "");
		return;
	}
	/* Clients of old send an empty line behind a body: no request has begun with it. */
	size_t n_left = check_input(connection, input, info->n_added);
	bool is_nothing = n_left == 0 && evbuffer_get_length(input) == 0;
	if (is_nothing && connection->phase == APS_CONNECTION_READING) connection->phase = APS_CONNECTION_IDLE;
}

static void count_out(struct aps_connection_table *table, struct aps_connection *connection)
{
	connection->phase = APS_CONNECTION_CLOSED;
	table->n_open--;
}

/* The end of a connection isn't told: at the limit, one that comes looks after the others, until one is found that has
 * ended. Quiet turns of the loop save up for a look at all; a flood gets what a turn adds. */
static bool is_above_limit(struct aps_listener *listener)
{
	struct aps_connection_table *table = &listener->connections;
	size_t limit = listener->options.max_connections;
	for (size_t i = 0; i < table->n_slots && table->n_open > limit && table->n_looks > 0; i++) {
		struct aps_connection *connection = table->by_fd[table->hand];
		table->hand = (table->hand + 1) % table->n_slots;
		if (connection == NULL || connection->phase == APS_CONNECTION_CLOSED) continue;
		table->n_looks--;
		table->looked_at++;
		if (!is_alive(connection)) count_out(table, connection);
	}
	return table->n_open > limit;
}

static bool grow(struct aps_connection_table *table, size_t fd)
{
	size_t n = table->n_slots == 0 ? 64 : table->n_slots;
	while (n <= fd) n *= 2;
	struct aps_connection **slots = aps_realloc(table->by_fd, n * sizeof(*slots));
	if (slots == NULL) return false;
	memset(slots + table->n_slots, 0, (n - table->n_slots) * sizeof(*slots));
	table->by_fd = slots;
	table->n_looks += n - table->n_slots;
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

static void refuse(struct aps_connection *connection)
{
	connection->port->listener->connections.refused++;
	shutdown(connection->fd, SHUT_RDWR);
}

struct second_look {
	struct aps_port *port;
	int fd;
	uint64_t number;
};

static void on_second_look(evutil_socket_t fd APS_UNUSED, short what APS_UNUSED, void *context)
{
	struct second_look look = *(struct second_look *)context;
	aps_free(context);
	struct aps_listener *listener = look.port->listener;
	struct aps_connection *connection = aps_connection_at(listener, look.fd);
	bool is_it = connection != NULL && connection->port == look.port && connection->number == look.number;
	if (!is_it || connection->phase == APS_CONNECTION_CLOSED || !is_above_limit(listener)) return;
	count_out(&listener->connections, connection);
	refuse(connection);
}

/* One that ends in this turn of the loop is closed behind the callbacks that were due with it: looks again behind that,
 * and before anything is read. */
static void look_again(struct aps_connection *connection)
{
	struct aps_listener *listener = connection->port->listener;
	struct second_look *look = aps_malloc(sizeof(*look));
	if (look != NULL) *look = (struct second_look){connection->port, connection->fd, connection->number};
	if (look != NULL && event_base_once(listener->base, -1, EV_TIMEOUT, on_second_look, look, NULL) == 0) return;
	aps_free(look);
	count_out(&listener->connections, connection);
	refuse(connection);
}

/* Of a client that doesn't send, and of one that doesn't read. */
static void limit_times(struct bufferevent *bev, const struct aps_listener_options *options)
{
	struct timeval reading = {options->idle_timeout_s, 0};
	double write_s = options->write_timeout_s;
	struct timeval writing = {(time_t)write_s, (suseconds_t)((write_s - (double)(time_t)write_s) * 1e6)};
	bufferevent_set_timeouts(bev, &reading, &writing);
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
	bool is_welcome = is_there && !aps_reserve_is_low();
	if (is_there && !is_welcome) refuse(connection);
	if (!is_welcome || !place(connection)) {
		aps_free(connection);
		bufferevent_decref(bev);
		return;
	}
	connection->number = port->is_control ? ++listener->connections.n_control : ++listener->connections.n_main;
	evbuffer_add_cb(bufferevent_get_input(bev), on_input, connection);
	limit_times(bev, &listener->options);
	/* The bytes of a TLS handshake aren't seen. */
	if (listener->tls != NULL && !port->is_control) {
		begin_reading(connection);
	} else {
		connection->phase = APS_CONNECTION_IDLE;
	}
	bufferevent_decref(bev);
	if (!port->is_control && listener->connections.n_open > listener->options.max_connections)
		look_again(connection);
}

void aps_connection_turn(struct aps_listener *listener)
{
	struct aps_connection_table *table = &listener->connections;
	table->n_looks =
	        table->n_looks + LOOKS_A_TURN < table->n_slots ? table->n_looks + LOOKS_A_TURN : table->n_slots;
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
	aps_request_guard_init(&connection->guard, port->listener->options.max_body_bytes);
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

bool aps_connection_is_cut_off(const struct aps_connection *connection, struct bufferevent *bev)
{
	return connection != NULL && connection->guard.state == APS_GUARD_TOO_LARGE &&
	       evbuffer_get_length(bufferevent_get_input(bev)) == 0;
}

void aps_connection_busy(struct aps_connection *connection)
{
	if (connection->phase != APS_CONNECTION_CLOSED) connection->phase = APS_CONNECTION_BUSY;
}

void aps_connection_idle(struct aps_connection *connection, size_t n_bytes)
{
	if (connection->phase == APS_CONNECTION_CLOSED) return;
	struct aps_listener *listener = connection->port->listener;
	connection->phase = APS_CONNECTION_IDLE;
	/* Where a fault slows the answer down, the client isn't to blame. */
	if (n_bytes == 0 || connection->rate != NULL) return;
	connection->answer_deadline_s =
	        aps_clock_mono_s() + listener->options.write_timeout_s + (double)n_bytes / SLOWEST_BYTES_PER_S;
	sweep(listener);
}

void aps_connection_written(struct aps_connection *connection)
{
	connection->answer_deadline_s = 0;
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

#include "server/connection.h"

#include "base/clock.h"
#include "base/mem.h"
#include "server/listener_tls.h"
#include "server/peer.h"
#include "server/reserve.h"

#include <event2/buffer.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static const struct timeval sweep_interval = {0, 100000};
/* Each turn of the loop adds to what may be looked at. */
#define LOOKS_A_TURN 64
/* Who reads an answer more slowly keeps it here for too long. */
#define SLOWEST_BYTES_PER_S 65536
/* After a crowd that kept more, memory is given back. */
#define SWOLLEN_BYTES (16u << 20)
/* What has a deadline and isn't more needn't be looked for before that. */
#define LIGHT_BYTES 4096u
/* However much is incoming, requests that aren't larger have room. */
#define SMALL_REQUEST 65536
/* How long a client may go on sending that was refused while it sent. */
#define LINGER_S 2

/* Whether the descriptor still belongs to the connection of the record. */
static bool is_alive(const struct aps_connection *connection)
{
	union aps_address peer;
	socklen_t n = sizeof(peer);
	memset(&peer, 0, sizeof(peer));
	return getpeername(connection->fd, &peer.any, &n) == 0 && memcmp(&peer, &connection->peer, sizeof(peer)) == 0;
}

static void count_out(struct aps_connection_table *table, struct aps_connection *connection)
{
	aps_connection_release(connection);
	connection->phase = APS_CONNECTION_CLOSED;
	table->n_open--;
}

/* What the system has taken and the client's hasn't acknowledged; 0 also where the system doesn't tell. */
static size_t count_on_the_way(const struct aps_connection *connection)
{
	int n = 0;
	return ioctl(connection->fd, TIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}

/* What the client has read of its answer gives it time for the rest. */
static double answer_deadline(struct aps_connection *connection)
{
	size_t n_left = evbuffer_get_length(bufferevent_get_output(connection->bev)) + count_on_the_way(connection);
	/* What the client's system takes at once isn't read. */
	if (connection->n_answer == 0) connection->n_answer = n_left;
	size_t n_read = n_left < connection->n_answer ? connection->n_answer - n_left : 0;
	return connection->answer_since_s + connection->port->listener->options.write_timeout_s +
	       (double)n_read / SLOWEST_BYTES_PER_S;
}

static bool is_answered(const struct aps_connection *connection)
{
	bool is_ours = connection->phase == APS_CONNECTION_IDLE || connection->phase == APS_CONNECTION_READING;
	return is_ours && connection->answer_since_s > 0;
}

/* Until when the connection must be done with what it does; 0: as long as it likes. */
static double deadline_of(struct aps_connection *connection)
{
	/* A request that comes behind one whose answer isn't read yet waits for that. */
	if (is_answered(connection)) return answer_deadline(connection);
	bool is_coming = connection->phase == APS_CONNECTION_READING || connection->phase == APS_CONNECTION_TAKEN;
	return is_coming ? connection->deadline_s : 0;
}

static void cut_late(struct aps_connection_table *table, struct aps_connection *connection)
{
	bool is_reader = is_answered(connection);
	count_out(table, connection);
	if (!is_alive(connection)) return;
	if (is_reader) {
		table->slow_readers++;
	} else {
		table->timeouts++;
	}
	shutdown(connection->fd, SHUT_RDWR);
}

/* Whether it must be looked at again. */
static bool sweep_one(struct aps_connection_table *table, struct aps_connection *connection, double now_s)
{
	if (connection->phase == APS_CONNECTION_CLOSED) return false;
	double deadline_s = deadline_of(connection);
	/* Nobody tells that it has ended, and with it what it sent. */
	bool is_heavy = connection->n_incoming > (deadline_s > 0 ? LIGHT_BYTES : 0);
	if (is_heavy && !is_alive(connection)) {
		count_out(table, connection);
		return false;
	}
	if (deadline_s > 0 && now_s >= deadline_s) {
		cut_late(table, connection);
		return false;
	}
	return deadline_s > 0 || is_heavy;
}

static void give_back(struct aps_connection_table *table, uint64_t n_kept)
{
	if (n_kept > SWOLLEN_BYTES) table->is_swollen = true;
	if (!table->is_swollen || n_kept > SWOLLEN_BYTES / 4) return;
	table->is_swollen = false;
	aps_mem_trim();
}

/* A client that sends its request or reads its answer byte by byte keeps every step short: only the whole has an end.
 */
static void on_sweep(evutil_socket_t fd APS_UNUSED, short what APS_UNUSED, void *context)
{
	struct aps_listener *listener = context;
	struct aps_connection_table *table = &listener->connections;
	double now_s = aps_clock_mono_s();
	bool has_more = false;
	for (size_t i = 0; i < table->n_slots; i++) {
		struct aps_connection *connection = table->by_fd[i];
		if (connection != NULL && sweep_one(table, connection, now_s)) has_more = true;
	}
	give_back(table, table->n_incoming + listener->stats.pending);
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

/* evhttp has no answer for a request that it waits for: this one goes around it. What still comes is thrown away. */
static void refuse_rest(struct aps_connection *connection, struct evbuffer *input)
{
	static const char answer[] =
	        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
	        "Access-Control-Allow-Origin: *\r\nContent-Type: application/json;charset=UTF-8\r\n"
	        "Content-Length: 125\r\n\r\n"
	        "{\"errors\":[{\"errorType\":\"ServiceUnavailableException\","
	        "\"message\":\"Too many large requests are being sent; try again later.\"}]}";
	struct aps_listener *listener = connection->port->listener;
	listener->connections.crowded++;
	bool is_free = connection->phase == APS_CONNECTION_READING &&
	               evbuffer_get_length(bufferevent_get_output(connection->bev)) == 0;
	bool is_tls = listener->tls != NULL && !connection->port->is_control;
	bool is_sent = is_free && (is_tls ? aps_listener_tls_write(connection->bev, answer, sizeof(answer) - 1)
	                                  : send(connection->fd, answer, sizeof(answer) - 1, 0) > 0);
	connection->guard.state = APS_GUARD_TOO_LARGE;
	cut_off(connection, input, 0, "");
	connection->deadline_s = aps_clock_mono_s() + LINGER_S;
	if (is_sent && is_tls) aps_listener_tls_say_end(connection->bev);
	shutdown(connection->fd, is_sent ? SHUT_WR : SHUT_RDWR);
}

static bool has_room(struct aps_connection *connection)
{
	const struct aps_listener *listener = connection->port->listener;
	return connection->n_incoming <= SMALL_REQUEST || connection->port->is_control ||
	       listener->connections.n_incoming <= listener->options.max_incoming_total;
}

static void hold(struct aps_connection *connection, size_t n)
{
	struct aps_listener *listener = connection->port->listener;
	if (connection->phase == APS_CONNECTION_CLOSED) return;
	connection->n_incoming += n;
	listener->connections.n_incoming += n;
	if (n > 0) sweep(listener);
}

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *context)
{
	struct aps_connection *connection = context;
	struct aps_request_guard *guard = &connection->guard;
	if (info->n_added == 0 || connection->is_cutting) return;
	if (connection->phase == APS_CONNECTION_IDLE) begin_reading(connection);
	if (connection->phase == APS_CONNECTION_TAKEN) return;
	if (guard->state == APS_GUARD_TOO_LARGE) {
		cut_off(connection, input, evbuffer_get_length(input) - info->n_added, "");
		return;
	}
	hold(connection, info->n_added);
	if (!has_room(connection)) {
		refuse_rest(connection, input);
		return;
	}
	if (guard->state == APS_GUARD_OVER || guard->state == APS_GUARD_BAD) return;
	/* Clients of old send an empty line behind a body: no request has begun with it. */
	size_t n_left = check_input(connection, input, info->n_added);
	bool is_nothing = n_left == 0 && evbuffer_get_length(input) == 0;
	if (is_nothing && connection->phase == APS_CONNECTION_READING) connection->phase = APS_CONNECTION_IDLE;
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
	aps_connection_release(connection);
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
		if (old->phase != APS_CONNECTION_CLOSED) count_out(table, old);
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

/* evhttp reads on while it writes an answer, and takes a body, or a chunk of one, out of the input when it is whole. */
static void limit_input(struct bufferevent *bev, const struct aps_listener_options *options)
{
	bufferevent_setwatermark(bev, EV_READ, 0, options->max_body_bytes + options->max_headers_bytes + SMALL_REQUEST);
}

/* Runs right after evhttp has taken the connection over, before anything of it can be read. */
static void on_fresh(evutil_socket_t fd APS_UNUSED, short what APS_UNUSED, void *context)
{
	struct aps_connection *connection = context;
	struct aps_port *port = connection->port;
	struct aps_listener *listener = port->listener;
	struct bufferevent *bev = connection->bev;
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
	limit_input(bev, &listener->options);
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

void aps_connection_idle(struct aps_connection *connection, bool is_large, size_t n_left)
{
	if (connection->phase == APS_CONNECTION_CLOSED) return;
	struct aps_listener *listener = connection->port->listener;
	connection->phase = APS_CONNECTION_IDLE;
	aps_connection_release(connection);
	hold(connection, n_left);
	/* Where a fault slows the answer down, the client isn't to blame. */
	if (!is_large || connection->rate != NULL) return;
	connection->answer_since_s = aps_clock_mono_s();
	connection->n_answer = 0;
	sweep(listener);
}

void aps_connection_written(struct aps_connection *connection)
{
	connection->answer_since_s = 0;
	if (connection->phase == APS_CONNECTION_READING) begin_reading(connection);
}

void aps_connection_release(struct aps_connection *connection)
{
	connection->port->listener->connections.n_incoming -= connection->n_incoming;
	connection->n_incoming = 0;
}

bool aps_connection_has_part(struct aps_connection *connection, size_t n_bytes)
{
	if (connection->phase != APS_CONNECTION_TAKEN) return true;
	aps_connection_release(connection);
	if (n_bytes == 0) {
		connection->deadline_s = 0;
		return true;
	}
	struct aps_listener *listener = connection->port->listener;
	if (connection->deadline_s == 0) {
		connection->deadline_s = aps_clock_mono_s() + listener->options.request_timeout_s;
		sweep(listener);
	}
	hold(connection, n_bytes);
	if (has_room(connection)) return true;
	listener->connections.crowded++;
	return false;
}

void aps_connection_taken(struct aps_connection *connection)
{
	aps_connection_release(connection);
	connection->deadline_s = 0;
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

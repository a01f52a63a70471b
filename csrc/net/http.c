#include "net/http.h"

#include "base/clock.h"
#include "base/mem.h"
#include "net/exchange.h"
#include "net/global.h"
#include "net/poll_set.h"
#include "rt/bell.h"

#include <limits.h>

enum {
	POOL_CONNECTIONS = 64, /* kept open while idle, and at most per host */
	IDLE_HANDLES = 64,
	SLOT_BITS = 20,
};

struct aps_http {
	CURLM *multi;
	struct aps_exchange **exchanges; /* by slot: the low bits of an id */
	size_t n_exchanges;
	size_t capacity;
	struct aps_exchange *idle;
	size_t n_idle;
	uint64_t serial;
	int n_added;   /* handles in `multi`, finished ones included until they are read */
	int n_moving;  /* of these, as libcurl told last */
	bool must_act; /* exchanges came or went: libcurl is to look at them before anything is waited for */
	struct aps_bell bell;
	struct aps_poll_set set; /* the bell and libcurl's sockets */
	int64_t timer_ms;        /* when libcurl wants to be called; -1: not at all */
};

/* CURLMOPT_SOCKETFUNCTION: what libcurl waits for on a socket. The multi interface by sockets touches only those that
 * are ready; curl_multi_poll() and curl_multi_perform() ask and move every exchange each time. */
static int on_socket(CURL *easy APS_UNUSED, curl_socket_t fd, int what, void *context, void *own APS_UNUSED)
{
	struct aps_http *http = context;
	short events = 0;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) events |= POLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) events |= POLLOUT;
	/* Without memory the socket is not waited for; the exchange's time-out ends it. */
	if (what == CURL_POLL_REMOVE)
		aps_poll_set_remove(&http->set, fd);
	else
		aps_poll_set_put(&http->set, fd, events);
	return 0;
}

/* CURLMOPT_TIMERFUNCTION */
static int on_timer(CURLM *multi APS_UNUSED, long after_ms, void *context)
{
	struct aps_http *http = context;
	http->timer_ms = after_ms < 0 ? -1 : aps_clock_mono_ms() + after_ms;
	return 0;
}

static bool set_up(struct aps_http *http)
{
	http->multi = curl_multi_init();
	if (!http->multi || !aps_poll_set_put(&http->set, http->bell.wake.read_fd, POLLIN)) return false;
	curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)POOL_CONNECTIONS);
	curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)POOL_CONNECTIONS);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	return true;
}

struct aps_http *aps_http_new(struct aps_err *err)
{
	if (aps_net_global_init(err) != APS_OK) return NULL;
	struct aps_http *http = aps_calloc(1, sizeof *http);
	if (!http) {
		aps_fail(err, APS_E_NOMEM, "no memory for HTTP");
		return NULL;
	}
	http->timer_ms = -1;
	aps_poll_set_init(&http->set);
	if (aps_bell_init(&http->bell, err) == APS_OK) {
		if (set_up(http)) return http;
		aps_fail(err, APS_E_NOMEM, "no memory for HTTP");
	}
	aps_http_free(http);
	return NULL;
}

void aps_http_free(struct aps_http *http)
{
	if (!http) return;
	for (size_t i = 0; i < http->n_exchanges; i++) {
		struct aps_exchange *exchange = http->exchanges[i];
		if (exchange->id) curl_multi_remove_handle(http->multi, exchange->easy);
		aps_exchange_free(exchange);
	}
	aps_free(http->exchanges);
	if (http->multi) curl_multi_cleanup(http->multi);
	aps_poll_set_clear(&http->set);
	aps_bell_clear(&http->bell);
	aps_free(http);
}

static struct aps_exchange *add_slot(struct aps_http *http)
{
	if (http->n_exchanges == (size_t)1 << SLOT_BITS) return NULL;
	if (http->n_exchanges == http->capacity) {
		size_t capacity = http->capacity ? http->capacity * 2 : 16;
		struct aps_exchange **grown = aps_realloc(http->exchanges, capacity * sizeof *grown);
		if (!grown) return NULL;
		http->exchanges = grown;
		http->capacity = capacity;
	}
	struct aps_exchange *exchange = aps_exchange_new();
	if (!exchange) return NULL;
	exchange->slot = http->n_exchanges;
	http->exchanges[http->n_exchanges++] = exchange;
	return exchange;
}

static struct aps_exchange *take_idle(struct aps_http *http)
{
	struct aps_exchange *exchange = http->idle;
	if (!exchange) return add_slot(http);
	http->idle = exchange->next_idle;
	http->n_idle--;
	return exchange;
}

static void put_idle(struct aps_http *http, struct aps_exchange *exchange)
{
	exchange->id = 0;
	aps_exchange_rest(exchange);
	if (http->n_idle >= IDLE_HANDLES) aps_exchange_drop_handle(exchange);
	exchange->next_idle = http->idle;
	http->idle = exchange;
	http->n_idle++;
}

enum aps_rc aps_http_start(struct aps_http *http, struct aps_http_request *request, uint64_t *id, struct aps_err *err)
{
	struct aps_exchange *exchange = take_idle(http);
	if (!exchange) {
		aps_free(request->body);
		request->body = NULL;
		return aps_fail(err, APS_E_NOMEM, "no memory for an HTTP exchange");
	}
	enum aps_rc rc = aps_exchange_prepare(exchange, request, err);
	if (rc != APS_OK) {
		put_idle(http, exchange);
		return rc;
	}
	CURLMcode added = curl_multi_add_handle(http->multi, exchange->easy);
	if (added != CURLM_OK) {
		put_idle(http, exchange);
		return aps_fail_word(err, APS_E_NOMEM, NULL, (long)added, "libcurl took no further exchange: %s",
		                     curl_multi_strerror(added));
	}
	exchange->id = ++http->serial << SLOT_BITS | exchange->slot;
	*id = exchange->id;
	http->n_added++;
	http->must_act = true;
	return APS_OK;
}

static void remove_from_multi(struct aps_http *http, struct aps_exchange *exchange)
{
	curl_multi_remove_handle(http->multi, exchange->easy);
	http->n_added--;
}

void aps_http_cancel(struct aps_http *http, uint64_t id)
{
	size_t slot = (size_t)(id & (((uint64_t)1 << SLOT_BITS) - 1));
	if (id == 0 || slot >= http->n_exchanges || http->exchanges[slot]->id != id) return;
	remove_from_multi(http, http->exchanges[slot]);
	put_idle(http, http->exchanges[slot]);
	http->must_act = true; /* n_moving is out of date, and a waiting exchange may take the connection's place */
}

static void act_on_timer(struct aps_http *http)
{
	http->must_act = false;
	http->timer_ms = -1; /* libcurl sets it again where it has more to wait for */
	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &http->n_moving);
}

static void act_on_sockets(struct aps_http *http)
{
	struct aps_ready ready;
	while (aps_poll_set_next(&http->set, &ready)) {
		if (ready.fd == http->bell.wake.read_fd) continue;
		int mask = 0;
		if (ready.events & (POLLIN | POLLHUP)) mask |= CURL_CSELECT_IN;
		if (ready.events & POLLOUT) mask |= CURL_CSELECT_OUT;
		if (ready.events & (POLLERR | POLLNVAL)) mask |= CURL_CSELECT_ERR;
		curl_multi_socket_action(http->multi, ready.fd, mask, &http->n_moving);
	}
}

static int wait_limit(const struct aps_http *http, int64_t timeout_ms)
{
	int64_t limit = timeout_ms < 0 ? INT_MAX : timeout_ms;
	if (http->timer_ms >= 0) {
		int64_t left = http->timer_ms - aps_clock_mono_ms();
		if (left < limit) limit = left > 0 ? left : 0;
	}
	if (limit > INT_MAX) return INT_MAX;
	return timeout_ms < 0 && limit == INT_MAX ? -1 : (int)limit;
}

void aps_http_poll(struct aps_http *http, int64_t timeout_ms)
{
	if (http->must_act) act_on_timer(http);
	/* Finished ones are handed out before anything is waited for. */
	if (http->n_moving < http->n_added) return;
	int limit = wait_limit(http, timeout_ms);
	bool may_sleep = limit != 0 && aps_bell_sleep(&http->bell);
	aps_poll_set_wait(&http->set, may_sleep ? limit : 0);
	aps_bell_awake(&http->bell, aps_poll_set_is_ready(&http->set, http->bell.wake.read_fd));
	act_on_sockets(http);
	if (http->timer_ms >= 0 && http->timer_ms <= aps_clock_mono_ms()) act_on_timer(http);
}

bool aps_http_next(struct aps_http *http, struct aps_http_answer *answer)
{
	int n_left = 0;
	CURLMsg *message;
	while ((message = curl_multi_info_read(http->multi, &n_left))) {
		if (message->msg != CURLMSG_DONE) continue;
		CURLcode code = message->data.result; /* the message dies with the removal */
		struct aps_exchange *exchange = NULL;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
		aps_exchange_finish(exchange, code, answer);
		remove_from_multi(http, exchange);
		put_idle(http, exchange);
		return true;
	}
	return false;
}

void aps_http_wakeup(struct aps_http *http)
{
	aps_bell_ring(&http->bell);
}

size_t aps_http_n_running(const struct aps_http *http)
{
	return (size_t)http->n_added;
}

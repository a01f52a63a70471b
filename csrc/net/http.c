#include "net/http.h"

#include "base/mem.h"
#include "net/exchange.h"
#include "net/global.h"
#include "net/simulated_http.h"
#include "rt/bell.h"

#include <limits.h>
#include <poll.h>

enum {
	POOL_CONNECTIONS = 64, /* kept open while idle, and at most per host */
	IDLE_HANDLES = 64,
	SLOT_BITS = 20,
	BARREN_TURNS = 200,
};

struct aps_http {
	CURLM *multi;                    /* NULL until the first exchange: libcurl and TLS take 2 MB */
	struct aps_exchange **exchanges; /* by slot: the low bits of an id */
	size_t n_exchanges;
	size_t capacity;
	struct aps_exchange *idle;
	size_t n_idle;
	uint64_t serial;
	int n_added;  /* handles in `multi`, finished ones included until they are read */
	int n_moving; /* of these, as curl_multi_perform() told last */
	bool must_perform;
	size_t n_barren; /* turns in a row in which sockets were ready and nothing came of it */
	struct aps_pulse pulse;
	bool must_renew;                      /* `multi`, once nothing is under way */
	struct aps_simulated_http *simulated; /* NULL: the network is real */
	struct aps_bell bell; /* rather than curl_multi_wakeup(): it costs nothing while this thread is awake */
	struct aps_descriptors *others; /* NULL: none */
};

/* libcurl's own wake-up, which isn't used, is a pair of sockets that children would inherit. */
static CURLM *new_multi(struct aps_sealing *sealing)
{
	aps_sealing_begin(sealing);
	CURLM *multi = curl_multi_init();
	aps_sealing_end(sealing);
	if (!multi) return NULL;
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)POOL_CONNECTIONS);
	curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)POOL_CONNECTIONS);
	return multi;
}

struct aps_http *aps_http_new(struct aps_err *err)
{
	struct aps_http *http = aps_calloc(1, sizeof *http);
	if (http == NULL) {
		aps_fail(err, APS_E_NOMEM, "no memory for HTTP");
		return NULL;
	}
	if (aps_bell_init(&http->bell, err) != APS_OK) {
		aps_free(http);
		return NULL;
	}
	aps_sealing_init(&http->pulse.sealing);
	return http;
}

static enum aps_rc ensure_multi(struct aps_http *http, struct aps_err *err)
{
	if (http->multi != NULL) return APS_OK;
	if (aps_net_global_init(err) != APS_OK) return err->code;
	http->multi = new_multi(&http->pulse.sealing);
	return http->multi != NULL ? APS_OK : aps_fail(err, APS_E_NOMEM, "no memory for HTTP");
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
	if (http->multi != NULL) curl_multi_cleanup(http->multi);
	aps_bell_clear(&http->bell);
	aps_sealing_clear(&http->pulse.sealing);
	aps_simulated_http_free(http->simulated);
	aps_free(http);
}

struct aps_simulated_http *aps_http_simulate(struct aps_http *http, struct aps_err *err)
{
	http->simulated = aps_simulated_http_new(err);
	return http->simulated;
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
	struct aps_exchange *exchange = aps_exchange_new(&http->pulse);
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
	if (http->simulated != NULL) return aps_simulated_http_start(http->simulated, request, id, err);
	enum aps_rc rc = ensure_multi(http, err);
	struct aps_exchange *exchange = rc == APS_OK ? take_idle(http) : NULL;
	if (!exchange) {
		aps_free(request->body);
		request->body = NULL;
		return rc != APS_OK ? rc : aps_fail(err, APS_E_NOMEM, "no memory for an HTTP exchange");
	}
	rc = aps_exchange_prepare(exchange, request, err);
	if (rc != APS_OK) {
		put_idle(http, exchange);
		return rc;
	}
	CURLMcode added = curl_multi_add_handle(http->multi, exchange->easy);
	if (added != CURLM_OK) {
		put_idle(http, exchange);
		return aps_fail_word(err, APS_E_NOMEM, NULL, (long)added, "libcurl accepts no more exchanges: %s",
		                     curl_multi_strerror(added));
	}
	exchange->id = ++http->serial << SLOT_BITS | exchange->slot;
	*id = exchange->id;
	http->n_added++;
	http->must_perform = true;
	return APS_OK;
}

void aps_http_forget(struct aps_http *http, bool connections_too)
{
	http->must_renew = http->must_renew || (connections_too && http->multi != NULL);
	for (struct aps_exchange *exchange = http->idle; exchange; exchange = exchange->next_idle)
		aps_exchange_drop_handle(exchange);
}

/* libcurl has no call that closes pooled connections, and each of them keeps its proxy's password. */
static void renew(struct aps_http *http)
{
	CURLM *fresh = new_multi(&http->pulse.sealing);
	if (!fresh) return;
	http->must_renew = false;
	curl_multi_cleanup(http->multi);
	http->multi = fresh;
}

static void remove_from_multi(struct aps_http *http, struct aps_exchange *exchange)
{
	curl_multi_remove_handle(http->multi, exchange->easy);
	http->n_added--;
}

void aps_http_cancel(struct aps_http *http, uint64_t id)
{
	if (http->simulated != NULL) {
		aps_simulated_http_cancel(http->simulated, id);
		return;
	}
	size_t slot = (size_t)(id & (((uint64_t)1 << SLOT_BITS) - 1));
	if (id == 0 || slot >= http->n_exchanges || http->exchanges[slot]->id != id) return;
	remove_from_multi(http, http->exchanges[slot]);
	put_idle(http, http->exchanges[slot]);
	http->must_perform = true; /* n_moving is out of date, and a waiting exchange may take the connection's place */
}

static void perform(struct aps_http *http)
{
	http->must_perform = false;
	http->pulse.n_turn_bytes = 0;
	if (http->pulse.has_held) {
		http->pulse.has_held = false;
		for (size_t i = 0; i < http->n_exchanges; i++) aps_exchange_resume(http->exchanges[i]);
	}
	curl_multi_perform(http->multi, &http->n_moving);
	if (http->pulse.sealing.has_begun) aps_sealing_end(&http->pulse.sealing);
}

void aps_http_begin(struct aps_http *http)
{
	if (http->multi != NULL && http->must_perform) perform(http);
}

/* A server may keep a socket ready for ever (libcurl 7.88 polls to write while HTTP/2's window is shut): such turns are
 * taken a millisecond apart, instead of a whole CPU. */
static bool must_hold_back(const struct aps_http *http)
{
	return http->n_barren >= BARREN_TURNS;
}

/* Before the first exchange. */
static void await_bell(struct aps_http *http, int limit)
{
	struct pollfd fds[1 + APS_DESCRIPTORS_MAX] = {{.fd = http->bell.wake.read_fd, .events = POLLIN}};
	size_t n = http->others != NULL ? aps_descriptors_list(http->others, fds + 1) : 0;
	bool may_sleep = limit != 0 && aps_bell_sleep(&http->bell);
	if (may_sleep || n != 0) (void)poll(fds, 1 + (nfds_t)n, may_sleep ? limit : 0);
	if (n != 0) (void)aps_descriptors_note(http->others, fds + 1);
	aps_bell_awake(&http->bell, (fds[0].revents & POLLIN) != 0);
}

void aps_http_watch(struct aps_http *http, struct aps_descriptors *others)
{
	http->others = others;
}

/* libcurl's kind of it. */
static bool poll_all(struct aps_http *http, int limit, int *n_ready, bool *is_rung)
{
	struct pollfd fds[APS_DESCRIPTORS_MAX];
	struct curl_waitfd extra[1 + APS_DESCRIPTORS_MAX] = {
	        {.fd = http->bell.wake.read_fd, .events = CURL_WAIT_POLLIN}};
	size_t n = http->others != NULL ? aps_descriptors_list(http->others, fds) : 0;
	for (size_t i = 0; i < n; i++) extra[1 + i] = (struct curl_waitfd){.fd = fds[i].fd, .events = CURL_WAIT_POLLIN};
	curl_multi_poll(http->multi, extra, 1 + (unsigned)n, limit, n_ready);
	for (size_t i = 0; i < n; i++) fds[i].revents = extra[1 + i].revents;
	*is_rung = extra[0].revents != 0;
	return n != 0 && aps_descriptors_note(http->others, fds);
}

void aps_http_poll(struct aps_http *http, int64_t timeout_ms)
{
	int limit = timeout_ms < 0 || timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;
	if (http->multi == NULL) {
		await_bell(http, limit);
		return;
	}
	if (http->must_renew && http->n_added == 0) renew(http);
	if (http->must_perform) perform(http);
	/* Finished ones are handed out before anything is waited for. */
	if (http->n_moving < http->n_added) return;
	if (http->pulse.has_held) limit = 0;
	bool may_sleep = limit != 0 && aps_bell_sleep(&http->bell);
	bool was_rung = may_sleep && must_hold_back(http) && aps_wake_wait(&http->bell.wake, 1);
	int n_ready = 0;
	http->pulse.has_moved = false;
	bool is_rung;
	bool is_others = poll_all(http, may_sleep && !must_hold_back(http) ? limit : 0, &n_ready, &is_rung);
	aps_bell_awake(&http->bell, was_rung || is_rung);
	perform(http);
	bool is_barren = n_ready != 0 && !is_rung && !is_others && !http->pulse.has_moved;
	http->n_barren = is_barren ? http->n_barren + 1 : 0;
}

bool aps_http_next(struct aps_http *http, struct aps_http_answer *answer)
{
	int n_left = 0;
	CURLMsg *message;
	if (http->simulated != NULL) return aps_simulated_http_next(http->simulated, answer);
	if (http->multi == NULL) return false;
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
	if (http->simulated != NULL) return aps_simulated_http_n_running(http->simulated);
	return (size_t)http->n_added;
}

/* HTTP over libcurl's multi interface: pooled keep-alive connections, HTTP/2 where the server offers it over TLS, gzip.
 * @thread core, all of it but aps_http_wakeup(). Redirects are not followed: a secret goes where the user sent it. */
#ifndef APS_NET_HTTP_H
#define APS_NET_HTTP_H

#include "codec/header.h"
#include "net/options.h"
#include "rt/descriptor.h"

struct aps_http;
struct aps_simulated_http;

struct aps_http_request {
	const char *method;
	const char *url;
	const struct aps_header *headers; /* copied */
	size_t n_headers;
	char *body; /* consumed (aps_free), also on failure; NULL: none */
	size_t n_body;
	const struct aps_net_options *options; /* borrowed until the answer or the cancel */
	int64_t connect_timeout_ms;
	int64_t timeout_ms; /* of the whole exchange */
	size_t max_response_bytes;
	bool is_sent_once;    /* never repeated below us: libcurl sends a request again where a reused connection
	                         died without an answer, although the server may have executed it */
	bool is_resolve_only; /* CURLOPT_CONNECT_ONLY: connects TCP, tells the peer's address, closes; with a proxy it
	                         opens a tunnel through it, and the address is the proxy's */
	void *tag;            /* comes back with the answer */
	uint64_t label;       /* what a simulation knows it by; 0: nothing */
};

struct aps_http_answer {
	void *tag;
	struct aps_err err; /* OK: a response came, whatever its status. err.sent: request bytes may have gone out */
	long status;
	long http_version; /* 11, 20 */
	char *body;        /* owned by the answer */
	size_t n_body;
	struct aps_header *headers; /* of the final response, names in lower case; text in header_text */
	size_t n_headers;
	char *header_text;
	char address[64]; /* of the peer, numeric; for is_resolve_only */
};

APS_BEGIN_DECLS

struct aps_http *aps_http_new(struct aps_err *err);
void aps_http_free(struct aps_http *http); /* drops what is under way without an answer */
/* Before the first exchange: from now on no byte is sent, all goes to the simulation, which is made here and lives as
 * long. NULL: *err says why. */
struct aps_simulated_http *aps_http_simulate(struct aps_http *http, struct aps_err *err);
/* Starts an exchange; *id names it for a cancel. On failure nothing was started, and there will be no answer. E_TLS for
 * a TLS file that is no plain one. */
enum aps_rc aps_http_start(struct aps_http *http, struct aps_http_request *request, uint64_t *id, struct aps_err *err);
/* No answer comes after this. Unknown ids are ignored. */
void aps_http_cancel(struct aps_http *http, uint64_t id);
/* Waits for sockets or a wake-up, at most timeout_ms (-1: for ever), and moves bytes. */
void aps_http_poll(struct aps_http *http, int64_t timeout_ms);
/* Exchanges that were started since the last poll are begun at once: it will be a while until the next one. */
void aps_http_begin(struct aps_http *http);
/* The next finished exchange; false when there is none. Clear it with aps_http_answer_clear(). */
bool aps_http_next(struct aps_http *http, struct aps_http_answer *answer);
void aps_http_answer_clear(struct aps_http_answer *answer);
/* An empty view when the response has no such header (lower-case name). */
struct aps_str aps_http_answer_header(const struct aps_http_answer *answer, const char *name);
/* Drops what idle handles still know of the requests that they carried; with `connections_too` also the pool, as soon
 * as nothing is under way. */
void aps_http_forget(struct aps_http *http, bool connections_too);
/* From now on aps_http_poll() returns as well when one of these can be read, which are somebody else's. Borrowed. */
void aps_http_watch(struct aps_http *http, struct aps_descriptors *others);
/* @thread any: makes aps_http_poll() return. */
void aps_http_wakeup(struct aps_http *http);
size_t aps_http_n_running(const struct aps_http *http);

APS_END_DECLS

#endif

/* One HTTP exchange: an easy handle that is set up for a request and gives its answer, then waits for the next request.
 * Options that did not change since the last request are not set again. @thread core */
#ifndef APS_NET_EXCHANGE_H
#define APS_NET_EXCHANGE_H

#include "net/curl_headers.h"
#include "net/http.h"
#include "net/sealing.h"
#include "net/tls.h"

/* Whether transfers get on, all of one owner together. */
struct aps_pulse {
	struct aps_tls_watch watch;
	bool has_moved; /* something was received or handed out for sending */
	bool has_held;  /* transfers whose bodies have to wait for the next turn */
	size_t n_turn_bytes;
	struct aps_sealing sealing; /* of what a turn's look-ups open */
};

struct aps_exchange {
	struct aps_exchange *next_idle;
	size_t slot;             /* place in the owner's table */
	uint64_t id;             /* 0: idle */
	CURL *easy;              /* NULL until it is needed */
	struct aps_pulse *pulse; /* the owner's */
	/* The request as it is set in the handle. */
	bool is_prepared;
	bool has_fit_files; /* those of `options` */
	bool has_answered;  /* the handle has seen an answer's headers */
	bool is_resolve_only;
	bool has_body;
	bool is_sent_once;
	char method[16];
	struct aps_buf url;
	struct aps_curl_headers headers;
	struct aps_net_options options;
	int64_t connect_timeout_ms;
	int64_t timeout_ms;
	/* Of the exchange under way. */
	char *body;
	size_t n_body;
	size_t n_read; /* of the body, where libcurl reads it piece by piece */
	void *tag;
	bool is_held; /* paused until the next turn */
	bool reached; /* a connection stood, and the request was about to be written */
	struct aps_buf response;
	struct aps_buf response_headers;
	size_t n_response_headers;
	size_t n_header_bytes; /* of all that came in the place of headers */
};

APS_BEGIN_DECLS

struct aps_exchange *aps_exchange_new(struct aps_pulse *pulse);
void aps_exchange_free(struct aps_exchange *exchange);
/* Takes request->body, also on failure. Afterwards the handle can be added to a multi handle. */
enum aps_rc aps_exchange_prepare(struct aps_exchange *exchange, struct aps_http_request *request, struct aps_err *err);
/* Moves what came into *answer. */
void aps_exchange_finish(struct aps_exchange *exchange, CURLcode code, struct aps_http_answer *answer);
/* A turn begins: goes on where the last one had too much. */
void aps_exchange_resume(struct aps_exchange *exchange);
/* Drops what belongs to the last request; the handle stays prepared. */
void aps_exchange_rest(struct aps_exchange *exchange);
/* Drops the handle too: fewer idle handles are kept than a burst may need. */
void aps_exchange_drop_handle(struct aps_exchange *exchange);

APS_END_DECLS

#endif

/* The network of a simulation, behind the interface of net/http.h: what is started is handed to the simulator, which
 * answers it or lets it fail, at a moment of its choice. No socket, no file, no time. @thread core, which is the
 * simulator's own */
#ifndef APS_NET_SIMULATED_HTTP_H
#define APS_NET_SIMULATED_HTTP_H

#include "base/buf.h"
#include "net/http.h"

struct aps_simulated_http;

/* An exchange that was started and has no answer. */
struct aps_simulated_exchange {
	struct aps_simulated_exchange *next;
	uint64_t id;
	uint64_t label; /* the request's */
	void *tag;
	struct aps_buf headers; /* lines: "Name: value" LF */
	char *body;
	size_t n_body;
	int64_t timeout_ms;
	bool is_taken;
};

enum aps_simulated_failure {
	APS_SIMULATED_REFUSED, /* no connection: surely not sent */
	APS_SIMULATED_LOST,    /* sent, and answered by nothing */
	APS_SIMULATED_TIMEOUT, /* likewise, when its time was over */
};

APS_BEGIN_DECLS

struct aps_simulated_http *aps_simulated_http_new(struct aps_err *err);
void aps_simulated_http_free(struct aps_simulated_http *http);

/* As those of net/http.h. */
enum aps_rc aps_simulated_http_start(struct aps_simulated_http *http, struct aps_http_request *request, uint64_t *id,
                                     struct aps_err *err);
void aps_simulated_http_cancel(struct aps_simulated_http *http, uint64_t id);
bool aps_simulated_http_next(struct aps_simulated_http *http, struct aps_http_answer *answer);
size_t aps_simulated_http_n_running(const struct aps_simulated_http *http);

/* The oldest exchange that wasn't taken before; it stays until it ends. NULL: there is none. */
const struct aps_simulated_exchange *aps_simulated_http_take(struct aps_simulated_http *http);
/* Ends an exchange with a response. `headers`: lines that end with LF. False: it was cancelled, or memory is out. */
bool aps_simulated_http_answer(struct aps_simulated_http *http, uint64_t id, long status, struct aps_str headers,
                               struct aps_str body);
/* The same without one. */
bool aps_simulated_http_fail(struct aps_simulated_http *http, uint64_t id, enum aps_simulated_failure how);

APS_END_DECLS

#endif

/* A request of HTTP/1.1, as the benchmarks' servers read it: a body has a Content-Length. */
#ifndef APS_BENCH_HTTP_REQUEST_H
#define APS_BENCH_HTTP_REQUEST_H

#include "peer_loop.h"

struct aps_bench_request {
	struct aps_str head; /* with the line at its end */
	struct aps_str body;
};

APS_BEGIN_DECLS

/* What stands at `at` of what the peer has sent. Returns its bytes; 0: it isn't whole yet. */
size_t aps_bench_request_at(struct aps_bench_peer *peer, size_t at, struct aps_bench_request *request);
/* What stands behind this name and its colon, up to a comma or the end of the line. */
bool aps_bench_request_field(const struct aps_bench_request *request, const char *name, char value[128]);
/* The status line and fields of an answer with so many bytes of JSON. */
void aps_bench_add_head(struct aps_buf *out, size_t n_body);

APS_END_DECLS

#endif

/* The service's side of AppSync's realtime protocol on one connection: it acknowledges whatever is asked for. AppSync
 * Developer Guide, "Building a real-time WebSocket client"; RFC 6455. */
#ifndef APS_BENCH_REALTIME_PEER_H
#define APS_BENCH_REALTIME_PEER_H

#include "http_request.h"

#define APS_BENCH_MAX_ID_BYTES 64

/* Of a connection that was upgraded; peer->state. */
struct aps_bench_realtime {
	size_t n_subs, n_room;
	char (*ids)[APS_BENCH_MAX_ID_BYTES];
};

APS_BEGIN_DECLS

/* Answers the request for an upgrade and makes the state; false: it is none, or there is no memory. */
bool aps_bench_realtime_upgrade(struct aps_bench_peer *peer, const struct aps_bench_request *request);
/* Takes the whole frames; `started` is told of each subscription, once that is acknowledged. */
bool aps_bench_realtime_take(struct aps_bench_peer *peer, void (*started)(struct aps_bench_peer *peer));
void aps_bench_realtime_add_text(struct aps_buf *out, struct aps_str text);
/* Of a connection that has closed, upgraded or not. */
void aps_bench_realtime_free(struct aps_bench_peer *peer);

APS_END_DECLS

#endif

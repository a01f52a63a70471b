/* A server of AppSync's realtime protocol that pushes N messages of about 300 bytes as fast as they are taken: when so
 * many subscriptions were started on a connection, round-robin over them. Arguments: port or 0, subscriptions, N. */
#include "realtime_peer.h"

#include <stdio.h>
#include <stdlib.h>

static size_t n_wanted_subs;
static long n_messages;

static void push_all(struct aps_bench_peer *peer, const struct aps_bench_realtime *realtime)
{
	char message[512];
	for (long i = 0; i < n_messages; i++) {
		int n = snprintf(
		        message, sizeof message,
		        "{\"id\":\"%s\",\"type\":\"data\",\"payload\":{\"data\":{\"onUpdatePost\":{\"__typename\":"
		        "\"Post\",\"id\":\"11111111-2222-4333-8444-%012ld\",\"title\":\"title of update %ld\","
		        "\"content\":\"lorem ipsum dolor sit amet consectetur \\\"adipiscing\\\" elit sed do "
		        "eiusmod\",\"ups\":%ld,\"downs\":%ld}}}}",
		        realtime->ids[(size_t)i % realtime->n_subs], i % 10000, i, i, i & 63);
		aps_bench_realtime_add_text(&peer->out, (struct aps_str){message, (size_t)n});
	}
	aps_bench_realtime_add_text(&peer->out, APS_STR("{\"type\":\"ka\"}"));
}

static void started(struct aps_bench_peer *peer)
{
	const struct aps_bench_realtime *realtime = peer->state;
	if (realtime->n_subs == n_wanted_subs) push_all(peer, realtime);
}

static bool take(struct aps_bench_peer *peer)
{
	struct aps_bench_request request;
	if (!peer->state) {
		size_t n = aps_bench_request_at(peer, 0, &request);
		if (n == 0) return true;
		if (!aps_bench_realtime_upgrade(peer, &request)) return false;
		aps_bench_peer_skip(peer, n);
	}
	return aps_bench_realtime_take(peer, started);
}

int main(int n_args, char **args)
{
	if (n_args < 4) return 2;
	n_wanted_subs = strtoul(args[2], NULL, 10);
	n_messages = atol(args[3]);
	return aps_bench_serve(atoi(args[1]), &(struct aps_bench_server){take, aps_bench_realtime_free});
}

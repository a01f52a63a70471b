/* The loop of the benchmarks' servers: one thread, epoll, any number of peers on 127.0.0.1. It prints the port, serves
 * until it is killed, and ends with the process that started it. */
#ifndef APS_BENCH_PEER_LOOP_H
#define APS_BENCH_PEER_LOOP_H

#include "base/buf.h"

struct aps_bench_peer {
	struct aps_buf in;  /* received, not taken yet */
	struct aps_buf out; /* to be sent */
	size_t n_sent;      /* of `out` */
	void *state;        /* the server's own; NULL at first */
	int fd;
};

struct aps_bench_server {
	/* Takes what is whole in peer->in and adds answers to peer->out; false closes the connection. */
	bool (*take)(struct aps_bench_peer *peer);
	void (*closed)(struct aps_bench_peer *peer); /* frees peer->state; NULL: nothing to free */
};

APS_BEGIN_DECLS

/* Removes the first n bytes of what was received. */
void aps_bench_peer_skip(struct aps_bench_peer *peer, size_t n);
/* Port 0: a free one. Returns only when it can't serve: the program's exit code. */
int aps_bench_serve(int port, const struct aps_bench_server *server);

APS_END_DECLS

#endif

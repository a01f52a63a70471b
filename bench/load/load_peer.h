/* One connection of a load generator to a server on 127.0.0.1: HTTP/1.1 answers with a Content-Length, or WebSocket
 * text frames. Sends block (a request is smaller than a socket's buffer), receiving does not. What can't go on ends the
 * program with a word: a load that is not what it says must give no figure. */
#ifndef APS_BENCH_LOAD_PEER_H
#define APS_BENCH_LOAD_PEER_H

#include "base/buf.h"
#include "base/str.h"

struct aps_load_peer {
	struct aps_buf in;
	int fd;
	long tag; /* the caller's */
	double sent_at;
};

APS_BEGIN_DECLS

void aps_load_die(const char *what);
void aps_load_open(struct aps_load_peer *peer, int port);
void aps_load_send(struct aps_load_peer *peer, const char *bytes, size_t n);
/* Receives what is there. */
void aps_load_receive(struct aps_load_peer *peer);
/* The first answer, when it is whole: its status; 0 when it isn't. Valid until it is skipped. */
int aps_load_answer(struct aps_load_peer *peer, struct aps_str *body, size_t *n_whole);
void aps_load_skip(struct aps_load_peer *peer, size_t n);
/* The opening handshake and, on it, graphql-transport-ws up to connection_ack. */
void aps_load_ws_open(struct aps_load_peer *peer, int port);
void aps_load_ws_send(struct aps_load_peer *peer, const char *text);
/* The first frame's text when it is whole. */
bool aps_load_ws_text(struct aps_load_peer *peer, struct aps_str *text, size_t *n_whole);

APS_END_DECLS

#endif

/* What is asked of OpenSSL besides what libcurl and libwebsockets do with it. */
#ifndef APS_NET_TLS_H
#define APS_NET_TLS_H

#include "base/macros.h"

#include <stdbool.h>

struct ssl_st;
struct ssl_ctx_st;

/* Records of each connection that brought nothing to any transfer, in a span of time. What a transfer receives makes up
 * for some of them. */
struct aps_tls_watch {
	struct aps_tls_records {
		const struct ssl_st *connection;
		size_t n;
		int64_t since_ms;
	} of[64]; /* by address; two that share a place begin anew each time */
	struct aps_tls_records *last;
};

APS_BEGIN_DECLS

/* OpenSSL takes itself apart in an exit handler, whoever still uses it. This is called before anything of ours uses it,
 * and keeps it whole. Where somebody in this process has used it earlier it can't: then `before_cleanup` is called
 * first. OPENSSL_init_crypto(3), OPENSSL_INIT_NO_ATEXIT; OPENSSL_atexit. */
void aps_tls_outlive_exit(void (*before_cleanup)(void));

/* After the handshake: the chain was accepted, and the certificate is for `host`. An address must stand in it as an
 * address (RFC 2818 section 3.1), a name as a name (RFC 6125 section 6.4). */
bool aps_tls_peer_is(struct ssl_st *ssl, const char *host);
/* Connections of this context send no address as a server name (RFC 6066 section 3). */
void aps_tls_hide_addresses(struct ssl_ctx_st *context);
/* Ends a connection of this context that floods: libcurl (7.88) reads HTTP/2 frames in a loop without an end for as
 * long as they bring nothing for the transfer in hand. `watch` outlives the context. */
void aps_tls_end_floods(struct ssl_ctx_st *context, struct aps_tls_watch *watch);
/* A transfer has received this much, of the last record. */
void aps_tls_watch_credit(struct aps_tls_watch *watch, size_t n_bytes);
/* The context's connections must show a certificate for `host`, as aps_tls_peer_is() has it. False: memory is out. */
bool aps_tls_expect(struct ssl_ctx_st *context, const char *host);

APS_END_DECLS

#endif

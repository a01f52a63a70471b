/* The listener's side of TLS. */
#ifndef APS_SERVER_LISTENER_TLS_H
#define APS_SERVER_LISTENER_TLS_H

#include "server/peer.h"

APS_BEGIN_DECLS

/* Loads certificate chain and key (PEM); TLS 1.2 or newer, ALPN http/1.1. E_USAGE names the file that is wrong. */
enum aps_rc aps_listener_tls_open(struct aps_listener *listener, struct aps_err *err);
/* The bufferevent of a connection that is being accepted; NULL when memory is out. */
struct bufferevent *aps_listener_tls_accept(struct aps_listener *listener, struct event_base *base);
/* Sends close_notify (RFC 8446 §6.1) where the connection is a TLS one; its last bytes were written. */
void aps_listener_tls_end(struct bufferevent *bev);
/* Writes past the bufferevent, of which nothing waits. False when not all was taken. */
bool aps_listener_tls_write(struct bufferevent *bev, const char *p, size_t n);
/* Says that nothing more is written; what comes can still be read. */
void aps_listener_tls_say_end(struct bufferevent *bev);
void aps_listener_tls_close(struct aps_listener *listener);

APS_END_DECLS

#endif

/* A connect request as the realtime thread keeps it: checked, copied, in one block of memory. Pure. */
#ifndef APS_NET_WS_REQUEST_H
#define APS_NET_WS_REQUEST_H

#include "base/arena.h"
#include "net/ws.h"

struct aps_ws_request {
	struct aps_arena arena;         /* owns all text below */
	struct aps_ws_connect connect;  /* without its headers */
	struct aps_net_options options; /* connect.options points here */
	struct aps_str header_lines;    /* what connect.headers are in the upgrade: "Name: value" CR LF each */
	const char *authority;          /* host, with the port where it is not the scheme's own */
	const char *host_header;        /* what the upgrade says: the one of connect.headers, or the authority */
	const char *target;             /* the host as a proxy's CONNECT names it */
	const char *proxy;              /* "[user:password@]address:port" as libwebsockets takes it; "" without one */
};

APS_BEGIN_DECLS

/* NULL with *err: E_USAGE or E_TOO_BIG for what libwebsockets would cut or mangle, E_NOMEM. */
struct aps_ws_request *aps_ws_request_new(const struct aps_ws_connect *connect, struct aps_err *err);
void aps_ws_request_free(struct aps_ws_request *request);

APS_END_DECLS

#endif

/* A tunnel that a proxy refuses, over either transport. */
#ifndef APS_NET_TUNNEL_H
#define APS_NET_TUNNEL_H

#include "base/err.h"
#include "base/str.h"

APS_BEGIN_DECLS

/* The proxy answered CONNECT with this HTTP status: E_NETWORK with the word "proxy"; retryable where it may pass. */
void aps_tunnel_fail(long status, struct aps_str host, struct aps_err *err);

APS_END_DECLS

#endif

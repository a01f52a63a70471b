/* What an HTTP status that refuses means for another try. */
#ifndef APS_NET_STATUS_H
#define APS_NET_STATUS_H

#include "base/err.h"
#include "base/str.h"

APS_BEGIN_DECLS

/* The same request may be answered otherwise after a while. */
bool aps_status_is_passing(long status);
/* A proxy answered CONNECT with it: E_NETWORK with the word "proxy"; retryable where it may pass. */
void aps_status_fail_tunnel(long status, struct aps_str host, struct aps_err *err);

APS_END_DECLS

#endif

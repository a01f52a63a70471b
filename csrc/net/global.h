/* What libcurl needs once per process. */
#ifndef APS_NET_GLOBAL_H
#define APS_NET_GLOBAL_H

#include "base/err.h"

APS_BEGIN_DECLS

/* @thread any. curl_global_init(3), once; later calls return the first one's result. Call it before an atexit(3)
 * handler that stops threads is registered: handlers run in reverse, so the threads end before the TLS library's own
 * handler runs under them. Both transports call it too. There is no counterpart: other users of libcurl may live in
 * this process. */
enum aps_rc aps_net_global_init(struct aps_err *err);

APS_END_DECLS

#endif

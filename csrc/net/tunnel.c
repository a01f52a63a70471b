#include "net/tunnel.h"

#include "codec/status.h"

void aps_tunnel_fail(long status, struct aps_str host, struct aps_err *err)
{
	aps_fail_word(err, APS_E_NETWORK, "proxy", status,
	              "the proxy refused the tunnel with HTTP status %ld, on the way to %.*s", status,
	              host.n < 100 ? (int)host.n : 100, host.p);
	err->retryable = aps_status_is_passing(status);
}

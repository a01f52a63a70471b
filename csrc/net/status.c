#include "net/status.h"

bool aps_status_is_passing(long status)
{
	return status >= 500 || status == 408 || status == 425 || status == 429;
}

void aps_status_fail_tunnel(long status, struct aps_str host, struct aps_err *err)
{
	aps_fail_word(err, APS_E_NETWORK, "proxy", status,
	              "the proxy refused the tunnel with HTTP status %ld, on the way to %.*s", status,
	              host.n < 100 ? (int)host.n : 100, host.p);
	err->retryable = aps_status_is_passing(status);
}

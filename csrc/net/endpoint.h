/* The parts of an absolute http, https, ws or wss URL that a socket needs. */
#ifndef APS_NET_ENDPOINT_H
#define APS_NET_ENDPOINT_H

#include "base/buf.h"
#include "base/err.h"

struct aps_endpoint {
	bool is_tls;
	char *user; /* what stands before the host, percent-encoded: "user:password"; NULL: nothing */
	char *host; /* without brackets */
	int port;
	char *path; /* with query; at least "/" */
};

APS_BEGIN_DECLS

/* E_USAGE names what is wrong. */
enum aps_rc aps_endpoint_parse(const char *url, struct aps_endpoint *out, struct aps_err *err);
void aps_endpoint_clear(struct aps_endpoint *endpoint);
/* An IPv6 address in brackets (RFC 3986 section 3.2.2), another host as it is. */
void aps_endpoint_add_host(struct aps_buf *out, const char *host);
/* What the Host header says: without the zone of an IPv6 address, which means nothing to others (RFC 6874 section 4).
 */
void aps_endpoint_add_host_header(struct aps_buf *out, const char *host, int port, int default_port);
/* "host", or "host:port" where it isn't the scheme's own. */
void aps_endpoint_add_authority(struct aps_buf *out, const char *host, int port, int default_port);
/* The host is an IPv4 or IPv6 address. */
bool aps_endpoint_is_numeric(const struct aps_endpoint *endpoint);

APS_END_DECLS

#endif

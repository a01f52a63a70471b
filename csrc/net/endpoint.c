#include "net/endpoint.h"

#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <strings.h>

void aps_endpoint_clear(struct aps_endpoint *endpoint)
{
	aps_free(endpoint->user);
	aps_free(endpoint->host);
	aps_free(endpoint->path);
	*endpoint = (struct aps_endpoint){0};
}

static const char *skip_scheme(const char *url, bool *is_tls)
{
	static const struct {
		const char *prefix;
		bool is_tls;
	} SCHEMES[] = {{"http://", false}, {"https://", true}, {"ws://", false}, {"wss://", true}};
	for (size_t i = 0; i < APS_COUNTOF(SCHEMES); i++)
		if (strncasecmp(url, SCHEMES[i].prefix, strlen(SCHEMES[i].prefix)) == 0) {
			*is_tls = SCHEMES[i].is_tls;
			return url + strlen(SCHEMES[i].prefix);
		}
	return NULL;
}

static bool parse_port(const char *p, const char *end, int *port)
{
	int value = 0;
	if (p == end || end - p > 5) return false;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9') return false;
		value = value * 10 + (*p - '0');
	}
	*port = value;
	return value >= 1 && value <= 65535;
}

enum aps_rc aps_endpoint_parse(const char *url, struct aps_endpoint *out, struct aps_err *err)
{
	struct aps_endpoint parsed = {0};
	const char *host = skip_scheme(url, &parsed.is_tls);
	if (host == NULL)
		return aps_fail(err, APS_E_USAGE, "the URL must start with http://, https://, ws:// or wss://");
	size_t n_authority = strcspn(host, "/?#");
	const char *end = host + n_authority;
	/* Some read it as a slash (WHATWG URL), so that the host is another one. */
	if (memchr(host, '\\', n_authority) != NULL)
		return aps_fail(err, APS_E_USAGE, "the URL's host has a backslash");
	const char *user = host;
	for (const char *p = host; p < end; p++)
		if (*p == '@') host = p + 1;
	const char *user_end = host > user ? host - 1 : user;
	const char *host_end = host;
	if (*host == '[') {
		host++;
		host_end = memchr(host, ']', (size_t)(end - host));
		if (host_end == NULL) return aps_fail(err, APS_E_USAGE, "the URL's IPv6 address lacks its ']'");
	} else {
		while (host_end < end && *host_end != ':') host_end++;
	}
	const char *after = *host_end == ']' ? host_end + 1 : host_end;
	parsed.port = parsed.is_tls ? 443 : 80;
	if (after < end && (*after != ':' || !parse_port(after + 1, end, &parsed.port)))
		return aps_fail(err, APS_E_USAGE, "the URL's port must be a number from 1 to 65535");
	if (host_end == host) return aps_fail(err, APS_E_USAGE, "the URL has no host");
	const char *path = end + strcspn(end, "#") > end ? end : "/";
	size_t n_path = path == end ? strcspn(end, "#") : 1;
	parsed.host = aps_strndup(host, (size_t)(host_end - host));
	if (user_end > user) parsed.user = aps_strndup(user, (size_t)(user_end - user));
	char *slash = aps_malloc(n_path + 2);
	if (parsed.host == NULL || slash == NULL || (user_end > user && parsed.user == NULL)) {
		aps_endpoint_clear(&parsed);
		aps_free(slash);
		return aps_fail(err, APS_E_NOMEM, "out of memory");
	}
	size_t at = 0;
	if (path[0] != '/') slash[at++] = '/';
	memcpy(slash + at, path, n_path);
	slash[at + n_path] = '\0';
	parsed.path = slash;
	*out = parsed;
	return APS_OK;
}

bool aps_endpoint_is_numeric(const struct aps_endpoint *endpoint)
{
	unsigned char address[16];
	return inet_pton(AF_INET, endpoint->host, address) == 1 || inet_pton(AF_INET6, endpoint->host, address) == 1;
}

void aps_endpoint_add_host(struct aps_buf *out, const char *host)
{
	aps_buf_addf(out, strchr(host, ':') != NULL ? "[%s]" : "%s", host);
}

static void add_port(struct aps_buf *out, int port, int default_port)
{
	if (port != default_port) aps_buf_addf(out, ":%d", port);
}

void aps_endpoint_add_authority(struct aps_buf *out, const char *host, int port, int default_port)
{
	aps_endpoint_add_host(out, host);
	add_port(out, port, default_port);
}

void aps_endpoint_add_host_header(struct aps_buf *out, const char *host, int port, int default_port)
{
	if (strchr(host, ':') != NULL)
		aps_buf_addf(out, "[%.*s]", (int)strcspn(host, "%"), host);
	else
		aps_buf_add_text(out, host);
	add_port(out, port, default_port);
}

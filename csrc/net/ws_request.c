#include "net/ws_request.h"

#include "base/mem.h"
#include "codec/percent.h"
#include "net/endpoint.h"

#include <libwebsockets.h>
#include <string.h>

/* libwebsockets writes the sub-protocol list into its service buffer without a check (4.1 to 4.3), which is why the
 * context's buffers are as large as they are (ws_loop.c) and longer lists are refused here. All of an upgrade fits into
 * that buffer together. */
#define MAX_PROTOCOLS_BYTES ((size_t)28 * 1024)
#define MAX_HEADERS_BYTES   ((size_t)16 * 1024)
#define MAX_PATH_BYTES      ((size_t)16 * 1024)
#define MAX_ARENA_BYTES     ((size_t)256 * 1024)
#if LWS_LIBRARY_VERSION_NUMBER < 4002000
#define MAX_HOST_BYTES ((size_t)110) /* its Host line is cut at 128 bytes */
#else
#define MAX_HOST_BYTES ((size_t)253)
#endif
#define MAX_PROXY_AUTH_BYTES ((size_t)90) /* its buffer for user and password has 96 bytes */

static enum aps_rc check_text(const char *what, const char *text, size_t max, struct aps_err *err)
{
	if (strlen(text) > max)
		return aps_fail(err, APS_E_TOO_BIG, "the WebSocket's %s is longer than %zu bytes", what, max);
	if (aps_str_control(aps_str_of(text)) != strlen(text))
		return aps_fail(err, APS_E_USAGE, "the WebSocket's %s holds a control character", what);
	return APS_OK;
}

/* "Name: value" CR LF; blanks around a value aren't part of it (RFC 9110 section 5.5). */
static size_t line_bytes(const struct aps_header *header)
{
	return header->name.n + aps_str_trim(header->value).n + 4;
}

/* The Host line is libwebsockets' own; its text is put in (ws_head.h). */
static bool is_host(const struct aps_header *header)
{
	return aps_str_eq_nocase(header->name, APS_STR("host"));
}

static enum aps_rc check_headers(const struct aps_ws_connect *connect, struct aps_err *err)
{
	size_t n_left = MAX_HEADERS_BYTES;
	for (size_t i = 0; i < connect->n_headers; i++) {
		const struct aps_header *header = &connect->headers[i];
		if (!aps_header_is_value(header->name) || !aps_header_is_value(header->value))
			return aps_fail(err, APS_E_USAGE, "the WebSocket's header holds a control character");
		size_t n = line_bytes(header);
		if (n > n_left)
			return aps_fail(err, APS_E_TOO_BIG, "the WebSocket's headers are longer than %zu bytes",
			                MAX_HEADERS_BYTES);
		n_left -= n;
	}
	return APS_OK;
}

static enum aps_rc check(const struct aps_ws_connect *connect, struct aps_err *err)
{
	enum aps_rc rc = check_text("host", connect->host, MAX_HOST_BYTES, err);
	if (rc == APS_OK) rc = check_text("path", connect->path, MAX_PATH_BYTES, err);
	if (rc == APS_OK) rc = check_text("list of sub-protocols", connect->protocols, MAX_PROTOCOLS_BYTES, err);
	if (rc == APS_OK) rc = check_headers(connect, err);
	if (rc == APS_OK && (connect->port < 1 || connect->port > 65535))
		rc = aps_fail(err, APS_E_USAGE, "the WebSocket's port is out of range");
	return rc;
}

/* NULL stays NULL. */
static bool copy(struct aps_ws_request *request, const char *text, const char **out)
{
	*out = text ? aps_arena_dup(&request->arena, aps_str_of(text)).p : NULL;
	return !text || *out;
}

static bool copy_options(struct aps_ws_request *request, const struct aps_net_options *options)
{
	const char *proxy, *ca_file, *cert_file, *key_file;
	if (!copy(request, options->proxy, &proxy) || !copy(request, options->ca_file, &ca_file) ||
	    !copy(request, options->cert_file, &cert_file) || !copy(request, options->key_file, &key_file))
		return false;
	/* The members are not const because others own theirs; nobody writes to these. */
	request->options = (struct aps_net_options){(char *)proxy, (char *)ca_file, (char *)cert_file, (char *)key_file,
	                                            options->verify};
	request->connect.options = &request->options;
	return true;
}

static char *put(char *at, struct aps_str text)
{
	if (text.n) memcpy(at, text.p, text.n);
	return at + text.n;
}

/* libwebsockets has no list of headers: they are written behind its own, as it writes those. */
static bool render_headers(struct aps_ws_request *request, const struct aps_ws_connect *connect)
{
	size_t n = 0;
	for (size_t i = 0; i < connect->n_headers; i++)
		if (!is_host(&connect->headers[i])) n += line_bytes(&connect->headers[i]);
	char *lines = aps_arena_get(&request->arena, n + 1), *at = lines;
	if (!lines) return false;
	for (size_t i = 0; i < connect->n_headers; i++) {
		if (is_host(&connect->headers[i])) continue;
		at = put(at, connect->headers[i].name);
		at = put(at, APS_STR(": "));
		at = put(at, aps_str_trim(connect->headers[i].value));
		at = put(at, APS_STR("\r\n"));
	}
	request->header_lines = (struct aps_str){lines, n};
	request->connect.headers = NULL;
	request->connect.n_headers = 0;
	return true;
}

static bool copy_buf(struct aps_ws_request *request, struct aps_buf *buf, const char **out)
{
	*out = buf->rc == APS_OK ? aps_arena_dup(&request->arena, aps_buf_str(buf)).p : NULL;
	aps_buf_clear(buf);
	return *out != NULL;
}

static bool make_authority(struct aps_ws_request *request)
{
	const struct aps_ws_connect *connect = &request->connect;
	struct aps_buf text;
	aps_buf_init(&text, MAX_ARENA_BYTES);
	aps_endpoint_add_host_header(&text, connect->host, connect->port, connect->is_tls ? 443 : 80);
	if (!copy_buf(request, &text, &request->authority)) return false;
	aps_buf_init(&text, MAX_ARENA_BYTES);
	aps_endpoint_add_host(&text, connect->host);
	return copy_buf(request, &text, &request->target);
}

/* Of several the last one counts. */
static bool make_host_header(struct aps_ws_request *request, const struct aps_ws_connect *connect)
{
	struct aps_str host = aps_str_of(request->authority);
	for (size_t i = 0; i < connect->n_headers; i++)
		if (is_host(&connect->headers[i])) host = aps_str_trim(connect->headers[i].value);
	request->host_header = aps_arena_dup(&request->arena, host).p;
	return request->host_header != NULL;
}

static enum aps_rc write_proxy(const struct aps_ws_request *request, const struct aps_endpoint *proxy,
                               struct aps_buf *out, struct aps_err *err)
{
	if (proxy->user != NULL) aps_percent_decode(out, aps_str_of(proxy->user));
	if (out->n > MAX_PROXY_AUTH_BYTES)
		return aps_fail(err, APS_E_USAGE, "the proxy's user and password are longer than %zu bytes",
		                MAX_PROXY_AUTH_BYTES);
	if (request->connect.proxy_address == NULL) return aps_fail(err, APS_E_USAGE, "the proxy has no address");
	if (proxy->user != NULL) aps_buf_add_byte(out, '@');
	aps_endpoint_add_authority(out, request->connect.proxy_address, proxy->port, 0);
	return APS_OK;
}

/* The user and password of a proxy URL are percent-encoded there and plain here; its host is known by address. */
static enum aps_rc make_proxy(struct aps_ws_request *request, struct aps_err *err)
{
	struct aps_endpoint proxy;
	struct aps_buf text;
	request->proxy = "";
	if (!request->options.proxy) return APS_OK;
	enum aps_rc rc = aps_endpoint_parse(request->options.proxy, &proxy, err);
	if (rc != APS_OK) return rc;
	aps_buf_init(&text, MAX_ARENA_BYTES);
	rc = write_proxy(request, &proxy, &text, err);
	aps_endpoint_clear(&proxy);
	if (rc != APS_OK)
		aps_buf_clear(&text);
	else if (!copy_buf(request, &text, &request->proxy))
		rc = aps_arena_fail(&request->arena, "the options of a WebSocket", err);
	return rc;
}

struct aps_ws_request *aps_ws_request_new(const struct aps_ws_connect *connect, struct aps_err *err)
{
	if (check(connect, err) != APS_OK) return NULL;
	struct aps_ws_request *request = aps_calloc(1, sizeof *request);
	if (!request) {
		aps_fail(err, APS_E_NOMEM, "no memory for a WebSocket");
		return NULL;
	}
	aps_arena_init(&request->arena, MAX_ARENA_BYTES);
	request->connect = *connect;
	struct aps_ws_connect *own = &request->connect;
	if (!copy(request, connect->host, &own->host) || !copy(request, connect->address, &own->address) ||
	    !copy(request, connect->proxy_address, &own->proxy_address) || !copy(request, connect->path, &own->path) ||
	    !copy(request, connect->protocols, &own->protocols) ||
	    !copy(request, connect->expected_protocol, &own->expected_protocol) || !render_headers(request, connect) ||
	    !copy_options(request, connect->options) || !make_authority(request) ||
	    !make_host_header(request, connect)) {
		aps_arena_fail(&request->arena, "the options of a WebSocket", err);
	} else if (make_proxy(request, err) == APS_OK) {
		return request;
	}
	aps_ws_request_free(request);
	return NULL;
}

void aps_ws_request_free(struct aps_ws_request *request)
{
	if (!request) return;
	aps_arena_clear(&request->arena);
	aps_free(request);
}

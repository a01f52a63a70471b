#include "net/exchange.h"

#include "base/mem.h"
#include "net/answer.h"
#include "net/curl_error.h"
#include "net/descriptors.h"
#include "net/endpoint.h"
#include "net/tunnel.h"

#include <string.h>

#define MAX_URL_BYTES        ((size_t)256 * 1024)
#define MAX_RESPONSE_HEADERS ((size_t)256 * 1024)
#define LIBCURL_MAX_HEADERS  ((size_t)300 * 1024)      /* of all lines, since 8.4.0 and in what distributions mend */
#define LIBCURL_TOO_LARGE    ((CURLcode)100)           /* CURLE_TOO_LARGE since 8.6.0, before it CURLE_OUT_OF_MEMORY */
#define MAX_RESERVED_BYTES   ((curl_off_t)1024 * 1024) /* trust in a Content-Length ends here */
/* Of all bodies together, unpacked: a few kilobytes of gzip may hold as many megabytes, and others wait meanwhile. */
#define MAX_TURN_BYTES   ((size_t)2 * 1024 * 1024)
#define REST_KEEPS_BYTES ((size_t)64 * 1024)

struct aps_exchange *aps_exchange_new(struct aps_pulse *pulse)
{
	struct aps_exchange *exchange = aps_calloc(1, sizeof *exchange);
	if (!exchange) return NULL;
	exchange->pulse = pulse;
	aps_buf_init(&exchange->url, MAX_URL_BYTES);
	aps_curl_headers_init(&exchange->headers);
	aps_buf_init(&exchange->response, 0);
	aps_buf_init(&exchange->response_headers, MAX_RESPONSE_HEADERS);
	return exchange;
}

/* libcurl before 8.1.0 keeps a pointer to the last header of an earlier answer, which it has freed, and writes there
 * when an answer begins with a folded line ("headers: clear (possibly) lingering pointer in init", cd1c611b24). */
#define HAS_LINGERING_HEADERS (LIBCURL_VERSION_NUM < 0x080100)

static void drop_easy(struct aps_exchange *exchange)
{
	if (exchange->easy) curl_easy_cleanup(exchange->easy);
	exchange->easy = NULL;
	exchange->is_prepared = false;
	exchange->has_answered = false;
}

void aps_exchange_drop_handle(struct aps_exchange *exchange)
{
	drop_easy(exchange);
	aps_net_options_clear(&exchange->options);
	aps_buf_clear(&exchange->url);
	aps_curl_headers_clear(&exchange->headers);
	aps_buf_clear(&exchange->response_headers);
}

void aps_exchange_free(struct aps_exchange *exchange)
{
	if (!exchange) return;
	aps_exchange_drop_handle(exchange);
	aps_exchange_rest(exchange);
	aps_free(exchange);
}

void aps_exchange_rest(struct aps_exchange *exchange)
{
	aps_free(exchange->body);
	exchange->body = NULL;
	exchange->tag = NULL;
	exchange->reached = exchange->is_held = false;
	if (HAS_LINGERING_HEADERS && exchange->has_answered) drop_easy(exchange);
	aps_buf_clear(&exchange->response);
	if (exchange->response_headers.capacity > REST_KEEPS_BYTES) aps_buf_clear(&exchange->response_headers);
	aps_buf_reset(&exchange->response_headers);
	exchange->n_response_headers = 0;
	exchange->n_header_bytes = 0;
}

static void beat(struct aps_exchange *exchange, size_t n_bytes)
{
	aps_tls_watch_credit(&exchange->pulse->watch, n_bytes);
	exchange->pulse->has_moved = true;
}

/* Streams of HTTP/2 that were paused stall their siblings for seconds (libcurl 7.88). */
static bool may_hold(const struct aps_exchange *exchange)
{
	long version = 0;
	curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_VERSION, &version);
	return version == CURL_HTTP_VERSION_1_0 || version == CURL_HTTP_VERSION_1_1;
}

static size_t on_body(char *p, size_t size, size_t n, void *context)
{
	struct aps_exchange *exchange = context;
	if (exchange->pulse->n_turn_bytes > MAX_TURN_BYTES && may_hold(exchange)) {
		exchange->is_held = exchange->pulse->has_held = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	exchange->pulse->n_turn_bytes += size * n;
	beat(exchange, size * n);
	if (!exchange->response.p) {
		curl_off_t announced = 0;
		curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
		if (announced > 0 && announced <= MAX_RESERVED_BYTES &&
		    (size_t)announced <= exchange->response.max_bytes)
			aps_buf_reserve(&exchange->response, (size_t)announced);
	}
	aps_buf_add(&exchange->response, p, size * n);
	return exchange->response.rc == APS_OK ? size * n : 0; /* a short count ends the transfer */
}

void aps_exchange_resume(struct aps_exchange *exchange)
{
	if (exchange->id == 0 || !exchange->is_held) return;
	exchange->is_held = false;
	/* Hands out what was kept back, as far as this turn goes. What fails in it fails the transfer when it ends. */
	curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
}

static size_t on_header(char *p, size_t size, size_t n, void *context)
{
	struct aps_exchange *exchange = context;
	struct aps_str line = {p, size * n};
	exchange->has_answered = true;
	exchange->n_header_bytes += line.n;
	beat(exchange, line.n);
	/* Informational responses, folds and trailers, too. */
	if (exchange->n_header_bytes > MAX_RESPONSE_HEADERS) return 0;
	if (aps_str_starts(line, "HTTP/")) { /* a new response: 100 Continue and the like came before the final one */
		aps_buf_reset(&exchange->response_headers);
		exchange->n_response_headers = 0;
		return line.n;
	}
	if (memchr(p, ':', line.n) && *p != ' ' && *p != '\t') {
		aps_buf_add_str(&exchange->response_headers, line);
		exchange->n_response_headers++;
	}
	return exchange->response_headers.rc == APS_OK ? line.n : 0;
}

#if LIBCURL_VERSION_NUM >= 0x075000
static int on_reached(void *context, char *peer, char *local, int peer_port, int local_port)
{
	(void)peer, (void)local, (void)peer_port, (void)local_port;
	((struct aps_exchange *)context)->reached = true;
	return CURL_PREREQFUNC_OK;
}
#endif

/* A request that is sent once hands its body out, and refuses to start over. */
static size_t on_read(char *p, size_t size, size_t n, void *context)
{
	struct aps_exchange *exchange = context;
	beat(exchange, size * n);
	size_t left = exchange->n_body - exchange->n_read;
	size_t chunk = size * n < left ? size * n : left;
	if (chunk != 0) memcpy(p, exchange->body + exchange->n_read, chunk);
	exchange->n_read += chunk;
	return chunk;
}

static int on_rewind(void *context APS_UNUSED, curl_off_t offset APS_UNUSED, int origin APS_UNUSED)
{
	return CURL_SEEKFUNC_FAIL;
}

static CURLcode on_tls_context(CURL *easy APS_UNUSED, void *tls_context, void *context)
{
	struct aps_exchange *exchange = context;
	struct aps_endpoint endpoint;
	aps_tls_end_floods(tls_context, &exchange->pulse->watch);
	if (!exchange->options.verify) return CURLE_OK;
	if (aps_endpoint_parse(exchange->url.p, &endpoint, NULL) != APS_OK) return CURLE_SSL_CONNECT_ERROR;
	bool is_expected = aps_tls_expect(tls_context, endpoint.host);
	aps_endpoint_clear(&endpoint);
	return is_expected ? CURLE_OK : CURLE_SSL_CONNECT_ERROR;
}

static curl_socket_t on_open_socket(void *context APS_UNUSED, curlsocktype purpose APS_UNUSED,
                                    struct curl_sockaddr *address)
{
	return aps_sealed_socket(address->family, address->socktype, address->protocol);
}

/* What waits for the resolver's thread is a pair of sockets that children would inherit (libcurl before 8.14). */
static int on_lookup(void *resolver APS_UNUSED, void *unused APS_UNUSED, void *context)
{
	aps_sealing_begin(&((struct aps_exchange *)context)->pulse->sealing);
	return 0;
}

static void limit_schemes(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static void set_constants(struct aps_exchange *exchange)
{
	CURL *easy = exchange->easy;
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Else a transfer that ends while its name is looked up waits for the resolver's thread, and so does everybody.
	 */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
	limit_schemes(easy);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, on_lookup);
	curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, exchange);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	/* HTTP/2 only where a flood of its frames can be ended. */
	bool is_watched = curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls_context) == CURLE_OK &&
	                  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, exchange) == CURLE_OK;
	long version = is_watched ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1;
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	/* "": every encoding that this libcurl can undo. The ceiling counts the bytes after decoding. */
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
#if LIBCURL_VERSION_NUM >= 0x075000
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_reached);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange);
#endif
}

static CURLcode set_method(struct aps_exchange *exchange)
{
	CURL *easy = exchange->easy;
	const char *method = exchange->method;
	if (exchange->is_resolve_only) {
		/* The connection serves no request: it must not stay in the pool. */
		curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
		curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
		return curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
	}
	if (exchange->has_body || strcmp(method, "POST") == 0) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		if (strcmp(method, "POST") == 0) return CURLE_OK;
	} else if (strcmp(method, "HEAD") == 0) {
		return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	} else if (strcmp(method, "GET") == 0) {
		return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
	}
	return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static CURLcode set_options(struct aps_exchange *exchange)
{
	CURL *easy = exchange->easy;
	const struct aps_net_options *options = &exchange->options;
	/* "" keeps libcurl from looking at the environment's proxy settings. */
	const char *proxy = options->proxy ? options->proxy : "";
	CURLcode rc = curl_easy_setopt(easy, CURLOPT_PROXY, proxy);
	if (rc == CURLE_OK) rc = curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	if (rc == CURLE_OK && options->ca_file) rc = curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
	if (rc == CURLE_OK && options->ca_file) rc = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	if (rc == CURLE_OK && options->cert_file) rc = curl_easy_setopt(easy, CURLOPT_SSLCERT, options->cert_file);
	const char *key = options->key_file ? options->key_file : options->cert_file;
	if (rc == CURLE_OK && key) rc = curl_easy_setopt(easy, CURLOPT_SSLKEY, key);
	/* libssl would ask at the terminal for the password of an encrypted key. */
	if (rc == CURLE_OK && key) rc = curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, options->verify ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options->verify ? 2L : 0L);
	return rc;
}

static bool is_same_shape(const struct aps_exchange *exchange, const struct aps_http_request *request)
{
	return exchange->is_prepared && exchange->is_resolve_only == request->is_resolve_only &&
	       exchange->has_body == (request->body != NULL) && exchange->is_sent_once == request->is_sent_once &&
	       strcmp(exchange->method, request->method) == 0 &&
	       aps_net_options_is_same(&exchange->options, request->options);
}

/* Everything that rarely changes between two requests. */
static enum aps_rc take_shape(struct aps_exchange *exchange, const struct aps_http_request *request,
                              struct aps_err *err)
{
	if (is_same_shape(exchange, request)) return APS_OK;
	if (strlen(request->method) >= sizeof exchange->method)
		return aps_fail(err, APS_E_USAGE, "the HTTP method is too long");
	if (exchange->easy)
		curl_easy_reset(exchange->easy);
	else
		exchange->easy = curl_easy_init();
	if (!exchange->easy) return aps_fail(err, APS_E_NOMEM, "no memory for an HTTP handle");
	exchange->is_prepared = false;
	aps_buf_reset(&exchange->url);
	aps_curl_headers_reset(&exchange->headers);
	exchange->connect_timeout_ms = exchange->timeout_ms = 0;
	aps_net_options_clear(&exchange->options);
	if (!aps_net_options_dup(request->options, &exchange->options))
		return aps_fail(err, APS_E_NOMEM, "no memory for the connection options");
	exchange->is_resolve_only = request->is_resolve_only;
	exchange->has_body = request->body != NULL;
	exchange->is_sent_once = request->is_sent_once;
	strcpy(exchange->method, request->method);
	set_constants(exchange);
	CURLcode rc = set_method(exchange);
	if (rc == CURLE_OK) rc = set_options(exchange);
	if (rc == CURLE_OUT_OF_MEMORY) return aps_fail(err, APS_E_NOMEM, "no memory for the connection options");
	if (rc != CURLE_OK)
		return aps_fail_word(err, APS_E_USAGE, "net_options", (long)rc, "libcurl refused an option: %s",
		                     curl_easy_strerror(rc));
	return APS_OK;
}

static enum aps_rc take_url(struct aps_exchange *exchange, const char *url, struct aps_err *err)
{
	struct aps_str text = aps_str_of(url);
	if (exchange->is_prepared && aps_str_eq(aps_buf_str(&exchange->url), text)) return APS_OK;
	aps_buf_reset(&exchange->url);
	aps_buf_add_str(&exchange->url, text);
	if (exchange->url.rc == APS_E_TOO_BIG)
		return aps_fail(err, APS_E_TOO_BIG, "the URL is longer than %zu bytes", MAX_URL_BYTES);
	if (exchange->url.rc != APS_OK) return aps_fail(err, APS_E_NOMEM, "no memory for the URL");
	/* PIPEWAIT: over TLS the server may speak HTTP/2, so a burst shares the first connection instead of opening
	 * many. */
	curl_easy_setopt(exchange->easy, CURLOPT_PIPEWAIT, aps_str_starts(text, "https:") ? 1L : 0L);
	if (curl_easy_setopt(exchange->easy, CURLOPT_URL, exchange->url.p) == CURLE_OK) return APS_OK;
	return aps_fail(err, APS_E_NOMEM, "no memory for the URL");
}

static enum aps_rc take_headers(struct aps_exchange *exchange, const struct aps_http_request *request,
                                struct aps_err *err)
{
	struct aps_curl_headers *headers = &exchange->headers;
	if (exchange->is_prepared && aps_curl_headers_is(headers, request->headers, request->n_headers)) return APS_OK;
	enum aps_rc rc = aps_curl_headers_set(headers, request->headers, request->n_headers, err);
	if (rc == APS_OK) curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, headers->nodes);
	return rc;
}

static void take_timeouts(struct aps_exchange *exchange, const struct aps_http_request *request)
{
	if (!exchange->is_prepared || exchange->connect_timeout_ms != request->connect_timeout_ms)
		curl_easy_setopt(exchange->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_timeout_ms);
	if (!exchange->is_prepared || exchange->timeout_ms != request->timeout_ms)
		curl_easy_setopt(exchange->easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	exchange->connect_timeout_ms = request->connect_timeout_ms;
	exchange->timeout_ms = request->timeout_ms;
}

/* Once for each set of options: a connection that is open needs its files no more. */
static enum aps_rc check_files(struct aps_exchange *exchange, const struct aps_http_request *request,
                               struct aps_err *err)
{
	if (!aps_net_options_is_same(&exchange->options, request->options)) exchange->has_fit_files = false;
	if (exchange->has_fit_files || !aps_str_starts(aps_str_of(request->url), "https:")) return APS_OK;
	enum aps_rc rc = aps_net_options_check_files(request->options, err);
	exchange->has_fit_files = rc == APS_OK;
	return rc;
}

enum aps_rc aps_exchange_prepare(struct aps_exchange *exchange, struct aps_http_request *request, struct aps_err *err)
{
	exchange->body = request->body;
	exchange->n_body = request->n_body;
	exchange->n_read = 0;
	exchange->tag = request->tag;
	enum aps_rc rc = check_files(exchange, request, err);
	if (rc == APS_OK) rc = take_shape(exchange, request, err);
	request->body = NULL;
	if (rc == APS_OK) rc = take_url(exchange, request->url, err);
	if (rc == APS_OK) rc = take_headers(exchange, request, err);
	if (rc != APS_OK) {
		exchange->is_prepared = false;
		aps_exchange_rest(exchange);
		return rc;
	}
	take_timeouts(exchange, request);
	if (exchange->has_body || strcmp(exchange->method, "POST") == 0) {
		curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->n_body);
		if (exchange->is_sent_once) {
			curl_easy_setopt(exchange->easy, CURLOPT_READFUNCTION, on_read);
			curl_easy_setopt(exchange->easy, CURLOPT_READDATA, exchange);
			curl_easy_setopt(exchange->easy, CURLOPT_SEEKFUNCTION, on_rewind);
		} else {
			curl_easy_setopt(exchange->easy, CURLOPT_POSTFIELDS, exchange->body ? exchange->body : "");
		}
	}
	exchange->response.max_bytes = request->max_response_bytes;
	exchange->is_prepared = true;
	return APS_OK;
}

static bool was_sent(const struct aps_exchange *exchange)
{
	long n_bytes = 0;
	curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &n_bytes);
#if LIBCURL_VERSION_NUM >= 0x075000
	/* A CONNECT to a proxy counts as request bytes, but comes before the request is reached. */
	return n_bytes > 0 && exchange->reached;
#else
	return n_bytes > 0;
#endif
}

/* A file of the user's that can't be used is told by its name. */
static void name_file(const struct aps_net_options *options, CURLcode code, struct aps_err *err)
{
	if (code == CURLE_SSL_CACERT_BADFILE && options->ca_file)
		aps_fail_word(err, APS_E_TLS, "ca_file", (long)code, "the CA file %s cannot be used", options->ca_file);
	else if (code == CURLE_SSL_CERTPROBLEM && options->cert_file)
		aps_fail_word(err, APS_E_TLS, "client_certificate", (long)code,
		              "the client certificate %s cannot be used", options->cert_file);
}

/* libcurl tells a proxy that isn't there, or that opens no tunnel, like a server of that kind. */
static void fill_transfer_err(const struct aps_exchange *exchange, CURLcode code, struct aps_str host,
                              struct aps_err *err)
{
	long status = 0;
	int n = host.n < 100 ? (int)host.n : 100;
	bool has_proxy = exchange->options.proxy != NULL;
	if (has_proxy && code == CURLE_COULDNT_CONNECT && aps_descriptors_are_out(err)) return;
	if (has_proxy) curl_easy_getinfo(exchange->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	if (has_proxy && code == CURLE_COULDNT_CONNECT) {
		aps_fail_word(err, APS_E_NETWORK, "proxy", (long)code, "cannot connect to the proxy on the way to %.*s",
		              n, host.p);
	} else if (status >= 300) {
		aps_tunnel_fail(status, host, err);
	} else {
		aps_curl_error_fill(err, exchange->easy, code, host);
		if (err->code != APS_E_SYSTEM) name_file(&exchange->options, code, err);
	}
}

/* Ours, or libcurl's own, which a last line may reach before ours is. */
static bool are_headers_too_long(const struct aps_exchange *exchange, CURLcode code)
{
	if (exchange->n_header_bytes > MAX_RESPONSE_HEADERS) return true;
	return code == CURLE_RECV_ERROR && exchange->n_header_bytes + CURL_MAX_HTTP_HEADER > LIBCURL_MAX_HEADERS;
}

/* What libcurl says of a line that never ends. */
static bool is_line_too_long(const struct aps_exchange *exchange, CURLcode code)
{
	bool is_said = code == CURLE_OUT_OF_MEMORY || code == LIBCURL_TOO_LARGE;
	return is_said && exchange->reached && exchange->response.n == 0;
}

static void tell_failure(struct aps_exchange *exchange, CURLcode code, struct aps_err *err)
{
	struct aps_str host = aps_answer_url_host(aps_buf_str(&exchange->url));
	int n = host.n < 100 ? (int)host.n : 100;
	if (exchange->response.rc == APS_E_TOO_BIG)
		aps_fail_word(err, APS_E_TOO_BIG, "response_too_big", 0,
		              "the answer is longer than %zu bytes, from %.*s", exchange->response.max_bytes, n,
		              host.p);
	else if (are_headers_too_long(exchange, code))
		aps_fail_word(err, APS_E_TOO_BIG, "response_too_big", 0,
		              "the headers of the answer are longer than %zu bytes, from %.*s", MAX_RESPONSE_HEADERS, n,
		              host.p);
	else if (is_line_too_long(exchange, code))
		aps_fail_word(err, APS_E_TOO_BIG, "response_too_big", 0,
		              "a line of the answer's headers is longer than libcurl accepts, from %.*s", n, host.p);
	else if (exchange->response.rc != APS_OK || exchange->response_headers.rc != APS_OK)
		aps_fail(err, APS_E_NOMEM, "no memory for the answer from %.*s", n, host.p);
	else
		fill_transfer_err(exchange, code, host, err);
	err->sent = was_sent(exchange);
}

static long http_version(CURL *easy)
{
	long version = 0;
	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	switch (version) {
	case CURL_HTTP_VERSION_1_0: return 10;
	case CURL_HTTP_VERSION_1_1: return 11;
	case CURL_HTTP_VERSION_2_0: return 20;
	default: return 0;
	}
}

void aps_exchange_finish(struct aps_exchange *exchange, CURLcode code, struct aps_http_answer *answer)
{
	*answer = (struct aps_http_answer){.tag = exchange->tag};
	bool is_whole = exchange->response.rc == APS_OK && exchange->response_headers.rc == APS_OK;
	if (code != CURLE_OK || !is_whole) {
		tell_failure(exchange, code, &answer->err);
		return;
	}
	char *address = NULL;
	curl_easy_getinfo(exchange->easy, CURLINFO_PRIMARY_IP, &address);
	if (address) strncpy(answer->address, address, sizeof answer->address - 1);
	if (exchange->is_resolve_only) return;
	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &answer->status);
	answer->http_version = http_version(exchange->easy);
	answer->err.sent = true;
	answer->body = aps_buf_take(&exchange->response, &answer->n_body);
	if (!answer->body ||
	    !aps_answer_take_headers(answer, aps_buf_str(&exchange->response_headers), exchange->n_response_headers)) {
		aps_http_answer_clear(answer);
		answer->tag = exchange->tag;
		aps_fail(&answer->err, APS_E_NOMEM, "no memory for the answer");
		answer->err.sent = true;
	}
}

/* Rules: AWS General Reference, "Create a signed AWS API request", step 1. */
#include "auth/sigv4_canonical.h"

#include "base/mem.h"
#include "codec/percent.h"

#include <stdlib.h>

#define SCHEME_END "://"

static char lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool is_space(char c)
{
	return c == ' ' || (c <= '\r' && c >= '\t');
}

/* --- URL --- */

static struct aps_str without_default_port(struct aps_str host, struct aps_str scheme)
{
	const char *port = aps_str_eq_nocase(scheme, APS_STR("https"))  ? ":443"
	                   : aps_str_eq_nocase(scheme, APS_STR("http")) ? ":80"
	                                                                : NULL;
	if (port != NULL && aps_str_ends(host, port)) host.n -= strlen(port);
	return host;
}

/* What stands behind a host: nothing, or a port (RFC 3986 section 3.2.3). */
static bool is_port(const char *at, const char *end)
{
	if (at == end) return true;
	if (*at++ != ':' || at == end || end - at > 5) return false;
	int value = 0;
	for (; at < end; at++) {
		if (*at < '0' || *at > '9') return false;
		value = value * 10 + (*at - '0');
	}
	return value >= 1 && value <= 65535;
}

static enum aps_rc check_host(struct aps_str host, struct aps_err *err)
{
	const char *end = host.p + host.n;
	const char *name_end = memchr(host.p, host.p[0] == '[' ? ']' : ':', host.n);
	if (host.p[0] == '[') {
		if (name_end == NULL) return aps_fail(err, APS_E_USAGE, "url: the IPv6 address lacks its ']'");
		name_end++;
	} else if (name_end == NULL) {
		name_end = end;
	}
	if (name_end == host.p) return aps_fail(err, APS_E_USAGE, "url: has no host");
	if (!is_port(name_end, end))
		return aps_fail(err, APS_E_USAGE, "url: the port must be a number from 1 to 65535");
	return APS_OK;
}

struct aps_str aps_sigv4_host_header(struct aps_str host, char room[APS_SIGV4_HOST_CHARS])
{
	const char *zone = host.n != 0 && host.p[0] == '[' ? memchr(host.p, '%', host.n) : NULL;
	const char *rest = zone != NULL ? memchr(zone, ']', host.n - (size_t)(zone - host.p)) : NULL;
	if (rest == NULL) return host;
	size_t n = (size_t)(zone - host.p), n_rest = host.n - (size_t)(rest - host.p);
	if (n + n_rest > APS_SIGV4_HOST_CHARS) return host;
	memcpy(room, host.p, n);
	memcpy(room + n, rest, n_rest);
	return (struct aps_str){room, n + n_rest};
}

static enum aps_rc split_host(struct aps_str *rest, struct aps_sigv4_url *out, struct aps_err *err)
{
	const char *mark = memchr(rest->p, ':', rest->n);
	if (mark == NULL || !aps_str_starts((struct aps_str){mark, rest->n - (size_t)(mark - rest->p)}, SCHEME_END))
		return aps_fail(err, APS_E_USAGE, "url: must be absolute or start with '/'");
	struct aps_str scheme = {rest->p, (size_t)(mark - rest->p)};
	const char *end = rest->p + rest->n;
	const char *host = mark + sizeof SCHEME_END - 1;
	const char *at = host;
	for (; at < end && *at != '/' && *at != '?'; at++) {
		if (*at == '@') host = at + 1; /* the user's name and password aren't part of the host */
		if ((unsigned char)*at <= ' ' || *at == 0x7f)
			return aps_fail(err, APS_E_USAGE, "url: the host contains a space or a control character");
		/* Browsers and their like end the host here (WHATWG URL Standard): which one is meant can't be told. */
		if (*at == '\\') return aps_fail(err, APS_E_USAGE, "url: the host contains a backslash");
	}
	if (host == at) return aps_fail(err, APS_E_USAGE, "url: has no host");
	enum aps_rc rc = check_host((struct aps_str){host, (size_t)(at - host)}, err);
	if (rc != APS_OK) return rc;
	out->host = without_default_port((struct aps_str){host, (size_t)(at - host)}, scheme);
	*rest = (struct aps_str){at, (size_t)(end - at)};
	return APS_OK;
}

enum aps_rc aps_sigv4_url_split(struct aps_str url, struct aps_sigv4_url *out, struct aps_err *err)
{
	*out = (struct aps_sigv4_url){.host = {"", 0}};
	const char *fragment = url.n != 0 ? memchr(url.p, '#', url.n) : NULL;
	if (fragment != NULL) url.n = (size_t)(fragment - url.p);
	out->whole = url;
	if (url.n == 0) return aps_fail(err, APS_E_USAGE, "url: is empty");
	if (url.p[0] != '/') {
		enum aps_rc rc = split_host(&url, out, err);
		if (rc != APS_OK) return rc;
	}
	const char *mark = url.n != 0 ? memchr(url.p, '?', url.n) : NULL;
	out->path = url;
	out->query = (struct aps_str){"", 0};
	if (mark != NULL) {
		out->path.n = (size_t)(mark - url.p);
		out->query = (struct aps_str){mark + 1, url.n - out->path.n - 1};
	}
	return APS_OK;
}

/* --- path --- */

/* Removes empty and dot segments (RFC 3986 section 5.2.4). `out` begins and stays with one '/' at least. */
static void normalize(struct aps_buf *out, struct aps_str path)
{
	const char *at = path.p;
	const char *end = path.p + path.n;
	aps_buf_reset(out);
	aps_buf_add_byte(out, '/');
	while (at < end && out->rc == APS_OK) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		struct aps_str segment = {at, (size_t)((slash != NULL ? slash : end) - at)};
		at = slash != NULL ? slash + 1 : end;
		if (segment.n == 0 || aps_str_is(segment, ".")) continue;
		if (aps_str_is(segment, "..")) {
			if (out->n > 1) out->n--;
			while (out->n > 1 && out->p[out->n - 1] != '/') out->n--;
			continue;
		}
		aps_buf_add_str(out, segment);
		if (slash != NULL) aps_buf_add_byte(out, '/');
	}
}

/* S3: whatever way a client escaped its key, the service sees it escaped once by its own rule. */
static void add_path_once(struct aps_buf *out, struct aps_str path, struct aps_buf *scratch)
{
	for (;;) {
		const char *slash = path.n != 0 ? memchr(path.p, '/', path.n) : NULL;
		size_t n = slash != NULL ? (size_t)(slash - path.p) : path.n;
		if (n != 0) {
			aps_buf_reset(scratch);
			aps_percent_decode(scratch, (struct aps_str){path.p, n});
			aps_percent_encode(out, aps_buf_str(scratch), APS_PERCENT_ALL);
			if (scratch->rc != APS_OK) out->rc = scratch->rc;
		}
		if (slash == NULL) return;
		aps_buf_add_byte(out, '/');
		path = (struct aps_str){slash + 1, path.n - n - 1};
	}
}

void aps_sigv4_add_path(struct aps_buf *out, struct aps_str path, const struct aps_sigv4_options *options,
                        struct aps_buf *scratch)
{
	if (path.n == 0) {
		aps_buf_add_byte(out, '/');
	} else if (!options->double_encode) {
		add_path_once(out, path, scratch);
	} else if (options->normalize_path) {
		normalize(scratch, path);
		aps_percent_encode(out, aps_buf_str(scratch), APS_PERCENT_KEEP_SLASH);
		if (scratch->rc != APS_OK) out->rc = scratch->rc;
	} else {
		aps_percent_encode(out, path, APS_PERCENT_KEEP_SLASH);
	}
}

/* --- query --- */

#define STACK_PARAMETERS   32
#define INSERTION_SORT_MAX 16

/* Offsets, because the buffer moves while it grows. */
struct parameter {
	size_t name_at, name_n;
	size_t value_at, value_n;
	const struct aps_buf *encoded;
};

static int compare_parameters(const void *a, const void *b)
{
	const struct parameter *x = a;
	const struct parameter *y = b;
	const char *text = x->encoded->p;
	int order = aps_str_cmp((struct aps_str){text + x->name_at, x->name_n},
	                        (struct aps_str){text + y->name_at, y->name_n});
	if (order != 0) return order;
	return aps_str_cmp((struct aps_str){text + x->value_at, x->value_n},
	                   (struct aps_str){text + y->value_at, y->value_n});
}

static size_t encode_part(struct aps_buf *encoded, struct aps_str part, struct aps_buf *scratch)
{
	size_t before = encoded->n;
	aps_buf_reset(scratch);
	aps_percent_decode(scratch, part);
	aps_percent_encode(encoded, aps_buf_str(scratch), APS_PERCENT_ALL);
	if (scratch->rc != APS_OK) encoded->rc = scratch->rc;
	return encoded->n - before;
}

static size_t encode_parameters(struct parameter *items, struct aps_str query, struct aps_buf *encoded,
                                struct aps_buf *scratch)
{
	size_t n = 0;
	const char *at = query.p;
	const char *end = query.p + query.n;
	while (at < end) {
		const char *stop = memchr(at, '&', (size_t)(end - at));
		if (stop == NULL) stop = end;
		if (stop != at) {
			const char *equals = memchr(at, '=', (size_t)(stop - at));
			if (equals == NULL) equals = stop;
			const char *value = equals < stop ? equals + 1 : stop;
			struct parameter *item = &items[n++];
			item->encoded = encoded;
			item->name_at = encoded->n;
			item->name_n = encode_part(encoded, (struct aps_str){at, (size_t)(equals - at)}, scratch);
			item->value_at = encoded->n;
			item->value_n = encode_part(encoded, (struct aps_str){value, (size_t)(stop - value)}, scratch);
		}
		at = stop < end ? stop + 1 : end;
	}
	return n;
}

enum aps_rc aps_sigv4_add_query(struct aps_buf *out, struct aps_str query, struct aps_buf *encoded,
                                struct aps_buf *scratch, struct aps_err *err)
{
	if (query.n == 0) return APS_OK;
	size_t max_items = 1;
	for (size_t i = 0; i < query.n; i++) max_items += query.p[i] == '&';
	struct parameter stack[STACK_PARAMETERS];
	struct parameter *items = stack;
	if (max_items > STACK_PARAMETERS) {
		items = aps_calloc(max_items, sizeof *items);
		if (items == NULL) return aps_fail(err, APS_E_NOMEM, "no memory for the query's parameters");
	}
	aps_buf_reset(encoded);
	size_t n = encode_parameters(items, query, encoded, scratch);
	if (encoded->rc == APS_OK) {
		qsort(items, n, sizeof *items, compare_parameters);
		for (size_t i = 0; i < n; i++) {
			if (i != 0) aps_buf_add_byte(out, '&');
			aps_buf_add(out, encoded->p + items[i].name_at, items[i].name_n);
			aps_buf_add_byte(out, '=');
			if (items[i].value_n != 0) aps_buf_add(out, encoded->p + items[i].value_at, items[i].value_n);
		}
	} else {
		out->rc = encoded->rc;
	}
	if (items != stack) aps_free(items);
	return APS_OK;
}

/* --- headers --- */

bool aps_sigv4_is_unsigned(struct aps_str name)
{
	static const char *const NAMES[] = {
	        "te",           "from",          "expect",        "pragma",          "referer",
	        "trailer",      "upgrade",       "connection",    "keep-alive",      "user-agent",
	        "max-forwards", "authorization", "cache-control", "x-amzn-trace-id", "transfer-encoding"};
	static const unsigned char LENGTHS[] = {2, 4, 6, 6, 7, 7, 7, 10, 10, 10, 12, 13, 13, 15, 17};
	_Static_assert(sizeof LENGTHS == APS_COUNTOF(NAMES), "one length for each name");
	for (size_t i = 0; i < APS_COUNTOF(NAMES); i++)
		if (LENGTHS[i] == name.n && aps_str_eq_nocase(name, (struct aps_str){NAMES[i], name.n})) return true;
	return (name.n > 6 && aps_str_eq_nocase((struct aps_str){name.p, 6}, APS_STR("proxy-"))) ||
	       (name.n > 4 && aps_str_eq_nocase((struct aps_str){name.p, 4}, APS_STR("sec-")));
}

void aps_sigv4_headers_init(struct aps_sigv4_headers *headers, struct aps_header *items, size_t capacity)
{
	*headers = (struct aps_sigv4_headers){.items = items, .capacity = capacity};
}

void aps_sigv4_headers_clear(struct aps_sigv4_headers *headers)
{
	if (headers->is_heap) aps_free(headers->items);
	*headers = (struct aps_sigv4_headers){0};
}

bool aps_sigv4_headers_add(struct aps_sigv4_headers *headers, struct aps_str name, struct aps_str value)
{
	if (headers->n_items == headers->capacity) {
		size_t capacity = headers->capacity * 2 + 8;
		struct aps_header *grown =
		        aps_realloc(headers->is_heap ? headers->items : NULL, capacity * sizeof *grown);
		if (grown == NULL) return false;
		if (!headers->is_heap && headers->n_items != 0)
			memcpy(grown, headers->items, headers->n_items * sizeof *grown);
		headers->items = grown;
		headers->capacity = capacity;
		headers->is_heap = true;
	}
	headers->items[headers->n_items++] = (struct aps_header){name, value};
	return true;
}

static int compare_names(struct aps_str a, struct aps_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	for (size_t i = 0; i < n; i++) {
		unsigned char x = (unsigned char)lower(a.p[i]);
		unsigned char y = (unsigned char)lower(b.p[i]);
		if (x != y) return x < y ? -1 : 1;
	}
	return a.n < b.n ? -1 : a.n > b.n;
}

static void insertion_sort(struct aps_header *items, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct aps_header item = items[i];
		size_t to = i;
		for (; to > 0 && compare_names(items[to - 1].name, item.name) > 0; to--) items[to] = items[to - 1];
		items[to] = item;
	}
}

static void merge(struct aps_header *items, size_t n_left, size_t n, struct aps_header *spare)
{
	memcpy(spare, items, n_left * sizeof *items);
	size_t left = 0, right = n_left, to = 0;
	while (left < n_left && right < n)
		items[to++] = compare_names(spare[left].name, items[right].name) <= 0 ? spare[left++] : items[right++];
	while (left < n_left) items[to++] = spare[left++];
}

void aps_sigv4_headers_sort(struct aps_sigv4_headers *headers)
{
	size_t n = headers->n_items;
	struct aps_header *spare = n > INSERTION_SORT_MAX ? aps_calloc(n, sizeof *spare) : NULL;
	if (spare == NULL) {
		insertion_sort(headers->items, n);
		return;
	}
	for (size_t from = 0; from < n; from += INSERTION_SORT_MAX)
		insertion_sort(headers->items + from, n - from < INSERTION_SORT_MAX ? n - from : INSERTION_SORT_MAX);
	for (size_t run = INSERTION_SORT_MAX; run < n; run *= 2)
		for (size_t from = 0; from + run < n; from += 2 * run)
			merge(headers->items + from, run, n - from < 2 * run ? n - from : 2 * run, spare);
	aps_free(spare);
}

/* Writes into room that was reserved; returns the place behind. */
static char *put_lower(char *to, struct aps_str name)
{
	for (size_t i = 0; i < name.n; i++) to[i] = lower(name.p[i]);
	return to + name.n;
}

/* Without white space at the ends; runs of it, folded lines included, become one space. */
static char *put_value(char *to, struct aps_str value)
{
	const char *from = value.p;
	const char *end = value.p + value.n;
	while (from < end && is_space(*from)) from++;
	while (end > from && is_space(end[-1])) end--;
	while (from < end) {
		char c = *from++;
		if (is_space(c)) {
			while (is_space(*from)) from++; /* ends: the last one is no space */
			c = ' ';
		}
		*to++ = c;
	}
	return to;
}

static bool same_name(const struct aps_sigv4_headers *headers, size_t i)
{
	return i > 0 && aps_str_eq_nocase(headers->items[i - 1].name, headers->items[i].name);
}

static void finish(struct aps_buf *out, char *to)
{
	*to = '\0';
	out->n = (size_t)(to - out->p);
}

void aps_sigv4_add_headers(struct aps_buf *out, const struct aps_sigv4_headers *headers)
{
	size_t room = 1;
	for (size_t i = 0; i < headers->n_items; i++) room += headers->items[i].name.n + headers->items[i].value.n + 2;
	char *to = aps_buf_reserve(out, room);
	if (to == NULL) return;
	for (size_t i = 0; i < headers->n_items; i++) {
		if (same_name(headers, i)) {
			*to++ = ',';
		} else {
			if (i != 0) *to++ = '\n';
			to = put_lower(to, headers->items[i].name);
			*to++ = ':';
		}
		to = put_value(to, headers->items[i].value);
	}
	*to++ = '\n';
	finish(out, to);
}

void aps_sigv4_add_signed_names(struct aps_buf *out, const struct aps_sigv4_headers *headers)
{
	size_t room = 0;
	for (size_t i = 0; i < headers->n_items; i++) room += headers->items[i].name.n + 1;
	char *to = aps_buf_reserve(out, room);
	if (to == NULL) return;
	for (size_t i = 0; i < headers->n_items; i++) {
		if (same_name(headers, i)) continue;
		if (i != 0) *to++ = ';';
		to = put_lower(to, headers->items[i].name);
	}
	finish(out, to);
}

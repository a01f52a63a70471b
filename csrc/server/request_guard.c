/*
 *   REQUEST --\r--> EMPTY_LF --\n--> REQUEST, once before each request
 *      |
 *      v                                                              ,--> VALUE --\r--> VALUE_LF --\n--> HEADER
 *   METHOD --> TARGET --> VERSION --\r--> REQUEST_LF --\n--> HEADER --> NAME --:--^
 *                                                           |
 *                                                           \r--> HEAD_LF --\n--> the body:
 *   none         --> REQUEST
 *   a length     --> BODY --> REQUEST
 *   chunks       --> CHUNK_SIZE --\r--> CHUNK_SIZE_LF --\n--> CHUNK --> CHUNK_CR --> CHUNK_LF --> CHUNK_SIZE
 *                                          `-- size 0 --\n--> LAST_CR --> LAST_LF --> REQUEST
 *   a WebSocket  --> OVER, for good
 *
 * VALUE_LF with a length above the limit, and CHUNK_SIZE_LF with a chunk that exceeds it, lead to TOO_LARGE, for good.
 * Whatever isn't drawn leads to BAD, for good.
 */
#include "server/request_guard.h"

#include "base/str.h"
#include "server/ws_handshake.h"

#define MAX_LENGTH_DIGITS 18
#define MAX_CHUNK_DIGITS  8

void aps_request_guard_init(struct aps_request_guard *guard, size_t max_body_bytes)
{
	*guard = (struct aps_request_guard){.state = APS_GUARD_REQUEST, .max_body_bytes = max_body_bytes};
}

static enum aps_guard_state begin_request(struct aps_request_guard *guard)
{
	aps_request_guard_init(guard, guard->max_body_bytes);
	return APS_GUARD_REQUEST;
}

static bool is_too_large(const struct aps_request_guard *guard, uint64_t n)
{
	return guard->max_body_bytes > 0 && n > guard->max_body_bytes;
}

/* RFC 9110 section 5.6.2, "tchar". */
static bool is_token_char(unsigned char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
	return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static void add_name(struct aps_request_guard *guard, char c)
{
	if (guard->n_name < APS_GUARD_NAME_CHARS) guard->name[guard->n_name++] = c;
}

static bool is_name(const struct aps_request_guard *guard, const char *name)
{
	return aps_str_is((struct aps_str){guard->name, guard->n_name}, name);
}

static bool is_full(const struct aps_request_guard *guard)
{
	return guard->n_value == APS_GUARD_VALUE_CHARS;
}

static struct aps_str value(const struct aps_request_guard *guard)
{
	return aps_str_trim((struct aps_str){guard->value, guard->n_value});
}

/* RFC 9110 section 8.6: digits, once. Two equal ones may be joined; nobody sends them. */
static bool take_length(struct aps_request_guard *guard)
{
	struct aps_str digits = value(guard);
	if (guard->has_length || is_full(guard) || digits.n == 0 || digits.n > MAX_LENGTH_DIGITS) return false;
	guard->has_length = true;
	guard->n_left = 0;
	for (size_t i = 0; i < digits.n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9') return false;
		guard->n_left = guard->n_left * 10 + (uint64_t)(digits.p[i] - '0');
	}
	return true;
}

/* Other codings than chunked aren't known here (RFC 9112 section 6.1). */
static bool take_encoding(struct aps_request_guard *guard)
{
	if (guard->is_chunked || is_full(guard) || !aps_str_eq_nocase(value(guard), APS_STR("chunked"))) return false;
	guard->is_chunked = true;
	return true;
}

static bool take_upgrade(struct aps_request_guard *guard)
{
	if (is_full(guard)) return false;
	struct aps_ws_handshake handshake = {.upgrade = value(guard)};
	/* Of several, the first counts. */
	if (!guard->has_upgrade) guard->asks_for_websocket = aps_ws_handshake_is_asked(&handshake);
	guard->has_upgrade = true;
	return true;
}

static bool take_header(struct aps_request_guard *guard)
{
	if (is_name(guard, "content-length")) return take_length(guard);
	if (is_name(guard, "transfer-encoding")) return take_encoding(guard);
	if (is_name(guard, "upgrade")) return take_upgrade(guard);
	if (!is_name(guard, "host")) return true;
	bool is_first = !guard->has_host;
	guard->has_host = true;
	return is_first;
}

/* The head is complete: where does the body end? */
static enum aps_guard_state after_head(struct aps_request_guard *guard)
{
	bool has_body = guard->is_chunked || (guard->has_length && guard->n_left > 0);
	if (guard->is_chunked && (guard->has_length || guard->is_http10)) return APS_GUARD_BAD;
	/* evhttp would take the body for the next request. */
	if (has_body && !guard->has_body_method) return APS_GUARD_BAD;
	if (guard->is_get && guard->asks_for_websocket) return APS_GUARD_OVER;
	if (guard->is_chunked) {
		guard->n_digits = 0;
		return APS_GUARD_CHUNK_SIZE;
	}
	if (has_body) return APS_GUARD_BODY;
	return begin_request(guard);
}

static enum aps_guard_state on_method(struct aps_request_guard *guard, char c)
{
	if (is_token_char((unsigned char)c)) {
		add_name(guard, c);
		return APS_GUARD_METHOD;
	}
	guard->is_get = is_name(guard, "GET");
	guard->has_body_method = is_name(guard, "POST") || is_name(guard, "PUT") || is_name(guard, "PATCH");
	return c == ' ' ? APS_GUARD_TARGET : APS_GUARD_BAD;
}

static enum aps_guard_state on_request(struct aps_request_guard *guard, char c)
{
	if (c == '\r' && !guard->has_empty_line) return APS_GUARD_EMPTY_LF;
	return is_token_char((unsigned char)c) ? on_method(guard, c) : APS_GUARD_BAD;
}

static enum aps_guard_state on_empty_lf(struct aps_request_guard *guard, char c)
{
	if (c != '\n') return APS_GUARD_BAD;
	guard->is_empty_line = true;
	guard->has_empty_line = true;
	return APS_GUARD_REQUEST;
}

static enum aps_guard_state on_target(struct aps_request_guard *guard, char c)
{
	if (c == ' ') guard->n_value = 0;
	if (c == ' ') return APS_GUARD_VERSION;
	return (unsigned char)c <= ' ' || c == 0x7f ? APS_GUARD_BAD : APS_GUARD_TARGET;
}

static enum aps_guard_state on_version(struct aps_request_guard *guard, char c)
{
	if (c != '\r') {
		if (is_full(guard) || (unsigned char)c <= ' ') return APS_GUARD_BAD;
		guard->value[guard->n_value++] = c;
		return APS_GUARD_VERSION;
	}
	struct aps_str version = {guard->value, guard->n_value};
	guard->is_http10 = aps_str_is(version, "HTTP/1.0");
	return guard->is_http10 || aps_str_is(version, "HTTP/1.1") ? APS_GUARD_REQUEST_LF : APS_GUARD_BAD;
}

static enum aps_guard_state on_name(struct aps_request_guard *guard, char c)
{
	if (c == ':' && guard->n_name > 0) {
		guard->n_value = 0;
		return APS_GUARD_VALUE;
	}
	if (!is_token_char((unsigned char)c)) return APS_GUARD_BAD;
	add_name(guard, lower(c));
	return APS_GUARD_NAME;
}

static enum aps_guard_state on_header(struct aps_request_guard *guard, char c)
{
	guard->n_name = 0;
	return c == '\r' ? APS_GUARD_HEAD_LF : on_name(guard, c);
}

static enum aps_guard_state on_value(struct aps_request_guard *guard, char c)
{
	if (c == '\r') return APS_GUARD_VALUE_LF;
	if (((unsigned char)c < ' ' && c != '\t') || c == 0x7f) return APS_GUARD_BAD;
	if (!is_full(guard)) guard->value[guard->n_value++] = c;
	return APS_GUARD_VALUE;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* No extensions: they have no meaning here, and evhttp has its own idea of where they end. */
static enum aps_guard_state on_chunk_size(struct aps_request_guard *guard, char c)
{
	int digit = hex_digit(c);
	if (c == '\r' && guard->n_digits > 0) return APS_GUARD_CHUNK_SIZE_LF;
	if (digit < 0 || guard->n_digits == MAX_CHUNK_DIGITS) return APS_GUARD_BAD;
	guard->n_left = (guard->n_digits++ == 0 ? 0 : guard->n_left * 16) + (uint64_t)digit;
	return APS_GUARD_CHUNK_SIZE;
}

static enum aps_guard_state after_chunk(struct aps_request_guard *guard)
{
	guard->n_digits = 0;
	return APS_GUARD_CHUNK_SIZE;
}

static enum aps_guard_state after_chunk_size(struct aps_request_guard *guard)
{
	if (guard->n_left == 0) return APS_GUARD_LAST_CR;
	guard->n_body += (size_t)guard->n_left;
	return is_too_large(guard, guard->n_body) ? APS_GUARD_TOO_LARGE : APS_GUARD_CHUNK;
}

/* A header's line is complete. */
static enum aps_guard_state after_header(struct aps_request_guard *guard)
{
	if (!take_header(guard)) return APS_GUARD_BAD;
	bool has_body = guard->has_length && guard->has_body_method && !guard->is_chunked;
	return has_body && is_too_large(guard, guard->n_left) ? APS_GUARD_TOO_LARGE : APS_GUARD_HEADER;
}

static enum aps_guard_state expect(char c, char expected, enum aps_guard_state next)
{
	return c == expected ? next : APS_GUARD_BAD;
}

static enum aps_guard_state step(struct aps_request_guard *guard, char c)
{
	switch (guard->state) {
	case APS_GUARD_REQUEST: return on_request(guard, c);
	case APS_GUARD_EMPTY_LF: return on_empty_lf(guard, c);
	case APS_GUARD_METHOD: return on_method(guard, c);
	case APS_GUARD_TARGET: return on_target(guard, c);
	case APS_GUARD_VERSION: return on_version(guard, c);
	case APS_GUARD_REQUEST_LF: return expect(c, '\n', APS_GUARD_HEADER);
	case APS_GUARD_HEADER: return on_header(guard, c);
	case APS_GUARD_NAME: return on_name(guard, c);
	case APS_GUARD_VALUE: return on_value(guard, c);
	case APS_GUARD_VALUE_LF: return c == '\n' ? after_header(guard) : APS_GUARD_BAD;
	case APS_GUARD_HEAD_LF: return c == '\n' ? after_head(guard) : APS_GUARD_BAD;
	case APS_GUARD_CHUNK_SIZE: return on_chunk_size(guard, c);
	case APS_GUARD_CHUNK_SIZE_LF: return c == '\n' ? after_chunk_size(guard) : APS_GUARD_BAD;
	case APS_GUARD_CHUNK_CR: return expect(c, '\r', APS_GUARD_CHUNK_LF);
	case APS_GUARD_CHUNK_LF: return c == '\n' ? after_chunk(guard) : APS_GUARD_BAD;
	case APS_GUARD_LAST_CR: return expect(c, '\r', APS_GUARD_LAST_LF);
	case APS_GUARD_LAST_LF: return c == '\n' ? begin_request(guard) : APS_GUARD_BAD;
	case APS_GUARD_BODY:
	case APS_GUARD_CHUNK:
	case APS_GUARD_OVER:
	case APS_GUARD_TOO_LARGE:
	case APS_GUARD_BAD: break;
	}
	return guard->state;
}

static bool is_inside_line(enum aps_guard_state state)
{
	return (state >= APS_GUARD_METHOD && state <= APS_GUARD_REQUEST_LF) ||
	       (state >= APS_GUARD_NAME && state <= APS_GUARD_VALUE_LF);
}

/* Of a body or a chunk: as many bytes as there are of it. */
static size_t pass(struct aps_request_guard *guard, size_t n)
{
	size_t n_passed = guard->n_left < n ? (size_t)guard->n_left : n;
	guard->n_left -= n_passed;
	if (guard->n_left > 0) return n_passed;
	guard->state = guard->state == APS_GUARD_CHUNK ? APS_GUARD_CHUNK_CR : begin_request(guard);
	return n_passed;
}

size_t aps_request_guard_feed(struct aps_request_guard *guard, const char *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		enum aps_guard_state before = guard->state;
		if (before == APS_GUARD_OVER) return n;
		if (before == APS_GUARD_BAD || before == APS_GUARD_TOO_LARGE) return i;
		if (before == APS_GUARD_BODY || before == APS_GUARD_CHUNK) {
			i += pass(guard, n - i);
			continue;
		}
		guard->n_line++;
		guard->state = step(guard, p[i]);
		if (guard->state == APS_GUARD_BAD) {
			guard->is_inside_line = is_inside_line(before);
			return i;
		}
		i++;
		if (guard->state == APS_GUARD_TOO_LARGE) return i;
		if (p[i - 1] == '\n') guard->n_line = 0;
		if (guard->is_empty_line) return i;
	}
	return n;
}

/* No request line, no header and no chunk size. */
const char *aps_request_guard_spoiler(const struct aps_request_guard *guard)
{
	return guard->is_inside_line ? "\r\n!\r\n" : "!\r\n";
}

const char *aps_request_guard_ending(const struct aps_request_guard *guard)
{
	return guard->is_chunked ? "0\r\n\r\n" : "Content-Length: 0\r\n\r\n";
}

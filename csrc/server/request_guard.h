/* The framing of HTTP/1.1 requests (RFC 9112), checked byte by byte before evhttp reads them. evhttp takes what another
 * server in front of it may read otherwise: two lengths, a space before the colon, lines that end in LF, folded ones,
 * chunk sizes as strtoll() has them, a body behind GET. Whoever disagrees with it on where a request ends can be made
 * to pass somebody else's (RFC 9112 section 11.2). So nothing of that kind is a request here. */
#ifndef APS_SERVER_REQUEST_GUARD_H
#define APS_SERVER_REQUEST_GUARD_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum aps_guard_state {
	APS_GUARD_REQUEST, /* the first byte of a request line is next */
	APS_GUARD_EMPTY_LF,
	APS_GUARD_METHOD,
	APS_GUARD_TARGET,
	APS_GUARD_VERSION,
	APS_GUARD_REQUEST_LF,
	APS_GUARD_HEADER, /* the first byte of a header's line, or of the empty one */
	APS_GUARD_NAME,
	APS_GUARD_VALUE,
	APS_GUARD_VALUE_LF,
	APS_GUARD_HEAD_LF,
	APS_GUARD_BODY,
	APS_GUARD_CHUNK_SIZE,
	APS_GUARD_CHUNK_SIZE_LF,
	APS_GUARD_CHUNK,
	APS_GUARD_CHUNK_CR,
	APS_GUARD_CHUNK_LF,
	APS_GUARD_LAST_CR, /* no trailers: evhttp makes headers of them */
	APS_GUARD_LAST_LF,
	APS_GUARD_OVER,      /* a WebSocket's bytes follow */
	APS_GUARD_TOO_LARGE, /* the line was read that says that the body is */
	APS_GUARD_BAD
};

#define APS_GUARD_NAME_CHARS  18 /* one more than "transfer-encoding" */
#define APS_GUARD_VALUE_CHARS 64

struct aps_request_guard {
	enum aps_guard_state state;
	bool is_inside_line; /* BAD: a part of the line was good */
	bool is_empty_line;  /* the last two good bytes; set to false by whoever takes them out */
	bool has_empty_line; /* before this request */
	bool is_get;
	bool has_body_method;
	bool is_http10;
	bool has_length;
	bool is_chunked;
	bool has_host;
	bool has_upgrade;
	bool asks_for_websocket;
	size_t max_body_bytes; /* of each request; 0: any */
	size_t n_body;         /* announced so far by chunks */
	size_t n_line;         /* bytes of the line that is read, or that was the last one */
	uint64_t n_left;       /* of the body or of the chunk */
	unsigned n_digits;
	size_t n_name;
	size_t n_value;
	char name[APS_GUARD_NAME_CHARS];
	char value[APS_GUARD_VALUE_CHARS];
};

APS_BEGIN_DECLS

/* `max_body_bytes`: 0 for bodies of any size. */
void aps_request_guard_init(struct aps_request_guard *guard, size_t max_body_bytes);
/* How many of the bytes are good: all of them, or those before the first one that ends the connection, or those up to
 * the end of an empty line before a request (RFC 9112 section 2.2), which evhttp would refuse: feed the others next. Of
 * a body that is too large: those up to the end of the line that says so. */
size_t aps_request_guard_feed(struct aps_request_guard *guard, const char *p, size_t n);
/* After BAD: what makes of the good bytes before it a request that evhttp answers with 400. */
const char *aps_request_guard_spoiler(const struct aps_request_guard *guard);
/* After TOO_LARGE: what, in the place of the last n_line good bytes, ends the request at once. */
const char *aps_request_guard_ending(const struct aps_request_guard *guard);

APS_END_DECLS

#endif

/* The canonical request of Signature Version 4, part by part. Private to this layer. */
#ifndef APS_AUTH_SIGV4_CANONICAL_H
#define APS_AUTH_SIGV4_CANONICAL_H

#include "auth/sigv4.h"

#define APS_SIGV4_HOST_CHARS 64 /* an IPv6 address in brackets with its port */

/* Views into the request's URL; the fragment is left out. */
struct aps_sigv4_url {
	struct aps_str host;  /* with the port, unless it is the scheme's default; empty when the URL starts with '/' */
	struct aps_str path;  /* empty: "/" */
	struct aps_str query; /* without '?' */
	struct aps_str whole; /* without the fragment */
};

/* The headers that get signed, sorted by their name in lower case; equal names keep their order. */
struct aps_sigv4_headers {
	struct aps_header *items;
	size_t n_items;
	size_t capacity;
	bool is_heap;
};

APS_BEGIN_DECLS

enum aps_rc aps_sigv4_url_split(struct aps_str url, struct aps_sigv4_url *out, struct aps_err *err);
/* The host as the Host header has it: without an IPv6 address's zone, which means nothing to others (RFC 6874 section
 * 4). `room` holds it where it isn't the URL's own text. */
struct aps_str aps_sigv4_host_header(struct aps_str host, char room[APS_SIGV4_HOST_CHARS]);
/* Hop-by-hop headers and those that proxies add or change: signed, they would break the signature on the way. */
bool aps_sigv4_is_unsigned(struct aps_str name);

/* `items` is the caller's memory for `capacity` headers; more come from the heap. */
void aps_sigv4_headers_init(struct aps_sigv4_headers *headers, struct aps_header *items, size_t capacity);
void aps_sigv4_headers_clear(struct aps_sigv4_headers *headers);
/* Borrows name and value. False when memory is out. */
bool aps_sigv4_headers_add(struct aps_sigv4_headers *headers, struct aps_str name, struct aps_str value);
void aps_sigv4_headers_sort(struct aps_sigv4_headers *headers);

/* These append one part each; failures stay in the buffers. */
void aps_sigv4_add_path(struct aps_buf *out, struct aps_str path, const struct aps_sigv4_options *options,
                        struct aps_buf *scratch);
/* `encoded` and `scratch` are emptied first. E_NOMEM for the table of parameters. */
enum aps_rc aps_sigv4_add_query(struct aps_buf *out, struct aps_str query, struct aps_buf *encoded,
                                struct aps_buf *scratch, struct aps_err *err);
void aps_sigv4_add_headers(struct aps_buf *out, const struct aps_sigv4_headers *headers);
void aps_sigv4_add_signed_names(struct aps_buf *out, const struct aps_sigv4_headers *headers);

APS_END_DECLS

#endif

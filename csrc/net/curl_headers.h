/* A request's headers as libcurl takes them: a list of our own, its text in one buffer, which libcurl only reads. It is
 * rendered anew only where a request has other headers than the one before. Pure. */
#ifndef APS_NET_CURL_HEADERS_H
#define APS_NET_CURL_HEADERS_H

#include "base/buf.h"
#include "codec/header.h"

#include <curl/curl.h>

struct aps_curl_headers {
	struct aps_buf lines;     /* zero-terminated, one after the other */
	struct curl_slist *nodes; /* for CURLOPT_HTTPHEADER */
	size_t n_nodes;           /* 0: there is no list */
	size_t capacity;
};

APS_BEGIN_DECLS

void aps_curl_headers_init(struct aps_curl_headers *list);
void aps_curl_headers_clear(struct aps_curl_headers *list);
/* Empties it and keeps the memory. */
void aps_curl_headers_reset(struct aps_curl_headers *list);
/* True when it was set to these last. */
bool aps_curl_headers_is(const struct aps_curl_headers *list, const struct aps_header *headers, size_t n_headers);
/* Copies. Blanks around a value aren't part of it (RFC 9110 section 5.5). E_USAGE for control characters, E_TOO_BIG,
 * E_NOMEM: it is empty then. */
enum aps_rc aps_curl_headers_set(struct aps_curl_headers *list, const struct aps_header *headers, size_t n_headers,
                                 struct aps_err *err);

APS_END_DECLS

#endif

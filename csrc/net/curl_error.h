/* What a CURLcode means to the layers above: one table. */
#ifndef APS_NET_CURL_ERROR_H
#define APS_NET_CURL_ERROR_H

#include "base/err.h"
#include "base/str.h"

#include <curl/curl.h>

APS_BEGIN_DECLS

/* Fills *err for a transfer that failed. The message holds our own words and the host's name: never a path, a query or
 * a header, which may carry secrets. */
void aps_curl_error_fill(struct aps_err *err, CURL *easy, CURLcode code, struct aps_str host);

APS_END_DECLS

#endif

/* Percent-encoding as AWS signs it: everything but A-Z a-z 0-9 - . _ ~ is encoded, in upper-case hexadecimal
 * (Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters", UriEncode). */
#ifndef APS_CODEC_PERCENT_H
#define APS_CODEC_PERCENT_H

#include "base/buf.h"

enum aps_percent_form {
	APS_PERCENT_ALL,       /* '/' is encoded too: query names and values */
	APS_PERCENT_KEEP_SLASH /* paths */
};

APS_BEGIN_DECLS

void aps_percent_encode(struct aps_buf *out, struct aps_str bytes, enum aps_percent_form form);
/* '%' that two hexadecimal digits do not follow stays as it is; '+' stays '+'. */
void aps_percent_decode(struct aps_buf *out, struct aps_str text);

APS_END_DECLS

#endif

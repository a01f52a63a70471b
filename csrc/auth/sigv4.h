/* AWS Signature Version 4 in stages, each visible to tests (AWS General Reference, "Create a signed AWS API request").
 * Pure: time comes in as an argument. */
#ifndef APS_AUTH_SIGV4_H
#define APS_AUTH_SIGV4_H

#include "auth/material.h"
#include "base/buf.h"
#include "codec/digest.h"
#include "codec/header.h"

/* The stable word where the keys themselves are to blame. */
#define APS_SIGV4_BAD_CREDENTIALS "bad_credentials"

/* Borrowed text throughout. */
struct aps_sigv4_request {
	struct aps_str method;
	struct aps_str url;               /* absolute, or starting with '/' when a host header is among `headers` */
	const struct aps_header *headers; /* duplicates and folded values are legal; all of them are signed but those
	                                     that proxies alter */
	size_t n_headers;
	struct aps_str body;
};

struct aps_sigv4_options {
	struct aps_str region;
	struct aps_str service;
	struct aps_str access_key_id;
	struct aps_str secret_access_key;
	struct aps_str session_token; /* empty: none */
	int64_t now_s;                /* Unix seconds */
	bool in_query;                /* presigned: the signature goes into the URL */
	int64_t expires_s;            /* presigned only; 1 … 604800 */
	bool unsigned_payload;        /* UNSIGNED-PAYLOAD stands for the hash of the body */
	bool normalize_path;          /* remove dot segments and double slashes */
	bool double_encode;           /* every service but S3 */
	bool sign_body;               /* add x-amz-content-sha256 and sign it */
	bool token_after_signing;     /* x-amz-security-token is added after signing, hence not signed */
};

/* Day, region and service of the last signing key: sign many requests, derive once. Zero-initialize it. */
struct aps_sigv4_cache {
	bool is_set;
	unsigned char fingerprint[APS_SHA256_BYTES]; /* of secret, day, region and service; never the secret itself */
	struct aps_hmac_key key;
};

/* The stages and the result. */
struct aps_sigv4 {
	struct aps_buf canonical_request;
	struct aps_buf string_to_sign;
	char signature[2 * APS_SHA256_BYTES + 1];
	struct aps_buf authorization; /* the header's value; empty when presigned */
	struct aps_buf url;           /* presigned: the complete URL; else the request's */
	struct aps_buf scratch;       /* owns what `added` points to */
	struct aps_header added[5];   /* host, x-amz-date, x-amz-security-token, x-amz-content-sha256, authorization */
	size_t n_added;
};

APS_BEGIN_DECLS

/* The defaults for a service: the path is normalized and encoded once more than on the wire; S3 signs its path once and
 * as it is, always with x-amz-content-sha256. */
void aps_sigv4_options_init(struct aps_sigv4_options *options, struct aps_str service);
void aps_sigv4_init(struct aps_sigv4 *out);
void aps_sigv4_clear(struct aps_sigv4 *out);
/* Signs. `cache` may be NULL. E_USAGE names what is missing or wrong, with the word above for keys; E_NOMEM; E_CRYPTO.
 * `out` was initialized; its buffers are used again, so one `out` serves many requests. */
enum aps_rc aps_sigv4_sign(const struct aps_sigv4_request *request, const struct aps_sigv4_options *options,
                           struct aps_sigv4_cache *cache, struct aps_sigv4 *out, struct aps_err *err);

APS_END_DECLS

#endif

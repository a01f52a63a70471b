/* Digests through libcrypto; the only file of this layer that includes it is digest.c. */
#ifndef APS_CODEC_DIGEST_H
#define APS_CODEC_DIGEST_H

#include "base/err.h"
#include "base/str.h"

#define APS_SHA256_BYTES 32
#define APS_SHA1_BYTES   20

APS_BEGIN_DECLS

/* False when libcrypto refuses (out of memory). */
bool aps_sha256(struct aps_str bytes, unsigned char out[APS_SHA256_BYTES]);
bool aps_hmac_sha256(struct aps_str key, struct aps_str bytes, unsigned char out[APS_SHA256_BYTES]);
/* The state of HMAC-SHA256 after its key was absorbed: signing twice with one key costs the key only once. */
struct aps_hmac_key {
	_Alignas(16) unsigned char inner[128];
	_Alignas(16) unsigned char outer[128];
};
bool aps_hmac_key_init(struct aps_hmac_key *key, struct aps_str bytes);
bool aps_hmac_key_sign(const struct aps_hmac_key *key, struct aps_str bytes, unsigned char out[APS_SHA256_BYTES]);
/* Lower-case hexadecimal; `out` has 2 * n + 1 characters. */
void aps_hex(const unsigned char *bytes, size_t n, char *out);

APS_END_DECLS

#endif

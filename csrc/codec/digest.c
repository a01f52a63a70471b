/* The low-level SHA-256 calls instead of EVP: they allocate nothing, and their state is plain memory, so a keyed HMAC
 * is two copied states. EVP of OpenSSL 3 adds dispatch to every digest and an allocation to every copied context; the
 * compression function is the same. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "codec/digest.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#define BLOCK_BYTES 64

_Static_assert(sizeof(SHA256_CTX) <= sizeof(((struct aps_hmac_key *)0)->inner), "the saved state must fit");
_Static_assert(_Alignof(SHA256_CTX) <= 16, "the saved state must be aligned");

bool aps_sha256(struct aps_str bytes, unsigned char out[APS_SHA256_BYTES])
{
	SHA256_CTX state;
	return SHA256_Init(&state) == 1 && SHA256_Update(&state, bytes.p, bytes.n) == 1 &&
	       SHA256_Final(out, &state) == 1;
}

/* Absorbs the key's block xor `pad` (RFC 2104 2) and saves the state. */
static bool save_padded(unsigned char saved[128], const unsigned char block[BLOCK_BYTES], unsigned char pad)
{
	unsigned char padded[BLOCK_BYTES];
	for (size_t i = 0; i < BLOCK_BYTES; i++) padded[i] = block[i] ^ pad;
	SHA256_CTX state;
	bool is_done = SHA256_Init(&state) == 1 && SHA256_Update(&state, padded, sizeof padded) == 1;
	if (is_done) memcpy(saved, &state, sizeof state);
	OPENSSL_cleanse(padded, sizeof padded);
	OPENSSL_cleanse(&state, sizeof state);
	return is_done;
}

bool aps_hmac_key_init(struct aps_hmac_key *key, struct aps_str bytes)
{
	unsigned char block[BLOCK_BYTES] = {0};
	bool is_done = true;
	memset(key, 0, sizeof *key);
	if (bytes.n > BLOCK_BYTES)
		is_done = aps_sha256(bytes, block);
	else if (bytes.n != 0)
		memcpy(block, bytes.p, bytes.n);
	is_done = is_done && save_padded(key->inner, block, 0x36) && save_padded(key->outer, block, 0x5c);
	OPENSSL_cleanse(block, sizeof block);
	return is_done;
}

bool aps_hmac_key_sign(const struct aps_hmac_key *key, struct aps_str bytes, unsigned char out[APS_SHA256_BYTES])
{
	unsigned char inner[APS_SHA256_BYTES];
	SHA256_CTX state;
	memcpy(&state, key->inner, sizeof state);
	if (SHA256_Update(&state, bytes.p, bytes.n) != 1 || SHA256_Final(inner, &state) != 1) return false;
	memcpy(&state, key->outer, sizeof state);
	return SHA256_Update(&state, inner, sizeof inner) == 1 && SHA256_Final(out, &state) == 1;
}

bool aps_hmac_sha256(struct aps_str key, struct aps_str bytes, unsigned char out[APS_SHA256_BYTES])
{
	struct aps_hmac_key saved;
	bool is_done = aps_hmac_key_init(&saved, key) && aps_hmac_key_sign(&saved, bytes, out);
	OPENSSL_cleanse(&saved, sizeof saved);
	return is_done;
}

void aps_hex(const unsigned char *bytes, size_t n, char *out)
{
	static const char HEX[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = HEX[bytes[i] >> 4];
		out[2 * i + 1] = HEX[bytes[i] & 15];
	}
	out[2 * n] = '\0';
}

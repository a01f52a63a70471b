#include "server/ws_handshake.h"

#include <openssl/evp.h>

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 §1.3 */

/* True when `word` is one of the comma-separated tokens. */
static bool has_token(struct aps_str list, const char *word)
{
	while (list.p != NULL && list.n > 0) {
		const char *comma = memchr(list.p, ',', list.n);
		size_t n = comma == NULL ? list.n : (size_t)(comma - list.p);
		struct aps_str token = aps_str_trim((struct aps_str){list.p, n});
		if (aps_str_eq_nocase(token, aps_str_of(word))) return true;
		if (comma == NULL) return false;
		list.p += n + 1;
		list.n -= n + 1;
	}
	return false;
}

/* The base64 of 16 bytes: 22 letters and "==". */
static bool is_key(struct aps_str key)
{
	if (key.p == NULL || key.n != 24 || key.p[22] != '=' || key.p[23] != '=') return false;
	for (size_t i = 0; i < 22; i++) {
		char c = key.p[i];
		bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (!is_letter && c != '+' && c != '/') return false;
	}
	return true;
}

bool aps_ws_handshake_is_asked(const struct aps_ws_handshake *handshake)
{
	return has_token(handshake->upgrade, "websocket");
}

const char *aps_ws_handshake_fault(const struct aps_ws_handshake *handshake)
{
	if (!handshake->is_get) return "a WebSocket handshake is a GET request";
	if (!handshake->is_http11) return "a WebSocket handshake needs HTTP/1.1";
	if (!has_token(handshake->connection, "upgrade")) return "Connection doesn't say Upgrade";
	if (handshake->version.p == NULL) return "Sec-WebSocket-Version is missing";
	if (!aps_str_is(aps_str_trim(handshake->version), "13")) return "Sec-WebSocket-Version must be 13";
	if (handshake->key.p == NULL) return "Sec-WebSocket-Key is missing";
	if (!is_key(aps_str_trim(handshake->key))) return "Sec-WebSocket-Key must be the base64 of 16 bytes";
	return NULL;
}

bool aps_ws_handshake_accept_key(struct aps_str key, char out[APS_WS_ACCEPT_CHARS + 1])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char text[24 + sizeof(guid)];
	key = aps_str_trim(key);
	if (key.n != 24) return false;
	memcpy(text, key.p, 24);
	memcpy(text + 24, guid, sizeof(guid));
	unsigned int n = 0;
	if (EVP_Digest(text, 24 + sizeof(guid) - 1, digest, &n, EVP_sha1(), NULL) != 1) return false;
	return EVP_EncodeBlock((unsigned char *)out, digest, (int)n) == APS_WS_ACCEPT_CHARS;
}

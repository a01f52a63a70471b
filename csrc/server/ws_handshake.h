/* The server's side of the WebSocket handshake (RFC 6455 §4.2). */
#ifndef APS_SERVER_WS_HANDSHAKE_H
#define APS_SERVER_WS_HANDSHAKE_H

#include "base/err.h"
#include "base/str.h"

#define APS_WS_ACCEPT_CHARS 28

/* Header values as received; p is NULL where the header is missing. */
struct aps_ws_handshake {
	bool is_get;
	bool is_http11; /* or newer */
	struct aps_str upgrade;
	struct aps_str connection;
	struct aps_str version;
	struct aps_str key;
};

APS_BEGIN_DECLS

/* True when the request asks for a WebSocket, well or badly. */
bool aps_ws_handshake_is_asked(const struct aps_ws_handshake *handshake);
/* NULL when it may be accepted, else what is wrong with it. */
const char *aps_ws_handshake_fault(const struct aps_ws_handshake *handshake);
/* Sec-WebSocket-Accept for a key; false when libcrypto refuses. */
bool aps_ws_handshake_accept_key(struct aps_str key, char out[APS_WS_ACCEPT_CHARS + 1]);

APS_END_DECLS

#endif

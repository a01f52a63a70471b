/* The messages of both realtime protocols as text: AppSync's (AppSync Developer Guide, "Building a Real-Time WebSocket
 * Client") and graphql-transport-ws (enisdenjo/graphql-ws, PROTOCOL.md). One shape: {"type", "id"?, "payload"?}. */
#ifndef APS_PROTO_FRAME_H
#define APS_PROTO_FRAME_H

#include "base/arena.h"
#include "base/buf.h"
#include "proto/realtime_options.h"

enum aps_frame_type {
	APS_FRAME_UNKNOWN,
	APS_FRAME_CONNECTION_ACK,
	APS_FRAME_CONNECTION_ERROR,
	APS_FRAME_ALIVE, /* ka, pong */
	APS_FRAME_PING,
	APS_FRAME_START_ACK,
	APS_FRAME_DATA,
	APS_FRAME_ERROR,
	APS_FRAME_COMPLETE
};

/* Borrowed from the text (an `id` that was written with escapes: from `arena`). */
struct aps_frame {
	enum aps_frame_type type;
	struct aps_str type_text; /* as it stands in the message; empty: missing */
	struct aps_str id;        /* empty: missing, null, or no text */
	struct aps_str payload;   /* JSON */
	struct aps_str errors;    /* the member beside the payload, as the Event API's messages have it */
	int64_t timeout_ms;       /* connectionTimeoutMs beside the payload; 0: missing */
};

APS_BEGIN_DECLS

/* One pass, and no allocation unless the id has escapes. E_PROTOCOL: no JSON object, and why; E_UTF8: the bytes aren't
 * UTF-8, which ends the connection (RFC 6455 section 8.1); E_NOMEM. */
enum aps_rc aps_frame_read(enum aps_realtime_protocol protocol, struct aps_str text, struct aps_arena *arena,
                           struct aps_frame *frame, struct aps_err *err);
/* The same for the first bytes of a message: what stands before they end. */
void aps_frame_read_head(enum aps_realtime_protocol protocol, struct aps_str head, struct aps_arena *arena,
                         struct aps_frame *frame);
/* The id that a message names which aps_frame_read() refuses, wherever the fault stands; empty: none that can be told.
 */
struct aps_str aps_frame_find_id(struct aps_str text, struct aps_arena *arena);
/* How long a silence the service allows, from connection_ack: payload.connectionTimeoutMs, else connectionTimeout
 * (Amplify's simulator), else the member beside the payload; 0: it says nothing. */
int64_t aps_frame_ack_timeout_ms(const struct aps_frame *frame);

/* `payload`: JSON, empty for none. A failure is in out->rc. */
void aps_frame_write_init(struct aps_buf *out, struct aps_str payload);
void aps_frame_write_start(struct aps_buf *out, enum aps_realtime_protocol protocol, const char *id,
                           struct aps_str payload);
void aps_frame_write_stop(struct aps_buf *out, enum aps_realtime_protocol protocol, const char *id);

APS_END_DECLS

#endif

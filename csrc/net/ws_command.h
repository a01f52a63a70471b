/* What other threads ask of the realtime thread. */
#ifndef APS_NET_WS_COMMAND_H
#define APS_NET_WS_COMMAND_H

#include "net/ws_request.h"
#include "rt/mailbox.h"

enum aps_ws_command_kind {
	APS_WS_DO_CONNECT,
	APS_WS_DO_SEND,
	APS_WS_DO_CLOSE,
	APS_WS_DO_PAUSE,
	APS_WS_DO_LOOK,
	APS_WS_DO_FORGET
};

/* A text on its way out; libwebsockets writes its frame header into the room before it. */
struct aps_ws_text {
	struct aps_ws_text *next;
	size_t n;
	unsigned char block[]; /* LWS_PRE bytes, then the text */
};

struct aps_ws_command {
	struct aps_mail mail;
	enum aps_ws_command_kind kind;
	uint64_t connection;
	struct aps_ws_request *request; /* connect */
	struct aps_ws_batch *closed;    /* connect: its CLOSED, made beforehand */
	struct aps_ws_text *text;       /* send */
	bool is_paused;
	int code; /* close */
	size_t n_reason;
	char reason[123]; /* RFC 6455 5.5: a control frame has 125 bytes, two of them the code */
};

#endif

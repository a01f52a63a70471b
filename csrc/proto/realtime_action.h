/* What a realtime machine asks of its owner, and tells it: see proto/realtime.h. */
#ifndef APS_PROTO_REALTIME_ACTION_H
#define APS_PROTO_REALTIME_ACTION_H

#include "base/err.h"
#include "base/str.h"
#include "proto/connstate.h"

enum aps_realtime_action_kind {
	APS_REALTIME_DO_CONNECT,  /* open the transport; then aps_realtime_opened() or aps_realtime_closed() */
	APS_REALTIME_DO_SEND,     /* write `text` */
	APS_REALTIME_DO_CLOSE,    /* close with `code` and the reason `text`; aps_realtime_closed() may follow and is
	                             ignored */
	APS_REALTIME_DO_START,    /* build the payload of `sub` (document, variables, fresh authorization), then
	                       aps_realtime_start()    or aps_realtime_end() */
	APS_REALTIME_SUB_STARTED, /* acknowledged by the service; `is_again`: after a reconnect */
	APS_REALTIME_SUB_DATA,    /* `payload`: JSON text, borrowed from the frame */
	APS_REALTIME_SUB_RECONNECTING, /* once per loss of the connection, for each subscription that had been started;
	                                  `err`: the cause */
	APS_REALTIME_SUB_DELAYED,      /* it isn't served: `err` tells why; it will be tried again. Not beside
	                                  SUB_RECONNECTING */
	APS_REALTIME_SUB_ENDED,        /* `err` NULL: completed by the service. The machine has forgotten `sub` */
	APS_REALTIME_AUTH_REFUSED,     /* sub 0: the connection, else this start. Answer: aps_realtime_retry_auth() or
	                            aps_realtime_end()/aps_realtime_fail(). `is_final`: fresh material was refused often
	                            enough, it isn't to be asked for */
	APS_REALTIME_STATE,            /* `state` changed; `err`: the cause of a disruption or NULL */
	APS_REALTIME_NOTICE /* to be counted and logged once per text: unknown message type, error without id, … */
};

/* Borrowed until the next call on the machine. */
struct aps_realtime_action {
	enum aps_realtime_action_kind kind;
	uint64_t sub;
	struct aps_str text;
	struct aps_str payload; /* SUB_ENDED and AUTH_REFUSED: the service's `errors` as JSON text, where it told any */
	int code;
	bool is_again;
	bool is_final;
	enum aps_conn_state state;
	const struct aps_err *err;
};

#endif

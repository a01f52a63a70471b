/* What a client was made with: built on the application's thread, given away to the core, never changed after. */
#ifndef APS_CLIENT_SETTINGS_H
#define APS_CLIENT_SETTINGS_H

#include "base/backoff.h"
#include "client/cache_settings.h"
#include "codec/header.h"
#include "net/options.h"
#include "proto/realtime.h"

struct aps_upgrade_headers {
	struct aps_arena arena;
	struct aps_header_list list;
};

struct aps_settings {
	char *endpoint;                      /* GraphQL over HTTP */
	char *realtime_endpoint;             /* ws:// or wss:// */
	char *signing_endpoint;              /* the API as its realtime service knows it; NULL: `endpoint` */
	struct aps_upgrade_headers *upgrade; /* of the realtime connection's upgrade; NULL: none */
	char *user_agent;                    /* x-amz-user-agent; NULL: none */
	struct aps_net_options net;
	int64_t connect_timeout_ms;
	int64_t request_timeout_ms; /* a call as a whole: waiting for a token, attempts, delays */
	int64_t stall_timeout_ms;
	struct aps_backoff_policy retry;
	struct aps_realtime_options realtime;
	bool query_handshake;     /* authorization in the URL, for servers that know only that */
	size_t max_subscriptions; /* on one connection */
	size_t max_response_bytes;
	size_t max_message_bytes;
	bool big_integers_as_text;
	struct aps_cache_settings *cache; /* a reference; NULL: nothing is kept */
};

APS_BEGIN_DECLS

/* Defaults; no text yet. */
void aps_settings_init(struct aps_settings *settings);
void aps_settings_clear(struct aps_settings *settings);
/* NULL when memory is out. */
struct aps_upgrade_headers *aps_upgrade_headers_new(void);

APS_END_DECLS

#endif

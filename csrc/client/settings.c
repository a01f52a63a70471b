#include "client/settings.h"

#include "base/buf.h"
#include "base/mem.h"

/* The service takes 200 subscriptions on a connection now, 100 earlier and in some regions
 * (AWS General Reference, "AWS AppSync endpoints and quotas"): stay below both. */
#define MAX_SUBSCRIPTIONS  100
#define MAX_RESPONSE_BYTES ((size_t)64 * 1024 * 1024)
#define MAX_MESSAGE_BYTES  ((size_t)4 * 1024 * 1024)

void aps_settings_init(struct aps_settings *settings)
{
	*settings = (struct aps_settings){
	        .net = {.verify = true},
	        .connect_timeout_ms = 10000,
	        .request_timeout_ms = 30000,
	        .stall_timeout_ms = 30000,
	        .retry = {.base_ms = 100, .cap_ms = 300000, .n_attempts = 3},
	        .max_subscriptions = MAX_SUBSCRIPTIONS,
	        .max_response_bytes = MAX_RESPONSE_BYTES,
	        .max_message_bytes = MAX_MESSAGE_BYTES,
	};
	aps_realtime_options_init(&settings->realtime);
}

void aps_settings_clear(struct aps_settings *settings)
{
	aps_free(settings->endpoint);
	aps_free(settings->realtime_endpoint);
	aps_free(settings->signing_endpoint);
	if (settings->upgrade != NULL) aps_arena_clear(&settings->upgrade->arena);
	aps_free(settings->upgrade);
	aps_free(settings->user_agent);
	aps_net_options_clear(&settings->net);
	aps_cache_settings_unref(settings->cache);
	aps_settings_init(settings);
}

struct aps_upgrade_headers *aps_upgrade_headers_new(void)
{
	struct aps_upgrade_headers *headers = aps_calloc(1, sizeof *headers);
	if (headers == NULL) return NULL;
	aps_arena_init(&headers->arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&headers->list, &headers->arena);
	return headers;
}

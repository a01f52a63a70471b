/* In the place of subscriptions and WebSockets. Lua refuses what would lead here; what the core asks at any time is
 * answered as by a client that never subscribed. */
#include "client/connections.h"
#include "client/subscription_commands.h"
#include "net/ws.h"

struct aps_ws *aps_ws_new(struct aps_ws_sink sink APS_UNUSED, struct aps_err *err)
{
	aps_fail(err, APS_E_SYSTEM, "the light build has no realtime connections");
	return NULL;
}

struct aps_ws *aps_ws_new_simulated(struct aps_ws_sink sink, struct aps_err *err)
{
	return aps_ws_new(sink, err);
}

struct aps_simulated_ws *aps_ws_simulation(const struct aps_ws *ws APS_UNUSED)
{
	return NULL;
}

enum aps_rc aps_ws_connect(struct aps_ws *ws APS_UNUSED, const struct aps_ws_connect *connect APS_UNUSED,
                           struct aps_err *err)
{
	return aps_fail(err, APS_E_SYSTEM, "the light build has no realtime connections");
}

enum aps_rc aps_ws_forget(struct aps_ws *ws APS_UNUSED)
{
	return APS_OK;
}

bool aps_ws_free(struct aps_ws *ws APS_UNUSED, int64_t timeout_ms APS_UNUSED)
{
	return true;
}

void aps_ws_batch_free(struct aps_ws_batch *batch APS_UNUSED)
{
}

void aps_connections_set_online(struct aps_core *core APS_UNUSED, struct aps_client *client APS_UNUSED,
                                bool is_online APS_UNUSED)
{
}

struct aps_subscribe_command *aps_subscribe_command_new(uint64_t client APS_UNUSED, uint64_t sub APS_UNUSED)
{
	return NULL;
}

struct aps_command *aps_unsubscribe_command_new(uint64_t client APS_UNUSED, uint64_t sub APS_UNUSED)
{
	return NULL;
}

struct aps_command *aps_consumed_command_new(uint64_t client APS_UNUSED, uint64_t sub APS_UNUSED, size_t n APS_UNUSED)
{
	return NULL;
}

struct aps_headers_command *aps_headers_command_new(uint64_t client APS_UNUSED, uint64_t sub APS_UNUSED)
{
	return NULL;
}

#include "proto/connstate.h"

const char *aps_conn_state_name(enum aps_conn_state state)
{
	static const char *const NAMES[APS_CONN_STATE_COUNT] = {
#define APS_CONN_STATE_NAME(name, text) text,
	        APS_CONN_STATE_MAP(APS_CONN_STATE_NAME)
#undef APS_CONN_STATE_NAME
	};
	return (unsigned)state < APS_CONN_STATE_COUNT ? NAMES[state] : "Unknown";
}

enum aps_conn_state aps_conn_state_of(const struct aps_conn_inputs *inputs)
{
	bool is_connected = inputs->link == APS_PHASE_CONNECTED;
	bool is_disconnected = inputs->link == APS_PHASE_DISCONNECTED;
	if (is_connected && !inputs->is_online) return APS_CONN_CONNECTED_PENDING_NETWORK;
	if (is_connected && !inputs->is_intended) return APS_CONN_CONNECTED_PENDING_DISCONNECT;
	if (is_disconnected && inputs->is_intended && !inputs->is_online) return APS_CONN_DISRUPTED_PENDING_NETWORK;
	if (is_disconnected && inputs->is_intended) return APS_CONN_DISRUPTED;
	if (is_connected && !inputs->is_keep_alive) return APS_CONN_CONNECTED_PENDING_KEEP_ALIVE;
	if (inputs->link == APS_PHASE_CONNECTING) return APS_CONN_CONNECTING;
	if (is_disconnected) return APS_CONN_DISCONNECTED;
	return APS_CONN_CONNECTED;
}

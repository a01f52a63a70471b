/* The eight connection states that applications observe, from four inputs; the first matching row wins
 * (amplify-js, packages/api-graphql/src/utils/ConnectionStateMonitor.ts). */
#ifndef APS_PROTO_CONNSTATE_H
#define APS_PROTO_CONNSTATE_H

#include "base/macros.h"

#include <stdbool.h>

#define APS_CONN_STATE_MAP(X)                                                                                          \
	X(CONNECTED, "Connected")                                                                                      \
	X(CONNECTING, "Connecting")                                                                                    \
	X(DISRUPTED, "ConnectionDisrupted")                                                                            \
	X(DISRUPTED_PENDING_NETWORK, "ConnectionDisruptedPendingNetwork")                                              \
	X(CONNECTED_PENDING_KEEP_ALIVE, "ConnectedPendingKeepAlive")                                                   \
	X(CONNECTED_PENDING_DISCONNECT, "ConnectedPendingDisconnect")                                                  \
	X(CONNECTED_PENDING_NETWORK, "ConnectedPendingNetwork")                                                        \
	X(DISCONNECTED, "Disconnected")

enum aps_conn_state {
#define APS_CONN_STATE_ENUM(name, text) APS_CONN_##name,
	APS_CONN_STATE_MAP(APS_CONN_STATE_ENUM)
#undef APS_CONN_STATE_ENUM
	        APS_CONN_STATE_COUNT
};

enum aps_phase { APS_PHASE_DISCONNECTED, APS_PHASE_CONNECTING, APS_PHASE_CONNECTED };

struct aps_conn_inputs {
	enum aps_phase link;
	bool is_online;     /* the network, as the host knows it */
	bool is_intended;   /* somebody wants the connection */
	bool is_keep_alive; /* messages arrive in time */
};

APS_BEGIN_DECLS

const char *aps_conn_state_name(enum aps_conn_state state);
enum aps_conn_state aps_conn_state_of(const struct aps_conn_inputs *inputs);

APS_END_DECLS

#endif

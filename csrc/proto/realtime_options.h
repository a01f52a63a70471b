/* How a realtime connection behaves: its protocol, its deadlines, its reconnects. */
#ifndef APS_PROTO_REALTIME_OPTIONS_H
#define APS_PROTO_REALTIME_OPTIONS_H

#include "base/backoff.h"

enum aps_realtime_protocol { APS_REALTIME_APPSYNC, APS_REALTIME_TRANSPORT_WS };

struct aps_realtime_options {
	enum aps_realtime_protocol protocol;
	int64_t connect_timeout_ms;          /* transport and handshake: 10000 */
	int64_t ack_timeout_ms;              /* connection_ack and each start_ack: 15000 */
	int64_t keep_alive_ms;               /* where the service names no connectionTimeoutMs: 300000 */
	bool is_keep_alive_fixed;            /* keep_alive_ms holds whatever the service names */
	int64_t keep_alive_alert_ms;         /* silence after which the state is ConnectedPendingKeepAlive: 65000 */
	int64_t idle_close_ms;               /* after the last subscription has gone: 1000 */
	struct aps_backoff_policy reconnect; /* base 100, cap 60000, no limit of attempts in a row */
};

APS_BEGIN_DECLS

void aps_realtime_options_init(struct aps_realtime_options *options);

APS_END_DECLS

#endif

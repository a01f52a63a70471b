#include "proto/realtime_options.h"

void aps_realtime_options_init(struct aps_realtime_options *options)
{
	*options = (struct aps_realtime_options){
	        .protocol = APS_REALTIME_APPSYNC,
	        .connect_timeout_ms = 10000,
	        .ack_timeout_ms = 15000,
	        .keep_alive_ms = 300000,
	        .keep_alive_alert_ms = 65000,
	        .idle_close_ms = 1000,
	        .reconnect = {.base_ms = 100, .cap_ms = 60000, .n_attempts = 0},
	};
}

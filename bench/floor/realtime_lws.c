/* Floor of realtime: a libwebsockets client that subscribes and then only counts the messages, from the first to the
 * N-th. Arguments: port, subscriptions. */
#include "measure.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <string.h>

#define RECEIVE_BYTES 65536

struct counter {
	int n_subs, n_started, n_acked;
	long n, n_wanted;
	bool has_failed;
	struct aps_meter meter;
};

static struct counter counter;

static void send_text(struct lws *wsi, const char *format, int number)
{
	unsigned char bytes[LWS_PRE + 512];
	char *text = (char *)bytes + LWS_PRE;
	int n = snprintf(text, sizeof bytes - LWS_PRE, format, number);
	if (n > 0) lws_write(wsi, bytes + LWS_PRE, (size_t)n, LWS_WRITE_TEXT);
}

static void send_start(struct lws *wsi)
{
	if (counter.n_started == counter.n_subs) return;
	send_text(wsi,
	          "{\"id\":\"00000000-0000-4000-8000-%012d\",\"type\":\"start\",\"payload\":{\"data\":\"{}\","
	          "\"extensions\":{\"authorization\":{\"host\":\"localhost\"}}}}",
	          counter.n_started++);
	if (counter.n_started < counter.n_subs) lws_callback_on_writable(wsi);
}

static void take_message(struct lws *wsi)
{
	if (counter.n_acked <= counter.n_subs) { /* connection_ack, then a start_ack for each */
		if (++counter.n_acked == 1) lws_callback_on_writable(wsi);
		return;
	}
	if (counter.n == 0) counter.meter = aps_meter_start();
	if (++counter.n == counter.n_wanted) counter.meter = aps_meter_stop(counter.meter);
}

static int happened(struct lws *wsi, enum lws_callback_reasons reason, void *user APS_UNUSED, void *in APS_UNUSED,
                    size_t n APS_UNUSED)
{
	switch (reason) {
	case LWS_CALLBACK_CLIENT_ESTABLISHED: send_text(wsi, "{\"type\":\"connection_init\"}", 0); break;
	case LWS_CALLBACK_CLIENT_WRITEABLE: send_start(wsi); break;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		if (lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0) take_message(wsi);
		break;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
	case LWS_CALLBACK_CLIENT_CLOSED: counter.has_failed = true; break;
	default: break;
	}
	return 0;
}

static const struct lws_protocols PROTOCOLS[] = {
        {.name = "graphql-ws", .callback = happened, .rx_buffer_size = RECEIVE_BYTES}, {.name = NULL}};

int main(int n_args, char **args)
{
	if (n_args < 3) return 2;
	char workload[64];
	struct lws_context_creation_info info = {
	        .port = CONTEXT_PORT_NO_LISTEN, .protocols = PROTOCOLS, .pt_serv_buf_size = RECEIVE_BYTES};
	counter.n_subs = atoi(args[2]);
	counter.n_wanted = aps_row_count(100000);
	lws_set_log_level(LLL_ERR, NULL);
	struct lws_context *context = lws_create_context(&info);
	struct lws_client_connect_info connect = {.context = context,
	                                          .address = "127.0.0.1",
	                                          .port = atoi(args[1]),
	                                          .path = "/graphql/realtime",
	                                          .host = "127.0.0.1",
	                                          .origin = "127.0.0.1",
	                                          .protocol = "graphql-ws"};
	if (!context || !lws_client_connect_via_info(&connect)) return 2;
	while (counter.n < counter.n_wanted && !counter.has_failed) lws_service(context, 0);
	snprintf(workload, sizeof workload, "w6-realtime-%dsub", counter.n_subs);
	aps_row_print(&(struct aps_row){workload, "FLOOR libwebsockets, count only", LWS_LIBRARY_VERSION, "msg/s",
	                                counter.n_wanted, NULL, !counter.has_failed},
	              counter.meter);
	return counter.has_failed ? 1 : 0;
}

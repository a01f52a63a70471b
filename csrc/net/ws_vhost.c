#include "net/ws_loop.h"

#include "base/mem.h"
#include "net/descriptors.h"
#include "net/ws_connection.h"

static const struct lws_protocols PROTOCOLS[] = {
        {.name = "appsync", .callback = aps_ws_connection_on_event, .rx_buffer_size = 65536},
        {.name = NULL},
};

static struct lws_vhost *make_vhost(struct aps_ws *ws, const struct aps_net_options *options, bool is_tls,
                                    struct aps_err *err)
{
	if ((options->ca_file || options->cert_file) && aps_descriptors_are_out(err)) return NULL;
	/* libwebsockets goes on without a CA file that it cannot read; then the chain is refused later, without a hint.
	 */
	if (aps_net_options_check_files(options, err) != APS_OK) return NULL;
	struct lws_context_creation_info info;
	memset(&info, 0, sizeof info);
	info.port = CONTEXT_PORT_NO_LISTEN;
	info.vhost_name = "appsync";
	info.protocols = PROTOCOLS;
	if (is_tls) info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT; /* else there is no TLS context */
	if (options->ca_file) info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
	info.client_ssl_ca_filepath = options->ca_file;
	info.client_ssl_cert_filepath = options->cert_file;
	info.client_ssl_private_key_filepath = options->key_file ? options->key_file : options->cert_file;
	info.client_ssl_private_key_password = ""; /* not NULL: libssl would ask at the terminal */
#ifdef SSL_OP_NO_TLSv1_1
	info.ssl_client_options_set = (long)(SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1);
#endif
	info.http_proxy_address = ""; /* not NULL: that would mean the environment's http_proxy */
	info.timeout_secs = 120;      /* our own deadlines come first */
	info.connect_timeout_secs = 120;
	struct lws_vhost *vhost = lws_create_vhost(ws->context, &info);
	if (!vhost && !aps_descriptors_are_out(err))
		aps_fail_word(err, options->cert_file ? APS_E_TLS : APS_E_SYSTEM,
		              options->cert_file ? "client_certificate" : NULL, 0,
		              options->cert_file ? "the client certificate cannot be used"
		                                 : "no TLS context for WebSockets");
	return vhost;
}

static struct aps_ws_vhost *find(struct aps_ws *ws, const struct aps_net_options *options, bool is_tls)
{
	struct aps_ws_vhost *known = ws->vhosts;
	while (known && !(known->is_tls == is_tls && aps_net_options_is_same(&known->options, options)))
		known = known->next;
	return known;
}

struct lws_vhost *aps_ws_vhost_get(struct aps_ws *ws, const struct aps_ws_request *request, struct aps_err *err)
{
	APS_ON_THREAD(ws->self);
	bool is_tls = request->connect.is_tls;
	struct aps_ws_vhost *known = find(ws, &request->options, is_tls);
	if (!known) {
		known = aps_calloc(1, sizeof *known);
		if (!known || !aps_net_options_dup(&request->options, &known->options)) {
			aps_free(known);
			aps_fail(err, APS_E_NOMEM, "no memory for a WebSocket");
			return NULL;
		}
		known->vhost = make_vhost(ws, &request->options, is_tls, err);
		if (!known->vhost) {
			aps_net_options_clear(&known->options);
			aps_free(known);
			return NULL;
		}
		known->is_tls = is_tls;
		known->next = ws->vhosts;
		ws->vhosts = known;
	}
	/* The proxy's address may have changed since the last connection; it is read when a connection starts. */
	if (request->proxy[0]) lws_set_proxy(known->vhost, request->proxy);
	return known->vhost;
}

void aps_ws_vhosts_clear(struct aps_ws *ws)
{
	while (ws->vhosts) { /* the context has destroyed the vhosts themselves */
		struct aps_ws_vhost *next = ws->vhosts->next;
		aps_net_options_clear(&ws->vhosts->options);
		aps_free(ws->vhosts);
		ws->vhosts = next;
	}
}

#include "net/ws_connection.h"

#include "net/descriptors.h"
#include "net/tunnel.h"

#include <stdlib.h>
#include <string.h>

/* X509_V_ERR_* of OpenSSL (x509_vfy.h). */
enum { X509_NOT_YET_VALID = 9, X509_EXPIRED = 10, X509_HOST_MISMATCH = 62, X509_ADDRESS_MISMATCH = 64 };

static void fill_certificate(long x509_error, const char *host, struct aps_err *err)
{
	const char *word = "certificate", *text = "cannot verify the certificate of";
	if (x509_error == X509_EXPIRED) {
		word = "certificate_expired";
		text = "an expired certificate from";
	} else if (x509_error == X509_NOT_YET_VALID) {
		word = "certificate_not_yet_valid";
		text = "a certificate that is not valid yet (is the clock right?) from";
	} else if (x509_error == X509_HOST_MISMATCH || x509_error == X509_ADDRESS_MISMATCH) {
		word = "host_name";
		text = "the certificate is for another name than";
	}
	aps_fail_word(err, APS_E_TLS, word, x509_error, "%s %s", text, host);
}

void aps_ws_failure_fill_name(const char *host, struct aps_err *err)
{
	fill_certificate(X509_HOST_MISMATCH, host, err);
}

/* libwebsockets before 4.3 tells no status of a proxy: the owner asks the proxy itself. */
static void fill_proxy(const char *text, const char *host, struct aps_err *err)
{
	static const char MARK[] = "http_proxy -> ";
	const char *at = strstr(text, MARK);
	long status = at != NULL ? strtol(at + sizeof MARK - 1, NULL, 10) : 0;
	if (status < 300)
		aps_fail_word(err, APS_E_NETWORK, "proxy", 0, "the proxy failed on the way to %s", host);
	else
		aps_tunnel_fail(status, aps_str_of(host), err);
}

static bool chose_other_protocol(const struct aps_ws_connection *connection, struct lws *wsi)
{
	char chosen[128];
	const char *expected = connection->request->connect.expected_protocol;
	int n = lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL);
	if (n <= 0) return expected != NULL;
	if (lws_hdr_copy(wsi, chosen, sizeof chosen, WSI_TOKEN_PROTOCOL) <= 0) return true;
	return !expected || strcmp(chosen, expected) != 0;
}

void aps_ws_failure_fill(const struct aps_ws_connection *connection, struct lws *wsi, const char *text,
                         struct aps_err *err)
{
	const char *host = connection->request->connect.host;
	long status = wsi ? (long)lws_http_client_http_response(wsi) : 0;
	if (connection->x509_error)
		fill_certificate(connection->x509_error, host, err);
	else if (status == 101 && chose_other_protocol(connection, wsi))
		aps_fail_word(err, APS_E_PROTOCOL, "sub_protocol", 0, "%s chose another sub-protocol than %s", host,
		              connection->request->connect.expected_protocol);
	else if (status == 101)
		aps_fail_word(err, APS_E_PROTOCOL, "handshake", 0, "a malformed WebSocket handshake from %s", host);
	else if (connection->refusal.status > 0)
		aps_ws_refusal_fill(&connection->refusal, host, err);
	else if (strstr(text, "parsing header")) /* libwebsockets has little room for them, and says no more */
		aps_fail_word(err, APS_E_PROTOCOL, "handshake", 0,
		              "the headers of the answer to the WebSocket's upgrade are malformed or too long, from %s",
		              host);
	else if (aps_descriptors_are_out(err))
		return;
	/* The code is the same for the rest; the text only picks the word. */
	else if (strstr(text, "proxy") || (connection->request->proxy[0] && strstr(text, "Unable to connect")))
		fill_proxy(text, host, err);
	else if (strstr(text, "Unable to connect"))
		aps_fail_word(err, APS_E_NETWORK, "unreachable", 0, "cannot connect to %s",
		              connection->request->authority);
	else if (strstr(text, "tls") || strstr(text, "SSL"))
		aps_fail_word(err, APS_E_NETWORK, "tls_handshake", 0, "the TLS handshake failed with %s", host);
	else
		aps_fail_word(err, APS_E_NETWORK, "connection_lost", 0,
		              "the connection closed during the WebSocket handshake with %s", host);
}

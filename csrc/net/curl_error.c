#include "net/curl_error.h"

#include "net/descriptors.h"

#include <errno.h>

struct row {
	CURLcode curl;
	enum aps_rc code;
	const char *word;
	const char *text;
};

static const struct row TABLE[] = {
        {CURLE_COULDNT_RESOLVE_HOST, APS_E_NETWORK, "dns", "cannot resolve the name of"},
        {CURLE_COULDNT_RESOLVE_PROXY, APS_E_NETWORK, "proxy", "cannot resolve the name of the proxy on the way to"},
        {CURLE_COULDNT_CONNECT, APS_E_NETWORK, "unreachable", "cannot connect to"},
        {CURLE_PROXY, APS_E_NETWORK, "proxy", "the proxy failed on the way to"},
        {CURLE_GOT_NOTHING, APS_E_NETWORK, "connection_lost", "no answer, the connection was closed by"},
        {CURLE_PARTIAL_FILE, APS_E_NETWORK, "connection_lost", "a truncated answer from"},
        {CURLE_SEND_ERROR, APS_E_NETWORK, "connection_lost", "the connection was lost while sending to"},
        {CURLE_RECV_ERROR, APS_E_NETWORK, "connection_lost", "the connection was lost while receiving from"},
        {CURLE_SEND_FAIL_REWIND, APS_E_NETWORK, "connection_lost", "the connection was lost while sending to"},
        {CURLE_HTTP2, APS_E_NETWORK, "connection_lost", "an HTTP/2 error on the connection to"},
        {CURLE_HTTP2_STREAM, APS_E_NETWORK, "connection_lost", "an HTTP/2 stream was reset by"},
        {CURLE_OPERATION_TIMEDOUT, APS_E_TIMEOUT, NULL, "no complete answer in time from"},
        /* A handshake that broke off for no stated reason may go well the next time; a refused certificate won't. */
        {CURLE_SSL_CONNECT_ERROR, APS_E_NETWORK, "tls_handshake", "the TLS handshake failed with"},
        {CURLE_PEER_FAILED_VERIFICATION, APS_E_TLS, "certificate", "cannot verify the certificate of"},
        {CURLE_SSL_CERTPROBLEM, APS_E_TLS, "client_certificate", "the client certificate cannot be used for"},
        {CURLE_SSL_CACERT_BADFILE, APS_E_TLS, "ca_file", "the CA file cannot be used for"},
        {CURLE_SSL_CIPHER, APS_E_TLS, "cipher", "no common cipher with"},
        {CURLE_SSL_ISSUER_ERROR, APS_E_TLS, "certificate", "cannot verify the issuer of the certificate of"},
        {CURLE_BAD_CONTENT_ENCODING, APS_E_PROTOCOL, "content_encoding", "an answer in a broken encoding from"},
        {CURLE_WEIRD_SERVER_REPLY, APS_E_PROTOCOL, "http_syntax", "an answer that is not HTTP from"},
        {CURLE_UNSUPPORTED_PROTOCOL, APS_E_USAGE, "url", "only http and https are supported, asked for"},
        {CURLE_URL_MALFORMAT, APS_E_USAGE, "url", "the URL is malformed, of host"},
        {CURLE_OUT_OF_MEMORY, APS_E_NOMEM, NULL, "out of memory while talking to"},
};

static const struct row OTHER = {CURLE_OK, APS_E_NETWORK, "transfer", "the exchange failed with"};

/* X509_V_ERR_* of OpenSSL (x509_vfy.h). */
enum {
	X509_UNSPECIFIED = 1,
	X509_NOT_YET_VALID = 9,
	X509_EXPIRED = 10,
	X509_HOST_MISMATCH = 62,
	X509_ADDRESS_MISMATCH = 64
};

static void refine_certificate(CURL *easy, struct row *row)
{
	long verify = 0;
	curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verify);
	/* libcurl compares the name itself, after OpenSSL accepted the chain and before it stores OpenSSL's result:
	 * then the result is what libcurl sets at the start of a handshake. */
	if (verify == 0 || verify == X509_UNSPECIFIED || verify == X509_HOST_MISMATCH ||
	    verify == X509_ADDRESS_MISMATCH) {
		row->word = "host_name";
		row->text = "the certificate is for another name than";
	} else if (verify == X509_EXPIRED) {
		row->word = "certificate_expired";
		row->text = "an expired certificate from";
	} else if (verify == X509_NOT_YET_VALID) {
		row->word = "certificate_not_yet_valid";
		row->text = "a certificate that is not valid yet (is the clock right?) from";
	}
}

static void refine(CURL *easy, struct row *row)
{
	long os_errno = 0;
	curl_off_t connect_us = 0;
	switch (row->curl) {
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os_errno);
		if (os_errno == ECONNREFUSED) {
			row->word = "connection_refused";
			row->text = "the connection was refused by";
		}
		break;
	case CURLE_OPERATION_TIMEDOUT:
		curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &connect_us);
		if (connect_us == 0) {
			row->word = "connect_timeout";
			row->text = "no connection in time to";
		}
		break;
	case CURLE_UNSUPPORTED_PROTOCOL: /* also what libcurl calls an answer without a status line (HTTP/0.9) */
		curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &connect_us);
		if (connect_us != 0) {
			row->code = APS_E_PROTOCOL;
			row->word = "http_syntax";
			row->text = "an answer that is not HTTP from";
		}
		break;
	case CURLE_PEER_FAILED_VERIFICATION: refine_certificate(easy, row); break;
	default: break;
	}
}

static bool needs_descriptor(CURLcode code)
{
	return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
	       code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_SSL_CACERT_BADFILE ||
	       code == CURLE_SSL_CERTPROBLEM || code == CURLE_OUT_OF_MEMORY;
}

void aps_curl_error_fill(struct aps_err *err, CURL *easy, CURLcode code, struct aps_str host)
{
	if (needs_descriptor(code) && aps_descriptors_are_out(err)) return;
	struct row row = OTHER;
	for (size_t i = 0; i < APS_COUNTOF(TABLE); i++)
		if (TABLE[i].curl == code) row = TABLE[i];
	row.curl = code;
	refine(easy, &row);
	int n = host.n < 100 ? (int)host.n : 100;
	aps_fail_word(err, row.code, row.word, (long)code, "%s %.*s", row.text, n, host.p);
}

#include "net/tls.h"

#include "base/clock.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

/* Four megabytes of frames that are for nobody, for longer than a hiccup of the machine. */
#define FLOOD_RECORDS 256
#define FLOOD_MS      50
#define HOST_BYTES    256

void aps_tls_outlive_exit(void (*before_cleanup)(void))
{
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
	OPENSSL_atexit(before_cleanup);
}

/* "::1%eth0" is ::1 on some link: the link stands in no certificate. */
static bool is_address(const char *host)
{
	unsigned char bytes[16];
	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static bool is_for(X509 *certificate, const char *host)
{
	char name[HOST_BYTES];
	size_t n = strcspn(host, "%");
	if (n == 0 || n >= sizeof name) return false;
	memcpy(name, host, n);
	name[n] = '\0';
	if (is_address(name)) return X509_check_ip_asc(certificate, name, 0) == 1;
	if (name[n - 1] == '.') n--; /* a name that is complete as it stands: RFC 1034 section 3.1 */
	return n != 0 && X509_check_host(certificate, name, n, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
}

bool aps_tls_peer_is(SSL *ssl, const char *host)
{
	if (ssl == NULL || SSL_get_verify_result(ssl) != X509_V_OK) return false;
	X509 *certificate = SSL_get1_peer_certificate(ssl);
	if (certificate == NULL) return false;
	bool is_right = is_for(certificate, host);
	X509_free(certificate);
	return is_right;
}

static void on_info(const SSL *ssl, int where, int value APS_UNUSED)
{
	const char *name = where & SSL_CB_HANDSHAKE_START ? SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) : NULL;
	/* "[": what libwebsockets leaves of an IPv6 address, which it cuts at the first colon. */
	if (name != NULL && (is_address(name) || name[0] == '[')) SSL_set_tlsext_host_name((SSL *)(uintptr_t)ssl, NULL);
}

void aps_tls_hide_addresses(SSL_CTX *context)
{
	SSL_CTX_set_info_callback(context, on_info);
}

static void on_record(int is_write, int version APS_UNUSED, int kind, const void *bytes APS_UNUSED, size_t n APS_UNUSED,
                      SSL *ssl, void *context)
{
	struct aps_tls_watch *watch = context;
	if (is_write || kind != SSL3_RT_HEADER) return;
	if (ssl != watch->connection) *watch = (struct aps_tls_watch){.connection = ssl};
	if (watch->n_records++ == 0) watch->since_ms = aps_clock_mono_ms();
	if (watch->n_records < FLOOD_RECORDS || aps_clock_mono_ms() - watch->since_ms < FLOOD_MS) return;
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* nothing more is read */
}

void aps_tls_end_floods(SSL_CTX *context, struct aps_tls_watch *watch)
{
	SSL_CTX_set_msg_callback(context, on_record);
	SSL_CTX_set_msg_callback_arg(context, watch);
}

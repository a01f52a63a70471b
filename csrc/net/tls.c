#include "net/tls.h"

#include "base/clock.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

/* Four megabytes of frames that are for nobody, faster than a server can mean it. */
#define FLOOD_RECORDS 256
#define FLOOD_MS      50
#define SPAN_MS       250
#define CREDIT_BYTES  4096
#define HOST_BYTES    256
/* A common name is no name of a host (RFC 9525 section 2), and nobody means a part of a label by a star. */
#define NAME_FLAGS (X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)

void aps_tls_outlive_exit(void (*before_cleanup)(void))
{
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
	OPENSSL_atexit(before_cleanup);
}

static bool is_address(const char *host)
{
	unsigned char bytes[16];
	return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* As it stands in a certificate: without the link of an address and without the dot at a name's end (RFC 1034 section
 * 3.1). */
static bool copy_name(const char *host, char name[HOST_BYTES])
{
	size_t n = strcspn(host, "%");
	if (n == 0 || n >= HOST_BYTES) return false;
	memcpy(name, host, n);
	name[n] = '\0';
	if (n > 1 && name[n - 1] == '.') name[n - 1] = '\0';
	return true;
}

static bool is_for(X509 *certificate, const char *host)
{
	char name[HOST_BYTES];
	if (!copy_name(host, name)) return false;
	if (is_address(name)) return X509_check_ip_asc(certificate, name, 0) == 1;
	return X509_check_host(certificate, name, strlen(name), NAME_FLAGS, NULL) == 1;
}

bool aps_tls_expect(SSL_CTX *context, const char *host)
{
	char name[HOST_BYTES];
	X509_VERIFY_PARAM *expected = SSL_CTX_get0_param(context);
	if (!copy_name(host, name)) return false;
	if (is_address(name)) return X509_VERIFY_PARAM_set1_ip_asc(expected, name) == 1;
	X509_VERIFY_PARAM_set_hostflags(expected, NAME_FLAGS);
	return X509_VERIFY_PARAM_set1_host(expected, name, 0) == 1;
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

static struct aps_tls_records *records_of(struct aps_tls_watch *watch, const SSL *ssl, int64_t now_ms)
{
	struct aps_tls_records *records = &watch->of[((uintptr_t)ssl >> 6) % APS_COUNTOF(watch->of)];
	if (records->connection != ssl || now_ms - records->since_ms > SPAN_MS)
		*records = (struct aps_tls_records){ssl, 0, now_ms};
	watch->last = records;
	return records;
}

static void on_record(int is_write, int version APS_UNUSED, int kind, const void *bytes APS_UNUSED, size_t n APS_UNUSED,
                      SSL *ssl, void *context)
{
	if (is_write || kind != SSL3_RT_HEADER) return;
	int64_t now_ms = aps_clock_mono_ms();
	struct aps_tls_records *records = records_of(context, ssl, now_ms);
	if (++records->n < FLOOD_RECORDS || now_ms - records->since_ms < FLOOD_MS) return;
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* nothing more is read */
}

void aps_tls_watch_credit(struct aps_tls_watch *watch, size_t n_bytes)
{
	struct aps_tls_records *last = watch->last;
	size_t n = 1 + n_bytes / CREDIT_BYTES;
	if (last != NULL) last->n = last->n > n ? last->n - n : 0;
}

void aps_tls_end_floods(SSL_CTX *context, struct aps_tls_watch *watch)
{
	SSL_CTX_set_msg_callback(context, on_record);
	SSL_CTX_set_msg_callback_arg(context, watch);
}

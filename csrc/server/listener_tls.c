#include "server/listener_tls.h"

#include "base/file.h"
#include "server/jwt_verify.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

static int on_alpn(SSL *ssl APS_UNUSED, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
                   unsigned int in_n, void *context APS_UNUSED)
{
	static const unsigned char http11[] = "\x08http/1.1";
	unsigned char *selected = NULL;
	if (SSL_select_next_proto(&selected, out_n, http11, sizeof(http11) - 1, in, in_n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*out = selected;
	return SSL_TLSEXT_ERR_OK;
}

struct bufferevent *aps_listener_tls_accept(struct aps_listener *listener, struct event_base *base)
{
	SSL *ssl = SSL_new(listener->tls);
	if (ssl == NULL) return NULL;
	struct bufferevent *bev =
	        bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (bev == NULL) {
		SSL_free(ssl);
		return NULL;
	}
	bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

static enum aps_rc refuse(const char *what, const char *file, struct aps_err *err)
{
	char reason[120];
	ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
	ERR_clear_error();
	return aps_fail(err, APS_E_USAGE, "can't use the %s %s: %s", what, file, reason);
}

enum aps_rc aps_listener_tls_open(struct aps_listener *listener, struct aps_err *err)
{
	const struct aps_listener_options *options = &listener->options;
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	if (tls == NULL) return aps_fail(err, APS_E_CRYPTO, "libssl can't be used");
	listener->tls = tls;
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_alpn_select_cb(tls, on_alpn, NULL);
	SSL_CTX_set_default_passwd_cb(tls, aps_pem_no_password);
	const char *fault = aps_file_unfit(options->cert_file);
	if (fault != NULL)
		return aps_fail(err, APS_E_USAGE, "can't use the certificate %s: %s", options->cert_file, fault);
	fault = aps_file_unfit(options->key_file);
	if (fault != NULL) return aps_fail(err, APS_E_USAGE, "can't use the key %s: %s", options->key_file, fault);
	if (SSL_CTX_use_certificate_chain_file(tls, options->cert_file) != 1)
		return refuse("certificate", options->cert_file, err);
	if (SSL_CTX_use_PrivateKey_file(tls, options->key_file, SSL_FILETYPE_PEM) != 1)
		return refuse("key", options->key_file, err);
	if (SSL_CTX_check_private_key(tls) != 1) return refuse("key", options->key_file, err);
	return APS_OK;
}

bool aps_listener_tls_write(struct bufferevent *bev, const char *p, size_t n)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);
	bool is_written = ssl != NULL && SSL_write(ssl, p, (int)n) == (int)n;
	ERR_clear_error();
	return is_written;
}

void aps_listener_tls_say_end(struct bufferevent *bev)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);
	if (ssl == NULL) return;
	SSL_shutdown(ssl);
	ERR_clear_error();
}

void aps_listener_tls_end(struct bufferevent *bev)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bev);
	if (ssl == NULL) return;
	SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN); /* we don't wait for the peer's */
	SSL_shutdown(ssl);
	ERR_clear_error();
}

void aps_listener_tls_close(struct aps_listener *listener)
{
	if (listener->tls != NULL) SSL_CTX_free(listener->tls);
	listener->tls = NULL;
}

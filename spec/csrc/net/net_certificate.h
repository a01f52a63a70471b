/* A throw-away self-signed certificate for a host name, and a TLS peer (python3) that presents it. */
#ifndef NET_CERTIFICATE_H
#define NET_CERTIFICATE_H

#include "base/macros.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct tls_peer {
	char folder[64];
	char cert[96];
	char key[96];
	FILE *output;
	int port;
};

/* not_after_s: seconds from now. */
APS_UNUSED static void certificate_write(const char *cert_path, const char *key_path, const char *host,
                                         long not_after_s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	if (!key || !cert) abort();
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -7200);
	X509_gmtime_adj(X509_getm_notAfter(cert), not_after_s);
	X509_set_pubkey(cert, key);
	X509_NAME *name = X509_get_subject_name(cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)host, -1, -1, 0);
	X509_set_issuer_name(cert, name);
	char alternative[128];
	snprintf(alternative, sizeof alternative, "DNS:%s", host);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative);
	X509_add_ext(cert, extension, -1);
	X509_EXTENSION_free(extension);
	X509_sign(cert, key, EVP_sha256());
	FILE *file = fopen(cert_path, "w");
	if (!file || !PEM_write_X509(file, cert)) abort();
	fclose(file);
	file = fopen(key_path, "w");
	if (!file || !PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL)) abort();
	fclose(file);
	X509_free(cert);
	EVP_PKEY_free(key);
}

APS_UNUSED static void tls_peer_start(struct tls_peer *peer, const char *host, long not_after_s)
{
	strcpy(peer->folder, "/tmp/appsync-test-XXXXXX");
	if (!mkdtemp(peer->folder)) abort();
	snprintf(peer->cert, sizeof peer->cert, "%s/cert.pem", peer->folder);
	snprintf(peer->key, sizeof peer->key, "%s/key.pem", peer->folder);
	certificate_write(peer->cert, peer->key, host, not_after_s);
	char command[400];
	snprintf(command, sizeof command, "exec python3 spec/support/net_peer.py %s %s", peer->cert, peer->key);
	peer->output = popen(command, "r");
	if (!peer->output || fscanf(peer->output, "%d", &peer->port) != 1) abort();
}

/* It ends by itself when its one connection has ended. */
APS_UNUSED static void tls_peer_stop(struct tls_peer *peer)
{
	pclose(peer->output);
	unlink(peer->cert);
	unlink(peer->key);
	rmdir(peer->folder);
}

#endif

#include "server/jwt_verify.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

static EVP_PKEY *read_key(struct aps_str pem)
{
	if (pem.n > INT_MAX) return NULL;
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (bio == NULL) return NULL;
	EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	if (key == NULL) {
		(void)BIO_reset(bio);
		X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
		if (certificate != NULL) key = X509_get_pubkey(certificate);
		X509_free(certificate);
	}
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

enum aps_rc aps_jwt_verify_rs256(struct aps_str pem, struct aps_str data, struct aps_str signature, bool *is_valid,
                                 struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	EVP_MD_CTX *context = NULL;
	*is_valid = false;
	EVP_PKEY *key = read_key(pem);
	if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) {
		rc = aps_fail(err, APS_E_USAGE, "the PEM text holds no RSA public key");
		goto done;
	}
	context = EVP_MD_CTX_new();
	if (context == NULL || EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) != 1) {
		rc = aps_fail(err, APS_E_CRYPTO, "libcrypto can't verify");
		goto done;
	}
	*is_valid = EVP_DigestVerify(context, (const unsigned char *)signature.p, signature.n,
	                             (const unsigned char *)data.p, data.n) == 1;
done:
	ERR_clear_error();
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	return rc;
}

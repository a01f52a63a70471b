#include "server/jwt_verify.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define MIN_RSA_BITS 2048 /* RFC 7518 section 3.3 */

int aps_pem_no_password(char *buf APS_UNUSED, int size APS_UNUSED, int is_writing APS_UNUSED, void *context APS_UNUSED)
{
	return -1;
}

static EVP_PKEY *read_key(struct aps_str pem)
{
	if (pem.n > INT_MAX) return NULL;
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (bio == NULL) return NULL;
	EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, aps_pem_no_password, NULL);
	if (key == NULL) {
		(void)BIO_reset(bio);
		X509 *certificate = PEM_read_bio_X509(bio, NULL, aps_pem_no_password, NULL);
		if (certificate != NULL) key = X509_get_pubkey(certificate);
		X509_free(certificate);
	}
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

static enum aps_rc check_key(EVP_PKEY *key, struct aps_err *err)
{
	if (key == NULL) return aps_fail(err, APS_E_USAGE, "no public key can be read");
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return aps_fail(err, APS_E_USAGE, "the key isn't an RSA key");
	if (EVP_PKEY_get_bits(key) < MIN_RSA_BITS)
		return aps_fail(err, APS_E_USAGE, "the RSA key has %d bits, %d are needed", EVP_PKEY_get_bits(key),
		                MIN_RSA_BITS);
	BIGNUM *exponent = NULL;
	bool is_sound = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 && BN_is_odd(exponent) &&
	                !BN_is_one(exponent);
	BN_free(exponent);
	return is_sound ? APS_OK : aps_fail(err, APS_E_USAGE, "the RSA key has an invalid exponent");
}

enum aps_rc aps_jwt_verify_rs256(struct aps_str pem, struct aps_str data, struct aps_str signature, bool *is_valid,
                                 struct aps_err *err)
{
	EVP_MD_CTX *context = NULL;
	*is_valid = false;
	EVP_PKEY *key = read_key(pem);
	enum aps_rc rc = check_key(key, err);
	if (rc != APS_OK) goto done;
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

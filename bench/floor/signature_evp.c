/* Floor of signing: the digests of a SigV4 signature with OpenSSL's EVP interface, the text around them prepared, the
 * key's HMAC states kept. N signatures of the bodies in w5_bodies.ndjson. */
#include "codec/digest.h"
#include "measure.h"

#include <openssl/evp.h>
#include <openssl/opensslv.h>
#include <string.h>

#define HOST     "abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com"
#define AMZ_DATE "20240601T120000Z"
#define SCOPE    "20240601/us-east-1/appsync/aws4_request"
#define NAMES    "accept;content-type;host;x-amz-date"
#define CANONICAL                                                                                                      \
	"POST\n/graphql\n\naccept:application/json, text/javascript\ncontent-type:application/json\nhost:" HOST        \
	"\nx-amz-date:" AMZ_DATE "\n\n" NAMES "\n"
#define TO_SIGN       "AWS4-HMAC-SHA256\n" AMZ_DATE "\n" SCOPE "\n"
#define AUTHORIZATION "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" SCOPE ", SignedHeaders=" NAMES ", Signature="
#define HEX_CHARS     (2 * APS_SHA256_BYTES)
#define MAX_BODIES    64

struct signer {
	EVP_MD *md;
	EVP_MD_CTX *digest, *inner, *outer;
	char canonical[sizeof CANONICAL + HEX_CHARS];
	char to_sign[sizeof TO_SIGN + HEX_CHARS];
	char authorization[sizeof AUTHORIZATION + HEX_CHARS];
};

static void derive(unsigned char key[APS_SHA256_BYTES])
{
	static const char *const STEPS[] = {"us-east-1", "appsync", "aws4_request"};
	struct aps_str secret = APS_STR("AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
	aps_hmac_sha256(secret, APS_STR("20240601"), key);
	for (size_t i = 0; i < APS_COUNTOF(STEPS); i++) {
		unsigned char next[APS_SHA256_BYTES];
		aps_hmac_sha256((struct aps_str){(const char *)key, APS_SHA256_BYTES}, aps_str_of(STEPS[i]), next);
		memcpy(key, next, sizeof next);
	}
}

static EVP_MD_CTX *absorb(EVP_MD *md, const unsigned char key[APS_SHA256_BYTES], unsigned char pad)
{
	unsigned char block[64];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	for (size_t i = 0; i < sizeof block; i++) block[i] = (unsigned char)((i < APS_SHA256_BYTES ? key[i] : 0) ^ pad);
	EVP_DigestInit_ex2(context, md, NULL);
	EVP_DigestUpdate(context, block, sizeof block);
	return context;
}

static void init(struct signer *s)
{
	unsigned char key[APS_SHA256_BYTES];
	derive(key);
	s->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	s->digest = EVP_MD_CTX_new();
	s->inner = absorb(s->md, key, 0x36);
	s->outer = absorb(s->md, key, 0x5c);
	strcpy(s->canonical, CANONICAL);
	strcpy(s->to_sign, TO_SIGN);
	strcpy(s->authorization, AUTHORIZATION);
}

static void clear(struct signer *s)
{
	EVP_MD_CTX_free(s->outer);
	EVP_MD_CTX_free(s->inner);
	EVP_MD_CTX_free(s->digest);
	EVP_MD_free(s->md);
}

static void digest(struct signer *s, const EVP_MD_CTX *from, const void *bytes, size_t n, unsigned char *out)
{
	if (from)
		EVP_MD_CTX_copy_ex(s->digest, from);
	else
		EVP_DigestInit_ex2(s->digest, s->md, NULL);
	EVP_DigestUpdate(s->digest, bytes, n);
	EVP_DigestFinal_ex(s->digest, out, NULL);
}

static void sign(struct signer *s, const char *body, size_t n)
{
	unsigned char out[APS_SHA256_BYTES];
	digest(s, NULL, body, n, out);
	aps_hex(out, sizeof out, s->canonical + sizeof CANONICAL - 1);
	digest(s, NULL, s->canonical, sizeof s->canonical - 1, out);
	aps_hex(out, sizeof out, s->to_sign + sizeof TO_SIGN - 1);
	digest(s, s->inner, s->to_sign, sizeof s->to_sign - 1, out);
	digest(s, s->outer, out, sizeof out, out);
	aps_hex(out, sizeof out, s->authorization + sizeof AUTHORIZATION - 1);
}

int main(void)
{
	static struct signer signer;
	size_t n_bytes;
	char *text = aps_row_data("w5_bodies.ndjson", &n_bytes), *rest = NULL;
	struct aps_str bodies[MAX_BODIES];
	size_t n_bodies = 0;
	long n = aps_row_count(100000);
	for (char *line = strtok_r(text, "\n", &rest); line && n_bodies < MAX_BODIES;
	     line = strtok_r(NULL, "\n", &rest))
		bodies[n_bodies++] = aps_str_of(line);
	if (n_bodies == 0) return 2;
	init(&signer);
	struct aps_meter meter = aps_meter_start();
	for (long i = 0; i < n; i++) {
		struct aps_str body = bodies[(size_t)i % n_bodies];
		sign(&signer, body.p, body.n);
	}
	meter = aps_meter_stop(meter);
	sign(&signer, bodies[0].p, bodies[0].n);
	aps_row_print(&(struct aps_row){"w5-sigv4", "FLOOR C OpenSSL EVP", OPENSSL_VERSION_STR, "signs/s", n,
	                                signer.authorization + sizeof AUTHORIZATION - 1, true},
	              meter);
	clear(&signer);
	return 0;
}

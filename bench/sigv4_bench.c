/* SigV4 of a 1 KB POST to AppSync with a cached signing key: the library against a floor that does the digests only,
 * with the text around them prepared (OpenSSL's EVP interface). Both are measured in turn, in one run; median and
 * spread. `make bench ONLY=w5` builds and runs it. */
#include "auth/sigv4.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS     9
#define BODY_BYTES 1024
#define HOST       "abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com"
#define AMZ_DATE   "20240601T120000Z"
#define SCOPE      "20240601/us-east-1/appsync/aws4_request"
#define NAMES      "accept;content-type;host;x-amz-date"
#define CANONICAL                                                                                                      \
	"POST\n/graphql\n\naccept:application/json, text/javascript\ncontent-type:application/json\nhost:" HOST        \
	"\nx-amz-date:" AMZ_DATE "\n\n" NAMES "\n"
#define TO_SIGN       "AWS4-HMAC-SHA256\n" AMZ_DATE "\n" SCOPE "\n"
#define AUTHORIZATION "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" SCOPE ", SignedHeaders=" NAMES ", Signature="
#define HEX_CHARS     (2 * APS_SHA256_BYTES)

static char body[BODY_BYTES];

struct floor_state {
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
	for (size_t i = 0; i < 3; i++) {
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

static void floor_init(struct floor_state *f)
{
	unsigned char key[APS_SHA256_BYTES];
	derive(key);
	f->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	f->digest = EVP_MD_CTX_new();
	f->inner = absorb(f->md, key, 0x36);
	f->outer = absorb(f->md, key, 0x5c);
	strcpy(f->canonical, CANONICAL);
	strcpy(f->to_sign, TO_SIGN);
	strcpy(f->authorization, AUTHORIZATION);
}

static void digest(struct floor_state *f, const EVP_MD_CTX *from, const void *bytes, size_t n, unsigned char *out)
{
	if (from != NULL)
		EVP_MD_CTX_copy_ex(f->digest, from);
	else
		EVP_DigestInit_ex2(f->digest, f->md, NULL);
	EVP_DigestUpdate(f->digest, bytes, n);
	EVP_DigestFinal_ex(f->digest, out, NULL);
}

static void floor_sign(struct floor_state *f)
{
	unsigned char out[APS_SHA256_BYTES];
	digest(f, NULL, body, sizeof body, out);
	aps_hex(out, sizeof out, f->canonical + sizeof CANONICAL - 1);
	digest(f, NULL, f->canonical, sizeof f->canonical - 1, out);
	aps_hex(out, sizeof out, f->to_sign + sizeof TO_SIGN - 1);
	digest(f, f->inner, f->to_sign, sizeof f->to_sign - 1, out);
	digest(f, f->outer, out, sizeof out, out);
	aps_hex(out, sizeof out, f->authorization + sizeof AUTHORIZATION - 1);
}

struct library_state {
	struct aps_sigv4_request request;
	struct aps_sigv4_options options;
	struct aps_sigv4_cache cache;
	struct aps_sigv4 out;
};

static void library_init(struct library_state *l)
{
	static const struct aps_header HEADERS[] = {{{"accept", 6}, {"application/json, text/javascript", 33}},
	                                            {{"content-type", 12}, {"application/json", 16}}};
	memset(l, 0, sizeof *l);
	l->request = (struct aps_sigv4_request){
	        APS_STR("POST"), APS_STR("https://" HOST "/graphql"), HEADERS, 2, {body, sizeof body}};
	aps_sigv4_options_init(&l->options, APS_STR("appsync"));
	l->options.region = APS_STR("us-east-1");
	l->options.access_key_id = APS_STR("AKIDEXAMPLE");
	l->options.secret_access_key = APS_STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
	l->options.now_s = 1717243200;
	aps_sigv4_init(&l->out);
}

/* CPU time, as os.clock() in sigv4_bench.lua: other work on the machine must not move only one side of a ratio. */
static double cpu_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double report(const char *name, double us[ROUNDS], long n)
{
	qsort(us, ROUNDS, sizeof us[0], compare);
	printf("%-36s %8.3f us/sign  (%.3f - %.3f, n=%ld x %d)\n", name, us[ROUNDS / 2], us[0], us[ROUNDS - 1], n,
	       ROUNDS);
	return us[ROUNDS / 2];
}

int main(void)
{
	static struct floor_state floor_;
	static struct library_state library;
	const char *text = getenv("N");
	long n = text != NULL ? atol(text) : 100000;
	double floor_us[ROUNDS], cached_us[ROUNDS], fresh_us[ROUNDS];
	for (size_t i = 0; i < sizeof body; i++) body[i] = (char)('a' + i % 26);
	if (n < 1) return 1;
	floor_init(&floor_);
	library_init(&library);
	for (int round = 0; round < ROUNDS; round++) {
		double start = cpu_s();
		for (long i = 0; i < n; i++) {
			body[i & 1023] = (char)('a' + i % 26);
			floor_sign(&floor_);
		}
		floor_us[round] = (cpu_s() - start) * 1e6 / (double)n;
		start = cpu_s();
		for (long i = 0; i < n; i++) {
			body[i & 1023] = (char)('a' + i % 26);
			if (aps_sigv4_sign(&library.request, &library.options, &library.cache, &library.out, NULL) !=
			    APS_OK)
				return 1;
		}
		cached_us[round] = (cpu_s() - start) * 1e6 / (double)n;
		start = cpu_s();
		for (long i = 0; i < n / 10 + 1; i++)
			if (aps_sigv4_sign(&library.request, &library.options, NULL, &library.out, NULL) != APS_OK)
				return 1;
		fresh_us[round] = (cpu_s() - start) * 1e6 / (double)(n / 10 + 1);
	}
	bool is_same = strcmp(floor_.authorization, library.out.authorization.p) == 0;
	double floor_median = report("floor: EVP digests only", floor_us, n);
	double cached = report("aps_sigv4_sign, cached key", cached_us, n);
	double fresh = report("aps_sigv4_sign, key derived anew", fresh_us, n / 10 + 1);
	printf("ratio to the floor: %.2f cached, %.2f derived; same result: %s\n", cached / floor_median,
	       fresh / floor_median, is_same ? "yes" : "NO");
	aps_sigv4_clear(&library.out);
	return is_same ? 0 : 1;
}

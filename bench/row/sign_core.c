/* Signing in the core: N times aps_sigv4_sign for the bodies in w5_bodies.ndjson, with the derived key kept from one
 * signature to the next; with the argument "fresh" it is derived anew for each. */
#include "auth/sigv4.h"
#include "measure.h"

#include <string.h>

#define HOST       "abcdefghijklmnopqrstuvwxyz.appsync-api.us-east-1.amazonaws.com"
#define MAX_BODIES 64

static const struct aps_header HEADERS[] = {{{"accept", 6}, {"application/json, text/javascript", 33}},
                                            {{"content-type", 12}, {"application/json", 16}}};

static void set_options(struct aps_sigv4_options *options)
{
	aps_sigv4_options_init(options, APS_STR("appsync"));
	options->region = APS_STR("us-east-1");
	options->access_key_id = APS_STR("AKIDEXAMPLE");
	options->secret_access_key = APS_STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
	options->now_s = 1717243200; /* 2024-06-01T12:00:00Z */
}

static const char *signature_of(const struct aps_sigv4 *out)
{
	const char *at = out->authorization.p ? strstr(out->authorization.p, "Signature=") : NULL;
	return at ? at + strlen("Signature=") : "none";
}

int main(int n_args, char **args)
{
	static struct aps_sigv4_cache cache;
	struct aps_sigv4_options options;
	struct aps_sigv4 out;
	bool is_fresh = n_args > 1 && strcmp(args[1], "fresh") == 0, ok = true;
	size_t n_bytes, n_bodies = 0;
	char *text = aps_row_data("w5_bodies.ndjson", &n_bytes), *rest = NULL;
	struct aps_sigv4_request requests[MAX_BODIES];
	long n = aps_row_count(100000);
	for (char *line = strtok_r(text, "\n", &rest); line && n_bodies < MAX_BODIES;
	     line = strtok_r(NULL, "\n", &rest))
		requests[n_bodies++] = (struct aps_sigv4_request){APS_STR("POST"), APS_STR("https://" HOST "/graphql"),
		                                                  HEADERS, 2, aps_str_of(line)};
	if (n_bodies == 0) return 2;
	set_options(&options);
	aps_sigv4_init(&out);
	struct aps_meter meter = aps_meter_start();
	for (long i = 0; i < n; i++)
		ok = aps_sigv4_sign(&requests[(size_t)i % n_bodies], &options, is_fresh ? NULL : &cache, &out, NULL) ==
		             APS_OK &&
		     ok;
	meter = aps_meter_stop(meter);
	ok = aps_sigv4_sign(&requests[0], &options, &cache, &out, NULL) == APS_OK && ok;
	aps_row_print(
	        &(struct aps_row){"w5-sigv4",
	                          is_fresh ? "LIB aps_sigv4_sign (C), key derived anew" : "LIB aps_sigv4_sign (C)", "-",
	                          "signs/s", n, signature_of(&out), ok},
	        meter);
	aps_sigv4_clear(&out);
	return ok ? 0 : 1;
}

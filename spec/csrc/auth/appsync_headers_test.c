/* Signatures: those of sigv4_test.c, whose requests these are. */
#include "auth/appsync_headers.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs setjmp, stdarg, stddef and stdint */
#include <cmocka.h>

#define HOST "example1234567890000.appsync-api.us-east-1.amazonaws.com"
#define DATA                                                                                                           \
	"{\"query\":\"subscription onCreateMessage {\\n onCreateMessage {\\n __typename\\n message\\n }\\n }\","       \
	"\"variables\":{}}"
#define CREDENTIAL   "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20200401/us-east-1/appsync/aws4_request, "
#define SIGNED_NAMES "SignedHeaders=accept;content-encoding;content-type;host;x-amz-date"
#define REALTIME_START                                                                                                 \
	"{\"accept\":\"application/json, text/javascript\",\"content-encoding\":\"amz-1.0\","                          \
	"\"content-type\":\"application/json; charset=UTF-8\",\"host\":\"" HOST                                        \
	"\",\"x-amz-date\":\"20200401T001010Z\","

static char ID[] = "AKIDEXAMPLE", KEY[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", TOKEN[] = "SESSIONTOKENEXAMPLE";

struct fixture {
	struct aps_arena arena;
	struct aps_header_list headers;
	struct aps_auth_material material;
	struct aps_appsync_signing signing;
	struct aps_sigv4_cache cache;
	struct aps_buf out;
	struct aps_err err;
};

static void init(struct fixture *f, enum aps_auth_mode mode, const char *secret)
{
	struct aps_given_iam_credentials c = {aps_str_of(ID), aps_str_of(KEY),
	                                      aps_str_of(secret != NULL ? TOKEN : NULL), 0};
	memset(f, 0, sizeof *f);
	aps_arena_init(&f->arena, 1 << 16);
	aps_header_list_init(&f->headers, &f->arena);
	aps_buf_init(&f->out, 1 << 16);
	assert_int_equal(aps_auth_material_init(&f->material, mode, aps_str_of(secret), &c, NULL), APS_OK);
	f->signing = (struct aps_appsync_signing){.endpoint = APS_STR("https://" HOST "/graphql"),
	                                          .region = APS_STR("us-east-1"),
	                                          .now_s = 1585699810,
	                                          .cache = &f->cache};
}

static void drop(struct fixture *f)
{
	aps_arena_clear(&f->arena);
	aps_buf_clear(&f->out);
	aps_auth_material_clear(&f->material);
}

static void clear(struct fixture *f)
{
	drop(f);
	assert_int_equal(aps_mem_live(), 0);
}

static void add(struct fixture *f, const char *name, const char *value)
{
	assert_int_equal(aps_header_list_add(&f->headers, aps_str_of(name), aps_str_of(value), &f->err), APS_OK);
}

static void expect_header(struct fixture *f, const char *name, const char *value)
{
	const struct aps_header *header = aps_header_list_find(&f->headers, name);
	assert_non_null(header);
	assert_string_equal(header->value.p, value);
}

static enum aps_rc http(struct fixture *f, const char *body)
{
	return aps_appsync_http_headers(&f->material, &f->signing, aps_str_of(body), &f->headers, &f->err);
}

static enum aps_rc realtime(struct fixture *f, enum aps_appsync_realtime_step step, const char *data)
{
	aps_buf_reset(&f->out);
	f->signing.extra = &f->headers;
	return aps_appsync_realtime_object(&f->material, &f->signing, step, aps_str_of(data), &f->out, &f->err);
}

static void each_mode_has_its_http_header(void **state)
{
	(void)state;
	static const struct {
		enum aps_auth_mode mode;
		const char *name;
	} ROWS[] = {{APS_AUTH_API_KEY, "x-api-key"},
	            {APS_AUTH_USER_POOLS, "authorization"},
	            {APS_AUTH_OIDC, "authorization"},
	            {APS_AUTH_LAMBDA, "authorization"}};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct fixture f;
		init(&f, ROWS[i].mode, "secret");
		assert_int_equal(http(&f, "{}"), APS_OK);
		assert_int_equal(f.headers.n_items, 1);
		expect_header(&f, ROWS[i].name, "secret");
		clear(&f);
	}
	struct fixture none;
	init(&none, APS_AUTH_NONE, NULL);
	assert_int_equal(http(&none, "{}"), APS_OK);
	assert_int_equal(none.headers.n_items, 0);
	clear(&none);
}

static void iam_signs_all_headers_over_the_body(void **state)
{
	(void)state;
	struct fixture f;
	init(&f, APS_AUTH_IAM, NULL);
	add(&f, "content-type", "application/json; charset=UTF-8");
	assert_int_equal(http(&f, "{\"query\":\"query Q { listPosts { items { id } } }\",\"variables\":{}}"), APS_OK);
	expect_header(&f, "x-amz-date", "20200401T001010Z");
	expect_header(&f, "authorization",
	              CREDENTIAL "SignedHeaders=content-type;host;x-amz-date, "
	                         "Signature=a4e95058712944d1643864344556588cb05ee43fbd46926410a396dacd9a6c3c");
	assert_int_equal(f.headers.n_items, 3);
	clear(&f);
}

static void iam_adds_the_session_token_and_keeps_a_date_that_was_given(void **state)
{
	(void)state;
	struct fixture f;
	init(&f, APS_AUTH_IAM, "token");
	add(&f, "X-Amz-Date", "20200401T001010Z");
	f.signing.service = APS_STR("execute-api");
	assert_int_equal(http(&f, "{}"), APS_OK);
	expect_header(&f, "x-amz-security-token", "SESSIONTOKENEXAMPLE");
	assert_int_equal(f.headers.n_items, 3);
	assert_non_null(strstr(aps_header_list_find(&f.headers, "authorization")->value.p,
	                       "/us-east-1/execute-api/aws4_request"));
	clear(&f);
}

static void the_callers_own_authorization_suppresses_the_modes(void **state)
{
	(void)state;
	static const char *const OWN[] = {"Authorization", "X-Api-Key"};
	static const enum aps_auth_mode MODES[] = {APS_AUTH_IAM, APS_AUTH_API_KEY, APS_AUTH_OIDC};
	for (size_t i = 0; i < APS_COUNTOF(OWN); i++)
		for (size_t k = 0; k < APS_COUNTOF(MODES); k++) {
			struct fixture f;
			init(&f, MODES[k], "secret");
			add(&f, OWN[i], "mine");
			assert_int_equal(http(&f, "{}"), APS_OK);
			assert_int_equal(f.headers.n_items, 1);
			expect_header(&f, OWN[i], "mine");
			clear(&f);
		}
}

static void empty_material_is_an_auth_error(void **state)
{
	(void)state;
	static const enum aps_auth_mode MODES[] = {APS_AUTH_IAM, APS_AUTH_API_KEY, APS_AUTH_OIDC};
	for (size_t k = 0; k < APS_COUNTOF(MODES); k++) {
		struct fixture f;
		init(&f, APS_AUTH_NONE, NULL);
		f.material.mode = MODES[k];
		assert_int_equal(http(&f, "{}"), APS_E_AUTH);
		assert_string_equal(f.err.word, "no_token");
		assert_int_equal(realtime(&f, APS_APPSYNC_CONNECT, "{}"), APS_E_AUTH);
		clear(&f);
	}
}

/* The signature is that of the same request to the host itself. */
static void a_host_among_the_headers_is_the_apis_and_signed(void **state)
{
	(void)state;
	static const char *const NAMES[] = {"host", "Host", "HOST"};
	for (size_t i = 0; i < APS_COUNTOF(NAMES); i++) {
		struct fixture own, told;
		init(&own, APS_AUTH_IAM, NULL);
		assert_int_equal(realtime(&own, APS_APPSYNC_START, DATA), APS_OK);
		init(&told, APS_AUTH_IAM, NULL);
		told.signing.endpoint = APS_STR("https://cdn.example:8443/graphql");
		add(&told, NAMES[i], " " HOST " ");
		told.signing.extra = &told.headers;
		assert_int_equal(realtime(&told, APS_APPSYNC_START, DATA), APS_OK);
		assert_true(aps_str_eq(aps_buf_str(&own.out), aps_buf_str(&told.out)));
		drop(&own);
		clear(&told);
		init(&told, APS_AUTH_API_KEY, "k");
		add(&told, NAMES[i], HOST);
		told.signing.extra = &told.headers;
		assert_int_equal(realtime(&told, APS_APPSYNC_CONNECT, "{}"), APS_OK);
		assert_string_equal(told.out.p, "{\"host\":\"" HOST "\",\"x-api-key\":\"k\"}");
		clear(&told);
	}
}

static void a_signing_that_fails_is_passed_on(void **state)
{
	(void)state;
	struct fixture f;
	init(&f, APS_AUTH_IAM, NULL);
	f.signing.region = APS_STR("");
	assert_int_equal(http(&f, "{}"), APS_E_USAGE);
	assert_string_equal(f.err.msg, "region: is missing");
	assert_int_equal(realtime(&f, APS_APPSYNC_CONNECT, "{}"), APS_E_USAGE);
	clear(&f);
}

static void each_mode_has_its_realtime_object(void **state)
{
	(void)state;
	static const struct {
		enum aps_auth_mode mode;
		const char *object;
	} ROWS[] = {{APS_AUTH_NONE, "{\"host\":\"" HOST "\"}"},
	            {APS_AUTH_API_KEY, "{\"host\":\"" HOST "\",\"x-api-key\":\"se\\\"cret\"}"},
	            {APS_AUTH_USER_POOLS, "{\"host\":\"" HOST "\",\"Authorization\":\"se\\\"cret\"}"},
	            {APS_AUTH_OIDC, "{\"host\":\"" HOST "\",\"Authorization\":\"se\\\"cret\"}"},
	            {APS_AUTH_LAMBDA, "{\"host\":\"" HOST "\",\"Authorization\":\"se\\\"cret\"}"}};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct fixture f;
		init(&f, ROWS[i].mode, "se\"cret");
		assert_int_equal(realtime(&f, APS_APPSYNC_CONNECT, "{}"), APS_OK);
		assert_string_equal(f.out.p, ROWS[i].object);
		assert_int_equal(realtime(&f, APS_APPSYNC_START, DATA), APS_OK);
		assert_string_equal(f.out.p, ROWS[i].object);
		clear(&f);
	}
}

static void iam_signs_connect_and_start_at_their_own_paths(void **state)
{
	(void)state;
	struct fixture f;
	init(&f, APS_AUTH_IAM, NULL);
	assert_int_equal(realtime(&f, APS_APPSYNC_CONNECT, "{}"), APS_OK);
	assert_string_equal(f.out.p, REALTIME_START
	                    "\"Authorization\":\"" CREDENTIAL SIGNED_NAMES
	                    ", Signature=2f5e7fe25b88c59d1268241cb5f9f153b5b0f89b972aae457542a00969ea352e\"}");
	assert_int_equal(realtime(&f, APS_APPSYNC_START, DATA), APS_OK);
	assert_string_equal(f.out.p, REALTIME_START
	                    "\"Authorization\":\"" CREDENTIAL SIGNED_NAMES
	                    ", Signature=4d416cbd6fd3325876ea20bc0a931b003c6f1bb26b11f5838a29b9dd1cc9f4c0\"}");
	clear(&f);
	init(&f, APS_AUTH_IAM, "with a session token");
	assert_int_equal(realtime(&f, APS_APPSYNC_CONNECT, "{}"), APS_OK);
	assert_string_equal(
	        f.out.p, REALTIME_START
	        "\"x-amz-security-token\":\"SESSIONTOKENEXAMPLE\",\"Authorization\":\"" CREDENTIAL SIGNED_NAMES
	        ";x-amz-security-token, "
	        "Signature=6ad60a816b795e29a996e88ea2161935bf85dded2b9dc6f6b0ec05fa4f6ab378\"}");
	clear(&f);
}

static void further_headers_come_after_signing_and_never_replace_what_was_signed(void **state)
{
	(void)state;
	struct fixture f;
	init(&f, APS_AUTH_IAM, NULL);
	add(&f, "x-amz-user-agent", "old");
	add(&f, "Accept", "text/plain");
	add(&f, "X-Amz-User-Agent", "lua-appsync");
	assert_int_equal(realtime(&f, APS_APPSYNC_CONNECT, "{}"), APS_OK);
	assert_string_equal(f.out.p, REALTIME_START
	                    "\"Authorization\":\"" CREDENTIAL SIGNED_NAMES
	                    ", Signature=2f5e7fe25b88c59d1268241cb5f9f153b5b0f89b972aae457542a00969ea352e\","
	                    "\"X-Amz-User-Agent\":\"lua-appsync\"}");
	clear(&f);
}

static void the_callers_own_authorization_stands_in_the_realtime_object(void **state)
{
	(void)state;
	static const enum aps_auth_mode MODES[] = {APS_AUTH_IAM, APS_AUTH_API_KEY, APS_AUTH_OIDC, APS_AUTH_NONE};
	for (size_t i = 0; i < APS_COUNTOF(MODES); i++) {
		struct fixture f;
		init(&f, MODES[i], "secret");
		add(&f, "authorization", "mine");
		assert_int_equal(realtime(&f, APS_APPSYNC_START, DATA), APS_OK);
		assert_string_equal(f.out.p, "{\"host\":\"" HOST "\",\"authorization\":\"mine\"}");
		clear(&f);
	}
}

static void the_query_of_the_endpoint_stays_behind_the_path(void **state)
{
	(void)state;
	struct fixture with, without;
	init(&with, APS_AUTH_IAM, NULL);
	init(&without, APS_AUTH_IAM, NULL);
	with.signing.endpoint = APS_STR("https://" HOST "/graphql?stage=1");
	assert_int_equal(realtime(&with, APS_APPSYNC_CONNECT, "{}"), APS_OK);
	assert_int_equal(realtime(&without, APS_APPSYNC_CONNECT, "{}"), APS_OK);
	assert_string_not_equal(with.out.p, without.out.p);
	aps_buf_clear(&with.out);
	aps_arena_clear(&with.arena);
	aps_auth_material_clear(&with.material);
	clear(&without);
}

static void an_endpoint_without_a_host_is_refused(void **state)
{
	(void)state;
	struct fixture f;
	init(&f, APS_AUTH_API_KEY, "secret");
	f.signing.endpoint = APS_STR("/graphql");
	assert_int_equal(realtime(&f, APS_APPSYNC_CONNECT, "{}"), APS_E_USAGE);
	assert_string_equal(f.err.msg, "endpoint: has no host");
	clear(&f);
}

static void every_failed_allocation_is_told(void **state)
{
	(void)state;
	bool succeeded = false;
	for (size_t nth = 1; !succeeded; nth++) {
		struct fixture f;
		init(&f, APS_AUTH_IAM, "token");
		aps_mem_fail_at(nth);
		enum aps_rc rc = http(&f, "{}");
		if (rc == APS_OK) rc = realtime(&f, APS_APPSYNC_CONNECT, "{}");
		aps_mem_fail_at(0);
		succeeded = rc == APS_OK;
		/* The HTTP headers carry an authorization, so the object carries none and nothing else can be missing.
		 */
		if (!succeeded) assert_int_equal(rc, APS_E_NOMEM);
		clear(&f);
		assert_true(nth < 100);
	}
	succeeded = false;
	for (size_t nth = 1; !succeeded; nth++) {
		struct fixture f;
		init(&f, APS_AUTH_IAM, "token");
		aps_mem_fail_at(nth);
		enum aps_rc rc = realtime(&f, APS_APPSYNC_CONNECT, "{}");
		aps_mem_fail_at(0);
		succeeded = rc == APS_OK;
		if (!succeeded) assert_int_equal(rc, APS_E_NOMEM);
		clear(&f);
		assert_true(nth < 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_mode_has_its_http_header),
	        cmocka_unit_test(iam_signs_all_headers_over_the_body),
	        cmocka_unit_test(iam_adds_the_session_token_and_keeps_a_date_that_was_given),
	        cmocka_unit_test(the_callers_own_authorization_suppresses_the_modes),
	        cmocka_unit_test(empty_material_is_an_auth_error),
	        cmocka_unit_test(a_host_among_the_headers_is_the_apis_and_signed),
	        cmocka_unit_test(a_signing_that_fails_is_passed_on),
	        cmocka_unit_test(each_mode_has_its_realtime_object),
	        cmocka_unit_test(iam_signs_connect_and_start_at_their_own_paths),
	        cmocka_unit_test(further_headers_come_after_signing_and_never_replace_what_was_signed),
	        cmocka_unit_test(the_callers_own_authorization_stands_in_the_realtime_object),
	        cmocka_unit_test(the_query_of_the_endpoint_stays_behind_the_path),
	        cmocka_unit_test(an_endpoint_without_a_host_is_refused),
	        cmocka_unit_test(every_failed_allocation_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

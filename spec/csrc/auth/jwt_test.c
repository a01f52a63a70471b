#include "auth/jwt.h"
#include "base/mem.h"
#include "codec/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka needs setjmp, stdarg, stddef and stdint */
#include <cmocka.h>

/* header.payload.signature of these texts; freed by the caller. */
static char *make(const char *header, const char *payload, const char *signature)
{
	struct aps_buf out;
	aps_buf_init(&out, 1 << 16);
	aps_base64_encode(&out, aps_str_of(header), APS_BASE64_URL);
	aps_buf_add_byte(&out, '.');
	aps_base64_encode(&out, aps_str_of(payload), APS_BASE64_URL);
	aps_buf_add_byte(&out, '.');
	aps_base64_encode(&out, aps_str_of(signature), APS_BASE64_URL);
	return aps_buf_take(&out, NULL);
}

static bool times_of(const char *payload, struct aps_jwt_times *times)
{
	char *token = make("{\"alg\":\"none\"}", payload, "sig");
	bool is_jwt = aps_jwt_times(aps_str_of(token), times);
	aps_free(token);
	return is_jwt;
}

static void the_times_of_a_token_are_read(void **state)
{
	(void)state;
	struct aps_jwt_times times;
	assert_true(times_of("{\"sub\":\"u\",\"cognito:groups\":[{\"exp\":1}],\"iat\":1600000000,\"exp\":1600003600}",
	                     &times));
	assert_int_equal(times.exp_s, 1600003600);
	assert_int_equal(times.iat_s, 1600000000);
	/* RFC 7519 section 4.1.1: alg HS256, exp 1300819380 */
	assert_true(aps_jwt_times(aps_str_of("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
	                                     "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl"
	                                     "LmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
	                          &times));
	assert_int_equal(times.exp_s, 1300819380);
	assert_int_equal(times.iat_s, 0);
}

static void fractions_are_cut_and_what_is_no_date_counts_as_missing(void **state)
{
	(void)state;
	static const struct {
		const char *payload;
		int64_t exp_s;
	} ROWS[] = {{"{\"exp\":1600003600.75}", 1600003600},
	            {"{\"exp\":1.6e9}", 1600000000},
	            {"{\"exp\":-5}", 0},
	            {"{\"exp\":\"1600003600\"}", 0},
	            {"{\"exp\":null}", 0},
	            {"{\"exp\":1e300}", 0},
	            {"{\"exp\":99999999999999999999}", 0},
	            {"{\"exp\":{\"exp\":7}}", 0},
	            {"{\"exp\":[7]}", 0},
	            {"{\"exp\":9223372036854775807}", 0},
	            {"{}", 0}};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_jwt_times times;
		assert_true(times_of(ROWS[i].payload, &times));
		assert_int_equal(times.exp_s, ROWS[i].exp_s);
	}
}

static void a_bearer_prefix_is_passed_over(void **state)
{
	(void)state;
	struct aps_jwt_times times;
	char *token = make("{}", "{\"exp\":5}", "");
	char text[200];
	snprintf(text, sizeof text, "bearer %s", token);
	assert_true(aps_jwt_times(aps_str_of(text), &times));
	assert_int_equal(times.exp_s, 5);
	aps_free(token);
}

static void other_texts_are_no_tokens(void **state)
{
	(void)state;
	static const char *const TEXTS[] = {"",
	                                    "a",
	                                    "a.b",
	                                    "a.b.c",
	                                    "e30.e30",
	                                    "e30.e30.a.b",
	                                    "e30.W10.",
	                                    "W10.e30.",
	                                    "e30.e30.***",
	                                    "e30.***.",
	                                    "custom-lambda-token",
	                                    "e30.e30e30.",
	                                    "Bearer ",
	                                    "e30..",
	                                    "..",
	                                    "e30.e30.!"};
	for (size_t i = 0; i < APS_COUNTOF(TEXTS); i++) {
		struct aps_jwt_times times = {1, 1};
		assert_false(aps_jwt_times(aps_str_of(TEXTS[i]), &times));
		assert_int_equal(times.exp_s, 0);
	}
}

static void the_claims_are_the_text_that_the_token_carries(void **state)
{
	(void)state;
	struct aps_buf json;
	struct aps_err err;
	aps_buf_init(&json, 1000);
	assert_int_equal(aps_jwt_claims(APS_STR("e30.eyJhIiA6MX0."), &json, &err), APS_OK);
	assert_string_equal(json.p, "{\"a\" :1}");
	assert_int_equal(aps_jwt_claims(APS_STR("nothing"), &json, &err), APS_E_SYNTAX);
	assert_string_equal(err.msg, "not a JSON Web Token");
	aps_buf_clear(&json);
	aps_buf_init(&json, 3);
	assert_int_equal(aps_jwt_claims(APS_STR("e30.eyJhIiA6MX0."), &json, &err), APS_E_TOO_BIG);
	aps_buf_clear(&json);
}

static void a_failed_allocation_is_told(void **state)
{
	(void)state;
	struct aps_buf json;
	struct aps_jwt_times times;
	aps_buf_init(&json, 1000);
	for (size_t nth = 1; nth <= 2; nth++) {
		aps_mem_fail_at(nth);
		assert_int_equal(aps_jwt_claims(APS_STR("e30.eyJhIiA6MX0."), &json, NULL), APS_E_NOMEM);
		aps_mem_fail_at(0);
		aps_buf_clear(&json);
	}
	aps_mem_fail_at(1);
	assert_false(aps_jwt_times(APS_STR("e30.eyJhIiA6MX0."), &times));
	aps_mem_fail_at(0);
	assert_int_equal(aps_mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_times_of_a_token_are_read),
	        cmocka_unit_test(fractions_are_cut_and_what_is_no_date_counts_as_missing),
	        cmocka_unit_test(a_bearer_prefix_is_passed_over),
	        cmocka_unit_test(other_texts_are_no_tokens),
	        cmocka_unit_test(the_claims_are_the_text_that_the_token_carries),
	        cmocka_unit_test(a_failed_allocation_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

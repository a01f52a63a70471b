#include "auth/material.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
/* cmocka needs setjmp, stdarg, stddef and stdint */
#include <cmocka.h>

/* Claims {"iat":1600000000,"exp":1600003600} */
#define JWT "e30.eyJpYXQiOjE2MDAwMDAwMDAsImV4cCI6MTYwMDAwMzYwMH0."

static void modes_have_the_names_of_the_service(void **state)
{
	(void)state;
	static const char *const NAMES[] = {"NONE",           "API_KEY",   "AWS_IAM", "AMAZON_COGNITO_USER_POOLS",
	                                    "OPENID_CONNECT", "AWS_LAMBDA"};
	for (size_t i = 0; i < APS_COUNTOF(NAMES); i++) {
		enum aps_auth_mode mode;
		assert_string_equal(aps_auth_mode_name((enum aps_auth_mode)i), NAMES[i]);
		assert_true(aps_auth_mode_find(aps_str_of(NAMES[i]), &mode));
		assert_int_equal(mode, i);
	}
	enum aps_auth_mode mode;
	assert_false(aps_auth_mode_find(APS_STR("api_key"), &mode));
	assert_false(aps_auth_mode_find(APS_STR(""), &mode));
	assert_string_equal(aps_auth_mode_name(APS_AUTH_MODE_COUNT), "UNKNOWN");
}

static void each_mode_keeps_a_copy_of_what_it_needs(void **state)
{
	(void)state;
	static const enum aps_auth_mode MODES[] = {APS_AUTH_API_KEY, APS_AUTH_USER_POOLS, APS_AUTH_OIDC,
	                                           APS_AUTH_LAMBDA};
	for (size_t i = 0; i < APS_COUNTOF(MODES); i++) {
		struct aps_auth_material m;
		assert_int_equal(aps_auth_material_init(&m, MODES[i], APS_STR(JWT), NULL, NULL), APS_OK);
		assert_string_equal(m.secret, JWT);
		bool has_times = MODES[i] != APS_AUTH_API_KEY;
		assert_int_equal(m.expires_ms, has_times ? INT64_C(1600003600000) : 0);
		assert_int_equal(m.issued_ms, has_times ? INT64_C(1600000000000) : 0);
		aps_auth_material_clear(&m);
		aps_auth_material_clear(&m);
		assert_null(m.secret);
	}
	struct aps_auth_material none;
	assert_int_equal(aps_auth_material_init(&none, APS_AUTH_NONE, APS_STR("x"), NULL, NULL), APS_OK);
	assert_null(none.secret);
	assert_int_equal(aps_mem_live(), 0);
}

static void a_token_that_is_no_jwt_has_no_end(void **state)
{
	(void)state;
	struct aps_auth_material m;
	assert_int_equal(aps_auth_material_init(&m, APS_AUTH_LAMBDA, APS_STR("custom"), NULL, NULL), APS_OK);
	assert_int_equal(m.expires_ms, 0);
	aps_auth_material_clear(&m);
}

static void credentials_are_copied_with_their_end(void **state)
{
	(void)state;
	struct aps_auth_material m;
	struct aps_given_iam_credentials c = {APS_STR("AKID"), APS_STR("secret"), APS_STR("session"), 12345};
	assert_int_equal(aps_auth_material_init(&m, APS_AUTH_IAM, APS_STR(""), &c, NULL), APS_OK);
	assert_string_equal(m.credentials.access_key_id, "AKID");
	assert_string_equal(m.credentials.secret_access_key, "secret");
	assert_string_equal(m.credentials.session_token, "session");
	assert_int_equal(m.expires_ms, 12345);
	aps_auth_material_clear(&m);
	c.session_token = APS_STR("");
	assert_int_equal(aps_auth_material_init(&m, APS_AUTH_IAM, APS_STR(""), &c, NULL), APS_OK);
	assert_null(m.credentials.session_token);
	aps_auth_material_clear(&m);
}

static void expect_refused(enum aps_auth_mode mode, struct aps_str secret, const struct aps_given_iam_credentials *c,
                           const char *message)
{
	struct aps_auth_material m = {.expires_ms = 77};
	struct aps_err err;
	assert_int_not_equal(aps_auth_material_init(&m, mode, secret, c, &err), APS_OK);
	assert_string_equal(err.msg, message);
	assert_int_equal(m.expires_ms, 77);
	assert_int_equal(aps_mem_live(), 0);
}

static void unusable_values_are_refused_and_named_but_never_shown(void **state)
{
	(void)state;
	struct aps_given_iam_credentials c = {.secret_access_key = APS_STR("secret")};
	expect_refused(APS_AUTH_API_KEY, APS_STR(""), NULL, "the API key is empty");
	expect_refused(APS_AUTH_OIDC, APS_STR("a\r\nb"), NULL,
	               "the token contains a control character or one beyond ASCII");
	expect_refused(APS_AUTH_LAMBDA, APS_STR("a\0b"), NULL,
	               "the token contains a control character or one beyond ASCII");
	static const struct aps_str UNUSABLE[] = {
	        {"a\0b", 3}, {"a\x1b", 2}, {"a\tb", 3}, {"a\x7f", 2}, {"\xc3\xa9", 2}};
	for (size_t i = 0; i < APS_COUNTOF(UNUSABLE); i++) {
		struct aps_str good = APS_STR("good"), bad = UNUSABLE[i];
		const struct aps_given_iam_credentials each[] = {
		        {bad, good, good, 0}, {good, bad, good, 0}, {good, good, bad, 0}};
		static const char *const NAMES[] = {"access key id", "secret access key", "session token"};
		for (size_t k = 0; k < APS_COUNTOF(each); k++) {
			char message[80];
			snprintf(message, sizeof message, "the %s contains a control character or one beyond ASCII",
			         NAMES[k]);
			expect_refused(APS_AUTH_IAM, APS_STR(""), &each[k], message);
		}
		expect_refused(APS_AUTH_API_KEY, bad, NULL,
		               "the API key contains a control character or one beyond ASCII");
	}
	expect_refused(APS_AUTH_IAM, APS_STR(""), NULL, "AWS_IAM needs credentials");
	expect_refused(APS_AUTH_IAM, APS_STR(""), &c, "the access key id is empty");
	c = (struct aps_given_iam_credentials){.access_key_id = APS_STR("AKID")};
	expect_refused(APS_AUTH_IAM, APS_STR(""), &c, "the secret access key is empty");
	c = (struct aps_given_iam_credentials){APS_STR("AKID"), APS_STR("secret"), APS_STR("a\nb"), 0};
	expect_refused(APS_AUTH_IAM, APS_STR(""), &c,
	               "the session token contains a control character or one beyond ASCII");
	expect_refused(APS_AUTH_MODE_COUNT, APS_STR("x"), NULL, "unknown authorization mode");
}

static void a_token_that_no_server_takes_is_refused_by_its_length(void **state)
{
	(void)state;
	size_t n = APS_AUTH_MAX_BYTES + 1;
	char *token = aps_malloc(n);
	memset(token, 'x', n);
	struct aps_auth_material m;
	struct aps_err err;
	assert_int_equal(aps_auth_material_init(&m, APS_AUTH_LAMBDA, (struct aps_str){token, n}, NULL, &err),
	                 APS_E_AUTH);
	assert_string_equal(aps_err_word(&err), "too_long");
	assert_int_equal(aps_auth_material_init(&m, APS_AUTH_LAMBDA, (struct aps_str){token, n - 1}, NULL, &err),
	                 APS_OK);
	aps_auth_material_clear(&m);
	aps_free(token);
}

static void a_failed_allocation_leaves_nothing_behind(void **state)
{
	(void)state;
	struct aps_given_iam_credentials c = {APS_STR("AKID"), APS_STR("secret"), APS_STR("session"), 0};
	for (size_t nth = 1; nth <= 3; nth++) {
		struct aps_auth_material m;
		aps_mem_fail_at(nth);
		assert_int_equal(aps_auth_material_init(&m, APS_AUTH_IAM, APS_STR(""), &c, NULL), APS_E_NOMEM);
		aps_mem_fail_at(0);
		assert_int_equal(aps_mem_live(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(modes_have_the_names_of_the_service),
	        cmocka_unit_test(each_mode_keeps_a_copy_of_what_it_needs),
	        cmocka_unit_test(a_token_that_is_no_jwt_has_no_end),
	        cmocka_unit_test(credentials_are_copied_with_their_end),
	        cmocka_unit_test(unusable_values_are_refused_and_named_but_never_shown),
	        cmocka_unit_test(a_token_that_no_server_takes_is_refused_by_its_length),
	        cmocka_unit_test(a_failed_allocation_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

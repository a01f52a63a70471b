#include "auth/material.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs setjmp, stdarg, stddef and stdint */
#include <cmocka.h>

/* Claims {"iat":1600000000,"exp":1600003600} */
#define JWT "e30.eyJpYXQiOjE2MDAwMDAwMDAsImV4cCI6MTYwMDAwMzYwMH0."

static char ID[] = "AKID", KEY[] = "secret", TOKEN[] = "session", EMPTY[] = "", BROKEN[] = "a\nb";

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
	struct aps_credentials c = {ID, KEY, TOKEN, 12345};
	assert_int_equal(aps_auth_material_init(&m, APS_AUTH_IAM, APS_STR(""), &c, NULL), APS_OK);
	assert_string_equal(m.credentials.access_key_id, "AKID");
	assert_string_equal(m.credentials.secret_access_key, "secret");
	assert_string_equal(m.credentials.session_token, "session");
	assert_int_equal(m.expires_ms, 12345);
	aps_auth_material_clear(&m);
	c.session_token = EMPTY;
	assert_int_equal(aps_auth_material_init(&m, APS_AUTH_IAM, APS_STR(""), &c, NULL), APS_OK);
	assert_null(m.credentials.session_token);
	aps_auth_material_clear(&m);
}

static void expect_refused(enum aps_auth_mode mode, struct aps_str secret, const struct aps_credentials *c,
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
	struct aps_credentials c = {EMPTY, KEY, NULL, 0};
	expect_refused(APS_AUTH_API_KEY, APS_STR(""), NULL, "the API key is empty");
	expect_refused(APS_AUTH_OIDC, APS_STR("a\r\nb"), NULL, "the token contains a line break or a zero byte");
	expect_refused(APS_AUTH_LAMBDA, APS_STR("a\0b"), NULL, "the token contains a line break or a zero byte");
	expect_refused(APS_AUTH_IAM, APS_STR(""), NULL, "AWS_IAM needs credentials");
	expect_refused(APS_AUTH_IAM, APS_STR(""), &c, "the access key id is empty");
	c = (struct aps_credentials){ID, NULL, NULL, 0};
	expect_refused(APS_AUTH_IAM, APS_STR(""), &c, "the secret access key is empty");
	c = (struct aps_credentials){ID, KEY, BROKEN, 0};
	expect_refused(APS_AUTH_IAM, APS_STR(""), &c, "the session token contains a line break or a zero byte");
	expect_refused(APS_AUTH_MODE_COUNT, APS_STR("x"), NULL, "unknown authorization mode");
}

static void a_failed_allocation_leaves_nothing_behind(void **state)
{
	(void)state;
	struct aps_credentials c = {ID, KEY, TOKEN, 0};
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
	        cmocka_unit_test(a_failed_allocation_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

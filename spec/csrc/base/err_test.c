#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka needs the four above */
#include <cmocka.h>

static void every_code_has_a_name_and_a_kind(void **state)
{
	(void)state;
	for (int code = APS_OK; code < APS_RC_COUNT; code++) {
		assert_non_null(aps_rc_name((enum aps_rc)code));
		assert_true(aps_rc_kind((enum aps_rc)code)[0] != '\0');
	}
	assert_string_equal(aps_rc_name(APS_E_NETWORK), "E_NETWORK");
	assert_string_equal(aps_rc_kind(APS_E_TLS), "network");
	assert_string_equal(aps_rc_kind(APS_E_NOMEM), "system");
	assert_string_equal(aps_rc_kind(APS_E_CRYPTO), "system"); /* libcrypto refuses where memory is out */
	assert_string_equal(aps_rc_name(APS_RC_COUNT), "E_UNKNOWN");
	assert_string_equal(aps_rc_kind(APS_RC_COUNT), "protocol");
}

static void failing_fills_all_fields(void **state)
{
	(void)state;
	struct aps_err err;
	memset(&err, 0xff, sizeof err);
	assert_int_equal(aps_fail(&err, APS_E_NETWORK, "no %s", "route"), APS_E_NETWORK);
	assert_int_equal(err.code, APS_E_NETWORK);
	assert_true(err.retryable);
	assert_false(err.sent);
	assert_int_equal(err.native, 0);
	assert_null(aps_err_word(&err));
	assert_string_equal(err.msg, "no route");
	assert_int_equal(aps_fail_word(&err, APS_E_TLS, "expired", 60, "x"), APS_E_TLS);
	assert_false(err.retryable);
	assert_int_equal(err.native, 60);
	assert_string_equal(aps_err_word(&err), "expired");
	aps_fail(&err, APS_E_TLS, "x");
	assert_string_equal(aps_err_word(&err), "tls");
	assert_int_equal(aps_fail(NULL, APS_E_TLS, "x"), APS_E_TLS);
	assert_int_equal(aps_fail_word(NULL, APS_E_TLS, "w", 1, "x"), APS_E_TLS);
	aps_err_clear(&err);
	assert_int_equal(err.code, APS_OK);
}

static void a_message_is_one_bounded_line(void **state)
{
	(void)state;
	struct aps_err err;
	char text[600];
	memset(text, 'a', sizeof text);
	text[sizeof text - 1] = '\0';
	aps_fail(&err, APS_E_USAGE, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
	aps_fail(&err, APS_E_USAGE, "a\nb\tc\x7f");
	assert_string_equal(err.msg, "a?b?c?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_code_has_a_name_and_a_kind),
	        cmocka_unit_test(failing_fills_all_fields),
	        cmocka_unit_test(a_message_is_one_bounded_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

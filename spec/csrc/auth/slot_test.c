/* Every row of the slot's table: what state it is in, what happens, what it says. */
#include "auth/slot.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs setjmp, stdarg, stddef and stdint */
#include <cmocka.h>

#define T0   INT64_C(1600000000000)
#define HOUR INT64_C(3600000)

static void put(struct aps_auth_slot *slot, int64_t issued_ms, int64_t expires_ms)
{
	struct aps_auth_material m;
	struct aps_given_iam_credentials c = {APS_STR("AKID"), APS_STR("secret"), APS_STR(""), expires_ms};
	assert_int_equal(aps_auth_material_init(&m, slot->mode, APS_STR("opaque"), &c, NULL), APS_OK);
	m.issued_ms = issued_ms;
	m.expires_ms = expires_ms;
	aps_auth_slot_set(slot, &m);
	assert_null(m.secret);
}

static struct aps_auth_slot make(enum aps_auth_mode mode, bool is_dynamic)
{
	struct aps_auth_slot slot;
	aps_auth_slot_init(&slot, mode, is_dynamic);
	return slot;
}

#define EXPECT(call, verdict) assert_int_equal((call), APS_SLOT_##verdict)
#define EXPECT_FAIL(slot, call, wanted)                                                                                \
	do {                                                                                                           \
		assert_int_equal((call), APS_SLOT_FAIL);                                                               \
		assert_int_equal((slot).err.code, APS_E_AUTH);                                                         \
		assert_string_equal((slot).err.word, wanted);                                                          \
	} while (0)

static void no_authorization_is_always_good_until_the_service_asks_for_some(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_NONE, true);
	EXPECT(aps_auth_slot_use(&slot, T0), USE);
	EXPECT_FAIL(slot, aps_auth_slot_refused(&slot, 0, T0), "unauthorized");
	aps_auth_slot_clear(&slot);
	EXPECT(aps_auth_slot_use(&slot, T0), USE);
}

static void static_material_is_used_until_it_expires(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_IAM, false);
	EXPECT_FAIL(slot, aps_auth_slot_use(&slot, T0), "no_credentials");
	put(&slot, 0, T0 + HOUR);
	EXPECT(aps_auth_slot_use(&slot, T0), USE);
	EXPECT(aps_auth_slot_use(&slot, T0 + HOUR - 1), USE);
	EXPECT_FAIL(slot, aps_auth_slot_use(&slot, T0 + HOUR), "credentials_expired");
	aps_auth_slot_clear(&slot);
	aps_auth_slot_clear(&slot);
	assert_int_equal(aps_mem_live(), 0);
}

static void each_static_mode_has_its_own_words(void **state)
{
	(void)state;
	static const struct {
		enum aps_auth_mode mode;
		const char *missing, *expired, *refused;
	} ROWS[] = {{APS_AUTH_API_KEY, "no_api_key", "api_key_expired", "api_key_refused"},
	            {APS_AUTH_IAM, "no_credentials", "credentials_expired", "credentials_refused"},
	            {APS_AUTH_USER_POOLS, "no_token", "token_expired", "token_refused"},
	            {APS_AUTH_OIDC, "no_token", "token_expired", "token_refused"},
	            {APS_AUTH_LAMBDA, "no_token", "token_expired", "token_refused"}};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_auth_slot slot = make(ROWS[i].mode, false);
		EXPECT_FAIL(slot, aps_auth_slot_use(&slot, T0), ROWS[i].missing);
		put(&slot, 0, T0 + 1);
		EXPECT_FAIL(slot, aps_auth_slot_refused(&slot, slot.generation, T0), ROWS[i].refused);
		EXPECT(aps_auth_slot_use(&slot, T0), USE);
		EXPECT_FAIL(slot, aps_auth_slot_use(&slot, T0 + 1), ROWS[i].expired);
		assert_null(strstr(slot.err.msg, "opaque"));
		aps_auth_slot_clear(&slot);
	}
}

static void material_without_an_end_is_never_renewed(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_LAMBDA, true);
	EXPECT(aps_auth_slot_use(&slot, T0), ASK);
	put(&slot, 0, 0);
	EXPECT(aps_auth_slot_use(&slot, T0 + 1000 * HOUR), USE);
	aps_auth_slot_clear(&slot);
}

static void the_first_request_asks_and_the_others_wait(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	EXPECT(aps_auth_slot_use(&slot, T0), ASK);
	assert_int_equal(slot.reason, APS_SLOT_FIRST);
	EXPECT(aps_auth_slot_use(&slot, T0 + 1), WAIT);
	put(&slot, T0, T0 + HOUR);
	assert_int_equal(slot.generation, 1);
	EXPECT(aps_auth_slot_use(&slot, T0 + 2), USE);
	aps_auth_slot_clear(&slot);
}

static void credentials_are_renewed_in_the_background_five_minutes_ahead(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_IAM, true);
	EXPECT(aps_auth_slot_use(&slot, T0), ASK);
	put(&slot, 0, T0 + HOUR);
	EXPECT(aps_auth_slot_use(&slot, T0 + HOUR - 300001), USE);
	EXPECT(aps_auth_slot_use(&slot, T0 + HOUR - 300000), USE_AND_ASK);
	assert_int_equal(slot.reason, APS_SLOT_EXPIRED);
	EXPECT(aps_auth_slot_use(&slot, T0 + HOUR - 299999), USE);
	EXPECT(aps_auth_slot_use(&slot, T0 + HOUR), WAIT);
	put(&slot, 0, T0 + 2 * HOUR);
	EXPECT(aps_auth_slot_use(&slot, T0 + HOUR), USE);
	aps_auth_slot_clear(&slot);
}

static void tokens_are_renewed_a_tenth_of_their_life_ahead_but_not_more_than_five_minutes(void **state)
{
	(void)state;
	static const struct {
		int64_t issued_ms, life_ms, ahead_ms; /* issued 0: unknown, then it counts from the asking */
	} ROWS[] = {{T0, HOUR, 300000},
	            {T0, 600000, 60000},
	            {0, 600000, 60000},
	            {0, 24 * HOUR, 300000},
	            {T0 + 9 * HOUR, HOUR, 300000}};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_auth_slot slot = make(APS_AUTH_USER_POOLS, true);
		EXPECT(aps_auth_slot_use(&slot, T0), ASK);
		put(&slot, ROWS[i].issued_ms, T0 + ROWS[i].life_ms);
		int64_t at = T0 + ROWS[i].life_ms - ROWS[i].ahead_ms;
		EXPECT(aps_auth_slot_use(&slot, at - 1), USE);
		EXPECT(aps_auth_slot_use(&slot, at), USE_AND_ASK);
		aps_auth_slot_clear(&slot);
	}
}

static void a_token_given_beforehand_is_renewed_without_having_been_asked_for(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_USER_POOLS, true);
	put(&slot, 0, T0 + HOUR);
	EXPECT(aps_auth_slot_use(&slot, T0 + HOUR - 300001), USE);
	EXPECT(aps_auth_slot_use(&slot, T0 + HOUR - 300000), USE_AND_ASK);
	aps_auth_slot_clear(&slot);
}

static void a_function_that_gives_short_lived_material_is_not_asked_for_each_request(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_IAM, true);
	EXPECT(aps_auth_slot_use(&slot, T0), ASK);
	put(&slot, 0, T0 + 60000);
	EXPECT(aps_auth_slot_use(&slot, T0 + 29999), USE);
	EXPECT(aps_auth_slot_use(&slot, T0 + 30000), USE_AND_ASK);
	aps_auth_slot_clear(&slot);
}

static void expired_material_is_renewed_before_the_request(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	put(&slot, T0, T0 + HOUR);
	EXPECT(aps_auth_slot_use(&slot, T0 + HOUR), ASK);
	assert_int_equal(slot.reason, APS_SLOT_EXPIRED);
	EXPECT(aps_auth_slot_use(&slot, T0 + HOUR), WAIT);
	aps_auth_slot_clear(&slot);
}

static void a_function_that_gives_expired_material_fails_everyone_for_a_while(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	EXPECT(aps_auth_slot_use(&slot, T0), ASK);
	put(&slot, 0, T0 - HOUR);
	EXPECT_FAIL(slot, aps_auth_slot_use(&slot, T0 + 1), "token_expired");
	EXPECT_FAIL(slot, aps_auth_slot_use(&slot, T0 + 1999), "token_expired");
	EXPECT(aps_auth_slot_use(&slot, T0 + 2000), ASK);
	aps_auth_slot_clear(&slot);
}

static void a_failed_first_renewal_answers_newcomers_then_is_tried_again(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	struct aps_err err;
	aps_fail_word(&err, APS_E_AUTH, "signed_out", 0, "nobody is signed in");
	EXPECT(aps_auth_slot_use(&slot, T0), ASK);
	aps_auth_slot_fail(&slot, &err, T0);
	EXPECT_FAIL(slot, aps_auth_slot_use(&slot, T0 + 1999), "signed_out");
	EXPECT(aps_auth_slot_use(&slot, T0 + 2000), ASK);
	assert_int_equal(slot.reason, APS_SLOT_FIRST);
}

static void a_failed_background_renewal_keeps_what_is_good(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_IAM, true);
	put(&slot, 0, T0 + 100000);
	EXPECT(aps_auth_slot_use(&slot, T0), USE_AND_ASK);
	aps_auth_slot_fail(&slot, NULL, T0);
	EXPECT(aps_auth_slot_use(&slot, T0 + 29999), USE);
	EXPECT(aps_auth_slot_use(&slot, T0 + 30000), USE_AND_ASK);
	aps_auth_slot_fail(&slot, NULL, T0 + 99000);
	EXPECT_FAIL(slot, aps_auth_slot_use(&slot, T0 + 100000), "token_timeout");
	EXPECT(aps_auth_slot_use(&slot, T0 + 101000), ASK);
	aps_auth_slot_clear(&slot);
}

static void a_renewal_without_an_error_says_whether_it_was_late_or_empty(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	EXPECT(aps_auth_slot_use(&slot, T0), ASK);
	aps_auth_slot_fail(&slot, NULL, T0 + 1);
	assert_string_equal(slot.err.word, "no_token");
	EXPECT(aps_auth_slot_use(&slot, T0 + HOUR), ASK);
	aps_auth_slot_fail(&slot, NULL, T0); /* the clock went back */
	assert_string_equal(slot.err.word, "no_token");
	EXPECT(aps_auth_slot_use(&slot, T0 + 2 * HOUR), ASK);
	aps_auth_slot_fail(&slot, NULL, T0 + 2 * HOUR + APS_SLOT_ASK_TIMEOUT_MS - 1);
	assert_string_equal(slot.err.word, "no_token");
	EXPECT(aps_auth_slot_use(&slot, T0 + 3 * HOUR), ASK);
	aps_auth_slot_fail(&slot, NULL, T0 + 3 * HOUR + APS_SLOT_ASK_TIMEOUT_MS);
	assert_string_equal(slot.err.word, "token_timeout");
}

static void refused_material_is_renewed_once_for_all_that_were_sent_with_it(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_USER_POOLS, true);
	EXPECT(aps_auth_slot_use(&slot, T0), ASK);
	put(&slot, T0, T0 + HOUR);
	EXPECT(aps_auth_slot_refused(&slot, 1, T0 + 1), ASK);
	assert_int_equal(slot.reason, APS_SLOT_REFUSED);
	EXPECT(aps_auth_slot_refused(&slot, 1, T0 + 2), WAIT);
	EXPECT(aps_auth_slot_use(&slot, T0 + 2), WAIT);
	put(&slot, T0, T0 + HOUR);
	EXPECT(aps_auth_slot_refused(&slot, 1, T0 + 3), USE);
	EXPECT(aps_auth_slot_use(&slot, T0 + 3), USE);
	aps_auth_slot_clear(&slot);
}

static void material_that_only_a_learned_clock_calls_expired_is_tried(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	slot.skew_ms = 2 * HOUR;
	EXPECT(aps_auth_slot_use(&slot, T0 + 2 * HOUR), ASK);
	put(&slot, T0, T0 + HOUR);
	EXPECT(aps_auth_slot_use(&slot, T0 + 2 * HOUR), USE);
	EXPECT(aps_auth_slot_use(&slot, T0 + 2 * HOUR + 1999), USE);
	EXPECT(aps_auth_slot_use(&slot, T0 + 2 * HOUR + 2000), ASK); /* the function may have better */
	aps_auth_slot_clear(&slot);

	slot = make(APS_AUTH_USER_POOLS, false);
	put(&slot, T0, T0 + HOUR);
	slot.skew_ms = 2 * HOUR;
	EXPECT(aps_auth_slot_use(&slot, T0 + 2 * HOUR), USE);
	EXPECT_FAIL(slot, aps_auth_slot_use(&slot, T0 + 3 * HOUR), "token_expired");
	slot.skew_ms = -2 * HOUR; /* the local clock is ahead and says the same: the server's counts */
	EXPECT(aps_auth_slot_use(&slot, T0 + HOUR - 1), USE);
	aps_auth_slot_clear(&slot);
}

static void a_refusal_of_old_material_renews_when_the_new_has_expired(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_USER_POOLS, true);
	put(&slot, T0, T0 + HOUR);
	put(&slot, T0, T0 + HOUR);
	EXPECT(aps_auth_slot_refused(&slot, 1, T0 + HOUR), ASK);
	assert_int_equal(slot.reason, APS_SLOT_EXPIRED);
	aps_auth_slot_clear(&slot);
}

static void a_refusal_during_a_background_renewal_takes_the_material_away(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_IAM, true);
	put(&slot, 0, T0 + 100000);
	EXPECT(aps_auth_slot_use(&slot, T0), USE_AND_ASK);
	EXPECT(aps_auth_slot_refused(&slot, 1, T0 + 1), WAIT);
	assert_int_equal(slot.reason, APS_SLOT_REFUSED);
	EXPECT(aps_auth_slot_use(&slot, T0 + 2), WAIT);
	aps_auth_slot_clear(&slot);
}

static void a_failed_renewal_after_a_refusal_fails_everyone_and_is_tried_again_as_refused(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	put(&slot, T0, T0 + HOUR);
	EXPECT(aps_auth_slot_refused(&slot, 1, T0), ASK);
	aps_auth_slot_fail(&slot, NULL, T0);
	EXPECT_FAIL(slot, aps_auth_slot_refused(&slot, 1, T0 + 1), "no_token");
	EXPECT_FAIL(slot, aps_auth_slot_use(&slot, T0 + 1), "no_token");
	EXPECT(aps_auth_slot_use(&slot, T0 + 2000), ASK);
	assert_int_equal(slot.reason, APS_SLOT_REFUSED);
	put(&slot, T0, T0 + HOUR);
	EXPECT(aps_auth_slot_use(&slot, T0 + 2000), USE);
	assert_int_equal(slot.err.code, APS_OK);
	aps_auth_slot_clear(&slot);
	assert_int_equal(aps_mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(no_authorization_is_always_good_until_the_service_asks_for_some),
	        cmocka_unit_test(static_material_is_used_until_it_expires),
	        cmocka_unit_test(each_static_mode_has_its_own_words),
	        cmocka_unit_test(material_without_an_end_is_never_renewed),
	        cmocka_unit_test(the_first_request_asks_and_the_others_wait),
	        cmocka_unit_test(credentials_are_renewed_in_the_background_five_minutes_ahead),
	        cmocka_unit_test(tokens_are_renewed_a_tenth_of_their_life_ahead_but_not_more_than_five_minutes),
	        cmocka_unit_test(a_token_given_beforehand_is_renewed_without_having_been_asked_for),
	        cmocka_unit_test(a_function_that_gives_short_lived_material_is_not_asked_for_each_request),
	        cmocka_unit_test(expired_material_is_renewed_before_the_request),
	        cmocka_unit_test(a_function_that_gives_expired_material_fails_everyone_for_a_while),
	        cmocka_unit_test(a_failed_first_renewal_answers_newcomers_then_is_tried_again),
	        cmocka_unit_test(a_failed_background_renewal_keeps_what_is_good),
	        cmocka_unit_test(a_renewal_without_an_error_says_whether_it_was_late_or_empty),
	        cmocka_unit_test(refused_material_is_renewed_once_for_all_that_were_sent_with_it),
	        cmocka_unit_test(material_that_only_a_learned_clock_calls_expired_is_tried),
	        cmocka_unit_test(a_refusal_of_old_material_renews_when_the_new_has_expired),
	        cmocka_unit_test(a_refusal_during_a_background_renewal_takes_the_material_away),
	        cmocka_unit_test(a_failed_renewal_after_a_refusal_fails_everyone_and_is_tried_again_as_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

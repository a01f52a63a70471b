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

/* A clock that is right, or that nobody has said anything about. */
#define AT(t) (&(struct aps_slot_clock){.wall_ms = (t), .mono_ms = (t)})
/* The service has told how far it is off. */
#define TOLD(t, skew) (&(struct aps_slot_clock){.wall_ms = (t), .skew_ms = (skew), .is_told = true, .mono_ms = (t)})

static void give(struct aps_auth_slot *slot, int64_t issued_ms, int64_t expires_ms, const struct aps_slot_clock *clock)
{
	struct aps_auth_material m;
	struct aps_given_iam_credentials c = {APS_STR("AKID"), APS_STR("secret"), APS_STR(""), expires_ms};
	assert_int_equal(aps_auth_material_init(&m, slot->mode, APS_STR("opaque"), &c, NULL), APS_OK);
	m.issued_ms = issued_ms;
	m.expires_ms = expires_ms;
	aps_auth_slot_set(slot, &m, clock);
	assert_null(m.secret);
}

static void put(struct aps_auth_slot *slot, int64_t issued_ms, int64_t expires_ms)
{
	give(slot, issued_ms, expires_ms, AT(T0));
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
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), USE);
	EXPECT_FAIL(slot, aps_auth_slot_refused(&slot, 0, AT(T0)), "unauthorized");
	aps_auth_slot_clear(&slot);
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), USE);
}

static void static_material_is_used_whatever_the_clock_says(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_IAM, false);
	EXPECT_FAIL(slot, aps_auth_slot_use(&slot, AT(T0)), "no_credentials");
	put(&slot, 0, T0 + HOUR);
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), USE);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + HOUR - 1)), USE);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + HOUR)), USE);
	EXPECT(aps_auth_slot_use(&slot, TOLD(T0 + HOUR, HOUR)), USE); /* the service decides */
	EXPECT_FAIL(slot, aps_auth_slot_refused(&slot, slot.generation, AT(T0 + HOUR)), "credentials_refused");
	aps_auth_slot_clear(&slot);
	aps_auth_slot_clear(&slot);
	assert_int_equal(aps_mem_live(), 0);
}

static void each_static_mode_has_its_own_words(void **state)
{
	(void)state;
	static const struct {
		enum aps_auth_mode mode;
		const char *missing, *refused;
	} ROWS[] = {{APS_AUTH_API_KEY, "no_api_key", "api_key_refused"},
	            {APS_AUTH_IAM, "no_credentials", "credentials_refused"},
	            {APS_AUTH_USER_POOLS, "no_token", "token_refused"},
	            {APS_AUTH_OIDC, "no_token", "token_refused"},
	            {APS_AUTH_LAMBDA, "no_token", "token_refused"}};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_auth_slot slot = make(ROWS[i].mode, false);
		EXPECT_FAIL(slot, aps_auth_slot_use(&slot, AT(T0)), ROWS[i].missing);
		put(&slot, 0, T0 + 1);
		EXPECT_FAIL(slot, aps_auth_slot_refused(&slot, slot.generation, AT(T0)), ROWS[i].refused);
		EXPECT(aps_auth_slot_use(&slot, AT(T0)), USE);
		assert_null(strstr(slot.err.msg, "opaque"));
		aps_auth_slot_clear(&slot);
	}
}

static void material_without_an_end_is_never_renewed(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_LAMBDA, true);
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), ASK);
	put(&slot, 0, 0);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 1000 * HOUR)), USE);
	aps_auth_slot_clear(&slot);
}

static void the_first_request_asks_and_the_others_wait(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), ASK);
	assert_int_equal(slot.reason, APS_SLOT_FIRST);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 1)), WAIT);
	put(&slot, T0, T0 + HOUR);
	assert_int_equal(slot.generation, 1);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 2)), USE);
	aps_auth_slot_clear(&slot);
}

static void credentials_are_renewed_in_the_background_five_minutes_ahead(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_IAM, true);
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), ASK);
	put(&slot, 0, T0 + HOUR);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + HOUR - 300001)), USE);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + HOUR - 300000)), USE_AND_ASK);
	assert_int_equal(slot.reason, APS_SLOT_EXPIRED);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + HOUR - 299999)), USE);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + HOUR)), WAIT);
	put(&slot, 0, T0 + 2 * HOUR);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + HOUR)), USE);
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
		EXPECT(aps_auth_slot_use(&slot, AT(T0)), ASK);
		put(&slot, ROWS[i].issued_ms, T0 + ROWS[i].life_ms);
		int64_t at = T0 + ROWS[i].life_ms - ROWS[i].ahead_ms;
		EXPECT(aps_auth_slot_use(&slot, AT(at - 1)), USE);
		EXPECT(aps_auth_slot_use(&slot, AT(at)), USE_AND_ASK);
		aps_auth_slot_clear(&slot);
	}
}

static void a_token_given_beforehand_is_renewed_without_having_been_asked_for(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_USER_POOLS, true);
	put(&slot, 0, T0 + HOUR);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + HOUR - 300001)), USE);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + HOUR - 300000)), USE_AND_ASK);
	aps_auth_slot_clear(&slot);
}

static void a_function_that_gives_short_lived_material_is_not_asked_for_each_request(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_IAM, true);
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), ASK);
	put(&slot, 0, T0 + 60000);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 29999)), USE);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 30000)), USE_AND_ASK);
	aps_auth_slot_clear(&slot);
}

static void expired_material_is_renewed_before_the_request(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	put(&slot, T0, T0 + HOUR);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + HOUR)), ASK);
	assert_int_equal(slot.reason, APS_SLOT_EXPIRED);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + HOUR)), WAIT);
	aps_auth_slot_clear(&slot);
}

/* The device's clock is two hours ahead: a token that was issued now, and is good for an hour. */
static void what_was_just_given_is_used_whatever_the_clock_says(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), ASK);
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), WAIT);
	give(&slot, T0 - 2 * HOUR, T0 - HOUR, AT(T0));
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), USE);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 2000)), USE);
	/* Nobody has said anything: its own life counts. */
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + HOUR - 300001)), USE);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + HOUR - 300000)), USE_AND_ASK);
	aps_auth_slot_fail(&slot, NULL, AT(T0 + HOUR - 1));
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + HOUR + 2000)), ASK);
	assert_int_equal(slot.reason, APS_SLOT_EXPIRED);
	give(&slot, T0 - HOUR, T0, AT(T0 + HOUR + 2000));
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + HOUR + 2000)), USE);
	aps_auth_slot_clear(&slot);
}

static void untried_material_of_unknown_life_stands_for_five_minutes(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_IAM, true);
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), ASK);
	give(&slot, 0, T0 - HOUR, AT(T0));
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 299999)), USE);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 300000)), ASK);
	assert_int_equal(slot.reason, APS_SLOT_EXPIRED);
	aps_auth_slot_clear(&slot);
}

static void what_the_service_took_is_used_until_its_own_life_is_over(void **state)
{
	(void)state;
	static const struct {
		int64_t issued_ms;
		bool is_told; /* by a Date that says that the token has expired: who took it knows better */
	} ROWS[] = {{T0 - 2 * HOUR, false}, {T0 - 2 * HOUR, true}, {0, false}, {0, true}};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
		struct aps_slot_clock clock = {.wall_ms = T0, .is_told = ROWS[i].is_told, .mono_ms = 1};
		EXPECT(aps_auth_slot_use(&slot, &clock), ASK);
		give(&slot, ROWS[i].issued_ms, T0 - HOUR, &clock);
		aps_auth_slot_worked(&slot, slot.generation, &clock);
		for (unsigned n = 0; n < 3; n++) EXPECT(aps_auth_slot_use(&slot, &clock), USE);
		clock.mono_ms += HOUR - 300001;
		EXPECT(aps_auth_slot_use(&slot, &clock), USE);
		clock.mono_ms += 300001;
		if (ROWS[i].issued_ms != 0)
			EXPECT(aps_auth_slot_use(&slot, &clock), ASK);
		else
			EXPECT(aps_auth_slot_use(&slot, &clock), USE);
		enum aps_slot_verdict wanted = ROWS[i].issued_ms != 0 ? APS_SLOT_WAIT : APS_SLOT_ASK;
		assert_int_equal(aps_auth_slot_refused(&slot, slot.generation, &clock), wanted);
		aps_auth_slot_clear(&slot);
	}
}

static void what_the_service_took_is_judged_by_the_clock_where_that_agrees(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), ASK);
	give(&slot, T0 - 2 * HOUR, T0 - HOUR, AT(T0));
	aps_auth_slot_worked(&slot, slot.generation, TOLD(T0, -2 * HOUR));
	assert_false(slot.has_told_skew);
	EXPECT(aps_auth_slot_use(&slot, TOLD(T0 + HOUR - 300001, -2 * HOUR)), USE);
	EXPECT(aps_auth_slot_use(&slot, TOLD(T0 + HOUR, -2 * HOUR)), ASK);
	assert_int_equal(slot.reason, APS_SLOT_EXPIRED);
	aps_auth_slot_clear(&slot);
}

static void what_was_good_when_it_was_given_is_judged_by_a_clock_that_is_told_later(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), ASK);
	give(&slot, T0, T0 + HOUR, AT(T0));
	aps_auth_slot_worked(&slot, slot.generation, TOLD(T0, 2 * HOUR)); /* of the same answer */
	EXPECT(aps_auth_slot_use(&slot, TOLD(T0, 2 * HOUR)), ASK);
	assert_int_equal(slot.reason, APS_SLOT_EXPIRED);
	/* The function has no better one: it is tried, and taken. */
	give(&slot, T0, T0 + HOUR, TOLD(T0, 2 * HOUR));
	EXPECT(aps_auth_slot_use(&slot, TOLD(T0, 2 * HOUR)), USE);
	aps_auth_slot_worked(&slot, slot.generation, TOLD(T0, 2 * HOUR));
	EXPECT(aps_auth_slot_use(&slot, TOLD(T0 + 2000, 2 * HOUR)), USE);
	aps_auth_slot_clear(&slot);
}

static void the_success_of_older_material_says_nothing_of_the_present_one(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	give(&slot, 0, T0 - HOUR, AT(T0));
	give(&slot, 0, T0 - HOUR, AT(T0));
	aps_auth_slot_worked(&slot, 1, AT(T0));
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 300000)), ASK);
	aps_auth_slot_clear(&slot);
}

static void the_times_of_a_token_tell_of_a_wrong_clock(void **state)
{
	(void)state;
	static const struct {
		int64_t issued_ms, expires_ms;
		bool at_once;     /* the clock is behind */
		bool if_it_works; /* it is ahead */
		int64_t skew_ms;
	} ROWS[] = {
	        {T0 + 2 * HOUR, T0 + 3 * HOUR, true, false, 2 * HOUR},
	        {T0 + 300000, T0 + HOUR, true, false, 300000},
	        {T0 + 299999, T0 + HOUR, false, false, 0},
	        {T0 - 2 * HOUR, T0 - HOUR, false, true, -2 * HOUR},
	        {T0 - 2 * HOUR, T0 + HOUR, false, false, 0},
	        {0, T0 - HOUR, false, false, 0},
	        {0, 0, false, false, 0},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_auth_slot slot = make(APS_AUTH_USER_POOLS, true);
		EXPECT(aps_auth_slot_use(&slot, AT(T0)), ASK);
		give(&slot, ROWS[i].issued_ms, ROWS[i].expires_ms, AT(T0));
		assert_int_equal(slot.has_told_skew, ROWS[i].at_once);
		aps_auth_slot_worked(&slot, slot.generation, AT(T0));
		assert_int_equal(slot.has_told_skew, ROWS[i].at_once || ROWS[i].if_it_works);
		if (slot.has_told_skew) assert_int_equal(slot.told_skew_ms, ROWS[i].skew_ms);
		aps_auth_slot_clear(&slot);
	}
}

/* The function was asked for something better than what was refused. */
static void expired_material_that_follows_a_refusal_fails_by_the_clock_of_the_service(void **state)
{
	(void)state;
	static const struct {
		enum aps_auth_mode mode;
		int64_t ago_ms, skew_ms;
		const char *word, *message;
	} ROWS[] = {
	        {APS_AUTH_OIDC, HOUR / 2, 0, "token_expired",
	         "the token has expired, 30 min ago by the service's clock"},
	        {APS_AUTH_OIDC, 0, 0, "token_expired", "the token has expired, 0 s ago by the service's clock"},
	        {APS_AUTH_USER_POOLS, 2 * HOUR, -3 * HOUR, "token_expired",
	         "the token has expired, 2 h ago by the service's clock; this device's clock is 3 h ahead"},
	        {APS_AUTH_IAM, 48 * HOUR, 400000, "credentials_expired",
	         "the AWS credentials have expired, 2 days ago by the service's clock; this device's clock is 7 min "
	         "behind"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_auth_slot slot = make(ROWS[i].mode, true);
		int64_t local = T0 - ROWS[i].skew_ms, skew = ROWS[i].skew_ms, end = T0 - ROWS[i].ago_ms;
		EXPECT(aps_auth_slot_use(&slot, TOLD(local, skew)), ASK);
		give(&slot, end - HOUR, end, TOLD(local, skew));
		EXPECT(aps_auth_slot_use(&slot, TOLD(local, skew)), USE); /* once */
		EXPECT(aps_auth_slot_refused(&slot, slot.generation, TOLD(local, skew)), ASK);
		assert_int_equal(slot.reason, APS_SLOT_REFUSED);
		give(&slot, end - HOUR, end, TOLD(local, skew));
		EXPECT_FAIL(slot, aps_auth_slot_refused(&slot, 1, TOLD(local, skew)), ROWS[i].word);
		EXPECT_FAIL(slot, aps_auth_slot_refused(&slot, 1, TOLD(local, skew)), ROWS[i].word); /* all of them */
		assert_true(slot.is_err_of_expired);
		assert_string_equal(slot.err.msg, ROWS[i].message);
		/* Whoever comes then tries it, once again: clocks are set, and the service's may have been wrong. */
		EXPECT(aps_auth_slot_use(&slot, TOLD(local, skew)), USE);
		EXPECT(aps_auth_slot_refused(&slot, slot.generation, TOLD(local, skew)), ASK);
		give(&slot, end - HOUR, end, TOLD(local, skew));
		EXPECT(aps_auth_slot_refused(&slot, 1, TOLD(local, skew - HOUR * 100)), USE);
		EXPECT(aps_auth_slot_use(&slot, TOLD(local, skew)), USE);
		aps_auth_slot_worked(&slot, slot.generation, TOLD(local, skew));
		assert_false(slot.is_err_of_expired);
		EXPECT(aps_auth_slot_refused(&slot, 1, TOLD(local, skew)), USE);
		aps_auth_slot_clear(&slot);
	}
	assert_int_equal(aps_mem_live(), 0);
}

static void expired_material_that_follows_a_refusal_is_used_where_only_the_device_says_so(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	give(&slot, 0, 0, AT(T0));
	EXPECT(aps_auth_slot_refused(&slot, 1, AT(T0)), ASK);
	give(&slot, T0 - 2 * HOUR, T0 - HOUR, AT(T0));
	EXPECT(aps_auth_slot_refused(&slot, 1, AT(T0)), USE);
	aps_auth_slot_clear(&slot);
}

static void durations_do_not_depend_on_the_clock_that_is_set(void **state)
{
	(void)state;
	static const int64_t JUMPS[] = {-2 * HOUR, 2 * HOUR};
	for (size_t i = 0; i < APS_COUNTOF(JUMPS); i++) {
		struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
		struct aps_slot_clock clock = {.wall_ms = T0, .mono_ms = 1000};
		EXPECT(aps_auth_slot_use(&slot, &clock), ASK);
		aps_auth_slot_fail(&slot, NULL, &clock);
		clock.wall_ms += JUMPS[i];
		EXPECT_FAIL(slot, aps_auth_slot_use(&slot, &clock), "no_token");
		clock.mono_ms += 1999;
		EXPECT_FAIL(slot, aps_auth_slot_use(&slot, &clock), "no_token");
		clock.mono_ms += 1;
		EXPECT(aps_auth_slot_use(&slot, &clock), ASK);
		give(&slot, 0, clock.wall_ms + 60000, &clock);
		clock.wall_ms -= JUMPS[i] < 0 ? HOUR : -10000;
		clock.mono_ms += 29999;
		EXPECT(aps_auth_slot_use(&slot, &clock), USE);
		aps_auth_slot_clear(&slot);
	}
}

static void a_failed_first_renewal_answers_newcomers_then_is_tried_again(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	struct aps_err err;
	aps_fail_word(&err, APS_E_AUTH, "signed_out", 0, "nobody is signed in");
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), ASK);
	aps_auth_slot_fail(&slot, &err, AT(T0));
	EXPECT_FAIL(slot, aps_auth_slot_use(&slot, AT(T0 + 1999)), "signed_out");
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 2000)), ASK);
	assert_int_equal(slot.reason, APS_SLOT_FIRST);
}

static void a_failed_background_renewal_keeps_what_is_good(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_IAM, true);
	put(&slot, 0, T0 + 100000);
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), USE_AND_ASK);
	aps_auth_slot_fail(&slot, NULL, AT(T0));
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 29999)), USE);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 30000)), USE_AND_ASK);
	aps_auth_slot_fail(&slot, NULL, AT(T0 + 99000));
	EXPECT_FAIL(slot, aps_auth_slot_use(&slot, AT(T0 + 100000)), "token_timeout");
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 101000)), ASK);
	aps_auth_slot_clear(&slot);
}

static void a_renewal_without_an_error_says_whether_it_was_late_or_empty(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), ASK);
	aps_auth_slot_fail(&slot, NULL, AT(T0 + 1));
	assert_string_equal(slot.err.word, "no_token");
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + HOUR)), ASK);
	aps_auth_slot_fail(&slot, NULL, AT(T0)); /* the clock went back */
	assert_string_equal(slot.err.word, "no_token");
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 2 * HOUR)), ASK);
	aps_auth_slot_fail(&slot, NULL, AT(T0 + 2 * HOUR + APS_SLOT_ASK_TIMEOUT_MS - 1));
	assert_string_equal(slot.err.word, "no_token");
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 3 * HOUR)), ASK);
	aps_auth_slot_fail(&slot, NULL, AT(T0 + 3 * HOUR + APS_SLOT_ASK_TIMEOUT_MS));
	assert_string_equal(slot.err.word, "token_timeout");
}

static void refused_material_is_renewed_once_for_all_that_were_sent_with_it(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_USER_POOLS, true);
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), ASK);
	put(&slot, T0, T0 + HOUR);
	EXPECT(aps_auth_slot_refused(&slot, 1, AT(T0 + 1)), ASK);
	assert_int_equal(slot.reason, APS_SLOT_REFUSED);
	EXPECT(aps_auth_slot_refused(&slot, 1, AT(T0 + 2)), WAIT);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 2)), WAIT);
	put(&slot, T0, T0 + HOUR);
	EXPECT(aps_auth_slot_refused(&slot, 1, AT(T0 + 3)), USE);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 3)), USE);
	aps_auth_slot_clear(&slot);
}

static void a_refusal_of_old_material_renews_when_the_new_has_expired(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_USER_POOLS, true);
	put(&slot, T0, T0 + HOUR);
	put(&slot, T0, T0 + HOUR);
	EXPECT(aps_auth_slot_refused(&slot, 1, AT(T0 + HOUR)), ASK);
	assert_int_equal(slot.reason, APS_SLOT_EXPIRED);
	aps_auth_slot_clear(&slot);
}

static void a_refusal_during_a_background_renewal_takes_the_material_away(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_IAM, true);
	put(&slot, 0, T0 + 100000);
	EXPECT(aps_auth_slot_use(&slot, AT(T0)), USE_AND_ASK);
	EXPECT(aps_auth_slot_refused(&slot, 1, AT(T0 + 1)), WAIT);
	assert_int_equal(slot.reason, APS_SLOT_REFUSED);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 2)), WAIT);
	aps_auth_slot_clear(&slot);
}

static void a_failed_renewal_after_a_refusal_fails_everyone_and_is_tried_again_as_refused(void **state)
{
	(void)state;
	struct aps_auth_slot slot = make(APS_AUTH_OIDC, true);
	put(&slot, T0, T0 + HOUR);
	EXPECT(aps_auth_slot_refused(&slot, 1, AT(T0)), ASK);
	aps_auth_slot_fail(&slot, NULL, AT(T0));
	EXPECT_FAIL(slot, aps_auth_slot_refused(&slot, 1, AT(T0 + 1)), "no_token");
	EXPECT_FAIL(slot, aps_auth_slot_use(&slot, AT(T0 + 1)), "no_token");
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 2000)), ASK);
	assert_int_equal(slot.reason, APS_SLOT_REFUSED);
	put(&slot, T0, T0 + HOUR);
	EXPECT(aps_auth_slot_use(&slot, AT(T0 + 2000)), USE);
	assert_int_equal(slot.err.code, APS_OK);
	aps_auth_slot_clear(&slot);
	assert_int_equal(aps_mem_live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(no_authorization_is_always_good_until_the_service_asks_for_some),
	        cmocka_unit_test(static_material_is_used_whatever_the_clock_says),
	        cmocka_unit_test(each_static_mode_has_its_own_words),
	        cmocka_unit_test(material_without_an_end_is_never_renewed),
	        cmocka_unit_test(the_first_request_asks_and_the_others_wait),
	        cmocka_unit_test(credentials_are_renewed_in_the_background_five_minutes_ahead),
	        cmocka_unit_test(tokens_are_renewed_a_tenth_of_their_life_ahead_but_not_more_than_five_minutes),
	        cmocka_unit_test(a_token_given_beforehand_is_renewed_without_having_been_asked_for),
	        cmocka_unit_test(a_function_that_gives_short_lived_material_is_not_asked_for_each_request),
	        cmocka_unit_test(expired_material_is_renewed_before_the_request),
	        cmocka_unit_test(what_was_just_given_is_used_whatever_the_clock_says),
	        cmocka_unit_test(untried_material_of_unknown_life_stands_for_five_minutes),
	        cmocka_unit_test(what_the_service_took_is_used_until_its_own_life_is_over),
	        cmocka_unit_test(what_the_service_took_is_judged_by_the_clock_where_that_agrees),
	        cmocka_unit_test(what_was_good_when_it_was_given_is_judged_by_a_clock_that_is_told_later),
	        cmocka_unit_test(the_success_of_older_material_says_nothing_of_the_present_one),
	        cmocka_unit_test(the_times_of_a_token_tell_of_a_wrong_clock),
	        cmocka_unit_test(expired_material_that_follows_a_refusal_fails_by_the_clock_of_the_service),
	        cmocka_unit_test(expired_material_that_follows_a_refusal_is_used_where_only_the_device_says_so),
	        cmocka_unit_test(durations_do_not_depend_on_the_clock_that_is_set),
	        cmocka_unit_test(a_failed_first_renewal_answers_newcomers_then_is_tried_again),
	        cmocka_unit_test(a_failed_background_renewal_keeps_what_is_good),
	        cmocka_unit_test(a_renewal_without_an_error_says_whether_it_was_late_or_empty),
	        cmocka_unit_test(refused_material_is_renewed_once_for_all_that_were_sent_with_it),
	        cmocka_unit_test(a_refusal_of_old_material_renews_when_the_new_has_expired),
	        cmocka_unit_test(a_refusal_during_a_background_renewal_takes_the_material_away),
	        cmocka_unit_test(a_failed_renewal_after_a_refusal_fails_everyone_and_is_tried_again_as_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "sync/reachability.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct aps_reachability_action feed_at(struct aps_reachability *r, enum aps_reachability_event event,
                                              int64_t now_ms)
{
	struct aps_rand rand;
	aps_rand_init(&rand, 1);
	return aps_reachability_feed(r, event, now_ms, &rand);
}

static struct aps_reachability_action feed(struct aps_reachability *r, enum aps_reachability_event event)
{
	return feed_at(r, event, 0);
}

/* The states, OFFLINE with its timer and without, all but IDLE of something that is wanted. */
enum place { ON, WAITING, IDLE, TOLD, TRYING, PLACE_COUNT };

static const enum aps_reachability_state STATES[PLACE_COUNT] = {
        [ON] = APS_REACHABILITY_ONLINE,         [WAITING] = APS_REACHABILITY_OFFLINE, [IDLE] = APS_REACHABILITY_OFFLINE,
        [TOLD] = APS_REACHABILITY_TOLD_OFFLINE, [TRYING] = APS_REACHABILITY_PROBING,
};

static struct aps_reachability arrive(enum place place)
{
	struct aps_reachability r;
	aps_reachability_init(&r);
	if (place != IDLE) feed(&r, APS_REACHABILITY_ON_WANTED);
	if (place == TOLD) feed(&r, APS_REACHABILITY_ON_SET_OFFLINE);
	if (place == WAITING || place == IDLE || place == TRYING) feed(&r, APS_REACHABILITY_ON_FAILED);
	if (place == TRYING) feed(&r, APS_REACHABILITY_ON_DUE);
	assert_int_equal(r.state, STATES[place]);
	assert_int_equal(r.is_armed, place == WAITING);
	return r;
}

#define REJECTS PLACE_COUNT

/* clang-format off */
static const enum place AFTER[APS_REACHABILITY_EVENT_COUNT][PLACE_COUNT] = {
        /*                                ON       WAITING  IDLE     TOLD     TRYING */
        [APS_REACHABILITY_ON_FAILED] =      {WAITING, WAITING, IDLE,    TOLD,    WAITING},
        [APS_REACHABILITY_ON_ANSWERED] =    {ON,      ON,      ON,      TOLD,    ON},
        [APS_REACHABILITY_ON_ABANDONED] =   {ON,      WAITING, IDLE,    TOLD,    WAITING},
        [APS_REACHABILITY_ON_SET_ONLINE] =  {ON,      ON,      ON,      ON,      ON},
        [APS_REACHABILITY_ON_SET_OFFLINE] = {TOLD,    TOLD,    TOLD,    TOLD,    TOLD},
        [APS_REACHABILITY_ON_HINT] =        {ON,      WAITING, IDLE,    TOLD,    TRYING},
        [APS_REACHABILITY_ON_DUE] =         {REJECTS, TRYING,  REJECTS, REJECTS, REJECTS},
        [APS_REACHABILITY_ON_WANTED] =      {ON,      WAITING, WAITING, TOLD,    TRYING},
        [APS_REACHABILITY_ON_UNWANTED] =    {ON,      IDLE,    IDLE,    TOLD,    IDLE},
};
/* clang-format on */

static bool is_online(enum place place)
{
	return place == ON;
}

static void each_event_in_each_state_leads_where_the_table_says(void **state)
{
	(void)state;
	for (int event = 0; event < APS_REACHABILITY_EVENT_COUNT; event++) {
		for (int from = 0; from < PLACE_COUNT; from++) {
			struct aps_reachability r = arrive((enum place)from);
			const struct aps_reachability before = r;
			struct aps_reachability_action action = feed(&r, (enum aps_reachability_event)event);
			enum place to = AFTER[event][from];
			print_message("%s, %s: %s\n", aps_reachability_state_name(before.state),
			              aps_reachability_event_name((enum aps_reachability_event)event),
			              aps_reachability_state_name(r.state));
			assert_int_equal(action.err.code, to == REJECTS ? APS_E_INTERNAL : APS_OK);
			if (to == REJECTS) {
				assert_memory_equal(&r, &before, sizeof r);
				continue;
			}
			assert_int_equal(r.state, STATES[to]);
			assert_int_equal(r.is_armed, to == WAITING);
			assert_int_equal(action.may_probe, to == TRYING && from != TRYING);
			enum aps_reachability_change change =
			        is_online(to) ? APS_REACHABILITY_WENT_ONLINE : APS_REACHABILITY_WENT_OFFLINE;
			if (is_online(to) == is_online((enum place)from)) change = APS_REACHABILITY_SAME;
			assert_int_equal(action.change, change);
			bool is_stopped = before.is_armed && !r.is_armed && event != APS_REACHABILITY_ON_DUE;
			enum aps_reachability_timer timer = is_stopped                       ? APS_REACHABILITY_STOP
			                                    : r.is_armed && !before.is_armed ? APS_REACHABILITY_ARM
			                                                                     : APS_REACHABILITY_KEEP;
			if (event == APS_REACHABILITY_ON_HINT && from == WAITING) timer = APS_REACHABILITY_ARM;
			assert_int_equal(action.timer, timer);
		}
	}
}

static void an_illegal_event_is_an_error_that_names_both(void **state)
{
	(void)state;
	struct aps_reachability r = arrive(TOLD);
	struct aps_reachability_action action = feed(&r, APS_REACHABILITY_ON_DUE);
	assert_string_equal(action.err.msg,
	                    "\"due\" came to an endpoint in state \"told_offline\", whose timer is not armed");
	action = feed(&r, APS_REACHABILITY_EVENT_COUNT);
	assert_int_equal(action.err.code, APS_E_INTERNAL);
}

static int64_t most_of(struct aps_reachability *r, int64_t now_ms)
{
	int64_t most = -1;
	struct aps_rand rand;
	aps_rand_init(&rand, 7);
	for (int i = 0; i < 2000; i++) {
		struct aps_reachability copy = *r;
		struct aps_reachability_action action =
		        aps_reachability_feed(&copy, APS_REACHABILITY_ON_FAILED, now_ms, &rand);
		assert_int_equal(action.timer, APS_REACHABILITY_ARM);
		if (action.delay_ms > most) most = action.delay_ms;
	}
	return most;
}

/* A try that fails at once. */
static void try_in_vain(struct aps_reachability *r, int64_t now_ms)
{
	feed_at(r, APS_REACHABILITY_ON_FAILED, now_ms);
	feed_at(r, APS_REACHABILITY_ON_DUE, now_ms);
}

static void the_first_try_comes_within_200_ms_and_each_in_vain_doubles_that_within_the_outages_limits(void **state)
{
	(void)state;
	struct aps_reachability r;
	aps_reachability_init(&r);
	feed(&r, APS_REACHABILITY_ON_WANTED);
	for (unsigned i = 0; i < 12; i++) {
		int64_t bound = i < 5 ? INT64_C(200) << i : APS_OUTAGE_YOUNG_MS;
		int64_t now_ms = i == 0 ? 0 : 59999;
		int64_t most = most_of(&r, now_ms);
		assert_true(i == 1 || (most < bound && most > bound * 95 / 100)); /* the first try took a minute */
		try_in_vain(&r, now_ms);
	}
	r.try_at_ms = 60000; /* and so did the last one */
	int64_t most = most_of(&r, 60000);
	assert_true(most < APS_OUTAGE_OLD_MS && most > APS_OUTAGE_OLD_MS * 95 / 100);
	feed(&r, APS_REACHABILITY_ON_SET_ONLINE);
	most = most_of(&r, 100000);
	assert_true(most < 200 && most > 190);
}

static void a_try_that_hung_for_longer_than_its_pause_is_followed_at_once(void **state)
{
	(void)state;
	struct aps_reachability r = arrive(WAITING);
	for (int i = 0; i < 10; i++) try_in_vain(&r, 0);
	assert_in_range(most_of(&r, 3000), 900, 999);
	assert_in_range(most_of(&r, 10000), 190, 199);
}

static void a_hint_brings_the_next_try_within_100_ms_and_begins_the_backoff_anew(void **state)
{
	(void)state;
	struct aps_rand rand;
	aps_rand_init(&rand, 3);
	for (int i = 0; i < 1000; i++) {
		struct aps_reachability r = arrive(WAITING);
		for (int k = 0; k < 10; k++) try_in_vain(&r, 70000);
		int64_t left_ms = aps_reachability_feed(&r, APS_REACHABILITY_ON_FAILED, 70000, &rand).delay_ms;
		struct aps_reachability_action action =
		        aps_reachability_feed(&r, APS_REACHABILITY_ON_HINT, 70000, &rand);
		if (action.timer == APS_REACHABILITY_ARM) {
			assert_true(action.delay_ms < left_ms);
			left_ms = action.delay_ms;
		}
		assert_in_range(left_ms, 0, APS_HINT_SPREAD_MS - 1);
		feed_at(&r, APS_REACHABILITY_ON_DUE, 70000 + left_ms);
		assert_in_range(feed_at(&r, APS_REACHABILITY_ON_FAILED, 70000 + left_ms).delay_ms, 0, 399);
	}
}

static void who_was_told_to_be_offline_makes_nothing_of_hints_and_answers(void **state)
{
	(void)state;
	struct aps_reachability r = arrive(TOLD);
	assert_int_equal(feed(&r, APS_REACHABILITY_ON_HINT).timer, APS_REACHABILITY_KEEP);
	assert_int_equal(feed(&r, APS_REACHABILITY_ON_ANSWERED).change, APS_REACHABILITY_SAME);
	assert_int_equal(r.state, APS_REACHABILITY_TOLD_OFFLINE);
}

static void what_was_sent_before_lengthens_no_backoff(void **state)
{
	(void)state;
	struct aps_reachability r = arrive(WAITING);
	for (int i = 0; i < 100; i++) feed(&r, APS_REACHABILITY_ON_FAILED);
	feed(&r, APS_REACHABILITY_ON_DUE);
	assert_int_equal(r.n_tries, 0);
	feed(&r, APS_REACHABILITY_ON_FAILED);
	assert_int_equal(r.n_tries, 1);
}

static void who_comes_and_goes_does_not_shorten_the_backoff(void **state)
{
	(void)state;
	struct aps_reachability r = arrive(TRYING);
	for (int i = 0; i < 5; i++) {
		feed(&r, APS_REACHABILITY_ON_FAILED);
		feed(&r, APS_REACHABILITY_ON_UNWANTED);
		assert_int_equal(feed(&r, APS_REACHABILITY_ON_WANTED).timer, APS_REACHABILITY_ARM);
		feed(&r, APS_REACHABILITY_ON_DUE);
	}
	assert_int_equal(r.n_tries, 5);
}

static void the_count_of_tries_does_not_wrap(void **state)
{
	(void)state;
	struct aps_reachability r = arrive(TRYING);
	r.n_tries = UINT32_MAX;
	struct aps_reachability_action action = feed(&r, APS_REACHABILITY_ON_FAILED);
	assert_int_equal(r.n_tries, UINT32_MAX);
	assert_in_range(action.delay_ms, 0, APS_OUTAGE_YOUNG_MS - 1);
}

static void states_and_events_have_names(void **state)
{
	(void)state;
	assert_string_equal(aps_reachability_state_name(APS_REACHABILITY_PROBING), "probing");
	assert_string_equal(aps_reachability_state_name(APS_REACHABILITY_STATE_COUNT), "unknown");
	assert_string_equal(aps_reachability_event_name(APS_REACHABILITY_ON_SET_OFFLINE), "set_offline");
	assert_string_equal(aps_reachability_event_name(APS_REACHABILITY_EVENT_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_event_in_each_state_leads_where_the_table_says),
	        cmocka_unit_test(an_illegal_event_is_an_error_that_names_both),
	        cmocka_unit_test(
	                the_first_try_comes_within_200_ms_and_each_in_vain_doubles_that_within_the_outages_limits),
	        cmocka_unit_test(a_try_that_hung_for_longer_than_its_pause_is_followed_at_once),
	        cmocka_unit_test(a_hint_brings_the_next_try_within_100_ms_and_begins_the_backoff_anew),
	        cmocka_unit_test(who_was_told_to_be_offline_makes_nothing_of_hints_and_answers),
	        cmocka_unit_test(what_was_sent_before_lengthens_no_backoff),
	        cmocka_unit_test(who_comes_and_goes_does_not_shorten_the_backoff),
	        cmocka_unit_test(the_count_of_tries_does_not_wrap),
	        cmocka_unit_test(states_and_events_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

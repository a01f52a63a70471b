#include "sync/reachability.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct aps_reachability_action feed(struct aps_reachability *r, enum aps_reachability_event event)
{
	struct aps_rand rand;
	aps_rand_init(&rand, 1);
	return aps_reachability_feed(r, event, &rand);
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
        [APS_REACHABILITY_ON_ANSWERED] =    {ON,      ON,      ON,      ON,      ON},
        [APS_REACHABILITY_ON_ABANDONED] =   {ON,      WAITING, IDLE,    TOLD,    WAITING},
        [APS_REACHABILITY_ON_SET_ONLINE] =  {ON,      ON,      ON,      ON,      ON},
        [APS_REACHABILITY_ON_SET_OFFLINE] = {TOLD,    TOLD,    TOLD,    TOLD,    TOLD},
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

static int64_t most_of(struct aps_reachability *r)
{
	int64_t most = -1;
	struct aps_rand rand;
	aps_rand_init(&rand, 7);
	for (int i = 0; i < 2000; i++) {
		struct aps_reachability copy = *r;
		struct aps_reachability_action action = aps_reachability_feed(&copy, APS_REACHABILITY_ON_FAILED, &rand);
		assert_int_equal(action.timer, APS_REACHABILITY_ARM);
		if (action.delay_ms > most) most = action.delay_ms;
	}
	return most;
}

static void each_try_in_vain_doubles_the_backoff_up_to_five_minutes(void **state)
{
	(void)state;
	struct aps_reachability r;
	aps_reachability_init(&r);
	feed(&r, APS_REACHABILITY_ON_WANTED);
	for (unsigned i = 0; i < 12; i++) {
		int64_t bound = i < 9 ? INT64_C(1000) << i : 300000;
		if (bound > 300000) bound = 300000;
		int64_t most = most_of(&r);
		assert_true(most < bound && most > bound * 95 / 100);
		feed(&r, APS_REACHABILITY_ON_FAILED);
		feed(&r, APS_REACHABILITY_ON_DUE);
	}
	feed(&r, APS_REACHABILITY_ON_SET_ONLINE);
	assert_true(most_of(&r) < 1000);
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
	assert_in_range(action.delay_ms, 0, 299999);
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
	        cmocka_unit_test(each_try_in_vain_doubles_the_backoff_up_to_five_minutes),
	        cmocka_unit_test(what_was_sent_before_lengthens_no_backoff),
	        cmocka_unit_test(who_comes_and_goes_does_not_shorten_the_backoff),
	        cmocka_unit_test(the_count_of_tries_does_not_wrap),
	        cmocka_unit_test(states_and_events_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "sync/sync_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HOUR    INT64_C(3600000)
#define DAY     (24 * HOUR)
#define NOW     INT64_C(1000000000000)
#define SLACK   APS_SYNC_CLOCK_SLACK_MS
#define NOTHING APS_SYNC_NO_QUERY
#define BASE    APS_SYNC_BASE_QUERY
#define DELTA   APS_SYNC_DELTA_QUERY

static const struct aps_delta_sync_options ALL = {
        .has_base = true,
        .has_delta = true,
        .has_subscription = true,
        .interval_ms = DAY,
        .window_ms = HOUR,
        .poll_ms = 60000,
};

static struct aps_delta_sync_options without(bool base, bool delta, bool subscription)
{
	struct aps_delta_sync_options options = ALL;
	options.has_base = !base;
	options.has_delta = !delta;
	options.has_subscription = !subscription;
	return options;
}

/* Complete, and a minute old. */
static struct aps_checkpoint complete(void)
{
	struct aps_checkpoint c;
	aps_checkpoint_init(&c);
	c.base_ms = c.last_sync_ms = NOW - 60000;
	return c;
}

/* A pass whose first page was kept so long ago. No heap: the plan never reads a token of a base pass. */
static struct aps_checkpoint open_since(int64_t ago_ms)
{
	struct aps_checkpoint c = complete();
	c.base = (struct aps_sync_pass){.is_open = true, .began_ms = NOW - ago_ms, .since_ms = NOW - ago_ms};
	return c;
}

static void plans(const struct aps_delta_sync_options *options, const struct aps_checkpoint *c,
                  enum aps_sync_query query, bool is_anew)
{
	bool anew = !is_anew;
	assert_int_equal(aps_delta_sync_plan(options, c, NOW, &anew), query);
	assert_int_equal(anew, is_anew);
}

static void a_base_pass_without_any_page_begins(void **state)
{
	(void)state;
	struct aps_checkpoint c = complete();
	c.base.is_open = c.has_missed = true;
	struct aps_delta_sync_options no_delta = without(false, true, false);
	plans(&ALL, &c, BASE, false);
	plans(&no_delta, &c, BASE, false);
}

static void a_base_pass_goes_on_while_what_it_knows_is_in_the_window(void **state)
{
	(void)state;
	struct aps_checkpoint c = open_since(HOUR);
	plans(&ALL, &c, BASE, false);
	c = open_since(HOUR + 1);
	plans(&ALL, &c, BASE, true);
	c = open_since(-SLACK);
	plans(&ALL, &c, BASE, false);
	c = open_since(-SLACK - 1);
	plans(&ALL, &c, BASE, true);
	/* a delta pass has told what has changed since it began */
	c = open_since(3 * HOUR);
	c.base.since_ms = NOW - HOUR;
	plans(&ALL, &c, BASE, false);
	/* older passes don't count while it is open */
	c = open_since(HOUR);
	c.base_ms = c.last_sync_ms = NOW - 3 * DAY;
	plans(&ALL, &c, BASE, false);
}

static void a_base_pass_begins_anew_where_nothing_could_tell_what_was_missed(void **state)
{
	(void)state;
	struct aps_delta_sync_options no_delta = without(false, true, false), base_only = without(false, true, true);
	struct aps_checkpoint c = open_since(60000);
	plans(&no_delta, &c, BASE, true);
	plans(&base_only, &c, BASE, false);
	c.has_missed = true;
	plans(&base_only, &c, BASE, true);
	plans(&ALL, &c, BASE, false);
}

static void a_truncated_pass_is_complete_as_far_as_the_plan_goes(void **state)
{
	(void)state;
	struct aps_checkpoint c = open_since(60000);
	c.base.is_open = false;
	c.is_truncated = true;
	struct aps_delta_sync_options no_delta = without(false, true, false);
	plans(&ALL, &c, DELTA, false);
	plans(&no_delta, &c, NOTHING, false);
}

static void without_a_complete_base_pass_one_begins(void **state)
{
	(void)state;
	struct aps_checkpoint c;
	aps_checkpoint_init(&c);
	struct aps_delta_sync_options base_only = without(false, true, true);
	plans(&ALL, &c, BASE, true);
	plans(&base_only, &c, BASE, true);
}

static void a_base_pass_begins_when_its_interval_is_over(void **state)
{
	(void)state;
	struct aps_delta_sync_options base_only = without(false, true, true);
	struct aps_checkpoint c = complete();
	c.base_ms = NOW - DAY + 1;
	plans(&ALL, &c, DELTA, false);
	plans(&base_only, &c, NOTHING, false);
	c.base_ms = NOW - DAY;
	plans(&ALL, &c, BASE, true);
	plans(&base_only, &c, BASE, true);
}

static void a_base_pass_begins_when_the_last_one_lies_in_the_future(void **state)
{
	(void)state;
	struct aps_checkpoint c = complete();
	c.base_ms = NOW + SLACK;
	plans(&ALL, &c, DELTA, false);
	c.base_ms++;
	plans(&ALL, &c, BASE, true);
}

static void what_was_missed_needs_a_base_pass_without_a_delta_query(void **state)
{
	(void)state;
	struct aps_delta_sync_options no_delta = without(false, true, false);
	struct aps_checkpoint c = complete();
	plans(&no_delta, &c, NOTHING, false);
	c.has_missed = true;
	plans(&no_delta, &c, BASE, true);
	plans(&ALL, &c, DELTA, false);
}

static void what_a_delta_query_can_not_tell_needs_a_base_pass(void **state)
{
	(void)state;
	struct aps_checkpoint c = complete();
	c.last_sync_ms = 0;
	plans(&ALL, &c, BASE, true);
	c.last_sync_ms = NOW - HOUR;
	plans(&ALL, &c, DELTA, false);
	c.last_sync_ms--;
	plans(&ALL, &c, BASE, true);
	c.last_sync_ms = NOW + HOUR;
	plans(&ALL, &c, DELTA, false);
	c.last_sync_ms++;
	plans(&ALL, &c, BASE, true);
}

static void without_a_base_query_a_delta_query_is_all_there_is(void **state)
{
	(void)state;
	struct aps_delta_sync_options delta_only = without(true, false, true), nothing = without(true, true, false);
	struct aps_checkpoint c;
	aps_checkpoint_init(&c);
	plans(&delta_only, &c, DELTA, false);
	plans(&nothing, &c, NOTHING, false);
	c.last_sync_ms = NOW - 10 * DAY;
	c.has_missed = true;
	plans(&delta_only, &c, DELTA, false);
	plans(&nothing, &c, NOTHING, false);
}

static void what_begins_live_asks_for_nothing_before_it_knows_since_when(void **state)
{
	(void)state;
	struct aps_delta_sync_options live = without(true, false, false);
	struct aps_checkpoint c;
	live.begins_live = true;
	aps_checkpoint_init(&c);
	plans(&live, &c, NOTHING, false);
	c.last_sync_ms = NOW;
	plans(&live, &c, DELTA, false);
}

static void a_delta_pass_goes_on_from_where_it_asked(void **state)
{
	(void)state;
	struct aps_checkpoint c = complete();
	char token[] = "d";
	const struct aps_delta_sync_options no_base = without(true, false, false);
	c.delta = (struct aps_sync_pass){.is_open = true, .began_ms = NOW - HOUR, .since_ms = 7};
	c.delta.token = (struct aps_buf){.p = token, .n = 1};
	assert_true(aps_sync_delta_goes_on(&no_base, &c, 7, NOW));
	assert_false(aps_sync_delta_goes_on(&no_base, &c, 8, NOW));
	assert_false(aps_sync_delta_goes_on(&no_base, &c, 7, NOW + 1));
	assert_false(aps_sync_delta_goes_on(&no_base, &c, 7, NOW - HOUR - SLACK - 1));
	/* where a base query could tell, what is behind the token must still be in the journal */
	assert_false(aps_sync_delta_goes_on(&ALL, &c, 7, NOW));
	c.delta.since_ms = NOW - HOUR;
	assert_true(aps_sync_delta_goes_on(&ALL, &c, NOW - HOUR, NOW));
	c.delta.is_open = false;
	assert_false(aps_sync_delta_goes_on(&ALL, &c, NOW - HOUR, NOW));
	c.delta.is_open = true;
	c.delta.token.n = 0;
	assert_false(aps_sync_delta_goes_on(&ALL, &c, NOW - HOUR, NOW));
}

static void times_of_all_sizes_can_be_compared(void **state)
{
	(void)state;
	assert_int_equal(aps_sync_elapsed_ms(INT64_MAX, INT64_MIN), INT64_MAX);
	assert_int_equal(aps_sync_elapsed_ms(INT64_MIN, INT64_MAX), INT64_MIN);
	struct aps_checkpoint c = complete();
	bool anew;
	assert_int_equal(aps_delta_sync_plan(&ALL, &c, INT64_MIN, &anew), BASE);
	assert_int_equal(aps_delta_sync_plan(&ALL, &c, INT64_MAX, &anew), BASE);
	assert_true(aps_sync_base_rest_ms(&ALL, &c, 100, INT64_MIN) <= 0);
	assert_true(aps_sync_base_rest_ms(&ALL, &c, 100, INT64_MAX) <= 0);
	assert_true(aps_sync_delta_rest_ms(&ALL, &c, 0, INT64_MIN) <= 0);
	assert_true(aps_sync_delta_rest_ms(&ALL, &c, 0, INT64_MAX) <= 0);
	assert_true(aps_sync_delta_rest_ms(&ALL, &c, 100, INT64_MIN) <= 0);
}

static void a_heartbeat_is_due_when_half_of_the_window_is_over_at_the_latest(void **state)
{
	(void)state;
	struct aps_checkpoint c = complete();
	assert_int_equal(aps_sync_delta_rest_ms(&ALL, &c, 100, NOW), HOUR / 2 - HOUR / 20 - 60000);
	assert_int_equal(aps_sync_delta_rest_ms(&ALL, &c, 0, NOW), HOUR / 2 - 60000);
	c.last_sync_ms = NOW - HOUR / 2;
	assert_int_equal(aps_sync_delta_rest_ms(&ALL, &c, 0, NOW), 0);
	c.last_sync_ms = NOW + HOUR;
	assert_int_equal(aps_sync_delta_rest_ms(&ALL, &c, 0, NOW), HOUR + HOUR / 2);
	c.last_sync_ms++;
	assert_int_equal(aps_sync_delta_rest_ms(&ALL, &c, 0, NOW), 0);
}

static void a_base_pass_is_due_when_its_interval_and_its_jitter_are_over(void **state)
{
	(void)state;
	struct aps_delta_sync_options base_only = without(false, true, true);
	base_only.interval_ms = 10 * HOUR;
	struct aps_checkpoint c = complete();
	assert_int_equal(aps_sync_base_rest_ms(&base_only, &c, 0, NOW), 10 * HOUR - 60000);
	assert_int_equal(aps_sync_base_rest_ms(&base_only, &c, 100, NOW), 11 * HOUR - 60000);
	c.base_ms = NOW - 10 * HOUR;
	assert_int_equal(aps_sync_base_rest_ms(&base_only, &c, 0, NOW), 0);
	assert_int_equal(aps_sync_base_rest_ms(&base_only, &c, 100, NOW), HOUR);
	c.base_ms = NOW + DAY;
	assert_int_equal(aps_sync_base_rest_ms(&base_only, &c, 100, NOW), 0);
	base_only.interval_ms = 100 * DAY;
	c.base_ms = NOW;
	assert_int_equal(aps_sync_base_rest_ms(&base_only, &c, 0, NOW), DAY);
}

static void of_a_subscription_alone_nothing_is_ever_due(void **state)
{
	(void)state;
	struct aps_delta_sync_options nothing = without(true, true, false);
	struct aps_checkpoint c = complete();
	assert_int_equal(aps_sync_base_rest_ms(&nothing, &c, 0, NOW), INT64_MAX);
	assert_int_equal(aps_sync_delta_rest_ms(&nothing, &c, 0, NOW), INT64_MAX);
}

static void each_failure_doubles_the_delay_up_to_half_a_minute(void **state)
{
	(void)state;
	struct aps_rand rand;
	aps_rand_init(&rand, 1);
	for (unsigned n = 0; n < 12; n++) {
		int64_t bound = n < 8 ? INT64_C(200) << n : 30000, most = 0;
		if (bound > 30000) bound = 30000;
		for (int i = 0; i < 2000; i++) {
			unsigned n_failures = n;
			int64_t at = aps_sync_retry_at_ms(&rand, &n_failures, 0, 5000);
			assert_in_range(at, 5001, 5000 + bound);
			assert_int_equal(n_failures, n + 1);
			if (at - 5000 > most) most = at - 5000;
		}
		assert_true(most > bound * 95 / 100);
	}
	unsigned n_failures = UINT32_MAX;
	assert_in_range(aps_sync_retry_at_ms(&rand, &n_failures, 0, 0), 1, 30000);
	assert_int_equal(n_failures, UINT32_MAX);
}

static void what_the_service_asks_for_is_waited_up_to_five_minutes(void **state)
{
	(void)state;
	struct aps_rand rand;
	aps_rand_init(&rand, 1);
	unsigned n_failures = 0;
	assert_int_equal(aps_sync_retry_at_ms(&rand, &n_failures, 200, 10), 210);
	assert_int_equal(aps_sync_retry_at_ms(&rand, &n_failures, INT64_MAX, 10), 300010);
	assert_in_range(aps_sync_retry_at_ms(&rand, &n_failures, INT64_MIN, 10), 11, 810);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_base_pass_without_any_page_begins),
	        cmocka_unit_test(a_base_pass_goes_on_while_what_it_knows_is_in_the_window),
	        cmocka_unit_test(a_base_pass_begins_anew_where_nothing_could_tell_what_was_missed),
	        cmocka_unit_test(a_truncated_pass_is_complete_as_far_as_the_plan_goes),
	        cmocka_unit_test(without_a_complete_base_pass_one_begins),
	        cmocka_unit_test(a_base_pass_begins_when_its_interval_is_over),
	        cmocka_unit_test(a_base_pass_begins_when_the_last_one_lies_in_the_future),
	        cmocka_unit_test(what_was_missed_needs_a_base_pass_without_a_delta_query),
	        cmocka_unit_test(what_a_delta_query_can_not_tell_needs_a_base_pass),
	        cmocka_unit_test(without_a_base_query_a_delta_query_is_all_there_is),
	        cmocka_unit_test(what_begins_live_asks_for_nothing_before_it_knows_since_when),
	        cmocka_unit_test(a_delta_pass_goes_on_from_where_it_asked),
	        cmocka_unit_test(times_of_all_sizes_can_be_compared),
	        cmocka_unit_test(a_heartbeat_is_due_when_half_of_the_window_is_over_at_the_latest),
	        cmocka_unit_test(a_base_pass_is_due_when_its_interval_and_its_jitter_are_over),
	        cmocka_unit_test(of_a_subscription_alone_nothing_is_ever_due),
	        cmocka_unit_test(each_failure_doubles_the_delay_up_to_half_a_minute),
	        cmocka_unit_test(what_the_service_asks_for_is_waited_up_to_five_minutes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

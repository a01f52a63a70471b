/* A delta sync's subscription that can't be had: for now, or for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "client/sync_hear.h"
#include "syncing_world.h"

#define PLAIN (&(struct asked){0})

static void a_subscription_that_the_service_has_no_room_for_is_done_without(void **state)
{
	static const char *const TYPES[] = {"MaxSubscriptionsReachedError", "LimitExceededError", "InternalFailure",
	                                    "ServiceUnavailableException"};
	(void)state;
	for (size_t i = 0; i < APS_COUNTOF(TYPES); i++) {
		char errors[96];
		snprintf(errors, sizeof errors, "[{\"errorType\":\"%s\",\"message\":\"not now\"}]", TYPES[i]);
		open_sync(&(struct asked){.base = ""});
		drop_events();
		end_subscription(APS_E_GRAPHQL, errors);
		answer_delta(post("1", 1, 1), NULL);
		assert_phase(APS_SYNC_POLLING);
		assert_string_equal(told("state")->response.err.msg, "no subscription");
		let_time_pass(40000); /* it is asked for again */
		answer_delta("", NULL);
		assert_true(world.run->hearing.is_joined);
		tell("subscribed");
		answer_delta("", NULL);
		assert_phase(APS_SYNC_LIVE);
		assert_int_equal(told("state")->response.err.code, APS_OK);
		stop();
	}
}

static void a_subscription_that_the_service_refuses_ends_it(void **state)
{
	(void)state;
	open_sync(PLAIN);
	drop_events();
	end_subscription(APS_E_GRAPHQL, NO_SUCH_FIELD);
	assert_phase(APS_SYNC_STOPPED);
	assert_string_equal(told("end")->response.err.msg, "no subscription");
	stop();
}

static void a_refusal_that_cannot_be_read_for_want_of_memory_does_not_end_it(void **state)
{
	(void)state;
	open_sync(PLAIN);
	struct aps_err *trouble = &world.run->hearing.trouble;
	aps_fail(trouble, APS_E_GRAPHQL, "no such field");
	/* escapes: the text has to be decoded */
	aps_sync_run_note_told(world.run,
	                       APS_STR("[{\"errorType\":\"Validation\\u0045xception\",\"message\":\"\\u006eo\"}]"));
	assert_true(aps_sync_hear_is_refused(world.run));
	aps_mem_fail_at(1);
	assert_false(aps_sync_hear_is_refused(world.run));
	aps_mem_fail_at(0);
}

static void where_there_is_only_a_subscription_its_state_says_why_that_is_not_there(void **state)
{
	(void)state;
	open_sync(&(struct asked){.base = "", .delta = ""});
	drop_events();
	end_subscription(APS_E_AUTH, NULL);
	assert_told("state", "\"phase\":\"waiting\"");
	assert_string_equal(told("state")->response.err.msg, "no subscription");
	let_time_pass(30000);
	drop_events();
	tell("subscribed");
	assert_told("state", "\"phase\":\"live\"");
	assert_int_equal(told("state")->response.err.code, APS_OK);
}

/* A record that was told of, and deleted while nothing was heard. */
static void what_was_heard_before_a_loss_does_not_outlive_the_pass_behind_it(void **state)
{
	(void)state;
	open_sync(&(struct asked){.delta = ""});
	tell("subscribed");
	answer_base(post("1", 1, 1), "a");
	hear(post("9", 9, 1));
	tell("reconnecting");
	let_time_pass(6000);
	tell("subscribed");
	answer_base(post("1", 1, 1), NULL); /* of the pass that may have missed something */
	assert_string_equal(variables(), "{\"limit\":100}");
	answer_base(post("1", 1, 1), NULL);
	assert_phase(APS_SYNC_LIVE);
	assert_string_equal(list_of(LIST), "1:1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(a_subscription_that_the_service_has_no_room_for_is_done_without),
	        TEST(a_subscription_that_the_service_refuses_ends_it),
	        TEST(a_refusal_that_cannot_be_read_for_want_of_memory_does_not_end_it),
	        TEST(what_was_heard_before_a_loss_does_not_outlive_the_pass_behind_it),
	        TEST(where_there_is_only_a_subscription_its_state_says_why_that_is_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a delta sync tells of its state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "syncing_world.h"

#define PLAIN (&(struct asked){0})

static void what_a_pass_has_brought_is_counted_from_its_beginning(void **state)
{
	(void)state;
	go_live(PLAIN, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	assert_told("state", "\"phase\":\"base\",\"records\":0,\"pages\":0,\"bytes\":0,\"total\":2,\"estimate\":2,");
	drop_events();
	answer_base(post("1", 1, 1), "a");
	assert_told("state", "\"phase\":\"base\",\"records\":1,\"pages\":1,");
	drop_events();
	answer_base(post("2", 2, 1), NULL);
	assert_told("state", "\"phase\":\"live\",\"records\":2,\"pages\":2,");
	drop_events();
	tell("reconnecting");
	tell("subscribed");
	assert_told("state", "\"phase\":\"delta\",\"records\":0,\"pages\":0,");
	answer_delta(post("2", 3, 2), NULL);
	drop_events();
	tell("reconnecting");
	tell("subscribed");
	assert_told("state", "\"phase\":\"delta\",\"records\":0,\"pages\":0,");
}

/* The machine begins its delays anew with each of them: it is told that there may be a network. */
static void tries_that_reach_nothing_are_counted(void **state)
{
	(void)state;
	open_sync(PLAIN);
	tell("subscribed");
	for (int i = 1; i <= 4; i++) {
		char attempts[24];
		drop_events();
		fail_exchange(APS_E_NETWORK);
		snprintf(attempts, sizeof attempts, "\"attempts\":%d,", i);
		assert_told("state", attempts);
		assert_phase(APS_SYNC_WAITING);
		let_time_pass(60000);
	}
	drop_events();
	answer_base(post("1", 1, 1), NULL);
	assert_told("state", "\"attempts\":0,");
	assert_phase(APS_SYNC_LIVE);
}

static void more_is_not_asked_for_in_the_turn_in_which_it_is_told_to_be_offline(void **state)
{
	(void)state;
	open_sync(&(struct asked){.max_records = 1});
	tell("subscribed");
	answer_base(post("1", 1, 1), "a");
	assert_phase(APS_SYNC_LIVE);
	struct aps_sync_answer_command *more = aps_sync_more_command_new(7, SYNC);
	assert_non_null(more);
	more->n = 1;
	aps_reach_set_online(world.core, world.client, false);
	run_command(&more->head);
	assert_false(is_asked());
	turn();
	assert_phase(APS_SYNC_WAITING);
	aps_reach_set_online(world.core, world.client, true);
	turn();
	tell("subscribed");
	answer_base(post("2", 2, 1), NULL);
	assert_string_equal(list(), "1:1 2:2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(what_a_pass_has_brought_is_counted_from_its_beginning),
	        TEST(tries_that_reach_nothing_are_counted),
	        TEST(more_is_not_asked_for_in_the_turn_in_which_it_is_told_to_be_offline),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

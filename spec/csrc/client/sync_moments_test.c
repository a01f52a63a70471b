/* A sync ends, and another one of its name begins in the same process: what the former one was told of its records
 * before its last pass says nothing of what is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "syncing_world.h"

#define ALL_DEFAULT  (&(struct asked){0})
#define WITH_UPDATES (&(struct asked){.has_cache_updates = true})

/* Its mutation is refused. */
static void drop_layer(uint64_t layer)
{
	end_layer(layer, 2);
}

/* The application's functions say nothing of what they are asked of. */
static void settle_records(void)
{
	for (int i = 0; i < 5 && told("records") != NULL; i++) {
		uint64_t question = world.last_question;
		drop_events();
		settle_with(question, 0, NULL, NULL);
	}
}

/* Told of in this process; then the pass lacks it, and a mutation of it is queued. */
static uint64_t let_2_linger(void)
{
	go_live(ALL_DEFAULT, post("1", 1, 1));
	hear(post("2", 2, 1));
	uint64_t layer = queue_layer("2", 200);
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	let_turns_pass();
	assert_string_equal(list(), "1:1 2:200");
	return layer;
}

static void begin_anew(uint64_t id)
{
	assert_true(try_open_as(id, ALL_DEFAULT));
	tell("subscribed");
	answer_delta("", NULL);
	let_turns_pass();
}

static void what_lingers_leaves_in_the_next_sync(void **state)
{
	(void)state;
	uint64_t layer = let_2_linger();
	stop();
	begin_anew(SYNC);
	assert_string_equal(list(), "1:1 2:200");
	drop_layer(layer);
	assert_string_equal(list(), "1:1");
}

static void and_in_the_one_after_it(void **state)
{
	(void)state;
	uint64_t layer = let_2_linger();
	for (int i = 0; i < 3; i++) {
		stop();
		begin_anew(SYNC);
	}
	assert_string_equal(list(), "1:1 2:200");
	drop_layer(layer);
	assert_string_equal(list(), "1:1");
}

static void so_it_does_behind_one_that_was_refused(void **state)
{
	(void)state;
	uint64_t layer = let_2_linger();
	tell("reconnecting");
	tell("subscribed");
	answer_status(200, "{\"errors\":[{\"message\":\"no such field\",\"errorType\":\"ValidationError\"}]}");
	assert_phase(APS_SYNC_STOPPED);
	begin_anew(SYNC + 1);
	drop_layer(layer);
	assert_string_equal(list(), "1:1");
}

/* It may have had a page in hand, of which its functions were asked: that is of no pass, and the next sync has one. */
static void so_it_does_where_the_service_ended_the_one_that_lacked_it(void **state)
{
	(void)state;
	open_sync(WITH_UPDATES);
	tell("subscribed");
	answer_base(post("1", 1, 1), NULL);
	settle_records();
	int64_t base_ms = world.run->machine.checkpoint.base_ms;
	hear(post("2", 2, 1));
	settle_records();
	uint64_t layer = queue_layer("2", 200);
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	assert_non_null(told("records"));
	end_subscription(APS_E_GRAPHQL, NO_SUCH_FIELD);
	assert_phase(APS_SYNC_STOPPED);
	settle_records();
	assert_false(world.run->keeping.is_busy);
	stop();
	open_sync(WITH_UPDATES);
	assert_true(world.run->machine.checkpoint.base_ms == base_ms);
	tell("subscribed");
	answer_delta("", NULL); /* which tells what time it is */
	answer_base(post("1", 1, 1), NULL);
	settle_records();
	drop_layer(layer);
	settle_records();
	assert_string_equal(list(), "1:1");
}

static void what_was_told_since_the_pass_stays(void **state)
{
	(void)state;
	uint64_t layer = let_2_linger();
	hear(post("2", 22, 2));
	stop();
	begin_anew(SYNC);
	drop_layer(layer);
	assert_string_equal(list(), "1:1 2:22");
}

static void what_is_told_in_the_next_sync_stays(void **state)
{
	(void)state;
	uint64_t layer = let_2_linger();
	stop();
	begin_anew(SYNC);
	hear(post("2", 22, 2));
	drop_layer(layer);
	assert_string_equal(list(), "1:1 2:22");
}

/* An application may have one for each thing that it shows. */
static void of_a_sync_without_such_nothing_stays_in_memory(void **state)
{
	(void)state;
	go_live(ALL_DEFAULT, both(post("1", 1, 1), post("2", 2, 1)));
	begin_next_pass();
	answer_base(post("1", 1, 1), NULL);
	hear(post("3", 3, 1));
	stop();
	assert_null(aps_caching_partition(world.core, world.client, CACHE)->ended);
}

static void nor_once_nothing_lingers_any_more(void **state)
{
	(void)state;
	uint64_t layer = let_2_linger();
	stop();
	assert_non_null(aps_caching_partition(world.core, world.client, CACHE)->ended);
	begin_anew(SYNC);
	drop_layer(layer);
	hear(post("3", 3, 2));
	stop();
	assert_null(aps_caching_partition(world.core, world.client, CACHE)->ended);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(what_lingers_leaves_in_the_next_sync, setup, teardown),
	        cmocka_unit_test_setup_teardown(and_in_the_one_after_it, setup, teardown),
	        cmocka_unit_test_setup_teardown(so_it_does_behind_one_that_was_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(so_it_does_where_the_service_ended_the_one_that_lacked_it, setup,
	                                        teardown),
	        cmocka_unit_test_setup_teardown(what_was_told_since_the_pass_stays, setup, teardown),
	        cmocka_unit_test_setup_teardown(what_is_told_in_the_next_sync_stays, setup, teardown),
	        cmocka_unit_test_setup_teardown(of_a_sync_without_such_nothing_stays_in_memory, setup, teardown),
	        cmocka_unit_test_setup_teardown(nor_once_nothing_lingers_any_more, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

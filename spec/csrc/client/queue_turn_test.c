/* Whose turn it is: an answer waits for an earlier one that names the same id, and looks for that among so many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/queue_turn.h"
#include "queue_world.h"

#define NAMED(id) "{\"variables\":{\"input\":{\"id\":\"" id "\"}}}"

static void add_outcomes(int n)
{
	struct aps_err err;
	assert_int_equal(aps_queue_begin(world.queue, true, &err), APS_OK);
	for (int i = 0; i < n; i++) {
		struct aps_kept_outcome outcome = {.owner = world.queue->owner, .content = APS_STR(NAMED("other"))};
		assert_int_equal(aps_outcomes_add(aps_queue_db(world.queue), &outcome, &err), APS_OK);
	}
	turn();
}

/* One that is answered, and that the application doesn't put into the cache; behind so many others that nobody was told
 * of. */
static void stand_behind(int n)
{
	static const char VARIABLES[] = "{\"input\":{\"id\":\"t1\",\"n\":1}}";
	static const char DATA[] = "{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\",\"n\":1}}";
	begin();
	uint64_t call = enqueue_n(1);
	turn();
	answer(200, DONE);
	turn();
	free_result(result_of(call));
	world.queue->vault->has_others = true;
	add_outcomes(n);
	call = enqueue(&(struct asked){.document = CREATE,
	                               .variables = VARIABLES,
	                               .has_update = true,
	                               .edits = make_edits(CREATE, VARIABLES, DATA)});
	turn();
	answer(200, "{\"data\":{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\",\"n\":1}}}");
	turn();
	free_result(result_of(call));
}

static bool must_wait(const char *content)
{
	const struct aps_kept_outcome outcome = {.number = INT64_MAX, .content = aps_str_of(content)};
	return aps_queue_turn_is_others(world.queue, &outcome);
}

static void it_is_that_of_an_earlier_one_that_names_the_same_id(void **state)
{
	(void)state;
	stand_behind(3);
	assert_true(aps_vault_is_shared(world.queue->vault));
	assert_true(must_wait(NAMED("t1")));
	assert_false(must_wait(NAMED("t2")));
	assert_false(must_wait(NAMED("other"))); /* those have nothing to put into the cache */
	world.queue->vault->has_others = false;
	assert_false(must_wait(NAMED("t1")));
	finish();
}

static void and_not_for_longer_than_two_seconds(void **state)
{
	(void)state;
	stand_behind(3);
	int64_t now_ms = aps_clock_mono_ms();
	assert_true(must_wait(NAMED("t1")));
	aps_clock_stand(now_ms + APS_QUEUE_TURN_MS - 1, 0);
	assert_true(must_wait(NAMED("t1")));
	aps_clock_stand(now_ms + APS_QUEUE_TURN_MS, 0);
	assert_false(must_wait(NAMED("t1")));
	assert_false(must_wait(NAMED("t1")));
	finish();
}

static void of_very_many_the_first_thousand_are_looked_at(void **state)
{
	(void)state;
	stand_behind(998); /* and the one that made the outbox known */
	assert_true(must_wait(NAMED("t1")));
	finish();
	stand_behind(999);
	assert_false(must_wait(NAMED("t1")));
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(it_is_that_of_an_earlier_one_that_names_the_same_id),
	        cmocka_unit_test(and_not_for_longer_than_two_seconds),
	        cmocka_unit_test(of_very_many_the_first_thousand_are_looked_at),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

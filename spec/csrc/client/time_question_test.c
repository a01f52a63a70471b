#include "client/time_question.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "core_world.h"

static void never(struct aps_core *core APS_UNUSED, struct aps_time_question *question APS_UNUSED,
                  bool was_wrong APS_UNUSED)
{
	fail_msg("nobody has answered");
}

static void begin(struct core_world *world, const char *endpoint)
{
	core_world_begin(world);
	world->client->settings.endpoint = aps_strndup(endpoint, strlen(endpoint));
}

static void it_is_asked_once(void **state)
{
	(void)state;
	struct core_world world;
	struct aps_time_question question;
	begin(&world, "http://127.0.0.1:9/graphql");
	aps_time_question_init(&question, world.client, never);
	assert_true(aps_time_question_ask(world.core, &question));
	assert_int_not_equal(question.exchange, 0);
	assert_false(aps_time_question_ask(world.core, &question));
	aps_time_question_stop(world.core, &question);
	aps_time_question_stop(world.core, &question);
	assert_false(aps_time_question_ask(world.core, &question));
	core_world_finish(&world);
}

static void what_is_known_is_not_asked_for(void **state)
{
	(void)state;
	struct core_world world;
	struct aps_time_question question;
	begin(&world, "http://127.0.0.1:9/graphql");
	aps_client_set_clock(world.client, 3000);
	assert_int_equal(world.client->skew_ms, 3000);
	aps_time_question_init(&question, world.client, never);
	assert_false(aps_time_question_ask(world.core, &question));
	aps_time_question_stop(world.core, &question);
	core_world_finish(&world);
}

/* Whether it was asked, when this allocation fails. */
static bool ask_without_memory(size_t nth)
{
	struct core_world world;
	struct aps_time_question question;
	begin(&world, "http://127.0.0.1:9/graphql");
	aps_time_question_init(&question, world.client, never);
	aps_mem_fail_at(nth);
	bool is_asked = aps_time_question_ask(world.core, &question);
	aps_mem_fail_at(0);
	aps_time_question_stop(world.core, &question);
	core_world_finish(&world);
	return is_asked;
}

static void who_cannot_be_asked_leaves_all_as_it_was(void **state)
{
	(void)state;
	size_t n_refused = 0;
	for (size_t nth = 1; nth <= 8; nth++) n_refused += !ask_without_memory(nth);
	assert_int_not_equal(n_refused, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(it_is_asked_once),
	        cmocka_unit_test(what_is_known_is_not_asked_for),
	        cmocka_unit_test(who_cannot_be_asked_leaves_all_as_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

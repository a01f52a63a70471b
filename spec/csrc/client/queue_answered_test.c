/* Layers of answers that were stored by a run which ended before the application's update was through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "offline_queue_world.h"

#define CONTENT "{\"id\":\"x\",\"data\":{\"say\":{\"id\":\"1\"}}}"
#define RULES   "{\"id\":\"x\",\"data\":{\"say\":{\"id\":\"1\"}},\"rules\":[{}]}"

static uint64_t put_answered(const char *content, bool is_told)
{
	uint64_t id = put_layer(APS_LAYER_ANSWERED, "hope", "1");
	if (content != NULL) put_outcome_of(owner_of("ann"), (int64_t)id, is_told, content);
	core_world_turn(&world.core);
	assert_int_equal(value_of("SELECT count(*) FROM layer WHERE kind = 2"), 1);
	return id;
}

static int64_t n_layers(void)
{
	return value_of("SELECT count(*) FROM layer");
}

/* The text of the last QUEUE event of that sort. */
static const char *told(const char *what)
{
	static char last[1024];
	char sort[32];
	last[0] = '\0';
	snprintf(sort, sizeof sort, "\"what\":\"%s\"", what);
	for (struct aps_event *event; (event = core_world_take(&world.core)) != NULL;) {
		const struct aps_result_event *result = (const struct aps_result_event *)event;
		struct aps_str data = event->kind == APS_EVENT_QUEUE ? result->response.data : APS_STR("");
		char text[1024];
		snprintf(text, sizeof text, "%.*s", (int)data.n, data.p);
		if (strstr(text, sort) != NULL) memcpy(last, text, sizeof last);
		event->mail.kind->free_mail(&event->mail);
	}
	return last;
}

static void one_whose_outcome_was_told_ends_at_the_next_start(void **state)
{
	(void)state;
	put_answered(CONTENT, true);
	reopen_queue();
	assert_int_equal(n_layers(), 0);
	assert_string_equal(told("outcome"), "");
}

static void one_without_an_outcome_ends_at_the_next_start(void **state)
{
	(void)state;
	put_answered(NULL, false);
	reopen_queue();
	assert_int_equal(n_layers(), 0);
}

static void one_that_nobody_settles_ends_at_the_next_start_and_is_told(void **state)
{
	(void)state;
	put_answered(CONTENT, false);
	told("outcome");
	reopen_queue();
	assert_int_equal(n_layers(), 0);
	const char *news = told("outcome");
	assert_non_null(strstr(news, "\"has_layer\":false"));
	assert_non_null(strstr(news, "\"is_old\":true"));
}

static void one_for_which_there_are_functions_waits_for_them(void **state)
{
	(void)state;
	uint64_t id = put_answered(CONTENT, false);
	told("outcome");
	has_updates = true;
	reopen_queue();
	assert_int_equal(n_layers(), 1);
	assert_non_null(strstr(told("answer"), "\"has_layer\":true"));
	aps_caching_settle_queued(world.core.core, world.client, CACHE, id, &(struct aps_caching_edits){.layer = 0});
	core_world_turn(&world.core);
	assert_int_equal(n_layers(), 0);
	/* and it ends but once: whoever is told once more, after a power cut, finds nothing to settle */
	told("outcome");
	reopen_queue();
	assert_non_null(strstr(told("outcome"), "\"has_layer\":false"));
}

static void one_with_rules_waits_for_them(void **state)
{
	(void)state;
	put_answered(RULES, false);
	told("outcome");
	reopen_queue();
	assert_int_equal(n_layers(), 1);
	assert_non_null(strstr(told("answer"), "\"has_layer\":true"));
}

static void those_of_queued_mutations_stay(void **state)
{
	(void)state;
	put_layer(APS_LAYER_QUEUED, "hope", "1");
	core_world_turn(&world.core);
	reopen_queue();
	assert_int_equal(n_layers(), 1);
}

static void a_damaged_outcome_is_awaited_by_nobody(void **state)
{
	(void)state;
	put_answered(RULES, false);
	told("outcome");
	ok(aps_db_exec(db(), "UPDATE outcome SET sum = 0", &queue_err));
	reopen_queue();
	assert_int_equal(n_layers(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, queue_setup, collecting_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        TEST(one_whose_outcome_was_told_ends_at_the_next_start),
	        TEST(one_without_an_outcome_ends_at_the_next_start),
	        TEST(one_that_nobody_settles_ends_at_the_next_start_and_is_told),
	        TEST(one_for_which_there_are_functions_waits_for_them),
	        TEST(one_with_rules_waits_for_them),
	        TEST(those_of_queued_mutations_stay),
	        TEST(a_damaged_outcome_is_awaited_by_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

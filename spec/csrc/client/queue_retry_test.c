/* A mutation that makes a record is tried again, and goes to the tail: what names its record waits for it, wherever it
 * stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_made.h"

static void name_it(void)
{
	enqueue(&(struct asked){.variables = "{\"n\":\"" TEMPORARY "\"}"});
}

/* The maker is dead, and tried again while the one before those that name its record is still under way. */
static void retry_behind_one_that_names_it(void)
{
	begin();
	make_one();
	enqueue_n(2);
	name_it();
	turn();
	answer(200, REFUSED);
	turn();
	assert_string_equal(ask(APS_QUEUE_ASK_RETRY, id_of(1), NULL), "true");
	assert_has(body_of(under_way()), "\"n\":2");
}

static void what_is_queued_before_it_by_now_is_not_sent_without_it(void **state)
{
	(void)state;
	retry_behind_one_that_names_it();
	answer(200, DONE);
	turn();
	assert_has(body_of(under_way()), "createTodo");
	assert_has(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "\"outcome\":\"blocked\"");
	/* as one of those that it takes along when it is tried again */
	char blocked[64], own[64];
	snprintf(own, sizeof own, "%s", id_of(3));
	uint64_t again = under_way()->number;
	snprintf(blocked, sizeof blocked, "%s", ask(APS_QUEUE_ASK_BLOCKED, id_of(again), NULL));
	assert_has(blocked, own);
	finish();
}

static void that_it_has_died_a_second_time_changes_nothing(void **state)
{
	(void)state;
	retry_behind_one_that_names_it();
	restart(); /* the one that was under way is a dead letter */
	assert_has(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "\"outcome\":\"blocked\"");
	assert_has(body_of(under_way()), "createTodo");
	answer(200, REFUSED);
	turn();
	assert_null(under_way());
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"size\":0,\"dead\":3");
	finish();
}

static void what_was_queued_before_it_was_ever_made_waits_for_nothing(void **state)
{
	(void)state;
	begin();
	enqueue_n(1);
	name_it();
	make_one();
	turn();
	answer(200, DONE);
	turn();
	assert_has(body_of(under_way()), TEMPORARY);
	assert_has(body_of(under_way()), "addTodo");
	finish();
}

/* As where it is retried by hand: there is nothing that its answer could be compared with. */
static void one_without_a_layer_tells_only_the_id_that_its_answer_shows(void **state)
{
	(void)state;
	static const struct {
		const char *made, *next, *dead;
	} ROWS[] = {
	        {"\"id\":\"" TEMPORARY "\",", TEMPORARY, "[]"},
	        {"\"id\":\"real\",", "\"n\":\"real\"", "[]"},
	        {"", NULL, "\"code\":\"blocked\""},
	};
	for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
		char text[160];
		begin();
		make_one();
		turn();
		answer(200, REFUSED);
		turn();
		assert_string_equal(ask(APS_QUEUE_ASK_RETRY, id_of(1), NULL), "true");
		name_it();
		turn();
		snprintf(text, sizeof text, "{\"data\":{\"createTodo\":{\"__typename\":\"Todo\",%s\"n\":1}}}",
		         ROWS[i].made);
		answer(200, text);
		turn();
		assert_true((under_way() != NULL) == (ROWS[i].next != NULL));
		if (ROWS[i].next != NULL) assert_has(body_of(under_way()), ROWS[i].next);
		assert_has(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), ROWS[i].dead);
		finish();
	}
}

#define MANY "mutation Make($input: [X]) { createTodos(input: $input) { id } }"

/* As many as it makes: the last one counts as well. */
static void one_that_makes_many_records_makes_all_of_them(void **state)
{
	(void)state;
	char response[4096], variables[128];
	int n = snprintf(response, sizeof response, "{\"createTodos\":[");
	for (int i = 10; i < 50; i++)
		n += snprintf(response + n, sizeof response - (size_t)n,
		              "%s{\"__typename\":\"Todo\",\"id\":\"0a1b2c3d-0000-4000-8000-0000000000%d\"}",
		              i > 10 ? "," : "", i);
	snprintf(response + n, sizeof response - (size_t)n, "]}");
	for (int i = 10; i < 50; i += 13) {
		begin();
		enqueue(&(struct asked){.document = MANY,
		                        .variables = "{}",
		                        .response = response,
		                        .edits = make_edits(MANY, "{}", response)});
		snprintf(variables, sizeof variables, "{\"n\":\"0a1b2c3d-0000-4000-8000-0000000000%d\"}", i);
		enqueue(&(struct asked){.variables = variables});
		turn();
		answer(200, REFUSED);
		turn();
		assert_null(under_way());
		assert_has(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "\"outcome\":\"blocked\"");
		finish();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_queued_before_it_by_now_is_not_sent_without_it),
	        cmocka_unit_test(that_it_has_died_a_second_time_changes_nothing),
	        cmocka_unit_test(what_was_queued_before_it_was_ever_made_waits_for_nothing),
	        cmocka_unit_test(one_that_makes_many_records_makes_all_of_them),
	        cmocka_unit_test(one_without_a_layer_tells_only_the_id_that_its_answer_shows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

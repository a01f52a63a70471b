/* The store turns out to be damaged in the middle of what is done to the queue, and another one takes its place: what
 * was half done isn't told as done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_made.h"

#define HOPED "{\"addTodo\":{\"__typename\":\"Todo\",\"id\":\"1\",\"n\":5}}"

static uint64_t hope(void)
{
	return enqueue(&(struct asked){.response = HOPED, .edits = make_edits(ADD, "{\"n\":1}", HOPED)});
}

/* A record that nobody has read in this run is damaged. */
static void damage_a_record(void)
{
	struct aps_err err;
	struct aps_db *db = aps_queue_db(world.queue);
	assert_int_equal(aps_db_exec(db, "UPDATE entry SET sum = sum + 1", &err), APS_OK);
}

static void begin_with_a_record(void)
{
	begin();
	enqueue_n(1);
	turn();
	answer(200, DONE);
	turn();
	restart();
	be_online(false);
}

static void what_was_queued_is_there_or_is_told_that_it_is_not(void **state)
{
	(void)state;
	begin_with_a_record();
	damage_a_record();
	uint64_t call = hope();
	turn();
	assert_ends(call, APS_E_STORAGE, false);
	assert_string_equal(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "[]");
	let_time_pass(2000);
	call = hope();
	turn();
	assert_ends(call, APS_OK, true);
	assert_has(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "addTodo");
	be_online(true);
	assert_has(body_of(under_way()), "addTodo");
	finish();
}

static void what_was_discarded_is_gone_or_is_told_that_it_is_not(void **state)
{
	(void)state;
	begin_with_a_record();
	free_result((hope(), turn(), result_of(world.last_call)));
	char id[64];
	restart();
	be_online(false);
	uint64_t number = (uint64_t)world.queue->last_old;
	snprintf(id, sizeof id, "%s", id_of(number));
	assert_has(ask(APS_QUEUE_ASK_LIST, NULL, NULL), id);
	damage_a_record();
	const char *said = ask(APS_QUEUE_ASK_DISCARD, id, NULL);
	bool is_discarded = strcmp(said, "true") == 0;
	turn();
	const char *list = ask(APS_QUEUE_ASK_LIST, NULL, NULL);
	if (is_discarded != (strcmp(list, "[]") == 0)) fail_msg("%d but %s", is_discarded, list);
	finish();
}

/* Its answer goes into the cache once more, and there is no memory for it then. */
static void an_answer_that_is_lost_twice_leaves_the_queue_once(void **state)
{
	(void)state;
	for (size_t nth = 1; nth <= 150; nth++) {
		begin();
		uint64_t call = hope();
		turn();
		answer(200, DONE);
		aps_vault_abandon(world.queue->vault);
		turn();
		assert_null(take_result(call));
		uint64_t place = world.queue->vault->place;
		aps_mem_fail_at(nth);
		let_time_pass(2000);
		aps_mem_fail_at(0);
		for (int i = 0; i < 3; i++) let_time_pass(2000);
		if (world.queue->vault->place != place) fail_msg("the store was given up at %d", (int)nth);
		assert_ends(call, APS_OK, false);
		assert_string_equal(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "[]");
		assert_string_equal(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "[]");
		struct aps_err err;
		int64_t n_outcomes;
		assert_int_equal(
		        aps_db_read_int(aps_queue_db(world.queue), "SELECT count(*) FROM outcome", &n_outcomes, &err),
		        APS_OK);
		assert_int_equal(n_outcomes, 1);
		assert_int_equal(n_requests(), 1);
		finish();
		if (!aps_mem_has_failed()) break;
	}
}

/* What was answered before it was tried again is no answer that could be lost. */
static void an_answer_is_kept_once_whatever_was_lost_before(void **state)
{
	(void)state;
	begin();
	stand_still();
	enqueue(&(struct asked){
	        .document = CREATE, .variables = INPUT, .response = MADE, .edits = make_edits(CREATE, INPUT, MADE)});
	enqueue(&(struct asked){.variables = "{\"n\":\"" TEMPORARY "\"}"});
	turn();
	answer(200, "{\"data\":{\"createTodo\":null},\"errors\":[{\"errorType\":\"ThrottlingException\","
	            "\"path\":[\"createTodo\"],\"message\":\"busy\"}]}");
	turn();
	assert_null(under_way());
	uint64_t call = enqueue_n(3);
	aps_vault_abandon(world.queue->vault);
	turn();
	assert_ends(call, APS_E_STORAGE, false);
	for (int i = 0; i < 3 && under_way() == NULL; i++) let_time_pass(301000);
	answer(200, "{\"data\":{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"real\",\"n\":1}}}");
	turn();
	assert_has(body_of(under_way()), "\"n\":\"real\"");
	finish();
	aps_clock_go_on();
}

static void make_and_name(void)
{
	enqueue(&(struct asked){
	        .document = CREATE, .variables = INPUT, .response = MADE, .edits = make_edits(CREATE, INPUT, MADE)});
	enqueue(&(struct asked){.variables = "{\"n\":\"" TEMPORARY "\"}"});
	turn();
}

/* Who names the record isn't sent under an id that the service doesn't know. */
static void without_memory_for_an_answer_its_ids_are_known_or_not_but_never_wrong(void **state)
{
	(void)state;
	for (size_t nth = 1; nth <= 240; nth++) {
		begin();
		make_and_name();
		aps_mem_fail_at(nth);
		answer(200, "{\"data\":{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"real\",\"n\":1}}}");
		turn();
		aps_mem_fail_at(0);
		for (int i = 0; i < 4 && under_way() == NULL; i++) let_time_pass(301000);
		if (under_way() != NULL && strstr(body_of(under_way()), "addTodo") != NULL)
			assert_has(body_of(under_way()), "\"n\":\"real\"");
		finish();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_was_queued_is_there_or_is_told_that_it_is_not),
	        cmocka_unit_test(what_was_discarded_is_gone_or_is_told_that_it_is_not),
	        cmocka_unit_test(an_answer_that_is_lost_twice_leaves_the_queue_once),
	        cmocka_unit_test(an_answer_is_kept_once_whatever_was_lost_before),
	        cmocka_unit_test(without_memory_for_an_answer_its_ids_are_known_or_not_but_never_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which mutations of an outbox go beside which, and what they wait for: records, and temporary ids of what earlier ones
 * are to make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_made.h"

/* What they make in one mode is named in another one. */
static void name_it_in_another_mode(void)
{
	enqueue(&(struct asked){.variables = "{\"n\":\"" TEMPORARY "\"}", .mode = APS_ENTRY_AWS_IAM});
}

static void begin_with_two_modes(void)
{
	struct aps_queue_settings settings;
	begin();
	make_queue_settings(&settings);
	settings.credentials[APS_ENTRY_AWS_IAM] = KEY;
	open_queue_with(CACHE, &settings);
	turn();
}

static void update(const char *id)
{
	char variables[96];
	snprintf(variables, sizeof variables, "{\"input\":{\"id\":\"%s\",\"n\":1}}", id);
	enqueue(&(struct asked){.document = UPDATE, .variables = variables});
}

static void open_with_records_beside(void)
{
	struct aps_queue_settings settings;
	make_queue_settings(&settings);
	settings.order = APS_OUTBOX_ENTITY;
	open_queue_with(CACHE, &settings);
	world.queue = aps_queueing_find(world.core, world.client, CACHE);
	turn();
}

static void begin_with_records_beside(void)
{
	begin_without_a_queue();
	open_with_records_beside();
}

static void what_is_of_other_records_goes_beside_where_that_is_asked_for(void **state)
{
	(void)state;
	begin_with_records_beside();
	update("5d1b2c3d-0000-4000-8000-000000000001");
	update("5d1b2c3d-0000-4000-8000-000000000001");
	update("5d1b2c3d-0000-4000-8000-000000000002");
	turn();
	assert_int_equal(n_requests(), 2);
	aps_vault_abandon(world.queue->vault); /* nothing was open */
	turn();
	let_time_pass(2000);
	for (size_t i = 0; i < 3; i++) {
		assert_true(n_requests() <= 3);
		answer(200, "{\"data\":{\"updateTodo\":{\"__typename\":\"Todo\",\"id\":\"1\"}}}");
		turn();
	}
	assert_int_equal(n_requests(), 3);
	assert_string_equal(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "[]");
	finish();
}

static void records_in_lists_and_in_the_document_itself_are_waited_for(void **state)
{
	(void)state;
	static const struct {
		const char *document, *variables;
	} ROWS[] = {
	        {"mutation M($userId: ID) { f(id: \"t1\", userId: $userId) { id } }", "{\"userId\":\"u\"}"},
	        {"mutation M($userId: ID, $t: ID = \"t1\") { f(t: $t, userId: $userId) { id } }", "{\"userId\":\"u\"}"},
	        {"mutation M($userId: ID, $all: [ID!]) { f(all: $all, userId: $userId) { id } }",
	         "{\"userId\":\"u\",\"all\":[\"x\",\"t1\"]}"},
	        {"mutation M($input: In) { f(input: $input) { id } }",
	         "{\"input\":{\"userId\":\"u\",\"ids\":[\"t1\"]}}"},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		begin_with_records_beside();
		update("t1");
		enqueue(&(struct asked){.document = ROWS[i].document, .variables = ROWS[i].variables});
		enqueue(&(struct asked){.document = ROWS[i].document, .variables = "{\"userId\":\"v\",\"t\":\"t2\"}"});
		turn();
		assert_int_equal(n_requests(), i == 0 ? 1 : 2);
		finish();
	}
}

static void what_is_far_behind_is_found_while_other_things_go_on(void **state)
{
	(void)state;
	begin_with_records_beside();
	aps_clock_go_on(); /* a slice ends by it */
	be_online(false);
	for (int i = 0; i < 20 * APS_OUTBOX_MAX_READS; i++) update("5d1b2c3d-0000-4000-8000-000000000001");
	update("5d1b2c3d-0000-4000-8000-000000000002");
	turn();
	restart_without_a_queue();
	open_with_records_beside();
	assert_int_equal(n_requests(), 1);
	int n_turns = 0;
	for (; n_requests() == 1; n_turns++) let_time_pass(1);
	assert_int_equal(n_requests(), 2);
	assert_in_range(n_turns, 3, 20);
	finish();
}

/* Either was queued when one of the ids was known. */
static void a_record_under_its_two_ids_is_one(void **state)
{
	(void)state;
	begin_with_records_beside();
	make_one();
	update(TEMPORARY);
	turn();
	answer(200, "{\"data\":{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"real\",\"n\":1}}}");
	turn();
	assert_int_equal(n_requests(), 2);
	update("real");
	update(TEMPORARY);
	update("other");
	turn();
	assert_int_equal(n_requests(), 3);
	answer(200, "{\"data\":{\"updateTodo\":{\"__typename\":\"Todo\",\"id\":\"real\"}}}");
	turn();
	assert_int_equal(n_requests(), 4);
	assert_has(body_of(under_way()), "\"id\":\"real\"");
	finish();
}

static void count_once(const char *op, const char *counter)
{
	char variables[64];
	snprintf(variables, sizeof variables, "{\"opId\":\"%s\",\"counter\":\"%s\"}", op, counter);
	enqueue(&(struct asked){
	        .document =
	                "mutation Count($opId: ID!, $counter: ID!) { count(op: $opId, counter: $counter) { total } }",
	        .variables = variables});
}

static void what_a_document_declares_as_an_id_names_a_record_whatever_it_is_called(void **state)
{
	(void)state;
	begin_with_records_beside();
	count_once("a", "c1");
	count_once("b", "c1");
	count_once("c", "c2");
	turn();
	assert_int_equal(n_requests(), 2);
	finish();
}

static void what_names_a_record_goes_by_the_id_that_it_gets(void **state)
{
	(void)state;
	begin_with_two_modes();
	make_one();
	name_it_in_another_mode();
	turn();
	assert_int_equal(n_requests(), 1);
	assert_has(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "\"state\":\"waiting_maker\"");
	answer(200, "{\"data\":{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"real\",\"n\":1}}}");
	turn();
	assert_has(body_of(under_way()), "\"n\":\"real\"");
	finish();
}

static void a_look_asks_for_the_record_by_the_id_that_it_got(void **state)
{
	(void)state;
	static const char VARIABLES[] = "{\"input\":{\"id\":\"" TEMPORARY "\",\"n\":2,\"_version\":1}}";
	static const char HOPED[] =
	        "{\"updateTodo\":{\"__typename\":\"Todo\",\"id\":\"" TEMPORARY "\",\"n\":2,\"_version\":2}}";
	begin();
	make_one();
	enqueue(&(struct asked){.document = UPDATE,
	                        .variables = VARIABLES,
	                        .response = HOPED,
	                        .edits = make_edits(UPDATE, INPUT, HOPED)});
	turn();
	answer(200, "{\"data\":{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"real\",\"n\":1}}}");
	turn();
	assert_has(body_of(under_way()), "\"id\":\"real\"");
	restart();
	assert_true(under_way()->is_look);
	assert_has(body_of(under_way()), "getTodo(id: \\\"real\\\")");
	finish();
}

static void a_maker_that_is_changed_blocks_nothing(void **state)
{
	(void)state;
	begin_with_two_modes();
	make_one();
	name_it_in_another_mode();
	turn();
	answer(503, "busy");
	turn();
	assert_string_equal(ask(APS_QUEUE_ASK_EDIT, id_of(1), "{\"input\":{\"id\":\"" TEMPORARY "\",\"n\":2}}"),
	                    "true");
	assert_string_equal(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "[]");
	assert_has(body_of(under_way()), "\"n\":2");
	finish();
}

static void what_names_a_record_that_never_will_be_is_dead_as_well(void **state)
{
	(void)state;
	begin_with_two_modes();
	make_one();
	name_it_in_another_mode();
	turn();
	answer(200, REFUSED);
	turn();
	assert_int_equal(n_requests(), 1);
	assert_has(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "\"blocked_by\":\"");
	assert_has(ask(APS_QUEUE_ASK_BLOCKED, id_of(1), NULL), id_of(2));
	finish();
}

static void what_names_a_record_whose_maker_was_discarded_is_dead(void **state)
{
	(void)state;
	begin();
	be_online(false);
	make_one();
	enqueue(&(struct asked){.variables = "{\"n\":\"" TEMPORARY "\"}"});
	enqueue_n(3);
	turn();
	assert_string_equal(ask(APS_QUEUE_ASK_DISCARD, id_of(1), NULL), "true");
	be_online(true);
	assert_has(body_of(under_way()), "\"n\":3");
	assert_has(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "\"outcome\":\"blocked\"");
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_of_other_records_goes_beside_where_that_is_asked_for),
	        cmocka_unit_test(records_in_lists_and_in_the_document_itself_are_waited_for),
	        cmocka_unit_test(what_is_far_behind_is_found_while_other_things_go_on),
	        cmocka_unit_test(a_record_under_its_two_ids_is_one),
	        cmocka_unit_test(what_a_document_declares_as_an_id_names_a_record_whatever_it_is_called),
	        cmocka_unit_test(what_names_a_record_goes_by_the_id_that_it_gets),
	        cmocka_unit_test(a_look_asks_for_the_record_by_the_id_that_it_got),
	        cmocka_unit_test(a_maker_that_is_changed_blocks_nothing),
	        cmocka_unit_test(what_names_a_record_that_never_will_be_is_dead_as_well),
	        cmocka_unit_test(what_names_a_record_whose_maker_was_discarded_is_dead),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

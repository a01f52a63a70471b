/* Mutations of unusual form: root fields that are written twice, skipped, answered under another name or beside the
 * name of the root's type, lists at the root, records that aren't those of the optimistic response. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_world.h"

#include "cache/doubt.h"

#define UUID "11111111-1111-4111-8111-11111111111"

static const char *dead_letters(void)
{
	return ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL);
}

static void send(const char *document, const char *variables, const char *response)
{
	enqueue(&(struct asked){.document = document,
	                        .variables = variables,
	                        .response = response,
	                        .edits = response != NULL ? make_edits(document, variables, response) : NULL});
	turn();
}

#define FAILED(type)                                                                                                   \
	"{\"data\":{\"a\":null},\"errors\":[{\"path\":[\"a\"],\"errorType\":\"" type "\",\"message\":\"m\"}]}"

static void a_root_field_that_is_written_twice_or_skipped_fails_as_one(void **state)
{
	(void)state;
	static const char *const DOCUMENTS[] = {
	        "mutation M($n: Int) { a(n: $n) { id } a(n: $n) { n } }",
	        ("mutation M($n: Int) { ...F ...G } fragment F on Mutation { a(n: $n) { id } } fragment G on Mutation "
	         "{ "
	         "a(n: $n) { n } }"),
	        "mutation M($n: Int) { a(n: $n) { id } b @skip(if: true) c @include(if: false) }",
	};
	for (size_t i = 0; i < sizeof DOCUMENTS / sizeof DOCUMENTS[0]; i++) {
		begin();
		send(DOCUMENTS[i], "{\"n\":1}", NULL);
		answer(200, FAILED("Refused"));
		turn();
		assert_has(dead_letters(), "\"outcome\":\"refused\"");
		send(DOCUMENTS[i], "{\"n\":2}", NULL);
		answer(200, FAILED("ThrottlingException"));
		turn();
		assert_has(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "\"state\":\"retrying\"");
		finish();
	}
}

static void a_field_that_may_have_been_executed_beside_one_that_failed_leaves_it_open(void **state)
{
	(void)state;
	begin();
	send("mutation M($n: Int) { a(n: $n) { id } b { id } }", "{\"n\":1}", NULL);
	answer(200, "{\"data\":{\"a\":null,\"b\":null},\"errors\":[{\"path\":[\"a\"],\"errorType\":\"Refused\"}]}");
	turn();
	assert_has(dead_letters(), "\"outcome\":\"unknown\"");
	finish();
}

/* Ids that a service has ignored are seen in answers of the same field, however it is asked for. */
static void create(const char *document, char last)
{
	char response[160], variables[96];
	snprintf(response, sizeof response, "{\"r\":{\"__typename\":\"Todo\",\"id\":\"" UUID "%c\",\"n\":2}}", last);
	snprintf(variables, sizeof variables, "{\"input\":{\"id\":\"" UUID "%c\",\"n\":2}}", last);
	send(document, variables, response);
}

#define MAKE   "mutation Make($input: CreateTodoInput!) { r: createTodo(input: $input) { id n } }"
#define CHANGE "mutation Change($input: UpdateTodoInput!) { r: updateTodo(input: $input) { id n } }"

static void that_ids_are_ignored_is_known_of_the_field_and_not_of_its_alias(void **state)
{
	(void)state;
	begin();
	create(MAKE, '1');
	answer(200, "{\"data\":{\"r\":{\"__typename\":\"Todo\",\"id\":\"7\",\"n\":2}}}");
	turn();
	send(CHANGE, "{\"input\":{\"id\":\"7\",\"n\":3}}", NULL);
	answer(200, "{\"data\":{\"r\":{\"__typename\":\"Todo\",\"id\":\"7\",\"n\":3}}}");
	turn();
	create(MAKE, '2');
	restart();
	assert_true(under_way()->is_look);
	answer(200, "{\"data\":{\"r\":null}}");
	turn();
	assert_null(under_way());
	assert_has(dead_letters(), "\"outcome\":\"unknown\"");
	finish();
}

#define MAKE_IN_FRAGMENT                                                                                               \
	"mutation Make($input: CreateTodoInput!) { ...F } fragment F on Mutation { r: createTodo(input: $input) { id " \
	"n } }"

static void that_ids_are_ignored_is_seen_beside_the_name_of_the_root_s_type(void **state)
{
	(void)state;
	begin();
	create(MAKE_IN_FRAGMENT, '1');
	answer(200, "{\"data\":{\"r\":{\"__typename\":\"Todo\",\"id\":\"7\",\"n\":2},\"__typename\":\"Mutation\"}}");
	turn();
	create(MAKE_IN_FRAGMENT, '2');
	restart();
	assert_true(under_way()->is_look);
	answer(200, "{\"data\":{\"r\":null}}");
	turn();
	assert_null(under_way());
	assert_has(dead_letters(), "\"outcome\":\"unknown\"");
	finish();
}

static void without_memory_to_know_the_field_what_is_absent_is_not_made_again(void **state)
{
	(void)state;
	for (size_t nth = 1; nth <= 120; nth++) {
		begin();
		create(MAKE_IN_FRAGMENT, '1');
		answer(200, "{\"data\":{\"r\":{\"__typename\":\"Todo\",\"id\":\"7\",\"n\":2}}}");
		turn();
		create(MAKE_IN_FRAGMENT, '2');
		restart();
		assert_true(under_way()->is_look);
		aps_mem_fail_at(nth);
		answer(200, "{\"data\":{\"r\":null}}");
		turn();
		aps_mem_fail_at(0);
		for (int i = 0; i < 4 && under_way() == NULL; i++) let_time_pass(301000);
		if (under_way() != NULL && !under_way()->is_look) fail_msg("it is sent again at %d", (int)nth);
		finish();
	}
}

static void that_a_service_merges_is_seen_beside_the_name_of_the_root_s_type(void **state)
{
	(void)state;
	begin();
	send("mutation Up($input: UpdateTodoInput!) { __typename updateTodo(input: $input) { id n _version } }",
	     "{\"input\":{\"id\":\"t1\",\"n\":2,\"_version\":3}}", NULL);
	assert_false(world.queue->merges);
	answer(200,
	       "{\"data\":{\"__typename\":\"Mutation\",\"updateTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\",\"n\":2,"
	       "\"_version\":9}}}");
	turn();
	assert_true(world.queue->merges);
	finish();
}

static void a_list_at_the_root_is_not_answered_by_one_of_its_records(void **state)
{
	(void)state;
	begin();
	send(UPDATE, "{\"input\":{\"id\":\"t1\",\"n\":2,\"_version\":3}}",
	     "{\"updateTodo\":[{\"__typename\":\"Todo\",\"id\":\"t1\",\"n\":2,\"_version\":4}]}");
	restart();
	assert_null(under_way());
	assert_has(dead_letters(), "\"outcome\":\"unknown\"");
	finish();
}

static void what_was_edited_to_be_about_another_record_is_not_judged_by_the_first_one(void **state)
{
	(void)state;
	begin();
	enqueue_n(1);
	send(UPDATE, "{\"input\":{\"id\":\"t1\",\"n\":2,\"_version\":3}}",
	     "{\"updateTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\",\"n\":2,\"_version\":4}}");
	char id[40];
	const char *at = strstr(strstr(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "addTodo"), "\"id\":\"");
	snprintf(id, sizeof id, "%.*s", (int)strcspn(at + 6, "\""), at + 6);
	ask(APS_QUEUE_ASK_EDIT, id, "{\"input\":{\"id\":\"t2\",\"n\":2,\"_version\":3}}");
	answer(200, DONE);
	turn();
	assert_has(body_of(under_way()), "t2");
	restart();
	assert_null(under_way());
	assert_has(dead_letters(), "\"outcome\":\"unknown\"");
	finish();
}

static void a_number_as_id_is_looked_at_as_a_number(void **state)
{
	(void)state;
	begin();
	send(UPDATE, "{\"input\":{\"id\":5,\"n\":2,\"_version\":3}}",
	     "{\"updateTodo\":{\"__typename\":\"Todo\",\"id\":5,\"n\":2,\"_version\":4}}");
	restart();
	assert_has(body_of(under_way()), "getTodo(id: 5)");
	finish();
}

/* The version is its parent's. The record that it makes is the service's to name: that it isn't found says nothing. */
static void a_version_of_another_record_than_the_one_that_is_made_makes_nothing_safe(void **state)
{
	(void)state;
	begin();
	send("mutation M($todoId: ID!, $expectedVersion: Int) { addComment(todoId: $todoId, expectedVersion: "
	     "$expectedVersion) { id } }",
	     "{\"todoId\":\"t1\",\"expectedVersion\":3}",
	     "{\"addComment\":{\"__typename\":\"Comment\",\"id\":\"" UUID "1\"}}");
	restart();
	assert_null(under_way());
	assert_has(dead_letters(), "\"outcome\":\"unknown\"");
	finish();
}

static void what_another_field_shows_under_its_name_does_not_tell_that_it_was_written(void **state)
{
	(void)state;
	static const struct {
		const char *selections;
		bool is_done;
	} ROWS[] = {{"id n _version", true},
	            {"id n: m _version", false},
	            {"id n(unit: KG) _version", false},
	            {"id ...F", false},
	            {"id n: n _version", true}};
	for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
		char document[200];
		snprintf(document, sizeof document, "mutation Up($input: In!) { updateTodo(input: $input) { %s } }%s",
		         ROWS[i].selections,
		         strstr(ROWS[i].selections, "F") != NULL ? " fragment F on Todo { n: m _version }" : "");
		begin();
		send(document, "{\"input\":{\"id\":\"t1\",\"n\":2,\"_version\":3}}", NULL);
		restart();
		assert_true(under_way()->is_look);
		answer(200,
		       "{\"data\":{\"updateTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\",\"n\":2,\"_version\":4}}}");
		turn();
		assert_null(under_way());
		if (ROWS[i].is_done)
			assert_string_equal(dead_letters(), "[]");
		else
			assert_has(dead_letters(), "\"outcome\":\"unknown\"");
		finish();
	}
}

#define CHANGE_N "mutation Up($input: In!) { updateTodo(input: $input) { id n _version } }"
#define KNOWN                                                                                                          \
	"{\"data\":{\"updateTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\",\"n\":1,\"note\":\"old\",\"tags\":[\"a\"],"  \
	"\"gone\":null,\"none\":[],\"author\":{\"__typename\":\"User\",\"name\":\"x\"},\"_version\":3}}}"

/* Somebody else may have written the same `n`, and that version by it. */
static void what_is_sent_and_not_selected_is_asked_for_where_the_record_is_known_to_have_it(void **state)
{
	(void)state;
	static const char *const NOTES[] = {"mine", "theirs"};
	for (size_t i = 0; i < sizeof NOTES / sizeof NOTES[0]; i++) {
		char shown[200];
		begin();
		send("mutation All($input: In!) { updateTodo(input: $input) "
		     "{ id n note tags gone none author { name } _version } }",
		     "{\"input\":{\"id\":\"t1\",\"n\":1}}", NULL);
		answer(200, KNOWN);
		turn();
		send(CHANGE_N,
		     "{\"input\":{\"id\":\"t1\",\"n\":2,\"note\":\"mine\",\"tags\":[\"b\"],\"gone\":1,\"none\":[1],"
		     "\"author\":{\"name\":\"y\"},\"other\":1,\"_version\":3}}",
		     NULL);
		restart();
		assert_true(under_way()->is_look);
		assert_has(body_of(under_way()),
		           "__typename\\n    note\\n    tags\\n    none\\n    id\\n    n\\n    _version\\n  }");
		snprintf(shown, sizeof shown,
		         "{\"data\":{\"updateTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\",\"n\":2,\"note\":\"%s\","
		         "\"tags\":[\"b\"],\"_version\":4}}}",
		         NOTES[i]);
		answer(200, shown);
		turn();
		assert_null(under_way());
		if (i == 0)
			assert_string_equal(dead_letters(), "[]");
		else
			assert_has(dead_letters(), "\"outcome\":\"unknown\"");
		finish();
	}
}

/* The record is known, and is being changed. */
static void begin_with_a_change(void)
{
	begin();
	send("mutation All($input: In!) { updateTodo(input: $input) "
	     "{ id n note tags gone none author { name } _version } }",
	     "{\"input\":{\"id\":\"t1\",\"n\":1}}", NULL);
	answer(200, KNOWN);
	turn();
	send(CHANGE_N, "{\"input\":{\"id\":\"t1\",\"n\":2,\"note\":\"mine\",\"_version\":3}}", NULL);
}

static void without_memory_the_look_comes_later_and_asks_for_all_of_it(void **state)
{
	(void)state;
	for (size_t nth = 1; nth <= 250; nth++) {
		begin_with_a_change();
		restart_without_a_queue();
		open_queue(CACHE);
		world.queue = aps_queueing_find(world.core, world.client, CACHE);
		aps_mem_fail_at(nth);
		turn();
		aps_mem_fail_at(0);
		for (int i = 0; i < 5 && under_way() == NULL; i++) let_time_pass(301000);
		if (under_way() == NULL) fail_msg("nothing is asked at %d: %s", (int)nth, dead_letters());
		assert_true(under_way()->is_look);
		assert_has(body_of(under_way()), "note");
		finish();
		if (!aps_mem_has_failed()) break;
	}
}

static void a_damaged_record_of_the_cache_does_not_hold_up_the_look(void **state)
{
	(void)state;
	struct aps_err err;
	begin_with_a_change();
	assert_int_equal(aps_db_exec(aps_queue_db(world.queue), "UPDATE entry SET sum = sum + 1", &err), APS_OK);
	restart();
	for (int i = 0; i < 5 && under_way() == NULL; i++) let_time_pass(301000);
	assert_non_null(under_way());
	assert_true(under_way()->is_look);
	finish();
}

static bool is_in_doubt(const char *key)
{
	struct aps_entry *entry = NULL;
	struct aps_err err;
	struct aps_str doubts;
	struct aps_entries *entries = &world.queue->partition->cache.entries;
	assert_int_equal(aps_entries_find(entries, aps_str_of(key), &entry, &err), APS_OK);
	assert_non_null(entry);
	return aps_doubts_find(aps_entry_content(entry), &doubts);
}

/* On its own thread the application didn't know the service's id yet. */
static void what_was_shown_by_an_id_that_had_just_been_mapped_is_in_doubt_by_the_other_one(void **state)
{
	(void)state;
	begin();
	send("mutation Make($input: CreateTodoInput!) { createTodo(input: $input) { id n } }", "{\"input\":{\"n\":2}}",
	     "{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"" UUID "1\",\"n\":2}}");
	answer(200, "{\"data\":{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"7\",\"n\":2}}}");
	turn();
	assert_false(is_in_doubt("RTodo:7"));
	send("mutation Change($input: UpdateTodoInput!) { updateTodo(input: $input) { id n } }",
	     "{\"input\":{\"id\":\"" UUID "1\",\"n\":3}}",
	     "{\"updateTodo\":{\"__typename\":\"Todo\",\"id\":\"" UUID "1\",\"n\":3}}");
	assert_has(body_of(under_way()), "\"id\":\"7\"");
	restart();
	assert_has(dead_letters(), "\"outcome\":\"unknown\"");
	assert_true(is_in_doubt("RTodo:7"));
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_root_field_that_is_written_twice_or_skipped_fails_as_one),
	        cmocka_unit_test(a_field_that_may_have_been_executed_beside_one_that_failed_leaves_it_open),
	        cmocka_unit_test(that_ids_are_ignored_is_known_of_the_field_and_not_of_its_alias),
	        cmocka_unit_test(that_ids_are_ignored_is_seen_beside_the_name_of_the_root_s_type),
	        cmocka_unit_test(without_memory_to_know_the_field_what_is_absent_is_not_made_again),
	        cmocka_unit_test(that_a_service_merges_is_seen_beside_the_name_of_the_root_s_type),
	        cmocka_unit_test(a_list_at_the_root_is_not_answered_by_one_of_its_records),
	        cmocka_unit_test(what_was_edited_to_be_about_another_record_is_not_judged_by_the_first_one),
	        cmocka_unit_test(a_number_as_id_is_looked_at_as_a_number),
	        cmocka_unit_test(a_version_of_another_record_than_the_one_that_is_made_makes_nothing_safe),
	        cmocka_unit_test(what_another_field_shows_under_its_name_does_not_tell_that_it_was_written),
	        cmocka_unit_test(what_is_sent_and_not_selected_is_asked_for_where_the_record_is_known_to_have_it),
	        cmocka_unit_test(without_memory_the_look_comes_later_and_asks_for_all_of_it),
	        cmocka_unit_test(a_damaged_record_of_the_cache_does_not_hold_up_the_look),
	        cmocka_unit_test(what_was_shown_by_an_id_that_had_just_been_mapped_is_in_doubt_by_the_other_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

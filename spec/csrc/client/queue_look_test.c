/* What the answer to a look at a record tells, and what it doesn't: a mutation that may have been executed is neither
 * sent again nor taken for done by what wasn't read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_world.h"

#define SHORT     "mutation Up($input: UpdateTodoInput!) { updateTodo(input: $input) { id _version } }"
#define DELETE    "mutation Del($input: DeleteTodoInput!) { deleteTodo(input: $input) { id n _version } }"
#define INPUT     "{\"input\":{\"id\":\"t1\",\"n\":2,\"_version\":3}}"
#define OF_DELETE "{\"input\":{\"id\":\"t1\",\"_version\":3}}"
#define NULL_BELOW(field)                                                                                              \
	"\"errors\":[{\"message\":\"Cannot return null for non-nullable type\",\"path\":[\"" field "\",\"n\"]}]}"

/* The process ended while this was being sent. */
static void leave_in_doubt(const struct asked *asked)
{
	begin();
	enqueue(asked);
	turn();
	assert_non_null(under_way());
	restart();
	assert_true(under_way()->is_look);
}

static void assert_is_buried_as_unknown(void)
{
	assert_null(under_way());
	assert_has(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "\"outcome\":\"unknown\"");
	assert_string_equal(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "[]");
	assert_int_equal(n_requests(), 1);
}

/* A field that must not be null takes its record along (GraphQL, October 2021, 6.4.4): it is there all the same. */
static void a_record_that_errors_hide_is_not_absent(void **state)
{
	(void)state;
	static const struct asked UPDATED = {.document = UPDATE,
	                                     .variables = INPUT,
	                                     .response = "{\"updateTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\"}}"};
	static const struct asked DELETED = {.document = DELETE,
	                                     .variables = OF_DELETE,
	                                     .response = "{\"deleteTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\"}}"};
	static const struct {
		const struct asked *asked;
		const char *answer;
	} ROWS[] = {
	        {&UPDATED, "{\"data\":{\"updateTodo\":null}," NULL_BELOW("updateTodo")},
	        {&UPDATED, "{\"data\":null," NULL_BELOW("updateTodo")},
	        {&DELETED, "{\"data\":{\"deleteTodo\":null}," NULL_BELOW("deleteTodo")},
	        {&UPDATED, "{\"data\":{}}"},
	};
	for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
		leave_in_doubt(ROWS[i].asked);
		answer(200, ROWS[i].answer);
		turn();
		assert_is_buried_as_unknown();
		finish();
	}
}

/* Somebody else may have made that version. */
static void a_record_that_shows_only_its_name_and_its_version_does_not_tell(void **state)
{
	(void)state;
	leave_in_doubt(
	        &(struct asked){.document = SHORT,
	                        .variables = INPUT,
	                        .response = "{\"updateTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\",\"_version\":4}}"});
	answer(200, "{\"data\":{\"updateTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\",\"_version\":4}}}");
	turn();
	assert_is_buried_as_unknown();
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_record_that_errors_hide_is_not_absent),
	        cmocka_unit_test(a_record_that_shows_only_its_name_and_its_version_does_not_tell),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Entries of an outbox that may have been executed, and conflicts: what is looked at, sent, asked and buried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_world.h"

#define INPUT(more)        "{\"input\":{\"id\":\"t1\",\"n\":2" more "}}"
#define RECORD(n, version) "{\"__typename\":\"Todo\",\"id\":\"t1\",\"n\":" #n ",\"_version\":" #version "}"
#define SEEN(record)       "{\"data\":{\"updateTodo\":" record "}}"

static const struct asked VERSIONED = {
        .document = UPDATE, .variables = INPUT(",\"_version\":3"), .response = "{\"updateTodo\":" RECORD(2, 4) "}"};

/* The process ended while this was being sent. */
static void leave_in_doubt(const struct asked *asked)
{
	begin();
	enqueue(asked);
	turn();
	assert_non_null(under_way());
	restart();
}

static const char *dead_letters(void)
{
	return ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL);
}

static void assert_is_gone(void)
{
	assert_null(under_way());
	assert_string_equal(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "[]");
}

static void what_is_not_safe_is_a_dead_letter_that_may_have_been_executed(void **state)
{
	(void)state;
	leave_in_doubt(&(struct asked){.variables = "{\"n\":1}"});
	enqueue_n(2);
	turn();
	assert_has(dead_letters(), "\"outcome\":\"unknown\"");
	assert_has(dead_letters(), "\"code\":\"unknown_outcome\"");
	assert_has(body_of(under_way()), "\"n\":2");
	assert_int_equal(count_queue_events("\"outcome\":\"unknown\"", NULL), 1);
	finish();
}

static void what_is_idempotent_is_sent_again_at_once(void **state)
{
	(void)state;
	leave_in_doubt(&(struct asked){.is_idempotent = true});
	assert_has(body_of(under_way()), "addTodo");
	answer(200, DONE);
	turn();
	assert_string_equal(dead_letters(), "[]");
	assert_has(ask(APS_QUEUE_ASK_RESULTS, NULL, NULL), "\"mutation\":\"addTodo\"");
	assert_is_gone();
	finish();
}

/* A service that merges may make of an earlier version the one that was expected. */
static void a_version_that_nobody_has_seen_yet_is_not_sent_again(void **state)
{
	(void)state;
	begin();
	enqueue(&VERSIONED);
	turn();
	answer(200, SEEN(RECORD(2, 4)));
	turn();
	enqueue(&(struct asked){.document = UPDATE, .variables = INPUT(",\"_version\":4")});
	turn();
	restart();
	assert_true(under_way()->is_look);
	answer(200, SEEN(RECORD(2, 5)));
	turn();
	enqueue(&(struct asked){.document = UPDATE, .variables = INPUT(",\"_version\":6")});
	turn();
	assert_has(body_of(under_way()), "\"_version\":6");
	restart();
	assert_is_gone();
	assert_has(dead_letters(), "\"outcome\":\"unknown\"");
	finish();
}

#define SENT_ID  "11111111-1111-4111-8111-11111111111"
#define MADE(id) "{\"data\":{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"" id "\",\"n\":2}}}"

/* Its input has the id that its optimistic record has. */
static void create(char last)
{
	char response[160], variables[96];
	snprintf(response, sizeof response,
	         "{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"" SENT_ID "%c\",\"n\":2}}", last);
	snprintf(variables, sizeof variables, "{\"input\":{\"id\":\"" SENT_ID "%c\",\"n\":2}}", last);
	enqueue(&(struct asked){.document = CREATE,
	                        .variables = variables,
	                        .response = response,
	                        .edits = make_edits(CREATE, variables, response)});
	turn();
}

static void a_create_that_is_absent_is_sent_again_unless_the_service_was_seen_to_ignore_ids(void **state)
{
	(void)state;
	static const char *const ANSWERS[] = {NULL, MADE(SENT_ID "1"), MADE("7")};
	for (size_t i = 0; i < sizeof ANSWERS / sizeof ANSWERS[0]; i++) {
		begin();
		if (ANSWERS[i] != NULL) {
			create('1');
			answer(200, ANSWERS[i]);
			turn();
		}
		create('2');
		assert_false(under_way()->is_look);
		restart();
		enqueue_n(3);
		turn();
		assert_true(under_way()->is_look);
		answer(200, "{\"data\":{\"createTodo\":null}}");
		turn();
		assert_has(body_of(under_way()), i == 2 ? "addTodo" : "mutation Make");
		if (i == 2) assert_has(dead_letters(), "\"outcome\":\"unknown\"");
		finish();
	}
}

static void the_newest_answer_that_tells_decides_whether_ids_are_ignored(void **state)
{
	(void)state;
	begin();
	create('1');
	answer(200, MADE("7"));
	turn();
	create('2');
	answer(200, MADE(SENT_ID "2"));
	turn();
	enqueue_n(1); /* another mutation's answer says nothing */
	turn();
	answer(200, DONE);
	turn();
	create('3');
	restart();
	answer(200, "{\"data\":{\"createTodo\":null}}");
	turn();
	assert_has(body_of(under_way()), "mutation Make");
	finish();
}

static void what_has_a_version_is_looked_at_first(void **state)
{
	(void)state;
	leave_in_doubt(&VERSIONED);
	const char *question = body_of(under_way());
	assert_has(question, "query");
	assert_has(question, "updateTodo: getTodo(id: \\\"t1\\\")");
	assert_true(under_way()->is_look);
	answer(200, SEEN(RECORD(1, 3)));
	turn();
	assert_false(under_way()->is_look);
	assert_has(body_of(under_way()), "mutation");
	answer(200, SEEN(RECORD(2, 4)));
	turn();
	assert_string_equal(dead_letters(), "[]");
	assert_is_gone();
	finish();
}

static void what_the_record_shows_was_done_already(void **state)
{
	(void)state;
	leave_in_doubt(&VERSIONED);
	answer(200, SEEN(RECORD(2, 4)));
	turn();
	assert_string_equal(dead_letters(), "[]");
	struct aps_str data;
	assert_int_equal(count_queue_events("\"what\":\"outcome\"", &data), 1);
	assert_non_null(aps_str_find(data, "\"data\":{\"updateTodo\":"));
	assert_null(aps_str_find(data, "\"err\""));
	assert_int_equal(n_requests(), 1);
	assert_is_gone();
	finish();
}

static void what_the_record_does_not_tell_is_buried(void **state)
{
	(void)state;
	static const char *const SEEN_AS[] = {
	        SEEN(RECORD(7, 4)),
	        SEEN(RECORD(2, 9)),
	        "{\"data\":null,\"errors\":[{\"errorType\":\"ValidationException\",\"message\":\"no such field\"}]}",
	};
	for (size_t i = 0; i < sizeof SEEN_AS / sizeof SEEN_AS[0]; i++) {
		leave_in_doubt(&VERSIONED);
		answer(200, SEEN_AS[i]);
		turn();
		assert_has(dead_letters(), "\"outcome\":\"unknown\"");
		assert_int_equal(n_requests(), 1);
		assert_is_gone();
		finish();
	}
}

static void a_look_that_fails_is_tried_again(void **state)
{
	(void)state;
	leave_in_doubt(&VERSIONED);
	for (int i = 0; i < 5; i++) {
		assert_true(under_way()->is_look);
		if (i == 0) answer(503, "busy");
		if (i == 1) answer(500, "broken");
		if (i == 2) answer(401, "{\"errors\":[{\"errorType\":\"UnauthorizedException\",\"message\":\"no\"}]}");
		if (i == 3) fail_exchange(APS_E_NETWORK, true);
		if (i == 4) fail_exchange(APS_E_NETWORK, false);
		turn();
		assert_null(under_way());
		assert_string_equal(dead_letters(), "[]");
		for (int k = 0; k < 3 && under_way() == NULL; k++) let_time_pass(301000);
	}
	answer(200, SEEN(RECORD(1, 3)));
	turn();
	assert_false(under_way()->is_look);
	finish();
}

static void a_look_ends_with_its_process_and_is_taken_again(void **state)
{
	(void)state;
	leave_in_doubt(&VERSIONED);
	for (int i = 0; i < 3; i++) {
		assert_true(under_way()->is_look);
		restart();
	}
	answer(200, SEEN(RECORD(1, 3)));
	turn();
	restart(); /* while it is sent */
	assert_true(under_way()->is_look);
	finish();
}

/* ---- requests that are executed late ---- */

static int64_t mono_ms, wall_ms;

static void stand(int64_t passed_ms)
{
	mono_ms += passed_ms;
	wall_ms += passed_ms;
	aps_clock_stand(mono_ms, wall_ms);
	let_time_pass(0);
}

static void begin_standing(void)
{
	mono_ms = aps_clock_mono_ms();
	wall_ms = aps_clock_wall_ms();
	aps_clock_stand(mono_ms, wall_ms);
	begin();
}

static void finish_standing(void)
{
	finish();
	aps_clock_go_on();
}

/* What expected version 3 has made 9. */
static void see_a_merge(void)
{
	begin_standing();
	enqueue(&VERSIONED);
	turn();
	answer(200, SEEN(RECORD(2, 9)));
	turn();
	enqueue(&(struct asked){.document = UPDATE, .variables = INPUT(",\"_version\":9")});
	turn();
	assert_has(body_of(under_way()), "\"_version\":9");
}

static void answer_as_before(void)
{
	assert_true(under_way()->is_look);
	answer(200, SEEN(RECORD(1, 9)));
	turn();
}

static void a_service_that_merges_gets_it_again_when_the_last_request_can_not_live_any_more(void **state)
{
	(void)state;
	see_a_merge();
	stand(10000);
	restart();
	answer_as_before();
	assert_null(under_way());
	assert_has(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "\"state\":\"retrying\"");
	stand(49000);
	assert_null(under_way());
	stand(1001);
	answer_as_before();
	assert_has(body_of(under_way()), "mutation");
	/* the next request is the last one then */
	stand(20000);
	restart();
	answer_as_before();
	stand(39000);
	assert_null(under_way());
	stand(1001);
	assert_true(under_way()->is_look);
	answer(200, SEEN(RECORD(2, 10)));
	turn();
	assert_string_equal(dead_letters(), "[]");
	assert_is_gone();
	finish_standing();
}

static void what_was_executed_late_is_seen_to_be_done(void **state)
{
	(void)state;
	see_a_merge();
	restart();
	answer_as_before();
	assert_null(under_way());
	stand(60001);
	assert_true(under_way()->is_look);
	answer(200, SEEN(RECORD(2, 10)));
	turn();
	assert_string_equal(dead_letters(), "[]");
	assert_int_equal(n_requests(), 2); /* both looked */
	assert_is_gone();
	finish_standing();
}

static void a_clock_that_was_set_back_makes_it_wait_no_longer_than_that(void **state)
{
	(void)state;
	see_a_merge();
	wall_ms -= INT64_C(86400000);
	stand(0);
	restart();
	answer_as_before();
	assert_null(under_way());
	stand(60001);
	answer_as_before();
	assert_has(body_of(under_way()), "mutation");
	finish_standing();
}

static void of_its_own_run_the_request_is_waited_for_as_well(void **state)
{
	(void)state;
	see_a_merge();
	stand(1000);
	fail_exchange(APS_E_NETWORK, true);
	turn();
	stand(1000);
	for (int k = 0; k < 3 && under_way() == NULL; k++) stand(1000);
	answer_as_before();
	stand(53000);
	assert_null(under_way());
	stand(5000);
	answer_as_before();
	assert_has(body_of(under_way()), "mutation");
	finish_standing();
}

static void that_a_service_merges_is_stored_with_the_answer(void **state)
{
	(void)state;
	begin_standing();
	enqueue(&VERSIONED);
	turn();
	answer(200, SEEN(RECORD(2, 9)));
	faulty_vfs_set("full=0");
	turn();
	faulty_vfs_set("full=off");
	assert_true(world.queue->merges);
	assert_int_equal(world.queue->kept_facts, 0);
	for (int k = 0; k < 5; k++) stand(1000);
	enqueue(&(struct asked){.document = UPDATE, .variables = INPUT(",\"_version\":9")});
	turn();
	answer(200, SEEN(RECORD(2, 11)));
	turn();
	assert_int_equal(world.queue->kept_facts, APS_OUTBOX_FACT_MERGES);
	restart();
	assert_true(world.queue->merges);
	assert_int_equal(world.queue->kept_facts, APS_OUTBOX_FACT_MERGES);
	finish_standing();
}

static void the_application_may_say_how_long_a_request_lives(void **state)
{
	(void)state;
	static const int64_t LIFETIMES[] = {5000, 0};
	for (size_t i = 0; i < 2; i++) {
		struct aps_queue_settings settings;
		see_a_merge();
		restart();
		make_queue_settings(&settings);
		settings.request_lifetime_ms = LIFETIMES[i];
		open_queue_with(CACHE, &settings);
		answer_as_before();
		assert_int_equal(under_way() == NULL, i == 0);
		stand(5001);
		if (i == 0) answer_as_before();
		assert_has(body_of(under_way()), "mutation");
		finish_standing();
	}
}

static void one_that_is_looked_at_without_a_type_is_buried(void **state)
{
	(void)state;
	leave_in_doubt(&(struct asked){.document = "mutation Touch($input: X!) { touch(input: $input) { n } }",
	                               .variables = INPUT(",\"_version\":3")});
	assert_has(dead_letters(), "\"outcome\":\"unknown\"");
	assert_int_equal(n_requests(), 0);
	finish();
}

static void what_was_not_answered_is_looked_at_in_the_same_run_as_well(void **state)
{
	(void)state;
	begin();
	uint64_t call = enqueue(&VERSIONED);
	turn();
	fail_exchange(APS_E_NETWORK, true);
	turn();
	run_command(aps_cancel_command_new(7, call));
	turn();
	struct aps_result_event *event = take_result(call);
	if (event != NULL) {
		assert_true(event->queued.is_queued);
		free_result(event);
	}
	for (int k = 0; k < 3 && under_way() == NULL; k++) let_time_pass(301000);
	assert_true(under_way()->is_look);
	answer(200, SEEN(RECORD(2, 4)));
	turn();
	assert_is_gone();
	assert_string_equal(dead_letters(), "[]");
	finish();
}

/* ---- conflicts ---- */

#define CONFLICT(record)                                                                                               \
	"{\"data\":{\"updateTodo\":null},\"errors\":[{\"errorType\":\"ConflictUnhandled\",\"message\":\"no\"," record  \
	"\"path\":[\"updateTodo\"]}]}"

static uint64_t begin_with_a_resolver(bool has_resolver)
{
	struct aps_queue_settings settings;
	begin();
	make_queue_settings(&settings);
	settings.has_resolver = has_resolver;
	open_queue_with(CACHE, &settings);
	uint64_t call = enqueue(&VERSIONED);
	turn();
	drop_events();
	return call;
}

static void without_a_resolver_a_conflict_is_a_dead_letter(void **state)
{
	(void)state;
	uint64_t call = begin_with_a_resolver(false);
	answer(200, CONFLICT("\"data\":" RECORD(5, 8) ","));
	turn();
	struct aps_result_event *event = result_of(call);
	assert_string_equal(event->queued.dead, "conflict");
	assert_int_equal(event->response.err.code, APS_E_CONFLICT);
	free_result(event);
	assert_has(dead_letters(), "\"outcome\":\"conflict\"");
	finish();
}

static void a_resolver_gets_the_record_of_the_error_and_its_answer_is_stored_before_it_is_sent(void **state)
{
	(void)state;
	struct aps_str data;
	uint64_t call = begin_with_a_resolver(true);
	answer(200, CONFLICT("\"data\":" RECORD(5, 8) ","));
	turn();
	assert_int_equal(count_queue_events("\"what\":\"conflict\"", &data), 1);
	assert_non_null(aps_str_find(data, "\"_version\":8"));
	assert_non_null(aps_str_find(data, "\"retries\":1"));
	assert_non_null(aps_str_find(data, "\"in_doubt\":false"));
	assert_has(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "\"state\":\"waiting_resolver\"");
	assert_null(take_result(call));
	resolve(1, INPUT(",\"_version\":8"));
	assert_has(body_of(under_way()), "\"_version\":8");
	assert_has(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "\"_version\":8");
	resolve(1, INPUT(",\"_version\":9")); /* late */
	assert_has(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "\"_version\":8");
	answer(200, SEEN(RECORD(2, 9)));
	turn();
	assert_ends(call, APS_OK, false);
	finish();
}

static void a_resolver_that_gives_up_leaves_a_dead_letter_with_its_variables(void **state)
{
	(void)state;
	uint64_t call = begin_with_a_resolver(true);
	answer(200, CONFLICT("\"data\":" RECORD(5, 8) ","));
	turn();
	resolve(1, NULL);
	struct aps_result_event *event = result_of(call);
	assert_string_equal(event->queued.dead, "conflict");
	free_result(event);
	assert_has(dead_letters(), "\"_version\":3");
	assert_has(ask(APS_QUEUE_ASK_RESULTS, NULL, NULL), "\"_version\":3");
	resolve(1, INPUT("")); /* late */
	assert_is_gone();
	finish();
}

static void a_conflict_without_the_record_reads_it_first(void **state)
{
	(void)state;
	struct aps_str data;
	for (int i = 0; i < 3; i++) {
		uint64_t call = begin_with_a_resolver(true);
		answer(200, CONFLICT(""));
		turn();
		assert_true(under_way()->is_look);
		if (i == 2) {
			answer(400, "{\"errors\":[{\"errorType\":\"BadRequest\",\"message\":\"no\"}]}");
			turn();
			struct aps_result_event *event = result_of(call);
			assert_string_equal(event->queued.dead, "conflict");
			free_result(event);
			finish();
			continue;
		}
		answer(200, i == 0 ? SEEN(RECORD(5, 8)) : "{\"data\":{\"updateTodo\":null}}");
		turn();
		assert_int_equal(count_queue_events("\"what\":\"conflict\"", &data), 1);
		assert_true((aps_str_find(data, "\"_version\":8") != NULL) == (i == 0));
		resolve(1, NULL);
		struct aps_result_event *event = result_of(call);
		assert_int_equal(event->response.err.code, APS_E_CONFLICT);
		assert_string_equal(event->queued.dead, "conflict");
		free_result(event);
		finish();
	}
}

static void a_resolver_is_asked_so_often_and_no_more(void **state)
{
	(void)state;
	char variables[64];
	uint64_t call = begin_with_a_resolver(true);
	for (int i = 1; i <= 10; i++) {
		answer(200, CONFLICT("\"data\":" RECORD(5, 8) ","));
		turn();
		snprintf(variables, sizeof variables, "\"retries\":%d", i);
		assert_int_equal(count_queue_events(variables, NULL), 1);
		drop_events();
		snprintf(variables, sizeof variables, "{\"input\":{\"id\":\"t1\",\"_version\":%d}}", 10 + i);
		resolve(1, variables);
	}
	answer(200, CONFLICT("\"data\":" RECORD(5, 8) ","));
	turn();
	struct aps_result_event *event = result_of(call);
	assert_string_equal(event->queued.dead, "conflict");
	free_result(event);
	finish();
}

static void a_resolver_that_never_answers_is_asked_by_the_next_run(void **state)
{
	(void)state;
	begin_with_a_resolver(true);
	answer(200, CONFLICT("\"data\":" RECORD(5, 8) ","));
	turn();
	restart_without_a_queue();
	resolve(1, INPUT("")); /* after the close */
	struct aps_queue_settings settings;
	make_queue_settings(&settings);
	settings.has_resolver = true;
	open_queue_with(CACHE, &settings);
	world.queue = aps_queueing_find(world.core, world.client, CACHE);
	turn();
	assert_false(under_way()->is_look); /* it was refused: it isn't in doubt */
	answer(200, CONFLICT("\"data\":" RECORD(5, 8) ","));
	turn();
	assert_int_equal(count_queue_events("\"what\":\"conflict\"", NULL), 1);
	finish();
}

/* What is asked is asked also where the counts can't be stored. */
static void a_resolver_is_asked_whatever_the_store_does(void **state)
{
	(void)state;
	begin_with_a_resolver(true);
	faulty_vfs_set("full=0");
	aps_vault_cope(world.queue->vault, &(struct aps_err){.code = APS_E_STORAGE, .word = "full", .native = 13});
	answer(200, CONFLICT("\"data\":" RECORD(5, 8) ","));
	turn();
	assert_int_equal(count_queue_events("\"what\":\"conflict\"", NULL), 1);
	resolve(1, INPUT(",\"_version\":8"));
	assert_null(under_way());
	faulty_vfs_set("full=off");
	aps_vault_retry(world.queue->vault, aps_clock_mono_ms());
	turn();
	/* a resolution that wasn't stored is asked for once more */
	assert_has(body_of(under_way()), "\"_version\":3");
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_not_safe_is_a_dead_letter_that_may_have_been_executed),
	        cmocka_unit_test(what_is_idempotent_is_sent_again_at_once),
	        cmocka_unit_test(a_version_that_nobody_has_seen_yet_is_not_sent_again),
	        cmocka_unit_test(a_create_that_is_absent_is_sent_again_unless_the_service_was_seen_to_ignore_ids),
	        cmocka_unit_test(the_newest_answer_that_tells_decides_whether_ids_are_ignored),
	        cmocka_unit_test(what_has_a_version_is_looked_at_first),
	        cmocka_unit_test(what_the_record_shows_was_done_already),
	        cmocka_unit_test(what_the_record_does_not_tell_is_buried),
	        cmocka_unit_test(a_look_that_fails_is_tried_again),
	        cmocka_unit_test(a_look_ends_with_its_process_and_is_taken_again),
	        cmocka_unit_test(a_service_that_merges_gets_it_again_when_the_last_request_can_not_live_any_more),
	        cmocka_unit_test(what_was_executed_late_is_seen_to_be_done),
	        cmocka_unit_test(a_clock_that_was_set_back_makes_it_wait_no_longer_than_that),
	        cmocka_unit_test(of_its_own_run_the_request_is_waited_for_as_well),
	        cmocka_unit_test(that_a_service_merges_is_stored_with_the_answer),
	        cmocka_unit_test(the_application_may_say_how_long_a_request_lives),
	        cmocka_unit_test(one_that_is_looked_at_without_a_type_is_buried),
	        cmocka_unit_test(what_was_not_answered_is_looked_at_in_the_same_run_as_well),
	        cmocka_unit_test(without_a_resolver_a_conflict_is_a_dead_letter),
	        cmocka_unit_test(a_resolver_gets_the_record_of_the_error_and_its_answer_is_stored_before_it_is_sent),
	        cmocka_unit_test(a_resolver_that_gives_up_leaves_a_dead_letter_with_its_variables),
	        cmocka_unit_test(a_conflict_without_the_record_reads_it_first),
	        cmocka_unit_test(a_resolver_is_asked_so_often_and_no_more),
	        cmocka_unit_test(a_resolver_that_never_answers_is_asked_by_the_next_run),
	        cmocka_unit_test(a_resolver_is_asked_whatever_the_store_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

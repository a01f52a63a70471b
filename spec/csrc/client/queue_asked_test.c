/* What an application sees of its outbox and does to it by hand; several of them in one store; and what its cache does
 * meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_made.h"

#include "client/question.h"
#include "codec/json_reader.h"

static void assert_json(struct aps_str text)
{
	struct aps_json_reader r;
	struct aps_str span;
	aps_json_reader_init(&r, text, 0);
	assert_int_equal(aps_json_skip_value(&r, &span), APS_OK);
	assert_int_equal(aps_json_next(&r), APS_JSON_END);
}

static void kill_one(void)
{
	enqueue_n(1);
	turn();
	answer(200, REFUSED);
	turn();
	drop_events();
}

static void what_is_listed_is_json_whatever_it_has(void **state)
{
	(void)state;
	static const enum aps_queue_ask ALL[] = {APS_QUEUE_ASK_LIST,    APS_QUEUE_ASK_DEAD_LETTERS,
	                                         APS_QUEUE_ASK_RESULTS, APS_QUEUE_ASK_STATUS,
	                                         APS_QUEUE_ASK_FIND,    APS_QUEUE_ASK_BLOCKED};
	static const struct asked ODD[] = {
	        {.variables = "{\"n\":\"\\\"\\\\ \\u0000\\ud83d\\ude00 \xc3\xa9\"}"},
	        {.variables = "{\"n\":12345678901234567890123456789}", .response = "{\"addTodo\":{\"n\":1e400}}"},
	        {.variables = "{\"n\":{\"a\":[]}}", .own_headers = "{\"x-a\":\"\\u00e9\"}"},
	        {.document = "mutation { addTodo(n: \"\xf0\x9f\x98\x80\\\"\") { id } }", .variables = "{}"},
	};
	begin();
	for (size_t i = 0; i < sizeof ODD / sizeof ODD[0]; i++) enqueue(&ODD[i]);
	turn();
	answer(200, REFUSED);
	turn();
	answer(200, "{\"data\":{\"addTodo\":{\"n\":98765432109876543210,\"id\":\"\\ud83d\\ude00\"}}}");
	turn();
	for (uint64_t number = 1; number <= 6; number++)
		for (size_t i = 0; i < sizeof ALL / sizeof ALL[0]; i++) {
			struct aps_result_event *event = ask_in(CACHE, ALL[i], id_of(number), NULL);
			assert_int_equal(event->response.err.code, APS_OK);
			assert_json(event->response.data);
			free_result(event);
		}
	assert_has(ask(APS_QUEUE_ASK_RESULTS, NULL, NULL), "98765432109876543210");
	assert_has(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "\"mutation\":\"addTodo\"");
	for (struct aps_mail *mail = world.all.events; mail != NULL; mail = mail->next) {
		const struct aps_result_event *event = (struct aps_result_event *)mail;
		if (event->head.kind == APS_EVENT_QUEUE) assert_json(event->response.data);
	}
	finish();
}

static void one_that_is_found_shows_all_that_it_has(void **state)
{
	(void)state;
	begin();
	be_online(false);
	enqueue(&(struct asked){.response = "{\"addTodo\":{\"n\":1}}"});
	turn();
	assert_has(ask(APS_QUEUE_ASK_FIND, id_of(1), NULL), "\"optimistic\":{\"addTodo\":{\"n\":1}}");
	assert_string_equal(ask(APS_QUEUE_ASK_FIND, id_of(2), NULL), "null");
	assert_string_equal(ask(APS_QUEUE_ASK_FIND, "00000000-1", NULL), "null");
	assert_string_equal(ask(APS_QUEUE_ASK_FIND, "nonsense", NULL), "null");
	finish();
}

static void a_large_result_is_listed_short_once_it_was_told(void **state)
{
	(void)state;
	begin();
	char *body = malloc(70000);
	uint64_t call = enqueue_n(1);
	turn();
	size_t n = (size_t)sprintf(body, "{\"data\":{\"addTodo\":{\"id\":\"");
	memset(body + n, 'x', 60000);
	strcpy(body + n + 60000, "\"}}}");
	answer(200, body);
	free(body);
	turn();
	struct aps_result_event *event = result_of(call);
	uint64_t outcome = event->queued.outcome;
	free_result(event);
	event = ask_in(CACHE, APS_QUEUE_ASK_RESULTS, NULL, NULL);
	assert_true(event->response.data.n > 60000);
	free_result(event);
	tell_told(outcome);
	event = ask_in(CACHE, APS_QUEUE_ASK_RESULTS, NULL, NULL);
	assert_true(event->response.data.n < 500);
	assert_json(event->response.data);
	free_result(event);
	finish();
}

static void one_that_is_sent_at_the_moment_cannot_be_touched(void **state)
{
	(void)state;
	begin();
	enqueue_n(1);
	turn();
	assert_has(ask(APS_QUEUE_ASK_DISCARD, id_of(1), NULL), "is being sent");
	assert_has(ask(APS_QUEUE_ASK_EDIT, id_of(1), "{\"n\":2}"), "is being sent");
	assert_string_equal(ask(APS_QUEUE_ASK_BURY_ALL, NULL, NULL), "0");
	assert_string_equal(ask(APS_QUEUE_ASK_RETRY, id_of(1), NULL), "true"); /* it is */
	assert_string_equal(ask(APS_QUEUE_ASK_DISCARD, id_of(9), NULL), "false");
	answer(200, DONE);
	turn();
	assert_ends(1, APS_OK, false);
	finish();
}

static void one_that_waits_is_discarded_and_its_call_told_so(void **state)
{
	(void)state;
	begin();
	uint64_t call = enqueue_n(1), other = enqueue_n(2);
	turn();
	answer(503, "busy");
	turn();
	assert_string_equal(ask(APS_QUEUE_ASK_DISCARD, id_of(1), NULL), "true");
	assert_ends(call, APS_E_CANCELLED, false);
	assert_null(take_result(other));
	assert_has(body_of(under_way()), "\"n\":2");
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"size\":1");
	finish();
}

static void one_that_waits_is_changed_and_its_call_waits_on(void **state)
{
	(void)state;
	begin();
	uint64_t call = enqueue_n(1);
	turn();
	answer(503, "busy");
	turn();
	assert_string_equal(ask(APS_QUEUE_ASK_EDIT, id_of(1), "{\"n\":7}"), "true");
	assert_has(body_of(under_way()), "\"n\":7");
	answer(200, DONE);
	turn();
	assert_ends(call, APS_OK, false);
	finish();
}

static void a_dead_letter_is_changed_tried_again_and_goes_to_the_tail(void **state)
{
	(void)state;
	begin();
	kill_one();
	assert_string_equal(ask(APS_QUEUE_ASK_EDIT, id_of(1), "{\"n\":5}"), "true");
	assert_has(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "\"n\":5");
	assert_has(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "no \\\"quotes\\\"");
	assert_string_equal(ask(APS_QUEUE_ASK_RETRY, id_of(1), NULL), "true");
	assert_has(body_of(under_way()), "\"n\":5");
	assert_string_equal(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "[]");
	answer(200, DONE);
	turn();
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"size\":0,\"dead\":0");
	kill_one();
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"size\":0,\"dead\":1");
	assert_string_equal(ask(APS_QUEUE_ASK_WIPE, NULL, NULL), "4"); /* and three outcomes */
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"size\":0,\"dead\":0");
	finish();
}

static void one_that_waits_is_sent_at_once_when_it_is_tried_again(void **state)
{
	(void)state;
	begin();
	enqueue_n(1);
	enqueue_n(2);
	turn();
	assert_string_equal(ask(APS_QUEUE_ASK_RETRY, id_of(1), NULL), "true"); /* it is under way */
	answer_to(under_way(), 429, "retry-after: 120", "slow down");
	turn();
	assert_null(under_way());
	assert_string_equal(ask(APS_QUEUE_ASK_RETRY, id_of(2), NULL), "true"); /* its turn is to come */
	assert_null(under_way());
	assert_string_equal(ask(APS_QUEUE_ASK_RETRY, id_of(1), NULL), "true");
	assert_has(body_of(under_way()), "\"n\":1");
	assert_string_equal(ask(APS_QUEUE_ASK_RETRY, id_of(3), NULL), "false");
	finish();
}

static void a_change_that_is_lost_is_told_as_such(void **state)
{
	(void)state;
	static const enum aps_queue_ask CHANGES[] = {APS_QUEUE_ASK_DISCARD, APS_QUEUE_ASK_EDIT, APS_QUEUE_ASK_BURY_ALL,
	                                             APS_QUEUE_ASK_WIPE};
	for (size_t i = 0; i < sizeof CHANGES / sizeof CHANGES[0]; i++) {
		begin();
		be_online(false);
		uint64_t waiting = enqueue_n(1);
		turn();
		free_result(result_of(waiting));
		struct aps_ask_queue_command *command = aps_ask_queue_command_new(7, 90);
		command->cache = CACHE;
		command->what = CHANGES[i];
		aps_buf_add_text(&command->text, id_of(1));
		aps_buf_add_text(&command->json, "{\"n\":3}");
		run_command(&command->head);
		aps_vault_abandon(world.queue->vault);
		turn();
		struct aps_result_event *event = result_of(90);
		assert_int_equal(event->response.err.code, APS_E_STORAGE);
		assert_int_equal(event->response.data.n, 0);
		free_result(event);
		assert_has(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "\"n\":1");
		assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"size\":1,\"dead\":0");
		let_time_pass(2000);
		be_online(true);
		assert_has(body_of(under_way()), "\"n\":1");
		finish();
	}
}

static void queues_of_two_identities_go_beside_each_other(void **state)
{
	(void)state;
	begin();
	open_cache(OTHER_CACHE, "ann");
	open_queue(OTHER_CACHE);
	struct aps_queue *other = aps_queueing_find(world.core, world.client, OTHER_CACHE);
	turn();
	uint64_t first = enqueue_n(1), second = enqueue(&(struct asked){.cache = OTHER_CACHE});
	turn();
	assert_int_equal(n_requests(), 2);
	answer(503, "busy");
	answer_to(under_way_in(other), 200, "", DONE);
	turn();
	assert_ends(second, APS_OK, false);
	assert_null(take_result(first));
	assert_int_equal(atomic_load(&world.client->stats->queued), 1);
	second = enqueue(&(struct asked){.cache = OTHER_CACHE});
	turn();
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"size\":1");
	assert_int_equal(atomic_load(&world.client->stats->queued), 2);
	/* one of them goes, with what is under way */
	aps_caching_close(world.core, world.client, OTHER_CACHE);
	turn();
	assert_ends(second, APS_E_CLOSED, true);
	let_time_pass(301000);
	answer(200, DONE);
	turn();
	free_result(result_of(first));
	/* and comes back */
	open_cache(OTHER_CACHE, "ann");
	open_queue(OTHER_CACHE);
	turn();
	struct aps_result_event *event = ask_in(OTHER_CACHE, APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL);
	assert_non_null(aps_str_find(event->response.data, "\"identity\":\"ann\""));
	free_result(event);
	finish();
}

static void a_queue_of_another_identity_is_taken_over(void **state)
{
	(void)state;
	begin();
	be_online(false);
	enqueue_n(4);
	turn();
	open_cache(OTHER_CACHE, "ann");
	open_queue(OTHER_CACHE);
	turn();
	struct aps_result_event *event = ask_in(OTHER_CACHE, APS_QUEUE_ASK_ADOPT, "nobody", NULL);
	assert_true(aps_str_is(event->response.data, "0"));
	free_result(event);
	assert_string_equal(ask(APS_QUEUE_ASK_ADOPT, "", NULL), "0"); /* its own */
	aps_caching_close(world.core, world.client, CACHE);
	event = ask_in(OTHER_CACHE, APS_QUEUE_ASK_ADOPT, "", NULL);
	assert_true(aps_str_is(event->response.data, "1"));
	free_result(event);
	be_online(true);
	struct aps_queue *other = aps_queueing_find(world.core, world.client, OTHER_CACHE);
	assert_has(body_of(under_way_in(other)), "\"n\":4");
	finish();
}

static void a_queue_that_is_open_is_taken_over_unless_it_sends(void **state)
{
	(void)state;
	begin();
	enqueue_n(4);
	open_cache(OTHER_CACHE, "ann");
	open_queue(OTHER_CACHE);
	turn();
	struct aps_result_event *event = ask_in(OTHER_CACHE, APS_QUEUE_ASK_ADOPT, "", NULL);
	assert_int_equal(event->response.err.code, APS_E_USAGE);
	free_result(event);
	stand_still(); /* it isn't sent again meanwhile */
	fail_exchange(APS_E_NETWORK, false);
	turn();
	event = ask_in(OTHER_CACHE, APS_QUEUE_ASK_ADOPT, "", NULL);
	assert_true(aps_str_is(event->response.data, "1"));
	free_result(event);
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"size\":0");
	aps_clock_go_on();
	be_online(true);
	assert_int_equal(n_requests(), 2);
	assert_null(under_way());
	assert_non_null(under_way_in(aps_queueing_find(world.core, world.client, OTHER_CACHE)));
	/* the other one goes on with what comes */
	enqueue_n(5);
	turn();
	assert_has(body_of(under_way()), "\"n\":5");
	finish();
}

static void a_cache_that_is_cleared_keeps_what_is_queued(void **state)
{
	(void)state;
	begin();
	uint64_t call;
	make_one();
	call = world.last_call;
	turn();
	aps_caching_clear(world.core, world.client, CACHE, APS_PART_CLEARED);
	turn();
	answer(200, "{\"data\":{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"real\",\"n\":1}}}");
	turn();
	assert_ends(call, APS_OK, false);
	assert_string_equal(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "[]");
	finish();
}

/* ---- the application is asked about the answer first ---- */

static struct aps_answer_command *take_question(void)
{
	struct aps_mail **at = &world.all.events;
	while (*at != NULL && ((struct aps_event *)*at)->kind != APS_EVENT_ASK) at = &(*at)->next;
	if (*at == NULL) return NULL;
	struct aps_question_event *event = (struct aps_question_event *)*at;
	*at = event->head.mail.next;
	event->head.mail.next = NULL;
	struct aps_answer_command *answer = event->answer;
	event->answer = NULL;
	aps_mail_free_chain(&event->head.mail);
	return answer;
}

static void answer_question(void)
{
	struct aps_answer_command *command = take_question();
	assert_non_null(command);
	for (size_t i = 0; i < aps_asked_count(command->asked); i++)
		assert_true(aps_asked_tell(command->asked, i, APS_STR("Todo:1")));
	run_command(&command->head);
	turn();
}

static uint64_t begin_to_be_asked(void)
{
	begin();
	world.client->settings.cache->policies.asks_all = true;
	uint64_t call = enqueue_n(1);
	turn();
	answer(200, DONE);
	turn();
	return call;
}

static void an_answer_that_the_application_is_asked_about_is_stored_then(void **state)
{
	(void)state;
	uint64_t call = begin_to_be_asked();
	assert_null(take_result(call));
	assert_has(ask(APS_QUEUE_ASK_DISCARD, id_of(1), NULL), "is being sent");
	answer_question();
	assert_ends(call, APS_OK, false);
	finish();
}

static void one_that_is_asked_about_when_the_queue_closes_is_in_doubt(void **state)
{
	(void)state;
	uint64_t call = begin_to_be_asked();
	struct aps_answer_command *command = take_question();
	aps_queue_close(world.queue, &(struct aps_err){.code = APS_E_CLOSED});
	turn();
	struct aps_result_event *event = result_of(call);
	assert_true(event->queued.is_queued);
	assert_true(event->response.err.sent);
	free_result(event);
	run_command(&command->head); /* late */
	turn();
	restart();
	assert_has(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "\"outcome\":\"unknown\"");
	finish();
}

static void an_answer_that_was_lost_is_asked_about_again_and_told_meanwhile(void **state)
{
	(void)state;
	uint64_t call = begin_to_be_asked();
	struct aps_answer_command *command = take_question();
	for (size_t i = 0; i < aps_asked_count(command->asked); i++)
		assert_true(aps_asked_tell(command->asked, i, APS_STR("Todo:1")));
	run_command(&command->head);
	aps_vault_abandon(world.queue->vault);
	turn();
	assert_null(take_result(call));
	let_time_pass(2000);
	assert_ends(call, APS_OK, false);
	drop_events();
	assert_null(world.queue->sendings);
	finish();
}

static void an_update_of_this_run_keeps_the_layer_until_it_has_run(void **state)
{
	(void)state;
	begin();
	enqueue(&(struct asked){
	        .document = CREATE, .variables = INPUT, .has_update = true, .edits = make_edits(CREATE, INPUT, MADE)});
	uint64_t call = world.last_call;
	turn();
	run_command(aps_cancel_command_new(7, call));
	answer(200, "{\"data\":{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"real\",\"n\":1}}}");
	turn();
	struct aps_str data;
	assert_int_equal(count_queue_events("\"what\":\"answer\"", &data), 1);
	assert_non_null(aps_str_find(data, "\"has_layer\":true"));
	assert_non_null(aps_str_find(data, "\"is_old\":false"));
	restart();
	assert_int_equal(count_queue_events("\"what\":\"outcome\"", &data), 1);
	assert_non_null(aps_str_find(data, "\"has_layer\":false"));
	assert_non_null(aps_str_find(data, "\"is_old\":true"));
	finish();
}

static void one_that_is_damaged_is_passed_and_the_store_replaced(void **state)
{
	(void)state;
	struct aps_err err;
	begin();
	kill_one();
	kill_one();
	struct aps_vault *vault = world.queue->vault;
	uint64_t place = vault->place;
	const char *sql = "UPDATE dead_letter SET died = died + 1 WHERE id = (SELECT min(id) FROM dead_letter)";
	assert_int_equal(aps_db_exec(vault->db, sql, &err), APS_OK);
	struct aps_result_event *event = ask_in(CACHE, APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL);
	assert_int_equal(event->response.err.code, APS_OK);
	assert_non_null(memmem(event->response.data.p, event->response.data.n, "\"n\":1", 5));
	free_result(event);
	let_time_pass(0);
	assert_int_not_equal(vault->place, place);
	assert_has(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "\"n\":1");
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_listed_is_json_whatever_it_has),
	        cmocka_unit_test(one_that_is_found_shows_all_that_it_has),
	        cmocka_unit_test(a_large_result_is_listed_short_once_it_was_told),
	        cmocka_unit_test(one_that_is_sent_at_the_moment_cannot_be_touched),
	        cmocka_unit_test(one_that_waits_is_discarded_and_its_call_told_so),
	        cmocka_unit_test(one_that_waits_is_changed_and_its_call_waits_on),
	        cmocka_unit_test(a_dead_letter_is_changed_tried_again_and_goes_to_the_tail),
	        cmocka_unit_test(one_that_waits_is_sent_at_once_when_it_is_tried_again),
	        cmocka_unit_test(a_change_that_is_lost_is_told_as_such),
	        cmocka_unit_test(queues_of_two_identities_go_beside_each_other),
	        cmocka_unit_test(a_queue_of_another_identity_is_taken_over),
	        cmocka_unit_test(a_queue_that_is_open_is_taken_over_unless_it_sends),
	        cmocka_unit_test(a_cache_that_is_cleared_keeps_what_is_queued),
	        cmocka_unit_test(an_answer_that_the_application_is_asked_about_is_stored_then),
	        cmocka_unit_test(one_that_is_asked_about_when_the_queue_closes_is_in_doubt),
	        cmocka_unit_test(an_answer_that_was_lost_is_asked_about_again_and_told_meanwhile),
	        cmocka_unit_test(an_update_of_this_run_keeps_the_layer_until_it_has_run),
	        cmocka_unit_test(one_that_is_damaged_is_passed_and_the_store_replaced),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

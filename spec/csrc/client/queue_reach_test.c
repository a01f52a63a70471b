/* An outbox and the network: what is sent when, and what is told while the service can't be reached or refuses what a
 * client shows of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_world.h"

static void refuse_connection(void)
{
	fail_exchange(APS_E_NETWORK, false);
	turn();
}

/* Until the next try is under way: one step of the backoff. */
static void wait_for_a_try(void)
{
	let_time_pass(301000);
}

static void set_online(bool is_online)
{
	aps_reach_set_online(world.core, world.client, is_online);
	turn();
}

static void a_refused_connection_lets_everybody_know_that_the_mutations_are_queued(void **state)
{
	(void)state;
	begin();
	uint64_t first = enqueue_n(1), second = enqueue_n(2);
	turn();
	refuse_connection();
	uint64_t calls[] = {first, second, 0};
	calls[2] = enqueue_n(3);
	assert_null(take_result(calls[2])); /* it isn't on the disk */
	turn();
	for (int i = 0; i < 3; i++) {
		struct aps_result_event *event = result_of(calls[i]);
		assert_int_equal(event->response.err.code, APS_OK);
		assert_int_equal(event->source, APS_RESULT_FROM_QUEUE);
		assert_true(event->queued.is_queued);
		free_result(event);
	}
	assert_null(under_way());
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"state\":\"waiting_network\",\"size\":3");
	finish();
}

static void what_is_queued_without_a_network_says_how_many_there_are_and_no_state_is_told_beside_it(void **state)
{
	(void)state;
	begin();
	set_online(false);
	for (int64_t n = 1; n <= 4; n++) {
		if (n == 4) open_queue(CACHE); /* it may be another one that listens from now on */
		uint64_t call = enqueue_n((int)n);
		turn();
		struct aps_result_event *event = result_of(call);
		assert_int_equal(event->queued.n_entries, n == 2 || n == 3 ? n : 0); /* else the state says it */
		free_result(event);
		assert_int_equal(count_queue_events("\"state\":\"waiting_network\"", NULL), n < 4 ? 1 : 2);
	}
	assert_int_equal(count_queue_events("\"size\":1", NULL), 1);
	assert_int_equal(count_queue_events("\"size\":4", NULL), 1);
	set_online(true);
	assert_int_equal(count_queue_events("\"state\":\"sending\"", NULL), 1);
	finish();
}

static void there_is_one_try_a_step_and_what_answers_brings_all_back(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 3; i++) enqueue_n(i);
	turn();
	refuse_connection();
	for (int i = 0; i < 4; i++) {
		assert_null(under_way());
		wait_for_a_try();
		assert_int_equal(n_requests(), (size_t)(2 + i));
		assert_has(body_of(under_way()), "\"n\":0");
		if (i < 3) refuse_connection();
	}
	for (int i = 0; i < 3; i++) {
		answer(200, DONE);
		turn();
	}
	assert_int_equal(n_requests(), 7);
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"state\":\"idle\"");
	finish();
}

static void a_try_that_never_asks_the_network_is_followed_by_others(void **state)
{
	(void)state;
	begin();
	enqueue_n(1);
	turn();
	refuse_connection();
	/* its mark is lost */
	aps_timers_run(&world.core->timers, world.core, aps_clock_mono_ms() + 301000);
	assert_true(world.queue->vault->is_writing);
	aps_vault_abandon(world.queue->vault);
	turn();
	assert_null(under_way());
	wait_for_a_try();
	if (under_way() == NULL) wait_for_a_try();
	refuse_connection();
	/* it is taken away before it is sent */
	aps_timers_run(&world.core->timers, world.core, aps_clock_mono_ms() + 301000);
	aps_vault_abandon(world.queue->vault);
	turn();
	ask(APS_QUEUE_ASK_WIPE, NULL, NULL);
	enqueue_n(2);
	turn();
	wait_for_a_try();
	if (under_way() == NULL) wait_for_a_try();
	assert_has(body_of(under_way()), "\"n\":2");
	finish();
}

static void a_try_that_waits_for_headers_that_never_can_be_had_is_over(void **state)
{
	(void)state;
	struct aps_queue_settings settings;
	begin();
	enqueue_n(1);
	turn();
	refuse_connection();
	make_queue_settings(&settings);
	settings.asks_headers = true;
	open_queue_with(CACHE, &settings);
	turn();
	drop_events();
	for (int i = 0; i < 2; i++) {
		struct aps_str data;
		while (count_queue_events("\"what\":\"headers\"", &data) == 0) wait_for_a_try();
		struct aps_queue_answer_command *command = aps_queue_headers_command_new(7, CACHE);
		command->entry = world.queue->outbox.items->number;
		aps_fail(&command->failed, APS_E_AUTH, "not signed in");
		run_command(&command->head);
		turn();
		drop_events();
		assert_null(under_way());
	}
	finish();
}

static void headers_are_asked_for_in_the_name_of_the_call_that_waits(void **state)
{
	(void)state;
	struct aps_queue_settings settings;
	struct aps_str data;
	char named[32];
	begin();
	make_queue_settings(&settings);
	settings.asks_headers = true;
	open_queue_with(CACHE, &settings);
	snprintf(named, sizeof named, "\"call\":%llu", (unsigned long long)enqueue_n(1));
	turn();
	assert_int_equal(count_queue_events("\"what\":\"headers\"", &data), 1);
	assert_int_equal(count_queue_events(named, &data), 1);
	finish();
}

static void the_application_may_say_whether_there_is_a_network(void **state)
{
	(void)state;
	begin();
	set_online(false);
	uint64_t call = enqueue_n(1);
	turn();
	assert_ends(call, APS_OK, true);
	wait_for_a_try();
	assert_null(under_way());
	set_online(true);
	assert_non_null(under_way());
	/* what is under way is waited for */
	uint64_t second = enqueue_n(2);
	turn();
	set_online(false);
	assert_ends(second, APS_OK, true);
	answer(200, DONE);
	turn();
	assert_null(under_way());
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "set_online(false)");
	aps_reach_connected(world.core, world.client);
	aps_reach_hint(world.core, world.client);
	wait_for_a_try();
	assert_null(under_way()); /* whatever happens */
	set_online(true);
	assert_non_null(under_way());
	finish();
}

static void hear(enum aps_rc code, long status)
{
	struct aps_outcome outcome;
	struct aps_err err;
	aps_fail(&err, code, "no");
	aps_outcome_init_err(&outcome, &err);
	if (code == APS_OK) outcome.response.err.code = APS_OK;
	outcome.answer.status = status;
	aps_reach_heard(world.core, world.client, &outcome);
	aps_outcome_clear(&outcome);
	turn();
}

static void other_requests_tell_as_well_but_not_those_that_asked_nobody(void **state)
{
	(void)state;
	begin();
	hear(APS_E_CANCELLED, 0);
	hear(APS_E_AUTH, 0);
	hear(APS_E_NOMEM, 0);
	hear(APS_E_CLOSED, 0);
	assert_true(aps_reach_is_online(world.core, world.client));
	hear(APS_E_NETWORK, 0);
	assert_false(aps_reach_is_online(world.core, world.client));
	enqueue_n(1);
	turn();
	hear(APS_E_CANCELLED, 0);
	hear(APS_E_AUTH, 0);
	assert_null(under_way());
	hear(APS_E_NETWORK, 500);
	assert_non_null(under_way());
	finish();
}

static void a_network_that_loses_answers_never_makes_a_dead_letter(void **state)
{
	(void)state;
	begin();
	enqueue(&(struct asked){.is_idempotent = true});
	turn();
	for (int i = 0; i < 8; i++) {
		fail_exchange(APS_E_NETWORK, true);
		turn();
		hear(APS_OK, 200);
		for (int k = 0; k < 3 && under_way() == NULL; k++) let_time_pass(301000);
		assert_non_null(under_way());
	}
	assert_string_equal(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "[]");
	finish();
}

static void what_was_refused_a_token_waits_for_another_one(void **state)
{
	(void)state;
	static const char UNAUTHORIZED[] =
	        "{\"errors\":[{\"errorType\":\"UnauthorizedException\",\"message\":\"no\"}]}";
	begin();
	uint64_t call = enqueue_n(1);
	turn();
	answer(401, UNAUTHORIZED);
	turn();
	assert_null(take_result(call));
	assert_has(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "\"state\":\"waiting_auth\"");
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"reason\":\"");
	struct aps_auth_material material;
	assert_int_equal(aps_auth_material_init(&material, APS_AUTH_API_KEY, APS_STR("other"), NULL, NULL), APS_OK);
	aps_credential_set(world.core, aps_credential_find(world.core, KEY), &material);
	turn();
	assert_int_equal(n_requests(), 2);
	answer(200, DONE);
	turn();
	assert_ends(call, APS_OK, false);
	finish();
}

static void a_mode_without_credentials_waits_and_holds_up_no_other_one(void **state)
{
	(void)state;
	struct aps_queue_settings settings;
	begin();
	uint64_t iam = enqueue(&(struct asked){.mode = APS_ENTRY_AWS_IAM});
	uint64_t key = enqueue_n(1);
	turn();
	assert_int_equal(n_requests(), 1);
	assert_has(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "\"state\":\"waiting_auth\"");
	answer(200, DONE);
	turn();
	free_result(result_of(key));
	assert_null(take_result(iam));
	make_queue_settings(&settings);
	settings.credentials[APS_ENTRY_AWS_IAM] = KEY;
	open_queue_with(CACHE, &settings);
	turn();
	answer(200, DONE);
	turn();
	assert_ends(iam, APS_OK, false);
	finish();
}

static void fail_while_others_succeed(long status, const char *headers, const char *body)
{
	hear(APS_OK, 200);
	answer_to(under_way(), status, headers, body);
	turn();
}

static void a_mutation_that_fails_again_and_again_while_others_succeed_is_dead(void **state)
{
	(void)state;
	begin();
	uint64_t call = enqueue_n(1);
	turn();
	for (int i = 0; i < 5; i++) { /* nobody else succeeds */
		answer(503, "busy");
		turn();
		assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"state\":\"retrying\"");
		let_time_pass(301000);
	}
	for (int i = 0; i < 3; i++) {
		fail_while_others_succeed(503, "", "busy");
		let_time_pass(301000);
	}
	assert_null(under_way());
	struct aps_result_event *event = take_result(call);
	if (event != NULL) free_result(event); /* its time is over */
	assert_has(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "\"outcome\":\"refused\"");
	assert_has(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "\"attempts\":8");
	finish();
}

static void the_service_may_say_how_long_to_wait(void **state)
{
	(void)state;
	begin();
	enqueue_n(1);
	turn();
	answer_to(under_way(), 429, "retry-after: 120", "slow down");
	turn();
	let_time_pass(119000);
	assert_null(under_way());
	let_time_pass(121000);
	assert_non_null(under_way());
	answer_to(under_way(), 429, "retry-after: 100000", "slow down");
	turn();
	let_time_pass(301000); /* not longer than its own longest */
	assert_non_null(under_way());
	finish();
}

static void a_queue_that_does_not_get_on_says_so_once(void **state)
{
	(void)state;
	begin();
	world.queue->advanced_ms -= 600000; /* it was idle for long */
	enqueue_n(1);
	turn();
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"stuck_for\":0");
	refuse_connection();
	let_time_pass(59000);
	assert_int_equal(count_logs("hasn't got on"), 0);
	world.queue->advanced_ms -= 60000;
	let_time_pass(61000);
	let_time_pass(200000);
	assert_int_equal(count_logs("hasn't got on"), 1);
	struct aps_str data;
	assert_true(count_queue_events("\"stuck_for\":6", &data) >= 1);
	set_online(true);
	answer(200, DONE);
	turn();
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"stuck_for\":0");
	finish();
}

static void one_that_got_on_just_now_is_not_stuck(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 2; i++) enqueue_n(i);
	turn();
	world.queue->advanced_ms -= 50000;
	turn();
	answer(200, DONE);
	turn();
	refuse_connection();
	aps_timers_run(&world.core->timers, world.core, world.queue->advanced_ms + 59000);
	turn();
	assert_int_equal(count_logs("hasn't got on"), 0);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_refused_connection_lets_everybody_know_that_the_mutations_are_queued),
	        cmocka_unit_test(
	                what_is_queued_without_a_network_says_how_many_there_are_and_no_state_is_told_beside_it),
	        cmocka_unit_test(there_is_one_try_a_step_and_what_answers_brings_all_back),
	        cmocka_unit_test(a_try_that_never_asks_the_network_is_followed_by_others),
	        cmocka_unit_test(a_try_that_waits_for_headers_that_never_can_be_had_is_over),
	        cmocka_unit_test(headers_are_asked_for_in_the_name_of_the_call_that_waits),
	        cmocka_unit_test(the_application_may_say_whether_there_is_a_network),
	        cmocka_unit_test(other_requests_tell_as_well_but_not_those_that_asked_nobody),
	        cmocka_unit_test(a_network_that_loses_answers_never_makes_a_dead_letter),
	        cmocka_unit_test(what_was_refused_a_token_waits_for_another_one),
	        cmocka_unit_test(a_mode_without_credentials_waits_and_holds_up_no_other_one),
	        cmocka_unit_test(a_mutation_that_fails_again_and_again_while_others_succeed_is_dead),
	        cmocka_unit_test(the_service_may_say_how_long_to_wait),
	        cmocka_unit_test(a_queue_that_does_not_get_on_says_so_once),
	        cmocka_unit_test(one_that_got_on_just_now_is_not_stuck),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The driver of an outbox: what is stored when, what is sent then, and what is told after that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_world.h"
#include "store/outcomes.h"

/* Commits that were waited for until they were on the disk. */
static int64_t count_syncs(void)
{
	static int64_t before;
	int64_t now = faulty_vfs_counts().syncs, n = now - before;
	before = now;
	return n;
}

static void a_mutation_is_sent_once_it_is_stored_and_told_once_its_outcome_is(void **state)
{
	(void)state;
	begin();
	uint64_t call = enqueue_n(1);
	assert_null(under_way());
	assert_null(take_result(call));
	turn();
	assert_int_equal(n_requests(), 1);
	assert_has(body_of(under_way()), "\"variables\":{\"n\":1}");
	answer(200, DONE);
	assert_null(take_result(call));
	turn();
	struct aps_result_event *event = result_of(call);
	assert_int_equal(event->response.err.code, APS_OK);
	assert_true(aps_str_is(event->response.data, "{\"addTodo\":{\"__typename\":\"Todo\",\"id\":\"1\",\"n\":1}}"));
	uint64_t outcome = event->queued.outcome;
	assert_int_not_equal(outcome, 0);
	assert_false(event->queued.is_queued);
	assert_int_equal(event->n_attempts, 1);
	free_result(event);
	assert_string_equal(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "[]");
	assert_has(ask(APS_QUEUE_ASK_RESULTS, NULL, NULL), "\"notified\":false");
	assert_int_equal(count_queue_events("\"what\":\"outcome\"", NULL), 0);
	tell_told(outcome);
	assert_has(ask(APS_QUEUE_ASK_RESULTS, NULL, NULL), "\"notified\":true");
	assert_null(world.queue->sendings);
	finish();
}

/* It is there whatever became of the mutation. */
static void the_name_of_the_root_is_no_answer(void **state)
{
	(void)state;
	static const struct {
		const char *answer, *outcome;
	} ROWS[] = {
	        {"{\"data\":{\"t\":\"Mutation\",\"__typename\":\"Mutation\",\"addTodo\":null},"
	         "\"errors\":[{\"errorType\":\"Unauthorized\",\"message\":\"no\",\"path\":[\"addTodo\"]}]}",
	         "\"outcome\":\"refused\""},
	        {"{\"data\":{\"t\":\"Mutation\",\"__typename\":\"Mutation\",\"addTodo\":null},"
	         "\"errors\":[{\"errorType\":\"ConflictUnhandled\",\"message\":\"no\",\"path\":[\"addTodo\"]}]}",
	         "\"outcome\":\"conflict\""},
	};
	for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
		begin();
		uint64_t call = enqueue(&(struct asked){
		        .document = "mutation { __typename t: __typename addTodo(n: 1) { id n } }", .variables = "{}"});
		turn();
		answer(200, ROWS[i].answer);
		turn();
		free_result(result_of(call));
		assert_has(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), ROWS[i].outcome);
		finish();
	}
}

static void an_enqueue_is_one_commit_and_an_outcome_shares_one_with_the_next_mark(void **state)
{
	(void)state;
	begin();
	faulty_vfs_set("of=-wal");
	uint64_t calls[3];
	calls[0] = enqueue_n(0);
	turn();
	answer(200, DONE); /* the owner is known from now on, and the log begun */
	turn();
	count_syncs();
	calls[0] = enqueue_n(1);
	turn();
	assert_int_equal(count_syncs(), 1);
	for (int i = 1; i < 3; i++) calls[i] = enqueue_n(i);
	turn();
	assert_int_equal(count_syncs(), 1); /* both in one */
	for (int i = 0; i < 3; i++) {
		assert_has(body_of(under_way()), i == 0 ? "\"n\":1" : i == 1 ? "\"n\":1" : "\"n\":2");
		answer(200, DONE);
		turn();
		assert_int_equal(count_syncs(), 1);
		free_result(result_of(calls[i]));
	}
	assert_null(under_way());
	assert_int_equal(n_requests(), 4);
	finish();
}

static int64_t synchronous(void)
{
	int64_t level;
	struct aps_err err;
	assert_int_equal(aps_db_read_int(world.queue->vault->db, "PRAGMA synchronous", &level, &err), APS_OK);
	return level;
}

static void what_the_cache_has_of_the_turn_is_committed_apart_and_not_waited_for(void **state)
{
	(void)state;
	struct aps_err err;
	begin();
	free_result(ask_in(CACHE, APS_QUEUE_ASK_STATUS, NULL, NULL));
	struct aps_vault *vault = world.queue->vault;
	uint64_t generation = vault->generation;
	assert_int_equal(aps_vault_begin(vault, &err), APS_OK);
	assert_int_equal(synchronous(), 1); /* NORMAL */
	enqueue_n(1);
	assert_int_equal(vault->generation, generation + 1);
	assert_true(vault->is_writing && vault->is_durable);
	assert_int_equal(synchronous(), 2); /* FULL */
	turn();
	assert_int_equal(vault->generation, generation + 2);
	assert_int_equal(aps_vault_begin(vault, &err), APS_OK);
	assert_int_equal(synchronous(), 1);
	assert_int_equal(aps_vault_begin(vault, &err), APS_OK); /* twice is once */
	assert_int_equal(aps_vault_begin_durable(vault, &err), APS_OK);
	assert_int_equal(vault->generation, generation + 3);
	assert_int_equal(aps_vault_begin_durable(vault, &err), APS_OK);
	assert_int_equal(aps_vault_begin(vault, &err), APS_OK);
	assert_int_equal(vault->generation, generation + 3);
	turn();
	finish();
}

static void a_durable_transaction_that_cannot_begin_leaves_nothing(void **state)
{
	(void)state;
	struct aps_err err;
	begin();
	struct aps_vault *vault = world.queue->vault;
	struct aps_db *db = vault->db;
	vault->db = NULL; /* no memory for a store */
	assert_int_equal(aps_vault_begin_durable(vault, &err), APS_E_NOMEM);
	vault->db = db;
	assert_int_equal(aps_vault_begin(vault, &err), APS_OK);
	assert_int_equal(synchronous(), 1);
	turn();
	finish();
}

static void one_that_waits_for_its_turn_is_told_nothing_and_leaves_when_its_time_is_over(void **state)
{
	(void)state;
	begin();
	uint64_t first = enqueue_n(1), second = enqueue(&(struct asked){.timeout_ms = 50});
	turn();
	let_time_pass(60);
	assert_null(take_result(first));
	struct aps_result_event *event = result_of(second);
	assert_int_equal(event->response.err.code, APS_E_TIMEOUT);
	assert_true(event->queued.is_queued);
	assert_false(event->response.err.sent);
	assert_int_not_equal(event->queued.id[0], '\0');
	free_result(event);
	answer(200, DONE);
	turn();
	free_result(result_of(first));
	answer(200, DONE);
	turn();
	assert_int_equal(count_queue_events("\"what\":\"outcome\"", NULL), 1);
	assert_int_equal(count_queue_events("\"is_old\":false", NULL), 1);
	finish();
}

static void cancel(uint64_t call)
{
	run_command(aps_cancel_command_new(7, call));
}

static void a_cancel_leaves_it_in_the_queue_whenever_it_comes(void **state)
{
	(void)state;
	begin();
	uint64_t calls[3] = {enqueue_n(1)};
	turn();
	calls[1] = enqueue_n(2);
	turn();
	calls[2] = enqueue_n(3);
	for (int i = 0; i < 3; i++) cancel(calls[i]);
	cancel(calls[0]); /* twice */
	turn();
	for (int i = 0; i < 3; i++) {
		struct aps_result_event *event = result_of(calls[i]);
		assert_int_equal(event->response.err.code, APS_E_CANCELLED);
		assert_int_equal(event->response.err.sent, i == 0);
		assert_true(event->queued.is_queued); /* also where it wasn't committed by then */
		assert_int_not_equal(event->queued.entry, 0);
		free_result(event);
	}
	for (int i = 0; i < 3; i++) {
		answer(200, DONE);
		turn();
	}
	assert_int_equal(n_requests(), 3);
	assert_string_equal(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "[]");
	finish();
}

static void a_cancel_before_a_commit_that_fails_tells_that_nothing_was_queued(void **state)
{
	(void)state;
	begin();
	uint64_t call = enqueue_n(1);
	cancel(call);
	assert_null(take_result(call));
	aps_vault_abandon(world.queue->vault);
	turn();
	assert_ends(call, APS_E_STORAGE, false);
	finish();
}

static void a_closed_client_tells_who_waits_that_it_stays(void **state)
{
	(void)state;
	begin();
	uint64_t first = enqueue_n(1), second = enqueue_n(2);
	turn();
	run_command(aps_cancel_command_new(7, 99));
	aps_caching_close(world.core, world.client, CACHE); /* as a finalizer does */
	turn();
	assert_ends(first, APS_E_CLOSED, true);
	assert_ends(second, APS_E_CLOSED, true);
	uint64_t third = enqueue_n(3);
	turn();
	assert_ends(third, APS_E_STORAGE, false);
	assert_null(aps_queueing_find(world.core, world.client, CACHE));
	finish();
}

static void what_was_to_be_sent_when_the_client_closes_is_not_in_doubt(void **state)
{
	(void)state;
	begin();
	uint64_t call = enqueue_n(1);
	aps_caching_close(world.core, world.client, CACHE);
	turn();
	assert_ends(call, APS_E_CLOSED, true);
	restart();
	assert_int_equal(n_requests(), 1);
	answer(200, DONE);
	turn();
	assert_has(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "[]");
	finish();
}

static void an_outcome_that_nobody_waits_for_is_told_one_after_the_other_until_it_is_confirmed(void **state)
{
	(void)state;
	struct aps_str data;
	begin();
	for (int i = 0; i < 2; i++) {
		cancel(enqueue_n(i));
		turn();
		answer(200, DONE);
		turn();
	}
	assert_int_equal(count_queue_events("\"what\":\"outcome\"", &data), 1);
	const char *number = aps_str_find(data, "\"number\":");
	uint64_t outcome = strtoull(number + 9, NULL, 10);
	drop_events();
	tell_told(outcome + 100); /* there is none */
	assert_int_equal(count_queue_events("\"what\":\"outcome\"", NULL), 0);
	tell_told(outcome);
	assert_int_equal(count_queue_events("\"what\":\"outcome\"", NULL), 1);
	restart();
	assert_int_equal(count_queue_events("\"what\":\"outcome\"", NULL), 1);
	assert_int_equal(count_queue_events("\"is_old\":true", NULL), 1);
	finish();
}

static void an_outcome_is_not_told_again_where_that_it_was_told_cannot_be_stored(void **state)
{
	(void)state;
	struct aps_str data;
	begin();
	cancel(enqueue_n(1));
	turn();
	answer(200, DONE);
	turn();
	assert_int_equal(count_queue_events("\"what\":\"outcome\"", &data), 1);
	uint64_t outcome = strtoull(aps_str_find(data, "\"number\":") + 9, NULL, 10);
	faulty_vfs_set("full=0");
	tell_told(outcome);
	faulty_vfs_set("full=off");
	aps_vault_retry(world.queue->vault, aps_clock_mono_ms());
	drop_events();
	let_time_pass(2000);
	assert_int_equal(count_queue_events("\"what\":\"outcome\"", NULL), 0);
	restart(); /* lost, it is told once more */
	finish();
}

/* The number of the outcome of the mutation that is being sent, and that nobody waits for. */
static uint64_t take_outcome(void)
{
	struct aps_str data;
	drop_events();
	answer(200, DONE);
	turn();
	assert_int_equal(count_queue_events("\"what\":\"outcome\"", &data), 1);
	return strtoull(aps_str_find(data, "\"number\":") + 9, NULL, 10);
}

static bool is_stored_as_told(uint64_t number)
{
	struct aps_kept_outcome outcome;
	struct aps_err err;
	aps_kept_outcome_init(&outcome);
	assert_int_equal(
	        aps_outcomes_next(world.queue->vault->db, world.queue->owner, (int64_t)number - 1, &outcome, &err),
	        APS_OK);
	assert_int_equal(outcome.number, number);
	bool is_told = outcome.is_told;
	aps_kept_outcome_clear(&outcome);
	return is_told;
}

static void that_an_outcome_was_told_is_stored_with_what_is_written_next_or_soon(void **state)
{
	(void)state;
	begin();
	cancel(enqueue_n(1));
	turn();
	uint64_t outcome = take_outcome();
	tell_told(outcome);
	assert_false(is_stored_as_told(outcome));
	cancel(enqueue_n(2));
	turn();
	assert_true(is_stored_as_told(outcome));
	outcome = take_outcome();
	tell_told(outcome);
	assert_false(is_stored_as_told(outcome));
	let_time_pass(100);
	assert_true(is_stored_as_told(outcome));
	finish();
}

static void that_an_outcome_was_told_is_stored_when_the_queue_closes(void **state)
{
	(void)state;
	begin();
	cancel(enqueue_n(1));
	turn();
	uint64_t outcome = take_outcome();
	tell_told(outcome);
	restart();
	assert_true(is_stored_as_told(outcome));
	assert_int_equal(count_queue_events("\"what\":\"outcome\"", NULL), 0);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(that_an_outcome_was_told_is_stored_with_what_is_written_next_or_soon),
	        cmocka_unit_test(that_an_outcome_was_told_is_stored_when_the_queue_closes),
	        cmocka_unit_test(a_mutation_is_sent_once_it_is_stored_and_told_once_its_outcome_is),
	        cmocka_unit_test(the_name_of_the_root_is_no_answer),
	        cmocka_unit_test(an_enqueue_is_one_commit_and_an_outcome_shares_one_with_the_next_mark),
	        cmocka_unit_test(what_the_cache_has_of_the_turn_is_committed_apart_and_not_waited_for),
	        cmocka_unit_test(a_durable_transaction_that_cannot_begin_leaves_nothing),
	        cmocka_unit_test(one_that_waits_for_its_turn_is_told_nothing_and_leaves_when_its_time_is_over),
	        cmocka_unit_test(a_cancel_leaves_it_in_the_queue_whenever_it_comes),
	        cmocka_unit_test(a_cancel_before_a_commit_that_fails_tells_that_nothing_was_queued),
	        cmocka_unit_test(a_closed_client_tells_who_waits_that_it_stays),
	        cmocka_unit_test(what_was_to_be_sent_when_the_client_closes_is_not_in_doubt),
	        cmocka_unit_test(an_outcome_that_nobody_waits_for_is_told_one_after_the_other_until_it_is_confirmed),
	        cmocka_unit_test(an_outcome_is_not_told_again_where_that_it_was_told_cannot_be_stored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

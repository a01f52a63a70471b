/* An outbox whose store fails: each call is told the truth, nothing is lost, and nothing is sent twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_calls.h"

static void run_with(const char *fault)
{
	memset(told, 0, sizeof told);
	memset(answered, 0, sizeof answered);
	begin();
	faulty_vfs_set(fault);
	call_one(0);
	turn();
	look_for_results();
	call_one(1);
	call_one(2);
	turn();
	look_for_results();
	answer_what_is_asked();
	call_one(3);
	turn();
	look_for_results();
	recover();
	assert_nothing_is_lost();
	/* what it knows is in the file */
	restart();
	look_for_results();
	assert_null(under_way());
	assert_string_equal(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "[]");
	call_one(0);
	told[0].is_told = false;
	turn();
	answer_what_is_asked();
	assert_true(told[0].is_done);
	finish();
}

static void a_disk_that_is_full_refuses_what_comes_and_keeps_what_it_has(void **state)
{
	(void)state;
	n_refused = 0;
	char fault[32];
	for (int i = 0; i < 30; i++) {
		snprintf(fault, sizeof fault, "full=%d", i * 4096);
		run_with(fault);
	}
	assert_true(n_refused > 30 && n_refused < 100);
}

static void what_cannot_be_read_is_told_or_it_does_not_matter(void **state)
{
	(void)state;
	char fault[48];
	for (int i = 1; i < 20; i++) {
		snprintf(fault, sizeof fault, "unreadable=%d", i);
		run_with(fault);
	}
}

static void a_file_that_is_read_only_all_at_once_refuses_what_comes(void **state)
{
	(void)state;
	n_refused = 0;
	char fault[32];
	for (int i = 1; i < 40; i++) {
		snprintf(fault, sizeof fault, "readonly=%d", i);
		run_with(fault);
	}
	assert_true(n_refused > 30 && n_refused < 130);
}

static void an_operation_that_fails_is_told_or_it_does_not_matter(void **state)
{
	(void)state;
	n_refused = 0;
	char fault[48];
	for (int i = 1; i < 60; i++) {
		snprintf(fault, sizeof fault, "error=%d errors=%d", i, i % 3 + 1);
		run_with(fault);
	}
	assert_true(n_refused > 30 && n_refused < 200);
}

static void copy_as_killed(const char *ending)
{
	char command[300];
	snprintf(command, sizeof command, "cp '%s%s' '%s/killed.db%s'", world.path, ending, world.folder, ending);
	assert_int_equal(system(command), 0);
}

/* As whoever opens the file after this process was killed. */
static int64_t n_found_after_a_kill(void)
{
	const struct aps_db_options options = {.busy_ms = 1000, .synchronous = APS_DB_SYNC_NORMAL};
	struct aps_err err;
	struct aps_db *db;
	char path[300];
	int64_t n = -1;
	copy_as_killed("");
	copy_as_killed("-wal");
	snprintf(path, sizeof path, "%s/killed.db", world.folder);
	assert_int_equal(aps_db_open(path, &options, &db, &err), APS_OK);
	assert_int_equal(aps_db_read_int(db, "SELECT count(*) FROM outbox", &n, &err), APS_OK);
	aps_db_close(db);
	return n;
}

static void what_was_refused_is_not_found_after_a_kill(void **state)
{
	(void)state;
	int n_refused_there = 0, n_uncertain = 0;
	char fault[48];
	for (int i = 2; i < 40; i++) {
		begin();
		enqueue_n(1);
		turn();
		drop_events();
		snprintf(fault, sizeof fault, "error=%d errors=%d", i / 2, i % 2 == 0 ? 1 : 100);
		faulty_vfs_set(fault);
		uint64_t call = enqueue_n(2);
		turn();
		struct aps_result_event *event = take_result(call);
		bool is_refused = event != NULL && event->response.err.code == APS_E_STORAGE;
		bool is_uncertain = is_refused && strstr(event->response.err.msg, "may find what was written") != NULL;
		free_result(event);
		int64_t n = n_found_after_a_kill();
		if (is_refused && !is_uncertain) assert_int_equal(n, 1);
		if (!is_refused) assert_int_equal(n, 2);
		n_refused_there += is_refused;
		n_uncertain += is_uncertain;
		finish();
	}
	assert_true(n_refused_there > 5);
	assert_int_equal(n_uncertain, 1); /* the disk failed for good, and first of all when it was to synchronise */
}

/* Another process has it. */
static void a_transaction_that_is_given_up_takes_nothing_with_it(void **state)
{
	(void)state;
	for (int k = 0; k < 6; k++) {
		memset(told, 0, sizeof told);
		memset(answered, 0, sizeof answered);
		begin();
		for (int i = 0; i < N_CALLS; i++) {
			call_one(i);
			if (i == k) aps_vault_abandon(world.queue->vault);
			if (i % 2 == 1) turn();
			if (k == 5 && under_way() != NULL) {
				answered[0]++;
				answer(200, DONE);
				aps_vault_abandon(world.queue->vault); /* with its outcome */
				turn();
			}
			look_for_results();
		}
		recover();
		assert_nothing_is_lost();
		finish();
	}
}

static void the_owner_is_made_again_where_it_was_lost(void **state)
{
	(void)state;
	begin();
	uint64_t call = enqueue_n(1);
	aps_vault_abandon(world.queue->vault);
	turn();
	assert_ends(call, APS_E_STORAGE, false);
	aps_reach_set_online(world.core, world.client, false);
	let_time_pass(2000);
	call = enqueue_n(2);
	turn();
	assert_ends(call, APS_OK, true);
	restart();
	assert_has(body_of(under_way()), "\"n\":2");
	finish();
}

static void headers_of_a_call_that_was_lost_are_not_those_of_the_next_one(void **state)
{
	(void)state;
	begin();
	struct aps_enqueue_command *command = aps_enqueue_command_new(7, 50);
	struct aps_gql_document *doc;
	assert_int_equal(aps_gql_document_new(APS_STR(ADD), &doc, NULL, NULL), APS_OK);
	assert_int_equal(aps_operation_init(&command->operation, doc, aps_gql_document_operation(doc, 0), true,
	                                    APS_STR("{\"n\":1}"), NULL),
	                 APS_OK);
	aps_gql_document_unref(doc);
	command->cache = CACHE;
	command->mode = APS_ENTRY_API_KEY;
	command->has_headers = command->has_update = true;
	assert_int_equal(aps_header_list_add(&command->headers, APS_STR("x-who"), APS_STR("first"), NULL), APS_OK);
	run_command(&command->head);
	aps_vault_abandon(world.queue->vault);
	uint64_t call = enqueue_n(2);
	turn();
	assert_ends(50, APS_E_STORAGE, false);
	let_time_pass(2000);
	struct aps_sending *sending = under_way();
	assert_has(body_of(sending), "\"n\":2");
	for (size_t i = 0; i < sending->headers.n_items; i++)
		assert_false(aps_str_is(sending->headers.items[i].name, "x-who"));
	assert_false(sending->has_update);
	answer(200, DONE);
	turn();
	free_result(result_of(call));
	finish();
}

static void a_wait_that_ends_after_its_mutation_was_lost_is_told_of_the_loss(void **state)
{
	(void)state;
	begin();
	uint64_t timed = enqueue(&(struct asked){.timeout_ms = 50}), cancelled = enqueue_n(2);
	aps_vault_abandon(world.queue->vault);
	run_command(aps_cancel_command_new(7, cancelled));
	let_time_pass(60);
	assert_ends(timed, APS_E_STORAGE, false);
	assert_ends(cancelled, APS_E_STORAGE, false);
	finish();
}

static void a_damaged_file_is_replaced_and_the_queue_goes_on(void **state)
{
	(void)state;
	begin();
	uint64_t first = enqueue_n(1), second = enqueue_n(2);
	turn();
	aps_vault_damaged(world.queue->vault, world.queue->vault->place);
	uint64_t third = enqueue_n(3); /* in the same turn */
	turn();
	drop_events();
	assert_true(aps_vault_is_available(world.queue->vault));
	int n_asked = 0;
	bool has_third = false;
	for (int i = 0; i < 6; i++) {
		if (under_way() == NULL) {
			let_time_pass(3000);
			continue;
		}
		has_third = has_third || strstr(body_of(under_way()), "\"n\":3") != NULL;
		n_asked++;
		answer(200, DONE);
		turn();
	}
	assert_true(has_third);
	assert_true(n_asked <= 3);
	(void)first, (void)second, (void)third;
	assert_string_equal(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "[]");
	finish();
}

static void while_the_store_cannot_be_used_its_state_says_so(void **state)
{
	(void)state;
	begin();
	enqueue_n(1);
	turn();
	faulty_vfs_set("full=0");
	uint64_t call = enqueue_n(2);
	turn();
	assert_ends(call, APS_E_STORAGE, false);
	assert_false(aps_vault_is_available(world.queue->vault));
	const char *status = ask(APS_QUEUE_ASK_STATUS, NULL, NULL);
	assert_has(status, "\"state\":\"waiting_storage\"");
	assert_has(status, "\"reason\":\"");
	struct aps_result_event *event = ask_in(CACHE, APS_QUEUE_ASK_LIST, NULL, NULL);
	assert_int_equal(event->response.err.code, APS_E_STORAGE);
	free_result(event);
	answer(200, DONE); /* it isn't told before it is stored */
	turn();
	call = enqueue_n(3);
	turn();
	assert_ends(call, APS_E_STORAGE, false);
	faulty_vfs_set("full=off");
	aps_vault_retry(world.queue->vault, aps_clock_mono_ms());
	turn();
	assert_true(count_queue_events("\"state\":\"waiting_storage\"", NULL) > 0);
	assert_ends(1, APS_OK, false);
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"state\":\"idle\"");
	assert_int_equal(n_requests(), 1);
	finish();
}

/* Nobody would find there what is written to it. */
static void a_file_that_was_moved_is_not_taken_for_one_that_can_be_used_again(void **state)
{
	(void)state;
	char elsewhere[112];
	begin();
	snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", world.folder);
	assert_int_equal(rename(world.path, elsewhere), 0);
	uint64_t call = enqueue_n(1);
	turn();
	assert_ends(call, APS_E_STORAGE, false);
	aps_vault_retry(world.queue->vault, aps_clock_mono_ms());
	turn();
	assert_false(aps_vault_is_available(world.queue->vault));
	assert_int_equal(count_logs("can be used again"), 0);
	assert_int_equal(rename(elsewhere, world.path), 0);
	aps_vault_retry(world.queue->vault, aps_clock_mono_ms());
	turn();
	assert_int_equal(count_logs("can be used again"), 1);
	call = enqueue_n(2);
	turn();
	assert_has(body_of(under_way()), "\"n\":2");
	assert_null(take_result(call));
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_file_that_was_moved_is_not_taken_for_one_that_can_be_used_again),
	        cmocka_unit_test(a_disk_that_is_full_refuses_what_comes_and_keeps_what_it_has),
	        cmocka_unit_test(what_cannot_be_read_is_told_or_it_does_not_matter),
	        cmocka_unit_test(a_file_that_is_read_only_all_at_once_refuses_what_comes),
	        cmocka_unit_test(an_operation_that_fails_is_told_or_it_does_not_matter),
	        cmocka_unit_test(what_was_refused_is_not_found_after_a_kill),
	        cmocka_unit_test(a_transaction_that_is_given_up_takes_nothing_with_it),
	        cmocka_unit_test(the_owner_is_made_again_where_it_was_lost),
	        cmocka_unit_test(headers_of_a_call_that_was_lost_are_not_those_of_the_next_one),
	        cmocka_unit_test(a_wait_that_ends_after_its_mutation_was_lost_is_told_of_the_loss),
	        cmocka_unit_test(a_damaged_file_is_replaced_and_the_queue_goes_on),
	        cmocka_unit_test(while_the_store_cannot_be_used_its_state_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

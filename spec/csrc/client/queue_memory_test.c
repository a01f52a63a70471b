/* An outbox without memory: nobody waits for ever, nothing is lost, and nothing is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_calls.h"
#include "store/layer_store.h"

static size_t nth;

static void begin_to_fail(void)
{
	memset(told, 0, sizeof told);
	memset(answered, 0, sizeof answered);
	begin();
	aps_mem_fail_at(nth);
}

/* One in three allocations fails, once; `run` is what happens meanwhile. */
static void let_each_fail(void (*run)(void), size_t n)
{
	n_refused = 0;
	for (nth = 1; nth <= n; nth += 3) {
		begin_to_fail();
		run();
		aps_mem_fail_at(0);
		recover();
		assert_nothing_is_lost();
		restart();
		assert_null(under_way());
		assert_string_equal(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "[]");
		finish();
		if (!aps_mem_has_failed()) break;
	}
}

static void call_all(void)
{
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
}

static void a_call_without_memory_is_told_so_or_goes_on(void **state)
{
	(void)state;
	let_each_fail(call_all, 400);
	assert_true(n_refused > 5);
}

/* The same, where the first try is later than the trouble. */
static void refuse_connections(void)
{
	call_one(0);
	call_one(1);
	turn();
	look_for_results();
	if (under_way() != NULL) fail_exchange(APS_E_NETWORK, false);
	turn();
	look_for_results();
	let_time_pass(301000);
	look_for_results();
	answer_what_is_asked();
}

static void a_try_without_memory_is_made_again(void **state)
{
	(void)state;
	for (nth = 1; nth <= 300; nth += 3) {
		begin_to_fail();
		refuse_connections();
		aps_mem_fail_at(0);
		for (int i = 0; i < 3; i++) {
			let_time_pass(301000);
			look_for_results();
			answer_what_is_asked();
		}
		assert_string_equal(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "[]");
		for (int i = 0; i < 2; i++) assert_int_equal(answered[i], told[i].call != 0 && !told[i].is_refused);
		assert_null(world.queue->waits);
		finish();
		if (!aps_mem_has_failed()) break;
	}
}

static void ask_all(void)
{
	static const enum aps_queue_ask ALL[] = {APS_QUEUE_ASK_LIST,    APS_QUEUE_ASK_DEAD_LETTERS,
	                                         APS_QUEUE_ASK_RESULTS, APS_QUEUE_ASK_STATUS,
	                                         APS_QUEUE_ASK_FIND,    APS_QUEUE_ASK_BLOCKED};
	for (size_t i = 0; i < sizeof ALL / sizeof ALL[0]; i++) {
		struct aps_result_event *event = ask_in(CACHE, ALL[i], "x", NULL);
		if (event == NULL) continue;
		assert_true((event->response.err.code == APS_E_NOMEM) == (event->response.data.n == 0));
		free_result(event);
	}
}

static void what_is_asked_without_memory_is_answered(void **state)
{
	(void)state;
	for (nth = 1; nth <= 120; nth++) {
		memset(told, 0, sizeof told);
		begin();
		for (int i = 0; i < 3; i++) enqueue_n(i);
		turn();
		answer(200, "{\"data\":null,\"errors\":[{\"errorType\":\"ValidationException\",\"message\":\"no\"}]}");
		turn();
		drop_events();
		aps_mem_fail_at(nth);
		ask_all();
		aps_mem_fail_at(0);
		finish();
		if (!aps_mem_has_failed()) break;
	}
}

/* A change is made, and told, or isn't. */
static void change_one(enum aps_queue_ask what, bool is_dead)
{
	char id[40];
	begin();
	aps_reach_set_online(world.core, world.client, is_dead);
	enqueue_n(1);
	turn();
	uint64_t number = 1;
	if (is_dead) {
		answer(200, "{\"data\":null,\"errors\":[{\"errorType\":\"ValidationException\",\"message\":\"no\"}]}");
		turn();
		aps_reach_set_online(world.core, world.client, false);
		turn();
	}
	drop_events();
	aps_queue_id_text(world.queue, number, id);
	aps_mem_fail_at(nth);
	struct aps_result_event *event = ask_in(CACHE, what, id, what == APS_QUEUE_ASK_EDIT ? "{\"n\":9}" : NULL);
	bool was_made = world.last_call != 0 && event != NULL;
	bool is_done = was_made && event->response.err.code == APS_OK;
	aps_mem_fail_at(0);
	if (was_made) free_result(event);
	const char *list = ask(APS_QUEUE_ASK_LIST, NULL, NULL);
	bool has_entry = strstr(list, "\"entry\"") != NULL, is_edited = strstr(list, "\"n\":9") != NULL;
	list = ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL);
	bool has_letter = strstr(list, "\"entry\"") != NULL;
	is_edited = is_edited || strstr(list, "\"n\":9") != NULL;
	switch (what) {
	case APS_QUEUE_ASK_EDIT:
		assert_true(is_edited == is_done && has_letter == is_dead && has_entry == !is_dead);
		break;
	case APS_QUEUE_ASK_RETRY: assert_true(has_entry == is_done && has_letter == !is_done); break;
	case APS_QUEUE_ASK_BURY_ALL: assert_true(has_letter == is_done && has_entry == !is_done); break;
	default: assert_true(has_entry == (!is_done && !is_dead) && has_letter == (!is_done && is_dead)); break;
	}
	assert_null(world.queue->asked);
	finish();
}

static void a_change_without_memory_is_made_and_told_or_it_is_not(void **state)
{
	(void)state;
	for (nth = 1; nth <= 60; nth += 2) {
		change_one(APS_QUEUE_ASK_DISCARD, false);
		change_one(APS_QUEUE_ASK_DISCARD, true);
		change_one(APS_QUEUE_ASK_EDIT, false);
		change_one(APS_QUEUE_ASK_EDIT, true);
		change_one(APS_QUEUE_ASK_RETRY, true);
		change_one(APS_QUEUE_ASK_BURY_ALL, false);
		change_one(APS_QUEUE_ASK_WIPE, false);
		change_one(APS_QUEUE_ASK_WIPE, true);
	}
}

static void a_large_queue_takes_no_memory(void **state)
{
	(void)state;
	begin();
	aps_reach_set_online(world.core, world.client, false);
	size_t before = aps_mem_live();
	for (int i = 0; i < 5000; i++) {
		uint64_t call = enqueue_n(i);
		if (i % 500 != 499) continue;
		turn();
		for (uint64_t k = call - 499; k <= call; k++) free_result(result_of(k));
		drop_events();
	}
	assert_true(aps_mem_live() < before + 200);
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"size\":5000");
	restart_without_a_queue();
	size_t live = aps_mem_live();
	open_queue(CACHE);
	world.queue = aps_queueing_find(world.core, world.client, CACHE);
	turn();
	assert_true(aps_mem_live() < live + 100);
	assert_has(body_of(under_way()), "\"n\":0");
	finish();
}

#define VERSIONED "{\"input\":{\"id\":\"t1\",\"n\":2,\"_version\":3}}"
#define HOPED     "{\"updateTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\",\"n\":2,\"_version\":4}}"

/* Whatever it asks for: the look shows that it wasn't executed, and then it is. */
static size_t answer_the_update(void)
{
	size_t n_sent = 0;
	for (int i = 0; i < 12; i++) {
		if (under_way() == NULL) {
			let_time_pass(301000);
			continue;
		}
		bool is_look = under_way()->is_look;
		n_sent += !is_look;
		answer(200, is_look ? "{\"data\":{\"updateTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\",\"n\":1,\"_"
		                      "version\":3}}}"
		                    : "{\"data\":" HOPED "}");
		turn();
	}
	return n_sent;
}

static void an_entry_in_doubt_is_looked_at_once_there_is_memory(void **state)
{
	(void)state;
	for (nth = 1; nth <= 250; nth += 3) {
		struct aps_queue_settings settings;
		begin();
		enqueue(&(struct asked){.document = UPDATE, .variables = VERSIONED, .response = HOPED});
		turn();
		restart_without_a_queue();
		aps_mem_fail_at(nth);
		for (world.queue = NULL; world.queue == NULL;) {
			struct aps_err err;
			make_queue_settings(&settings);
			(void)aps_queueing_open(world.core, world.client, CACHE, &settings, &err);
			aps_queue_settings_clear(&settings);
			world.queue = aps_queueing_find(world.core, world.client, CACHE);
		}
		turn();
		if (under_way() != NULL && under_way()->is_look) {
			answer(200, "{\"data\":{\"updateTodo\":{\"__typename\":\"Todo\",\"id\":\"t1\",\"n\":1,\"_"
			            "version\":3}}}");
			turn();
		}
		aps_mem_fail_at(0);
		assert_true(answer_the_update() <= 1);
		assert_string_equal(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "[]");
		assert_string_equal(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "[]");
		finish();
		if (!aps_mem_has_failed()) break;
	}
}

static void a_layer_comes_and_goes_with_its_mutation(void **state)
{
	(void)state;
	size_t n_queued = 0;
	for (nth = 1; nth <= 300; nth += 3) {
		begin();
		struct aps_edits *edits = make_edits(CREATE, "{\"input\":{\"n\":1}}",
		                                     "{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"0a1b2c3d-0000-"
		                                     "4000-8000-00000000000a\",\"n\":1}}");
		aps_mem_fail_at(nth);
		uint64_t call = enqueue(
		        &(struct asked){.document = CREATE, .variables = "{\"input\":{\"n\":1}}", .edits = edits});
		turn();
		bool is_sent = under_way() != NULL;
		if (is_sent) {
			answer(200, "{\"data\":{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"real\",\"n\":1}}}");
			turn();
		}
		aps_mem_fail_at(0);
		for (int i = 0; i < 3; i++) {
			let_time_pass(301000);
			if (under_way() == NULL) continue;
			answer(200, "{\"data\":{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"real\",\"n\":1}}}");
			turn();
			is_sent = true;
		}
		n_queued += is_sent;
		assert_string_equal(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "[]");
		struct aps_result_event *event = call != 0 ? result_of(call) : NULL;
		if (event != NULL) {
			/* one whose time is over meanwhile is told that it is queued */
			bool is_refused =
			        event->response.err.code == APS_E_NOMEM || event->response.err.code == APS_E_STORAGE;
			assert_true(is_refused != is_sent);
			free_result(event);
		}
		struct aps_buf ids;
		struct aps_err err;
		aps_buf_init(&ids, APS_BUF_ANY_SIZE);
		assert_int_equal(aps_layer_store_list_kind(world.queue->vault->db, world.queue->partition->store.part,
		                                           APS_LAYER_QUEUED, &ids, &err),
		                 APS_OK);
		assert_int_equal(ids.n, 0);
		aps_buf_clear(&ids);
		finish();
		if (!aps_mem_has_failed()) break;
	}
	assert_true(n_queued > 15 && n_queued < 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_call_without_memory_is_told_so_or_goes_on),
	        cmocka_unit_test(a_try_without_memory_is_made_again),
	        cmocka_unit_test(what_is_asked_without_memory_is_answered),
	        cmocka_unit_test(a_change_without_memory_is_made_and_told_or_it_is_not),
	        cmocka_unit_test(a_large_queue_takes_no_memory),
	        cmocka_unit_test(an_entry_in_doubt_is_looked_at_once_there_is_memory),
	        cmocka_unit_test(a_layer_comes_and_goes_with_its_mutation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

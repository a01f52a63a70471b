/* How much is queued and dead, as a queue says and as its store has it, against the rows: whatever happens to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "queue_world.h"
#include "store/outbox_counts.h"

#define N_HISTORIES 12
#define N_STEPS     60
#define REFUSED     "{\"data\":null,\"errors\":[{\"message\":\"no\",\"errorType\":\"ValidationException\"}]}"

static struct aps_rand rand_;

static size_t below(size_t n)
{
	return (size_t)aps_rand_below(&rand_, n);
}

static struct aps_queue *queue_of(uint64_t cache)
{
	return aps_queueing_find(world.core, world.client, cache);
}

/* Of the queue of an identity; its owner may have nothing in the store. */
static void check_queue(struct aps_queue *queue)
{
	struct aps_outbox_counts rows = {0}, kept = {0};
	struct aps_err err;
	bool is_whole = true;
	if (queue->owner != 0) {
		struct aps_db *db = queue->vault->db;
		assert_int_equal(aps_outbox_counts_by_rows(db, queue->owner, &rows, &err), APS_OK);
		assert_int_equal(aps_outbox_counts_read(db, queue->owner, &kept, &is_whole, &err), APS_OK);
	}
	assert_true(is_whole);
	assert_int_equal(kept.n_queued, rows.n_queued);
	assert_int_equal(kept.n_dead, rows.n_dead);
	assert_int_equal(queue->n_entries, rows.n_queued);
	assert_int_equal(queue->n_dead, rows.n_dead);
}

static void check(void)
{
	check_queue(queue_of(CACHE));
	check_queue(queue_of(OTHER_CACHE));
	drop_events();
}

static void open_all(void)
{
	open_cache(OTHER_CACHE, "ann");
	open_queue(CACHE);
	open_queue(OTHER_CACHE);
	world.queue = queue_of(CACHE);
	turn();
}

static void answer_one(void)
{
	static const char *const BODIES[] = {DONE, DONE, REFUSED};
	struct aps_sending *sending = under_way_in(queue_of(below(2) == 0 ? CACHE : OTHER_CACHE));
	if (sending != NULL) answer_to(sending, below(5) == 0 ? 503 : 200, "", BODIES[below(APS_COUNTOF(BODIES))]);
}

/* The id of one of the first numbers, which may be queued, dead or gone. */
static void ask_about_one(uint64_t cache, enum aps_queue_ask what)
{
	char text[APS_ENTRY_TEXT_CHARS + 1];
	aps_queue_id_text(queue_of(cache), 1 + below(40), text);
	struct aps_result_event *event = ask_in(cache, what, text, "{\"n\":9}");
	if (event != NULL) free_result(event);
}

static void ask_for_all(uint64_t cache, enum aps_queue_ask what, const char *text)
{
	struct aps_result_event *event = ask_in(cache, what, text, NULL);
	if (event != NULL) free_result(event);
}

/* It isn't looked at for a moment then. */
static void lose_a_transaction(void)
{
	enqueue_n(1);
	aps_vault_abandon(world.queue->vault);
	turn();
	let_time_pass(2000);
}

static void begin_anew(void)
{
	restart_without_a_queue();
	open_all();
}

static void step(void)
{
	uint64_t cache = below(2) == 0 ? CACHE : OTHER_CACHE;
	switch (below(14)) {
	case 0: answer_one(); break;
	case 1: answer_one(); break;
	case 2: ask_about_one(cache, APS_QUEUE_ASK_DISCARD); break;
	case 3: ask_about_one(cache, APS_QUEUE_ASK_RETRY); break;
	case 4: ask_about_one(cache, APS_QUEUE_ASK_EDIT); break;
	case 5: ask_for_all(cache, APS_QUEUE_ASK_ADOPT, cache == CACHE ? "ann" : ""); break;
	case 6: aps_reach_set_online(world.core, world.client, below(2) == 0); break;
	case 7: let_time_pass(301000); break;
	case 8:
		if (below(3) == 0) begin_anew();
		break;
	case 9:
		if (below(3) == 0) lose_a_transaction();
		break;
	case 10:
		if (below(6) == 0) ask_for_all(cache, APS_QUEUE_ASK_BURY_ALL, NULL);
		break;
	case 11:
		if (below(6) == 0) ask_for_all(cache, APS_QUEUE_ASK_WIPE, NULL);
		break;
	default: enqueue(&(struct asked){.cache = cache}); break;
	}
	if (below(3) != 0) turn();
}

static void they_are_what_the_rows_say_whatever_has_happened(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= N_HISTORIES; seed++) {
		printf("seed %d\n", (int)seed);
		aps_rand_init(&rand_, seed);
		begin_without_a_queue();
		open_all();
		for (int i = 0; i < N_STEPS; i++) {
			step();
			if (i % 4 == 0) turn();
			if (i % 4 == 0) check();
		}
		finish();
	}
}

static void queue_offline(int n)
{
	aps_reach_set_online(world.core, world.client, false);
	for (int i = 0; i < n; i++) enqueue_n(i);
	turn();
}

static void change_store(const char *sql)
{
	struct aps_err err;
	assert_int_equal(aps_db_exec(world.queue->vault->db, sql, &err), APS_OK);
}

static void a_count_that_is_damaged_is_mended_when_the_store_is_opened(void **state)
{
	(void)state;
	static const char *const ROWS[] = {
	        "UPDATE counter SET value = 0 WHERE id < -3",
	        "DELETE FROM counter WHERE id < -3",
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		begin();
		queue_offline(3);
		change_store(ROWS[i]);
		restart();
		assert_int_equal(world.queue->n_entries, 3);
		check_queue(world.queue);
		finish();
	}
}

static void mutations_that_the_store_has_lost_are_missed_once_the_others_have_ended(void **state)
{
	(void)state;
	begin();
	queue_offline(3);
	change_store("DELETE FROM outbox WHERE id & 255 > 1");
	restart();
	assert_int_equal(world.queue->n_entries, 3);
	answer(200, DONE);
	turn();
	let_time_pass(0);
	turn();
	assert_true(count_logs("damaged") > 0);
	assert_int_equal(world.queue->n_entries, 0);
	assert_has(ask(APS_QUEUE_ASK_STATUS, NULL, NULL), "\"state\":\"idle\",\"size\":0");
	check_queue(world.queue);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(they_are_what_the_rows_say_whatever_has_happened),
	        cmocka_unit_test(a_count_that_is_damaged_is_mended_when_the_store_is_opened),
	        cmocka_unit_test(mutations_that_the_store_has_lost_are_missed_once_the_others_have_ended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

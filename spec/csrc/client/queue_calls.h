/* Calls of a queue whose store or memory fails: what each was told, and what was sent of it. Include after cmocka.h. */
#ifndef APS_SPEC_QUEUE_CALLS_H
#define APS_SPEC_QUEUE_CALLS_H

#include "queue_world.h"

enum { N_CALLS = 4 };

/* One call each, with some of them in one turn. */
struct told {
	uint64_t call;
	int n;
	bool is_told, is_done, is_queued, is_refused;
};

static struct told told[N_CALLS];
static int n_refused;             /* of all calls */
static int answered[N_CALLS + 2]; /* requests of the service, by their n */

static inline void look_for_results(void)
{
	for (int i = 0; i < N_CALLS; i++) {
		struct aps_result_event *event = told[i].call != 0 ? take_result(told[i].call) : NULL;
		if (event == NULL) continue;
		assert_false(told[i].is_told); /* once */
		told[i].is_told = true;
		told[i].is_done = event->response.data.n != 0;
		told[i].is_queued = event->queued.is_queued;
		told[i].is_refused =
		        event->response.err.code == APS_E_STORAGE || event->response.err.code == APS_E_NOMEM;
		assert_true(told[i].is_done + told[i].is_queued + told[i].is_refused == 1);
		if (told[i].is_refused) {
			assert_int_equal(event->queued.entry, 0);
			if (event->response.err.code == APS_E_STORAGE)
				assert_has(event->response.err.msg, "nothing was queued");
		}
		free_result(event);
	}
	drop_events();
}

static inline void answer_what_is_asked(void)
{
	for (int i = 0; i < 8 && under_way() != NULL; i++) {
		const char *n = strstr(body_of(under_way()), "\"variables\":{\"n\":");
		assert_non_null(n);
		answered[atoi(n + 17)]++;
		answer(200, DONE);
		turn();
		look_for_results();
	}
}

/* After a while, with a store that works again. */
static inline void recover(void)
{
	faulty_vfs_set("full=off readonly=off error=off unreadable=off");
	for (int i = 0; i < 6; i++) {
		if (!aps_vault_is_available(world.queue->vault))
			aps_vault_retry(world.queue->vault, aps_clock_mono_ms());
		turn();
		let_time_pass(3000);
		look_for_results();
		answer_what_is_asked();
	}
	assert_true(aps_vault_is_available(world.queue->vault));
}

/* What was told is what is. */
static inline void assert_nothing_is_lost(void)
{
	assert_string_equal(ask(APS_QUEUE_ASK_LIST, NULL, NULL), "[]");
	assert_string_equal(ask(APS_QUEUE_ASK_DEAD_LETTERS, NULL, NULL), "[]");
	for (int i = 0; i < N_CALLS; i++) {
		if (told[i].call == 0) continue;
		if (!told[i].is_told) fail_msg("call %d was told nothing", i);
		if (answered[told[i].n] != !told[i].is_refused)
			fail_msg("call %d was sent %d times; it was refused: %d", i, answered[told[i].n],
			         told[i].is_refused);
	}
	for (int i = 0; i < N_CALLS; i++) n_refused += told[i].is_refused;
	assert_null(world.queue->sendings);
	assert_null(world.queue->waits);
	assert_null(world.queue->outbox.items);
}

static inline void call_one(int i)
{
	told[i].n = i;
	told[i].call = enqueue_n(i);
}

#endif

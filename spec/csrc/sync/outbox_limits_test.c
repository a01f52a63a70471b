/* The queue where memory is out, and where more waits than it may hold. */
#include "sync/outbox_world.h"

#define DONE                          APS_DELIVERY_ON_DONE
#define REFUSED                       APS_DELIVERY_ON_REFUSED
#define SERIAL                        APS_OUTBOX_SERIAL
#define ENTITY                        APS_OUTBOX_ENTITY
#define ASSERT_SAYS(expression, text) assert_string_equal(expression, text)

/* Whatever allocation fails: all are sent once and told once, as soon as there is memory. */
static void play_without_memory(struct outbox_world *w, size_t nth)
{
	uint64_t n = 0;
	aps_mem_fail_at(nth);
	for (unsigned i = 0; n < 12 && i < 40; i++) {
		struct journal_entry entry = entry_of(1 + i % 3, 1 + i % 5);
		world_insert(w, entry);
		if (w->rc == APS_OK) n++;
		world_pump(w);
		if (i % 2 == 0) world_commit(w);
	}
	for (int turn = 0; turn < 100; turn++) {
		for (uint64_t number = 1; number <= n; number++) {
			const struct aps_outbox_item *item = aps_outbox_item(&w->outbox, number);
			if (item != NULL && item->delivery.state == APS_DELIVERY_SENDING) {
				world_feed(w, number, number % 4 == 0 ? REFUSED : DONE);
				assert_int_equal(w->rc == APS_E_INTERNAL, false);
			}
		}
		world_pump(w);
		world_commit(w);
	}
	aps_mem_fail_at(0);
	for (uint64_t number = 1; number <= n; number++) {
		assert_int_equal(w->n_sent[number], 1);
		assert_int_equal(w->n_told[number], 1);
	}
	assert_null(w->outbox.items);
}

static void without_memory_nothing_is_lost_and_nothing_done_twice(void **state)
{
	(void)state;
	static const enum aps_outbox_order ORDERS[] = {SERIAL, ENTITY};
	for (size_t i = 0; i < APS_COUNTOF(ORDERS); i++)
		for (size_t nth = 1; nth < 250; nth++) {
			struct outbox_world *w = world_init(ORDERS[i]);
			play_without_memory(w, nth);
			world_clear(w);
		}
}

/* What has happened needs no memory: there is room for what follows from it. */
static void commits_and_answers_need_no_memory(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(ENTITY);
	world_pump(w);
	for (unsigned record = 1; record <= 8; record++) add(w, 1, record);
	memory_journal_commit(&w->journal);
	aps_mem_fail_at(1);
	aps_outbox_committed(&w->outbox);
	ASSERT_SAYS(world_pump(w), "1 send, 2 send, 3 send, 4 send, 5 send, 6 send, 7 send, 8 send");
	const struct aps_delivery_event done = {.kind = DONE};
	for (uint64_t number = 1; number <= 8; number++)
		assert_int_equal(aps_outbox_feed(&w->outbox, number, &done, &w->err), APS_OK);
	aps_mem_fail_at(0);
	ASSERT_SAYS(world_pump(w), "1 finish, 2 finish, 3 finish, 4 finish, 5 finish, 6 finish, 7 finish, 8 finish");
	world_clear(w);
}

/* Also where they are never all taken, and some follow from those that were. */
static void what_follows_from_actions_that_are_taken_needs_no_memory(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(ENTITY);
	const struct aps_delivery_event unsent = {.kind = APS_DELIVERY_ON_UNSENT};
	for (unsigned record = 1; record <= 8; record++) add(w, 1, record);
	assert_int_equal(aps_outbox_go_on(&w->outbox, &w->err), APS_OK);
	for (int round = 0; round < 10; round++) {
		for (uint64_t number = 1; number <= 8; number++) {
			if (round > 0) take(w, number, APS_DELIVERY_STORE_UNMARK);
			take(w, number, APS_DELIVERY_STORE_MARK);
			memory_journal_commit(&w->journal);
			aps_mem_fail_at(1);
			aps_outbox_committed(&w->outbox);
			aps_mem_fail_at(0);
		}
		for (uint64_t number = 1; number <= 8; number++) {
			take(w, number, APS_DELIVERY_STORE_NOTHING);
			aps_mem_fail_at(1);
			assert_int_equal(aps_outbox_feed(&w->outbox, number, &unsent, &w->err), APS_OK);
			aps_mem_fail_at(0);
			assert_int_equal(aps_outbox_go_on(&w->outbox, &w->err), APS_OK);
		}
	}
	world_clear(w);
}

/* More than may be held, all about one record. */
struct long_journal {
	struct aps_outbox_journal base;
	uint64_t first, last;
};

static enum aps_rc long_next(struct aps_outbox_journal *base, unsigned modes, uint64_t after,
                             struct aps_outbox_info *info, struct aps_err *err)
{
	struct long_journal *journal = (struct long_journal *)base;
	const uint64_t record = 5;
	(void)modes;
	(void)err;
	uint64_t number = after < journal->first ? journal->first : after + 1;
	if (number > journal->last) return APS_OK;
	*info = (struct aps_outbox_info){.number = number, .mode = 1, .records = info->records};
	aps_buf_add(&info->records, &record, sizeof record);
	return APS_OK;
}

static enum aps_rc long_find(struct aps_outbox_journal *base, uint64_t number, struct aps_outbox_info *info,
                             struct aps_err *err)
{
	return long_next(base, 2, number - 1, info, err);
}

static void more_than_may_be_held_wait_in_the_journal(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(ENTITY);
	struct long_journal journal = {.base = {long_next, long_find}, .first = 1, .last = 70000};
	struct aps_outbox_action action;
	const struct aps_delivery_event done = {.kind = DONE};
	w->outbox.journal = &journal.base;
	for (uint64_t number = 1; number <= 10; number++) {
		size_t n_turns = 0;
		do {
			size_t n_before = aps_entity_order_count(&w->outbox.entities);
			assert_int_equal(aps_outbox_go_on(&w->outbox, &w->err), APS_OK);
			assert_true(aps_entity_order_count(&w->outbox.entities) <= n_before + APS_OUTBOX_MAX_READS);
			n_turns++;
		} while (aps_outbox_has_paused(&w->outbox));
		assert_int_equal(n_turns, number == 1 ? APS_OUTBOX_MAX_HELD / APS_OUTBOX_MAX_READS + 1 : 1);
		assert_int_equal(aps_entity_order_count(&w->outbox.entities), APS_OUTBOX_MAX_HELD);
		assert_true(aps_outbox_take(&w->outbox, &action));
		assert_int_equal(action.number, number);
		assert_false(aps_outbox_take(&w->outbox, &action));
		aps_outbox_committed(&w->outbox);
		assert_true(aps_outbox_take(&w->outbox, &action));
		assert_int_equal(aps_outbox_feed(&w->outbox, number, &done, &w->err), APS_OK);
		assert_true(aps_outbox_take(&w->outbox, &action));
		aps_outbox_committed(&w->outbox);
		assert_true(aps_outbox_take(&w->outbox, &action));
		journal.first = number + 1;
	}
	world_clear(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(without_memory_nothing_is_lost_and_nothing_done_twice),
	        cmocka_unit_test(commits_and_answers_need_no_memory),
	        cmocka_unit_test(what_follows_from_actions_that_are_taken_needs_no_memory),
	        cmocka_unit_test(more_than_may_be_held_wait_in_the_journal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

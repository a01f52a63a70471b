#include "sync/outbox_world.h"

#define DONE                          APS_DELIVERY_ON_DONE
#define REFUSED                       APS_DELIVERY_ON_REFUSED
#define LATER                         APS_DELIVERY_ON_LATER
#define UNSENT                        APS_DELIVERY_ON_UNSENT
#define SERIAL                        APS_OUTBOX_SERIAL
#define ENTITY                        APS_OUTBOX_ENTITY
#define ASSERT_SAYS(expression, text) assert_string_equal(expression, text)

static void add_dependent(struct outbox_world *w, unsigned mode, unsigned record, unsigned maker)
{
	struct journal_entry entry = entry_of(mode, record);
	entry.waits_for = maker;
	assert_false(world_insert(w, entry));
	assert_int_equal(w->rc, APS_OK);
}

static void add_class(struct outbox_world *w, unsigned mode, unsigned record, enum aps_resend resend)
{
	struct journal_entry entry = entry_of(mode, record);
	entry.resend = (uint8_t)resend;
	world_insert(w, entry);
	assert_int_equal(w->rc, APS_OK);
}

static void of_one_mode_they_go_one_after_the_other_of_several_beside_one_another(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(SERIAL);
	add(w, 1, 1);
	add(w, 1, 2);
	add(w, 2, 1);
	ASSERT_SAYS(world_pump(w), "1 mark, 3 mark");
	ASSERT_SAYS(world_commit(w), "1 send, 3 send");
	ASSERT_SAYS(world_feed(w, 3, DONE), "3 finish");
	ASSERT_SAYS(world_feed(w, 1, DONE), "1 finish, 2 mark");
	ASSERT_SAYS(world_commit(w), "1 tell done, 2 send, 3 tell done");
	ASSERT_SAYS(world_feed(w, 2, REFUSED), "2 bury refused");
	ASSERT_SAYS(world_commit(w), "2 tell refused");
	assert_null(w->outbox.items);
	world_clear(w);
}

static void what_nothing_waits_before_is_sent_by_the_transaction_that_inserts_it(void **state)
{
	(void)state;
	static const enum aps_outbox_order ORDERS[] = {SERIAL, ENTITY};
	for (size_t i = 0; i < APS_COUNTOF(ORDERS); i++) {
		struct outbox_world *w = world_init(ORDERS[i]);
		ASSERT_SAYS(world_pump(w), "");
		assert_true(world_insert(w, entry_of(1, 1)));
		assert_false(world_insert(w, entry_of(1, 1)));
		assert_true(world_insert(w, entry_of(2, 2)));
		ASSERT_SAYS(world_pump(w), "");
		ASSERT_SAYS(world_commit(w), "1 send, 3 send");
		aps_outbox_set_reach(&w->outbox, APS_OUTBOX_PROBE);
		assert_false(world_insert(w, entry_of(3, 3)));
		aps_outbox_set_reach(&w->outbox, APS_OUTBOX_OFFLINE);
		assert_false(world_insert(w, entry_of(3, 4)));
		world_clear(w);
	}
}

static void it_is_empty_once_it_has_read_all_and_all_of_that_has_ended(void **state)
{
	(void)state;
	static const enum aps_outbox_order ORDERS[] = {SERIAL, ENTITY};
	for (size_t i = 0; i < APS_COUNTOF(ORDERS); i++) {
		struct outbox_world *w = world_init(ORDERS[i]);
		assert_false(aps_outbox_is_empty(&w->outbox));
		ASSERT_SAYS(world_pump(w), "");
		assert_true(aps_outbox_is_empty(&w->outbox));
		add(w, 1, 1);
		assert_false(aps_outbox_is_empty(&w->outbox));
		add(w, 1, 1);
		world_pump(w);
		world_commit(w);
		ASSERT_SAYS(world_feed(w, 1, DONE), "1 finish, 2 mark");
		ASSERT_SAYS(world_commit(w), "1 tell done, 2 send");
		ASSERT_SAYS(world_feed(w, 2, DONE), "2 finish");
		assert_false(aps_outbox_is_empty(&w->outbox));
		ASSERT_SAYS(world_commit(w), "2 tell done");
		assert_true(aps_outbox_is_empty(&w->outbox));
		aps_outbox_look_again(&w->outbox);
		assert_false(aps_outbox_is_empty(&w->outbox));
		aps_outbox_set_reach(&w->outbox, APS_OUTBOX_OFFLINE);
		world_pump(w);
		add(w, 2, 1);
		world_pump(w);
		assert_false(aps_outbox_is_empty(&w->outbox));
		world_clear(w);
	}
}

static void offline_no_more_is_read_of_the_order_of_entities_than_its_first(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(ENTITY);
	aps_outbox_set_reach(&w->outbox, APS_OUTBOX_OFFLINE);
	for (unsigned i = 0; i < 100; i++) add(w, 1, 1);
	ASSERT_SAYS(world_pump(w), "");
	assert_int_equal(aps_entity_order_count(&w->outbox.entities), 1);
	assert_int_equal(w->outbox.items->number, 1);
	aps_outbox_set_reach(&w->outbox, APS_OUTBOX_ONLINE);
	ASSERT_SAYS(world_pump(w), "1 mark");
	assert_int_equal(aps_entity_order_count(&w->outbox.entities), 100);
	world_clear(w);
}

static void offline_nothing_begins_and_a_probe_lets_one_begin(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(SERIAL);
	aps_outbox_set_reach(&w->outbox, APS_OUTBOX_OFFLINE);
	for (unsigned mode = 1; mode <= 3; mode++) add(w, mode, 1);
	ASSERT_SAYS(world_commit(w), "");
	assert_int_equal(aps_outbox_reason(&w->outbox, w->outbox.items), APS_OUTBOX_FOR_NETWORK);
	aps_outbox_set_reach(&w->outbox, APS_OUTBOX_PROBE);
	ASSERT_SAYS(world_pump(w), "1 mark");
	ASSERT_SAYS(world_commit(w), "1 send");
	assert_int_equal(w->outbox.reach, APS_OUTBOX_OFFLINE);
	ASSERT_SAYS(world_feed(w, 1, UNSENT), "1 unmark");
	ASSERT_SAYS(world_commit(w), "");
	aps_outbox_set_reach(&w->outbox, APS_OUTBOX_ONLINE);
	ASSERT_SAYS(world_pump(w), "1 mark, 2 mark, 3 mark");
	world_clear(w);
}

static void who_waits_holds_its_lane_and_no_other_one(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(SERIAL);
	add(w, 1, 1);
	add(w, 1, 1);
	world_pump(w);
	world_commit(w);
	ASSERT_SAYS(world_feed(w, 1, LATER), "1 unmark wait");
	assert_int_equal(aps_outbox_due_ms(&w->outbox), WORLD_WAIT_MS);
	assert_int_equal(aps_outbox_reason(&w->outbox, w->outbox.items), APS_OUTBOX_FOR_RETRY);
	assert_true(world_insert(w, entry_of(2, 1)));
	ASSERT_SAYS(world_commit(w), "3 send");
	aps_outbox_pass_time(&w->outbox, WORLD_WAIT_MS - 1);
	ASSERT_SAYS(world_pump(w), "");
	aps_outbox_pass_time(&w->outbox, WORLD_WAIT_MS);
	ASSERT_SAYS(world_pump(w), "1 mark");
	assert_int_equal(aps_outbox_due_ms(&w->outbox), INT64_MAX);
	world_clear(w);
}

static void material_of_a_mode_lets_those_of_that_mode_go(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(SERIAL);
	add(w, 1, 1);
	add(w, 2, 1);
	world_pump(w);
	world_commit(w);
	ASSERT_SAYS(world_feed(w, 1, APS_DELIVERY_ON_AUTH), "1 unmark wait");
	ASSERT_SAYS(world_feed(w, 2, APS_DELIVERY_ON_AUTH), "2 unmark wait");
	assert_int_equal(aps_outbox_reason(&w->outbox, w->outbox.items), APS_OUTBOX_FOR_AUTH);
	aps_outbox_auth_changed(&w->outbox, 2);
	ASSERT_SAYS(world_pump(w), "2 mark");
	aps_outbox_pass_time(&w->outbox, WORLD_WAIT_MS);
	ASSERT_SAYS(world_pump(w), "1 mark");
	world_clear(w);
}

static void one_that_waits_by_itself_goes_when_it_is_hurried(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(SERIAL);
	for (unsigned mode = 1; mode <= 3; mode++) add(w, mode, 1);
	world_pump(w);
	world_commit(w);
	ASSERT_SAYS(world_feed(w, 1, LATER), "1 unmark wait");
	ASSERT_SAYS(world_feed(w, 2, APS_DELIVERY_ON_AUTH), "2 unmark wait");
	aps_outbox_hurry(&w->outbox, 1);
	ASSERT_SAYS(world_pump(w), "1 mark");
	aps_outbox_hurry(&w->outbox, 2);
	ASSERT_SAYS(world_pump(w), "2 mark");
	aps_outbox_hurry(&w->outbox, 3); /* it is under way */
	aps_outbox_hurry(&w->outbox, 4);
	ASSERT_SAYS(world_pump(w), "");
	assert_int_equal(aps_outbox_due_ms(&w->outbox), INT64_MAX);
	world_clear(w);
}

static void of_entities_those_go_that_have_no_record_in_common(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(ENTITY);
	add(w, 1, 1);
	add(w, 1, 1);
	add(w, 1, 2);
	add(w, 2, 0);
	add(w, 1, 3);
	ASSERT_SAYS(world_pump(w), "1 mark, 3 mark");
	world_commit(w);
	ASSERT_SAYS(world_feed(w, 1, DONE), "1 finish, 2 mark");
	ASSERT_SAYS(world_feed(w, 3, DONE), "3 finish");
	world_commit(w);
	ASSERT_SAYS(world_feed(w, 2, DONE), "2 finish, 4 mark");
	world_commit(w);
	ASSERT_SAYS(world_feed(w, 4, DONE), "4 finish, 5 mark");
	world_clear(w);
}

static void eight_entities_are_under_way_at_once_also_of_those_that_have_waited(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(ENTITY);
	for (unsigned record = 1; record <= 10; record++) add(w, 1, record);
	ASSERT_SAYS(world_pump(w), "1 mark, 2 mark, 3 mark, 4 mark, 5 mark, 6 mark, 7 mark, 8 mark");
	world_commit(w);
	ASSERT_SAYS(world_feed(w, 1, LATER), "1 unmark wait, 9 mark");
	ASSERT_SAYS(world_feed(w, 2, LATER), "2 unmark wait, 10 mark");
	world_commit(w);
	aps_outbox_pass_time(&w->outbox, WORLD_WAIT_MS);
	ASSERT_SAYS(world_pump(w), "");
	ASSERT_SAYS(world_feed(w, 5, DONE), "5 finish, 1 mark");
	ASSERT_SAYS(world_feed(w, 6, DONE), "6 finish, 2 mark");
	world_clear(w);
}

static void what_needs_another_one_waits_for_it_in_whatever_mode(void **state)
{
	(void)state;
	static const enum aps_outbox_order ORDERS[] = {SERIAL, ENTITY};
	for (size_t i = 0; i < APS_COUNTOF(ORDERS); i++) {
		struct outbox_world *w = world_init(ORDERS[i]);
		add(w, 1, 1);
		add_dependent(w, 2, 2, 1);
		add_dependent(w, 3, 3, 2);
		ASSERT_SAYS(world_pump(w), "1 mark");
		ASSERT_SAYS(world_commit(w), "1 send");
		assert_int_equal(aps_outbox_reason(&w->outbox, aps_outbox_item(&w->outbox, 2)), APS_OUTBOX_FOR_MAKER);
		ASSERT_SAYS(world_feed(w, 1, DONE), "1 finish, 2 mark");
		ASSERT_SAYS(world_commit(w), "1 tell done, 2 send");
		ASSERT_SAYS(world_feed(w, 2, REFUSED), "2 bury refused, 3 bury blocked");
		ASSERT_SAYS(world_commit(w), "2 tell refused, 3 tell blocked");
		assert_int_equal(memory_journal_entry(&w->journal, 3)->blocked_by, 2);
		world_clear(w);
	}
}

static void what_the_application_takes_away_blocks_what_needs_it(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(SERIAL);
	aps_outbox_set_reach(&w->outbox, APS_OUTBOX_OFFLINE);
	add(w, 1, 1);
	add_dependent(w, 2, 2, 1);
	add(w, 1, 3);
	world_pump(w);
	world_commit(w);
	assert_true(aps_outbox_withdraw(&w->outbox, 1));
	memory_journal_discard(&w->journal, 1);
	aps_outbox_set_reach(&w->outbox, APS_OUTBOX_ONLINE);
	ASSERT_SAYS(world_pump(w), "2 bury blocked, 3 mark");
	world_clear(w);
}

static void what_is_under_way_is_not_taken_away(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(SERIAL);
	add(w, 1, 1);
	world_pump(w);
	assert_false(aps_outbox_withdraw(&w->outbox, 1));
	world_commit(w);
	assert_false(aps_outbox_withdraw(&w->outbox, 1));
	world_feed(w, 1, LATER);
	assert_true(aps_outbox_withdraw(&w->outbox, 1));
	assert_true(aps_outbox_withdraw(&w->outbox, 99));
	world_clear(w);
}

static void what_was_recalled_before_it_was_sent_is_taken_away_or_sent_anew(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(SERIAL);
	add(w, 1, 1);
	add(w, 1, 1);
	world_pump(w);
	world_commit(w);
	aps_outbox_recall(&w->outbox, 99);
	aps_outbox_recall(&w->outbox, 1);
	assert_true(aps_outbox_withdraw(&w->outbox, 1));
	memory_journal_discard(&w->journal, 1);
	aps_outbox_look_again(&w->outbox);
	ASSERT_SAYS(world_pump(w), "2 mark");
	ASSERT_SAYS(world_commit(w), "2 send");
	world_feed(w, 2, LATER);
	aps_outbox_recall(&w->outbox, 2); /* it has been sent */
	assert_int_equal(aps_outbox_item(&w->outbox, 2)->delivery.state, APS_DELIVERY_WAITING);
	world_clear(w);
}

/* Withdrawn by a transaction that is lost: it goes before those behind it, as ever. */
static void what_was_taken_away_in_vain_keeps_its_turn(void **state)
{
	(void)state;
	static const enum aps_outbox_order ORDERS[] = {SERIAL, ENTITY};
	static const char *const SAYS[] = {"3 bury blocked, 2 mark",
	                                   "2 mark, 3 bury blocked"}; /* offline it has read one */
	for (size_t i = 0; i < APS_COUNTOF(ORDERS); i++) {
		struct outbox_world *w = world_init(ORDERS[i]);
		aps_outbox_set_reach(&w->outbox, APS_OUTBOX_OFFLINE);
		add(w, 1, 1);
		add(w, 1, 1);
		add_dependent(w, 2, 2, 1);
		world_pump(w);
		world_commit(w);
		assert_true(aps_outbox_withdraw(&w->outbox, 1));
		memory_journal_discard(&w->journal, 1);
		aps_outbox_set_reach(&w->outbox, APS_OUTBOX_ONLINE);
		ASSERT_SAYS(world_pump(w), SAYS[i]);
		ASSERT_SAYS(world_lose(w), "1 mark");
		world_commit(w);
		ASSERT_SAYS(world_feed(w, 1, DONE), "1 finish, 3 mark, 2 mark");
		world_clear(w);
	}
}

static void an_entry_that_was_never_committed_is_never_sent(void **state)
{
	(void)state;
	static const enum aps_outbox_order ORDERS[] = {SERIAL, ENTITY};
	for (size_t i = 0; i < APS_COUNTOF(ORDERS); i++) {
		struct outbox_world *w = world_init(ORDERS[i]);
		world_pump(w);
		assert_true(world_insert(w, entry_of(1, 1)));
		assert_false(world_insert(w, entry_of(1, 1)));
		ASSERT_SAYS(world_lose(w), "");
		assert_null(w->outbox.items);
		add(w, 1, 1); /* it has the number of the first one */
		aps_outbox_look_again(&w->outbox);
		ASSERT_SAYS(world_commit(w), "1 send");
		world_clear(w);

		w = world_init(ORDERS[i]);
		assert_false(world_insert(w, entry_of(1, 1)));
		ASSERT_SAYS(world_pump(w), "1 mark"); /* it was read within the transaction */
		ASSERT_SAYS(world_lose(w), "");
		assert_null(w->outbox.items);
		world_clear(w);
	}
}

static void a_mark_that_is_lost_is_made_again(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(SERIAL);
	add(w, 1, 1);
	aps_outbox_set_reach(&w->outbox, APS_OUTBOX_OFFLINE);
	world_commit(w);
	aps_outbox_set_reach(&w->outbox, APS_OUTBOX_ONLINE);
	ASSERT_SAYS(world_pump(w), "1 mark");
	ASSERT_SAYS(world_lose(w), "1 mark");
	assert_int_equal(memory_journal_entry(&w->journal, 1)->n_attempts, 1);
	ASSERT_SAYS(world_commit(w), "1 send");
	world_clear(w);
}

static void an_outcome_that_is_lost_is_stored_before_anything_else_begins(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(SERIAL);
	add(w, 1, 1);
	add(w, 1, 2);
	add_dependent(w, 2, 3, 1);
	world_pump(w);
	world_commit(w);
	ASSERT_SAYS(world_feed(w, 1, DONE), "1 finish, 3 mark, 2 mark");
	aps_outbox_set_store(&w->outbox, false);
	ASSERT_SAYS(world_lose(w), "");
	assert_int_equal(aps_outbox_reason(&w->outbox, w->outbox.items), APS_OUTBOX_FOR_STORAGE);
	assert_int_equal(w->n_told[1], 0);
	aps_outbox_set_store(&w->outbox, true);
	ASSERT_SAYS(world_pump(w), "1 finish, 2 mark, 3 mark");
	ASSERT_SAYS(world_lose(w), "1 finish, 2 mark, 3 mark"); /* the store is there: at once */
	ASSERT_SAYS(world_commit(w), "1 tell done, 2 send, 3 send");
	world_clear(w);
}

static void what_waits_for_a_maker_whose_outcome_is_lost_waits_on(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(SERIAL);
	add(w, 1, 1);
	add_dependent(w, 2, 2, 1);
	world_pump(w);
	world_commit(w);
	ASSERT_SAYS(world_feed(w, 1, REFUSED), "1 bury refused, 2 bury blocked");
	aps_outbox_set_store(&w->outbox, false);
	ASSERT_SAYS(world_lose(w), "");
	assert_null(aps_outbox_item(&w->outbox, 2));
	aps_outbox_set_store(&w->outbox, true);
	ASSERT_SAYS(world_pump(w), "1 bury refused, 2 bury blocked");
	ASSERT_SAYS(world_commit(w), "1 tell refused, 2 tell blocked");
	world_clear(w);
}

static void an_earlier_entry_that_comes_later_is_found(void **state)
{
	(void)state;
	static const enum aps_outbox_order ORDERS[] = {SERIAL, ENTITY};
	for (size_t i = 0; i < APS_COUNTOF(ORDERS); i++) {
		struct outbox_world *w = world_init(ORDERS[i]);
		for (int n = 0; n < 3; n++) add(w, 1, 1);
		world_pump(w);
		world_commit(w);
		ASSERT_SAYS(world_feed(w, 1, REFUSED), "1 bury refused, 2 mark");
		world_commit(w);
		memory_journal_entry(&w->journal, 1)->place = JOURNAL_QUEUED; /* it is tried again */
		memory_journal_entry(&w->journal, 1)->is_marked = false;
		aps_outbox_look_again(&w->outbox);
		ASSERT_SAYS(world_pump(w), "");
		ASSERT_SAYS(world_feed(w, 2, DONE), "2 finish, 1 mark");
		world_clear(w);
	}
}

static void in_another_order_nothing_is_passed_by(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(ENTITY);
	struct aps_outbox_options options = w->options;
	add(w, 1, 1);
	ASSERT_SAYS(world_pump(w), "1 mark"); /* all of the journal is read */
	options.order = SERIAL;
	aps_outbox_change(&w->outbox, &options);
	world_commit(w);
	add(w, 1, 2);
	add(w, 1, 3);
	ASSERT_SAYS(world_commit(w), "");
	options.order = ENTITY;
	aps_outbox_change(&w->outbox, &options);
	assert_false(world_insert(w, entry_of(1, 2)));
	ASSERT_SAYS(world_pump(w), "2 mark, 3 mark");
	world_clear(w);
}

static void what_was_found_marked_is_in_doubt(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(ENTITY);
	for (unsigned i = 0; i < APS_RESEND_COUNT; i++) add_class(w, 1, 1 + i, (enum aps_resend)i);
	ASSERT_SAYS(world_pump(w), "1 mark, 2 mark, 3 mark, 4 mark");
	ASSERT_SAYS(world_restart(w, true), ""); /* nothing was committed */
	for (unsigned i = 0; i < APS_RESEND_COUNT; i++) add_class(w, 1, 1 + i, (enum aps_resend)i);
	world_pump(w);
	world_commit(w);
	ASSERT_SAYS(world_restart(w, false), "1 bury unknown, 2 send, 3 look, 4 look");
	ASSERT_SAYS(world_feed(w, 3, APS_DELIVERY_ON_SEEN_SEND), "3 mark");
	ASSERT_SAYS(world_feed(w, 4, APS_DELIVERY_ON_SEEN_APPLIED), "4 finish");
	ASSERT_SAYS(world_commit(w), "1 tell unknown, 3 send, 4 tell done");
	ASSERT_SAYS(world_feed(w, 3, APS_DELIVERY_ON_DOUBT), "3 numbers wait");
	world_clear(w);
}

static void an_unmark_that_the_power_took_leaves_it_in_doubt(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(SERIAL);
	add(w, 1, 1);
	world_pump(w);
	world_commit(w);
	ASSERT_SAYS(world_feed(w, 1, LATER), "1 unmark wait");
	world_commit(w);
	ASSERT_SAYS(world_restart(w, false), "1 bury unknown");
	world_clear(w);
}

static void what_is_forgotten_asks_for_nothing(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(ENTITY);
	struct aps_outbox_action action;
	add(w, 1, 1);
	assert_int_equal(aps_outbox_go_on(&w->outbox, &w->err), APS_OK);
	aps_outbox_forget(&w->outbox);
	assert_false(aps_outbox_take(&w->outbox, &action));
	assert_null(w->outbox.items);
	ASSERT_SAYS(world_pump(w), "1 mark");
	world_clear(w);
}

static void a_conflict_goes_to_the_resolver_and_others_go_on(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(ENTITY);
	add_class(w, 1, 1, APS_RESEND_VERSIONED);
	add(w, 1, 1);
	world_pump(w);
	world_commit(w);
	ASSERT_SAYS(world_feed(w, 1, APS_DELIVERY_ON_CONFLICT), "1 unmark ask");
	assert_int_equal(aps_outbox_reason(&w->outbox, w->outbox.items), APS_OUTBOX_FOR_RESOLVER);
	world_commit(w);
	assert_false(world_insert(w, entry_of(1, 1)));
	assert_true(world_insert(w, entry_of(1, 2)));
	ASSERT_SAYS(world_commit(w), "4 send");
	ASSERT_SAYS(world_feed(w, 1, APS_DELIVERY_ON_CHANGED), "1 rewrite");
	ASSERT_SAYS(world_commit(w), "1 send");
	assert_int_equal(memory_journal_entry(&w->journal, 1)->n_rounds, 1);
	world_clear(w);
}

static void it_goes_on_when_the_journal_can_be_read_again(void **state)
{
	(void)state;
	static const enum aps_outbox_order ORDERS[] = {SERIAL, ENTITY};
	for (size_t i = 0; i < APS_COUNTOF(ORDERS); i++)
		for (size_t nth = 1; nth <= 3; nth++) {
			struct outbox_world *w = world_init(ORDERS[i]);
			add(w, 1, 1);
			add(w, 2, 2);
			w->journal.n_failing = nth;
			world_pump(w);
			assert_int_equal(w->rc, APS_E_STORAGE);
			world_pump(w);
			assert_int_equal(w->rc, APS_OK);
			world_commit(w);
			assert_true(w->n_sent[1] + w->n_sent[2] == 2);
			world_clear(w);
		}
}

static void what_it_does_not_know_and_what_is_illegal_is_an_error(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(SERIAL);
	ASSERT_SAYS(world_feed(w, 7, DONE), "");
	assert_int_equal(w->rc, APS_E_INTERNAL);
	assert_string_equal(w->err.msg, "the queue has no entry 7 in hand");
	add(w, 1, 1);
	world_pump(w);
	ASSERT_SAYS(world_feed(w, 1, DONE), "");
	assert_int_equal(w->rc, APS_E_INTERNAL);
	ASSERT_SAYS(world_commit(w), "1 send");
	world_clear(w);
}

static void a_mode_of_others_is_left_alone(void **state)
{
	(void)state;
	static const enum aps_outbox_order ORDERS[] = {SERIAL, ENTITY};
	for (size_t i = 0; i < APS_COUNTOF(ORDERS); i++) {
		struct outbox_world *w = world_init(ORDERS[i]);
		world_pump(w);
		assert_false(world_insert(w, entry_of(9, 1)));
		add(w, 1, 1);
		ASSERT_SAYS(world_commit(w), "2 send");
		world_clear(w);
	}
}

static void what_is_not_taken_yet_is_in_no_transaction_that_ends(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(SERIAL);
	aps_outbox_set_reach(&w->outbox, APS_OUTBOX_OFFLINE);
	add(w, 1, 1);
	add(w, 2, 1);
	world_commit(w);
	aps_outbox_set_reach(&w->outbox, APS_OUTBOX_ONLINE);
	assert_int_equal(aps_outbox_go_on(&w->outbox, &w->err), APS_OK);
	take(w, 1, APS_DELIVERY_STORE_MARK);
	ASSERT_SAYS(world_commit(w), "2 mark, 1 send");
	ASSERT_SAYS(world_commit(w), "2 send");
	world_clear(w);
}

static void what_is_not_taken_yet_of_an_entry_that_is_lost_is_taken_back(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(SERIAL);
	struct aps_outbox_action action;
	add(w, 1, 1);
	add(w, 2, 1);
	assert_int_equal(aps_outbox_go_on(&w->outbox, &w->err), APS_OK);
	take(w, 1, APS_DELIVERY_STORE_MARK);
	memory_journal_lose(&w->journal);
	aps_outbox_lost(&w->outbox);
	assert_true(aps_outbox_take(&w->outbox, &action));
	assert_int_equal(action.store, APS_DELIVERY_STORE_NOTHING);
	assert_int_equal(action.kind, APS_DELIVERY_DO_NOTHING);
	assert_null(aps_outbox_peek(&w->outbox));
	assert_false(aps_outbox_take(&w->outbox, &action));
	ASSERT_SAYS(world_pump(w), "");
	world_clear(w);
}

/* Its insert is committed when the mark isn't taken yet, and the maker's outcome is lost. */
static void what_a_lost_outcome_has_released_waits_again(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(SERIAL);
	const struct aps_delivery_event done = {.kind = DONE};
	add(w, 1, 1);
	world_pump(w);
	world_commit(w);
	add_dependent(w, 2, 1, 1);
	assert_int_equal(aps_outbox_feed(&w->outbox, 1, &done, &w->err), APS_OK);
	assert_int_equal(aps_outbox_go_on(&w->outbox, &w->err), APS_OK);
	memory_journal_commit(&w->journal);
	aps_outbox_committed(&w->outbox);
	take(w, 1, APS_DELIVERY_STORE_FINISH);
	aps_outbox_set_store(&w->outbox, false);
	memory_journal_lose(&w->journal);
	aps_outbox_lost(&w->outbox);
	take(w, 2, APS_DELIVERY_STORE_NOTHING);
	ASSERT_SAYS(world_pump(w), "");
	aps_outbox_set_store(&w->outbox, true);
	ASSERT_SAYS(world_pump(w), "1 finish, 2 mark");
	world_clear(w);
}

static void what_waits_for_an_earlier_one_that_came_later_is_no_hindrance(void **state)
{
	(void)state;
	struct outbox_world *w = world_init(ENTITY);
	add(w, 1, 0);
	add(w, 1, 1);
	add(w, 1, 2);
	add_dependent(w, 1, 3, 2);
	world_pump(w);
	world_commit(w);
	ASSERT_SAYS(world_feed(w, 1, REFUSED), "1 bury refused, 2 mark, 3 mark");
	world_commit(w);
	ASSERT_SAYS(world_feed(w, 2, LATER), "2 unmark wait");
	memory_journal_entry(&w->journal, 1)->place = JOURNAL_QUEUED; /* the barrier is tried again */
	memory_journal_entry(&w->journal, 1)->is_marked = false;
	aps_outbox_look_again(&w->outbox);
	ASSERT_SAYS(world_commit(w), "");
	ASSERT_SAYS(world_feed(w, 3, DONE), "3 finish");
	aps_outbox_pass_time(&w->outbox, WORLD_WAIT_MS);
	ASSERT_SAYS(world_pump(w), "2 mark");
	world_commit(w);
	ASSERT_SAYS(world_feed(w, 2, DONE), "2 finish, 1 mark");
	world_commit(w);
	ASSERT_SAYS(world_feed(w, 1, DONE), "1 finish, 4 mark");
	world_clear(w);
}

static void reasons_have_names(void **state)
{
	(void)state;
	assert_null(aps_outbox_reason_name(APS_OUTBOX_FOR_NONE));
	assert_string_equal(aps_outbox_reason_name(APS_OUTBOX_FOR_NETWORK), "waiting_network");
	assert_string_equal(aps_outbox_reason_name(APS_OUTBOX_FOR_SENDING), "sending");
	assert_null(aps_outbox_reason_name(APS_OUTBOX_REASON_COUNT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(of_one_mode_they_go_one_after_the_other_of_several_beside_one_another),
	        cmocka_unit_test(what_nothing_waits_before_is_sent_by_the_transaction_that_inserts_it),
	        cmocka_unit_test(it_is_empty_once_it_has_read_all_and_all_of_that_has_ended),
	        cmocka_unit_test(offline_no_more_is_read_of_the_order_of_entities_than_its_first),
	        cmocka_unit_test(offline_nothing_begins_and_a_probe_lets_one_begin),
	        cmocka_unit_test(who_waits_holds_its_lane_and_no_other_one),
	        cmocka_unit_test(material_of_a_mode_lets_those_of_that_mode_go),
	        cmocka_unit_test(one_that_waits_by_itself_goes_when_it_is_hurried),
	        cmocka_unit_test(of_entities_those_go_that_have_no_record_in_common),
	        cmocka_unit_test(eight_entities_are_under_way_at_once_also_of_those_that_have_waited),
	        cmocka_unit_test(what_needs_another_one_waits_for_it_in_whatever_mode),
	        cmocka_unit_test(what_the_application_takes_away_blocks_what_needs_it),
	        cmocka_unit_test(what_is_under_way_is_not_taken_away),
	        cmocka_unit_test(what_was_recalled_before_it_was_sent_is_taken_away_or_sent_anew),
	        cmocka_unit_test(what_was_taken_away_in_vain_keeps_its_turn),
	        cmocka_unit_test(an_entry_that_was_never_committed_is_never_sent),
	        cmocka_unit_test(a_mark_that_is_lost_is_made_again),
	        cmocka_unit_test(an_outcome_that_is_lost_is_stored_before_anything_else_begins),
	        cmocka_unit_test(what_waits_for_a_maker_whose_outcome_is_lost_waits_on),
	        cmocka_unit_test(an_earlier_entry_that_comes_later_is_found),
	        cmocka_unit_test(in_another_order_nothing_is_passed_by),
	        cmocka_unit_test(what_was_found_marked_is_in_doubt),
	        cmocka_unit_test(an_unmark_that_the_power_took_leaves_it_in_doubt),
	        cmocka_unit_test(what_is_forgotten_asks_for_nothing),
	        cmocka_unit_test(a_conflict_goes_to_the_resolver_and_others_go_on),
	        cmocka_unit_test(it_goes_on_when_the_journal_can_be_read_again),
	        cmocka_unit_test(what_it_does_not_know_and_what_is_illegal_is_an_error),
	        cmocka_unit_test(a_mode_of_others_is_left_alone),
	        cmocka_unit_test(what_is_not_taken_yet_is_in_no_transaction_that_ends),
	        cmocka_unit_test(what_is_not_taken_yet_of_an_entry_that_is_lost_is_taken_back),
	        cmocka_unit_test(what_a_lost_outcome_has_released_waits_again),
	        cmocka_unit_test(what_waits_for_an_earlier_one_that_came_later_is_no_hindrance),
	        cmocka_unit_test(reasons_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "sync/delivery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAX_TRIES 10

enum answer { NO = 1, YES = 2, ANY = 3 };

#define N_CLASSES (1u << APS_RESEND_NEVER)
#define O_CLASSES (1u << APS_RESEND_AT_ONCE)
#define V_CLASSES (1u << APS_RESEND_VERSIONED)
#define I_CLASSES (1u << APS_RESEND_IDENTIFIED)
#define L_CLASSES (V_CLASSES | I_CLASSES)
#define A_CLASSES 15u
/* What a look may be about; also of those that wait to look. */
#define ABOUT_GO       (1u << APS_DELIVERY_ON_GO)
#define ABOUT_REFUSED  (1u << APS_DELIVERY_ON_REFUSED)
#define ABOUT_CONFLICT (1u << APS_DELIVERY_ON_CONFLICT)
#define ABOUT_ANY      (ABOUT_GO | ABOUT_REFUSED | ABOUT_CONFLICT)

/* The rows: the first one that fits says what follows; an event that none fits is illegal. */
struct row {
	enum aps_delivery_state state;
	enum aps_delivery_event_kind event;
	unsigned resend;
	enum answer in_doubt, has_resolver, resolves_doubt, has_record;
	unsigned look;
	enum aps_delivery_state to;
	enum aps_delivery_store store;
	enum aps_delivery_action_kind kind;
	enum aps_delivery_outcome outcome;
	enum answer then_in_doubt; /* ANY: as before */
};

#define ROW(state, event, resend, doubt, resolver, resolves, record, look, to, store, kind, outcome, then)             \
	{                                                                                                              \
		APS_DELIVERY_##state, APS_DELIVERY_ON_##event, resend##_CLASSES, doubt, resolver, resolves, record,    \
		        ABOUT_##look, APS_DELIVERY_##to, APS_DELIVERY_STORE_##store, APS_DELIVERY_DO_##kind,           \
		        APS_DELIVERY_ENDED_##outcome, then                                                             \
	}

static const struct row ROWS[] = {
        /* clang-format off */
        /*  state      event        class doubt resolver resolves record about     state      store    do       outcome   doubt */
        ROW(QUEUED,    GO,           A,   NO,  ANY, ANY, ANY, CONFLICT, LOOKING,   NOTHING, LOOK,    NONE,     ANY),
        ROW(QUEUED,    GO,           A,   NO,  ANY, ANY, ANY, ANY,      MARKING,   MARK,    NOTHING, NONE,     ANY),
        ROW(QUEUED,    GO,           O,   YES, ANY, ANY, ANY, ANY,      SENDING,   NOTHING, SEND,    NONE,     ANY),
        ROW(QUEUED,    GO,           L,   YES, ANY, ANY, ANY, ANY,      LOOKING,   NOTHING, LOOK,    NONE,     ANY),
        ROW(QUEUED,    BLOCKED,      A,   NO,  ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, BLOCKED,  ANY),
        ROW(QUEUED,    BLOCKED,      A,   YES, ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, UNKNOWN,  ANY),
        ROW(MARKING,   COMMITTED,    A,   ANY, ANY, ANY, ANY, ANY,      SENDING,   NOTHING, SEND,    NONE,     ANY),
        ROW(MARKING,   LOST,         A,   ANY, ANY, ANY, ANY, ANY,      QUEUED,    NOTHING, NOTHING, NONE,     ANY),
        ROW(SENDING,   UNSENT,       A,   NO,  ANY, ANY, ANY, ANY,      QUEUED,    UNMARK,  NOTHING, NONE,     ANY),
        ROW(SENDING,   UNSENT,       A,   YES, ANY, ANY, ANY, ANY,      QUEUED,    NUMBERS, NOTHING, NONE,     ANY),
        ROW(SENDING,   LATER,        A,   NO,  ANY, ANY, ANY, ANY,      WAITING,   UNMARK,  WAIT,    NONE,     ANY),
        ROW(SENDING,   LATER,        A,   YES, ANY, ANY, ANY, ANY,      WAITING,   NUMBERS, WAIT,    NONE,     ANY),
        ROW(SENDING,   AUTH,         A,   NO,  ANY, ANY, ANY, ANY,      NO_AUTH,   UNMARK,  WAIT,    NONE,     ANY),
        ROW(SENDING,   AUTH,         A,   YES, ANY, ANY, ANY, ANY,      NO_AUTH,   NUMBERS, WAIT,    NONE,     ANY),
        ROW(SENDING,   DOUBT,        N,   ANY, ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, UNKNOWN,  YES),
        ROW(SENDING,   DOUBT,        A,   ANY, ANY, ANY, ANY, ANY,      WAITING,   NUMBERS, WAIT,    NONE,     YES),
        ROW(SENDING,   DONE,         A,   ANY, ANY, ANY, ANY, ANY,      ENDING,    FINISH,  NOTHING, DONE,     ANY),
        ROW(SENDING,   REFUSED,      A,   NO,  ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, REFUSED,  ANY),
        ROW(SENDING,   REFUSED,      L,   YES, ANY, ANY, ANY, ANY,      LOOKING,   NUMBERS, LOOK,    NONE,     ANY),
        ROW(SENDING,   REFUSED,      A,   YES, ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, UNKNOWN,  ANY),
        ROW(SENDING,   CONFLICT,     L,   YES, ANY, ANY, ANY, ANY,      LOOKING,   NUMBERS, LOOK,    NONE,     ANY),
        ROW(SENDING,   CONFLICT,     A,   YES, ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, UNKNOWN,  ANY),
        ROW(SENDING,   CONFLICT,     A,   NO,  NO,  ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, CONFLICT, ANY),
        ROW(SENDING,   CONFLICT,     A,   NO,  YES, ANY, NO,  ANY,      LOOKING,   UNMARK,  LOOK,    NONE,     ANY),
        ROW(SENDING,   CONFLICT,     A,   NO,  YES, ANY, YES, ANY,      RESOLVING, UNMARK,  ASK,     NONE,     ANY),
        ROW(WAITING,   DUE,          A,   ANY, ANY, ANY, ANY, ANY,      QUEUED,    NOTHING, NOTHING, NONE,     ANY),
        ROW(WAITING,   BLOCKED,      A,   NO,  ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, BLOCKED,  ANY),
        ROW(WAITING,   BLOCKED,      A,   YES, ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, UNKNOWN,  ANY),
        ROW(NO_AUTH,   DUE,          A,   ANY, ANY, ANY, ANY, ANY,      QUEUED,    NOTHING, NOTHING, NONE,     ANY),
        ROW(NO_AUTH,   AUTH_CHANGED, A,   ANY, ANY, ANY, ANY, ANY,      QUEUED,    NOTHING, NOTHING, NONE,     ANY),
        ROW(NO_AUTH,   BLOCKED,      A,   NO,  ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, BLOCKED,  ANY),
        ROW(NO_AUTH,   BLOCKED,      A,   YES, ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, UNKNOWN,  ANY),
        ROW(LOOKING,   UNSENT,       A,   ANY, ANY, ANY, ANY, ANY,      QUEUED,    NUMBERS, NOTHING, NONE,     ANY),
        ROW(LOOKING,   LATER,        A,   ANY, ANY, ANY, ANY, ANY,      WAITING,   NUMBERS, WAIT,    NONE,     ANY),
        ROW(LOOKING,   DOUBT,        A,   ANY, ANY, ANY, ANY, ANY,      WAITING,   NUMBERS, WAIT,    NONE,     ANY),
        ROW(LOOKING,   AUTH,         A,   ANY, ANY, ANY, ANY, ANY,      NO_AUTH,   NUMBERS, WAIT,    NONE,     ANY),
        ROW(LOOKING,   SEEN_RECORD,  A,   NO,  ANY, ANY, ANY, ANY,      RESOLVING, NUMBERS, ASK,     NONE,     ANY),
        ROW(LOOKING,   SEEN_SEND,    A,   NO,  ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, CONFLICT, ANY),
        ROW(LOOKING,   SEEN_APPLIED, A,   NO,  ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, CONFLICT, ANY),
        ROW(LOOKING,   SEEN_UNKNOWN, A,   NO,  ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, CONFLICT, ANY),
        ROW(LOOKING,   SEEN_APPLIED, A,   YES, ANY, ANY, ANY, ANY,      ENDING,    FINISH,  NOTHING, DONE,     ANY),
        ROW(LOOKING,   SEEN_EARLY,   A,   NO,  ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, CONFLICT, ANY),
        ROW(LOOKING,   SEEN_SEND,    L,   YES, ANY, ANY, ANY, GO,       MARKING,   MARK,    NOTHING, NONE,     ANY),
        ROW(LOOKING,   SEEN_SEND,    A,   YES, ANY, ANY, ANY, GO,       SENDING,   NOTHING, SEND,    NONE,     ANY),
        ROW(LOOKING,   SEEN_SEND,    A,   YES, ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, UNKNOWN,  ANY),
        ROW(LOOKING,   SEEN_EARLY,   A,   YES, ANY, ANY, ANY, GO,       WAITING,   NOTHING, WAIT,    NONE,     ANY),
        ROW(LOOKING,   SEEN_EARLY,   A,   YES, ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, UNKNOWN,  ANY),
        ROW(LOOKING,   SEEN_UNKNOWN, V,   YES, YES, YES, ANY, ANY,      RESOLVING, NUMBERS, ASK,     NONE,     ANY),
        ROW(LOOKING,   SEEN_UNKNOWN, A,   YES, ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, UNKNOWN,  ANY),
        ROW(LOOKING,   SEEN_RECORD,  V,   YES, YES, YES, ANY, ANY,      RESOLVING, NUMBERS, ASK,     NONE,     ANY),
        ROW(LOOKING,   SEEN_RECORD,  A,   YES, ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, UNKNOWN,  ANY),
        ROW(RESOLVING, CHANGED,      A,   ANY, ANY, ANY, ANY, ANY,      MARKING,   REWRITE, NOTHING, NONE,     ANY),
        ROW(RESOLVING, GAVE_UP,      A,   NO,  ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, CONFLICT, ANY),
        ROW(RESOLVING, GAVE_UP,      A,   YES, ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, UNKNOWN,  ANY),
        ROW(ENDING,    COMMITTED,    A,   ANY, ANY, ANY, ANY, ANY,      ENDED,     NOTHING, TELL,    NONE,     ANY),
        ROW(ENDING,    LOST,         A,   ANY, ANY, ANY, ANY, ANY,      HELD,      NOTHING, NOTHING, NONE,     ANY),
        ROW(HELD,      STORE_BACK,   A,   ANY, ANY, ANY, ANY, ANY,      ENDING,    BURY,    NOTHING, NONE,     ANY),
        /* clang-format on */
};

struct situation {
	enum aps_delivery_state state;
	enum aps_delivery_event_kind event, look;
	enum aps_resend resend;
	bool is_in_doubt, has_resolver, resolves_doubt, has_record;
};

static bool fits(enum answer answer, bool is)
{
	return (answer & (is ? YES : NO)) != 0;
}

static const struct row *find_row(const struct situation *now)
{
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		const struct row *row = &ROWS[i];
		if (row->state == now->state && row->event == now->event && (row->resend >> now->resend & 1u) != 0 &&
		    (row->look >> now->look & 1u) != 0 && fits(row->in_doubt, now->is_in_doubt) &&
		    fits(row->has_resolver, now->has_resolver) && fits(row->resolves_doubt, now->resolves_doubt) &&
		    fits(row->has_record, now->has_record))
			return row;
	}
	return NULL;
}

/* What may never be sent again is in doubt at its end only; what is sent again at once looks for a record only, and
 * not in doubt. */
static bool is_reachable(const struct situation *now)
{
	bool has_ended = now->state == APS_DELIVERY_ENDING || now->state == APS_DELIVERY_HELD ||
	                 now->state == APS_DELIVERY_ENDED;
	bool is_for_record = now->resend == APS_RESEND_AT_ONCE && now->look != APS_DELIVERY_ON_GO;
	return has_ended || !now->is_in_doubt || (now->resend != APS_RESEND_NEVER && !is_for_record);
}

static struct aps_delivery delivery_in(const struct situation *now)
{
	struct aps_delivery delivery;
	aps_delivery_init(&delivery, now->resend);
	delivery.state = now->state;
	delivery.look = now->look;
	delivery.is_in_doubt = now->is_in_doubt;
	delivery.is_marked = now->is_in_doubt || now->state == APS_DELIVERY_SENDING;
	delivery.n_attempts = delivery.n_failures = 3;
	delivery.successes = 5;
	if (now->state == APS_DELIVERY_HELD) delivery.outcome = APS_DELIVERY_ENDED_UNKNOWN;
	return delivery;
}

static void print_situation(const struct situation *now)
{
	print_message("%s: %s, %s, about %s, doubt %d, resolver %d, of doubt %d, record %d\n",
	              aps_delivery_state_name(now->state), aps_delivery_event_name(now->event),
	              aps_resend_name(now->resend), aps_delivery_event_name(now->look), now->is_in_doubt,
	              now->has_resolver, now->resolves_doubt, now->has_record);
}

static bool is_as_told(const struct row *row, const struct aps_delivery *before, const struct aps_delivery *after,
                       const struct aps_delivery_action *action)
{
	enum aps_delivery_outcome outcome = row->outcome == APS_DELIVERY_ENDED_NONE ? before->outcome : row->outcome;
	bool in_doubt = row->then_in_doubt == ANY ? before->is_in_doubt : row->then_in_doubt == YES;
	bool is_marked = before->is_marked;
	if (row->store == APS_DELIVERY_STORE_UNMARK) is_marked = false;
	if (before->state == APS_DELIVERY_MARKING && row->event == APS_DELIVERY_ON_COMMITTED) is_marked = true;
	return after->state == row->to && action->store == row->store && action->kind == row->kind &&
	       after->outcome == outcome && after->is_in_doubt == in_doubt && after->is_marked == is_marked &&
	       after->resend == before->resend;
}

/* True: as its row says; without one it is rejected and nothing changes. */
static bool behaves(const struct situation *now)
{
	const struct aps_delivery_options options = {
	        .max_tries = MAX_TRIES, .has_resolver = now->has_resolver, .resolves_doubt = now->resolves_doubt};
	const struct aps_delivery_event event = {.kind = now->event, .has_record = now->has_record, .successes = 5};
	const struct row *row = find_row(now);
	struct aps_delivery delivery = delivery_in(now), before = delivery;
	struct aps_delivery_action action = aps_delivery_feed(&delivery, &options, &event);
	if (row != NULL) return is_as_told(row, &before, &delivery, &action);
	return action.kind == APS_DELIVERY_DO_REJECT && action.err.code == APS_E_INTERNAL &&
	       action.store == APS_DELIVERY_STORE_NOTHING && memcmp(&delivery, &before, sizeof delivery) == 0;
}

static void every_event_does_in_each_state_what_its_row_says(void **state)
{
	static const enum aps_delivery_event_kind LOOKS[] = {APS_DELIVERY_ON_GO, APS_DELIVERY_ON_REFUSED,
	                                                     APS_DELIVERY_ON_CONFLICT};
	(void)state;
	size_t n_wrong = 0, n_checked = 0;
	for (unsigned i = 0; i < APS_DELIVERY_STATE_COUNT * (APS_DELIVERY_EVENT_COUNT + 1u) * APS_RESEND_COUNT * 48u;
	     i++) {
		unsigned rest = i;
		struct situation now = {.is_in_doubt = rest % 2};
		now.has_resolver = (rest /= 2) % 2;
		now.resolves_doubt = (rest /= 2) % 2;
		now.has_record = (rest /= 2) % 2;
		now.look = LOOKS[(rest /= 2) % 3];
		now.resend = (enum aps_resend)((rest /= 3) % APS_RESEND_COUNT);
		now.event =
		        (enum aps_delivery_event_kind)((rest /= APS_RESEND_COUNT) % (APS_DELIVERY_EVENT_COUNT + 1u));
		now.state = (enum aps_delivery_state)(rest / (APS_DELIVERY_EVENT_COUNT + 1u));
		if (!is_reachable(&now)) continue;
		n_checked++;
		if (behaves(&now)) continue;
		print_situation(&now);
		n_wrong++;
	}
	assert_int_equal(n_wrong, 0);
	assert_true(n_checked > 30000);
}

static const struct aps_delivery_options RESOLVED = {
        .max_tries = MAX_TRIES, .has_resolver = true, .resolves_doubt = true};

static struct aps_delivery_action feed(struct aps_delivery *delivery, enum aps_delivery_event_kind kind,
                                       uint64_t successes)
{
	const struct aps_delivery_event event = {.kind = kind, .has_record = true, .successes = successes};
	struct aps_delivery_action action = aps_delivery_feed(delivery, &RESOLVED, &event);
	assert_int_not_equal(action.kind, APS_DELIVERY_DO_REJECT);
	return action;
}

static void a_mutation_that_was_found_marked_is_in_doubt_and_may_have_ended(void **state)
{
	(void)state;
	for (int resend = 0; resend < APS_RESEND_COUNT; resend++) {
		struct aps_delivery delivery;
		struct aps_delivery_action action = aps_delivery_init_found(&delivery, (enum aps_resend)resend);
		bool is_over = resend == APS_RESEND_NEVER;
		assert_true(delivery.is_in_doubt && delivery.is_marked);
		assert_int_equal(delivery.state, is_over ? APS_DELIVERY_ENDING : APS_DELIVERY_QUEUED);
		assert_int_equal(delivery.outcome, is_over ? APS_DELIVERY_ENDED_UNKNOWN : APS_DELIVERY_ENDED_NONE);
		assert_int_equal(action.store, is_over ? APS_DELIVERY_STORE_BURY : APS_DELIVERY_STORE_NOTHING);
		assert_int_equal(action.kind, APS_DELIVERY_DO_NOTHING);
	}
}

static void failures_count_only_while_others_succeed(void **state)
{
	(void)state;
	struct aps_delivery delivery;
	aps_delivery_init(&delivery, APS_RESEND_NEVER);
	uint64_t successes = 7;
	for (unsigned i = 0; i < 3 * MAX_TRIES; i++) {
		feed(&delivery, APS_DELIVERY_ON_GO, successes);
		feed(&delivery, APS_DELIVERY_ON_COMMITTED, successes);
		assert_int_equal(feed(&delivery, APS_DELIVERY_ON_LATER, successes).kind, APS_DELIVERY_DO_WAIT);
		assert_int_equal(delivery.n_failures, i + 1);
		assert_int_equal(delivery.n_counted, 0);
		feed(&delivery, APS_DELIVERY_ON_DUE, successes);
	}
	for (unsigned i = 1; i <= MAX_TRIES; i++) {
		feed(&delivery, APS_DELIVERY_ON_GO, successes);
		feed(&delivery, APS_DELIVERY_ON_COMMITTED, successes);
		enum aps_delivery_store store = feed(&delivery, APS_DELIVERY_ON_LATER, ++successes).store;
		assert_int_equal(delivery.n_counted, i);
		assert_int_equal(store, i < MAX_TRIES ? APS_DELIVERY_STORE_UNMARK : APS_DELIVERY_STORE_BURY);
		if (i < MAX_TRIES) feed(&delivery, APS_DELIVERY_ON_DUE, successes);
	}
	assert_int_equal(delivery.outcome, APS_DELIVERY_ENDED_REFUSED);
}

/* A network that loses answers says nothing of the mutation. */
static void what_was_not_answered_counts_never(void **state)
{
	(void)state;
	struct aps_delivery delivery;
	struct aps_delivery_event event = {.is_unanswered = true};
	aps_delivery_init(&delivery, APS_RESEND_AT_ONCE);
	for (unsigned i = 0; i < 3 * MAX_TRIES; i++) {
		feed(&delivery, APS_DELIVERY_ON_GO, event.successes);
		if (delivery.state == APS_DELIVERY_MARKING) feed(&delivery, APS_DELIVERY_ON_COMMITTED, event.successes);
		event.kind = i % 2 == 0 ? APS_DELIVERY_ON_DOUBT : APS_DELIVERY_ON_LATER;
		event.successes++;
		assert_int_equal(aps_delivery_feed(&delivery, &RESOLVED, &event).kind, APS_DELIVERY_DO_WAIT);
		assert_int_equal(delivery.n_counted, 0);
		feed(&delivery, APS_DELIVERY_ON_DUE, event.successes);
	}
}

static void the_first_success_of_all_counts_too(void **state)
{
	(void)state;
	struct aps_delivery delivery;
	aps_delivery_init(&delivery, APS_RESEND_NEVER);
	feed(&delivery, APS_DELIVERY_ON_GO, 0);
	feed(&delivery, APS_DELIVERY_ON_COMMITTED, 0);
	feed(&delivery, APS_DELIVERY_ON_LATER, 0);
	feed(&delivery, APS_DELIVERY_ON_DUE, 1);
	feed(&delivery, APS_DELIVERY_ON_GO, 1);
	feed(&delivery, APS_DELIVERY_ON_COMMITTED, 1);
	feed(&delivery, APS_DELIVERY_ON_LATER, 1);
	assert_int_equal(delivery.n_counted, 1);
}

/* Of one that is in doubt, or whose conflict's record is looked for. */
static enum aps_delivery_outcome outcome_of_tries(enum aps_resend resend, enum aps_delivery_event_kind first,
                                                  enum aps_delivery_event_kind failure)
{
	struct aps_delivery delivery;
	uint64_t successes = 1;
	const struct aps_delivery_event event = {.kind = first, .successes = successes};
	aps_delivery_init(&delivery, resend);
	feed(&delivery, APS_DELIVERY_ON_GO, successes);
	feed(&delivery, APS_DELIVERY_ON_COMMITTED, successes);
	aps_delivery_feed(&delivery, &RESOLVED, &event);
	for (int i = 0; delivery.state != APS_DELIVERY_ENDING; i++) {
		assert_true(i < 2 * MAX_TRIES);
		if (delivery.state == APS_DELIVERY_WAITING) feed(&delivery, APS_DELIVERY_ON_DUE, successes);
		if (delivery.state == APS_DELIVERY_QUEUED) feed(&delivery, APS_DELIVERY_ON_GO, successes);
		feed(&delivery, failure, ++successes);
	}
	assert_int_equal(delivery.n_counted, MAX_TRIES);
	return delivery.outcome;
}

static void what_was_tried_enough_ends_as_what_is_known_of_it(void **state)
{
	(void)state;
	assert_int_equal(outcome_of_tries(APS_RESEND_AT_ONCE, APS_DELIVERY_ON_DOUBT, APS_DELIVERY_ON_DOUBT),
	                 APS_DELIVERY_ENDED_UNKNOWN);
	assert_int_equal(outcome_of_tries(APS_RESEND_AT_ONCE, APS_DELIVERY_ON_DOUBT, APS_DELIVERY_ON_LATER),
	                 APS_DELIVERY_ENDED_UNKNOWN);
	assert_int_equal(outcome_of_tries(APS_RESEND_VERSIONED, APS_DELIVERY_ON_DOUBT, APS_DELIVERY_ON_LATER),
	                 APS_DELIVERY_ENDED_UNKNOWN);
	assert_int_equal(outcome_of_tries(APS_RESEND_VERSIONED, APS_DELIVERY_ON_DOUBT, APS_DELIVERY_ON_DOUBT),
	                 APS_DELIVERY_ENDED_UNKNOWN);
	assert_int_equal(outcome_of_tries(APS_RESEND_VERSIONED, APS_DELIVERY_ON_CONFLICT, APS_DELIVERY_ON_LATER),
	                 APS_DELIVERY_ENDED_CONFLICT);
	assert_int_equal(outcome_of_tries(APS_RESEND_NEVER, APS_DELIVERY_ON_CONFLICT, APS_DELIVERY_ON_DOUBT),
	                 APS_DELIVERY_ENDED_CONFLICT);
}

static struct aps_delivery in_conflict(enum aps_resend resend)
{
	struct aps_delivery delivery;
	aps_delivery_init(&delivery, resend);
	feed(&delivery, APS_DELIVERY_ON_GO, 1);
	feed(&delivery, APS_DELIVERY_ON_COMMITTED, 1);
	assert_int_equal(feed(&delivery, APS_DELIVERY_ON_CONFLICT, 1).kind, APS_DELIVERY_DO_ASK);
	return delivery;
}

static void a_conflict_is_resolved_ten_times(void **state)
{
	(void)state;
	struct aps_delivery delivery = in_conflict(APS_RESEND_VERSIONED);
	for (unsigned round = 1; round <= APS_DELIVERY_MAX_ROUNDS; round++) {
		assert_int_equal(delivery.state, APS_DELIVERY_RESOLVING);
		assert_int_equal(feed(&delivery, APS_DELIVERY_ON_CHANGED, 1).store, APS_DELIVERY_STORE_REWRITE);
		assert_int_equal(delivery.n_rounds, round);
		assert_int_equal(delivery.n_attempts, round + 1);
		feed(&delivery, APS_DELIVERY_ON_COMMITTED, 1);
		assert_true(delivery.is_marked);
		feed(&delivery, APS_DELIVERY_ON_CONFLICT, 1);
	}
	assert_int_equal(delivery.state, APS_DELIVERY_ENDING);
	assert_int_equal(delivery.outcome, APS_DELIVERY_ENDED_CONFLICT);
}

static void a_resolution_that_is_lost_is_asked_for_again_in_the_same_round(void **state)
{
	(void)state;
	struct aps_delivery delivery = in_conflict(APS_RESEND_VERSIONED);
	feed(&delivery, APS_DELIVERY_ON_CHANGED, 1);
	feed(&delivery, APS_DELIVERY_ON_LOST, 1);
	assert_int_equal(delivery.n_rounds, 0);
	assert_int_equal(delivery.n_attempts, 1);
	feed(&delivery, APS_DELIVERY_ON_GO, 1);
	feed(&delivery, APS_DELIVERY_ON_COMMITTED, 1);
	assert_int_equal(feed(&delivery, APS_DELIVERY_ON_CONFLICT, 1).kind, APS_DELIVERY_DO_ASK);
}

static struct aps_delivery resolved_in_doubt(void)
{
	struct aps_delivery delivery;
	aps_delivery_init_found(&delivery, APS_RESEND_VERSIONED);
	feed(&delivery, APS_DELIVERY_ON_GO, 1);
	assert_int_equal(feed(&delivery, APS_DELIVERY_ON_SEEN_UNKNOWN, 1).kind, APS_DELIVERY_DO_ASK);
	assert_true(delivery.asks_in_doubt);
	assert_int_equal(feed(&delivery, APS_DELIVERY_ON_CHANGED, 1).store, APS_DELIVERY_STORE_REWRITE);
	return delivery;
}

static void what_the_resolver_has_changed_is_another_mutation_once_it_is_stored(void **state)
{
	(void)state;
	struct aps_delivery delivery = resolved_in_doubt();
	assert_true(delivery.is_in_doubt);
	feed(&delivery, APS_DELIVERY_ON_COMMITTED, 1);
	assert_false(delivery.is_in_doubt);
	feed(&delivery, APS_DELIVERY_ON_REFUSED, 1);
	assert_int_equal(delivery.outcome, APS_DELIVERY_ENDED_REFUSED);

	delivery = resolved_in_doubt();
	feed(&delivery, APS_DELIVERY_ON_LOST, 1);
	assert_true(delivery.is_in_doubt && delivery.is_marked);
	assert_int_equal(feed(&delivery, APS_DELIVERY_ON_GO, 1).kind, APS_DELIVERY_DO_LOOK);
}

static void after_the_resolver_failures_are_in_a_row_from_the_start(void **state)
{
	(void)state;
	struct aps_delivery delivery;
	aps_delivery_init(&delivery, APS_RESEND_VERSIONED);
	feed(&delivery, APS_DELIVERY_ON_GO, 1);
	feed(&delivery, APS_DELIVERY_ON_COMMITTED, 1);
	feed(&delivery, APS_DELIVERY_ON_LATER, 1);
	feed(&delivery, APS_DELIVERY_ON_DUE, 1);
	feed(&delivery, APS_DELIVERY_ON_GO, 1);
	feed(&delivery, APS_DELIVERY_ON_COMMITTED, 1);
	feed(&delivery, APS_DELIVERY_ON_CONFLICT, 1);
	feed(&delivery, APS_DELIVERY_ON_CHANGED, 1);
	feed(&delivery, APS_DELIVERY_ON_COMMITTED, 1);
	feed(&delivery, APS_DELIVERY_ON_LATER, 1);
	assert_int_equal(delivery.n_failures, 1);
}

static void an_outcome_that_was_lost_is_stored_as_it_was(void **state)
{
	(void)state;
	static const enum aps_delivery_event_kind ENDS[] = {APS_DELIVERY_ON_DONE, APS_DELIVERY_ON_REFUSED};
	static const enum aps_delivery_store STORES[] = {APS_DELIVERY_STORE_FINISH, APS_DELIVERY_STORE_BURY};
	for (size_t i = 0; i < APS_COUNTOF(ENDS); i++) {
		struct aps_delivery delivery;
		aps_delivery_init(&delivery, APS_RESEND_NEVER);
		feed(&delivery, APS_DELIVERY_ON_GO, 1);
		feed(&delivery, APS_DELIVERY_ON_COMMITTED, 1);
		assert_int_equal(feed(&delivery, ENDS[i], 1).store, STORES[i]);
		enum aps_delivery_outcome outcome = delivery.outcome;
		feed(&delivery, APS_DELIVERY_ON_LOST, 1);
		assert_int_equal(feed(&delivery, APS_DELIVERY_ON_STORE_BACK, 1).store, STORES[i]);
		assert_int_equal(delivery.outcome, outcome);
		assert_int_equal(feed(&delivery, APS_DELIVERY_ON_COMMITTED, 1).kind, APS_DELIVERY_DO_TELL);
	}
}

static void what_is_under_way_can_not_be_taken_away(void **state)
{
	(void)state;
	for (int i = 0; i < APS_DELIVERY_STATE_COUNT; i++) {
		struct aps_delivery delivery = {.state = (enum aps_delivery_state)i};
		bool rests = i == APS_DELIVERY_QUEUED || i == APS_DELIVERY_WAITING || i == APS_DELIVERY_NO_AUTH;
		assert_int_equal(aps_delivery_is_under_way(&delivery), !rests);
	}
}

static void marks_and_outcomes_are_durable(void **state)
{
	(void)state;
	assert_true(aps_delivery_is_durable(APS_DELIVERY_STORE_MARK));
	assert_true(aps_delivery_is_durable(APS_DELIVERY_STORE_REWRITE));
	assert_true(aps_delivery_is_durable(APS_DELIVERY_STORE_FINISH));
	assert_true(aps_delivery_is_durable(APS_DELIVERY_STORE_BURY));
	assert_false(aps_delivery_is_durable(APS_DELIVERY_STORE_NOTHING));
	assert_false(aps_delivery_is_durable(APS_DELIVERY_STORE_UNMARK));
	assert_false(aps_delivery_is_durable(APS_DELIVERY_STORE_NUMBERS));
}

static void everything_has_a_name(void **state)
{
	(void)state;
#define ASSERT_NAME(NAME, text)  assert_string_equal(NAME, text);
#define STATE_NAME(name, text)   ASSERT_NAME(aps_delivery_state_name(APS_DELIVERY_##name), text)
#define EVENT_NAME(name, text)   ASSERT_NAME(aps_delivery_event_name(APS_DELIVERY_ON_##name), text)
#define STORE_NAME(name, text)   ASSERT_NAME(aps_delivery_store_name(APS_DELIVERY_STORE_##name), text)
#define ACTION_NAME(name, text)  ASSERT_NAME(aps_delivery_action_name(APS_DELIVERY_DO_##name), text)
#define OUTCOME_NAME(name, text) ASSERT_NAME(aps_delivery_outcome_name(APS_DELIVERY_ENDED_##name), text)
#define RESEND_NAME(name, text)  ASSERT_NAME(aps_resend_name(APS_RESEND_##name), text)
	APS_DELIVERY_STATE_MAP(STATE_NAME)
	APS_DELIVERY_EVENT_MAP(EVENT_NAME)
	APS_DELIVERY_STORE_MAP(STORE_NAME)
	APS_DELIVERY_ACTION_MAP(ACTION_NAME)
	APS_DELIVERY_OUTCOME_MAP(OUTCOME_NAME)
	APS_RESEND_MAP(RESEND_NAME)
	assert_string_equal(aps_delivery_state_name(APS_DELIVERY_STATE_COUNT), "unknown");
	assert_string_equal(aps_delivery_event_name(APS_DELIVERY_EVENT_COUNT), "unknown");
	assert_string_equal(aps_delivery_store_name(APS_DELIVERY_STORE_COUNT), "unknown");
	assert_string_equal(aps_delivery_action_name(APS_DELIVERY_ACTION_COUNT), "unknown");
	assert_string_equal(aps_delivery_outcome_name(APS_DELIVERY_OUTCOME_COUNT), "unknown");
	assert_string_equal(aps_resend_name(APS_RESEND_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_event_does_in_each_state_what_its_row_says),
	        cmocka_unit_test(a_mutation_that_was_found_marked_is_in_doubt_and_may_have_ended),
	        cmocka_unit_test(failures_count_only_while_others_succeed),
	        cmocka_unit_test(what_was_not_answered_counts_never),
	        cmocka_unit_test(the_first_success_of_all_counts_too),
	        cmocka_unit_test(what_was_tried_enough_ends_as_what_is_known_of_it),
	        cmocka_unit_test(a_conflict_is_resolved_ten_times),
	        cmocka_unit_test(a_resolution_that_is_lost_is_asked_for_again_in_the_same_round),
	        cmocka_unit_test(what_the_resolver_has_changed_is_another_mutation_once_it_is_stored),
	        cmocka_unit_test(after_the_resolver_failures_are_in_a_row_from_the_start),
	        cmocka_unit_test(an_outcome_that_was_lost_is_stored_as_it_was),
	        cmocka_unit_test(what_is_under_way_can_not_be_taken_away),
	        cmocka_unit_test(marks_and_outcomes_are_durable),
	        cmocka_unit_test(everything_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

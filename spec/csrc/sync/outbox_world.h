/* A queue over a journal in memory, its owner, and what it has asked for as text: "1 mark, 2 unmark wait". */
#ifndef APS_SPEC_SYNC_OUTBOX_WORLD_H
#define APS_SPEC_SYNC_OUTBOX_WORLD_H

#include "base/mem.h"
#include "sync/memory_journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WORLD_WAIT_MS 1000

struct outbox_world {
	struct memory_journal journal;
	struct aps_outbox_options options;
	struct aps_outbox outbox;
	int64_t now_ms;
	enum aps_rc rc; /* of the last step */
	struct aps_err err;
	size_t n_said;
	char said[8192];
	unsigned n_sent[JOURNAL_MAX_ENTRIES], n_told[JOURNAL_MAX_ENTRIES];
};

static inline void world_start(struct outbox_world *w)
{
	aps_outbox_init(&w->outbox, &w->options, &w->journal.base);
	aps_outbox_set_store(&w->outbox, true);
	aps_outbox_set_reach(&w->outbox, APS_OUTBOX_ONLINE);
}

static inline struct outbox_world *world_init(enum aps_outbox_order order)
{
	static struct outbox_world world;
	memset(&world, 0, sizeof world);
	memory_journal_init(&world.journal);
	world.options = (struct aps_outbox_options){
	        .delivery = {.max_tries = 3, .has_resolver = true, .resolves_doubt = true},
	        .order = order,
	        .modes = 0xe,
	};
	world_start(&world);
	return &world;
}

static inline void world_clear(struct outbox_world *w)
{
	aps_outbox_clear(&w->outbox);
	assert_int_equal(aps_mem_live(), 0);
}

static inline void world_say(struct outbox_world *w, const struct aps_outbox_action *action)
{
	char *at = w->said + w->n_said;
	size_t room = sizeof w->said - w->n_said;
	bool is_told = action->kind == APS_DELIVERY_DO_TELL;
	bool is_over = is_told || action->store == APS_DELIVERY_STORE_BURY;
	bool is_stored = action->store != APS_DELIVERY_STORE_NOTHING, is_done = action->kind != APS_DELIVERY_DO_NOTHING;
	int n = snprintf(at, room, "%s%u%s%s%s%s%s%s", w->n_said > 0 ? ", " : "", (unsigned)action->number,
	                 is_stored ? " " : "", is_stored ? aps_delivery_store_name(action->store) : "",
	                 is_done ? " " : "", is_done ? aps_delivery_action_name(action->kind) : "", is_over ? " " : "",
	                 is_over ? aps_delivery_outcome_name(action->outcome) : "");
	w->n_said += (size_t)n;
	w->n_sent[action->number] += action->kind == APS_DELIVERY_DO_SEND;
	w->n_told[action->number] += is_told;
}

/* What follows; each action is carried out. */
static inline const char *world_pump(struct outbox_world *w)
{
	struct aps_outbox_action action;
	w->n_said = 0;
	w->said[0] = '\0';
	w->rc = aps_outbox_go_on(&w->outbox, &w->err);
	while (aps_outbox_take(&w->outbox, &action)) {
		assert_true(w->outbox.has_store || action.store == APS_DELIVERY_STORE_NOTHING);
		assert_true(memory_journal_store(&w->journal, &action));
		if (action.kind == APS_DELIVERY_DO_WAIT)
			aps_outbox_wait(&w->outbox, action.number, w->now_ms + WORLD_WAIT_MS);
		world_say(w, &action);
	}
	return w->said;
}

static inline const char *world_commit(struct outbox_world *w)
{
	memory_journal_commit(&w->journal);
	aps_outbox_committed(&w->outbox);
	return world_pump(w);
}

static inline const char *world_lose(struct outbox_world *w)
{
	memory_journal_lose(&w->journal);
	aps_outbox_lost(&w->outbox);
	return world_pump(w);
}

static inline const char *world_feed_with(struct outbox_world *w, uint64_t number, enum aps_delivery_event_kind kind,
                                          bool has_record)
{
	const struct aps_delivery_event event = {.kind = kind, .has_record = has_record};
	w->rc = aps_outbox_feed(&w->outbox, number, &event, &w->err);
	if (w->rc != APS_OK) return "";
	return world_pump(w);
}

static inline const char *world_feed(struct outbox_world *w, uint64_t number, enum aps_delivery_event_kind kind)
{
	return world_feed_with(w, number, kind, true);
}

/* True: it is sent by the transaction that inserts it. w->rc tells whether it was added. */
static inline bool world_insert(struct outbox_world *w, struct journal_entry entry)
{
	struct aps_outbox_info info = {.number = 0};
	bool is_sent = false;
	entry.number = w->journal.open.last_number + 1;
	aps_buf_init(&info.records, APS_BUF_ANY_SIZE);
	memory_journal_info(&entry, &info);
	w->rc = info.records.rc != APS_OK ? info.records.rc : aps_outbox_add(&w->outbox, &info, &is_sent, &w->err);
	aps_buf_clear(&info.records);
	if (w->rc != APS_OK) return false;
	entry.is_marked = is_sent;
	entry.n_attempts = is_sent;
	assert_non_null(memory_journal_insert(&w->journal, &entry));
	return is_sent;
}

/* One record; 0: a barrier. */
static inline struct journal_entry entry_of(unsigned mode, unsigned record)
{
	return (struct journal_entry){.mode = (uint8_t)mode, .n_records = record != 0, .records = {(uint8_t)record}};
}

static inline void add(struct outbox_world *w, unsigned mode, unsigned record)
{
	world_insert(w, entry_of(mode, record));
	assert_int_equal(w->rc, APS_OK);
}

/* The next action, carried out. */
static inline void take(struct outbox_world *w, uint64_t number, enum aps_delivery_store store)
{
	struct aps_outbox_action action;
	assert_int_equal(aps_outbox_peek(&w->outbox)->number, number);
	assert_true(aps_outbox_take(&w->outbox, &action));
	assert_int_equal(action.store, store);
	assert_true(memory_journal_store(&w->journal, &action));
}

/* The process dies, and another one begins. */
static inline const char *world_restart(struct outbox_world *w, bool has_power)
{
	if (has_power)
		memory_journal_kill(&w->journal);
	else
		memory_journal_cut_power(&w->journal);
	aps_outbox_clear(&w->outbox);
	world_start(w);
	return world_pump(w);
}

#endif

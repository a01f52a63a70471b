#include "client/collecting.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/doubting.h"
#include "client/retained.h"
#include "client/tidying.h"
#include "store/cache_rows.h"
#include "store/layer_store.h"
#include "store/sync_rows.h"

#include <stdio.h>

#define SLICE_MS      2   /* of a turn */
#define PAUSE_MS      4   /* between two slices that nobody waits for */
#define SLICE_ROWS    64  /* between two looks at the clock */
#define KEY_ROWS      500 /* likewise, where their keys are all that is read */
#define SWEEP_ROWS    100 /* likewise, where they may be deleted */
#define DOUBTED_ROWS  10  /* likewise, each of many numbers */
#define MAX_DELETIONS 1000
#define MAX_RESETS    3                    /* then others are kept from writing, */
#define ALONE_MS      500                  /* of the two seconds that they wait, */
#define ALONE_REST_MS 60000                /* and, where that isn't enough, no sooner than then again */
#define MAX_USES      512                  /* likewise, of a turn */
#define MAX_USE_BYTES ((size_t)512 * 1024) /* that wait */

enum phase {
	PHASE_DOUBTED,
	PHASE_FIELDS,
	PHASE_LAYERS,
	PHASE_HELD,
	PHASE_FOLLOWED,
	PHASE_CHOSEN,
	PHASE_SWEPT,
	PHASE_SETTLED,
	PHASE_OVER
};

struct leaving_row {
	uint64_t number, hash;
	bool is_record;
};

/* One collection. */
struct run {
	enum phase phase;
	struct aps_collect collect;
	struct aps_rows_at at;
	uint64_t layer_at;      /* the last layer that was looked at */
	struct aps_buf leaving; /* struct leaving_row: of the slice */
	size_t n_in_turn;       /* rows that have left */
	size_t n_records;
	int64_t worked_ms;
	bool is_planned;
	bool is_begun; /* it is known what was doubted: */
	struct aps_doubted_at doubted;
	bool is_partial;             /* nothing leaves but */
	struct aps_number_set among; /* what can't be reached of these */
};

struct aps_collecting {
	struct aps_partition_collector collector;
	struct aps_core *core;
	struct aps_client *client;
	struct aps_partition *partition;
	struct aps_timer timer;
	struct aps_retentions retentions;
	struct run *run;         /* NULL: idle */
	struct aps_mail *asking; /* result events, for the next collection */
	struct aps_mail *asked;  /* for the one that runs */
	struct aps_buf uses;     /* uint64_t: entries that readers have used, */
	size_t n_uses_saved;     /* and how many of them are written down */
	int64_t next_bytes;      /* below that another collection would be in vain */
	struct aps_doubting doubting;
	bool is_stepping;  /* the collection is in the middle of something, */
	bool is_reset;     /* and what it is about has gone meanwhile */
	unsigned n_resets; /* since one has ended: others write all the time; */
	int64_t alone_ms;  /* not before then alone */
};

static struct aps_collecting *of(struct aps_partition_collector *collector)
{
	return APS_CONTAINER_OF(collector, struct aps_collecting, collector);
}

static void wrote(struct aps_partition_collector *collector, uint64_t number)
{
	struct aps_collecting *collecting = of(collector);
	const struct aps_entry *entry = aps_entries_peek(&collecting->partition->cache.entries, number);
	if (collecting->run == NULL) return;
	aps_collect_touch(&collecting->run->collect, number);
	/* it may leave memory, where it would be held for its layers */
	if (entry != NULL && entry->layered != NULL) aps_collect_hold(&collecting->run->collect, number);
}

static void end_run(struct aps_collecting *collecting)
{
	struct run *run = collecting->run;
	if (run == NULL) return;
	aps_retentions_begin(&collecting->retentions);
	aps_collect_clear(&run->collect);
	aps_rows_clear(&run->at);
	aps_buf_clear(&run->leaving);
	aps_number_set_clear(&run->among);
	aps_free(run);
	collecting->run = NULL;
}

static void append(struct aps_mail **list, struct aps_mail *mail)
{
	while (*list != NULL) list = &(*list)->next;
	*list = mail;
}

static void answer(struct aps_collecting *collecting, struct aps_mail **list, size_t n_records,
                   const struct aps_err *why)
{
	while (*list != NULL) {
		struct aps_result_event *result = (struct aps_result_event *)*list;
		*list = result->head.mail.next;
		result->head.mail.next = NULL;
		aps_result_event_say(result, n_records, why);
		aps_core_emit(collecting->core, &result->head);
	}
}

static void give_up(struct aps_collecting *collecting, const struct aps_err *why)
{
	end_run(collecting);
	answer(collecting, &collecting->asked, 0, why);
	answer(collecting, &collecting->asking, 0, why);
}

/* Then, or before. */
static void wake(struct aps_collecting *collecting, int64_t after_ms)
{
	struct aps_err err;
	struct aps_timers *timers = &collecting->core->timers;
	int64_t at_ms = aps_clock_mono_ms() + after_ms;
	if (collecting->timer.index != 0 && collecting->timer.at_ms <= at_ms) return;
	if (aps_timer_set(timers, &collecting->timer, at_ms)) return;
	aps_fail(&err, APS_E_NOMEM, "no memory to collect what isn't needed");
	give_up(collecting, &err);
}

/* It collects by itself: others leave that to it. */
static bool leads(const struct aps_collecting *collecting)
{
	return aps_vault_leads(collecting->partition->vault);
}

static void wake_for_doubted(struct aps_collecting *collecting)
{
	if (!leads(collecting)) return;
	int64_t left_ms = aps_doubting_left_ms(&collecting->doubting, aps_clock_mono_ms());
	if (left_ms >= 0) wake(collecting, left_ms > PAUSE_MS ? left_ms : PAUSE_MS);
}

/* What ran was about what is gone. Those that wait are served by another collection. */
static void begin_anew(struct aps_collecting *collecting)
{
	collecting->is_reset = collecting->is_stepping;
	if (collecting->is_stepping) return;
	if (collecting->run != NULL) collecting->n_resets++;
	end_run(collecting);
	collecting->next_bytes = 0;
	aps_buf_clear(&collecting->uses); /* by other numbers, perhaps */
	collecting->n_uses_saved = 0;
	append(&collecting->asked, collecting->asking);
	collecting->asking = collecting->asked;
	collecting->asked = NULL;
	wake_for_doubted(collecting);
}

static void reset(struct aps_partition_collector *collector)
{
	aps_doubting_reset(&of(collector)->doubting);
	begin_anew(of(collector));
}

static enum aps_rc moved(struct aps_partition_collector *collector, struct aps_err *err)
{
	begin_anew(of(collector));
	return aps_doubting_moved(&of(collector)->doubting, err);
}

/* To begin may be what tells that the store has to move, to where other numbers are, or that others have written. */
static enum aps_rc begin_writing(const struct aps_collecting *collecting, struct aps_err *err)
{
	struct aps_vault *vault = collecting->partition->vault;
	uint64_t place = vault->place, n_overtaken = vault->n_overtaken;
	enum aps_rc rc = aps_vault_begin(vault, err);
	if (rc != APS_OK || (vault->place == place && vault->n_overtaken == n_overtaken)) return rc;
	return aps_fail(err, APS_E_CANCELLED, "the store has moved");
}

static bool is_above_limit(const struct aps_collecting *collecting)
{
	const struct aps_partition *partition = collecting->partition;
	int64_t n_bytes = partition->store.n_bytes;
	return leads(collecting) && partition->max_disk_bytes != 0 && n_bytes > partition->max_disk_bytes &&
	       n_bytes >= collecting->next_bytes;
}

static void committed(struct aps_partition_collector *collector)
{
	struct aps_collecting *collecting = of(collector);
	aps_doubting_committed(&collecting->doubting);
	if (collecting->run != NULL) return;
	if (is_above_limit(collecting)) wake(collecting, PAUSE_MS);
	wake_for_doubted(collecting);
}

static int64_t now_s(const struct aps_collecting *collecting)
{
	return aps_client_now_ms(collecting->client) / 1000;
}

static bool begin_run(struct aps_collecting *collecting)
{
	struct aps_partition *partition = collecting->partition;
	struct run *run = aps_calloc(1, sizeof *run);
	if (run == NULL) return false;
	aps_collect_init(&run->collect, &partition->cache, &partition->store.backing, partition->policies,
	                 now_s(collecting));
	aps_rows_init(&run->at, APS_ROWS_OF_FIELDS);
	aps_buf_init(&run->leaving, APS_BUF_ANY_SIZE);
	aps_retentions_begin(&collecting->retentions);
	run->is_partial = collecting->asking == NULL && !is_above_limit(collecting);
	collecting->run = run;
	collecting->asked = collecting->asking;
	collecting->asking = NULL;
	return true;
}

/* One step of a phase; the phase that is next in run->phase. */
struct seeing {
	struct aps_rows_sink sink;
	struct run *run;
	const struct aps_entries *entries;
};

static void see_field(struct aps_rows_sink *sink, uint64_t number APS_UNUSED, struct aps_str key)
{
	struct seeing *seeing = APS_CONTAINER_OF(sink, struct seeing, sink);
	aps_collect_see_field(&seeing->run->collect, key);
}

static enum aps_rc fail_memory(struct aps_err *err)
{
	return aps_fail(err, APS_E_NOMEM, "no memory to collect what isn't needed");
}

/* Where anything may leave they are among it. */
static enum aps_rc step_doubted(struct aps_collecting *collecting, struct run *run, struct aps_err *err)
{
	struct aps_buf numbers;
	enum aps_rc rc = APS_OK;
	if (!run->is_begun) rc = aps_doubting_begin(&collecting->doubting, &run->doubted, err);
	run->is_begun = rc == APS_OK;
	aps_buf_init(&numbers, APS_BUF_ANY_SIZE);
	if (rc == APS_OK && run->is_partial && run->doubted.last != 0)
		rc = aps_doubted_rows_list(collecting->partition->store.db, &run->doubted, DOUBTED_ROWS, &numbers, err);
	const uint64_t *all = (const uint64_t *)(const void *)numbers.p;
	for (size_t i = 0; rc == APS_OK && i < numbers.n / sizeof *all; i++)
		if (!aps_number_set_add(&run->among, all[i], NULL)) rc = fail_memory(err);
	aps_buf_clear(&numbers);
	if (rc != APS_OK) return rc;
	if (run->is_partial && run->doubted.after != run->doubted.last) return APS_OK;
	run->phase = run->is_partial && run->among.n_members == 0 ? PHASE_SETTLED : PHASE_FIELDS;
	return APS_OK;
}

static enum aps_rc step_fields(struct aps_collecting *collecting, struct run *run, struct aps_err *err)
{
	struct seeing seeing = {{see_field}, run, NULL};
	enum aps_rc rc = aps_rows_read(&collecting->partition->store, &run->at, KEY_ROWS, &seeing.sink, err);
	if (rc == APS_OK && run->at.is_done) run->phase = PHASE_LAYERS;
	return rc;
}

/* What layers speak of stays; later ones say so as they come. */
static enum aps_rc step_layers(struct aps_collecting *collecting, struct run *run, struct aps_err *err)
{
	const struct aps_cache_store *store = &collecting->partition->store;
	struct aps_buf numbers;
	enum aps_rc rc = APS_OK;
	aps_buf_init(&numbers, APS_BUF_ANY_SIZE);
	if (store->has_layers)
		rc = aps_layer_store_list_entries(store->db, store->part, SLICE_ROWS, &run->layer_at, &numbers, err);
	const uint64_t *all = (const uint64_t *)(const void *)numbers.p;
	for (size_t i = 0; i < numbers.n / sizeof *all; i++) aps_collect_hold(&run->collect, all[i]);
	aps_buf_clear(&numbers);
	if (rc == APS_OK && run->layer_at == 0) run->phase = PHASE_HELD;
	return rc;
}

static void hold_all(struct aps_collecting *collecting, struct run *run)
{
	struct aps_partition_holder *holder = collecting->partition->holders;
	for (; holder != NULL; holder = holder->next) holder->hold(holder, &run->collect);
}

static enum aps_rc step_held(struct aps_collecting *collecting, struct run *run, struct aps_err *err)
{
	bool is_done;
	enum aps_rc rc = aps_retentions_step(&collecting->retentions, &run->collect, SLICE_ROWS, &is_done, err);
	if (rc != APS_OK || !is_done) return rc;
	hold_all(collecting, run);
	aps_collect_hold_memory(&run->collect);
	run->phase = PHASE_FOLLOWED;
	return APS_OK;
}

static void begin_sweep(struct run *run)
{
	aps_rows_clear(&run->at);
	aps_rows_init(&run->at, APS_ROWS_WITH_KEY);
	run->phase = PHASE_SWEPT;
}

static enum aps_rc step_followed(struct aps_collecting *collecting APS_UNUSED, struct run *run, struct aps_err *err)
{
	bool is_done;
	enum aps_rc rc = aps_collect_step(&run->collect, SLICE_ROWS, &is_done, err);
	if (rc != APS_OK || !is_done) return rc;
	if (run->is_partial)
		begin_sweep(run);
	else
		run->phase = PHASE_CHOSEN;
	return APS_OK;
}

/* Down to 90 %, where there is too much. */
static uint64_t bytes_to_go(const struct aps_collecting *collecting, const struct run *run)
{
	int64_t limit = collecting->partition->max_disk_bytes;
	int64_t aim = limit / 10 * 9, left = (int64_t)run->collect.n_bytes;
	bool is_too_much = limit != 0 && collecting->partition->store.n_bytes > limit;
	return is_too_much && left > aim ? (uint64_t)(left - aim) : 0;
}

static enum aps_rc empty(struct aps_collecting *collecting, struct run *run, const struct aps_buf *emptied,
                         struct aps_err *err)
{
	struct aps_partition *partition = collecting->partition;
	const uint64_t *numbers = (const uint64_t *)(const void *)emptied->p;
	size_t n = emptied->n / sizeof *numbers;
	enum aps_rc rc = n != 0 ? begin_writing(collecting, err) : APS_OK;
	if (n != 0) partition->cache.entries.is_whole = false; /* their rows stay */
	if (rc == APS_OK && n != 0) rc = aps_sync_rows_forget(partition->store.db, partition->store.part, err);
	if (n != 0) aps_followers_unkept(partition->followers);
	for (size_t i = 0; rc == APS_OK && i < n; i++) {
		rc = aps_rows_empty(&partition->store, numbers[i], err);
		if (rc == APS_OK) aps_partition_forget(partition, numbers[i], 0);
	}
	run->n_in_turn += n;
	run->n_records += n;
	return rc;
}

static enum aps_rc step_chosen(struct aps_collecting *collecting, struct run *run, struct aps_err *err)
{
	struct aps_buf emptied;
	bool is_done;
	if (!run->is_planned) aps_collect_plan(&run->collect, bytes_to_go(collecting, run));
	run->is_planned = true;
	aps_buf_init(&emptied, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_collect_choose(&run->collect, SLICE_ROWS, &emptied, &is_done, err);
	if (rc == APS_OK) rc = empty(collecting, run, &emptied, err);
	if (rc == APS_OK && is_done) begin_sweep(run);
	aps_buf_clear(&emptied);
	return rc;
}

/* A record, or what belongs to it. What has no key is nothing by itself. */
static bool may_leave(const struct run *run, uint64_t number, struct aps_str key)
{
	return !run->is_partial || key.n == 0 || aps_number_set_has(&run->among, number) ||
	       aps_number_set_has(&run->among, aps_key_owner(key));
}

static void see_row(struct aps_rows_sink *sink, uint64_t number, struct aps_str key)
{
	struct seeing *seeing = APS_CONTAINER_OF(sink, struct seeing, sink);
	if (!may_leave(seeing->run, number, key)) return;
	if (!aps_collect_deletes(&seeing->run->collect, number)) return;
	const struct leaving_row row = {number, key.n != 0 ? aps_entries_hash(seeing->entries, key) : 0,
	                                key.n != 0 && key.p[0] == 'R'};
	aps_buf_add(&seeing->run->leaving, &row, sizeof row);
}

/* A record that was emptied before has left already, and isn't counted again. */
static enum aps_rc delete_all(struct aps_collecting *collecting, struct run *run, struct aps_err *err)
{
	struct aps_partition *partition = collecting->partition;
	const struct leaving_row *rows = (const struct leaving_row *)(const void *)run->leaving.p;
	size_t n = run->leaving.n / sizeof *rows;
	bool had_content;
	enum aps_rc rc = run->leaving.rc == APS_OK ? APS_OK : fail_memory(err);
	if (rc == APS_OK && n != 0) rc = begin_writing(collecting, err);
	if (n != 0 && aps_rows_are_kept(&partition->store)) partition->cache.entries.is_whole = false;
	for (size_t i = 0; rc == APS_OK && i < n; i++) {
		rc = aps_rows_delete(&partition->store, rows[i].number, &had_content, err);
		if (rc == APS_OK) aps_partition_forget(partition, rows[i].number, rows[i].hash);
		run->n_records += rc == APS_OK && had_content && rows[i].is_record;
	}
	run->n_in_turn += n;
	return rc;
}

/* What has others first: what is left in between, if the process ends, refers to nothing that has gone. */
static enum aps_rc step_swept(struct aps_collecting *collecting, struct run *run, struct aps_err *err)
{
	struct aps_partition *partition = collecting->partition;
	struct seeing seeing = {{see_row}, run, &partition->cache.entries};
	aps_buf_reset(&run->leaving);
	enum aps_rc rc = aps_rows_read(&partition->store, &run->at, SWEEP_ROWS, &seeing.sink, err);
	if (rc == APS_OK) rc = delete_all(collecting, run, err);
	if (rc != APS_OK || !run->at.is_done) return rc;
	bool was_last = run->at.kind == APS_ROWS_WITHOUT_KEY;
	aps_rows_clear(&run->at);
	aps_rows_init(&run->at, APS_ROWS_WITHOUT_KEY);
	if (was_last) run->phase = PHASE_SETTLED;
	return APS_OK;
}

/* Until then another process would look at them once more. */
static enum aps_rc step_settled(struct aps_collecting *collecting, struct run *run, struct aps_err *err)
{
	bool is_done = false;
	enum aps_rc rc = run->doubted.last != 0 ? begin_writing(collecting, err) : APS_OK;
	if (rc == APS_OK) rc = aps_doubting_settle(&collecting->doubting, &run->doubted, DOUBTED_ROWS, &is_done, err);
	if (rc == APS_OK && is_done) run->phase = PHASE_OVER;
	return rc;
}

static enum aps_rc step(struct aps_collecting *collecting, struct run *run, struct aps_err *err)
{
	static enum aps_rc (*const STEPS[])(struct aps_collecting *, struct run *, struct aps_err *) = {
	        step_doubted, step_fields, step_layers, step_held, step_followed, step_chosen, step_swept, step_settled,
	};
	bool is_done, is_due = run->collect.due.n_members != 0;
	/* what was retained, or written, in between */
	if (run->phase == PHASE_CHOSEN && !aps_retentions_are_held(&collecting->retentions))
		return aps_retentions_step(&collecting->retentions, &run->collect, SLICE_ROWS, &is_done, err);
	if (run->phase > PHASE_FOLLOWED && run->phase < PHASE_SETTLED && is_due)
		return aps_collect_step(&run->collect, SLICE_ROWS, &is_done, err);
	return STEPS[run->phase](collecting, run, err);
}

static void conclude(struct aps_collecting *collecting, const struct aps_err *why)
{
	const struct aps_partition *partition = collecting->partition;
	size_t n_records = collecting->run->n_records;
	int64_t limit = partition->max_disk_bytes;
	bool was_partial = collecting->run->is_partial;
	if (was_partial && (why != NULL || collecting->run->doubted.last != 0))
		aps_doubting_rest(&collecting->doubting, collecting->run->worked_ms, why == NULL, aps_clock_mono_ms());
	end_run(collecting);
	collecting->n_resets = 0;
	APS_STATS_ADD(collecting->client->stats, records_collected, n_records);
	if (why != NULL)
		aps_core_log(collecting->core, collecting->client->id, "warn", "the cache can't be made smaller: %s",
		             why->msg);
	/* what is left may all be held: not again before there is something more */
	if (limit != 0 && !was_partial) collecting->next_bytes = partition->store.n_bytes + limit / 16;
	aps_tidying_begin(partition->vault->tidying);
	answer(collecting, &collecting->asked, n_records, why);
	if (collecting->asking != NULL) wake(collecting, 1);
	wake_for_doubted(collecting);
}

/* True: there are more. What fails fails with the transaction. */
static bool save_uses(struct aps_collecting *collecting)
{
	struct aps_partition *partition = collecting->partition;
	const uint64_t *numbers = (const uint64_t *)(const void *)collecting->uses.p;
	size_t n = collecting->uses.n / sizeof *numbers, end = collecting->n_uses_saved + MAX_USES;
	uint32_t minute = (uint32_t)(now_s(collecting) / 60);
	struct aps_err err;
	enum aps_rc rc = n != 0 ? begin_writing(collecting, &err) : APS_OK;
	for (; rc == APS_OK && collecting->n_uses_saved < n && collecting->n_uses_saved < end;
	     collecting->n_uses_saved++)
		rc = aps_rows_use(&partition->store, numbers[collecting->n_uses_saved], minute, &err);
	if (rc == APS_OK && collecting->n_uses_saved < n) return true;
	aps_buf_clear(&collecting->uses);
	collecting->n_uses_saved = 0;
	return false;
}

/* What other processes write has it begin anew: where that happens again and again, it is done in one transaction,
 * before whose end they write nothing. */
static bool takes_turn(struct aps_collecting *collecting)
{
	struct aps_err err;
	int64_t now_ms = aps_clock_mono_ms();
	bool is_due = collecting->n_resets >= MAX_RESETS && collecting->partition->vault->has_others;
	if (collecting->run != NULL || !is_due || now_ms < collecting->alone_ms) return false;
	collecting->alone_ms = now_ms + ALONE_REST_MS;
	return aps_vault_begin(collecting->partition->vault, &err) == APS_OK;
}

static void run_slice(struct aps_collecting *collecting, bool is_alone)
{
	int64_t began_ms = aps_clock_mono_ms(), end_ms = began_ms + (is_alone ? ALONE_MS : SLICE_MS);
	struct aps_err err;
	struct run *run = collecting->run;
	enum aps_rc rc = APS_OK;
	run->n_in_turn = 0;
	collecting->is_stepping = true;
	while (rc == APS_OK && run->phase != PHASE_OVER && (is_alone || run->n_in_turn + SWEEP_ROWS <= MAX_DELETIONS)) {
		rc = step(collecting, run, &err);
		if (aps_clock_mono_ms() >= end_ms) break;
	}
	collecting->is_stepping = false;
	run->worked_ms += aps_clock_mono_ms() - began_ms;
	if (collecting->is_reset)
		begin_anew(collecting);
	else if (rc != APS_OK)
		aps_vault_cope(collecting->partition->vault, &err);
	if (collecting->run == NULL) { /* the store has moved: it is collected there, from the beginning */
		if (collecting->asking != NULL) wake(collecting, 1);
		return;
	}
	if (rc != APS_OK || run->phase == PHASE_OVER)
		conclude(collecting, rc != APS_OK ? &err : NULL);
	else
		wake(collecting, collecting->asked != NULL ? 1 : PAUSE_MS);
}

static void due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms)
{
	struct aps_collecting *collecting = APS_CONTAINER_OF(timer, struct aps_collecting, timer);
	struct aps_err err;
	bool has_work = collecting->run != NULL || collecting->asking != NULL || is_above_limit(collecting) ||
	                (leads(collecting) && aps_doubting_left_ms(&collecting->doubting, now_ms) == 0);
	if (save_uses(collecting) || !has_work) {
		if (collecting->uses.n != 0) wake(collecting, PAUSE_MS);
		wake_for_doubted(collecting);
		return;
	}
	bool is_alone = takes_turn(collecting);
	if (collecting->run == NULL && !begin_run(collecting)) {
		fail_memory(&err);
		give_up(collecting, &err);
		aps_doubting_rest(&collecting->doubting, 0, false, now_ms);
		wake_for_doubted(collecting);
		return;
	}
	run_slice(collecting, is_alone);
}

struct aps_collecting *aps_collecting_new(struct aps_core *core, struct aps_client *client,
                                          struct aps_partition *partition)
{
	struct aps_collecting *collecting = aps_calloc(1, sizeof *collecting);
	if (collecting == NULL) return NULL;
	collecting->collector = (struct aps_partition_collector){wrote, committed, reset, moved};
	collecting->core = core;
	collecting->client = client;
	collecting->partition = partition;
	collecting->timer.due = due;
	aps_buf_init(&collecting->uses, MAX_USE_BYTES);
	aps_doubting_init(&collecting->doubting, partition);
	partition->collector = &collecting->collector;
	if (is_above_limit(collecting)) wake(collecting, PAUSE_MS);
	wake_for_doubted(collecting);
	return collecting;
}

void aps_collecting_free(struct aps_collecting *collecting, const struct aps_err *why)
{
	if (collecting == NULL) return;
	give_up(collecting, why);
	aps_timer_stop(&collecting->core->timers, &collecting->timer);
	aps_retentions_clear(&collecting->retentions);
	aps_doubting_clear(&collecting->doubting);
	aps_buf_clear(&collecting->uses);
	collecting->partition->collector = NULL;
	aps_free(collecting);
}

void aps_collecting_ask(struct aps_collecting *collecting, struct aps_result_event *result)
{
	append(&collecting->asking, &result->head.mail);
	aps_timer_stop(&collecting->core->timers, &collecting->timer);
	wake(collecting, 1);
}

void aps_collecting_retain(struct aps_collecting *collecting, uint64_t id, struct aps_operation *operation)
{
	if (aps_retentions_add(&collecting->retentions, id, operation)) return;
	aps_operation_clear(operation);
	aps_core_log(collecting->core, collecting->client->id, "error", "no memory for what is to be retained");
}

void aps_collecting_release(struct aps_collecting *collecting, uint64_t id)
{
	aps_retentions_remove(&collecting->retentions, id);
}

/* More than fits is as good as unused. */
void aps_collecting_use(struct aps_collecting *collecting, const uint64_t *numbers, size_t n)
{
	if (collecting->partition->max_disk_bytes == 0 || n == 0) return;
	aps_buf_add(&collecting->uses, numbers, n * sizeof *numbers);
	collecting->uses.rc = APS_OK;
	wake(collecting, PAUSE_MS);
}

enum aps_rc aps_collecting_doubt(struct aps_collecting *collecting, const uint64_t *numbers, size_t n,
                                 struct aps_err *err)
{
	return n != 0 ? aps_doubting_add(&collecting->doubting, numbers, n, err) : APS_OK;
}

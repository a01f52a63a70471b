/* A read takes what it can from memory. The first thing that isn't there opens a view of the store: a read transaction.
 * Where that shows a newer generation than the read began with, the read starts again, wholly inside the view:
 *
 *   memory --miss--> view opened --same generation--> goes on
 *                        |
 *                        +--newer--> what has changed is forgotten, the read starts again in the same view
 *
 * What changes is announced before it is committed, so that the announcements up to a generation that can be seen are
 * all there.
 *
 * The own edits lie between that and its optimistic layers, own layers above (client/overlay.h). They are hidden before
 * what lies below changes, and those that haven't been committed by then are made anew: what they made of it before
 * says nothing any more.
 *
 * Where the store moves to another place (client/store_place.h), nothing that is in memory holds, and what is done
 * starts again there. Where a store can't be read there is nothing; of damage the core is told. */
#include "client/reader.h"

#include "base/mem.h"
#include "cache/field_text.h"
#include "cache/freshness.h"
#include "cache/number_set.h"
#include "client/covered_row.h"
#include "client/overlay.h"
#include "client/question.h"
#include "client/recent.h"
#include "client/row_limit.h"
#include "client/sight.h"
#include "client/uses.h"
#include "store/counters.h"
#include "store/layer_store.h"

#include <string.h>

#define MAX_BYTES ((size_t)32 * 1024 * 1024)
#define FRAME_MS  12   /* no read waits longer for who has the store alone */
#define CHANGE_MS 2000 /* whoever changes what is there does: it is rare, and nothing is lost for it */
#define MAX_MOVES 4    /* of the store, in the middle of something */

struct aps_reader {
	char *path, *prefix, *identity;
	const struct aps_policies *policies;
	struct aps_channel *channel;
	struct aps_sight sight;
	struct aps_cache cache;
	struct aps_overlay overlay;
	struct aps_entry_backing backing; /* of the entries: the store's, seen through a view */
	struct aps_read_source source;
	uint64_t seen, named; /* the generations of what is in memory, and whose names are known */
	uint64_t n_renamings; /* how often names have got other numbers */
	uint64_t n_changes;   /* how often what reads show may have changed, the overlay's aside */
	uint64_t last_answer; /* a number */
	struct aps_recent recent;
	struct aps_covered_row row; /* that was read last, where layers are */
	bool is_viewing, must_restart;
	bool has_layers;               /* what the view shows */
	bool is_below;                 /* reads don't look at layers */
	bool expires;                  /* some type does */
	struct aps_number_set covered; /* of what is in memory that which layers change */
	uint64_t viewed;               /* the generation of the view */
	bool is_blind;    /* the store can't be read now: there is what was in memory, and what was written here */
	bool has_moved;   /* the store, since this began */
	bool has_damage;  /* that nobody was told of */
	uint64_t damaged; /* the place where it was met */
	struct aps_kept_read written; /* what responses were written for last */
	struct aps_uses uses;
	struct aps_row_limit limit;
	uint64_t n_clears, n_ended_clears; /* asked for, and over: in between nothing is there */
};

static void init_entries(struct aps_reader *reader)
{
	aps_entries_init(&reader->cache.entries, aps_channel_seed(reader->channel), &reader->backing);
	reader->cache.entries.own_last_number = APS_OVERLAY_LAST_NUMBER;
}

static void forget_all(struct aps_reader *reader)
{
	reader->n_changes++;
	aps_entries_clear(&reader->cache.entries);
	aps_number_set_clear(&reader->covered);
	aps_recent_clear(&reader->recent);
	init_entries(reader);
}

static bool is_clearing(const struct aps_reader *reader)
{
	return reader->n_ended_clears < reader->n_clears;
}

/* Memory becomes that of this generation; the own edits that it contains are no more. */
static void advance(struct aps_reader *reader, uint64_t generation)
{
	struct aps_buf changed;
	uint64_t edits;
	if (generation <= reader->seen) return;
	reader->n_changes++;
	aps_overlay_hide(&reader->overlay);
	aps_entries_forget_absent(&reader->cache.entries);
	aps_buf_init(&changed, APS_BUF_ANY_SIZE);
	if (aps_channel_fetch(reader->channel, generation, &changed, &edits)) {
		const struct aps_channel_change *changes = (const struct aps_channel_change *)(const void *)changed.p;
		for (size_t i = 0; i < changed.n / sizeof *changes; i++) {
			aps_entries_forget_number(&reader->cache.entries, changes[i].entry);
			aps_recent_note(&reader->recent, &changes[i]);
		}
	} else {
		forget_all(reader);
	}
	aps_buf_clear(&changed);
	aps_overlay_drop(&reader->overlay, edits);
	reader->seen = generation;
}

static void forget_names(struct aps_reader *reader)
{
	aps_names_clear(&reader->cache.names);
	aps_names_init(&reader->cache.names, 0);
	reader->n_renamings++;
	aps_uses_forget(&reader->uses);
}

/* What was in memory in between was of the application alone. */
static void end_clears(struct aps_reader *reader)
{
	bool was_clearing = is_clearing(reader);
	reader->n_ended_clears = aps_channel_ended_clears(reader->channel);
	if (!was_clearing || is_clearing(reader)) return;
	aps_overlay_hide(&reader->overlay);
	forget_all(reader);
}

/* To where the store is. */
static void follow_place(struct aps_reader *reader, uint64_t place)
{
	if (place == reader->sight.place) return;
	aps_overlay_hide(&reader->overlay);
	aps_sight_wake(&reader->sight, reader->channel);
	aps_sight_close(&reader->sight, place);
	forget_all(reader);
	forget_names(reader);
	reader->seen = reader->named = 0;
}

/* What is decided, and which clears are over, was asked for before: it is in that generation, or nowhere. */
static enum aps_rc catch_up(struct aps_reader *reader, struct aps_err *err)
{
	uint64_t place, generation, decided = aps_channel_decided(reader->channel);
	end_clears(reader);
	do {
		place = aps_channel_place(reader->channel);
		generation = aps_channel_generation(reader->channel);
	} while (place != aps_channel_place(reader->channel));
	follow_place(reader, place);
	advance(reader, generation);
	aps_overlay_drop(&reader->overlay, decided);
	return aps_overlay_show(&reader->overlay, err);
}

/* Names that the store has got since they were read last. False: numbers that were lent are in the way. */
static bool follow(struct aps_reader *reader, bool *is_same, enum aps_rc *rc, struct aps_err *err)
{
	uint32_t n_names = reader->cache.names.n_names;
	uint64_t generation;
	*is_same = true;
	if (reader->named >= reader->viewed) return true;
	if (aps_names_has_lent(&reader->cache.names)) return false;
	aps_names_take_back(&reader->cache.names);
	*rc = aps_cache_store_follow(&reader->sight.store, &reader->cache, &generation, err);
	if (reader->overlay.is_shown) aps_names_lend(&reader->cache.names);
	*is_same = reader->cache.names.n_names == n_names;
	if (*rc == APS_OK) reader->named = generation;
	return true;
}

static void end_view(struct aps_reader *reader)
{
	if (reader->is_viewing) aps_sight_end(&reader->sight);
	reader->is_viewing = false;
}

/* Until the first statement that reads the store nobody knows whether it can be read now. */
static enum aps_rc look(struct aps_reader *reader, struct aps_err *err)
{
	enum aps_rc rc = aps_sight_begin(&reader->sight, err);
	if (rc != APS_OK) return rc;
	reader->is_viewing = true;
	rc = aps_counters_generation(reader->sight.db, &reader->viewed, err);
	if (rc != APS_OK) end_view(reader);
	return rc;
}

/* E_CANCELLED: what is done has to start again. */
static enum aps_rc view(struct aps_reader *reader, bool *is_there, struct aps_err *err)
{
	bool is_same;
	struct aps_err unwanted;
	if (err == NULL) err = &unwanted;
	*is_there = reader->is_viewing;
	if (reader->is_viewing || reader->is_blind || is_clearing(reader)) return APS_OK;
	const struct aps_sight_owner owner = {reader->path, reader->prefix, reader->identity};
	aps_sight_wake(&reader->sight, reader->channel);
	if (reader->sight.db == NULL)
		aps_sight_take(&reader->sight, aps_channel_take_lent(reader->channel, reader->sight.place));
	enum aps_rc rc = aps_sight_open(&reader->sight, &owner, is_there, err);
	if (rc == APS_OK && *is_there) rc = look(reader, err);
	if (aps_sight_forgive_locked(rc, err)) rc = APS_OK;
	/* what isn't there at first stays away until the end, so that all of it is of one moment */
	*is_there = reader->is_viewing;
	reader->is_blind = rc == APS_OK && !reader->is_viewing;
	if (rc != APS_OK || reader->is_blind) return rc;
	/* until this place is left nothing is written to what lies below it: both views are of one moment */
	reader->has_moved = aps_channel_place(reader->channel) != reader->sight.place;
	if (reader->has_moved) return aps_fail(err, APS_E_CANCELLED, "the store has moved");
	rc = aps_layer_store_has_any(reader->sight.db, &reader->has_layers, err);
	if (rc != APS_OK) return rc;
	if (reader->viewed <= reader->seen && follow(reader, &is_same, &rc, err) && (rc != APS_OK || is_same))
		return rc;
	reader->must_restart = true;
	return aps_fail(err, APS_E_CANCELLED, "the store has moved on");
}

/* Memory becomes what the view shows. */
static enum aps_rc enter_view(struct aps_reader *reader, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	reader->must_restart = false;
	aps_overlay_hide(&reader->overlay);
	bool is_same = !aps_channel_is_foreign(reader->channel, reader->viewed);
	advance(reader, reader->viewed);
	if (!is_same) rc = aps_cache_store_is_same(&reader->sight.store, &is_same, err);
	if (!is_same) forget_names(reader);
	if (rc == APS_OK) follow(reader, &is_same, &rc, err);
	if (rc == APS_OK) rc = aps_layer_store_has_any(reader->sight.db, &reader->has_layers, err);
	return rc == APS_OK ? aps_overlay_show(&reader->overlay, err) : rc;
}

static struct aps_reader *of(struct aps_entry_backing *backing)
{
	return APS_CONTAINER_OF(backing, struct aps_reader, backing);
}

/* What layers make of a row. Others may be read for that, and take the store's row away: this one is kept. */
static enum aps_rc cover(struct aps_reader *reader, struct aps_entry_row *row, struct aps_err *err)
{
	struct aps_covered_row kept;
	struct aps_str key = row->key, content = row->content;
	aps_covered_row_init(&kept, key, content);
	reader->sight.store.backing.done(&reader->sight.store.backing);
	enum aps_rc rc =
	        kept.text.rc == APS_OK ? APS_OK : aps_fail(err, APS_E_NOMEM, "no memory for an optimistic layer");
	bool is_covered = false;
	if (rc == APS_OK && reader->is_below)
		rc = aps_layer_store_covers(reader->sight.db, row->number, &is_covered, err);
	else if (rc == APS_OK)
		rc = aps_layer_store_read(reader->sight.db, row->number, &kept.patches, err);
	if (kept.patches.n != 0) is_covered = true;
	if (rc == APS_OK && is_covered && !aps_number_set_add(&reader->covered, row->number, NULL))
		rc = aps_fail(err, APS_E_NOMEM, "no memory for an optimistic layer");
	row->key = rc == APS_OK ? (struct aps_str){kept.text.p, key.n} : APS_STR("");
	row->content = rc == APS_OK ? (struct aps_str){kept.text.p + key.n, content.n} : APS_STR("");
	if (rc == APS_OK && kept.patches.n != 0) rc = aps_covered_row_apply(&kept, &reader->cache.entries, row, err);
	aps_covered_row_clear(&reader->row);
	reader->row = kept;
	return rc;
}

/* The store has none of this key. If the core has just written it, and it is there by its number, the index is bad. */
static enum aps_rc check_absent(struct aps_reader *reader, struct aps_str key, struct aps_err *err)
{
	struct aps_entry_row row = {.number = 0};
	struct aps_entry_backing *store = &reader->sight.store.backing;
	uint64_t number = aps_recent_find(&reader->recent, aps_entries_hash(&reader->cache.entries, key));
	if (number == 0) return APS_OK;
	enum aps_rc rc = store->load(store, number, &row, err);
	bool is_there = rc == APS_OK && row.number != 0 && aps_str_eq(row.key, key);
	store->done(store);
	if (!is_there) return rc;
	return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "a record isn't found in the store by its key");
}

static enum aps_rc find(struct aps_entry_backing *backing, struct aps_str key, struct aps_entry_row *row,
                        struct aps_err *err)
{
	struct aps_reader *reader = of(backing);
	bool is_there;
	enum aps_rc rc = view(reader, &is_there, err);
	if (rc == APS_OK && is_there) rc = aps_row_limit_check(&reader->limit, err);
	if (rc != APS_OK || !is_there) return rc;
	rc = reader->sight.store.backing.find(&reader->sight.store.backing, key, row, err);
	if (rc == APS_OK) aps_row_limit_count(&reader->limit, row);
	if (rc == APS_OK && row->number == 0) return check_absent(reader, key, err);
	if (rc != APS_OK || !reader->has_layers) return rc;
	rc = cover(reader, row, err);
	row->key = key;
	return rc;
}

static enum aps_rc load(struct aps_entry_backing *backing, uint64_t number, struct aps_entry_row *row,
                        struct aps_err *err)
{
	struct aps_reader *reader = of(backing);
	bool is_there;
	enum aps_rc rc = view(reader, &is_there, err);
	if (rc == APS_OK && is_there) rc = aps_row_limit_check(&reader->limit, err);
	if (rc != APS_OK || !is_there) return rc;
	rc = reader->sight.store.backing.load(&reader->sight.store.backing, number, row, err);
	if (rc == APS_OK) aps_row_limit_count(&reader->limit, row);
	if (rc != APS_OK || row->number == 0 || !reader->has_layers) return rc;
	return cover(reader, row, err);
}

static void done(struct aps_entry_backing *backing)
{
	struct aps_reader *reader = of(backing);
	if (reader->is_viewing) reader->sight.store.backing.done(&reader->sight.store.backing);
}

static enum aps_rc list(struct aps_entry_backing *backing, struct aps_str prefix, struct aps_buf *numbers,
                        struct aps_err *err)
{
	struct aps_reader *reader = of(backing);
	bool is_there;
	enum aps_rc rc = view(reader, &is_there, err);
	if (rc == APS_OK && is_there)
		rc = reader->sight.store.backing.list(&reader->sight.store.backing, prefix, numbers, err);
	return rc;
}

static enum aps_rc source_at(struct aps_read_source *source, uint64_t number, struct aps_str *content,
                             struct aps_err *err)
{
	struct aps_reader *reader = APS_CONTAINER_OF(source, struct aps_reader, source);
	struct aps_entry *entry;
	enum aps_rc rc = aps_entries_at(&reader->cache.entries, number, &entry, err);
	*content = aps_entry_shown(entry);
	source->is_absent = entry == NULL && reader->is_viewing;
	source->is_optimistic = entry != NULL && entry->layered != NULL;
	if (rc == APS_OK && entry != NULL) aps_uses_note(&reader->uses, entry->number);
	return rc;
}

static enum aps_rc source_find(struct aps_read_source *source, struct aps_str key, uint64_t *number,
                               struct aps_str *content, struct aps_err *err)
{
	struct aps_reader *reader = APS_CONTAINER_OF(source, struct aps_reader, source);
	struct aps_entry *entry;
	enum aps_rc rc = aps_entries_find(&reader->cache.entries, key, &entry, err);
	*number = entry != NULL ? entry->number : 0;
	*content = aps_entry_shown(entry);
	source->is_optimistic = entry != NULL && entry->layered != NULL;
	if (rc == APS_OK && entry != NULL) aps_uses_note(&reader->uses, entry->number);
	return rc;
}

struct aps_reader *aps_reader_new(const char *path, const char *prefix, const char *identity,
                                  const struct aps_policies *policies, struct aps_channel *channel, struct aps_err *err)
{
	struct aps_reader *reader = aps_calloc(1, sizeof *reader);
	if (reader == NULL) {
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return NULL;
	}
	reader->path = aps_strndup(path, strlen(path));
	reader->prefix = aps_strndup(prefix, strlen(prefix));
	reader->identity = aps_strndup(identity, strlen(identity));
	reader->policies = policies;
	reader->expires = aps_freshness_counts_at_all(policies);
	reader->channel = aps_channel_ref(channel);
	reader->backing = (struct aps_entry_backing){find, load, done, list};
	reader->source = (struct aps_read_source){.at = source_at, .find = source_find};
	init_entries(reader);
	aps_names_init(&reader->cache.names, 0);
	aps_overlay_init(&reader->overlay, &reader->cache, policies);
	aps_uses_init(&reader->uses);
	if (reader->path != NULL && reader->prefix != NULL && reader->identity != NULL) return reader;
	aps_reader_free(reader);
	aps_fail(err, APS_E_NOMEM, "out of memory");
	return NULL;
}

void aps_reader_free(struct aps_reader *reader)
{
	if (reader == NULL) return;
	end_view(reader);
	aps_overlay_clear(&reader->overlay);
	aps_sight_wake(&reader->sight, reader->channel);
	aps_sight_close(&reader->sight, 0);
	aps_entries_clear(&reader->cache.entries);
	aps_names_clear(&reader->cache.names);
	aps_uses_clear(&reader->uses);
	aps_kept_read_clear(&reader->written);
	aps_number_set_clear(&reader->covered);
	aps_covered_row_clear(&reader->row);
	aps_channel_unref(reader->channel);
	aps_free(reader->path);
	aps_free(reader->prefix);
	aps_free(reader->identity);
	aps_free(reader);
}

/* Something that is done with what is in memory, once or twice. */
struct job {
	enum aps_rc (*run)(struct aps_reader *reader, struct job *job, struct aps_err *err); /* NULL: nothing */
	const struct aps_operation *operation;
	struct aps_kept_read *kept; /* in its place, with these: */
	struct aps_str variables;
	struct aps_binding once, *binding;
	const struct aps_read_options *options;
	struct aps_read_result *result;
	struct aps_str key, field;
	struct aps_buf *text;
	bool must_see; /* what comes of it is written */
	aps_reader_look *look;
	void *context;
};

/* The core meets the same, says so, and puts the store where it can be read; damage it may not have met. */
static void note_failure(struct aps_reader *reader, enum aps_rc rc, const struct aps_err *err)
{
	if (rc != APS_E_STORAGE || err->word == NULL || strcmp(err->word, "corrupt") != 0) return;
	reader->has_damage = true;
	reader->damaged = reader->sight.place;
}

/* E_CANCELLED: the store has moved meanwhile. */
static enum aps_rc run_here(struct aps_reader *reader, struct job *job, struct aps_err *err)
{
	reader->has_moved = reader->is_blind = false;
	reader->sight.patience_ms = job->must_see ? CHANGE_MS : FRAME_MS;
	enum aps_rc rc = catch_up(reader, err);
	if (rc == APS_OK && job->run != NULL) rc = job->run(reader, job, err);
	if (rc == APS_E_CANCELLED && reader->must_restart) {
		rc = enter_view(reader, err);
		if (rc == APS_OK && job->run != NULL) rc = job->run(reader, job, err);
	}
	reader->must_restart = false;
	end_view(reader);
	note_failure(reader, rc, err);
	/* what a store lacks that isn't there, or can't be read now, it may have when it can */
	if (reader->sight.db == NULL || reader->is_blind) {
		aps_overlay_hide(&reader->overlay);
		forget_all(reader);
	}
	aps_entries_trim(&reader->cache.entries, MAX_BYTES);
	aps_sight_rest(&reader->sight, reader->channel);
	return rc;
}

static enum aps_rc run(struct aps_reader *reader, struct job *job, struct aps_err *err)
{
	enum aps_rc rc = APS_E_CANCELLED;
	for (int i = 0; i < MAX_MOVES && rc == APS_E_CANCELLED && (i == 0 || reader->has_moved); i++)
		rc = run_here(reader, job, err);
	return rc;
}

static enum aps_rc bind_once(struct aps_reader *reader, struct job *job, struct aps_err *err)
{
	const struct aps_operation *operation = job->operation;
	job->once = (struct aps_binding){.policies = reader->policies, .names = &reader->cache.names};
	job->binding = &job->once;
	return aps_binding_init(&job->once, operation->document, operation->definition,
	                        aps_operation_variables(operation), err);
}

static enum aps_rc bind_job(struct aps_reader *reader, struct job *job, struct aps_err *err)
{
	if (job->kept == NULL) return bind_once(reader, job, err);
	job->binding = &job->kept->binding;
	const struct aps_kept_read_names names = {reader->policies, &reader->cache.names, reader->n_renamings};
	return aps_kept_read_bind(job->kept, &names, job->variables, err);
}

static void unbind_job(struct job *job)
{
	if (job->kept == NULL) aps_binding_clear(&job->once);
}

static void begin_result(struct job *job)
{
	if (job->kept != NULL) aps_kept_read_let_go(job->kept);
	aps_read_result_reset(job->result);
}

/* Time counts where records expire, and uses are noted once a minute. */
static struct aps_kept_moment moment_of(const struct aps_reader *reader, int64_t now_s)
{
	int64_t now = reader->expires ? now_s : reader->uses.is_noting ? now_s / 60 + 1 : 1;
	return (struct aps_kept_moment){reader->n_changes + reader->overlay.n_showings, now_s != 0 ? now : 0};
}

/* Names have other numbers where the store has moved to. */
static enum aps_rc read_once(struct aps_reader *reader, struct job *job, struct aps_err *err)
{
	enum aps_rc rc = bind_job(reader, job, err);
	const struct aps_kept_moment moment = moment_of(reader, job->options->now_s);
	if (rc == APS_OK && job->kept != NULL && aps_kept_read_holds(job->kept, &moment, job->options)) return APS_OK;
	begin_result(job);
	aps_row_limit_begin(&reader->limit);
	if (rc == APS_OK) rc = aps_denormalize(&reader->source, job->binding, job->options, job->result, err);
	aps_row_limit_end(&reader->limit);
	if (rc == APS_OK && job->kept != NULL && !reader->is_blind)
		aps_kept_read_keep(job->kept, &moment, job->options, ++reader->last_answer);
	unbind_job(job);
	return rc;
}

/* What can't be read is missing, and what was read with it, which may be as wrong: there is what was written here. */
static enum aps_rc read_blindly(struct aps_reader *reader, struct job *job, struct aps_err *err)
{
	aps_overlay_hide(&reader->overlay);
	forget_all(reader);
	reader->is_blind = true;
	enum aps_rc rc = aps_overlay_show(&reader->overlay, err);
	if (rc == APS_OK) rc = read_once(reader, job, err);
	aps_overlay_hide(&reader->overlay);
	forget_all(reader);
	reader->is_blind = false;
	return rc;
}

static enum aps_rc read_job(struct aps_reader *reader, struct job *job, struct aps_err *err)
{
	aps_uses_begin_minute(&reader->uses, job->options->now_s / 60);
	enum aps_rc rc = run(reader, job, err);
	return rc == APS_E_STORAGE || rc == APS_E_CANCELLED ? read_blindly(reader, job, err) : rc;
}

void aps_reader_limit_rows(struct aps_reader *reader, size_t max_rows)
{
	reader->limit.max = max_rows;
}

enum aps_rc aps_reader_read(struct aps_reader *reader, const struct aps_operation *operation,
                            const struct aps_read_options *options, struct aps_read_result *result, struct aps_err *err)
{
	struct job job = {.run = read_once, .operation = operation, .options = options, .result = result};
	return read_job(reader, &job, err);
}

enum aps_rc aps_reader_read_again(struct aps_reader *reader, struct aps_kept_read *kept, struct aps_str variables,
                                  const struct aps_read_options *options, struct aps_err *err)
{
	struct job job = {.run = read_once, .kept = kept, .options = options, .result = &kept->result};
	job.variables = variables.n != 0 ? variables : APS_STR("{}");
	return read_job(reader, &job, err);
}

/* What lies over a file in memory has no tables but the cache's. */
static enum aps_rc look_inside(struct aps_reader *reader, struct job *job, struct aps_err *err)
{
	bool is_there;
	enum aps_rc rc = view(reader, &is_there, err);
	struct aps_db *db = reader->sight.base != NULL ? reader->sight.base : reader->sight.db;
	return rc == APS_OK && is_there ? job->look(job->context, db, err) : rc;
}

enum aps_rc aps_reader_look_inside(struct aps_reader *reader, aps_reader_look *fn, void *context, struct aps_err *err)
{
	struct job job = {.run = look_inside, .look = fn, .context = context};
	return run(reader, &job, err);
}

bool aps_reader_take_damage(struct aps_reader *reader, uint64_t *place)
{
	*place = reader->damaged;
	if (!reader->has_damage) return false;
	reader->has_damage = false;
	return true;
}

enum aps_rc aps_reader_complete(struct aps_reader *reader, const struct aps_operation *operation, struct aps_str type,
                                struct aps_str data, struct aps_buf *out, struct aps_err *err)
{
	const struct aps_kept_read_names names = {reader->policies, &reader->cache.names, reader->n_renamings};
	aps_kept_read_turn_to(&reader->written, operation->document, operation->definition);
	enum aps_rc rc = aps_kept_read_bind(&reader->written, &names, aps_operation_variables(operation), err);
	return rc == APS_OK ? aps_kept_read_complete(&reader->written, type, data, out, err) : rc;
}

enum aps_rc aps_reader_scan(struct aps_reader *reader, const struct aps_operation *operation, struct aps_str data,
                            struct aps_asked *asked, struct aps_err *err)
{
	return aps_question_scan(asked, operation, reader->policies, &reader->cache.names, data, err);
}

const struct aps_entries *aps_reader_entries(const struct aps_reader *reader)
{
	return &reader->cache.entries;
}

void aps_reader_note_uses(struct aps_reader *reader)
{
	reader->uses.is_noting = true;
}

size_t aps_reader_take_used(struct aps_reader *reader, int64_t now_s, uint64_t *numbers, size_t max)
{
	return aps_uses_take(&reader->uses, now_s, numbers, max);
}

void aps_reader_clear(struct aps_reader *reader)
{
	reader->n_clears++;
	aps_overlay_clear(&reader->overlay);
	forget_all(reader);
}

void aps_reader_take_back_clear(struct aps_reader *reader)
{
	reader->n_clears--;
	aps_overlay_hide(&reader->overlay);
	forget_all(reader);
}

void aps_reader_look_below(struct aps_reader *reader, bool is_below)
{
	uint64_t number = 0;
	if (reader->is_below == is_below) return;
	reader->n_changes++;
	reader->is_below = reader->overlay.is_below = is_below;
	if (aps_overlay_has_hopes(&reader->overlay) || reader->covered.n_members != 0)
		aps_overlay_hide(&reader->overlay);
	while ((number = aps_number_set_next(&reader->covered, number)) != 0)
		aps_entries_forget_number(&reader->cache.entries, number);
	aps_number_set_clear(&reader->covered);
}

void aps_reader_hope(struct aps_reader *reader, bool hopes)
{
	reader->overlay.hopes = hopes;
}

static enum aps_rc show_field(struct aps_reader *reader, struct job *job, struct aps_err *err)
{
	aps_buf_reset(job->text);
	return aps_field_text(job->text, &reader->cache, job->key, job->field, err);
}

enum aps_rc aps_reader_field(struct aps_reader *reader, struct aps_str key, struct aps_str field, struct aps_buf *out,
                             struct aps_err *err)
{
	struct job job = {.run = show_field, .key = key, .field = field, .text = out, .must_see = true};
	enum aps_rc rc = run(reader, &job, err);
	if (rc != APS_E_STORAGE) return rc;
	aps_buf_reset(out);
	aps_buf_add_text(out, "[]"); /* nothing is there */
	return out->rc == APS_OK ? APS_OK : aps_fail(err, out->rc, "no memory for a field of the cache");
}

/* They are shown before anything is done. */
static enum aps_rc show_edits(struct aps_reader *reader, struct aps_err *err)
{
	return run(reader, &(struct job){.must_see = true}, err);
}

enum aps_rc aps_reader_edit(struct aps_reader *reader, const struct aps_edit_what *what, struct aps_err *err)
{
	if (!aps_overlay_add(&reader->overlay, what))
		return aps_fail(err, APS_E_NOMEM, "no memory for what is written into the cache");
	aps_overlay_drop(&reader->overlay, aps_channel_decided(reader->channel)); /* perhaps nobody ever reads */
	enum aps_rc rc = aps_edit_is_sure(what) ? APS_OK : show_edits(reader, err);
	if (rc == APS_OK || rc == APS_E_STORAGE) return APS_OK; /* it is shown where the store moves to */
	aps_overlay_drop_last(&reader->overlay);
	return rc;
}

uint64_t aps_reader_close_edits(struct aps_reader *reader, struct aps_edits **edits)
{
	return aps_overlay_close(&reader->overlay, edits);
}

bool aps_reader_has_open_edits(struct aps_reader *reader)
{
	return aps_overlay_has_open_edits(&reader->overlay);
}

struct aps_edits *aps_reader_take_back(struct aps_reader *reader)
{
	return aps_overlay_take_back(&reader->overlay);
}

uint64_t aps_reader_generation(const struct aps_reader *reader)
{
	return reader->seen;
}

size_t aps_reader_count_changes(struct aps_reader *reader)
{
	struct aps_err unwanted;
	(void)show_edits(reader, &unwanted);
	return reader->overlay.changes.n / sizeof(struct aps_change);
}

void aps_reader_changes_since(struct aps_reader *reader, size_t n_before, struct aps_buf *out)
{
	(void)aps_reader_count_changes(reader); /* they are shown */
	aps_overlay_changes_since(&reader->overlay, n_before, out);
}

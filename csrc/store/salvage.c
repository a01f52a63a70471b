#include "store/salvage.h"

#include "store/dead_letters.h"
#include "store/id_map.h"
#include "store/log_end.h"
#include "store/outbox_facts.h"
#include "store/outbox_number.h"
#include "store/outbox_rows.h"
#include "store/outcomes.h"
#include "store/owners.h"
#include "store/row_walk.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SPARE_NUMBERS (INT64_C(1) << 20) /* that may have been given, where nobody knows the last one */

struct owner_pair {
	int64_t from, to;
};

struct salvaging {
	struct aps_db *from, *to;
	struct aps_salvage *result;
	struct aps_buf owners; /* of struct owner_pair */
	struct aps_map ended;  /* numbers of mutations that have their outcome */
	int64_t last_number;
	bool knows_last; /* the counter could be read */
	unsigned facts;
	struct aps_outbox_row row;
	struct aps_dead_letter letter;
	struct aps_kept_outcome outcome;
	struct aps_id_made pair;
};

static size_t n_owners(const struct salvaging *in)
{
	return in->owners.n / sizeof(struct owner_pair);
}

static const struct owner_pair *owner_at(const struct salvaging *in, size_t i)
{
	return (const struct owner_pair *)(const void *)in->owners.p + i;
}

/* 0: it isn't known. */
static int64_t owner_of(const struct salvaging *in, int64_t from)
{
	for (size_t i = 0; i < n_owners(in); i++)
		if (owner_at(in, i)->from == from) return owner_at(in, i)->to;
	return 0;
}

static void note_number(struct salvaging *in, int64_t number)
{
	if (number > in->last_number) in->last_number = number;
}

/* A damaged page may hold what a table held once: what has ended isn't queued, whoever says so. */
static enum aps_rc note_end(struct salvaging *in, int64_t entry, struct aps_err *err)
{
	note_number(in, entry);
	bool is_noted = aps_map_set(&in->ended, (struct aps_str){(const char *)&entry, sizeof entry}, in);
	return is_noted ? APS_OK : aps_fail(err, APS_E_NOMEM, "no memory to read a damaged store");
}

static bool has_ended(const struct salvaging *in, int64_t entry)
{
	return aps_map_get(&in->ended, (struct aps_str){(const char *)&entry, sizeof entry}) != NULL;
}

static enum aps_rc has_row(struct aps_db *db, const char *sql, int64_t id, bool *is_there, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, sql, err);
	aps_query_int(&query, id);
	*is_there = aps_query_row(&query);
	return aps_query_end(&query);
}

/* A row was read of the damaged file; APS_OK with *is_whole false: it is damaged. */
static enum aps_rc judge(enum aps_rc read, bool *is_whole)
{
	*is_whole = read == APS_OK;
	return read == APS_E_NOMEM ? read : APS_OK;
}

static enum aps_rc see_owner(struct aps_row_walk *walk, struct aps_stmt *stmt, bool *is_whole, struct aps_err *err)
{
	struct salvaging *in = walk->context;
	struct owner_pair pair = {.from = aps_stmt_column_int(stmt, 0)};
	struct aps_str prefix = aps_stmt_column_str(stmt, 1), identity = aps_stmt_column_str(stmt, 2);
	*is_whole = aps_stmt_column_int(stmt, 3) == aps_owners_sum(pair.from, prefix, identity);
	if (!*is_whole || owner_of(in, pair.from) != 0) return APS_OK;
	enum aps_rc rc = aps_owners_make(in->to, prefix, identity, &pair.to, err);
	if (rc != APS_OK) return rc;
	aps_buf_add(&in->owners, &pair, sizeof pair);
	in->result->owners.n_copied++;
	return in->owners.rc == APS_OK ? APS_OK : aps_fail(err, APS_E_NOMEM, "no memory to read a damaged store");
}

static enum aps_rc see_entry(struct aps_row_walk *walk, struct aps_stmt *stmt, bool *is_whole, struct aps_err *err)
{
	struct salvaging *in = walk->context;
	struct aps_outbox_entry *entry = &in->row.entry;
	bool is_there = false;
	enum aps_rc rc = judge(aps_outbox_read_entry(stmt, &in->row, err), is_whole);
	if (rc != APS_OK || !*is_whole) return rc;
	note_number(in, aps_entry_number(entry->id));
	int64_t owner = owner_of(in, aps_entry_owner(entry->id));
	*is_whole = owner != 0;
	if (owner == 0) return APS_OK;
	entry->id = aps_entry_id_of(entry->id, owner);
	rc = has_row(in->to, "SELECT 1 FROM outbox WHERE id = ?1", entry->id, &is_there, err);
	if (rc != APS_OK || is_there || has_ended(in, aps_entry_number(entry->id))) return rc;
	in->result->outbox.n_copied++;
	return aps_outbox_insert(in->to, entry, err);
}

static enum aps_rc see_delivery(struct aps_row_walk *walk, struct aps_stmt *stmt, bool *is_whole, struct aps_err *err)
{
	struct salvaging *in = walk->context;
	struct aps_delivery_row *delivery = &in->row.delivery;
	struct aps_row_texts texts;
	bool has_entry = false, is_there = false;
	int64_t from = aps_stmt_column_int(stmt, 0), id = aps_entry_id_of(from, owner_of(in, aps_entry_owner(from)));
	aps_row_texts_init(&texts, &in->row.texts, stmt);
	aps_delivery_take(&texts, 1, delivery);
	enum aps_rc rc = aps_row_texts_finish(&texts, err);
	if (rc != APS_OK) return rc;
	*is_whole = aps_stmt_column_int(stmt, 1 + APS_DELIVERY_N_COLUMNS) == aps_delivery_sum(from, delivery);
	if (!*is_whole) return APS_OK;
	rc = has_row(in->to, "SELECT 1 FROM outbox WHERE id = ?1", id, &has_entry, err);
	if (rc == APS_OK) rc = has_row(in->to, "SELECT 1 FROM delivery WHERE id = ?1", id, &is_there, err);
	if (rc != APS_OK || !has_entry || is_there) return rc;
	in->result->deliveries.n_copied++;
	return aps_delivery_save(in->to, id, delivery, err);
}

static enum aps_rc see_letter(struct aps_row_walk *walk, struct aps_stmt *stmt, bool *is_whole, struct aps_err *err)
{
	struct salvaging *in = walk->context;
	struct aps_outbox_entry *entry = &in->letter.entry;
	bool is_there = false;
	enum aps_rc rc = judge(aps_dead_letters_read(stmt, &in->letter, err), is_whole);
	if (rc != APS_OK || !*is_whole) return rc;
	rc = note_end(in, aps_entry_number(entry->id), err);
	if (rc != APS_OK) return rc;
	int64_t owner = owner_of(in, aps_entry_owner(entry->id));
	*is_whole = owner != 0;
	if (owner == 0) return APS_OK;
	entry->id = aps_entry_id_of(entry->id, owner);
	rc = has_row(in->to, "SELECT 1 FROM dead_letter WHERE id = ?1", entry->id, &is_there, err);
	if (rc != APS_OK || is_there) return rc;
	in->result->dead_letters.n_copied++;
	return aps_dead_letters_insert(in->to, entry, &in->letter.death, err);
}

static enum aps_rc see_outcome(struct aps_row_walk *walk, struct aps_stmt *stmt, bool *is_whole, struct aps_err *err)
{
	struct salvaging *in = walk->context;
	struct aps_kept_outcome *outcome = &in->outcome;
	bool is_there = false;
	enum aps_rc rc = judge(aps_outcomes_read(stmt, outcome, err), is_whole);
	if (rc != APS_OK || !*is_whole) return rc;
	note_number(in, outcome->number);
	rc = note_end(in, outcome->entry, err);
	if (rc != APS_OK || outcome->is_told) return rc;
	outcome->owner = owner_of(in, outcome->owner);
	*is_whole = outcome->owner != 0;
	if (outcome->owner == 0) return APS_OK;
	rc = has_row(in->to, "SELECT 1 FROM outcome WHERE number = ?1", outcome->number, &is_there, err);
	if (rc != APS_OK || is_there) return rc;
	in->result->outcomes.n_copied++;
	return aps_outcomes_insert(in->to, outcome, err);
}

/* What is between both ends is in the lanes of those that are known, and no higher than the last number. */
static enum aps_rc walk_lanes(struct salvaging *in, struct aps_row_walk *walk, struct aps_entry_range gap,
                              struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	int64_t n_before = walk->n_stretches;
	for (size_t i = 0; rc == APS_OK && i < n_owners(in) * APS_ENTRY_MODE_COUNT; i++) {
		int64_t owner = owner_at(in, i / APS_ENTRY_MODE_COUNT)->from;
		struct aps_entry_range lane = aps_entry_lane(owner, (enum aps_entry_mode)(i % APS_ENTRY_MODE_COUNT));
		lane.last = lane.first + in->last_number;
		if (lane.first < gap.first) lane.first = gap.first;
		if (lane.last > gap.last) lane.last = gap.last;
		if (lane.first <= lane.last) rc = aps_row_walk_range(walk, lane, err);
	}
	return rc == APS_OK && walk->n_stretches == n_before ? aps_row_walk_add_stretch(walk, gap, err) : rc;
}

/* A page that has forgotten some of its rows gives no error: the structure is checked where all seems well. */
static enum aps_rc check_table(struct aps_db *db, const char *table, int64_t *n_stretches, struct aps_err *err)
{
	char sql[64];
	struct aps_err own = {.code = APS_OK};
	struct aps_query query;
	snprintf(sql, sizeof sql, "PRAGMA integrity_check(%s)", table);
	aps_query_init(&query, db, sql, &own);
	bool is_sound = aps_query_row(&query) && aps_str_is(aps_stmt_column_str(query.stmt, 0), "ok");
	enum aps_rc rc = aps_query_end(&query);
	if (rc == APS_E_NOMEM && err != NULL) *err = own;
	if (!is_sound && *n_stretches == 0) *n_stretches = 1;
	return rc == APS_E_NOMEM ? rc : APS_OK;
}

/* How a table is read. */
struct table {
	const char *name, *columns;
	aps_row_walk_see_fn *see;
	int64_t max_key; /* of one lane; 0: its rows are in lanes */
	size_t count;    /* offset in struct aps_salvage */
};

static enum aps_rc read_table(struct salvaging *in, const struct table *table, struct aps_salvage_count *count,
                              struct aps_err *err)
{
	struct aps_row_walk walk;
	struct aps_entry_range gap;
	aps_row_walk_init(&walk, in->from, table->name, table->columns);
	walk.see = table->see;
	walk.context = in;
	enum aps_rc rc = aps_row_walk_ends(&walk, aps_entry_all(), &gap, err);
	if (rc == APS_OK && gap.first != 0 && table->max_key == 0) rc = walk_lanes(in, &walk, gap, err);
	if (rc == APS_OK && gap.first != 0 && table->max_key != 0) {
		if (gap.last > table->max_key) gap.last = table->max_key;
		if (gap.last < gap.first) gap.last = gap.first;
		rc = aps_row_walk_range(&walk, gap, err);
	}
	count->n_damaged = (int64_t)walk.damaged.n_items;
	count->n_stretches = walk.n_stretches;
	aps_row_walk_clear(&walk);
	return rc == APS_OK ? check_table(in->from, table->name, &count->n_stretches, err) : rc;
}

static int64_t lower(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* They are there twice. */
static enum aps_rc copy_owners(struct salvaging *in, struct aps_err *err)
{
	static const struct table OWNERS = {"owner", "id, prefix, identity, sum", see_owner, APS_ROW_WALK_MAX_PIECES,
	                                    0};
	static const struct table COPIES = {"owner_copy", "id, prefix, identity, sum", see_owner,
	                                    APS_ROW_WALK_MAX_PIECES, 0};
	struct aps_salvage_count own = {0}, copies = {0};
	enum aps_rc rc = read_table(in, &OWNERS, &own, err);
	if (rc == APS_OK) rc = read_table(in, &COPIES, &copies, err);
	in->result->owners.n_damaged = lower(own.n_damaged, copies.n_damaged);
	in->result->owners.n_stretches = lower(own.n_stretches, copies.n_stretches);
	return rc;
}

static enum aps_rc mark_in_doubt(struct salvaging *in, int64_t id, struct aps_err *err)
{
	bool is_there = false;
	enum aps_rc rc = has_row(in->to, "SELECT 1 FROM delivery WHERE id = ?1", id, &is_there, err);
	if (rc != APS_OK || is_there) return rc;
	in->result->n_in_doubt++;
	return aps_delivery_mark(in->to, id, 0, 0, 1, err);
}

/* A lane sends one after the other; by entity any of it may have been under way. */
static enum aps_rc doubt_lane(struct salvaging *in, struct aps_entry_range lane, struct aps_err *err)
{
	bool is_by_entity = (in->facts & APS_OUTBOX_FACT_BY_ENTITY) != 0;
	int64_t after = 0;
	enum aps_rc rc;
	do {
		rc = aps_outbox_next(in->to, lane, after, &in->row, err);
		after = rc == APS_OK ? in->row.entry.id : 0;
		if (after != 0) rc = mark_in_doubt(in, after, err);
	} while (rc == APS_OK && after != 0 && is_by_entity);
	return rc;
}

static enum aps_rc doubt_lanes(struct salvaging *in, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < n_owners(in) * APS_ENTRY_MODE_COUNT; i++) {
		int64_t owner = owner_at(in, i / APS_ENTRY_MODE_COUNT)->to;
		rc = doubt_lane(in, aps_entry_lane(owner, (enum aps_entry_mode)(i % APS_ENTRY_MODE_COUNT)), err);
	}
	return rc;
}

/* What can't be read may be so. */
static enum aps_rc copy_facts(struct salvaging *in, struct aps_err *err)
{
	struct aps_err own = {.code = APS_OK};
	enum aps_rc rc = aps_outbox_facts_read(in->from, &in->facts, &own);
	if (rc == APS_E_NOMEM) {
		if (err != NULL) *err = own;
		return rc;
	}
	if (rc != APS_OK) in->facts = APS_OUTBOX_FACT_MERGES | APS_OUTBOX_FACT_BY_ENTITY;
	rc = APS_OK;
	if ((in->facts & APS_OUTBOX_FACT_MERGES) != 0) rc = aps_outbox_facts_note(in->to, APS_OUTBOX_FACT_MERGES, err);
	if (rc == APS_OK && (in->facts & APS_OUTBOX_FACT_BY_ENTITY) != 0)
		rc = aps_outbox_facts_note(in->to, APS_OUTBOX_FACT_BY_ENTITY, err);
	return rc;
}

static enum aps_rc copy_tables(struct salvaging *in, struct aps_err *err)
{
#define COUNT(member) offsetof(struct aps_salvage, member)
	static const struct table TABLES[] = {
	        {"outcome", "number, owner, entry, finished, told, content, sum", see_outcome, APS_ENTRY_MAX_NUMBER,
	         COUNT(outcomes)},
	        {"dead_letter", APS_OUTBOX_ENTRY_COLUMNS ", attempts, died, outcome, blocked_by, cause, sum",
	         see_letter, 0, COUNT(dead_letters)},
	        {"outbox", APS_OUTBOX_ENTRY_COLUMNS ", sum", see_entry, 0, COUNT(outbox)},
	        {"delivery", "id, sending, slot, lease, attempts, counted, rounds, cause, sum", see_delivery, 0,
	         COUNT(deliveries)},
	};
#undef COUNT
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < APS_COUNTOF(TABLES); i++) {
		struct aps_salvage_count *count =
		        (struct aps_salvage_count *)(void *)((char *)in->result + TABLES[i].count);
		struct table table = TABLES[i];
		if (table.max_key != 0) table.max_key = in->last_number;
		rc = read_table(in, &table, count, err);
	}
	const struct aps_salvage_count *deliveries = &in->result->deliveries;
	bool is_short = deliveries->n_damaged != 0 || deliveries->n_stretches != 0;
	return rc == APS_OK && is_short ? doubt_lanes(in, err) : rc;
}

static enum aps_rc copy_pair(struct salvaging *in, struct aps_stmt *stmt, struct aps_map *damaged, struct aps_err *err)
{
	struct aps_id_made *pair = &in->pair;
	bool is_whole;
	enum aps_rc rc = judge(aps_id_map_read(stmt, pair, err), &is_whole);
	if (rc != APS_OK) return rc;
	int64_t from = pair->owner, owner = owner_of(in, pair->owner);
	if (!is_whole || owner == 0) {
		struct aps_buf key;
		aps_buf_init(&key, APS_BUF_ANY_SIZE);
		aps_buf_add(&key, &from, sizeof from);
		aps_buf_add_str(&key, pair->temporary);
		bool is_noted = key.rc == APS_OK && aps_map_set(damaged, aps_buf_str(&key), in);
		aps_buf_clear(&key);
		return is_noted ? APS_OK : aps_fail(err, APS_E_NOMEM, "no memory to read a damaged store");
	}
	note_number(in, pair->maker);
	pair->owner = owner;
	in->result->ids.n_copied++;
	return aps_id_map_add(in->to, pair, err);
}

static enum aps_rc count_pairs(struct aps_db *db, int64_t *n, struct aps_err *err)
{
	return aps_db_read_int(db, "SELECT count(*) FROM id_map", n, err);
}

/* *is_end: there are no more. */
static enum aps_rc read_pairs(struct salvaging *in, const char *sql, int64_t owner, struct aps_map *damaged,
                              bool *is_end, struct aps_err *err)
{
	struct aps_err own = {.code = APS_OK};
	struct aps_query query;
	aps_query_init(&query, in->from, sql, &own);
	aps_query_int(&query, owner);
	while (aps_query_row(&query)) {
		enum aps_rc rc = copy_pair(in, query.stmt, damaged, err);
		if (rc == APS_OK) continue;
		(void)aps_query_end(&query);
		return rc;
	}
	*is_end = query.rc == APS_OK;
	if (query.rc == APS_E_NOMEM && err != NULL) *err = own;
	return query.rc == APS_E_NOMEM ? query.rc : APS_OK;
}

/* They have no numbers: they are read from both ends, of all and of each owner. */
static enum aps_rc copy_pairs(struct salvaging *in, struct aps_err *err)
{
#define PAIRS "SELECT owner, temporary, made, maker, at, sum FROM id_map WHERE owner "
	static const char *const SQL[] = {PAIRS ">= ?1 ORDER BY owner, temporary",
	                                  PAIRS "<= ?1 ORDER BY owner DESC, temporary DESC"};
#undef PAIRS
	struct aps_salvage_count *count = &in->result->ids;
	struct aps_map damaged;
	bool is_end = false;
	aps_map_init(&damaged, 0);
	enum aps_rc rc = read_pairs(in, SQL[0], 0, &damaged, &is_end, err);
	if (rc == APS_OK && !is_end) {
		bool is_other_end;
		count->n_stretches = 1;
		rc = read_pairs(in, SQL[1], INT64_MAX, &damaged, &is_other_end, err);
		for (size_t i = 0; rc == APS_OK && i < 2 * n_owners(in); i++)
			rc = read_pairs(in, SQL[i % 2], owner_at(in, i / 2)->from, &damaged, &is_other_end, err);
	}
	count->n_damaged = (int64_t)damaged.n_items;
	aps_map_clear(&damaged);
	if (rc == APS_OK) rc = count_pairs(in->to, &count->n_copied, err); /* some came twice */
	return rc == APS_OK ? check_table(in->from, "id_map", &count->n_stretches, err) : rc;
}

/* Half of all numbers is more than any store has given. */
static void read_last_number(struct salvaging *in)
{
	int64_t number;
	in->knows_last = aps_outbox_last_number(in->from, &number, NULL) == APS_OK && number < APS_ENTRY_MAX_NUMBER / 2;
	in->last_number = in->knows_last ? number : MAX_SPARE_NUMBERS;
}

static enum aps_rc copy_all(struct salvaging *in, struct aps_err *err)
{
	int64_t counted;
	read_last_number(in);
	counted = in->last_number;
	enum aps_rc rc = copy_owners(in, err);
	if (rc == APS_OK) rc = copy_facts(in, err);
	if (rc == APS_OK) rc = copy_tables(in, err);
	if (rc == APS_OK) rc = copy_pairs(in, err);
	bool is_passed = in->knows_last && in->last_number > counted; /* the counter is damaged */
	if (is_passed || !in->knows_last) in->last_number += MAX_SPARE_NUMBERS;
	return rc == APS_OK ? aps_outbox_pass_number(in->to, in->last_number, err) : rc;
}

/* A page with one damaged row may have others, and a table that can be read is read, whatever is wrong with the
 * description of another: https://www.sqlite.org/pragma.html#pragma_writable_schema. */
static const char LENIENT[] = "PRAGMA cell_size_check = OFF; PRAGMA writable_schema = ON";

/* *n_tables: how many of those of the outbox there are. */
static enum aps_rc find_tables(struct aps_db *db, int64_t *version, int64_t *n_tables, struct aps_err *err)
{
	static const char SQL[] = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('owner',"
	                          " 'owner_copy', 'outbox', 'delivery', 'dead_letter', 'outcome', 'id_map')";
	enum aps_rc rc = aps_db_exec(db, LENIENT, err);
	if (rc == APS_OK) rc = aps_db_read_int(db, "PRAGMA user_version", version, err);
	if (rc == APS_OK) rc = aps_db_read_int(db, SQL, n_tables, err);
	return rc;
}

static void init(struct salvaging *in)
{
	aps_buf_init(&in->owners, APS_BUF_ANY_SIZE);
	aps_map_init(&in->ended, 0);
	aps_outbox_row_init(&in->row);
	aps_dead_letter_init(&in->letter);
	aps_kept_outcome_init(&in->outcome);
	aps_id_made_init(&in->pair);
}

static void clear(struct salvaging *in)
{
	aps_buf_clear(&in->owners);
	aps_map_clear(&in->ended);
	aps_outbox_row_clear(&in->row);
	aps_dead_letter_clear(&in->letter);
	aps_kept_outcome_clear(&in->outcome);
	aps_id_made_clear(&in->pair);
	aps_db_abandon(in->from);
}

/* A file without a log is read without: SQLite would make one beside it. The index of a log, which it makes anew for
 * whoever reads, is left by one that only reads: *index is its name, to be removed. */
static enum aps_rc open_file(const char *path, struct aps_db **db, struct aps_buf *index, bool *is_log_open,
                             struct aps_err *err)
{
	struct aps_db_options options = {.read_only = true, .busy_ms = APS_DB_BUSY_MS};
	struct stat found;
	struct aps_buf log;
	aps_buf_init(&log, APS_BUF_ANY_SIZE);
	aps_buf_addf(&log, "%s-wal", path);
	aps_buf_addf(index, "%s-shm", path);
	enum aps_rc rc = log.rc == APS_OK && index->rc == APS_OK ? APS_OK : aps_fail(err, APS_E_NOMEM, "out of memory");
	if (rc == APS_OK) options.is_still = stat(log.p, &found) != 0 || found.st_size == 0;
	if (rc == APS_OK && !options.is_still) rc = aps_log_end_look(log.p, is_log_open, err);
	if (rc != APS_OK || options.is_still) aps_buf_clear(index);
	aps_buf_clear(&log);
	return rc == APS_OK ? aps_db_open(path, &options, db, err) : rc;
}

/* What is wrong with the file is no error of ours. */
static enum aps_rc run(struct salvaging *in, const char *path, struct aps_buf *index, struct aps_err *err)
{
	struct aps_err own;
	int64_t version = 0, n_tables = 0;
	enum aps_rc rc = open_file(path, &in->from, index, &in->result->is_log_open, &own);
	if (rc == APS_OK) rc = find_tables(in->from, &version, &n_tables, &own);
	if (rc == APS_E_NOMEM && err != NULL) *err = own;
	if (rc == APS_E_NOMEM) return rc;
	bool has_outbox = rc == APS_OK && n_tables > 0;
	in->result->is_readable = has_outbox || (rc == APS_OK && version == 1);
	return has_outbox ? copy_all(in, err) : APS_OK;
}

enum aps_rc aps_salvage_run(const char *path, struct aps_db *db, struct aps_salvage *salvage, struct aps_err *err)
{
	struct salvaging in = {.to = db, .result = salvage};
	struct aps_buf index;
	*salvage = (struct aps_salvage){.is_readable = false};
	aps_buf_init(&index, APS_BUF_ANY_SIZE);
	init(&in);
	enum aps_rc rc = run(&in, path, &index, err);
	clear(&in);
	if (index.n != 0) unlink(index.p);
	aps_buf_clear(&index);
	return rc;
}

static bool is_lost(const struct aps_salvage_count *count)
{
	return count->n_damaged != 0 || count->n_stretches != 0;
}

bool aps_salvage_has_losses(const struct aps_salvage *salvage)
{
	return !salvage->is_readable || salvage->is_log_open || is_lost(&salvage->owners) ||
	       is_lost(&salvage->outbox) || is_lost(&salvage->deliveries) || is_lost(&salvage->dead_letters) ||
	       is_lost(&salvage->outcomes) || is_lost(&salvage->ids);
}

#include "store/migrations.h"

#include "store/outbox_number.h"

#include <stdio.h>

/* PRAGMA application_id: "apsy". */
#define APPLICATION_ID 0x61707379

/* A step takes the version up by one. No library will have so many: beyond it lies damage. */
#define MAX_VERSION 1000

/* An entry's number is its row id. Rows of blocks have no key, and NULLs are not equal to one another: one index finds
 * entries by their keys and by their part. `used`: the minute of the last use, in Unix time. A counter: 0 the
 * generation, -1 the highest number that an entry ever had, -2 the last one of the sequence of mutations, layers and
 * outcomes, -3 the store's nonce, those below how many an owner has queued (store/outbox_counts.h), else the bytes of
 * the entries of a part. A part that is dropped: its rows are as good as gone (store/parts.h). What is read back has a
 * sum (store/row_sum.h). */
static const char CACHE[] =
        "CREATE TABLE counter (id INTEGER PRIMARY KEY, value INTEGER NOT NULL);"
        "INSERT INTO counter VALUES (0, 0), (-1, 0);"
        "CREATE TABLE part (id INTEGER PRIMARY KEY AUTOINCREMENT, prefix TEXT NOT NULL, identity TEXT NOT NULL,"
        " dropped INTEGER NOT NULL DEFAULT 0, sum INTEGER NOT NULL);"
        "CREATE UNIQUE INDEX part_owner ON part (prefix, identity) WHERE dropped = 0;"
        "CREATE INDEX part_dropped ON part (dropped) WHERE dropped <> 0;"
        "CREATE TABLE name (part INTEGER NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL,"
        " sum INTEGER NOT NULL, PRIMARY KEY (part, number)) WITHOUT ROWID;"
        "CREATE TABLE entry (id INTEGER PRIMARY KEY, part INTEGER NOT NULL, key BLOB, used INTEGER NOT NULL DEFAULT 0,"
        " sum INTEGER NOT NULL DEFAULT 0, content BLOB);"
        "CREATE UNIQUE INDEX entry_key ON entry (part, key);"
        "CREATE TABLE layer (id INTEGER PRIMARY KEY, part INTEGER NOT NULL);"
        "CREATE TABLE patch (layer INTEGER NOT NULL, entry INTEGER NOT NULL, patch BLOB NOT NULL,"
        " sum INTEGER NOT NULL);"
        "CREATE INDEX patch_layer ON patch (layer);"
        "CREATE INDEX patch_entry ON patch (entry);";

/* Of step 2. Layers (store/layer_store.h) outlive their process: those of queued mutations are in no index, so that one
 * more of them changes few pages. What is in the queue is found by its row id alone: its owner, its mode and its number
 * (store/entry_id.h), and so are its delivery and its dead letter. `owner_copy` says what `owner` says, on a page of
 * its own: without it nobody knows whose mutations the others are (store/salvage.h). Counter -2 numbers mutations,
 * optimistic layers and outcomes; -3 is the store's nonce. */
static const char OUTBOX[] =
        "DROP TABLE patch; DROP TABLE layer;"
        "CREATE TABLE layer (id INTEGER PRIMARY KEY, part INTEGER NOT NULL, kind INTEGER NOT NULL,"
        " entries BLOB NOT NULL, identified BLOB NOT NULL, sum INTEGER NOT NULL);"
        "CREATE INDEX layer_kind ON layer (kind) WHERE kind <> 1;"
        "CREATE TABLE patch (entry INTEGER NOT NULL, layer INTEGER NOT NULL, patch BLOB NOT NULL,"
        " sum INTEGER NOT NULL, PRIMARY KEY (entry, layer)) WITHOUT ROWID;"
        "CREATE TABLE owner (id INTEGER PRIMARY KEY, prefix TEXT NOT NULL, identity TEXT NOT NULL,"
        " sum INTEGER NOT NULL);"
        "CREATE UNIQUE INDEX owner_name ON owner (prefix, identity);"
        "CREATE TABLE owner_copy (id INTEGER PRIMARY KEY, prefix TEXT NOT NULL, identity TEXT NOT NULL,"
        " sum INTEGER NOT NULL);"
        "CREATE TABLE outbox (id INTEGER PRIMARY KEY, created INTEGER NOT NULL, flags INTEGER NOT NULL,"
        " document TEXT NOT NULL, name TEXT NOT NULL, variables TEXT NOT NULL, optimistic TEXT NOT NULL,"
        " extra TEXT NOT NULL, sum INTEGER NOT NULL);"
        "CREATE TABLE delivery (id INTEGER PRIMARY KEY, sending INTEGER NOT NULL, slot INTEGER NOT NULL,"
        " lease INTEGER NOT NULL, attempts INTEGER NOT NULL, counted INTEGER NOT NULL, rounds INTEGER NOT NULL,"
        " cause TEXT NOT NULL, sum INTEGER NOT NULL);"
        "CREATE TABLE dead_letter (id INTEGER PRIMARY KEY, created INTEGER NOT NULL, flags INTEGER NOT NULL,"
        " document TEXT NOT NULL, name TEXT NOT NULL, variables TEXT NOT NULL, optimistic TEXT NOT NULL,"
        " extra TEXT NOT NULL, attempts INTEGER NOT NULL, died INTEGER NOT NULL, outcome TEXT NOT NULL,"
        " blocked_by INTEGER NOT NULL, cause TEXT NOT NULL, sum INTEGER NOT NULL);"
        "CREATE TABLE outcome (number INTEGER PRIMARY KEY, owner INTEGER NOT NULL, entry INTEGER NOT NULL,"
        " finished INTEGER NOT NULL, told INTEGER NOT NULL, content TEXT NOT NULL, sum INTEGER NOT NULL);"
        "CREATE INDEX outcome_untold ON outcome (number) WHERE told = 0;"
        "CREATE TABLE id_map (owner INTEGER NOT NULL, temporary TEXT NOT NULL, made TEXT, maker INTEGER NOT NULL,"
        " at INTEGER NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (owner, temporary)) WITHOUT ROWID;"
        "INSERT INTO counter VALUES (-2, 0);";

/* Of step 3. What delta syncs keep beside their records (store/sync_rows.h), by the part and by the sync's name. It is
 * short so that the schema fits on the file's first page: a page that is lost elsewhere takes only its own rows. */
static const char SYNC[] =
        "CREATE TABLE sync (part INT, name TEXT, checkpoint TEXT, sum INT, PRIMARY KEY (part, name)) WITHOUT ROWID;"
        "CREATE TABLE tombstone (part INT, sync TEXT, key TEXT, version TEXT, changed TEXT, seen INT, sum INT,"
        " PRIMARY KEY (part, sync, key)) WITHOUT ROWID;"
        "CREATE TABLE quarantine (part INT, sync TEXT, key TEXT, reason TEXT, seen INT, sum INT,"
        " PRIMARY KEY (part, sync, key)) WITHOUT ROWID;";

/* Of step 4: records that lists had, and have no more, until a collection has looked at them (store/doubted_rows.h). As
 * short as that of step 3. */
static const char DOUBTED[] =
        "CREATE TABLE doubted (part INT, number INT, entries BLOB, sum INT, PRIMARY KEY (part, number)) WITHOUT ROWID;";

/* What a step runs, and the tables that it makes. */
struct step {
	const char *sql;
	enum aps_rc (*then)(struct aps_db *db, struct aps_err *err);
	const char *tables;
	int64_t n_tables;
};

static const struct step STEPS[] = {
        {CACHE, NULL, "'counter', 'part', 'name', 'entry', 'layer', 'patch'", 6},
        {OUTBOX, aps_outbox_draw_nonce,
         "'owner', 'owner_copy', 'outbox', 'delivery', 'dead_letter', 'outcome', 'id_map'", 7},
        {SYNC, NULL, "'sync', 'tombstone', 'quarantine'", 3},
        {DOUBTED, NULL, "'doubted'", 1},
};

#ifdef APS_TESTING
static struct step later;

void aps_migrations_add_step(const char *sql)
{
	later = (struct step){.sql = sql};
}
#endif

static size_t n_steps(void)
{
#ifdef APS_TESTING
	if (later.sql != NULL) return APS_COUNTOF(STEPS) + 1;
#endif
	return APS_COUNTOF(STEPS);
}

static const struct step *step_at(size_t i)
{
#ifdef APS_TESTING
	if (i == APS_COUNTOF(STEPS)) return &later;
#endif
	return &STEPS[i];
}

/* How many of the steps have all of their tables: those from the first one on. *is_mixed: a step has some of them, or
 * all where an earlier one has not. */
static enum aps_rc count_steps(struct aps_db *db, int64_t *n_whole, bool *is_mixed, struct aps_err *err)
{
	*n_whole = 0;
	*is_mixed = false;
	for (size_t i = 0; i < APS_COUNTOF(STEPS); i++) {
		char sql[256];
		int64_t n;
		snprintf(sql, sizeof sql, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN (%s)",
		         STEPS[i].tables);
		enum aps_rc rc = aps_db_read_int(db, sql, &n, err);
		if (rc != APS_OK) return rc;
		bool is_whole = n == STEPS[i].n_tables, is_next = *n_whole == (int64_t)i;
		*is_mixed = *is_mixed || (n != 0 && !(is_whole && is_next));
		*n_whole += is_whole && is_next;
	}
	return APS_OK;
}

/* A database without tables is a new one. One that has our tables without our mark, or the other way round, was ours
 * before it was damaged; so was one that has our mark and not just the tables of its version. */
static enum aps_rc check_owner(struct aps_db *db, int64_t version, struct aps_err *err)
{
	int64_t owner, n_tables, n_whole;
	bool is_mixed;
	enum aps_rc rc = aps_db_read_int(db, "PRAGMA application_id", &owner, err);
	if (rc == APS_OK) rc = aps_db_read_int(db, "SELECT count(*) FROM sqlite_master", &n_tables, err);
	if (rc == APS_OK) rc = count_steps(db, &n_whole, &is_mixed, err);
	if (rc != APS_OK) return rc;
	bool is_ours = owner == APPLICATION_ID;
	if (is_ours && (version < 0 || version > MAX_VERSION))
		return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0,
		                     "the store has version %lld, which none can have", (long long)version);
	if (is_ours && version > (int64_t)n_steps())
		return aps_fail_word(err, APS_E_STORAGE, "newer", (long)version,
		                     "the store has version %lld, and this library knows versions up to %zu",
		                     (long long)version, n_steps());
	bool is_new = owner == 0 && version == 0 && n_tables == 0;
	int64_t n_known = APS_COUNTOF(STEPS), n_due = version < n_known ? version : n_known;
	if (is_ours ? is_mixed || n_whole != n_due : n_whole > 0)
		return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "the store has lost its tables or its mark");
	if (!is_new && !is_ours) return aps_fail(err, APS_E_STORAGE, "the file is a database of another application");
	return APS_OK;
}

static enum aps_rc run_steps(struct aps_db *db, int64_t version, struct aps_err *err)
{
	char pragmas[96];
	enum aps_rc rc = aps_db_begin(db, err);
	if (rc != APS_OK) return rc;
	for (size_t i = (size_t)version; i < n_steps() && rc == APS_OK; i++) {
		rc = aps_db_exec(db, step_at(i)->sql, err);
		if (rc == APS_OK && step_at(i)->then != NULL) rc = step_at(i)->then(db, err);
	}
	snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %zu", APPLICATION_ID,
	         n_steps());
	if (rc == APS_OK) rc = aps_db_exec(db, pragmas, err);
	if (rc == APS_OK) return aps_db_commit(db, err);
	aps_db_rollback(db);
	return rc;
}

enum aps_rc aps_migrations_run(struct aps_db *db, struct aps_err *err)
{
	int64_t version;
	enum aps_rc rc = aps_db_read_int(db, "PRAGMA user_version", &version, err);
	if (rc == APS_OK) rc = check_owner(db, version, err);
	if (rc == APS_OK) rc = aps_db_keep_log(db, err);
	if (rc != APS_OK || version == (int64_t)n_steps()) return rc;
	return run_steps(db, version, err);
}

enum aps_rc aps_migrations_are_done(struct aps_db *db, bool *are_done, struct aps_err *err)
{
	int64_t version, owner;
	enum aps_rc rc = aps_db_read_int(db, "PRAGMA user_version", &version, err);
	if (rc == APS_OK) rc = aps_db_read_int(db, "PRAGMA application_id", &owner, err);
	*are_done = rc == APS_OK && version == (int64_t)n_steps() && owner == APPLICATION_ID;
	return rc;
}

enum aps_rc aps_migrations_is_store(struct aps_db *db, bool *is_store, struct aps_err *err)
{
	int64_t owner;
	enum aps_rc rc = aps_db_read_int(db, "PRAGMA application_id", &owner, err);
	*is_store = rc == APS_OK && owner == APPLICATION_ID;
	return rc;
}

enum aps_rc aps_migrations_check(struct aps_db *db, struct aps_err *err)
{
	int64_t version;
	enum aps_rc rc = aps_db_read_int(db, "PRAGMA user_version", &version, err);
	if (rc == APS_OK) rc = check_owner(db, version, err);
	if (rc != APS_OK || version == (int64_t)n_steps()) return rc;
	if (version == 0) return aps_fail(err, APS_E_STORAGE, "there is nothing in the file yet");
	return aps_fail(err, APS_E_STORAGE,
	                "the store has version %lld, and is brought to version %zu by the next client",
	                (long long)version, n_steps());
}

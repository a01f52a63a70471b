#include "store/migrations.h"

#include <stdio.h>

/* PRAGMA application_id: "apsy". */
#define APPLICATION_ID 0x61707379

/* An entry's number is its row id. Rows of blocks have no key, and NULLs are not equal to one another: one index finds
 * entries by their keys and by their part. `used`: the minute of the last use, in Unix time. A counter: 0 the
 * generation, -1 the highest number that an entry ever had, -2 the last one of the sequence that layers are numbered
 * by, else the bytes of the entries of a part. A part that is dropped: its rows are as good as gone (store/parts.h).
 * What is read back has a sum (store/row_sum.h). Layers: store/layer_store.h; those of queued mutations are in no
 * index, so that one more of them changes few pages. */
#define LAYERS                                                                                                         \
	"DROP TABLE patch; DROP TABLE layer;"                                                                          \
	"INSERT OR IGNORE INTO counter VALUES (-2, 0);"                                                                \
	"CREATE TABLE layer (id INTEGER PRIMARY KEY, part INTEGER NOT NULL, kind INTEGER NOT NULL,"                    \
	" entries BLOB NOT NULL, identified BLOB NOT NULL, sum INTEGER NOT NULL);"                                     \
	"CREATE INDEX layer_kind ON layer (kind) WHERE kind <> 1;"                                                     \
	"CREATE TABLE patch (entry INTEGER NOT NULL, layer INTEGER NOT NULL, patch BLOB NOT NULL,"                     \
	" sum INTEGER NOT NULL, PRIMARY KEY (entry, layer)) WITHOUT ROWID;"

static const char *const STEPS[] = {
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
        "CREATE INDEX patch_entry ON patch (entry);",
        LAYERS,
};

#define OUR_TABLES                                                                                                     \
	"SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('counter', 'part', 'name', 'entry',"     \
	" 'layer', 'patch')"
#define N_OUR_TABLES 6

/* A database without tables is a new one. One that has our tables without our mark, or the other way round, was ours
 * before it was damaged. */
static enum aps_rc check_owner(struct aps_db *db, int64_t version, struct aps_err *err)
{
	int64_t owner, n_tables, n_ours;
	enum aps_rc rc = aps_db_read_int(db, "PRAGMA application_id", &owner, err);
	if (rc == APS_OK) rc = aps_db_read_int(db, "SELECT count(*) FROM sqlite_master", &n_tables, err);
	if (rc == APS_OK) rc = aps_db_read_int(db, OUR_TABLES, &n_ours, err);
	if (rc != APS_OK) return rc;
	if (version > (int64_t)APS_COUNTOF(STEPS) && owner == APPLICATION_ID)
		return aps_fail_word(err, APS_E_STORAGE, "newer", (long)version,
		                     "the store has version %lld, and this library knows versions up to %zu",
		                     (long long)version, APS_COUNTOF(STEPS));
	bool is_new = owner == 0 && version == 0 && n_tables == 0;
	bool has_mark = owner == APPLICATION_ID && version > 0, has_tables = n_ours == N_OUR_TABLES;
	if (has_mark != has_tables && (has_tables || owner == APPLICATION_ID))
		return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "the store has lost its tables or its mark");
	if (!is_new && owner != APPLICATION_ID)
		return aps_fail(err, APS_E_STORAGE, "the file is a database of another application");
	return APS_OK;
}

static enum aps_rc run_steps(struct aps_db *db, int64_t version, struct aps_err *err)
{
	char pragmas[96];
	enum aps_rc rc = aps_db_begin(db, err);
	if (rc != APS_OK) return rc;
	for (size_t i = (size_t)version; i < APS_COUNTOF(STEPS) && rc == APS_OK; i++)
		rc = aps_db_exec(db, STEPS[i], err);
	snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %zu", APPLICATION_ID,
	         APS_COUNTOF(STEPS));
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
	if (rc != APS_OK || version == (int64_t)APS_COUNTOF(STEPS)) return rc;
	return run_steps(db, version, err);
}

enum aps_rc aps_migrations_are_done(struct aps_db *db, bool *are_done, struct aps_err *err)
{
	int64_t version, owner;
	enum aps_rc rc = aps_db_read_int(db, "PRAGMA user_version", &version, err);
	if (rc == APS_OK) rc = aps_db_read_int(db, "PRAGMA application_id", &owner, err);
	*are_done = rc == APS_OK && version == (int64_t)APS_COUNTOF(STEPS) && owner == APPLICATION_ID;
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
	if (rc != APS_OK || version == (int64_t)APS_COUNTOF(STEPS)) return rc;
	if (version == 0) return aps_fail(err, APS_E_STORAGE, "there is nothing in the file yet");
	return aps_fail(err, APS_E_STORAGE,
	                "the store has version %lld, and is brought to version %zu by the next client",
	                (long long)version, APS_COUNTOF(STEPS));
}

/* The tables are those of migrations.c; "memory" is what is attached under that name. */
#include "store/carry.h"

/* What is looked up by its owner, the counters, the layers and what syncs keep: small, and needed whole. Never the
 * outbox, nor how much is in it: a file's mutations are acknowledged when the file has them, and what memory has goes
 * with its process. */
#define OVER_OF(table)                                                                                                 \
	"INSERT INTO memory." table " SELECT * FROM main." table                                                       \
	" WHERE part IN (SELECT id FROM main.part WHERE dropped = 0)"

static const char *const BEGIN[] = {
        "INSERT INTO memory.part SELECT * FROM main.part",
        "INSERT OR REPLACE INTO memory.counter SELECT * FROM main.counter WHERE id >= -3",
        "INSERT INTO memory.layer SELECT * FROM main.layer",
        "INSERT INTO memory.patch SELECT * FROM main.patch",
        OVER_OF("sync"),
        OVER_OF("tombstone"),
        OVER_OF("quarantine"),
        OVER_OF("doubted"),
        "DELETE FROM memory.sqlite_sequence",
        "INSERT INTO memory.sqlite_sequence SELECT * FROM main.sqlite_sequence",
};

/* Those of parts that were dropped in memory stay for whoever deletes these parts (store/parts.h): perhaps nothing of
 * them may be left on any page. */
#define LIVING         " WHERE part IN (SELECT id FROM memory.part WHERE dropped = 0)"
#define BACK_OF(table) "DELETE FROM main." table LIVING, "INSERT INTO main." table " SELECT * FROM memory." table LIVING

static const char *const BACK[] = {
        "INSERT OR REPLACE INTO main.part SELECT * FROM memory.part",
        ("INSERT OR REPLACE INTO main.counter SELECT m.id, max(m.value, coalesce(f.value, 0))"
         " FROM memory.counter m LEFT JOIN main.counter f ON f.id = m.id AND m.id = -2 WHERE m.id >= -2"),
        "INSERT OR REPLACE INTO main.name SELECT * FROM memory.name",
        "INSERT OR REPLACE INTO main.entry SELECT * FROM memory.entry",
        "DELETE FROM main.patch",
        "DELETE FROM main.layer",
        "INSERT INTO main.layer SELECT * FROM memory.layer",
        "INSERT INTO main.patch SELECT * FROM memory.patch",
        BACK_OF("sync"),
        BACK_OF("tombstone"),
        BACK_OF("quarantine"),
        BACK_OF("doubted"),
};

#define SAME_OWNERS                                                                                                    \
	" FROM memory.part mp JOIN main.part fp ON fp.prefix = mp.prefix AND fp.identity = mp.identity"                \
	" AND fp.dropped = 0 AND mp.dropped = 0"
#define BOTH_PARTS      SAME_OWNERS " JOIN memory.entry m ON m.part = mp.id"
#define STALE_OF(table) "DELETE FROM main." table " WHERE part IN (SELECT fp.id" SAME_OWNERS ")"

/* An entry without content had to leave (cache/denormalize.h): what is read of it is missing. Records have the same key
 * on both sides ("R…"); that of a field names its record by a number ("F17.…"), which is another one in the file. Syncs
 * begin anew: what they say is known isn't there any more. What was doubted in the file still is: its numbers are the
 * file's. */
static const char *const STALE[] = {
        ("UPDATE main.entry SET content = x'' WHERE id IN (SELECT f.id" BOTH_PARTS
         " JOIN main.entry f ON f.part = fp.id AND f.key = m.key WHERE m.key >= x'52')"),
        ("UPDATE main.entry SET content = x'' WHERE id IN (SELECT f.id" BOTH_PARTS
         " JOIN memory.entry mr ON mr.id = CAST(CAST(substr(m.key, 2) AS TEXT) AS INTEGER)"
         " JOIN main.entry fr ON fr.part = fp.id AND fr.key = mr.key"
         " JOIN main.entry f ON f.part = fp.id"
         " AND f.key = CAST('F' || fr.id || substr(m.key, instr(m.key, x'2e')) AS BLOB)"
         " WHERE m.key >= x'46' AND m.key < x'47')"),
        STALE_OF("sync"),
        STALE_OF("tombstone"),
        STALE_OF("quarantine"),
        ("UPDATE main.counter SET value = 1 + max(value, (SELECT value FROM memory.counter WHERE id = 0))"
         " WHERE id = 0"),
};

static enum aps_rc run(struct aps_db *file, const char *const *sql, size_t n, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < n; i++) rc = aps_db_exec(file, sql[i], err);
	return rc;
}

/* In no transaction: that would be one of the file, too, and it may be that nothing can begin to write there. */
enum aps_rc aps_carry_begin(struct aps_db *file, const char *name, struct aps_err *err)
{
	enum aps_rc rc = aps_db_attach_memory(file, name, err);
	if (rc != APS_OK) return rc;
	rc = run(file, BEGIN, APS_COUNTOF(BEGIN), err);
	aps_db_detach_memory(file);
	return rc;
}

static enum aps_rc write_file(struct aps_db *file, const char *name, const char *const *sql, size_t n,
                              struct aps_err *err)
{
	enum aps_rc rc = aps_db_attach_memory(file, name, err);
	if (rc != APS_OK) return rc;
	rc = aps_db_begin(file, err);
	if (rc == APS_OK) rc = run(file, sql, n, err);
	if (rc == APS_OK)
		rc = aps_db_commit(file, err);
	else
		aps_db_rollback(file);
	aps_db_detach_memory(file);
	return rc;
}

enum aps_rc aps_carry_back(struct aps_db *file, const char *name, struct aps_err *err)
{
	return write_file(file, name, BACK, APS_COUNTOF(BACK), err);
}

enum aps_rc aps_carry_stale(struct aps_db *file, const char *name, struct aps_err *err)
{
	return write_file(file, name, STALE, APS_COUNTOF(STALE), err);
}

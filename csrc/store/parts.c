#include "store/parts.h"

#include "store/row_sum.h"

static int64_t sum_of(struct aps_str prefix, struct aps_str identity)
{
	struct aps_row_sum sum;
	aps_row_sum_init(&sum);
	aps_row_sum_add(&sum, prefix);
	aps_row_sum_add(&sum, identity);
	return aps_row_sum_value(&sum);
}

/* The number and the sum of the row that it gives, if it gives one. */
static enum aps_rc run_owned(struct aps_db *db, const char *sql, struct aps_str prefix, struct aps_str identity,
                             int64_t *part, struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row = false;
	*part = 0;
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(sql), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_text(stmt, 1, prefix, err);
	if (rc == APS_OK) rc = aps_stmt_bind_text(stmt, 2, identity, err);
	if (rc == APS_OK && aps_stmt_n_params(stmt) > 2) rc = aps_stmt_bind_int(stmt, 3, sum_of(prefix, identity), err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, &has_row, err);
	if (rc != APS_OK || !has_row) return rc;
	*part = aps_stmt_column_int(stmt, 0);
	bool is_whole = aps_stmt_column_int(stmt, 1) == sum_of(prefix, identity);
	aps_stmt_reset(stmt);
	return is_whole ? APS_OK : aps_row_sum_fail("the owner of a part", err);
}

enum aps_rc aps_parts_find(struct aps_db *db, struct aps_str prefix, struct aps_str identity, int64_t *part,
                           struct aps_err *err)
{
#define OWNED(how) "SELECT id, sum FROM part " how "WHERE prefix = ?1 AND identity = ?2 AND dropped = 0"
	enum aps_rc rc = run_owned(db, OWNED(""), prefix, identity, part, err);
	if (rc != APS_OK || *part != 0) return rc;
	/* A damaged index would give the owner another part, and hide what the first one has. */
	rc = run_owned(db, OWNED("NOT INDEXED "), prefix, identity, part, err);
#undef OWNED
	if (rc != APS_OK || *part == 0) return rc;
	return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "a part of the store isn't found by its owner");
}

/* Runs a statement about a part; `value` for its second parameter, where it has one. */
static enum aps_rc run_on(struct aps_db *db, const char *sql, int64_t part, int64_t value, struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row;
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(sql), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, part, err);
	if (rc == APS_OK && aps_stmt_n_params(stmt) > 1) rc = aps_stmt_bind_int(stmt, 2, value, err);
	return rc == APS_OK ? aps_stmt_step(stmt, &has_row, err) : rc;
}

enum aps_rc aps_parts_make(struct aps_db *db, struct aps_str prefix, struct aps_str identity, int64_t *part,
                           struct aps_err *err)
{
	static const char SQL[] = "INSERT INTO part (prefix, identity, sum) VALUES (?1, ?2, ?3)";
	enum aps_rc rc = aps_parts_find(db, prefix, identity, part, err);
	if (rc == APS_OK && *part == 0) {
		rc = run_owned(db, SQL, prefix, identity, part, err);
		if (rc == APS_OK) rc = aps_parts_find(db, prefix, identity, part, err);
	}
	return rc == APS_OK ? run_on(db, "INSERT OR IGNORE INTO counter VALUES (?1, 0)", *part, 0, err) : rc;
}

enum aps_rc aps_parts_drop(struct aps_db *db, int64_t part, enum aps_part_drop how, struct aps_err *err)
{
	return run_on(db, "UPDATE part SET dropped = ?2, prefix = '', identity = '', sum = 0 WHERE id = ?1", part, how,
	              err);
}

enum aps_rc aps_parts_give(struct aps_db *db, int64_t part, struct aps_str prefix, struct aps_str identity,
                           struct aps_err *err)
{
	static const char SQL[] = "UPDATE part SET prefix = ?1, identity = ?2, sum = ?3 WHERE id = ?4 AND dropped = 0";
	struct aps_stmt *stmt;
	bool has_row;
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(SQL), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_text(stmt, 1, prefix, err);
	if (rc == APS_OK) rc = aps_stmt_bind_text(stmt, 2, identity, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 3, sum_of(prefix, identity), err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 4, part, err);
	return rc == APS_OK ? aps_stmt_step(stmt, &has_row, err) : rc;
}

enum aps_rc aps_parts_find_dropped(struct aps_db *db, struct aps_dropped_part *dropped, struct aps_err *err)
{
	static const char SQL[] = "SELECT id, dropped FROM part WHERE dropped <> 0 ORDER BY dropped DESC LIMIT 1";
	struct aps_stmt *stmt;
	bool has_row = false;
	*dropped = (struct aps_dropped_part){.part = 0};
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(SQL), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, &has_row, err);
	if (rc != APS_OK || !has_row) return rc;
	dropped->part = aps_stmt_column_int(stmt, 0);
	dropped->how = aps_stmt_column_int(stmt, 1) == APS_PART_WIPED ? APS_PART_WIPED : APS_PART_CLEARED;
	aps_stmt_reset(stmt);
	return APS_OK;
}

/* One entry of the part; *entry 0: it has none. */
static enum aps_rc find_entry(struct aps_db *db, int64_t part, int64_t *entry, struct aps_err *err)
{
	/* the entries' index has all of a part, whatever their keys are */
	static const char SQL[] = "SELECT id FROM entry INDEXED BY entry_key WHERE part = ?1 LIMIT 1";
	struct aps_stmt *stmt;
	bool has_row = false;
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(SQL), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, part, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, &has_row, err);
	*entry = rc == APS_OK && has_row ? aps_stmt_column_int(stmt, 0) : 0;
	if (*entry != 0) aps_stmt_reset(stmt);
	return rc;
}

/* With each of its entries what layers say of it: there may be more of that than of entries. */
static enum aps_rc delete_entries(struct aps_db *db, int64_t part, int64_t *n_left, struct aps_err *err)
{
	static const char PATCHES[] = "DELETE FROM patch WHERE entry = ?1 AND layer IN"
	                              " (SELECT layer FROM patch WHERE entry = ?1 LIMIT ?2)";
	int64_t entry = 1;
	enum aps_rc rc = APS_OK;
	while (rc == APS_OK && *n_left > 0) {
		rc = find_entry(db, part, &entry, err);
		if (rc != APS_OK || entry == 0) break;
		rc = run_on(db, PATCHES, entry, *n_left, err);
		if (rc == APS_OK) *n_left -= aps_db_changes(db);
		if (rc != APS_OK || *n_left <= 0) break;
		rc = run_on(db, "DELETE FROM entry WHERE id = ?1", entry, 0, err);
		if (rc == APS_OK && aps_db_changes(db) == 0) break; /* the index is damaged: there is no such row */
		--*n_left;
	}
	return rc;
}

/* Where no layer says anything they go all at once. */
static enum aps_rc delete_bare_entries(struct aps_db *db, int64_t part, int64_t *n_left, struct aps_err *err)
{
	static const char SQL[] =
	        "DELETE FROM entry WHERE id IN (SELECT id FROM entry INDEXED BY entry_key WHERE part = ?1 LIMIT ?2)";
	int64_t has_patches;
	enum aps_rc rc = aps_db_read_int(db, "SELECT 1 FROM patch LIMIT 1", &has_patches, err);
	if (rc != APS_OK || has_patches != 0) return rc;
	rc = run_on(db, SQL, part, *n_left, err);
	if (rc == APS_OK) *n_left -= aps_db_changes(db);
	return rc;
}

static const char *const DELETIONS[] = {
        "DELETE FROM layer WHERE id IN (SELECT id FROM layer WHERE part = ?1 LIMIT ?2)",
        "DELETE FROM name WHERE part = ?1 AND number IN (SELECT number FROM name WHERE part = ?1 LIMIT ?2)",
        "DELETE FROM sync WHERE part = ?1 AND name IN (SELECT name FROM sync WHERE part = ?1 LIMIT ?2)",
        ("DELETE FROM tombstone WHERE part = ?1"
         " AND (sync, key) IN (SELECT sync, key FROM tombstone WHERE part = ?1 LIMIT ?2)"),
        ("DELETE FROM quarantine WHERE part = ?1"
         " AND (sync, key) IN (SELECT sync, key FROM quarantine WHERE part = ?1 LIMIT ?2)"),
        "DELETE FROM doubted WHERE part = ?1 AND number IN (SELECT number FROM doubted WHERE part = ?1 LIMIT ?2)",
};

enum aps_rc aps_parts_delete_rows(struct aps_db *db, int64_t part, size_t max_rows, bool *is_done, struct aps_err *err)
{
	int64_t n_left = (int64_t)max_rows;
	*is_done = false;
	enum aps_rc rc = delete_bare_entries(db, part, &n_left, err);
	if (rc == APS_OK) rc = delete_entries(db, part, &n_left, err);
	for (size_t i = 0; rc == APS_OK && i < APS_COUNTOF(DELETIONS) && n_left > 0; i++) {
		rc = run_on(db, DELETIONS[i], part, n_left, err);
		n_left -= rc == APS_OK ? aps_db_changes(db) : 0;
		*is_done = rc == APS_OK && i + 1 == APS_COUNTOF(DELETIONS) && n_left > 0;
	}
	return rc;
}

enum aps_rc aps_parts_remove(struct aps_db *db, int64_t part, struct aps_err *err)
{
	enum aps_rc rc = run_on(db, "DELETE FROM counter WHERE id = ?1", part, 0, err);
	return rc == APS_OK ? run_on(db, "DELETE FROM part WHERE id = ?1", part, 0, err) : rc;
}

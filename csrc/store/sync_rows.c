#include "store/sync_rows.h"

#include "store/query.h"
#include "store/row_sum.h"

/* What a row is of: the same texts in another table are another row. */
enum row_kind { OF_CHECKPOINT = 1, OF_TOMBSTONE, OF_BAD_RECORD };

static struct aps_row_sum begin_sum(enum row_kind kind, struct aps_sync_name sync)
{
	struct aps_row_sum sum;
	aps_row_sum_init(&sum);
	aps_row_sum_add_int(&sum, kind);
	aps_row_sum_add_int(&sum, (uint64_t)sync.part);
	aps_row_sum_add(&sum, sync.name);
	return sum;
}

static void bind_sync(struct aps_query *query, struct aps_sync_name sync)
{
	aps_query_int(query, sync.part);
	aps_query_text(query, sync.name);
}

static enum aps_rc fail_memory(struct aps_err *err)
{
	return aps_fail(err, APS_E_NOMEM, "no memory for what a sync keeps");
}

static int64_t sum_of_checkpoint(struct aps_sync_name sync, struct aps_str checkpoint)
{
	struct aps_row_sum sum = begin_sum(OF_CHECKPOINT, sync);
	aps_row_sum_add(&sum, checkpoint);
	return aps_row_sum_value(&sum);
}

enum aps_rc aps_sync_rows_load(struct aps_db *db, struct aps_sync_name sync, struct aps_buf *out, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT checkpoint, sum FROM sync WHERE part = ?1 AND name = ?2", err);
	bind_sync(&query, sync);
	if (aps_query_row(&query)) {
		struct aps_str checkpoint = aps_stmt_column_str(query.stmt, 0);
		if (aps_stmt_column_int(query.stmt, 1) == sum_of_checkpoint(sync, checkpoint))
			aps_buf_add_str(out, checkpoint);
	}
	enum aps_rc rc = aps_query_end(&query);
	return rc == APS_OK && out->rc != APS_OK ? fail_memory(err) : rc;
}

enum aps_rc aps_sync_rows_save(struct aps_db *db, struct aps_sync_name sync, struct aps_str checkpoint,
                               struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "INSERT OR REPLACE INTO sync VALUES (?1, ?2, ?3, ?4)", err);
	bind_sync(&query, sync);
	aps_query_text(&query, checkpoint);
	aps_query_int(&query, sum_of_checkpoint(sync, checkpoint));
	return aps_query_run(&query);
}

enum aps_rc aps_sync_rows_forget(struct aps_db *db, int64_t part, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "DELETE FROM sync WHERE part = ?1", err);
	aps_query_int(&query, part);
	return aps_query_run(&query);
}

enum aps_rc aps_sync_rows_drop(struct aps_db *db, struct aps_sync_name sync, struct aps_err *err)
{
	static const char *const SQL[] = {
	        "DELETE FROM sync WHERE part = ?1 AND name = ?2",
	        "DELETE FROM tombstone WHERE part = ?1 AND sync = ?2",
	        "DELETE FROM quarantine WHERE part = ?1 AND sync = ?2",
	};
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < APS_COUNTOF(SQL); i++) {
		struct aps_query query;
		aps_query_init(&query, db, SQL[i], err);
		bind_sync(&query, sync);
		rc = aps_query_run(&query);
	}
	return rc;
}

static int64_t sum_of_tombstone(struct aps_sync_name sync, const struct aps_tombstone *tombstone)
{
	struct aps_row_sum sum = begin_sum(OF_TOMBSTONE, sync);
	aps_row_sum_add(&sum, tombstone->key);
	aps_row_sum_add(&sum, tombstone->version);
	aps_row_sum_add(&sum, tombstone->changed_at);
	aps_row_sum_add_int(&sum, (uint64_t)tombstone->seen_s);
	return aps_row_sum_value(&sum);
}

enum aps_rc aps_tombstone_put(struct aps_db *db, struct aps_sync_name sync, const struct aps_tombstone *tombstone,
                              struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "INSERT OR REPLACE INTO tombstone VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", err);
	bind_sync(&query, sync);
	aps_query_text(&query, tombstone->key);
	aps_query_text(&query, tombstone->version);
	aps_query_text(&query, tombstone->changed_at);
	aps_query_int(&query, tombstone->seen_s);
	aps_query_int(&query, sum_of_tombstone(sync, tombstone));
	return aps_query_run(&query);
}

enum aps_rc aps_tombstone_find(struct aps_db *db, struct aps_sync_name sync, struct aps_str key,
                               struct aps_tombstone_found *found, struct aps_err *err)
{
	static const char SQL[] = "SELECT version, changed, seen, sum FROM tombstone"
	                          " WHERE part = ?1 AND sync = ?2 AND key = ?3";
	struct aps_query query;
	found->is_there = false;
	aps_query_init(&query, db, SQL, err);
	bind_sync(&query, sync);
	aps_query_text(&query, key);
	if (aps_query_row(&query)) {
		const struct aps_tombstone tombstone = {
		        .key = key,
		        .version = aps_stmt_column_str(query.stmt, 0),
		        .changed_at = aps_stmt_column_str(query.stmt, 1),
		        .seen_s = aps_stmt_column_int(query.stmt, 2),
		};
		found->is_there = aps_stmt_column_int(query.stmt, 3) == sum_of_tombstone(sync, &tombstone);
		if (found->is_there) aps_buf_add_str(&found->version, tombstone.version);
		if (found->is_there) aps_buf_add_str(&found->changed_at, tombstone.changed_at);
		found->seen_s = tombstone.seen_s;
	}
	enum aps_rc rc = aps_query_end(&query);
	bool is_short = found->version.rc != APS_OK || found->changed_at.rc != APS_OK;
	return rc == APS_OK && is_short ? fail_memory(err) : rc;
}

/* Of one key. */
static enum aps_rc remove_key(struct aps_db *db, const char *sql, struct aps_sync_name sync, struct aps_str key,
                              struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, sql, err);
	bind_sync(&query, sync);
	aps_query_text(&query, key);
	return aps_query_run(&query);
}

static enum aps_rc remove_before(struct aps_db *db, const char *sql, struct aps_sync_name sync, int64_t before_s,
                                 struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, sql, err);
	bind_sync(&query, sync);
	aps_query_int(&query, before_s);
	return aps_query_run(&query);
}

enum aps_rc aps_tombstone_remove(struct aps_db *db, struct aps_sync_name sync, struct aps_str key, struct aps_err *err)
{
	return remove_key(db, "DELETE FROM tombstone WHERE part = ?1 AND sync = ?2 AND key = ?3", sync, key, err);
}

enum aps_rc aps_tombstones_remove_before(struct aps_db *db, struct aps_sync_name sync, int64_t before_s,
                                         struct aps_err *err)
{
	static const char SQL[] = "DELETE FROM tombstone WHERE part = ?1 AND sync = ?2 AND seen < ?3";
	return remove_before(db, SQL, sync, before_s, err);
}

enum aps_rc aps_tombstones_have_any(struct aps_db *db, struct aps_sync_name sync, bool *have_any, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT 1 FROM tombstone WHERE part = ?1 AND sync = ?2 LIMIT 1", err);
	bind_sync(&query, sync);
	*have_any = aps_query_row(&query);
	return aps_query_end(&query);
}

static int64_t sum_of_record(struct aps_sync_name sync, const struct aps_sync_bad_record *record)
{
	struct aps_row_sum sum = begin_sum(OF_BAD_RECORD, sync);
	aps_row_sum_add(&sum, record->key);
	aps_row_sum_add(&sum, record->reason);
	aps_row_sum_add_int(&sum, (uint64_t)record->seen_s);
	return aps_row_sum_value(&sum);
}

static enum aps_rc is_quarantined(struct aps_db *db, struct aps_sync_name sync, struct aps_str key, bool *is,
                                  struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT 1 FROM quarantine WHERE part = ?1 AND sync = ?2 AND key = ?3", err);
	bind_sync(&query, sync);
	aps_query_text(&query, key);
	*is = aps_query_row(&query);
	return aps_query_end(&query);
}

enum aps_rc aps_quarantine_put(struct aps_db *db, struct aps_sync_name sync, const struct aps_sync_bad_record *record,
                               uint64_t *n, struct aps_err *err)
{
	bool is_there;
	struct aps_query query;
	enum aps_rc rc = is_quarantined(db, sync, record->key, &is_there, err);
	if (rc != APS_OK || (!is_there && *n >= APS_SYNC_MAX_BAD)) return rc;
	aps_query_init(&query, db, "INSERT OR REPLACE INTO quarantine VALUES (?1, ?2, ?3, ?4, ?5, ?6)", err);
	bind_sync(&query, sync);
	aps_query_text(&query, record->key);
	aps_query_text(&query, record->reason);
	aps_query_int(&query, record->seen_s);
	aps_query_int(&query, sum_of_record(sync, record));
	rc = aps_query_run(&query);
	*n += rc == APS_OK && !is_there;
	return rc;
}

enum aps_rc aps_quarantine_remove_before(struct aps_db *db, struct aps_sync_name sync, int64_t before_s,
                                         struct aps_err *err)
{
	static const char SQL[] = "DELETE FROM quarantine WHERE part = ?1 AND sync = ?2 AND seen < ?3";
	return remove_before(db, SQL, sync, before_s, err);
}

enum aps_rc aps_quarantine_count(struct aps_db *db, struct aps_sync_name sync, uint64_t *n, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT count(*) FROM quarantine WHERE part = ?1 AND sync = ?2", err);
	bind_sync(&query, sync);
	*n = aps_query_row(&query) ? (uint64_t)aps_stmt_column_int(query.stmt, 0) : 0;
	return aps_query_end(&query);
}

enum aps_rc aps_quarantine_list(struct aps_db *db, struct aps_sync_name sync, struct aps_sync_bad_sink *sink,
                                struct aps_err *err)
{
	static const char SQL[] =
	        "SELECT key, reason, seen, sum FROM quarantine WHERE part = ?1 AND sync = ?2 ORDER BY key";
	struct aps_query query;
	aps_query_init(&query, db, SQL, err);
	bind_sync(&query, sync);
	while (aps_query_row(&query)) {
		const struct aps_sync_bad_record record = {
		        .key = aps_stmt_column_str(query.stmt, 0),
		        .reason = aps_stmt_column_str(query.stmt, 1),
		        .seen_s = aps_stmt_column_int(query.stmt, 2),
		};
		if (aps_stmt_column_int(query.stmt, 3) == sum_of_record(sync, &record)) sink->found(sink, &record);
	}
	return aps_query_end(&query);
}

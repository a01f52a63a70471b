#include "store/db_space.h"

#include <stdio.h>

enum aps_rc aps_db_space(struct aps_db *db, struct aps_db_space *space, struct aps_err *err)
{
	enum aps_rc rc = aps_db_read_int(db, "PRAGMA page_size", &space->page_bytes, err);
	if (rc == APS_OK) rc = aps_db_read_int(db, "PRAGMA page_count", &space->n_pages, err);
	return rc == APS_OK ? aps_db_read_int(db, "PRAGMA freelist_count", &space->n_free_pages, err) : rc;
}

enum aps_rc aps_db_give_back(struct aps_db *db, unsigned n_pages, struct aps_err *err)
{
	char sql[48];
	snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%u)", n_pages);
	return aps_db_exec(db, sql, err);
}

enum aps_rc aps_db_set_erasing(struct aps_db *db, bool is_thorough, struct aps_err *err)
{
	return aps_db_exec(db, is_thorough ? "PRAGMA secure_delete = ON" : "PRAGMA secure_delete = FAST", err);
}

static enum aps_rc set_patience(struct aps_db *db, int64_t busy_ms, struct aps_err *err)
{
	char sql[48];
	snprintf(sql, sizeof sql, "PRAGMA busy_timeout = %d", (int)busy_ms);
	return aps_db_exec(db, sql, err);
}

/* The first column of its row: whether somebody was in the way. Then it has waited as long as it may:
 * https://www.sqlite.org/pragma.html#pragma_wal_checkpoint */
enum aps_rc aps_db_truncate_log(struct aps_db *db, bool *is_done, struct aps_err *err)
{
	int64_t busy_ms, is_busy;
	*is_done = false;
	enum aps_rc rc = aps_db_read_int(db, "PRAGMA busy_timeout", &busy_ms, err);
	if (rc == APS_OK) rc = set_patience(db, 0, err);
	if (rc != APS_OK) return rc;
	rc = aps_db_read_int(db, "PRAGMA wal_checkpoint(TRUNCATE)", &is_busy, err);
	*is_done = rc == APS_OK && is_busy == 0;
	enum aps_rc restored = set_patience(db, busy_ms, rc == APS_OK ? err : NULL);
	return rc == APS_OK ? restored : rc;
}

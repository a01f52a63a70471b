#include "store/db_take_back.h"

#include <sqlite3.h>
#include <stdio.h>

bool aps_db_is_unsynced(const struct aps_err *err)
{
	return err->native == SQLITE_IOERR_FSYNC;
}

/* SQLite writes a page for it, whether the version is another one or not. */
static enum aps_rc write_version(struct aps_db *db, struct aps_err *err)
{
	char sql[48];
	int64_t version;
	enum aps_rc rc = aps_db_read_int(db, "PRAGMA user_version", &version, err);
	if (rc != APS_OK) return rc;
	snprintf(sql, sizeof sql, "PRAGMA user_version = %lld", (long long)version);
	return aps_db_exec(db, sql, err);
}

enum aps_rc aps_db_take_back(struct aps_db *db, struct aps_err *err)
{
	enum aps_rc rc = aps_db_set_synchronous(db, APS_DB_SYNC_NORMAL, err);
	if (rc == APS_OK) rc = aps_db_begin(db, err);
	if (rc != APS_OK) return rc;
	rc = write_version(db, err);
	if (rc == APS_OK) return aps_db_commit(db, err);
	aps_db_rollback(db);
	return rc;
}

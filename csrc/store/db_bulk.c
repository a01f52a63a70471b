#include "store/db_bulk.h"

#include <stdio.h>

/* https://www.sqlite.org/pragma.html#pragma_cache_size (below zero: kilobytes), #pragma_wal_autocheckpoint */
static enum aps_rc set(struct aps_db *db, int64_t cache_size, int64_t log_pages, struct aps_err *err)
{
	char sql[96];
	snprintf(sql, sizeof sql, "PRAGMA cache_size = %lld; PRAGMA wal_autocheckpoint = %lld", (long long)cache_size,
	         (long long)log_pages);
	return aps_db_exec(db, sql, err);
}

enum aps_rc aps_db_set_bulk(struct aps_db *db, struct aps_db_bulk *bulk, bool is_on, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	if (bulk->is_on == is_on) return APS_OK;
	if (aps_db_in_transaction(db)) return aps_fail(err, APS_E_USAGE, "a transaction is open");
	if (is_on) {
		rc = aps_db_read_int(db, "PRAGMA cache_size", &bulk->usual_cache_size, err);
		if (rc == APS_OK) rc = aps_db_read_int(db, "PRAGMA wal_autocheckpoint", &bulk->usual_log_pages, err);
		if (rc == APS_OK) rc = set(db, -(APS_DB_BULK_CACHE_BYTES / 1024), APS_DB_BULK_LOG_PAGES, err);
	} else {
		rc = set(db, bulk->usual_cache_size, bulk->usual_log_pages, err);
	}
	if (rc == APS_OK) bulk->is_on = is_on;
	return rc;
}

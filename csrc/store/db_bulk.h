/* A connection while much is written: many pages that are changed again and again stay in its memory, and the
 * write-ahead log is folded into the file less often, so that each of them is copied there once for many transactions.
 */
#ifndef APS_STORE_DB_BULK_H
#define APS_STORE_DB_BULK_H

#include "store/db.h"

#define APS_DB_BULK_CACHE_BYTES (8 * 1024 * 1024)
#define APS_DB_BULK_LOG_PAGES   4000 /* 16 MB */

/* Of one connection, which is in use as usual at first: zero-initialise it. */
struct aps_db_bulk {
	bool is_on;
	int64_t usual_cache_size, usual_log_pages; /* as SQLite has them */
};

APS_BEGIN_DECLS

/* Begins or ends it; what it is already costs nothing. Afterwards the log is as long as it was, and who ends it may
 * empty it (store/db_space.h). E_USAGE in the middle of a transaction. */
enum aps_rc aps_db_set_bulk(struct aps_db *db, struct aps_db_bulk *bulk, bool is_on, struct aps_err *err);

APS_END_DECLS

#endif

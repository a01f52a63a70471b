/* What a failure of SQLite means: pure. https://www.sqlite.org/rescode.html */
#ifndef APS_STORE_DB_ERROR_H
#define APS_STORE_DB_ERROR_H

#include "base/err.h"

struct aps_db_fault {
	enum aps_rc rc;
	const char
	        *word; /* of E_STORAGE: "full", "readonly", "locked", "corrupt"; of E_SYSTEM: "descriptors"; or NULL */
};

APS_BEGIN_DECLS

/* `code`: SQLite's extended result code. `system`: errno of what failed below SQLite, 0 when unknown; it counts only
 * where `code` says that a file could not be opened, read or written. */
struct aps_db_fault aps_db_fault_of(int code, int system);
/* An error with the word "locked": somebody is just bringing into order what a process has left behind when it was
 * killed. */
bool aps_db_is_under_repair(const struct aps_err *err);

APS_END_DECLS

#endif

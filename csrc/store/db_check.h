/* Whether a file is what SQLite has written: all of it is read. */
#ifndef APS_STORE_DB_CHECK_H
#define APS_STORE_DB_CHECK_H

#include "store/db.h"

APS_BEGIN_DECLS

/* E_STORAGE, "corrupt": a page isn't, or none can be read. The main file alone, what is attached to it isn't looked
 * at. */
enum aps_rc aps_db_check(struct aps_db *db, struct aps_err *err);

APS_END_DECLS

#endif

/* Looks for a mutation of which the number alone is known: by its row id in each lane of each owner. */
#ifndef APS_STORE_ENTRY_FIND_H
#define APS_STORE_ENTRY_FIND_H

#include "store/db.h"

APS_BEGIN_DECLS

/* `sql`: gives a row where a table has the id that is its parameter. *id 0: there is none. */
enum aps_rc aps_entry_find(struct aps_db *db, const char *sql, int64_t number, int64_t *id, struct aps_err *err);

APS_END_DECLS

#endif

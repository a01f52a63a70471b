/* The tables of a store, as numbered steps that keep what is there: a store is brought from the step that it has (its
 * user_version) to the last one, in one transaction. Steps that were released don't change. */
#ifndef APS_STORE_MIGRATIONS_H
#define APS_STORE_MIGRATIONS_H

#include "store/db.h"

APS_BEGIN_DECLS

/* E_STORAGE with the word "newer" for the store of a later version, which is left as it is; with no word for a database
 * that is none of ours. */
enum aps_rc aps_migrations_run(struct aps_db *db, struct aps_err *err);

/* Whether it is a store at all, of whatever version. */
enum aps_rc aps_migrations_is_store(struct aps_db *db, bool *is_store, struct aps_err *err);
/* For one who only reads: whether the tables are those of this version. */
enum aps_rc aps_migrations_are_done(struct aps_db *db, bool *are_done, struct aps_err *err);

/* The same, and why not: E_STORAGE as above, and for an older store, which only its owner brings up to date. */
enum aps_rc aps_migrations_check(struct aps_db *db, struct aps_err *err);

#ifdef APS_TESTING
/* A step behind the last one, for tests of what the steps keep; NULL: none. */
void aps_migrations_add_step(const char *sql);
#endif

APS_END_DECLS

#endif

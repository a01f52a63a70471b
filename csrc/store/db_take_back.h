/* A commit whose sync fails has failed, and is rolled back; but its write-ahead log has all of it by then. This process
 * writes over it with its next commit. A process that opens the file before that (this one was killed, or couldn't fold
 * its log into the file when it closed it) takes it for committed: the frames of a log are valid by their checksums
 * alone (https://www.sqlite.org/walformat.html). */
#ifndef APS_STORE_DB_TAKE_BACK_H
#define APS_STORE_DB_TAKE_BACK_H

#include "store/db.h"

APS_BEGIN_DECLS

/* The error of such a commit. */
bool aps_db_is_unsynced(const struct aps_err *err);
/* Writes over it: a commit that changes nothing takes its place, without a sync, so it helps against a kill. The
 * connection's level is NORMAL afterwards; no transaction may be open. */
enum aps_rc aps_db_take_back(struct aps_db *db, struct aps_err *err);

APS_END_DECLS

#endif

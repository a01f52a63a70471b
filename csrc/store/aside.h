/* Moves a damaged store out of the way, log and all: it is never deleted, and never put over an earlier one. A note
 * says which one is to be read for its outbox (store/aside_note.h). */
#ifndef APS_STORE_ASIDE_H
#define APS_STORE_ASIDE_H

#include "base/buf.h"
#include "base/err.h"

APS_BEGIN_DECLS

/* `path` gets the name "<path>.damaged-<time in UTC>", its log the same with "-wal", so that SQLite's tools find both;
 * nobody may have it open to write. The new name is appended to `name`, zero-terminated. `now_s`: Unix time. E_STORAGE:
 * nothing was moved ("readonly", "full" or no word); E_NOMEM. */
enum aps_rc aps_aside_move(const char *path, int64_t now_s, struct aps_buf *name, struct aps_err *err);
/* A move to the name with this ending was stopped when it had moved the log alone: the store gets it back. */
void aps_aside_undo_half(const char *path, const char *ending);

APS_END_DECLS

#endif

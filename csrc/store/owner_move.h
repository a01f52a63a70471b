/* All that the outbox has of an owner, at once. In the caller's transaction. */
#ifndef APS_STORE_OWNER_MOVE_H
#define APS_STORE_OWNER_MOVE_H

#include "store/db.h"

APS_BEGIN_DECLS

/* What `from` has is `to`'s from now on, in the lanes of its modes, and in the order of its number among what `to` has;
 * `from` is there no more. A temporary id that both have stays `to`'s. */
enum aps_rc aps_owner_move(struct aps_db *db, int64_t from, int64_t to, struct aps_err *err);
/* The owner goes, with all that it has. *n_rows: of mutations, queued or dead, outcomes and temporary ids. So that
 * nothing is left on free pages, store/db_space.h. */
enum aps_rc aps_owner_wipe(struct aps_db *db, int64_t owner, int64_t *n_rows, struct aps_err *err);

APS_END_DECLS

#endif

/* The file of a store that lives as long as its process: ":memory:". A private folder holds it, and a lock that its
 * process has for as long as it lives: what a process left behind that was killed is swept by the next one. (Two
 * connections to a memory database of SQLite block each other, and a file without a name can't be opened twice.) */
#ifndef APS_STORE_SCRATCH_H
#define APS_STORE_SCRATCH_H

#include "base/err.h"

#include <stdbool.h>

struct aps_scratch;

APS_BEGIN_DECLS

/* Makes a folder (mode 0700) in `parent`, such as "/tmp". E_STORAGE, E_NOMEM, E_SYSTEM. */
struct aps_scratch *aps_scratch_new(const char *parent, struct aps_err *err);
/* Of the store's file, which isn't there yet. */
const char *aps_scratch_path(const struct aps_scratch *scratch);
/* Takes the folder away with all that is in it. Twice is legal; in a child process it stays, which is the parent's. */
void aps_scratch_remove(struct aps_scratch *scratch);
/* Likewise, and frees it. NULL is legal. */
void aps_scratch_free(struct aps_scratch *scratch);

/* Removes the folders in `parent` whose processes are gone. It looks at all that is there, which may be much. */
void aps_scratch_sweep(const char *parent);
/* Likewise, where this one is. */
void aps_scratch_sweep_beside(const struct aps_scratch *scratch);

APS_END_DECLS

#endif

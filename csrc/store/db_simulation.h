/* The store of a simulation, for the connections that this thread opens: what SQLite would write to its file and its
 * log is in memory, and a connection that is closed is kept, with its compiled statements, for whoever opens the store
 * next. Thousands of short lives of one store cost neither the disk's time nor the parser's. The file itself is made,
 * and stays empty: locks and links are the system's. */
#ifndef APS_STORE_DB_SIMULATION_H
#define APS_STORE_DB_SIMULATION_H

#include "base/err.h"

#include <stdbool.h>

/* What can be kept, to be put back later: of a new store, once its connections are closed for good; of one in use. */
enum aps_db_copy { APS_DB_COPY_NEW, APS_DB_COPY_KILLED, APS_DB_COPY_COUNT };

APS_BEGIN_DECLS

/* From now on that of this path is the simulation's; the file has to be there. One at a time. */
enum aps_rc aps_db_simulation_begin(const char *path, struct aps_err *err);
/* Frees it with all that is kept, but for connections: aps_db_close_kept() comes before. */
void aps_db_simulation_end(void);
/* What is in it now, as a process finds it that starts after this one was killed. */
enum aps_rc aps_db_simulation_keep(enum aps_db_copy which, struct aps_err *err);
/* What was kept is in it again: none of its connections may be in use. */
enum aps_rc aps_db_simulation_put(enum aps_db_copy which, struct aps_err *err);

/* The rest is for db.c: the name of the VFS (https://www.sqlite.org/vfs.html) that opens this path; NULL: the system's.
 */
const char *aps_db_simulation_vfs(const char *path);

APS_END_DECLS

#endif

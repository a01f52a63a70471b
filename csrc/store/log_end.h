/* Whether a write-ahead log ends where its last transaction does. SQLite reads a log up to the first frame whose
 * checksum is wrong and takes the rest for never written (https://www.sqlite.org/fileformat2.html#walformat); of a
 * store that is known to be damaged that rest may have been acknowledged. A process that was killed in the middle of a
 * transaction leaves the same, and a log that was cut between two transactions looks whole. */
#ifndef APS_STORE_LOG_END_H
#define APS_STORE_LOG_END_H

#include "base/err.h"

#include <stdbool.h>

APS_BEGIN_DECLS

/* Of the log at that path, which nobody writes; one that isn't there ends well. E_NOMEM. */
enum aps_rc aps_log_end_look(const char *path, bool *is_open, struct aps_err *err);

APS_END_DECLS

#endif

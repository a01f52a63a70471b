/* Files that a user names. What waits or has no end, as pipes and devices, is never opened: reading it could take for
 * ever, or all memory. */
#ifndef APS_BASE_FILE_H
#define APS_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

APS_BEGIN_DECLS

/* Why this can't be read as a file, in a few static words or the system's; NULL when it is a plain one that may be
 * read. Opens nothing. */
const char *aps_file_unfit(const char *path);
/* Appends the whole content. The null device is an empty file. E_USAGE (native: errno, 0 for what is no plain file),
 * E_TOO_BIG above `max_bytes`, E_NOMEM; the message doesn't name the path. */
enum aps_rc aps_file_read(const char *path, size_t max_bytes, struct aps_buf *out, struct aps_err *err);

/* The inode number of what is at this path; 0: nothing is there; `unknown`: the system doesn't say. */
ino_t aps_file_number(const char *path, ino_t unknown);

/* The path from the root of what this one names, links followed; where nothing is there yet, of what it would name. A
 * path that leads nowhere stays as it is. E_NOMEM. */
enum aps_rc aps_file_resolve(const char *path, struct aps_buf *out, struct aps_err *err);

APS_END_DECLS

#endif

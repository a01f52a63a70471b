/* Which places of a response its `errors` name (GraphQL October 2021, section 7.1.2): what stands there is no data.
 * Followed while the data is read: enter and leave for each member and item. */
#ifndef APS_CACHE_ERROR_PATHS_H
#define APS_CACHE_ERROR_PATHS_H

#include "base/arena.h"

struct aps_error_path;

struct aps_error_paths {
	struct aps_arena arena;
	struct aps_error_path *first; /* NULL: nothing is followed */
	unsigned depth;
};

APS_BEGIN_DECLS

/* `errors`: JSON text of a list, or empty. What is no path in it is passed over. A failure is in *err: E_NOMEM. */
void aps_error_paths_init(struct aps_error_paths *paths, struct aps_str errors, struct aps_err *err);
void aps_error_paths_clear(struct aps_error_paths *paths);
/* True where an error names this very place. */
bool aps_error_paths_enter(struct aps_error_paths *paths, struct aps_str response_key);
bool aps_error_paths_enter_item(struct aps_error_paths *paths, size_t index);
void aps_error_paths_leave(struct aps_error_paths *paths);

APS_END_DECLS

#endif

/* Which places of a response its `errors` name (GraphQL October 2021, section 7.1.2): what stands there is no data.
 * Followed while the data is read: enter and leave for each member and item. The paths are a tree, so that a place that
 * no path leads to costs nothing, however many there are. */
#ifndef APS_CACHE_ERROR_PATHS_H
#define APS_CACHE_ERROR_PATHS_H

#include "base/arena.h"

/* A page of 100,000 records that are all bad names twice as many. */
#define APS_ERROR_PATHS_MAX_PLACES ((size_t)500000)

struct aps_error_place;

struct aps_error_paths {
	struct aps_arena arena;
	struct aps_error_place *root; /* of the response; NULL: nothing is followed */
	struct aps_error_place *at;   /* the innermost place that was entered and that some path leads through */
	size_t n_beyond;              /* levels that were entered below it */
	struct aps_error_place *last; /* made */
	struct aps_error_place **slots;
	size_t n_slots, n_places;
	uint64_t seed;
};

APS_BEGIN_DECLS

/* `errors`: JSON text of a list, or empty. What is no path in it is passed over. `seed`: keeps a server from choosing
 * paths that collide. A failure is in *err, and leaves nothing to follow: E_NOMEM; E_TOO_BIG: they name more than
 * APS_ERROR_PATHS_MAX_PLACES places. */
void aps_error_paths_init(struct aps_error_paths *paths, struct aps_str errors, uint64_t seed, struct aps_err *err);
/* Twice is legal. */
void aps_error_paths_clear(struct aps_error_paths *paths);
/* True where an error names this very place. */
bool aps_error_paths_enter(struct aps_error_paths *paths, struct aps_str response_key);
bool aps_error_paths_enter_item(struct aps_error_paths *paths, size_t index);
void aps_error_paths_leave(struct aps_error_paths *paths);

APS_END_DECLS

#endif

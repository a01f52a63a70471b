/* Where the list of a delta sync stands in the cache, by the base query's document and variables. @thread core */
#ifndef APS_CLIENT_SYNC_PLACE_H
#define APS_CLIENT_SYNC_PLACE_H

#include "client/sync_run.h"

APS_BEGIN_DECLS

/* By the page that was read (`binding`: of the base query), unless it is known. E_USAGE: the result is no list; or it
 * stands in a record that isn't the root, where nothing can keep it. */
enum aps_rc aps_sync_place_find(struct aps_sync_run *run, const struct aps_page *page, struct aps_binding *binding,
                                struct aps_err *err);
/* By the document alone: `items` below the root field, or that itself. */
enum aps_rc aps_sync_place_guess(struct aps_sync_run *run, struct aps_err *err);

APS_END_DECLS

#endif

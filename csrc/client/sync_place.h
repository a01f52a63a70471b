/* Where the list of a delta sync stands in the cache, by the base query's document and variables. @thread core */
#ifndef APS_CLIENT_SYNC_PLACE_H
#define APS_CLIENT_SYNC_PLACE_H

#include "client/sync_run.h"

APS_BEGIN_DECLS

/* By the page that was read (`binding`: of the base query). E_USAGE: the query doesn't select what the page has. */
enum aps_rc aps_sync_place_find(struct aps_sync_run *run, const struct aps_page *page, struct aps_binding *binding,
                                struct aps_err *err);
/* By the document, and where that doesn't tell, by what is in the cache: the list, or else the root field itself. */
enum aps_rc aps_sync_place_guess(struct aps_sync_run *run, struct aps_err *err);
/* What the checkpoint says was kept in the list isn't there any more: it was evicted, or somebody else has written over
 * it while nobody kept it. Between two writes. */
bool aps_sync_place_is_lost(struct aps_sync_run *run);

APS_END_DECLS

#endif

/* The pages of a delta sync: which one is fetched next, and what becomes of it. The events give false where they are
 * illegal; then nothing has changed. */
#ifndef APS_SYNC_SYNC_FETCHING_H
#define APS_SYNC_SYNC_FETCHING_H

#include "sync/sync_machine.h"

APS_BEGIN_DECLS

bool aps_sync_answer(struct aps_sync_step *s);
bool aps_sync_fail_fetch(struct aps_sync_step *s);
bool aps_sync_save(struct aps_sync_step *s);
bool aps_sync_unsave(struct aps_sync_step *s);

void aps_sync_abandon_fetch(struct aps_sync_step *s);
/* From now on this pass runs. */
void aps_sync_run(struct aps_delta_sync *sync, enum aps_sync_query query, bool is_anew, bool is_inside);
bool aps_sync_may_fetch(const struct aps_sync_step *s);
/* Some time may have passed since the pass was begun, or its last page kept: another one may have to run. */
void aps_sync_revise(struct aps_sync_step *s);
/* The next page is the first one of the pass that runs. */
bool aps_sync_begins(const struct aps_delta_sync *sync);
/* The next page of the pass that runs. */
void aps_sync_fetch(struct aps_sync_step *s);
/* The page behind the one that is being kept, if it may be asked for. */
void aps_sync_fetch_ahead(struct aps_sync_step *s);

APS_END_DECLS

#endif

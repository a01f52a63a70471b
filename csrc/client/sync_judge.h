/* Which records of a page or an event are newer than what is known, which were deleted, and which can't be taken.
 * @thread core */
#ifndef APS_CLIENT_SYNC_JUDGE_H
#define APS_CLIENT_SYNC_JUDGE_H

#include "client/sync_judgement.h"
#include "client/sync_run.h"

APS_BEGIN_DECLS

/* What would become of the records now; `data`: of the response, with what was asked of it (NULL: nothing was);
 * `binding`: of the operation of the part in hand, or NULL. */
enum aps_rc aps_sync_judge(struct aps_sync_run *run, const struct aps_page *page, const struct aps_partition_data *data,
                           struct aps_binding *binding, struct aps_sync_judgement *out, struct aps_err *err);

APS_END_DECLS

#endif

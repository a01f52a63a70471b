/* A service that makes its own ids has no record under the one that a create has brought along: that the record is
 * absent doesn't say then that the create wasn't executed. The answers of earlier ones tell (sync/id_evidence.h), as
 * long as the log of outcomes has them. @thread core */
#ifndef APS_CLIENT_IDS_IGNORED_H
#define APS_CLIENT_IDS_IGNORED_H

#include "client/queue.h"

APS_BEGIN_DECLS

/* For a mutation in doubt whose record, that of the key `made`, is absent: the newest answer that tells among the last
 * thousand outcomes. `mutation`: the name of its root field. Where none tells, the application is believed. */
enum aps_rc aps_ids_are_ignored(const struct aps_queue *queue, struct aps_str mutation, struct aps_str made,
                                bool *are_ignored, struct aps_err *err);

APS_END_DECLS

#endif

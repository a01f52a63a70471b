/* The feature of outboxes: the queues of a client, one for each identity that it works with. @thread core */
#ifndef APS_CLIENT_QUEUEING_H
#define APS_CLIENT_QUEUEING_H

#include "client/queue.h"

APS_BEGIN_DECLS

extern const struct aps_feature aps_queueing_feature;

/* NULL: that partition has none. */
struct aps_queue *aps_queueing_find(const struct aps_core *core, const struct aps_client *client, uint64_t cache);
/* Likewise, by its identity. */
struct aps_queue *aps_queueing_find_identity(const struct aps_core *core, const struct aps_client *client,
                                             struct aps_str identity);
/* Opens one, or gives the one that is there other settings, of which it takes what they own. E_NOMEM, E_CLOSED: there
 * is no such partition. */
enum aps_rc aps_queueing_open(struct aps_core *core, struct aps_client *client, uint64_t cache,
                              struct aps_queue_settings *settings, struct aps_err *err);
/* A call that waits in one of the client's queues ends with *why; false: none does. */
bool aps_queueing_cancel(struct aps_core *core, struct aps_client *client, uint64_t call, const struct aps_err *why);

APS_END_DECLS

#endif

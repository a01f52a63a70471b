/* What the machine says is to be stored, and what belongs to it: the answer's ids, the outcome, the layer. Each begins
 * the transaction that it needs. @thread core */
#ifndef APS_CLIENT_QUEUE_STORE_H
#define APS_CLIENT_QUEUE_STORE_H

#include "client/sending.h"

APS_BEGIN_DECLS

/* On failure nothing of the turn is kept: aps_queue_fail(). */
enum aps_rc aps_queue_store_action(struct aps_queue *queue, const struct aps_outbox_action *action,
                                   struct aps_err *err);

APS_END_DECLS

#endif

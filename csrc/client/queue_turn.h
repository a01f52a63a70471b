/* Several processes on one store: each puts the answers to its own mutations into the cache (client/queue_settle.h),
 * and those about one record in the order in which they came, whichever process they are of: what one process adds to a
 * list must not come after another one has removed it. @thread core */
#ifndef APS_CLIENT_QUEUE_TURN_H
#define APS_CLIENT_QUEUE_TURN_H

#include "client/queue.h"
#include "store/outcomes.h"

/* For so long an answer waits for one that another process has in hand: that may stand still, or be asleep. */
#define APS_QUEUE_TURN_MS 2000

APS_BEGIN_DECLS

/* No other process has an answer in hand, nor had one that has died since this one has looked at what that left. */
bool aps_queue_turn_is_alone(const struct aps_queue *queue);
/* It is not this outcome's turn: an earlier one, of another process, or of one that has died, names one of the ids that
 * it names, and isn't in the cache yet. What can't be read isn't waited for. */
bool aps_queue_turn_is_others(struct aps_queue *queue, const struct aps_kept_outcome *outcome);

APS_END_DECLS

#endif

/* Outcomes that were told long ago, and ids that nobody means any more, leave the store (store/outcomes.h,
 * store/id_map.h): a few rows of a turn, soon after the queue was opened, after many outcomes, and every hour.
 * @thread core */
#ifndef APS_CLIENT_QUEUE_PRUNING_H
#define APS_CLIENT_QUEUE_PRUNING_H

#include "client/queue.h"

APS_BEGIN_DECLS

void aps_queue_pruning_start(struct aps_queue *queue);
void aps_queue_pruning_stop(struct aps_queue *queue);
/* There is one more outcome. */
void aps_queue_pruning_note(struct aps_queue *queue);

APS_END_DECLS

#endif

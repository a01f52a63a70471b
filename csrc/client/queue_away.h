/* Several processes on one store: the one that sends what all have queued is the one that notices that the service
 * can't be reached. The store says so meanwhile, with its slot, so that calls in the others learn that their mutations
 * are queued, as those in that process do (client/queue_waits.h), and don't wait for their timeouts. @thread core */
#ifndef APS_CLIENT_QUEUE_AWAY_H
#define APS_CLIENT_QUEUE_AWAY_H

#include "client/queue.h"

APS_BEGIN_DECLS

/* Of the one that sends, at each turn's end: what has changed is stored. */
void aps_queue_away_share(struct aps_queue *queue);
/* Of the others, at each turn's end: the calls that are to learn it. */
void aps_queue_away_heed(struct aps_queue *queue);

APS_END_DECLS

#endif

/* Which outcomes somebody was told of. @thread core */
#ifndef APS_CLIENT_QUEUE_TOLD_H
#define APS_CLIENT_QUEUE_TOLD_H

#include "client/queue.h"

APS_BEGIN_DECLS

/* Somebody was told of that outcome. A transaction of its own would take longer than all else that is done for a
 * mutation: it is in the next one, whatever that is for, or soon in one of its own. Lost with the process before that,
 * it is told once more, in another run. */
void aps_queue_told(struct aps_queue *queue, uint64_t outcome);
/* In the transaction that is open, what is to be in it. */
enum aps_rc aps_queue_store_told(struct aps_queue *queue, struct aps_err *err);
/* Its outcomes go to another queue of the client: what is being told goes on, and is told by no other one. */
void aps_queue_leave_told(struct aps_queue *queue);
/* That outcome was told in this run, or is being told, by this queue or by one that it has adopted. */
bool aps_queue_was_told(const struct aps_queue *queue, uint64_t outcome);

APS_END_DECLS

#endif

/* A queue whose client is about to close: nothing more is sent, and what is under way may still be answered. A request
 * that is left would leave its mutation in doubt. @thread core */
#ifndef APS_CLIENT_QUEUE_FINISH_H
#define APS_CLIENT_QUEUE_FINISH_H

#include "client/queue_answer.h"

APS_BEGIN_DECLS

/* From now on nothing begins. The command is answered with true once no request is under way. */
void aps_queue_finish(struct aps_queue *queue, struct aps_ask_queue_command *command);
/* At the end of a turn: answers it, if that is so. */
void aps_queue_finish_look(struct aps_queue *queue);
/* Answers it with *why. */
void aps_queue_finish_drop(struct aps_queue *queue, const struct aps_err *why);
/* Marked as being sent, and nothing of it was. */
bool aps_queue_is_unsent(const struct aps_queue *queue, const struct aps_outbox_item *item);

APS_END_DECLS

#endif

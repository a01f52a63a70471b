/* How a queue lives: its transactions end, what follows from that is done, and who waits for it told. @thread core */
#ifndef APS_CLIENT_QUEUE_RUN_H
#define APS_CLIENT_QUEUE_RUN_H

#include "client/queue.h"

APS_BEGIN_DECLS

/* Takes what the settings own. NULL: no memory. */
struct aps_queue *aps_queue_open(struct aps_core *core, struct aps_client *client, uint64_t cache,
                                 struct aps_queue_settings *settings);
/* Whoever waits is told *err; what is under way is left, and in doubt. */
void aps_queue_close(struct aps_queue *queue, const struct aps_err *err);
/* Takes the settings' place. */
void aps_queue_change(struct aps_queue *queue, struct aps_queue_settings *settings);
/* Lets go what may go, and carries out what the machine says. */
void aps_queue_run(struct aps_queue *queue);
/* Who waits for what has ended with a transaction is told, and what was lost with one is forgotten. By whoever holds
 * nothing of the queue: commands, before they begin. */
void aps_queue_heed(struct aps_queue *queue);
/* What was begun can't be kept: nothing of the turn is. */
void aps_queue_fail(struct aps_queue *queue, const struct aps_err *why);

APS_END_DECLS

#endif

/* The application puts answers into its cache (`update`, `cache_updates`), one after the other in the order in which
 * they came: what it makes of an earlier one must not come over what it has made of a later one. An answer to a call
 * that still waits takes its turn, too, and is a QUEUE "answer" else. offline.callback is told afterwards, however long
 * that takes.
 *
 *   untold outcomes   … | settled | settling | to come …
 *                       |         |  the application has it in hand
 *
 * @thread core */
#ifndef APS_CLIENT_QUEUE_SETTLE_H
#define APS_CLIENT_QUEUE_SETTLE_H

#include "client/sending.h"

APS_BEGIN_DECLS

/* One was added to the log, and is in the store once that is committed; 0: others may have come into it. */
void aps_queue_settle_note(struct aps_queue *queue, int64_t outcome);
/* An outcome that is in the store may be given to a call at once: all before it are settled. Counts as done. */
bool aps_queue_settle_begin(struct aps_queue *queue, const struct aps_sending *sending);
/* At the end of a turn: gives out what may be. */
void aps_queue_settle(struct aps_queue *queue);
/* The layer of this entry has left: the next one's turn. */
void aps_queue_settle_done(struct aps_queue *queue, uint64_t entry);
/* The application has confirmed the outcome, whatever it has done about the layer. */
void aps_queue_settle_confirm(struct aps_queue *queue, int64_t outcome);
/* Outcomes may have become this process's that it has passed. */
void aps_queue_settle_again(struct aps_queue *queue);
/* Outcomes may be others, or come earlier. */
void aps_queue_settle_anew(struct aps_queue *queue);

APS_END_DECLS

#endif

/* Layers of answers that are stored, and whose end an earlier run has left open: it has ended before the application's
 * update was through, or the application has none any more. @thread core */
#ifndef APS_CLIENT_QUEUE_ANSWERED_H
#define APS_CLIENT_QUEUE_ANSWERED_H

#include "client/queue.h"

APS_BEGIN_DECLS

/* Once the owner is known; of those up to the number `last`. One whose outcome is still to be told, and for which there
 * are functions or rules, stays: whoever is told settles it. The others are folded into what they lie on; the turn ends
 * that transaction. */
enum aps_rc aps_queue_fold_answered(struct aps_queue *queue, int64_t last, struct aps_err *err);

APS_END_DECLS

#endif

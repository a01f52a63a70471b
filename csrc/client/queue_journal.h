/* The entries of a queue as its machine knows them: read from the store one at a time. @thread core */
#ifndef APS_CLIENT_QUEUE_JOURNAL_H
#define APS_CLIENT_QUEUE_JOURNAL_H

#include "client/queue.h"

APS_BEGIN_DECLS

extern const struct aps_outbox_journal aps_queue_journal;

/* What the machine has to know of an entry: which is marked, what it may do again, for what it waits. Also of one that
 * isn't inserted yet. info->records is initialised. */
enum aps_rc aps_queue_describe(struct aps_queue *queue, const struct aps_outbox_row *row, struct aps_outbox_info *info,
                               struct aps_err *err);

APS_END_DECLS

#endif

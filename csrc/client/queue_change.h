/* What an application does to its queue by hand. In a transaction that is on the disk before anybody is told; the turn
 * ends it. @thread core */
#ifndef APS_CLIENT_QUEUE_CHANGE_H
#define APS_CLIENT_QUEUE_CHANGE_H

#include "client/queue_enqueue.h"

APS_BEGIN_DECLS

/* *is_done false: there is none of this number. E_USAGE, word "sending": its request is under way. After E_STORAGE and
 * E_NOMEM nothing of the turn is kept: aps_queue_fail(). */
enum aps_rc aps_queue_discard(struct aps_queue *queue, int64_t number, bool *is_done, struct aps_err *err);
/* Other variables: JSON of an object. */
enum aps_rc aps_queue_edit(struct aps_queue *queue, int64_t number, struct aps_str variables, bool *is_done,
                           struct aps_err *err);
/* A dead letter goes to the tail, with these edits for its layer. One that is queued doesn't wait to be tried again. */
enum aps_rc aps_queue_retry(struct aps_queue *queue, int64_t number, const struct aps_caching_edits *edits,
                            bool has_layer, bool *is_done, struct aps_err *err);
/* All that is queued becomes dead letters that the application has discarded; those that are under way aren't touched.
 */
enum aps_rc aps_queue_bury_all(struct aps_queue *queue, int64_t *n, struct aps_err *err);
/* Nothing of the owner is left; what is under way is forgotten, and who waits for it is told so. Once the cache is
 * wiped as well (aps_caching_clear()), nothing of it is in the file or its log. */
enum aps_rc aps_queue_wipe(struct aps_queue *queue, int64_t *n_rows, struct aps_err *err);
/* Another identity's queue is this one's from now on; *n: of its mutations. So is its cache, where nobody has that
 * open. Committed when it returns. E_USAGE, word "sending": a request of it is under way; "in_use": another client has
 * that identity open. */
enum aps_rc aps_queue_adopt(struct aps_queue *queue, struct aps_str identity, int64_t *n, struct aps_err *err);

APS_END_DECLS

#endif

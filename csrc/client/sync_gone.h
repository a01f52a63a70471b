/* Records that left a sync's list although nobody told of their deletion: a complete base pass lacked them, or they had
 * lingered. With cache_updates other queries still show them: the application is asked about each as of a deletion, a
 * few at a time. Which ones are to be asked about is a list of its own in the cache, part of the transaction in which
 * they leave, so that neither a failure nor the end of the process loses any; it keeps what the records were.
 *
 *    swept, lingered, thrown away --aps_sync_gone_change--> listed --_ask--> told --_change--> doubted
 *                                                           |  ^              |
 *                             joins or is told of again <---+  +--------------+ it came to nothing
 *
 * @thread core */
#ifndef APS_CLIENT_SYNC_GONE_H
#define APS_CLIENT_SYNC_GONE_H

#include "client/sync_run.h"

APS_BEGIN_DECLS

/* When the run begins: there may be some of an earlier one. */
void aps_sync_gone_look(struct aps_sync_run *run);
/* What is written makes `left` leave (uint64_t) and `joining` join; what was asked about (keeping->gone) is settled,
 * and appended to `left`: the list doesn't hold it any more. In an open write. */
enum aps_rc aps_sync_gone_change(struct aps_sync_run *run, struct aps_partition *partition,
                                 const struct aps_buf *joining, struct aps_buf *left, struct aps_err *err);
/* Some are to be asked about. */
bool aps_sync_gone_is_due(const struct aps_sync_run *run);
/* Tells some of them under this number: *is_told; false: none had to be. keeping->gone: those that are dealt with
 * then. */
enum aps_rc aps_sync_gone_ask(struct aps_sync_run *run, uint64_t question, bool *is_told, struct aps_err *err);

APS_END_DECLS

#endif

/* Whether the service was seen to have the version that a mutation expects of its record. A client that has queued
 * several mutations of a record expects versions that the earlier ones are to make. Where one of these has failed, a
 * service that merges conflicts (AppSync Developer Guide, "Conflict detection and resolution": automerge, a Lambda)
 * executes the next one all the same, and the record may get just the version that was expected: then this doesn't say
 * any more that the mutation wasn't executed (sync/in_doubt.h), and it isn't safe to send again. @thread core */
#ifndef APS_CLIENT_VERSION_SEEN_H
#define APS_CLIENT_VERSION_SEEN_H

#include "client/queue.h"

APS_BEGIN_DECLS

/* For an entry that is about to be marked as being sent, in the transaction of that: where its version is ahead of what
 * is cached of the record, it is never sent again from now on. Where nothing is cached the application is believed. */
enum aps_rc aps_version_seen_check(struct aps_queue *queue, uint64_t number, struct aps_err *err);

APS_END_DECLS

#endif

/* A request that was never answered may still be executed: what it wanted isn't there yet, is sent again, and is then
 * there twice. A service that compares versions refuses the late one; one that merges conflicts (AppSync Developer
 * Guide, "Conflict detection and resolution": automerge, a Lambda) doesn't. There a mutation in doubt is sent again
 * when its last request can't live any more: AppSync ends what takes longer than 30 seconds ("AWS AppSync endpoints and
 * quotas"), and the client's own request takes 30 seconds by default. Where the application says how long a request may
 * live, that goes for whatever is looked at before it is sent again. @thread core */
#ifndef APS_CLIENT_LATE_REQUEST_H
#define APS_CLIENT_LATE_REQUEST_H

#include "client/queue.h"
#include "sync/safety.h"

#define APS_LATE_REQUEST_MS 60000

/* The last one of a mutation. */
struct aps_late_request {
	bool has_begun;
	int64_t begun_ms; /* by the monotonic clock */
};

APS_BEGIN_DECLS

/* It begins now. */
void aps_late_request_begin(struct aps_late_request *request);
/* Where it was begun by another run, its mark in the store tells when; 0: there is none. */
void aps_late_request_find(struct aps_late_request *request, int64_t lease_ms);
/* How long it may still live; 0: it can't, or that does no harm. */
int64_t aps_late_request_left_ms(const struct aps_late_request *request, const struct aps_queue *queue,
                                 const struct aps_safety *safety);
/* What an answer tells of the service by the version that the record has now, in the transaction of the answer. */
enum aps_rc aps_late_request_learn(struct aps_queue *queue, const struct aps_safety *safety, int64_t version,
                                   struct aps_err *err);

APS_END_DECLS

#endif

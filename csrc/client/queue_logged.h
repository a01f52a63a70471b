/* What other processes do to a queue that this one has open, too: what they have queued is sent, where this one leads;
 * and what has become of mutations that this process has queued and another one has sent, calls that wait for them get
 * out of the log. @thread core */
#ifndef APS_CLIENT_QUEUE_LOGGED_H
#define APS_CLIENT_QUEUE_LOGGED_H

#include "client/queue_waits.h"

struct aps_kept_outcome;

APS_BEGIN_DECLS

/* For the vault: another process may be gone; others have committed. */
void aps_queue_looked(struct aps_queue *queue);
void aps_queue_overtaken(struct aps_queue *queue);
/* This process tells that outcome. */
bool aps_queue_is_ours(struct aps_queue *queue, const struct aps_kept_outcome *outcome);
/* The call is answered with what the log has: its event is complete. */
void aps_queue_take_logged(struct aps_queue_wait *wait, const struct aps_kept_outcome *outcome, bool has_layer);
/* Those that wait for mutations which have left the outbox without an outcome: the application has discarded them, in
 * whatever process. */
void aps_queue_look_for_waits(struct aps_queue *queue);
/* A request of a mutation that another process sends may have reached the service. */
bool aps_queue_is_sent_elsewhere(const struct aps_queue *queue, uint64_t number);

/* Its first request is under way there, or it has ended there: the call that waits for it learns how that went. */
bool aps_queue_is_under_way_elsewhere(const struct aps_queue *queue, uint64_t number);

APS_END_DECLS

#endif

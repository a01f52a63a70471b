/* Several processes on one store: of those that have a queue of the same key prefix and identity open, one leads it. It
 * sends what all of them have queued, and logs how that has ended. The others only queue, and take what has become of
 * their own mutations out of the log (client/queue_logged.h). Where the file isn't shared this process leads.
 *
 * An entry has the slot of the process that has queued it, and so has its outcome: that process tells the application,
 * and has the functions for the answer; when it is no more, whoever leads stands in for it. @thread core */
#ifndef APS_CLIENT_QUEUE_LEAD_H
#define APS_CLIENT_QUEUE_LEAD_H

#include "client/queue.h"

/* Whose an entry is. */
enum aps_queue_whose {
	APS_QUEUE_NOBODYS, /* of a process that is no more, or of an earlier run */
	APS_QUEUE_OURS,    /* of this run */
	APS_QUEUE_OTHERS   /* of another process, which lives */
};

APS_BEGIN_DECLS

bool aps_queue_leads(const struct aps_queue *queue);
/* OK, or why what is queued can't be changed here: E_STORAGE "locked", by whom. */
enum aps_rc aps_queue_check_leads(const struct aps_queue *queue, struct aps_err *err);
/* Takes the lead where it is free: when the queue is opened, when its store has moved, and from time to time. */
void aps_queue_try_lead(struct aps_queue *queue);
void aps_queue_leave_lead(struct aps_queue *queue);
/* The lead of another identity whose queue isn't open here, for a moment. E_STORAGE "locked". */
enum aps_rc aps_queue_borrow_lead(const struct aps_queue *queue, struct aps_str identity, struct aps_err *err);
void aps_queue_return_lead(const struct aps_queue *queue, struct aps_str identity);
/* Of this process, for what it queues; 0: nobody else will have it. */
int64_t aps_queue_slot(const struct aps_queue *queue);
/* `by`: the slot that it has; 0: it has none. */
enum aps_queue_whose aps_queue_whose(const struct aps_queue *queue, int64_t by, int64_t entry);
/* Of an outcome's content; 0: it isn't said. */
int64_t aps_queue_outcome_by(struct aps_str content);

APS_END_DECLS

#endif

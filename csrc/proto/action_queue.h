/* The actions of a realtime machine, in order. Room for what one input can cause is reserved when a subscription is
 * added, so a machine whose owner takes its actions does not allocate for them later. */
#ifndef APS_PROTO_ACTION_QUEUE_H
#define APS_PROTO_ACTION_QUEUE_H

#include "base/buf.h"
#include "proto/realtime_action.h"

struct aps_queued_action;

struct aps_action_queue {
	struct aps_queued_action *items; /* a ring */
	size_t head;
	size_t n_items;
	size_t capacity;
	struct aps_buf bytes;   /* texts and errors of the queued actions */
	struct aps_err current; /* the error of the action that was taken last */
	bool is_short;          /* memory was out: an action was lost, the machine has to start over */
};

#define APS_ACTION_NO_ERR SIZE_MAX

APS_BEGIN_DECLS

void aps_action_queue_init(struct aps_action_queue *queue);
void aps_action_queue_clear(struct aps_action_queue *queue);
bool aps_action_queue_reserve(struct aps_action_queue *queue, size_t n_actions);

/* Keeps an error for the actions that are pushed next, any number of them. NULL gives APS_ACTION_NO_ERR. */
size_t aps_action_queue_keep_err(struct aps_action_queue *queue, const struct aps_err *err);
/* Appends a copy of *action; `action->text` is borrowed until it is taken (a literal, or the frame). `err_at` comes
 * from aps_action_queue_keep_err(). False: memory is out, queue->is_short is set. */
bool aps_action_queue_push(struct aps_action_queue *queue, const struct aps_realtime_action *action, size_t err_at);
/* The same with the text being what was appended to queue->bytes since it was `text_at` long. */
bool aps_action_queue_push_built(struct aps_action_queue *queue, const struct aps_realtime_action *action,
                                 size_t text_at);
/* Takes back what was queued for a subscription that its owner has removed. */
void aps_action_queue_forget(struct aps_action_queue *queue, uint64_t sub);
/* What is given is valid until the next call. */
bool aps_action_queue_take(struct aps_action_queue *queue, struct aps_realtime_action *action);

APS_END_DECLS

#endif

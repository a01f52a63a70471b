#include "client/queue_waits.h"

#include "base/mem.h"
#include "client/queue_settle.h"

static void free_wait(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	aps_free(APS_CONTAINER_OF(reap, struct aps_queue_wait, reap));
}

/* Emits its event. */
static void end(struct aps_queue_wait *wait)
{
	struct aps_queue *queue = wait->queue;
	struct aps_queue_wait **at = &queue->waits;
	struct aps_result_event *event = wait->result;
	while (*at != wait) at = &(*at)->next;
	*at = wait->next;
	APS_STATS_SUB(queue->client->stats, operations_in_flight, 1);
	aps_timer_stop(&queue->core->timers, &wait->deadline);
	event->big_integers_as_text = queue->client->settings.big_integers_as_text;
	event->queued.entry = wait->number;
	aps_queue_id_text(queue, wait->number, event->queued.id);
	if (event->response.err.code != APS_OK) APS_STATS_ADD(queue->client->stats, errors, 1);
	aps_core_emit(queue->core, &event->head);
	aps_core_reap(queue->core, &wait->reap, free_wait);
}

/* The mutation is the queue's from now on. */
static void leave(struct aps_queue_wait *wait, const struct aps_err *why)
{
	if (wait->is_answered) {
		end(wait);
		return;
	}
	const struct aps_sending *sending = aps_sending_find(wait->queue, wait->number);
	wait->result->response.err = *why;
	wait->result->response.err.sent = sending != NULL && sending->is_requested;
	wait->result->queued.is_queued = wait->is_committed;
	end(wait);
}

/* Now, or at the end of the transaction. */
static void leave_known(struct aps_queue_wait *wait, const struct aps_err *why)
{
	if (wait->is_answered) return; /* it comes in its turn */
	if (wait->is_committed) {
		leave(wait, why);
		return;
	}
	if (!wait->is_over) wait->result->response.err = *why;
	wait->is_over = true;
}

static void deadline_due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms APS_UNUSED)
{
	struct aps_queue_wait *wait = APS_CONTAINER_OF(timer, struct aps_queue_wait, deadline);
	struct aps_err err;
	aps_fail(&err, APS_E_TIMEOUT, "no answer within %.3g s: the mutation stays in the queue",
	         (double)wait->timeout_ms / 1000.0);
	leave_known(wait, &err);
}

bool aps_queue_waits_add(struct aps_queue *queue, uint64_t call, uint64_t number, struct aps_result_event *result,
                         int64_t end_ms, int64_t timeout_ms)
{
	struct aps_queue_wait *wait = aps_calloc(1, sizeof *wait);
	if (wait != NULL) {
		*wait = (struct aps_queue_wait){.queue = queue,
		                                .call = call,
		                                .number = number,
		                                .result = result,
		                                .deadline.due = deadline_due,
		                                .timeout_ms = timeout_ms};
		if (aps_timer_set(&queue->core->timers, &wait->deadline, end_ms)) {
			wait->next = queue->waits;
			queue->waits = wait;
			APS_STATS_ADD(queue->client->stats, operations, 1);
			APS_STATS_ADD(queue->client->stats, operations_in_flight, 1);
			return true;
		}
	}
	aps_free(wait);
	aps_fail(&result->response.err, APS_E_NOMEM, "out of memory: nothing was queued");
	aps_core_emit(queue->core, &result->head);
	return false;
}

struct aps_queue_wait *aps_queue_waits_find(const struct aps_queue *queue, uint64_t number)
{
	struct aps_queue_wait *wait = queue->waits;
	while (wait != NULL && wait->number != number) wait = wait->next;
	return wait;
}

bool aps_queue_waits_cancel(struct aps_queue *queue, uint64_t call, const struct aps_err *why)
{
	struct aps_queue_wait *wait = queue->waits;
	while (wait != NULL && wait->call != call) wait = wait->next;
	if (wait != NULL) leave_known(wait, why);
	return wait != NULL;
}

void aps_queue_waits_cancel_all(struct aps_queue *queue, const struct aps_err *why)
{
	while (queue->waits != NULL) leave(queue->waits, why);
}

void aps_queue_waits_drop_all(struct aps_queue *queue, const struct aps_err *why)
{
	for (struct aps_queue_wait *wait = queue->waits; wait != NULL; wait = queue->waits) {
		wait->is_committed = false;
		leave(wait, why);
	}
}

void aps_queue_waits_lose(struct aps_queue *queue, const struct aps_err *why)
{
	struct aps_queue_wait *next;
	for (struct aps_queue_wait *wait = queue->waits; wait != NULL; wait = next) {
		next = wait->next;
		if (!wait->is_committed) leave(wait, why);
	}
}

void aps_queue_waits_commit(struct aps_queue *queue)
{
	struct aps_queue_wait *next;
	for (struct aps_queue_wait *wait = queue->waits; wait != NULL; wait = next) {
		next = wait->next;
		wait->is_committed = true;
		if (!wait->is_over) continue;
		const struct aps_err why = wait->result->response.err;
		leave(wait, &why);
	}
}

static void release(struct aps_queue_wait *wait)
{
	wait->result->source = APS_RESULT_FROM_QUEUE;
	wait->result->queued.is_queued = true;
	end(wait);
}

void aps_queue_waits_release(struct aps_queue *queue)
{
	struct aps_queue_wait *next;
	for (struct aps_queue_wait *wait = queue->waits; wait != NULL; wait = next) {
		const struct aps_outbox_item *item = aps_outbox_item(&queue->outbox, wait->number);
		next = wait->next;
		if (wait->is_answered) continue;
		if (wait->is_committed && (item == NULL || !aps_delivery_is_under_way(&item->delivery))) release(wait);
	}
}

bool aps_queue_waits_tell(struct aps_sending *sending, const struct aps_outbox_action *action)
{
	struct aps_queue_wait *wait = aps_queue_waits_find(sending->queue, sending->number);
	if (wait == NULL) return false;
	struct aps_result_event *event = wait->result;
	struct aps_outcome outcome;
	bool is_done = action->outcome == APS_DELIVERY_ENDED_DONE;
	aps_outcome_move(&outcome, &sending->outcome);
	event->answer = outcome.answer;
	event->response = outcome.response;
	event->decoded = outcome.decoded;
	event->n_attempts = action->n_attempts;
	event->head.mail.n_bytes += outcome.answer.n_body;
	event->queued.outcome = sending->outcome_number;
	aps_buf_add(&sending->queue->waited, &sending->outcome_number, sizeof sending->outcome_number);
	event->queued.has_layer = sending->has_layer;
	event->queued.dead = is_done ? NULL : aps_delivery_outcome_name(action->outcome);
	event->queued.blocked_by[0] = '\0';
	if (action->blocked_by != 0) aps_queue_id_text(sending->queue, action->blocked_by, event->queued.blocked_by);
	wait->is_answered = true;
	aps_timer_stop(&sending->queue->core->timers, &wait->deadline);
	if (aps_queue_settle_begin(sending->queue, sending)) end(wait);
	return true;
}

void aps_queue_waits_give(struct aps_queue_wait *wait)
{
	end(wait);
}

void aps_queue_waits_give_all(struct aps_queue *queue)
{
	struct aps_queue_wait *next;
	for (struct aps_queue_wait *wait = queue->waits; wait != NULL; wait = next) {
		next = wait->next;
		if (wait->is_answered) end(wait);
	}
}

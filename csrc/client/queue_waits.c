#include "client/queue_waits.h"

#include "base/mem.h"
#include "client/queue_lead.h"
#include "client/queue_logged.h"
#include "client/queue_settle.h"
#include "client/queue_tell.h"

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
	event->queued.entry = wait->is_committed ? wait->number : 0; /* else it is nobody's, or another one's soon */
	aps_queue_id_text(queue, wait->number, event->queued.id);
	if (event->response.err.code != APS_OK) APS_STATS_ADD(queue->client->stats, errors, 1);
	aps_core_emit(queue->core, &event->head);
	aps_core_reap(queue->core, &wait->reap, free_wait);
}

/* A request of it may have reached the service. */
static bool is_sent(const struct aps_queue_wait *wait)
{
	const struct aps_sending *sending = aps_sending_find(wait->queue, wait->number);
	const struct aps_outbox_item *item = aps_outbox_item(&wait->queue->outbox, wait->number);
	bool is_in_doubt = item != NULL && item->delivery.is_in_doubt;
	if (!aps_queue_leads(wait->queue)) return aps_queue_is_sent_elsewhere(wait->queue, wait->number);
	if (sending == NULL || is_in_doubt) return is_in_doubt;
	if (sending->is_requested) return sending->request.exchange != 0;
	return sending->outcome.answer.status != 0 || sending->outcome.response.err.sent;
}

/* An answer comes in its turn. */
static void end_unanswered(struct aps_queue_wait *wait, const struct aps_err *why)
{
	if (wait->is_answered) return;
	wait->result->response.err = *why;
	wait->result->response.err.sent = wait->is_committed && is_sent(wait);
	wait->result->queued.is_queued = wait->is_committed;
	end(wait);
}

/* The mutation is the queue's from now on, if it is in the store; until that is known nothing can be told, and if it is
 * lost, whoever waits is told that. */
static void leave(struct aps_queue_wait *wait, const struct aps_err *why)
{
	if (wait->is_committed)
		end_unanswered(wait, why);
	else
		wait->left = *why;
}

static void deadline_due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms APS_UNUSED)
{
	struct aps_queue_wait *wait = APS_CONTAINER_OF(timer, struct aps_queue_wait, deadline);
	struct aps_err err;
	aps_fail(&err, APS_E_TIMEOUT, "no answer within %.3g s: the mutation stays in the queue",
	         (double)wait->timeout_ms / 1000.0);
	leave(wait, &err);
}

/* For the outcomes of all that wait: none is told twice for want of memory. */
static bool make_room(struct aps_queue *queue)
{
	size_t n = 1;
	for (const struct aps_queue_wait *wait = queue->waits; wait != NULL; wait = wait->next) n++;
	if (aps_buf_reserve(&queue->waited, n * sizeof(uint64_t)) != NULL) return true;
	queue->waited.rc = APS_OK;
	return false;
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
		if (make_room(queue) && aps_timer_set(&queue->core->timers, &wait->deadline, end_ms)) {
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
	if (wait != NULL) leave(wait, why);
	return wait != NULL;
}

void aps_queue_waits_cancel_all(struct aps_queue *queue, const struct aps_err *why)
{
	aps_queue_waits_give_all(queue);
	while (queue->waits != NULL) {
		queue->waits->is_lost = !queue->waits->is_committed;
		end_unanswered(queue->waits, why);
	}
}

void aps_queue_waits_lose(struct aps_queue *queue)
{
	for (struct aps_queue_wait *wait = queue->waits; wait != NULL; wait = wait->next) {
		wait->is_lost = !wait->is_committed;
		wait->is_withdrawn = false;
	}
}

void aps_queue_waits_tell_lost(struct aps_queue *queue, const struct aps_err *why)
{
	struct aps_queue_wait *next;
	struct aps_err err;
	aps_fail_word(&err, why->code, why->word, why->native, "nothing was queued: %s", why->msg);
	for (struct aps_queue_wait *wait = queue->waits; wait != NULL; wait = next) {
		next = wait->next;
		if (wait->is_lost) end_unanswered(wait, &err);
	}
}

void aps_queue_waits_commit(struct aps_queue *queue)
{
	for (struct aps_queue_wait *wait = queue->waits; wait != NULL; wait = wait->next)
		wait->is_committed = !wait->is_lost;
}

void aps_queue_waits_withdraw(struct aps_queue *queue, uint64_t number)
{
	for (struct aps_queue_wait *wait = queue->waits; wait != NULL; wait = wait->next) {
		if (number != 0 && wait->number != number) continue;
		wait->is_withdrawn = true;
		wait->was_sent = is_sent(wait);
	}
}

void aps_queue_waits_tell_committed(struct aps_queue *queue)
{
	struct aps_queue_wait *next;
	struct aps_err err;
	aps_fail(&err, APS_E_CANCELLED, "the application has discarded the mutation");
	for (struct aps_queue_wait *wait = queue->waits; wait != NULL; wait = next) {
		next = wait->next;
		if (wait->is_answered) continue;
		if (wait->is_committed && wait->left.code != APS_OK) {
			leave(wait, &wait->left);
		} else if (wait->is_withdrawn) {
			wait->result->response.err = err;
			wait->result->response.err.sent = wait->was_sent;
			end(wait);
		}
	}
}

static void release(struct aps_queue_wait *wait)
{
	wait->result->source = APS_RESULT_FROM_QUEUE;
	wait->result->queued.is_queued = true;
	wait->result->queued.n_entries = aps_queue_show_size(wait->queue);
	end(wait);
}

static bool is_under_way(const struct aps_queue_wait *wait)
{
	const struct aps_outbox_item *item = aps_outbox_item(&wait->queue->outbox, wait->number);
	if (!aps_queue_leads(wait->queue)) return aps_queue_is_under_way_elsewhere(wait->queue, wait->number);
	return item != NULL && aps_delivery_is_under_way(&item->delivery);
}

void aps_queue_waits_release(struct aps_queue *queue)
{
	struct aps_queue_wait *next;
	for (struct aps_queue_wait *wait = queue->waits; wait != NULL; wait = next) {
		next = wait->next;
		if (!wait->is_answered && wait->is_committed && !is_under_way(wait)) release(wait);
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

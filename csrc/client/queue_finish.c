#include "client/queue_finish.h"

#include "client/reach.h"
#include "client/sending.h"

bool aps_queue_is_unsent(const struct aps_queue *queue, const struct aps_outbox_item *item)
{
	const struct aps_sending *sending = aps_sending_find(queue, item->number);
	if (item->delivery.state != APS_DELIVERY_SENDING || item->delivery.is_in_doubt) return false;
	if (sending == NULL || sending->waits_for_headers) return true;
	if (sending->is_requested) return sending->request.attempt.n_attempts == 0;
	return !sending->is_parked && sending->outcome.answer.status == 0;
}

/* A look isn't waited for: what it is about is in doubt anyway, and the next run looks again. */
static bool is_under_way(const struct aps_queue *queue)
{
	for (const struct aps_outbox_item *item = queue->outbox.items; item != NULL; item = item->next)
		if (item->delivery.state == APS_DELIVERY_SENDING && !aps_queue_is_unsent(queue, item)) return true;
	return false;
}

void aps_queue_finish(struct aps_queue *queue, struct aps_ask_queue_command *command)
{
	command->next = queue->finishing;
	queue->finishing = command;
	queue->is_finishing = true;
	aps_queue_set_reach(queue, APS_OUTBOX_OFFLINE, aps_reach_successes(queue->core, queue->client));
}

static void answer_all(struct aps_queue *queue, const struct aps_err *why)
{
	while (queue->finishing != NULL) {
		struct aps_ask_queue_command *command = queue->finishing;
		queue->finishing = command->next;
		if (why != NULL) command->why = *why;
		aps_buf_add_text(&command->answer, "true");
		aps_queue_answer(queue->core, queue, command);
	}
}

void aps_queue_finish_look(struct aps_queue *queue)
{
	if (queue->finishing != NULL && !is_under_way(queue)) answer_all(queue, NULL);
}

void aps_queue_finish_drop(struct aps_queue *queue, const struct aps_err *why)
{
	answer_all(queue, why);
}

#include "client/queue_settle.h"

#include "client/partition.h"
#include "client/queue_lead.h"
#include "client/queue_logged.h"
#include "client/queue_tell.h"
#include "client/queue_turn.h"
#include "client/queue_waits.h"
#include "store/outcomes.h"

static void pass(struct aps_queue *queue, int64_t outcome, int64_t entry, bool has_layer)
{
	if (has_layer) {
		queue->settling = outcome;
		queue->settling_entry = (uint64_t)entry;
	} else {
		queue->settling = 0;
		queue->settled = queue->begins_again ? 0 : outcome;
		queue->has_unsettled = queue->has_unsettled || queue->begins_again;
		queue->begins_again = false;
		if (queue->only_unsettled == outcome) queue->has_unsettled = false;
	}
}

void aps_queue_settle_note(struct aps_queue *queue, int64_t outcome)
{
	queue->only_unsettled = queue->has_unsettled ? 0 : outcome;
	queue->has_unsettled = true;
}

/* Where that can't be read now, it isn't waited for. */
static bool has_layer(const struct aps_queue *queue, int64_t entry)
{
	struct aps_err err;
	bool is_answered = false;
	(void)aps_partition_is_answered(queue->partition, (uint64_t)entry, &is_answered, &err);
	return is_answered;
}

/* The first one of this process's that isn't settled; outcome->number 0: there is none. A failure: it can't be told
 * now. */
static enum aps_rc next(struct aps_queue *queue, struct aps_kept_outcome *outcome)
{
	struct aps_err err;
	int64_t after = queue->settled;
	enum aps_rc rc;
	do {
		rc = aps_outcomes_next_untold(aps_queue_db(queue), queue->owner, after, outcome, &err);
		after = outcome->number;
		/* a damaged one is left out */
	} while (after != 0 && (rc != APS_OK || !aps_queue_is_ours(queue, outcome)));
	return rc;
}

/* It waits for one that another process has in hand: it is looked at again when that has committed, and from time to
 * time (client/sharing.h). */
static bool must_wait(struct aps_queue *queue, const struct aps_kept_outcome *outcome, bool is_layered)
{
	queue->is_others_turn = is_layered && aps_queue_turn_is_others(queue, outcome);
	return queue->is_others_turn;
}

static bool is_only(const struct aps_queue *queue, int64_t number)
{
	return queue->has_unsettled && queue->only_unsettled == number && aps_queue_turn_is_alone(queue);
}

static bool is_first(struct aps_queue *queue, const struct aps_sending *sending)
{
	struct aps_kept_outcome outcome;
	int64_t number = (int64_t)sending->outcome_number;
	if (is_only(queue, number)) return true;
	aps_kept_outcome_init(&outcome);
	bool is_next = next(queue, &outcome) != APS_OK || outcome.number == 0 || outcome.number >= number;
	if (is_next && outcome.number == number) is_next = !must_wait(queue, &outcome, sending->has_layer);
	aps_kept_outcome_clear(&outcome);
	return is_next;
}

bool aps_queue_settle_begin(struct aps_queue *queue, const struct aps_sending *sending)
{
	int64_t number = (int64_t)sending->outcome_number;
	if (number == 0 || aps_queue_db(queue) == NULL) return true;
	if (queue->settling != 0) return false;
	bool is_next = is_first(queue, sending);
	if (is_next) pass(queue, number, (int64_t)sending->number, sending->has_layer);
	return is_next;
}

void aps_queue_settle(struct aps_queue *queue)
{
	struct aps_kept_outcome outcome;
	if (!queue->has_unsettled || queue->settling != 0 || queue->owner == 0 || aps_queue_db(queue) == NULL) return;
	aps_kept_outcome_init(&outcome);
	queue->is_others_turn = false;
	enum aps_rc rc = APS_OK;
	while (queue->settling == 0 && (rc = next(queue, &outcome)) == APS_OK && outcome.number != 0) {
		struct aps_queue_wait *wait = aps_queue_waits_find(queue, (uint64_t)outcome.entry);
		bool is_layered = has_layer(queue, outcome.entry);
		if (must_wait(queue, &outcome, is_layered)) break;
		if (wait != NULL && !wait->is_answered) aps_queue_take_logged(wait, &outcome, is_layered);
		if (wait != NULL)
			aps_queue_waits_give(wait);
		else if (is_layered && !aps_queue_tell_answer(queue, &outcome))
			is_layered = false; /* for want of memory: the next run does it */
		pass(queue, outcome.number, outcome.entry, is_layered);
	}
	aps_kept_outcome_clear(&outcome);
	queue->has_unsettled = queue->settling != 0 || queue->is_others_turn || rc != APS_OK;
	if (queue->settling == 0 && !queue->is_others_turn)
		aps_queue_waits_give_all(queue); /* their outcomes can't be read */
}

void aps_queue_settle_done(struct aps_queue *queue, uint64_t entry)
{
	if (queue->settling != 0 && queue->settling_entry == entry) pass(queue, queue->settling, 0, false);
}

void aps_queue_settle_again(struct aps_queue *queue)
{
	queue->begins_again = queue->settling != 0;
	if (!queue->begins_again) queue->settled = 0;
	queue->only_unsettled = 0;
	queue->has_unsettled = true;
}

void aps_queue_settle_confirm(struct aps_queue *queue, int64_t outcome)
{
	if (queue->settling == outcome) pass(queue, outcome, 0, false);
}

void aps_queue_settle_anew(struct aps_queue *queue)
{
	queue->settled = queue->settling = queue->only_unsettled = 0;
	queue->turn_of = queue->turn_given_up = 0;
	queue->is_others_turn = false;
	queue->has_unsettled = true;
	aps_queue_waits_give_all(queue);
}

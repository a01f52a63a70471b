#include "client/queue_pruning.h"

#include "base/clock.h"
#include "client/queue_lead.h"
#include "client/queue_run.h"
#include "store/id_map.h"
#include "store/outcomes.h"

#define FIRST_MS     2000 /* whoever opens a store has other things to do first */
#define PAUSE_MS     20
#define EVERY_MS     3600000
#define MAX_ROWS     100 /* outcomes that are deleted in a turn */
#define MAX_IDS      500 /* temporary ids that are looked at in a turn */
#define MAX_OUTCOMES 1000

static void wake(struct aps_queue *queue, int64_t at_ms)
{
	/* without memory: with the next outcomes */
	(void)aps_timer_set(&queue->core->timers, &queue->pruning, at_ms);
}

static enum aps_rc prune_outcomes(struct aps_queue *queue, bool *is_done, struct aps_err *err)
{
	struct aps_db *db = aps_queue_db(queue);
	int64_t n_deleted = 0;
	enum aps_rc rc = APS_OK;
	if (queue->surplus < 0) rc = aps_outcomes_surplus(db, &queue->surplus, err);
	if (rc == APS_OK) rc = aps_outcomes_prune(db, aps_clock_wall_ms(), queue->surplus, MAX_ROWS, &n_deleted, err);
	*is_done = rc == APS_OK && n_deleted < MAX_ROWS;
	return rc;
}

/* A store may have many of them: every hour. */
static enum aps_rc prune_ids(struct aps_queue *queue, bool *is_done, struct aps_err *err)
{
	struct aps_id_pruning *ids = &queue->pruned_ids;
	*is_done = !queue->prunes_ids || queue->owner == 0;
	if (*is_done) return APS_OK;
	ids->owner = queue->owner;
	ids->max_rows = MAX_IDS;
	enum aps_rc rc = aps_id_map_prune(aps_queue_db(queue), ids, aps_clock_wall_ms(), err);
	if (ids->n_deleted != 0) queue->has_new_ids = true; /* reads know those that are gone */
	*is_done = rc == APS_OK && ids->after.n == 0;
	return rc;
}

/* *is_done: there is nothing more to delete. */
static enum aps_rc prune(struct aps_queue *queue, bool *is_done, struct aps_err *err)
{
	bool has_all_ids = false;
	enum aps_rc rc = aps_queue_begin(queue, false, err);
	if (rc == APS_OK) rc = prune_outcomes(queue, is_done, err);
	if (rc == APS_OK) rc = prune_ids(queue, &has_all_ids, err);
	*is_done = *is_done && has_all_ids;
	return rc;
}

static void end_round(struct aps_queue *queue, int64_t now_ms)
{
	if (queue->prunes_ids) queue->ids_due_ms = now_ms + EVERY_MS;
	queue->prunes_ids = false;
	queue->surplus = -1;
	queue->n_outcomes = 0;
	wake(queue, queue->ids_due_ms);
}

/* Nothing depends on it: what fails waits for the next time. */
static void due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms)
{
	struct aps_queue *queue = APS_CONTAINER_OF(timer, struct aps_queue, pruning);
	struct aps_err err;
	bool is_done = !aps_queue_leads(queue);
	if (queue->n_outcomes < MAX_OUTCOMES) queue->prunes_ids = true; /* it isn't for them that it is due */
	enum aps_rc rc = !is_done ? prune(queue, &is_done, &err) : APS_OK;
	if (rc != APS_OK && aps_queue_look(queue, &(struct aps_err){.code = APS_OK}) == APS_OK)
		aps_queue_fail(queue, &err);
	if (is_done || rc != APS_OK)
		end_round(queue, now_ms);
	else
		wake(queue, now_ms + PAUSE_MS);
}

void aps_queue_pruning_start(struct aps_queue *queue)
{
	queue->pruning.due = due;
	queue->surplus = -1;
	aps_buf_init(&queue->pruned_ids.after, APS_BUF_ANY_SIZE);
	queue->ids_due_ms = aps_clock_mono_ms() + FIRST_MS;
	wake(queue, queue->ids_due_ms);
}

void aps_queue_pruning_stop(struct aps_queue *queue)
{
	aps_timer_stop(&queue->core->timers, &queue->pruning);
	aps_buf_clear(&queue->pruned_ids.after);
}

void aps_queue_pruning_note(struct aps_queue *queue)
{
	if (++queue->n_outcomes == MAX_OUTCOMES) wake(queue, aps_clock_mono_ms() + PAUSE_MS);
}

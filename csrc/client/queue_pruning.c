#include "client/queue_pruning.h"

#include "base/clock.h"
#include "client/queue_run.h"
#include "store/id_map.h"
#include "store/outcomes.h"

#define FIRST_MS     2000 /* whoever opens a store has other things to do first */
#define PAUSE_MS     20
#define EVERY_MS     3600000
#define MAX_ROWS     100 /* of a turn, of each table */
#define MAX_OUTCOMES 1000

static void wake(struct aps_queue *queue, int64_t after_ms)
{
	/* without memory: with the next outcomes */
	(void)aps_timer_set(&queue->core->timers, &queue->pruning, aps_clock_mono_ms() + after_ms);
}

/* *is_done: there is nothing more to delete. */
static enum aps_rc prune(struct aps_queue *queue, bool *is_done, struct aps_err *err)
{
	int64_t now_ms = aps_clock_wall_ms(), n_outcomes = 0, n_ids = 0;
	enum aps_rc rc = aps_queue_begin(queue, false, err);
	if (rc == APS_OK) rc = aps_outcomes_prune(aps_queue_db(queue), now_ms, MAX_ROWS, &n_outcomes, err);
	if (rc == APS_OK && queue->owner != 0)
		rc = aps_id_map_prune(aps_queue_db(queue), queue->owner, now_ms, MAX_ROWS, &n_ids, err);
	if (n_ids != 0) queue->has_new_ids = true; /* reads know those that are gone */
	*is_done = rc == APS_OK && n_outcomes < MAX_ROWS && n_ids < MAX_ROWS;
	return rc;
}

/* Nothing depends on it: what fails waits for the next time. */
static void due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms APS_UNUSED)
{
	struct aps_queue *queue = APS_CONTAINER_OF(timer, struct aps_queue, pruning);
	struct aps_err err;
	bool is_done = false;
	enum aps_rc rc = prune(queue, &is_done, &err);
	if (rc != APS_OK && aps_queue_look(queue, &(struct aps_err){.code = APS_OK}) == APS_OK)
		aps_queue_fail(queue, &err);
	if (is_done || rc != APS_OK) queue->n_outcomes = 0;
	wake(queue, is_done || rc != APS_OK ? EVERY_MS : PAUSE_MS);
}

void aps_queue_pruning_start(struct aps_queue *queue)
{
	queue->pruning.due = due;
	wake(queue, FIRST_MS);
}

void aps_queue_pruning_stop(struct aps_queue *queue)
{
	aps_timer_stop(&queue->core->timers, &queue->pruning);
}

void aps_queue_pruning_note(struct aps_queue *queue)
{
	if (++queue->n_outcomes == MAX_OUTCOMES) wake(queue, PAUSE_MS);
}

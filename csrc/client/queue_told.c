#include "client/queue_told.h"

#include "base/clock.h"
#include "client/queue_outcome.h"
#include "client/queue_settle.h"
#include "store/outcomes.h"

#define CONFIRM_MS 20

static enum aps_rc shorten(struct aps_queue *queue, int64_t outcome, struct aps_err *err)
{
	struct aps_kept_outcome kept;
	struct aps_buf content;
	aps_kept_outcome_init(&kept);
	aps_buf_init(&content, APS_BUF_ANY_SIZE);
	enum aps_rc rc =
	        aps_outcomes_next(aps_queue_db(queue), 0, outcome - 1, &kept, err); /* another owner may have it */
	if (rc == APS_OK && kept.number == outcome) {
		rc = aps_queue_outcome_shorten(kept.content, &content, err);
		struct aps_str text = aps_buf_str(&content);
		if (rc == APS_OK) rc = aps_outcomes_set_told(aps_queue_db(queue), outcome, &text, err);
	}
	aps_buf_clear(&content);
	aps_kept_outcome_clear(&kept);
	return rc;
}

/* Without memory it is told again, or never forgotten. */
void aps_queue_told(struct aps_queue *queue, uint64_t outcome)
{
	struct aps_timers *timers = &queue->core->timers;
	bool was_asked = queue->asked_outcome == outcome, was_waited = aps_queue_has_number(&queue->waited, outcome);
	if (was_asked) queue->asked_outcome = 0;
	if (was_asked || !was_waited) queue->has_untold = true; /* there may be a next one */
	aps_queue_settle_confirm(queue, (int64_t)outcome);
	if (!was_waited) aps_buf_add(&queue->waited, &outcome, sizeof outcome);
	aps_buf_add(&queue->confirmed, &outcome, sizeof outcome);
	queue->waited.rc = queue->confirmed.rc = APS_OK;
	if (queue->confirming.index == 0)
		(void)aps_timer_set(timers, &queue->confirming, aps_clock_mono_ms() + CONFIRM_MS);
}

enum aps_rc aps_queue_store_told(struct aps_queue *queue, struct aps_err *err)
{
	const uint64_t *all = (const uint64_t *)(const void *)queue->confirmed.p;
	size_t n = queue->confirmed.n / sizeof *all;
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < n; i++) {
		rc = shorten(queue, (int64_t)all[i], err);
		if (rc == APS_OK) aps_buf_add(&queue->told, &all[i], sizeof all[i]);
	}
	queue->confirmed.n = 0;
	queue->told.rc = APS_OK;
	return rc;
}

/* Without memory it is told again. */
void aps_queue_leave_told(struct aps_queue *queue)
{
	if (queue->asked_outcome != 0) aps_buf_add(&queue->waited, &queue->asked_outcome, sizeof queue->asked_outcome);
	queue->waited.rc = APS_OK;
	queue->asked_outcome = 0;
}

bool aps_queue_was_told(const struct aps_queue *queue, uint64_t outcome)
{
	const struct aps_queue *other = queue->link != NULL ? *queue->first : NULL;
	while (other != NULL && !aps_queue_has_number(&other->waited, outcome)) other = other->next;
	return other != NULL || aps_queue_has_number(&queue->waited, outcome);
}

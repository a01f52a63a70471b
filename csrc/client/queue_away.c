#include "client/queue_away.h"

#include "client/queue_lead.h"
#include "client/queue_waits.h"
#include "client/reach.h"
#include "store/outbox_facts.h"

static enum aps_rc read(struct aps_queue *queue, int64_t *slot, struct aps_err *err)
{
	enum aps_rc rc = aps_queue_know(queue, err);
	*slot = 0;
	return rc == APS_OK && queue->owner != 0 ? aps_outbox_away_read(aps_queue_db(queue), queue->owner, slot, err)
	                                         : rc;
}

/* While there is no other process nobody reads it. */
void aps_queue_away_share(struct aps_queue *queue)
{
	struct aps_err err;
	int64_t known = queue->away_by;
	bool is_shared = queue->leads && queue->owner != 0 && aps_vault_is_shared(queue->vault);
	if (!is_shared || (!queue->vault->has_others && known == 0) || !aps_queue_has_store(queue)) return;
	int64_t slot = queue->outbox.reach != APS_OUTBOX_ONLINE ? aps_queue_slot(queue) : 0;
	if (queue->is_away_doubted && read(queue, &known, &err) != APS_OK) return;
	queue->is_away_doubted = false;
	queue->away_by = known;
	if (known == slot || aps_queue_begin(queue, false, &err) != APS_OK) return;
	if (aps_outbox_away_note(aps_queue_db(queue), queue->owner, slot, &err) != APS_OK) return;
	queue->vault->is_urgent = true;
	queue->away_by = slot;
}

/* The word of a process that is no more, or that has let go of the store, is none. */
static bool is_away(struct aps_queue *queue)
{
	struct aps_err err;
	int64_t slot;
	if (read(queue, &slot, &err) != APS_OK) return false;
	return aps_queue_whose(queue, slot, 0) == APS_QUEUE_OTHERS;
}

void aps_queue_away_heed(struct aps_queue *queue)
{
	if (!queue->looks_whether_away) return;
	queue->looks_whether_away = false;
	if (queue->waits == NULL || aps_queue_leads(queue) || !aps_queue_has_store(queue)) return;
	if (is_away(queue) || aps_reach_is_told_offline(queue->core, queue->client)) aps_queue_waits_release(queue);
}

#include "client/queue_answered.h"

#include "client/queue_lead.h"
#include "codec/json_members.h"
#include "store/outcomes.h"

/* Rules are kept with the outcome until it was told; functions are of the client that is open, or of another process.
 */
static bool is_awaited(const struct aps_queue *queue, const struct aps_kept_outcome *outcome)
{
	struct aps_json_members members;
	struct aps_str rules;
	if (queue->settings.has_updates) return true;
	int64_t by = aps_queue_outcome_by(outcome->content);
	if (by != 0 && aps_queue_whose(queue, by, outcome->entry) != APS_QUEUE_NOBODYS) return true;
	aps_json_members_init(&members, outcome->content);
	return aps_json_members_get(&members, "rules", &rules);
}

/* The entries whose outcomes are still to be told to somebody. What is damaged is told to nobody. */
static enum aps_rc find_awaited(struct aps_queue *queue, struct aps_number_set *entries, struct aps_err *err)
{
	struct aps_kept_outcome outcome;
	enum aps_rc rc = APS_OK;
	int64_t after = 0;
	if (queue->owner == 0) return APS_OK;
	aps_kept_outcome_init(&outcome);
	do {
		rc = aps_outcomes_next_untold(aps_queue_db(queue), queue->owner, after, &outcome, err);
		bool is_damaged = rc == APS_E_STORAGE && outcome.number > after;
		after = outcome.number;
		if (is_damaged) rc = APS_OK;
		if (rc != APS_OK || after == 0 || is_damaged || !is_awaited(queue, &outcome)) continue;
		if (!aps_number_set_add(entries, (uint64_t)outcome.entry, NULL))
			rc = aps_fail(err, APS_E_NOMEM, "no memory for the outcomes of mutations");
	} while (rc == APS_OK && after != 0);
	aps_kept_outcome_clear(&outcome);
	return rc;
}

enum aps_rc aps_queue_fold_answered(struct aps_queue *queue, int64_t last, struct aps_err *err)
{
	struct aps_buf ids;
	struct aps_number_set awaited = {.n_pages = 0};
	aps_buf_init(&ids, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_partition_list_answered(queue->partition, &ids, err);
	size_t n = rc == APS_OK ? ids.n / sizeof(uint64_t) : 0;
	if (n != 0) rc = find_awaited(queue, &awaited, err);
	for (size_t i = 0; rc == APS_OK && i < n; i++) {
		uint64_t id = ((const uint64_t *)(const void *)ids.p)[i];
		if ((int64_t)id <= last && !aps_number_set_has(&awaited, id))
			rc = aps_partition_fold_layer(queue->partition, id, err);
	}
	aps_number_set_clear(&awaited);
	aps_buf_clear(&ids);
	return rc;
}

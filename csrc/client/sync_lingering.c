#include "client/sync_lingering.h"

static bool is_layered(const struct aps_entry *entry)
{
	return entry != NULL && entry->layered != NULL && entry->layered->n_patches != 0;
}

enum aps_rc aps_sync_lingering_set(struct aps_sync_run *run, struct aps_partition *partition, const uint64_t *records,
                                   size_t n_records, struct aps_err *err)
{
	struct aps_cache_write *write = &partition->write;
	enum aps_rc rc = aps_synced_list_drop(write, &run->lingers_at, &run->lingering, err);
	run->lingers_since = aps_partition_moment(partition);
	if (rc == APS_OK && n_records != 0) rc = aps_synced_list_begin(write, &run->lingers_at, &run->lingering, err);
	if (rc == APS_OK && n_records != 0)
		rc = aps_synced_list_add(write, &run->lingers_at, &run->lingering, records, n_records, err);
	return rc;
}

static bool has(const struct aps_buf *numbers, uint64_t number)
{
	const uint64_t *all = (const uint64_t *)(const void *)numbers->p;
	for (size_t i = 0; i < numbers->n / sizeof *all; i++)
		if (all[i] == number) return true;
	return false;
}

enum aps_rc aps_sync_lingering_settle(struct aps_sync_run *run, struct aps_partition *partition,
                                      const struct aps_buf *joining, struct aps_buf *leaving, struct aps_err *err)
{
	struct aps_buf over;
	bool is_there;
	uint64_t number = 0;
	enum aps_rc rc = aps_synced_list_load(&partition->write, &run->lingers_at, &run->lingering, &is_there, err);
	if (rc != APS_OK || !is_there) return rc;
	aps_buf_init(&over, APS_BUF_ANY_SIZE);
	while (rc == APS_OK && (number = aps_number_set_next(&run->lingering.members, number)) != 0) {
		struct aps_entry *entry;
		rc = aps_entries_at_below(&partition->cache.entries, number, &entry, err);
		if (rc != APS_OK || is_layered(entry)) continue;
		aps_buf_add(&over, &number, sizeof number);
		/* where the pass was of an earlier run, all that this one was told came later */
		uint32_t since = run->lingers_since != 0 ? run->lingers_since : 1;
		bool is_heard_of = entry == NULL || has(joining, number) || entry->told_at >= since;
		if (!is_heard_of) aps_buf_add(leaving, &number, sizeof number);
	}
	if (rc == APS_OK && (over.rc != APS_OK || leaving->rc != APS_OK))
		rc = aps_fail(err, APS_E_NOMEM, "no memory for what leaves a list");
	if (rc == APS_OK)
		rc = aps_synced_list_remove(&partition->write, &run->lingers_at, &run->lingering,
		                            (const uint64_t *)(const void *)over.p, over.n / sizeof(uint64_t), err);
	if (rc == APS_OK && run->lingering.n_items == 0)
		rc = aps_synced_list_drop(&partition->write, &run->lingers_at, &run->lingering, err);
	aps_buf_clear(&over);
	return rc;
}

bool aps_sync_lingering_is_over(const struct aps_sync_run *run)
{
	uint64_t number = 0;
	struct aps_entry *entry;
	struct aps_err err;
	if (run->partition == NULL || !run->lingering.is_known) return false;
	while ((number = aps_number_set_next(&run->lingering.members, number)) != 0) {
		enum aps_rc rc = aps_entries_at_below(&run->partition->cache.entries, number, &entry, &err);
		if (rc == APS_OK && !is_layered(entry)) return true; /* else the next write finds out */
	}
	return false;
}

#include "client/sync_between.h"

#include "client/sync_lingering.h"

void aps_sync_between_look(struct aps_sync_run *run)
{
	struct aps_cache_write write = {.cache = &run->partition->cache}; /* only looked with */
	bool is_known = run->between_at.field.n != 0;
	bool is_there = is_known && aps_synced_list_is_at(&write, &run->between_at);
	run->has_between = is_there || !is_known || write.err.code != APS_OK;
	/* the pass may have been of a sync before it in this process; the delta pass tells what was told since */
	run->between_since = aps_partition_moment(run->partition);
}

enum aps_rc aps_sync_between_set(struct aps_sync_run *run, struct aps_partition *partition, const uint64_t *records,
                                 size_t n_records, struct aps_err *err)
{
	struct aps_cache_write *write = &partition->write;
	enum aps_rc rc = APS_OK;
	if (run->has_between) rc = aps_synced_list_drop(write, &run->between_at, &run->between, err);
	run->has_between = n_records != 0;
	run->between_since = aps_partition_moment(partition);
	if (rc == APS_OK && n_records != 0) rc = aps_synced_list_begin(write, &run->between_at, &run->between, err);
	if (rc == APS_OK && n_records != 0)
		rc = aps_synced_list_add(write, &run->between_at, &run->between, records, n_records, err);
	return rc;
}

/* Those that the pass lacks and this list, too; *is_known: some stand in it already. What lingers the pass has lacked.
 */
static enum aps_rc pick(struct aps_sync_run *run, const struct aps_buf *joining, struct aps_buf *added, bool *is_known,
                        struct aps_err *err)
{
	const uint64_t *numbers = (const uint64_t *)(const void *)joining->p;
	for (size_t i = 0; i < joining->n / sizeof *numbers; i++) {
		bool is_seen = aps_number_set_has(&run->shown.members, numbers[i]) &&
		               !aps_number_set_has(&run->lingering.members, numbers[i]);
		if (run->has_between && aps_number_set_has(&run->between.members, numbers[i]))
			*is_known = true;
		else if (!is_seen)
			aps_buf_add(added, &numbers[i], sizeof numbers[i]);
	}
	return added->rc == APS_OK ? APS_OK : aps_fail(err, APS_E_NOMEM, "no memory for a list");
}

static enum aps_rc add(struct aps_sync_run *run, struct aps_cache_write *write, const struct aps_buf *added,
                       struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	if (!run->has_between) rc = aps_synced_list_begin(write, &run->between_at, &run->between, err);
	run->has_between = true;
	if (rc != APS_OK) return rc;
	return aps_synced_list_add(write, &run->between_at, &run->between, (const uint64_t *)(const void *)added->p,
	                           added->n / sizeof(uint64_t), err);
}

enum aps_rc aps_sync_between_add(struct aps_sync_run *run, struct aps_partition *partition,
                                 const struct aps_buf *joining, bool *has_any, struct aps_err *err)
{
	struct aps_cache_write *write = &partition->write;
	struct aps_buf added;
	bool is_there;
	enum aps_rc rc = aps_synced_list_load(write, &run->place, &run->shown, &is_there, err);
	*has_any = false;
	if (rc != APS_OK || !is_there) return rc;
	rc = aps_synced_list_load(write, &run->between_at, &run->between, &run->has_between, err);
	if (rc == APS_OK) rc = aps_sync_lingering_load(run, partition, &is_there, err);
	if (rc != APS_OK) return rc;
	aps_buf_init(&added, APS_BUF_ANY_SIZE);
	rc = pick(run, joining, &added, has_any, err);
	if (rc == APS_OK && added.n != 0) rc = add(run, write, &added, err);
	*has_any = *has_any || added.n != 0;
	/* it was heard before that, whenever it is told */
	if (*has_any) run->between_since = aps_partition_moment(partition);
	aps_buf_clear(&added);
	return rc;
}

static enum aps_rc settle(struct aps_sync_run *run, struct aps_partition *partition, struct aps_buf *over,
                          struct aps_buf *leaving, struct aps_err *err)
{
	uint64_t number = 0;
	enum aps_rc rc = APS_OK;
	/* 0: what was told is forgotten; all that is known of that was told since */
	uint32_t since = run->between_since != 0 ? run->between_since : 1;
	while (rc == APS_OK && (number = aps_number_set_next(&run->between.members, number)) != 0) {
		struct aps_entry *entry;
		rc = aps_entries_at_below(&partition->cache.entries, number, &entry, err);
		/* while a mutation of it is queued it stays, and another pass has to tell */
		if (rc != APS_OK || aps_entry_is_patched(entry)) continue;
		aps_buf_add(over, &number, sizeof number);
		if (entry != NULL && entry->told_at < since) aps_buf_add(leaving, &number, sizeof number);
	}
	if (rc == APS_OK && (over->rc != APS_OK || leaving->rc != APS_OK))
		rc = aps_fail(err, APS_E_NOMEM, "no memory for what leaves a list");
	return rc;
}

static enum aps_rc take_out(struct aps_sync_run *run, struct aps_partition *partition, const struct aps_buf *numbers,
                            struct aps_err *err)
{
	return aps_synced_list_remove(&partition->write, &run->between_at, &run->between,
	                              (const uint64_t *)(const void *)numbers->p, numbers->n / sizeof(uint64_t), err);
}

enum aps_rc aps_sync_between_change(struct aps_sync_run *run, struct aps_partition *partition,
                                    const struct aps_buf *joining, bool is_last, struct aps_buf *leaving,
                                    struct aps_err *err)
{
	struct aps_buf over;
	bool is_there;
	if (!run->has_between || (joining->n == 0 && !is_last)) return APS_OK;
	enum aps_rc rc = aps_synced_list_load(&partition->write, &run->between_at, &run->between, &is_there, err);
	if (rc != APS_OK) return rc;
	run->has_between = is_there;
	if (!is_there) return APS_OK;
	aps_buf_init(&over, APS_BUF_ANY_SIZE);
	rc = take_out(run, partition, joining, err);
	if (rc == APS_OK && is_last) rc = settle(run, partition, &over, leaving, err);
	if (rc == APS_OK) rc = take_out(run, partition, &over, err);
	if (rc == APS_OK) run->has_between = run->between.n_items != 0;
	if (rc == APS_OK && !run->has_between)
		rc = aps_synced_list_drop(&partition->write, &run->between_at, &run->between, err);
	aps_buf_clear(&over);
	return rc;
}

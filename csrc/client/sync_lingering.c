#include "client/sync_lingering.h"

/* What is to be looked at: what was written since, or all of them. */
static struct aps_number_set *unseen(struct aps_sync_run *run)
{
	return run->is_lingering_looked_at ? &run->lingering_written : &run->lingering.members;
}

static void note_looked_at(struct aps_sync_run *run)
{
	aps_number_set_clear(&run->lingering_written);
	run->is_lingering_looked_at = true;
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
	if (rc == APS_OK) note_looked_at(run);
	return rc;
}

enum aps_rc aps_sync_lingering_load(struct aps_sync_run *run, struct aps_partition *partition, bool *is_there,
                                    struct aps_err *err)
{
	if (!run->lingering.is_known) run->is_lingering_looked_at = false;
	return aps_synced_list_load(&partition->write, &run->lingers_at, &run->lingering, is_there, err);
}

/* What settling finds. */
struct settling {
	const struct aps_buf *joining;
	struct aps_number_set joined; /* those of them, once they are asked for */
	struct aps_buf over;          /* uint64_t: no layer speaks of them */
	struct aps_buf *leaving;      /* those of them that nothing was heard of */
};

/* Told by what is being written, without news: an entry that has some tells so itself. False as well: no memory. */
static bool is_joining(struct settling *in, uint64_t number)
{
	const uint64_t *all = (const uint64_t *)(const void *)in->joining->p;
	size_t n = in->joined.n_members == 0 ? in->joining->n / sizeof *all : 0;
	for (size_t i = 0; i < n; i++)
		if (!aps_number_set_add(&in->joined, all[i], NULL)) in->over.rc = APS_E_NOMEM;
	return aps_number_set_has(&in->joined, number);
}

static enum aps_rc look_at(const struct aps_sync_run *run, struct aps_partition *partition, struct settling *in,
                           uint64_t number, struct aps_err *err)
{
	struct aps_entry *entry;
	/* where the pass was of an earlier process, all that this one was told came later */
	uint32_t since = run->lingers_since != 0 ? run->lingers_since : 1;
	enum aps_rc rc = aps_entries_at_below(&partition->cache.entries, number, &entry, err);
	if (rc != APS_OK || aps_entry_is_patched(entry)) return rc;
	aps_buf_add(&in->over, &number, sizeof number);
	if (entry != NULL && entry->told_at < since && !is_joining(in, number))
		aps_buf_add(in->leaving, &number, sizeof number);
	return APS_OK;
}

static enum aps_rc look_at_unseen(struct aps_sync_run *run, struct aps_partition *partition, struct settling *in,
                                  struct aps_err *err)
{
	uint64_t number = 0;
	enum aps_rc rc = APS_OK;
	while (rc == APS_OK && (number = aps_number_set_next(unseen(run), number)) != 0)
		rc = look_at(run, partition, in, number, err);
	if (rc == APS_OK && (in->over.rc != APS_OK || in->leaving->rc != APS_OK))
		rc = aps_fail(err, APS_E_NOMEM, "no memory for what leaves a list");
	if (rc == APS_OK) note_looked_at(run);
	return rc;
}

enum aps_rc aps_sync_lingering_settle(struct aps_sync_run *run, struct aps_partition *partition,
                                      const struct aps_buf *joining, struct aps_buf *leaving, struct aps_err *err)
{
	struct settling in = {.joining = joining, .leaving = leaving};
	bool is_there;
	if (!run->lingering.is_known) run->is_lingering_looked_at = false;
	if (run->is_lingering_looked_at && run->lingering_written.n_members == 0) return APS_OK;
	enum aps_rc rc = aps_sync_lingering_load(run, partition, &is_there, err);
	if (rc == APS_OK && !is_there) note_looked_at(run);
	if (rc != APS_OK || !is_there) return rc;
	aps_buf_init(&in.over, APS_BUF_ANY_SIZE);
	rc = look_at_unseen(run, partition, &in, err);
	if (rc == APS_OK)
		rc = aps_synced_list_remove(&partition->write, &run->lingers_at, &run->lingering,
		                            (const uint64_t *)(const void *)in.over.p, in.over.n / sizeof(uint64_t),
		                            err);
	if (rc == APS_OK && run->lingering.n_items == 0)
		rc = aps_synced_list_drop(&partition->write, &run->lingers_at, &run->lingering, err);
	aps_number_set_clear(&in.joined);
	aps_buf_clear(&in.over);
	return rc;
}

bool aps_sync_lingering_is_over(struct aps_sync_run *run)
{
	uint64_t number = 0;
	struct aps_entry *entry;
	struct aps_err err;
	if (run->partition == NULL || !run->lingering.is_known) return false;
	while ((number = aps_number_set_next(unseen(run), number)) != 0) {
		enum aps_rc rc = aps_entries_at_below(&run->partition->cache.entries, number, &entry, &err);
		if (rc != APS_OK) return false; /* the next write finds out */
		if (!aps_entry_is_patched(entry)) return true;
	}
	note_looked_at(run);
	return false;
}

void aps_sync_lingering_wrote(struct aps_sync_run *run, uint64_t number)
{
	if (!run->lingering.is_known || !run->is_lingering_looked_at) return;
	if (!aps_number_set_has(&run->lingering.members, number)) return;
	if (!aps_number_set_add(&run->lingering_written, number, NULL)) run->is_lingering_looked_at = false;
}

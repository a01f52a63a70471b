/* What a partition has, for whoever reads it in the core. */
#include "client/partition.h"

static void show(struct aps_read_source *source, const struct aps_entry *entry, struct aps_str *content)
{
	*content = aps_entry_shown(entry);
	source->is_optimistic = entry != NULL && entry->layered != NULL;
}

static enum aps_rc source_at(struct aps_read_source *source, uint64_t number, struct aps_str *content,
                             struct aps_err *err)
{
	struct aps_partition *partition = APS_CONTAINER_OF(source, struct aps_partition, source);
	struct aps_entry *entry;
	enum aps_rc rc = aps_entries_at(&partition->cache.entries, number, &entry, err);
	show(source, entry, content);
	source->is_absent = entry == NULL;
	return rc;
}

static enum aps_rc source_find(struct aps_read_source *source, struct aps_str key, uint64_t *number,
                               struct aps_str *content, struct aps_err *err)
{
	struct aps_partition *partition = APS_CONTAINER_OF(source, struct aps_partition, source);
	struct aps_entry *entry;
	enum aps_rc rc = aps_entries_find(&partition->cache.entries, key, &entry, err);
	*number = entry != NULL ? entry->number : 0;
	show(source, entry, content);
	return rc;
}

struct aps_read_source *aps_partition_source(struct aps_partition *partition)
{
	partition->source.at = source_at;
	partition->source.find = source_find;
	return &partition->source;
}

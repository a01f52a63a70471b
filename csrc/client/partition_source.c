#include "client/partition_source.h"

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

void aps_partition_source_init(struct aps_partition *partition)
{
	partition->source = (struct aps_read_source){.at = source_at, .find = source_find};
}

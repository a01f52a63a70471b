#include "client/shared.h"

struct aps_shared *aps_shared_find(const struct aps_table *table, const struct aps_topic *topic)
{
	struct aps_shared *shared = aps_table_get(table, aps_topic_hash(topic));
	while (shared != NULL && !aps_topic_eq(shared->topic, topic)) shared = shared->next;
	return shared;
}

bool aps_shared_add(struct aps_table *table, struct aps_shared *shared, const struct aps_topic *topic)
{
	uint64_t hash = aps_topic_hash(topic);
	struct aps_shared *first = aps_table_get(table, hash);
	if (!aps_table_set(table, hash, shared)) return false;
	*shared = (struct aps_shared){first, hash, topic};
	return true;
}

void aps_shared_remove(struct aps_table *table, struct aps_shared *shared)
{
	if (shared->hash == 0) return;
	struct aps_shared *first = aps_table_get(table, shared->hash);
	if (first == shared && shared->next == NULL) {
		aps_table_take(table, shared->hash);
	} else if (first == shared) {
		aps_table_set(table, shared->hash, shared->next); /* replaces: needs no memory */
	} else {
		while (first->next != shared) first = first->next;
		first->next = shared->next;
	}
	shared->hash = 0;
}

#include "client/followers.h"

#include "cache/kept_list.h"

#include <string.h>

void aps_followers_filling(struct aps_partition_follower *first, struct aps_cache_write *write,
                           struct aps_binding *binding)
{
	for (; first != NULL; first = first->next) first->filling(first, write, binding);
	if (binding != NULL) aps_kept_lists_unmark(write, binding); /* those that are at work mark theirs again */
}

/* In the other order: what was set aside last, of the same list, is an empty one that another put there. */
enum aps_rc aps_followers_filled(struct aps_partition_follower *first, struct aps_err *err)
{
	if (first == NULL) return APS_OK;
	enum aps_rc rc = aps_followers_filled(first->next, err);
	return rc == APS_OK ? first->filled(first, err) : rc;
}

bool aps_followers_have(const struct aps_partition_follower *first, const char *name)
{
	while (first != NULL && (first->name == NULL || strcmp(first->name, name) != 0)) first = first->next;
	return first != NULL;
}

void aps_followers_wrote(struct aps_partition_follower *first, uint64_t number)
{
	for (; first != NULL; first = first->next) first->wrote(first, number);
}

void aps_followers_forgotten(struct aps_partition_follower *first, bool is_cleared)
{
	for (; first != NULL; first = first->next) first->forgotten(first, is_cleared);
}

bool aps_followers_list(const struct aps_partition_follower *first, uint64_t number)
{
	while (first != NULL && !first->lists(first, number)) first = first->next;
	return first != NULL;
}

void aps_followers_unkept(struct aps_partition_follower *first)
{
	for (; first != NULL; first = first->next) first->unkept(first);
}

void aps_followers_take_list(struct aps_partition_follower *first, struct aps_cache_write *write,
                             const struct aps_list_place *place, struct aps_synced_list *list)
{
	struct aps_cell value;
	if (list->is_known || !aps_list_place_find(write, place, &value) || value.tag != APS_CELL_LONG_LIST) return;
	for (; first != NULL; first = first->next) {
		struct aps_synced_list *known = first->list;
		if (known == NULL || !known->is_known || known->number != value.as.entry) continue;
		aps_synced_list_clear(list);
		*list = *known;
		*known = (struct aps_synced_list){.is_known = false};
		return;
	}
}

void aps_followers_close(struct aps_partition_follower **first)
{
	while (*first != NULL) {
		struct aps_partition_follower *follower = *first;
		*first = follower->next;
		follower->closing(follower);
	}
}

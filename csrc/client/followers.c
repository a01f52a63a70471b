#include "client/followers.h"

#include "cache/kept_list.h"

void aps_followers_filling(struct aps_partition_follower *first, struct aps_cache_write *write,
                           struct aps_binding *binding)
{
	for (; first != NULL; first = first->next) first->filling(first, write, binding);
	if (binding != NULL) aps_kept_lists_unmark(write, binding); /* those that are at work mark theirs again */
}

enum aps_rc aps_followers_filled(struct aps_partition_follower *first, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (; rc == APS_OK && first != NULL; first = first->next) rc = first->filled(first, err);
	return rc;
}

void aps_followers_wrote(struct aps_partition_follower *first, uint64_t number)
{
	for (; first != NULL; first = first->next) first->wrote(first, number);
}

void aps_followers_forgotten(struct aps_partition_follower *first, bool is_cleared)
{
	for (; first != NULL; first = first->next) first->forgotten(first, is_cleared);
}

void aps_followers_unkept(struct aps_partition_follower *first)
{
	for (; first != NULL; first = first->next) first->unkept(first);
}

void aps_followers_close(struct aps_partition_follower **first)
{
	while (*first != NULL) {
		struct aps_partition_follower *follower = *first;
		*first = follower->next;
		follower->closing(follower);
	}
}

#include "client/sync_remembered.h"

#include "base/mem.h"

#include <string.h>

/* It follows the partition to be told when moments begin anew. */
struct remembered {
	struct aps_partition_follower follower;
	char name[65];
	uint32_t lingers_since, gone_since;
};

static void filling(struct aps_partition_follower *follower APS_UNUSED, struct aps_cache_write *write APS_UNUSED,
                    struct aps_binding *binding APS_UNUSED)
{
}

static enum aps_rc filled(struct aps_partition_follower *follower APS_UNUSED, struct aps_err *err APS_UNUSED)
{
	return APS_OK;
}

static void wrote(struct aps_partition_follower *follower APS_UNUSED, uint64_t number APS_UNUSED)
{
}

static void forgotten(struct aps_partition_follower *follower, bool is_cleared APS_UNUSED)
{
	struct remembered *one = APS_CONTAINER_OF(follower, struct remembered, follower);
	one->lingers_since = one->gone_since = 0;
}

static bool lists(const struct aps_partition_follower *follower APS_UNUSED, uint64_t number APS_UNUSED)
{
	return false;
}

static void unkept(struct aps_partition_follower *follower APS_UNUSED)
{
}

static void closing(struct aps_partition_follower *follower)
{
	aps_free(APS_CONTAINER_OF(follower, struct remembered, follower));
}

void aps_sync_remember(const struct aps_sync_run *run)
{
	bool is_named = run->partition != NULL && run->follower.name != NULL;
	bool may_linger = !run->lingering.is_known || run->lingering.n_items != 0;
	uint32_t lingers_since = may_linger ? run->lingers_since : 0, gone_since = run->has_gone ? run->gone_since : 0;
	if (!is_named || (lingers_since == 0 && gone_since == 0)) return;
	struct remembered *one = aps_malloc(sizeof *one);
	if (one == NULL) return;
	*one = (struct remembered){.follower = {.next = run->partition->followers,
	                                        .filling = filling,
	                                        .filled = filled,
	                                        .wrote = wrote,
	                                        .forgotten = forgotten,
	                                        .lists = lists,
	                                        .unkept = unkept,
	                                        .closing = closing},
	                           .lingers_since = lingers_since,
	                           .gone_since = gone_since};
	memcpy(one->name, run->name, sizeof one->name);
	run->partition->followers = &one->follower;
}

void aps_sync_recall(struct aps_sync_run *run)
{
	struct aps_partition_follower **at = &run->partition->followers;
	while (*at != NULL) {
		struct remembered *one = APS_CONTAINER_OF(*at, struct remembered, follower);
		if ((*at)->closing != closing || strcmp(one->name, run->name) != 0) {
			at = &(*at)->next;
			continue;
		}
		*at = one->follower.next;
		run->lingers_since = one->lingers_since;
		run->gone_since = one->gone_since;
		aps_free(one);
		return;
	}
}

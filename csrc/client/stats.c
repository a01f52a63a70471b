#include "client/stats.h"

#include "base/mem.h"

struct aps_stats *aps_stats_new(void)
{
	struct aps_stats *stats = aps_calloc(1, sizeof *stats);
	if (stats != NULL) atomic_store(&stats->n_refs, 1);
	return stats;
}

struct aps_stats *aps_stats_ref(struct aps_stats *stats)
{
	atomic_fetch_add(&stats->n_refs, 1);
	return stats;
}

void aps_stats_unref(struct aps_stats *stats)
{
	if (stats != NULL && atomic_fetch_sub(&stats->n_refs, 1) == 1) aps_free(stats);
}

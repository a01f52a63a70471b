#include "client/stats.h"

#include "base/mem.h"

const char *aps_store_state_name(enum aps_store_state state)
{
	static const char *const NAMES[] = {
#define NAME(name, text) [APS_STORE_##name] = (text),
	        APS_STORE_STATE_MAP(NAME)
#undef NAME
	};
	return NAMES[state];
}

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

#include "client/adopted.h"

#include "base/mem.h"

struct aps_adopted {
	struct aps_cache_store store;
	struct aps_cache cache; /* its names, and whether all that there is is in memory */
};

struct aps_adopted *aps_adopted_new(struct aps_db *db, struct aps_str prefix, struct aps_str identity,
                                    struct aps_err *err)
{
	struct aps_adopted *adopted = aps_calloc(1, sizeof *adopted);
	if (adopted == NULL) {
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return NULL;
	}
	aps_names_init(&adopted->cache.names, 0);
	if (aps_cache_store_open(&adopted->store, db, prefix, identity, &adopted->cache, err) != APS_OK)
		aps_adopted_free(&adopted);
	return adopted;
}

void aps_adopted_take(struct aps_adopted **adopted, struct aps_cache_store *store, struct aps_cache *cache)
{
	struct aps_adopted *it = *adopted;
	uint32_t minute = store->minute;
	*adopted = NULL;
	*store = it->store;
	store->minute = minute;
	cache->names = it->cache.names;
	cache->entries.is_whole = it->cache.entries.is_whole;
	aps_free(it);
}

void aps_adopted_free(struct aps_adopted **adopted)
{
	struct aps_adopted *it = *adopted;
	*adopted = NULL;
	if (it == NULL) return;
	aps_names_clear(&it->cache.names);
	aps_cache_store_clear(&it->store);
	aps_free(it);
}

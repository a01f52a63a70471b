#include "client/partition_adopt.h"

#include "base/mem.h"
#include "store/layer_store.h"
#include "store/parts.h"
#include "store/query.h"

struct aps_adopted {
	struct aps_cache_store store;
	struct aps_cache cache; /* its names, and whether all that there is is in memory */
};

void aps_adopted_take(struct aps_adopted **adopted, struct aps_partition *partition)
{
	struct aps_adopted *it = *adopted;
	uint32_t minute = partition->store.minute;
	*adopted = NULL;
	partition->store = it->store;
	partition->store.minute = minute;
	partition->cache.names = it->cache.names;
	partition->cache.entries.is_whole = it->cache.entries.is_whole;
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

static enum aps_rc has_records(struct aps_db *db, int64_t part, bool *has_some, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT 1 FROM entry WHERE part = ?1 LIMIT 1", err);
	aps_query_int(&query, part);
	*has_some = aps_query_row(&query);
	return aps_query_end(&query);
}

static enum aps_rc drop(struct aps_db *db, int64_t part, struct aps_err *err)
{
	bool is_done;
	if (part == 0) return APS_OK;
	enum aps_rc rc = aps_parts_drop(db, part, APS_PART_CLEARED, err);
	if (rc == APS_OK && aps_db_is_in_memory(db)) /* nobody does it later; where it fails they only take room */
		(void)aps_parts_delete_rows(db, part, INT64_MAX, &is_done, NULL);
	return rc;
}

/* Read now, so that nothing can fail once it is committed. */
static enum aps_rc prepare(struct aps_partition *partition, struct aps_err *err)
{
	struct aps_adopted *adopted = aps_calloc(1, sizeof *adopted);
	if (adopted == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	aps_names_init(&adopted->cache.names, 0);
	enum aps_rc rc = aps_cache_store_open(&adopted->store, partition->vault->db, aps_str_of(partition->prefix),
	                                      aps_str_of(partition->identity), &adopted->cache, err);
	if (rc != APS_OK) {
		aps_adopted_free(&adopted);
		return rc;
	}
	partition->adopted = adopted;
	partition->is_any_changed = true;
	return APS_OK;
}

static enum aps_rc exchange(struct aps_partition *partition, int64_t own, int64_t other, struct aps_err *err)
{
	struct aps_db *db = partition->vault->db;
	struct aps_str prefix = aps_str_of(partition->prefix), identity = aps_str_of(partition->identity);
	enum aps_rc rc = drop(db, own, err);
	if (rc == APS_OK) rc = aps_parts_give(db, other, prefix, identity, err);
	return rc == APS_OK ? prepare(partition, err) : rc;
}

enum aps_rc aps_partition_adopt(struct aps_partition *partition, const char *identity, struct aps_err *err)
{
	struct aps_db *db = partition->vault->db;
	struct aps_str prefix = aps_str_of(partition->prefix);
	int64_t own = partition->store.part, other;
	bool has_layers = false, has_some = false;
	enum aps_rc rc = aps_parts_find(db, prefix, aps_str_of(identity), &other, err);
	if (rc != APS_OK || other == 0) return rc;
	if (own != 0) rc = aps_layer_store_has_lasting(db, own, &has_layers, err);
	if (rc == APS_OK) rc = has_records(db, other, &has_some, err);
	if (rc != APS_OK) return rc;
	bool stays = has_layers || !has_some || !aps_vault_is_available(partition->vault);
	return stays ? drop(db, other, err) : exchange(partition, own, other, err);
}

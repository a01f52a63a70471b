#include "client/partition_adopt.h"

#include "client/adopted.h"
#include "store/layer_store.h"
#include "store/parts.h"
#include "store/query.h"

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

/* With the commit it is what its identity has in the store then. */
static enum aps_rc become(struct aps_partition *partition, struct aps_err *err)
{
	struct aps_str prefix = aps_str_of(partition->prefix), identity = aps_str_of(partition->identity);
	partition->adopted = aps_adopted_new(partition->vault->db, prefix, identity, err);
	partition->is_any_changed = partition->is_any_changed || partition->adopted != NULL;
	return partition->adopted != NULL ? APS_OK : err->code;
}

static enum aps_rc exchange(struct aps_partition *partition, int64_t own, int64_t part, struct aps_err *err)
{
	struct aps_db *db = partition->vault->db;
	enum aps_rc rc = drop(db, own, err);
	if (rc == APS_OK)
		rc = aps_parts_give(db, part, aps_str_of(partition->prefix), aps_str_of(partition->identity), err);
	return rc == APS_OK ? become(partition, err) : rc;
}

enum aps_rc aps_partition_adopt(struct aps_partition *partition, const char *identity, struct aps_partition *other,
                                struct aps_err *err)
{
	struct aps_db *db = partition->vault->db;
	struct aps_str prefix = aps_str_of(partition->prefix);
	int64_t own = partition->store.part, part;
	bool has_layers = false, has_some = false;
	enum aps_rc rc = aps_parts_find(db, prefix, aps_str_of(identity), &part, err);
	if (rc != APS_OK || part == 0) return rc;
	if (own != 0) rc = aps_layer_store_has_lasting(db, own, &has_layers, err);
	if (rc == APS_OK) rc = has_records(db, part, &has_some, err);
	if (rc != APS_OK) return rc;
	bool stays = has_layers || !has_some || !aps_vault_is_available(partition->vault);
	rc = stays ? drop(db, part, err) : exchange(partition, own, part, err);
	return rc == APS_OK && other != NULL ? become(other, err) : rc;
}

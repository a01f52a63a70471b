/* What is known of the optimistic layers of a partition, in memory or not. */
#include "client/partition.h"

#include "cache/id_pairs.h"
#include "store/layer_store.h"

enum aps_rc aps_partition_list_answered(struct aps_partition *partition, struct aps_buf *ids, struct aps_err *err)
{
	const struct aps_cache_store *store = &partition->store;
	return store->db != NULL ? aps_layer_store_list_kind(store->db, store->part, APS_LAYER_ANSWERED, ids, err)
	                         : APS_OK;
}

enum aps_rc aps_partition_is_answered(struct aps_partition *partition, uint64_t id, bool *is_answered,
                                      struct aps_err *err)
{
	struct aps_layer_row row = {.is_there = false};
	*is_answered = false;
	if (partition->store.db == NULL) return APS_OK;
	aps_buf_init(&row.entries, APS_BUF_ANY_SIZE);
	aps_buf_init(&row.identified, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_layer_store_load(partition->store.db, partition->store.part, id, &row, err);
	*is_answered = rc == APS_OK && row.is_there && row.kind == APS_LAYER_ANSWERED;
	aps_layer_row_clear(&row);
	return rc;
}

/* Calls `put` for each object of the layer's response, which is read of the store, unless all of it is in memory. */
typedef void put_object(struct aps_buf *out, const struct aps_entry *entry, const struct aps_identified *object,
                        struct aps_str own);

static enum aps_rc list_objects(struct aps_partition *partition, uint64_t id, put_object *put, struct aps_str own,
                                struct aps_buf *out, struct aps_err *err)
{
	struct aps_layer_row row = {.is_there = false};
	if (partition->store.db == NULL) return APS_OK;
	aps_buf_init(&row.entries, APS_BUF_ANY_SIZE);
	aps_buf_init(&row.identified, APS_BUF_ANY_SIZE);
	const struct aps_layer *layer = aps_layers_find(&partition->cache.layers, id);
	bool is_here = layer != NULL && layer->is_whole;
	enum aps_rc rc =
	        is_here ? APS_OK : aps_layer_store_load(partition->store.db, partition->store.part, id, &row, err);
	const struct aps_buf *identified = is_here ? &layer->identified : &row.identified;
	const struct aps_identified *objects = (const struct aps_identified *)(const void *)identified->p;
	for (size_t i = 0; rc == APS_OK && i < identified->n / sizeof *objects; i++) {
		struct aps_entry *entry;
		rc = aps_entries_at_below(&partition->cache.entries, objects[i].entry, &entry, err);
		if (rc == APS_OK && entry != NULL) put(out, entry, &objects[i], own);
	}
	aps_layer_row_clear(&row);
	return rc == APS_OK && out->rc != APS_OK ? aps_fail(err, out->rc, "no memory for an optimistic layer") : rc;
}

static void put_text(struct aps_buf *out, struct aps_str text)
{
	aps_cell_put_count(out, text.n);
	aps_buf_add_str(out, text);
}

static void put_key(struct aps_buf *out, const struct aps_entry *entry)
{
	struct aps_str key = aps_entry_key(entry);
	put_text(out, (struct aps_str){key.p + 1, key.n - 1});
}

static bool is_among(struct aps_str own, struct aps_str id)
{
	for (; own.n >= id.n; own = (struct aps_str){own.p + id.n, own.n - id.n})
		if (memcmp(own.p, id.p, id.n) == 0) return true;
	return false;
}

static void put_temporary(struct aps_buf *out, const struct aps_entry *entry,
                          const struct aps_identified *object APS_UNUSED, struct aps_str own)
{
	struct aps_str type, id;
	aps_key_texts(aps_entry_key(entry), &type, &id);
	if (!aps_id_is_uuid(id) || (aps_entry_base(entry).p != NULL && !is_among(own, id))) return;
	put_text(out, id);
	put_key(out, entry);
}

static void put_root(struct aps_buf *out, const struct aps_entry *entry, const struct aps_identified *object,
                     struct aps_str own APS_UNUSED)
{
	if (object->is_direct) put_key(out, entry);
}

enum aps_rc aps_partition_layer_temporary(struct aps_partition *partition, uint64_t id, struct aps_str own,
                                          struct aps_buf *out, struct aps_err *err)
{
	return list_objects(partition, id, put_temporary, own, out, err);
}

enum aps_rc aps_partition_layer_roots(struct aps_partition *partition, uint64_t id, struct aps_buf *out,
                                      struct aps_err *err)
{
	return list_objects(partition, id, put_root, APS_STR(""), out, err);
}

static enum aps_rc answer_once(struct aps_partition *partition, uint64_t id, struct aps_err *err)
{
	struct aps_layer *layer = NULL;
	enum aps_rc rc = aps_vault_begin(partition->vault, err);
	if (rc == APS_OK) rc = aps_layers_load(&partition->cache.layers, id, &layer, err);
	if (rc != APS_OK || layer == NULL) return rc;
	enum aps_layer_kind former = layer->kind;
	layer->kind = APS_LAYER_ANSWERED;
	rc = aps_cache_store_save_kind(&partition->store, layer, err);
	if (rc != APS_OK) layer->kind = former;
	return rc;
}

enum aps_rc aps_partition_answer_layer(struct aps_partition *partition, uint64_t id, struct aps_err *err)
{
	enum aps_rc rc = answer_once(partition, id, err);
	return rc != APS_OK && aps_vault_cope(partition->vault, err) ? answer_once(partition, id, err) : rc;
}

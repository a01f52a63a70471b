#include "store/layer_store.h"

#include "cache/cell.h"
#include "store/row_sum.h"

static int64_t sum_of(uint64_t layer, uint64_t entry, struct aps_str patch)
{
	struct aps_row_sum sum;
	aps_row_sum_init(&sum);
	aps_row_sum_add_int(&sum, layer);
	aps_row_sum_add_int(&sum, entry);
	aps_row_sum_add(&sum, patch);
	return aps_row_sum_value(&sum);
}

/* One row with a number in it, or none. */
static enum aps_rc run_with(struct aps_db *db, const char *sql, int64_t number, bool *has_row, struct aps_err *err)
{
	struct aps_stmt *stmt;
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(sql), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, number, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, has_row, err);
	if (rc == APS_OK) aps_stmt_reset(stmt);
	return rc;
}

enum aps_rc aps_layer_store_start(struct aps_db *db, struct aps_err *err)
{
	enum aps_rc rc = aps_db_exec(db, "DELETE FROM patch", err);
	return rc == APS_OK ? aps_db_exec(db, "DELETE FROM layer", err) : rc;
}

enum aps_rc aps_layer_store_drop_all(struct aps_db *db, int64_t part, struct aps_err *err)
{
	bool has_row;
	enum aps_rc rc = run_with(db, "DELETE FROM patch WHERE layer IN (SELECT id FROM layer WHERE part = ?1)", part,
	                          &has_row, err);
	return rc == APS_OK ? run_with(db, "DELETE FROM layer WHERE part = ?1", part, &has_row, err) : rc;
}

static enum aps_rc save_patch(struct aps_db *db, const struct aps_layer_patch *patch, struct aps_err *err)
{
	struct aps_str bytes = {patch->bytes, patch->n_bytes};
	struct aps_stmt *stmt;
	bool has_row;
	static const char SQL[] = "INSERT INTO patch (layer, entry, patch, sum) VALUES (?1, ?2, ?3, ?4)";
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(SQL), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, (int64_t)patch->layer->id, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 2, (int64_t)patch->entry->number, err);
	if (rc == APS_OK) rc = aps_stmt_bind_blob(stmt, 3, bytes, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 4, sum_of(patch->layer->id, patch->entry->number, bytes), err);
	return rc == APS_OK ? aps_stmt_step(stmt, &has_row, err) : rc;
}

static enum aps_rc save_layer(struct aps_db *db, int64_t part, const struct aps_layer *layer, struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row;
	enum aps_rc rc = aps_db_prepare(db, APS_STR("INSERT INTO layer (id, part) VALUES (?1, ?2)"), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, (int64_t)layer->id, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 2, part, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, &has_row, err);
	for (const struct aps_layer_patch *patch = layer->patches; rc == APS_OK && patch != NULL; patch = patch->next)
		rc = save_patch(db, patch, err);
	return rc;
}

static enum aps_rc drop_patch(struct aps_db *db, const struct aps_layer_patch *patch, struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row;
	/* + : by the index of layers, which have few patches, where an entry may be under many */
	static const char SQL[] = "DELETE FROM patch WHERE layer = ?1 AND +entry = ?2";
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(SQL), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, (int64_t)patch->layer->id, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 2, (int64_t)patch->entry->number, err);
	return rc == APS_OK ? aps_stmt_step(stmt, &has_row, err) : rc;
}

/* Of the entries of the write those that leave, then those that come in their place. */
static enum aps_rc save_exchanged(struct aps_db *db, const struct aps_cache_write *write, bool is_coming,
                                  struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; i < aps_write_n_entries(write); i++) {
		const struct aps_layered *layered = aps_write_entry_at(write, i)->layered;
		const struct aps_layer_patch *patch = layered != NULL ? layered->patches : NULL;
		for (; rc == APS_OK && patch != NULL; patch = patch->next_above) {
			if (is_coming && patch->is_coming && !patch->is_leaving) rc = save_patch(db, patch, err);
			if (!is_coming && patch->is_leaving && !patch->is_coming) rc = drop_patch(db, patch, err);
		}
	}
	return rc;
}

static enum aps_rc drop_layer(struct aps_db *db, const struct aps_layer *layer, struct aps_err *err)
{
	bool has_row;
	enum aps_rc rc = run_with(db, "DELETE FROM patch WHERE layer = ?1", (int64_t)layer->id, &has_row, err);
	return rc == APS_OK ? run_with(db, "DELETE FROM layer WHERE id = ?1", (int64_t)layer->id, &has_row, err) : rc;
}

enum aps_rc aps_layer_store_save(struct aps_db *db, int64_t part, const struct aps_cache_write *write,
                                 struct aps_err *err)
{
	enum aps_rc rc = write->layer != NULL ? save_layer(db, part, write->layer, err) : APS_OK;
	if (rc == APS_OK && write->has_exchanged) rc = save_exchanged(db, write, false, err);
	if (rc == APS_OK && write->has_exchanged) rc = save_exchanged(db, write, true, err);
	if (!write->has_leaving) return rc;
	for (const struct aps_layer *layer = write->cache->layers.lowest; rc == APS_OK && layer != NULL;
	     layer = layer->above)
		if (layer->is_leaving) rc = drop_layer(db, layer, err);
	return rc;
}

enum aps_rc aps_layer_store_save_all(struct aps_db *db, int64_t part, const struct aps_layers *layers,
                                     struct aps_err *err)
{
	enum aps_rc rc = aps_layer_store_drop_all(db, part, err);
	for (const struct aps_layer *layer = layers->lowest; rc == APS_OK && layer != NULL; layer = layer->above)
		rc = save_layer(db, part, layer, err);
	return rc;
}

enum aps_rc aps_layer_store_has_any(struct aps_db *db, int64_t part, bool *has_any, struct aps_err *err)
{
	return run_with(db, "SELECT 1 FROM layer WHERE part = ?1 LIMIT 1", part, has_any, err);
}

enum aps_rc aps_layer_store_covers(struct aps_db *db, uint64_t entry, bool *is_covered, struct aps_err *err)
{
	return run_with(db, "SELECT 1 FROM patch WHERE entry = ?1 LIMIT 1", (int64_t)entry, is_covered, err);
}

enum aps_rc aps_layer_store_read(struct aps_db *db, uint64_t entry, struct aps_buf *patches, struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row = false;
	static const char SQL[] = "SELECT patch, layer, sum FROM patch WHERE entry = ?1 ORDER BY layer";
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(SQL), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, (int64_t)entry, err);
	while (rc == APS_OK && (rc = aps_stmt_step(stmt, &has_row, err)) == APS_OK && has_row) {
		struct aps_str patch = aps_stmt_column_str(stmt, 0);
		uint64_t layer = (uint64_t)aps_stmt_column_int(stmt, 1);
		if (aps_stmt_column_int(stmt, 2) != sum_of(layer, entry, patch)) {
			aps_stmt_reset(stmt);
			return aps_row_sum_fail("an optimistic layer", err);
		}
		aps_cell_put_count(patches, patch.n);
		aps_buf_add_str(patches, patch);
	}
	if (rc == APS_OK && patches->rc != APS_OK) rc = aps_fail(err, APS_E_NOMEM, "no memory for optimistic layers");
	return rc;
}

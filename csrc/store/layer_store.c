#include "store/layer_store.h"

#include "cache/cell.h"
#include "cache/id_pairs.h"
#include "cache/layer_mentions.h"
#include "store/outbox_number.h"
#include "store/row_sum.h"

static enum aps_rc fail_memory(struct aps_err *err)
{
	return aps_fail(err, APS_E_NOMEM, "no memory for optimistic layers");
}

static int64_t sum_of_patch(uint64_t layer, uint64_t entry, struct aps_str patch)
{
	struct aps_row_sum sum;
	aps_row_sum_init(&sum);
	aps_row_sum_add_int(&sum, layer);
	aps_row_sum_add_int(&sum, entry);
	aps_row_sum_add(&sum, patch);
	return aps_row_sum_value(&sum);
}

/* A layer's row; texts are borrowed. */
struct layer_row {
	int64_t id, part, kind;
	struct aps_str entries, identified;
};

static int64_t sum_of_layer(const struct layer_row *row)
{
	struct aps_row_sum sum;
	aps_row_sum_init(&sum);
	aps_row_sum_add_int(&sum, (uint64_t)row->id);
	aps_row_sum_add_int(&sum, (uint64_t)row->part);
	aps_row_sum_add_int(&sum, (uint64_t)row->kind);
	aps_row_sum_add(&sum, row->entries);
	aps_row_sum_add(&sum, row->identified);
	return aps_row_sum_value(&sum);
}

static enum aps_rc fail_damaged(struct aps_err *err)
{
	return aps_row_sum_fail("an optimistic layer", err);
}

/* Layers of calls have their process's slot in the place of a kind. */
static int64_t stored_kind(struct aps_db *db, enum aps_layer_kind kind)
{
	return kind != APS_LAYER_PASSING ? (int64_t)kind : -aps_db_slot(db);
}

/* A statement with one number, or two. */
static enum aps_rc prepare_with(struct aps_db *db, const char *sql, int64_t first, int64_t second,
                                struct aps_stmt **stmt, struct aps_err *err)
{
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(sql), stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(*stmt, 1, first, err);
	if (rc == APS_OK && aps_stmt_n_params(*stmt) > 1) rc = aps_stmt_bind_int(*stmt, 2, second, err);
	return rc;
}

static enum aps_rc run_with(struct aps_db *db, const char *sql, int64_t first, int64_t second, struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row;
	enum aps_rc rc = prepare_with(db, sql, first, second, &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, &has_row, err);
	if (rc == APS_OK) aps_stmt_reset(stmt);
	return rc;
}

/* Appends the numbers that it gives. */
static enum aps_rc list_numbers(struct aps_stmt *stmt, struct aps_buf *numbers, struct aps_err *err)
{
	bool has_row = false;
	enum aps_rc rc;
	while ((rc = aps_stmt_step(stmt, &has_row, err)) == APS_OK && has_row) {
		uint64_t number = (uint64_t)aps_stmt_column_int(stmt, 0);
		aps_buf_add(numbers, &number, sizeof number);
	}
	return rc == APS_OK && numbers->rc != APS_OK ? fail_memory(err) : rc;
}

static bool take_numbers(struct aps_str packed, struct aps_buf *numbers)
{
	uint64_t number;
	while (packed.n != 0) {
		if (!aps_cell_take_count(&packed, &number)) return false;
		aps_buf_add(numbers, &number, sizeof number);
	}
	return true;
}

#define COLUMNS "SELECT id, part, kind, entries, identified, sum FROM layer"

/* Of the statement's row. */
static enum aps_rc look_at_row(const struct aps_stmt *stmt, struct layer_row *row, struct aps_err *err)
{
	*row = (struct layer_row){
	        .id = aps_stmt_column_int(stmt, 0),
	        .part = aps_stmt_column_int(stmt, 1),
	        .kind = aps_stmt_column_int(stmt, 2),
	        .entries = aps_stmt_column_str(stmt, 3),
	        .identified = aps_stmt_column_str(stmt, 4),
	};
	bool is_kind = row->kind <= APS_LAYER_ANSWERED;
	return is_kind && aps_stmt_column_int(stmt, 5) == sum_of_layer(row) ? APS_OK : fail_damaged(err);
}

static enum aps_rc take_row(const struct aps_stmt *stmt, struct aps_layer_row *out, struct aps_err *err)
{
	struct layer_row row;
	enum aps_rc rc = look_at_row(stmt, &row, err);
	if (rc != APS_OK) return rc;
	out->is_there = true;
	out->kind = row.kind > 0 ? (enum aps_layer_kind)row.kind : APS_LAYER_PASSING;
	bool is_whole =
	        take_numbers(row.entries, &out->entries) && aps_identified_take(row.identified, &out->identified);
	if (!is_whole) return fail_damaged(err);
	return out->entries.rc == APS_OK && out->identified.rc == APS_OK ? APS_OK : fail_memory(err);
}

enum aps_rc aps_layer_store_load(struct aps_db *db, int64_t part, uint64_t id, struct aps_layer_row *row,
                                 struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row = false;
	enum aps_rc rc = prepare_with(db, COLUMNS " WHERE id = ?1 AND part = ?2", (int64_t)id, part, &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, &has_row, err);
	if (rc != APS_OK || !has_row) return rc;
	rc = take_row(stmt, row, err);
	aps_stmt_reset(stmt);
	return rc;
}

enum aps_rc aps_layer_store_list(struct aps_db *db, uint64_t entry, struct aps_buf *ids, struct aps_err *err)
{
	struct aps_stmt *stmt;
	enum aps_rc rc = prepare_with(db, "SELECT layer FROM patch WHERE entry = ?1", (int64_t)entry, 0, &stmt, err);
	return rc == APS_OK ? list_numbers(stmt, ids, err) : rc;
}

enum aps_rc aps_layer_store_list_kind(struct aps_db *db, int64_t part, enum aps_layer_kind kind, struct aps_buf *ids,
                                      struct aps_err *err)
{
	/* "kind <> 1": by the index of those that aren't queued */
	static const char SQL[] = "SELECT id FROM layer WHERE kind <> 1 AND part = ?1 AND kind = ?2 ORDER BY id";
	struct aps_stmt *stmt;
	enum aps_rc rc = prepare_with(db, SQL, part, stored_kind(db, kind), &stmt, err);
	return rc == APS_OK ? list_numbers(stmt, ids, err) : rc;
}

/* A layer whose row has these entries. */
static enum aps_rc drop_rows(struct aps_db *db, uint64_t id, const struct aps_buf *entries, struct aps_err *err)
{
	const uint64_t *numbers = (const uint64_t *)(const void *)entries->p;
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < entries->n / sizeof *numbers; i++)
		rc = run_with(db, "DELETE FROM patch WHERE entry = ?1 AND layer = ?2", (int64_t)numbers[i], (int64_t)id,
		              err);
	return rc == APS_OK ? run_with(db, "DELETE FROM layer WHERE id = ?1", (int64_t)id, 0, err) : rc;
}

/* One that isn't there is nothing to do. */
static enum aps_rc drop_layer(struct aps_db *db, int64_t part, uint64_t id, struct aps_err *err)
{
	struct aps_layer_row row = {.is_there = false};
	aps_buf_init(&row.entries, APS_BUF_ANY_SIZE);
	aps_buf_init(&row.identified, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_layer_store_load(db, part, id, &row, err);
	if (rc == APS_OK && row.is_there) rc = drop_rows(db, id, &row.entries, err);
	aps_layer_row_clear(&row);
	return rc;
}

/* Layers of calls of some processes, or of all: part 0 is any. */
struct passing {
	int64_t part, first, last; /* kinds */
};

/* One of them; *id 0: there is none. */
static enum aps_rc find_passing(struct aps_db *db, const struct passing *of, uint64_t *id, int64_t *owner,
                                struct aps_err *err)
{
	static const char SQL[] = "SELECT id, part FROM layer WHERE kind <> 1 AND kind BETWEEN ?2 AND ?3"
	                          " AND ?1 IN (0, part) LIMIT 1";
	struct aps_stmt *stmt;
	bool has_row = false;
	enum aps_rc rc = prepare_with(db, SQL, of->part, of->first, &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 3, of->last, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, &has_row, err);
	*id = rc == APS_OK && has_row ? (uint64_t)aps_stmt_column_int(stmt, 0) : 0;
	*owner = *id != 0 ? aps_stmt_column_int(stmt, 1) : 0;
	if (*id != 0) aps_stmt_reset(stmt);
	return rc;
}

enum aps_rc aps_layer_store_drop(struct aps_db *db, uint64_t id, struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row = false;
	enum aps_rc rc = prepare_with(db, "SELECT part FROM layer WHERE id = ?1", (int64_t)id, 0, &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, &has_row, err);
	if (rc != APS_OK || !has_row) return rc;
	int64_t part = aps_stmt_column_int(stmt, 0);
	aps_stmt_reset(stmt);
	return drop_layer(db, part, id, err);
}

static enum aps_rc drop_passing(struct aps_db *db, const struct passing *of, struct aps_err *err)
{
	uint64_t id = 1;
	int64_t owner;
	enum aps_rc rc = APS_OK;
	while (rc == APS_OK && id != 0) {
		rc = find_passing(db, of, &id, &owner, err);
		if (rc == APS_OK && id != 0) rc = drop_layer(db, owner, id, err);
	}
	return rc;
}

enum aps_rc aps_layer_store_drop_passing(struct aps_db *db, int64_t part, struct aps_err *err)
{
	int64_t kind = stored_kind(db, APS_LAYER_PASSING);
	return drop_passing(db, &(struct passing){part, kind, kind}, err);
}

enum aps_rc aps_layer_store_drop_all_passing(struct aps_db *db, struct aps_err *err)
{
	return drop_passing(db, &(struct passing){0, INT64_MIN, APS_LAYER_PASSING}, err);
}

enum aps_rc aps_layer_store_drop_slot(struct aps_db *db, int slot, struct aps_err *err)
{
	return drop_passing(db, &(struct passing){0, -slot, -slot}, err);
}

enum aps_rc aps_layer_store_next_slot(struct aps_db *db, int after, int *slot, struct aps_err *err)
{
	static const char SQL[] = "SELECT kind FROM layer WHERE kind <> 1 AND kind < ?1 ORDER BY kind DESC LIMIT 1";
	struct aps_stmt *stmt;
	bool has_row = false;
	enum aps_rc rc = prepare_with(db, SQL, -after, 0, &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, &has_row, err);
	*slot = rc == APS_OK && has_row ? (int)-aps_stmt_column_int(stmt, 0) : 0;
	if (rc == APS_OK && has_row) aps_stmt_reset(stmt);
	return rc;
}

static enum aps_rc save_patch(struct aps_db *db, uint64_t layer, uint64_t entry, struct aps_str patch,
                              struct aps_err *err)
{
	static const char SQL[] = "INSERT INTO patch (entry, layer, patch, sum) VALUES (?1, ?2, ?3, ?4)";
	struct aps_stmt *stmt;
	bool has_row;
	enum aps_rc rc = prepare_with(db, SQL, (int64_t)entry, (int64_t)layer, &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_blob(stmt, 3, patch, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 4, sum_of_patch(layer, entry, patch), err);
	return rc == APS_OK ? aps_stmt_step(stmt, &has_row, err) : rc;
}

#define INTO_LAYER " INTO layer (id, part, kind, entries, identified, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"

static enum aps_rc save_row(struct aps_db *db, const struct layer_row *row, bool is_new, struct aps_err *err)
{
	const char *sql = is_new ? "INSERT" INTO_LAYER : "REPLACE" INTO_LAYER;
	struct aps_stmt *stmt;
	bool has_row;
	enum aps_rc rc = prepare_with(db, sql, row->id, row->part, &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 3, row->kind, err);
	if (rc == APS_OK) rc = aps_stmt_bind_blob(stmt, 4, row->entries, err);
	if (rc == APS_OK) rc = aps_stmt_bind_blob(stmt, 5, row->identified, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 6, sum_of_layer(row), err);
	return rc == APS_OK ? aps_stmt_step(stmt, &has_row, err) : rc;
}

/* What a layer's row is made of: its entries, as `numbers` has them. */
static enum aps_rc put_row(struct aps_db *db, int64_t part, const struct aps_layer *layer,
                           const struct aps_buf *numbers, bool is_new, struct aps_err *err)
{
	const uint64_t *all = (const uint64_t *)(const void *)numbers->p;
	struct aps_buf entries, identified;
	aps_buf_init(&entries, APS_BUF_ANY_SIZE);
	aps_buf_init(&identified, APS_BUF_ANY_SIZE);
	for (size_t i = 0; i < numbers->n / sizeof *all; i++) aps_cell_put_count(&entries, all[i]);
	aps_identified_put(&identified, &layer->identified);
	const struct layer_row row = {
	        .id = (int64_t)layer->id,
	        .part = part,
	        .kind = layer->kind == APS_LAYER_PASSING && layer->slot != 0 ? -layer->slot
	                                                                     : stored_kind(db, layer->kind),
	        .entries = entries.n != 0 ? aps_buf_str(&entries) : APS_STR(""),
	        .identified = identified.n != 0 ? aps_buf_str(&identified) : APS_STR(""),
	};
	bool is_short = entries.rc != APS_OK || identified.rc != APS_OK;
	enum aps_rc rc = is_short ? fail_memory(err) : save_row(db, &row, is_new, err);
	aps_buf_clear(&entries);
	aps_buf_clear(&identified);
	return rc;
}

/* A whole layer of which no row is there. */
static enum aps_rc save_layer(struct aps_db *db, int64_t part, const struct aps_layer *layer,
                              struct aps_entries *entries, struct aps_err *err)
{
	const struct aps_layer_patch *patch = layer->patches;
	struct aps_buf numbers;
	aps_buf_init(&numbers, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_layer_mentions(layer, entries, &numbers, err);
	const uint64_t *mentioned = (const uint64_t *)(const void *)numbers.p;
	for (size_t i = 0; rc == APS_OK && i < numbers.n / sizeof *mentioned; i++)
		rc = save_patch(db, layer->id, mentioned[i], APS_STR(""), err);
	for (; rc == APS_OK && patch != NULL; patch = patch->next) {
		if (patch->is_leaving) continue;
		aps_buf_add(&numbers, &patch->entry->number, sizeof patch->entry->number);
		rc = save_patch(db, layer->id, patch->entry->number, (struct aps_str){patch->bytes, patch->n_bytes},
		                err);
	}
	if (rc == APS_OK && numbers.rc != APS_OK) rc = fail_memory(err);
	if (rc == APS_OK) rc = put_row(db, part, layer, &numbers, true, err);
	aps_buf_clear(&numbers);
	return rc;
}

enum aps_rc aps_layer_store_save(struct aps_db *db, int64_t part, const struct aps_cache_write *write,
                                 struct aps_err *err)
{
	struct aps_entries *entries = &write->cache->entries;
	enum aps_rc rc = write->layer != NULL ? save_layer(db, part, write->layer, entries, err) : APS_OK;
	for (size_t i = 0; rc == APS_OK && i < aps_write_n_layers(write); i++) {
		const struct aps_layer *layer = aps_write_layer_at(write, i);
		rc = drop_layer(db, part, layer->id, err);
		if (rc == APS_OK && !layer->is_leaving) rc = save_layer(db, part, layer, entries, err);
	}
	return rc;
}

enum aps_rc aps_layer_store_save_kind(struct aps_db *db, int64_t part, const struct aps_layer *layer,
                                      struct aps_err *err)
{
	struct aps_layer_row row = {.is_there = false};
	aps_buf_init(&row.entries, APS_BUF_ANY_SIZE);
	aps_buf_init(&row.identified, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_layer_store_load(db, part, layer->id, &row, err);
	if (rc == APS_OK && row.is_there) rc = put_row(db, part, layer, &row.entries, false, err);
	aps_layer_row_clear(&row);
	return rc;
}

enum aps_rc aps_layer_store_save_again(struct aps_db *db, int64_t part, struct aps_cache *cache, uint64_t id,
                                       struct aps_err *err)
{
	const struct aps_layer *layer = aps_layers_find(&cache->layers, id);
	enum aps_rc rc = drop_layer(db, part, id, err);
	if (rc == APS_OK && layer != NULL) rc = save_layer(db, part, layer, &cache->entries, err);
	if (rc != APS_OK) return rc;
	return aps_outbox_pass_number(db, (int64_t)id, err);
}

enum aps_rc aps_layer_store_list_entries(struct aps_db *db, int64_t part, size_t max_layers, uint64_t *after,
                                         struct aps_buf *numbers, struct aps_err *err)
{
	struct aps_stmt *stmt;
	struct layer_row row;
	bool has_row = false;
	size_t n = 0;
	enum aps_rc rc = prepare_with(db, COLUMNS " WHERE id > ?1 ORDER BY id LIMIT ?2", (int64_t)*after,
	                              (int64_t)max_layers, &stmt, err);
	for (; rc == APS_OK && (rc = aps_stmt_step(stmt, &has_row, err)) == APS_OK && has_row; n++) {
		rc = look_at_row(stmt, &row, err);
		*after = (uint64_t)row.id;
		if (rc == APS_OK && row.part == part && !take_numbers(row.entries, numbers)) rc = fail_damaged(err);
		if (rc != APS_OK) aps_stmt_reset(stmt);
	}
	if (n < max_layers) *after = 0;
	return rc == APS_OK && numbers->rc != APS_OK ? fail_memory(err) : rc;
}

enum aps_rc aps_layer_store_has_lasting(struct aps_db *db, int64_t part, bool *has_some, struct aps_err *err)
{
	struct aps_stmt *stmt;
	enum aps_rc rc =
	        prepare_with(db, "SELECT 1 FROM layer WHERE part = ?1 AND kind > 0 LIMIT 1", part, 0, &stmt, err);
	*has_some = false;
	if (rc == APS_OK) rc = aps_stmt_step(stmt, has_some, err);
	if (rc == APS_OK) aps_stmt_reset(stmt);
	return rc;
}

enum aps_rc aps_layer_store_has_any(struct aps_db *db, bool *has_any, struct aps_err *err)
{
	int64_t any;
	enum aps_rc rc = aps_db_read_int(db, "SELECT 1 FROM layer LIMIT 1", &any, err);
	*has_any = rc == APS_OK && any != 0;
	return rc;
}

enum aps_rc aps_layer_store_covers(struct aps_db *db, uint64_t entry, bool *is_covered, struct aps_err *err)
{
	static const char SQL[] = "SELECT 1 FROM patch WHERE entry = ?1 AND length(patch) <> 0 LIMIT 1";
	struct aps_stmt *stmt;
	enum aps_rc rc = prepare_with(db, SQL, (int64_t)entry, 0, &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, is_covered, err);
	if (rc == APS_OK) aps_stmt_reset(stmt);
	return rc;
}

enum aps_rc aps_layer_store_read(struct aps_db *db, uint64_t entry, struct aps_buf *patches, struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row = false;
	static const char SQL[] = "SELECT patch, layer, sum FROM patch WHERE entry = ?1 ORDER BY layer";
	enum aps_rc rc = prepare_with(db, SQL, (int64_t)entry, 0, &stmt, err);
	while (rc == APS_OK && (rc = aps_stmt_step(stmt, &has_row, err)) == APS_OK && has_row) {
		struct aps_str patch = aps_stmt_column_str(stmt, 0);
		uint64_t layer = (uint64_t)aps_stmt_column_int(stmt, 1);
		if (aps_stmt_column_int(stmt, 2) != sum_of_patch(layer, entry, patch)) {
			aps_stmt_reset(stmt);
			return fail_damaged(err);
		}
		if (patch.n != 0) aps_patches_put(patches, layer, patch);
	}
	return rc == APS_OK && patches->rc != APS_OK ? fail_memory(err) : rc;
}

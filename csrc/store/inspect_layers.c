#include "store/inspect_layers.h"

#include "store/entry_id.h"
#include "store/inspect_text.h"
#include "store/layer_store.h"
#include "store/query.h"

#define MAX_LAYERS 1000

/* The part of a layer, *part 0: it isn't there. */
static enum aps_rc find_part(struct aps_db *db, int64_t id, int64_t *part, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT part FROM layer WHERE id = ?1", err);
	aps_query_int(&query, id);
	*part = aps_query_row(&query) ? aps_stmt_column_int(query.stmt, 0) : 0;
	return aps_query_end(&query);
}

/* What it only mentions it doesn't change. */
static enum aps_rc count_changes(struct aps_db *db, int64_t id, const struct aps_buf *entries, uint64_t *n,
                                 struct aps_err *err)
{
	static const char SQL[] = "SELECT 1 FROM patch WHERE entry = ?1 AND layer = ?2 AND length(patch) <> 0";
	const uint64_t *all = (const uint64_t *)(const void *)entries->p;
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < entries->n / sizeof *all; i++) {
		struct aps_query query;
		aps_query_init(&query, db, SQL, err);
		aps_query_int(&query, (int64_t)all[i]);
		aps_query_int(&query, id);
		*n += aps_query_row(&query);
		rc = aps_query_end(&query);
	}
	return rc;
}

/* The damage of one is its own. */
static enum aps_rc look(struct aps_db *db, int64_t id, bool *is_there, uint64_t *n_changes, struct aps_err *err)
{
	struct aps_layer_row row = {.is_there = false};
	int64_t part;
	*n_changes = 0;
	aps_buf_init(&row.entries, APS_BUF_ANY_SIZE);
	aps_buf_init(&row.identified, APS_BUF_ANY_SIZE);
	enum aps_rc rc = find_part(db, id, &part, err);
	*is_there = rc == APS_OK && part != 0;
	if (*is_there) rc = aps_layer_store_load(db, part, (uint64_t)id, &row, err);
	if (*is_there && rc == APS_OK) rc = count_changes(db, id, &row.entries, n_changes, err);
	aps_layer_row_clear(&row);
	return rc == APS_E_STORAGE && *is_there ? APS_OK : rc;
}

enum aps_rc aps_inspect_put_layer(struct aps_db *db, struct aps_json_writer *w, int64_t number, struct aps_err *err)
{
	bool is_there;
	uint64_t n_changes;
	enum aps_rc rc = look(db, number, &is_there, &n_changes, err);
	if (rc != APS_OK || !is_there) return rc;
	aps_json_write_key(w, APS_STR("layer"));
	aps_json_write_object(w);
	aps_inspect_put_count(w, "changes", n_changes);
	aps_json_write_object_end(w);
	return APS_OK;
}

static enum aps_rc list_answered(struct aps_db *db, struct aps_buf *ids, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT id FROM layer WHERE kind <> 1 AND kind = 2 ORDER BY id LIMIT ?1", err);
	aps_query_int(&query, MAX_LAYERS);
	while (aps_query_row(&query)) {
		int64_t id = aps_stmt_column_int(query.stmt, 0);
		aps_buf_add(ids, &id, sizeof id);
	}
	enum aps_rc rc = aps_query_end(&query);
	return rc == APS_OK && ids->rc != APS_OK ? aps_fail(err, APS_E_NOMEM, "no memory to look at the store") : rc;
}

enum aps_rc aps_inspect_put_answered(struct aps_db *db, struct aps_json_writer *w, uint32_t nonce, struct aps_err *err)
{
	struct aps_buf ids;
	aps_buf_init(&ids, APS_BUF_ANY_SIZE);
	enum aps_rc rc = list_answered(db, &ids, err);
	aps_json_write_key(w, APS_STR("answered_layers"));
	aps_json_write_array(w);
	for (size_t i = 0; rc == APS_OK && i < ids.n / sizeof(int64_t); i++) {
		char text[APS_ENTRY_TEXT_CHARS + 1];
		bool is_there;
		uint64_t n_changes;
		int64_t id = ((const int64_t *)(const void *)ids.p)[i];
		rc = look(db, id, &is_there, &n_changes, err);
		aps_entry_text(nonce, id, text);
		aps_json_write_object(w);
		aps_json_write_member(w, "id", aps_str_of(text));
		aps_inspect_put_count(w, "changes", n_changes);
		aps_json_write_object_end(w);
	}
	aps_json_write_array_end(w);
	aps_buf_clear(&ids);
	return rc;
}

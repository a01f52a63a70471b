#include "store/cache_rows.h"

void aps_rows_init(struct aps_rows_at *at, enum aps_rows_kind kind)
{
	*at = (struct aps_rows_at){.kind = kind};
	aps_buf_init(&at->key, APS_BUF_ANY_SIZE);
}

void aps_rows_clear(struct aps_rows_at *at)
{
	aps_buf_clear(&at->key);
}

/* The index of keys has all that these want to know. */
static enum aps_rc prepare_read(const struct aps_cache_store *store, const struct aps_rows_at *at, size_t max_rows,
                                struct aps_stmt **stmt, struct aps_err *err)
{
	static const char *const SQL[] = {
	        [APS_ROWS_OF_FIELDS] = "SELECT id, key FROM entry INDEXED BY entry_key WHERE part = ?1"
	                               " AND key > ?2 AND key < X'47' ORDER BY key LIMIT ?3",
	        [APS_ROWS_WITH_KEY] = "SELECT id, key FROM entry INDEXED BY entry_key WHERE part = ?1"
	                              " AND key > ?2 ORDER BY key LIMIT ?3",
	        [APS_ROWS_WITHOUT_KEY] = "SELECT id, key FROM entry INDEXED BY entry_key WHERE part = ?1"
	                                 " AND key IS NULL AND id > ?2 ORDER BY id LIMIT ?3",
	};
	struct aps_str key = at->key.n != 0 || at->kind != APS_ROWS_OF_FIELDS ? aps_buf_str(&at->key) : APS_STR("F");
	struct aps_db *base = aps_db_base(store->db);
	struct aps_db *db = base != NULL && !at->is_above ? base : store->db;
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(SQL[at->kind]), stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(*stmt, 1, store->part, err);
	if (rc == APS_OK)
		rc = at->kind == APS_ROWS_WITHOUT_KEY ? aps_stmt_bind_int(*stmt, 2, (int64_t)at->number, err)
		                                      : aps_stmt_bind_blob(*stmt, 2, key, err);
	return rc == APS_OK ? aps_stmt_bind_int(*stmt, 3, (int64_t)max_rows, err) : rc;
}

bool aps_rows_are_kept(const struct aps_cache_store *store)
{
	return aps_db_is_in_memory(store->db);
}

static enum aps_rc has_row_above(const struct aps_cache_store *store, uint64_t number, bool *has_row,
                                 struct aps_err *err)
{
	struct aps_stmt *stmt;
	enum aps_rc rc = aps_db_prepare(store->db, APS_STR("SELECT 1 FROM entry WHERE id = ?1"), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, (int64_t)number, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, has_row, err);
	if (rc == APS_OK) aps_stmt_reset(stmt);
	return rc;
}

/* A row that has another one above it is seen there; one that is kept only for the file isn't seen. */
static enum aps_rc is_hidden(const struct aps_cache_store *store, const struct aps_rows_at *at, bool *is,
                             struct aps_err *err)
{
	struct aps_row_lengths lengths;
	enum aps_rc rc = APS_OK;
	*is = false;
	if (!aps_rows_are_kept(store)) return APS_OK;
	if (aps_db_base(store->db) != NULL && !at->is_above) rc = has_row_above(store, at->number, is, err);
	if (rc != APS_OK || *is) return rc;
	rc = aps_cache_store_measure(store, at->number, &lengths, err);
	*is = rc == APS_OK && lengths.n_content_bytes == 0;
	return rc;
}

/* What ends with that is what lies below. */
static void end_slice(const struct aps_cache_store *store, struct aps_rows_at *at)
{
	if (!at->is_done || at->is_above || aps_db_base(store->db) == NULL) return;
	at->is_above = true;
	at->is_done = false;
	at->number = 0;
	aps_buf_reset(&at->key);
}

enum aps_rc aps_rows_read(struct aps_cache_store *store, struct aps_rows_at *at, size_t max_rows,
                          struct aps_rows_sink *sink, struct aps_err *err)
{
	struct aps_stmt *stmt;
	struct aps_buf last; /* the statement has the one that it began behind */
	bool has_row = false, is_left_out;
	size_t n = 0;
	aps_buf_init(&last, APS_BUF_ANY_SIZE);
	enum aps_rc rc = prepare_read(store, at, max_rows, &stmt, err);
	while (rc == APS_OK && (rc = aps_stmt_step(stmt, &has_row, err)) == APS_OK && has_row) {
		struct aps_str key = aps_stmt_column_str(stmt, 1);
		at->number = (uint64_t)aps_stmt_column_int(stmt, 0);
		aps_buf_reset(&last);
		aps_buf_add_str(&last, key);
		rc = is_hidden(store, at, &is_left_out, err);
		if (rc == APS_OK && !is_left_out) sink->row(sink, at->number, key);
		n++;
	}
	if (rc != APS_OK && has_row) aps_stmt_reset(stmt);
	aps_buf_reset(&at->key);
	aps_buf_add_str(&at->key, aps_buf_str(&last));
	at->is_done = rc == APS_OK && n < max_rows;
	end_slice(store, at);
	bool is_short = last.rc != APS_OK || at->key.rc != APS_OK;
	aps_buf_clear(&last);
	return rc == APS_OK && is_short ? aps_fail(err, APS_E_NOMEM, "no memory for the keys of the store") : rc;
}

static enum aps_rc change(const struct aps_cache_store *store, const char *sql, uint64_t number, uint32_t minute,
                          struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row;
	enum aps_rc rc = aps_db_prepare(store->db, aps_str_of(sql), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, (int64_t)number, err);
	if (rc == APS_OK && aps_stmt_n_params(stmt) > 1) rc = aps_stmt_bind_int(stmt, 2, store->part, err);
	if (rc == APS_OK && aps_stmt_n_params(stmt) > 2) rc = aps_stmt_bind_int(stmt, 3, minute, err);
	return rc == APS_OK ? aps_stmt_step(stmt, &has_row, err) : rc;
}

/* What lies over a file has a row of its own, under the same key, for each that differs. */
static enum aps_rc copy_up(struct aps_cache_store *store, uint64_t number, struct aps_err *err)
{
	struct aps_db *base = aps_db_base(store->db);
	struct aps_stmt *from, *to;
	bool has_row = false;
	if (base == NULL) return APS_OK;
	enum aps_rc rc =
	        aps_db_prepare(base, APS_STR("SELECT key, used FROM entry WHERE id = ?1 AND part = ?2"), &from, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(from, 1, (int64_t)number, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(from, 2, store->part, err);
	if (rc == APS_OK) rc = aps_stmt_step(from, &has_row, err);
	if (rc != APS_OK || !has_row) return rc;
	rc = aps_db_prepare(store->db,
	                    APS_STR("INSERT OR IGNORE INTO entry (id, part, key, used, content)"
	                            " VALUES (?1, ?2, ?3, ?4, X'')"),
	                    &to, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(to, 1, (int64_t)number, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(to, 2, store->part, err);
	if (rc == APS_OK && aps_stmt_column_type(from, 0) != APS_DB_NULL)
		rc = aps_stmt_bind_blob(to, 3, aps_stmt_column_str(from, 0), err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(to, 4, aps_stmt_column_int(from, 1), err);
	if (rc == APS_OK) rc = aps_stmt_step(to, &has_row, err);
	aps_stmt_reset(from);
	return rc;
}

enum aps_rc aps_rows_delete(struct aps_cache_store *store, uint64_t number, bool *had_content, struct aps_err *err)
{
	struct aps_row_lengths lengths;
	enum aps_rc rc = aps_cache_store_measure(store, number, &lengths, err);
	*had_content = rc == APS_OK && lengths.n_content_bytes != 0;
	if (rc != APS_OK || !lengths.is_there) return rc;
	if (aps_rows_are_kept(store)) return *had_content ? aps_rows_empty(store, number, err) : APS_OK;
	rc = change(store, "DELETE FROM entry WHERE id = ?1", number, 0, err);
	if (rc == APS_OK) store->n_bytes -= (int64_t)aps_entry_disk_bytes(lengths.n_key_bytes, lengths.n_content_bytes);
	return rc;
}

enum aps_rc aps_rows_empty(struct aps_cache_store *store, uint64_t number, struct aps_err *err)
{
	struct aps_row_lengths lengths;
	enum aps_rc rc = aps_cache_store_measure(store, number, &lengths, err);
	if (rc != APS_OK || !lengths.is_there) return rc;
	rc = copy_up(store, number, err);
	if (rc == APS_OK) rc = change(store, "UPDATE entry SET content = X'' WHERE id = ?1", number, 0, err);
	if (rc == APS_OK) store->n_bytes -= (int64_t)lengths.n_content_bytes;
	return rc;
}

enum aps_rc aps_rows_use(struct aps_cache_store *store, uint64_t number, uint32_t minute, struct aps_err *err)
{
	return change(store, "UPDATE entry SET used = ?3 WHERE id = ?1 AND part = ?2 AND used < ?3", number, minute,
	              err);
}

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
	enum aps_rc rc = aps_db_prepare(store->db, aps_str_of(SQL[at->kind]), stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(*stmt, 1, store->part, err);
	if (rc == APS_OK)
		rc = at->kind == APS_ROWS_WITHOUT_KEY ? aps_stmt_bind_int(*stmt, 2, (int64_t)at->number, err)
		                                      : aps_stmt_bind_blob(*stmt, 2, key, err);
	return rc == APS_OK ? aps_stmt_bind_int(*stmt, 3, (int64_t)max_rows, err) : rc;
}

enum aps_rc aps_rows_read(struct aps_cache_store *store, struct aps_rows_at *at, size_t max_rows,
                          struct aps_rows_sink *sink, struct aps_err *err)
{
	struct aps_stmt *stmt;
	struct aps_buf last; /* the statement has the one that it began behind */
	bool has_row = false;
	size_t n = 0;
	aps_buf_init(&last, APS_BUF_ANY_SIZE);
	enum aps_rc rc = prepare_read(store, at, max_rows, &stmt, err);
	while (rc == APS_OK && (rc = aps_stmt_step(stmt, &has_row, err)) == APS_OK && has_row) {
		struct aps_str key = aps_stmt_column_str(stmt, 1);
		at->number = (uint64_t)aps_stmt_column_int(stmt, 0);
		aps_buf_reset(&last);
		aps_buf_add_str(&last, key);
		sink->row(sink, at->number, key);
		n++;
	}
	aps_buf_reset(&at->key);
	aps_buf_add_str(&at->key, aps_buf_str(&last));
	at->is_done = n < max_rows;
	bool is_short = last.rc != APS_OK || at->key.rc != APS_OK;
	aps_buf_clear(&last);
	return rc == APS_OK && is_short ? aps_fail(err, APS_E_NOMEM, "no memory for the keys of the store") : rc;
}

/* Lengths of the key and of the content; false in *is_there: it isn't. */
static enum aps_rc measure(const struct aps_cache_store *store, uint64_t number, size_t lengths[2], bool *is_there,
                           struct aps_err *err)
{
	struct aps_stmt *stmt;
	static const char SQL[] = "SELECT length(key), length(content) FROM entry WHERE id = ?1 AND part = ?2";
	enum aps_rc rc = aps_db_prepare(store->db, aps_str_of(SQL), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, (int64_t)number, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 2, store->part, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, is_there, err);
	if (rc != APS_OK || !*is_there) return rc;
	for (int i = 0; i < 2; i++) lengths[i] = (size_t)aps_stmt_column_int(stmt, i);
	aps_stmt_reset(stmt);
	return APS_OK;
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

enum aps_rc aps_rows_delete(struct aps_cache_store *store, uint64_t number, struct aps_err *err)
{
	size_t lengths[2];
	bool is_there = false;
	enum aps_rc rc = measure(store, number, lengths, &is_there, err);
	if (rc != APS_OK || !is_there) return rc;
	rc = change(store, "DELETE FROM entry WHERE id = ?1", number, 0, err);
	if (rc == APS_OK) store->n_bytes -= (int64_t)aps_entry_disk_bytes(lengths[0], lengths[1]);
	return rc;
}

enum aps_rc aps_rows_empty(struct aps_cache_store *store, uint64_t number, struct aps_err *err)
{
	size_t lengths[2];
	bool is_there = false;
	enum aps_rc rc = measure(store, number, lengths, &is_there, err);
	if (rc != APS_OK || !is_there) return rc;
	rc = change(store, "UPDATE entry SET content = X'' WHERE id = ?1", number, 0, err);
	if (rc == APS_OK) store->n_bytes -= (int64_t)lengths[1];
	return rc;
}

enum aps_rc aps_rows_use(struct aps_cache_store *store, uint64_t number, uint32_t minute, struct aps_err *err)
{
	return change(store, "UPDATE entry SET used = ?3 WHERE id = ?1 AND part = ?2 AND used < ?3", number, minute,
	              err);
}

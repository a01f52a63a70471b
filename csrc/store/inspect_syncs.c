#include "store/inspect_syncs.h"

#include "store/inspect_text.h"
#include "store/query.h"
#include "store/sync_rows.h"
#include "sync/sync_row.h"

#define MAX_SYNCS 1000

/* All names, each ended by a zero; what has no checkpoint is there for its other rows. */
static enum aps_rc list_names(struct aps_db *db, int64_t part, struct aps_buf *names, struct aps_err *err)
{
	static const char SQL[] =
	        "SELECT name FROM sync WHERE part = ?1 UNION SELECT sync FROM tombstone WHERE part = ?1"
	        " UNION SELECT sync FROM quarantine WHERE part = ?1 ORDER BY 1 LIMIT ?2";
	struct aps_query query;
	aps_query_init(&query, db, SQL, err);
	aps_query_int(&query, part);
	aps_query_int(&query, MAX_SYNCS);
	while (aps_query_row(&query)) {
		aps_buf_add_str(names, aps_stmt_column_str(query.stmt, 0));
		aps_buf_add_byte(names, '\0');
	}
	enum aps_rc rc = aps_query_end(&query);
	return rc == APS_OK && names->rc != APS_OK ? aps_fail(err, APS_E_NOMEM, "no memory to look at the store") : rc;
}

static void put_null(struct aps_json_writer *w, const char *name)
{
	aps_json_write_key(w, aps_str_of(name));
	aps_json_write_null(w);
}

static void put_time(struct aps_json_writer *w, const char *name, int64_t ms)
{
	if (ms > 0)
		aps_inspect_put_count(w, name, (uint64_t)ms);
	else
		put_null(w, name);
}

static void put_flag(struct aps_json_writer *w, const char *name, bool is)
{
	aps_json_write_key(w, aps_str_of(name));
	aps_json_write_bool(w, is);
}

static void put_pass(struct aps_json_writer *w, const struct aps_checkpoint *checkpoint)
{
	bool is_base = checkpoint->base.is_open;
	const struct aps_sync_pass *pass = is_base ? &checkpoint->base : &checkpoint->delta;
	if (!pass->is_open) {
		put_null(w, "pass");
		return;
	}
	aps_json_write_key(w, APS_STR("pass"));
	aps_json_write_object(w);
	aps_json_write_member(w, "query", is_base ? APS_STR("base") : APS_STR("delta"));
	aps_inspect_put_count(w, "records", pass->n_records);
	aps_inspect_put_count(w, "pages", pass->n_pages);
	aps_json_write_object_end(w);
}

static void put_checkpoint(struct aps_json_writer *w, struct aps_str text)
{
	int64_t skew_ms;
	struct aps_checkpoint checkpoint;
	aps_checkpoint_init(&checkpoint);
	put_flag(w, "is_damaged", !aps_sync_row_take(text, &checkpoint, &skew_ms));
	put_time(w, "last_sync", checkpoint.last_sync_ms);
	put_time(w, "base", checkpoint.base_ms);
	aps_inspect_put_count(w, "records", checkpoint.n_base_records);
	put_flag(w, "is_truncated", checkpoint.is_truncated);
	put_pass(w, &checkpoint);
	aps_checkpoint_clear(&checkpoint);
}

static enum aps_rc put_tombstones(struct aps_db *db, struct aps_sync_name sync, struct aps_json_writer *w,
                                  struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT count(*) FROM tombstone WHERE part = ?1 AND sync = ?2", err);
	aps_query_int(&query, sync.part);
	aps_query_text(&query, sync.name);
	if (aps_query_row(&query)) aps_inspect_put_count(w, "tombstones", (uint64_t)aps_stmt_column_int(query.stmt, 0));
	return aps_query_end(&query);
}

static enum aps_rc put_sync(struct aps_db *db, struct aps_sync_name sync, struct aps_json_writer *w,
                            struct aps_err *err)
{
	struct aps_buf checkpoint;
	uint64_t n_bad = 0;
	aps_buf_init(&checkpoint, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_sync_rows_load(db, sync, &checkpoint, err);
	aps_json_write_object(w);
	aps_inspect_put_text(w, "name", sync.name);
	if (rc == APS_OK) put_checkpoint(w, aps_buf_str(&checkpoint));
	if (rc == APS_OK) rc = put_tombstones(db, sync, w, err);
	if (rc == APS_OK) rc = aps_quarantine_count(db, sync, &n_bad, err);
	aps_inspect_put_count(w, "quarantined", n_bad);
	aps_json_write_object_end(w);
	aps_buf_clear(&checkpoint);
	return rc;
}

enum aps_rc aps_inspect_syncs(struct aps_db *db, int64_t part, struct aps_json_writer *w, struct aps_err *err)
{
	struct aps_buf names;
	aps_buf_init(&names, APS_BUF_ANY_SIZE);
	enum aps_rc rc = list_names(db, part, &names, err);
	aps_json_write_key(w, APS_STR("syncs"));
	aps_json_write_array(w);
	for (size_t at = 0; rc == APS_OK && at < names.n; at += strlen(names.p + at) + 1)
		rc = put_sync(db, (struct aps_sync_name){part, aps_str_of(names.p + at)}, w, err);
	aps_json_write_array_end(w);
	aps_buf_clear(&names);
	return rc;
}

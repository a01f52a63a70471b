#include "store/doubted_rows.h"

#include "cache/cell.h"
#include "store/query.h"
#include "store/row_sum.h"

#define ROW_ENTRIES 200 /* a row is on one page then */

static int64_t sum_of(int64_t part, int64_t number, struct aps_str entries)
{
	struct aps_row_sum sum;
	aps_row_sum_init(&sum);
	aps_row_sum_add_int(&sum, (uint64_t)part);
	aps_row_sum_add_int(&sum, (uint64_t)number);
	aps_row_sum_add(&sum, entries);
	return aps_row_sum_value(&sum);
}

static enum aps_rc fail_memory(struct aps_err *err)
{
	return aps_fail(err, APS_E_NOMEM, "no memory for the records that have left a list");
}

/* A number that damage has made is no reason to fail. */
static enum aps_rc add_row(struct aps_db *db, int64_t part, int64_t number, struct aps_str entries, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "INSERT OR REPLACE INTO doubted VALUES (?1, ?2, ?3, ?4)", err);
	aps_query_int(&query, part);
	aps_query_int(&query, number);
	aps_query_blob(&query, entries);
	aps_query_int(&query, sum_of(part, number, entries));
	return aps_query_run(&query);
}

enum aps_rc aps_doubted_rows_add(struct aps_db *db, int64_t part, const uint64_t *entries, size_t n,
                                 struct aps_err *err)
{
	struct aps_buf row;
	int64_t last = 0;
	if (n == 0) return APS_OK;
	aps_buf_init(&row, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_doubted_rows_last(db, part, &last, err);
	for (size_t i = 0; rc == APS_OK && i < n;) {
		aps_buf_reset(&row);
		for (size_t end = i + ROW_ENTRIES; i < n && i < end; i++) aps_cell_put_count(&row, entries[i]);
		if (last < INT64_MAX) last++;
		rc = row.rc == APS_OK ? add_row(db, part, last, aps_buf_str(&row), err) : fail_memory(err);
	}
	aps_buf_clear(&row);
	return rc;
}

enum aps_rc aps_doubted_rows_last(struct aps_db *db, int64_t part, int64_t *last, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT number FROM doubted WHERE part = ?1 ORDER BY number DESC LIMIT 1", err);
	aps_query_int(&query, part);
	*last = aps_query_row(&query) ? aps_stmt_column_int(query.stmt, 0) : 0;
	return aps_query_end(&query);
}

static void take(struct aps_str packed, struct aps_buf *entries)
{
	uint64_t entry;
	while (packed.n != 0 && aps_cell_take_count(&packed, &entry)) aps_buf_add(entries, &entry, sizeof entry);
}

enum aps_rc aps_doubted_rows_list(struct aps_db *db, struct aps_doubted_at *at, size_t max_rows,
                                  struct aps_buf *entries, struct aps_err *err)
{
	static const char SQL[] = "SELECT number, entries, sum FROM doubted WHERE part = ?1 AND number > ?2"
	                          " AND number <= ?3 ORDER BY number LIMIT ?4";
	struct aps_query query;
	size_t n_rows = 0;
	aps_query_init(&query, db, SQL, err);
	aps_query_int(&query, at->part);
	aps_query_int(&query, at->after);
	aps_query_int(&query, at->last);
	aps_query_int(&query, (int64_t)max_rows);
	for (; aps_query_row(&query); n_rows++) {
		struct aps_str packed = aps_stmt_column_str(query.stmt, 1);
		at->after = aps_stmt_column_int(query.stmt, 0);
		if (aps_stmt_column_int(query.stmt, 2) == sum_of(at->part, at->after, packed)) take(packed, entries);
	}
	enum aps_rc rc = aps_query_end(&query);
	if (rc == APS_OK && n_rows < max_rows) at->after = at->last;
	return rc == APS_OK && entries->rc != APS_OK ? fail_memory(err) : rc;
}

static enum aps_rc are_gone_up_to(struct aps_db *db, int64_t part, int64_t last, bool *are_gone, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT 1 FROM doubted WHERE part = ?1 AND number <= ?2 LIMIT 1", err);
	aps_query_int(&query, part);
	aps_query_int(&query, last);
	*are_gone = !aps_query_row(&query) && query.rc == APS_OK;
	return aps_query_end(&query);
}

enum aps_rc aps_doubted_rows_remove(struct aps_db *db, int64_t part, int64_t last, size_t max_rows, bool *are_gone,
                                    struct aps_err *err)
{
	static const char SQL[] = "DELETE FROM doubted WHERE part = ?1 AND number IN (SELECT number FROM doubted"
	                          " WHERE part = ?1 AND number <= ?2 ORDER BY number LIMIT ?3)";
	struct aps_query query;
	*are_gone = false;
	aps_query_init(&query, db, SQL, err);
	aps_query_int(&query, part);
	aps_query_int(&query, last);
	aps_query_int(&query, (int64_t)max_rows);
	enum aps_rc rc = aps_query_run(&query);
	return rc == APS_OK ? are_gone_up_to(db, part, last, are_gone, err) : rc;
}

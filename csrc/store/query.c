#include "store/query.h"

void aps_query_init(struct aps_query *query, struct aps_db *db, const char *sql, struct aps_err *err)
{
	*query = (struct aps_query){.err = err};
	query->rc = aps_db_prepare(db, aps_str_of(sql), &query->stmt, err);
}

void aps_query_int(struct aps_query *query, int64_t value)
{
	if (query->rc == APS_OK) query->rc = aps_stmt_bind_int(query->stmt, ++query->n_bound, value, query->err);
}

void aps_query_text(struct aps_query *query, struct aps_str text)
{
	if (query->rc == APS_OK) query->rc = aps_stmt_bind_text(query->stmt, ++query->n_bound, text, query->err);
}

void aps_query_blob(struct aps_query *query, struct aps_str bytes)
{
	if (query->rc == APS_OK) query->rc = aps_stmt_bind_blob(query->stmt, ++query->n_bound, bytes, query->err);
}

void aps_query_null(struct aps_query *query)
{
	if (query->rc == APS_OK) query->rc = aps_stmt_bind_null(query->stmt, ++query->n_bound, query->err);
}

bool aps_query_row(struct aps_query *query)
{
	bool has_row = false;
	if (query->rc == APS_OK) query->rc = aps_stmt_step(query->stmt, &has_row, query->err);
	return has_row;
}

enum aps_rc aps_query_end(struct aps_query *query)
{
	if (query->stmt != NULL) aps_stmt_reset(query->stmt);
	return query->rc;
}

enum aps_rc aps_query_run(struct aps_query *query)
{
	(void)aps_query_row(query);
	return aps_query_end(query);
}

enum aps_rc aps_query_update(struct aps_db *db, struct aps_stmt *stmt, int64_t n_rows, struct aps_err *err)
{
	bool has_row;
	enum aps_rc rc = aps_stmt_step(stmt, &has_row, err);
	if (rc != APS_OK || aps_db_changes(db) == n_rows) return rc;
	return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "a row of the store is lost");
}

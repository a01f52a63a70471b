#include "store/counters.h"

#include "store/query.h"

#define GENERATION  "SELECT value FROM counter WHERE id = 0"
#define LAST_NUMBER "SELECT value FROM counter WHERE id = -1"

#define TOLD (-6) /* between those of store/outbox_facts.h and of store/outbox_counts.h */

static enum aps_rc read_number(struct aps_db *db, const char *sql, uint64_t *number, struct aps_err *err)
{
	int64_t value;
	enum aps_rc rc = aps_db_read_int(db, sql, &value, err);
	*number = (uint64_t)value;
	return rc;
}

enum aps_rc aps_counters_generation(struct aps_db *db, uint64_t *generation, struct aps_err *err)
{
	return read_number(db, GENERATION, generation, err);
}

enum aps_rc aps_counters_last_number(struct aps_db *db, uint64_t *number, struct aps_err *err)
{
	return read_number(db, LAST_NUMBER, number, err);
}

enum aps_rc aps_counters_told(struct aps_db *db, uint64_t *generation, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT value FROM counter WHERE id = ?1", err);
	aps_query_int(&query, TOLD);
	*generation = aps_query_row(&query) ? (uint64_t)aps_stmt_column_int(query.stmt, 0) : 0;
	return aps_query_end(&query);
}

enum aps_rc aps_counters_set_told(struct aps_db *db, uint64_t generation, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "INSERT OR REPLACE INTO counter VALUES (?1, ?2)", err);
	aps_query_int(&query, TOLD);
	aps_query_int(&query, (int64_t)generation);
	return aps_query_run(&query);
}

enum aps_rc aps_counters_set(struct aps_db *db, int64_t id, int64_t value, struct aps_err *err)
{
	struct aps_stmt *stmt;
	enum aps_rc rc = aps_db_prepare(db, APS_STR("UPDATE counter SET value = ?2 WHERE id = ?1"), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, id, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 2, value, err);
	return rc == APS_OK ? aps_query_update(db, stmt, 1, err) : rc;
}

static enum aps_rc set_both_counters(struct aps_db *db, uint64_t generation, uint64_t last_number, struct aps_err *err)
{
	static const char SQL[] =
	        "UPDATE counter SET value = CASE id WHEN 0 THEN ?1 ELSE ?2 END WHERE id BETWEEN -1 AND 0";
	struct aps_stmt *stmt;
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(SQL), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, (int64_t)generation, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 2, (int64_t)last_number, err);
	return rc == APS_OK ? aps_query_update(db, stmt, 2, err) : rc;
}

enum aps_rc aps_counters_catch_up(struct aps_db *db, uint64_t *generation, struct aps_err *err)
{
	uint64_t own;
	enum aps_rc rc = read_number(db, GENERATION, &own, err);
	if (rc == APS_OK && own < *generation) return aps_counters_set(db, 0, (int64_t)*generation, err);
	*generation = own;
	return rc;
}

enum aps_rc aps_counters_advance(struct aps_db *db, uint64_t last_number, uint64_t *generation, struct aps_err *err)
{
	enum aps_rc rc = read_number(db, GENERATION, generation, err);
	++*generation;
	return rc == APS_OK ? set_both_counters(db, *generation, last_number, err) : rc;
}

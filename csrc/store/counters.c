#include "store/counters.h"

#include "store/query.h"

#include <string.h>

#define GENERATION  "SELECT value FROM counter WHERE id = 0"
#define LAST_NUMBER "SELECT value FROM counter WHERE id = -1"

#define TOLD_ALL                                                                                                       \
	(-6) /* between those of store/outbox_facts.h and of store/outbox_counts.h; of buckets far below them: */
#define TOLD     (-(INT64_C(1) << 40))
#define MAX_TOLD 64 /* rows of one transaction */

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

void aps_told_add(struct aps_told *told, uint64_t number)
{
	unsigned bucket = (unsigned)(number % APS_TOLD_BUCKETS);
	told->bits[bucket / 32] |= UINT32_C(1) << bucket % 32;
}

bool aps_told_has(const struct aps_told *told, unsigned bucket)
{
	return (told->bits[bucket / 32] >> bucket % 32 & 1) != 0;
}

enum aps_rc aps_counters_told(struct aps_db *db, uint64_t since, struct aps_told *told, bool *is_any,
                              struct aps_err *err)
{
	static const char SQL[] = "SELECT id FROM counter WHERE (id = ?1 OR id BETWEEN ?2 AND ?3) AND value > ?4";
	struct aps_query query;
	*told = (struct aps_told){.bits = {0}};
	*is_any = false;
	aps_query_init(&query, db, SQL, err);
	aps_query_int(&query, TOLD_ALL);
	aps_query_int(&query, TOLD - APS_TOLD_BUCKETS + 1);
	aps_query_int(&query, TOLD);
	aps_query_int(&query, (int64_t)since);
	while (aps_query_row(&query)) {
		int64_t id = aps_stmt_column_int(query.stmt, 0);
		*is_any = true;
		if (id == TOLD_ALL)
			memset(told, 0xff, sizeof *told);
		else
			aps_told_add(told, (uint64_t)(TOLD - id));
	}
	return aps_query_end(&query);
}

static enum aps_rc set_told(struct aps_db *db, int64_t id, uint64_t generation, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "INSERT OR REPLACE INTO counter VALUES (?1, ?2)", err);
	aps_query_int(&query, id);
	aps_query_int(&query, (int64_t)generation);
	return aps_query_run(&query);
}

enum aps_rc aps_counters_set_told(struct aps_db *db, uint64_t generation, const struct aps_told *told,
                                  struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	unsigned n = 0;
	for (unsigned i = 0; told != NULL && i < APS_TOLD_BUCKETS; i++) n += aps_told_has(told, i);
	if (told == NULL || n > MAX_TOLD) return set_told(db, TOLD_ALL, generation, err);
	for (unsigned i = 0; rc == APS_OK && i < APS_TOLD_BUCKETS; i++)
		if (aps_told_has(told, i)) rc = set_told(db, TOLD - (int64_t)i, generation, err);
	return rc;
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

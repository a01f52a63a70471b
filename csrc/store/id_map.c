#include "store/id_map.h"

#include "store/entry_id.h"
#include "store/owners.h"
#include "store/query.h"
#include "store/row_sum.h"
#include "store/row_texts.h"

#define N_LANES 16 /* of an owner */
#define PAIRS   "SELECT owner, temporary, made, maker, at, sum FROM id_map "

void aps_id_made_init(struct aps_id_made *pair)
{
	*pair = (struct aps_id_made){.owner = 0};
	aps_buf_init(&pair->texts, APS_BUF_ANY_SIZE);
}

void aps_id_made_clear(struct aps_id_made *pair)
{
	aps_buf_clear(&pair->texts);
	pair->temporary = pair->made = APS_STR("");
	pair->owner = 0;
}

static int64_t sum_of(const struct aps_id_made *pair)
{
	struct aps_row_sum sum;
	aps_row_sum_init(&sum);
	aps_row_sum_add(&sum, pair->temporary);
	aps_row_sum_add_int(&sum, pair->is_made);
	if (pair->is_made) aps_row_sum_add(&sum, pair->made);
	aps_row_sum_add_int(&sum, (uint64_t)pair->maker);
	aps_row_sum_add_int(&sum, (uint64_t)pair->at_ms);
	return aps_row_sum_value(&sum) ^ aps_owners_mark(pair->owner);
}

enum aps_rc aps_id_map_add(struct aps_db *db, const struct aps_id_made *pair, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "INSERT OR REPLACE INTO id_map VALUES (?1, ?2, ?3, ?4, ?5, ?6)", err);
	aps_query_int(&query, pair->owner);
	aps_query_text(&query, pair->temporary);
	if (pair->is_made)
		aps_query_text(&query, pair->made);
	else
		aps_query_null(&query);
	aps_query_int(&query, pair->maker);
	aps_query_int(&query, pair->at_ms);
	aps_query_int(&query, sum_of(pair));
	return aps_query_run(&query);
}

enum aps_rc aps_id_map_read(struct aps_stmt *stmt, struct aps_id_made *pair, struct aps_err *err)
{
	struct aps_row_texts texts;
	pair->owner = aps_stmt_column_int(stmt, 0);
	pair->is_made = aps_stmt_column_type(stmt, 2) != APS_DB_NULL;
	pair->maker = aps_stmt_column_int(stmt, 3);
	pair->at_ms = aps_stmt_column_int(stmt, 4);
	aps_row_texts_init(&texts, &pair->texts, stmt);
	aps_row_texts_add(&texts, 1, &pair->temporary);
	aps_row_texts_add(&texts, 2, &pair->made);
	enum aps_rc rc = aps_row_texts_finish(&texts, err);
	if (rc != APS_OK || aps_stmt_column_int(stmt, 5) == sum_of(pair)) return rc;
	return aps_row_sum_fail("a temporary id", err);
}

/* The row that a query gives, or none. */
static enum aps_rc take_row(struct aps_query *query, struct aps_id_made *pair)
{
	pair->owner = 0;
	if (aps_query_row(query)) query->rc = aps_id_map_read(query->stmt, pair, query->err);
	return aps_query_end(query);
}

enum aps_rc aps_id_map_find(struct aps_db *db, int64_t owner, struct aps_str temporary, struct aps_id_made *pair,
                            struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, PAIRS "WHERE owner = ?1 AND temporary = ?2", err);
	aps_query_int(&query, owner);
	aps_query_text(&query, temporary);
	return take_row(&query, pair);
}

enum aps_rc aps_id_map_next(struct aps_db *db, int64_t owner, struct aps_str temporary, struct aps_id_made *pair,
                            struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, PAIRS "WHERE (owner, temporary) > (?1, ?2) ORDER BY owner, temporary LIMIT 1", err);
	aps_query_int(&query, owner);
	aps_query_text(&query, temporary);
	return take_row(&query, pair);
}

enum aps_rc aps_id_map_set_made(struct aps_db *db, const struct aps_id_made *pair, struct aps_err *err)
{
	struct aps_id_made own;
	aps_id_made_init(&own);
	enum aps_rc rc = aps_id_map_find(db, pair->owner, pair->temporary, &own, err);
	if (rc == APS_OK && own.owner != 0 && own.maker == pair->maker) {
		own.made = pair->made;
		own.is_made = true;
		if (pair->at_ms > own.at_ms) own.at_ms = pair->at_ms;
		rc = aps_id_map_add(db, &own, err);
	}
	aps_id_made_clear(&own);
	return rc;
}

static enum aps_rc is_there(struct aps_db *db, const char *sql, int64_t owner, int64_t number, bool *is_found,
                            struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, sql, err);
	for (int mode = 0; mode < APS_ENTRY_MODE_COUNT; mode++)
		aps_query_int(&query, aps_entry_id(owner, (enum aps_entry_mode)mode, number));
	*is_found = aps_query_row(&query);
	return aps_query_end(&query);
}

enum aps_rc aps_id_map_has_maker(struct aps_db *db, const struct aps_id_made *pair, bool *is_queued, bool *is_dead,
                                 struct aps_err *err)
{
	static const char QUEUED[] = "SELECT 1 FROM outbox WHERE id IN (?1, ?2, ?3, ?4, ?5, ?6)";
	static const char DEAD[] = "SELECT 1 FROM dead_letter WHERE id IN (?1, ?2, ?3, ?4, ?5, ?6)";
	*is_dead = false;
	enum aps_rc rc = is_there(db, QUEUED, pair->owner, pair->maker, is_queued, err);
	if (rc != APS_OK || *is_queued) return rc;
	return is_there(db, DEAD, pair->owner, pair->maker, is_dead, err);
}

/* No other mutation will make it, or has. */
static enum aps_rc is_free(struct aps_db *db, const struct aps_id_made *pair, int64_t former, bool *is_maker,
                           struct aps_err *err)
{
	struct aps_id_made own;
	bool is_queued = false, is_dead = false;
	aps_id_made_init(&own);
	enum aps_rc rc = aps_id_map_find(db, pair->owner, pair->temporary, &own, err);
	bool is_open = rc == APS_OK && own.owner != 0 && !own.is_made;
	if (is_open && own.maker != former) rc = aps_id_map_has_maker(db, &own, &is_queued, &is_dead, err);
	*is_maker = is_open && !is_queued && !is_dead;
	aps_id_made_clear(&own);
	return rc;
}

enum aps_rc aps_id_map_claim(struct aps_db *db, const struct aps_id_made *pair, int64_t former, bool *is_maker,
                             struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "INSERT OR IGNORE INTO id_map VALUES (?1, ?2, NULL, ?3, ?4, ?5)", err);
	aps_query_int(&query, pair->owner);
	aps_query_text(&query, pair->temporary);
	aps_query_int(&query, pair->maker);
	aps_query_int(&query, pair->at_ms);
	aps_query_int(&query, sum_of(pair));
	enum aps_rc rc = aps_query_run(&query);
	*is_maker = rc == APS_OK && aps_db_changes(db) != 0;
	if (rc != APS_OK || *is_maker) return rc;
	rc = is_free(db, pair, former, is_maker, err);
	return rc == APS_OK && *is_maker ? aps_id_map_add(db, pair, err) : rc;
}

enum aps_rc aps_id_map_has_any(struct aps_db *db, int64_t owner, bool *has_any, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT 1 FROM id_map WHERE owner = ?1 LIMIT 1", err);
	aps_query_int(&query, owner);
	*has_any = aps_query_row(&query);
	return aps_query_end(&query);
}

/* In the ids of a lane; of modes that aren't known, too. */
static enum aps_rc raise_last(struct aps_db *db, const char *sql, int64_t owner, int64_t *last, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (int mode = 0; rc == APS_OK && mode < N_LANES; mode++) {
		struct aps_entry_range lane = aps_entry_lane(owner, (enum aps_entry_mode)mode);
		struct aps_query query;
		aps_query_init(&query, db, sql, err);
		aps_query_int(&query, lane.first);
		aps_query_int(&query, lane.last);
		int64_t number = aps_query_row(&query) ? aps_entry_number(aps_stmt_column_int(query.stmt, 0)) : 0;
		if (number > *last) *last = number;
		rc = aps_query_end(&query);
	}
	return rc;
}

/* The highest number that an owner has, 0: none. The ends of its lanes are looked at. */
static enum aps_rc find_last(struct aps_db *db, int64_t owner, int64_t *number, struct aps_err *err)
{
#define LAST_OF(table) "SELECT coalesce(max(id), 0) FROM " table " WHERE id BETWEEN ?1 AND ?2"
	*number = 0;
	enum aps_rc rc = raise_last(db, LAST_OF("outbox"), owner, number, err);
	return rc == APS_OK ? raise_last(db, LAST_OF("dead_letter"), owner, number, err) : rc;
#undef LAST_OF
}

/* *n: how many rows are to be looked at, of which *end is the last one. */
static enum aps_rc find_end(struct aps_db *db, const struct aps_id_pruning *pruning, struct aps_buf *end, int64_t *n,
                            struct aps_err *err)
{
	static const char SQL[] = "SELECT max(temporary), count(*) FROM (SELECT temporary FROM id_map WHERE owner = ?1"
	                          " AND temporary > ?2 ORDER BY temporary LIMIT ?3)";
	struct aps_query query;
	*n = 0;
	aps_query_init(&query, db, SQL, err);
	aps_query_int(&query, pruning->owner);
	aps_query_text(&query, aps_buf_str(&pruning->after));
	aps_query_int(&query, pruning->max_rows);
	if (aps_query_row(&query)) {
		aps_buf_add_str(end, aps_stmt_column_str(query.stmt, 0));
		*n = aps_stmt_column_int(query.stmt, 1);
	}
	enum aps_rc rc = aps_query_end(&query);
	if (rc != APS_OK || end->rc == APS_OK) return rc;
	return aps_fail(err, APS_E_NOMEM, "no memory for temporary ids");
}

static enum aps_rc delete_old(struct aps_db *db, struct aps_id_pruning *pruning, struct aps_str end, int64_t now_ms,
                              struct aps_err *err)
{
	static const char SQL[] = "DELETE FROM id_map WHERE owner = ?1 AND temporary > ?2 AND temporary <= ?3"
	                          " AND at < ?4 AND maker > ?5 AND maker NOT IN"
	                          " (SELECT blocked_by FROM dead_letter WHERE id BETWEEN ?6 AND ?7)";
	struct aps_entry_range range = aps_entry_owned(pruning->owner);
	struct aps_query query;
	int64_t last;
	enum aps_rc rc = find_last(db, pruning->owner, &last, err);
	if (rc != APS_OK) return rc;
	aps_query_init(&query, db, SQL, err);
	aps_query_int(&query, pruning->owner);
	aps_query_text(&query, aps_buf_str(&pruning->after));
	aps_query_text(&query, end);
	aps_query_int(&query, now_ms - APS_ID_MAP_MAX_AGE_MS);
	aps_query_int(&query, last);
	aps_query_int(&query, range.first);
	aps_query_int(&query, range.last);
	rc = aps_query_run(&query);
	if (rc == APS_OK) pruning->n_deleted = aps_db_changes(db);
	return rc;
}

enum aps_rc aps_id_map_prune(struct aps_db *db, struct aps_id_pruning *pruning, int64_t now_ms, struct aps_err *err)
{
	struct aps_buf end;
	int64_t n;
	pruning->n_deleted = 0;
	aps_buf_init(&end, APS_BUF_ANY_SIZE);
	enum aps_rc rc = find_end(db, pruning, &end, &n, err);
	if (rc == APS_OK && n != 0) rc = delete_old(db, pruning, aps_buf_str(&end), now_ms, err);
	aps_buf_clear(&pruning->after);
	if (rc == APS_OK && n == pruning->max_rows)
		pruning->after = end;
	else
		aps_buf_clear(&end);
	return rc;
}

#include "store/outcomes.h"

#include "store/outbox_number.h"
#include "store/owners.h"
#include "store/query.h"
#include "store/row_sum.h"
#include "store/row_texts.h"

#define OUTCOMES "SELECT number, owner, entry, finished, told, content, sum FROM outcome "

void aps_kept_outcome_init(struct aps_kept_outcome *outcome)
{
	*outcome = (struct aps_kept_outcome){.number = 0};
	aps_buf_init(&outcome->texts, APS_BUF_ANY_SIZE);
}

void aps_kept_outcome_clear(struct aps_kept_outcome *outcome)
{
	aps_buf_clear(&outcome->texts);
	outcome->content = APS_STR("");
	outcome->number = 0;
}

static int64_t sum_of(const struct aps_kept_outcome *outcome)
{
	struct aps_row_sum sum;
	aps_row_sum_init(&sum);
	aps_row_sum_add_int(&sum, (uint64_t)outcome->number);
	aps_row_sum_add_int(&sum, (uint64_t)outcome->entry);
	aps_row_sum_add_int(&sum, (uint64_t)outcome->finished_ms);
	aps_row_sum_add_int(&sum, outcome->is_told);
	aps_row_sum_add(&sum, outcome->content);
	return aps_row_sum_value(&sum) ^ aps_owners_mark(outcome->owner);
}

enum aps_rc aps_outcomes_insert(struct aps_db *db, const struct aps_kept_outcome *outcome, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "INSERT INTO outcome VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)", err);
	aps_query_int(&query, outcome->number);
	aps_query_int(&query, outcome->owner);
	aps_query_int(&query, outcome->entry);
	aps_query_int(&query, outcome->finished_ms);
	aps_query_int(&query, outcome->is_told);
	aps_query_text(&query, outcome->content);
	aps_query_int(&query, sum_of(outcome));
	return aps_query_run(&query);
}

enum aps_rc aps_outcomes_add(struct aps_db *db, struct aps_kept_outcome *outcome, struct aps_err *err)
{
	enum aps_rc rc = aps_outbox_next_number(db, &outcome->number, err);
	return rc == APS_OK ? aps_outcomes_insert(db, outcome, err) : rc;
}

enum aps_rc aps_outcomes_read(struct aps_stmt *stmt, struct aps_kept_outcome *outcome, struct aps_err *err)
{
	struct aps_row_texts texts;
	outcome->number = aps_stmt_column_int(stmt, 0);
	outcome->owner = aps_stmt_column_int(stmt, 1);
	outcome->entry = aps_stmt_column_int(stmt, 2);
	outcome->finished_ms = aps_stmt_column_int(stmt, 3);
	outcome->is_told = aps_stmt_column_int(stmt, 4) != 0;
	aps_row_texts_init(&texts, &outcome->texts, stmt);
	aps_row_texts_add(&texts, 5, &outcome->content);
	enum aps_rc rc = aps_row_texts_finish(&texts, err);
	if (rc != APS_OK || aps_stmt_column_int(stmt, 6) == sum_of(outcome)) return rc;
	return aps_row_sum_fail("the outcome of a mutation", err);
}

/* The row that a query gives, or none. */
static enum aps_rc take_row(struct aps_query *query, struct aps_kept_outcome *outcome)
{
	outcome->number = 0;
	if (aps_query_row(query)) query->rc = aps_outcomes_read(query->stmt, outcome, query->err);
	return aps_query_end(query);
}

enum aps_rc aps_outcomes_next(struct aps_db *db, int64_t owner, int64_t after, struct aps_kept_outcome *outcome,
                              struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, OUTCOMES "WHERE number > ?1 AND ?2 IN (0, owner) ORDER BY number LIMIT 1", err);
	aps_query_int(&query, after);
	aps_query_int(&query, owner);
	return take_row(&query, outcome);
}

enum aps_rc aps_outcomes_last(struct aps_db *db, int64_t owner, int64_t before, struct aps_kept_outcome *outcome,
                              struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, OUTCOMES "WHERE number < ?1 AND ?2 IN (0, owner) ORDER BY number DESC LIMIT 1", err);
	aps_query_int(&query, before);
	aps_query_int(&query, owner);
	return take_row(&query, outcome);
}

enum aps_rc aps_outcomes_next_untold(struct aps_db *db, int64_t owner, int64_t after, struct aps_kept_outcome *outcome,
                                     struct aps_err *err)
{
	static const char SQL[] = OUTCOMES "INDEXED BY outcome_untold WHERE told = 0 AND number > ?1"
	                                   " AND ?2 IN (0, owner) ORDER BY number LIMIT 1";
	struct aps_query query;
	aps_query_init(&query, db, SQL, err);
	aps_query_int(&query, after);
	aps_query_int(&query, owner);
	return take_row(&query, outcome);
}

/* It came after the mutation. */
enum aps_rc aps_outcomes_has_entry(struct aps_db *db, int64_t entry, bool *has_one, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT 1 FROM outcome WHERE number > ?1 AND entry = ?1 LIMIT 1", err);
	aps_query_int(&query, entry);
	*has_one = aps_query_row(&query);
	return aps_query_end(&query);
}

static enum aps_rc find(struct aps_db *db, int64_t number, struct aps_kept_outcome *outcome, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, OUTCOMES "WHERE number = ?1", err);
	aps_query_int(&query, number);
	enum aps_rc rc = take_row(&query, outcome);
	if (rc != APS_OK || outcome->number != 0) return rc;
	return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "an outcome isn't in the store any more");
}

static enum aps_rc put_told(struct aps_db *db, const struct aps_kept_outcome *outcome, bool is_new_content,
                            struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db,
	               is_new_content ? "UPDATE outcome SET told = 1, sum = ?2, content = ?3 WHERE number = ?1"
	                              : "UPDATE outcome SET told = 1, sum = ?2 WHERE number = ?1",
	               err);
	aps_query_int(&query, outcome->number);
	aps_query_int(&query, sum_of(outcome));
	if (is_new_content) aps_query_text(&query, outcome->content);
	return aps_query_run(&query);
}

enum aps_rc aps_outcomes_set_told(struct aps_db *db, int64_t number, const struct aps_str *content, struct aps_err *err)
{
	struct aps_kept_outcome outcome;
	aps_kept_outcome_init(&outcome);
	enum aps_rc rc = find(db, number, &outcome, err);
	outcome.is_told = true;
	if (content != NULL) outcome.content = *content;
	if (rc == APS_OK) rc = put_told(db, &outcome, content != NULL, err);
	aps_kept_outcome_clear(&outcome);
	return rc;
}

enum aps_rc aps_outcomes_surplus(struct aps_db *db, int64_t *last, struct aps_err *err)
{
	static const char SQL[] = "SELECT number FROM outcome WHERE told <> 0 ORDER BY number DESC LIMIT 1 OFFSET ?1";
	struct aps_query query;
	aps_query_init(&query, db, SQL, err);
	aps_query_int(&query, APS_OUTCOMES_MAX_TOLD);
	*last = aps_query_row(&query) ? aps_stmt_column_int(query.stmt, 0) : 0;
	return aps_query_end(&query);
}

enum aps_rc aps_outcomes_prune(struct aps_db *db, int64_t now_ms, int64_t surplus, int64_t max_rows, int64_t *n_deleted,
                               struct aps_err *err)
{
	static const char SQL[] = "DELETE FROM outcome WHERE number IN (SELECT number FROM outcome WHERE told <> 0"
	                          " AND (finished < ?1 OR number <= ?2) ORDER BY number LIMIT ?3)";
	struct aps_query query;
	aps_query_init(&query, db, SQL, err);
	aps_query_int(&query, now_ms - APS_OUTCOMES_MAX_AGE_MS);
	aps_query_int(&query, surplus);
	aps_query_int(&query, max_rows);
	enum aps_rc rc = aps_query_run(&query);
	*n_deleted = rc == APS_OK ? aps_db_changes(db) : 0;
	return rc;
}

/* A counter has no sum beside it. A count is kept as so many steps, and so many more as say whose it is: a value that
 * leaves another rest is damaged. The step is a prime, and longer than any distance between two counters: no value with
 * one or two other bits leaves the same rest. The highest number of an entry, times the step, is an INTEGER still. */
#include "store/outbox_counts.h"

#include "store/query.h"

#define STEP    INT64_C(8388593)
#define FIRST   16 /* counters below -3 are free: store/migrations.c */
#define N_KINDS 2

static int64_t counter_of(int64_t owner, enum aps_outbox_counted what)
{
	return -FIRST - N_KINDS * owner - (int64_t)what;
}

static enum aps_rc put(struct aps_db *db, int64_t owner, enum aps_outbox_counted what, int64_t n, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "INSERT OR REPLACE INTO counter VALUES (?1, ?2)", err);
	aps_query_int(&query, counter_of(owner, what));
	aps_query_int(&query, n * STEP - counter_of(owner, what));
	return aps_query_run(&query);
}

enum aps_rc aps_outbox_counts_make(struct aps_db *db, int64_t owner, struct aps_err *err)
{
	enum aps_rc rc = put(db, owner, APS_OUTBOX_QUEUED, 0, err);
	return rc == APS_OK ? put(db, owner, APS_OUTBOX_DEAD, 0, err) : rc;
}

/* A damaged one stays so. */
enum aps_rc aps_outbox_counts_add(struct aps_db *db, int64_t owner, enum aps_outbox_counted what, int64_t n,
                                  struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "UPDATE counter SET value = value + ?2 WHERE id = ?1", err);
	aps_query_int(&query, counter_of(owner, what));
	aps_query_int(&query, n * STEP);
	return aps_query_run(&query);
}

enum aps_rc aps_outbox_counts_forget(struct aps_db *db, int64_t owner, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "DELETE FROM counter WHERE id BETWEEN ?1 AND ?2", err);
	aps_query_int(&query, counter_of(owner, APS_OUTBOX_DEAD));
	aps_query_int(&query, counter_of(owner, APS_OUTBOX_QUEUED));
	return aps_query_run(&query);
}

static enum aps_rc read_one(struct aps_db *db, int64_t owner, enum aps_outbox_counted what, int64_t *n, bool *is_whole,
                            struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT value FROM counter WHERE id = ?1", err);
	aps_query_int(&query, counter_of(owner, what));
	bool is_there = aps_query_row(&query) && aps_stmt_column_type(query.stmt, 0) == APS_DB_INTEGER;
	int64_t value = is_there ? aps_stmt_column_int(query.stmt, 0) : 0, rest = -counter_of(owner, what);
	*is_whole = *is_whole && value >= 0 && value % STEP == rest;
	*n = value / STEP;
	return aps_query_end(&query);
}

static enum aps_rc count_rows(struct aps_db *db, const char *sql, struct aps_entry_range range, int64_t *n,
                              struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, sql, err);
	aps_query_int(&query, range.first);
	aps_query_int(&query, range.last);
	*n = aps_query_row(&query) ? aps_stmt_column_int(query.stmt, 0) : 0;
	return aps_query_end(&query);
}

enum aps_rc aps_outbox_count(struct aps_db *db, struct aps_entry_range range, int64_t *n, struct aps_err *err)
{
	return count_rows(db, "SELECT count(*) FROM outbox WHERE id BETWEEN ?1 AND ?2", range, n, err);
}

enum aps_rc aps_dead_letters_count(struct aps_db *db, struct aps_entry_range range, int64_t *n, struct aps_err *err)
{
	return count_rows(db, "SELECT count(*) FROM dead_letter WHERE id BETWEEN ?1 AND ?2", range, n, err);
}

enum aps_rc aps_outbox_counts_by_rows(struct aps_db *db, int64_t owner, struct aps_outbox_counts *counts,
                                      struct aps_err *err)
{
	const struct aps_entry_range range = aps_entry_owned(owner);
	enum aps_rc rc = aps_outbox_count(db, range, &counts->n_queued, err);
	return rc == APS_OK ? aps_dead_letters_count(db, range, &counts->n_dead, err) : rc;
}

enum aps_rc aps_outbox_counts_read(struct aps_db *db, int64_t owner, struct aps_outbox_counts *counts, bool *is_whole,
                                   struct aps_err *err)
{
	*is_whole = true;
	enum aps_rc rc = read_one(db, owner, APS_OUTBOX_QUEUED, &counts->n_queued, is_whole, err);
	if (rc == APS_OK) rc = read_one(db, owner, APS_OUTBOX_DEAD, &counts->n_dead, is_whole, err);
	return rc == APS_OK && !*is_whole ? aps_outbox_counts_by_rows(db, owner, counts, err) : rc;
}

enum aps_rc aps_outbox_counts_renew(struct aps_db *db, int64_t owner, struct aps_err *err)
{
	struct aps_outbox_counts counts;
	enum aps_rc rc = aps_outbox_counts_by_rows(db, owner, &counts, err);
	if (rc == APS_OK) rc = put(db, owner, APS_OUTBOX_QUEUED, counts.n_queued, err);
	return rc == APS_OK ? put(db, owner, APS_OUTBOX_DEAD, counts.n_dead, err) : rc;
}

#include "store/dead_letters.h"

#include "store/entry_find.h"
#include "store/outbox_counts.h"
#include "store/outbox_rows.h"
#include "store/owners.h"

#define LETTERS "SELECT " APS_OUTBOX_ENTRY_COLUMNS ", attempts, died, outcome, blocked_by, cause, sum FROM dead_letter "

enum { DEATH_COLUMN = APS_OUTBOX_ENTRY_N_COLUMNS, SUM_COLUMN = DEATH_COLUMN + 5 };

void aps_dead_letter_init(struct aps_dead_letter *letter)
{
	*letter = (struct aps_dead_letter){.entry = {.id = 0}};
	aps_buf_init(&letter->texts, APS_BUF_ANY_SIZE);
}

void aps_dead_letter_clear(struct aps_dead_letter *letter)
{
	aps_buf_clear(&letter->texts);
	letter->entry = (struct aps_outbox_entry){.id = 0};
	letter->death = (struct aps_death){.n_attempts = 0};
}

static int64_t sum_of(const struct aps_outbox_entry *entry, const struct aps_death *death)
{
	struct aps_row_sum sum;
	aps_row_sum_init(&sum);
	aps_outbox_entry_sum(&sum, entry);
	aps_row_sum_add_int(&sum, (uint64_t)death->n_attempts);
	aps_row_sum_add_int(&sum, (uint64_t)death->died_ms);
	aps_row_sum_add(&sum, death->outcome);
	aps_row_sum_add_int(&sum, (uint64_t)death->blocked_by);
	aps_row_sum_add(&sum, death->cause);
	return aps_row_sum_value(&sum) ^ aps_owners_mark(aps_entry_owner(entry->id));
}

static enum aps_rc count(struct aps_db *db, int64_t id, int64_t n, struct aps_err *err)
{
	return aps_outbox_counts_add(db, aps_entry_owner(id), APS_OUTBOX_DEAD, n, err);
}

enum aps_rc aps_dead_letters_insert(struct aps_db *db, const struct aps_outbox_entry *entry,
                                    const struct aps_death *death, struct aps_err *err)
{
	static const char SQL[] = "INSERT INTO dead_letter VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
	                          " ?13, ?14)";
	struct aps_query query;
	aps_query_init(&query, db, SQL, err);
	aps_outbox_entry_bind(&query, entry);
	aps_query_int(&query, death->n_attempts);
	aps_query_int(&query, death->died_ms);
	aps_query_text(&query, death->outcome);
	aps_query_int(&query, death->blocked_by);
	aps_query_text(&query, death->cause);
	aps_query_int(&query, sum_of(entry, death));
	enum aps_rc rc = aps_query_run(&query);
	return rc == APS_OK ? count(db, entry->id, 1, err) : rc;
}

enum aps_rc aps_dead_letters_bury(struct aps_db *db, int64_t id, const struct aps_death *death, struct aps_err *err)
{
	struct aps_outbox_row row;
	struct aps_death own = *death;
	aps_outbox_row_init(&row);
	enum aps_rc rc = aps_outbox_find(db, id, &row, err);
	own.n_attempts = row.delivery.n_attempts;
	if (rc == APS_OK) rc = aps_outbox_remove(db, id, err);
	if (rc == APS_OK) rc = aps_dead_letters_insert(db, &row.entry, &own, err);
	aps_outbox_row_clear(&row);
	return rc;
}

enum aps_rc aps_dead_letters_read(struct aps_stmt *stmt, struct aps_dead_letter *letter, struct aps_err *err)
{
	struct aps_row_texts texts;
	struct aps_death *death = &letter->death;
	aps_row_texts_init(&texts, &letter->texts, stmt);
	aps_outbox_entry_take(&texts, 0, &letter->entry);
	death->n_attempts = aps_stmt_column_int(stmt, DEATH_COLUMN);
	death->died_ms = aps_stmt_column_int(stmt, DEATH_COLUMN + 1);
	aps_row_texts_add(&texts, DEATH_COLUMN + 2, &death->outcome);
	death->blocked_by = aps_stmt_column_int(stmt, DEATH_COLUMN + 3);
	aps_row_texts_add(&texts, DEATH_COLUMN + 4, &death->cause);
	enum aps_rc rc = aps_row_texts_finish(&texts, err);
	if (rc != APS_OK || aps_stmt_column_int(stmt, SUM_COLUMN) == sum_of(&letter->entry, death)) return rc;
	return aps_row_sum_fail("a dead letter", err);
}

/* The row that a query gives, or none. */
static enum aps_rc take_row(struct aps_query *query, struct aps_dead_letter *letter)
{
	letter->entry.id = 0;
	if (aps_query_row(query)) query->rc = aps_dead_letters_read(query->stmt, letter, query->err);
	return aps_query_end(query);
}

enum aps_rc aps_dead_letters_find(struct aps_db *db, int64_t id, struct aps_dead_letter *letter, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, LETTERS "WHERE id = ?1", err);
	aps_query_int(&query, id);
	return take_row(&query, letter);
}

enum aps_rc aps_dead_letters_find_number(struct aps_db *db, int64_t number, struct aps_dead_letter *letter,
                                         struct aps_err *err)
{
	int64_t id;
	letter->entry.id = 0;
	enum aps_rc rc = aps_entry_find(db, "SELECT 1 FROM dead_letter WHERE id = ?1", number, &id, err);
	return rc == APS_OK && id != 0 ? aps_dead_letters_find(db, id, letter, err) : rc;
}

enum aps_rc aps_dead_letters_next(struct aps_db *db, struct aps_entry_range range, int64_t after,
                                  struct aps_dead_letter *letter, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, LETTERS "WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT 1", err);
	aps_query_int(&query, after < range.first ? range.first - 1 : after);
	aps_query_int(&query, range.last);
	return take_row(&query, letter);
}

enum aps_rc aps_dead_letters_next_blocked(struct aps_db *db, int64_t number, int64_t after,
                                          struct aps_dead_letter *letter, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, LETTERS "WHERE id > ?1 AND blocked_by = ?2 ORDER BY id LIMIT 1", err);
	aps_query_int(&query, after);
	aps_query_int(&query, number);
	return take_row(&query, letter);
}

enum aps_rc aps_dead_letters_discard(struct aps_db *db, int64_t id, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "DELETE FROM dead_letter WHERE id = ?1", err);
	aps_query_int(&query, id);
	enum aps_rc rc = aps_query_run(&query);
	return rc == APS_OK ? count(db, id, -(int64_t)aps_db_changes(db), err) : rc;
}

enum aps_rc aps_dead_letters_take(struct aps_db *db, int64_t id, struct aps_dead_letter *letter, struct aps_err *err)
{
	enum aps_rc rc = aps_dead_letters_find(db, id, letter, err);
	return rc == APS_OK && letter->entry.id != 0 ? aps_dead_letters_discard(db, id, err) : rc;
}

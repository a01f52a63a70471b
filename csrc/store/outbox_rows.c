#include "store/outbox_rows.h"

#include "store/entry_find.h"
#include "store/outbox_counts.h"
#include "store/owners.h"

#define OF_OUTBOX                                                                                                      \
	"SELECT o.id, o.created, o.flags, o.document, o.name, o.variables, o.optimistic, o.extra, o.sum, d.id,"        \
	" d.sending, d.slot, d.lease, d.attempts, d.counted, d.rounds, d.cause, d.sum"
#define BOTH  OF_OUTBOX " FROM outbox o LEFT JOIN delivery d ON d.id = o.id"
#define BEGUN OF_OUTBOX " FROM delivery d LEFT JOIN outbox o ON o.id = d.id"

enum { SUM_COLUMN = APS_OUTBOX_ENTRY_N_COLUMNS, DELIVERY_COLUMN };

void aps_outbox_row_init(struct aps_outbox_row *row)
{
	*row = (struct aps_outbox_row){.entry = {.id = 0}};
	aps_buf_init(&row->texts, APS_BUF_ANY_SIZE);
}

void aps_outbox_row_clear(struct aps_outbox_row *row)
{
	aps_buf_clear(&row->texts);
	row->entry = (struct aps_outbox_entry){.id = 0};
	row->delivery = (struct aps_delivery_row){.is_begun = false};
}

static int64_t sum_of(const struct aps_outbox_entry *entry)
{
	struct aps_row_sum sum;
	aps_row_sum_init(&sum);
	aps_outbox_entry_sum(&sum, entry);
	return aps_row_sum_value(&sum) ^ aps_owners_mark(aps_entry_owner(entry->id));
}

enum aps_rc aps_outbox_read_entry(struct aps_stmt *stmt, struct aps_outbox_row *row, struct aps_err *err)
{
	struct aps_row_texts texts;
	aps_row_texts_init(&texts, &row->texts, stmt);
	aps_outbox_entry_take(&texts, 0, &row->entry);
	enum aps_rc rc = aps_row_texts_finish(&texts, err);
	if (rc != APS_OK || aps_stmt_column_int(stmt, SUM_COLUMN) == sum_of(&row->entry)) return rc;
	return aps_row_sum_fail("a mutation of the outbox", err);
}

static enum aps_rc put(struct aps_db *db, const char *sql, const struct aps_outbox_entry *entry, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, sql, err);
	aps_outbox_entry_bind(&query, entry);
	aps_query_int(&query, sum_of(entry));
	return aps_query_run(&query);
}

static enum aps_rc count(struct aps_db *db, int64_t id, int64_t n, struct aps_err *err)
{
	return aps_outbox_counts_add(db, aps_entry_owner(id), APS_OUTBOX_QUEUED, n, err);
}

enum aps_rc aps_outbox_insert(struct aps_db *db, const struct aps_outbox_entry *entry, struct aps_err *err)
{
	static const char SQL[] = "INSERT INTO outbox VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
	enum aps_rc rc = put(db, SQL, entry, err);
	return rc == APS_OK ? count(db, entry->id, 1, err) : rc;
}

static enum aps_rc fail_gone(struct aps_err *err)
{
	return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "a mutation isn't in the outbox of the store any more");
}

enum aps_rc aps_outbox_update(struct aps_db *db, const struct aps_outbox_entry *entry, struct aps_err *err)
{
	static const char SQL[] =
	        "UPDATE outbox SET created = ?2, flags = ?3, document = ?4, name = ?5, variables = ?6,"
	        " optimistic = ?7, extra = ?8, sum = ?9 WHERE id = ?1";
	enum aps_rc rc = put(db, SQL, entry, err);
	return rc == APS_OK && aps_db_changes(db) != 1 ? fail_gone(err) : rc;
}

/* The columns may be of a delivery without an entry. */
static enum aps_rc take(struct aps_stmt *stmt, struct aps_outbox_row *row, struct aps_err *err)
{
	struct aps_row_texts texts;
	aps_row_texts_init(&texts, &row->texts, stmt);
	aps_outbox_entry_take(&texts, 0, &row->entry);
	bool is_there = aps_stmt_column_type(stmt, 0) != APS_DB_NULL;
	row->delivery.is_begun = aps_stmt_column_type(stmt, DELIVERY_COLUMN) != APS_DB_NULL;
	if (row->delivery.is_begun) aps_delivery_take(&texts, DELIVERY_COLUMN + 1, &row->delivery);
	enum aps_rc rc = aps_row_texts_finish(&texts, err);
	if (!is_there) row->entry.id = aps_stmt_column_int(stmt, DELIVERY_COLUMN);
	if (rc != APS_OK) return rc;
	if (!is_there || aps_stmt_column_int(stmt, SUM_COLUMN) != sum_of(&row->entry))
		return aps_row_sum_fail("a mutation of the outbox", err);
	if (!row->delivery.is_begun) return APS_OK;
	int64_t sum = aps_delivery_sum(row->entry.id, &row->delivery);
	return aps_stmt_column_int(stmt, DELIVERY_COLUMN + 1 + APS_DELIVERY_N_COLUMNS) == sum
	               ? APS_OK
	               : aps_row_sum_fail("the delivery of a mutation", err);
}

/* The row that a query gives, or none. */
static enum aps_rc take_row(struct aps_query *query, struct aps_outbox_row *row)
{
	row->entry.id = 0;
	row->delivery = (struct aps_delivery_row){.is_begun = false};
	if (aps_query_row(query)) query->rc = take(query->stmt, row, query->err);
	return aps_query_end(query);
}

enum aps_rc aps_outbox_find(struct aps_db *db, int64_t id, struct aps_outbox_row *row, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, BOTH " WHERE o.id = ?1", err);
	aps_query_int(&query, id);
	return take_row(&query, row);
}

enum aps_rc aps_outbox_find_number(struct aps_db *db, int64_t number, struct aps_outbox_row *row, struct aps_err *err)
{
	int64_t id;
	row->entry.id = 0;
	row->delivery = (struct aps_delivery_row){.is_begun = false};
	enum aps_rc rc = aps_entry_find(db, "SELECT 1 FROM outbox WHERE id = ?1", number, &id, err);
	return rc == APS_OK && id != 0 ? aps_outbox_find(db, id, row, err) : rc;
}

enum aps_rc aps_outbox_next(struct aps_db *db, struct aps_entry_range range, int64_t after, struct aps_outbox_row *row,
                            struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, BOTH " WHERE o.id > ?1 AND o.id <= ?2 ORDER BY o.id LIMIT 1", err);
	aps_query_int(&query, after < range.first ? range.first - 1 : after);
	aps_query_int(&query, range.last);
	enum aps_rc rc = take_row(&query, row);
	/* in a table that is out of order one may come again */
	bool is_astray = rc == APS_OK && row->entry.id != 0 && (row->entry.id <= after || row->entry.id > range.last);
	if (!is_astray) return rc;
	row->entry.id = 0;
	return aps_row_sum_fail("the order of mutations in the outbox", err);
}

/* All that was begun is read: a damaged row may say that it isn't being sent. */
enum aps_rc aps_outbox_next_sending(struct aps_db *db, int64_t after, struct aps_outbox_row *row, struct aps_err *err)
{
	enum aps_rc rc;
	do {
		struct aps_query query;
		aps_query_init(&query, db, BEGUN " WHERE d.id > ?1 ORDER BY d.id LIMIT 1", err);
		aps_query_int(&query, after);
		rc = take_row(&query, row);
		after = row->entry.id;
	} while (rc == APS_OK && row->entry.id != 0 && !row->delivery.is_sending);
	return rc;
}

enum aps_rc aps_outbox_remove(struct aps_db *db, int64_t id, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "DELETE FROM outbox WHERE id = ?1", err);
	aps_query_int(&query, id);
	enum aps_rc rc = aps_query_run(&query);
	if (rc == APS_OK && aps_db_changes(db) != 1) rc = fail_gone(err);
	if (rc == APS_OK) rc = count(db, id, -1, err);
	return rc == APS_OK ? aps_delivery_forget(db, id, err) : rc;
}

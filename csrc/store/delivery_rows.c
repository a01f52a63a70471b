#include "store/delivery_rows.h"

#include "store/entry_id.h"
#include "store/owners.h"
#include "store/query.h"
#include "store/row_sum.h"

int64_t aps_delivery_sum(int64_t id, const struct aps_delivery_row *delivery)
{
	struct aps_row_sum sum;
	aps_row_sum_init(&sum);
	aps_row_sum_add_int(&sum, (uint64_t)aps_entry_id_of(id, 0));
	aps_row_sum_add_int(&sum, delivery->is_sending);
	aps_row_sum_add_int(&sum, (uint64_t)delivery->slot);
	aps_row_sum_add_int(&sum, (uint64_t)delivery->lease_ms);
	aps_row_sum_add_int(&sum, (uint64_t)delivery->n_attempts);
	aps_row_sum_add_int(&sum, (uint64_t)delivery->n_counted);
	aps_row_sum_add_int(&sum, (uint64_t)delivery->n_rounds);
	aps_row_sum_add(&sum, delivery->cause);
	return aps_row_sum_value(&sum) ^ aps_owners_mark(aps_entry_owner(id));
}

void aps_delivery_take(struct aps_row_texts *texts, int column, struct aps_delivery_row *delivery)
{
	delivery->is_begun = true;
	delivery->is_sending = aps_stmt_column_int(texts->stmt, column) != 0;
	delivery->slot = aps_stmt_column_int(texts->stmt, column + 1);
	delivery->lease_ms = aps_stmt_column_int(texts->stmt, column + 2);
	delivery->n_attempts = aps_stmt_column_int(texts->stmt, column + 3);
	delivery->n_counted = aps_stmt_column_int(texts->stmt, column + 4);
	delivery->n_rounds = aps_stmt_column_int(texts->stmt, column + 5);
	aps_row_texts_add(texts, column + 6, &delivery->cause);
}

enum aps_rc aps_delivery_find(struct aps_db *db, int64_t id, struct aps_delivery_row *delivery, struct aps_buf *texts,
                              struct aps_err *err)
{
	static const char SQL[] = "SELECT sending, slot, lease, attempts, counted, rounds, cause, sum FROM delivery"
	                          " WHERE id = ?1";
	struct aps_query query;
	struct aps_row_texts row;
	bool is_whole = true;
	*delivery = (struct aps_delivery_row){.is_begun = false};
	aps_query_init(&query, db, SQL, err);
	aps_query_int(&query, id);
	if (aps_query_row(&query)) {
		aps_row_texts_init(&row, texts, query.stmt);
		aps_delivery_take(&row, 0, delivery);
		query.rc = aps_row_texts_finish(&row, err);
		is_whole = query.rc != APS_OK ||
		           aps_stmt_column_int(query.stmt, APS_DELIVERY_N_COLUMNS) == aps_delivery_sum(id, delivery);
	}
	enum aps_rc rc = aps_query_end(&query);
	return rc == APS_OK && !is_whole ? aps_row_sum_fail("the delivery of a mutation", err) : rc;
}

enum aps_rc aps_delivery_save(struct aps_db *db, int64_t id, const struct aps_delivery_row *delivery,
                              struct aps_err *err)
{
	static const char SQL[] = "INSERT OR REPLACE INTO delivery VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
	struct aps_query query;
	aps_query_init(&query, db, SQL, err);
	aps_query_int(&query, id);
	aps_query_int(&query, delivery->is_sending);
	aps_query_int(&query, delivery->slot);
	aps_query_int(&query, delivery->lease_ms);
	aps_query_int(&query, delivery->n_attempts);
	aps_query_int(&query, delivery->n_counted);
	aps_query_int(&query, delivery->n_rounds);
	aps_query_text(&query, delivery->cause);
	aps_query_int(&query, aps_delivery_sum(id, delivery));
	return aps_query_run(&query);
}

enum aps_rc aps_delivery_mark(struct aps_db *db, int64_t id, int64_t slot, int64_t lease_ms, int64_t n_attempts,
                              struct aps_err *err)
{
	struct aps_delivery_row delivery;
	struct aps_buf texts;
	aps_buf_init(&texts, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_delivery_find(db, id, &delivery, &texts, err);
	delivery.is_sending = true;
	delivery.slot = slot;
	delivery.lease_ms = lease_ms;
	delivery.n_attempts = n_attempts;
	if (rc == APS_OK) rc = aps_delivery_save(db, id, &delivery, err);
	aps_buf_clear(&texts);
	return rc;
}

enum aps_rc aps_delivery_unmark(struct aps_db *db, int64_t id, struct aps_err *err)
{
	struct aps_delivery_row delivery;
	struct aps_buf texts;
	aps_buf_init(&texts, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_delivery_find(db, id, &delivery, &texts, err);
	delivery.is_sending = false;
	delivery.slot = delivery.lease_ms = 0;
	if (rc == APS_OK && delivery.is_begun) rc = aps_delivery_save(db, id, &delivery, err);
	aps_buf_clear(&texts);
	return rc;
}

enum aps_rc aps_delivery_count(struct aps_db *db, int64_t id, const struct aps_delivery_row *counts,
                               struct aps_err *err)
{
	struct aps_delivery_row delivery;
	struct aps_buf texts;
	aps_buf_init(&texts, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_delivery_find(db, id, &delivery, &texts, err);
	delivery.n_attempts = counts->n_attempts;
	delivery.n_counted = counts->n_counted;
	delivery.n_rounds = counts->n_rounds;
	delivery.cause = counts->cause;
	if (rc == APS_OK) rc = aps_delivery_save(db, id, &delivery, err);
	aps_buf_clear(&texts);
	return rc;
}

enum aps_rc aps_delivery_forget(struct aps_db *db, int64_t id, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "DELETE FROM delivery WHERE id = ?1", err);
	aps_query_int(&query, id);
	return aps_query_run(&query);
}

#include "store/owner_move.h"

#include "store/entry_id.h"
#include "store/outbox_counts.h"
#include "store/outbox_facts.h"
#include "store/owners.h"
#include "store/query.h"

/* SQLite has no exclusive or. */
#define SUM_WITH(mark) "sum = (sum | " mark ") - (sum & " mark ")"

/* ?1 and ?2: its row ids, ?3: what they are higher by, ?4: what the sums differ by. */
#define MOVE(table) "UPDATE " table " SET id = id + ?3, " SUM_WITH("?4") " WHERE id BETWEEN ?1 AND ?2"

static enum aps_rc move_ids(struct aps_db *db, const char *sql, int64_t from, int64_t to, struct aps_err *err)
{
	struct aps_entry_range range = aps_entry_owned(from);
	struct aps_query query;
	aps_query_init(&query, db, sql, err);
	aps_query_int(&query, range.first);
	aps_query_int(&query, range.last);
	aps_query_int(&query, aps_entry_owned(to).first - range.first);
	aps_query_int(&query, aps_owners_mark(from) ^ aps_owners_mark(to));
	return aps_query_run(&query);
}

static enum aps_rc move_owned(struct aps_db *db, const char *sql, int64_t from, int64_t to, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, sql, err);
	aps_query_int(&query, from);
	aps_query_int(&query, to);
	aps_query_int(&query, aps_owners_mark(from) ^ aps_owners_mark(to));
	return aps_query_run(&query);
}

static enum aps_rc drop_pairs(struct aps_db *db, int64_t owner, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "DELETE FROM id_map WHERE owner = ?1", err);
	aps_query_int(&query, owner);
	return aps_query_run(&query);
}

static enum aps_rc move_counted(struct aps_db *db, const char *sql, int64_t from, int64_t to,
                                enum aps_outbox_counted what, struct aps_err *err)
{
	enum aps_rc rc = move_ids(db, sql, from, to, err);
	return rc == APS_OK ? aps_outbox_counts_add(db, to, what, aps_db_changes(db), err) : rc;
}

enum aps_rc aps_owner_move(struct aps_db *db, int64_t from, int64_t to, struct aps_err *err)
{
	static const char *const OWNED[] = {
	        "UPDATE outcome SET owner = ?2, " SUM_WITH("?3") " WHERE owner = ?1",
	        "UPDATE OR IGNORE id_map SET owner = ?2, " SUM_WITH("?3") " WHERE owner = ?1",
	};
	if (from == to) return APS_OK;
	enum aps_rc rc = move_counted(db, MOVE("outbox"), from, to, APS_OUTBOX_QUEUED, err);
	if (rc == APS_OK) rc = move_counted(db, MOVE("dead_letter"), from, to, APS_OUTBOX_DEAD, err);
	if (rc == APS_OK) rc = move_ids(db, MOVE("delivery"), from, to, err);
	for (size_t i = 0; rc == APS_OK && i < APS_COUNTOF(OWNED); i++) rc = move_owned(db, OWNED[i], from, to, err);
	if (rc == APS_OK) rc = drop_pairs(db, from, err);
	if (rc == APS_OK) rc = aps_outbox_counts_forget(db, from, err);
	if (rc == APS_OK) rc = aps_outbox_away_note(db, from, 0, err);
	return rc == APS_OK ? aps_owners_remove(db, from, err) : rc;
}

enum aps_rc aps_owner_wipe(struct aps_db *db, int64_t owner, int64_t *n_rows, struct aps_err *err)
{
	static const char *const WIPES[] = {
	        "DELETE FROM delivery WHERE id BETWEEN ?1 AND ?2",
	        "DELETE FROM outbox WHERE id BETWEEN ?1 AND ?2",
	        "DELETE FROM dead_letter WHERE id BETWEEN ?1 AND ?2",
	        "DELETE FROM outcome WHERE owner BETWEEN ?1 AND ?2",
	        "DELETE FROM id_map WHERE owner BETWEEN ?1 AND ?2",
	};
	struct aps_entry_range range = aps_entry_owned(owner);
	*n_rows = 0;
	for (size_t i = 0; i < APS_COUNTOF(WIPES); i++) {
		struct aps_query query;
		bool is_by_owner = i > 2;
		aps_query_init(&query, db, WIPES[i], err);
		aps_query_int(&query, is_by_owner ? owner : range.first);
		aps_query_int(&query, is_by_owner ? owner : range.last);
		enum aps_rc rc = aps_query_run(&query);
		if (rc != APS_OK) return rc;
		if (i > 0) *n_rows += aps_db_changes(db);
	}
	enum aps_rc rc = aps_outbox_counts_forget(db, owner, err);
	if (rc == APS_OK) rc = aps_outbox_away_note(db, owner, 0, err);
	return rc == APS_OK ? aps_owners_remove(db, owner, err) : rc;
}

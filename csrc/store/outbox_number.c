#include "store/outbox_number.h"

#include "base/rand.h"
#include "store/entry_id.h"
#include "store/query.h"

static enum aps_rc fail_counter(struct aps_err *err)
{
	return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "a counter of the outbox in the store is damaged");
}

static enum aps_rc read_counter(struct aps_db *db, int64_t id, int64_t *value, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT value FROM counter WHERE id = ?1", err);
	aps_query_int(&query, id);
	bool is_there = aps_query_row(&query);
	*value = is_there ? aps_stmt_column_int(query.stmt, 0) : 0;
	enum aps_rc rc = aps_query_end(&query);
	return rc != APS_OK || is_there ? rc : fail_counter(err);
}

enum aps_rc aps_outbox_last_number(struct aps_db *db, int64_t *number, struct aps_err *err)
{
	enum aps_rc rc = read_counter(db, -2, number, err);
	return rc == APS_OK && (*number < 0 || *number > APS_ENTRY_MAX_NUMBER) ? fail_counter(err) : rc;
}

enum aps_rc aps_outbox_pass_number(struct aps_db *db, int64_t number, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "UPDATE counter SET value = ?1 WHERE id = -2 AND value < ?1", err);
	aps_query_int(&query, number);
	return aps_query_run(&query);
}

enum aps_rc aps_outbox_next_number(struct aps_db *db, int64_t *number, struct aps_err *err)
{
	int64_t last;
	enum aps_rc rc = aps_outbox_last_number(db, &last, err);
	if (rc == APS_OK && last == APS_ENTRY_MAX_NUMBER)
		rc = aps_fail(err, APS_E_STORAGE, "the store has no more numbers for mutations");
	*number = rc == APS_OK ? last + 1 : 0;
	return rc == APS_OK ? aps_outbox_pass_number(db, last + 1, err) : rc;
}

enum aps_rc aps_outbox_check_numbers(struct aps_db *db, struct aps_err *err)
{
#define LAST_OF(table) "coalesce((SELECT max(id) FROM " table " WHERE id BETWEEN lane AND lane + ?1), 0) & ?1"
	static const char SQL[] = "SELECT max(coalesce((SELECT max(max(" LAST_OF("outbox") ", " LAST_OF(
	        "dead_letter") "))"
	                       " FROM (SELECT (owner.id << 44) | (mode.column1 << 40) AS lane FROM owner,"
	                       " (VALUES (0), (1), (2), (3), (4), (5)) AS mode)), 0),"
	                       " coalesce((SELECT max(number) FROM outcome), 0), coalesce((SELECT max(id) FROM layer), "
	                       "0))";
#undef LAST_OF
	struct aps_query query;
	int64_t last;
	enum aps_rc rc = aps_outbox_last_number(db, &last, err);
	if (rc != APS_OK) return rc;
	aps_query_init(&query, db, SQL, err);
	aps_query_int(&query, APS_ENTRY_MAX_NUMBER);
	bool is_passed = aps_query_row(&query) && aps_stmt_column_int(query.stmt, 0) > last;
	rc = aps_query_end(&query);
	return rc == APS_OK && is_passed ? fail_counter(err) : rc;
}

enum aps_rc aps_outbox_draw_nonce(struct aps_db *db, struct aps_err *err)
{
	struct aps_rand rand;
	struct aps_query query;
	aps_rand_init_system(&rand);
	aps_query_init(&query, db, "INSERT OR REPLACE INTO counter VALUES (-3, ?1)", err);
	aps_query_int(&query, (int64_t)(1 + aps_rand_below(&rand, UINT32_MAX)));
	return aps_query_run(&query);
}

enum aps_rc aps_outbox_nonce(struct aps_db *db, uint32_t *nonce, struct aps_err *err)
{
	int64_t value;
	enum aps_rc rc = read_counter(db, -3, &value, err);
	*nonce = (uint32_t)value;
	return rc == APS_OK && (value < 1 || value > UINT32_MAX) ? fail_counter(err) : rc;
}

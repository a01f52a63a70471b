#include "store/outbox_facts.h"

#include "store/query.h"

#define AWAY          (-(INT64_C(1) << 41)) /* of owner 0 */
#define FIRST_COUNTER (-4) /* of MERGES; the next fact has the next lower one, and -6 is that of store/counters.c */

enum aps_rc aps_outbox_facts_note(struct aps_db *db, enum aps_outbox_fact fact, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "INSERT OR REPLACE INTO counter VALUES (?1, 1)", err);
	aps_query_int(&query, fact == APS_OUTBOX_FACT_MERGES ? FIRST_COUNTER : FIRST_COUNTER - 1);
	return aps_query_run(&query);
}

enum aps_rc aps_outbox_facts_read(struct aps_db *db, unsigned *facts, struct aps_err *err)
{
	struct aps_query query;
	*facts = 0;
	aps_query_init(&query, db, "SELECT id FROM counter WHERE id BETWEEN ?1 AND ?2", err);
	aps_query_int(&query, FIRST_COUNTER - 1);
	aps_query_int(&query, FIRST_COUNTER);
	while (aps_query_row(&query)) *facts |= 1u << (FIRST_COUNTER - aps_stmt_column_int(query.stmt, 0));
	return aps_query_end(&query);
}

enum aps_rc aps_outbox_away_note(struct aps_db *db, int64_t owner, int64_t slot, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db,
	               slot != 0 ? "INSERT OR REPLACE INTO counter VALUES (?1, ?2)"
	                         : "DELETE FROM counter WHERE id = ?1",
	               err);
	aps_query_int(&query, AWAY - owner);
	if (slot != 0) aps_query_int(&query, slot);
	return aps_query_run(&query);
}

enum aps_rc aps_outbox_away_read(struct aps_db *db, int64_t owner, int64_t *slot, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT value FROM counter WHERE id = ?1", err);
	aps_query_int(&query, AWAY - owner);
	*slot = aps_query_row(&query) ? aps_stmt_column_int(query.stmt, 0) : 0;
	return aps_query_end(&query);
}

#include "store/entry_find.h"

#include "store/entry_id.h"
#include "store/query.h"

/* 0: there is none above `after`, also where a damaged table gives one that is no number of an owner. */
static enum aps_rc next_owner(struct aps_db *db, int64_t after, int64_t *owner, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, "SELECT id FROM owner WHERE id > ?1 ORDER BY id LIMIT 1", err);
	aps_query_int(&query, after);
	*owner = aps_query_row(&query) ? aps_stmt_column_int(query.stmt, 0) : 0;
	if (*owner <= after || *owner > APS_ENTRY_MAX_OWNER) *owner = 0;
	return aps_query_end(&query);
}

static enum aps_rc look(struct aps_db *db, const char *sql, int64_t id, bool *is_there, struct aps_err *err)
{
	struct aps_query query;
	aps_query_init(&query, db, sql, err);
	aps_query_int(&query, id);
	*is_there = aps_query_row(&query);
	return aps_query_end(&query);
}

static enum aps_rc look_in_lanes(struct aps_db *db, const char *sql, int64_t owner, int64_t number, int64_t *id,
                                 struct aps_err *err)
{
	bool is_there = false;
	enum aps_rc rc = APS_OK;
	for (int mode = 0; rc == APS_OK && !is_there && mode < APS_ENTRY_MODE_COUNT; mode++) {
		int64_t of_lane = aps_entry_id(owner, (enum aps_entry_mode)mode, number & APS_ENTRY_MAX_NUMBER);
		rc = look(db, sql, of_lane, &is_there, err);
		if (rc == APS_OK && is_there) *id = of_lane;
	}
	return rc;
}

/* One statement that joins owners and modes takes several times as long. */
enum aps_rc aps_entry_find(struct aps_db *db, const char *sql, int64_t number, int64_t *id, struct aps_err *err)
{
	int64_t owner;
	*id = 0;
	enum aps_rc rc = next_owner(db, 0, &owner, err);
	while (rc == APS_OK && owner != 0 && *id == 0) {
		rc = look_in_lanes(db, sql, owner, number, id, err);
		if (rc == APS_OK) rc = next_owner(db, owner, &owner, err);
	}
	return rc;
}

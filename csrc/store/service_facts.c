#include "store/service_facts.h"

#include "store/query.h"

enum aps_rc aps_service_facts_note_merge(struct aps_db *db, struct aps_err *err)
{
	return aps_db_exec(db, "INSERT OR REPLACE INTO counter VALUES (-4, 1)", err);
}

enum aps_rc aps_service_facts_merges(struct aps_db *db, bool *merges, struct aps_err *err)
{
	int64_t n = 0;
	enum aps_rc rc = aps_db_read_int(db, "SELECT count(*) FROM counter WHERE id = -4", &n, err);
	*merges = n != 0;
	return rc;
}

#include "store/db_check.h"

/* One row: "ok", or the first thing that is wrong: https://www.sqlite.org/pragma.html#pragma_quick_check */
enum aps_rc aps_db_check(struct aps_db *db, struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row = false;
	enum aps_rc rc = aps_db_prepare(db, APS_STR("PRAGMA main.quick_check(1)"), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, &has_row, err);
	if (rc != APS_OK) return rc;
	bool is_whole = has_row && aps_str_eq(aps_stmt_column_str(stmt, 0), APS_STR("ok"));
	aps_stmt_reset(stmt);
	return is_whole ? APS_OK : aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "a page of the file is damaged");
}

/* One statement with its parameters, bound in their order, and what went wrong on the way: the first failure stays, and
 * what follows it does nothing. */
#ifndef APS_STORE_QUERY_H
#define APS_STORE_QUERY_H

#include "store/db.h"

struct aps_query {
	struct aps_stmt *stmt; /* columns are read from it */
	int n_bound;
	enum aps_rc rc;
	struct aps_err *err;
};

APS_BEGIN_DECLS

void aps_query_init(struct aps_query *query, struct aps_db *db, const char *sql, struct aps_err *err);
void aps_query_int(struct aps_query *query, int64_t value);
void aps_query_text(struct aps_query *query, struct aps_str text);
/* Borrowed until the rows have ended. */
void aps_query_blob(struct aps_query *query, struct aps_str bytes);
void aps_query_null(struct aps_query *query);
/* There is a row (one more). */
bool aps_query_row(struct aps_query *query);
/* No more rows are wanted. */
enum aps_rc aps_query_end(struct aps_query *query);
/* Of what gives no rows. */
enum aps_rc aps_query_run(struct aps_query *query);
/* An UPDATE of so many rows, which must be there: else "corrupt". */
enum aps_rc aps_query_update(struct aps_db *db, struct aps_stmt *stmt, int64_t n_rows, struct aps_err *err);

APS_END_DECLS

#endif

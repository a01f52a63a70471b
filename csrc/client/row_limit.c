#include "client/row_limit.h"

#define ROW_BYTES 512 /* that are read as fast as a row is found */

void aps_row_limit_begin(struct aps_row_limit *limit)
{
	limit->left = limit->max != 0 ? limit->max + 1 : 0;
}

void aps_row_limit_end(struct aps_row_limit *limit)
{
	limit->left = 0;
}

enum aps_rc aps_row_limit_check(const struct aps_row_limit *limit, struct aps_err *err)
{
	if (limit->left != 1) return APS_OK;
	return aps_fail(err, APS_E_TOO_BIG, "more than %zu records would be read from the store", limit->max);
}

void aps_row_limit_count(struct aps_row_limit *limit, const struct aps_entry_row *row)
{
	size_t n = 1 + row->content.n / ROW_BYTES;
	if (limit->left != 0) limit->left = limit->left > n ? limit->left - n : 1;
}

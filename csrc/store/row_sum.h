/* A sum over what a row says and over where it stands: SQLite checks the log, but not what it reads of the file, where
 * a byte that has changed is other data. Pure. */
#ifndef APS_STORE_ROW_SUM_H
#define APS_STORE_ROW_SUM_H

#include "base/err.h"
#include "base/str.h"

struct aps_row_sum {
	uint64_t state;
};

APS_BEGIN_DECLS

void aps_row_sum_init(struct aps_row_sum *sum);
void aps_row_sum_add_int(struct aps_row_sum *sum, uint64_t value);
void aps_row_sum_add(struct aps_row_sum *sum, struct aps_str bytes);
/* 32 bits, which take five bytes of a row; never 0. */
int64_t aps_row_sum_value(const struct aps_row_sum *sum);
/* E_STORAGE, "corrupt": `what` has another sum. */
enum aps_rc aps_row_sum_fail(const char *what, struct aps_err *err);

APS_END_DECLS

#endif

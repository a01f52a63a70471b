/* How many rows of the store a read may take that has to fit into a frame. */
#ifndef APS_CLIENT_ROW_LIMIT_H
#define APS_CLIENT_ROW_LIMIT_H

#include "cache/entry.h"

struct aps_row_limit {
	size_t max;  /* 0: any number */
	size_t left; /* while a read runs: one more than it may still take; 0: any number */
};

APS_BEGIN_DECLS

void aps_row_limit_begin(struct aps_row_limit *limit);
void aps_row_limit_end(struct aps_row_limit *limit);
/* Before one is taken. E_TOO_BIG: it would be one too many. */
enum aps_rc aps_row_limit_check(const struct aps_row_limit *limit, struct aps_err *err);
/* It was taken. A long one counts for several. */
void aps_row_limit_count(struct aps_row_limit *limit, const struct aps_entry_row *row);

APS_END_DECLS

#endif

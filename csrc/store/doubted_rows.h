/* Records that a sync's list had, and has no more: whether anything else reaches them a collection finds out
 * (client/collecting.h), in this process or in a later one. By the part of the store, in the order in which they were
 * doubted: some of them a row, and one record may be in several. Each write belongs to the transaction that is open.
 * Damaged rows are as if they weren't there. */
#ifndef APS_STORE_DOUBTED_ROWS_H
#define APS_STORE_DOUBTED_ROWS_H

#include "base/buf.h"
#include "store/db.h"

/* Where the rows of a part are read. */
struct aps_doubted_at {
	int64_t part;  /* of the store */
	int64_t after; /* the last row that was read; 0: none was */
	int64_t last;  /* those behind it aren't read */
};

APS_BEGIN_DECLS

/* `part`: of the store; there has to be one. */
enum aps_rc aps_doubted_rows_add(struct aps_db *db, int64_t part, const uint64_t *entries, size_t n,
                                 struct aps_err *err);
/* The number of the last row; 0: there is none. Later ones have higher numbers as long as it is there. */
enum aps_rc aps_doubted_rows_last(struct aps_db *db, int64_t part, int64_t *last, struct aps_err *err);
/* Appends the entries (uint64_t) of at most so many rows more. Once all were read at->after is at->last. */
enum aps_rc aps_doubted_rows_list(struct aps_db *db, struct aps_doubted_at *at, size_t max_rows,
                                  struct aps_buf *entries, struct aps_err *err);
/* At most so many rows up to `last` go. *are_gone: none of them is left; numbers up to it may be given again. */
enum aps_rc aps_doubted_rows_remove(struct aps_db *db, int64_t part, int64_t last, size_t max_rows, bool *are_gone,
                                    struct aps_err *err);

APS_END_DECLS

#endif

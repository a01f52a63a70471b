/* The parts of a store: one for each key prefix and identity. A part that is dropped has no owner any more, and whoever
 * looks for that one's part finds none; its rows go a few at a time, also after a restart, and then the part itself. */
#ifndef APS_STORE_PARTS_H
#define APS_STORE_PARTS_H

#include "store/db.h"

/* How a part is dropped. */
enum aps_part_drop {
	APS_PART_CLEARED = 1, /* what it had may be left on pages that are free */
	APS_PART_WIPED        /* it may not be found in the file any more */
};

struct aps_dropped_part {
	int64_t part; /* 0: there is none */
	enum aps_part_drop how;
};

APS_BEGIN_DECLS

/* *part 0: there is none. */
enum aps_rc aps_parts_find(struct aps_db *db, struct aps_str prefix, struct aps_str identity, int64_t *part,
                           struct aps_err *err);
/* Where it is there, nothing happens. */
enum aps_rc aps_parts_make(struct aps_db *db, struct aps_str prefix, struct aps_str identity, int64_t *part,
                           struct aps_err *err);

/* The next one is made by the next aps_parts_make(). */
enum aps_rc aps_parts_drop(struct aps_db *db, int64_t part, enum aps_part_drop how, struct aps_err *err);
/* The part is another owner's from now on, who has none. */
enum aps_rc aps_parts_give(struct aps_db *db, int64_t part, struct aps_str prefix, struct aps_str identity,
                           struct aps_err *err);
/* One of those that are dropped, those that are wiped first. */
enum aps_rc aps_parts_find_dropped(struct aps_db *db, struct aps_dropped_part *dropped, struct aps_err *err);
/* Deletes at most so many of its rows. *is_done: it has no more. */
enum aps_rc aps_parts_delete_rows(struct aps_db *db, int64_t part, size_t max_rows, bool *is_done, struct aps_err *err);
/* The part itself, which has no rows any more. */
enum aps_rc aps_parts_remove(struct aps_db *db, int64_t part, struct aps_err *err);

APS_END_DECLS

#endif

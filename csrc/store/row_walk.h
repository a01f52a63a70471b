/* Reads the rows of a damaged table: from its beginning up to what can't be read, from its end down to it, and what
 * lies in between from ever more places. Rows are stepped over as they stand in the file: one with a damaged number
 * leads nobody astray. */
#ifndef APS_STORE_ROW_WALK_H
#define APS_STORE_ROW_WALK_H

#include "base/map.h"
#include "store/db.h"
#include "store/entry_id.h"

/* As many places of one gap, and of all of a walk, are tried. */
#define APS_ROW_WALK_MAX_PIECES 4096
#define APS_ROW_WALK_MAX_PROBES 1000000

struct aps_row_walk;

/* One row, which may come more than once. *is_whole: it is what was written. A failure ends the walk. */
typedef enum aps_rc aps_row_walk_see_fn(struct aps_row_walk *walk, struct aps_stmt *stmt, bool *is_whole,
                                        struct aps_err *err);

struct aps_row_walk {
	struct aps_db *db;
	const char *table;
	const char *columns;
	aps_row_walk_see_fn *see;
	void *context;
	int64_t n_stretches;    /* that can't be read, with nobody knows how many rows */
	struct aps_map damaged; /* rows that are not whole, by their number */
	size_t n_probes;
	int64_t stretch_end;
};

APS_BEGIN_DECLS

/* The first column is the key. */
void aps_row_walk_init(struct aps_row_walk *walk, struct aps_db *db, const char *table, const char *columns);
void aps_row_walk_clear(struct aps_row_walk *walk);
/* From both ends. *gap: what is between; gap->first 0: nothing. */
enum aps_rc aps_row_walk_ends(struct aps_row_walk *walk, struct aps_entry_range range, struct aps_entry_range *gap,
                              struct aps_err *err);
/* All that can be read in a range. */
enum aps_rc aps_row_walk_range(struct aps_row_walk *walk, struct aps_entry_range range, struct aps_err *err);
/* It can't be read. Stretches come in their order; one that no row parts from the last one is no other. */
enum aps_rc aps_row_walk_add_stretch(struct aps_row_walk *walk, struct aps_entry_range gap, struct aps_err *err);

APS_END_DECLS

#endif

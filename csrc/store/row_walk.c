#include "store/row_walk.h"

#include <stdio.h>

void aps_row_walk_init(struct aps_row_walk *walk, struct aps_db *db, const char *table, const char *columns)
{
	*walk = (struct aps_row_walk){.db = db, .table = table, .columns = columns};
	aps_map_init(&walk->damaged, 0);
}

void aps_row_walk_clear(struct aps_row_walk *walk)
{
	aps_map_clear(&walk->damaged);
}

static enum aps_rc prepare(struct aps_row_walk *walk, bool is_up, int64_t from, struct aps_stmt **stmt,
                           struct aps_err *err)
{
	char sql[256];
	int n = snprintf(sql, sizeof sql, "SELECT %s FROM %s WHERE rowid %s ?1 ORDER BY rowid%s", walk->columns,
	                 walk->table, is_up ? ">=" : "<=", is_up ? "" : " DESC");
	APS_ASSERT(n > 0 && (size_t)n < sizeof sql);
	enum aps_rc rc = aps_db_prepare(walk->db, (struct aps_str){sql, (size_t)n}, stmt, err);
	return rc == APS_OK ? aps_stmt_bind_int(*stmt, 1, from, err) : rc;
}

/* There is a row between the last stretch and this place. */
static enum aps_rc look_between(struct aps_row_walk *walk, int64_t first, bool *has_row, struct aps_err *err)
{
	struct aps_stmt *stmt;
	struct aps_err own = {.code = APS_OK};
	*has_row = false;
	if (first == walk->stretch_end + 1) return APS_OK;
	enum aps_rc rc = prepare(walk, false, first - 1, &stmt, &own);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, has_row, &own);
	if (*has_row) {
		*has_row = aps_stmt_column_int(stmt, 0) > walk->stretch_end;
		aps_stmt_reset(stmt);
	}
	if (rc == APS_E_NOMEM && err != NULL) *err = own;
	return rc == APS_E_NOMEM ? rc : APS_OK;
}

enum aps_rc aps_row_walk_add_stretch(struct aps_row_walk *walk, struct aps_entry_range gap, struct aps_err *err)
{
	bool is_apart = true;
	enum aps_rc rc = walk->n_stretches != 0 ? look_between(walk, gap.first, &is_apart, err) : APS_OK;
	walk->n_stretches += is_apart;
	walk->stretch_end = gap.last;
	return rc;
}

static enum aps_rc see(struct aps_row_walk *walk, struct aps_stmt *stmt, bool *is_whole, struct aps_err *err)
{
	int64_t key = aps_stmt_column_int(stmt, 0);
	*is_whole = false;
	enum aps_rc rc = walk->see(walk, stmt, is_whole, err);
	if (rc != APS_OK) return rc;
	if (*is_whole) return APS_OK;
	bool is_noted = aps_map_set(&walk->damaged, (struct aps_str){(const char *)&key, sizeof key}, walk);
	return is_noted ? APS_OK : aps_fail(err, APS_E_NOMEM, "no memory to read a damaged store");
}

/* *left becomes what is left of the range; left->first 0: nothing, all of it could be read. */
static enum aps_rc read_on(struct aps_row_walk *walk, bool is_up, struct aps_entry_range *left, struct aps_err *err)
{
	struct aps_stmt *stmt;
	struct aps_err own = {.code = APS_OK};
	bool has_row = false, is_whole, is_end = false;
	walk->n_probes++;
	enum aps_rc rc = prepare(walk, is_up, is_up ? left->first : left->last, &stmt, &own);
	if (rc != APS_OK) walk->n_probes = APS_ROW_WALK_MAX_PROBES; /* there is no such table */
	while (rc == APS_OK && !is_end && (rc = aps_stmt_step(stmt, &has_row, &own)) == APS_OK && has_row) {
		enum aps_rc seen = see(walk, stmt, &is_whole, err);
		int64_t key = aps_stmt_column_int(stmt, 0);
		if (seen != APS_OK) {
			aps_stmt_reset(stmt);
			return seen;
		}
		if (!is_whole) continue;
		is_end = is_up ? key >= left->last : key <= left->first;
		if (is_up && !is_end && key >= left->first) left->first = key + 1;
		if (!is_up && !is_end && key <= left->last) left->last = key - 1;
	}
	if (rc == APS_OK) {
		aps_stmt_reset(stmt);
		left->first = 0;
	}
	if (rc == APS_E_NOMEM && err != NULL) *err = own;
	return rc == APS_E_NOMEM ? rc : APS_OK;
}

enum aps_rc aps_row_walk_ends(struct aps_row_walk *walk, struct aps_entry_range range, struct aps_entry_range *gap,
                              struct aps_err *err)
{
	*gap = range;
	enum aps_rc rc = read_on(walk, true, gap, err);
	if (rc != APS_OK || gap->first == 0) return rc;
	int64_t first = gap->first;
	rc = read_on(walk, false, gap, err);
	/* What can be read from one side only isn't sound. */
	if (rc == APS_OK && gap->first == 0) *gap = (struct aps_entry_range){first, first};
	return rc;
}

static enum aps_rc walk_pieces(struct aps_row_walk *walk, struct aps_entry_range range, int64_t piece,
                               struct aps_err *err)
{
	struct aps_entry_range gap;
	enum aps_rc rc = aps_row_walk_ends(walk, range, &gap, err);
	if (rc != APS_OK || gap.first == 0) return rc;
	if (gap.last - gap.first < piece || walk->n_probes >= APS_ROW_WALK_MAX_PROBES)
		return aps_row_walk_add_stretch(walk, gap, err);
	int64_t middle = gap.first + (gap.last - gap.first) / 2;
	rc = walk_pieces(walk, (struct aps_entry_range){gap.first, middle}, piece, err);
	return rc == APS_OK ? walk_pieces(walk, (struct aps_entry_range){middle + 1, gap.last}, piece, err) : rc;
}

enum aps_rc aps_row_walk_range(struct aps_row_walk *walk, struct aps_entry_range range, struct aps_err *err)
{
	return walk_pieces(walk, range, 1 + (range.last - range.first) / APS_ROW_WALK_MAX_PIECES, err);
}

/* Ids that the application made up for records which the service has yet to name, and the service's own. In the
 * caller's transaction; a damaged row is "corrupt", and its temporary id stays in the pair. */
#ifndef APS_STORE_ID_MAP_H
#define APS_STORE_ID_MAP_H

#include "base/buf.h"
#include "store/db.h"

#define APS_ID_MAP_MAX_AGE_MS (INT64_C(30) * 24 * 60 * 60 * 1000)

struct aps_id_made {
	int64_t owner; /* 0: there is none */
	struct aps_str temporary;
	struct aps_str made; /* the service's */
	bool is_made;        /* it is known */
	int64_t maker;       /* the number of the mutation that makes the record */
	int64_t at_ms;       /* since when the pair is there, or the service's id in it */
	struct aps_buf texts;
};

/* How far pairs were looked through. */
struct aps_id_pruning {
	int64_t owner, max_rows; /* that are looked at */
	struct aps_buf
	        after; /* those behind this one; empty: from the beginning on, and when all were, or on failure */
	int64_t n_deleted;
};

APS_BEGIN_DECLS

void aps_id_made_init(struct aps_id_made *pair);
void aps_id_made_clear(struct aps_id_made *pair);

/* An earlier one with this temporary id is forgotten: what follows means the later record. */
enum aps_rc aps_id_map_add(struct aps_db *db, const struct aps_id_made *pair, struct aps_err *err);
/* The same for a mutation that is queued: *is_maker false, and nothing happens, where another one makes the record, has
 * made it, or can be retried. `former`: the number that this one had when it failed; 0: none. */
enum aps_rc aps_id_map_claim(struct aps_db *db, const struct aps_id_made *pair, int64_t former, bool *is_maker,
                             struct aps_err *err);
/* Whether an owner has any pair. */
enum aps_rc aps_id_map_has_any(struct aps_db *db, int64_t owner, bool *has_any, struct aps_err *err);
/* pair->owner 0: there is none, here and below. */
enum aps_rc aps_id_map_find(struct aps_db *db, int64_t owner, struct aps_str temporary, struct aps_id_made *pair,
                            struct aps_err *err);
/* The service has named the record, at pair->at_ms. Where the pair isn't there, or is another's by now, nothing
 * happens. */
enum aps_rc aps_id_map_set_made(struct aps_db *db, const struct aps_id_made *pair, struct aps_err *err);
/* Whether the maker of a pair is queued, or dead and can be retried. */
enum aps_rc aps_id_map_has_maker(struct aps_db *db, const struct aps_id_made *pair, bool *is_queued, bool *is_dead,
                                 struct aps_err *err);
/* The first one behind owner and temporary id: begin with 0 and "". */
enum aps_rc aps_id_map_next(struct aps_db *db, int64_t owner, struct aps_str temporary, struct aps_id_made *pair,
                            struct aps_err *err);
/* Deletes of an owner what is older than APS_ID_MAP_MAX_AGE_MS, once neither its maker is there, queued or dead, nor a
 * mutation that came after it and may still mean the temporary id. */
enum aps_rc aps_id_map_prune(struct aps_db *db, struct aps_id_pruning *pruning, int64_t now_ms, struct aps_err *err);

/* Of a statement at a row that has all columns of the table in their order. */
enum aps_rc aps_id_map_read(struct aps_stmt *stmt, struct aps_id_made *pair, struct aps_err *err);

APS_END_DECLS

#endif

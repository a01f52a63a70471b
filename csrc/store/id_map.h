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
	int64_t at_ms;       /* since when the pair is there */
	struct aps_buf texts;
};

APS_BEGIN_DECLS

void aps_id_made_init(struct aps_id_made *pair);
void aps_id_made_clear(struct aps_id_made *pair);

/* An earlier one with this temporary id is forgotten: what follows means the later record. */
enum aps_rc aps_id_map_add(struct aps_db *db, const struct aps_id_made *pair, struct aps_err *err);
/* pair->owner 0: there is none, here and below. */
enum aps_rc aps_id_map_find(struct aps_db *db, int64_t owner, struct aps_str temporary, struct aps_id_made *pair,
                            struct aps_err *err);
/* The service has named the record. Where the pair isn't there, or is another's by now, nothing happens. */
enum aps_rc aps_id_map_set_made(struct aps_db *db, const struct aps_id_made *pair, struct aps_err *err);
/* What a mutation was to make won't be made. */
enum aps_rc aps_id_map_drop(struct aps_db *db, int64_t owner, int64_t maker, struct aps_err *err);
/* The first one behind owner and temporary id: begin with 0 and "". */
enum aps_rc aps_id_map_next(struct aps_db *db, int64_t owner, struct aps_str temporary, struct aps_id_made *pair,
                            struct aps_err *err);
/* Deletes of an owner what is older than APS_ID_MAP_MAX_AGE_MS and has its id, once no mutation, queued or dead, is
 * there that came after its maker and may still mean the temporary one; at most so many rows. */
enum aps_rc aps_id_map_prune(struct aps_db *db, int64_t owner, int64_t now_ms, int64_t max_rows, int64_t *n_deleted,
                             struct aps_err *err);

/* Of a statement at a row that has all columns of the table in their order. */
enum aps_rc aps_id_map_read(struct aps_stmt *stmt, struct aps_id_made *pair, struct aps_err *err);

APS_END_DECLS

#endif

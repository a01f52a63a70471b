/* How mutations ended: kept until they are told to the application, and a while longer. Numbers are those of
 * store/outbox_number.h: later outcomes have higher ones. In the caller's transaction; a damaged row is "corrupt", and
 * its number stays in the outcome, so that a list can go on behind it. */
#ifndef APS_STORE_OUTCOMES_H
#define APS_STORE_OUTCOMES_H

#include "base/buf.h"
#include "store/db.h"

#define APS_OUTCOMES_MAX_TOLD   10000
#define APS_OUTCOMES_MAX_AGE_MS (INT64_C(30) * 24 * 60 * 60 * 1000)

struct aps_kept_outcome {
	int64_t number; /* 0: there is none */
	int64_t owner;
	int64_t entry; /* the number of the mutation */
	int64_t finished_ms;
	bool is_told;
	struct aps_str content; /* JSON */
	struct aps_buf texts;   /* where it is */
};

APS_BEGIN_DECLS

void aps_kept_outcome_init(struct aps_kept_outcome *outcome);
void aps_kept_outcome_clear(struct aps_kept_outcome *outcome);

/* Gives it its number. */
enum aps_rc aps_outcomes_add(struct aps_db *db, struct aps_kept_outcome *outcome, struct aps_err *err);
/* With the number that it has. */
enum aps_rc aps_outcomes_insert(struct aps_db *db, const struct aps_kept_outcome *outcome, struct aps_err *err);
/* The next one above `after` of an owner (0: of all); outcome->number 0: there is none. */
enum aps_rc aps_outcomes_next(struct aps_db *db, int64_t owner, int64_t after, struct aps_kept_outcome *outcome,
                              struct aps_err *err);
/* Likewise, the next one below `before`. */
enum aps_rc aps_outcomes_last(struct aps_db *db, int64_t owner, int64_t before, struct aps_kept_outcome *outcome,
                              struct aps_err *err);
/* The same as the first of those that are not told. */
enum aps_rc aps_outcomes_next_untold(struct aps_db *db, int64_t owner, int64_t after, struct aps_kept_outcome *outcome,
                                     struct aps_err *err);
/* Whether a mutation has an outcome. */
enum aps_rc aps_outcomes_has_entry(struct aps_db *db, int64_t entry, bool *has_one, struct aps_err *err);
/* `content` takes the place of what is kept, which may be large; NULL: that stays. "corrupt" where there is none. */
enum aps_rc aps_outcomes_set_told(struct aps_db *db, int64_t number, const struct aps_str *content,
                                  struct aps_err *err);
/* Those that are told, but for the last APS_OUTCOMES_MAX_TOLD, end with this number; 0: there are no more. It reads as
 * many rows as may stay: once for many that are deleted. */
enum aps_rc aps_outcomes_surplus(struct aps_db *db, int64_t *last, struct aps_err *err);
/* Deletes of those that are told what is older than APS_OUTCOMES_MAX_AGE_MS, and those up to `surplus`; at most so many
 * rows, the oldest first. */
enum aps_rc aps_outcomes_prune(struct aps_db *db, int64_t now_ms, int64_t surplus, int64_t max_rows, int64_t *n_deleted,
                               struct aps_err *err);

/* Of a statement at a row that has all columns of the table in their order. */
enum aps_rc aps_outcomes_read(struct aps_stmt *stmt, struct aps_kept_outcome *outcome, struct aps_err *err);

APS_END_DECLS

#endif

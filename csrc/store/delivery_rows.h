/* How the delivery of a mutation stands, for those that were begun. A row that says "sending" is committed before its
 * request starts: found at the next start, the mutation is in doubt. In the caller's transaction. */
#ifndef APS_STORE_DELIVERY_ROWS_H
#define APS_STORE_DELIVERY_ROWS_H

#include "store/db.h"
#include "store/row_texts.h"

struct aps_delivery_row {
	bool is_begun; /* there is a row */
	bool is_sending;
	int64_t slot;     /* the process that sends it */
	int64_t lease_ms; /* Unix time until which it may take */
	int64_t n_attempts;
	int64_t n_counted;    /* of them those that count for the limit */
	int64_t n_rounds;     /* of a conflict's resolution */
	struct aps_str cause; /* of the last failure, JSON */
};

#define APS_DELIVERY_N_COLUMNS 7 /* from `sending` on, without the sum */

APS_BEGIN_DECLS

/* Where there is no row, all is 0. `texts` has the cause. */
enum aps_rc aps_delivery_find(struct aps_db *db, int64_t id, struct aps_delivery_row *delivery, struct aps_buf *texts,
                              struct aps_err *err);
enum aps_rc aps_delivery_save(struct aps_db *db, int64_t id, const struct aps_delivery_row *delivery,
                              struct aps_err *err);
/* It is being sent; what was counted stays. */
enum aps_rc aps_delivery_mark(struct aps_db *db, int64_t id, int64_t slot, int64_t lease_ms, int64_t n_attempts,
                              struct aps_err *err);
/* It surely wasn't executed. */
enum aps_rc aps_delivery_unmark(struct aps_db *db, int64_t id, struct aps_err *err);
/* The numbers and the cause are those of `counts`; whether it is being sent stays. */
enum aps_rc aps_delivery_count(struct aps_db *db, int64_t id, const struct aps_delivery_row *counts,
                               struct aps_err *err);
/* Where there is none, nothing happens. */
enum aps_rc aps_delivery_forget(struct aps_db *db, int64_t id, struct aps_err *err);

int64_t aps_delivery_sum(int64_t id, const struct aps_delivery_row *delivery);
/* From the columns that begin with `sending`. */
void aps_delivery_take(struct aps_row_texts *texts, int column, struct aps_delivery_row *delivery);

APS_END_DECLS

#endif

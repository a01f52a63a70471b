/* How many mutations each owner has in the outbox, and how many dead letters, as the store keeps it: no row is read for
 * it, however many there are. They are counters (store/migrations.c), on the page of the sequence that every new
 * mutation writes to anyway. Whatever adds or removes rows changes them in the same transaction: outbox_rows.c,
 * dead_letters.c and owner_move.c. */
#ifndef APS_STORE_OUTBOX_COUNTS_H
#define APS_STORE_OUTBOX_COUNTS_H

#include "store/db.h"
#include "store/entry_id.h"

struct aps_outbox_counts {
	int64_t n_queued, n_dead;
};

enum aps_outbox_counted { APS_OUTBOX_QUEUED, APS_OUTBOX_DEAD };

APS_BEGIN_DECLS

/* Of a new owner: nothing. In the caller's transaction, like all that writes here. */
enum aps_rc aps_outbox_counts_make(struct aps_db *db, int64_t owner, struct aps_err *err);
/* So many rows have come, or gone (< 0). */
enum aps_rc aps_outbox_counts_add(struct aps_db *db, int64_t owner, enum aps_outbox_counted what, int64_t n,
                                  struct aps_err *err);
/* Of an owner that is no more. */
enum aps_rc aps_outbox_counts_forget(struct aps_db *db, int64_t owner, struct aps_err *err);
/* What the store has of them. *is_whole false: they are damaged or lost, and were counted by the rows. */
enum aps_rc aps_outbox_counts_read(struct aps_db *db, int64_t owner, struct aps_outbox_counts *counts, bool *is_whole,
                                   struct aps_err *err);
/* The rows of a range, which takes as long as there are many. */
enum aps_rc aps_outbox_count(struct aps_db *db, struct aps_entry_range range, int64_t *n, struct aps_err *err);
enum aps_rc aps_dead_letters_count(struct aps_db *db, struct aps_entry_range range, int64_t *n, struct aps_err *err);
/* Likewise of an owner. */
enum aps_rc aps_outbox_counts_by_rows(struct aps_db *db, int64_t owner, struct aps_outbox_counts *counts,
                                      struct aps_err *err);
/* Those that are damaged are what the rows say from now on. */
enum aps_rc aps_outbox_counts_renew(struct aps_db *db, int64_t owner, struct aps_err *err);

APS_END_DECLS

#endif

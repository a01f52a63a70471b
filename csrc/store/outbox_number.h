/* The numbers of a store's mutations, optimistic layers and outcomes: one sequence, of which none is given twice; and
 * the nonce, by which ids of this store are told from those of another (store/entry_id.h). */
#ifndef APS_STORE_OUTBOX_NUMBER_H
#define APS_STORE_OUTBOX_NUMBER_H

#include "store/db.h"

APS_BEGIN_DECLS

/* In the caller's transaction, like all that writes here. */
enum aps_rc aps_outbox_next_number(struct aps_db *db, int64_t *number, struct aps_err *err);
/* The last one that was given. */
enum aps_rc aps_outbox_last_number(struct aps_db *db, int64_t *number, struct aps_err *err);
/* The next one is higher than `number`. */
enum aps_rc aps_outbox_pass_number(struct aps_db *db, int64_t number, struct aps_err *err);
/* For the start: "corrupt" where a mutation, an outcome or a layer has a higher number than the last one. A few rows of
 * each lane are looked at. */
enum aps_rc aps_outbox_check_numbers(struct aps_db *db, struct aps_err *err);
/* Another one: ids of the store that this one was, or is a copy of, meet nothing here. */
enum aps_rc aps_outbox_draw_nonce(struct aps_db *db, struct aps_err *err);
enum aps_rc aps_outbox_nonce(struct aps_db *db, uint32_t *nonce, struct aps_err *err);

APS_END_DECLS

#endif

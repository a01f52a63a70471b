/* The mutations that wait for the service, each with how its delivery stands. All that writes does so in the caller's
 * transaction. Errors are those of store/db.h; E_STORAGE "corrupt" also for a row with another sum: then the id that
 * was read stays in the row, so that a list can go on behind it (0: nothing could be read at all). */
#ifndef APS_STORE_OUTBOX_ROWS_H
#define APS_STORE_OUTBOX_ROWS_H

#include "store/delivery_rows.h"
#include "store/entry_id.h"
#include "store/outbox_entry.h"

/* What is read has its texts in a buffer of its own: they stay until the next row is read into it. */
struct aps_outbox_row {
	struct aps_outbox_entry entry;
	struct aps_delivery_row delivery;
	struct aps_buf texts;
};

APS_BEGIN_DECLS

void aps_outbox_row_init(struct aps_outbox_row *row);
void aps_outbox_row_clear(struct aps_outbox_row *row);

enum aps_rc aps_outbox_insert(struct aps_db *db, const struct aps_outbox_entry *entry, struct aps_err *err);
/* row->entry.id 0: there is none, here and below. */
enum aps_rc aps_outbox_find(struct aps_db *db, int64_t id, struct aps_outbox_row *row, struct aps_err *err);
/* In whatever lane it is. */
enum aps_rc aps_outbox_find_number(struct aps_db *db, int64_t number, struct aps_outbox_row *row, struct aps_err *err);
/* The one with the lowest id above `after` (0: the first one) of a lane, an owner or all. */
enum aps_rc aps_outbox_next(struct aps_db *db, struct aps_entry_range range, int64_t after, struct aps_outbox_row *row,
                            struct aps_err *err);
/* The next one above `after` that is being sent, by whoever. */
enum aps_rc aps_outbox_next_sending(struct aps_db *db, int64_t after, struct aps_outbox_row *row, struct aps_err *err);
/* The entry of this id is what `entry` says. */
enum aps_rc aps_outbox_update(struct aps_db *db, const struct aps_outbox_entry *entry, struct aps_err *err);
/* With its delivery. "corrupt" where there is none. */
enum aps_rc aps_outbox_remove(struct aps_db *db, int64_t id, struct aps_err *err);

/* Of a statement at a row that has all columns of the table in their order, and maybe more; without its delivery. */
enum aps_rc aps_outbox_read_entry(struct aps_stmt *stmt, struct aps_outbox_row *row, struct aps_err *err);

APS_END_DECLS

#endif

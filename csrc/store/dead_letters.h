/* Mutations that are not sent any more, with all that they had and why. In the caller's transaction; errors, and ids of
 * damaged rows, as in store/outbox_rows.h. */
#ifndef APS_STORE_DEAD_LETTERS_H
#define APS_STORE_DEAD_LETTERS_H

#include "store/entry_id.h"
#include "store/outbox_entry.h"

struct aps_death {
	int64_t n_attempts;
	int64_t died_ms;
	struct aps_str outcome; /* "refused", "unknown", "discarded", … */
	int64_t blocked_by;     /* the number of the one that it can't go without; 0: none */
	struct aps_str cause;   /* JSON */
};

/* What is read has its texts in a buffer of its own: they stay until the next one is read into it. */
struct aps_dead_letter {
	struct aps_outbox_entry entry;
	struct aps_death death;
	struct aps_buf texts;
};

APS_BEGIN_DECLS

void aps_dead_letter_init(struct aps_dead_letter *letter);
void aps_dead_letter_clear(struct aps_dead_letter *letter);

/* The entry of the outbox leaves it; its attempts are those of its delivery. */
enum aps_rc aps_dead_letters_bury(struct aps_db *db, int64_t id, const struct aps_death *death, struct aps_err *err);
/* Of one that isn't in the outbox. */
enum aps_rc aps_dead_letters_insert(struct aps_db *db, const struct aps_outbox_entry *entry,
                                    const struct aps_death *death, struct aps_err *err);
/* letter->entry.id 0: there is none, here and below. */
enum aps_rc aps_dead_letters_find(struct aps_db *db, int64_t id, struct aps_dead_letter *letter, struct aps_err *err);
enum aps_rc aps_dead_letters_find_number(struct aps_db *db, int64_t number, struct aps_dead_letter *letter,
                                         struct aps_err *err);
/* The one with the lowest id above `after` (0: the first one) of a lane, an owner or all. */
enum aps_rc aps_dead_letters_next(struct aps_db *db, struct aps_entry_range range, int64_t after,
                                  struct aps_dead_letter *letter, struct aps_err *err);
/* The same for those that are blocked by the one of a number. */
enum aps_rc aps_dead_letters_next_blocked(struct aps_db *db, int64_t number, int64_t after,
                                          struct aps_dead_letter *letter, struct aps_err *err);
/* Gives it back, and it is no dead letter any more: to be tried again. */
enum aps_rc aps_dead_letters_take(struct aps_db *db, int64_t id, struct aps_dead_letter *letter, struct aps_err *err);
/* Where there is none, nothing happens. */
enum aps_rc aps_dead_letters_discard(struct aps_db *db, int64_t id, struct aps_err *err);

/* Of a statement at a row that has all columns of the table in their order. */
enum aps_rc aps_dead_letters_read(struct aps_stmt *stmt, struct aps_dead_letter *letter, struct aps_err *err);

APS_END_DECLS

#endif

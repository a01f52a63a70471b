/* Whose mutations the outbox has: a number for each key prefix and identity. Unlike that of a part (store/parts.h) it
 * stays the same when the cache is cleared. Whatever writes here does so in the caller's transaction. */
#ifndef APS_STORE_OWNERS_H
#define APS_STORE_OWNERS_H

#include "base/buf.h"
#include "store/db.h"

struct aps_owner {
	int64_t id; /* 0: there is none */
	struct aps_str prefix, identity;
	struct aps_buf texts; /* where they are */
};

APS_BEGIN_DECLS

void aps_owner_init(struct aps_owner *owner);
void aps_owner_clear(struct aps_owner *owner);

/* *id 0: there is none. */
enum aps_rc aps_owners_find(struct aps_db *db, struct aps_str prefix, struct aps_str identity, int64_t *id,
                            struct aps_err *err);
/* For the start: "corrupt" where one is lost of whom there is something still. */
enum aps_rc aps_owners_check(struct aps_db *db, struct aps_err *err);
/* Where it is there, nothing happens. */
enum aps_rc aps_owners_make(struct aps_db *db, struct aps_str prefix, struct aps_str identity, int64_t *id,
                            struct aps_err *err);
/* The one with the lowest number above `after`. "corrupt": owner->id has the number of the one that is damaged, behind
 * which one can go on, or 0. */
enum aps_rc aps_owners_next(struct aps_db *db, int64_t after, struct aps_owner *owner, struct aps_err *err);
/* All that it has is that of another from now on, whom the outbox doesn't know yet. */
enum aps_rc aps_owners_rename(struct aps_db *db, int64_t id, struct aps_str prefix, struct aps_str identity,
                              struct aps_err *err);
/* Itself, without what it has (store/owner_move.h). */
enum aps_rc aps_owners_remove(struct aps_db *db, int64_t id, struct aps_err *err);

int64_t aps_owners_sum(int64_t id, struct aps_str prefix, struct aps_str identity);
/* What the sum of a row that is an owner's is combined with (exclusive or): so a row can become another's without being
 * read, and is nobody else's by accident. */
int64_t aps_owners_mark(int64_t id);

APS_END_DECLS

#endif

/* What can still be read of the outbox in a damaged store that was set aside, for the store in its place. A row comes
 * over with a right sum or not at all, and what doesn't is counted. */
#ifndef APS_STORE_SALVAGE_H
#define APS_STORE_SALVAGE_H

#include "store/db.h"

struct aps_salvage_count {
	int64_t n_copied;
	int64_t n_damaged; /* rows that were found and are not what was written, or whose owner isn't known any more */
	int64_t n_stretches; /* of the table that can't be read: nobody knows how many rows they had */
};

struct aps_salvage {
	bool is_readable; /* false: no tables could be found in the file; that of a store before the outbox has none */
	struct aps_salvage_count owners, outbox, deliveries, dead_letters, outcomes, ids;
	bool is_log_open;   /* the end of its log can't be read, and may have had more of each (store/log_end.h) */
	int64_t n_in_doubt; /* mutations that are marked as being sent because their delivery was lost */
};

APS_BEGIN_DECLS

/* From the file, which nobody has open any more, with its log, if it has one beside it; to `db` in the caller's
 * transaction, before anything is queued there. Mutations keep their numbers and order, and go by new ids, by the nonce
 * of the new store; those that were being sent are so still: in doubt. Where rows about deliveries are lost, the first
 * one of each lane is in doubt, too: that is the one which may have been sent. Of the outcomes those that were not
 * told. Errors are those of `db`, and E_NOMEM; damage is none. */
enum aps_rc aps_salvage_run(const char *path, struct aps_db *db, struct aps_salvage *salvage, struct aps_err *err);
/* Something of mutations is lost. */
bool aps_salvage_has_losses(const struct aps_salvage *salvage);

APS_END_DECLS

#endif

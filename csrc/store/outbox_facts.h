/* What is known of an outbox beside its rows: bits, each kept for good once it was noted. In the caller's transaction.
 */
#ifndef APS_STORE_OUTBOX_FACTS_H
#define APS_STORE_OUTBOX_FACTS_H

#include "store/db.h"

enum aps_outbox_fact {
	/* The service has executed a mutation that expected an older version than the record had: it merges conflicts.
	 */
	APS_OUTBOX_FACT_MERGES = 1,
	APS_OUTBOX_FACT_BY_ENTITY = 2 /* several mutations of a lane were sent beside one another */
};

APS_BEGIN_DECLS

enum aps_rc aps_outbox_facts_note(struct aps_db *db, enum aps_outbox_fact fact, struct aps_err *err);
enum aps_rc aps_outbox_facts_read(struct aps_db *db, unsigned *facts, struct aps_err *err);

/* The process with this slot sends what an owner has queued, and can't reach the service; 0: none says so. */
enum aps_rc aps_outbox_away_note(struct aps_db *db, int64_t owner, int64_t slot, struct aps_err *err);
enum aps_rc aps_outbox_away_read(struct aps_db *db, int64_t owner, int64_t *slot, struct aps_err *err);

APS_END_DECLS

#endif

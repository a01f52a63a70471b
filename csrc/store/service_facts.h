/* What was seen of the service that a store's mutations go to. In the caller's transaction. */
#ifndef APS_STORE_SERVICE_FACTS_H
#define APS_STORE_SERVICE_FACTS_H

#include "store/db.h"

APS_BEGIN_DECLS

/* It has executed a mutation that expected an older version than the record had: it merges conflicts. */
enum aps_rc aps_service_facts_note_merge(struct aps_db *db, struct aps_err *err);
enum aps_rc aps_service_facts_merges(struct aps_db *db, bool *merges, struct aps_err *err);

APS_END_DECLS

#endif

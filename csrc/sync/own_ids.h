/* Ids that were made here, as hashes: the last ones, at least APS_OWN_IDS_HALF and at most twice as many. Each is asked
 * for once: the first mutation that makes a record of it takes it. Pure. */
#ifndef APS_SYNC_OWN_IDS_H
#define APS_SYNC_OWN_IDS_H

#include "base/str.h"

#define APS_OWN_IDS_HALF 50000

struct aps_own_ids_set {
	uint64_t *slots;
	size_t n_slots, n_used;
};

/* Zero-initialize it. */
struct aps_own_ids {
	struct aps_own_ids_set young, old;
};

APS_BEGIN_DECLS

/* Twice is legal; it can be used again. */
void aps_own_ids_clear(struct aps_own_ids *ids);
/* Where memory is out it isn't known. */
void aps_own_ids_add(struct aps_own_ids *ids, struct aps_str id);
/* Whether it is one; from then on it isn't. */
bool aps_own_ids_take(struct aps_own_ids *ids, struct aps_str id);

APS_END_DECLS

#endif

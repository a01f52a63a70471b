/* What was told anew of entries, with several processes on one store: what memory knew of that is dropped with whatever
 * another process commits (client/vault.h), and entries that are read again are as new as the newest that was told of
 * any with the same bits of their numbers: answers that were asked for before yield to them. @thread core */
#ifndef APS_CLIENT_PARTITION_TOLD_H
#define APS_CLIENT_PARTITION_TOLD_H

#include "cache/entry.h"
#include "client/vault.h"

/* Of a partition. */
struct aps_partition_told {
	uint32_t moments[APS_TOLD_BUCKETS]; /* of entries that aren't in memory any more; 0: nothing was told of them */
};

APS_BEGIN_DECLS

void aps_partition_told_use(const struct aps_partition_told *told, struct aps_entries *entries);
/* What others have told at this moment: vault->others_telling. */
void aps_partition_told_heed(struct aps_partition_told *told, const struct aps_vault *vault, uint32_t moment);
/* The write that is open has changed this one. `moment`: of that; 0: it tells nothing. */
void aps_partition_told_note(struct aps_partition_told *told, struct aps_vault *vault, uint64_t number,
                             uint32_t moment);

APS_END_DECLS

#endif

/* What was told anew of a partition's entries, with several processes on one store: what memory knew of that is dropped
 * with whatever another process commits (client/vault.h), and entries that are read again are as new as the newest that
 * was told of any with the same bits of their numbers, lists as the newest of all: answers that were asked for before
 * yield to them. @thread core
 */
#ifndef APS_CLIENT_TOLD_MOMENTS_H
#define APS_CLIENT_TOLD_MOMENTS_H

#include "client/vault.h"

struct aps_told_moments {
	uint32_t at[APS_TOLD_BUCKETS + 1]; /* of the partition (client/partition.h); the last one: of any; 0: none */
};

APS_BEGIN_DECLS

/* What others have told. */
void aps_told_moments_heed(struct aps_told_moments *moments, const struct aps_told *told, uint32_t moment);
/* A write of this moment (0: it tells nothing) has changed that entry: others are told with its transaction. */
void aps_told_moments_note(struct aps_told_moments *moments, struct aps_vault *vault, uint64_t number, uint32_t moment);

APS_END_DECLS

#endif

/* What was told anew of entries, with several processes on one store: what memory knew of that is dropped with whatever
 * another process commits (client/vault.h), and entries that are read again are as new as the newest that was told of
 * any with the same bits of their numbers: answers that were asked for before yield to them. @thread core */
#ifndef APS_CLIENT_PARTITION_TOLD_H
#define APS_CLIENT_PARTITION_TOLD_H

#include "client/partition.h"

APS_BEGIN_DECLS

void aps_partition_use_told(struct aps_partition *partition);
/* What others have told: vault->others_telling. */
void aps_partition_heed_told(struct aps_partition *partition);
/* The write that is open has changed this one. */
void aps_partition_note_told(struct aps_partition *partition, uint64_t number);

APS_END_DECLS

#endif

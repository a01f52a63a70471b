#include "client/partition_told.h"

void aps_partition_use_told(struct aps_partition *partition)
{
	partition->cache.entries.told_moments = partition->told_moments;
	partition->cache.entries.n_told_moments = APS_TOLD_BUCKETS;
}

void aps_partition_heed_told(struct aps_partition *partition)
{
	uint32_t moment = ++partition->moment;
	for (unsigned i = 0; i < APS_TOLD_BUCKETS; i++)
		if (aps_told_has(&partition->vault->others_telling, i)) partition->told_moments[i] = moment;
}

/* In the transaction that is open. */
static void tell(struct aps_vault *vault, uint64_t number)
{
	if (!vault->tells) vault->telling = (struct aps_told){.bits = {0}};
	vault->tells = true;
	aps_told_add(&vault->telling, number);
}

void aps_partition_note_told(struct aps_partition *partition, uint64_t number)
{
	if (partition->write.moment == 0) return; /* it tells nothing */
	tell(partition->vault, number);
	if (partition->vault->has_others) partition->told_moments[number % APS_TOLD_BUCKETS] = partition->write.moment;
}

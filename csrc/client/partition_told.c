#include "client/partition_told.h"

void aps_partition_told_use(const struct aps_partition_told *told, struct aps_entries *entries)
{
	entries->told_moments = told->moments;
	entries->n_told_moments = APS_TOLD_BUCKETS;
}

void aps_partition_told_heed(struct aps_partition_told *told, const struct aps_vault *vault, uint32_t moment)
{
	for (unsigned i = 0; i < APS_TOLD_BUCKETS; i++)
		if (aps_told_has(&vault->others_telling, i)) told->moments[i] = moment;
}

void aps_partition_told_note(struct aps_partition_told *told, struct aps_vault *vault, uint64_t number, uint32_t moment)
{
	if (moment == 0) return;
	if (!vault->tells) vault->telling = (struct aps_told){.bits = {0}};
	vault->tells = true;
	aps_told_add(&vault->telling, number);
	if (vault->has_others) told->moments[number % APS_TOLD_BUCKETS] = moment;
}

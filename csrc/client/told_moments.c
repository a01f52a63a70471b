#include "client/told_moments.h"

void aps_told_moments_heed(struct aps_told_moments *moments, const struct aps_told *told, uint32_t moment)
{
	moments->at[APS_TOLD_BUCKETS] = moment;
	for (unsigned i = 0; i < APS_TOLD_BUCKETS; i++)
		if (aps_told_has(told, i)) moments->at[i] = moment;
}

/* While there are no others, nothing is dropped for their sake. */
void aps_told_moments_note(struct aps_told_moments *moments, struct aps_vault *vault, uint64_t number, uint32_t moment)
{
	if (moment == 0) return;
	vault->tells = true;
	aps_told_add(&vault->telling, number);
	if (vault->has_others) moments->at[number % APS_TOLD_BUCKETS] = moment;
}

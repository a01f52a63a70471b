#include "client/recent.h"

static size_t slot_of(uint64_t hash)
{
	return (size_t)((hash ^ hash >> 32) % APS_RECENT_SLOTS);
}

void aps_recent_clear(struct aps_recent *recent)
{
	*recent = (struct aps_recent){.slots = {{0, 0}}};
}

void aps_recent_note(struct aps_recent *recent, const struct aps_channel_change *change)
{
	if (change->hash != 0) recent->slots[slot_of(change->hash)] = *change;
}

uint64_t aps_recent_find(const struct aps_recent *recent, uint64_t hash)
{
	const struct aps_channel_change *change = &recent->slots[slot_of(hash)];
	return change->hash == hash ? change->entry : 0;
}

#include "sync/own_ids.h"

#include "base/mem.h"

#define FIRST_SLOTS ((size_t)64)
#define FREE        0
#define TAKEN       1 /* what lies behind it is still found */

static uint64_t hash_of(struct aps_str id)
{
	uint64_t hash = aps_str_hash(id, 0);
	return hash > TAKEN ? hash : hash + 2;
}

static void clear_set(struct aps_own_ids_set *set)
{
	aps_free(set->slots);
	*set = (struct aps_own_ids_set){.slots = NULL};
}

void aps_own_ids_clear(struct aps_own_ids *ids)
{
	clear_set(&ids->young);
	clear_set(&ids->old);
}

/* Its slot, or the free one behind which it isn't. */
static uint64_t *slot_of(const struct aps_own_ids_set *set, uint64_t hash)
{
	size_t at = (size_t)hash & (set->n_slots - 1);
	while (set->slots[at] != FREE && set->slots[at] != hash) at = (at + 1) & (set->n_slots - 1);
	return &set->slots[at];
}

static bool grow(struct aps_own_ids_set *set)
{
	struct aps_own_ids_set larger = {.n_slots = set->n_slots != 0 ? set->n_slots * 2 : FIRST_SLOTS};
	larger.slots = aps_calloc(larger.n_slots, sizeof *larger.slots);
	if (larger.slots == NULL) return false;
	for (size_t i = 0; i < set->n_slots; i++) {
		if (set->slots[i] <= TAKEN) continue;
		*slot_of(&larger, set->slots[i]) = set->slots[i];
		larger.n_used++;
	}
	clear_set(set);
	*set = larger;
	return true;
}

void aps_own_ids_add(struct aps_own_ids *ids, struct aps_str id)
{
	struct aps_own_ids_set *young = &ids->young;
	if (young->n_used >= APS_OWN_IDS_HALF) {
		clear_set(&ids->old);
		ids->old = *young;
		*young = (struct aps_own_ids_set){.slots = NULL};
	}
	if (young->n_used >= young->n_slots / 2 && !grow(young)) return;
	*slot_of(young, hash_of(id)) = hash_of(id);
	young->n_used++;
}

static bool take(const struct aps_own_ids_set *set, uint64_t hash)
{
	uint64_t *slot = set->n_slots != 0 ? slot_of(set, hash) : NULL;
	if (slot == NULL || *slot == FREE) return false;
	*slot = TAKEN;
	return true;
}

bool aps_own_ids_take(struct aps_own_ids *ids, struct aps_str id)
{
	uint64_t hash = hash_of(id);
	return take(&ids->young, hash) || take(&ids->old, hash);
}

#include "cache/changed.h"

#include "base/mem.h"

#include <string.h>

#define FIRST_SLOTS 64

void aps_changed_clear(struct aps_changed *changed)
{
	aps_free(changed->slots);
	*changed = (struct aps_changed){.slots = NULL};
}

/* Numbers of entries follow each other, and hashes are spread. */
static uint64_t *slot_of(const struct aps_changed *changed, uint64_t number)
{
	size_t mask = changed->n_slots - 1, at = (size_t)(number ^ number >> 32) & mask;
	while (changed->slots[at] != 0 && changed->slots[at] != number) at = (at + 1) & mask;
	return &changed->slots[at];
}

static bool grow(struct aps_changed *changed)
{
	struct aps_changed larger = {.n_slots = changed->n_slots == 0 ? FIRST_SLOTS : changed->n_slots * 2};
	larger.slots = aps_calloc(larger.n_slots, sizeof *larger.slots);
	if (larger.slots == NULL) return false;
	for (size_t i = 0; i < changed->n_slots; i++)
		if (changed->slots[i] != 0) *slot_of(&larger, changed->slots[i]) = changed->slots[i];
	aps_free(changed->slots);
	changed->slots = larger.slots;
	changed->n_slots = larger.n_slots;
	return true;
}

void aps_changed_add(struct aps_changed *changed, uint64_t number)
{
	if (number == 0 || changed->is_all) return;
	if (changed->n * 2 >= changed->n_slots && !grow(changed)) {
		changed->is_all = true;
		return;
	}
	uint64_t *slot = slot_of(changed, number);
	changed->n += *slot == 0;
	*slot = number;
	changed->seen |= APS_CHANGED_BIT(number);
}

bool aps_changed_is_empty(const struct aps_changed *changed)
{
	return changed->n == 0 && !changed->is_all;
}

bool aps_changed_has(const struct aps_changed *changed, uint64_t number)
{
	if (changed->is_all) return true;
	return (changed->seen & APS_CHANGED_BIT(number)) != 0 && *slot_of(changed, number) != 0;
}

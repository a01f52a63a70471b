#include "server/peer_table.h"

#include "base/mem.h"

#define SLOT_BITS       22u
#define SLOT_MASK       ((1u << SLOT_BITS) - 1u)
#define GENERATION_MASK 0x3fffffffu /* 22 + 30 bits stay below 2^53 */

static bool grow(struct aps_peer_table *table)
{
	size_t n = table->n_slots == 0 ? 64 : table->n_slots * 2;
	if (n > SLOT_MASK) return false;
	struct aps_peer **slots = aps_realloc(table->slots, n * sizeof(*slots));
	if (slots == NULL) return false;
	table->slots = slots;
	uint32_t *generations = aps_realloc(table->generations, n * sizeof(*generations));
	if (generations == NULL) return false;
	table->generations = generations;
	uint32_t *free_slots = aps_realloc(table->free_slots, n * sizeof(*free_slots));
	if (free_slots == NULL) return false;
	table->free_slots = free_slots;
	for (size_t i = n; i > table->n_slots; i--) {
		slots[i - 1] = NULL;
		generations[i - 1] = 1;
		free_slots[table->n_free++] = (uint32_t)(i - 1);
	}
	table->n_slots = n;
	return true;
}

bool aps_peer_table_add(struct aps_peer_table *table, struct aps_peer *peer)
{
	if (table->n_free == 0 && !grow(table)) return false;
	uint32_t slot = table->free_slots[--table->n_free];
	table->slots[slot] = peer;
	peer->id = ((uint64_t)table->generations[slot] << SLOT_BITS) | slot;
	return true;
}

struct aps_peer *aps_peer_table_get(const struct aps_peer_table *table, uint64_t id)
{
	uint64_t slot = id & SLOT_MASK;
	if (slot >= table->n_slots) return NULL;
	struct aps_peer *peer = table->slots[slot];
	return peer != NULL && peer->id == id ? peer : NULL;
}

void aps_peer_table_remove(struct aps_peer_table *table, uint64_t id)
{
	if (aps_peer_table_get(table, id) == NULL) return;
	uint32_t slot = (uint32_t)(id & SLOT_MASK);
	table->slots[slot] = NULL;
	table->generations[slot] = (table->generations[slot] + 1) & GENERATION_MASK;
	if (table->generations[slot] == 0) table->generations[slot] = 1;
	table->free_slots[table->n_free++] = slot;
}

void aps_peer_table_clear(struct aps_peer_table *table)
{
	aps_free(table->slots);
	aps_free(table->generations);
	aps_free(table->free_slots);
	*table = (struct aps_peer_table){0};
}

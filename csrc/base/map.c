#include "base/map.h"

#include "base/mem.h"

struct aps_map_entry {
	struct aps_map_entry *next;
	void *value;
	uint64_t hash;
	size_t n;
	char key[];
};

void aps_map_init(struct aps_map *map, uint64_t seed)
{
	*map = (struct aps_map){.seed = seed};
}

void aps_map_clear(struct aps_map *map)
{
	for (size_t i = 0; i < map->n_slots; i++) {
		struct aps_map_entry *entry = map->slots[i];
		while (entry != NULL) {
			struct aps_map_entry *next = entry->next;
			aps_free(entry);
			entry = next;
		}
	}
	aps_free(map->slots);
	aps_map_init(map, map->seed);
}

static struct aps_map_entry **find(const struct aps_map *map, struct aps_str key, uint64_t hash)
{
	struct aps_map_entry **at = &map->slots[hash & (map->n_slots - 1)];
	while (*at != NULL && !((*at)->hash == hash && aps_str_eq((struct aps_str){(*at)->key, (*at)->n}, key)))
		at = &(*at)->next;
	return at;
}

void *aps_map_get(const struct aps_map *map, struct aps_str key)
{
	if (map->n_items == 0) return NULL;
	struct aps_map_entry *entry = *find(map, key, aps_str_hash(key, map->seed));
	return entry != NULL ? entry->value : NULL;
}

static bool grow(struct aps_map *map)
{
	size_t n_slots = map->n_slots == 0 ? 8 : map->n_slots * 2;
	struct aps_map_entry **slots = aps_calloc(n_slots, sizeof(struct aps_map_entry *));
	if (slots == NULL) return false;
	for (size_t i = 0; i < map->n_slots; i++) {
		struct aps_map_entry *entry = map->slots[i];
		while (entry != NULL) {
			struct aps_map_entry *next = entry->next;
			entry->next = slots[entry->hash & (n_slots - 1)];
			slots[entry->hash & (n_slots - 1)] = entry;
			entry = next;
		}
	}
	aps_free(map->slots);
	map->slots = slots;
	map->n_slots = n_slots;
	return true;
}

bool aps_map_set(struct aps_map *map, struct aps_str key, void *value)
{
	APS_ASSERT(value != NULL);
	uint64_t hash = aps_str_hash(key, map->seed);
	struct aps_map_entry **at = map->n_items != 0 ? find(map, key, hash) : NULL;
	if (at != NULL && *at != NULL) {
		(*at)->value = value;
		return true;
	}
	if (map->n_items >= map->n_slots && !grow(map)) return false;
	at = find(map, key, hash);
	struct aps_map_entry *entry = aps_malloc(sizeof *entry + key.n);
	if (entry == NULL) return false;
	entry->next = NULL;
	entry->value = value;
	entry->hash = hash;
	entry->n = key.n;
	if (key.n != 0) memcpy(entry->key, key.p, key.n);
	*at = entry;
	map->n_items++;
	return true;
}

void *aps_map_take(struct aps_map *map, struct aps_str key)
{
	if (map->n_items == 0) return NULL;
	struct aps_map_entry **at = find(map, key, aps_str_hash(key, map->seed));
	struct aps_map_entry *entry = *at;
	if (entry == NULL) return NULL;
	void *value = entry->value;
	*at = entry->next;
	aps_free(entry);
	map->n_items--;
	return value;
}

bool aps_map_next(const struct aps_map *map, size_t *cursor, void **state, struct aps_str *key, void **value)
{
	struct aps_map_entry *entry = *cursor == 0 ? NULL : *state;
	while (entry == NULL) {
		if (*cursor >= map->n_slots) return false;
		entry = map->slots[(*cursor)++];
	}
	*state = entry->next;
	if (key != NULL) *key = (struct aps_str){entry->key, entry->n};
	if (value != NULL) *value = entry->value;
	return true;
}

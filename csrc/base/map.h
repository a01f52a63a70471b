/* Hash map from bytes to pointers. Keys are copied; values belong to the caller. The seed keeps a server from
 * choosing keys that collide. */
#ifndef APS_BASE_MAP_H
#define APS_BASE_MAP_H

#include "base/str.h"

struct aps_map_entry;

struct aps_map {
	struct aps_map_entry **slots;
	size_t n_slots;
	size_t n_items;
	uint64_t seed;
};

APS_BEGIN_DECLS

void aps_map_init(struct aps_map *map, uint64_t seed);
/* Frees keys and slots, not the values; twice is legal. */
void aps_map_clear(struct aps_map *map);
/* NULL when the key isn't there. */
void *aps_map_get(const struct aps_map *map, struct aps_str key);
/* Adds or replaces; false when memory is out, which replacing needs none of. `value` must not be NULL. */
bool aps_map_set(struct aps_map *map, struct aps_str key, void *value);
/* The value that was removed, or NULL. */
void *aps_map_take(struct aps_map *map, struct aps_str key);
/* Visits each entry once: start with *cursor = 0; false at the end. Taking the visited entry meanwhile is legal. */
bool aps_map_next(const struct aps_map *map, size_t *cursor, void **state, struct aps_str *key, void **value);

APS_END_DECLS

#endif

/* Objects of one kind by their number. */
#ifndef APS_CLIENT_TABLE_H
#define APS_CLIENT_TABLE_H

#include "base/map.h"

/* In place it begins with aps_map_init(&table.map, seed) and ends with aps_map_clear(). */
struct aps_table {
	struct aps_map map;
};

APS_BEGIN_DECLS

struct aps_table *aps_table_new(uint64_t seed);
/* The objects belong to the caller. */
void aps_table_free(struct aps_table *table);
void *aps_table_get(const struct aps_table *table, uint64_t id);
/* False: no memory. */
bool aps_table_set(struct aps_table *table, uint64_t id, void *object);
void *aps_table_take(struct aps_table *table, uint64_t id);
/* Visits each object once: start with *cursor = 0 and *state = NULL; NULL at the end. Taking the visited one is legal.
 */
void *aps_table_next(const struct aps_table *table, size_t *cursor, void **state);

APS_END_DECLS

#endif

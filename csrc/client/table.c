#include "client/table.h"

#include "base/mem.h"

struct aps_table *aps_table_new(uint64_t seed)
{
	struct aps_table *table = aps_calloc(1, sizeof *table);
	if (table != NULL) aps_map_init(&table->map, seed);
	return table;
}

void aps_table_free(struct aps_table *table)
{
	if (table == NULL) return;
	aps_map_clear(&table->map);
	aps_free(table);
}

static struct aps_str key_of(const uint64_t *id)
{
	return (struct aps_str){(const char *)id, sizeof *id};
}

void *aps_table_get(const struct aps_table *table, uint64_t id)
{
	return aps_map_get(&table->map, key_of(&id));
}

bool aps_table_set(struct aps_table *table, uint64_t id, void *object)
{
	return aps_map_set(&table->map, key_of(&id), object);
}

void *aps_table_take(struct aps_table *table, uint64_t id)
{
	return aps_map_take(&table->map, key_of(&id));
}

void *aps_table_next(const struct aps_table *table, size_t *cursor, void **state)
{
	void *object;
	return aps_map_next(&table->map, cursor, state, NULL, &object) ? object : NULL;
}

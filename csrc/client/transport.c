#include "client/transport.h"

const char **aps_transport_header_lines(struct aps_arena *arena, const struct aps_header_list *list)
{
	const char **lines = aps_arena_get(arena, (list->n_items + 1) * sizeof *lines);
	for (size_t i = 0; lines != NULL && i < list->n_items; i++) {
		const struct aps_header *header = &list->items[i];
		char *line = aps_arena_get(arena, header->name.n + header->value.n + 3);
		if (line == NULL) return NULL;
		memcpy(line, header->name.p, header->name.n);
		/* libcurl sends a header without a value only when a semicolon stands for the colon. */
		memcpy(line + header->name.n, header->value.n != 0 ? ": " : ";", header->value.n != 0 ? 2 : 1);
		if (header->value.n != 0) memcpy(line + header->name.n + 2, header->value.p, header->value.n);
		lines[i] = line;
	}
	return lines;
}

/* Bump allocator with a ceiling: all that belongs to one document or one message dies together. */
#ifndef APS_BASE_ARENA_H
#define APS_BASE_ARENA_H

#include "base/str.h"

struct aps_arena_block;

struct aps_arena {
	struct aps_arena_block *blocks;
	size_t used_bytes;
	size_t max_bytes;
};

APS_BEGIN_DECLS

void aps_arena_init(struct aps_arena *arena, size_t max_bytes);
/* Frees everything; twice is legal, and the arena can be used again. */
void aps_arena_clear(struct aps_arena *arena);
/* Zeroed memory, aligned for any object; NULL when memory or the ceiling is out. */
void *aps_arena_get(struct aps_arena *arena, size_t n_bytes);
/* A copy with a terminating zero that is not counted; {NULL, 0} when memory or the ceiling is out. */
struct aps_str aps_arena_dup(struct aps_arena *arena, struct aps_str text);

APS_END_DECLS

#endif

/* Bump allocator with a ceiling: all that belongs to one document or one message dies together. */
#ifndef APS_BASE_ARENA_H
#define APS_BASE_ARENA_H

#include "base/err.h"
#include "base/str.h"

struct aps_arena_block;

struct aps_arena {
	struct aps_arena_block *blocks;
	size_t used_bytes;
	size_t held_bytes; /* of its blocks, used or not */
	size_t max_bytes;
	enum aps_rc rc; /* why there was none: E_NOMEM, or E_TOO_BIG of the ceiling; OK while there was */
};

APS_BEGIN_DECLS

void aps_arena_init(struct aps_arena *arena, size_t max_bytes);
/* Frees everything; twice is legal, and the arena can be used again. */
void aps_arena_clear(struct aps_arena *arena);
/* Everything is gone, and some of the memory is kept. */
void aps_arena_reset(struct aps_arena *arena);
/* Zeroed memory, aligned for any object; NULL when memory or the ceiling is out: arena->rc tells which. */
void *aps_arena_get(struct aps_arena *arena, size_t n_bytes);
/* A copy with a terminating zero that is not counted; {NULL, 0} when memory or the ceiling is out. */
struct aps_str aps_arena_dup(struct aps_arena *arena, struct aps_str text);
/* After a NULL: E_NOMEM, or E_TOO_BIG, which is no lack of memory. `what` names what had no room: "the document". */
enum aps_rc aps_arena_fail(const struct aps_arena *arena, const char *what, struct aps_err *err);

APS_END_DECLS

#endif

#include "base/arena.h"

#include "base/mem.h"

#define BLOCK_BYTES ((size_t)4096)
#define ALIGN       _Alignof(max_align_t)

struct aps_arena_block {
	struct aps_arena_block *next;
	size_t used;
	size_t reached; /* before it was emptied: none of its bytes behind this and `used` was ever written */
	size_t size;
	_Alignas(max_align_t) char bytes[];
};

void aps_arena_init(struct aps_arena *arena, size_t max_bytes)
{
	*arena = (struct aps_arena){.max_bytes = max_bytes};
}

static void free_blocks(struct aps_arena_block *block)
{
	while (block != NULL) {
		struct aps_arena_block *next = block->next;
		aps_free_used(block, sizeof *block + (block->used > block->reached ? block->used : block->reached));
		block = next;
	}
}

void aps_arena_clear(struct aps_arena *arena)
{
	free_blocks(arena->blocks);
	aps_arena_init(arena, arena->max_bytes);
}

void aps_arena_reset(struct aps_arena *arena)
{
	struct aps_arena_block *block = arena->blocks;
	if (block == NULL || block->size > BLOCK_BYTES) {
		aps_arena_clear(arena); /* so that it doesn't stay as large as it was once */
		return;
	}
	free_blocks(block->next);
	block->next = NULL;
	if (block->used > block->reached) block->reached = block->used;
	block->used = 0;
	arena->used_bytes = 0;
	arena->held_bytes = sizeof *block + block->size;
	arena->rc = APS_OK;
}

static struct aps_arena_block *block_with_room(struct aps_arena *arena, size_t n_bytes)
{
	struct aps_arena_block *block = arena->blocks;
	if (block != NULL && block->size - block->used >= n_bytes) return block;
	size_t size = block != NULL ? block->size * 2 : BLOCK_BYTES;
	if (size > 64 * BLOCK_BYTES) size = 64 * BLOCK_BYTES;
	if (size < n_bytes) size = n_bytes;
	struct aps_arena_block *fresh = aps_malloc(sizeof *fresh + size);
	if (fresh == NULL) return NULL;
	fresh->next = block;
	fresh->used = fresh->reached = 0;
	fresh->size = size;
	arena->held_bytes += sizeof *fresh + size;
	arena->blocks = fresh;
	return fresh;
}

void *aps_arena_get(struct aps_arena *arena, size_t n_bytes)
{
	if (n_bytes > arena->max_bytes || arena->used_bytes > arena->max_bytes - n_bytes) {
		arena->rc = APS_E_TOO_BIG;
		return NULL;
	}
	size_t rounded = (n_bytes + ALIGN - 1) / ALIGN * ALIGN;
	struct aps_arena_block *block = block_with_room(arena, rounded);
	if (block == NULL) {
		arena->rc = APS_E_NOMEM;
		return NULL;
	}
	void *at = block->bytes + block->used;
	block->used += rounded;
	arena->used_bytes += rounded;
	memset(at, 0, rounded);
	return at;
}

struct aps_str aps_arena_dup(struct aps_arena *arena, struct aps_str text)
{
	char *copy = aps_arena_get(arena, text.n + 1);
	if (copy == NULL) return (struct aps_str){NULL, 0};
	if (text.n != 0) memcpy(copy, text.p, text.n);
	return (struct aps_str){copy, text.n};
}

enum aps_rc aps_arena_fail(const struct aps_arena *arena, const char *what, struct aps_err *err)
{
	if (arena->rc == APS_E_TOO_BIG)
		return aps_fail(err, APS_E_TOO_BIG, "%s would take more than %zu bytes", what, arena->max_bytes);
	return aps_fail(err, APS_E_NOMEM, "no memory for %s", what);
}

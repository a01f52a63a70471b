/* The allocator of the whole core. What is freed was wiped before, and so is the place that a growing block leaves:
 * no list of what may hold a secret has to be kept (docs/adr/0005-freed-memory-is-wiped.md). Test builds
 * (-DAPS_TESTING) count live blocks and can fail the nth allocation. */
#ifndef APS_BASE_MEM_H
#define APS_BASE_MEM_H

#include "base/macros.h"

#include <stdbool.h>

APS_BEGIN_DECLS

/* All return NULL when memory is out; aps_free(NULL) is legal. */
void *aps_malloc(size_t n_bytes) APS_NODISCARD;
void *aps_calloc(size_t n_items, size_t n_bytes) APS_NODISCARD;
void *aps_realloc(void *block, size_t n_bytes) APS_NODISCARD;
/* A copy of n bytes and a terminating zero. */
char *aps_strndup(const char *p, size_t n_bytes) APS_NODISCARD;
void aps_free(void *block);
/* Of a block that was written to no further than this. */
void aps_free_used(void *block, size_t n_used);

/* Gives memory that was freed back to the system, where the allocator keeps it. Takes milliseconds. */
void aps_mem_trim(void);

/* free(3) and realloc(3) that wipe, uncounted: for libraries that take an allocator. Any block of malloc(3) will do.
 */
void aps_mem_forget(void *block);
void *aps_mem_move(void *block, size_t n_bytes) APS_NODISCARD;

#ifdef APS_TESTING
/* The nth allocation from now (1 is the next) fails, once; 0 switches this off. */
void aps_mem_fail_at(size_t nth);
/* Whether that one was reached. */
bool aps_mem_has_failed(void);
/* Blocks that are allocated and not freed. */
size_t aps_mem_live(void);
/* Bytes that were wiped before they were freed. */
size_t aps_mem_wiped(void);
#endif

APS_END_DECLS

#endif

#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifdef __APPLE__
#include <malloc/malloc.h>
#define BLOCK_BYTES(block) malloc_size(block)
#else
#include <malloc.h>
#define BLOCK_BYTES(block) malloc_usable_size(block)
#endif

#ifdef APS_TESTING
static atomic_size_t live_blocks;
static atomic_size_t fail_countdown;
static atomic_bool has_failed;
static atomic_size_t wiped_bytes;

void aps_mem_fail_at(size_t nth)
{
	if (nth != 0) atomic_store(&has_failed, false);
	atomic_store(&fail_countdown, nth);
}

bool aps_mem_has_failed(void)
{
	return atomic_load(&has_failed);
}

size_t aps_mem_live(void)
{
	return atomic_load(&live_blocks);
}

size_t aps_mem_wiped(void)
{
	return atomic_load(&wiped_bytes);
}

static int must_fail(void)
{
	size_t left = atomic_load(&fail_countdown);
	while (left != 0) {
		if (!atomic_compare_exchange_weak(&fail_countdown, &left, left - 1)) continue;
		if (left == 1) atomic_store(&has_failed, true);
		return left == 1;
	}
	return 0;
}

static void *counted(void *block)
{
	if (block != NULL) atomic_fetch_add(&live_blocks, 1);
	return block;
}

#define MUST_FAIL()    must_fail()
#define COUNTED(block) counted(block)
#define UNCOUNT(block) ((block) != NULL ? (void)atomic_fetch_sub(&live_blocks, 1) : (void)0)
#define WIPED(n)       ((void)atomic_fetch_add(&wiped_bytes, (n)))
#else
#define MUST_FAIL()    0
#define COUNTED(block) (block)
#define UNCOUNT(block) ((void)0)
#define WIPED(n)       ((void)0)
#endif

void aps_mem_trim(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

void *aps_malloc(size_t n_bytes)
{
	if (MUST_FAIL()) return NULL;
	return COUNTED(malloc(n_bytes != 0 ? n_bytes : 1));
}

void *aps_calloc(size_t n_items, size_t n_bytes)
{
	if (MUST_FAIL()) return NULL;
	return COUNTED(calloc(n_items != 0 ? n_items : 1, n_bytes != 0 ? n_bytes : 1));
}

void *aps_realloc(void *block, size_t n_bytes)
{
	if (block == NULL) return aps_malloc(n_bytes);
	if (MUST_FAIL()) return NULL;
	return aps_mem_move(block, n_bytes != 0 ? n_bytes : 1);
}

char *aps_strndup(const char *p, size_t n_bytes)
{
	char *copy = aps_malloc(n_bytes + 1);
	if (copy == NULL) return NULL;
	if (n_bytes != 0) memcpy(copy, p, n_bytes);
	copy[n_bytes] = '\0';
	return copy;
}

void aps_free(void *block)
{
	UNCOUNT(block);
	aps_mem_forget(block);
}

void aps_free_used(void *block, size_t n_used)
{
	UNCOUNT(block);
	if (block != NULL) {
		explicit_bzero(block, n_used);
		WIPED(n_used);
	}
	free(block);
}

void aps_mem_forget(void *block)
{
	if (block != NULL) {
		explicit_bzero(block, BLOCK_BYTES(block));
		WIPED(BLOCK_BYTES(block));
	}
	free(block);
}

/* Not by realloc(3): it leaves the bytes where it copies a block, and that may be a large one too. */
void *aps_mem_move(void *block, size_t n_bytes)
{
	size_t n_before = block != NULL ? BLOCK_BYTES(block) : 0;
	if (block != NULL && n_bytes <= n_before) return block;
	void *fresh = malloc(n_bytes);
	if (fresh == NULL) return NULL;
	if (block != NULL) memcpy(fresh, block, n_before);
	aps_mem_forget(block);
	return fresh;
}

#include "server/reserve.h"

#include "base/mem.h"

#include <event2/event.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 2048u
#define N_BLOCKS    512u

struct block {
	union {
		struct block *next;
		max_align_t any;
		unsigned char bytes[BLOCK_BYTES];
	};
};

/* Of the process, as libevent's allocator is. */
static struct block *blocks;
static struct block *free_blocks;
static size_t n_used;
static atomic_flag lock = ATOMIC_FLAG_INIT;

static void acquire(void)
{
	while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire)) {
	}
}

static void release(void)
{
	atomic_flag_clear_explicit(&lock, memory_order_release);
}

static bool is_ours(const void *p)
{
	uintptr_t at = (uintptr_t)p;
	uintptr_t start = (uintptr_t)blocks;
	return at >= start && at < start + N_BLOCKS * sizeof(struct block);
}

static void *take_block(size_t n)
{
	if (n > BLOCK_BYTES) return NULL;
	acquire();
	struct block *block = free_blocks;
	if (block != NULL) {
		free_blocks = block->next;
		n_used++;
	}
	release();
	return block;
}

static void give_back(void *p)
{
	struct block *block = p;
	acquire();
	block->next = free_blocks;
	free_blocks = block;
	n_used--;
	release();
}

static void *allocate(size_t n)
{
	void *p = malloc(n);
	return p != NULL ? p : take_block(n);
}

static void deallocate(void *p)
{
	if (is_ours(p)) {
		give_back(p);
	} else {
		free(p);
	}
}

static void *reallocate(void *p, size_t n)
{
	if (p == NULL) return allocate(n);
	if (!is_ours(p)) return realloc(p, n);
	if (n <= BLOCK_BYTES) return p;
	void *larger = malloc(n);
	if (larger == NULL) return NULL;
	memcpy(larger, p, BLOCK_BYTES);
	give_back(p);
	return larger;
}

bool aps_reserve_install(void)
{
	if (blocks != NULL) return true;
	blocks = aps_malloc(N_BLOCKS * sizeof(*blocks));
	if (blocks == NULL) return false;
	for (size_t i = 0; i < N_BLOCKS; i++) {
		blocks[i].next = free_blocks;
		free_blocks = &blocks[i];
	}
	event_set_mem_functions(allocate, reallocate, deallocate);
	return true;
}

bool aps_reserve_is_low(void)
{
	acquire();
	bool is_low = n_used > N_BLOCKS / 2;
	release();
	return is_low;
}

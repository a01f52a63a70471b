#include "base/crowd.h"

#include <string.h>

/* What a chain may hold of the counted ones: twice its share, and some. */
#define ALLOWANCE 32
/* Of n texts in a chain each is compared with half of the others; one in eight of both sides is counted. */
#define COMPARED_EACH (APS_CROWD_EACH * APS_CROWD_EACH)
/* Then counting begins anew: most of them are gone, and a share of more would be too much. */
#define MAX_TEXTS (1u << 20)

static uint32_t hash_of_sample(struct aps_str text)
{
	uint32_t h = (uint32_t)text.n;
	size_t step = (text.n >> 5) + 1;
	for (size_t i = text.n; i >= step; i -= step) h ^= (h << 5) + (h >> 2) + (unsigned char)text.p[i - 1];
	return h;
}

static uint64_t hash_of_all(uint64_t seed, struct aps_str text)
{
	const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t h = seed ^ (text.n * odd);
	for (size_t i = 0; i < text.n; i += sizeof h) {
		uint64_t word = 0;
		memcpy(&word, text.p + i, text.n - i < sizeof word ? text.n - i : sizeof word);
		h = (h ^ word) * odd;
		h ^= h >> 29;
	}
	return h ^ h >> 32;
}

static void forget(struct aps_crowd *crowd)
{
	memset(crowd->known, 0, sizeof crowd->known);
	crowd->n_known = 0;
}

static bool is_known(struct aps_crowd *crowd, struct aps_str text)
{
	uint64_t h = hash_of_all(crowd->seed, text);
	uint64_t *word = &crowd->known[h % APS_CROWD_BITS / 64];
	uint64_t bit = UINT64_C(1) << h % 64;
	if ((*word & bit) != 0) return true;
	if (crowd->n_known == APS_CROWD_BITS / 2) forget(crowd); /* a full set would know everything */
	crowd->n_known++;
	*word |= bit;
	return false;
}

static void forget_all(struct aps_crowd *crowd)
{
	memset(crowd->n_in, 0, sizeof crowd->n_in);
	forget(crowd);
	crowd->n_texts = 0;
}

void aps_crowd_clear(struct aps_crowd *crowd)
{
	forget_all(crowd);
	crowd->n_compared = 0;
}

void aps_crowd_init(struct aps_crowd *crowd, uint64_t seed)
{
	aps_crowd_clear(crowd);
	crowd->seed = seed;
	crowd->dice = seed;
}

static uint32_t *chain_of(struct aps_crowd *crowd, struct aps_str text)
{
	return &crowd->n_in[hash_of_sample(text) % APS_CROWD_CHAINS];
}

uint64_t aps_crowd_add(struct aps_crowd *crowd, struct aps_str text)
{
	uint64_t n_compared = 0;
	if (crowd->n_texts == MAX_TEXTS) forget_all(crowd);
	crowd->n_texts++;
	uint32_t *n = chain_of(crowd, text);
	uint32_t allowed = ALLOWANCE + crowd->n_texts / (APS_CROWD_CHAINS / 2);
	if (*n >= allowed) {
		if (is_known(crowd, text)) return 0;
		n_compared = (uint64_t)(*n - allowed + 1) * COMPARED_EACH;
	}
	++*n;
	crowd->n_compared += n_compared;
	return n_compared;
}

void aps_crowd_drop(struct aps_crowd *crowd, struct aps_str text, uint64_t n_compared)
{
	--*chain_of(crowd, text);
	forget(crowd);
	crowd->n_compared -= n_compared;
}

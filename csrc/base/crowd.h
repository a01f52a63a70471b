/* Texts that crowd one chain of Lua's tables of strings. PUC Lua 5.1 hashes a sample of a long text, 5.3 does so where
 * a text is a key or has 32 to 40 bytes, and 5.1's hash of a short one is easily met on purpose as well (lstring.c,
 * luaS_newlstr): texts from outside can hold tens of thousands of strings that are all compared with each other.
 *
 * Counts, by the hash of 5.1, the comparisons that texts cost beyond what chance makes of so many. A text that comes
 * again is found and costs nothing. One text in eight is counted, as nobody outside can foresee: the hash takes time.
 */
#ifndef APS_BASE_CROWD_H
#define APS_BASE_CROWD_H

#include "base/str.h"

#include <stdbool.h>

#define APS_CROWD_EACH   8
#define APS_CROWD_CHAINS 4096
#define APS_CROWD_BITS   65536

struct aps_crowd {
	uint64_t n_compared; /* since it was cleared */
	uint64_t seed;
	uint64_t dice;
	uint32_t n_texts;
	uint32_t n_known;
	uint32_t n_in[APS_CROWD_CHAINS];
	uint64_t known[APS_CROWD_BITS / 64]; /* a bit for each text that came to a chain that was full */
};

APS_BEGIN_DECLS

/* `seed`: what nobody outside knows. */
void aps_crowd_init(struct aps_crowd *crowd, uint64_t seed);
/* Forgets all texts. */
void aps_crowd_clear(struct aps_crowd *crowd);
/* Whether the next text is one that is counted. */
static inline APS_UNUSED bool aps_crowd_is_due(struct aps_crowd *crowd)
{
	crowd->dice = crowd->dice * UINT64_C(6364136223846793005) + 1;
	return crowd->dice >> 32 < (UINT64_C(1) << 32) / APS_CROWD_EACH;
}

/* Counts a text; the comparisons that it adds, of all texts, by those that were counted. 0 unless its chain is full. */
uint64_t aps_crowd_add(struct aps_crowd *crowd, struct aps_str text);
/* Takes back a text that was just added, with what that said. Those before it may go with it: none is known any more.
 */
void aps_crowd_drop(struct aps_crowd *crowd, struct aps_str text, uint64_t n_compared);

APS_END_DECLS

#endif

#include "cache/ages.h"

#define EXACT      64
#define EXACT_BITS 6
#define STEPS_BITS 5 /* of the steps between an age and its double */

unsigned aps_age_class(uint64_t minutes)
{
	if (minutes < EXACT) return (unsigned)minutes;
	unsigned bits = 63 - (unsigned)__builtin_clzll(minutes);
	unsigned step = (unsigned)(minutes >> (bits - STEPS_BITS)) & ((1u << STEPS_BITS) - 1);
	unsigned age = EXACT + ((bits - EXACT_BITS) << STEPS_BITS) + step;
	return age < APS_N_AGES ? age : APS_N_AGES - 1;
}

unsigned aps_ages_cut(const struct aps_ages *ages, uint64_t n_bytes)
{
	unsigned age = APS_N_AGES;
	for (uint64_t n = 0; n < n_bytes && age > 0;) n += ages->bytes[--age];
	return age;
}

/* Randomness: the system's, and a seeded generator that is handed to the pure layers so that tests replay. */
#ifndef APS_BASE_RAND_H
#define APS_BASE_RAND_H

#include "base/macros.h"

#include <stdbool.h>

struct aps_rand {
	uint64_t state[4];
};

#define APS_UUID_CHARS 36

APS_BEGIN_DECLS

/* Bytes of the operating system's generator; false when it has none to give. */
bool aps_rand_system(void *bytes, size_t n_bytes);
/* From now on what the calling thread is given as the system's bytes follows from `seed`: a simulation replays. */
void aps_rand_simulate(uint64_t seed);
void aps_rand_simulate_end(void);
/* xoshiro256**, its state filled from `seed` by splitmix64. */
void aps_rand_init(struct aps_rand *rand, uint64_t seed);
/* Seeded by the system (by clock and address where that fails). */
void aps_rand_init_system(struct aps_rand *rand);
uint64_t aps_rand_u64(struct aps_rand *rand);
/* Uniform in [0, below); 0 when below is 0. */
uint64_t aps_rand_below(struct aps_rand *rand, uint64_t below);
/* A version 4 UUID (RFC 9562) in lower-case text, with a terminating zero. */
void aps_rand_uuid(struct aps_rand *rand, char text[APS_UUID_CHARS + 1]);

APS_END_DECLS

#endif

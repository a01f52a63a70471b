#include "base/rand.h"

#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static _Thread_local struct {
	bool is_on;
	struct aps_rand rand;
} simulated;

static void fill_simulated(char *at, size_t n_bytes)
{
	while (n_bytes != 0) {
		uint64_t word = aps_rand_u64(&simulated.rand);
		size_t chunk = n_bytes < sizeof word ? n_bytes : sizeof word;
		memcpy(at, &word, chunk);
		at += chunk;
		n_bytes -= chunk;
	}
}

bool aps_rand_system(void *bytes, size_t n_bytes)
{
	char *at = bytes;
	if (simulated.is_on) {
		fill_simulated(at, n_bytes);
		return true;
	}
	while (n_bytes != 0) {
		size_t chunk = n_bytes < 256 ? n_bytes : 256; /* getentropy(3) gives at most 256 bytes a call */
		if (getentropy(at, chunk) != 0) {
			if (errno == EINTR) continue;
			return false;
		}
		at += chunk;
		n_bytes -= chunk;
	}
	return true;
}

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void aps_rand_init(struct aps_rand *rand, uint64_t seed)
{
	for (int i = 0; i < 4; i++) rand->state[i] = splitmix(&seed);
}

void aps_rand_simulate(uint64_t seed)
{
	aps_rand_init(&simulated.rand, seed);
	simulated.is_on = true;
}

void aps_rand_simulate_end(void)
{
	simulated.is_on = false;
}

void aps_rand_init_system(struct aps_rand *rand)
{
	if (aps_rand_system(rand->state, sizeof rand->state)) return;
	aps_rand_init(rand, (uint64_t)aps_clock_wall_ms() ^ (uint64_t)(uintptr_t)rand);
}

static uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

uint64_t aps_rand_u64(struct aps_rand *rand)
{
	uint64_t *s = rand->state;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint64_t aps_rand_below(struct aps_rand *rand, uint64_t below)
{
	if (below == 0) return 0;
	uint64_t limit = UINT64_MAX - UINT64_MAX % below;
	uint64_t x;
	do x = aps_rand_u64(rand);
	while (x >= limit);
	return x % below;
}

void aps_rand_uuid(struct aps_rand *rand, char text[APS_UUID_CHARS + 1])
{
	uint64_t high = aps_rand_u64(rand);
	uint64_t low = aps_rand_u64(rand);
	high = (high & ~UINT64_C(0xf000)) | UINT64_C(0x4000);
	low = (low & ~(UINT64_C(3) << 62)) | (UINT64_C(2) << 62);
	snprintf(text, APS_UUID_CHARS + 1, "%08x-%04x-%04x-%04x-%04x%08x", (unsigned)(high >> 32),
	         (unsigned)(high >> 16) & 0xffffu, (unsigned)high & 0xffffu, (unsigned)(low >> 48),
	         (unsigned)(low >> 32) & 0xffffu, (unsigned)low);
}

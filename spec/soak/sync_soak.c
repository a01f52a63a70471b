/* The simulation of delta syncs of spec/csrc/sync by count: N= schedules from SEED= on; with VERBOSE=1 each is told. */
#include "base/mem.h"
#include "sync/sync_simulation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

static struct sync_simulation world;

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(void)
{
	uint64_t seed = number_of("SEED", 1), n = number_of("N", 100000);
	bool is_told = number_of("VERBOSE", 0) != 0;
	double began = seconds();
	printf("%" PRIu64 " schedules from seed %" PRIu64 "\n", n, seed);
	for (uint64_t i = 0; i < n; i++) {
		const char *violation = sync_simulation_run(&world, seed + i, is_told ? stdout : NULL);
		if (violation == NULL && aps_mem_live() != 0) violation = "memory is left";
		if (violation == NULL) continue;
		if (!is_told) sync_simulation_run(&world, seed + i, stdout);
		printf("SEED=%" PRIu64 ": %s (schedule %" PRIu64 ")\n", seed + i, violation, i + 1);
		return 1;
	}
	double took = seconds() - began;
	printf("%" PRIu64 " schedules, %.0f a second, %.1f steps each: %" PRIu64 " base passes, %" PRIu64
	       " delta passes, %" PRIu64 " events, %" PRIu64 " kills, %" PRIu64
	       " changes that no query could tell, %" PRIu64 " records that were told late\n",
	       n, (double)n / took, (double)world.n_steps / (double)n, world.n_base_passes, world.n_delta_passes,
	       world.n_events, world.n_kills, world.n_excused, world.n_late);
	return 0;
}

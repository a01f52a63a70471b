#include "sync/sync_simulation.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* SEED= and N=: of the first schedule, and how many. */
static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

static void run_schedules(uint64_t seed, uint64_t n)
{
	static struct sync_simulation world;
	print_message("%llu schedules from SEED=%llu\n", (unsigned long long)n, (unsigned long long)seed);
	for (uint64_t i = 0; i < n; i++) {
		const char *violation = sync_simulation_run(&world, seed + i, NULL);
		if (violation != NULL) {
			print_message("SEED=%llu N=1\n", (unsigned long long)(seed + i));
			sync_simulation_run(&world, seed + i, stdout);
		}
		assert_null(violation);
		assert_int_equal(aps_mem_live(), 0);
	}
	assert_true(n < 100 || (world.n_base_passes > 0 && world.n_delta_passes > 0 && world.n_events > 0));
}

static void after_each_schedule_the_store_has_what_the_service_has(void **state)
{
	(void)state;
	run_schedules(number_of("SEED", 1), number_of("N", 1500));
}

static void so_it_does_after_schedules_that_nobody_has_seen_yet(void **state)
{
	(void)state;
	struct aps_rand rand;
	aps_rand_init_system(&rand);
	run_schedules(number_of("SEED", aps_rand_u64(&rand) >> 1), number_of("N", 200));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(after_each_schedule_the_store_has_what_the_service_has),
	        cmocka_unit_test(so_it_does_after_schedules_that_nobody_has_seen_yet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

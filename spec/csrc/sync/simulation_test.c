#include "sync/simulation.h"

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

static void no_schedule_loses_doubles_or_reorders_a_mutation(void **state)
{
	(void)state;
	static struct simulation world;
	uint64_t seed = number_of("SEED", 1), n = number_of("N", 5000);
	print_message("seeds from %llu\n", (unsigned long long)seed);
	for (uint64_t i = 0; i < n; i++) {
		const char *violation = simulation_run(&world, seed + i, NULL);
		if (violation != NULL) simulation_run(&world, seed + i, stdout);
		assert_null(violation);
		assert_int_equal(aps_mem_live(), 0);
	}
	for (int outcome = APS_DELIVERY_ENDED_DONE; outcome < APS_DELIVERY_OUTCOME_COUNT; outcome++)
		assert_true(n < 100 || world.n_outcomes[outcome] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(no_schedule_loses_doubles_or_reorders_a_mutation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

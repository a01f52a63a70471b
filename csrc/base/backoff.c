#include "base/backoff.h"

int64_t aps_backoff_delay_ms(const struct aps_backoff_policy *policy, unsigned attempt, struct aps_rand *rand)
{
	int64_t bound = policy->base_ms < policy->cap_ms ? policy->base_ms : policy->cap_ms;
	if (bound <= 0) return 0;
	for (unsigned i = 0; i < attempt && bound < policy->cap_ms; i++)
		bound = bound > policy->cap_ms / 2 ? policy->cap_ms : bound * 2;
	return (int64_t)aps_rand_below(rand, (uint64_t)bound);
}

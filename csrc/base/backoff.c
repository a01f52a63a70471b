#include "base/backoff.h"

int64_t aps_backoff_delay_ms(const struct aps_backoff_policy *policy, unsigned attempt, struct aps_rand *rand)
{
	int64_t bound = policy->base_ms < policy->cap_ms ? policy->base_ms : policy->cap_ms;
	if (bound <= 0) return 0;
	for (unsigned i = 0; i < attempt && bound < policy->cap_ms; i++)
		bound = bound > policy->cap_ms / 2 ? policy->cap_ms : bound * 2;
	return (int64_t)aps_rand_below(rand, (uint64_t)bound);
}

int64_t aps_backoff_outage_ms(const struct aps_backoff_policy *policy, unsigned attempt, int64_t outage_ms,
                              int64_t took_ms, struct aps_rand *rand)
{
	struct aps_backoff_policy limited = *policy;
	int64_t limit_ms = outage_ms < APS_OUTAGE_MINUTE_MS ? APS_OUTAGE_YOUNG_MS : APS_OUTAGE_OLD_MS;
	if (limit_ms < policy->base_ms) limit_ms = policy->base_ms;
	if (limit_ms < limited.cap_ms) limited.cap_ms = limit_ms;
	int64_t delay_ms = aps_backoff_delay_ms(&limited, attempt, rand);
	if (took_ms <= 0) return delay_ms;
	return delay_ms > took_ms ? delay_ms - took_ms : aps_backoff_delay_ms(&limited, 0, rand);
}

int64_t aps_backoff_spread_ms(struct aps_rand *rand)
{
	return (int64_t)aps_rand_below(rand, APS_HINT_SPREAD_MS);
}

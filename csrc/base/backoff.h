/* How long to wait before the next attempt. Pure; randomness comes in. */
#ifndef APS_BASE_BACKOFF_H
#define APS_BASE_BACKOFF_H

#include "base/rand.h"

struct aps_backoff_policy {
	int64_t base_ms;     /* 100 */
	int64_t cap_ms;      /* 300000 */
	unsigned n_attempts; /* in all, the first included; 0: no limit */
};

APS_BEGIN_DECLS

/* Full jitter: uniform in [0, min(cap, base * 2^attempt)); attempt counts from 0. */
int64_t aps_backoff_delay_ms(const struct aps_backoff_policy *policy, unsigned attempt, struct aps_rand *rand);

APS_END_DECLS

#endif

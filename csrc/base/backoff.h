/* How long to wait before the next attempt. Pure; randomness comes in. */
#ifndef APS_BASE_BACKOFF_H
#define APS_BASE_BACKOFF_H

#include "base/rand.h"

struct aps_backoff_policy {
	int64_t base_ms;     /* 100 */
	int64_t cap_ms;      /* 300000 */
	unsigned n_attempts; /* in all, the first included; 0: no limit */
};

/* With the time that a connection takes, whatever is back is in use within 5 s, and later within 30 s. */
#define APS_OUTAGE_YOUNG_MS  4000
#define APS_OUTAGE_OLD_MS    25000
#define APS_OUTAGE_MINUTE_MS 60000
#define APS_HINT_SPREAD_MS   100

APS_BEGIN_DECLS

/* Full jitter: uniform in [0, min(cap, base * 2^attempt)); attempt counts from 0. */
int64_t aps_backoff_delay_ms(const struct aps_backoff_policy *policy, unsigned attempt, struct aps_rand *rand);
/* The same between two tries to reach what could not be reached, counted from the beginning of the first of them, which
 * took `took_ms`: one that hung is followed by the next one soon. `outage_ms`: for how long nothing had been reached
 * when it began. In the first minute the bound is APS_OUTAGE_YOUNG_MS at most, later APS_OUTAGE_OLD_MS; or the base,
 * where that is more. */
int64_t aps_backoff_outage_ms(const struct aps_backoff_policy *policy, unsigned attempt, int64_t outage_ms,
                              int64_t took_ms, struct aps_rand *rand);
/* Before a try that everybody makes for the same reason: uniform in [0, APS_HINT_SPREAD_MS). */
int64_t aps_backoff_spread_ms(struct aps_rand *rand);

APS_END_DECLS

#endif

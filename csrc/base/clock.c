#include "base/clock.h"

#include <stdbool.h>
#include <time.h>

static _Thread_local struct {
	bool is_standing;
	int64_t mono_ms;
	int64_t wall_ms;
} simulated;

static struct timespec read_clock(clockid_t id)
{
	struct timespec t = {0};
	clock_gettime(id, &t);
	return t;
}

static int64_t to_ms(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t aps_clock_mono_ms(void)
{
	if (simulated.is_standing) return simulated.mono_ms;
	return to_ms(read_clock(CLOCK_MONOTONIC));
}

double aps_clock_mono_s(void)
{
	if (simulated.is_standing) return (double)simulated.mono_ms / 1000.0;
	struct timespec t = read_clock(CLOCK_MONOTONIC);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double aps_clock_thread_s(void)
{
	if (simulated.is_standing) return (double)simulated.mono_ms / 1e3;
	struct timespec t = read_clock(CLOCK_THREAD_CPUTIME_ID);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int64_t aps_clock_wall_ms(void)
{
	if (simulated.is_standing) return simulated.wall_ms;
	return to_ms(read_clock(CLOCK_REALTIME));
}

void aps_clock_stand(int64_t mono_ms, int64_t wall_ms)
{
	simulated.is_standing = true;
	simulated.mono_ms = mono_ms;
	simulated.wall_ms = wall_ms;
}

void aps_clock_go_on(void)
{
	simulated.is_standing = false;
}

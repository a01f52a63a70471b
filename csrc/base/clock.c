#include "base/clock.h"

#include <time.h>

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
	return to_ms(read_clock(CLOCK_MONOTONIC));
}

double aps_clock_mono_s(void)
{
	struct timespec t = read_clock(CLOCK_MONOTONIC);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double aps_clock_thread_s(void)
{
	struct timespec t = read_clock(CLOCK_THREAD_CPUTIME_ID);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int64_t aps_clock_wall_ms(void)
{
	return to_ms(read_clock(CLOCK_REALTIME));
}

/* Deadlines in a binary heap. Pure: the clock is an argument. */
#ifndef APS_RT_TIMER_H
#define APS_RT_TIMER_H

#include "base/macros.h"

#include <stdbool.h>

/* Embedded in what waits. Zero-initialize it. */
struct aps_timer {
	int64_t at_ms;
	size_t index; /* place in the heap, from 1; 0: not armed */
	void (*due)(struct aps_timer *timer, void *context, int64_t now_ms);
};

struct aps_timers {
	struct aps_timer **heap;
	size_t n_items;
	size_t capacity;
};

APS_BEGIN_DECLS

void aps_timers_init(struct aps_timers *timers);
void aps_timers_clear(struct aps_timers *timers);
/* Arms or moves it; false when memory is out. Room once made is kept, so moving never fails. */
bool aps_timer_set(struct aps_timers *timers, struct aps_timer *timer, int64_t at_ms);
void aps_timer_stop(struct aps_timers *timers, struct aps_timer *timer);
/* Calls `due` of each timer whose time has come, in order; each is disarmed before its call. */
void aps_timers_run(struct aps_timers *timers, void *context, int64_t now_ms);
/* In its call: it comes a second late or more. The process stood still, and with it whatever in it was waited for. */
bool aps_timer_is_late(const struct aps_timer *timer, int64_t now_ms);
/* Milliseconds until the next one; 0 when it is due, -1 when there is none. */
int64_t aps_timers_left_ms(const struct aps_timers *timers, int64_t now_ms);

APS_END_DECLS

#endif

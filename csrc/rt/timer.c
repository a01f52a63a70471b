#include "rt/timer.h"

#include "base/mem.h"

#define LATE_MS 1000

void aps_timers_init(struct aps_timers *timers)
{
	*timers = (struct aps_timers){NULL, 0, 0};
}

void aps_timers_clear(struct aps_timers *timers)
{
	for (size_t i = 0; i < timers->n_items; i++) timers->heap[i]->index = 0;
	aps_free(timers->heap);
	aps_timers_init(timers);
}

static void put(struct aps_timers *timers, size_t at, struct aps_timer *timer)
{
	timers->heap[at] = timer;
	timer->index = at + 1;
}

static void sift_up(struct aps_timers *timers, size_t at)
{
	struct aps_timer *timer = timers->heap[at];
	while (at > 0) {
		size_t parent = (at - 1) / 2;
		if (timers->heap[parent]->at_ms <= timer->at_ms) break;
		put(timers, at, timers->heap[parent]);
		at = parent;
	}
	put(timers, at, timer);
}

static void sift_down(struct aps_timers *timers, size_t at)
{
	struct aps_timer *timer = timers->heap[at];
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= timers->n_items) break;
		if (child + 1 < timers->n_items && timers->heap[child + 1]->at_ms < timers->heap[child]->at_ms) child++;
		if (timers->heap[child]->at_ms >= timer->at_ms) break;
		put(timers, at, timers->heap[child]);
		at = child;
	}
	put(timers, at, timer);
}

bool aps_timer_set(struct aps_timers *timers, struct aps_timer *timer, int64_t at_ms)
{
	if (timer->index) {
		bool is_later = at_ms > timer->at_ms;
		timer->at_ms = at_ms;
		if (is_later)
			sift_down(timers, timer->index - 1);
		else
			sift_up(timers, timer->index - 1);
		return true;
	}
	if (timers->n_items == timers->capacity) {
		size_t capacity = timers->capacity ? timers->capacity * 2 : 16;
		struct aps_timer **heap = aps_realloc(timers->heap, capacity * sizeof(struct aps_timer *));
		if (!heap) return false;
		timers->heap = heap;
		timers->capacity = capacity;
	}
	timer->at_ms = at_ms;
	put(timers, timers->n_items, timer);
	sift_up(timers, timers->n_items++);
	return true;
}

void aps_timer_stop(struct aps_timers *timers, struct aps_timer *timer)
{
	if (!timer->index) return;
	size_t at = timer->index - 1;
	timer->index = 0;
	struct aps_timer *moved = timers->heap[--timers->n_items];
	if (moved == timer) return;
	put(timers, at, moved);
	sift_up(timers, at);
	sift_down(timers, moved->index - 1);
}

void aps_timers_run(struct aps_timers *timers, void *context, int64_t now_ms)
{
	while (timers->n_items && timers->heap[0]->at_ms <= now_ms) {
		struct aps_timer *timer = timers->heap[0];
		aps_timer_stop(timers, timer);
		timer->due(timer, context, now_ms);
	}
}

bool aps_timer_is_late(const struct aps_timer *timer, int64_t now_ms)
{
	return now_ms - timer->at_ms >= LATE_MS;
}

int64_t aps_timers_left_ms(const struct aps_timers *timers, int64_t now_ms)
{
	if (!timers->n_items) return -1;
	int64_t at_ms = timers->heap[0]->at_ms;
	return at_ms > now_ms ? at_ms - now_ms : 0;
}

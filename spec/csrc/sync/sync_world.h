/* A delta sync, its owner, a store that keeps its checkpoint as text, and two clocks. What it has asked for as text, an
 * action a line. */
#ifndef APS_SPEC_SYNC_SYNC_WORLD_H
#define APS_SPEC_SYNC_SYNC_WORLD_H

#include "base/mem.h"
#include "sync/delta_sync.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WORLD_BEGAN_MS INT64_C(1000000000000) /* of the service's clock: times are told from here */
#define HOUR_MS        INT64_C(3600000)
#define DAY_MS         (24 * HOUR_MS)

struct sync_world {
	struct aps_delta_sync sync;
	struct aps_delta_sync_options options;
	struct aps_rand rand;
	int64_t true_ms; /* the service's */
	int64_t jump_ms; /* by which the device's idea of it is ahead */
	int64_t mono_ms;
	struct aps_buf stored; /* the checkpoint */
	struct aps_buf said;
	struct aps_sync_actions actions; /* of the last event */
};

static const struct aps_delta_sync_options WORLD_OPTIONS = {
        .has_base = true,
        .has_delta = true,
        .has_subscription = true,
        .is_paged = true,
        .is_delta_paged = true,
        .interval_ms = DAY_MS,
        .window_ms = HOUR_MS,
        .poll_ms = 60000,
        .page_size = 100,
        .min_page_size = 10,
};

static inline void world_begin_run(struct sync_world *w)
{
	aps_delta_sync_init(&w->sync, &w->options, &w->rand);
	if (w->stored.n > 0) assert_true(aps_checkpoint_take(&w->sync.checkpoint, aps_buf_str(&w->stored)));
}

static inline struct sync_world *world_init(const struct aps_delta_sync_options *options)
{
	static struct sync_world world;
	world = (struct sync_world){.options = *options, .true_ms = WORLD_BEGAN_MS};
	aps_rand_init(&world.rand, 1);
	aps_buf_init(&world.stored, APS_BUF_ANY_SIZE);
	aps_buf_init(&world.said, APS_BUF_ANY_SIZE);
	world_begin_run(&world);
	return &world;
}

static inline void world_clear(struct sync_world *w)
{
	aps_delta_sync_clear(&w->sync);
	aps_buf_clear(&w->stored);
	aps_buf_clear(&w->said);
	assert_int_equal(aps_mem_live(), 0);
}

/* The process dies; another one begins with what the store has. */
static inline void world_kill(struct sync_world *w)
{
	aps_delta_sync_clear(&w->sync);
	world_begin_run(w);
}

static inline void world_store(struct sync_world *w, const struct aps_checkpoint *checkpoint)
{
	aps_buf_reset(&w->stored);
	aps_checkpoint_put(&w->stored, checkpoint);
	assert_int_equal(w->stored.rc, APS_OK);
}

static inline void world_say_time(struct sync_world *w, int64_t ms)
{
	if (ms == 0)
		aps_buf_add_text(&w->said, "never");
	else
		aps_buf_addf(&w->said, "%lld", (long long)(ms - WORLD_BEGAN_MS));
}

static inline void world_say_fetch(struct sync_world *w)
{
	const struct aps_sync_fetch *fetch = &w->sync.fetch;
	bool is_delta = fetch->query == APS_SYNC_DELTA_QUERY;
	aps_buf_addf(&w->said, "fetch %s", is_delta ? "delta since " : "base");
	if (is_delta) world_say_time(w, fetch->last_sync_ms);
	if (fetch->token.n > 0) aps_buf_addf(&w->said, " token=%.*s", (int)fetch->token.n, fetch->token.p);
	aps_buf_addf(&w->said, " size=%u\n", fetch->page_size);
}

static inline void world_say(struct sync_world *w)
{
	static const char *const LISTS[] = {"", " add", " begin", " show", " complete"};
	const struct aps_sync_actions *a = &w->actions;
	aps_buf_reset(&w->said);
	aps_buf_add_text(&w->said, "");
	if (a->unsubscribes) aps_buf_add_text(&w->said, "unsubscribe\n");
	if (a->subscribes) aps_buf_add_text(&w->said, "subscribe\n");
	if (a->abandons_fetch) aps_buf_add_text(&w->said, "abandon\n");
	if (a->saves) aps_buf_addf(&w->said, "save%s%s\n", a->begins_and_completes ? " begin" : "", LISTS[a->list]);
	if (a->forgets_before_ms != 0)
		aps_buf_addf(&w->said, "forget before %lld\n", (long long)(a->forgets_before_ms - WORLD_BEGAN_MS));
	if (a->fetches != APS_SYNC_NO_QUERY) world_say_fetch(w);
	if (a->drains) aps_buf_add_text(&w->said, "drain\n");
	if (a->warns_window) aps_buf_add_text(&w->said, "warn\n");
	if (a->timer == APS_SYNC_TIMER_ARM) aps_buf_addf(&w->said, "arm %lld\n", (long long)a->delay_ms);
	if (a->timer == APS_SYNC_TIMER_STOP) aps_buf_add_text(&w->said, "stop timer\n");
	if (a->tells) aps_buf_addf(&w->said, "tell %s\n", aps_sync_phase_name(w->sync.phase));
}

static inline const char *world_feed_event(struct sync_world *w, struct aps_sync_event event)
{
	event.now_ms = w->true_ms + w->jump_ms;
	event.mono_ms = w->mono_ms;
	bool keeps = event.kind == APS_SYNC_ON_SAVED && w->sync.is_saving && !w->sync.is_cleared;
	if (keeps) world_store(w, &w->sync.next);
	w->actions = aps_delta_sync_feed(&w->sync, &event);
	if (event.kind == APS_SYNC_ON_CLEARED) aps_buf_reset(&w->stored);
	world_say(w);
	return w->said.p;
}

static inline const char *world_feed(struct sync_world *w, enum aps_sync_event_kind kind)
{
	return world_feed_event(w, (struct aps_sync_event){.kind = kind});
}

/* A page that was made just now. */
static inline const char *world_answer(struct sync_world *w, uint64_t n_records, const char *token)
{
	struct aps_sync_event event = {.kind = APS_SYNC_ON_ANSWERED};
	event.page = (struct aps_sync_page_facts){
	        .n_records = n_records,
	        .n_bytes = n_records * 100,
	        .token = aps_str_of(token),
	        .server_ms = w->true_ms,
	        .is_start = true,
	        .took_ms = 50,
	};
	return world_feed_event(w, event);
}

static inline const char *world_fail(struct sync_world *w, enum aps_sync_event_kind kind,
                                     enum aps_sync_failure_kind failure, int64_t retry_after_ms)
{
	struct aps_sync_event event = {.kind = kind, .failure = {failure, retry_after_ms}};
	return world_feed_event(w, event);
}

static inline void world_pass_time(struct sync_world *w, int64_t ms)
{
	w->true_ms += ms;
	w->mono_ms += ms;
}

#endif

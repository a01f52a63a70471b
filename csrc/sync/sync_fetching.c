#include "sync/sync_fetching.h"

#include "sync/sync_hearing.h"

#define FAST_PAGE_MS 1000
#define FIT_PAGES    8   /* in a row, of a size below one that was too large: it is tried again */
#define SECOND_MS    999 /* what whole seconds leave out */
#define MAX_LATE     2   /* passes that are begun anew in a row: the window is shorter than what a page takes */
/* Tokens of one pass that are refused: so often it begins anew; where they may have been too old, more often. */
#define MAX_RESTARTS     3
#define MAX_OLD_RESTARTS 10
#define FRESH_MS         60000

bool aps_sync_may_fetch(const struct aps_sync_step *s)
{
	return s->sync->is_online && s->event->mono_ms >= s->sync->retry_at_ms;
}

void aps_sync_abandon_fetch(struct aps_sync_step *s)
{
	s->actions->abandons_fetch = s->sync->is_fetching;
	s->sync->is_fetching = false;
}

static int64_t since_ms(const struct aps_delta_sync *sync)
{
	return sync->is_inside ? sync->checkpoint.base.since_ms : sync->checkpoint.last_sync_ms;
}

void aps_sync_run(struct aps_delta_sync *sync, enum aps_sync_query query, bool is_anew, bool is_inside)
{
	sync->running = query;
	sync->is_anew = is_anew;
	sync->is_inside = is_inside;
	if (query == APS_SYNC_BASE_QUERY) sync->wants_more = false;
}

/* The window is half over since what the open base pass knows. One that is too short for that isn't looked at again and
 * again. */
static bool needs_inside(const struct aps_sync_step *s, const struct aps_checkpoint *at)
{
	const struct aps_delta_sync *sync = s->sync;
	if (sync->running != APS_SYNC_BASE_QUERY || !sync->options.has_delta || sync->n_late >= MAX_LATE) return false;
	if (s->event->mono_ms - sync->polled_at_ms < APS_SYNC_MIN_RERUN_MS) return false;
	return aps_sync_elapsed_ms(s->event->now_ms, at->base.since_ms) >= sync->options.window_ms / 2;
}

static bool is_fresh(const struct aps_sync_step *s, enum aps_sync_query query)
{
	return s->event->mono_ms - s->sync->answered_at_ms[query] < FRESH_MS;
}

static void revise_base(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	const struct aps_checkpoint *at = &sync->checkpoint;
	int64_t now_ms = s->event->now_ms;
	if (sync->is_anew || at->base.began_ms == 0) return;
	bool is_hasty = is_fresh(s, APS_SYNC_BASE_QUERY); /* it is the window that is too short */
	bool is_known = !s->is_straight && !s->event->is_guess && !(is_hasty && sync->n_late >= MAX_LATE);
	if (is_known && !aps_sync_is_recent(now_ms, at->base.since_ms, sync->options.window_ms)) {
		sync->is_anew = true;
		sync->n_late += is_hasty;
	} else if (!s->was_inside && needs_inside(s, at)) {
		aps_sync_run(sync, APS_SYNC_DELTA_QUERY,
		             !aps_sync_delta_goes_on(&sync->options, at, at->base.since_ms, now_ms), true);
	}
}

static void revise_delta(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	const struct aps_checkpoint *at = &sync->checkpoint;
	int64_t now_ms = s->event->now_ms;
	if (s->is_straight) return;
	if (!sync->is_anew && aps_sync_delta_goes_on(&sync->options, at, since_ms(sync), now_ms)) return;
	bool is_open = !sync->is_anew && at->delta.token.n != 0 && at->delta.since_ms == since_ms(sync);
	if (is_open && is_fresh(s, APS_SYNC_DELTA_QUERY) && sync->n_late++ >= MAX_LATE) return; /* as above */
	bool is_late = sync->is_inside ? !aps_sync_is_recent(now_ms, since_ms(sync), sync->options.window_ms)
	                               : aps_sync_delta_is_late(&sync->options, at, now_ms);
	sync->is_anew = true;
	if (!is_late || !sync->options.has_base || s->event->is_guess) return;
	sync->n_late += sync->is_inside;
	aps_sync_run(sync, APS_SYNC_BASE_QUERY, true, false);
}

void aps_sync_revise(struct aps_sync_step *s)
{
	if (s->sync->running == APS_SYNC_BASE_QUERY)
		revise_base(s);
	else
		revise_delta(s);
}

static uint32_t page_size(const struct aps_delta_sync *sync, const struct aps_checkpoint *at, bool is_first)
{
	uint32_t size = sync->sizes[sync->running].next;
	if (sync->running != APS_SYNC_BASE_QUERY) return size;
	uint64_t max_records = aps_sync_max_records(&sync->options, at);
	uint64_t n_records = is_first ? 0 : at->base.n_records;
	return max_records > n_records && max_records - n_records < size ? (uint32_t)(max_records - n_records) : size;
}

bool aps_sync_begins(const struct aps_delta_sync *sync)
{
	const struct aps_checkpoint *at = &sync->checkpoint;
	const struct aps_sync_pass *pass = sync->running == APS_SYNC_BASE_QUERY ? &at->base : &at->delta;
	return sync->is_anew || pass->token.n == 0;
}

void aps_sync_fetch(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	const struct aps_checkpoint *at = sync->is_saving ? &sync->next : &sync->checkpoint;
	bool is_base = sync->running == APS_SYNC_BASE_QUERY;
	const struct aps_sync_pass *pass = is_base ? &at->base : &at->delta;
	bool is_first = (sync->is_anew && !sync->is_saving) || pass->token.n == 0;
	sync->fetch = (struct aps_sync_fetch){.query = sync->running, .page_size = page_size(sync, at, is_first)};
	if (!is_first) sync->fetch.token = aps_buf_str(&pass->token);
	if (!is_base) sync->fetch.last_sync_ms = is_first ? since_ms(sync) : pass->since_ms;
	if (is_first) sync->has_gap = sync->options.has_subscription && !sync->is_subscribed;
	if (is_first) aps_sync_ask_for_missed(sync);
	if (is_first && is_base) sync->is_continuous = !sync->has_gap;
	sync->is_fetching = true;
	s->actions->fetches = sync->running;
}

void aps_sync_fetch_ahead(struct aps_sync_step *s)
{
	const struct aps_delta_sync *sync = s->sync;
	if (sync->is_fetching || sync->is_last || !aps_sync_may_fetch(s)) return;
	if (!needs_inside(s, &sync->next)) aps_sync_fetch(s);
}

/* The pass reaches further back than the journal does: what the page doesn't tell, nobody would. lastSync may be in
 * whole seconds, and a Date is. */
static bool is_out_of_window(const struct aps_delta_sync *sync, int64_t made_ms)
{
	const struct aps_sync_fetch *fetch = &sync->fetch;
	return fetch->query == APS_SYNC_DELTA_QUERY && fetch->last_sync_ms != 0 &&
	       aps_sync_elapsed_ms(made_ms, fetch->last_sync_ms) > sync->options.window_ms - SECOND_MS;
}

/* All that was changed before is known with this page. */
static int64_t known_ms(const struct aps_sync_page_facts *page, int64_t made_ms)
{
	int64_t ms = page->is_start ? made_ms : made_ms - page->took_ms - APS_SYNC_DATE_SLACK_MS;
	return ms > 0 ? ms : 1;
}

static void grow_page(struct aps_delta_sync *sync, int64_t took_ms)
{
	struct aps_sync_sizes *sizes = &sync->sizes[sync->fetch.query];
	uint32_t most = sync->options.page_size;
	if (took_ms >= FAST_PAGE_MS) return;
	if (sizes->limit > 0 && ++sizes->n_fit == FIT_PAGES) {
		sizes->limit = sizes->limit > most / 2 ? 0 : sizes->limit * 2;
		sizes->n_fit = 0;
	}
	if (sizes->limit > 0) most = sizes->limit;
	sizes->next = sizes->next > most / 2 ? most : sizes->next * 2;
}

static void keep_page(struct aps_sync_step *s, const struct aps_sync_progress *progress, int64_t made_ms)
{
	struct aps_delta_sync *sync = s->sync;
	sync->is_saving = true;
	sync->is_last = progress->is_last;
	sync->made_ms = made_ms;
	s->actions->saves = true;
	s->actions->list = progress->list;
	s->actions->begins_and_completes = progress->begins_and_completes;
	s->actions->forgets_before_ms = progress->forgets_before_ms;
}

bool aps_sync_answer(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	const struct aps_sync_page_facts *page = &s->event->page;
	if (!sync->is_fetching || sync->is_saving) return false;
	int64_t made_ms = page->server_ms > 0 ? page->server_ms : s->event->now_ms;
	if (made_ms <= 0) made_ms = 1;
	bool is_late = is_out_of_window(sync, page->is_start ? made_ms : made_ms + SECOND_MS); /* a Date */
	bool is_thrown_away = is_late && sync->options.has_base;
	if (!is_thrown_away) {
		const struct aps_sync_place place = {
		        .query = sync->fetch.query,
		        .is_first = sync->fetch.token.n == 0,
		        .is_inside = sync->is_inside,
		        .has_gap = sync->has_gap && !sync->is_unserved,
		        .since_ms = sync->fetch.last_sync_ms,
		        .made_ms = made_ms,
		        .known_ms = known_ms(page, made_ms),
		        .page = page,
		};
		struct aps_sync_progress progress;
		if (aps_sync_progress(&sync->next, &sync->checkpoint, &sync->options, &place, &progress,
		                      &s->actions->err) != APS_OK)
			return true;
		s->actions->warns_window = is_late && (place.is_first || !is_out_of_window(sync, sync->made_ms));
		keep_page(s, &progress, made_ms);
	}
	sync->is_fetching = false;
	sync->answered_at_ms[sync->fetch.query] = s->event->mono_ms;
	sync->n_failures = 0;
	sync->retry_at_ms = 0;
	sync->known_ms = made_ms;
	sync->known_at_ms = s->event->mono_ms;
	grow_page(sync, page->took_ms);
	if (!is_thrown_away) return true;
	sync->n_late += sync->is_inside;
	aps_sync_run(sync, APS_SYNC_BASE_QUERY, true, false);
	return true;
}

static bool shrink_page(struct aps_delta_sync *sync)
{
	const struct aps_delta_sync_options *options = &sync->options;
	struct aps_sync_sizes *sizes = &sync->sizes[sync->fetch.query];
	uint32_t least = options->min_page_size, size = sync->fetch.page_size;
	bool is_paged = sync->fetch.query == APS_SYNC_BASE_QUERY ? options->is_paged : options->is_delta_paged;
	if (!is_paged || size <= least) return false;
	sizes->next = sizes->limit = size / 2 > least ? size / 2 : least;
	sizes->n_fit = 0;
	return true;
}

static bool may_restart(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	if (sync->fetch.token.n == 0) return false;
	unsigned *n = is_fresh(s, sync->fetch.query) ? &sync->n_restarts : &sync->n_old_restarts;
	if (*n == (n == &sync->n_restarts ? MAX_RESTARTS : MAX_OLD_RESTARTS)) return false;
	++*n;
	return true;
}

bool aps_sync_fail_fetch(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	if (!sync->is_fetching || sync->is_saving) return false;
	sync->is_fetching = false;
	switch (s->event->failure.kind) {
	case APS_SYNC_FAILURE_TOO_LARGE:
		if (shrink_page(sync)) return true;
		break;
	case APS_SYNC_FAILURE_REFUSED:
		s->is_refused = !may_restart(s);
		sync->is_anew = true;
		return true;
	case APS_SYNC_FAILURE_NETWORK:
	case APS_SYNC_FAILURE_RETRY:
	case APS_SYNC_FAILURE_COUNT:
	default: break;
	}
	sync->retry_at_ms = aps_sync_retry_at_ms(sync->rand, &sync->n_failures, s->event->failure.retry_after_ms,
	                                         s->event->mono_ms);
	return true;
}

/* Devices that were started together don't ask together. What was due when this run began is asked for at once. */
static void spread_base_passes(struct aps_delta_sync *sync)
{
	sync->options.interval_ms += sync->options.interval_ms / 1000 * sync->jitter_permille;
	sync->jitter_permille = 0;
}

static void end_pass(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	const struct aps_checkpoint *now = &sync->checkpoint;
	sync->polled_at_ms = s->event->mono_ms;
	if (sync->is_inside) {
		s->is_straight = s->was_inside = true;
		aps_sync_run(sync, APS_SYNC_BASE_QUERY, false, false);
		return;
	}
	bool was_delta = sync->running == APS_SYNC_DELTA_QUERY;
	if (!was_delta) {
		sync->based_at_ms = s->event->mono_ms;
		sync->sizes[APS_SYNC_BASE_QUERY].limit = 0;
	}
	sync->n_late = 0;
	sync->n_restarts = sync->n_old_restarts = 0;
	aps_sync_run(sync, APS_SYNC_NO_QUERY, false, false);
	aps_sync_replan(s);
	/* The device's clock may have been behind. */
	if (was_delta && sync->options.has_base &&
	    aps_sync_elapsed_ms(sync->made_ms, now->base_ms) >= sync->options.interval_ms)
		aps_sync_run(sync, APS_SYNC_BASE_QUERY, true, false);
	spread_base_passes(sync);
}

bool aps_sync_save(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	if (!sync->is_saving) return false;
	sync->is_saving = false;
	if (sync->is_cleared) {
		sync->is_cleared = false;
		return true;
	}
	struct aps_checkpoint before = sync->checkpoint;
	sync->checkpoint = sync->next;
	sync->next = before;
	sync->is_anew = false;
	sync->n_unsaved = 0;
	s->is_straight = !sync->is_last;
	if (sync->is_last) end_pass(s);
	return true;
}

bool aps_sync_unsave(struct aps_sync_step *s)
{
	struct aps_delta_sync *sync = s->sync;
	if (!sync->is_saving) return false;
	sync->is_saving = false;
	if (sync->is_cleared) {
		sync->is_cleared = false;
		return true;
	}
	aps_sync_abandon_fetch(s);
	if (s->event->failure.kind == APS_SYNC_FAILURE_REFUSED) sync->is_anew = true;
	sync->n_failures = sync->n_unsaved; /* that the page had come ended those of fetches */
	sync->retry_at_ms = aps_sync_retry_at_ms(sync->rand, &sync->n_failures, s->event->failure.retry_after_ms,
	                                         s->event->mono_ms);
	sync->n_unsaved = sync->n_failures;
	return true;
}

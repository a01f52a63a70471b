#include "client/sync_work.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/collecting.h"
#include "client/reach.h"
#include "client/sync_answer.h"
#include "client/sync_between.h"
#include "client/sync_fetch.h"
#include "client/sync_follow.h"
#include "client/sync_gone.h"
#include "client/sync_hand.h"
#include "client/sync_hear.h"
#include "client/sync_keep.h"
#include "client/sync_lingering.h"
#include "client/sync_overtaken.h"
#include "client/sync_place.h"
#include "client/sync_quarantine.h"
#include "client/sync_tell.h"
#include "sync/page_check.h"

#define NEVER_MS        INT64_MAX
#define MAX_LOSSES      3     /* of the list that are followed by a base query, */
#define LOSSES_MS       60000 /* in such a time: a function that evicts it would have it fetched for ever */
#define SETTLED_MS      5000  /* then a journal has what was heard: a read of it may lag behind a write */
#define MAX_TURN_EVENTS 1024  /* what is taken in one turn before others have theirs */

/* Without a checkpoint, or with one that can't be read, the sync begins anew. */
static void load(struct aps_sync_run *run)
{
	struct aps_buf bad;
	struct aps_err err;
	aps_buf_init(&bad, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_sync_run_load(run, &err);
	if (rc == APS_OK) rc = aps_sync_quarantine_list(run, &bad, &err);
	if (rc != APS_OK) aps_vault_suspect(run->vault, &err);
	aps_buf_clear(&bad);
	if (aps_sync_place_is_lost(run)) aps_checkpoint_clear(&run->machine.checkpoint);
}

static void carry_out(struct aps_sync_run *run, const struct aps_sync_actions *actions)
{
	struct aps_core *core = run->core;
	if (actions->unsubscribes) aps_sync_hear_end(run);
	if (actions->subscribes) aps_sync_hear_begin(run);
	if (actions->abandons_fetch) aps_sync_fetch_abandon(run);
	if (actions->warns_window)
		aps_core_log(core, run->client->id, "warn",
		             "a delta sync asks for changes of more than delta_window (%lld s) ago, and has no base "
		             "query: the service may not know them all",
		             (long long)(run->machine.options.window_ms / 1000));
	/* it keeps its place: moving it never fails */
	if (actions->timer == APS_SYNC_TIMER_STOP) aps_timer_set(&core->timers, &run->timer, NEVER_MS);
	if (actions->timer == APS_SYNC_TIMER_ARM)
		aps_timer_set(&core->timers, &run->timer, aps_clock_mono_ms() + actions->delay_ms);
	if (actions->tells) run->has_changed = true;
	if (actions->drains) {
		run->hearing.is_draining = true;
		run->hearing.n_to_drain = run->hearing.n_events;
	}
	if (actions->fetches != APS_SYNC_NO_QUERY) aps_sync_fetch_begin(run);
	if (!actions->saves) return;
	aps_http_begin(core->http); /* the page that follows is on its way while this one is kept */
	if (run->settings->hands_over)
		aps_sync_hand_page(run, &run->fetching.taken);
	else
		aps_sync_keep_page(run, &run->fetching.taken, actions);
}

/* The service will never do it. */
static void stop_for(struct aps_sync_run *run)
{
	if (run->machine.phase != APS_SYNC_STOPPED || run->is_ended) return;
	aps_sync_give_up_name(run);
	aps_sync_keep_drop_page(run);
	run->reason = run->err;
	run->has_changed = true;
}

/* A base pass writes page after page. */
static void settle_bulk(struct aps_sync_run *run)
{
	bool is_bulk = run->vault != NULL && run->machine.phase == APS_SYNC_BASE;
	if (is_bulk && !run->is_bulk) aps_vault_begin_bulk(run->vault);
	if (!is_bulk && run->is_bulk) aps_vault_end_bulk(run->vault);
	run->is_bulk = is_bulk;
}

/* What was told in this turn is looked at when it ends: until then nothing is sent, either. */
static void heed_offline(struct aps_sync_run *run, enum aps_sync_event_kind kind)
{
	if ((kind != APS_SYNC_ON_DUE && kind != APS_SYNC_ON_MORE) || !run->machine.is_online) return;
	if (aps_reach_is_told_offline(run->core, run->client)) aps_sync_work_feed_kind(run, APS_SYNC_ON_OFFLINE);
}

bool aps_sync_work_feed(struct aps_sync_run *run, struct aps_sync_event *event)
{
	heed_offline(run, event->kind);
	event->now_ms = aps_sync_run_now_ms(run);
	event->mono_ms = aps_clock_mono_ms();
	event->is_guess = run->told_at_ms == 0;
	enum aps_sync_phase phase = run->machine.phase;
	const struct aps_sync_actions actions = aps_delta_sync_feed(&run->machine, event);
	if (actions.err.code != APS_OK) {
		run->err = actions.err;
		aps_core_log(run->core, run->client->id, "error", "a delta sync: %s", actions.err.msg);
		return false;
	}
	if (run->machine.phase != phase) run->has_changed = true;
	settle_bulk(run);
	if (run->machine.phase == APS_SYNC_LIVE || run->machine.phase == APS_SYNC_POLLING) run->is_whole = true;
	carry_out(run, &actions);
	if (phase != APS_SYNC_STOPPED) stop_for(run);
	return true;
}

void aps_sync_work_feed_kind(struct aps_sync_run *run, enum aps_sync_event_kind kind)
{
	struct aps_sync_event event = {.kind = kind};
	aps_sync_work_feed(run, &event);
}

/* Smaller pages, and a pass that begins anew, are no further try of the same. */
static void feed_counted(struct aps_sync_run *run, struct aps_sync_event *event)
{
	unsigned n_before = run->machine.n_failures;
	aps_sync_work_feed(run, event);
	if (run->machine.n_failures <= n_before || run->n_failed == UINT32_MAX) return;
	run->n_failed++;
	run->has_changed = true;
}

/* In this run or an earlier one: what is at the endpoint is a service that the sync works with. */
static bool has_kept_page(const struct aps_sync_run *run)
{
	const struct aps_checkpoint *c = &run->machine.checkpoint;
	return run->counts.n_pages != 0 || c->base.began_ms != 0 || c->base_ms != 0 || c->last_sync_ms != 0;
}

/* A device may be where a network answers in the place of the service, and leaves that again. */
static void warn_of_failure(const struct aps_sync_run *run, const struct aps_outcome *outcome)
{
	const char *what = NULL;
	if (run->settings->hands_over)
		what = "the catch_up query of a subscription failed, and is sent again";
	else if (aps_sync_fetch_is_foreign(outcome) && !outcome->response.err.retryable)
		what = "a delta sync got an answer that isn't GraphQL, and asks again";
	if (what != NULL && run->n_failed == 0)
		aps_core_log(run->core, run->client->id, "warn", "%s: %s", what, run->err.msg);
}

/* What has never worked: an endpoint that is misspelt, or a query of other things than a list. */
static bool is_misconfigured(const struct aps_sync_run *run, const struct aps_outcome *outcome)
{
	const char *word = outcome->response.err.word;
	bool is_elsewhere = aps_sync_fetch_is_foreign(outcome) && outcome->answer.status == 404;
	bool has_no_list = word != NULL && strcmp(word, APS_PAGE_NO_LIST) == 0;
	return (is_elsewhere || has_no_list) && !has_kept_page(run);
}

/* `is_for_good`: it would be the same next time. */
static void feed_failed(struct aps_sync_run *run, const struct aps_outcome *outcome, bool is_for_good)
{
	struct aps_sync_event event = {.kind = APS_SYNC_ON_FAILED};
	run->err = outcome->response.err;
	aps_sync_run_note_told(run, outcome->response.errors);
	bool has_token = run->machine.fetch.token.n != 0;
	run->is_unanswered = outcome->answer.status == 0;
	event.failure =
	        aps_sync_fetch_failure(outcome, has_token, aps_sync_fetch_doubts_token(run), aps_sync_run_now_ms(run));
	run->has_changed = true;
	if (is_misconfigured(run, outcome)) is_for_good = true;
	if (is_for_good) event.failure.kind = APS_SYNC_FAILURE_REFUSED;
	/* As of any other subscription: who isn't allowed to won't be. */
	bool is_forbidden = run->err.code == APS_E_AUTH && outcome->response.errors.n != 0;
	if (run->settings->hands_over && is_forbidden) event.failure.kind = APS_SYNC_FAILURE_REFUSED;
	if (event.failure.kind != APS_SYNC_FAILURE_REFUSED) warn_of_failure(run, outcome);
	feed_counted(run, &event);
}

/* Of the page behind it; empty: there is none. */
static struct aps_str next_token(const struct aps_sync_run *run, const struct aps_sync_answer *answer)
{
	bool is_delta = answer->query == APS_SYNC_DELTA_QUERY;
	const struct aps_sync_part *part = &run->settings->parts[is_delta ? APS_SYNC_PART_DELTA : APS_SYNC_PART_BASE];
	if (answer->is_told) return aps_buf_str(&answer->more);
	return part->token_variable != NULL ? answer->page.token : APS_STR(""); /* nobody could ask for it */
}

static void feed_page(struct aps_sync_run *run)
{
	struct aps_sync_answer *answer = &run->fetching.taken;
	int64_t date_ms = aps_sync_run_learn(run, &answer->outcome.answer), started_ms = answer->page.started_ms;
	struct aps_sync_event event = {
	        .kind = APS_SYNC_ON_ANSWERED,
	        .page = {.n_records = aps_page_count(&answer->page),
	                 .n_bytes = answer->outcome.response.data.n,
	                 .token = next_token(run, answer),
	                 .server_ms = started_ms != 0 ? started_ms : date_ms,
	                 .is_start = started_ms != 0,
	                 .took_ms = answer->took_ms},
	};
	aps_err_clear(&run->err);
	if (!aps_sync_work_feed(run, &event)) { /* no memory: it is asked for again */
		event = (struct aps_sync_event){.kind = APS_SYNC_ON_FAILED, .failure.kind = APS_SYNC_FAILURE_RETRY};
		run->circle = (struct aps_page_circle){.n_most = 0};
		feed_counted(run, &event);
	}
	if (answer->is_there) aps_sync_answer_clear(run, answer); /* it wasn't wanted */
}

/* True, and the answer's error says so: its pages would never end. */
static bool goes_in_a_circle(struct aps_sync_run *run, struct aps_sync_answer *answer)
{
	if (run->machine.fetch.token.n == 0) run->circle = (struct aps_page_circle){.n_most = 0};
	if (!aps_page_circle_closes(&run->circle, &answer->page, next_token(run, answer))) return false;
	aps_fail(&answer->outcome.response.err, APS_E_PROTOCOL,
	         "the pages of a sync lead in a circle: one has the records and the %s of a page before",
	         answer->is_told ? "next variables" : "nextToken");
	return true;
}

/* True: it was fed. */
static bool take_answer(struct aps_sync_run *run)
{
	struct aps_sync_answer *answer = &run->fetching.answer;
	if (!answer->is_there || run->machine.is_saving || run->keeping.is_busy) return false;
	if (run->settings->hands_over && run->hearing.n_to_drain != 0) return false; /* it comes after these */
	bool has_data = aps_sync_answer_read(run, answer);
	if (has_data && aps_sync_keep_asks_page(run, answer)) return false;
	has_data = has_data && answer->outcome.response.data.n != 0;
	run->fetching.taken = *answer;
	*answer = (struct aps_sync_answer){.is_there = false};
	answer = &run->fetching.taken;
	if (answer->more.rc != APS_OK) { /* it would be taken for the last page */
		aps_fail(&answer->outcome.response.err, APS_E_NOMEM, "out of memory");
		has_data = false;
	}
	bool is_circle = has_data && goes_in_a_circle(run, answer);
	if (has_data && !is_circle) {
		feed_page(run);
	} else {
		feed_failed(run, &answer->outcome, is_circle);
		aps_sync_answer_clear(run, answer);
	}
	return true;
}

static void complete(struct aps_sync_run *run)
{
	run->is_completed = true;
	aps_err_clear(&run->err);
	aps_sync_work_feed_kind(run, APS_SYNC_ON_STOP);
}

/* Where it begins live its first gap is told from this time on. */
static bool waits_for_time(struct aps_sync_run *run)
{
	if (run->machine.checkpoint.last_sync_ms != 0 || run->client->is_clock_told) return false;
	if (run->time_question.exchange != 0) return true;
	if (run->n_time_questions == 2) return false; /* the device's clock must do */
	return aps_sync_hand_ask_time(run);
}

/* What was heard before the end comes before it; once the service has completed it, what was missed does, too. */
static bool is_held_back(struct aps_sync_run *run)
{
	const struct aps_sync_hearing *hearing = &run->hearing;
	if (!run->settings->hands_over || !hearing->has_news) return false;
	if (hearing->standing != APS_SYNC_HAS_ENDED) return waits_for_time(run);
	bool is_catching_up = aps_delta_sync_holds_events(&run->machine);
	if (hearing->trouble.code == APS_OK && run->machine.is_subscribed && is_catching_up) return true;
	return hearing->first != NULL && !is_catching_up;
}

static void feed_ended(struct aps_sync_run *run)
{
	struct aps_sync_event event = {.kind = APS_SYNC_ON_ENDED};
	const struct aps_err *trouble = &run->hearing.trouble;
	struct aps_outcome outcome;
	if (run->settings->hands_over && trouble->code == APS_OK) {
		complete(run);
		return;
	}
	aps_outcome_init_err(&outcome, trouble);
	event.failure = aps_sync_fetch_failure(&outcome, false, false, aps_sync_run_now_ms(run));
	bool is_refused = aps_sync_hear_is_refused(run);
	if (run->settings->hands_over && trouble->code == APS_E_AUTH) is_refused = true; /* as any other */
	event.failure.kind = is_refused ? APS_SYNC_FAILURE_REFUSED : APS_SYNC_FAILURE_RETRY;
	if (is_refused) run->err = *trouble;
	if (!is_refused) aps_sync_work_feed_kind(run, APS_SYNC_ON_DELAYED); /* others find no socket, either */
	aps_sync_work_feed(run, &event);
}

/* What has become of the subscription since it was looked at last. True: something has. */
static bool take_standing(struct aps_sync_run *run)
{
	struct aps_sync_hearing *hearing = &run->hearing;
	if (is_held_back(run)) return false;
	bool has_news = hearing->has_news, was_lost = hearing->was_lost;
	bool has_missed = hearing->has_missed || hearing->has_untold;
	struct aps_sync_event missed = {.kind = APS_SYNC_ON_MISSED, .after_ms = hearing->has_missed ? 0 : SETTLED_MS};
	hearing->has_missed = hearing->has_untold = hearing->has_news = hearing->was_lost = false;
	if (was_lost && hearing->standing != APS_SYNC_HAS_ENDED) aps_sync_work_feed_kind(run, APS_SYNC_ON_LOST);
	if (has_news) {
		run->has_changed = true;
		switch (hearing->standing) {
		case APS_SYNC_STANDS: aps_sync_work_feed_kind(run, APS_SYNC_ON_SUBSCRIBED); break;
		case APS_SYNC_IS_DELAYED: aps_sync_work_feed_kind(run, APS_SYNC_ON_DELAYED); break;
		case APS_SYNC_HAS_ENDED: feed_ended(run); break;
		default: break;
		}
	}
	if (has_missed) aps_sync_work_feed(run, &missed);
	return has_missed || has_news;
}

static bool may_take(const struct aps_sync_run *run)
{
	return !run->keeping.is_busy && (!run->settings->hands_over || aps_sync_hand_has_room(run));
}

/* What a sync that hands over was told of before a loss; of another one, all that is held. */
static bool has_drained(const struct aps_sync_run *run)
{
	return run->settings->hands_over ? run->hearing.n_to_drain == 0 : run->hearing.first == NULL;
}

static bool take_events(struct aps_sync_run *run)
{
	struct aps_sync_hearing *hearing = &run->hearing;
	size_t n = 0;
	while (may_take(run) && hearing->first != NULL && n < MAX_TURN_EVENTS) {
		bool may_drain = run->settings->hands_over ? hearing->n_to_drain != 0 : hearing->is_draining;
		if (aps_delta_sync_holds_events(&run->machine) && !may_drain) break;
		if (run->settings->hands_over)
			aps_sync_hand_event(run, aps_sync_hear_take(run));
		else
			aps_sync_keep_event(run, aps_sync_hear_take(run));
		n++;
	}
	if (hearing->is_draining && !run->keeping.is_busy && has_drained(run)) {
		hearing->is_draining = run->is_behind_base = false;
		aps_sync_work_feed_kind(run, APS_SYNC_ON_DRAINED);
		return true;
	}
	return n != 0;
}

/* A page was written, and its transaction has ended. */
static void conclude_page(struct aps_sync_run *run)
{
	const struct aps_vault *vault = run->vault;
	bool is_kept = run->keeping.is_committed;
	if (!is_kept && vault != NULL && run->err.code == APS_OK)
		run->err = vault->trouble.code != APS_OK ? vault->trouble : vault->lost;
	run->has_changed = true;
	aps_sync_keep_conclude(run, is_kept && !run->is_cleared);
}

/* What was written in this turn is kept or isn't. */
static bool conclude(struct aps_sync_run *run)
{
	bool is_cleared = run->is_cleared;
	if (run->keeping.is_uncommitted && run->vault != NULL) aps_caching_commit(run->core, run->vault);
	bool has_ended = run->has_ended;
	run->has_ended = false;
	if (run->keeping.is_settled) conclude_page(run);
	bool is_page_over = run->keeping.is_over;
	if (is_cleared) { /* first: what comes of a page of what was there before doesn't matter */
		run->is_cleared = false;
		run->knows_tombstones = run->knows_bad = false;
		run->n_bad = 0;
		aps_sync_work_feed_kind(run, APS_SYNC_ON_CLEARED);
	}
	if (is_page_over) {
		struct aps_sync_event event = {.kind = run->keeping.is_kept ? APS_SYNC_ON_SAVED : APS_SYNC_ON_UNSAVED};
		if (run->keeping.is_kept) run->n_failed = 0;
		if (!run->keeping.is_kept) run->circle = (struct aps_page_circle){.n_most = 0};
		if (run->has_lost_list) {
			event.failure.kind = APS_SYNC_FAILURE_REFUSED;
			aps_core_log(run->core, run->client->id, "warn", "a delta sync begins its base query anew: %s",
			             run->err.msg);
		}
		run->keeping.is_over = run->has_lost_list = false;
		feed_counted(run, &event);
	}
	return has_ended || is_page_over || is_cleared;
}

/* What lingers in the list, and needn't any more, leaves it. */
static bool settle_lingering(struct aps_sync_run *run)
{
	if (run->keeping.is_busy || run->machine.is_saving || !aps_sync_lingering_is_over(run)) return false;
	aps_sync_keep_settle_lingering(run);
	return true;
}

/* What has left the list is asked about. */
static bool ask_gone(struct aps_sync_run *run)
{
	if (run->keeping.is_busy || run->machine.is_saving || !aps_sync_gone_is_due(run)) return false;
	aps_sync_keep_ask_gone(run);
	return true;
}

/* The turn that it begins looks. */
static void look_due(struct aps_timer *timer APS_UNUSED, void *context APS_UNUSED, int64_t now_ms APS_UNUSED)
{
}

/* True: it was lost too often. Without memory for the timer the next turn looks whether it is time. */
static bool puts_off_look(struct aps_sync_run *run)
{
	int64_t now_ms = aps_clock_mono_ms(), again_at_ms = run->lost_at_ms + LOSSES_MS;
	if (now_ms >= again_at_ms) run->n_lost = 0;
	if (run->n_lost < MAX_LOSSES) return false;
	if (run->look.index == 0) (void)aps_timer_set(&run->core->timers, &run->look, again_at_ms);
	return true;
}

/* Nobody may keep what comes in a list that isn't there. */
static bool look_at_list(struct aps_sync_run *run)
{
	if (!run->must_look || run->partition == NULL || run->machine.phase == APS_SYNC_STOPPED) return false;
	if (puts_off_look(run)) return false;
	run->must_look = false;
	if (!aps_sync_place_is_lost(run)) return false;
	if (run->n_lost == 0) run->lost_at_ms = aps_clock_mono_ms();
	run->n_lost++;
	aps_core_log(run->core, run->client->id, run->n_lost < MAX_LOSSES ? "warn" : "error",
	             "a delta sync begins its base query anew: its list isn't in the cache any more%s",
	             run->n_lost < MAX_LOSSES ? ""
	                                      : "; the application evicts or overwrites it again and again: it isn't "
	                                        "fetched again for a minute");
	aps_sync_work_feed_kind(run, APS_SYNC_ON_CLEARED);
	return true;
}

/* One that is stopped doesn't follow what becomes of the cache: its checkpoint says nothing. */
static bool save_owed(struct aps_sync_run *run)
{
	struct aps_err err;
	if (run->machine.phase == APS_SYNC_STOPPED) run->owes_checkpoint = false;
	if (!run->owes_checkpoint || run->machine.is_saving || run->vault == NULL) return false;
	run->is_owing_open = true;
	run->owes_checkpoint = aps_sync_run_save(run, &run->machine.checkpoint, &err) != APS_OK;
	if (run->owes_checkpoint) aps_vault_suspect(run->vault, &err);
	return !run->owes_checkpoint;
}

static bool leads(const struct aps_sync_run *run)
{
	return run->vault == NULL || aps_vault_leads(run->vault);
}

/* What has the try isn't stopped by what it tries. */
static bool look_at_reach(struct aps_sync_run *run)
{
	bool is_online = aps_reach_is_online(run->core, run->client) && leads(run);
	run->is_probing = run->is_probing && run->fetching.is_under_way;
	if (run->is_probing || is_online == run->machine.is_online) return false;
	aps_sync_work_feed_kind(run, is_online ? APS_SYNC_ON_ONLINE : APS_SYNC_ON_OFFLINE);
	return true;
}

bool aps_sync_work_probe(struct aps_sync_run *run)
{
	if (run->machine.phase != APS_SYNC_WAITING || run->fetching.is_under_way || run->fetching.answer.is_there)
		return false;
	if (!leads(run)) return false;
	aps_sync_work_feed_kind(run, APS_SYNC_ON_ONLINE);
	if (run->machine.phase == APS_SYNC_DRAINING) (void)take_events(run);            /* before a pass begins */
	if (!run->fetching.is_under_way) aps_sync_work_feed_kind(run, APS_SYNC_ON_DUE); /* its time may have come */
	run->is_probing = run->fetching.is_under_way;
	if (!run->is_probing) aps_sync_work_feed_kind(run, APS_SYNC_ON_OFFLINE);
	return run->is_probing;
}

static void hint_due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms APS_UNUSED)
{
	struct aps_sync_run *run = APS_CONTAINER_OF(timer, struct aps_sync_run, hint);
	bool is_online = aps_reach_is_online(run->core, run->client) && leads(run);
	if (is_online) aps_sync_work_feed_kind(run, APS_SYNC_ON_ONLINE);
}

/* Without a connection reach has the tries. */
void aps_sync_work_hint(struct aps_sync_run *run)
{
	bool waits = run->machine.n_failures != 0 || run->machine.phase == APS_SYNC_WAITING;
	int64_t spread_ms = aps_backoff_spread_ms(&run->core->rand);
	if (!waits || run->hint.index != 0) return;
	(void)aps_timer_set(&run->core->timers, &run->hint, aps_clock_mono_ms() + spread_ms);
}

/* What the sync has brought is held as long as it works: a list that reads incomplete is none. */
static void retain(struct aps_sync_run *run)
{
	const struct aps_operation *base = &run->settings->parts[APS_SYNC_PART_BASE].operation;
	struct aps_collecting *collecting = aps_caching_collecting(run->core, run->client, run->cache);
	struct aps_operation operation;
	struct aps_err err;
	if (base->document == NULL || collecting == NULL) return;
	if (aps_operation_init(&operation, base->document, base->definition, base->has_typenames,
	                       aps_operation_variables(base), &err) == APS_OK)
		aps_collecting_retain(collecting, run->id, &operation);
}

/* What it knows of the store it reads then: until now it was another process's to write. */
static void start(struct aps_sync_run *run)
{
	struct aps_err err;
	run->waits_for_lead = !leads(run);
	run->has_changed = true;
	if (run->waits_for_lead) return;
	if (run->partition != NULL) {
		(void)aps_sync_place_guess(run, &err);
		aps_sync_between_look(run);
		aps_sync_gone_look(run);
		retain(run);
		load(run);
	}
	if (!aps_reach_is_online(run->core, run->client)) aps_sync_work_feed_kind(run, APS_SYNC_ON_OFFLINE);
	aps_sync_work_feed_kind(run, APS_SYNC_ON_START);
}

bool aps_sync_work_go_on(struct aps_sync_run *run)
{
	bool has_gone = false;
	if (run->is_ended) return false;
	if (!leads(run)) return !run->waits_for_lead && look_at_reach(run);
	if (run->waits_for_lead) {
		start(run);
		return true;
	}
	has_gone = conclude(run) || has_gone;
	has_gone = look_at_list(run) || has_gone;
	has_gone = look_at_reach(run) || has_gone;
	has_gone = take_standing(run) || has_gone;
	has_gone = take_answer(run) || has_gone;
	has_gone = take_events(run) || has_gone;
	has_gone = settle_lingering(run) || has_gone;
	has_gone = ask_gone(run) || has_gone;
	has_gone = save_owed(run) || has_gone;
	bool has_ended = run->machine.phase == APS_SYNC_STOPPED && (run->reason.code != APS_OK || run->is_completed);
	if (has_ended && !run->is_reason_told) {
		run->is_reason_told = true;
		aps_sync_tell_state(run);
		aps_sync_tell_end(run, &run->reason);
	}
	return has_gone;
}

static void due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms APS_UNUSED)
{
	struct aps_sync_run *run = APS_CONTAINER_OF(timer, struct aps_sync_run, timer);
	struct aps_sync_event event = {
	        .kind = APS_SYNC_ON_DUE,
	        .heard_at_ms = aps_sync_hear_last_ms(run, run->machine.mark_at_ms),
	        .is_behind = run->hearing.first != NULL,
	};
	aps_sync_work_feed(run, &event);
}

static void release(struct aps_sync_run *run)
{
	struct aps_collecting *collecting = aps_caching_collecting(run->core, run->client, run->cache);
	if (collecting != NULL) aps_collecting_release(collecting, run->id);
}

/* It goes on nowhere: what it brings has no place any more. */
static void closing(struct aps_partition_follower *follower)
{
	struct aps_sync_run *run = APS_CONTAINER_OF(follower, struct aps_sync_run, follower);
	if (run->is_bulk) aps_vault_end_bulk(run->vault);
	run->is_bulk = false;
	aps_vault_remove(run->vault, &run->part);
	run->partition = NULL;
	run->vault = NULL;
	if (run->machine.phase == APS_SYNC_STOPPED) return;
	aps_sync_work_feed_kind(run, APS_SYNC_ON_STOP);
	aps_fail(&run->reason, APS_E_CLOSED, "the cache was closed");
}

static void begin(struct aps_sync_run *run)
{
	if (run->partition != NULL) aps_sync_follow(run, closing);
	if (run->settings->hands_over) aps_sync_hand_begin(run);
	aps_sync_hear_init(run);
	run->timer.due = due;
	run->hint.due = hint_due;
	run->look.due = look_due;
	aps_arena_init(&run->place_arena, APS_BUF_ANY_SIZE);
	aps_arena_init(&run->keeping.decoded, APS_BUF_ANY_SIZE);
	aps_buf_init(&run->keeping.gone, APS_BUF_ANY_SIZE);
	aps_arena_init(&run->fetching.arena, APS_BUF_ANY_SIZE);
	aps_delta_sync_init(&run->machine, &run->settings->options, &run->core->rand);
}

/* Those that ask for the same have a checkpoint each: they are never at the same page. False: no memory. */
static bool put_name(const struct aps_sync_settings *settings, const struct aps_partition *partition, char name[65])
{
	unsigned n_equal = 0;
	bool is_put = aps_sync_settings_name(settings, n_equal, name);
	while (is_put && partition != NULL && aps_followers_have(partition->followers, name))
		is_put = aps_sync_settings_name(settings, ++n_equal, name);
	return is_put;
}

struct aps_sync_run *aps_sync_work_open(struct aps_core *core, struct aps_client *client, uint64_t cache, uint64_t id,
                                        struct aps_sync_settings *settings, struct aps_err *err)
{
	APS_ON_THREAD(core->thread);
	bool hands_over = settings->hands_over;
	struct aps_partition *partition = hands_over ? NULL : aps_caching_partition(core, client, cache);
	enum aps_rc rc = partition != NULL || hands_over
	                         ? aps_sync_settings_look(settings, err)
	                         : aps_fail(err, APS_E_CLOSED, "the cache is closed, or couldn't be opened");
	struct aps_sync_run *run = rc == APS_OK ? aps_calloc(1, sizeof *run) : NULL;
	if (run == NULL || !put_name(settings, partition, run->name)) {
		if (rc == APS_OK) aps_fail(err, APS_E_NOMEM, "out of memory");
		aps_free(run);
		aps_sync_settings_clear(settings);
		aps_free(settings);
		return NULL;
	}
	run->core = core;
	run->client = client;
	run->cache = cache;
	run->id = id;
	run->settings = settings;
	run->partition = partition;
	begin(run);
	if (!aps_timer_set(&core->timers, &run->timer, NEVER_MS)) {
		aps_fail(err, APS_E_NOMEM, "out of memory");
		aps_sync_work_close(run);
		return NULL;
	}
	start(run);
	return run;
}

void aps_sync_work_close(struct aps_sync_run *run)
{
	struct aps_core *core = run->core;
	if (run->machine.phase != APS_SYNC_STOPPED) aps_sync_work_feed_kind(run, APS_SYNC_ON_STOP);
	run->is_ended = true;
	release(run);
	aps_timer_stop(&core->timers, &run->timer);
	aps_timer_stop(&core->timers, &run->hint);
	aps_timer_stop(&core->timers, &run->look);
	aps_sync_hear_end(run);
	aps_sync_fetch_abandon(run);
	aps_sync_answer_clear(run, &run->fetching.taken);
	if (run->partition != NULL) aps_sync_unfollow(run);
	if (run->settings->hands_over) aps_sync_hand_end(run);
	aps_delta_sync_clear(&run->machine);
	aps_synced_list_clear(&run->shown);
	aps_synced_list_clear(&run->collected);
	aps_synced_list_clear(&run->lingering);
	aps_synced_list_clear(&run->between);
	aps_number_set_clear(&run->lingering_written);
	aps_synced_list_clear(&run->gone);
	aps_arena_clear(&run->place_arena);
	aps_kept_list_clear(&run->kept);
	if (!aps_sync_keep_close(run)) aps_sync_run_let_go(run);
}

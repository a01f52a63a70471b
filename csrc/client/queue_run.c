#include "client/queue_run.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/mem.h"
#include "client/caching.h"
#include "client/partition.h"
#include "client/queue_answer.h"
#include "client/queue_finish.h"
#include "client/queue_journal.h"
#include "client/queue_lead.h"
#include "client/queue_logged.h"
#include "client/queue_pruning.h"
#include "client/queue_settle.h"
#include "client/queue_store.h"
#include "client/queue_tell.h"
#include "client/queue_told.h"
#include "client/queue_waits.h"
#include "client/reach.h"
#include "store/outbox_counts.h"

#define STUCK_MS 60000
#define PAUSE_MS 1 /* others have their turn */

static const struct aps_backoff_policy WAITS = {.base_ms = 500, .cap_ms = 300000};
/* Where nobody has answered, the service's reachability spaces the tries, and these come on top: of a request that is
 * never answered, while others are. */
static const struct aps_backoff_policy UNANSWERED = {.base_ms = 100, .cap_ms = 1000};
static const struct aps_backoff_policy NEVER_ANSWERED = {.base_ms = 100, .cap_ms = APS_OUTAGE_YOUNG_MS};
#define MANY_UNANSWERED 30

static struct aps_queue *of(struct aps_vault_part *part)
{
	return APS_CONTAINER_OF(part, struct aps_queue, part);
}

static enum aps_rc finish(struct aps_vault_part *part, struct aps_err *err)
{
	struct aps_queue *queue = of(part);
	return aps_queue_has_store(queue) && queue->is_known ? aps_queue_store_told(queue, err) : APS_OK;
}

static void announce(struct aps_vault_part *part APS_UNUSED, uint64_t generation APS_UNUSED)
{
}

/* They are stored as told. */
static void forget_told(struct aps_queue *queue)
{
	uint64_t *all = (uint64_t *)(void *)queue->waited.p;
	size_t n = queue->waited.n / sizeof *all, n_kept = 0;
	for (size_t i = 0; i < n; i++)
		if (!aps_queue_has_number(&queue->told, all[i])) all[n_kept++] = all[i];
	queue->waited.n = n_kept * sizeof *all;
	queue->told.n = 0;
}

/* Those under temporary ids are the records that the service has made. */
static void rename_records(struct aps_queue *queue)
{
	const uint64_t *all = (const uint64_t *)(const void *)queue->renamed.p;
	for (size_t i = 0; i + 1 < queue->renamed.n / sizeof *all; i += 2)
		aps_outbox_rename(&queue->outbox, all[i], all[i + 1]);
	queue->renamed.n = 0;
}

static void committed(struct aps_vault_part *part, uint64_t generation APS_UNUSED)
{
	struct aps_queue *queue = of(part);
	if (queue->has_new_ids) aps_channel_renew_ids(queue->partition->channel);
	queue->has_new_ids = false;
	rename_records(queue);
	aps_outbox_committed(&queue->outbox);
	forget_told(queue);
	aps_queue_waits_commit(queue);
	for (struct aps_ask_queue_command *asked = queue->asked; asked != NULL; asked = asked->next)
		asked->is_committed = !asked->is_lost;
	queue->has_committed = true;
	queue->releases = queue->releases || queue->outbox.reach != APS_OUTBOX_ONLINE;
	queue->looks_whether_away = true;
	queue->has_news = true;
}

/* What is in hand of the transaction that has failed: answers are to be written once more. The owner may have got its
 * number in it. */
static void lose(struct aps_queue *queue)
{
	for (struct aps_sending *sending = queue->sendings; sending != NULL; sending = sending->next)
		sending->has_lost_answer = sending->has_lost_answer || sending->is_kept;
	aps_queue_waits_lose(queue);
	queue->told.n = queue->renamed.n = 0;
	for (struct aps_ask_queue_command *asked = queue->asked; asked != NULL; asked = asked->next)
		asked->is_lost = !asked->is_committed;
	aps_outbox_lost(&queue->outbox);
	queue->is_away_doubted = true;
	queue->has_new_ids = false;
	queue->has_lost = queue->has_news = queue->has_changed = true;
	queue->is_counted = queue->is_known = false;
	queue->kept_facts = 0;
}

/* It isn't tried again in the same turn. */
static void failed(struct aps_vault_part *part)
{
	struct aps_queue *queue = of(part);
	aps_queue_rest(queue);
	lose(queue);
}

/* In another file it may have other entries, and other numbers. */
static enum aps_rc moved(struct aps_vault_part *part, bool keeps, struct aps_err *err APS_UNUSED)
{
	struct aps_queue *queue = of(part);
	lose(queue);
	aps_queue_try_lead(queue);
	queue->has_untold = true;
	if (aps_vault_is_available(queue->vault)) queue->rest_until_ms = 0; /* it is another one, or well again */
	if (keeps) return APS_OK;
	queue->owner = 0;
	queue->surplus = -1;
	queue->first_outcome = 0;
	aps_queue_settle_anew(queue);
	queue->confirmed.n = 0;
	queue->has_forgotten = true;
	return APS_OK;
}

static enum aps_rc overtaken(struct aps_vault_part *part, bool is_own, bool *is_other APS_UNUSED,
                             struct aps_err *err APS_UNUSED)
{
	if (!is_own) aps_queue_overtaken(of(part));
	return APS_OK;
}

static void looked(struct aps_vault_part *part)
{
	aps_queue_looked(of(part));
}

static void timer_due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms)
{
	struct aps_queue *queue = APS_CONTAINER_OF(timer, struct aps_queue, timer);
	if (queue->rest_until_ms <= now_ms) queue->rest_until_ms = 0;
	aps_outbox_pass_time(&queue->outbox, now_ms);
	aps_queue_run(queue);
}

/* It may have got on since the timer was set. */
static void stuck_due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms)
{
	struct aps_queue *queue = APS_CONTAINER_OF(timer, struct aps_queue, stuck);
	int64_t due_ms = queue->advanced_ms + STUCK_MS;
	if (due_ms > now_ms)
		(void)aps_timer_set(&queue->core->timers, timer, due_ms);
	else
		aps_queue_tell_stuck(queue);
}

/* The turn ends with it. */
static void begin_for_confirmed(struct aps_queue *queue)
{
	struct aps_err err;
	if (queue->confirmed.n != 0) (void)aps_queue_begin(queue, false, &err);
}

static void confirming_due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms APS_UNUSED)
{
	begin_for_confirmed(APS_CONTAINER_OF(timer, struct aps_queue, confirming));
}

static void free_queue(struct aps_queue *queue)
{
	aps_outbox_clear(&queue->outbox);
	aps_outbox_row_clear(&queue->row);
	aps_queue_settings_clear(&queue->settings);
	aps_buf_clear(&queue->waited);
	aps_buf_clear(&queue->confirmed);
	aps_buf_clear(&queue->told);
	aps_buf_clear(&queue->renamed);
	aps_number_set_clear(&queue->updates);
	if (queue->document != NULL) aps_gql_document_unref(queue->document);
	aps_free(queue->prefix);
	aps_free(queue->identity);
	aps_free(queue);
}

static struct aps_outbox_options options_of(const struct aps_queue_settings *settings)
{
	return (struct aps_outbox_options){
	        .delivery = {.max_tries = settings->max_tries,
	                     .has_resolver = settings->has_resolver,
	                     .resolves_doubt = settings->resolves_doubt},
	        .order = settings->order,
	        .modes = (1u << APS_ENTRY_MODE_COUNT) - 1,
	};
}

static void closing(struct aps_partition_user *user)
{
	struct aps_queue *queue = APS_CONTAINER_OF(user, struct aps_queue, user);
	struct aps_err err;
	aps_fail(&err, APS_E_CLOSED, "the client was closed: the mutation stays in the queue");
	aps_queue_close(queue, &err);
}

/* On failure the settings are the caller's. */
static struct aps_queue *new_queue(struct aps_core *core, struct aps_client *client, uint64_t cache,
                                   const struct aps_partition *partition)
{
	struct aps_queue *queue = aps_calloc(1, sizeof *queue);
	if (queue == NULL) return NULL;
	queue->core = core;
	queue->client = client;
	queue->cache = cache;
	queue->part = (struct aps_vault_part){.finish = finish,
	                                      .announce = announce,
	                                      .committed = committed,
	                                      .failed = failed,
	                                      .moved = moved,
	                                      .overtaken = overtaken,
	                                      .looked = looked};
	queue->journal = aps_queue_journal;
	queue->timer.due = timer_due;
	queue->stuck.due = stuck_due;
	queue->confirming.due = confirming_due;
	queue->advanced_ms = aps_clock_mono_ms();
	queue->user.closing = closing;
	aps_outbox_row_init(&queue->row);
	aps_buf_init(&queue->waited, APS_BUF_ANY_SIZE);
	aps_buf_init(&queue->confirmed, APS_BUF_ANY_SIZE);
	aps_buf_init(&queue->told, APS_BUF_ANY_SIZE);
	aps_buf_init(&queue->renamed, APS_BUF_ANY_SIZE);
	aps_outbox_init(&queue->outbox, &(struct aps_outbox_options){.modes = 0}, &queue->journal);
	queue->prefix = aps_strndup(partition->prefix, strlen(partition->prefix));
	queue->identity = aps_strndup(partition->identity, strlen(partition->identity));
	if (queue->prefix != NULL && queue->identity != NULL) return queue;
	free_queue(queue);
	return NULL;
}

struct aps_queue *aps_queue_open(struct aps_core *core, struct aps_client *client, uint64_t cache,
                                 struct aps_queue_settings *settings)
{
	APS_ON_THREAD(core->thread);
	struct aps_partition *partition = aps_caching_partition(core, client, cache);
	struct aps_queue *queue = partition != NULL ? new_queue(core, client, cache, partition) : NULL;
	if (queue == NULL) return NULL;
	queue->partition = partition;
	queue->vault = partition->vault;
	aps_queue_change(queue, settings);
	partition->user = &queue->user;
	aps_vault_add(queue->vault, &queue->part);
	aps_queue_try_lead(queue);
	queue->is_away_doubted = true;
	queue->has_changed = queue->has_news = true;
	(void)aps_queue_know(queue, &(struct aps_err){0});
	aps_queue_pruning_start(queue);
	return queue;
}

void aps_queue_change(struct aps_queue *queue, struct aps_queue_settings *settings)
{
	aps_queue_settings_clear(&queue->settings);
	queue->settings = *settings;
	queue->settings.headers.arena = &queue->settings.arena;
	*settings = (struct aps_queue_settings){.order = APS_OUTBOX_SERIAL};
	aps_arena_init(&settings->arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&settings->headers, &settings->arena);
	const struct aps_outbox_options options = options_of(&queue->settings);
	aps_outbox_change(&queue->outbox, &options);
	for (unsigned mode = 0; mode < APS_ENTRY_MODE_COUNT; mode++) aps_outbox_auth_changed(&queue->outbox, mode);
}

void aps_queue_fail(struct aps_queue *queue, const struct aps_err *why)
{
	queue->trouble = *why;
	aps_queue_rest(queue);
	struct aps_err gone;
	bool is_there = aps_queue_look(queue, &gone) == APS_OK;
	bool is_same = is_there && queue->place == queue->vault->place; /* else it is another store's failure */
	if (is_there && queue->vault->is_writing && !(is_same && aps_vault_cope(queue->vault, why)))
		aps_vault_abandon(queue->vault);
	lose(queue); /* also where nothing was begun: what was taken for it is to come again */
}

static bool is_unanswered(const struct aps_sending *sending)
{
	if (sending == NULL || sending->outcome.answer.status != 0) return false;
	enum aps_rc code = sending->outcome.response.err.code;
	return code == APS_E_NETWORK || code == APS_E_TIMEOUT;
}

static int64_t delay_of(struct aps_queue *queue, const struct aps_sending *sending, unsigned n)
{
	if (!is_unanswered(sending)) return aps_backoff_delay_ms(&WAITS, n, &queue->core->rand);
	if (n == 0) return 0;
	return aps_backoff_delay_ms(n < MANY_UNANSWERED ? &UNANSWERED : &NEVER_ANSWERED, n - 1, &queue->core->rand);
}

static void wait_for(struct aps_queue *queue, const struct aps_outbox_action *action)
{
	const struct aps_sending *sending = aps_sending_find(queue, action->number);
	unsigned n = action->n_failures != 0 ? action->n_failures - 1 : 0;
	int64_t delay_ms = delay_of(queue, sending, n);
	int64_t after_ms = sending != NULL ? sending->retry_after_ms : -1;
	if (after_ms > WAITS.cap_ms) after_ms = WAITS.cap_ms;
	if (after_ms > delay_ms) delay_ms = after_ms;
	aps_outbox_wait(&queue->outbox, action->number, aps_clock_mono_ms() + delay_ms);
}

static void tell(struct aps_queue *queue, const struct aps_outbox_action *action)
{
	struct aps_sending *sending = aps_sending_find(queue, action->number);
	queue->advanced_ms = aps_clock_mono_ms();
	queue->is_stuck_told = false;
	aps_number_set_remove(&queue->updates, action->number);
	if (sending == NULL || !aps_queue_waits_tell(sending, action)) queue->has_untold = true;
	if (sending == NULL) return;
	aps_sending_end(sending);
}

static void ask(struct aps_queue *queue, const struct aps_outbox_action *action)
{
	struct aps_err err;
	const struct aps_sending *sending = aps_sending_find(queue, action->number);
	if (sending != NULL && aps_queue_ask_resolver(sending, action, &err) == APS_OK) return;
	aps_queue_feed_kind(queue, action->number, APS_DELIVERY_ON_GAVE_UP);
}

static void carry_out(struct aps_queue *queue, const struct aps_outbox_action *action)
{
	struct aps_err err;
	queue->has_changed = true;
	enum aps_rc rc = aps_queue_store_action(queue, action, &err);
	if (rc != APS_OK) aps_queue_fail(queue, &err);
	/* counts that are lost, and an entry that stays marked, do no harm: what is to be done isn't left undone */
	if (rc != APS_OK && aps_delivery_is_durable(action->store)) return;
	switch (action->kind) {
	case APS_DELIVERY_DO_SEND: aps_sending_send(queue, action->number); break;
	case APS_DELIVERY_DO_LOOK: aps_sending_look(queue, action->number); break;
	case APS_DELIVERY_DO_ASK: ask(queue, action); break;
	case APS_DELIVERY_DO_WAIT: wait_for(queue, action); break;
	case APS_DELIVERY_DO_TELL: tell(queue, action); break;
	case APS_DELIVERY_DO_NOTHING:
	case APS_DELIVERY_DO_REJECT:
	case APS_DELIVERY_ACTION_COUNT:
	default: break;
	}
}

/* What has ended in the store that is gone is told all the same. */
static void forget(struct aps_queue *queue)
{
	struct aps_outbox_action action;
	while (aps_outbox_take(&queue->outbox, &action))
		if (action.kind == APS_DELIVERY_DO_TELL) tell(queue, &action);
	while (queue->sendings != NULL) aps_sending_end(queue->sendings);
	aps_outbox_forget(&queue->outbox);
}

/* Those of entries that were lost with their transaction: their numbers are given again. */
static void end_lost(struct aps_queue *queue)
{
	struct aps_sending *next;
	for (struct aps_sending *sending = queue->sendings; sending != NULL; sending = next) {
		next = sending->next;
		if (aps_outbox_item(&queue->outbox, sending->number) != NULL || sending->outcome_number != 0) continue;
		aps_number_set_remove(&queue->updates, sending->number);
		aps_sending_end(sending);
	}
}

static void explain_loss(struct aps_queue *queue, struct aps_err *err)
{
	struct aps_err why;
	if (aps_queue_look(queue, &why) == APS_OK) why = queue->trouble;
	if (why.code == APS_OK) aps_fail(&why, APS_E_STORAGE, "the store could not be written");
	enum aps_rc code = why.code == APS_E_NOMEM ? APS_E_NOMEM : APS_E_STORAGE;
	const char *word = why.code == APS_E_STORAGE ? why.word : NULL;
	aps_fail_word(err, code, word, why.native, "%s", why.msg);
	aps_err_clear(&queue->trouble);
}

void aps_queue_heed(struct aps_queue *queue)
{
	struct aps_err err;
	if (queue->has_forgotten) forget(queue);
	if (queue->has_lost) {
		explain_loss(queue, &err);
		end_lost(queue);
		aps_queue_waits_tell_lost(queue, &err);
		aps_queue_answer_asked(queue, &err);
	}
	if (queue->has_committed) {
		aps_queue_waits_tell_committed(queue);
		aps_queue_answer_asked(queue, NULL);
	}
	queue->has_lost = queue->has_forgotten = queue->has_committed = false;
}

static void arm(struct aps_queue *queue)
{
	struct aps_timers *timers = &queue->core->timers;
	int64_t due_ms = aps_outbox_has_paused(&queue->outbox) ? aps_clock_mono_ms() + PAUSE_MS
	                                                       : aps_outbox_due_ms(&queue->outbox);
	if (queue->rest_until_ms != 0 && queue->rest_until_ms < due_ms) due_ms = queue->rest_until_ms;
	if (due_ms != INT64_MAX)
		(void)aps_timer_set(timers, &queue->timer, due_ms);
	else
		aps_timer_stop(timers, &queue->timer);
	bool is_standing = queue->n_entries != 0 && !queue->is_stuck_told;
	if (is_standing && queue->stuck.index == 0)
		(void)aps_timer_set(timers, &queue->stuck, queue->advanced_ms + STUCK_MS);
	if (!is_standing) aps_timer_stop(timers, &queue->stuck);
}

/* What the transaction that is open ends with is an action's own only if it was begun for it. */
static bool take(struct aps_queue *queue, struct aps_outbox_action *action)
{
	struct aps_err err;
	const struct aps_outbox_action *next = aps_outbox_peek(&queue->outbox);
	if (next != NULL && aps_delivery_is_durable(next->store)) (void)aps_queue_begin(queue, true, &err);
	return aps_outbox_take(&queue->outbox, action);
}

static void go_on(struct aps_queue *queue)
{
	struct aps_err err;
	struct aps_outbox_action action;
	queue->has_news = false;
	aps_queue_heed(queue);
	uint64_t place = queue->vault->place;
	bool may_go = aps_queue_has_store(queue) && queue->rest_until_ms == 0;
	enum aps_rc rc = may_go ? aps_queue_know(queue, &err) : APS_OK;
	queue->outbox.successes = aps_reach_successes(queue->core, queue->client);
	bool may_send = may_go && rc == APS_OK && aps_queue_leads(queue);
	aps_outbox_set_store(&queue->outbox, may_send);
	if (rc == APS_OK && aps_queue_leads(queue)) rc = aps_outbox_go_on(&queue->outbox, &err);
	while (take(queue, &action)) carry_out(queue, &action);
	if (rc == APS_OK) return;
	/* what was done since may have moved it already */
	bool is_moved = queue->vault->place != place || (rc == APS_E_STORAGE && aps_vault_cope(queue->vault, &err));
	if (!is_moved) aps_queue_rest(queue);
}

/* What the store has counted beyond what it has; 0 where another process has committed between the two counts. */
static int64_t count_lost(const struct aps_queue *queue)
{
	struct aps_err err;
	struct aps_outbox_counts counts;
	int64_t n_rows;
	struct aps_db *db = aps_queue_db(queue);
	bool is_whole;
	if (aps_outbox_counts_read(db, queue->owner, &counts, &is_whole, &err) != APS_OK) return 0;
	uint32_t version = aps_db_version(db);
	if (aps_outbox_count(db, aps_entry_owned(queue->owner), &n_rows, &err) != APS_OK) return 0;
	return aps_db_version(db) == version ? counts.n_queued - n_rows : 0;
}

/* All that could be read has ended: what the store has counted beyond that it has lost. */
static void look_for_lost(struct aps_queue *queue)
{
	struct aps_err err;
	if (queue->n_entries == 0 || queue->owner == 0 || !queue->is_known || !aps_queue_has_store(queue)) return;
	if (!aps_queue_leads(queue) || !aps_outbox_is_empty(&queue->outbox)) return;
	int64_t n = count_lost(queue);
	if (n == 0) return;
	aps_fail_word(&err, APS_E_STORAGE, "corrupt", 0, "the store has lost %lld of its queued mutations",
	              (long long)n);
	aps_vault_suspect(queue->vault, &err);
}

void aps_queue_run(struct aps_queue *queue)
{
	if (queue->is_running || queue->is_closed) return;
	queue->is_running = true;
	do {
		go_on(queue);
	} while (queue->has_news && !queue->is_closed);
	bool is_ours = aps_queue_leads(queue); /* where another process sends, that one knows */
	if (queue->releases && is_ours && queue->outbox.reach != APS_OUTBOX_ONLINE) aps_queue_waits_release(queue);
	queue->looks_whether_away = queue->looks_whether_away || queue->releases;
	queue->releases = false;
	queue->is_running = false;
	if (queue->is_closed) return;
	(void)aps_queue_count(queue, &(struct aps_err){0});
	look_for_lost(queue);
	arm(queue);
}

static void free_closed(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	free_queue(APS_CONTAINER_OF(reap, struct aps_queue, reap));
}

/* What has ended is told still, and what was to be sent won't be: it isn't in doubt. */
static void finish_turn(struct aps_queue *queue)
{
	struct aps_err err;
	struct aps_outbox_action action;
	begin_for_confirmed(queue);
	aps_caching_commit(queue->core, queue->vault);
	aps_queue_heed(queue);
	while (aps_outbox_take(&queue->outbox, &action))
		if (action.kind == APS_DELIVERY_DO_TELL) tell(queue, &action);
	for (const struct aps_outbox_item *item = queue->outbox.items; item != NULL; item = item->next) {
		int64_t id = aps_entry_id(queue->owner, (enum aps_entry_mode)item->mode, (int64_t)item->number);
		if (aps_queue_is_unsent(queue, item) && aps_queue_begin(queue, true, &err) == APS_OK)
			(void)aps_delivery_unmark(aps_queue_db(queue), id, &err);
	}
	aps_caching_commit(queue->core, queue->vault);
}

void aps_queue_close(struct aps_queue *queue, const struct aps_err *err)
{
	struct aps_core *core = queue->core;
	if (queue->is_closed) return;
	queue->is_closed = true;
	finish_turn(queue);
	aps_queue_waits_cancel_all(queue, err);
	aps_queue_drop_asked(queue, err);
	aps_queue_finish_drop(queue, err);
	while (queue->sendings != NULL) aps_sending_end(queue->sendings);
	aps_timer_stop(&core->timers, &queue->timer);
	aps_timer_stop(&core->timers, &queue->stuck);
	aps_queue_pruning_stop(queue);
	aps_timer_stop(&core->timers, &queue->confirming);
	aps_vault_remove(queue->vault, &queue->part);
	aps_queue_leave_lead(queue);
	queue->partition->user = NULL;
	if (queue->link != NULL) *queue->link = queue->next;
	if (queue->next != NULL) queue->next->link = queue->link;
	aps_core_reap(core, &queue->reap, free_closed);
}

#include "client/subscriber.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/connections.h"
#include "client/feed.h"

static struct aps_subscriber *of(struct aps_consumer *consumer)
{
	return APS_CONTAINER_OF(consumer, struct aps_subscriber, consumer);
}

static struct aps_table *table_of(const struct aps_core *core)
{
	return aps_core_part(core, &aps_subscriber_feature);
}

static void free_subscriber(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	struct aps_subscriber *subscriber = APS_CONTAINER_OF(reap, struct aps_subscriber, reap);
	aps_window_clear(&subscriber->window);
	if (subscriber->end != NULL) subscriber->end->head.mail.kind->free_mail(&subscriber->end->head.mail);
	aps_free(subscriber);
}

/* After anything that happened to its window. */
static size_t count_kept(struct aps_core *core, struct aps_subscriber *subscriber)
{
	struct aps_connections *all = aps_connections_of(core, subscriber->client);
	size_t n = aps_window_kept_bytes(&subscriber->window);
	all->kept_bytes = all->kept_bytes - subscriber->counted_bytes + n;
	subscriber->counted_bytes = n;
	return all->kept_bytes;
}

static void finish(struct aps_core *core, struct aps_subscriber *subscriber)
{
	aps_connections_of(core, subscriber->client)->kept_bytes -= subscriber->counted_bytes;
	aps_timer_stop(&core->timers, &subscriber->stall);
	aps_table_take(table_of(core), subscriber->window.target);
	APS_STATS_SUB(subscriber->client->stats, subscriptions, 1);
	aps_core_reap(core, &subscriber->reap, free_subscriber);
}

static void stalled(struct aps_timer *timer, void *context, int64_t now_ms)
{
	struct aps_core *core = context;
	struct aps_subscriber *subscriber = APS_CONTAINER_OF(timer, struct aps_subscriber, stall);
	int64_t again_ms = now_ms + subscriber->client->settings.stall_timeout_ms;
	if (aps_timer_is_late(timer, now_ms) && aps_timer_set(&core->timers, timer, again_ms)) return;
	size_t n_events = subscriber->window.n_out + subscriber->window.n_kept;
	struct aps_err err;
	aps_fail_word(&err, APS_E_TIMEOUT, "stalled", (long)n_events,
	              "the subscriber did not catch up: %zu events wait for it", n_events);
	err.retryable = false;
	aps_feed_end_consumer(core, &subscriber->consumer, &err);
}

/* False: no memory. From now on it has the whole time again. */
static bool arm_stall(struct aps_core *core, struct aps_subscriber *subscriber)
{
	int64_t at_ms = aps_clock_mono_ms() + subscriber->client->settings.stall_timeout_ms;
	subscriber->window.n_consumed = subscriber->window.consumed_bytes = 0;
	return aps_timer_set(&core->timers, &subscriber->stall, at_ms);
}

/* Without a timer it could hold the socket up for ever. */
static enum aps_consumer_verdict lag(struct aps_core *core, struct aps_subscriber *subscriber,
                                     enum aps_consumer_verdict verdict, struct aps_err *err)
{
	if (subscriber->stall.index == 0 && !arm_stall(core, subscriber)) {
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return APS_CONSUMER_FAILED;
	}
	return count_kept(core, subscriber) >= APS_ALL_KEPT_BYTES ? APS_CONSUMER_FULL : verdict;
}

/* Half of its buffer is a step that counts. */
static bool has_caught_up_some(const struct aps_window *window)
{
	return window->n_consumed >= window->limits.max_items / 2 ||
	       window->consumed_bytes >= window->limits.max_bytes / 2;
}

static void watch_stall(struct aps_core *core, struct aps_subscriber *subscriber)
{
	if (subscriber->stall.index == 0) return;
	if (subscriber->window.kept_head == NULL && aps_window_has_room(&subscriber->window))
		aps_timer_stop(&core->timers, &subscriber->stall);
	else if (has_caught_up_some(&subscriber->window))
		arm_stall(core, subscriber); /* it is armed: that takes no memory */
}

/* Nobody takes it, and nobody is to blame: it doesn't lag. */
static void miss(struct aps_core *core, struct aps_subscriber *subscriber)
{
	subscriber->has_missed = true;
	subscriber->window.n_dropped++;
	atomic_fetch_add_explicit(&core->n_missed, 1, memory_order_relaxed);
	APS_STATS_ADD(subscriber->client->stats, dropped_events, 1);
}

static enum aps_consumer_verdict offer(struct aps_core *core, struct aps_consumer *consumer, struct aps_bytes *bytes,
                                       struct aps_str payload, struct aps_err *err)
{
	struct aps_subscriber *subscriber = of(consumer);
	struct aps_stats *stats = subscriber->client->stats;
	uint64_t n_dropped = subscriber->window.n_dropped;
	if (core->is_suspended) {
		APS_STATS_ADD(stats, events, 1);
		miss(core, subscriber);
		return APS_CONSUMER_OK;
	}
	enum aps_consumer_verdict verdict = aps_window_offer(core, &subscriber->window, bytes, payload, err);
	APS_STATS_ADD(stats, events, 1);
	if (subscriber->window.n_dropped != n_dropped) {
		APS_STATS_ADD(stats, dropped_events, subscriber->window.n_dropped - n_dropped);
		if (n_dropped == 0)
			aps_connections_tell_dropped(core, subscriber->client,
			                             "a subscriber with overflow = \"drop_oldest\" lags: "
			                             "events are being dropped");
	}
	if (verdict == APS_CONSUMER_FAILED || !aps_window_is_lagging(&subscriber->window)) return verdict;
	return lag(core, subscriber, verdict, err);
}

static void tell(struct aps_core *core, struct aps_consumer *consumer, const char *state, const struct aps_err *err)
{
	struct aps_window *window = &of(consumer)->window;
	struct aps_note_event *event = aps_note_event_new(APS_EVENT_SUB_STATE, window->target, state, err);
	if (event == NULL) return;
	aps_window_note(core, window, event);
	count_kept(core, of(consumer));
}

/* How many they are nobody knows: counted as one. */
static void missed(struct aps_core *core APS_UNUSED, struct aps_consumer *consumer)
{
	struct aps_subscriber *subscriber = of(consumer);
	subscriber->window.n_dropped++;
	APS_STATS_ADD(subscriber->client->stats, dropped_events, 1);
}

static bool ask_headers(struct aps_core *core, struct aps_consumer *consumer)
{
	return aps_core_note(core, APS_EVENT_HEADERS, of(consumer)->window.target, NULL, NULL);
}

static void end(struct aps_core *core, struct aps_consumer *consumer, const struct aps_err *err, const char *told)
{
	struct aps_subscriber *subscriber = of(consumer);
	struct aps_note_event *event = subscriber->end;
	subscriber->end = NULL;
	aps_window_flush(core, &subscriber->window);
	aps_note_event_set_err(event, err);
	event->number = subscriber->window.n_dropped;
	if (told != NULL) event->errors = aps_strndup(told, strlen(told));
	aps_core_emit(core, &event->head);
	finish(core, subscriber);
}

static const struct aps_consumer_kind KIND = {
        .offer = offer, .tell = tell, .missed = missed, .ask_headers = ask_headers, .end = end};

struct aps_subscriber *aps_subscriber_new(struct aps_core *core, struct aps_client *client,
                                          const struct aps_window_limits *limits, struct aps_note_event *end_event)
{
	APS_ON_THREAD(core->thread);
	struct aps_subscriber *subscriber = aps_calloc(1, sizeof *subscriber);
	uint64_t id = end_event->head.target;
	if (subscriber == NULL || !aps_table_set(table_of(core), id, subscriber)) {
		aps_free(subscriber);
		return NULL;
	}
	subscriber->consumer.kind = &KIND;
	subscriber->client = client;
	subscriber->end = end_event;
	subscriber->stall.due = stalled;
	aps_window_init(&subscriber->window, id, limits);
	APS_STATS_ADD(client->stats, subscriptions, 1);
	return subscriber;
}

struct aps_subscriber *aps_subscriber_find(const struct aps_core *core, uint64_t id)
{
	return aps_table_get(table_of(core), id);
}

void aps_subscriber_leave(struct aps_core *core, struct aps_subscriber *subscriber)
{
	APS_ON_THREAD(core->thread);
	aps_feed_leave(core, &subscriber->consumer);
	finish(core, subscriber);
}

void aps_subscriber_consumed(struct aps_core *core, struct aps_subscriber *subscriber, size_t n)
{
	APS_ON_THREAD(core->thread);
	aps_window_consumed(core, &subscriber->window, n);
	count_kept(core, subscriber);
	watch_stall(core, subscriber);
	if (subscriber->consumer.is_full && aps_window_has_room(&subscriber->window))
		aps_feed_resume(core, &subscriber->consumer);
}

static void suspend(struct aps_core *core, struct aps_subscriber *subscriber)
{
	subscriber->has_missed = false;
	aps_timer_stop(&core->timers, &subscriber->stall);
	if (subscriber->consumer.is_full) aps_feed_resume(core, &subscriber->consumer);
}

static void resume(struct aps_core *core, struct aps_subscriber *subscriber)
{
	if (aps_window_is_lagging(&subscriber->window)) arm_stall(core, subscriber); /* else with its next event */
	if (subscriber->has_missed) tell(core, &subscriber->consumer, "missed", NULL);
}

static void suspend_all(struct aps_core *core, bool is_on)
{
	size_t cursor = 0;
	void *state = NULL;
	struct aps_subscriber *subscriber;
	while ((subscriber = aps_table_next(table_of(core), &cursor, &state)) != NULL)
		(is_on ? suspend : resume)(core, subscriber);
}

/* The end of a client is told them by its feeds. */
const struct aps_feature aps_subscriber_feature = {
        .name = "subscribers",
        .open = aps_core_open_table,
        .suspend = suspend_all,
        .close = aps_core_close_table,
};

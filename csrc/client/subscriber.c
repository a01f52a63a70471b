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

static void finish(struct aps_core *core, struct aps_subscriber *subscriber)
{
	aps_timer_stop(&core->timers, &subscriber->stall);
	aps_table_take(table_of(core), subscriber->window.target);
	APS_STATS_SUB(subscriber->client->stats, subscriptions, 1);
	aps_core_reap(core, &subscriber->reap, free_subscriber);
}

static void stalled(struct aps_timer *timer, void *context, int64_t now_ms APS_UNUSED)
{
	struct aps_subscriber *subscriber = APS_CONTAINER_OF(timer, struct aps_subscriber, stall);
	size_t n_out = subscriber->window.n_out;
	struct aps_err err;
	aps_fail_word(&err, APS_E_TIMEOUT, "stalled", (long)n_out,
	              "the subscriber did not catch up: %zu events wait for it", n_out);
	err.retryable = false;
	aps_feed_end_consumer(context, &subscriber->consumer, &err);
}

/* Without a timer it could hold the socket up for ever. */
static enum aps_consumer_verdict became_full(struct aps_core *core, struct aps_subscriber *subscriber,
                                             struct aps_err *err)
{
	int64_t at_ms = aps_clock_mono_ms() + subscriber->client->settings.stall_timeout_ms;
	if (subscriber->stall.index != 0 || aps_timer_set(&core->timers, &subscriber->stall, at_ms))
		return APS_CONSUMER_FULL;
	aps_fail(err, APS_E_NOMEM, "out of memory");
	return APS_CONSUMER_FAILED;
}

static enum aps_consumer_verdict offer(struct aps_core *core, struct aps_consumer *consumer, struct aps_bytes *bytes,
                                       struct aps_str payload, struct aps_err *err)
{
	struct aps_subscriber *subscriber = of(consumer);
	struct aps_stats *stats = subscriber->client->stats;
	uint64_t n_dropped = subscriber->window.n_dropped;
	enum aps_consumer_verdict verdict = aps_window_offer(core, &subscriber->window, bytes, payload, err);
	APS_STATS_ADD(stats, events, 1);
	if (subscriber->window.n_dropped != n_dropped) {
		APS_STATS_ADD(stats, dropped_events, subscriber->window.n_dropped - n_dropped);
		if (n_dropped == 0) aps_connections_tell_dropped(core, subscriber->client);
	}
	return verdict == APS_CONSUMER_FULL ? became_full(core, subscriber, err) : verdict;
}

static void tell(struct aps_core *core, struct aps_consumer *consumer, const char *state)
{
	aps_core_note(core, APS_EVENT_SUB_STATE, of(consumer)->window.target, state, NULL);
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

static const struct aps_consumer_kind KIND = {offer, tell, ask_headers, end};

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
	if (!subscriber->consumer.is_full || !aps_window_has_room(&subscriber->window)) return;
	aps_timer_stop(&core->timers, &subscriber->stall);
	aps_feed_resume(core, &subscriber->consumer);
}

/* The end of a client is told them by its feeds. */
const struct aps_feature aps_subscriber_feature = {
        .name = "subscribers",
        .open = aps_core_open_table,
        .close = aps_core_close_table,
};

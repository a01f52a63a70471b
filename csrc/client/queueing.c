#include "client/queueing.h"

#include "base/mem.h"
#include "client/caching.h"
#include "client/queue_away.h"
#include "client/queue_finish.h"
#include "client/queue_lead.h"
#include "client/queue_logged.h"
#include "client/queue_run.h"
#include "client/queue_settle.h"
#include "client/queue_tell.h"
#include "client/queue_waits.h"
#include "client/reach.h"

/* Of a client. */
struct queueing {
	struct aps_reap reap;
	struct aps_reach_user user;
	struct aps_queue *first;
};

static struct queueing *queueing_of(const struct aps_core *core, const struct aps_client *client)
{
	return aps_client_part(core, client, &aps_queueing_feature);
}

struct aps_queue *aps_queueing_find(const struct aps_core *core, const struct aps_client *client, uint64_t cache)
{
	struct aps_queue *queue = queueing_of(core, client)->first;
	while (queue != NULL && queue->cache != cache) queue = queue->next;
	return queue;
}

struct aps_queue *aps_queueing_find_identity(const struct aps_core *core, const struct aps_client *client,
                                             struct aps_str identity)
{
	struct aps_queue *queue = queueing_of(core, client)->first;
	while (queue != NULL && !aps_str_is(identity, queue->identity)) queue = queue->next;
	return queue;
}

static void set_reach(struct aps_core *core, const struct aps_client *client, struct aps_queue *queue)
{
	bool is_online = aps_reach_is_online(core, client);
	aps_queue_set_reach(queue, is_online ? APS_OUTBOX_ONLINE : APS_OUTBOX_OFFLINE,
	                    aps_reach_successes(core, client));
}

static void changed(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user)
{
	const struct queueing *all = APS_CONTAINER_OF(user, struct queueing, user);
	for (struct aps_queue *queue = all->first; queue != NULL; queue = queue->next) {
		set_reach(core, client, queue);
		aps_queue_wake(queue); /* it may be that this turn's end is over */
	}
}

/* The first one that has something to send has the try. */
static bool probe(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user)
{
	const struct queueing *all = APS_CONTAINER_OF(user, struct queueing, user);
	for (struct aps_queue *queue = all->first; queue != NULL; queue = queue->next) {
		if (queue->is_finishing || !aps_queue_leads(queue)) continue;
		aps_queue_set_reach(queue, APS_OUTBOX_PROBE, aps_reach_successes(core, client));
		aps_queue_run(queue);
		if (queue->outbox.reach != APS_OUTBOX_PROBE) return true;
		aps_queue_set_reach(queue, APS_OUTBOX_OFFLINE, aps_reach_successes(core, client));
	}
	return false;
}

static enum aps_rc client_opened(struct aps_core *core APS_UNUSED, struct aps_client *client APS_UNUSED, void **part,
                                 struct aps_err *err)
{
	struct queueing *all = aps_calloc(1, sizeof *all);
	if (all == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	all->user.changed = changed;
	all->user.probe = probe;
	*part = all;
	return APS_OK;
}

static void free_queueing(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	aps_free(APS_CONTAINER_OF(reap, struct queueing, reap));
}

static void client_closing(struct aps_core *core, struct aps_client *client, const struct aps_err *err)
{
	struct queueing *all = queueing_of(core, client);
	while (all->first != NULL) aps_queue_close(all->first, err);
	aps_reach_leave(core, client, &all->user);
	aps_core_reap(core, &all->reap, free_queueing);
}

enum aps_rc aps_queueing_open(struct aps_core *core, struct aps_client *client, uint64_t cache,
                              struct aps_queue_settings *settings, struct aps_err *err)
{
	APS_ON_THREAD(core->thread);
	struct queueing *all = queueing_of(core, client);
	struct aps_queue *queue = aps_queueing_find(core, client, cache);
	if (queue != NULL) {
		aps_queue_change(queue, settings);
		queue->has_news = queue->has_changed = true;
		queue->shown.state = NULL; /* it may be another one that listens now */
		return APS_OK;
	}
	if (aps_caching_partition(core, client, cache) == NULL)
		return aps_fail(err, APS_E_CLOSED, "the store is closed, or couldn't be opened");
	queue = aps_queue_open(core, client, cache, settings);
	if (queue == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	queue->next = all->first;
	queue->link = queue->first = &all->first;
	if (queue->next != NULL) queue->next->link = &queue->next;
	all->first = queue;
	aps_reach_join(core, client, &all->user);
	set_reach(core, client, queue);
	return APS_OK;
}

bool aps_queueing_cancel(struct aps_core *core, struct aps_client *client, uint64_t call, const struct aps_err *why)
{
	struct aps_queue *queue = queueing_of(core, client)->first;
	while (queue != NULL && !aps_queue_waits_cancel(queue, call, why)) queue = queue->next;
	return queue != NULL;
}

/* True: something followed from it. */
static bool go_on(struct aps_core *core, const struct aps_client *client)
{
	bool has_gone = false;
	for (struct aps_queue *queue = queueing_of(core, client)->first; queue != NULL; queue = queue->next) {
		aps_caching_commit(core, queue->vault);
		has_gone = has_gone || queue->has_news;
		aps_queue_run(queue);
	}
	return has_gone;
}

/* A request of it is under way, or will be. */
static bool is_asking(const struct aps_queue *queue)
{
	for (const struct aps_outbox_item *item = queue->outbox.items; item != NULL; item = item->next)
		if (item->delivery.state == APS_DELIVERY_MARKING || item->delivery.state == APS_DELIVERY_SENDING ||
		    item->delivery.state == APS_DELIVERY_LOOKING)
			return true;
	return false;
}

static bool is_timed(const struct aps_outbox_item *item)
{
	return item->delivery.state == APS_DELIVERY_WAITING || item->delivery.state == APS_DELIVERY_NO_AUTH;
}

/* Where all that may be next waits for a moment of its own, a try would be for nothing, and the next one late. */
static bool can_use_a_try(const struct aps_queue *queue)
{
	int64_t n_timed = 0;
	if (!aps_queue_leads(queue)) return false;
	for (const struct aps_outbox_item *item = queue->outbox.items; item != NULL; item = item->next) {
		if (!is_timed(item)) return true;
		n_timed++;
	}
	bool has_others = n_timed == 0 || queue->settings.order == APS_OUTBOX_ENTITY;
	return has_others && queue->n_entries > n_timed;
}

static void end_turn(struct aps_core *core, struct aps_client *client)
{
	bool is_wanted = false, is_any_asking = false;
	size_t n_entries = 0;
	for (struct aps_queue *queue = queueing_of(core, client)->first; queue != NULL; queue = queue->next) {
		aps_queue_settle(queue);
		aps_queue_look_for_waits(queue);
		aps_queue_away_share(queue);
		aps_queue_away_heed(queue);
		aps_queue_tell_state(queue);
		aps_queue_tell_outcome(queue);
		aps_queue_finish_look(queue);
		is_wanted = is_wanted || can_use_a_try(queue);
		is_any_asking = is_any_asking || is_asking(queue);
		n_entries += (size_t)queue->n_entries;
	}
	atomic_store_explicit(&client->stats->queued, n_entries, memory_order_relaxed);
	if (!is_any_asking) aps_reach_abandon(core, client, &queueing_of(core, client)->user);
	aps_reach_set_wanted(core, client, &queueing_of(core, client)->user, is_wanted);
}

/* What was written is committed, and what follows from that done, in whatever queue, until nothing does. */
static void turn_end(struct aps_core *core)
{
	bool has_gone;
	do {
		has_gone = false;
		for (struct aps_client *client = core->clients; client != NULL; client = client->next)
			has_gone = go_on(core, client) || has_gone;
	} while (has_gone);
	for (struct aps_client *client = core->clients; client != NULL; client = client->next) end_turn(core, client);
}

static void renewed(struct aps_core *core, struct aps_client *client, uint64_t credential)
{
	for (struct aps_queue *queue = queueing_of(core, client)->first; queue != NULL; queue = queue->next)
		for (unsigned mode = 0; mode < APS_ENTRY_MODE_COUNT; mode++) {
			if (queue->settings.credentials[mode] != credential) continue;
			aps_outbox_auth_changed(&queue->outbox, mode);
			queue->has_news = true;
			aps_queue_wake(queue);
		}
}

const struct aps_feature aps_queueing_feature = {
        .name = "outboxes",
        .client_opened = client_opened,
        .client_closing = client_closing,
        .renewed = renewed,
        .turn_end = turn_end,
};

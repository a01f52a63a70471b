#include "client/connections.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/feed.h"
#include "client/link_state.h"

struct aps_connections *aps_connections_of(const struct aps_core *core, const struct aps_client *client)
{
	return aps_client_part(core, client, &aps_realtime_feature);
}

static struct aps_feed *find_shared(const struct aps_connections *all, const struct aps_topic *topic)
{
	struct aps_shared *shared = aps_shared_find(&all->shared, topic);
	return shared != NULL ? APS_CONTAINER_OF(shared, struct aps_feed, shared) : NULL;
}

void aps_connections_unshare(struct aps_core *core, struct aps_feed *feed)
{
	aps_shared_remove(&aps_connections_of(core, feed->client)->shared, &feed->shared);
}

/* NULL with *err; the topic is taken. */
static struct aps_feed *open_feed(struct aps_core *core, struct aps_connections *all,
                                  const struct aps_subscription *subscription, struct aps_err *err)
{
	struct aps_feed *feed = aps_feed_new(core, all->client, subscription->topic, ++all->last_number, err);
	if (feed == NULL) {
		aps_topic_free(subscription->topic);
		return NULL;
	}
	if (!subscription->is_shared || aps_shared_add(&all->shared, &feed->shared, feed->topic)) return feed;
	aps_feed_ended(core, feed, NULL);
	aps_fail(err, APS_E_NOMEM, "out of memory");
	return NULL;
}

void aps_connections_subscribe(struct aps_core *core, struct aps_client *client,
                               const struct aps_subscription *subscription, struct aps_consumer *consumer)
{
	APS_ON_THREAD(core->thread);
	struct aps_err err = {0};
	if (aps_core_client(core, client->id) != client) {
		aps_topic_free(subscription->topic);
		aps_fail(&err, APS_E_CLOSED, "the client is closed");
		consumer->kind->end(core, consumer, &err, NULL);
		return;
	}
	struct aps_connections *all = aps_connections_of(core, client);
	struct aps_feed *feed = subscription->is_shared ? find_shared(all, subscription->topic) : NULL;
	if (feed != NULL) {
		aps_topic_free(subscription->topic);
		aps_feed_join(core, feed, consumer);
		return;
	}
	feed = open_feed(core, all, subscription, &err);
	if (feed == NULL) {
		APS_STATS_ADD(client->stats, errors, 1);
		consumer->kind->end(core, consumer, &err, NULL);
		return;
	}
	aps_feed_join(core, feed, consumer);
	if (aps_connections_place(core, feed, &err) != APS_OK) aps_feed_ended(core, feed, &err);
}

/* A function of its own may give it headers that no other one has. */
static bool is_apart(const struct aps_feed *feed)
{
	return feed->topic->has_dynamic_headers && feed->shared.hash == 0;
}

/* AppSync has each start's authorization. graphql-transport-ws has the connection's alone, so that only those share it
 * who would open the same one. */
static bool fits(const struct aps_core *core, const struct aps_link *link, const struct aps_feed *feed)
{
	if (link->n_feeds >= link->max_feeds) return false;
	if (link->client->settings.realtime.protocol == APS_REALTIME_APPSYNC) return true;
	const struct aps_feed *other = link->feeds;
	if (other == NULL)
		return link->identity != 0 && link->identity == aps_topic_identity(feed->topic, core->hash_seed);
	return !is_apart(feed) && !is_apart(other) && aps_topic_has_same_identity(feed->topic, other->topic);
}

enum aps_rc aps_connections_place(struct aps_core *core, struct aps_feed *feed, struct aps_err *err)
{
	APS_ON_THREAD(core->thread);
	struct aps_connections *all = aps_connections_of(core, feed->client);
	struct aps_link *link = all->links;
	while (link != NULL && !fits(core, link, feed)) link = link->next;
	if (link == NULL) {
		aps_reach_join(core, all->client, &all->user);
		link = aps_link_new(core, all, err);
	}
	return link != NULL ? aps_link_add(core, link, feed, err) : err->code;
}

/* The worst state of a client's links, as an application wants to know it. */
static enum aps_conn_state worst_state(const struct aps_connections *all)
{
	static const enum aps_conn_state WORST_FIRST[] = {
	        APS_CONN_DISRUPTED_PENDING_NETWORK,    APS_CONN_DISRUPTED,  APS_CONN_CONNECTED_PENDING_KEEP_ALIVE,
	        APS_CONN_CONNECTED_PENDING_NETWORK,    APS_CONN_CONNECTING, APS_CONN_CONNECTED,
	        APS_CONN_CONNECTED_PENDING_DISCONNECT,
	};
	for (size_t i = 0; i < APS_COUNTOF(WORST_FIRST); i++)
		for (const struct aps_link *link = all->links; link != NULL; link = link->next)
			if (link->state == WORST_FIRST[i]) return WORST_FIRST[i];
	return APS_CONN_DISCONNECTED;
}

void aps_connections_show(struct aps_core *core, struct aps_client *client, const struct aps_err *err)
{
	struct aps_connections *all = aps_connections_of(core, client);
	enum aps_conn_state state = worst_state(all);
	if (state == all->shown) return;
	all->shown = state;
	if (state == APS_CONN_DISRUPTED) APS_STATS_ADD(client->stats, reconnects, 1);
	aps_core_note(core, APS_EVENT_CONNECTION, client->id, aps_conn_state_name(state), err);
}

void aps_connections_tell_dropped(struct aps_core *core, struct aps_client *client, const char *why)
{
	APS_ON_THREAD(core->thread);
	struct aps_err err;
	aps_fail_word(&err, APS_E_PROTOCOL, "events_dropped", 0, "%s", why);
	const char *shown = aps_conn_state_name(aps_connections_of(core, client)->shown);
	aps_core_note(core, APS_EVENT_CONNECTION, client->id, shown, &err);
}

void aps_connections_set_online(struct aps_core *core, struct aps_client *client, bool is_online)
{
	APS_ON_THREAD(core->thread);
	struct aps_connections *all = aps_connections_of(core, client);
	all->is_online = is_online;
	for (struct aps_link *link = all->links; link != NULL; link = link->next)
		aps_link_set_online(core, link, is_online);
}

static void hint(struct aps_core *core, struct aps_client *client APS_UNUSED, struct aps_reach_user *user)
{
	const struct aps_connections *all = APS_CONTAINER_OF(user, struct aps_connections, user);
	for (struct aps_link *link = all->links; link != NULL; link = link->next) aps_link_hint(core, link);
}

static enum aps_rc client_opened(struct aps_core *core, struct aps_client *client, void **part, struct aps_err *err)
{
	struct aps_connections *all = aps_calloc(1, sizeof *all);
	if (all == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	all->client = client;
	all->shown = APS_CONN_DISCONNECTED;
	all->is_online = true;
	all->user.hint = all->user.answered = hint;
	aps_map_init(&all->shared.map, core->hash_seed);
	*part = all;
	return APS_OK;
}

static void free_connections(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	struct aps_connections *all = APS_CONTAINER_OF(reap, struct aps_connections, reap);
	aps_map_clear(&all->shared.map);
	aps_free(all);
}

/* Ends all feeds and closes the connections at once. */
static void client_leaving(struct aps_core *core, struct aps_client *client, const struct aps_err *err)
{
	struct aps_connections *all = aps_connections_of(core, client);
	while (all->links != NULL) aps_link_end(core, all->links, err);
	aps_connections_show(core, client, NULL);
}

static void client_closing(struct aps_core *core, struct aps_client *client, const struct aps_err *err)
{
	client_leaving(core, client, err);
	aps_reach_leave(core, client, &aps_connections_of(core, client)->user);
	aps_core_reap(core, &aps_connections_of(core, client)->reap, free_connections);
}

static void hold(struct aps_core *core, bool is_on APS_UNUSED)
{
	for (struct aps_client *client = core->clients; client != NULL; client = client->next)
		for (struct aps_link *link = aps_connections_of(core, client)->links; link != NULL; link = link->next)
			aps_link_update_pause(core, link);
}

const struct aps_feature aps_realtime_feature = {
        .name = "realtime",
        .client_opened = client_opened,
        .client_leaving = client_leaving,
        .client_closing = client_closing,
        .hold = hold,
};

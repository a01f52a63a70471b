#include "client/link.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/link_state.h"

#include <stdio.h>

#define NEVER_MS  INT64_MAX
#define MAX_MOVES 8 /* a feed that no connection has room for ends after this many */

static void link_due(struct aps_timer *timer, void *context, int64_t now_ms)
{
	struct aps_link *link = APS_CONTAINER_OF(timer, struct aps_link, timer);
	aps_realtime_tick(link->machine, now_ms);
	aps_link_pump(context, link);
}

static struct aps_link *new_link(struct aps_core *core, struct aps_client *client, struct aps_err *err)
{
	struct aps_link *link = aps_calloc(1, sizeof *link);
	struct aps_realtime *machine = link != NULL ? aps_realtime_new(&client->settings.realtime, &core->rand) : NULL;
	/* Armed for all its life: moving a timer never fails. */
	if (machine == NULL || !aps_timer_set(&core->timers, &link->timer, NEVER_MS)) {
		aps_realtime_free(machine);
		aps_free(link);
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return NULL;
	}
	aps_secrets_init(&link->sent);
	link->client = client;
	link->machine = machine;
	link->timer.due = link_due;
	link->waiter.ready = aps_link_material_ready;
	link->resolved.answered = aps_link_resolved;
	link->max_feeds = client->settings.max_subscriptions;
	link->state = APS_CONN_DISCONNECTED;
	aps_map_init(&link->feeds.map, client->id);
	aps_realtime_set_online(machine, client->is_online, aps_clock_mono_ms());
	link->next = client->links;
	client->links = link;
	return link;
}

static void detach(struct aps_core *core, struct aps_link *link)
{
	if (link->connection == 0) return;
	aps_table_take(&core->links, link->connection);
	link->connection = 0;
	link->is_paused = false;
	APS_STATS_SUB(link->client->stats, sockets, 1);
}

static void free_link(struct aps_core *core, struct aps_link *link)
{
	struct aps_link **at = &link->client->links;
	while (*at != link) at = &(*at)->next;
	*at = link->next;
	aps_link_stop_connecting(core, link);
	detach(core, link);
	aps_timer_stop(&core->timers, &link->timer);
	aps_credential_release(core, link->credential);
	aps_realtime_free(link->machine);
	aps_secrets_clear(&link->sent);
	aps_map_clear(&link->feeds.map);
	aps_free(link);
}

/* The worst state of a client's links, as an application wants to know it. */
static enum aps_conn_state client_state(const struct aps_client *client)
{
	static const enum aps_conn_state WORST_FIRST[] = {
	        APS_CONN_DISRUPTED_PENDING_NETWORK,    APS_CONN_DISRUPTED,  APS_CONN_CONNECTED_PENDING_KEEP_ALIVE,
	        APS_CONN_CONNECTED_PENDING_NETWORK,    APS_CONN_CONNECTING, APS_CONN_CONNECTED,
	        APS_CONN_CONNECTED_PENDING_DISCONNECT,
	};
	for (size_t i = 0; i < APS_COUNTOF(WORST_FIRST); i++)
		for (const struct aps_link *link = client->links; link != NULL; link = link->next)
			if (link->state == WORST_FIRST[i]) return WORST_FIRST[i];
	return APS_CONN_DISCONNECTED;
}

static void show_state(struct aps_core *core, struct aps_client *client, const struct aps_err *err)
{
	enum aps_conn_state state = client_state(client);
	if (state == client->shown_state) return;
	client->shown_state = state;
	if (state == APS_CONN_DISRUPTED) APS_STATS_ADD(client->stats, reconnects, 1);
	aps_core_note(core, APS_EVENT_CONNECTION, client->id, aps_conn_state_name(state), err);
}

void aps_link_tell_dropped(struct aps_core *core, struct aps_client *client)
{
	struct aps_err err;
	aps_fail_word(&err, APS_E_PROTOCOL, "events_dropped", 0,
	              "a subscriber with overflow = \"drop_oldest\" lags: events are being dropped");
	aps_core_note(core, APS_EVENT_CONNECTION, client->id, aps_conn_state_name(client->shown_state), &err);
}

/* Once for each text. */
static void log_once(struct aps_core *core, struct aps_link *link, const char *level, struct aps_str text)
{
	uint64_t hash = aps_str_hash(text, 0);
	for (size_t i = 0; i < link->n_notices; i++)
		if (link->notices[i] == hash) return;
	if (link->n_notices == APS_LINK_NOTICES) return;
	link->notices[link->n_notices++] = hash;
	char line[301];
	snprintf(line, sizeof line, "%.*s", text.n < 300 ? (int)text.n : 300, text.p);
	aps_link_mask(link, line);
	aps_core_log(core, link->client->id, level, "realtime: %s", line);
}

static void tell_notice(struct aps_core *core, struct aps_link *link, struct aps_str text)
{
	APS_STATS_ADD(link->client->stats, protocol_notices, 1);
	log_once(core, link, "warn", text);
}

/* Above the service's limit further sockets are opened (AWS General Reference, quota "Subscriptions per connection").
 */
static bool move_feed(struct aps_core *core, struct aps_link *link, struct aps_feed *feed)
{
	if (link->n_feeds < 2 || feed->n_moves >= MAX_MOVES) return false;
	struct aps_err err = {0};
	feed->n_moves++;
	aps_link_forget(core, link, feed);
	link->max_feeds = link->n_feeds;
	if (aps_link_place(core, feed, &err) != APS_OK) aps_feed_ended(core, feed, &err);
	return true;
}

static void sub_ended(struct aps_core *core, struct aps_link *link, struct aps_feed *feed, const struct aps_err *err)
{
	if (err == NULL) {
		aps_feed_ended(core, feed, NULL);
		return;
	}
	struct aps_err copy = *err;
	const char *word = aps_err_word(&copy);
	if (word != NULL && strcmp(word, "subscription_limit") == 0 && move_feed(core, link, feed)) return;
	aps_feed_ended(core, feed, &copy);
}

static void act_on_feed(struct aps_core *core, struct aps_link *link, const struct aps_realtime_action *action)
{
	struct aps_feed *feed = aps_table_get(&link->feeds, action->sub);
	if (feed == NULL) return;
	switch (action->kind) {
	case APS_REALTIME_DO_START: aps_feed_want_start(core, feed); break;
	case APS_REALTIME_SUB_STARTED:
		link->has_refreshed = false;
		link->was_live = true;
		aps_feed_started(core, feed);
		break;
	case APS_REALTIME_SUB_DATA: aps_feed_data(core, feed, link->bytes, action->payload); break;
	case APS_REALTIME_SUB_RECONNECTING: aps_feed_reconnecting(core, feed); break;
	case APS_REALTIME_SUB_ENDED:
		aps_feed_tell(feed, action->payload);
		sub_ended(core, link, feed, action->err);
		break;
	default:
		aps_feed_tell(feed, action->payload);
		aps_feed_auth_refused(core, feed, action->err);
		break;
	}
}

static void show_link_state(struct aps_core *core, struct aps_link *link, const struct aps_err *err)
{
	struct aps_err shown = {0};
	if (err != NULL) {
		shown = *err;
		aps_link_mask(link, shown.msg);
	}
	show_state(core, link->client, err != NULL ? &shown : NULL);
	/* A reconnect is no failure. A connection that has never worked is: somebody waits for it, and may not observe.
	 */
	if (err != NULL && link->state == APS_CONN_DISRUPTED)
		log_once(core, link, link->was_live ? "info" : "warn", aps_str_of(shown.msg));
}

static void close_transport(struct aps_core *core, struct aps_link *link, int code, struct aps_str reason)
{
	aps_link_stop_connecting(core, link);
	if (link->connection == 0) return;
	aps_ws_close(core->ws, link->connection, code, reason);
	detach(core, link);
}

static void act(struct aps_core *core, struct aps_link *link, const struct aps_realtime_action *action)
{
	switch (action->kind) {
	case APS_REALTIME_DO_CONNECT:
		close_transport(core, link, 1000, APS_STR("")); /* there is none, but for a close that was lost */
		aps_link_connect(core, link);
		break;
	case APS_REALTIME_DO_SEND:
		APS_STATS_ADD(link->client->stats, bytes_sent, action->text.n);
		if (link->connection != 0) aps_ws_send(core->ws, link->connection, action->text);
		break;
	case APS_REALTIME_DO_CLOSE: close_transport(core, link, action->code, action->text); break;
	case APS_REALTIME_STATE:
		link->state = action->state;
		show_link_state(core, link, action->err);
		break;
	case APS_REALTIME_NOTICE: tell_notice(core, link, action->text); break;
	case APS_REALTIME_AUTH_REFUSED:
		if (action->sub == 0) {
			aps_link_auth_refused(core, link, action);
			break;
		}
		/* fall through */
	default: act_on_feed(core, link, action); break;
	}
}

static bool is_done(const struct aps_link *link)
{
	return link->n_feeds == 0 && link->connection == 0 && link->resolving == 0 &&
	       aps_realtime_deadline_ms(link->machine) < 0 &&
	       aps_realtime_state(link->machine) == APS_CONN_DISCONNECTED;
}

void aps_link_pump(struct aps_core *core, struct aps_link *link)
{
	if (link->is_pumping) return; /* the outer call goes on */
	link->is_pumping = true;
	struct aps_realtime_action action;
	while (aps_realtime_next(link->machine, &action)) act(core, link, &action);
	link->is_pumping = false;
	if (is_done(link)) {
		struct aps_client *client = link->client;
		free_link(core, link);
		show_state(core, client, NULL);
		return;
	}
	int64_t at_ms = aps_realtime_deadline_ms(link->machine);
	aps_timer_set(&core->timers, &link->timer, at_ms < 0 ? NEVER_MS : at_ms);
}

enum aps_rc aps_link_place(struct aps_core *core, struct aps_feed *feed, struct aps_err *err)
{
	struct aps_client *client = feed->client;
	struct aps_link *link = client->links;
	while (link != NULL && link->n_feeds >= link->max_feeds) link = link->next;
	if (link == NULL) link = new_link(core, client, err);
	if (link == NULL) return err->code;
	if (!aps_table_set(&link->feeds, feed->number, feed)) {
		aps_link_pump(core, link); /* a new one without feeds goes */
		return aps_fail(err, APS_E_NOMEM, "out of memory");
	}
	link->n_feeds++;
	feed->link = link;
	if (aps_realtime_add(link->machine, feed->number, aps_clock_mono_ms()) != APS_OK) {
		aps_link_forget(core, link, feed);
		aps_link_pump(core, link);
		return aps_fail(err, APS_E_NOMEM, "out of memory");
	}
	/* An attempt may be under way that whoever began it has left: the machine won't ask for another one. */
	aps_link_headers_ready(core, link);
	return APS_OK;
}

void aps_link_forget(struct aps_core *core APS_UNUSED, struct aps_link *link, struct aps_feed *feed)
{
	if (link == NULL) return;
	if (aps_table_take(&link->feeds, feed->number) != NULL) link->n_feeds--;
	feed->link = NULL;
}

void aps_link_remove(struct aps_core *core, struct aps_link *link, uint64_t number)
{
	if (link == NULL) return;
	aps_realtime_remove(link->machine, number, aps_clock_mono_ms());
	aps_link_headers_ready(core, link);
}

void aps_link_headers_ready(struct aps_core *core, struct aps_link *link)
{
	if (link == NULL) return;
	aps_link_choose_again(core, link);
	aps_link_pump(core, link);
}

void aps_link_start(struct aps_core *core, struct aps_link *link, uint64_t number, struct aps_str payload)
{
	aps_realtime_start(link->machine, number, payload, aps_clock_mono_ms());
	aps_link_pump(core, link);
}

void aps_link_retry_auth(struct aps_core *core, struct aps_link *link, uint64_t number)
{
	aps_realtime_retry_auth(link->machine, number, aps_clock_mono_ms());
	aps_link_pump(core, link);
}

void aps_link_update_pause(struct aps_core *core, struct aps_link *link)
{
	if (link == NULL || link->connection == 0) return;
	bool must_pause = core->is_behind || core->is_flooded;
	for (const struct aps_feed *feed = link->client->feeds; feed != NULL && !must_pause; feed = feed->next)
		must_pause = feed->link == link && aps_feed_is_full(feed);
	if (must_pause == link->is_paused) return;
	link->is_paused = must_pause;
	aps_ws_pause(core->ws, link->connection, must_pause);
	aps_realtime_paused(link->machine, must_pause, aps_clock_mono_ms());
	aps_link_pump(core, link);
}

void aps_link_update_all(struct aps_core *core)
{
	for (struct aps_client *client = core->clients; client != NULL; client = client->next) {
		struct aps_link *link = client->links;
		while (link != NULL) {
			struct aps_link *next = link->next;
			aps_link_update_pause(core, link);
			link = next;
		}
	}
}

void aps_link_set_online(struct aps_core *core, struct aps_client *client, bool is_online)
{
	client->is_online = is_online;
	struct aps_link *link = client->links;
	while (link != NULL) {
		struct aps_link *next = link->next;
		aps_realtime_set_online(link->machine, is_online, aps_clock_mono_ms());
		aps_link_pump(core, link);
		link = next;
	}
}

static void take_event(struct aps_core *core, const struct aps_ws_batch *batch, const struct aps_ws_event *event,
                       int64_t now_ms)
{
	struct aps_link *link = aps_table_get(&core->links, event->connection);
	if (link == NULL) return; /* we closed it meanwhile */
	struct aps_str bytes = {batch->bytes != NULL ? batch->bytes->p + event->offset : "", event->n};
	link->bytes = batch->bytes;
	switch (event->kind) {
	case APS_WS_OPENED: aps_link_opened(core, link); break;
	case APS_WS_FRAME:
		APS_STATS_ADD(link->client->stats, messages, 1);
		APS_STATS_ADD(link->client->stats, bytes_received, event->n);
		aps_realtime_text(link->machine, bytes, now_ms);
		break;
	case APS_WS_TOO_BIG: aps_realtime_too_big(link->machine, bytes, now_ms); break;
	case APS_WS_CLOSED:
		detach(core, link);
		link->wants_connect = false; /* the machine says when to try again */
		aps_realtime_closed(link->machine, &batch->err, now_ms);
		break;
	}
	aps_link_pump(core, link);
}

void aps_link_take_batch(struct aps_core *core, struct aps_ws_batch *batch)
{
	int64_t now_ms = aps_clock_mono_ms(); /* a batch is one socket read */
	for (size_t i = 0; i < batch->n_events; i++) take_event(core, batch, &batch->events[i], now_ms);
}

void aps_link_close_all(struct aps_core *core, struct aps_client *client, const struct aps_err *err)
{
	while (client->links != NULL) {
		struct aps_link *link = client->links;
		link->is_pumping = true;
		aps_realtime_fail(link->machine, err, aps_clock_mono_ms());
		struct aps_realtime_action action;
		while (aps_realtime_next(link->machine, &action)) act(core, link, &action);
		link->state = APS_CONN_DISCONNECTED;
		if (link->connection != 0) aps_ws_close(core->ws, link->connection, 1000, APS_STR("client closed"));
		free_link(core, link);
	}
	while (client->feeds != NULL) aps_feed_ended(core, client->feeds, err);
	show_state(core, client, NULL);
}

#include "client/link_state.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>

#define NEVER_MS  INT64_MAX
#define MAX_MOVES 8 /* a feed that no connection has room for ends after this many */
/* A peer that waits for a pong waits longer. */
#define HARMLESS_STOP_MS 1000
/* What the peer had sent before it gave up is read within this after reading was resumed. */
#define LEFT_OVER_MS 5000

/* Where this thread or the realtime thread was late (a busy machine, a process that was stopped) the service's answer
 * may lie in the socket: only what isn't there either is missing. */
static bool look_first(struct aps_core *core, struct aps_link *link, int64_t now_ms)
{
	if (link->connection == 0 || aps_realtime_deadline_ms(link->machine) <= link->looked_ms) return false;
	link->asked_ms = now_ms;
	link->is_looking = aps_ws_look(core->ws, link->connection) == APS_OK;
	return link->is_looking;
}

static void link_due(struct aps_timer *timer, void *context, int64_t now_ms)
{
	struct aps_core *core = context;
	struct aps_link *link = APS_CONTAINER_OF(timer, struct aps_link, timer);
	aps_timer_set(&core->timers, timer, NEVER_MS); /* its place is free: others may take it before it is moved */
	if (look_first(core, link, now_ms)) return;
	aps_realtime_tick(link->machine, now_ms);
	aps_link_pump(core, link);
}

static void received(struct aps_core *core, struct aps_frame_sink *sink, const struct aps_ws_batch *batch,
                     const struct aps_ws_event *event);

struct aps_link *aps_link_new(struct aps_core *core, struct aps_connections *all, struct aps_err *err)
{
	APS_ON_THREAD(core->thread);
	const struct aps_settings *settings = &all->client->settings;
	struct aps_link *link = aps_calloc(1, sizeof *link);
	struct aps_realtime *machine = link != NULL ? aps_realtime_new(&settings->realtime, &core->rand) : NULL;
	/* Armed for all its life: moving a timer never fails. */
	if (machine == NULL || !aps_timer_set(&core->timers, &link->timer, NEVER_MS)) {
		aps_realtime_free(machine);
		aps_free(link);
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return NULL;
	}
	aps_secrets_init(&link->sent);
	link->all = all;
	link->client = all->client;
	link->machine = machine;
	link->timer.due = link_due;
	aps_lease_init(&link->lease, aps_link_decided);
	link->resolved.answered = aps_link_resolved;
	aps_time_question_init(&link->time_question, all->client, aps_link_time_answered);
	link->frames.received = received;
	link->max_feeds = settings->max_subscriptions;
	link->feeds_tail = &link->feeds;
	link->state = APS_CONN_DISCONNECTED;
	aps_map_init(&link->by_number.map, core->hash_seed);
	aps_realtime_set_online(machine, all->is_online, aps_clock_mono_ms());
	link->next = all->links;
	all->links = link;
	return link;
}

static void detach(struct aps_core *core, struct aps_link *link)
{
	if (link->connection == 0) return;
	aps_core_ws_forget(core, link->connection);
	link->connection = 0;
	link->is_paused = link->is_looking = false;
	APS_STATS_SUB(link->client->stats, sockets, 1);
}

static void free_link(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	struct aps_link *link = APS_CONTAINER_OF(reap, struct aps_link, reap);
	aps_realtime_free(link->machine);
	aps_secrets_clear(&link->sent);
	aps_map_clear(&link->by_number.map);
	aps_free(link);
}

static void end_link(struct aps_core *core, struct aps_link *link)
{
	struct aps_link **at = &link->all->links;
	while (*at != link) at = &(*at)->next;
	*at = link->next;
	aps_link_stop_connecting(core, link);
	detach(core, link);
	aps_timer_stop(&core->timers, &link->timer);
	aps_lease_clear(core, &link->lease);
	aps_core_reap(core, &link->reap, free_link);
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
	aps_link_forget(link, feed);
	link->max_feeds = link->n_feeds;
	if (aps_connections_place(core, feed, &err) != APS_OK) aps_feed_ended(core, feed, &err);
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
	struct aps_feed *feed = aps_table_get(&link->by_number, action->sub);
	if (feed == NULL) return;
	switch (action->kind) {
	case APS_REALTIME_DO_START: aps_feed_want_start(core, feed); break;
	case APS_REALTIME_SUB_STARTED:
		aps_lease_worked(&link->lease);
		link->was_live = true;
		aps_feed_started(core, feed);
		break;
	case APS_REALTIME_SUB_DATA: aps_feed_data(core, feed, link->bytes, action->payload); break;
	case APS_REALTIME_SUB_RECONNECTING: aps_feed_reconnecting(core, feed, action->err); break;
	case APS_REALTIME_SUB_DELAYED: aps_feed_delayed(core, feed, action->err); break;
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
	aps_connections_show(core, link->client, err != NULL ? &shown : NULL);
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
		if (link->state == APS_CONN_CONNECTED) aps_reach_connected(core, link->client);
		if (link->state == APS_CONN_DISRUPTED) aps_reach_await(core);
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

static bool has_ended(const struct aps_link *link)
{
	return link->reap.free_object != NULL;
}

static bool is_done(const struct aps_link *link)
{
	return link->n_feeds == 0 && link->connection == 0 && link->resolving == 0 &&
	       aps_realtime_deadline_ms(link->machine) < 0 &&
	       aps_realtime_state(link->machine) == APS_CONN_DISCONNECTED;
}

void aps_link_pump(struct aps_core *core, struct aps_link *link)
{
	if (link->is_pumping || has_ended(link)) return;
	link->is_pumping = true;
	struct aps_realtime_action action;
	while (aps_realtime_next(link->machine, &action)) act(core, link, &action);
	link->is_pumping = false;
	if (is_done(link)) {
		end_link(core, link);
		aps_connections_show(core, link->client, NULL);
		return;
	}
	if (link->is_looking) return;
	int64_t at_ms = aps_realtime_deadline_ms(link->machine);
	aps_timer_set(&core->timers, &link->timer, at_ms < 0 ? NEVER_MS : at_ms);
}

static void append(struct aps_link *link, struct aps_feed *feed)
{
	feed->link = link;
	feed->next = NULL;
	feed->at = link->feeds_tail;
	*feed->at = feed;
	link->feeds_tail = &feed->next;
	link->n_feeds++;
}

void aps_link_put_first(struct aps_link *link, struct aps_feed *feed)
{
	if (link->feeds == feed) return;
	*feed->at = feed->next;
	if (feed->next != NULL)
		feed->next->at = feed->at;
	else
		link->feeds_tail = feed->at;
	feed->next = link->feeds;
	feed->next->at = &feed->next;
	feed->at = &link->feeds;
	link->feeds = feed;
}

enum aps_rc aps_link_add(struct aps_core *core, struct aps_link *link, struct aps_feed *feed, struct aps_err *err)
{
	APS_ON_THREAD(core->thread);
	bool is_added = aps_table_set(&link->by_number, feed->number, feed);
	if (is_added) {
		append(link, feed);
		link->identity = aps_topic_identity(feed->topic, core->hash_seed);
		if (aps_realtime_add(link->machine, feed->number, aps_clock_mono_ms()) != APS_OK) {
			aps_link_forget(link, feed);
			is_added = false;
		}
	}
	/* An attempt may be under way that whoever began it has left: the machine won't ask for another one. A new link
	 * without feeds goes. */
	aps_link_headers_ready(core, link);
	return is_added ? APS_OK : aps_fail(err, APS_E_NOMEM, "out of memory");
}

void aps_link_forget(struct aps_link *link, struct aps_feed *feed)
{
	if (link == NULL) return;
	aps_table_take(&link->by_number, feed->number);
	*feed->at = feed->next;
	if (feed->next != NULL)
		feed->next->at = feed->at;
	else
		link->feeds_tail = feed->at;
	link->n_feeds--;
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
	if (link == NULL || has_ended(link)) return;
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
	aps_realtime_retry_auth(link->machine, number, true, aps_clock_mono_ms());
	aps_link_pump(core, link);
}

static bool has_full_feed(const struct aps_link *link)
{
	const struct aps_feed *feed = link->feeds;
	while (feed != NULL && !aps_feed_is_full(feed)) feed = feed->next;
	return feed != NULL;
}

int64_t aps_link_heard_ms(const struct aps_link *link, int64_t since_ms)
{
	if (link == NULL || link->is_paused || link->stopped_ms >= since_ms) return 0;
	return aps_realtime_life_ms(link->machine);
}

void aps_link_update_pause(struct aps_core *core, struct aps_link *link)
{
	APS_ON_THREAD(core->thread);
	if (link == NULL || link->connection == 0) return;
	bool must_pause = aps_core_is_held(core) || has_full_feed(link);
	if (must_pause == link->is_paused) return;
	int64_t now_ms = aps_clock_mono_ms();
	link->is_paused = must_pause;
	if (must_pause)
		link->stopped_ms = now_ms;
	else if (now_ms - link->stopped_ms >= HARMLESS_STOP_MS)
		link->resumed_ms = now_ms;
	aps_ws_pause(core->ws, link->connection, must_pause);
	aps_realtime_paused(link->machine, must_pause, now_ms);
	aps_link_pump(core, link);
}

/* It ends while it isn't read, or soon after it wasn't for long: the peer may have given up what it had still to send.
 * That the core is behind by itself is over in no time. */
static bool has_missed(const struct aps_core *core, const struct aps_link *link, int64_t now_ms)
{
	if (link->is_paused && (core->is_flooded || has_full_feed(link))) return true;
	return link->resumed_ms != 0 && now_ms - link->resumed_ms < LEFT_OVER_MS;
}

static void tell_missed(struct aps_core *core, struct aps_link *link)
{
	for (struct aps_feed *feed = link->feeds; feed != NULL; feed = feed->next) aps_feed_missed(core, feed);
	aps_connections_tell_dropped(core, link->client,
	                             "the connection ended while it was not read, because a subscriber lagged: "
	                             "events may be missing");
}

void aps_link_set_online(struct aps_core *core, struct aps_link *link, bool is_online)
{
	APS_ON_THREAD(core->thread);
	if (has_ended(link)) return;
	aps_realtime_set_online(link->machine, is_online, aps_clock_mono_ms());
	aps_link_pump(core, link);
}

void aps_link_hint(struct aps_core *core, struct aps_link *link)
{
	APS_ON_THREAD(core->thread);
	if (has_ended(link)) return;
	aps_realtime_hint(link->machine, aps_clock_mono_ms());
	aps_link_pump(core, link);
}

static void received(struct aps_core *core, struct aps_frame_sink *sink, const struct aps_ws_batch *batch,
                     const struct aps_ws_event *event)
{
	struct aps_link *link = APS_CONTAINER_OF(sink, struct aps_link, frames);
	int64_t now_ms = aps_clock_mono_ms();
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
	case APS_WS_LOOKED:
		/* What is due happens at the end of this turn: other messages may have come after this one. */
		link->is_looking = false;
		link->looked_ms = link->asked_ms;
		/* The difference is right where the two were cut. */
		aps_realtime_heard(link->machine, (int64_t)((size_t)now_ms - event->n), now_ms);
		break;
	case APS_WS_CLOSED:
		if (has_missed(core, link, now_ms)) tell_missed(core, link);
		detach(core, link);
		link->wants_connect = false; /* the machine says when to try again */
		if (!aps_link_ask_proxy(core, link, &batch->err))
			aps_realtime_closed(link->machine, &batch->err, now_ms);
		break;
	}
	aps_link_pump(core, link);
}

void aps_link_end(struct aps_core *core, struct aps_link *link, const struct aps_err *err)
{
	APS_ON_THREAD(core->thread);
	struct aps_realtime_action action;
	link->is_pumping = true;
	aps_realtime_fail(link->machine, err, aps_clock_mono_ms());
	while (aps_realtime_next(link->machine, &action)) act(core, link, &action);
	while (link->feeds != NULL) aps_feed_ended(core, link->feeds, err);
	link->state = APS_CONN_DISCONNECTED;
	if (link->connection != 0) aps_ws_close(core->ws, link->connection, 1000, APS_STR("client closed"));
	end_link(core, link);
}

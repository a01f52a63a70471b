#include "client/reach.h"

#include "base/clock.h"
#include "base/mem.h"
#include "net/route_watch.h"

#define LONG_AGO_MS (INT64_MIN / 2)

/* Of a client. */
struct reach {
	struct aps_reap reap;
	struct aps_core *core;
	struct aps_client *client;
	struct aps_reachability machine;
	struct aps_reach_user *users;
	struct aps_timer timer;
	struct aps_timer hint; /* one that came too soon after the last */
	int64_t hinted_ms;     /* when that was, */
	int64_t answered_ms;   /* and when an answer was a sign */
	uint64_t successes;
};

/* Of the core. */
struct routes {
	struct aps_route_watch watch;
	struct aps_descriptor descriptor; /* its */
};

static struct reach *reach_of(const struct aps_core *core, const struct aps_client *client)
{
	return aps_client_part(core, client, &aps_reach_feature);
}

static void feed(struct reach *reach, enum aps_reachability_event event);

static void probe(struct reach *reach)
{
	bool is_used = false;
	for (struct aps_reach_user *user = reach->users; user != NULL && !is_used; user = user->next)
		is_used = user->has_try = user->probe != NULL && user->probe(reach->core, reach->client, user);
	if (!is_used) feed(reach, APS_REACHABILITY_ON_ABANDONED);
}

static void tell_changed(struct reach *reach)
{
	for (struct aps_reach_user *user = reach->users; user != NULL; user = user->next)
		if (user->changed != NULL) user->changed(reach->core, reach->client, user);
	bool is_online = reach->machine.state == APS_REACHABILITY_ONLINE;
	if (is_online)
		aps_core_note(reach->core, APS_EVENT_REACH, reach->client->id, "online", NULL);
	else if (reach->machine.state != APS_REACHABILITY_TOLD_OFFLINE)
		aps_reach_await(reach->core);
}

static void tell_answered(struct reach *reach)
{
	for (struct aps_reach_user *user = reach->users; user != NULL; user = user->next)
		if (user->answered != NULL) user->answered(reach->core, reach->client, user);
}

static void tell_hint(struct reach *reach)
{
	for (struct aps_reach_user *user = reach->users; user != NULL; user = user->next)
		if (user->hint != NULL) user->hint(reach->core, reach->client, user);
}

static void feed(struct reach *reach, enum aps_reachability_event event)
{
	struct aps_timers *timers = &reach->core->timers;
	int64_t now_ms = aps_clock_mono_ms();
	struct aps_reachability_action action =
	        aps_reachability_feed(&reach->machine, event, now_ms, &reach->core->rand);
	if (action.timer == APS_REACHABILITY_ARM) (void)aps_timer_set(timers, &reach->timer, now_ms + action.delay_ms);
	if (action.timer == APS_REACHABILITY_STOP) aps_timer_stop(timers, &reach->timer);
	if (action.change != APS_REACHABILITY_SAME) tell_changed(reach);
	if (action.may_probe) probe(reach);
}

static void timer_due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms APS_UNUSED)
{
	feed(APS_CONTAINER_OF(timer, struct reach, timer), APS_REACHABILITY_ON_DUE);
}

/* Others may not reach their own endpoint all the same: what is no news is a sign now and then. */
static void feed_answer(struct reach *reach)
{
	int64_t now_ms = aps_clock_mono_ms();
	bool is_news = reach->machine.state != APS_REACHABILITY_ONLINE;
	feed(reach, APS_REACHABILITY_ON_ANSWERED);
	if (reach->machine.state != APS_REACHABILITY_ONLINE) return;
	if (!is_news && now_ms - reach->answered_ms < APS_REACH_ANSWER_MS) return;
	reach->answered_ms = now_ms;
	tell_answered(reach);
}

static void act_on_hint(struct reach *reach)
{
	reach->hinted_ms = aps_clock_mono_ms();
	if (reach->machine.state == APS_REACHABILITY_TOLD_OFFLINE) return;
	if (reach->machine.state != APS_REACHABILITY_ONLINE)
		aps_core_note(reach->core, APS_EVENT_REACH, reach->client->id, "hint", NULL);
	feed(reach, APS_REACHABILITY_ON_HINT);
	tell_hint(reach);
}

static void hint_due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms APS_UNUSED)
{
	act_on_hint(APS_CONTAINER_OF(timer, struct reach, hint));
}

/* The last one counts: a network comes back in steps, an address before its routes. */
static void take_hint(struct reach *reach)
{
	int64_t now_ms = aps_clock_mono_ms(), next_ms = reach->hinted_ms + APS_REACH_HINT_MS;
	if (reach->machine.state == APS_REACHABILITY_TOLD_OFFLINE || reach->hint.index != 0) return;
	bool is_too_soon = now_ms < next_ms && aps_timer_set(&reach->core->timers, &reach->hint, next_ms);
	if (!is_too_soon) act_on_hint(reach);
}

void aps_reach_hint(struct aps_core *core, struct aps_client *client)
{
	APS_ON_THREAD(core->thread);
	if (client != NULL) {
		take_hint(reach_of(core, client));
		return;
	}
	for (client = core->clients; client != NULL; client = client->next) take_hint(reach_of(core, client));
}

static enum aps_rc client_opened(struct aps_core *core, struct aps_client *client, void **part, struct aps_err *err)
{
	struct reach *reach = aps_calloc(1, sizeof *reach);
	if (reach == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	reach->core = core;
	reach->client = client;
	reach->timer.due = timer_due;
	reach->hint.due = hint_due;
	reach->hinted_ms = reach->answered_ms = LONG_AGO_MS;
	aps_reachability_init(&reach->machine);
	*part = reach;
	return APS_OK;
}

static void free_reach(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	aps_free(APS_CONTAINER_OF(reap, struct reach, reap));
}

static void client_closing(struct aps_core *core, struct aps_client *client, const struct aps_err *err APS_UNUSED)
{
	struct reach *reach = reach_of(core, client);
	reach->users = NULL;
	aps_timer_stop(&core->timers, &reach->timer);
	aps_timer_stop(&core->timers, &reach->hint);
	aps_core_reap(core, &reach->reap, free_reach);
}

static void look_at_wishes(struct reach *reach)
{
	bool is_wanted = false;
	for (const struct aps_reach_user *user = reach->users; user != NULL; user = user->next)
		is_wanted = is_wanted || user->is_wanting;
	if (is_wanted == reach->machine.is_wanted) return;
	feed(reach, is_wanted ? APS_REACHABILITY_ON_WANTED : APS_REACHABILITY_ON_UNWANTED);
}

void aps_reach_join(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user)
{
	APS_ON_THREAD(core->thread);
	struct reach *reach = reach_of(core, client);
	aps_reach_leave(core, client, user);
	user->next = reach->users;
	reach->users = user;
}

void aps_reach_leave(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user)
{
	APS_ON_THREAD(core->thread);
	struct reach *reach = reach_of(core, client);
	if (reach == NULL) return; /* the client couldn't be opened */
	struct aps_reach_user **at = &reach->users;
	while (*at != NULL && *at != user) at = &(*at)->next;
	if (*at != NULL) *at = user->next;
	look_at_wishes(reach);
}

/* Nothing of the network is known where it was not asked: no memory, no token, a request that can't be rendered. */
static enum aps_reachability_event event_of(const struct aps_outcome *outcome)
{
	if (outcome->answer.status != 0) return APS_REACHABILITY_ON_ANSWERED;
	switch (outcome->response.err.code) {
	case APS_E_NETWORK:
	case APS_E_TLS:
	case APS_E_TIMEOUT: return APS_REACHABILITY_ON_FAILED;
	default: return APS_REACHABILITY_ON_ABANDONED;
	}
}

void aps_reach_heard(struct aps_core *core, struct aps_client *client, const struct aps_outcome *outcome)
{
	APS_ON_THREAD(core->thread);
	struct reach *reach = reach_of(core, client);
	enum aps_reachability_event event = event_of(outcome);
	if (outcome->response.err.code == APS_OK && outcome->answer.status != 0) reach->successes++;
	bool is_news = event == APS_REACHABILITY_ON_ANSWERED || event == APS_REACHABILITY_ON_FAILED;
	for (struct aps_reach_user *user = reach->users; is_news && user != NULL; user = user->next)
		user->has_try = false;
	if (event == APS_REACHABILITY_ON_ANSWERED) feed_answer(reach);
	if (event == APS_REACHABILITY_ON_FAILED) feed(reach, event);
	/* a try's end without either is told by whoever has it */
}

void aps_reach_connected(struct aps_core *core, struct aps_client *client)
{
	APS_ON_THREAD(core->thread);
	feed_answer(reach_of(core, client));
}

void aps_reach_set_online(struct aps_core *core, struct aps_client *client, bool is_online)
{
	APS_ON_THREAD(core->thread);
	feed(reach_of(core, client), is_online ? APS_REACHABILITY_ON_SET_ONLINE : APS_REACHABILITY_ON_SET_OFFLINE);
}

void aps_reach_abandon(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user)
{
	APS_ON_THREAD(core->thread);
	struct reach *reach = reach_of(core, client);
	if (!user->has_try) return;
	user->has_try = false;
	if (reach->machine.state == APS_REACHABILITY_PROBING) feed(reach, APS_REACHABILITY_ON_ABANDONED);
}

void aps_reach_set_wanted(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user, bool is_wanted)
{
	APS_ON_THREAD(core->thread);
	user->is_wanting = is_wanted;
	look_at_wishes(reach_of(core, client));
}

bool aps_reach_is_online(const struct aps_core *core, const struct aps_client *client)
{
	return reach_of(core, client)->machine.state == APS_REACHABILITY_ONLINE;
}

bool aps_reach_is_told_offline(const struct aps_core *core, const struct aps_client *client)
{
	return reach_of(core, client)->machine.state == APS_REACHABILITY_TOLD_OFFLINE;
}

uint64_t aps_reach_successes(const struct aps_core *core, const struct aps_client *client)
{
	return reach_of(core, client)->successes;
}

/* Where there is no thread there is no network either: time and chance are a test's. What can't be had isn't missed. */
void aps_reach_await(struct aps_core *core)
{
	struct routes *routes = aps_core_part(core, &aps_reach_feature);
	if (core->thread != NULL && aps_route_watch_open(&routes->watch))
		aps_descriptors_add(&core->descriptors, &routes->descriptor, routes->watch.fd);
}

static void routes_ready(struct aps_descriptor *descriptor, void *context)
{
	struct aps_core *core = context;
	struct routes *routes = APS_CONTAINER_OF(descriptor, struct routes, descriptor);
	bool has_news = aps_route_watch_read(&routes->watch);
	if (routes->watch.fd < 0) aps_descriptors_remove(&core->descriptors, descriptor);
	if (has_news) aps_reach_hint(core, NULL);
}

static enum aps_rc open_routes(struct aps_core *core APS_UNUSED, void **part, struct aps_err *err)
{
	struct routes *routes = aps_calloc(1, sizeof *routes);
	if (routes == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	aps_route_watch_init(&routes->watch);
	routes->descriptor.ready = routes_ready;
	*part = routes;
	return APS_OK;
}

static void close_routes(struct aps_core *core, void *part)
{
	struct routes *routes = part;
	aps_descriptors_remove(&core->descriptors, &routes->descriptor);
	aps_route_watch_clear(&routes->watch);
	aps_free(routes);
}

const struct aps_feature aps_reach_feature = {
        .name = "reach",
        .open = open_routes,
        .client_opened = client_opened,
        .client_closing = client_closing,
        .close = close_routes,
};

#include "client/reach.h"

#include "base/clock.h"
#include "base/mem.h"

struct reach {
	struct aps_reap reap;
	struct aps_core *core;
	struct aps_client *client;
	struct aps_reachability machine;
	struct aps_reach_user *user; /* NULL: none */
	struct aps_timer timer;
	uint64_t successes;
};

static struct reach *reach_of(const struct aps_core *core, const struct aps_client *client)
{
	return aps_client_part(core, client, &aps_reach_feature);
}

static void feed(struct reach *reach, enum aps_reachability_event event);

static void probe(struct reach *reach)
{
	bool is_used = reach->user != NULL && reach->user->probe(reach->core, reach->client, reach->user);
	if (!is_used) feed(reach, APS_REACHABILITY_ON_ABANDONED);
}

static void feed(struct reach *reach, enum aps_reachability_event event)
{
	struct aps_timers *timers = &reach->core->timers;
	struct aps_reachability_action action = aps_reachability_feed(&reach->machine, event, &reach->core->rand);
	if (action.timer == APS_REACHABILITY_ARM)
		(void)aps_timer_set(timers, &reach->timer, aps_clock_mono_ms() + action.delay_ms);
	if (action.timer == APS_REACHABILITY_STOP) aps_timer_stop(timers, &reach->timer);
	if (action.change != APS_REACHABILITY_SAME && reach->user != NULL)
		reach->user->changed(reach->core, reach->client, reach->user);
	if (action.may_probe) probe(reach);
}

static void timer_due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms APS_UNUSED)
{
	feed(APS_CONTAINER_OF(timer, struct reach, timer), APS_REACHABILITY_ON_DUE);
}

static enum aps_rc client_opened(struct aps_core *core, struct aps_client *client, void **part, struct aps_err *err)
{
	struct reach *reach = aps_calloc(1, sizeof *reach);
	if (reach == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	reach->core = core;
	reach->client = client;
	reach->timer.due = timer_due;
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
	reach->user = NULL;
	aps_timer_stop(&core->timers, &reach->timer);
	aps_core_reap(core, &reach->reap, free_reach);
}

void aps_reach_set_user(struct aps_core *core, struct aps_client *client, struct aps_reach_user *user)
{
	APS_ON_THREAD(core->thread);
	reach_of(core, client)->user = user;
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
	if (event != APS_REACHABILITY_ON_ABANDONED) feed(reach, event); /* a try's end is told by whoever has it */
}

void aps_reach_connected(struct aps_core *core, struct aps_client *client)
{
	APS_ON_THREAD(core->thread);
	feed(reach_of(core, client), APS_REACHABILITY_ON_ANSWERED);
}

void aps_reach_set_online(struct aps_core *core, struct aps_client *client, bool is_online)
{
	APS_ON_THREAD(core->thread);
	feed(reach_of(core, client), is_online ? APS_REACHABILITY_ON_SET_ONLINE : APS_REACHABILITY_ON_SET_OFFLINE);
}

void aps_reach_abandon(struct aps_core *core, struct aps_client *client)
{
	APS_ON_THREAD(core->thread);
	struct reach *reach = reach_of(core, client);
	if (reach->machine.state == APS_REACHABILITY_PROBING) feed(reach, APS_REACHABILITY_ON_ABANDONED);
}

void aps_reach_set_wanted(struct aps_core *core, struct aps_client *client, bool is_wanted)
{
	APS_ON_THREAD(core->thread);
	struct reach *reach = reach_of(core, client);
	if (is_wanted == reach->machine.is_wanted) return;
	feed(reach, is_wanted ? APS_REACHABILITY_ON_WANTED : APS_REACHABILITY_ON_UNWANTED);
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

const struct aps_feature aps_reach_feature = {
        .name = "reach",
        .client_opened = client_opened,
        .client_closing = client_closing,
};

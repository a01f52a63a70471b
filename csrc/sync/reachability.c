/* The states of an endpoint:
 *
 *                          SET_OFFLINE (from everywhere)
 *                +----------------------------------------> TOLD_OFFLINE
 *                |                                               |
 *    init --> ONLINE <-------------------------------------------+
 *             |   ^  ^          ANSWERED, SET_ONLINE
 *      FAILED |   |  +--------------------------------+
 *             v   | ANSWERED, SET_ONLINE              | ANSWERED, SET_ONLINE
 *             OFFLINE ------------- DUE ----------> PROBING
 *                ^                                    |
 *                +------------------------------------+
 *                    FAILED, ABANDONED, UNWANTED
 *
 * The timer is armed in OFFLINE only, and there while it is wanted. Each try in vain doubles the backoff; ONLINE begins
 * it anew. What fails in OFFLINE was sent before, and lengthens nothing. */
#include "sync/reachability.h"

static const struct aps_backoff_policy POLICY = {.base_ms = 1000, .cap_ms = 300000};

#define TEXT(name, text) text,
static const char *const STATE_NAMES[] = {APS_REACHABILITY_STATE_MAP(TEXT)};
static const char *const EVENT_NAMES[] = {APS_REACHABILITY_EVENT_MAP(TEXT)};
#undef TEXT

const char *aps_reachability_state_name(enum aps_reachability_state state)
{
	return (unsigned)state < APS_REACHABILITY_STATE_COUNT ? STATE_NAMES[state] : "unknown";
}

const char *aps_reachability_event_name(enum aps_reachability_event event)
{
	return (unsigned)event < APS_REACHABILITY_EVENT_COUNT ? EVENT_NAMES[event] : "unknown";
}

void aps_reachability_init(struct aps_reachability *reachability)
{
	*reachability = (struct aps_reachability){.state = APS_REACHABILITY_ONLINE};
}

static void stop(struct aps_reachability *r, struct aps_reachability_action *action)
{
	if (r->is_armed) action->timer = APS_REACHABILITY_STOP;
	r->is_armed = false;
}

static void arm(struct aps_reachability *r, struct aps_rand *rand, struct aps_reachability_action *action)
{
	if (!r->is_wanted || r->is_armed) return;
	r->is_armed = true;
	action->timer = APS_REACHABILITY_ARM;
	action->delay_ms = aps_backoff_delay_ms(&POLICY, r->n_tries, rand);
}

static void go_online(struct aps_reachability *r, struct aps_reachability_action *action)
{
	stop(r, action);
	if (r->state != APS_REACHABILITY_ONLINE) action->change = APS_REACHABILITY_WENT_ONLINE;
	r->state = APS_REACHABILITY_ONLINE;
	r->n_tries = 0;
}

static void be_told_offline(struct aps_reachability *r, struct aps_reachability_action *action)
{
	stop(r, action);
	if (r->state == APS_REACHABILITY_ONLINE) action->change = APS_REACHABILITY_WENT_OFFLINE;
	r->state = APS_REACHABILITY_TOLD_OFFLINE;
	r->n_tries = 0;
}

static void end_try(struct aps_reachability *r, struct aps_rand *rand, struct aps_reachability_action *action)
{
	r->state = APS_REACHABILITY_OFFLINE;
	if (r->n_tries < UINT32_MAX) r->n_tries++;
	arm(r, rand, action);
}

static void fail(struct aps_reachability *r, struct aps_rand *rand, struct aps_reachability_action *action)
{
	if (r->state == APS_REACHABILITY_PROBING) {
		end_try(r, rand, action);
	} else if (r->state == APS_REACHABILITY_ONLINE) {
		action->change = APS_REACHABILITY_WENT_OFFLINE;
		r->state = APS_REACHABILITY_OFFLINE;
		arm(r, rand, action);
	}
}

static void probe(struct aps_reachability *r, struct aps_reachability_action *action)
{
	r->is_armed = false;
	r->state = APS_REACHABILITY_PROBING;
	action->may_probe = true;
}

static void want(struct aps_reachability *r, struct aps_rand *rand, struct aps_reachability_action *action)
{
	r->is_wanted = true;
	if (r->state == APS_REACHABILITY_OFFLINE) arm(r, rand, action);
}

/* A try that is still under way may yet be answered. */
static void want_no_more(struct aps_reachability *r, struct aps_rand *rand, struct aps_reachability_action *action)
{
	r->is_wanted = false;
	stop(r, action);
	if (r->state == APS_REACHABILITY_PROBING) end_try(r, rand, action);
}

static struct aps_reachability_action reject(const struct aps_reachability *r, enum aps_reachability_event event)
{
	struct aps_reachability_action action = {.may_probe = false};
	aps_fail(&action.err, APS_E_INTERNAL, "\"%s\" came to an endpoint in state \"%s\"%s",
	         aps_reachability_event_name(event), aps_reachability_state_name(r->state),
	         r->is_armed ? "" : ", whose timer is not armed");
	return action;
}

struct aps_reachability_action aps_reachability_feed(struct aps_reachability *reachability,
                                                     enum aps_reachability_event event, struct aps_rand *rand)
{
	struct aps_reachability *r = reachability;
	struct aps_reachability_action action = {.change = APS_REACHABILITY_SAME};
	switch (event) {
	case APS_REACHABILITY_ON_FAILED: fail(r, rand, &action); break;
	case APS_REACHABILITY_ON_ANSWERED:
	case APS_REACHABILITY_ON_SET_ONLINE: go_online(r, &action); break;
	case APS_REACHABILITY_ON_ABANDONED:
		if (r->state == APS_REACHABILITY_PROBING) end_try(r, rand, &action);
		break;
	case APS_REACHABILITY_ON_SET_OFFLINE: be_told_offline(r, &action); break;
	case APS_REACHABILITY_ON_DUE:
		if (!r->is_armed) return reject(r, event);
		probe(r, &action);
		break;
	case APS_REACHABILITY_ON_WANTED: want(r, rand, &action); break;
	case APS_REACHABILITY_ON_UNWANTED: want_no_more(r, rand, &action); break;
	case APS_REACHABILITY_EVENT_COUNT:
	default: return reject(r, event);
	}
	return action;
}

/* The states of an endpoint:
 *
 *                          SET_OFFLINE (from everywhere)
 *                +----------------------------------------> TOLD_OFFLINE
 *                |                                               |
 *    init --> ONLINE <-------------------------------------------+
 *             |   ^  ^                SET_ONLINE
 *      FAILED |   |  +--------------------------------+
 *             v   | ANSWERED, SET_ONLINE              | ANSWERED, SET_ONLINE
 *             OFFLINE ------------- DUE ----------> PROBING
 *                ^                                    |
 *                +------------------------------------+
 *                    FAILED, ABANDONED, UNWANTED
 *
 * The timer is armed in OFFLINE only, and there while it is wanted. Each try in vain doubles the backoff; ONLINE and a
 * HINT begin it anew, and a HINT shortens what is left of it. What fails in OFFLINE was sent before, and lengthens
 * nothing; what is answered in TOLD_OFFLINE was, too. */
#include "sync/reachability.h"

static const struct aps_backoff_policy POLICY = {.base_ms = 200, .cap_ms = APS_OUTAGE_OLD_MS};

/* With what comes. */
struct input {
	int64_t now_ms;
	struct aps_rand *rand;
};

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

static void arm_for(struct aps_reachability *r, int64_t delay_ms, int64_t now_ms,
                    struct aps_reachability_action *action)
{
	r->is_armed = true;
	r->due_ms = now_ms + delay_ms;
	action->timer = APS_REACHABILITY_ARM;
	action->delay_ms = delay_ms;
}

/* `took_ms`: since the last try began; 0: there was none. */
static void arm(struct aps_reachability *r, int64_t took_ms, const struct input *input,
                struct aps_reachability_action *action)
{
	if (!r->is_wanted || r->is_armed) return;
	int64_t outage_ms = input->now_ms - took_ms - r->lost_at_ms;
	int64_t delay_ms = aps_backoff_outage_ms(&POLICY, r->n_tries, outage_ms, took_ms, input->rand);
	arm_for(r, delay_ms, input->now_ms, action);
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

static void end_try(struct aps_reachability *r, const struct input *input, struct aps_reachability_action *action)
{
	r->state = APS_REACHABILITY_OFFLINE;
	if (r->n_tries < UINT32_MAX) r->n_tries++;
	arm(r, input->now_ms - r->try_at_ms, input, action);
}

static void fail(struct aps_reachability *r, const struct input *input, struct aps_reachability_action *action)
{
	if (r->state == APS_REACHABILITY_PROBING) {
		end_try(r, input, action);
	} else if (r->state == APS_REACHABILITY_ONLINE) {
		action->change = APS_REACHABILITY_WENT_OFFLINE;
		r->state = APS_REACHABILITY_OFFLINE;
		r->lost_at_ms = input->now_ms;
		arm(r, 0, input, action);
	}
}

static void probe(struct aps_reachability *r, const struct input *input, struct aps_reachability_action *action)
{
	r->is_armed = false;
	r->state = APS_REACHABILITY_PROBING;
	r->try_at_ms = input->now_ms;
	action->may_probe = true;
}

/* A try that is under way ends as it may; the next one is soon. */
static void take_hint(struct aps_reachability *r, const struct input *input, struct aps_reachability_action *action)
{
	r->n_tries = 0;
	if (!r->is_armed) return;
	int64_t delay_ms = aps_backoff_spread_ms(input->rand);
	if (input->now_ms + delay_ms < r->due_ms) arm_for(r, delay_ms, input->now_ms, action);
}

static void want(struct aps_reachability *r, const struct input *input, struct aps_reachability_action *action)
{
	r->is_wanted = true;
	int64_t since_try_ms = r->n_tries > 0 ? input->now_ms - r->try_at_ms : 0;
	if (r->state == APS_REACHABILITY_OFFLINE) arm(r, since_try_ms, input, action);
}

/* A try that is still under way may yet be answered. */
static void want_no_more(struct aps_reachability *r, const struct input *input, struct aps_reachability_action *action)
{
	r->is_wanted = false;
	stop(r, action);
	if (r->state == APS_REACHABILITY_PROBING) end_try(r, input, action);
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
                                                     enum aps_reachability_event event, int64_t now_ms,
                                                     struct aps_rand *rand)
{
	struct aps_reachability *r = reachability;
	const struct input input = {now_ms, rand};
	struct aps_reachability_action action = {.change = APS_REACHABILITY_SAME};
	switch (event) {
	case APS_REACHABILITY_ON_FAILED: fail(r, &input, &action); break;
	case APS_REACHABILITY_ON_ANSWERED:
		if (r->state != APS_REACHABILITY_TOLD_OFFLINE) go_online(r, &action);
		break;
	case APS_REACHABILITY_ON_SET_ONLINE: go_online(r, &action); break;
	case APS_REACHABILITY_ON_ABANDONED:
		if (r->state == APS_REACHABILITY_PROBING) end_try(r, &input, &action);
		break;
	case APS_REACHABILITY_ON_SET_OFFLINE: be_told_offline(r, &action); break;
	case APS_REACHABILITY_ON_HINT: take_hint(r, &input, &action); break;
	case APS_REACHABILITY_ON_DUE:
		if (!r->is_armed) return reject(r, event);
		probe(r, &input, &action);
		break;
	case APS_REACHABILITY_ON_WANTED: want(r, &input, &action); break;
	case APS_REACHABILITY_ON_UNWANTED: want_no_more(r, &input, &action); break;
	case APS_REACHABILITY_EVENT_COUNT:
	default: return reject(r, event);
	}
	return action;
}

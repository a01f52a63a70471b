#include "proto/realtime.h"

#include "base/mem.h"
#include "codec/status.h"
#include "proto/frame.h"
#include "proto/realtime_frames.h"
#include "proto/realtime_link.h"
#include "proto/realtime_subs.h"
#include "proto/realtime_tell.h"

struct aps_realtime *aps_realtime_new(const struct aps_realtime_options *options, struct aps_rand *rand)
{
	struct aps_realtime *rt = aps_calloc(1, sizeof *rt);
	if (rt == NULL) return NULL;
	rt->options = *options;
	rt->rand = rand;
	rt->phase = APS_REALTIME_IDLE;
	rt->deadline_ms = APS_REALTIME_NEVER;
	rt->idle_at_ms = APS_REALTIME_NEVER;
	rt->again_at_ms = APS_REALTIME_NEVER;
	rt->sub_deadline_ms = APS_REALTIME_NEVER;
	rt->inputs = (struct aps_conn_inputs){.link = APS_PHASE_DISCONNECTED, .is_online = true, .is_keep_alive = true};
	rt->state = aps_conn_state_of(&rt->inputs);
	aps_map_init(&rt->by_id, aps_rand_u64(rand));
	aps_map_init(&rt->by_number, aps_rand_u64(rand));
	aps_action_queue_init(&rt->queue);
	aps_arena_init(&rt->decoded, APS_BUF_ANY_SIZE);
	return rt;
}

void aps_realtime_free(struct aps_realtime *rt)
{
	if (rt == NULL) return;
	while (rt->first != NULL) aps_realtime_sub_free(rt, rt->first);
	aps_map_clear(&rt->by_id);
	aps_map_clear(&rt->by_number);
	aps_action_queue_clear(&rt->queue);
	aps_arena_clear(&rt->decoded);
	aps_free(rt);
}

/* Every input begins here. A clock that steps back is taken as standing still. */
static void begin(struct aps_realtime *rt, int64_t now_ms)
{
	if (now_ms > rt->now_ms) rt->now_ms = now_ms;
	rt->told = APS_STR("");
	aps_arena_clear(&rt->decoded);
}

enum aps_rc aps_realtime_add(struct aps_realtime *rt, uint64_t sub, int64_t now_ms)
{
	begin(rt, now_ms);
	if (sub == 0 || aps_realtime_sub_find(rt, sub) != NULL) return APS_E_USAGE;
	struct aps_realtime_sub *added = aps_realtime_sub_new(rt, sub);
	if (added == NULL) return APS_E_NOMEM;
	aps_realtime_link_want(rt);
	if (rt->phase == APS_REALTIME_READY) aps_realtime_sub_ask(rt, added);
	return APS_OK;
}

void aps_realtime_remove(struct aps_realtime *rt, uint64_t sub, int64_t now_ms)
{
	begin(rt, now_ms);
	struct aps_realtime_sub *found = aps_realtime_sub_find(rt, sub);
	if (found == NULL) return;
	aps_action_queue_forget(&rt->queue, sub);
	aps_realtime_sub_send_stop(rt, found);
	aps_realtime_sub_free(rt, found);
	aps_realtime_link_sub_gone(rt);
}

size_t aps_realtime_n_subscriptions(const struct aps_realtime *rt)
{
	return rt->n_subs;
}

void aps_realtime_start(struct aps_realtime *rt, uint64_t sub, struct aps_str payload, int64_t now_ms)
{
	begin(rt, now_ms);
	struct aps_realtime_sub *found = aps_realtime_sub_find(rt, sub);
	if (found == NULL || found->phase != APS_REALTIME_SUB_ASKED || rt->phase != APS_REALTIME_READY) return;
	aps_realtime_sub_send_start(rt, found, payload);
}

void aps_realtime_end(struct aps_realtime *rt, uint64_t sub, const struct aps_err *err, int64_t now_ms)
{
	begin(rt, now_ms);
	struct aps_realtime_sub *found = aps_realtime_sub_find(rt, sub);
	if (found == NULL) return;
	aps_realtime_sub_send_stop(rt, found);
	aps_realtime_sub_end(rt, found, aps_action_queue_keep_err(&rt->queue, err));
	aps_realtime_link_sub_gone(rt);
}

void aps_realtime_fail(struct aps_realtime *rt, const struct aps_err *err, int64_t now_ms)
{
	begin(rt, now_ms);
	if (rt->phase != APS_REALTIME_IDLE) aps_realtime_link_fail(rt, err);
}

void aps_realtime_retry_auth(struct aps_realtime *rt, uint64_t sub, bool is_fresh, int64_t now_ms)
{
	begin(rt, now_ms);
	if (sub == 0) {
		if (rt->phase != APS_REALTIME_AUTH_WAIT) return;
		rt->n_refusals = is_fresh ? rt->n_refusals + 1 : 0;
		/* At once the first time; a refusal that repeats is not hammered at. */
		int64_t delay_ms =
		        rt->attempt == 0 ? 0 : aps_backoff_delay_ms(&rt->options.reconnect, rt->attempt, rt->rand);
		rt->attempt++;
		aps_realtime_link_attempt_after(rt, delay_ms);
		return;
	}
	struct aps_realtime_sub *found = aps_realtime_sub_find(rt, sub);
	if (found == NULL || found->phase != APS_REALTIME_SUB_AUTH) return;
	unsigned n_refusals = found->n_refusals++;
	if (rt->phase != APS_REALTIME_READY) {
		aps_realtime_sub_set_phase(rt, found, APS_REALTIME_SUB_NEW, APS_REALTIME_NEVER);
	} else if (n_refusals == 0) {
		aps_realtime_sub_ask(rt, found);
	} else {
		int64_t delay_ms = aps_backoff_delay_ms(&rt->options.reconnect, n_refusals, rt->rand);
		aps_realtime_sub_set_phase(rt, found, APS_REALTIME_SUB_BACKOFF, rt->now_ms + delay_ms);
	}
}

void aps_realtime_opened(struct aps_realtime *rt, struct aps_str init_payload, int64_t now_ms)
{
	begin(rt, now_ms);
	if (rt->phase != APS_REALTIME_OPENING) return;
	rt->phase = APS_REALTIME_INIT;
	rt->again_at_ms = APS_REALTIME_NEVER;
	rt->deadline_ms = rt->now_ms + rt->options.ack_timeout_ms;
	rt->life_at_ms = rt->now_ms;
	rt->ping_at_ms = rt->now_ms;
	size_t at = rt->queue.bytes.n;
	const struct aps_realtime_action action = {.kind = APS_REALTIME_DO_SEND};
	aps_frame_write_init(&rt->queue.bytes, init_payload);
	aps_action_queue_push_built(&rt->queue, &action, at);
}

void aps_realtime_text(struct aps_realtime *rt, struct aps_str frame, int64_t now_ms)
{
	begin(rt, now_ms);
	aps_realtime_frame_received(rt, frame);
}

void aps_realtime_too_big(struct aps_realtime *rt, struct aps_str head, int64_t now_ms)
{
	begin(rt, now_ms);
	aps_realtime_frame_too_big(rt, head);
}

void aps_realtime_heard(struct aps_realtime *rt, int64_t silent_ms, int64_t now_ms)
{
	begin(rt, now_ms);
	int64_t at_ms = rt->now_ms - silent_ms;
	if (rt->phase != APS_REALTIME_READY || at_ms <= rt->life_at_ms) return;
	if (silent_ms < rt->options.keep_alive_alert_ms)
		aps_realtime_frame_life(rt, at_ms);
	else
		rt->life_at_ms = at_ms; /* it has been silent for too long since to be shown as there */
}

int64_t aps_realtime_life_ms(const struct aps_realtime *rt)
{
	return rt->life_at_ms;
}

enum closing { CLOSING_RETRY, CLOSING_AUTH, CLOSING_FATAL };

/* The close codes of graphql-transport-ws, PROTOCOL.md: what they mean for the next attempt. */
static enum closing judge_close_code(long code)
{
	switch (code) {
	case 4401: /* Unauthorized */
	case 4403: /* Forbidden */ return CLOSING_AUTH;
	case 4400: /* invalid message: the next one would be the same */
	case 4406: /* sub-protocol not acceptable */ return CLOSING_FATAL;
	default: /* 4408 initialisation timeout, 4409 subscriber exists, 4429 too many initialisations, 4500, 1001, … */
		return CLOSING_RETRY;
	}
}

/* A connection that never worked and was refused for what doesn't change by waiting won't work later either. One that
 * has worked is tried again: the service may be half deployed, a proxy may be in the way. */
static bool is_final_at_first(const struct aps_err *err)
{
	switch (err->code) {
	case APS_E_TLS:
	case APS_E_NETWORK: return !err->retryable;
	case APS_E_PROTOCOL:
	case APS_E_SYSTEM: return true; /* descriptors, threads: nobody waits for those without knowing */
	case APS_E_HTTP: return err->native >= 200 && !aps_status_is_passing(err->native);
	default: return false;
	}
}

static enum closing judge(const struct aps_realtime *rt, const struct aps_err *err)
{
	/* What the owner itself calls retryable wasn't refused: there was no material. */
	if (err->code == APS_E_AUTH) return err->retryable ? CLOSING_RETRY : CLOSING_AUTH;
	/* The owner can't build the handshake: the next one would be the same. */
	if (err->code == APS_E_USAGE || err->code == APS_E_TOO_BIG) return CLOSING_FATAL;
	if (!rt->was_acked && is_final_at_first(err)) return CLOSING_FATAL;
	return rt->options.protocol == APS_REALTIME_TRANSPORT_WS ? judge_close_code(err->native) : CLOSING_RETRY;
}

void aps_realtime_closed(struct aps_realtime *rt, const struct aps_err *err, int64_t now_ms)
{
	begin(rt, now_ms);
	if (!aps_realtime_link_is_open(rt)) return;
	struct aps_err cause;
	if (err != NULL)
		cause = *err;
	else
		aps_fail(&cause, APS_E_NETWORK, "the connection was closed");
	switch (judge(rt, &cause)) {
	case CLOSING_AUTH:
		cause.code = APS_E_AUTH;
		cause.retryable = false;
		aps_realtime_link_refuse(rt, &cause);
		break;
	case CLOSING_FATAL:
		if (cause.native >= 4000) cause.code = APS_E_PROTOCOL;
		cause.retryable = false;
		rt->phase = APS_REALTIME_WAITING; /* it is closed already */
		aps_realtime_link_fail(rt, &cause);
		break;
	case CLOSING_RETRY: aps_realtime_link_lose(rt, &cause, false); break;
	}
}

void aps_realtime_paused(struct aps_realtime *rt, bool is_paused, int64_t now_ms)
{
	begin(rt, now_ms);
	if (rt->is_paused == is_paused || (rt->phase != APS_REALTIME_INIT && rt->phase != APS_REALTIME_READY)) return;
	rt->is_paused = is_paused;
	rt->is_sub_deadline_stale = true;
	if (is_paused) return;
	/* What arrived meanwhile is still to be read. */
	rt->life_at_ms = rt->now_ms;
	rt->ping_at_ms = rt->now_ms;
	if (rt->phase == APS_REALTIME_INIT) rt->deadline_ms = rt->now_ms + rt->options.ack_timeout_ms;
	aps_realtime_subs_extend(rt);
}

void aps_realtime_set_online(struct aps_realtime *rt, bool is_online, int64_t now_ms)
{
	begin(rt, now_ms);
	if (rt->inputs.is_online == is_online) return;
	rt->inputs.is_online = is_online;
	if (is_online && rt->phase == APS_REALTIME_WAITING) {
		rt->attempt = 0;
		rt->n_failed = 0;
		aps_realtime_link_attempt_after(rt, 0);
	}
	aps_realtime_tell_state(rt, NULL);
}

void aps_realtime_hint(struct aps_realtime *rt, int64_t now_ms)
{
	begin(rt, now_ms);
	if (rt->inputs.is_online) aps_realtime_link_hurry(rt);
}

int64_t aps_realtime_deadline_ms(const struct aps_realtime *rt)
{
	int64_t link_ms = aps_realtime_link_deadline_ms(rt);
	int64_t subs_ms = aps_realtime_subs_deadline_ms(rt);
	int64_t at_ms = link_ms < subs_ms ? link_ms : subs_ms;
	return at_ms == APS_REALTIME_NEVER ? -1 : at_ms;
}

void aps_realtime_tick(struct aps_realtime *rt, int64_t now_ms)
{
	begin(rt, now_ms);
	aps_realtime_link_tick(rt);
	size_t n_before = rt->n_subs;
	bool is_dead = aps_realtime_subs_tick(rt);
	if (rt->n_subs != n_before) aps_realtime_link_sub_gone(rt);
	if (is_dead && rt->n_subs != 0) aps_realtime_link_start_overdue(rt);
}

enum aps_conn_state aps_realtime_state(const struct aps_realtime *rt)
{
	return rt->state;
}

bool aps_realtime_next(struct aps_realtime *rt, struct aps_realtime_action *action)
{
	if (aps_action_queue_take(&rt->queue, action)) return true;
	if (rt->queue.is_short) {
		aps_realtime_link_start_over(rt);
		if (aps_action_queue_take(&rt->queue, action)) return true;
	}
	aps_realtime_subs_settle(rt);
	return false;
}

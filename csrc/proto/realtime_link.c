#include "proto/realtime_link.h"

#include "base/printable.h"
#include "proto/realtime_subs.h"
#include "proto/realtime_tell.h"

#include <stdio.h>

/* A connection that wasn't healthy but served a subscription keeps the delay below base * 2^5: quick enough for a bad
 * network, slow enough for a service that drops each connection. */
#define PROVEN_ATTEMPTS 5
/* Close codes: RFC 6455 7.4.1; amplify-js closes a failed handshake with 3001. */
#define CLOSE_NORMAL 1000
#define CLOSE_NO_ACK 3001

bool aps_realtime_link_is_open(const struct aps_realtime *rt)
{
	return rt->phase == APS_REALTIME_OPENING || rt->phase == APS_REALTIME_INIT || rt->phase == APS_REALTIME_READY;
}

static void close_link(struct aps_realtime *rt, int code, const char *reason)
{
	const struct aps_realtime_action action = {
	        .kind = APS_REALTIME_DO_CLOSE, .code = code, .text = aps_str_of(reason)};
	aps_realtime_tell(rt, &action, NULL);
}

static void disconnect(struct aps_realtime *rt, enum aps_realtime_phase phase)
{
	rt->phase = phase;
	rt->deadline_ms = APS_REALTIME_NEVER;
	rt->idle_at_ms = APS_REALTIME_NEVER;
	rt->again_at_ms = APS_REALTIME_NEVER;
	rt->is_paused = false;
	rt->is_proven = false;
	rt->n_stopped = 0;
	rt->inputs.link = APS_PHASE_DISCONNECTED;
	rt->inputs.is_keep_alive = true;
}

static void become_idle(struct aps_realtime *rt, const struct aps_err *cause)
{
	disconnect(rt, APS_REALTIME_IDLE);
	rt->attempt = rt->n_failed = rt->n_refusals = 0;
	rt->inputs.is_intended = false;
	aps_realtime_tell_state(rt, cause);
}

static void connect_now(struct aps_realtime *rt)
{
	const struct aps_realtime_action action = {.kind = APS_REALTIME_DO_CONNECT};
	rt->inputs.is_intended = true;
	rt->inputs.link = APS_PHASE_CONNECTING;
	rt->phase = APS_REALTIME_OPENING;
	rt->began_at_ms = rt->now_ms;
	rt->is_hinted = false;
	rt->again_at_ms = APS_REALTIME_NEVER;
	rt->deadline_ms = rt->now_ms + rt->options.connect_timeout_ms;
	aps_realtime_tell_state(rt, NULL);
	aps_realtime_tell(rt, &action, NULL);
}

void aps_realtime_link_attempt_after(struct aps_realtime *rt, int64_t delay_ms)
{
	if (delay_ms <= 0 && rt->inputs.is_online) {
		connect_now(rt);
		return;
	}
	rt->phase = APS_REALTIME_WAITING;
	rt->deadline_ms = rt->now_ms + delay_ms;
	rt->inputs.is_intended = true;
	aps_realtime_tell_state(rt, NULL);
}

static bool is_attempting(const struct aps_realtime *rt)
{
	return rt->phase == APS_REALTIME_OPENING || (rt->phase == APS_REALTIME_INIT && !rt->is_paused);
}

void aps_realtime_link_hurry(struct aps_realtime *rt)
{
	int64_t at_ms = rt->now_ms + aps_backoff_spread_ms(rt->rand);
	if (rt->phase == APS_REALTIME_WAITING) {
		rt->attempt = 0;
		if (at_ms < rt->deadline_ms) rt->deadline_ms = at_ms;
	} else if (is_attempting(rt) && rt->now_ms - rt->began_at_ms >= APS_REALTIME_HUNG_MS) {
		if (at_ms < rt->again_at_ms) rt->again_at_ms = at_ms;
	} else if (is_attempting(rt)) {
		rt->is_hinted = true; /* of one that has just begun nobody knows whether it was before that */
	}
}

void aps_realtime_link_want(struct aps_realtime *rt)
{
	rt->idle_at_ms = APS_REALTIME_NEVER;
	if (rt->phase == APS_REALTIME_IDLE && rt->n_subs > 0) aps_realtime_link_attempt_after(rt, 0);
}

static void count_failure(struct aps_realtime *rt, bool is_broken)
{
	bool was_ready = rt->phase == APS_REALTIME_READY;
	bool is_new = rt->n_failed == 0;
	if (was_ready && rt->now_ms - rt->acked_at_ms >= APS_REALTIME_HEALTHY_MS) {
		rt->lost_at_ms = rt->now_ms;
		rt->attempt = rt->n_failed = rt->n_refusals = 0;
		return;
	}
	bool has_served = was_ready && rt->is_proven && !is_broken;
	if (has_served && rt->attempt > PROVEN_ATTEMPTS) rt->attempt = PROVEN_ATTEMPTS;
	rt->n_failed = has_served ? 0 : rt->n_failed + 1;
	if (has_served || is_new) rt->lost_at_ms = rt->now_ms;
}

static void interrupt(struct aps_realtime *rt, enum aps_realtime_phase phase, const struct aps_err *cause)
{
	disconnect(rt, phase);
	aps_realtime_tell_state(rt, cause);
	aps_realtime_subs_interrupt(rt, aps_action_queue_keep_err(&rt->queue, cause));
}

static void give_up(struct aps_realtime *rt, const struct aps_err *cause)
{
	struct aps_err err = *cause;
	err.msg[sizeof err.msg - sizeof "; gave up after 4294967295 attempts"] = '\0';
	aps_printable_cut(err.msg);
	size_t n = strlen(err.msg);
	snprintf(err.msg + n, sizeof err.msg - n, "; gave up after %u attempt%s", rt->n_failed,
	         rt->n_failed == 1 ? "" : "s");
	disconnect(rt, APS_REALTIME_WAITING);
	aps_realtime_link_fail(rt, &err);
}

/* A service that talks nonsense is there: it is left alone for longer. */
static int64_t delay_after(const struct aps_realtime *rt, bool is_broken)
{
	const struct aps_backoff_policy *policy = &rt->options.reconnect;
	if (is_broken) return aps_backoff_delay_ms(policy, rt->attempt, rt->rand);
	int64_t took_ms = is_attempting(rt) ? rt->now_ms - rt->began_at_ms : 0;
	int64_t outage_ms = rt->now_ms - took_ms - rt->lost_at_ms;
	return aps_backoff_outage_ms(policy, rt->attempt, outage_ms, took_ms, rt->rand);
}

void aps_realtime_link_lose(struct aps_realtime *rt, const struct aps_err *cause, bool is_broken)
{
	if (rt->n_subs == 0) {
		become_idle(rt, cause);
		return;
	}
	bool is_hinted = is_attempting(rt) && rt->is_hinted;
	count_failure(rt, is_broken);
	unsigned n_attempts = rt->options.reconnect.n_attempts;
	if (n_attempts != 0 && rt->n_failed >= n_attempts) {
		give_up(rt, cause);
		return;
	}
	int64_t delay_ms = delay_after(rt, is_broken);
	if (rt->attempt < UINT32_MAX) rt->attempt++;
	interrupt(rt, APS_REALTIME_WAITING, cause);
	rt->deadline_ms = rt->now_ms + delay_ms;
	if (is_hinted) aps_realtime_link_hurry(rt);
}

void aps_realtime_link_drop(struct aps_realtime *rt, int code, const char *reason, const struct aps_err *cause,
                            bool is_broken)
{
	close_link(rt, code, reason);
	aps_realtime_link_lose(rt, cause, is_broken);
}

void aps_realtime_link_refuse(struct aps_realtime *rt, const struct aps_err *err)
{
	if (rt->n_subs == 0) {
		become_idle(rt, err);
		return;
	}
	count_failure(rt, true);
	interrupt(rt, APS_REALTIME_AUTH_WAIT, err);
	const struct aps_realtime_action action = {.kind = APS_REALTIME_AUTH_REFUSED,
	                                           .payload = rt->told,
	                                           .is_final = rt->n_refusals >= APS_REALTIME_MAX_TRIES};
	aps_realtime_tell(rt, &action, err);
}

void aps_realtime_link_fail(struct aps_realtime *rt, const struct aps_err *err)
{
	if (aps_realtime_link_is_open(rt)) close_link(rt, CLOSE_NORMAL, "");
	size_t err_at = aps_action_queue_keep_err(&rt->queue, err);
	become_idle(rt, err);
	struct aps_realtime_sub *next = NULL;
	for (struct aps_realtime_sub *sub = rt->first; sub != NULL; sub = next) {
		next = sub->next;
		aps_realtime_sub_set_phase(rt, sub, APS_REALTIME_SUB_NEW, APS_REALTIME_NEVER);
		aps_realtime_sub_end(rt, sub, err_at);
	}
}

void aps_realtime_link_sub_gone(struct aps_realtime *rt)
{
	if (rt->n_subs != 0) return;
	if (aps_realtime_link_is_open(rt))
		rt->idle_at_ms = rt->now_ms + rt->options.idle_close_ms;
	else if (rt->phase != APS_REALTIME_IDLE)
		become_idle(rt, NULL);
}

void aps_realtime_link_start_overdue(struct aps_realtime *rt)
{
	struct aps_err cause;
	aps_fail(&cause, APS_E_TIMEOUT, "no message from the service within %lld ms of a start",
	         (long long)rt->options.ack_timeout_ms);
	aps_realtime_link_drop(rt, CLOSE_NORMAL, "Timeout disconnect", &cause, false);
}

void aps_realtime_link_ready(struct aps_realtime *rt, int64_t keep_alive_ms)
{
	rt->phase = APS_REALTIME_READY;
	rt->deadline_ms = APS_REALTIME_NEVER;
	rt->acked_at_ms = rt->now_ms;
	rt->was_acked = true;
	rt->is_proven = false;
	bool is_named = keep_alive_ms > 0 && keep_alive_ms < INT32_MAX && !rt->options.is_keep_alive_fixed;
	rt->keep_alive_ms = is_named ? keep_alive_ms : rt->options.keep_alive_ms;
	aps_realtime_subs_ask_all(rt);
}

void aps_realtime_link_start_over(struct aps_realtime *rt)
{
	struct aps_err cause;
	aps_fail(&cause, APS_E_NOMEM, "out of memory: the connection starts over");
	rt->queue.is_short = false;
	if (aps_realtime_link_is_open(rt))
		aps_realtime_link_drop(rt, CLOSE_NORMAL, "out of memory", &cause, true);
	else if (rt->phase != APS_REALTIME_WAITING && rt->n_subs > 0)
		aps_realtime_link_lose(rt, &cause, true);
	aps_realtime_tell_state(rt, &cause);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool is_watched(const struct aps_realtime *rt)
{
	return rt->phase == APS_REALTIME_READY && !rt->is_paused;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Half of what may pass in silence leaves the other half for the pong. */
static int64_t half_ms(const struct aps_realtime *rt)
{
	return later(earlier(rt->options.keep_alive_alert_ms, rt->keep_alive_ms) / 2, 1);
}

/* Only graphql-transport-ws has a ping of its own. */
static int64_t ping_due_ms(const struct aps_realtime *rt)
{
	if (rt->options.protocol != APS_REALTIME_TRANSPORT_WS) return APS_REALTIME_NEVER;
	return later(rt->life_at_ms, rt->ping_at_ms) + half_ms(rt);
}

/* AppSync speaks by itself. A service of graphql-transport-ws may be silent until it is asked, so that a ping that was
 * sent late, because the process stood still, has the time of any other. */
static int64_t dead_at_ms(const struct aps_realtime *rt)
{
	int64_t at_ms = rt->life_at_ms + rt->keep_alive_ms;
	if (rt->options.protocol != APS_REALTIME_TRANSPORT_WS) return at_ms;
	if (rt->asked_at_ms <= rt->life_at_ms) return APS_REALTIME_NEVER;
	return later(at_ms, rt->asked_at_ms + half_ms(rt));
}

int64_t aps_realtime_link_deadline_ms(const struct aps_realtime *rt)
{
	int64_t at_ms = rt->idle_at_ms;
	if (rt->phase == APS_REALTIME_WAITING && !rt->inputs.is_online) return at_ms;
	if (!(rt->phase == APS_REALTIME_INIT && rt->is_paused)) at_ms = earlier(at_ms, rt->deadline_ms);
	if (is_attempting(rt)) at_ms = earlier(at_ms, rt->again_at_ms);
	if (!is_watched(rt)) return at_ms;
	at_ms = earlier(at_ms, dead_at_ms(rt));
	if (rt->inputs.is_keep_alive) at_ms = earlier(at_ms, rt->life_at_ms + rt->options.keep_alive_alert_ms);
	return earlier(at_ms, ping_due_ms(rt));
}

static void watch(struct aps_realtime *rt)
{
	int64_t silence_ms = rt->now_ms - rt->life_at_ms;
	if (rt->now_ms >= dead_at_ms(rt)) {
		struct aps_err cause;
		aps_fail(&cause, APS_E_TIMEOUT, "no message from the service for %lld ms", (long long)silence_ms);
		aps_realtime_link_drop(rt, CLOSE_NORMAL, "Timeout disconnect", &cause, false);
		return;
	}
	if (silence_ms >= rt->options.keep_alive_alert_ms && rt->inputs.is_keep_alive) {
		rt->inputs.is_keep_alive = false;
		aps_realtime_tell_state(rt, NULL);
	}
	if (rt->now_ms >= ping_due_ms(rt)) {
		rt->ping_at_ms = rt->now_ms;
		if (rt->asked_at_ms <= rt->life_at_ms) rt->asked_at_ms = rt->now_ms;
		aps_realtime_tell_send(rt, APS_STR("{\"type\":\"ping\"}"));
	}
}

static void close_idle(struct aps_realtime *rt)
{
	rt->inputs.is_intended = false;
	aps_realtime_tell_state(rt, NULL);
	close_link(rt, CLOSE_NORMAL, "");
	become_idle(rt, NULL);
}

void aps_realtime_link_tick(struct aps_realtime *rt)
{
	struct aps_err cause;
	if (rt->idle_at_ms <= rt->now_ms) {
		close_idle(rt);
		return;
	}
	bool is_due = rt->deadline_ms <= rt->now_ms;
	if (is_attempting(rt) && rt->again_at_ms <= rt->now_ms) { /* it hangs */
		close_link(rt, CLOSE_NO_ACK, "");
		connect_now(rt);
		return;
	}
	switch (rt->phase) {
	case APS_REALTIME_WAITING:
		if (is_due && rt->inputs.is_online) connect_now(rt);
		break;
	case APS_REALTIME_OPENING:
		if (!is_due) break;
		aps_fail(&cause, APS_E_TIMEOUT, "the connection was not opened within %lld ms",
		         (long long)rt->options.connect_timeout_ms);
		aps_realtime_link_drop(rt, CLOSE_NO_ACK, "", &cause, false);
		break;
	case APS_REALTIME_INIT:
		if (!is_due || rt->is_paused) break;
		aps_fail(&cause, APS_E_TIMEOUT, "no connection_ack within %lld ms",
		         (long long)rt->options.ack_timeout_ms);
		aps_realtime_link_drop(rt, CLOSE_NO_ACK, "Connection timeout", &cause, false);
		break;
	case APS_REALTIME_READY:
		if (is_watched(rt)) watch(rt);
		break;
	case APS_REALTIME_IDLE:
	case APS_REALTIME_AUTH_WAIT: break;
	}
}

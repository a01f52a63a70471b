#include "proto/realtime_subs.h"

#include "base/mem.h"
#include "proto/frame.h"
#include "proto/realtime_tell.h"

/* amplify-swift gives up after eight tries (RetryWithJitter.swift); so do we. */
#define MAX_LIMITED_TRIES 8

static struct aps_str number_key(const uint64_t *number)
{
	return (struct aps_str){(const char *)number, sizeof *number};
}

static struct aps_str id_of(const struct aps_realtime_sub *sub)
{
	return (struct aps_str){sub->id, APS_UUID_CHARS};
}

struct aps_realtime_sub *aps_realtime_sub_find(const struct aps_realtime *rt, uint64_t number)
{
	return aps_map_get(&rt->by_number, number_key(&number));
}

struct aps_realtime_sub *aps_realtime_sub_find_id(const struct aps_realtime *rt, struct aps_str id)
{
	return aps_map_get(&rt->by_id, id);
}

struct aps_realtime_sub *aps_realtime_sub_new(struct aps_realtime *rt, uint64_t number)
{
	/* One input causes two actions a subscription at most, and a handful for the connection. */
	if (!aps_action_queue_reserve(&rt->queue, 2 * (rt->n_subs + 1) + 16)) return NULL;
	struct aps_realtime_sub *sub = aps_calloc(1, sizeof *sub);
	if (sub == NULL) return NULL;
	sub->number = number;
	sub->deadline_ms = APS_REALTIME_NEVER;
	aps_rand_uuid(rt->rand, sub->id);
	if (!aps_map_set(&rt->by_number, number_key(&number), sub)) goto no_memory;
	if (!aps_map_set(&rt->by_id, id_of(sub), sub)) goto no_memory_for_id;
	sub->prev = rt->last;
	if (rt->last != NULL)
		rt->last->next = sub;
	else
		rt->first = sub;
	rt->last = sub;
	rt->n_subs++;
	return sub;

no_memory_for_id:
	aps_map_take(&rt->by_number, number_key(&number));
no_memory:
	aps_free(sub);
	return NULL;
}

void aps_realtime_sub_free(struct aps_realtime *rt, struct aps_realtime_sub *sub)
{
	aps_map_take(&rt->by_number, number_key(&sub->number));
	aps_map_take(&rt->by_id, id_of(sub));
	if (sub->prev != NULL)
		sub->prev->next = sub->next;
	else
		rt->first = sub->next;
	if (sub->next != NULL)
		sub->next->prev = sub->prev;
	else
		rt->last = sub->prev;
	rt->n_subs--;
	rt->is_sub_deadline_stale = true;
	aps_free(sub);
}

void aps_realtime_sub_set_phase(struct aps_realtime *rt, struct aps_realtime_sub *sub,
                                enum aps_realtime_sub_phase phase, int64_t deadline_ms)
{
	sub->phase = phase;
	sub->deadline_ms = deadline_ms;
	rt->is_sub_deadline_stale = true;
}

static bool push(struct aps_realtime *rt, const struct aps_realtime_sub *sub, enum aps_realtime_action_kind kind,
                 size_t err_at)
{
	const struct aps_realtime_action action = {
	        .kind = kind, .sub = sub->number, .payload = rt->told, .is_again = sub->was_started};
	return aps_action_queue_push(&rt->queue, &action, err_at);
}

void aps_realtime_sub_ask(struct aps_realtime *rt, struct aps_realtime_sub *sub)
{
	aps_realtime_sub_set_phase(rt, sub, APS_REALTIME_SUB_ASKED, APS_REALTIME_NEVER);
	push(rt, sub, APS_REALTIME_DO_START, APS_ACTION_NO_ERR);
}

static bool push_written(struct aps_realtime *rt, size_t at)
{
	const struct aps_realtime_action action = {.kind = APS_REALTIME_DO_SEND};
	return aps_action_queue_push_built(&rt->queue, &action, at);
}

void aps_realtime_sub_send_start(struct aps_realtime *rt, struct aps_realtime_sub *sub, struct aps_str payload)
{
	size_t at = rt->queue.bytes.n;
	aps_frame_write_start(&rt->queue.bytes, rt->options.protocol, sub->id, payload);
	if (!push_written(rt, at)) return;
	aps_realtime_sub_set_phase(rt, sub, APS_REALTIME_SUB_SENT, rt->now_ms + rt->options.ack_timeout_ms);
	if (sub->n_sent++ == 0) sub->sent_at_ms = rt->now_ms;
	/* graphql-transport-ws acknowledges no subscription. */
	if (rt->options.protocol == APS_REALTIME_TRANSPORT_WS) aps_realtime_sub_started(rt, sub);
}

void aps_realtime_sub_send_stop(struct aps_realtime *rt, const struct aps_realtime_sub *sub)
{
	if (rt->phase != APS_REALTIME_READY) return;
	if (sub->phase != APS_REALTIME_SUB_SENT && sub->phase != APS_REALTIME_SUB_LIVE) return;
	rt->stopped[rt->n_stopped++ % APS_REALTIME_STOPPED] = aps_str_hash(id_of(sub), 0);
	size_t at = rt->queue.bytes.n;
	aps_frame_write_stop(&rt->queue.bytes, rt->options.protocol, sub->id);
	push_written(rt, at);
}

bool aps_realtime_was_stopped(const struct aps_realtime *rt, struct aps_str id)
{
	size_t n = rt->n_stopped < APS_REALTIME_STOPPED ? rt->n_stopped : APS_REALTIME_STOPPED;
	uint64_t hash = aps_str_hash(id, 0);
	for (size_t i = 0; i < n; i++)
		if (rt->stopped[i] == hash) return true;
	return false;
}

void aps_realtime_sub_started(struct aps_realtime *rt, struct aps_realtime_sub *sub)
{
	rt->inputs.link = APS_PHASE_CONNECTED;
	rt->is_proven = true;
	aps_realtime_tell_state(rt, NULL);
	if (!push(rt, sub, APS_REALTIME_SUB_STARTED, APS_ACTION_NO_ERR)) return;
	aps_realtime_sub_set_phase(rt, sub, APS_REALTIME_SUB_LIVE, APS_REALTIME_NEVER);
	sub->live_at_ms = rt->now_ms;
	sub->was_started = true;
	sub->is_interrupted = false;
	sub->n_unanswered = 0;
	sub->n_sent = 0;
}

/* An acknowledgement alone proves nothing: the service may refuse after each. */
static void count_life(const struct aps_realtime *rt, struct aps_realtime_sub *sub)
{
	if (sub->phase != APS_REALTIME_SUB_LIVE || rt->now_ms - sub->live_at_ms < APS_REALTIME_HEALTHY_MS) return;
	sub->n_refusals = 0;
	sub->n_limited = 0;
}

void aps_realtime_sub_end(struct aps_realtime *rt, struct aps_realtime_sub *sub, size_t err_at)
{
	if (push(rt, sub, APS_REALTIME_SUB_ENDED, err_at)) aps_realtime_sub_free(rt, sub);
}

static void interrupt(struct aps_realtime *rt, struct aps_realtime_sub *sub, size_t err_at)
{
	if (!sub->was_started || sub->is_interrupted)
		push(rt, sub, APS_REALTIME_SUB_DELAYED, err_at);
	else if (push(rt, sub, APS_REALTIME_SUB_RECONNECTING, err_at))
		sub->is_interrupted = true;
}

void aps_realtime_subs_interrupt(struct aps_realtime *rt, size_t err_at)
{
	for (struct aps_realtime_sub *sub = rt->first; sub != NULL; sub = sub->next) {
		count_life(rt, sub);
		sub->n_sent = 0;
		if (sub->phase != APS_REALTIME_SUB_AUTH)
			aps_realtime_sub_set_phase(rt, sub, APS_REALTIME_SUB_NEW, APS_REALTIME_NEVER);
		interrupt(rt, sub, err_at);
	}
}

void aps_realtime_subs_ask_all(struct aps_realtime *rt)
{
	for (struct aps_realtime_sub *sub = rt->first; sub != NULL; sub = sub->next)
		if (sub->phase == APS_REALTIME_SUB_NEW) aps_realtime_sub_ask(rt, sub);
}

static void refuse(struct aps_realtime *rt, struct aps_realtime_sub *sub, const struct aps_err *err)
{
	size_t err_at = aps_action_queue_keep_err(&rt->queue, err);
	if (sub->n_refusals >= APS_REALTIME_MAX_TRIES) {
		aps_realtime_sub_end(rt, sub, err_at);
		return;
	}
	aps_realtime_sub_set_phase(rt, sub, APS_REALTIME_SUB_AUTH, APS_REALTIME_NEVER);
	interrupt(rt, sub, err_at);
	push(rt, sub, APS_REALTIME_AUTH_REFUSED, err_at);
}

void aps_realtime_sub_failed(struct aps_realtime *rt, struct aps_realtime_sub *sub, const struct aps_error_list *list)
{
	struct aps_err err;
	char line[APS_ERROR_LINE_CHARS + 1];
	aps_error_list_line(list, line);
	count_life(rt, sub);
	bool is_auth = aps_error_list_is_auth(list);
	aps_fail_word(&err, is_auth ? APS_E_AUTH : list->code, list->word, (long)list->number, "%s", line);
	if (is_auth) {
		refuse(rt, sub, &err);
		return;
	}
	if (list->family == APS_FAMILY_THROTTLED) {
		err.retryable = true;
		if (++sub->n_limited < MAX_LIMITED_TRIES) {
			int64_t delay_ms = aps_backoff_delay_ms(&rt->options.reconnect, sub->n_limited, rt->rand);
			interrupt(rt, sub, aps_action_queue_keep_err(&rt->queue, &err));
			aps_realtime_sub_set_phase(rt, sub, APS_REALTIME_SUB_BACKOFF, rt->now_ms + delay_ms);
			return;
		}
	}
	aps_realtime_sub_end(rt, sub, aps_action_queue_keep_err(&rt->queue, &err));
}

void aps_realtime_subs_extend(struct aps_realtime *rt)
{
	for (struct aps_realtime_sub *sub = rt->first; sub != NULL; sub = sub->next)
		if (sub->phase == APS_REALTIME_SUB_SENT)
			aps_realtime_sub_set_phase(rt, sub, APS_REALTIME_SUB_SENT,
			                           rt->now_ms + rt->options.ack_timeout_ms);
}

/* While nothing is read no acknowledgement can be seen. */
static bool is_counting(const struct aps_realtime *rt, const struct aps_realtime_sub *sub)
{
	return sub->phase == APS_REALTIME_SUB_BACKOFF || !rt->is_paused;
}

/* Where memory is out it keeps the old one. */
static void renew_id(struct aps_realtime *rt, struct aps_realtime_sub *sub)
{
	char id[APS_UUID_CHARS + 1];
	aps_rand_uuid(rt->rand, id);
	if (!aps_map_set(&rt->by_id, (struct aps_str){id, APS_UUID_CHARS}, sub)) return;
	aps_map_take(&rt->by_id, id_of(sub));
	memcpy(sub->id, id, sizeof id);
}

static bool has_live(const struct aps_realtime *rt)
{
	const struct aps_realtime_sub *sub = rt->first;
	while (sub != NULL && sub->phase != APS_REALTIME_SUB_LIVE) sub = sub->next;
	return sub != NULL;
}

/* Nothing at all came since its start was sent. Beside others, which may just have nothing to tell, a second start has
 * to meet the same silence: the service answers the `stop` between the two. */
static bool is_silence(const struct aps_realtime *rt, const struct aps_realtime_sub *sub)
{
	return rt->life_at_ms <= sub->sent_at_ms && (sub->n_sent > 1 || !has_live(rt));
}

/* Started anew after a while, under another id: the service may know the old one. True: the connection is what fails.
 */
static bool start_overdue(struct aps_realtime *rt, struct aps_realtime_sub *sub)
{
	struct aps_err err;
	sub->n_unanswered++;
	aps_fail_word(&err, APS_E_TIMEOUT, "start_timeout", 0,
	              "the service did not acknowledge the subscription's start within %lld ms (try %u of %d)",
	              (long long)rt->options.ack_timeout_ms, sub->n_unanswered, APS_REALTIME_MAX_TRIES);
	bool is_silent = is_silence(rt, sub);
	if (sub->n_unanswered >= APS_REALTIME_MAX_TRIES) {
		aps_realtime_sub_send_stop(rt, sub);
		aps_realtime_sub_end(rt, sub, aps_action_queue_keep_err(&rt->queue, &err));
	} else if (!is_silent) {
		int64_t delay_ms = aps_backoff_delay_ms(&rt->options.reconnect, sub->n_unanswered, rt->rand);
		aps_realtime_sub_send_stop(rt, sub);
		interrupt(rt, sub, aps_action_queue_keep_err(&rt->queue, &err));
		aps_realtime_sub_set_phase(rt, sub, APS_REALTIME_SUB_BACKOFF, rt->now_ms + delay_ms);
		renew_id(rt, sub);
	}
	return is_silent;
}

bool aps_realtime_subs_tick(struct aps_realtime *rt)
{
	if (rt->phase != APS_REALTIME_READY || aps_realtime_subs_deadline_ms(rt) > rt->now_ms) return false;
	bool is_silent = false;
	struct aps_realtime_sub *next = NULL;
	for (struct aps_realtime_sub *sub = rt->first; sub != NULL; sub = next) {
		next = sub->next;
		if (sub->deadline_ms > rt->now_ms || !is_counting(rt, sub)) continue;
		if (sub->phase == APS_REALTIME_SUB_BACKOFF)
			aps_realtime_sub_ask(rt, sub);
		else if (start_overdue(rt, sub))
			is_silent = true;
	}
	return is_silent;
}

int64_t aps_realtime_subs_deadline_ms(const struct aps_realtime *rt)
{
	if (rt->phase != APS_REALTIME_READY) return APS_REALTIME_NEVER;
	if (!rt->is_sub_deadline_stale) return rt->sub_deadline_ms;
	int64_t at_ms = APS_REALTIME_NEVER;
	for (const struct aps_realtime_sub *sub = rt->first; sub != NULL; sub = sub->next)
		if (sub->deadline_ms < at_ms && is_counting(rt, sub)) at_ms = sub->deadline_ms;
	return at_ms;
}

void aps_realtime_subs_settle(struct aps_realtime *rt)
{
	if (rt->phase != APS_REALTIME_READY || !rt->is_sub_deadline_stale) return;
	rt->sub_deadline_ms = aps_realtime_subs_deadline_ms(rt);
	rt->is_sub_deadline_stale = false;
}

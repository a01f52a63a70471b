/* The states of an attempt. An exchange that ended leads to one of four:
 *
 *          START            USABLE             final
 *    NEW ---------> ASKING ---------> SENDING ---------------------> DONE
 *                    ^  ^             ^  | | |                        ^
 *                    |  |             |  | | |                        |
 *                    |  |     RENEWED |  | | | refused, once          | REFUSED
 *                    |  |             |  | | v                        |
 *                    |  |             +--|-|-RENEWING ----------------+
 *                    |  |                | |
 *                    |  +----------------+ |   the clock was wrong, once
 *                    |                     v
 *                    +---- DUE ------- BACKOFF   later
 *
 * To DONE lead besides: UNUSABLE from ASKING, UNSENT from SENDING, NO_MEMORY from all but SENDING. DEADLINE and CANCEL
 * lead nowhere. */
#include "proto/attempt.h"

#include "codec/timefmt.h"
#include "proto/retry.h"

/* A response's Date tells of a clock that is wrong once it is off by this much (amplify-js, isClockSkewed.ts). */
#define SKEW_MS 300000
/* An exchange that timed out ends within a tick of its waiter's own end: no attempt is squeezed in between. */
#define LEAST_ATTEMPT_MS 10

#define TEXT(name, text) text,
static const char *const STATE_NAMES[] = {APS_ATTEMPT_STATE_MAP(TEXT)};
static const char *const EVENT_NAMES[] = {APS_ATTEMPT_EVENT_MAP(TEXT)};
static const char *const ACTION_NAMES[] = {APS_ATTEMPT_ACTION_MAP(TEXT)};
static const char *const OUTCOME_NAMES[] = {APS_ATTEMPT_OUTCOME_MAP(TEXT)};
#undef TEXT

#define IN(state) (1u << APS_ATTEMPT_##state)
#define ANYWHERE  ((1u << APS_ATTEMPT_STATE_COUNT) - 1)

static const unsigned LEGAL_IN[APS_ATTEMPT_EVENT_COUNT] = {
        [APS_ATTEMPT_ON_START] = IN(NEW),
        [APS_ATTEMPT_ON_USABLE] = IN(ASKING),
        [APS_ATTEMPT_ON_UNUSABLE] = IN(ASKING),
        [APS_ATTEMPT_ON_RENEWED] = IN(RENEWING),
        [APS_ATTEMPT_ON_REFUSED] = IN(RENEWING),
        [APS_ATTEMPT_ON_UNSENT] = IN(SENDING),
        [APS_ATTEMPT_ON_FAILED] = IN(SENDING),
        [APS_ATTEMPT_ON_ANSWERED] = IN(SENDING),
        [APS_ATTEMPT_ON_DUE] = IN(BACKOFF),
        [APS_ATTEMPT_ON_NO_MEMORY] = IN(NEW) | IN(ASKING) | IN(RENEWING) | IN(BACKOFF),
        [APS_ATTEMPT_ON_DEADLINE] = ANYWHERE,
        [APS_ATTEMPT_ON_CANCEL] = ANYWHERE,
};

const char *aps_attempt_state_name(enum aps_attempt_state state)
{
	return (unsigned)state < APS_ATTEMPT_STATE_COUNT ? STATE_NAMES[state] : "unknown";
}

const char *aps_attempt_event_name(enum aps_attempt_event_kind kind)
{
	return (unsigned)kind < APS_ATTEMPT_EVENT_COUNT ? EVENT_NAMES[kind] : "unknown";
}

const char *aps_attempt_action_name(enum aps_attempt_action_kind kind)
{
	return (unsigned)kind < APS_ATTEMPT_ACTION_COUNT ? ACTION_NAMES[kind] : "unknown";
}

const char *aps_attempt_outcome_name(enum aps_attempt_outcome outcome)
{
	return (unsigned)outcome < APS_ATTEMPT_OUTCOME_COUNT ? OUTCOME_NAMES[outcome] : "unknown";
}

void aps_attempt_init(struct aps_attempt *attempt, const struct aps_attempt_options *options)
{
	*attempt = (struct aps_attempt){.options = *options, .state = APS_ATTEMPT_NEW};
}

static struct aps_attempt_action move_to(struct aps_attempt *attempt, enum aps_attempt_state state,
                                         enum aps_attempt_action_kind kind)
{
	attempt->state = state;
	return (struct aps_attempt_action){.kind = kind};
}

static struct aps_attempt_action send_request(struct aps_attempt *attempt)
{
	attempt->n_attempts++;
	return move_to(attempt, APS_ATTEMPT_SENDING, APS_ATTEMPT_DO_SEND);
}

/* Outcomes are DO_DONE; where a waiter leaves the same is DO_TELL. */

static struct aps_attempt_action outcome_error(const struct aps_attempt *attempt, const struct aps_err *err)
{
	struct aps_attempt_action action = {.kind = APS_ATTEMPT_DO_DONE, .outcome = APS_ATTEMPT_ERROR, .err = *err};
	if (attempt->was_sent) action.err.sent = true;
	return action;
}

static struct aps_attempt_action outcome_answer(void)
{
	return (struct aps_attempt_action){.kind = APS_ATTEMPT_DO_DONE, .outcome = APS_ATTEMPT_ANSWER};
}

static bool has_last(const struct aps_attempt *attempt)
{
	return attempt->last_err.code != APS_OK;
}

/* Of the last attempt that was retried, as no other one ends. */
static struct aps_attempt_action outcome_last(const struct aps_attempt *attempt)
{
	if (!attempt->has_last_answer) return outcome_error(attempt, &attempt->last_err);
	return (struct aps_attempt_action){.kind = APS_ATTEMPT_DO_DONE, .outcome = APS_ATTEMPT_LAST_ANSWER};
}

/* The last answer refused the material; `why` there is no other, where that is known. */
static struct aps_attempt_action outcome_refused(const struct aps_attempt *attempt, const struct aps_err *why)
{
	struct aps_attempt_action action = outcome_last(attempt);
	if (why != NULL && why->code != APS_OK) action.err = *why;
	return action;
}

static struct aps_attempt_action outcome_late(const struct aps_attempt *attempt, int64_t timeout_ms)
{
	if (has_last(attempt)) return outcome_last(attempt);
	struct aps_err err;
	if (attempt->state == APS_ATTEMPT_ASKING) {
		aps_fail_word(&err, APS_E_AUTH, "token_timeout", 0,
		              "no token or credentials came within the call's time");
		err.retryable = true;
	} else {
		aps_fail(&err, APS_E_TIMEOUT, "no answer within %.3g s", (double)timeout_ms / 1000.0);
	}
	return outcome_error(attempt, &err);
}

static struct aps_attempt_action finish(struct aps_attempt *attempt, struct aps_attempt_action outcome)
{
	attempt->state = APS_ATTEMPT_DONE;
	return outcome;
}

static struct aps_attempt_action run_out_of_memory(struct aps_attempt *attempt)
{
	if (has_last(attempt)) return finish(attempt, outcome_last(attempt));
	struct aps_err err;
	aps_fail(&err, APS_E_NOMEM, "out of memory");
	return finish(attempt, outcome_error(attempt, &err));
}

static struct aps_attempt_action leave(const struct aps_attempt *attempt, const struct aps_attempt_event *event)
{
	if (attempt->state == APS_ATTEMPT_DONE) return (struct aps_attempt_action){.kind = APS_ATTEMPT_DO_NOTHING};
	struct aps_attempt_action action = event->kind == APS_ATTEMPT_ON_CANCEL
	                                           ? outcome_error(attempt, event->err)
	                                           : outcome_late(attempt, event->timeout_ms);
	action.kind = APS_ATTEMPT_DO_TELL;
	/* What is under way may have reached the service. */
	if (attempt->state == APS_ATTEMPT_SENDING) action.err.sent = true;
	return action;
}

struct aps_attempt_lesson aps_attempt_learn(const struct aps_attempt_event *event)
{
	bool is_denied = event->err != NULL && event->err->code == APS_E_AUTH; /* a field, or by a service like that */
	struct aps_attempt_lesson learned = {
	        .skew_ms = event->skew_ms,
	        .is_accepted = event->status >= 200 && event->status < 300 && !is_denied,
	};
	int64_t server_s;
	learned.is_clock_told = aps_time_parse_http(event->date, &server_s);
	if (!learned.is_clock_told) return learned;
	int64_t off_ms = server_s * 1000 - (event->wall_ms + event->skew_ms);
	if (off_ms < SKEW_MS && off_ms > -SKEW_MS) return learned;
	learned.has_skew = true;
	learned.skew_ms = server_s * 1000 - event->wall_ms;
	return learned;
}

/* Before the next attempt; -1: there is no time for one, or it isn't wanted. */
static int64_t backoff_ms(const struct aps_attempt *attempt, const struct aps_attempt_event *event, int64_t skew_ms,
                          struct aps_rand *rand)
{
	const struct aps_backoff_policy *policy = &attempt->options.retry;
	if (!attempt->options.can_retry) return -1;
	if (policy->n_attempts != 0 && attempt->n_attempts >= policy->n_attempts) return -1;
	int64_t delay_ms = aps_backoff_delay_ms(policy, attempt->n_attempts - 1, rand);
	int64_t after_ms = aps_retry_after_ms(event->retry_after, (event->wall_ms + skew_ms) / 1000);
	if (event->left_ms == APS_ATTEMPT_FOREVER && after_ms > policy->cap_ms) after_ms = policy->cap_ms;
	if (after_ms > delay_ms) delay_ms = after_ms;
	return delay_ms < event->left_ms - LEAST_ATTEMPT_MS ? delay_ms : -1;
}

static struct aps_attempt_action retry(struct aps_attempt *attempt, const struct aps_attempt_event *event,
                                       enum aps_attempt_state state, enum aps_attempt_action_kind kind)
{
	attempt->last_err = *event->err;
	attempt->has_last_answer = event->kind == APS_ATTEMPT_ON_ANSWERED;
	struct aps_attempt_action action = move_to(attempt, state, kind);
	action.is_retry = true;
	return action;
}

/* The next step after an exchange that failed, with a response or without one. */
static struct aps_attempt_action judge(struct aps_attempt *attempt, const struct aps_attempt_event *event,
                                       int64_t skew_ms, struct aps_rand *rand)
{
	bool is_answered = event->kind == APS_ATTEMPT_ON_ANSWERED;
	const struct aps_attempt_options *options = &attempt->options;
	const struct aps_retry_question question = {
	        .code = event->err->code,
	        .status = event->status,
	        .error_type = event->error_type,
	        .sent = is_answered || event->err->sent,
	        .is_safe = options->is_safe,
	        .is_lasting = event->err->code == APS_E_NETWORK && !event->err->retryable,
	};
	enum aps_retry_class class = aps_retry_classify(&question);
	if (class == APS_RETRY_REFRESH && options->has_credential && !attempt->has_refreshed) {
		attempt->has_refreshed = true;
		return retry(attempt, event, APS_ATTEMPT_RENEWING, APS_ATTEMPT_DO_RENEW);
	}
	if (class == APS_RETRY_RESIGN && options->is_signed && !attempt->has_resigned) {
		attempt->has_resigned = true;
		return retry(attempt, event, APS_ATTEMPT_ASKING, APS_ATTEMPT_DO_USE);
	}
	int64_t delay_ms = class == APS_RETRY_LATER ? backoff_ms(attempt, event, skew_ms, rand) : -1;
	if (delay_ms >= 0) {
		struct aps_attempt_action action = retry(attempt, event, APS_ATTEMPT_BACKOFF, APS_ATTEMPT_DO_WAIT);
		action.delay_ms = delay_ms;
		return action;
	}
	return finish(attempt, is_answered ? outcome_answer() : outcome_error(attempt, event->err));
}

static struct aps_attempt_action take_failure(struct aps_attempt *attempt, const struct aps_attempt_event *event,
                                              struct aps_rand *rand)
{
	if (event->err->sent || event->status != 0) attempt->was_sent = true;
	return judge(attempt, event, event->skew_ms, rand);
}

static struct aps_attempt_action take_answer(struct aps_attempt *attempt, const struct aps_attempt_event *event,
                                             struct aps_rand *rand)
{
	struct aps_attempt_action action;
	const struct aps_attempt_lesson learned = aps_attempt_learn(event);
	attempt->was_sent = true;
	if (event->left_ms <= 0) { /* too late is too late, whatever held it up */
		action = finish(attempt, outcome_late(attempt, event->timeout_ms));
	} else if (event->err != NULL && event->err->code != APS_OK) {
		action = judge(attempt, event, learned.skew_ms, rand);
	} else {
		action = finish(attempt, outcome_answer());
	}
	action.learned = learned;
	return action;
}

static struct aps_attempt_action reject(const struct aps_attempt *attempt, const struct aps_attempt_event *event)
{
	struct aps_attempt_action action = {.kind = APS_ATTEMPT_DO_REJECT};
	aps_fail(&action.err, APS_E_INTERNAL, "\"%s\" came to an attempt in state \"%s\"",
	         aps_attempt_event_name(event->kind), aps_attempt_state_name(attempt->state));
	return action;
}

struct aps_attempt_action aps_attempt_feed(struct aps_attempt *attempt, const struct aps_attempt_event *event,
                                           struct aps_rand *rand)
{
	if ((unsigned)event->kind >= APS_ATTEMPT_EVENT_COUNT || (LEGAL_IN[event->kind] & (1u << attempt->state)) == 0)
		return reject(attempt, event);
	switch (event->kind) {
	case APS_ATTEMPT_ON_START:
	case APS_ATTEMPT_ON_DUE: return move_to(attempt, APS_ATTEMPT_ASKING, APS_ATTEMPT_DO_USE);
	case APS_ATTEMPT_ON_USABLE:
	case APS_ATTEMPT_ON_RENEWED: return send_request(attempt);
	case APS_ATTEMPT_ON_UNUSABLE:
	case APS_ATTEMPT_ON_UNSENT: return finish(attempt, outcome_error(attempt, event->err));
	case APS_ATTEMPT_ON_REFUSED: return finish(attempt, outcome_refused(attempt, event->err));
	case APS_ATTEMPT_ON_FAILED: return take_failure(attempt, event, rand);
	case APS_ATTEMPT_ON_ANSWERED: return take_answer(attempt, event, rand);
	case APS_ATTEMPT_ON_NO_MEMORY: return run_out_of_memory(attempt);
	case APS_ATTEMPT_ON_DEADLINE:
	case APS_ATTEMPT_ON_CANCEL:
	case APS_ATTEMPT_EVENT_COUNT:
	default: return leave(attempt, event);
	}
}

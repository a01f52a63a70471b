#include "proto/attempt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WALL_MS INT64_C(1445412480000) /* Wed, 21 Oct 2015 07:28:00 GMT */
#define LEFT_MS 30000

static const struct aps_attempt_options ALL = {
        .retry = {.base_ms = 100, .cap_ms = 300000},
        .can_retry = true,
        .is_safe = true,
        .has_credential = true,
        .is_signed = true,
};

static struct aps_rand seeded(void)
{
	struct aps_rand rand;
	aps_rand_init(&rand, 1);
	return rand;
}

static struct aps_attempt_action feed(struct aps_attempt *attempt, const struct aps_attempt_event *event)
{
	struct aps_rand rand = seeded();
	return aps_attempt_feed(attempt, event, &rand);
}

/* One that any kind is content with: an answer that is fine, a failure that is final. */
static struct aps_attempt_action feed_kind(struct aps_attempt *attempt, enum aps_attempt_event_kind kind)
{
	struct aps_err err;
	aps_fail(&err, APS_E_TLS, "no such certificate");
	bool is_answer = kind == APS_ATTEMPT_ON_ANSWERED;
	const struct aps_attempt_event event = {
	        .kind = kind,
	        .err = is_answer ? NULL : &err,
	        .status = is_answer ? 200 : 0,
	        .wall_ms = WALL_MS,
	        .left_ms = LEFT_MS,
	        .timeout_ms = LEFT_MS,
	};
	return feed(attempt, &event);
}

static struct aps_attempt_action feed_answer(struct aps_attempt *attempt, enum aps_rc code, long status)
{
	struct aps_err err;
	aps_fail(&err, code, "status %ld", status);
	const struct aps_attempt_event event = {
	        .kind = APS_ATTEMPT_ON_ANSWERED, .err = &err, .status = status, .wall_ms = WALL_MS, .left_ms = LEFT_MS};
	return feed(attempt, &event);
}

static struct aps_attempt_action feed_failure(struct aps_attempt *attempt, bool sent)
{
	struct aps_err err;
	aps_fail(&err, APS_E_NETWORK, "connection lost");
	err.sent = sent;
	const struct aps_attempt_event event = {
	        .kind = APS_ATTEMPT_ON_FAILED, .err = &err, .wall_ms = WALL_MS, .left_ms = LEFT_MS};
	return feed(attempt, &event);
}

/* Into this state, by the shortest way. */
static struct aps_attempt arrive(enum aps_attempt_state state)
{
	struct aps_attempt attempt;
	aps_attempt_init(&attempt, &ALL);
	if (state != APS_ATTEMPT_NEW) feed_kind(&attempt, APS_ATTEMPT_ON_START);
	if (state != APS_ATTEMPT_NEW && state != APS_ATTEMPT_ASKING) feed_kind(&attempt, APS_ATTEMPT_ON_USABLE);
	if (state == APS_ATTEMPT_RENEWING) feed_answer(&attempt, APS_E_AUTH, 401);
	if (state == APS_ATTEMPT_BACKOFF) feed_answer(&attempt, APS_E_HTTP, 503);
	if (state == APS_ATTEMPT_DONE) feed_kind(&attempt, APS_ATTEMPT_ON_ANSWERED);
	assert_int_equal(attempt.state, state);
	return attempt;
}

/* A row for each event, a column for each state: the action, and the state after it. */
struct step {
	enum aps_attempt_action_kind action;
	enum aps_attempt_state after;
};

#define TO(action, state)                                                                                              \
	{                                                                                                              \
		APS_ATTEMPT_DO_##action, APS_ATTEMPT_##state                                                           \
	}
#define STAYS APS_ATTEMPT_STATE_COUNT
#define NO                                                                                                             \
	{                                                                                                              \
		APS_ATTEMPT_DO_REJECT, STAYS                                                                           \
	}
#define TELLS                                                                                                          \
	{                                                                                                              \
		APS_ATTEMPT_DO_TELL, STAYS                                                                             \
	}
#define NONE                                                                                                           \
	{                                                                                                              \
		APS_ATTEMPT_DO_NOTHING, STAYS                                                                          \
	}
#define ENDS TO(DONE, DONE)

/* clang-format off */
static const struct step STEPS[APS_ATTEMPT_EVENT_COUNT][APS_ATTEMPT_STATE_COUNT] = {
        /*                         NEW               ASKING             RENEWING           SENDING  BACKOFF           DONE */
        [APS_ATTEMPT_ON_START] =     {TO(USE, ASKING), NO,                NO,                NO,      NO,               NO},
        [APS_ATTEMPT_ON_USABLE] =    {NO,              TO(SEND, SENDING), NO,                NO,      NO,               NO},
        [APS_ATTEMPT_ON_UNUSABLE] =  {NO,              ENDS,              NO,                NO,      NO,               NO},
        [APS_ATTEMPT_ON_RENEWED] =   {NO,              NO,                TO(SEND, SENDING), NO,      NO,               NO},
        [APS_ATTEMPT_ON_REFUSED] =   {NO,              NO,                ENDS,              NO,      NO,               NO},
        [APS_ATTEMPT_ON_UNSENT] =    {NO,              NO,                NO,                ENDS,    NO,               NO},
        [APS_ATTEMPT_ON_FAILED] =    {NO,              NO,                NO,                ENDS,    NO,               NO},
        [APS_ATTEMPT_ON_ANSWERED] =  {NO,              NO,                NO,                ENDS,    NO,               NO},
        [APS_ATTEMPT_ON_DUE] =       {NO,              NO,                NO,                NO,      TO(USE, ASKING),  NO},
        [APS_ATTEMPT_ON_NO_MEMORY] = {ENDS,            ENDS,              ENDS,              NO,      ENDS,             NO},
        [APS_ATTEMPT_ON_DEADLINE] =  {TELLS,           TELLS,             TELLS,             TELLS,   TELLS,            NONE},
        [APS_ATTEMPT_ON_CANCEL] =    {TELLS,           TELLS,             TELLS,             TELLS,   TELLS,            NONE},
};
/* clang-format on */

static void each_event_in_each_state_has_its_action(void **unused)
{
	(void)unused;
	for (int kind = 0; kind < APS_ATTEMPT_EVENT_COUNT; kind++) {
		for (int state = 0; state < APS_ATTEMPT_STATE_COUNT; state++) {
			struct aps_attempt attempt = arrive((enum aps_attempt_state)state);
			const struct aps_attempt before = attempt;
			struct step step = STEPS[kind][state];
			struct aps_attempt_action action = feed_kind(&attempt, (enum aps_attempt_event_kind)kind);
			print_message("%s, %s: %s\n", aps_attempt_state_name((enum aps_attempt_state)state),
			              aps_attempt_event_name((enum aps_attempt_event_kind)kind),
			              aps_attempt_action_name(action.kind));
			assert_int_equal(action.kind, step.action);
			if (step.after != STAYS)
				assert_int_equal(attempt.state, step.after);
			else
				assert_memory_equal(&attempt, &before, sizeof attempt);
		}
	}
}

static void an_illegal_event_is_an_error_that_names_both(void **unused)
{
	(void)unused;
	struct aps_attempt attempt = arrive(APS_ATTEMPT_BACKOFF);
	struct aps_attempt_action action = feed_kind(&attempt, APS_ATTEMPT_ON_RENEWED);
	assert_int_equal(action.err.code, APS_E_INTERNAL);
	assert_string_equal(action.err.msg, "\"renewed\" came to an attempt in state \"backoff\"");
	action = feed_kind(&attempt, APS_ATTEMPT_EVENT_COUNT);
	assert_int_equal(action.kind, APS_ATTEMPT_DO_REJECT);
	assert_string_equal(action.err.msg, "\"unknown\" came to an attempt in state \"backoff\"");
}

/* What follows from the end of an exchange. */
struct judgement {
	const char *what;
	enum { ANSWER, FAILURE } end;
	enum aps_rc code;
	long status;
	const char *type;
	bool sent; /* of a failure */
	/* What differs from all being allowed and nothing having been done. */
	enum {
		PLAIN,
		NOT_SAFE,
		NO_RETRY,
		NO_CREDENTIAL,
		NOT_SIGNED,
		HAS_REFRESHED,
		HAS_RESIGNED,
		LAST_OF_ALL,
		LAST_BUT_ONE
	} with;
	enum aps_attempt_action_kind action;
	enum aps_attempt_outcome outcome; /* of DONE */
};

#define WAIT  APS_ATTEMPT_DO_WAIT, APS_ATTEMPT_ERROR
#define RENEW APS_ATTEMPT_DO_RENEW, APS_ATTEMPT_ERROR
#define AGAIN APS_ATTEMPT_DO_USE, APS_ATTEMPT_ERROR
#define AS_IS APS_ATTEMPT_DO_DONE, APS_ATTEMPT_ANSWER
#define FAILS APS_ATTEMPT_DO_DONE, APS_ATTEMPT_ERROR

static const struct judgement JUDGEMENTS[] = {
        {"a good answer", ANSWER, APS_OK, 200, "", true, PLAIN, AS_IS},
        {"one that was understood to be good", ANSWER, APS_OK, 503, "", true, PLAIN, AS_IS},
        {"an error that stays", ANSWER, APS_E_GRAPHQL, 200, "ValidationError", true, PLAIN, AS_IS},
        {"an error that stays, by status", ANSWER, APS_E_HTTP, 404, "", true, PLAIN, AS_IS},
        {"forbidden", ANSWER, APS_E_AUTH, 403, "WAFForbiddenException", true, PLAIN, AS_IS},
        /* material */
        {"a refusal", ANSWER, APS_E_AUTH, 401, "UnauthorizedException", true, PLAIN, RENEW},
        {"a refusal, of what isn't safe", ANSWER, APS_E_AUTH, 401, "", true, NOT_SAFE, RENEW},
        {"a refusal, without leave to retry", ANSWER, APS_E_AUTH, 401, "", true, NO_RETRY, RENEW},
        {"a refusal, of the last attempt", ANSWER, APS_E_AUTH, 401, "", true, LAST_OF_ALL, RENEW},
        {"a refusal, after a corrected clock", ANSWER, APS_E_AUTH, 401, "", true, HAS_RESIGNED, RENEW},
        {"a second refusal", ANSWER, APS_E_AUTH, 401, "", true, HAS_REFRESHED, AS_IS},
        {"a refusal without a credential", ANSWER, APS_E_AUTH, 401, "", true, NO_CREDENTIAL, AS_IS},
        {"a refusal by the transport", FAILURE, APS_E_AUTH, 0, "", false, PLAIN, RENEW},
        {"a second one", FAILURE, APS_E_AUTH, 0, "", false, HAS_REFRESHED, FAILS},
        {"one without a credential", FAILURE, APS_E_AUTH, 0, "", false, NO_CREDENTIAL, FAILS},
        /* the clock */
        {"a wrong clock", ANSWER, APS_E_AUTH, 403, "RequestTimeTooSkewed", true, PLAIN, AGAIN},
        {"a wrong clock, of what isn't safe", ANSWER, APS_E_AUTH, 403, "InvalidSignatureException", true, NOT_SAFE,
         AGAIN},
        {"a wrong clock, without leave to retry", ANSWER, APS_E_AUTH, 403, "RequestExpired", true, NO_RETRY, AGAIN},
        {"a wrong clock, after a renewal", ANSWER, APS_E_AUTH, 403, "RequestExpired", true, HAS_REFRESHED, AGAIN},
        {"a clock that stays wrong", ANSWER, APS_E_AUTH, 403, "RequestExpired", true, HAS_RESIGNED, AS_IS},
        {"a wrong clock of what isn't signed", ANSWER, APS_E_AUTH, 403, "RequestExpired", true, NOT_SIGNED, AS_IS},
        /* later */
        {"an overload", ANSWER, APS_E_HTTP, 503, "", true, PLAIN, WAIT},
        {"an overload, of what isn't safe", ANSWER, APS_E_HTTP, 503, "", true, NOT_SAFE, AS_IS},
        {"throttling, of what isn't safe", ANSWER, APS_E_HTTP, 429, "", true, NOT_SAFE, WAIT},
        {"an overload, without leave to retry", ANSWER, APS_E_HTTP, 503, "", true, NO_RETRY, AS_IS},
        {"an overload, of the last attempt", ANSWER, APS_E_HTTP, 503, "", true, LAST_OF_ALL, AS_IS},
        {"an overload, of the last but one", ANSWER, APS_E_HTTP, 503, "", true, LAST_BUT_ONE, WAIT},
        {"an overload, after both", ANSWER, APS_E_HTTP, 503, "", true, HAS_REFRESHED, WAIT},
        {"no connection", FAILURE, APS_E_NETWORK, 0, "", false, PLAIN, WAIT},
        {"no connection, of what isn't safe", FAILURE, APS_E_NETWORK, 0, "", false, NOT_SAFE, WAIT},
        {"a lost connection", FAILURE, APS_E_NETWORK, 0, "", true, PLAIN, WAIT},
        {"a lost connection, of what isn't safe", FAILURE, APS_E_NETWORK, 0, "", true, NOT_SAFE, FAILS},
        {"no connection, without leave to retry", FAILURE, APS_E_NETWORK, 0, "", false, NO_RETRY, FAILS},
        {"no connection, of the last attempt", FAILURE, APS_E_NETWORK, 0, "", false, LAST_OF_ALL, FAILS},
        {"a wrong certificate", FAILURE, APS_E_TLS, 0, "", false, PLAIN, FAILS},
        {"a response that is too big", FAILURE, APS_E_TOO_BIG, 200, "", true, PLAIN, FAILS},
        {"an overload whose body was cut off", FAILURE, APS_E_NETWORK, 503, "", true, PLAIN, WAIT},
};

static struct aps_attempt attempt_of(const struct judgement *row)
{
	struct aps_attempt attempt;
	struct aps_attempt_options options = ALL;
	if (row->with == NOT_SAFE) options.is_safe = false;
	if (row->with == NO_RETRY) options.can_retry = false;
	if (row->with == NO_CREDENTIAL) options.has_credential = options.is_signed = false;
	if (row->with == NOT_SIGNED) options.is_signed = false;
	if (row->with == LAST_OF_ALL) options.retry.n_attempts = 1;
	if (row->with == LAST_BUT_ONE) options.retry.n_attempts = 2;
	aps_attempt_init(&attempt, &options);
	feed_kind(&attempt, APS_ATTEMPT_ON_START);
	feed_kind(&attempt, APS_ATTEMPT_ON_USABLE);
	attempt.has_refreshed = row->with == HAS_REFRESHED;
	attempt.has_resigned = row->with == HAS_RESIGNED;
	return attempt;
}

static void each_end_of_an_exchange_has_its_next_step(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < APS_COUNTOF(JUDGEMENTS); i++) {
		const struct judgement *row = &JUDGEMENTS[i];
		print_message("%s\n", row->what);
		struct aps_attempt attempt = attempt_of(row);
		struct aps_err err;
		aps_fail(&err, row->code, "%s", row->what);
		err.sent = row->end == FAILURE && row->sent;
		const struct aps_attempt_event event = {
		        .kind = row->end == ANSWER ? APS_ATTEMPT_ON_ANSWERED : APS_ATTEMPT_ON_FAILED,
		        .err = &err,
		        .status = row->status,
		        .error_type = aps_str_of(row->type),
		        .wall_ms = WALL_MS,
		        .left_ms = LEFT_MS,
		};
		struct aps_attempt_action action = feed(&attempt, &event);
		assert_int_equal(action.kind, row->action);
		assert_int_equal(action.is_retry, row->action != APS_ATTEMPT_DO_DONE);
		if (row->action != APS_ATTEMPT_DO_DONE) continue;
		assert_int_equal(action.outcome, row->outcome);
		if (row->outcome == APS_ATTEMPT_ERROR) assert_string_equal(action.err.msg, row->what);
	}
}

/* Whether the outcome says that the request may have reached the service. */
static void sent_is_told_of_all_exchanges_of_an_attempt(void **unused)
{
	(void)unused;
	static const struct {
		const char *what;
		enum { NEITHER, UNSENT, SENT, ANSWERED } first; /* exchange, which failed and is retried */
		bool is_sending;
		enum aps_attempt_event_kind end;
		bool is_sent;
	} ROWS[] = {
	        {"nothing was sent", NEITHER, false, APS_ATTEMPT_ON_CANCEL, false},
	        {"nothing was sent, and time is over", NEITHER, false, APS_ATTEMPT_ON_DEADLINE, false},
	        {"there is no material", NEITHER, false, APS_ATTEMPT_ON_UNUSABLE, false},
	        {"it is under way", NEITHER, true, APS_ATTEMPT_ON_CANCEL, true},
	        {"it is under way, and time is over", NEITHER, true, APS_ATTEMPT_ON_DEADLINE, true},
	        {"it couldn't be started", NEITHER, true, APS_ATTEMPT_ON_UNSENT, false},
	        {"the first wasn't sent", UNSENT, false, APS_ATTEMPT_ON_CANCEL, false},
	        {"the first wasn't, the second is under way", UNSENT, true, APS_ATTEMPT_ON_DEADLINE, true},
	        {"the first wasn't, the second couldn't be started", UNSENT, true, APS_ATTEMPT_ON_UNSENT, false},
	        {"the first was sent", SENT, false, APS_ATTEMPT_ON_CANCEL, true},
	        {"the first was, time is over", SENT, false, APS_ATTEMPT_ON_DEADLINE, true},
	        {"the first was, there is no material", SENT, false, APS_ATTEMPT_ON_UNUSABLE, true},
	        {"the first was, the second couldn't be started", SENT, true, APS_ATTEMPT_ON_UNSENT, true},
	        {"the first was answered", ANSWERED, false, APS_ATTEMPT_ON_CANCEL, true},
	        {"the first was answered, there is no material", ANSWERED, false, APS_ATTEMPT_ON_UNUSABLE, true},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		print_message("%s\n", ROWS[i].what);
		struct aps_attempt attempt =
		        arrive(ROWS[i].first == NEITHER ? APS_ATTEMPT_ASKING : APS_ATTEMPT_SENDING);
		if (ROWS[i].first == ANSWERED)
			feed_answer(&attempt, APS_E_HTTP, 503);
		else if (ROWS[i].first != NEITHER)
			feed_failure(&attempt, ROWS[i].first == SENT);
		if (ROWS[i].first != NEITHER) feed_kind(&attempt, APS_ATTEMPT_ON_DUE);
		if (ROWS[i].is_sending) feed_kind(&attempt, APS_ATTEMPT_ON_USABLE);
		struct aps_attempt_action action = feed_kind(&attempt, ROWS[i].end);
		assert_int_equal(action.outcome, APS_ATTEMPT_ERROR);
		assert_int_equal(action.err.sent, ROWS[i].is_sent);
	}
}

static void a_failure_with_a_status_was_sent(void **unused)
{
	(void)unused;
	struct aps_err err;
	aps_fail(&err, APS_E_TOO_BIG, "too big");
	struct aps_attempt attempt = arrive(APS_ATTEMPT_SENDING);
	const struct aps_attempt_event event = {
	        .kind = APS_ATTEMPT_ON_FAILED, .err = &err, .status = 200, .left_ms = LEFT_MS};
	assert_true(feed(&attempt, &event).err.sent);
}

static void a_deadline_tells_the_last_failure_or_else_what_was_missing(void **unused)
{
	(void)unused;
	struct aps_attempt attempt = arrive(APS_ATTEMPT_ASKING);
	struct aps_attempt_action action = feed_kind(&attempt, APS_ATTEMPT_ON_DEADLINE);
	assert_int_equal(action.err.code, APS_E_AUTH);
	assert_string_equal(aps_err_word(&action.err), "token_timeout");
	assert_true(action.err.retryable);

	attempt = arrive(APS_ATTEMPT_SENDING);
	action = feed_kind(&attempt, APS_ATTEMPT_ON_DEADLINE);
	assert_int_equal(action.err.code, APS_E_TIMEOUT);
	assert_string_equal(action.err.msg, "no answer within 30 s");

	attempt = arrive(APS_ATTEMPT_SENDING);
	feed_failure(&attempt, false);
	action = feed_kind(&attempt, APS_ATTEMPT_ON_DEADLINE);
	assert_string_equal(action.err.msg, "connection lost");
	feed_kind(&attempt, APS_ATTEMPT_ON_DUE);
	action = feed_kind(&attempt, APS_ATTEMPT_ON_DEADLINE); /* while it waits for material once more */
	assert_string_equal(action.err.msg, "connection lost");

	attempt = arrive(APS_ATTEMPT_RENEWING);
	action = feed_kind(&attempt, APS_ATTEMPT_ON_DEADLINE);
	assert_int_equal(action.outcome, APS_ATTEMPT_LAST_ANSWER);
}

static void the_last_answer_is_that_of_the_last_failure_only(void **unused)
{
	(void)unused;
	struct aps_attempt attempt = arrive(APS_ATTEMPT_BACKOFF);
	assert_int_equal(feed_kind(&attempt, APS_ATTEMPT_ON_DEADLINE).outcome, APS_ATTEMPT_LAST_ANSWER);
	feed_kind(&attempt, APS_ATTEMPT_ON_DUE);
	feed_kind(&attempt, APS_ATTEMPT_ON_USABLE);
	assert_true(feed_failure(&attempt, false).is_retry);
	struct aps_attempt_action action = feed_kind(&attempt, APS_ATTEMPT_ON_DEADLINE);
	assert_int_equal(action.outcome, APS_ATTEMPT_ERROR);
	assert_string_equal(action.err.msg, "connection lost");
}

static void an_attempt_goes_on_after_its_waiter_has_left(void **unused)
{
	(void)unused;
	struct aps_attempt attempt = arrive(APS_ATTEMPT_SENDING);
	feed_kind(&attempt, APS_ATTEMPT_ON_DEADLINE);
	feed_kind(&attempt, APS_ATTEMPT_ON_CANCEL);
	assert_int_equal(feed_answer(&attempt, APS_E_AUTH, 401).kind, APS_ATTEMPT_DO_RENEW);
	feed_kind(&attempt, APS_ATTEMPT_ON_CANCEL);
	assert_int_equal(feed_kind(&attempt, APS_ATTEMPT_ON_RENEWED).kind, APS_ATTEMPT_DO_SEND);
	struct aps_attempt_action action = feed_kind(&attempt, APS_ATTEMPT_ON_ANSWERED);
	assert_int_equal(action.kind, APS_ATTEMPT_DO_DONE);
	assert_int_equal(action.outcome, APS_ATTEMPT_ANSWER);
	assert_int_equal(attempt.n_attempts, 2);
}

static void a_late_answer_is_a_time_out_and_needs_no_understanding(void **unused)
{
	(void)unused;
	for (int64_t left_ms = 1; left_ms >= -1; left_ms--) {
		struct aps_attempt attempt = arrive(APS_ATTEMPT_SENDING);
		const struct aps_attempt_event event = {
		        .kind = APS_ATTEMPT_ON_ANSWERED, .status = 200, .left_ms = left_ms, .timeout_ms = 2500};
		struct aps_attempt_action action = feed(&attempt, &event);
		assert_int_equal(action.kind, APS_ATTEMPT_DO_DONE);
		assert_int_equal(action.outcome, left_ms > 0 ? APS_ATTEMPT_ANSWER : APS_ATTEMPT_ERROR);
		if (left_ms > 0) continue;
		assert_int_equal(action.err.code, APS_E_TIMEOUT);
		assert_string_equal(action.err.msg, "no answer within 2.5 s");
		assert_true(action.err.sent);
	}
}

static void a_clock_is_wrong_from_five_minutes_on(void **unused)
{
	(void)unused;
	static const struct {
		const char *date;
		int64_t skew_ms; /* known before */
		bool is_learned;
		int64_t learned_ms;
	} ROWS[] = {
	        {"", 0, false, 0},
	        {"yesterday", 0, false, 0},
	        {"Wed, 21 Oct 2015 07:28:00 GMT", 0, false, 0},
	        {"Wed, 21 Oct 2015 07:32:59 GMT", 0, false, 0},
	        {"Wed, 21 Oct 2015 07:33:00 GMT", 0, true, 300000},
	        {"Wed, 21 Oct 2015 07:23:01 GMT", 0, false, 0},
	        {"Wed, 21 Oct 2015 07:23:00 GMT", 0, true, -300000},
	        {"Wed, 21 Oct 2015 08:28:00 GMT", 3600000, false, 0},
	        {"Wed, 21 Oct 2015 08:24:00 GMT", 3600000, false, 0},
	        {"Wed, 21 Oct 2015 07:28:00 GMT", 3600000, true, 0},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		print_message("%s\n", ROWS[i].date);
		struct aps_attempt attempt = arrive(APS_ATTEMPT_SENDING);
		const struct aps_attempt_event event = {
		        .kind = APS_ATTEMPT_ON_ANSWERED,
		        .status = 200,
		        .date = aps_str_of(ROWS[i].date),
		        .wall_ms = WALL_MS,
		        .skew_ms = ROWS[i].skew_ms,
		        .left_ms = LEFT_MS,
		};
		struct aps_attempt_action action = feed(&attempt, &event);
		assert_int_equal(action.learned.is_clock_told, strchr(ROWS[i].date, ',') != NULL);
		assert_int_equal(action.learned.has_skew, ROWS[i].is_learned);
		if (action.learned.has_skew) assert_int_equal(action.learned.skew_ms, ROWS[i].learned_ms);
	}
}

static void material_is_accepted_by_an_answer_that_does_not_deny_anything(void **unused)
{
	(void)unused;
	static const struct {
		long status;
		enum aps_rc code;
		bool is_accepted;
	} ROWS[] = {
	        {200, APS_OK, true},      {200, APS_E_GRAPHQL, true}, {299, APS_E_PROTOCOL, true},
	        {200, APS_E_AUTH, false}, {401, APS_E_AUTH, false},   {429, APS_E_HTTP, false},
	        {503, APS_E_HTTP, false}, {301, APS_E_HTTP, false},   {199, APS_E_PROTOCOL, false},
	};
	for (size_t i = 0; i < APS_COUNTOF(ROWS); i++) {
		struct aps_attempt attempt = arrive(APS_ATTEMPT_SENDING);
		struct aps_attempt_action action = feed_answer(&attempt, ROWS[i].code, ROWS[i].status);
		assert_int_equal(action.learned.is_accepted, ROWS[i].is_accepted);
	}
}

/* What a 503 leads to: the delay, or -1. */
static int64_t delay_of(const struct aps_backoff_policy *policy, const char *after, int64_t left_ms)
{
	struct aps_attempt attempt = arrive(APS_ATTEMPT_SENDING);
	struct aps_err err;
	aps_fail(&err, APS_E_HTTP, "busy");
	attempt.options.retry = *policy;
	const struct aps_attempt_event event = {
	        .kind = APS_ATTEMPT_ON_ANSWERED,
	        .err = &err,
	        .status = 503,
	        .retry_after = aps_str_of(after),
	        .wall_ms = WALL_MS,
	        .left_ms = left_ms,
	};
	struct aps_attempt_action action = feed(&attempt, &event);
	return action.kind == APS_ATTEMPT_DO_WAIT ? action.delay_ms : -1;
}

static void a_retry_waits_for_the_longer_of_jitter_and_retry_after(void **unused)
{
	(void)unused;
	const struct aps_backoff_policy policy = ALL.retry;
	struct aps_rand rand = seeded();
	int64_t jitter_ms = aps_backoff_delay_ms(&policy, 0, &rand);
	assert_true(jitter_ms > 0);
	assert_int_equal(delay_of(&policy, "", LEFT_MS), jitter_ms);
	assert_int_equal(delay_of(&policy, "0", LEFT_MS), jitter_ms);
	assert_int_equal(delay_of(&policy, "soon", LEFT_MS), jitter_ms);
	assert_int_equal(delay_of(&policy, "2", LEFT_MS), 2000);
	assert_int_equal(delay_of(&policy, "Wed, 21 Oct 2015 07:28:05 GMT", LEFT_MS), 5000);
}

static void there_is_no_retry_without_time_for_its_exchange(void **unused)
{
	(void)unused;
	const struct aps_backoff_policy at_once = {.base_ms = 0, .cap_ms = 0};
	assert_int_equal(delay_of(&at_once, "", 11), 0);
	assert_int_equal(delay_of(&at_once, "", 10), -1);
	assert_int_equal(delay_of(&at_once, "", 9), -1);
	assert_int_equal(delay_of(&at_once, "3", 3011), 3000);
	assert_int_equal(delay_of(&at_once, "3", 3010), -1);
}

static void without_a_deadline_no_wait_is_longer_than_the_cap(void **unused)
{
	(void)unused;
	const struct aps_backoff_policy policy = {.base_ms = 0, .cap_ms = 60000};
	assert_int_equal(delay_of(&policy, "59", APS_ATTEMPT_FOREVER), 59000);
	assert_int_equal(delay_of(&policy, "86400", APS_ATTEMPT_FOREVER), 60000);
	assert_int_equal(delay_of(&policy, "86400", INT64_C(90000000)), 86400000); /* a deadline bounds it by itself */
}

static void delays_grow_with_the_attempts(void **unused)
{
	(void)unused;
	struct aps_rand rand = seeded(), same = seeded();
	struct aps_err err;
	aps_fail(&err, APS_E_HTTP, "busy");
	struct aps_attempt attempt = arrive(APS_ATTEMPT_SENDING);
	for (unsigned i = 0; i < 20; i++) {
		const struct aps_attempt_event event = {.kind = APS_ATTEMPT_ON_ANSWERED,
		                                        .err = &err,
		                                        .status = 503,
		                                        .wall_ms = WALL_MS,
		                                        .left_ms = APS_ATTEMPT_FOREVER};
		struct aps_attempt_action action = aps_attempt_feed(&attempt, &event, &rand);
		assert_int_equal(action.kind, APS_ATTEMPT_DO_WAIT);
		assert_int_equal(action.delay_ms, aps_backoff_delay_ms(&ALL.retry, i, &same));
		feed_kind(&attempt, APS_ATTEMPT_ON_DUE);
		feed_kind(&attempt, APS_ATTEMPT_ON_USABLE);
	}
}

static void without_memory_for_the_next_step_the_last_failure_is_told(void **unused)
{
	(void)unused;
	struct aps_attempt attempt = arrive(APS_ATTEMPT_SENDING);
	feed_failure(&attempt, true);
	struct aps_attempt_action action = feed_kind(&attempt, APS_ATTEMPT_ON_NO_MEMORY);
	assert_string_equal(action.err.msg, "connection lost");
	assert_true(action.err.sent);

	attempt = arrive(APS_ATTEMPT_BACKOFF);
	assert_int_equal(feed_kind(&attempt, APS_ATTEMPT_ON_NO_MEMORY).outcome, APS_ATTEMPT_LAST_ANSWER);

	attempt = arrive(APS_ATTEMPT_NEW);
	action = feed_kind(&attempt, APS_ATTEMPT_ON_NO_MEMORY);
	assert_int_equal(action.err.code, APS_E_NOMEM);
	assert_false(action.err.sent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(each_event_in_each_state_has_its_action),
	        cmocka_unit_test(an_illegal_event_is_an_error_that_names_both),
	        cmocka_unit_test(each_end_of_an_exchange_has_its_next_step),
	        cmocka_unit_test(sent_is_told_of_all_exchanges_of_an_attempt),
	        cmocka_unit_test(a_failure_with_a_status_was_sent),
	        cmocka_unit_test(a_deadline_tells_the_last_failure_or_else_what_was_missing),
	        cmocka_unit_test(the_last_answer_is_that_of_the_last_failure_only),
	        cmocka_unit_test(an_attempt_goes_on_after_its_waiter_has_left),
	        cmocka_unit_test(a_late_answer_is_a_time_out_and_needs_no_understanding),
	        cmocka_unit_test(a_clock_is_wrong_from_five_minutes_on),
	        cmocka_unit_test(material_is_accepted_by_an_answer_that_does_not_deny_anything),
	        cmocka_unit_test(a_retry_waits_for_the_longer_of_jitter_and_retry_after),
	        cmocka_unit_test(there_is_no_retry_without_time_for_its_exchange),
	        cmocka_unit_test(without_a_deadline_no_wait_is_longer_than_the_cap),
	        cmocka_unit_test(delays_grow_with_the_attempts),
	        cmocka_unit_test(without_memory_for_the_next_step_the_last_failure_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "sync/delivery.h"

#define TEXT(name, text) text,
static const char *const STATE_NAMES[] = {APS_DELIVERY_STATE_MAP(TEXT)};
static const char *const EVENT_NAMES[] = {APS_DELIVERY_EVENT_MAP(TEXT)};
static const char *const STORE_NAMES[] = {APS_DELIVERY_STORE_MAP(TEXT)};
static const char *const ACTION_NAMES[] = {APS_DELIVERY_ACTION_MAP(TEXT)};
static const char *const OUTCOME_NAMES[] = {APS_DELIVERY_OUTCOME_MAP(TEXT)};
static const char *const RESEND_NAMES[] = {APS_RESEND_MAP(TEXT)};
#undef TEXT

#define IN(state)  (1u << APS_DELIVERY_##state)
#define AT_SERVICE (IN(SENDING) | IN(LOOKING))

#define NEVER_BEGUN UINT64_MAX /* of `successes`, by this process */

static const unsigned LEGAL_IN[APS_DELIVERY_EVENT_COUNT] = {
        [APS_DELIVERY_ON_GO] = IN(QUEUED),
        [APS_DELIVERY_ON_COMMITTED] = IN(MARKING) | IN(ENDING),
        [APS_DELIVERY_ON_LOST] = IN(MARKING) | IN(ENDING),
        [APS_DELIVERY_ON_UNSENT] = AT_SERVICE,
        [APS_DELIVERY_ON_LATER] = AT_SERVICE,
        [APS_DELIVERY_ON_AUTH] = AT_SERVICE,
        [APS_DELIVERY_ON_DOUBT] = AT_SERVICE,
        [APS_DELIVERY_ON_DONE] = IN(SENDING),
        [APS_DELIVERY_ON_REFUSED] = IN(SENDING),
        [APS_DELIVERY_ON_CONFLICT] = IN(SENDING),
        [APS_DELIVERY_ON_SEEN_SEND] = IN(LOOKING),
        [APS_DELIVERY_ON_SEEN_EARLY] = IN(LOOKING),
        [APS_DELIVERY_ON_SEEN_APPLIED] = IN(LOOKING),
        [APS_DELIVERY_ON_SEEN_UNKNOWN] = IN(LOOKING),
        [APS_DELIVERY_ON_SEEN_RECORD] = IN(LOOKING),
        [APS_DELIVERY_ON_CHANGED] = IN(RESOLVING),
        [APS_DELIVERY_ON_GAVE_UP] = IN(RESOLVING),
        [APS_DELIVERY_ON_DUE] = IN(WAITING) | IN(NO_AUTH),
        [APS_DELIVERY_ON_BLOCKED] = IN(QUEUED) | IN(WAITING) | IN(NO_AUTH),
        [APS_DELIVERY_ON_AUTH_CHANGED] = IN(NO_AUTH),
        [APS_DELIVERY_ON_STORE_BACK] = IN(HELD),
};

/* Of one that may have been applied: it is sent again, it looks first, or nobody will ever know. */
enum doubt_plan { SEND_AGAIN, LOOK_FIRST, GIVE_UP };

static const enum doubt_plan DOUBT_PLANS[APS_RESEND_COUNT] = {
        [APS_RESEND_NEVER] = GIVE_UP,
        [APS_RESEND_AT_ONCE] = SEND_AGAIN,
        [APS_RESEND_VERSIONED] = LOOK_FIRST,
        [APS_RESEND_IDENTIFIED] = LOOK_FIRST,
};

/* What the service refuses after a request that may have been applied: a look tells whether it was. */
static const enum aps_delivery_outcome OUTCOMES_IN_DOUBT[APS_RESEND_COUNT] = {
        [APS_RESEND_NEVER] = APS_DELIVERY_ENDED_UNKNOWN,
        [APS_RESEND_AT_ONCE] = APS_DELIVERY_ENDED_UNKNOWN,
};

/* Of one whose record had changed: the resolver is asked, or first the service for the record. */
enum conflict_plan { ASK_RESOLVER, LOOK_FOR_RECORD, LEAVE_IT };

static const enum conflict_plan CONFLICT_PLANS[2][2] = {
        /*  without a record, with one */
        {LEAVE_IT, LEAVE_IT},            /* without a resolver */
        {LOOK_FOR_RECORD, ASK_RESOLVER}, /* with one */
};

const char *aps_delivery_state_name(enum aps_delivery_state state)
{
	return (unsigned)state < APS_DELIVERY_STATE_COUNT ? STATE_NAMES[state] : "unknown";
}

const char *aps_delivery_event_name(enum aps_delivery_event_kind kind)
{
	return (unsigned)kind < APS_DELIVERY_EVENT_COUNT ? EVENT_NAMES[kind] : "unknown";
}

const char *aps_delivery_store_name(enum aps_delivery_store store)
{
	return (unsigned)store < APS_DELIVERY_STORE_COUNT ? STORE_NAMES[store] : "unknown";
}

const char *aps_delivery_action_name(enum aps_delivery_action_kind kind)
{
	return (unsigned)kind < APS_DELIVERY_ACTION_COUNT ? ACTION_NAMES[kind] : "unknown";
}

const char *aps_delivery_outcome_name(enum aps_delivery_outcome outcome)
{
	return (unsigned)outcome < APS_DELIVERY_OUTCOME_COUNT ? OUTCOME_NAMES[outcome] : "unknown";
}

const char *aps_resend_name(enum aps_resend resend)
{
	return (unsigned)resend < APS_RESEND_COUNT ? RESEND_NAMES[resend] : "unknown";
}

static struct aps_delivery_action move_to(struct aps_delivery *delivery, enum aps_delivery_state state,
                                          enum aps_delivery_store store, enum aps_delivery_action_kind kind)
{
	delivery->state = state;
	return (struct aps_delivery_action){.store = store, .kind = kind};
}

static struct aps_delivery_action end(struct aps_delivery *delivery, enum aps_delivery_outcome outcome)
{
	bool is_done = outcome == APS_DELIVERY_ENDED_DONE;
	delivery->outcome = outcome;
	return move_to(delivery, APS_DELIVERY_ENDING, is_done ? APS_DELIVERY_STORE_FINISH : APS_DELIVERY_STORE_BURY,
	               APS_DELIVERY_DO_NOTHING);
}

static bool looks_first(const struct aps_delivery *delivery)
{
	return delivery->is_in_doubt && DOUBT_PLANS[delivery->resend] == LOOK_FIRST;
}

/* How the store is to know it while its request isn't under way. */
static enum aps_delivery_store rest(struct aps_delivery *delivery)
{
	bool was_marked = delivery->is_marked;
	delivery->is_marked = delivery->is_in_doubt;
	return was_marked && !delivery->is_marked ? APS_DELIVERY_STORE_UNMARK : APS_DELIVERY_STORE_NUMBERS;
}

static struct aps_delivery_action wait_in(struct aps_delivery *delivery, enum aps_delivery_state state)
{
	delivery->n_failures++;
	return move_to(delivery, state, rest(delivery), APS_DELIVERY_DO_WAIT);
}

/* True: it has failed so often, while others succeeded, that it is the mutation's own fault. */
static bool has_tried_enough(struct aps_delivery *delivery, const struct aps_delivery_options *options,
                             const struct aps_delivery_event *event)
{
	if (!event->is_unanswered && event->successes > delivery->successes) {
		delivery->n_counted++;
		delivery->successes = event->successes;
	}
	return delivery->n_counted >= options->max_tries;
}

static enum aps_delivery_outcome failed(const struct aps_delivery *delivery, enum aps_delivery_outcome outcome)
{
	return delivery->is_in_doubt ? APS_DELIVERY_ENDED_UNKNOWN : outcome;
}

static struct aps_delivery_action ask(struct aps_delivery *delivery)
{
	if (delivery->n_rounds >= APS_DELIVERY_MAX_ROUNDS)
		return end(delivery, failed(delivery, APS_DELIVERY_ENDED_CONFLICT));
	delivery->asks_in_doubt = delivery->is_in_doubt;
	return move_to(delivery, APS_DELIVERY_RESOLVING, rest(delivery), APS_DELIVERY_DO_ASK);
}

static struct aps_delivery_action look_for(struct aps_delivery *delivery, enum aps_delivery_event_kind about)
{
	delivery->look = about;
	return move_to(delivery, APS_DELIVERY_LOOKING, rest(delivery), APS_DELIVERY_DO_LOOK);
}

static struct aps_delivery_action judge_doubt(struct aps_delivery *delivery, const struct aps_delivery_options *options,
                                              const struct aps_delivery_event *event)
{
	delivery->is_in_doubt = true;
	if (DOUBT_PLANS[delivery->resend] == GIVE_UP || has_tried_enough(delivery, options, event))
		return end(delivery, APS_DELIVERY_ENDED_UNKNOWN);
	return wait_in(delivery, APS_DELIVERY_WAITING);
}

static struct aps_delivery_action judge_later(struct aps_delivery *delivery, const struct aps_delivery_options *options,
                                              const struct aps_delivery_event *event)
{
	bool is_in_conflict = delivery->look == APS_DELIVERY_ON_CONFLICT;
	if (has_tried_enough(delivery, options, event))
		return end(delivery,
		           failed(delivery, is_in_conflict ? APS_DELIVERY_ENDED_CONFLICT : APS_DELIVERY_ENDED_REFUSED));
	return wait_in(delivery, APS_DELIVERY_WAITING);
}

static struct aps_delivery_action resolve(struct aps_delivery *delivery, const struct aps_delivery_options *options,
                                          bool has_record)
{
	switch (CONFLICT_PLANS[options->has_resolver][has_record]) {
	case ASK_RESOLVER: return ask(delivery);
	case LOOK_FOR_RECORD: return look_for(delivery, APS_DELIVERY_ON_CONFLICT);
	case LEAVE_IT:
	default: return end(delivery, failed(delivery, APS_DELIVERY_ENDED_CONFLICT));
	}
}

/* The service doesn't execute it. In doubt that may be for what an earlier request has done. */
static struct aps_delivery_action judge_refusal(struct aps_delivery *delivery,
                                                const struct aps_delivery_options *options,
                                                const struct aps_delivery_event *event)
{
	if (looks_first(delivery)) return look_for(delivery, event->kind);
	if (delivery->is_in_doubt) return end(delivery, OUTCOMES_IN_DOUBT[delivery->resend]);
	if (event->kind == APS_DELIVERY_ON_REFUSED) return end(delivery, APS_DELIVERY_ENDED_REFUSED);
	return resolve(delivery, options, event->has_record);
}

static struct aps_delivery_action send(struct aps_delivery *delivery)
{
	delivery->n_attempts++;
	if (delivery->is_marked && !looks_first(delivery))
		return move_to(delivery, APS_DELIVERY_SENDING, APS_DELIVERY_STORE_NOTHING, APS_DELIVERY_DO_SEND);
	return move_to(delivery, APS_DELIVERY_MARKING, APS_DELIVERY_STORE_MARK, APS_DELIVERY_DO_NOTHING);
}

static struct aps_delivery_action go(struct aps_delivery *delivery, uint64_t successes)
{
	if (delivery->successes == NEVER_BEGUN) delivery->successes = successes;
	bool must_look = looks_first(delivery) || delivery->look == APS_DELIVERY_ON_CONFLICT;
	if (!must_look) return send(delivery);
	return move_to(delivery, APS_DELIVERY_LOOKING, APS_DELIVERY_STORE_NOTHING, APS_DELIVERY_DO_LOOK);
}

/* Of a conflict that was none of ours the record is there; it goes to the resolver, or it can't be told anything. */
static struct aps_delivery_action seen_for_conflict(struct aps_delivery *delivery, enum aps_delivery_event_kind kind)
{
	if (kind == APS_DELIVERY_ON_SEEN_RECORD) return ask(delivery);
	return end(delivery, APS_DELIVERY_ENDED_CONFLICT);
}

static struct aps_delivery_action seen(struct aps_delivery *delivery, const struct aps_delivery_options *options,
                                       enum aps_delivery_event_kind kind)
{
	enum aps_delivery_event_kind about = delivery->look;
	delivery->look = APS_DELIVERY_ON_GO;
	if (!delivery->is_in_doubt) return seen_for_conflict(delivery, kind);
	if (kind == APS_DELIVERY_ON_SEEN_APPLIED) return end(delivery, APS_DELIVERY_ENDED_DONE);
	/* What was refused isn't sent again, and the request that wasn't answered may still arrive. */
	bool is_refused = about != APS_DELIVERY_ON_GO;
	if (kind == APS_DELIVERY_ON_SEEN_SEND && !is_refused) return send(delivery);
	if (kind == APS_DELIVERY_ON_SEEN_EARLY && !is_refused)
		return move_to(delivery, APS_DELIVERY_WAITING, APS_DELIVERY_STORE_NOTHING, APS_DELIVERY_DO_WAIT);
	if (kind == APS_DELIVERY_ON_SEEN_SEND || kind == APS_DELIVERY_ON_SEEN_EARLY)
		return end(delivery, APS_DELIVERY_ENDED_UNKNOWN);
	bool is_resolved = options->resolves_doubt && options->has_resolver && delivery->resend == APS_RESEND_VERSIONED;
	return is_resolved ? ask(delivery) : end(delivery, APS_DELIVERY_ENDED_UNKNOWN);
}

static struct aps_delivery_action committed(struct aps_delivery *delivery)
{
	if (delivery->state == APS_DELIVERY_ENDING)
		return move_to(delivery, APS_DELIVERY_ENDED, APS_DELIVERY_STORE_NOTHING, APS_DELIVERY_DO_TELL);
	if (delivery->is_rewriting) delivery->is_in_doubt = false; /* it is another mutation by now */
	delivery->is_rewriting = false;
	delivery->is_marked = true;
	return move_to(delivery, APS_DELIVERY_SENDING, APS_DELIVERY_STORE_NOTHING, APS_DELIVERY_DO_SEND);
}

/* A resolution that wasn't stored is asked for once more: the entry is what it was. */
static struct aps_delivery_action lost(struct aps_delivery *delivery)
{
	bool is_ending = delivery->state == APS_DELIVERY_ENDING;
	if (!is_ending) delivery->n_attempts--;
	if (delivery->is_rewriting) delivery->n_rounds--;
	delivery->is_rewriting = false;
	return move_to(delivery, is_ending ? APS_DELIVERY_HELD : APS_DELIVERY_QUEUED, APS_DELIVERY_STORE_NOTHING,
	               APS_DELIVERY_DO_NOTHING);
}

static struct aps_delivery_action changed(struct aps_delivery *delivery)
{
	delivery->n_failures = 0;
	delivery->n_rounds++;
	delivery->n_attempts++;
	delivery->is_rewriting = true;
	return move_to(delivery, APS_DELIVERY_MARKING, APS_DELIVERY_STORE_REWRITE, APS_DELIVERY_DO_NOTHING);
}

static struct aps_delivery_action reject(const struct aps_delivery *delivery, const struct aps_delivery_event *event)
{
	struct aps_delivery_action action = {.kind = APS_DELIVERY_DO_REJECT};
	aps_fail(&action.err, APS_E_INTERNAL, "\"%s\" came to a queued mutation in state \"%s\"",
	         aps_delivery_event_name(event->kind), aps_delivery_state_name(delivery->state));
	return action;
}

void aps_delivery_init(struct aps_delivery *delivery, enum aps_resend resend)
{
	*delivery = (struct aps_delivery){.state = APS_DELIVERY_QUEUED, .resend = resend, .successes = NEVER_BEGUN};
}

struct aps_delivery_action aps_delivery_init_found(struct aps_delivery *delivery, enum aps_resend resend)
{
	aps_delivery_init(delivery, resend);
	delivery->is_marked = delivery->is_in_doubt = true;
	if (DOUBT_PLANS[resend] == GIVE_UP) return end(delivery, APS_DELIVERY_ENDED_UNKNOWN);
	return (struct aps_delivery_action){.kind = APS_DELIVERY_DO_NOTHING};
}

/* About a request, or about a look, which changes nothing and is asked again. */
static struct aps_delivery_action judge(struct aps_delivery *delivery, const struct aps_delivery_options *options,
                                        const struct aps_delivery_event *event)
{
	bool is_look = delivery->state == APS_DELIVERY_LOOKING;
	switch (event->kind) {
	case APS_DELIVERY_ON_UNSENT:
		return move_to(delivery, APS_DELIVERY_QUEUED, rest(delivery), APS_DELIVERY_DO_NOTHING);
	case APS_DELIVERY_ON_AUTH: return wait_in(delivery, APS_DELIVERY_NO_AUTH);
	case APS_DELIVERY_ON_LATER: return judge_later(delivery, options, event);
	case APS_DELIVERY_ON_DOUBT:
		return is_look ? judge_later(delivery, options, event) : judge_doubt(delivery, options, event);
	case APS_DELIVERY_ON_DONE: return end(delivery, APS_DELIVERY_ENDED_DONE);
	case APS_DELIVERY_ON_REFUSED:
	case APS_DELIVERY_ON_CONFLICT:
	default: return judge_refusal(delivery, options, event);
	}
}

struct aps_delivery_action aps_delivery_feed(struct aps_delivery *delivery, const struct aps_delivery_options *options,
                                             const struct aps_delivery_event *event)
{
	if ((unsigned)event->kind >= APS_DELIVERY_EVENT_COUNT || (LEGAL_IN[event->kind] & (1u << delivery->state)) == 0)
		return reject(delivery, event);
	switch (event->kind) {
	case APS_DELIVERY_ON_GO: return go(delivery, event->successes);
	case APS_DELIVERY_ON_COMMITTED: return committed(delivery);
	case APS_DELIVERY_ON_LOST: return lost(delivery);
	case APS_DELIVERY_ON_SEEN_SEND:
	case APS_DELIVERY_ON_SEEN_EARLY:
	case APS_DELIVERY_ON_SEEN_APPLIED:
	case APS_DELIVERY_ON_SEEN_UNKNOWN:
	case APS_DELIVERY_ON_SEEN_RECORD: return seen(delivery, options, event->kind);
	case APS_DELIVERY_ON_CHANGED: return changed(delivery);
	case APS_DELIVERY_ON_GAVE_UP: return end(delivery, failed(delivery, APS_DELIVERY_ENDED_CONFLICT));
	case APS_DELIVERY_ON_DUE:
	case APS_DELIVERY_ON_AUTH_CHANGED:
		return move_to(delivery, APS_DELIVERY_QUEUED, APS_DELIVERY_STORE_NOTHING, APS_DELIVERY_DO_NOTHING);
	case APS_DELIVERY_ON_BLOCKED: return end(delivery, failed(delivery, APS_DELIVERY_ENDED_BLOCKED));
	case APS_DELIVERY_ON_STORE_BACK: return end(delivery, delivery->outcome);
	default: return judge(delivery, options, event);
	}
}

bool aps_delivery_is_under_way(const struct aps_delivery *delivery)
{
	switch (delivery->state) {
	case APS_DELIVERY_QUEUED:
	case APS_DELIVERY_WAITING:
	case APS_DELIVERY_NO_AUTH: return false;
	default: return true;
	}
}

bool aps_delivery_is_durable(enum aps_delivery_store store)
{
	switch (store) {
	case APS_DELIVERY_STORE_MARK:
	case APS_DELIVERY_STORE_REWRITE:
	case APS_DELIVERY_STORE_FINISH:
	case APS_DELIVERY_STORE_BURY: return true;
	default: return false;
	}
}

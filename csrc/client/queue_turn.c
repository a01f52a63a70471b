#include "client/queue_turn.h"

#include "base/clock.h"
#include "client/partition.h"
#include "sync/named_ids.h"

/* Where a process stands still there may be very many: an answer isn't held up by looking at all of them. */
#define MAX_LOOKED 1000

/* Of the content of one outcome. */
struct named {
	struct aps_buf hashes; /* uint64_t */
	const struct aps_buf *wanted;
	bool is_found;
};

static void note(void *context, struct aps_str text, unsigned how APS_UNUSED)
{
	struct named *named = context;
	uint64_t hash = aps_named_ids_hash(text);
	aps_buf_add(&named->hashes, &hash, sizeof hash);
}

static void look_for(void *context, struct aps_str text, unsigned how APS_UNUSED)
{
	struct named *named = context;
	named->is_found = named->is_found || aps_queue_has_number(named->wanted, aps_named_ids_hash(text));
}

static bool names_any(struct aps_str content, const struct aps_buf *wanted)
{
	struct named named = {.wanted = wanted};
	struct aps_err err;
	(void)aps_named_ids_scan(content, look_for, &named, &err);
	return named.is_found;
}

/* Whose it is doesn't matter: one of a process that has died meanwhile may be this one's by now, and passed by. */
static bool is_before(const struct aps_queue *queue, const struct aps_kept_outcome *other, const struct aps_buf *wanted)
{
	struct aps_err err;
	bool is_answered = false;
	if (!names_any(other->content, wanted)) return false;
	(void)aps_partition_is_answered(queue->partition, (uint64_t)other->entry, &is_answered, &err);
	return is_answered;
}

static bool find_before(const struct aps_queue *queue, int64_t number, const struct aps_buf *wanted)
{
	struct aps_kept_outcome other;
	struct aps_err err;
	int64_t after = queue->turn_given_up;
	bool is_found = false;
	aps_kept_outcome_init(&other);
	for (int n = 0; n < MAX_LOOKED && !is_found; n++) {
		enum aps_rc rc = aps_outcomes_next_untold(aps_queue_db(queue), queue->owner, after, &other, &err);
		if (other.number <= after || other.number >= number) break;
		after = other.number;
		is_found = rc == APS_OK && is_before(queue, &other, wanted);
	}
	aps_kept_outcome_clear(&other);
	return is_found;
}

/* It has waited for so long, whatever for: nothing before it is waited for any more. */
static bool is_over(struct aps_queue *queue, int64_t waiting)
{
	int64_t now_ms = aps_clock_mono_ms();
	if (queue->turn_of != waiting) queue->turn_since_ms = now_ms;
	queue->turn_of = waiting;
	if (now_ms - queue->turn_since_ms < APS_QUEUE_TURN_MS) return false;
	queue->turn_given_up = waiting - 1;
	return true;
}

/* That none of them is there any more isn't enough: what they had in hand is this one's when it has looked at it as the
 * one that leads (client/queue_logged.h), and stands before what it has then. */
bool aps_queue_turn_is_alone(const struct aps_queue *queue)
{
	if (!aps_vault_is_shared(queue->vault)) return true;
	return !queue->vault->has_others && queue->leads && !queue->has_foreign;
}

bool aps_queue_turn_is_others(struct aps_queue *queue, const struct aps_kept_outcome *outcome)
{
	struct named named = {.wanted = NULL};
	struct aps_err err;
	if (aps_queue_turn_is_alone(queue)) return false;
	aps_buf_init(&named.hashes, APS_BUF_ANY_SIZE);
	(void)aps_named_ids_scan(outcome->content, note, &named, &err);
	bool must_wait = find_before(queue, outcome->number, &named.hashes) && !is_over(queue, outcome->number);
	aps_buf_clear(&named.hashes);
	return must_wait;
}

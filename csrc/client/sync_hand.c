#include "client/sync_hand.h"

#include "base/clock.h"
#include "client/sync_hear.h"
#include "client/sync_keep.h"
#include "client/sync_tell.h"

/* Of events: so many are with the application. */
#define MAX_OUT       256
#define MAX_OUT_BYTES ((size_t)1024 * 1024)

/* The run looks at it before the end of the turn. */
static void time_answered(struct aps_core *core APS_UNUSED, struct aps_time_question *question APS_UNUSED,
                          bool was_wrong APS_UNUSED)
{
}

bool aps_sync_hand_ask_time(struct aps_sync_run *run)
{
	aps_time_question_init(&run->time_question, run->client, time_answered);
	run->n_time_questions++;
	return aps_time_question_ask(run->core, &run->time_question);
}

void aps_sync_hand_begin(struct aps_sync_run *run)
{
	aps_sync_hand_ask_time(run);
	APS_STATS_ADD(run->client->stats, subscriptions, 1);
}

void aps_sync_hand_end(struct aps_sync_run *run)
{
	aps_time_question_stop(run->core, &run->time_question);
	APS_STATS_SUB(run->client->stats, subscriptions, 1);
}

static void tell(struct aps_sync_run *run)
{
	struct aps_sync_keeping *keeping = &run->keeping;
	struct aps_err err;
	keeping->question = ++run->last_question;
	if (aps_sync_tell_page(run, keeping->question, &keeping->answer, &err) == APS_OK) return;
	run->err = err;
	run->has_changed = true;
	aps_sync_keep_conclude(run, false);
}

/* Whether it could be or not: that was told as of any write. */
static void written(struct aps_core *core APS_UNUSED, struct aps_parked *parked)
{
	struct aps_sync_run *run = APS_CONTAINER_OF(parked, struct aps_sync_run, keeping.parked);
	run->keeping.is_parked = false;
	if (!run->is_ended) {
		tell(run);
		return;
	}
	aps_sync_keep_conclude(run, false);
	aps_sync_run_let_go(run);
}

void aps_sync_hand_page(struct aps_sync_run *run, struct aps_sync_answer *answer)
{
	struct aps_sync_keeping *keeping = &run->keeping;
	keeping->is_busy = keeping->is_page = true;
	keeping->part = APS_SYNC_PART_DELTA;
	keeping->begun_ms = aps_clock_mono_ms();
	keeping->answer = *answer;
	*answer = (struct aps_sync_answer){.is_there = false};
	keeping->data = keeping->answer.outcome.response.data;
	keeping->parked = (struct aps_parked){
	        .operation = &run->settings->parts[APS_SYNC_PART_DELTA].operation,
	        .data = keeping->data,
	        .errors = keeping->answer.outcome.response.errors,
	        .asked_at = keeping->answer.asked_at,
	        .is_rootless = true,
	        .written = written,
	};
	keeping->is_parked =
	        run->cache != 0 && !aps_caching_write(run->core, run->client, run->cache, &keeping->parked);
	if (!keeping->is_parked) tell(run);
}

bool aps_sync_hand_has_room(const struct aps_sync_run *run)
{
	return run->hearing.n_out < MAX_OUT && run->hearing.out_bytes < MAX_OUT_BYTES;
}

void aps_sync_hand_event(struct aps_sync_run *run, struct aps_sync_heard *heard)
{
	struct aps_sync_hearing *hearing = &run->hearing;
	struct aps_gqlhttp_response response;
	struct aps_arena decoded;
	struct aps_err err;
	aps_arena_init(&decoded, APS_BUF_ANY_SIZE);
	aps_gqlhttp_parse_payload(heard->payload, &decoded, &response);
	if (aps_sync_tell_event(run, &response, &err) == APS_OK) {
		hearing->n_out++;
		hearing->out_bytes += heard->payload.n;
	} else {
		run->err = err;
		run->has_changed = hearing->has_missed = true;
	}
	aps_arena_clear(&decoded);
	aps_sync_heard_free(heard);
}

void aps_sync_hand_settle(struct aps_sync_run *run, uint64_t question, uint64_t n_events)
{
	struct aps_sync_hearing *hearing = &run->hearing;
	hearing->n_out -= n_events < hearing->n_out ? (size_t)n_events : hearing->n_out;
	if (hearing->n_out == 0) hearing->out_bytes = 0;
	if (question != 0 && run->keeping.is_busy && run->keeping.question == question)
		aps_sync_keep_conclude(run, true);
}

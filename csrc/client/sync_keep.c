#include "client/sync_keep.h"

#include "base/clock.h"
#include "client/sync_fetch.h"
#include "client/sync_gone.h"
#include "client/sync_hear.h"
#include "client/sync_judge.h"
#include "client/sync_quarantine.h"
#include "client/sync_tell.h"
#include "client/sync_write.h"

#define REMEMBERED_MS 86400000 /* a deletion, of a sync without a query */

static void clear(struct aps_sync_run *run)
{
	struct aps_sync_keeping *keeping = &run->keeping;
	aps_sync_answer_clear(run, &keeping->answer);
	aps_bytes_unref(keeping->bytes);
	aps_arena_clear(&keeping->decoded);
	aps_buf_clear(&keeping->gone);
	*keeping = (struct aps_sync_keeping){.is_busy = false};
	aps_arena_init(&keeping->decoded, APS_BUF_ANY_SIZE);
	aps_buf_init(&keeping->gone, APS_BUF_ANY_SIZE);
}

void aps_sync_keep_conclude(struct aps_sync_run *run, bool is_kept)
{
	struct aps_sync_keeping *keeping = &run->keeping;
	bool is_page = keeping->is_page;
	run->counts.local_ms += aps_clock_mono_ms() - keeping->begun_ms;
	if (is_page && is_kept) {
		run->counts.n_pages++;
		run->was_delta = keeping->part == APS_SYNC_PART_DELTA;
		run->counts.n_bytes += keeping->data.n;
	}
	clear(run);
	keeping->is_over = is_page;
	keeping->is_kept = is_kept;
}

static void fail(struct aps_sync_run *run, const struct aps_err *err)
{
	bool is_event = !run->keeping.is_page && !run->keeping.is_settling;
	if (err != NULL) run->err = *err;
	run->has_changed = true;
	if (is_event) run->hearing.has_missed = true;
	if (run->keeping.is_settling) run->gone_waits = true;
	aps_sync_keep_conclude(run, false);
}

/* Deletions that were seen before it needn't be remembered. */
static enum aps_rc forget_deletions(struct aps_sync_run *run, int64_t before_ms, struct aps_err *err)
{
	struct aps_sync_name name;
	if (before_ms < 1000 || !run->has_tombstones) return APS_OK;
	enum aps_rc rc = aps_sync_run_name(run, &name, err);
	if (rc == APS_OK) rc = aps_tombstones_remove_before(run->vault->db, name, before_ms / 1000, err);
	run->knows_tombstones = false;
	return rc;
}

/* Without a query no pass is ever over. */
static enum aps_rc forget_by_time(struct aps_sync_run *run, struct aps_err *err)
{
	int64_t now_ms = aps_sync_run_seen_ms(run);
	if (run->settings->options.has_base || run->settings->options.has_delta) return APS_OK;
	if (now_ms - run->forgot_at_ms < REMEMBERED_MS / 24 && now_ms >= run->forgot_at_ms) return APS_OK;
	run->forgot_at_ms = now_ms;
	return forget_deletions(run, now_ms - REMEMBERED_MS, err);
}

static enum aps_rc save_with(struct aps_sync_run *run, struct aps_err *err)
{
	struct aps_sync_keeping *keeping = &run->keeping;
	enum aps_rc rc = APS_OK;
	if (keeping->answer.edits.number != 0)
		aps_caching_edit(run->core, run->client, run->cache, &keeping->answer.edits);
	keeping->answer.edits.number = 0;
	if (!keeping->is_page) return forget_by_time(run, err);
	rc = forget_deletions(run, keeping->forgets_before_ms, err);
	if (rc == APS_OK && keeping->list == APS_SYNC_LIST_COMPLETE)
		rc = aps_sync_quarantine_end_pass(run, run->machine.next.base_ms / 1000, err);
	return rc == APS_OK ? aps_sync_run_save(run, &run->machine.next, err) : rc;
}

static void finish(struct aps_sync_run *run)
{
	struct aps_sync_keeping *keeping = &run->keeping;
	struct aps_err err;
	keeping->is_parked = false;
	if (run->is_ended) {
		clear(run);
		aps_sync_run_let_go(run);
		return;
	}
	if (keeping->parked.has_failed || keeping->parked.is_dropped || run->is_cleared) {
		fail(run, NULL);
		return;
	}
	if (save_with(run, &err) != APS_OK) {
		aps_vault_suspect(run->vault, &err);
		aps_vault_abandon(run->vault);
		fail(run, &err);
		return;
	}
	run->has_changed = true;
	if (!keeping->is_settling) run->gone_waits = false;
	keeping->is_uncommitted = true;
	if (!keeping->is_page) {
		run->n_uncommitted += !keeping->is_settling; /* what lingers is nothing that was heard */
		aps_sync_keep_conclude(run, true);
	}
}

static void written(struct aps_core *core APS_UNUSED, struct aps_parked *parked)
{
	finish(APS_CONTAINER_OF(parked, struct aps_sync_run, keeping.parked));
}

static enum aps_rc write(struct aps_parked *parked, struct aps_partition *partition,
                         const struct aps_partition_data *data, struct aps_err *err)
{
	struct aps_sync_run *run = APS_CONTAINER_OF(parked, struct aps_sync_run, keeping.parked);
	enum aps_rc rc = aps_sync_write(run, partition, data, err);
	if (rc != APS_OK && (rc != APS_E_CONFLICT || run->has_lost_list)) run->err = *err;
	return rc;
}

/* A page of the cache as it was, or of a sync that has given up its name, which another one may have. */
static bool is_unwanted(const struct aps_sync_run *run)
{
	return run->machine.is_cleared || run->machine.phase == APS_SYNC_STOPPED;
}

static void put(struct aps_sync_run *run)
{
	struct aps_sync_keeping *keeping = &run->keeping;
	struct aps_err err;
	if (run->partition == NULL) {
		aps_fail(&err, APS_E_CLOSED, "the cache is closed");
		fail(run, &err);
		return;
	}
	if (keeping->is_page && is_unwanted(run)) {
		fail(run, NULL);
		return;
	}
	keeping->parked = (struct aps_parked){
	        .operation = &run->settings->parts[keeping->part].operation,
	        .data = keeping->data,
	        .errors = keeping->errors,
	        .asked_at = keeping->is_page ? keeping->answer.asked_at : 0,
	        .write = write,
	        .written = written,
	};
	keeping->is_parked = !aps_caching_write(run->core, run->client, run->cache, &keeping->parked);
	if (!keeping->is_parked) finish(run);
}

/* True: they are. */
static bool ask(struct aps_sync_run *run)
{
	struct aps_sync_keeping *keeping = &run->keeping;
	const struct aps_sync_part *part = &run->settings->parts[keeping->part];
	struct aps_err err;
	enum aps_rc rc = APS_OK;
	bool asks_records = run->settings->has_cache_updates && aps_page_count(&keeping->answer.page) != 0;
	if (keeping->answer.is_told || (!part->has_update && !asks_records)) return false;
	keeping->question = ++run->last_question;
	if (part->has_update) {
		rc = aps_sync_tell_update(run, keeping->question, keeping->part, keeping->data, APS_STR(""), &err);
	} else {
		struct aps_sync_judgement judgement;
		uint32_t asked_at = keeping->is_page ? keeping->answer.asked_at : 0;
		const struct aps_partition_data data = {.data = keeping->data, .asked_at = asked_at};
		aps_sync_judgement_init(&judgement);
		rc = aps_sync_judge(run, &keeping->answer.page, &data, NULL, &judgement, &err);
		if (rc == APS_OK)
			rc = aps_sync_tell_records(run, keeping->question, &keeping->answer.page, &judgement, &err);
		aps_sync_judgement_clear(&judgement);
	}
	if (rc != APS_OK) {
		keeping->question = 0;
		fail(run, &err);
	}
	return true;
}

static void go(struct aps_sync_run *run)
{
	run->keeping.begun_ms = aps_clock_mono_ms();
	if (!ask(run)) put(run);
}

void aps_sync_keep_page(struct aps_sync_run *run, struct aps_sync_answer *answer,
                        const struct aps_sync_actions *actions)
{
	struct aps_sync_keeping *keeping = &run->keeping;
	bool is_delta = answer->query == APS_SYNC_DELTA_QUERY;
	clear(run);
	keeping->is_busy = keeping->is_page = true;
	keeping->part = is_delta ? APS_SYNC_PART_DELTA : APS_SYNC_PART_BASE;
	keeping->list = actions->list;
	keeping->begins = actions->begins_and_completes || actions->list == APS_SYNC_LIST_BEGIN;
	keeping->forgets_before_ms = actions->forgets_before_ms;
	keeping->answer = *answer;
	*answer = (struct aps_sync_answer){.is_there = false};
	keeping->data = keeping->answer.outcome.response.data;
	keeping->errors = keeping->answer.outcome.response.errors;
	go(run);
}

void aps_sync_keep_event(struct aps_sync_run *run, struct aps_sync_heard *heard)
{
	struct aps_sync_keeping *keeping = &run->keeping;
	struct aps_gqlhttp_response response;
	struct aps_err err;
	clear(run);
	keeping->is_busy = true;
	keeping->part = APS_SYNC_PART_SUBSCRIPTION;
	keeping->bytes = aps_bytes_ref(heard->bytes);
	aps_gqlhttp_parse_payload(heard->payload, &keeping->decoded, &response);
	keeping->data = response.data;
	keeping->errors = response.errors;
	aps_sync_heard_free(heard);
	const struct aps_page_names *names = &run->settings->parts[APS_SYNC_PART_SUBSCRIPTION].names;
	if (response.err.code == APS_E_NOMEM) {
		fail(run, &response.err);
		return;
	}
	if (response.data.n != 0 && aps_page_read(&keeping->answer.page, names, response.data, &err) != APS_OK) {
		fail(run, &err);
		return;
	}
	/* A field that can't be null and wasn't selected is an error, and the record null: which one it was nobody
	 * says. */
	if (response.errors.n != 0 || aps_page_count(&keeping->answer.page) == 0) aps_sync_hear_note_partial(run);
	if (response.data.n != 0)
		go(run);
	else
		clear(run);
}

static void begin_settling(struct aps_sync_run *run)
{
	struct aps_sync_keeping *keeping = &run->keeping;
	clear(run);
	keeping->is_busy = keeping->is_settling = true;
	keeping->part = APS_SYNC_PART_BASE;
	keeping->data = APS_STR("{}");
	keeping->begun_ms = aps_clock_mono_ms();
}

void aps_sync_keep_settle_lingering(struct aps_sync_run *run)
{
	begin_settling(run);
	put(run);
}

/* Where none had to be asked about they are done with all the same, and what isn't known becomes known. */
void aps_sync_keep_ask_gone(struct aps_sync_run *run)
{
	struct aps_err err;
	bool is_told;
	begin_settling(run);
	uint64_t question = ++run->last_question;
	if (aps_sync_gone_ask(run, question, &is_told, &err) != APS_OK)
		fail(run, &err);
	else if (is_told)
		run->keeping.question = question;
	else
		put(run);
}

bool aps_sync_keep_asks_page(struct aps_sync_run *run, struct aps_sync_answer *answer)
{
	bool is_delta = answer->query == APS_SYNC_DELTA_QUERY;
	enum aps_sync_part_kind part = is_delta ? APS_SYNC_PART_DELTA : APS_SYNC_PART_BASE;
	struct aps_err err;
	if (!run->settings->parts[part].has_page || answer->is_told) return false;
	if (answer->question != 0) return true;
	answer->question = ++run->last_question;
	enum aps_rc rc = answer->variables.rc;
	if (rc == APS_OK)
		rc = aps_sync_tell_update(run, answer->question, part, answer->outcome.response.data,
		                          aps_buf_str(&answer->variables), &err);
	if (rc == APS_OK) return true;
	/* the page is asked for again */
	answer->question = 0;
	aps_outcome_clear(&answer->outcome);
	aps_fail(&err, APS_E_NOMEM, "out of memory");
	aps_outcome_init_err(&answer->outcome, &err);
	return false;
}

static bool take(struct aps_sync_answer *answer, const struct aps_caching_edits *edits, struct aps_str more)
{
	answer->is_told = true;
	answer->edits = *edits;
	answer->edits.edits = edits->edits != NULL ? aps_edits_ref(edits->edits) : NULL;
	aps_buf_clear(&answer->more);
	aps_buf_init(&answer->more, APS_BUF_ANY_SIZE);
	aps_buf_add_str(&answer->more, more);
	return true;
}

/* Of what is gone nothing was written: it is asked about again. */
bool aps_sync_keep_fail(struct aps_sync_run *run, uint64_t question)
{
	if (question == 0 || !run->keeping.is_settling || run->keeping.question != question) return false;
	fail(run, NULL);
	return true;
}

bool aps_sync_keep_settle(struct aps_sync_run *run, uint64_t question, const struct aps_caching_edits *edits,
                          struct aps_str more)
{
	struct aps_sync_keeping *keeping = &run->keeping;
	struct aps_sync_answer *answer = &run->fetching.answer;
	if (question == 0) return false;
	if (answer->is_there && answer->question == question) {
		answer->question = 0;
		return take(answer, edits, more);
	}
	if (!keeping->is_busy || keeping->question != question) return false;
	keeping->question = 0;
	take(&keeping->answer, edits, APS_STR(""));
	put(run);
	return true;
}

void aps_sync_keep_drop_page(struct aps_sync_run *run)
{
	if (run->keeping.is_parked && run->keeping.is_page) run->keeping.parked.is_dropped = true;
}

bool aps_sync_keep_close(struct aps_sync_run *run)
{
	struct aps_parked *parked = &run->keeping.parked;
	if (run->keeping.is_parked && parked->write != NULL) parked->is_dropped = true; /* else as any response */
	if (run->keeping.is_parked) return true;
	clear(run);
	return false;
}

#include "client/tidying.h"

#include "base/clock.h"
#include "base/mem.h"
#include "store/db_space.h"
#include "store/parts.h"

#define MAX_ROWS    1000 /* of a turn */
#define SLICE_ROWS  100  /* between two looks at the clock */
#define SLICE_MS    2    /* of a turn */
#define SLICE_PAGES 64
#define MIN_FREE    256 /* pages that aren't worth giving back: they are used again */
#define PAUSE_MS    4
#define BUSY_MS     20   /* somebody reads */
#define FAILED_MS   5000 /* the disk is full, perhaps */
#define MAX_TRIES   100  /* to empty the log */

struct aps_tidying {
	struct aps_core *core;
	struct aps_vault *vault;
	struct aps_timer timer;
	struct aps_mail *asking;         /* result events */
	struct aps_dropped_part dropped; /* that is being deleted */
	bool are_rows_gone;              /* of it */
	bool is_thorough;                /* nothing that was deleted may be left */
	bool is_log_empty;               /* since then */
	unsigned n_tries;
	uint64_t place;       /* of the vault; in another one parts have other numbers */
	uint64_t n_overtaken; /* likewise; others may have deleted what was found */
};

static void answer(struct aps_tidying *tidying, const struct aps_err *why)
{
	while (tidying->asking != NULL) {
		struct aps_result_event *result = (struct aps_result_event *)tidying->asking;
		tidying->asking = result->head.mail.next;
		result->head.mail.next = NULL;
		aps_result_event_say(result, 1, why);
		aps_core_emit(tidying->core, &result->head);
	}
}

static void wake(struct aps_tidying *tidying, int64_t after_ms)
{
	struct aps_err err;
	if (tidying->timer.index != 0) return;
	if (aps_timer_set(&tidying->core->timers, &tidying->timer, aps_clock_mono_ms() + after_ms)) return;
	aps_fail(&err, APS_E_NOMEM, "no memory to delete what is left in the store");
	answer(tidying, &err);
}

/* To begin may be what tells that the store has to move. */
static enum aps_rc begin(const struct aps_tidying *tidying, struct aps_err *err)
{
	enum aps_rc rc = aps_vault_begin(tidying->vault, err);
	bool is_same = tidying->place == tidying->vault->place && tidying->n_overtaken == tidying->vault->n_overtaken;
	return rc != APS_OK || is_same ? rc : aps_fail(err, APS_E_CANCELLED, "the store has moved");
}

static enum aps_rc delete_rows(struct aps_tidying *tidying, bool *is_done, struct aps_err *err)
{
	bool is_wiped = tidying->dropped.how == APS_PART_WIPED;
	enum aps_rc rc = begin(tidying, err);
	struct aps_db *db = tidying->vault->db;
	if (rc == APS_OK && is_wiped) rc = aps_db_set_erasing(db, true, err);
	int64_t end_ms = aps_clock_mono_ms() + SLICE_MS;
	for (size_t n = 0; rc == APS_OK && n < MAX_ROWS && !*is_done; n += SLICE_ROWS) {
		rc = aps_parts_delete_rows(db, tidying->dropped.part, SLICE_ROWS, is_done, err);
		if (aps_clock_mono_ms() >= end_ms) break;
	}
	return rc;
}

static bool must_give_back(const struct aps_tidying *tidying, const struct aps_db_space *space)
{
	if (tidying->is_thorough) return space->n_free_pages != 0;
	return space->n_free_pages > MIN_FREE && space->n_free_pages > space->n_pages / 8;
}

/* *is_done: there is nothing more to give back. */
static enum aps_rc give_back(struct aps_tidying *tidying, bool *is_done, struct aps_err *err)
{
	struct aps_db_space space;
	enum aps_rc rc = aps_db_space(tidying->vault->db, &space, err);
	*is_done = rc != APS_OK || !must_give_back(tidying, &space);
	if (*is_done) return rc;
	rc = begin(tidying, err);
	if (rc == APS_OK) rc = aps_db_give_back(tidying->vault->db, SLICE_PAGES, err);
	/* a file of before pages could be given back keeps them */
	struct aps_db_space left = space;
	if (rc == APS_OK) rc = aps_db_space(tidying->vault->db, &left, err);
	*is_done = rc == APS_OK && left.n_free_pages == space.n_free_pages;
	return rc;
}

static enum aps_rc remove_part(struct aps_tidying *tidying, struct aps_err *err)
{
	enum aps_rc rc = begin(tidying, err);
	if (rc == APS_OK) rc = aps_parts_remove(tidying->vault->db, tidying->dropped.part, err);
	if (rc == APS_OK) tidying->dropped.part = 0;
	tidying->are_rows_gone = false;
	return rc;
}

static enum aps_rc fail_busy(struct aps_tidying *tidying, struct aps_err *err)
{
	if (++tidying->n_tries <= MAX_TRIES) return APS_OK;
	tidying->n_tries = 0;
	return aps_fail_word(err, APS_E_STORAGE, "locked", 0, "another connection keeps reading the store");
}

/* Between two transactions. */
static enum aps_rc empty_log(struct aps_tidying *tidying, int64_t *after_ms, struct aps_err *err)
{
	bool is_done = false;
	if (tidying->vault->is_writing) return APS_OK;
	*after_ms = BUSY_MS;
	enum aps_rc rc = aps_db_truncate_log(tidying->vault->db, &is_done, err);
	if (rc != APS_OK || !is_done) return rc == APS_OK ? fail_busy(tidying, err) : rc;
	*after_ms = PAUSE_MS;
	tidying->n_tries = 0;
	tidying->is_thorough = false;
	tidying->is_log_empty = true;
	rc = aps_db_set_erasing(tidying->vault->db, false, err);
	return rc == APS_OK && tidying->are_rows_gone ? remove_part(tidying, err) : rc;
}

static enum aps_rc find_part(struct aps_tidying *tidying, struct aps_err *err)
{
	enum aps_rc rc = aps_parts_find_dropped(tidying->vault->db, &tidying->dropped, err);
	bool is_wiped = tidying->dropped.part != 0 && tidying->dropped.how == APS_PART_WIPED;
	if (rc == APS_OK && tidying->is_log_empty && !is_wiped) answer(tidying, NULL);
	tidying->is_log_empty = false;
	return rc;
}

static enum aps_rc end_rows(struct aps_tidying *tidying, struct aps_err *err)
{
	if (tidying->dropped.how != APS_PART_WIPED) return remove_part(tidying, err);
	tidying->is_thorough = true;
	return APS_OK;
}

/* *after_ms: until the next step; -1: there is nothing left to do. */
static enum aps_rc step(struct aps_tidying *tidying, int64_t *after_ms, struct aps_err *err)
{
	bool is_done;
	enum aps_rc rc = tidying->dropped.part == 0 ? find_part(tidying, err) : APS_OK;
	*after_ms = PAUSE_MS;
	if (rc != APS_OK) return rc;
	if (tidying->dropped.part != 0 && !tidying->are_rows_gone) {
		rc = delete_rows(tidying, &tidying->are_rows_gone, err);
		return rc == APS_OK && tidying->are_rows_gone ? end_rows(tidying, err) : rc;
	}
	rc = give_back(tidying, &is_done, err);
	if (rc != APS_OK || !is_done) return rc;
	if (tidying->is_thorough) return empty_log(tidying, after_ms, err);
	*after_ms = -1;
	return APS_OK;
}

static void follow_vault(struct aps_tidying *tidying)
{
	const struct aps_vault *vault = tidying->vault;
	if (tidying->place == vault->place && tidying->n_overtaken == vault->n_overtaken) return;
	tidying->place = vault->place;
	tidying->n_overtaken = vault->n_overtaken;
	tidying->dropped.part = 0;
	tidying->are_rows_gone = tidying->is_log_empty = false;
	tidying->is_thorough =
	        tidying->is_thorough || tidying->asking != NULL; /* whoever waits is answered in the end */
}

/* What is in memory for a while isn't tidied: there it would be as if it had never been. */
static enum aps_rc tidy(struct aps_tidying *tidying, int64_t *after_ms, struct aps_err *err)
{
	struct aps_vault *vault = tidying->vault;
	*after_ms = FAILED_MS;
	if (!aps_vault_is_available(vault)) {
		*err = vault->trouble;
		return err->code;
	}
	follow_vault(tidying);
	bool may_work = aps_vault_leads(vault) || tidying->asking != NULL;
	*after_ms = -1;
	if (!may_work) return APS_OK; /* it is the leader's to do */
	*after_ms = FAILED_MS;
	enum aps_rc rc = step(tidying, after_ms, err);
	if (rc == APS_E_CANCELLED) { /* others have written meanwhile: from the beginning */
		*after_ms = PAUSE_MS;
		return APS_OK;
	}
	/* it fails for the whole turn; what takes the place of a damaged file is none */
	bool has_moved = rc != APS_OK && vault->is_writing && aps_vault_cope(vault, err);
	if (rc != APS_OK && !has_moved) aps_vault_suspect(vault, err);
	return rc;
}

/* What fails is tried again: the disk may be full. */
static void due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms APS_UNUSED)
{
	struct aps_tidying *tidying = APS_CONTAINER_OF(timer, struct aps_tidying, timer);
	struct aps_err err;
	int64_t after_ms;
	if (tidy(tidying, &after_ms, &err) != APS_OK) {
		answer(tidying, &err);
		after_ms = FAILED_MS;
	}
	if (after_ms >= 0) wake(tidying, after_ms);
}

struct aps_tidying *aps_tidying_new(struct aps_core *core, struct aps_vault *vault)
{
	struct aps_tidying *tidying = aps_calloc(1, sizeof *tidying);
	if (tidying == NULL) return NULL;
	tidying->core = core;
	tidying->vault = vault;
	tidying->place = vault->place;
	tidying->n_overtaken = vault->n_overtaken;
	tidying->timer.due = due;
	wake(tidying, PAUSE_MS);
	return tidying;
}

void aps_tidying_free(struct aps_tidying *tidying, const struct aps_err *why)
{
	if (tidying == NULL) return;
	answer(tidying, why);
	aps_timer_stop(&tidying->core->timers, &tidying->timer);
	aps_free(tidying);
}

void aps_tidying_begin(struct aps_tidying *tidying)
{
	if (tidying != NULL) wake(tidying, PAUSE_MS);
}

void aps_tidying_ask(struct aps_tidying *tidying, struct aps_result_event *result)
{
	struct aps_mail **at = &tidying->asking;
	while (*at != NULL) at = &(*at)->next;
	*at = &result->head.mail;
	tidying->is_thorough = true;
	wake(tidying, 1);
}

#include "client/sync_run.h"

#include "base/clock.h"
#include "base/mem.h"
#include "codec/timefmt.h"
#include "sync/sync_row.h"

void aps_sync_answer_clear(struct aps_sync_run *run, struct aps_sync_answer *answer)
{
	if (answer->edits.number != 0) {
		const struct aps_caching_edits none = {.number = answer->edits.number};
		aps_caching_edit(run->core, run->client, run->cache, &none);
	}
	aps_edits_unref(answer->edits.edits);
	aps_buf_clear(&answer->variables);
	aps_buf_clear(&answer->more);
	aps_page_clear(&answer->page);
	aps_outcome_clear(&answer->outcome);
	*answer = (struct aps_sync_answer){.is_there = false};
}

void aps_sync_run_note_told(struct aps_sync_run *run, struct aps_str errors)
{
	aps_free(run->told);
	run->told = errors.n != 0 ? aps_strndup(errors.p, errors.n) : NULL; /* without memory it is left out */
}

int64_t aps_sync_run_now_ms(const struct aps_sync_run *run)
{
	if (run->told_at_ms != 0) return run->told_ms + aps_clock_mono_ms() - run->told_at_ms;
	if (run->client->is_clock_told) return aps_client_now_ms(run->client);
	return aps_clock_wall_ms() + run->skew_ms;
}

int64_t aps_sync_run_seen_ms(const struct aps_sync_run *run)
{
	const struct aps_delta_sync *machine = &run->machine;
	return aps_sync_seen_ms(run->keeping.is_page ? &machine->next : &machine->checkpoint, aps_sync_run_now_ms(run));
}

int64_t aps_sync_run_learn(struct aps_sync_run *run, const struct aps_http_answer *answer)
{
	int64_t date_s;
	if (!aps_time_parse_http(aps_http_answer_header(answer, "date"), &date_s)) return 0;
	run->told_ms = date_s * 1000;
	run->told_at_ms = aps_clock_mono_ms();
	return run->told_ms;
}

void aps_sync_run_forget_lists(struct aps_sync_run *run)
{
	aps_synced_list_forget(&run->shown);
	aps_synced_list_forget(&run->collected);
	aps_synced_list_forget(&run->lingering);
	aps_synced_list_forget(&run->between);
	aps_synced_list_forget(&run->gone);
	run->has_between = run->has_gone = run->gone_waits = true;
	run->knows_tombstones = false;
}

bool aps_sync_run_is_whole(const struct aps_sync_run *run)
{
	return run->is_whole;
}

enum aps_rc aps_sync_run_name(struct aps_sync_run *run, struct aps_sync_name *name, struct aps_err *err)
{
	struct aps_partition *partition = aps_caching_partition(run->core, run->client, run->cache);
	if (partition == NULL || run->vault == NULL || run->vault->db == NULL)
		return aps_fail(err, APS_E_CLOSED, "the cache is closed");
	enum aps_rc rc = aps_vault_begin(run->vault, err);
	if (rc == APS_OK) rc = aps_cache_store_part(&partition->store, &name->part, err);
	name->name = aps_str_of(run->name);
	return rc;
}

enum aps_rc aps_sync_run_save(struct aps_sync_run *run, const struct aps_checkpoint *checkpoint, struct aps_err *err)
{
	struct aps_sync_name name;
	struct aps_buf row;
	aps_buf_init(&row, APS_BUF_ANY_SIZE);
	aps_sync_row_put(&row, checkpoint, aps_sync_run_now_ms(run) - aps_clock_wall_ms());
	enum aps_rc rc = row.rc == APS_OK ? aps_sync_run_name(run, &name, err)
	                                  : aps_fail(err, APS_E_NOMEM, "no memory for a checkpoint");
	if (rc == APS_OK) rc = aps_sync_rows_save(run->vault->db, name, aps_buf_str(&row), err);
	aps_buf_clear(&row);
	return rc;
}

/* What can't be read is as if it weren't there. */
enum aps_rc aps_sync_run_load(struct aps_sync_run *run, struct aps_err *err)
{
	struct aps_sync_name name;
	struct aps_buf row;
	aps_buf_init(&row, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_sync_run_name(run, &name, err);
	if (rc == APS_OK) rc = aps_sync_rows_load(run->vault->db, name, &row, err);
	if (rc == APS_OK && row.n != 0)
		(void)aps_sync_row_take(aps_buf_str(&row), &run->machine.checkpoint, &run->skew_ms);
	aps_buf_clear(&row);
	return rc;
}

static void free_run(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	struct aps_sync_run *run = APS_CONTAINER_OF(reap, struct aps_sync_run, reap);
	aps_result_event_unref(run->end);
	aps_sync_settings_clear(run->settings);
	aps_free(run->settings);
	aps_free(run->told);
	aps_free(run);
}

void aps_sync_run_let_go(struct aps_sync_run *run)
{
	aps_core_reap(run->core, &run->reap, free_run);
}

-- Is the simulation of delta syncs any good? Each line below is wrong in one way: of the machine, of the record rules (the
-- store) or of what the owner does. See spec/soak/planting.lua.
-- usage: make -s build/simulation/sync_soak && N=10000 SEED=1 ONLY_FIRST=3 BUILD=build lua spec/soak/sync_machine_planted.lua
local SYNC, FETCHING, HEARING = "csrc/sync/delta_sync.c", "csrc/sync/sync_fetching.c", "csrc/sync/sync_hearing.c"
local PLAN, PROGRESS, CHECKPOINT = "csrc/sync/sync_plan.c", "csrc/sync/sync_progress.c", "csrc/sync/checkpoint.c"
local STORE, OWNER = "spec/csrc/sync/sync_store.c", "spec/csrc/sync/sync_owner.c"

local FAULTS = {
  -- Which query comes next.
  { SYNC, "if (sync->options.has_subscription && !sync->options.has_delta) sync->checkpoint.has_missed = true;", "" },
  { SYNC, "sync->has_gap = sync->options.has_subscription && sync->options.has_delta;", "" },
  { PLAN, "if (!options->has_delta) return checkpoint->has_missed;", "if (!options->has_delta) return false;" },
  { PLAN, "aps_sync_base_is_over(options, checkpoint, now_ms)) return true;", "false) return true;" },
  { PLAN, "options->interval_ms - 1);", "options->interval_ms / 2);" },
  { PLAN, "if (!options->has_delta && (options->has_subscription || checkpoint->has_missed)) return false;", "" },
  { SYNC, "if (max_records == 0 || max_records > sync->checkpoint.base.n_records)", "if (max_records == UINT64_MAX)" },
  -- The pages.
  { FETCHING, "bool is_thrown_away = is_late && sync->options.has_base;", "bool is_thrown_away = false;" },
  { FETCHING, "if (is_first) sync->has_gap = sync->options.has_subscription && !sync->is_subscribed;", "if (is_first) sync->has_gap = false;" },
  { FETCHING, "aps_sync_replan(s);", "" },
  { FETCHING, "aps_sync_elapsed_ms(s->event->now_ms, at->base.since_ms) >= sync->options.window_ms / 2;", "false;" },
  { FETCHING, "const struct aps_checkpoint *at = sync->is_saving ? &sync->next : &sync->checkpoint;", "const struct aps_checkpoint *at = &sync->checkpoint;" },
  { FETCHING, "sync->is_anew = false;\n\ts->is_straight", "s->is_straight" },
  { FETCHING, "s->is_refused = !may_restart(s);\n\t\tsync->is_anew = true;", "s->is_refused = !may_restart(s);" },
  { FETCHING, "aps_sync_abandon_fetch(s);\n\tif (s->event->failure.kind", "if (s->event->failure.kind" },
  { FETCHING, "? (uint32_t)(max_records - n_records) : size;", "? 0 : size;" },
  { PROGRESS, "c->last_sync_ms = c->base.since_ms;", "c->last_sync_ms = place->made_ms;" },
  { PROGRESS, "if (aps_sync_is_partial(c)) c->base.since_ms = c->delta.began_ms;", "" },
  { PROGRESS, "c->last_sync_ms = c->delta.began_ms;", "c->last_sync_ms = place->made_ms;" },
  { PROGRESS, "c->base.n_records >= max_records;", "c->base.n_records + 1 >= max_records;" },
  { PROGRESS, "aps_buf_add_str(&pass->token, page->token);", "if (pass->n_pages < 3) aps_buf_add_str(&pass->token, page->token);" },
  { CHECKPOINT, "OF(aps_checkpoint, is_beside, FLAG),", "" },
  { FETCHING, "!sync->options.has_delta || sync->n_late >= MAX_LATE)", "!sync->options.has_delta)" },
  { FETCHING, "bool is_paged = sync->fetch.query == APS_SYNC_BASE_QUERY ? options->is_paged : options->is_delta_paged;", "bool is_paged = false;" },
  -- What is heard, and when.
  { SYNC, "if (sync->may_hold && aps_sync_begins(sync)) return drain(s);", "" },
  { SYNC, "sync->phase != APS_SYNC_LIVE && sync->phase != APS_SYNC_POLLING;", "false;" },
  { SYNC, "delta_ms = lesser(delta_ms, sync->polled_at_ms + poll_ms - mono_ms);", "" },
  { SYNC, "if (!sync->is_online || !aps_sync_is_served(sync)) return;", "" },
  { HEARING, "\t\taps_sync_note_gap(sync);\n\t\tsync->is_missing = false;", "" },
  { HEARING, "\taps_sync_note_gap(sync);\n\tif (is_known)", "\tif (is_known)" },
  { HEARING, "sync->is_unserved = false;", "" },
  { HEARING, "sync->is_unserved = sync->has_gap = true;", "sync->has_gap = true;" },
  { HEARING, "if (sync->has_gap && !sync->options.has_delta) mark_missed(sync);", "" },
  { HEARING, "if (s->event->mono_ms < sync->subscribe_at_ms) return;", "if (sync->subscribe_at_ms > 0) return;" },
  -- Which records are newer, and what a pass that is complete sweeps.
  { STORE, "if (order == OLDER) return IS_OLD;", "" },
  { STORE, "if (order == SAME && !record->is_deleted) return IS_OLD;", "" },
  { STORE, "if (change != UNORDERED || !write->is_base) return change == NEWER;", "if (change != UNORDERED || !write->is_base) return false;" },
  { STORE, "*known = (struct stored_record){.is_there = false};\n\t}\n}", ";\n\t}\n}" },
  { STORE, "if (has_open_list && is_beside) change_list(&image->beside, joining, leaving, true);", "" },
  { STORE, "if (order == SAME || order == UNORDERED) order =", "order =" },
  { STORE, "image->tombstones[record->key] =\n", "struct stored_tombstone none =\n" },
  -- What the owner does, and in which order.
  { OWNER, "request->answer.is_first || process->began_at == 0)", "process->began_at == 0)" },
  { OWNER, "return world->service.manner.tells_start ? made_ms : made_ms - made_ms % 1000;", "return world->true_ms + world->ahead_ms;" },
  { OWNER, "process->keeping.is_busy || hearing->n != 0) return", "process->keeping.is_busy) return" },
  { OWNER, "if (process->n_uncommitted != 0 && !is_committed) process->hearing.has_missed = true;", "" },
}

require "spec.soak.planting"("sync_soak", FAULTS)

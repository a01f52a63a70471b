-- Is the simulation of delta syncs any good? Each line below is wrong in one way: of the machine, of the record rules (the
-- store) or of what the owner does. See spec/soak/planting.lua.
-- usage: make -s build/simulation/sync_soak && N=10000 SEED=1 ONLY_FIRST=3 BUILD=build lua spec/soak/planted_sync.lua
local SYNC, FETCHING, HEARING = "csrc/sync/delta_sync.c", "csrc/sync/sync_fetching.c", "csrc/sync/sync_hearing.c"
local PLAN, PROGRESS, CHECKPOINT = "csrc/sync/sync_plan.c", "csrc/sync/sync_progress.c", "csrc/sync/checkpoint.c"
local STORE, OWNER = "spec/csrc/sync/sync_store.c", "spec/csrc/sync/sync_owner.c"

local FAULTS = {
  -- Which query comes next.
  { SYNC, "if (sync->options.has_subscription && !sync->options.has_delta) sync->checkpoint.has_missed = true;", "" },
  { SYNC, "sync->has_gap = sync->options.has_subscription && sync->options.has_delta;", "" },
  { PLAN, "if (!options->has_delta) return checkpoint->has_missed;", "if (!options->has_delta) return false;" },
  { PLAN, "return aps_sync_delta_is_late(options, checkpoint, now_ms);", "return false;" },
  { PLAN, "aps_sync_base_is_over(options, checkpoint, now_ms)) return true;", "false) return true;" },
  { PLAN, "options->interval_ms - 1);", "options->interval_ms / 2);" },
  { PLAN, "return aps_sync_is_recent(now_ms, checkpoint->base.since_ms, options->window_ms);", "return true;" },
  { PLAN, "if (!options->has_delta && (options->has_subscription || checkpoint->has_missed)) return false;", "" },
  { PLAN, "!options->has_base || aps_sync_is_recent(now_ms, since_ms, options->window_ms);", "true;" },
  { PLAN, "delta->since_ms != since_ms ||", "" },
  -- The pages.
  { FETCHING, "int64_t known_ms = made_ms - page->took_ms - LATE_MS;", "int64_t known_ms = made_ms;" },
  { FETCHING, "bool is_thrown_away = is_late && sync->options.has_base;", "bool is_thrown_away = false;" },
  { FETCHING, "if (is_first) sync->has_gap = sync->options.has_subscription && !sync->is_subscribed;", "if (is_first) sync->has_gap = false;" },
  { FETCHING, "sync->needs_plan = sync->has_gap && sync->is_subscribed;", "" },
  { FETCHING, "aps_sync_elapsed_ms(s->event->now_ms, at->base.since_ms) >= options->window_ms / 2;", "false;" },
  { FETCHING, "const struct aps_checkpoint *at = sync->is_saving ? &sync->next : &sync->checkpoint;", "const struct aps_checkpoint *at = &sync->checkpoint;" },
  { FETCHING, "sync->is_anew = false;\n\ts->is_straight", "s->is_straight" },
  { FETCHING, "bool is_fresh = s->event->mono_ms", "bool is_fresh = true || s->event->mono_ms" },
  { FETCHING, "s->is_refused = !may_restart(s);\n\t\tsync->is_anew = true;", "s->is_refused = !may_restart(s);" },
  { FETCHING, "\tsync->n_restarts = 0;\n", "" },
  { FETCHING, "aps_sync_abandon_fetch(s);\n\tsync->retry_at_ms", "sync->retry_at_ms" },
  { FETCHING, "return (uint32_t)(max_records - n_records);", "return 0;" },
  { PROGRESS, "c->last_sync_ms = c->base.since_ms;", "c->last_sync_ms = place->made_ms;" },
  { PROGRESS, "if (c->base.is_open || c->is_truncated) c->base.since_ms = c->delta.began_ms;", "" },
  { PROGRESS, "if (place->is_inside) return;", "" },
  { PROGRESS, "c->last_sync_ms = c->delta.began_ms;", "c->last_sync_ms = place->made_ms;" },
  { PROGRESS, "c->base.n_records >= max_records;", "c->base.n_records + 1 >= max_records;" },
  { PROGRESS, "c->has_missed = place->has_gap;\n\tend(&c->delta);", "c->has_missed = place->has_gap;" },
  { PROGRESS, "aps_buf_add_str(&pass->token, page->token);", "if (pass->n_pages < 3) aps_buf_add_str(&pass->token, page->token);" },
  { CHECKPOINT, "OF(aps_checkpoint, is_beside, FLAG),", "" },
  -- What is heard, and when.
  { SYNC, "if (sync->may_hold && aps_sync_begins(sync)) return drain(s);", "" },
  { SYNC, "if (sync->options.has_subscription && !s->is_drained && !is_resting(sync)) return drain(s);", "" },
  { SYNC, "sync->phase != APS_SYNC_LIVE && sync->phase != APS_SYNC_POLLING;", "false;" },
  { SYNC, "delta_ms = lesser(delta_ms, sync->polled_at_ms + options->window_ms / 2 - mono_ms);", "" },
  { SYNC, "delta_ms = lesser(delta_ms, sync->polled_at_ms + options->poll_ms - mono_ms);", "" },
  { SYNC, "base_ms = greater(base_ms, sync->based_at_ms + least_ms - mono_ms);", "" },
  { SYNC, "if (!sync->is_online || !aps_sync_is_served(sync)) return;", "" },
  { SYNC, "sync->is_cleared = sync->is_saving;", "" },
  { SYNC, "return sync->options.has_subscription && !sync->options.has_delta && !sync->is_continuous;", "return false;" },
  { SYNC, "if (sync->wants_more)\n\t\t\topen_again(&sync->next, max_records);", "" },
  { HEARING, "if (sync->is_subscribed) aps_sync_note_gap(sync);", "" },
  { HEARING, "\taps_sync_note_gap(s->sync);\n\tplan_soon(s->sync);", "\tplan_soon(s->sync);" },
  { HEARING, "sync->is_unserved = false;", "" },
  { HEARING, "sync->is_unserved = sync->has_gap = true;", "sync->has_gap = true;" },
  { HEARING, "if (sync->has_gap && !sync->options.has_delta) mark_missed(sync);", "" },
  { HEARING, "if (s->event->mono_ms < sync->subscribe_at_ms) return;", "if (sync->subscribe_at_ms > 0) return;" },
  -- Which records are newer, and what a pass that is complete sweeps.
  { STORE, "if (order == OLDER) return IS_OLD;", "" },
  { STORE, "if (order == SAME && !record->is_deleted) return IS_OLD;", "" },
  { STORE, "if (!tombstone->is_there || order_of(record->changed_ms, tombstone->changed_ms) == NEWER)", "if (!tombstone->is_there)" },
  { STORE, "if ((order == OLDER && change == NEWER) || (order == NEWER && change == OLDER)) order = change;", "" },
  { STORE, "fate == IS_SAME && write->is_page && known->is_there && known->moment >= write->asked_at;", "false;" },
  { STORE, "image->tombstones[record->key] = (struct stored_tombstone){\n\t\t        true, record->version, record->changed_ms, write->now_ms};", "" },
  { STORE, "write->began_at != 0 && known->moment >= write->began_at && known->is_there", "false" },
  { STORE, "*known = (struct stored_record){.is_there = false};\n\t}\n}", ";\n\t}\n}" },
  { STORE, "if (has_open_list && is_beside) change_list(&image->beside, joining, leaving, true);", "" },
  { STORE, "tombstone->seen_ms < before_ms - REMEMBERED_MS", "tombstone->seen_ms < before_ms" },
  -- What the owner does, and in which order.
  { OWNER, "if (request->answer.is_first || process->began_at == 0)", "if (process->began_at == 0)" },
  { OWNER, "|| process->keeping.is_busy) return;\n\tprocess->taken", ") return;\n\tprocess->taken" },
  { OWNER, "process->keeping.is_busy || hearing->n != 0) return", "process->keeping.is_busy) return" },
  { OWNER, "if (has_ended && !is_kept && process->n_uncommitted != 0) process->hearing.has_missed = true;", "" },
  { OWNER, "return world->service.manner.tells_start ? made_ms : made_ms - made_ms % 1000;", "return world->service.manner.tells_start ? made_ms : sync_owner_now_ms(world);" },
}

require "spec.soak.planting"("sync_soak", FAULTS)

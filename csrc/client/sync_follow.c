#include "client/sync_follow.h"

#include "base/clock.h"
#include "client/followers.h"
#include "client/sync_lingering.h"
#include "client/sync_overtaken.h"

#include <string.h>

static struct aps_sync_run *of(struct aps_vault_part *part)
{
	return APS_CONTAINER_OF(part, struct aps_sync_run, part);
}

static enum aps_rc finish(struct aps_vault_part *part APS_UNUSED, struct aps_err *err APS_UNUSED)
{
	return APS_OK;
}

static void announce(struct aps_vault_part *part APS_UNUSED, uint64_t generation APS_UNUSED)
{
}

/* Each goes by the transaction that it was written in: what becomes of others of its turn says nothing of it. */
static void settle(struct aps_sync_run *run, bool is_committed)
{
	struct aps_sync_keeping *keeping = &run->keeping;
	if (run->n_uncommitted != 0 && !is_committed) run->hearing.has_missed = true;
	run->n_uncommitted = 0;
	run->has_ended = true;
	if (!keeping->is_uncommitted || keeping->is_settled) return;
	keeping->is_settled = true;
	keeping->is_committed = is_committed;
}

static void committed(struct aps_vault_part *part, uint64_t generation APS_UNUSED)
{
	settle(of(part), true);
	of(part)->is_owing_open = false;
}

/* What was lost is looked at in another turn, which nothing else may bring. */
static void wake_for_events(struct aps_sync_run *run)
{
	if (run->n_uncommitted != 0) aps_timer_set(&run->core->timers, &run->timer, aps_clock_mono_ms());
}

static void failed(struct aps_vault_part *part)
{
	struct aps_sync_run *run = of(part);
	wake_for_events(run);
	settle(run, false);
	aps_sync_run_forget_lists(run);
	run->owes_checkpoint = run->owes_checkpoint || run->is_owing_open;
	run->is_owing_open = false;
}

/* What this turn has told of the sync isn't in the new place: it is told again. */
static enum aps_rc moved(struct aps_vault_part *part, bool keeps, struct aps_err *err APS_UNUSED)
{
	struct aps_sync_run *run = of(part);
	wake_for_events(run);
	settle(run, false);
	run->is_cleared = run->is_cleared || !keeps;
	aps_sync_run_forget_lists(run);
	return APS_OK;
}

static void filling(struct aps_partition_follower *follower, struct aps_cache_write *write, struct aps_binding *binding)
{
	struct aps_sync_run *run = APS_CONTAINER_OF(follower, struct aps_sync_run, follower);
	aps_kept_list_clear(&run->kept);
	if (binding != NULL && run->machine.phase != APS_SYNC_STOPPED)
		aps_kept_list_set_aside(write, binding, &run->place, &run->token_place, &run->kept);
}

static enum aps_rc filled(struct aps_partition_follower *follower, struct aps_err *err)
{
	struct aps_sync_run *run = APS_CONTAINER_OF(follower, struct aps_sync_run, follower);
	struct aps_cache_write *write = &run->partition->write;
	aps_kept_list_put_back(write, &run->place, &run->token_place, &run->kept);
	if (write->err.code == APS_OK) return aps_sync_overtaken_restore(run, err);
	if (err != NULL) *err = write->err;
	return write->err.code;
}

static void wrote(struct aps_partition_follower *follower, uint64_t number)
{
	struct aps_sync_run *run = APS_CONTAINER_OF(follower, struct aps_sync_run, follower);
	aps_sync_lingering_wrote(run, number);
	if (run->is_writing) return;
	run->must_look = true;
	if (number == run->shown.number || run->shown.number == 0) aps_synced_list_forget(&run->shown);
	if (number == run->collected.number) aps_synced_list_forget(&run->collected);
}

static void forgotten(struct aps_partition_follower *follower, bool is_cleared)
{
	struct aps_sync_run *run = APS_CONTAINER_OF(follower, struct aps_sync_run, follower);
	run->is_cleared = run->is_cleared || is_cleared;
	run->is_owing_open = run->is_owing_open || is_cleared;
	run->began_at = run->lingers_since = run->between_since = run->gone_since = 0;
	run->must_look = true;
	aps_sync_run_forget_lists(run);
}

static bool lists(const struct aps_partition_follower *follower, uint64_t number)
{
	const struct aps_sync_run *run = APS_CONTAINER_OF(follower, struct aps_sync_run, follower);
	return run->machine.phase != APS_SYNC_STOPPED && aps_number_set_has(&run->shown.members, number);
}

static void unkept(struct aps_partition_follower *follower)
{
	APS_CONTAINER_OF(follower, struct aps_sync_run, follower)->owes_checkpoint = true;
}

/* What an earlier one of its name has left. */
static void recall(struct aps_sync_run *run)
{
	struct aps_sync_moments moments;
	aps_sync_moments_take(&run->partition->ended, run->name, &moments);
	run->lingers_since = moments.lingers_since;
	run->gone_since = moments.gone_since;
}

void aps_sync_follow(struct aps_sync_run *run, void (*closing)(struct aps_partition_follower *follower))
{
	run->vault = run->partition->vault;
	recall(run);
	run->part = (struct aps_vault_part){
	        .finish = finish, .announce = announce, .committed = committed, .failed = failed, .moved = moved};
	aps_vault_add(run->vault, &run->part);
	run->follower = (struct aps_partition_follower){.next = run->partition->followers,
	                                                .name = run->name,
	                                                .list = &run->shown,
	                                                .filling = filling,
	                                                .filled = filled,
	                                                .wrote = wrote,
	                                                .forgotten = forgotten,
	                                                .lists = lists,
	                                                .unkept = unkept,
	                                                .closing = closing};
	run->partition->followers = &run->follower;
}

void aps_sync_give_up_name(struct aps_sync_run *run)
{
	struct aps_sync_moments moments = {.gone_since = run->gone_since};
	bool may_linger = !run->lingering.is_known || run->lingering.n_items != 0;
	if (may_linger) moments.lingers_since = run->lingers_since;
	memcpy(moments.name, run->name, sizeof moments.name);
	bool has_any = moments.lingers_since != 0 || moments.gone_since != 0;
	if (has_any && run->partition != NULL && run->follower.name != NULL)
		aps_sync_moments_keep(&run->partition->ended, &moments);
	run->follower.name = NULL;
}

void aps_sync_unfollow(struct aps_sync_run *run)
{
	struct aps_partition_follower **at = &run->partition->followers;
	while (*at != &run->follower) at = &(*at)->next;
	*at = run->follower.next;
	aps_vault_remove(run->vault, &run->part);
}

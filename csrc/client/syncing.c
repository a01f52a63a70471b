#include "client/syncing.h"

#include "base/mem.h"
#include "client/reach.h"
#include "client/sync_quarantine.h"
#include "client/sync_tell.h"

/* Of a client. */
struct syncing {
	struct aps_reap reap;
	struct aps_reach_user user;
	struct aps_sync_run *first;
};

static struct syncing *syncing_of(const struct aps_core *core, const struct aps_client *client)
{
	return aps_client_part(core, client, &aps_syncing_feature);
}

struct aps_sync_run *aps_syncing_find(const struct aps_core *core, const struct aps_client *client, uint64_t id)
{
	struct aps_sync_run *run = syncing_of(core, client)->first;
	while (run != NULL && run->id != id) run = run->next;
	return run;
}

/* The first one that has something to fetch has the try. */
static bool probe(struct aps_core *core APS_UNUSED, struct aps_client *client APS_UNUSED, struct aps_reach_user *user)
{
	const struct syncing *all = APS_CONTAINER_OF(user, struct syncing, user);
	struct aps_sync_run *run = all->first;
	while (run != NULL && !aps_sync_work_probe(run)) run = run->next;
	return run != NULL;
}

static void hint(struct aps_core *core APS_UNUSED, struct aps_client *client APS_UNUSED, struct aps_reach_user *user)
{
	const struct syncing *all = APS_CONTAINER_OF(user, struct syncing, user);
	for (struct aps_sync_run *run = all->first; run != NULL; run = run->next) aps_sync_work_hint(run);
}

static void answered(struct aps_core *core APS_UNUSED, struct aps_client *client APS_UNUSED,
                     struct aps_reach_user *user)
{
	const struct syncing *all = APS_CONTAINER_OF(user, struct syncing, user);
	for (struct aps_sync_run *run = all->first; run != NULL; run = run->next)
		if (run->is_unanswered) aps_sync_work_hint(run);
}

static enum aps_rc client_opened(struct aps_core *core APS_UNUSED, struct aps_client *client APS_UNUSED, void **part,
                                 struct aps_err *err)
{
	struct syncing *all = aps_calloc(1, sizeof *all);
	if (all == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	all->user.probe = probe;
	all->user.hint = hint;
	all->user.answered = answered;
	*part = all;
	return APS_OK;
}

static void free_syncing(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	aps_free(APS_CONTAINER_OF(reap, struct syncing, reap));
}

/* One that could never begin: its end is told all the same. */
static void tell_refused(struct aps_core *core, struct aps_client *client, struct aps_result_event *end,
                         const struct aps_err *why)
{
	struct aps_sync_run none = {.core = core, .client = client, .id = end->head.target, .end = end};
	aps_sync_tell_end(&none, why);
	aps_result_event_unref(none.end);
}

void aps_syncing_open(struct aps_core *core, struct aps_client *client, uint64_t cache, uint64_t id,
                      struct aps_sync_settings *settings, struct aps_result_event *end)
{
	APS_ON_THREAD(core->thread);
	struct syncing *all = syncing_of(core, client);
	struct aps_err err;
	struct aps_sync_run *run = aps_sync_work_open(core, client, cache, id, settings, &err);
	if (run == NULL) {
		tell_refused(core, client, end, &err);
		return;
	}
	run->end = end;
	run->next = all->first;
	all->first = run;
	aps_reach_join(core, client, &all->user);
}

static void close_run(struct syncing *all, struct aps_sync_run *run)
{
	struct aps_sync_run **at = &all->first;
	while (*at != run) at = &(*at)->next;
	*at = run->next;
	aps_sync_work_close(run);
}

void aps_syncing_close(struct aps_core *core, struct aps_client *client, uint64_t id)
{
	APS_ON_THREAD(core->thread);
	struct aps_sync_run *run = aps_syncing_find(core, client, id);
	if (run != NULL) close_run(syncing_of(core, client), run);
}

/* Before their subscriptions end: that would be news. */
static void client_leaving(struct aps_core *core, struct aps_client *client, const struct aps_err *err)
{
	struct syncing *all = syncing_of(core, client);
	while (all->first != NULL) {
		aps_sync_tell_end(all->first, err);
		close_run(all, all->first);
	}
}

static void client_closing(struct aps_core *core, struct aps_client *client, const struct aps_err *err)
{
	client_leaving(core, client, err);
	aps_reach_leave(core, client, &syncing_of(core, client)->user);
	aps_core_reap(core, &syncing_of(core, client)->reap, free_syncing);
}

static void tell_state(struct aps_sync_run *run)
{
	if (run->has_changed) aps_sync_quarantine_look(run);
	aps_sync_tell_state(run);
}

static void end_turn(struct aps_core *core, struct aps_client *client)
{
	struct syncing *all = syncing_of(core, client);
	bool is_wanted = false, is_any_probing = false;
	if (all->first == NULL && !all->user.is_wanting) return;
	for (struct aps_sync_run *run = all->first; run != NULL; run = run->next) {
		tell_state(run);
		is_wanted = is_wanted || run->machine.phase == APS_SYNC_WAITING;
		is_any_probing = is_any_probing || run->is_probing;
	}
	if (!is_any_probing) aps_reach_abandon(core, client, &all->user);
	aps_reach_set_wanted(core, client, &all->user, is_wanted);
}

static void turn_end(struct aps_core *core)
{
	bool has_gone;
	do {
		has_gone = false;
		for (struct aps_client *client = core->clients; client != NULL; client = client->next)
			for (struct aps_sync_run *run = syncing_of(core, client)->first; run != NULL; run = run->next)
				has_gone = aps_sync_work_go_on(run) || has_gone;
	} while (has_gone);
	for (struct aps_client *client = core->clients; client != NULL; client = client->next) end_turn(core, client);
}

const struct aps_feature aps_syncing_feature = {
        .name = "delta syncs",
        .client_opened = client_opened,
        .client_leaving = client_leaving,
        .client_closing = client_closing,
        .turn_end = turn_end,
};

#include "client/sharing.h"

#include "base/clock.h"
#include "client/tidying.h"
#include "store/cache_store.h"
#include "store/counters.h"
#include "store/layer_store.h"

#define FIRST_BEHIND_MS 1

/* Of one that is no more. */
static enum aps_rc drop_layers(struct aps_vault *vault, int slot, struct aps_err *err)
{
	enum aps_rc rc = aps_vault_begin(vault, err);
	if (rc == APS_OK && aps_vault_is_shared(vault)) rc = aps_layer_store_drop_slot(vault->db, slot, err);
	return rc;
}

/* The layers of calls of processes that are no more. */
static void bury_dead(struct aps_vault *vault)
{
	struct aps_err err;
	int slot = 0;
	bool is_any = false;
	enum aps_rc rc = aps_layer_store_next_slot(vault->db, 0, &slot, &err);
	for (; rc == APS_OK && slot != 0 && aps_vault_is_shared(vault);
	     rc = rc == APS_OK ? aps_layer_store_next_slot(vault->db, slot, &slot, &err) : rc) {
		if (!aps_claim_is_free(&vault->file.claim, slot)) continue;
		rc = drop_layers(vault, slot, &err);
		is_any = true;
	}
	if (!is_any || !aps_vault_is_shared(vault)) return;
	if (rc == APS_OK) rc = aps_vault_drop_known(vault, true, &err);
	if (rc != APS_OK && vault->is_writing) aps_vault_abandon(vault);
}

/* The lead, and what others may have had beside it. */
static void try_lead(struct aps_vault *vault, int64_t now_ms)
{
	struct aps_vault_part *part;
	if (now_ms < vault->lead_ms) return;
	vault->lead_ms = now_ms + APS_SHARING_LEAD_MS;
	for (part = vault->parts; part != NULL; part = part->next)
		if (part->looked != NULL) part->looked(part);
	if (vault->file.claim.leads || !aps_claim_lead(&vault->file.claim)) return;
	for (part = vault->parts; part != NULL; part = part->next)
		if (part->leading != NULL) part->leading(part);
	aps_tidying_begin(vault->tidying);
}

/* Only what is known to have been committed is worth a view, which waits for nobody. */
static void look_at_commits(struct aps_vault *vault)
{
	struct aps_err err;
	uint64_t generation = vault->generation;
	bool is_seen = true;
	if (!vault->is_writing) { /* else it has looked */
		enum aps_rc rc = aps_counters_generation(vault->db, &generation, &err);
		if (rc == APS_OK && generation != vault->generation) rc = aps_vault_view(vault, &err);
		if (rc != APS_OK) aps_vault_suspect(vault, &err);
		is_seen = rc == APS_OK;
	}
	int64_t next_ms = vault->behind_ms == 0 ? FIRST_BEHIND_MS : vault->behind_ms * 2;
	if (is_seen) next_ms = 0;
	vault->behind_ms = next_ms < APS_SHARING_ALONE_MS ? next_ms : APS_SHARING_ALONE_MS;
}

static void meet_neighbours(struct aps_vault *vault)
{
	struct aps_neighbours *neighbours = &vault->file.neighbours;
	if (aps_neighbours_are_open(neighbours))
		aps_neighbours_look(neighbours, &vault->file.claim);
	else
		aps_neighbours_open(neighbours, vault->file.real, &vault->file.claim);
	int fd = neighbours->door.fd;
	if (fd >= 0 && vault->descriptors != NULL) aps_descriptors_add(vault->descriptors, &vault->door, fd);
}

/* Whoever comes finds nobody, and leads: what this process goes on with it would do as well. A file that was moved
 * itself is left by whoever commits to it. */
static bool leave_if_lost(struct aps_vault *vault)
{
	struct aps_err why, err;
	if (aps_store_file_what_is_lost(&vault->file) == NULL || aps_db_is_moved(vault->db)) return false;
	if (aps_store_file_check_there(&vault->file, vault->db, &why) == APS_OK) return false;
	aps_vault_commit(vault, &err);
	if (aps_vault_is_shared(vault)) (void)aps_vault_cope(vault, &why);
	return true;
}

static void look(struct aps_vault *vault, int64_t now_ms)
{
	struct aps_err err;
	if (leave_if_lost(vault)) return;
	if (aps_claim_is_called(&vault->file.claim)) {
		aps_vault_commit(vault, &err);
		aps_fail_word(&err, APS_E_STORAGE, "locked", 0, "another process has to mend it");
		if (aps_vault_is_shared(vault)) aps_vault_leave(vault, &err);
		return;
	}
	bool has_others = aps_claim_has_others(&vault->file.claim);
	if (has_others != vault->has_others) aps_store_file_be_patient(vault->db, has_others);
	vault->has_others = has_others;
	meet_neighbours(vault);
	look_at_commits(vault);
	try_lead(vault, now_ms);
	if (vault->file.claim.leads) bury_dead(vault);
}

static void look_due(struct aps_timer *timer, void *context APS_UNUSED, int64_t now_ms)
{
	struct aps_vault *vault = APS_CONTAINER_OF(timer, struct aps_vault, look);
	vault->looked_ms = now_ms;
	if (aps_vault_is_shared(vault)) look(vault, now_ms);
	if (!aps_vault_is_shared(vault)) return; /* it begins again with the file */
	bool is_one_of_many = vault->has_others || !vault->file.claim.leads;
	int64_t after_ms = is_one_of_many ? APS_SHARING_LOOK_MS : APS_SHARING_ALONE_MS;
	if (vault->behind_ms != 0 && vault->behind_ms < after_ms) after_ms = vault->behind_ms;
	(void)aps_timer_set(vault->timers, timer, now_ms + after_ms);
}

/* What nobody waits for isn't looked at more often than a person would notice, however fast it comes: each time all
 * that is in memory of the file is dropped, and watches are read again. */
void aps_sharing_heed(struct aps_vault *vault, unsigned what, int64_t now_ms)
{
	if (!aps_vault_is_shared(vault)) return;
	int64_t due_ms = vault->looked_ms + APS_SHARING_REST_MS;
	if ((what & APS_KNOCK_LEFT) != 0) vault->lead_ms = 0;
	if (what != 0 || due_ms <= now_ms)
		look_due(&vault->look, NULL, now_ms);
	else if (vault->look.at_ms > due_ms)
		(void)aps_timer_set(vault->timers, &vault->look, due_ms);
}

static void door_ready(struct aps_descriptor *descriptor, void *context APS_UNUSED)
{
	struct aps_vault *vault = APS_CONTAINER_OF(descriptor, struct aps_vault, door);
	unsigned what;
	if (aps_neighbours_answer(&vault->file.neighbours, &what)) aps_sharing_heed(vault, what, aps_clock_mono_ms());
}

void aps_sharing_begin(struct aps_vault *vault)
{
	if (vault->look.due != NULL || vault->timers == NULL || vault->file.is_private) return;
	vault->look.due = look_due;
	vault->door.ready = door_ready;
	(void)aps_timer_set(vault->timers, &vault->look, aps_clock_mono_ms());
}

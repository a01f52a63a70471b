#include "client/identity.h"

#include "base/clock.h"
#include "base/mem.h"

static const char *const REASON_NAMES[] = {
        [APS_SLOT_FIRST] = "first", [APS_SLOT_EXPIRED] = "expired", [APS_SLOT_REFUSED] = "refused"};

static void free_identity(struct aps_core *core, struct aps_identity *identity)
{
	aps_timer_stop(&core->timers, &identity->timer);
	aps_table_take(&core->identities, identity->id);
	aps_auth_slot_clear(&identity->slot);
	aps_free(identity->region);
	aps_free(identity->service);
	aps_free(identity);
}

static void wake_waiters(struct aps_core *core, struct aps_identity *identity)
{
	/* A waiter may park itself again: take the list first. */
	struct aps_waiter *waiter = identity->waiters;
	identity->waiters = NULL;
	if (waiter != NULL) waiter->link = &waiter;
	while (waiter != NULL) {
		struct aps_waiter *woken = waiter;
		aps_waiter_stop(woken);
		woken->ready(core, woken);
	}
}

static void ask_timed_out(struct aps_timer *timer, void *context, int64_t now_ms APS_UNUSED)
{
	struct aps_identity *identity = APS_CONTAINER_OF(timer, struct aps_identity, timer);
	struct aps_err err;
	aps_fail_word(&err, APS_E_AUTH, "token_timeout", 0, "the %s function did not answer within %d s",
	              identity->slot.mode == APS_AUTH_IAM ? "credentials" : "token", APS_SLOT_ASK_TIMEOUT_MS / 1000);
	err.retryable = true;
	aps_identity_fail(context, identity, &err);
}

bool aps_identity_add(struct aps_core *core, struct aps_identity *identity)
{
	identity->timer.due = ask_timed_out;
	if (aps_table_set(&core->identities, identity->id, identity)) return true;
	free_identity(core, identity);
	return false;
}

struct aps_identity *aps_identity_hold(struct aps_core *core, uint64_t id)
{
	struct aps_identity *identity = aps_table_get(&core->identities, id);
	if (identity != NULL) identity->n_users++;
	return identity;
}

void aps_identity_release(struct aps_core *core, struct aps_identity *identity)
{
	if (identity == NULL) return;
	identity->n_users--;
	if (identity->n_users == 0 && identity->is_dropped) free_identity(core, identity);
}

void aps_identity_drop(struct aps_core *core, struct aps_identity *identity)
{
	identity->is_dropped = true;
	if (identity->n_users == 0) free_identity(core, identity);
}

void aps_waiter_stop(struct aps_waiter *waiter)
{
	if (waiter->link == NULL) return;
	*waiter->link = waiter->next;
	if (waiter->next != NULL) waiter->next->link = waiter->link;
	waiter->next = NULL;
	waiter->link = NULL;
}

static void park(struct aps_identity *identity, struct aps_waiter *waiter)
{
	if (waiter->link != NULL) return;
	waiter->next = identity->waiters;
	if (waiter->next != NULL) waiter->next->link = &waiter->next;
	waiter->link = &identity->waiters;
	identity->waiters = waiter;
}

static enum aps_slot_verdict follow(struct aps_core *core, struct aps_identity *identity, enum aps_slot_verdict verdict,
                                    struct aps_waiter *waiter)
{
	if (verdict == APS_SLOT_ASK || verdict == APS_SLOT_WAIT) park(identity, waiter);
	if (verdict != APS_SLOT_ASK && verdict != APS_SLOT_USE_AND_ASK) return verdict;
	struct aps_note_event *event =
	        aps_note_event_new(APS_EVENT_AUTH, identity->id, REASON_NAMES[identity->slot.reason], NULL);
	int64_t now_ms = aps_clock_mono_ms();
	if (event == NULL || !aps_timer_set(&core->timers, &identity->timer, now_ms + APS_SLOT_ASK_TIMEOUT_MS)) {
		if (event != NULL) event->head.op.kind->free_op(&event->head.op);
		struct aps_err err;
		aps_fail(&err, APS_E_NOMEM, "out of memory");
		aps_waiter_stop(waiter);
		aps_auth_slot_fail(&identity->slot, &err, aps_client_now_ms(identity->client));
		wake_waiters(core, identity);
		return verdict == APS_SLOT_ASK ? APS_SLOT_FAIL : APS_SLOT_USE;
	}
	event->number = identity->client->id;
	APS_STATS_ADD(identity->client->stats, token_refreshes, 1);
	aps_core_emit(core, &event->head);
	return verdict == APS_SLOT_ASK ? APS_SLOT_WAIT : APS_SLOT_USE;
}

enum aps_slot_verdict aps_identity_use(struct aps_core *core, struct aps_identity *identity, struct aps_waiter *waiter)
{
	identity->slot.skew_ms = identity->client->skew_ms;
	return follow(core, identity, aps_auth_slot_use(&identity->slot, aps_client_now_ms(identity->client)), waiter);
}

enum aps_slot_verdict aps_identity_refused(struct aps_core *core, struct aps_identity *identity, uint64_t generation,
                                           struct aps_waiter *waiter)
{
	int64_t now_ms = aps_client_now_ms(identity->client);
	identity->slot.skew_ms = identity->client->skew_ms;
	return follow(core, identity, aps_auth_slot_refused(&identity->slot, generation, now_ms), waiter);
}

void aps_identity_set(struct aps_core *core, struct aps_identity *identity, struct aps_auth_material *material)
{
	aps_timer_stop(&core->timers, &identity->timer);
	aps_auth_slot_set(&identity->slot, material);
	wake_waiters(core, identity);
}

void aps_identity_fail(struct aps_core *core, struct aps_identity *identity, const struct aps_err *err)
{
	aps_timer_stop(&core->timers, &identity->timer);
	aps_auth_slot_fail(&identity->slot, err, aps_client_now_ms(identity->client));
	wake_waiters(core, identity);
}

struct aps_appsync_signing aps_identity_signing(struct aps_identity *identity)
{
	return (struct aps_appsync_signing){
	        .endpoint = aps_str_of(identity->client->settings.endpoint),
	        .region = aps_str_of(identity->region),
	        .service = aps_str_of(identity->service),
	        .now_s = aps_client_now_ms(identity->client) / 1000,
	        .cache = &identity->cache,
	};
}

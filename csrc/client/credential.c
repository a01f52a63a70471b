#include "client/credential.h"

#include "base/clock.h"
#include "base/mem.h"

static const char *const REASON_NAMES[] = {
        [APS_SLOT_FIRST] = "first", [APS_SLOT_EXPIRED] = "expired", [APS_SLOT_REFUSED] = "refused"};

struct credentials {
	struct aps_table table;
	bool must_wake; /* a renewal could not even be asked for, while somebody waited for one */
};

static struct credentials *part_of(const struct aps_core *core)
{
	return aps_core_part(core, &aps_credential_feature);
}

static struct aps_table *table_of(const struct aps_core *core)
{
	return &part_of(core)->table;
}

static struct aps_slot_clock clock_of(const struct aps_client *client)
{
	return (struct aps_slot_clock){.wall_ms = aps_clock_wall_ms(),
	                               .skew_ms = client->skew_ms,
	                               .is_told = client->is_clock_told,
	                               .mono_ms = aps_clock_mono_ms()};
}

/* What material's own times tell of the clock is worth less than what the service tells. */
static void learn_skew(struct aps_credential *credential)
{
	struct aps_client *client = credential->client;
	if (credential->slot.has_told_skew && !client->is_clock_told) client->skew_ms = credential->slot.told_skew_ms;
	credential->slot.has_told_skew = false;
}

static void free_credential(struct aps_core *core, struct aps_credential *credential)
{
	aps_timer_stop(&core->timers, &credential->timer);
	aps_table_take(table_of(core), credential->id);
	aps_auth_slot_clear(&credential->slot);
	aps_free(credential->region);
	aps_free(credential->service);
	aps_free(credential);
}

static void wake_waiters(struct aps_core *core, struct aps_credential *credential)
{
	/* A waiter may park itself again: take the list first. */
	struct aps_waiter *waiter = credential->waiters;
	credential->waiters = NULL;
	if (waiter != NULL) waiter->link = &waiter;
	while (waiter != NULL) {
		struct aps_waiter *woken = waiter;
		aps_waiter_stop(woken);
		woken->ready(core, woken);
	}
}

static void ask_timed_out(struct aps_timer *timer, void *context, int64_t now_ms APS_UNUSED)
{
	struct aps_credential *credential = APS_CONTAINER_OF(timer, struct aps_credential, timer);
	struct aps_err err;
	aps_fail_word(&err, APS_E_AUTH, "token_timeout", 0, "the %s function did not answer within %d s",
	              credential->slot.mode == APS_AUTH_IAM ? "credentials" : "token", APS_SLOT_ASK_TIMEOUT_MS / 1000);
	err.retryable = true;
	aps_credential_fail(context, credential, &err);
}

bool aps_credential_add(struct aps_core *core, struct aps_credential *credential)
{
	APS_ON_THREAD(core->thread);
	credential->timer.due = ask_timed_out;
	if (aps_table_set(table_of(core), credential->id, credential)) return true;
	free_credential(core, credential);
	return false;
}

struct aps_credential *aps_credential_find(const struct aps_core *core, uint64_t id)
{
	return aps_table_get(table_of(core), id);
}

struct aps_credential *aps_credential_hold(struct aps_core *core, uint64_t id)
{
	struct aps_credential *credential = aps_credential_find(core, id);
	if (credential != NULL) credential->n_users++;
	return credential;
}

void aps_credential_release(struct aps_core *core, struct aps_credential *credential)
{
	if (credential == NULL) return;
	credential->n_users--;
	if (credential->n_users == 0 && credential->is_dropped) free_credential(core, credential);
}

void aps_credential_drop(struct aps_core *core, struct aps_credential *credential)
{
	APS_ON_THREAD(core->thread);
	credential->is_dropped = true;
	if (credential->n_users == 0) free_credential(core, credential);
}

void aps_waiter_stop(struct aps_waiter *waiter)
{
	if (waiter->link == NULL) return;
	*waiter->link = waiter->next;
	if (waiter->next != NULL) waiter->next->link = waiter->link;
	waiter->next = NULL;
	waiter->link = NULL;
}

static void park(struct aps_credential *credential, struct aps_waiter *waiter)
{
	if (waiter->link != NULL) return;
	waiter->next = credential->waiters;
	if (waiter->next != NULL) waiter->next->link = &waiter->next;
	waiter->link = &credential->waiters;
	credential->waiters = waiter;
}

static enum aps_slot_verdict follow(struct aps_core *core, struct aps_credential *credential,
                                    enum aps_slot_verdict verdict, struct aps_waiter *waiter)
{
	if (verdict == APS_SLOT_ASK || verdict == APS_SLOT_WAIT) park(credential, waiter);
	if (verdict != APS_SLOT_ASK && verdict != APS_SLOT_USE_AND_ASK) return verdict;
	struct aps_note_event *event =
	        aps_note_event_new(APS_EVENT_AUTH, credential->id, REASON_NAMES[credential->slot.reason], NULL);
	const struct aps_slot_clock clock = clock_of(credential->client);
	int64_t end_ms = clock.mono_ms + APS_SLOT_ASK_TIMEOUT_MS;
	if (event == NULL || !aps_timer_set(&core->timers, &credential->timer, end_ms)) {
		if (event != NULL) event->head.mail.kind->free_mail(&event->head.mail);
		struct aps_err err;
		aps_fail(&err, APS_E_NOMEM, "out of memory");
		aps_waiter_stop(waiter);
		aps_auth_slot_fail(&credential->slot, &err, &clock);
		part_of(core)->must_wake = true; /* not from within somebody's question */
		return verdict == APS_SLOT_ASK ? APS_SLOT_FAIL : APS_SLOT_USE;
	}
	event->number = credential->client->id;
	APS_STATS_ADD(credential->client->stats, token_refreshes, 1);
	aps_core_emit(core, &event->head);
	return verdict == APS_SLOT_ASK ? APS_SLOT_WAIT : APS_SLOT_USE;
}

enum aps_slot_verdict aps_credential_use(struct aps_core *core, struct aps_credential *credential,
                                         struct aps_waiter *waiter)
{
	APS_ON_THREAD(core->thread);
	const struct aps_slot_clock clock = clock_of(credential->client);
	return follow(core, credential, aps_auth_slot_use(&credential->slot, &clock), waiter);
}

enum aps_slot_verdict aps_credential_refused(struct aps_core *core, struct aps_credential *credential,
                                             uint64_t generation, struct aps_waiter *waiter)
{
	APS_ON_THREAD(core->thread);
	const struct aps_slot_clock clock = clock_of(credential->client);
	return follow(core, credential, aps_auth_slot_refused(&credential->slot, generation, &clock), waiter);
}

void aps_credential_worked(struct aps_credential *credential, uint64_t generation)
{
	const struct aps_slot_clock clock = clock_of(credential->client);
	aps_auth_slot_worked(&credential->slot, generation, &clock);
	learn_skew(credential);
}

void aps_credential_give(struct aps_credential *credential, struct aps_auth_material *material)
{
	const struct aps_slot_clock clock = clock_of(credential->client);
	aps_auth_slot_set(&credential->slot, material, &clock);
	learn_skew(credential);
}

void aps_credential_set(struct aps_core *core, struct aps_credential *credential, struct aps_auth_material *material)
{
	APS_ON_THREAD(core->thread);
	aps_timer_stop(&core->timers, &credential->timer);
	aps_credential_give(credential, material);
	for (size_t i = 0; core->features[i] != NULL; i++)
		if (core->features[i]->renewed != NULL)
			core->features[i]->renewed(core, credential->client, credential->id);
	wake_waiters(core, credential);
}

void aps_credential_fail(struct aps_core *core, struct aps_credential *credential, const struct aps_err *err)
{
	APS_ON_THREAD(core->thread);
	const struct aps_slot_clock clock = clock_of(credential->client);
	aps_timer_stop(&core->timers, &credential->timer);
	aps_auth_slot_fail(&credential->slot, err, &clock);
	wake_waiters(core, credential);
}

struct aps_appsync_signing aps_credential_signing(struct aps_credential *credential)
{
	return (struct aps_appsync_signing){
	        .endpoint = aps_str_of(credential->client->settings.endpoint),
	        .region = aps_str_of(credential->region),
	        .service = aps_str_of(credential->service),
	        .now_s = aps_client_now_ms(credential->client) / 1000,
	        .cache = &credential->cache,
	};
}

struct aps_appsync_signing aps_credential_realtime_signing(struct aps_credential *credential,
                                                           const struct aps_header_list *extra)
{
	struct aps_appsync_signing signing = aps_credential_signing(credential);
	const char *endpoint = credential->client->settings.signing_endpoint;
	if (endpoint != NULL) signing.endpoint = aps_str_of(endpoint);
	signing.extra = extra;
	return signing;
}

static enum aps_rc open_table(struct aps_core *core, void **part, struct aps_err *err)
{
	struct credentials *all = aps_calloc(1, sizeof *all);
	if (all == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	aps_map_init(&all->table.map, core->hash_seed);
	*part = all;
	return APS_OK;
}

static void close_table(struct aps_core *core APS_UNUSED, void *part)
{
	struct credentials *all = part;
	aps_map_clear(&all->table.map);
	aps_free(all);
}

/* Whoever waits on one that isn't asking any more. One at a time: what is woken may drop others. */
static void wake_left(struct aps_core *core)
{
	while (part_of(core)->must_wake) {
		size_t cursor = 0;
		void *state = NULL;
		struct aps_credential *credential;
		part_of(core)->must_wake = false;
		while ((credential = aps_table_next(table_of(core), &cursor, &state)) != NULL)
			if (!credential->slot.is_asking && credential->waiters != NULL) break;
		if (credential == NULL) return;
		part_of(core)->must_wake = true;
		wake_waiters(core, credential);
	}
}

static void drop_all(struct aps_core *core, struct aps_client *client, const struct aps_err *err APS_UNUSED)
{
	size_t cursor = 0;
	void *state = NULL;
	struct aps_credential *credential;
	while ((credential = aps_table_next(table_of(core), &cursor, &state)) != NULL)
		if (credential->client == client) aps_credential_drop(core, credential);
}

const struct aps_feature aps_credential_feature = {
        .name = "credentials",
        .open = open_table,
        .client_closing = drop_all,
        .turn_end = wake_left,
        .close = close_table,
};

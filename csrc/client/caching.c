#include "client/caching.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/collecting.h"
#include "client/partition.h"
#include "client/partition_ids.h"
#include "client/question.h"
#include "client/sharing.h"
#include "client/sight.h"
#include "client/tidying.h"

struct aps_cached {
	struct aps_cached *next; /* of the client */
	uint64_t id;
	char *identity;
	struct aps_channel *channel;
	struct aps_vault *vault; /* NULL: it couldn't be opened; that was told */
	struct aps_partition *partition;
	struct aps_collecting *collecting;
	struct aps_parking parking;
	uint64_t edits;         /* the highest number of those of this turn, kept or not; 0: none */
	struct aps_err trouble; /* why; OK: it is open */
};

/* Of a client. */
struct caching {
	struct aps_reap reap;
	struct aps_cached *first;
	struct aps_scratch *scratch; /* in memory: its file's, borrowed */
	bool has_failed;             /* the last write did: told once */
	uint64_t last_question;
};

static enum aps_rc open_all(struct aps_core *core, void **part, struct aps_err *err)
{
	struct aps_vaults *vaults = aps_calloc(1, sizeof *vaults);
	if (vaults == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	vaults->timers = &core->timers;
	vaults->descriptors = &core->descriptors;
	*part = vaults;
	return APS_OK;
}

static void close_all(struct aps_core *core APS_UNUSED, void *part)
{
	aps_free(part);
}

static struct aps_vaults *vaults_of(const struct aps_core *core)
{
	return aps_core_part(core, &aps_caching_feature);
}

static struct caching *caching_of(const struct aps_core *core, const struct aps_client *client)
{
	return aps_client_part(core, client, &aps_caching_feature);
}

struct aps_cached *aps_cached_new(uint64_t id, const char *identity, struct aps_channel *channel)
{
	struct aps_cached *cached = aps_calloc(1, sizeof *cached);
	if (cached == NULL) return NULL;
	cached->id = id;
	cached->channel = aps_channel_ref(channel);
	cached->identity = aps_strndup(identity, strlen(identity));
	if (cached->identity != NULL) return cached;
	aps_cached_free(cached);
	return NULL;
}

void aps_cached_free(struct aps_cached *cached)
{
	if (cached == NULL) return;
	aps_channel_unref(cached->channel);
	aps_free(cached->identity);
	aps_free(cached);
}

static enum aps_rc client_opened(struct aps_core *core APS_UNUSED, struct aps_client *client APS_UNUSED, void **part,
                                 struct aps_err *err)
{
	*part = aps_calloc(1, sizeof(struct caching));
	return *part != NULL ? APS_OK : aps_fail(err, APS_E_NOMEM, "out of memory");
}

static void end_vault(struct aps_core *core, struct aps_vault *vault, const struct aps_err *why)
{
	if (vault->n_refs == 1) {
		aps_tidying_free(vault->tidying, why);
		vault->tidying = NULL;
	}
	aps_vault_close(vaults_of(core), vault);
}

static enum aps_rc fail_open(struct aps_core *core, struct aps_cached *cached, struct aps_err *err)
{
	aps_fail(err, APS_E_NOMEM, "out of memory");
	aps_collecting_free(cached->collecting, err);
	aps_partition_close(cached->partition);
	end_vault(core, cached->vault, err);
	cached->collecting = NULL;
	cached->partition = NULL;
	cached->vault = NULL;
	return err->code;
}

static enum aps_rc open_partition(struct aps_core *core, struct aps_client *client, struct aps_cached *cached,
                                  struct aps_err *err)
{
	const struct aps_cache_settings *settings = client->settings.cache;
	const struct aps_store_options options = {
	        .path = settings->path,
	        .seed = settings->seed,
	        .synchronous = settings->is_in_memory ? APS_DB_SYNC_OFF : APS_DB_SYNC_NORMAL,
	        .is_private = settings->is_in_memory,
	};
	struct aps_vault *vault = aps_vault_open(vaults_of(core), &options, err);
	if (vault == NULL) return err->code;
	cached->partition = aps_partition_open(vault, settings->key_prefix, cached->identity, &settings->policies,
	                                       cached->channel, err);
	if (cached->partition == NULL) {
		aps_vault_close(vaults_of(core), vault);
		return err->code;
	}
	cached->vault = vault;
	cached->partition->max_disk_bytes = settings->max_bytes;
	cached->collecting = aps_collecting_new(core, client, cached->partition);
	if (vault->tidying == NULL) vault->tidying = aps_tidying_new(core, vault);
	if (core->thread != NULL) aps_sharing_begin(vault); /* else time is somebody else's */
	return cached->collecting != NULL && vault->tidying != NULL ? APS_OK : fail_open(core, cached, err);
}

/* In a file or not; but without what it was to begin with it isn't what was asked for. */
bool aps_caching_is_in_memory_by_choice(const struct aps_client *client, const struct aps_vault *vault)
{
	const char *word = aps_vault_is_available(vault) ? NULL : vault->trouble.word;
	return client->settings.cache->is_in_memory && (word == NULL || strcmp(word, "seed") != 0);
}

static void set_state(const struct aps_client *client, const struct aps_vault *vault)
{
	enum aps_store_state state = aps_vault_is_available(vault) ? APS_STORE_OPEN : APS_STORE_UNAVAILABLE;
	if (aps_caching_is_in_memory_by_choice(client, vault)) state = APS_STORE_MEMORY;
	atomic_store_explicit(&client->stats->store_code, state == APS_STORE_UNAVAILABLE ? vault->trouble.word : NULL,
	                      memory_order_relaxed);
	atomic_store_explicit(&client->stats->store, state, memory_order_relaxed);
}

static bool uses(const struct caching *caching, const struct aps_vault *vault)
{
	const struct aps_cached *cached = caching->first;
	while (cached != NULL && cached->vault != vault) cached = cached->next;
	return cached != NULL;
}

static void tell_client(struct aps_core *core, const struct aps_client *client, const struct aps_vault *vault)
{
	const struct aps_buf *news = &vault->file.news;
	set_state(client, vault);
	if (aps_caching_is_in_memory_by_choice(client, vault)) return;
	if (!aps_vault_is_available(vault)) APS_STATS_ADD(client->stats, store_failures, 1);
	for (size_t at = 0; at < news->n;) {
		const char *level = news->p + at, *line = level + strlen(level) + 1;
		aps_core_log(core, client->id, strcmp(level, "info") == 0 ? "info" : "error", "%s", line);
		at += strlen(level) + strlen(line) + 2;
	}
}

/* What has become of a store since its clients were told last. */
static void tell_news(struct aps_core *core, struct aps_vault *vault)
{
	if (vault->file.news.n == 0) return;
	for (struct aps_client *client = core->clients; client != NULL; client = client->next)
		if (uses(caching_of(core, client), vault)) tell_client(core, client, vault);
	aps_buf_clear(&vault->file.news);
}

/* One that comes to a store that works from memory already is told that as well. */
static void meet(struct aps_core *core, const struct aps_client *client, const struct aps_vault *vault)
{
	bool is_known = atomic_load(&client->stats->store) != APS_STORE_NONE;
	set_state(client, vault);
	if (is_known || vault->file.news.n != 0 || aps_vault_is_available(vault)) return;
	if (aps_caching_is_in_memory_by_choice(client, vault)) return;
	APS_STATS_ADD(client->stats, store_failures, 1);
	aps_core_log(core, client->id, "error",
	             "the store %s can't be used (%s): what is cached is kept in memory until it can", vault->file.path,
	             vault->trouble.msg);
}

/* Without memory for a store a client works without one. */
static void open_cached(struct aps_core *core, struct aps_client *client, struct aps_cached *cached)
{
	const struct aps_cache_settings *settings = client->settings.cache;
	struct caching *caching = caching_of(core, client);
	cached->next = caching->first;
	caching->first = cached;
	if (settings == NULL) return;
	if (caching->scratch == NULL && settings->scratch != NULL) aps_scratch_sweep_beside(settings->scratch);
	caching->scratch = settings->scratch;
	if (open_partition(core, client, cached, &cached->trouble) == APS_OK) {
		meet(core, client, cached->vault);
		return;
	}
	atomic_store_explicit(&client->stats->store, APS_STORE_UNAVAILABLE, memory_order_relaxed);
	APS_STATS_ADD(client->stats, store_failures, 1);
	aps_core_log(core, client->id, "error", "the store %s can't be used: %s",
	             settings->is_in_memory ? "in memory" : settings->path, cached->trouble.msg);
}

void aps_caching_open(struct aps_core *core, struct aps_client *client, struct aps_cached *cached)
{
	APS_ON_THREAD(core->thread);
	open_cached(core, client, cached);
	aps_channel_tell_open(cached->channel);
}

static struct aps_cached *find(const struct caching *caching, uint64_t id)
{
	struct aps_cached *cached = caching->first;
	while (cached != NULL && cached->id != id) cached = cached->next;
	return cached;
}

static void tell_failure(struct aps_core *core, const struct aps_vault *vault, const struct aps_err *err)
{
	for (struct aps_client *client = core->clients; client != NULL; client = client->next) {
		struct caching *caching = caching_of(core, client);
		if (caching->has_failed || !uses(caching, vault)) continue;
		caching->has_failed = true;
		APS_STATS_ADD(client->stats, store_failures, 1);
		aps_core_log(core, client->id, "error", "the cache can't be written: %s", err->msg);
	}
}

enum aps_rc aps_caching_commit(struct aps_core *core, struct aps_vault *vault)
{
	struct aps_err err;
	enum aps_rc rc = aps_vault_commit(vault, &err);
	if (rc != APS_OK) tell_failure(core, vault, &err);
	tell_news(core, vault);
	return rc;
}

/* Those that wait for nothing any more; whoever wrote them is told. What it brings about may park others. */
static void go_on(struct aps_core *core, struct aps_client *client, struct aps_cached *cached);

static void close_cached(struct aps_core *core, struct aps_client *client, struct aps_cached *cached)
{
	aps_parking_clear(&cached->parking);
	go_on(core, client, cached);
	if (cached->vault != NULL) {
		struct aps_err closed;
		aps_fail(&closed, APS_E_CLOSED, "the client was closed");
		aps_caching_commit(core, cached->vault);
		aps_collecting_free(cached->collecting, &closed);
		aps_partition_close(cached->partition);
		end_vault(core, cached->vault, &closed);
	}
	aps_cached_free(cached);
}

void aps_caching_close(struct aps_core *core, struct aps_client *client, uint64_t id)
{
	APS_ON_THREAD(core->thread);
	struct caching *caching = caching_of(core, client);
	struct aps_cached *cached = find(caching, id);
	if (cached == NULL) return;
	struct aps_cached **at = &caching->first;
	while (*at != cached) at = &(*at)->next;
	*at = cached->next;
	close_cached(core, client, cached);
}

static void free_caching(struct aps_core *core APS_UNUSED, struct aps_reap *reap)
{
	aps_free(APS_CONTAINER_OF(reap, struct caching, reap));
}

static void client_closing(struct aps_core *core, struct aps_client *client, const struct aps_err *err APS_UNUSED)
{
	struct caching *caching = caching_of(core, client);
	while (caching->first != NULL) aps_caching_close(core, client, caching->first->id);
	if (caching->scratch != NULL) aps_scratch_remove(caching->scratch);
	aps_core_reap(core, &caching->reap, free_caching);
}

/* Those that weren't kept are no more either: the reader shows what there is. */
static void decide(struct aps_cached *cached)
{
	if (cached->edits != 0) aps_channel_decide(cached->channel, cached->edits);
	cached->edits = 0;
}

static bool waits(const struct aps_vault *vault)
{
	return vault->is_writing && vault->is_durable;
}

static bool waits_at_end(const struct aps_core *core, const struct aps_client *client)
{
	for (const struct aps_vault *vault = vaults_of(core)->first; vault != NULL; vault = vault->next)
		if (waits(vault) && (client == NULL || uses(caching_of(core, client), vault))) return true;
	return false;
}

static void commit_those(struct aps_core *core, bool must_wait)
{
	for (struct aps_vault *vault = vaults_of(core)->first; vault != NULL; vault = vault->next)
		if (must_wait || !waits(vault)) aps_caching_commit(core, vault);
	for (struct aps_client *client = core->clients; client != NULL; client = client->next)
		for (struct aps_cached *at = caching_of(core, client)->first; at != NULL; at = at->next) {
			if (!must_wait && at->vault != NULL && waits(at->vault)) continue;
			decide(at);
			if (at->partition != NULL) aps_partition_turn(at->partition);
		}
}

static void commit_rest(struct aps_core *core)
{
	commit_those(core, false);
}

static void turn_end(struct aps_core *core)
{
	commit_those(core, true);
}

/* Who asks whether it is open is going to read. */
static void lend_connection(const struct aps_client *client, const struct aps_cached *cached)
{
	const struct aps_cache_settings *settings = client->settings.cache;
	const struct aps_sight_owner owner = {settings->path, settings->key_prefix, cached->identity};
	if (aps_vault_is_available(cached->vault) && aps_channel_may_lend(cached->channel))
		aps_channel_lend(cached->channel, aps_sight_prepare(&owner), cached->vault->place);
}

enum aps_rc aps_caching_look(const struct aps_core *core, const struct aps_client *client, uint64_t id,
                             struct aps_err *err)
{
	const struct aps_cached *cached = find(caching_of(core, client), id);
	if (cached == NULL) return aps_fail(err, APS_E_CLOSED, "the cache is closed");
	if (cached->vault != NULL) lend_connection(client, cached);
	const struct aps_err *trouble = cached->vault != NULL ? &cached->vault->trouble : &cached->trouble;
	if (trouble->code == APS_OK) return APS_OK;
	if (cached->vault != NULL && aps_caching_is_in_memory_by_choice(client, cached->vault)) return APS_OK;
	*err = *trouble;
	return err->code;
}

struct aps_partition *aps_caching_partition(const struct aps_core *core, const struct aps_client *client, uint64_t id)
{
	const struct aps_cached *cached = find(caching_of(core, client), id);
	if (cached == NULL || cached->partition == NULL) return NULL;
	cached->partition->store.minute = (uint32_t)(aps_client_now_ms(client) / 60000);
	aps_channel_set_skew(cached->channel, client->skew_ms);
	return cached->partition;
}

enum aps_rc aps_caching_put_ids(const struct aps_core *core, const struct aps_client *client, uint64_t id,
                                struct aps_operation *operation, struct aps_err *err)
{
	const struct aps_cached *cached = id != 0 ? find(caching_of(core, client), id) : NULL;
	if (cached == NULL || cached->partition == NULL) return APS_OK;
	const struct aps_partition *partition = cached->partition;
	const struct aps_ids_owner of = {partition->vault, partition->prefix, partition->identity};
	return aps_partition_ids_put(&of, operation, err);
}

uint32_t aps_caching_moment(const struct aps_core *core, const struct aps_client *client, uint64_t id)
{
	const struct aps_cached *cached = find(caching_of(core, client), id);
	return cached != NULL && cached->partition != NULL ? aps_partition_moment(cached->partition) : 1;
}

struct aps_collecting *aps_caching_collecting(const struct aps_core *core, const struct aps_client *client, uint64_t id)
{
	const struct aps_cached *cached = find(caching_of(core, client), id);
	return cached != NULL ? cached->collecting : NULL;
}

/* The file has it all still. */
static void tell_not_cleared(struct aps_core *core, const struct aps_client *client, const struct aps_vault *vault)
{
	if (aps_vault_is_available(vault) || aps_caching_is_in_memory_by_choice(client, vault)) return;
	aps_core_log(
	        core, client->id, "error",
	        "the store %s can't be cleared yet (%s): it will be when it can be used again, if this process lasts "
	        "until then",
	        vault->file.path, vault->trouble.msg);
}

void aps_caching_clear(struct aps_core *core, struct aps_client *client, uint64_t id, enum aps_part_drop how)
{
	APS_ON_THREAD(core->thread);
	struct aps_cached *cached = find(caching_of(core, client), id);
	struct aps_err err;
	if (cached == NULL) return;
	if (cached->partition == NULL)
		aps_channel_end_clears(cached->channel, 1);
	else if (aps_partition_clear(cached->partition, how, &err) != APS_OK)
		tell_failure(core, cached->vault, &err);
	else
		aps_tidying_begin(cached->vault->tidying);
	if (cached->partition != NULL) tell_not_cleared(core, client, cached->vault);
	aps_parking_clear(&cached->parking); /* it came before, and would come back */
	go_on(core, client, cached);
}

static void conclude(struct aps_core *core, struct aps_client *client, const struct aps_partition *partition,
                     enum aps_rc rc, const struct aps_err *err)
{
	if (rc == APS_OK)
		caching_of(core, client)->has_failed = false;
	else
		tell_failure(core, partition->vault, err);
}

static struct aps_partition_data what_of(const struct aps_client *client, const struct aps_partition *partition,
                                         const struct aps_parked *parked)
{
	bool is_event = parked->operation->definition->kind == APS_GQL_SUBSCRIPTION;
	return (struct aps_partition_data){
	        .operation = parked->operation,
	        .data = parked->data,
	        .errors = parked->errors,
	        .asked_at = parked->asked_at,
	        .skips_nulls = is_event && !client->settings.cache->writes_nulls,
	        .is_rootless = parked->is_rootless,
	        .now_s = parked->came_s,
	        .layer = parked->is_of_queue ? parked->layer : aps_partition_find_layer(partition, parked->layer),
	        .mapped = parked->mapped,
	        .asked = parked->asked,
	        .merges = parked->merges,
	};
}

/* False: no memory. */
static bool ask_merges(struct aps_core *core, struct aps_client *client, struct aps_parked *parked)
{
	uint64_t number = ++caching_of(core, client)->last_question;
	struct aps_question_event *event =
	        aps_merge_question_event_new(client->id, number, aps_caching_run_answer, parked->merges);
	if (event == NULL) return false;
	event->big_integers_as_text = client->settings.big_integers_as_text;
	parked->merges = NULL;
	parked->has_asked_merges = true;
	parked->question = number;
	aps_core_emit(core, &event->head);
	return true;
}

static bool has_merges(const struct aps_client *client, struct aps_parked *parked)
{
	bool wants_merges = client->settings.cache->policies.asks_merges && !parked->has_asked_merges;
	if (wants_merges) parked->merges = aps_asked_merges_new();
	return !wants_merges || parked->merges != NULL;
}

/* False: what its fields are merged with is the application's to tell first. */
static bool try_write(struct aps_core *core, struct aps_client *client, struct aps_cached *cached,
                      struct aps_parked *parked)
{
	struct aps_partition *partition = aps_caching_partition(core, client, cached->id);
	struct aps_err err;
	if (partition == NULL) return true;
	enum aps_rc rc = has_merges(client, parked) ? APS_OK : aps_fail(&err, APS_E_NOMEM, "out of memory");
	const struct aps_partition_data what = what_of(client, partition, parked);
	if (rc == APS_OK && parked->write != NULL)
		rc = parked->write(parked, partition, &what, &err);
	else if (rc == APS_OK)
		rc = aps_partition_write(partition, &what, &err);
	bool is_asked = rc == APS_E_CONFLICT && parked->merges != NULL && aps_asked_merges_are_open(parked->merges);
	if (is_asked) {
		if (ask_merges(core, client, parked)) return false;
		rc = aps_fail(&err, APS_E_NOMEM, "no memory to ask for the merges in a response");
	}
	parked->has_failed = rc != APS_OK;
	if (rc != APS_E_CONFLICT) conclude(core, client, partition, rc, &err); /* else whoever writes it tells */
	return true;
}

static void go_on(struct aps_core *core, struct aps_client *client, struct aps_cached *cached)
{
	struct aps_parked *parked;
	while ((parked = aps_parking_first(&cached->parking)) != NULL) {
		if (!parked->is_dropped && !try_write(core, client, cached, parked)) continue;
		aps_parking_take(&cached->parking, parked);
		parked->written(core, parked);
	}
}

/* The number of the question; 0: there is nothing to ask. */
static enum aps_rc ask(struct aps_core *core, struct aps_client *client, struct aps_cached *cached,
                       const struct aps_parked *parked, uint64_t *question, struct aps_err *err)
{
	struct aps_partition *partition = cached->partition;
	struct aps_asked *asked = client->settings.cache->policies.asks_all ? aps_asked_new() : NULL;
	struct aps_question_event *event = NULL;
	*question = 0;
	if (!client->settings.cache->policies.asks_all) return APS_OK;
	enum aps_rc rc = asked != NULL ? aps_question_scan(asked, parked->operation, partition->policies,
	                                                   &partition->cache.names, parked->data, err)
	                               : APS_E_NOMEM;
	bool has_objects = rc == APS_OK && aps_asked_count(asked) != 0;
	if (has_objects) {
		*question = ++caching_of(core, client)->last_question;
		event = aps_question_event_new(client->id, *question, aps_caching_run_answer, asked, parked->data);
	}
	if (event == NULL) aps_asked_unref(asked);
	if (rc == APS_E_NOMEM || (has_objects && event == NULL))
		return aps_fail(err, APS_E_NOMEM, "no memory to ask for the identities in a response");
	if (event == NULL) return rc;
	event->big_integers_as_text = client->settings.big_integers_as_text;
	aps_core_emit(core, &event->head);
	return APS_OK;
}

bool aps_caching_write(struct aps_core *core, struct aps_client *client, uint64_t id, struct aps_parked *parked)
{
	APS_ON_THREAD(core->thread);
	struct aps_cached *cached = find(caching_of(core, client), id);
	struct aps_err err;
	uint64_t question;
	if (cached == NULL || cached->partition == NULL) return true;
	parked->came_s = aps_client_now_ms(client) / 1000;
	if (ask(core, client, cached, parked, &question, &err) != APS_OK) {
		tell_failure(core, cached->vault, &err);
		parked->is_dropped = parked->has_failed = true;
		question = 0;
	}
	bool is_first = question == 0 && cached->parking.first == NULL;
	bool is_written = is_first && (parked->is_dropped || try_write(core, client, cached, parked));
	if (is_written)
		aps_asked_merges_unref(parked->merges);
	else
		aps_parking_add(&cached->parking, parked, question != 0 ? question : parked->question);
	return is_written;
}

void aps_caching_run_answer(struct aps_core *core, struct aps_command *head)
{
	struct aps_answer_command *command = (struct aps_answer_command *)head;
	struct aps_client *client = aps_core_client(core, head->client);
	struct aps_cached *cached = client != NULL ? caching_of(core, client)->first : NULL;
	while (cached != NULL && !aps_parking_tell(&cached->parking, head->id, command->asked, command->merges))
		cached = cached->next;
	if (cached != NULL) {
		command->asked = NULL;
		command->merges = NULL;
		go_on(core, client, cached);
	}
	aps_command_free(head);
}

typedef enum aps_rc edit_partition(struct aps_partition *partition, const struct aps_caching_edits *what,
                                   struct aps_err *err);

/* Decided once the turn is over, whatever comes of it. */
static void edit(struct aps_core *core, struct aps_client *client, uint64_t id, const struct aps_caching_edits *what,
                 edit_partition *edit_one)
{
	APS_ON_THREAD(core->thread);
	struct aps_cached *cached = find(caching_of(core, client), id);
	struct aps_err err;
	if (cached == NULL) return;
	if (what->number != 0) cached->edits = what->number;
	struct aps_partition *partition = aps_caching_partition(core, client, id);
	if (partition == NULL) return;
	enum aps_rc rc = edit_one(partition, what, &err);
	if (rc == APS_OK && what->number != 0) partition->edits = what->number;
	conclude(core, client, partition, rc, &err);
}

static enum aps_rc edit_base(struct aps_partition *partition, const struct aps_caching_edits *what, struct aps_err *err)
{
	return aps_partition_edit(partition, what->number, what->edits, err);
}

static enum aps_rc add_layer(struct aps_partition *partition, const struct aps_caching_edits *what, struct aps_err *err)
{
	uint64_t id;
	return aps_partition_add_layer(partition, what->layer, APS_LAYER_PASSING, what->edits, &id, err);
}

static enum aps_rc settle_layer(struct aps_partition *partition, const struct aps_caching_edits *what,
                                struct aps_err *err)
{
	return aps_partition_settle_layer(partition, aps_partition_find_layer(partition, what->layer), what->edits,
	                                  err);
}

void aps_caching_edit(struct aps_core *core, struct aps_client *client, uint64_t id,
                      const struct aps_caching_edits *what)
{
	edit(core, client, id, what, edit_base);
}

void aps_caching_add_layer(struct aps_core *core, struct aps_client *client, uint64_t id,
                           const struct aps_caching_edits *what)
{
	edit(core, client, id, what, add_layer);
}

void aps_caching_settle_layer(struct aps_core *core, struct aps_client *client, uint64_t id,
                              const struct aps_caching_edits *what)
{
	edit(core, client, id, what, settle_layer);
}

enum aps_rc aps_caching_queue_layer(struct aps_core *core, struct aps_client *client, uint64_t id,
                                    const struct aps_caching_edits *what, uint64_t *layer, struct aps_err *err)
{
	APS_ON_THREAD(core->thread);
	struct aps_cached *cached = find(caching_of(core, client), id);
	struct aps_partition *partition = aps_caching_partition(core, client, id);
	if (cached != NULL && what->number != 0) cached->edits = what->number;
	if (partition == NULL) return aps_fail(err, APS_E_CLOSED, "the cache is closed");
	enum aps_rc rc = aps_partition_add_layer(partition, 0, APS_LAYER_QUEUED, what->edits, layer, err);
	if (rc == APS_OK && what->number != 0) partition->edits = what->number;
	return rc;
}

static enum aps_rc settle_queued(struct aps_partition *partition, const struct aps_caching_edits *what,
                                 struct aps_err *err)
{
	return aps_partition_settle_layer(partition, what->layer, what->edits, err);
}

void aps_caching_settle_queued(struct aps_core *core, struct aps_client *client, uint64_t id, uint64_t layer,
                               const struct aps_caching_edits *what)
{
	struct aps_caching_edits of_queue = *what;
	of_queue.layer = layer;
	edit(core, client, id, &of_queue, settle_queued);
}

void aps_caching_damaged(struct aps_core *core, struct aps_client *client, uint64_t id, uint64_t place)
{
	APS_ON_THREAD(core->thread);
	const struct aps_partition *partition = aps_caching_partition(core, client, id);
	if (partition != NULL) aps_vault_damaged(partition->vault, place);
}

const struct aps_feature aps_caching_feature = {
        .name = "caches",
        .open = open_all,
        .client_opened = client_opened,
        .client_closing = client_closing,
        .waits_at_end = waits_at_end,
        .commit_rest = commit_rest,
        .turn_end = turn_end,
        .close = close_all,
};

#include "client/partition.h"

#include "base/mem.h"
#include "cache/layer_end.h"
#include "cache/layer_map.h"
#include "client/adopted.h"
#include "client/partition_ids.h"
#include "client/store_place.h"
#include "store/cache_rows.h"
#include "store/layer_store.h"
#include "store/outbox_number.h"

#define MAX_BYTES ((size_t)32 * 1024 * 1024)

/* With their entries most layers go. */
static void clear_entries(struct aps_partition *partition)
{
	aps_entries_clear(&partition->cache.entries);
	aps_layers_clear(&partition->cache.layers);
}

static void free_partition(struct aps_partition *partition)
{
	aps_adopted_free(&partition->adopted);
	aps_sync_moments_free(&partition->ended);
	aps_write_clear(&partition->write);
	aps_merge_clear(&partition->merge);
	clear_entries(partition);
	aps_layer_handles_clear(&partition->handles);
	aps_names_clear(&partition->cache.names);
	aps_cache_store_clear(&partition->store);
	aps_buf_clear(&partition->changed);
	aps_channel_unref(partition->channel);
	aps_free(partition->prefix);
	aps_free(partition->identity);
	aps_free(partition);
}

static enum aps_rc open_store(struct aps_partition *partition, struct aps_err *err)
{
	struct aps_vault *vault = partition->vault;
	enum aps_rc rc = aps_vault_begin(vault, err);
	if (rc != APS_OK) return rc;
	partition->is_new = true;
	partition->has_orphans = false;
	return aps_cache_store_open(&partition->store, vault->db, aps_str_of(partition->prefix),
	                            aps_str_of(partition->identity), &partition->cache, err);
}

static struct aps_partition *of(struct aps_vault_part *part)
{
	return APS_CONTAINER_OF(part, struct aps_partition, part);
}

static void init_entries(struct aps_partition *partition)
{
	aps_entries_init(&partition->cache.entries, aps_channel_seed(partition->channel), &partition->store.backing);
	partition->cache.entries.last_number = &partition->vault->last_number;
	partition->cache.entries.told_moments = partition->told.at;
	partition->cache.entries.n_told_moments = APS_TOLD_BUCKETS;
	aps_layers_init(&partition->cache.layers, &partition->cache.entries, &partition->store.layers);
}

static void init_cache(struct aps_partition *partition)
{
	init_entries(partition);
	aps_names_init(&partition->cache.names, 0);
	aps_buf_init(&partition->changed, APS_BUF_ANY_SIZE);
	aps_layer_handles_init(&partition->handles);
}

static enum aps_rc finish(struct aps_vault_part *part, struct aps_err *err)
{
	return aps_cache_store_save_bytes(&of(part)->store, err);
}

/* Until names and numbers are those of what it becomes nobody reads: there is nothing in that place. */
static void hide(const struct aps_partition *partition)
{
	aps_channel_move(partition->channel, aps_place_make(APS_PLACE_MEMORY, partition->vault->place >> 2));
}

static void announce(struct aps_vault_part *part, uint64_t generation)
{
	const struct aps_partition *partition = of(part);
	if (partition->adopted != NULL) hide(partition);
	aps_channel_expect(partition->channel, generation);
	size_t n = partition->changed.n / sizeof(struct aps_channel_change);
	bool is_known = partition->changed.rc == APS_OK && !partition->is_any_changed;
	const void *changes = is_known ? partition->changed.p : NULL;
	if (n != 0 || !is_known || partition->edits != 0)
		aps_channel_announce(partition->channel, generation, changes, n, partition->edits);
}

static void end_clears(struct aps_partition *partition)
{
	if (partition->n_clears != 0) aps_channel_end_clears(partition->channel, partition->n_clears);
	partition->n_clears = 0;
	partition->is_any_changed = false;
}

/* Those of the turn that nothing in memory needs. */
static void let_layers_go(struct aps_partition *partition)
{
	struct aps_layers *layers = &partition->cache.layers;
	const uint64_t *ids = (const uint64_t *)(const void *)partition->store.changed_layers.p;
	for (size_t i = 0; i < partition->store.changed_layers.n / sizeof *ids; i++) {
		struct aps_layer *layer = aps_layers_find(layers, ids[i]);
		if (layer != NULL) aps_layers_let_go(layers, layer);
	}
}

static void forget_all(struct aps_partition *partition)
{
	if (partition->collector != NULL) partition->collector->reset(partition->collector);
	clear_entries(partition);
	init_entries(partition);
	aps_buf_clear(&partition->changed);
	if (partition->listener != NULL) partition->listener->changed.is_all = true;
	aps_followers_forgotten(partition->followers, false);
}

static void forget_store(struct aps_partition *partition)
{
	forget_all(partition);
	aps_layer_handles_clear(&partition->handles);
	aps_names_clear(&partition->cache.names);
	aps_cache_store_clear(&partition->store);
}

static void become_adopted(struct aps_partition *partition)
{
	forget_store(partition);
	aps_adopted_take(&partition->adopted, &partition->store, &partition->cache);
	aps_followers_forgotten(partition->followers, true); /* what is there has nothing to do with theirs */
	if (partition->listener != NULL) partition->listener->renumbered(partition->listener);
	aps_vault_rename(partition->vault);
}

/* One that is to become another stays hidden until it has. */
static void renamed(struct aps_vault_part *part)
{
	if (of(part)->adopted == NULL) aps_channel_move(of(part)->channel, of(part)->vault->place);
}

static void committed(struct aps_vault_part *part, uint64_t generation)
{
	struct aps_partition *partition = of(part);
	let_layers_go(partition);
	aps_cache_store_committed(&partition->store);
	aps_layer_handles_committed(&partition->handles);
	partition->is_new = false;
	if (partition->adopted != NULL) become_adopted(partition);
	aps_channel_publish(partition->channel, generation);
	aps_buf_clear(&partition->changed);
	end_clears(partition);
	partition->edits = 0;
	aps_entries_trim(&partition->cache.entries, partition->max_bytes);
	if (partition->collector != NULL) partition->collector->committed(partition->collector);
}

static void failed(struct aps_vault_part *part)
{
	struct aps_partition *partition = of(part);
	aps_adopted_free(&partition->adopted);
	aps_channel_move(partition->channel, partition->vault->place);
	forget_all(partition);
	aps_cache_store_rolled_back(&partition->store);
	aps_layer_handles_failed(&partition->handles);
	partition->has_orphans = partition->has_orphans || partition->is_new;
	partition->edits = 0;
	end_clears(partition);
}

static enum aps_rc drop(struct aps_partition *partition, enum aps_part_drop how, struct aps_err *err)
{
	enum aps_rc rc = aps_vault_begin(partition->vault, err);
	if (rc == APS_OK) rc = aps_vault_dropped(partition->vault, partition->prefix, partition->identity, how, err);
	return rc == APS_OK ? aps_cache_store_drop(&partition->store, how, err) : rc;
}

enum aps_rc aps_partition_clear(struct aps_partition *partition, enum aps_part_drop how, struct aps_err *err)
{
	enum aps_rc rc = drop(partition, how, err);
	if (rc != APS_OK && aps_vault_cope(partition->vault, err)) rc = drop(partition, how, err);
	if (rc != APS_OK) {
		aps_channel_end_clears(partition->channel, 1);
		return rc;
	}
	partition->n_clears++;
	forget_all(partition);
	aps_layer_handles_end(&partition->handles, 0, true);
	partition->cache.entries.is_whole = true;
	partition->is_any_changed = true;
	aps_followers_forgotten(partition->followers, true);
	return APS_OK;
}

void aps_partition_turn(struct aps_partition *partition)
{
	if (partition->listener != NULL) partition->listener->turned(partition->listener);
}

/* What there is: nothing that is known holds. Without a store there is memory alone, and nothing is written. */
static enum aps_rc begin_anew(struct aps_partition *partition, struct aps_err *err)
{
	bool has_store = partition->vault->db != NULL;
	forget_store(partition);
	aps_names_init(&partition->cache.names, 0);
	partition->store = (struct aps_cache_store){.db = NULL};
	partition->edits = 0;
	end_clears(partition);
	partition->is_any_changed = true;
	if (!has_store) partition->cache.entries.backing = NULL;
	enum aps_rc rc = has_store ? open_store(partition, err) : APS_OK;
	aps_followers_forgotten(partition->followers, true);
	if (partition->listener != NULL) partition->listener->renumbered(partition->listener);
	return rc;
}

/* This turn's changes are nowhere but in memory; what isn't there was collected. */
static enum aps_rc save_changed(struct aps_partition *partition, struct aps_err *err)
{
	const struct aps_channel_change *changes = (const void *)partition->changed.p;
	size_t n = partition->changed.n / sizeof *changes;
	bool had_content;
	enum aps_rc rc = partition->changed.rc == APS_OK ? APS_OK : aps_fail(err, APS_E_NOMEM, "out of memory");
	for (size_t i = 0; rc == APS_OK && i < n; i++) {
		const struct aps_entry *entry = aps_entries_peek(&partition->cache.entries, changes[i].entry);
		if (entry != NULL) {
			rc = aps_cache_store_save_again(&partition->store, entry, err);
			continue;
		}
		rc = aps_rows_delete(&partition->store, changes[i].entry, &had_content, err);
		partition->cache.entries.is_whole = false;
	}
	return rc;
}

/* The transaction may be one that only looks: layers of calls that it drops are dropped once more. */
static enum aps_rc become_other(struct aps_partition *partition, struct aps_err *err)
{
	hide(partition);
	enum aps_rc rc = begin_anew(partition, err);
	partition->has_orphans = true;
	return rc;
}

static enum aps_rc overtaken(struct aps_vault_part *part, bool is_own, bool *is_other, struct aps_err *err)
{
	struct aps_partition *partition = of(part);
	bool is_same = true;
	if (partition->store.db == NULL) return APS_OK;
	if (partition->vault->others_told)
		aps_told_moments_heed(&partition->told, &partition->vault->others_telling, ++partition->moment);
	forget_all(partition);
	if (is_own) partition->store.has_layers = partition->is_any_changed = true;
	if (is_own) return APS_OK;
	enum aps_rc rc = aps_cache_store_resume(&partition->store, &partition->cache, &is_same, err);
	*is_other = *is_other || !is_same;
	if (rc == APS_OK && !is_same) rc = become_other(partition, err);
	aps_channel_renew_ids(partition->channel);
	aps_channel_announce(partition->channel, partition->vault->generation, NULL, 0, 0);
	aps_channel_publish(partition->channel, partition->vault->generation);
	return rc;
}

static void leading(struct aps_vault_part *part)
{
	struct aps_partition_collector *collector = of(part)->collector;
	if (collector != NULL) collector->committed(collector);
}

static enum aps_rc moved(struct aps_vault_part *part, bool keeps, struct aps_err *err)
{
	struct aps_partition *partition = of(part);
	aps_adopted_free(&partition->adopted);
	aps_channel_move(partition->channel, partition->vault->place);
	if (!keeps) return begin_anew(partition, err);
	partition->has_orphans = partition->has_orphans || partition->is_new;
	enum aps_rc rc = aps_cache_store_move(&partition->store, partition->vault->db, &partition->cache, err);
	if (rc == APS_OK) rc = save_changed(partition, err);
	if (rc == APS_OK && partition->collector != NULL) rc = partition->collector->moved(partition->collector, err);
	return rc;
}

/* What keeps something else in the vault is no partition. */
bool aps_partition_is_open(const struct aps_vault *vault, const char *prefix, const char *identity)
{
	for (struct aps_vault_part *part = vault->parts; part != NULL; part = part->next) {
		if (part->moved != moved) continue;
		if (strcmp(of(part)->prefix, prefix) == 0 && strcmp(of(part)->identity, identity) == 0) return true;
	}
	return false;
}

struct aps_partition *aps_partition_open(struct aps_vault *vault, const char *prefix, const char *identity,
                                         const struct aps_policies *policies, struct aps_channel *channel,
                                         struct aps_err *err)
{
	if (aps_partition_is_open(vault, prefix, identity)) {
		aps_fail_word(err, APS_E_USAGE, "in_use", 0, "another client has this store with this key prefix");
		return NULL;
	}
	struct aps_partition *partition = aps_calloc(1, sizeof *partition);
	if (partition == NULL) {
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return NULL;
	}
	partition->part = (struct aps_vault_part){.finish = finish,
	                                          .announce = announce,
	                                          .committed = committed,
	                                          .failed = failed,
	                                          .moved = moved,
	                                          .renamed = renamed,
	                                          .overtaken = overtaken,
	                                          .leading = leading};
	partition->vault = vault;
	partition->policies = policies;
	partition->max_bytes = MAX_BYTES;
	partition->channel = aps_channel_ref(channel);
	partition->prefix = aps_strndup(prefix, strlen(prefix));
	partition->identity = aps_strndup(identity, strlen(identity));
	init_cache(partition);
	enum aps_rc rc = partition->prefix != NULL && partition->identity != NULL
	                         ? open_store(partition, err)
	                         : aps_fail(err, APS_E_NOMEM, "out of memory");
	if (rc != APS_OK && aps_vault_cope(vault, err)) rc = begin_anew(partition, err);
	if (rc != APS_OK) {
		free_partition(partition);
		return NULL;
	}
	aps_channel_move(channel, vault->place);
	const struct aps_ids_owner ids = {vault, prefix, identity};
	if (aps_partition_ids_are_none(&ids)) aps_channel_tell_no_ids(channel);
	aps_vault_add(vault, &partition->part);
	return partition;
}

void aps_partition_close(struct aps_partition *partition)
{
	if (partition->user != NULL) partition->user->closing(partition->user);
	if (partition->listener != NULL) partition->listener->closing(partition->listener);
	aps_channel_lend(partition->channel, NULL, 0); /* nobody has the file open after its vault */
	aps_followers_close(&partition->followers);
	aps_vault_remove(partition->vault, &partition->part);
	free_partition(partition);
}

static void note_change(struct aps_partition *partition, uint64_t number, uint64_t hash)
{
	const struct aps_channel_change change = {number, hash};
	aps_buf_add(&partition->changed, &change, sizeof change);
	if (partition->listener == NULL) return;
	aps_changed_add(&partition->listener->changed, number);
	aps_changed_add(&partition->listener->changed, hash);
}

static void note_changes(struct aps_partition *partition)
{
	for (size_t i = 0; i < aps_write_n_entries(&partition->write); i++) {
		const struct aps_entry *entry = aps_write_entry_at(&partition->write, i);
		note_change(partition, entry->number, entry->hash);
		aps_told_moments_note(&partition->told, partition->vault, entry->number, partition->write.moment);
		if (partition->collector != NULL) partition->collector->wrote(partition->collector, entry->number);
		aps_followers_wrote(partition->followers, entry->number);
	}
}

void aps_partition_forget(struct aps_partition *partition, uint64_t number, uint64_t hash)
{
	aps_entries_forget_number(&partition->cache.entries, number);
	note_change(partition, number, hash);
}

/* What goes into one write. */
struct filling {
	enum aps_rc (*fill)(struct aps_partition *partition, struct filling *filling, struct aps_err *err);
	struct aps_binding binding;
	const struct aps_partition_data *data;
	const struct aps_edits *edits;    /* NULL: none */
	struct aps_partition_fill *other; /* of another kind */
	bool adds_layer;
	enum aps_layer_kind kind;     /* of that one */
	uint64_t layer;               /* its id, once it has one */
	struct aps_str key;           /* of a record, "RTodo:1" */
	const struct aps_buf *leaves; /* uint64_t: the ids of layers that leave; NULL: none do */
	bool is_half_saved;           /* it was saved, as far as it could be */
	struct aps_buf landmarks;     /* uint64_t: entries that reads look for by their keys */
};

static enum aps_rc fill_data(struct aps_partition *partition, struct filling *filling, struct aps_err *err)
{
	const struct aps_partition_data *data = filling->data;
	bool is_query = data->operation->definition->kind == APS_GQL_QUERY && !data->is_rootless;
	struct aps_layer *layer = NULL;
	struct aps_buf identified;
	if (data->mapped != NULL) aps_buf_reset(data->mapped);
	bool was_there = aps_layers_find(&partition->cache.layers, data->layer) != NULL;
	if (data->layer != 0 && aps_layers_load(&partition->cache.layers, data->layer, &layer, err) != APS_OK)
		return err->code;
	aps_buf_init(&identified, APS_BUF_ANY_SIZE);
	const struct aps_normalize_options options = {
	        .root = is_query ? APS_STR("RROOT_QUERY") : APS_STR(""),
	        .errors = data->errors,
	        .now_s = data->now_s,
	        .skips_nulls = data->skips_nulls,
	        .asked_at = data->asked_at,
	        .identified = layer != NULL ? &identified : NULL,
	        .asked = data->asked,
	        .merges = data->merges,
	        .landmarks = is_query ? &filling->landmarks : NULL,
	};
	struct aps_normalized out;
	aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
	aps_followers_filling(partition->followers, &partition->write, is_query ? &filling->binding : NULL);
	enum aps_rc rc = aps_normalize(&partition->merge, &filling->binding, data->data, &options, &out, err);
	if (rc == APS_OK) rc = aps_followers_filled(partition->followers, err);
	if (rc == APS_OK && partition->listener != NULL)
		aps_buf_add_str(&partition->listener->stale, aps_buf_str(&out.stale));
	if (rc == APS_OK && layer != NULL)
		aps_layers_follow(&partition->write, partition->policies, layer, &identified, data->mapped);
	if (layer != NULL && !was_there && !layer->is_changed) aps_layers_let_go(&partition->cache.layers, layer);
	aps_buf_clear(&identified);
	aps_buf_clear(&out.stale);
	return rc;
}

static enum aps_rc fill_other(struct aps_partition *partition, struct filling *filling, struct aps_err *err)
{
	return filling->other->fill(partition, filling->other, &filling->binding, err);
}

static enum aps_rc fill_fold(struct aps_partition *partition, struct filling *filling APS_UNUSED,
                             struct aps_err *err APS_UNUSED)
{
	for (size_t i = 0; i < aps_write_n_layers(&partition->write); i++)
		aps_layer_fold(&partition->merge, aps_write_layer_at(&partition->write, i));
	return partition->write.err.code;
}

static enum aps_rc fill_doubt(struct aps_partition *partition, struct filling *filling, struct aps_err *err APS_UNUSED)
{
	struct aps_buf stale;
	aps_buf_init(&stale, APS_BUF_ANY_SIZE);
	partition->write.is_doubt = true;
	if (filling->key.n != 0) aps_record_doubt(&partition->write, filling->key, &stale);
	for (size_t i = 0; i < aps_write_n_layers(&partition->write); i++)
		aps_layer_doubt(&partition->write, aps_write_layer_at(&partition->write, i), &stale);
	if (partition->listener != NULL) aps_buf_add_str(&partition->listener->stale, aps_buf_str(&stale));
	aps_buf_clear(&stale);
	return partition->write.err.code;
}

static enum aps_rc fill_edits(struct aps_partition *partition, struct filling *filling, struct aps_err *err)
{
	return filling->edits == NULL ? APS_OK
	                              : aps_edits_apply(filling->edits, 0, &partition->merge, partition->policies, err);
}

/* What is in memory may not be found in the file any more, where an index is damaged: nobody would ever read it. */
static enum aps_rc check_landmarks(struct aps_partition *partition, const struct filling *filling, struct aps_err *err)
{
	struct aps_entry_backing *store = &partition->store.backing;
	const uint64_t *numbers = (const uint64_t *)(const void *)filling->landmarks.p;
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < filling->landmarks.n / sizeof *numbers; i++) {
		struct aps_entry_row row = {.number = 0};
		const struct aps_entry *entry = aps_entries_peek(&partition->cache.entries, numbers[i]);
		rc = store->find(store, aps_entry_key(entry), &row, err);
		store->done(store);
		if (rc == APS_OK && row.number != numbers[i])
			rc = aps_fail_word(err, APS_E_STORAGE, "corrupt", 0,
			                   "a record isn't found in the store by its key");
	}
	return rc;
}

static enum aps_rc fill_and_save(struct aps_partition *partition, struct filling *filling, struct aps_err *err)
{
	if (!aps_merge_init(&partition->merge, &partition->write)) return aps_fail(err, APS_E_NOMEM, "out of memory");
	enum aps_rc rc = filling->fill(partition, filling, err);
	if (rc == APS_OK && !aps_write_settle(&partition->write)) rc = APS_E_NOMEM;
	if (rc != APS_OK) {
		if (partition->write.err.code == APS_OK) return rc;
		*err = partition->write.err;
		return err->code;
	}
	rc = aps_cache_store_save(&partition->store, &partition->write, err);
	if (rc == APS_OK) rc = check_landmarks(partition, filling, err);
	filling->is_half_saved = rc != APS_OK;
	return rc;
}

static enum aps_rc begin_layer(struct aps_partition *partition, struct filling *filling, struct aps_err *err)
{
	int64_t number;
	enum aps_rc rc = aps_outbox_next_number(partition->vault->db, &number, err);
	if (rc != APS_OK) return rc;
	filling->layer = (uint64_t)number;
	aps_write_begin_layer(&partition->write, &partition->cache, filling->layer);
	if (partition->write.layer != NULL) partition->write.layer->kind = filling->kind;
	return APS_OK;
}

/* What a mutation's answer, an event or a look has told, and what follows from it; no edits of the application. */
static bool is_new(const struct filling *filling)
{
	return filling->data != NULL ? filling->data->asked_at == 0 : filling->leaves != NULL;
}

static enum aps_rc begin(struct aps_partition *partition, struct filling *filling, struct aps_err *err)
{
	const struct aps_buf *leaves = filling->leaves;
	enum aps_rc rc = APS_OK;
	if (filling->adds_layer) return begin_layer(partition, filling, err);
	aps_write_begin(&partition->write, &partition->cache);
	if (is_new(filling)) partition->write.moment = ++partition->moment;
	for (size_t i = 0; rc == APS_OK && leaves != NULL && i < leaves->n / sizeof(uint64_t); i++) {
		struct aps_layer *layer;
		rc = aps_layers_load(&partition->cache.layers, ((const uint64_t *)(const void *)leaves->p)[i], &layer,
		                     err);
		if (rc == APS_OK && layer != NULL) aps_write_leave(&partition->write, layer);
	}
	if (rc != APS_OK) aps_write_abort(&partition->write);
	return rc;
}

static enum aps_rc bind(struct aps_partition *partition, struct filling *filling, struct aps_err *err)
{
	const struct aps_partition_data *data = filling->data;
	filling->binding = (struct aps_binding){
	        .policies = partition->policies, .names = &partition->cache.names, .gives_numbers = true};
	if (data == NULL) return APS_OK;
	return aps_binding_init(&filling->binding, data->operation->document, data->operation->definition,
	                        aps_operation_variables(data->operation), err);
}

static enum aps_rc write_once(struct aps_partition *partition, struct filling *filling, struct aps_err *err)
{
	filling->is_half_saved = false;
	enum aps_rc rc = aps_vault_begin(partition->vault, err);
	if (rc == APS_OK) rc = bind(partition, filling, err);
	if (rc == APS_OK) rc = begin(partition, filling, err);
	if (rc != APS_OK) {
		aps_binding_clear(&filling->binding);
		return rc;
	}
	aps_merge_clear(&partition->merge);
	aps_buf_init(&filling->landmarks, APS_BUF_ANY_SIZE);
	rc = fill_and_save(partition, filling, err);
	aps_buf_clear(&filling->landmarks);
	if (rc == APS_OK) {
		note_changes(partition);
		aps_write_commit(&partition->write);
	} else {
		aps_write_abort(&partition->write);
	}
	aps_binding_clear(&filling->binding);
	return rc;
}

/* Where the store has moved to meanwhile it is done once more. */
static enum aps_rc write_at_last(struct aps_partition *partition, struct filling *filling, struct aps_err *err)
{
	enum aps_rc rc = write_once(partition, filling, err);
	if (rc != APS_OK && aps_vault_cope(partition->vault, err)) rc = write_once(partition, filling, err);
	if (rc != APS_OK && filling->is_half_saved) aps_vault_abandon(partition->vault);
	return rc;
}

/* Layers of calls that are no more, which weren't dropped for good when the store was opened. */
static enum aps_rc owe_orphans(struct aps_partition *partition, struct aps_err *err)
{
	const struct aps_cache_store *store = &partition->store;
	struct aps_buf ids;
	aps_buf_init(&ids, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_layer_store_list_kind(store->db, store->part, APS_LAYER_PASSING, &ids, err);
	if (rc == APS_OK && !aps_layer_handles_owe_others(&partition->handles, &ids))
		rc = aps_fail(err, APS_E_NOMEM, "no memory for optimistic layers");
	partition->has_orphans = rc != APS_OK;
	aps_buf_clear(&ids);
	return rc;
}

/* What should have left before leaves first. */
static enum aps_rc write(struct aps_partition *partition, struct filling *filling, struct aps_err *err)
{
	struct aps_layer_handles *handles = &partition->handles;
	struct filling owed = {.fill = fill_edits, .leaves = &handles->owed};
	enum aps_rc rc = partition->has_orphans && partition->store.db != NULL ? owe_orphans(partition, err) : APS_OK;
	if (rc != APS_OK && aps_vault_cope(partition->vault, err)) rc = APS_OK; /* with what it finds there */
	if (rc == APS_OK && handles->owed.n != 0 && !handles->is_paid) {
		rc = write_at_last(partition, &owed, err);
		handles->is_paid = rc == APS_OK;
	}
	if (rc != APS_OK) return rc;
	return write_at_last(partition, filling, err);
}

enum aps_rc aps_partition_write(struct aps_partition *partition, const struct aps_partition_data *data,
                                struct aps_err *err)
{
	struct filling filling = {.fill = fill_data, .data = data};
	return write(partition, &filling, err);
}

enum aps_rc aps_partition_fill(struct aps_partition *partition, struct aps_partition_fill *fill, struct aps_err *err)
{
	struct filling filling = {.fill = fill_other, .data = fill->data, .other = fill};
	return write(partition, &filling, err);
}

uint32_t aps_partition_moment(const struct aps_partition *partition)
{
	return partition->moment + 1;
}

enum aps_rc aps_partition_edit(struct aps_partition *partition, uint64_t number, const struct aps_edits *edits,
                               struct aps_err *err)
{
	struct filling filling = {.fill = fill_edits, .edits = edits};
	enum aps_rc rc = write(partition, &filling, err);
	if (rc == APS_OK) partition->edits = number;
	return rc;
}

enum aps_rc aps_partition_add_layer(struct aps_partition *partition, uint64_t handle, enum aps_layer_kind kind,
                                    const struct aps_edits *edits, uint64_t *id, struct aps_err *err)
{
	struct filling filling = {.fill = fill_edits, .edits = edits, .adds_layer = true, .kind = kind};
	*id = 0;
	if (handle != 0 && !aps_layer_handles_reserve(&partition->handles))
		return aps_fail(err, APS_E_NOMEM, "no memory for an optimistic layer");
	enum aps_rc rc = write(partition, &filling, err);
	if (rc != APS_OK) return rc;
	*id = filling.layer;
	if (handle != 0) aps_layer_handles_add(&partition->handles, handle, *id, kind == APS_LAYER_PASSING);
	return APS_OK;
}

uint64_t aps_partition_find_layer(const struct aps_partition *partition, uint64_t handle)
{
	return aps_layer_handles_find(&partition->handles, handle);
}

/* One layer leaves with what the filling says. */
static enum aps_rc write_end(struct aps_partition *partition, struct filling *filling, uint64_t id, struct aps_err *err)
{
	const struct aps_buf leaves = {.p = (char *)&id, .n = sizeof id};
	if (id != 0) filling->leaves = &leaves;
	enum aps_rc rc = write(partition, filling, err);
	if (id != 0) aps_layer_handles_end(&partition->handles, id, rc == APS_OK);
	return rc;
}

enum aps_rc aps_partition_settle_layer(struct aps_partition *partition, uint64_t id, const struct aps_edits *edits,
                                       struct aps_err *err)
{
	struct filling filling = {.fill = fill_edits, .edits = edits};
	return write_end(partition, &filling, id, err);
}

enum aps_rc aps_partition_fold_layer(struct aps_partition *partition, uint64_t id, struct aps_err *err)
{
	struct filling filling = {.fill = fill_fold};
	return write_end(partition, &filling, id, err);
}

enum aps_rc aps_partition_drop_layer(struct aps_partition *partition, uint64_t id, bool is_doubtful,
                                     struct aps_err *err)
{
	return write_end(partition, &(struct filling){.fill = is_doubtful ? fill_doubt : fill_edits}, id, err);
}

enum aps_rc aps_partition_doubt_record(struct aps_partition *partition, struct aps_str key, struct aps_err *err)
{
	struct filling filling = {.fill = fill_doubt};
	struct aps_buf text;
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	aps_buf_add_byte(&text, 'R');
	aps_buf_add_str(&text, key);
	filling.key = aps_buf_str(&text);
	enum aps_rc rc = text.rc == APS_OK ? write(partition, &filling, err)
	                                   : aps_fail(err, APS_E_NOMEM, "no memory for a record's key");
	aps_buf_clear(&text);
	return rc;
}

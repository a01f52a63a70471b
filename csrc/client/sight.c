#include "client/sight.h"

#include "base/mem.h"
#include "client/process.h"
#include "client/store_place.h"
#include "store/counters.h"
#include "store/db_error.h"
#include "store/layer_store.h"
#include "store/migrations.h"

#include <string.h>

#define MEMORY_MS 2000 /* who writes there is waited for: a turn's writes */

bool aps_sight_forgive_locked(enum aps_rc rc, struct aps_err *err)
{
	if (rc != APS_E_STORAGE || err->word == NULL || strcmp(err->word, "locked") != 0) return false;
	*err = (struct aps_err){0};
	return true;
}

static enum aps_rc open_patiently(const char *path, bool in_memory, int busy_ms, struct aps_db **db,
                                  struct aps_err *err)
{
	const struct aps_db_options options = {
	        .read_only = true, .has_own_tables = true, .in_memory = in_memory, .busy_ms = busy_ms};
	bool is_done = false;
	enum aps_rc rc = aps_db_open(path, &options, db, err);
	if (rc == APS_OK) rc = aps_migrations_are_done(*db, &is_done, err);
	if (rc == APS_OK && is_done) return rc;
	aps_db_close(*db);
	*db = NULL;
	return rc;
}

/* NULL in *db, with OK: it isn't there, or not yet what it is going to be. */
static enum aps_rc open_one(const struct aps_sight *sight, const char *path, bool in_memory, struct aps_db **db,
                            struct aps_err *err)
{
	*db = NULL;
	if (!in_memory && !aps_db_is_there(path)) return APS_OK;
	struct aps_err at_first; /* who succeeds in the end hasn't failed */
	enum aps_rc rc = open_patiently(path, in_memory, in_memory ? MEMORY_MS : 0, db, &at_first);
	if (rc == APS_E_STORAGE && aps_db_is_under_repair(&at_first)) /* what is in there was there before */
		rc = open_patiently(path, in_memory, sight->patience_ms, db, &at_first);
	if (rc == APS_OK || aps_sight_forgive_locked(rc, &at_first)) return APS_OK;
	*err = at_first;
	return rc;
}

/* Not while a store is being moved out of the way. */
static enum aps_rc open_file(const struct aps_sight *sight, const char *path, struct aps_db **db, struct aps_err *err)
{
	*db = NULL;
	if (!aps_process_begin_opening()) return APS_OK;
	enum aps_rc rc = open_one(sight, path, false, db, err);
	aps_process_end_opening();
	return rc;
}

static enum aps_rc open_all(struct aps_sight *sight, const char *path, struct aps_err *err)
{
	char name[APS_PLACE_NAME_BYTES];
	enum aps_place_kind kind = aps_place_kind(sight->place);
	if (kind == APS_PLACE_FILE) return open_file(sight, path, &sight->db, err);
	aps_place_name(sight->place, name);
	enum aps_rc rc = open_one(sight, name, true, &sight->db, err);
	if (rc != APS_OK || sight->db == NULL || kind == APS_PLACE_MEMORY) return rc;
	rc = open_file(sight, path, &sight->base, err);
	if (sight->base != NULL) aps_db_set_base(sight->db, sight->base);
	return rc;
}

/* With the file; what is in memory nobody has for long. */
static void be_patient(struct aps_sight *sight)
{
	struct aps_db *file = aps_place_kind(sight->place) == APS_PLACE_FILE ? sight->db : sight->base;
	if (file != NULL) aps_db_set_patience(file, sight->patience_ms);
}

void aps_sight_take(struct aps_sight *sight, struct aps_db *db)
{
	sight->db = db;
}

enum aps_rc aps_sight_open(struct aps_sight *sight, const struct aps_sight_owner *owner, bool *is_open,
                           struct aps_err *err)
{
	*is_open = sight->is_open;
	if (*is_open) return APS_OK;
	enum aps_rc rc = sight->db == NULL ? open_all(sight, owner->path, err) : APS_OK;
	bool has_all = sight->db != NULL && (sight->base != NULL || aps_place_kind(sight->place) != APS_PLACE_OVER);
	if (rc == APS_OK && has_all) be_patient(sight);
	if (rc == APS_OK && has_all)
		rc = aps_cache_store_open_reader(&sight->store, sight->db, aps_str_of(owner->prefix),
		                                 aps_str_of(owner->identity), err);
	*is_open = sight->is_open = rc == APS_OK && has_all;
	if (!*is_open) aps_sight_close(sight, sight->place);
	return aps_sight_forgive_locked(rc, err) ? APS_OK : rc;
}

/* What a reader asks for: the statements stay compiled, and the pages in memory. */
static void ask(struct aps_sight *sight, struct aps_cache *cache)
{
	struct aps_err unwanted;
	struct aps_entry *entry;
	uint64_t generation;
	bool has_layers;
	enum aps_rc rc = aps_counters_generation(sight->db, &generation, &unwanted);
	if (rc == APS_OK) rc = aps_layer_store_has_any(sight->db, &has_layers, &unwanted);
	if (rc == APS_OK) rc = aps_cache_store_follow(&sight->store, cache, &generation, &unwanted);
	if (rc == APS_OK) rc = aps_entries_find(&cache->entries, APS_STR("RROOT_QUERY"), &entry, &unwanted);
	if (rc == APS_OK) (void)aps_entries_at(&cache->entries, 1, &entry, &unwanted);
}

struct aps_db *aps_sight_prepare(const struct aps_sight_owner *owner)
{
	struct aps_sight sight = {.place = 0};
	struct aps_cache cache = {0};
	struct aps_err unwanted;
	bool is_open;
	if (aps_sight_open(&sight, owner, &is_open, &unwanted) != APS_OK || !is_open) return NULL;
	aps_entries_init(&cache.entries, 1, &sight.store.backing);
	aps_names_init(&cache.names, 0);
	if (aps_sight_begin(&sight, &unwanted) == APS_OK) {
		ask(&sight, &cache);
		aps_sight_end(&sight);
	}
	aps_entries_clear(&cache.entries);
	aps_names_clear(&cache.names);
	aps_cache_store_clear(&sight.store);
	return sight.db;
}

enum aps_rc aps_sight_begin(struct aps_sight *sight, struct aps_err *err)
{
	be_patient(sight);
	enum aps_rc rc = aps_db_begin(sight->db, err);
	if (rc == APS_OK && sight->base != NULL) rc = aps_db_begin(sight->base, err);
	if (rc != APS_OK) aps_sight_end(sight);
	return rc;
}

void aps_sight_end(struct aps_sight *sight)
{
	if (sight->db != NULL) aps_db_rollback(sight->db);
	if (sight->base != NULL) aps_db_rollback(sight->base);
}

void aps_sight_close(struct aps_sight *sight, uint64_t place)
{
	aps_cache_store_clear(&sight->store);
	aps_db_close(sight->db);
	aps_db_close(sight->base);
	aps_free(sight->resting);
	*sight = (struct aps_sight){.place = place, .patience_ms = sight->patience_ms};
}

void aps_sight_wake(struct aps_sight *sight, struct aps_channel *channel)
{
	if (!sight->is_resting) return;
	sight->is_resting = false;
	if (aps_channel_wake(channel) != NULL) return;
	sight->resting = NULL;
	sight->db = sight->base = NULL;
	aps_sight_close(sight, sight->place);
}

/* Where the core has moved the place before they rested, it has found none. */
void aps_sight_rest(struct aps_sight *sight, struct aps_channel *channel)
{
	if (sight->db == NULL || sight->is_resting) return;
	if (sight->resting == NULL) sight->resting = aps_malloc(sizeof *sight->resting);
	if (sight->resting == NULL) return;
	*sight->resting = (struct aps_channel_resting){sight->db, sight->base};
	sight->is_resting = aps_channel_rest(channel, sight->resting);
	if (aps_channel_place(channel) == sight->place) return;
	aps_sight_wake(sight, channel);
	aps_sight_close(sight, sight->place);
}

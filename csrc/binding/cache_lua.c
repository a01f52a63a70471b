#include "binding/cache_lua.h"

#include "base/mem.h"
#include "base/rand.h"
#include "binding/err_lua.h"
#include "binding/fields.h"
#include "binding/operation_lua.h"
#include "client/cache_commands.h"
#include "client/collect_commands.h"
#include "client/process.h"
#include "client/reader.h"
#include "client/watching.h"

#define CACHE "appsync.core.cache"

struct apl_caches *apl_caches_new(struct apl_runtime *box, uint64_t client, struct aps_cache_settings *settings,
                                  enum apl_big_integers big)
{
	struct apl_caches *caches = aps_calloc(1, sizeof *caches);
	if (caches == NULL) return NULL;
	caches->n_refs = 1;
	caches->generation = aps_process_generation();
	caches->box = apl_runtime_ref(box);
	caches->client = client;
	caches->settings = aps_cache_settings_ref(settings);
	caches->big = big;
	return caches;
}

void apl_caches_unref(struct apl_caches *caches)
{
	if (caches == NULL || --caches->n_refs != 0) return;
	apl_runtime_unref(caches->box);
	aps_cache_settings_unref(caches->settings);
	aps_free(caches);
}

/* A connection that a parent process has opened isn't touched, closed neither:
 * https://www.sqlite.org/howtocorrupt.html, section 2.6. */
static void close_reader(struct apl_cache *cache)
{
	aps_made_ids_clear(&cache->made_ids);
	if (cache->caches->generation == aps_process_generation()) aps_reader_free(cache->reader);
	cache->reader = NULL;
}

void apl_caches_close(struct apl_caches *caches)
{
	if (caches == NULL) return;
	caches->is_closed = true;
	for (struct apl_cache *cache = caches->first; cache != NULL; cache = cache->next) close_reader(cache);
}

static void free_cache(struct apl_cache *cache)
{
	if (cache->closing != NULL) aps_command_free(cache->closing);
	close_reader(cache);
	aps_channel_unref(cache->channel);
	aps_free(cache->identity);
	apl_caches_unref(cache->caches);
	aps_free(cache);
}

static enum aps_rc init_cache(struct apl_cache *cache, const char *identity, struct aps_err *err)
{
	const struct apl_caches *caches = cache->caches;
	const struct aps_cache_settings *settings = caches->settings;
	struct aps_rand rand;
	aps_rand_init_system(&rand);
	cache->id = aps_runtime_next_id(caches->box->runtime);
	cache->identity = aps_strndup(identity, strlen(identity));
	cache->channel = aps_channel_new(aps_rand_u64(&rand));
	cache->closing = aps_cache_close_command_new(caches->client, cache->id);
	if (cache->identity == NULL || cache->channel == NULL || cache->closing == NULL)
		return aps_fail(err, APS_E_NOMEM, "out of memory");
	if (aps_cache_settings_place(caches->settings, err) != APS_OK) return err->code;
	cache->reader = aps_reader_new(settings->path, settings->key_prefix, identity, &settings->policies,
	                               cache->channel, err);
	if (cache->reader == NULL) return err->code;
	aps_made_ids_init(&cache->made_ids, cache->reader, cache->channel, settings->key_prefix, cache->identity);
	if (settings->max_bytes != 0) aps_reader_note_uses(cache->reader);
	struct aps_command *opening =
	        aps_cache_open_command_new(caches->client, cache->id, cache->identity, cache->channel);
	if (opening == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	return aps_runtime_post(caches->box->runtime, opening, err);
}

/* NULL: *err says why. */
static struct apl_cache *open_cache(struct apl_caches *caches, const char *identity, struct aps_err *err)
{
	struct apl_cache *cache = aps_calloc(1, sizeof *cache);
	if (cache == NULL) {
		aps_fail(err, APS_E_NOMEM, "out of memory");
		return NULL;
	}
	caches->n_refs++;
	cache->caches = caches;
	if (init_cache(cache, identity, err) != APS_OK) {
		free_cache(cache);
		return NULL;
	}
	cache->next = caches->first;
	caches->first = cache;
	return cache;
}

static void let_go(struct apl_cache *cache)
{
	struct apl_caches *caches = cache->caches;
	if (--cache->n_refs != 0) return;
	struct apl_cache **at = &caches->first;
	while (*at != cache) at = &(*at)->next;
	*at = cache->next;
	const struct aps_runtime *runtime = caches->box->runtime;
	struct aps_err err;
	if (!caches->is_closed && runtime != NULL && aps_runtime_is_usable(runtime)) {
		aps_runtime_post(caches->box->runtime, cache->closing, &err);
		cache->closing = NULL;
	}
	free_cache(cache);
}

enum aps_rc apl_cache_push(lua_State *L, struct apl_caches *caches, const char *identity, int64_t patience_ms,
                           struct aps_err *err)
{
	struct apl_cache **slot = apl_newuserdata(L, sizeof(struct apl_cache *));
	*slot = NULL;
	luaL_getmetatable(L, CACHE);
	lua_setmetatable(L, -2);
	struct apl_cache *cache = caches->first;
	while (cache != NULL && strcmp(cache->identity, identity) != 0) cache = cache->next;
	if (cache == NULL) cache = open_cache(caches, identity, err);
	if (cache == NULL) {
		lua_pop(L, 1);
		return err->code;
	}
	if (patience_ms != 0) aps_channel_follow(cache->channel, patience_ms);
	cache->n_refs++;
	*slot = cache;
	return APS_OK;
}

static int Apl_cache_gc(lua_State *L)
{
	struct apl_cache **slot = luaL_checkudata(L, 1, CACHE);
	struct apl_cache *cache = *slot;
	*slot = NULL;
	if (cache != NULL) let_go(cache);
	return 0;
}

void apl_cache_check_type(lua_State *L)
{
	luaL_checkudata(L, 1, CACHE);
}

struct apl_cache *apl_cache_check(lua_State *L, struct aps_err *err)
{
	return apl_cache_of(L, luaL_checkudata(L, 1, CACHE), err);
}

struct apl_cache *apl_cache_of(lua_State *L, struct apl_cache **slot, struct aps_err *err)
{
	if (*slot == NULL || (*slot)->caches->is_closed) {
		aps_fail(err, APS_E_CLOSED, "the client is closed");
		return NULL;
	}
	return apl_runtime_get(L, (*slot)->caches->box, err) != NULL ? *slot : NULL;
}

static int Apl_cache_id(lua_State *L)
{
	struct apl_cache **slot = luaL_checkudata(L, 1, CACHE);
	if (*slot == NULL) return luaL_error(L, "appsync: the client is closed");
	apl_push_id(L, (*slot)->id);
	return 1;
}

/* cache:look() → number of the RESULT; nil, error */
static int Apl_cache_look(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	if (cache == NULL) return apl_fail(L, &err);
	uint64_t call = aps_runtime_next_id(cache->caches->box->runtime);
	struct aps_command *command = aps_cache_look_command_new(cache->caches->client, cache->id, call);
	apl_push_pending(L, command != NULL ? &command->mail : NULL);
	if (apl_runtime_post(L, cache->caches->box, -1, &err) != APS_OK) return apl_fail(L, &err);
	apl_push_id(L, call);
	return 1;
}

#define MAX_USED 512 /* of a message */

/* Those that were read, once a minute: what isn't told now is told later. */
void apl_cache_tell_uses(const struct apl_cache *cache, int64_t now_s)
{
	uint64_t numbers[MAX_USED];
	struct aps_err err;
	for (size_t n; (n = aps_reader_take_used(cache->reader, now_s, numbers, MAX_USED)) != 0;) {
		struct aps_command *command = aps_used_command_new(cache->caches->client, cache->id, numbers, n);
		if (command == NULL || aps_runtime_post(cache->caches->box->runtime, command, &err) != APS_OK) return;
	}
}

/* The core sets a damaged store aside; where there is no memory to tell it, the next read meets the damage again. */
void apl_cache_tell_damage(const struct apl_cache *cache)
{
	struct aps_err err;
	uint64_t place;
	if (!aps_reader_take_damage(cache->reader, &place)) return;
	struct aps_command *command = aps_cache_damage_command_new(cache->caches->client, cache->id, place);
	if (command != NULL) aps_runtime_post(cache->caches->box->runtime, command, &err);
}

/* cache:watch{document=, operation_name=, variables=} → id; nil, error */
static int Apl_cache_watch(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	luaL_checktype(L, 2, LUA_TTABLE);
	if (cache == NULL) return apl_fail(L, &err);
	const struct apl_caches *caches = cache->caches;
	uint64_t id = aps_runtime_next_id(caches->box->runtime);
	struct aps_watch_command *command = aps_watch_command_new(caches->client, id);
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	if (apl_read_operation(L, &command->operation, &err) != APS_OK) return apl_fail(L, &err);
	command->cache = cache->id;
	if (apl_runtime_post(L, caches->box, -1, &err) != APS_OK) return apl_fail(L, &err);
	apl_push_id(L, id);
	return 1;
}

struct apl_cache *apl_cache_check_late(lua_State *L)
{
	struct apl_cache **slot = luaL_checkudata(L, 1, CACHE);
	struct apl_caches *caches = *slot != NULL ? (*slot)->caches : NULL;
	const struct aps_runtime *runtime = caches != NULL && !caches->is_closed ? caches->box->runtime : NULL;
	return runtime != NULL && aps_runtime_is_usable(runtime) ? *slot : NULL;
}

static int post_late(lua_State *L, struct aps_command *(*make)(uint64_t client, uint64_t watch))
{
	struct aps_err err = {0};
	const struct apl_cache *cache = apl_cache_check_late(L);
	if (cache == NULL) return 0;
	struct apl_caches *caches = cache->caches;
	struct aps_command *command = make(caches->client, apl_check_id(L, 2));
	apl_push_pending(L, command != NULL ? &command->mail : NULL);
	if (apl_runtime_post(L, caches->box, -1, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushboolean(L, 1);
	return 1;
}

static int Apl_cache_unwatch(lua_State *L)
{
	return post_late(L, aps_unwatch_command_new);
}

static int Apl_cache_view_taken(lua_State *L)
{
	return post_late(L, aps_view_taken_command_new);
}

static int Apl_cache_show(lua_State *L)
{
	return post_late(L, aps_show_command_new);
}

static const luaL_Reg METHODS[] = {
        {"id", Apl_cache_id},
        {"look", Apl_cache_look},
        {"watch", Apl_cache_watch},
        {"unwatch", Apl_cache_unwatch},
        {"view_taken", Apl_cache_view_taken},
        {"show", Apl_cache_show},
        {NULL, NULL},
};

void apl_cache_add_methods(lua_State *L, const luaL_Reg *methods)
{
	luaL_getmetatable(L, CACHE);
	lua_getfield(L, -1, "__index");
	apl_register(L, methods);
	lua_pop(L, 2);
}

void apl_cache_register(lua_State *L)
{
	apl_register_class(L, CACHE, Apl_cache_gc, METHODS);
}

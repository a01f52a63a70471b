#include "binding/sync_lua.h"

#include "binding/cache_lua.h"
#include "binding/err_lua.h"
#include "binding/fields.h"
#include "binding/operation_lua.h"
#include "binding/sync_settings_lua.h"
#include "binding/value.h"
#include "client/reader.h"
#include "client/sync_commands.h"

/* Gives the command in the pending userdata on top of the stack away: true, or nil and the error. */
static int post(lua_State *L, const struct apl_cache *cache)
{
	struct aps_err err = {0};
	struct aps_command *command = (struct aps_command *)apl_pending_take(L, -1);
	if (aps_runtime_post(cache->caches->box->runtime, command, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushboolean(L, 1);
	return 1;
}

static int post_numbered(lua_State *L, const struct apl_cache *cache, uint64_t id)
{
	int n = post(L, cache);
	if (n == 1) apl_push_id(L, id);
	return n;
}

static uint64_t id_of(lua_State *L, int index)
{
	double id = lua_tonumber(L, index);
	return id >= 1 && id < 9007199254740992.0 ? (uint64_t)id : 0;
}

static enum aps_rc read_settings(lua_State *L, struct aps_sync_settings *settings, size_t *n_bytes, struct aps_err *err)
{
	struct aps_delta_sync_options *options = &settings->options;
	options->interval_ms = apl_field_ms(L, 2, "interval", 86400000);
	options->window_ms = apl_field_ms(L, 2, "delta_window", 1800000);
	options->max_records = apl_field_size(L, 2, "max_records", 0);
	apl_field_copy(L, 2, "version_field", &settings->version_field);
	lua_getfield(L, 2, "typename");
	settings->keeps_list = !lua_isnil(L, -1);
	lua_pop(L, 1);
	settings->has_cache_updates = apl_field_bool(L, 2, "has_cache_updates", false);
	enum aps_rc rc = apl_read_sync_settings(L, settings, true, n_bytes, err);
	options->min_page_size = options->page_size < 10 ? options->page_size : 10;
	return rc;
}

/* cache:sync{base=, delta=, subscription=, …} → sync; nil, error */
static int Apl_cache_sync(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	luaL_checktype(L, 2, LUA_TTABLE);
	if (cache == NULL) return apl_fail(L, &err);
	lua_settop(L, 2);
	uint64_t sync = aps_runtime_next_id(cache->caches->box->runtime);
	struct aps_open_sync_command *command = aps_open_sync_command_new(cache->caches->client, sync);
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	int pending = lua_gettop(L);
	size_t n_bytes = 0;
	command->cache = command->ids = cache->id;
	if (read_settings(L, command->settings, &n_bytes, &err) != APS_OK) return apl_fail(L, &err);
	if (aps_sync_settings_look(command->settings, &err) != APS_OK) return apl_fail(L, &err);
	command->head.mail.n_bytes += n_bytes;
	lua_pushvalue(L, pending);
	return post_numbered(L, cache, sync);
}

/* cache:stop_sync(sync) */
static int Apl_cache_stop_sync(lua_State *L)
{
	struct apl_cache *cache = apl_cache_check_late(L);
	if (cache == NULL) return 0;
	struct aps_command *command = aps_stop_sync_command_new(cache->caches->client, id_of(L, 2));
	apl_push_pending(L, command != NULL ? &command->mail : NULL);
	return post(L, cache);
}

/* cache:sync_more(sync, n) */
static int Apl_cache_sync_more(lua_State *L)
{
	struct apl_cache *cache = apl_cache_check_late(L);
	if (cache == NULL) return 0;
	lua_settop(L, 3);
	struct aps_sync_answer_command *command = aps_sync_more_command_new(cache->caches->client, id_of(L, 2));
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	command->n = apl_size_of(lua_tonumber(L, 3));
	return post(L, cache);
}

/* What was begun; nothing of it is shown any more where the command isn't posted. */
static int settle(lua_State *L, struct apl_cache *cache, struct aps_sync_answer_command *command)
{
	struct aps_edits *given = NULL;
	command->edits.number = aps_reader_close_edits(cache->reader, &given);
	command->edits.edits = given;
	bool has_edits = command->edits.number != 0;
	if (has_edits) command->head.mail.n_bytes += aps_edits_bytes(given);
	int n = post(L, cache);
	if (n != 1 && has_edits) aps_edits_unref(aps_reader_take_back(cache->reader));
	cache->n_begun = 0;
	aps_reader_hope(cache->reader, false);
	aps_reader_look_below(cache->reader, false);
	return n;
}

/* cache:settle_sync(sync, number, more): for what was begun, if anything was */
static int Apl_cache_settle_sync(lua_State *L)
{
	struct aps_err err = {0};
	struct aps_json_writer w;
	struct apl_cache *cache = apl_cache_check_late(L);
	if (cache == NULL) return 0;
	lua_settop(L, 4);
	struct aps_sync_answer_command *command = aps_settle_sync_command_new(cache->caches->client, id_of(L, 2));
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	int pending = lua_gettop(L);
	command->cache = cache->id;
	command->question = id_of(L, 3);
	aps_json_writer_init(&w, &command->more);
	if (!lua_isnil(L, 4) && apl_value_write_kept(L, 4, "variables", &w, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushvalue(L, pending);
	return settle(L, cache, command);
}

/* cache:fail_sync(sync, number): what was begun was dropped */
static int Apl_cache_fail_sync(lua_State *L)
{
	struct apl_cache *cache = apl_cache_check_late(L);
	if (cache == NULL) return 0;
	struct aps_sync_answer_command *command = aps_settle_sync_command_new(cache->caches->client, id_of(L, 2));
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	command->cache = cache->id;
	command->question = id_of(L, 3);
	command->has_failed = true;
	return post(L, cache);
}

/* cache:give_sync_headers(sync, number, headers, message): nil and a message: they can't be had now */
static int Apl_cache_give_sync_headers(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check_late(L);
	if (cache == NULL) return 0;
	lua_settop(L, 5);
	struct aps_sync_answer_command *command = aps_sync_headers_command_new(cache->caches->client, id_of(L, 2));
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	command->question = id_of(L, 3);
	command->are_given = !lua_isnil(L, 4);
	if (!command->are_given)
		aps_fail_word(&command->failed, APS_E_AUTH, "headers_failed", 0, "%s",
		              luaL_optstring(L, 5, "the headers function gave none"));
	lua_pushvalue(L, 4);
	if (apl_take_headers(L, &command->headers, &err) != APS_OK) return apl_fail(L, &err);
	return post(L, cache);
}

/* cache:ask_sync(sync, "quarantined") → call; nil, error */
static int Apl_cache_ask_sync(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	if (cache == NULL) return apl_fail(L, &err);
	luaL_argcheck(L, strcmp(luaL_checkstring(L, 3), "quarantined") == 0, 3,
	              "nothing of a sync is called like that");
	uint64_t call = aps_runtime_next_id(cache->caches->box->runtime);
	struct aps_ask_sync_command *command = aps_ask_sync_command_new(cache->caches->client, call);
	apl_push_pending(L, command != NULL ? &command->head.mail : NULL);
	command->sync = id_of(L, 2);
	return post_numbered(L, cache, call);
}

void apl_sync_register(lua_State *L)
{
	static const luaL_Reg METHODS[] = {
	        {"sync", Apl_cache_sync},           {"stop_sync", Apl_cache_stop_sync},
	        {"sync_more", Apl_cache_sync_more}, {"settle_sync", Apl_cache_settle_sync},
	        {"fail_sync", Apl_cache_fail_sync}, {"give_sync_headers", Apl_cache_give_sync_headers},
	        {"ask_sync", Apl_cache_ask_sync},   {NULL, NULL},
	};
	apl_cache_add_methods(L, METHODS);
}

#include "binding/cache_keep_lua.h"

#include "binding/cache_lua.h"
#include "binding/err_lua.h"
#include "binding/fields.h"
#include "binding/operation_lua.h"
#include "cache/explain.h"
#include "cache/object_fields.h"
#include "client/channel.h"
#include "client/collect_commands.h"
#include "client/reader.h"

#define EXPLANATION "appsync.core.explanation"

/* Gives the command away. */
static enum aps_rc post(struct apl_cache *cache, struct aps_command *command, struct aps_err *err)
{
	if (command == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	return aps_runtime_post(cache->caches->box->runtime, command, err);
}

static uint64_t next_id(const struct apl_cache *cache)
{
	return aps_runtime_next_id(cache->caches->box->runtime);
}

/* The id that the RESULT has; nil, error */
static int push_id(lua_State *L, enum aps_rc rc, uint64_t id, const struct aps_err *err)
{
	if (rc != APS_OK) return apl_fail(L, err);
	apl_push_id(L, id);
	return 1;
}

/* cache:collect() → call */
static int Apl_cache_collect(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	if (cache == NULL) return apl_fail(L, &err);
	uint64_t call = next_id(cache);
	enum aps_rc rc = post(cache, aps_collect_command_new(cache->caches->client, cache->id, call), &err);
	return push_id(L, rc, call, &err);
}

static enum aps_rc post_clear(struct apl_cache *cache, struct aps_command *command, struct aps_err *err)
{
	aps_reader_clear(cache->reader);
	enum aps_rc rc = post(cache, command, err);
	if (rc != APS_OK) aps_reader_take_back_clear(cache->reader);
	return rc;
}

/* Edits that wait for the end of what was begun would be lost without a word. */
static enum aps_rc check_nothing_begun(const struct apl_cache *cache, struct aps_err *err)
{
	if (cache->n_begun == 0) return APS_OK;
	return aps_fail(err, APS_E_USAGE, "the cache can't be cleared while it is changed");
}

/* cache:clear() → true */
static int Apl_cache_clear(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	if (cache == NULL) return apl_fail(L, &err);
	if (check_nothing_begun(cache, &err) != APS_OK) return apl_fail(L, &err);
	enum aps_rc rc = post_clear(cache, aps_clear_command_new(cache->caches->client, cache->id), &err);
	if (rc != APS_OK) return apl_fail(L, &err);
	lua_pushboolean(L, 1);
	return 1;
}

/* cache:wipe() → call */
static int Apl_cache_wipe(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	if (cache == NULL) return apl_fail(L, &err);
	if (check_nothing_begun(cache, &err) != APS_OK) return apl_fail(L, &err);
	uint64_t call = next_id(cache);
	enum aps_rc rc = post_clear(cache, aps_wipe_command_new(cache->caches->client, cache->id, call), &err);
	return push_id(L, rc, call, &err);
}

/* cache:retain{document=, operation_name=, variables=} → retention */
static int Apl_cache_retain(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	luaL_checktype(L, 2, LUA_TTABLE);
	if (cache == NULL) return apl_fail(L, &err);
	struct aps_operation *operation = apl_push_operation(L);
	if (apl_read_operation(L, operation, &err) != APS_OK) return apl_fail(L, &err);
	uint64_t retention = next_id(cache);
	struct aps_retain_command *command = aps_retain_command_new(cache->caches->client, cache->id, retention);
	if (command != NULL) {
		command->operation = *operation;
		*operation = (struct aps_operation){.document = NULL};
	}
	enum aps_rc rc = post(cache, command != NULL ? &command->head : NULL, &err);
	return push_id(L, rc, retention, &err);
}

/* cache:release(retention): also from finalizers, where nothing can be thrown */
static int Apl_cache_release(lua_State *L)
{
	struct apl_cache **slot = luaL_checkudata(L, 1, "appsync.core.cache");
	uint64_t retention = apl_check_id(L, 2);
	struct apl_cache *cache = *slot;
	struct aps_err err;
	if (cache == NULL || cache->caches->is_closed) return 0;
	const struct aps_runtime *runtime = cache->caches->box->runtime;
	if (runtime == NULL || !aps_runtime_is_usable(runtime)) return 0;
	post(cache, aps_release_command_new(cache->caches->client, cache->id, retention), &err);
	return 0;
}

/* What is collected should something throw. */
struct explanation {
	struct aps_read_result result;
	struct aps_buf text;
};

static int Apl_explanation_gc(lua_State *L)
{
	struct explanation *explanation = lua_touserdata(L, 1);
	aps_read_result_clear(&explanation->result);
	aps_buf_clear(&explanation->text);
	return 0;
}

static struct explanation *push_explanation(lua_State *L)
{
	struct explanation *explanation = apl_newuserdata(L, sizeof *explanation);
	aps_read_result_init(&explanation->result, APL_MAX_BODY_BYTES);
	aps_buf_init(&explanation->text, APL_MAX_BODY_BYTES);
	luaL_getmetatable(L, EXPLANATION);
	lua_setmetatable(L, -2);
	return explanation;
}

/* cache:explain{document=, operation_name=, variables=} → {complete=, network=, fields={{path=, state=, key=}}} */
static int Apl_cache_explain(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	struct aps_explain explain;
	luaL_checktype(L, 2, LUA_TTABLE);
	if (cache == NULL) return apl_fail(L, &err);
	struct aps_operation *operation = apl_push_operation(L);
	struct explanation *explanation = push_explanation(L);
	aps_explain_init(&explain, aps_reader_entries(cache->reader), &explanation->text);
	const struct aps_read_options options = {
	        .root = APS_STR("RROOT_QUERY"),
	        .is_partial = true,
	        .now_s = aps_channel_now_s(cache->channel),
	        .observer = &explain.observer,
	};
	enum aps_rc rc = apl_read_operation(L, operation, &err);
	if (rc == APS_OK) rc = aps_reader_read(cache->reader, operation, &options, &explanation->result, &err);
	apl_cache_tell_damage(cache);
	if (rc == APS_OK) rc = aps_explain_finish(&explain, &err);
	if (rc == APS_OK)
		rc = apl_value_push(L, aps_buf_str(&explanation->text), cache->caches->big, APS_JSON_LENIENT, &err);
	return rc == APS_OK ? 1 : apl_fail(L, &err);
}

/* The text at [i] of the list at `index`, which keeps it. */
static struct aps_str text_at(lua_State *L, int index, int i)
{
	struct aps_str text = APS_STR("");
	lua_rawgeti(L, index, i);
	if (lua_type(L, -1) == LUA_TSTRING) text.p = lua_tolstring(L, -1, &text.n);
	lua_pop(L, 1);
	return text;
}

static enum aps_rc add_objects(const struct apl_cache *cache, const struct aps_operation *operation,
                               const struct aps_object_step *steps, size_t n_steps, struct aps_buf *out,
                               struct aps_err *err)
{
	struct aps_names names; /* of no record: that a name has no number is all that is asked of it */
	aps_names_init(&names, 0);
	struct aps_binding binding = {.policies = &cache->caches->settings->policies, .names = &names};
	enum aps_rc rc = aps_binding_init(&binding, operation->document, operation->definition,
	                                  aps_operation_variables(operation), err);
	if (rc == APS_OK) rc = aps_object_fields(out, &binding, steps, n_steps, err);
	aps_binding_clear(&binding);
	aps_names_clear(&names);
	return rc;
}

/* cache:object_fields({document=, operation_name=, variables=}, keys, types) → a list; nil, error */
static int Apl_cache_object_fields(lua_State *L)
{
	enum { CALL = 2, KEYS, TYPES };
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	luaL_checktype(L, CALL, LUA_TTABLE);
	luaL_checktype(L, KEYS, LUA_TTABLE);
	luaL_checktype(L, TYPES, LUA_TTABLE);
	if (cache == NULL) return apl_fail(L, &err);
	struct aps_operation *operation = apl_push_operation(L);
	size_t n_steps = lua_rawlen(L, KEYS);
	struct aps_object_step *steps = apl_newuserdata(L, (n_steps + 1) * sizeof *steps);
	for (size_t i = 0; i < n_steps; i++)
		steps[i] = (struct aps_object_step){text_at(L, KEYS, (int)i + 1), text_at(L, TYPES, (int)i + 1)};
	struct aps_buf *out = apl_push_buffer(L, APL_MAX_BODY_BYTES);
	enum aps_rc rc = apl_read_operation(L, operation, &err);
	if (rc == APS_OK) rc = add_objects(cache, operation, steps, n_steps, out, &err);
	if (rc == APS_OK) rc = apl_value_push(L, aps_buf_str(out), cache->caches->big, APS_JSON_LENIENT, &err);
	return rc == APS_OK ? 1 : apl_fail(L, &err);
}

void apl_cache_keep_register(lua_State *L)
{
	static const luaL_Reg METHODS[] = {
	        {"collect", Apl_cache_collect},
	        {"clear", Apl_cache_clear},
	        {"wipe", Apl_cache_wipe},
	        {"retain", Apl_cache_retain},
	        {"release", Apl_cache_release},
	        {"explain", Apl_cache_explain},
	        {"object_fields", Apl_cache_object_fields},
	        {NULL, NULL},
	};
	static const luaL_Reg NONE[] = {{NULL, NULL}};
	apl_cache_add_methods(L, METHODS);
	apl_register_class(L, EXPLANATION, Apl_explanation_gc, NONE);
}

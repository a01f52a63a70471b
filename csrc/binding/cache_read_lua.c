#include "binding/cache_read_lua.h"

#include "binding/cache_lua.h"
#include "binding/err_lua.h"
#include "binding/fields.h"
#include "binding/operation_lua.h"
#include "binding/value_build.h"
#include "client/channel.h"
#include "client/reader.h"

#define READING "appsync.core.reading"
/* With `max_bytes` a read fits into a frame: a row of the store takes some microseconds. */
#define MAX_ROWS 50

/* Its table has the userdata of the cache at [0], and the keys of what is read at their labels, from [1] on. */
struct reading {
	struct apl_cache **cache;
	struct aps_kept_read kept;
	uint64_t n_bindings; /* of `kept`, when the table was made */
	bool is_busy; /* what was read is needed, while values are made and a finalizer may read; or Lua has thrown */
};

static int Apl_reading_gc(lua_State *L)
{
	struct reading *reading = lua_touserdata(L, 1);
	aps_kept_read_clear(&reading->kept);
	return 0;
}

/* The table that keeps the cache at this index. */
static void give_table(lua_State *L, int reading, int cache)
{
	lua_createtable(L, 0, 1);
	lua_pushvalue(L, cache);
	lua_rawseti(L, -2, 0);
	apl_set_table(L, reading);
}

static struct reading *push_reading(lua_State *L, int cache, struct aps_gql_document *document,
                                    const struct aps_gql_operation *definition)
{
	struct reading *reading = apl_newuserdata_for_table(L, sizeof *reading);
	*reading = (struct reading){.cache = lua_touserdata(L, cache)};
	luaL_getmetatable(L, READING);
	lua_setmetatable(L, -2);
	aps_kept_read_init(&reading->kept, document, definition);
	give_table(L, lua_gettop(L), cache);
	return reading;
}

static int fail_read(lua_State *L, const struct aps_err *err)
{
	lua_pushnil(L);
	lua_pushnil(L);
	apl_push_err(L, err);
	return 3;
}

static int say_large(lua_State *L)
{
	for (int i = 0; i < 4; i++) lua_pushnil(L);
	lua_pushboolean(L, 1);
	return 5;
}

/* A list of the paths, each ended by a zero. */
static void push_missing(lua_State *L, const struct aps_buf *missing)
{
	int n = 0;
	lua_newtable(L);
	for (size_t at = 0; at < missing->n; at += strlen(missing->p + at) + 1) {
		lua_pushstring(L, missing->p + at);
		lua_rawseti(L, -2, ++n);
	}
}

enum arguments { SELF = 1, VARIABLES, IS_PARTIAL, KEY, MAX_BYTES, IS_EXACT, KNOWN };

/* What is read, in a buffer of its own: by the service's ids where temporary ones were given. */
struct asked {
	struct aps_str root, variables;
	struct aps_buf replaced_root, replaced_variables;
	bool is_replaced;
};

/* "R" and the record's key; without one the root. */
static struct aps_str push_root(lua_State *L)
{
	struct aps_str key;
	if (lua_isnil(L, KEY)) return APS_STR("RROOT_QUERY");
	luaL_checktype(L, KEY, LUA_TSTRING);
	lua_pushliteral(L, "R");
	lua_pushvalue(L, KEY);
	lua_concat(L, 2);
	key.p = lua_tolstring(L, -1, &key.n);
	return key;
}

static enum aps_rc replace_ids(struct apl_cache *cache, struct asked *asked, struct aps_err *err)
{
	struct aps_made_ids *ids = &cache->made_ids;
	struct aps_buf *root = &asked->replaced_root, *variables = &asked->replaced_variables;
	bool is_other_root = false, is_other = false;
	enum aps_rc rc = aps_made_ids_replace_in_key(ids, asked->root, root, &is_other_root, err);
	if (rc == APS_OK) rc = aps_made_ids_replace(ids, asked->variables, variables, &is_other, err);
	asked->is_replaced = is_other_root || is_other;
	return rc;
}

static enum aps_rc read_as(struct apl_cache *cache, struct aps_kept_read *kept, const struct aps_read_options *options,
                           const struct asked *asked, struct aps_err *err)
{
	struct aps_read_options of = *options;
	of.root = asked->replaced_root.n != 0 ? aps_buf_str(&asked->replaced_root) : asked->root;
	struct aps_str variables =
	        asked->replaced_variables.n != 0 ? aps_buf_str(&asked->replaced_variables) : asked->variables;
	return aps_reader_read_again(cache->reader, kept, variables, &of, err);
}

/* What lacks something by the service's ids may be there by the temporary ones still. */
static enum aps_rc read_asked(struct apl_cache *cache, struct aps_kept_read *kept,
                              const struct aps_read_options *options, struct asked *asked, struct aps_err *err)
{
	enum aps_rc rc = replace_ids(cache, asked, err);
	if (rc == APS_OK) rc = read_as(cache, kept, options, asked, err);
	if (rc == APS_OK && asked->is_replaced && kept->result.n_missing != 0 && !options->is_partial) {
		aps_buf_reset(&asked->replaced_root);
		aps_buf_reset(&asked->replaced_variables);
		rc = read_as(cache, kept, options, asked, err);
	}
	aps_buf_clear(&asked->replaced_root);
	aps_buf_clear(&asked->replaced_variables);
	return rc;
}

static enum aps_rc read(lua_State *L, struct apl_cache *cache, struct reading *reading, int64_t now_s,
                        struct aps_err *err)
{
	struct aps_kept_read *kept = &reading->kept;
	bool is_partial = lua_toboolean(L, IS_PARTIAL) != 0, is_exact = lua_toboolean(L, IS_EXACT) != 0;
	struct asked asked = {.root = push_root(L)};
	const struct aps_read_options options = {.is_partial = is_partial, .is_packed = true, .now_s = now_s};
	struct aps_buf *variables = apl_push_buffer(L, APL_MAX_BODY_BYTES);
	lua_pushvalue(L, VARIABLES);
	enum aps_rc rc = apl_write_variables(L, kept->definition, variables, err);
	lua_pop(L, 1);
	reading->is_busy = true;
	kept->result.data.max_bytes =
	        lua_isnil(L, MAX_BYTES) ? APL_MAX_BODY_BYTES : apl_size_of(lua_tonumber(L, MAX_BYTES));
	aps_reader_limit_rows(cache->reader, lua_isnil(L, MAX_BYTES) ? 0 : MAX_ROWS);
	asked.variables = aps_buf_str(variables);
	aps_buf_init(&asked.replaced_root, APL_MAX_BODY_BYTES);
	aps_buf_init(&asked.replaced_variables, APL_MAX_BODY_BYTES);
	if (rc == APS_OK && is_exact) rc = read_as(cache, kept, &options, &asked, err);
	if (rc == APS_OK && !is_exact) rc = read_asked(cache, kept, &options, &asked, err);
	aps_reader_limit_rows(cache->reader, 0);
	apl_release_buffer(L, -1);
	apl_cache_tell_damage(cache);
	return rc;
}

static enum aps_rc push_data(lua_State *L, const struct apl_cache *cache, struct reading *reading, struct aps_err *err)
{
	const struct aps_kept_read *kept = &reading->kept;
	const struct aps_packed packed = {aps_buf_str(&kept->result.data), kept->binding.labels,
	                                  kept->binding.n_labels};
	apl_push_table(L, SELF);
	if (reading->n_bindings != kept->n_bindings) { /* labels mean other keys */
		lua_rawgeti(L, -1, 0);
		give_table(L, SELF, lua_gettop(L));
		lua_pop(L, 2);
		apl_push_table(L, SELF);
		reading->n_bindings = kept->n_bindings;
	}
	return apl_value_push_packed(L, &packed, lua_gettop(L), cache->caches->big, err);
}

/* Whoever has seen this answer needs no more than its number. */
static bool is_known(lua_State *L, const struct aps_kept_read *kept)
{
	return kept->answer != 0 && lua_type(L, KNOWN) == LUA_TNUMBER &&
	       (uint64_t)lua_tonumber(L, KNOWN) == kept->answer;
}

static int push_answer(lua_State *L, struct apl_cache *cache, struct reading *reading)
{
	struct aps_err err = {0};
	const struct aps_read_result *result = &reading->kept.result;
	int64_t now_s = aps_channel_now_s(cache->channel);
	enum aps_rc rc = read(L, cache, reading, now_s, &err);
	if (rc == APS_E_TOO_BIG && !lua_isnil(L, MAX_BYTES)) return say_large(L);
	if (rc != APS_OK) return fail_read(L, &err);
	apl_cache_tell_uses(cache, now_s);
	bool is_whole = result->n_missing == 0, has_expired = result->n_expired != 0;
	if ((!is_whole && !lua_toboolean(L, IS_PARTIAL)) || is_known(L, &reading->kept))
		lua_pushnil(L);
	else if (push_data(L, cache, reading, &err) != APS_OK)
		return fail_read(L, &err);
	if (is_whole)
		lua_pushnil(L);
	else
		push_missing(L, &result->missing);
	lua_pushnil(L);
	lua_pushboolean(L, has_expired);
	lua_pushnil(L);
	if (reading->kept.answer == 0) return 5;
	apl_push_id(L, reading->kept.answer);
	return 6;
}

/* The arguments stand on the stack, and nothing else. */
static int answer(lua_State *L, struct apl_cache *cache, struct reading *reading)
{
	int n_results = push_answer(L, cache, reading);
	aps_kept_read_shrink(&reading->kept);
	reading->is_busy = false;
	return n_results;
}

/* luaL_checkudata() without looking for the name. */
static struct reading *check(lua_State *L)
{
	if (lua_getmetatable(L, SELF)) {
		lua_rawgeti(L, APL_UPVALUE_NAMES, APL_NAMES_READING);
		bool is_one = lua_rawequal(L, -1, -2) != 0;
		lua_pop(L, 2);
		if (is_one) return lua_touserdata(L, SELF);
	}
	return luaL_checkudata(L, SELF, READING);
}

/* reading:read(variables, partial, key, max_bytes, exact, known): as cache:read(), and the number of the answer where
 * it may be the next one, too. Where that is `known` there is no data. */
static int Apl_reading_read(lua_State *L)
{
	struct aps_err err = {0};
	struct reading *reading = check(L);
	struct apl_cache *cache = apl_cache_of(L, reading->cache, &err);
	lua_settop(L, KNOWN);
	if (cache == NULL) return fail_read(L, &err);
	if (reading->is_busy) {
		apl_push_table(L, SELF);
		lua_rawgeti(L, -1, 0);
		reading = push_reading(L, lua_gettop(L), reading->kept.document, reading->kept.definition);
		lua_replace(L, SELF);
		lua_settop(L, KNOWN);
	}
	return answer(L, cache, reading);
}

/* reading:rest() */
static int Apl_reading_rest(lua_State *L)
{
	struct reading *reading = check(L);
	if (!reading->is_busy) aps_kept_read_rest(&reading->kept);
	return 0;
}

/* cache:prepare{document=, operation_name= or fragment=} → reading */
static int Apl_cache_prepare(lua_State *L)
{
	struct aps_gql_document *document;
	apl_cache_check_type(L);
	luaL_checktype(L, 2, LUA_TTABLE);
	const struct aps_gql_operation *definition = apl_push_definition(L, &document);
	push_reading(L, 1, document, definition);
	return 1;
}

/* cache:read{document=, operation_name= or fragment=, key=, variables=, partial=, max_bytes=, exact=} → data,
 * missing: a list of paths, nil when all of it is there; without `partial` data is nil then; nil; true when something
 * of it has expired. nil, nil, error where it can't be read. nil, nil, nil, nil, true where it has more than
 * `max_bytes`, or MAX_ROWS of its records aren't in memory. `exact`: temporary ids are taken as they are. */
static int Apl_cache_read(lua_State *L)
{
	static const char *const NAMES[] = {"variables", "partial", "key", "max_bytes", "exact"};
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	luaL_checktype(L, 2, LUA_TTABLE);
	if (cache == NULL) return fail_read(L, &err);
	Apl_cache_prepare(L);
	struct reading *reading = lua_touserdata(L, -1);
	lua_replace(L, SELF);
	lua_settop(L, 2);
	for (size_t i = 0; i < APS_COUNTOF(NAMES); i++) lua_getfield(L, 2, NAMES[i]);
	lua_remove(L, 2);
	lua_settop(L, KNOWN);
	return answer(L, cache, reading);
}

void apl_cache_read_register(lua_State *L)
{
	static const luaL_Reg CACHE_METHODS[] = {
	        {"prepare", Apl_cache_prepare}, {"read", Apl_cache_read}, {NULL, NULL}};
	static const luaL_Reg METHODS[] = {{"read", Apl_reading_read}, {"rest", Apl_reading_rest}, {NULL, NULL}};
	apl_cache_add_methods(L, CACHE_METHODS);
	apl_register_class(L, READING, Apl_reading_gc, METHODS);
	luaL_getmetatable(L, READING);
	apl_value_keep(L, APL_NAMES_READING);
}

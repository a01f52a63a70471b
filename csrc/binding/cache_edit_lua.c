#include "binding/cache_edit_lua.h"

#include "binding/cache_lua.h"
#include "binding/err_lua.h"
#include "binding/fields.h"
#include "binding/merges_lua.h"
#include "binding/objects_lua.h"
#include "binding/operation_lua.h"
#include "cache/identity.h"
#include "client/cache_commands.h"
#include "client/reader.h"

#define ASKED "appsync.core.asked"

/* How the core is told of edits. */
typedef struct aps_command *make_command(uint64_t client, uint64_t cache, const struct aps_caching_edits *edits);

/* Gives what was added to the core; on failure it is shown no more. */
static enum aps_rc post_with(struct apl_cache *cache, make_command *make, uint64_t layer, struct aps_err *err)
{
	struct aps_edits *edits = NULL;
	uint64_t number = aps_reader_close_edits(cache->reader, &edits);
	if (number == 0 && layer == 0) return APS_OK;
	const struct aps_caching_edits what = {layer, number, edits};
	struct aps_command *command = make(cache->caches->client, cache->id, &what);
	aps_edits_unref(edits);
	enum aps_rc rc = command != NULL ? aps_runtime_post(cache->caches->box->runtime, command, err)
	                                 : aps_fail(err, APS_E_NOMEM, "no memory for what is written into the cache");
	if (rc != APS_OK && number != 0) aps_edits_unref(aps_reader_take_back(cache->reader));
	return rc;
}

static enum aps_rc post(struct apl_cache *cache, struct aps_err *err)
{
	return post_with(cache, aps_edit_command_new, 0, err);
}

static int push_outcome(lua_State *L, enum aps_rc rc, const struct aps_err *err)
{
	if (rc != APS_OK) return apl_fail(L, err);
	lua_pushboolean(L, 1);
	return 1;
}

/* true; nil, error */
static int edit(lua_State *L, struct apl_cache *cache, const struct aps_edit_what *what)
{
	struct aps_err err = {0};
	enum aps_rc rc = aps_reader_edit(cache->reader, what, &err);
	if (rc == APS_OK && what->merges != NULL) what->merges->is_settled = true;
	apl_cache_tell_damage(cache);
	if (rc == APS_OK && cache->n_begun == 0) rc = post(cache, &err);
	return push_outcome(L, rc, &err);
}

static struct aps_str check_text(lua_State *L, int index)
{
	struct aps_str text;
	text.p = luaL_checklstring(L, index, &text.n);
	return text;
}

/* Pushes a buffer with the JSON of the value at `index`. NULL: *err says why. */
static struct aps_buf *push_json(lua_State *L, int index, const char *name, struct aps_err *err)
{
	struct aps_json_writer w;
	index = lua_absindex(L, index);
	struct aps_buf *json = apl_push_buffer(L, APL_MAX_BODY_BYTES);
	aps_json_writer_init(&w, json);
	return apl_value_write_kept(L, index, name, &w, err) == APS_OK ? json : NULL;
}

/* The type of the record at `key`, as far as that tells it: one that the application's function has made may begin with
 * anything. */
static struct aps_str type_in(struct aps_str key, const struct aps_operation *operation,
                              const struct aps_policies *policies)
{
	const char *colon = memchr(key.p, ':', key.n);
	const struct aps_str condition = operation->definition->node->text;
	const struct aps_str type = {key.p, colon != NULL ? (size_t)(colon - key.p) : 0};
	if (type.n == 0) return condition;
	bool is_known = !policies->asks_all || aps_policies_match(policies, condition, type) == APS_TYPE_MATCHES;
	return is_known ? type : condition;
}

/* What a write is made of; what it points to lies on the stack. */
struct writing {
	struct aps_str key;
	struct aps_operation *operation;
	struct aps_str data;     /* completed */
	struct aps_asked *asked; /* NULL: nothing was asked */
	struct aps_asked_merges *merges;
};

/* Of the table at index 2. */
static enum aps_rc push_writing(lua_State *L, struct apl_cache *cache, struct writing *writing, struct aps_err *err)
{
	*writing = (struct writing){.key = APS_STR("ROOT_QUERY")};
	apl_field_str(L, 2, "key", &writing->key);
	writing->operation = apl_push_operation(L);
	enum aps_rc rc = apl_read_operation(L, writing->operation, err);
	if (rc != APS_OK) return rc;
	lua_getfield(L, 2, "merges");
	if (!lua_isnil(L, -1)) writing->merges = apl_merges_check(L, -1);
	lua_getfield(L, 2, "objects");
	if (!lua_isnil(L, -1)) {
		writing->asked = apl_objects_asked(L, -1, &writing->data);
		return APS_OK;
	}
	lua_getfield(L, 2, "data");
	struct aps_buf *given = push_json(L, -1, "data", err);
	if (given == NULL) return err->code;
	struct aps_buf *data = apl_push_buffer(L, APL_MAX_BODY_BYTES);
	rc = aps_reader_complete(cache->reader, writing->operation,
	                         type_in(writing->key, writing->operation, &cache->caches->settings->policies),
	                         aps_buf_str(given), data, err);
	writing->data = aps_buf_str(data);
	return rc;
}

/* cache:write{document=, operation_name= or fragment=, key=, variables=, data= or objects=, merges=} → true; nil,
 * error; its code "asked": some of the merges are open, and nothing is written yet */
static int Apl_cache_write(lua_State *L)
{
	struct aps_err err = {0};
	struct writing writing;
	struct apl_cache *cache = apl_cache_check(L, &err);
	luaL_checktype(L, 2, LUA_TTABLE);
	if (cache == NULL || push_writing(L, cache, &writing, &err) != APS_OK) return apl_fail(L, &err);
	const struct aps_edit_what what = {
	        .kind = APS_EDIT_WRITE,
	        .key = writing.key,
	        .document = writing.operation->document,
	        .definition = writing.operation->definition,
	        .variables = aps_operation_variables(writing.operation),
	        .json = writing.data,
	        .now_s = aps_channel_now_s(cache->channel),
	        .asked = writing.asked,
	        .merges = writing.merges,
	};
	return edit(L, cache, &what);
}

/* cache:merges() → merges, for a write */
static int Apl_cache_merges(lua_State *L)
{
	struct aps_err err = {0};
	const struct apl_cache *cache = apl_cache_check(L, &err);
	if (cache == NULL) return apl_fail(L, &err);
	apl_merges_push(L, cache->caches->big);
	return 1;
}

static int Apl_asked_gc(lua_State *L)
{
	struct aps_asked **slot = luaL_checkudata(L, 1, ASKED);
	aps_asked_unref(*slot);
	*slot = NULL;
	return 0;
}

/* cache:objects{…, as of write, data=} → objects, or nil: there is nothing to ask; nil, error */
static int Apl_cache_objects(lua_State *L)
{
	struct aps_err err = {0};
	struct writing writing;
	struct apl_cache *cache = apl_cache_check(L, &err);
	luaL_checktype(L, 2, LUA_TTABLE);
	if (cache == NULL || push_writing(L, cache, &writing, &err) != APS_OK) return apl_fail(L, &err);
	struct aps_asked **slot = apl_newuserdata(L, sizeof(struct aps_asked *));
	*slot = NULL;
	luaL_getmetatable(L, ASKED);
	lua_setmetatable(L, -2);
	*slot = aps_asked_new();
	if (*slot == NULL) return luaL_error(L, "not enough memory");
	if (aps_reader_scan(cache->reader, writing.operation, writing.data, *slot, &err) != APS_OK)
		return apl_fail(L, &err);
	if (aps_asked_count(*slot) != 0)
		apl_objects_push(L, *slot, writing.data, cache->caches->big);
	else
		lua_pushnil(L);
	return 1;
}

static int set(lua_State *L, enum aps_edit_kind kind)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	if (cache == NULL) return apl_fail(L, &err);
	struct aps_edit_what what = {
	        .kind = kind,
	        .key = check_text(L, 2),
	        .field = check_text(L, 3),
	        .is_apart = lua_toboolean(L, 4) != 0,
	};
	lua_settop(L, 5);
	if (!lua_isnil(L, 5)) {
		const struct aps_buf *json = push_json(L, 5, "value", &err);
		if (json == NULL) return apl_fail(L, &err);
		what.json = aps_buf_str(json);
	}
	return edit(L, cache, &what);
}

/* cache:set(key, field, is_apart, value): `value` nil takes the field away */
static int Apl_cache_set(lua_State *L)
{
	return set(L, APS_EDIT_SET);
}

/* cache:edit_list(key, field, is_apart, edits): of a list of records, which isn't read for that; where none is, nothing
 * happens. `edits`: {__edits = {…}}, for a list in embedded objects in {__fields = {name = …}} */
static int Apl_cache_edit_list(lua_State *L)
{
	luaL_checktype(L, 5, LUA_TTABLE);
	return set(L, APS_EDIT_LIST);
}

/* cache:evict(key, field) */
static int Apl_cache_evict(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	if (cache == NULL) return apl_fail(L, &err);
	const struct aps_edit_what what = {
	        .kind = APS_EDIT_EVICT,
	        .key = check_text(L, 2),
	        .field = lua_isnoneornil(L, 3) ? APS_STR("") : check_text(L, 3),
	};
	return edit(L, cache, &what);
}

/* cache:field(key, field) → a list; nil, error */
static int Apl_cache_field(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	if (cache == NULL) return apl_fail(L, &err);
	struct aps_str key = check_text(L, 2), field = check_text(L, 3);
	struct aps_buf *json = apl_push_buffer(L, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_reader_field(cache->reader, key, field, json, &err);
	apl_cache_tell_damage(cache);
	if (rc == APS_OK) rc = apl_value_push(L, aps_buf_str(json), cache->caches->big, APS_JSON_LENIENT, &err);
	return rc == APS_OK ? 1 : apl_fail(L, &err);
}

/* cache:begin(is_hoped) → depth: `is_hoped` of the first one counts. What is written is an optimistic layer; or it is
 * for good, and what is only hoped for isn't seen. */
static int Apl_cache_begin(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	if (cache == NULL) return apl_fail(L, &err);
	if (cache->n_begun++ == 0) {
		aps_reader_hope(cache->reader, lua_toboolean(L, 2) != 0);
		aps_reader_look_below(cache->reader, lua_toboolean(L, 2) == 0);
	}
	lua_pushinteger(L, cache->n_begun);
	return 1;
}

static void end(struct apl_cache *cache)
{
	cache->n_begun = 0;
	aps_reader_hope(cache->reader, false);
	aps_reader_look_below(cache->reader, false);
}

static int Apl_cache_commit(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	if (cache == NULL) return apl_fail(L, &err);
	if (cache->n_begun == 0) return luaL_error(L, "commit() without begin()");
	if (cache->n_begun > 1) {
		cache->n_begun--;
		return push_outcome(L, APS_OK, &err);
	}
	end(cache);
	return push_outcome(L, post(cache, &err), &err);
}

/* cache:drop(): all that was begun is as if it had never been */
static int Apl_cache_drop(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	if (cache == NULL) return apl_fail(L, &err);
	if (cache->n_begun == 0) return luaL_error(L, "drop() without begin()");
	end(cache);
	if (aps_reader_has_open_edits(cache->reader)) aps_edits_unref(aps_reader_take_back(cache->reader));
	return 0;
}

/* cache:add_layer() → layer: of what was begun */
static int Apl_cache_add_layer(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	if (cache == NULL) return apl_fail(L, &err);
	uint64_t layer = aps_runtime_next_id(cache->caches->box->runtime);
	enum aps_rc rc = post_with(cache, aps_layer_command_new, layer, &err);
	end(cache);
	if (rc != APS_OK) return apl_fail(L, &err);
	apl_push_id(L, layer);
	return 1;
}

/* cache:settle_layer(layer): for what was begun, if anything was. Late ones are ignored. */
static int Apl_cache_settle_layer(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check_late(L);
	uint64_t layer = lua_isnoneornil(L, 2) ? 0 : apl_check_id(L, 2);
	if (cache == NULL) return 0;
	bool has_edits = aps_reader_has_open_edits(cache->reader);
	enum aps_rc rc = post_with(cache, aps_settle_command_new, layer, &err);
	if (cache->n_begun != 0) end(cache);
	return layer != 0 || has_edits ? push_outcome(L, rc, &err) : 0;
}

/* cache:mark() → n */
static int Apl_cache_mark(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	lua_pushnumber(L, cache != NULL ? (lua_Number)aps_reader_count_changes(cache->reader) : 0);
	return 1;
}

/* cache:changes_since(n) → a list of texts */
static int Apl_cache_changes_since(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	size_t n_before = (size_t)luaL_checknumber(L, 2);
	int n = 0;
	struct aps_buf *texts = apl_push_buffer(L, APS_BUF_ANY_SIZE);
	if (cache != NULL) aps_reader_changes_since(cache->reader, n_before, texts);
	lua_newtable(L);
	for (size_t at = 0; at < texts->n; at += strlen(texts->p + at) + 1) {
		lua_pushstring(L, texts->p + at);
		lua_rawseti(L, -2, ++n);
	}
	return 1;
}

/* A table whose identity is asked for. */
struct object {
	lua_State *L;
	int table;
};

/* Nothing is pushed: what is found stays where it is as long as the table has it. */
static bool get(lua_State *L, int table, struct aps_str name, struct aps_cell *value)
{
	lua_pushlstring(L, name.p, name.n);
	lua_rawget(L, table);
	lua_Number number = lua_tonumber(L, -1);
	bool is_integral = lua_type(L, -1) == LUA_TNUMBER && number >= -9007199254740992.0 &&
	                   number <= 9007199254740992.0 && (lua_Number)(int64_t)number == number;
	*value = (struct aps_cell){.tag = APS_CELL_NULL};
	if (lua_type(L, -1) == LUA_TSTRING) {
		value->tag = APS_CELL_STRING;
		value->text.p = lua_tolstring(L, -1, &value->text.n);
	} else if (lua_isinteger(L, -1) || is_integral) {
		value->tag = APS_CELL_INT;
		value->as.integer = lua_isinteger(L, -1) ? (int64_t)lua_tointeger(L, -1) : (int64_t)number;
	} else if (lua_type(L, -1) == LUA_TNUMBER) {
		value->tag = APS_CELL_DOUBLE;
		value->as.number = (double)number;
	} else if (lua_isboolean(L, -1)) {
		value->tag = lua_toboolean(L, -1) ? APS_CELL_TRUE : APS_CELL_FALSE;
	}
	bool is_there = !lua_isnil(L, -1);
	lua_pop(L, 1);
	return is_there;
}

static bool get_path(void *of, struct aps_str path, struct aps_cell *value)
{
	const struct object *object = of;
	lua_State *L = object->L;
	int top = lua_gettop(L);
	luaL_checkstack(L, 4, "identify");
	lua_pushvalue(L, object->table);
	const char *dot;
	while ((dot = memchr(path.p, '.', path.n)) != NULL && lua_istable(L, -1)) {
		size_t n = (size_t)(dot - path.p);
		lua_pushlstring(L, path.p, n);
		lua_rawget(L, -2);
		lua_remove(L, -2);
		path = (struct aps_str){dot + 1, path.n - n - 1};
	}
	bool is_there = lua_istable(L, -1) && get(L, lua_gettop(L), path, value);
	lua_settop(L, top);
	return is_there;
}

int apl_identify(lua_State *L, const struct aps_policies *policies)
{
	luaL_checktype(L, 2, LUA_TTABLE);
	lua_settop(L, 2);
	struct object object = {L, 2};
	struct aps_cell type;
	if (get(L, 2, APS_STR("__ref"), &type) && type.tag == APS_CELL_STRING) {
		lua_pushlstring(L, type.text.p, type.text.n);
		return 1;
	}
	struct aps_buf *key = apl_push_buffer(L, APL_MAX_BODY_BYTES);
	bool is_known = get(L, 2, APS_STR("__typename"), &type) && type.tag == APS_CELL_STRING &&
	                aps_identity_of(key, policies, type.text, get_path, &object);
	if (is_known)
		lua_pushlstring(L, key->p, key->n);
	else
		lua_pushnil(L);
	apl_release_buffer(L, 3);
	return 1;
}

/* cache:identify(object) → key, or nil: it has none */
static int Apl_cache_identify(lua_State *L)
{
	struct aps_err err = {0};
	const struct apl_cache *cache = apl_cache_check(L, &err);
	return cache != NULL ? apl_identify(L, &cache->caches->settings->policies) : apl_fail(L, &err);
}

void apl_cache_edit_register(lua_State *L)
{
	static const luaL_Reg METHODS[] = {
	        {"write", Apl_cache_write},
	        {"objects", Apl_cache_objects},
	        {"merges", Apl_cache_merges},
	        {"set", Apl_cache_set},
	        {"edit_list", Apl_cache_edit_list},
	        {"evict", Apl_cache_evict},
	        {"field", Apl_cache_field},
	        {"begin", Apl_cache_begin},
	        {"commit", Apl_cache_commit},
	        {"drop", Apl_cache_drop},
	        {"identify", Apl_cache_identify},
	        {"add_layer", Apl_cache_add_layer},
	        {"settle_layer", Apl_cache_settle_layer},
	        {"mark", Apl_cache_mark},
	        {"changes_since", Apl_cache_changes_since},
	        {NULL, NULL},
	};
	static const luaL_Reg NONE[] = {{NULL, NULL}};
	apl_cache_add_methods(L, METHODS);
	apl_register_class(L, ASKED, Apl_asked_gc, NONE);
}

#include "binding/value.h"

#include "base/mem.h"

#define NAMES_TABLE      "appsync.names"     /* its name in the registry */
#define BUFFER_METATABLE "appsync.buffer"    /* its name in the registry */
#define ARENA_METATABLE  "appsync.arena"     /* its name in the registry */
#define KEPT_BYTES       ((size_t)64 * 1024) /* a larger buffer is freed when it is given back */

static int Apl_buffer_gc(lua_State *L)
{
	aps_buf_clear(lua_touserdata(L, 1));
	return 0;
}

static int Apl_arena_gc(lua_State *L)
{
	aps_arena_clear(lua_touserdata(L, 1));
	return 0;
}

static void make_metatable(lua_State *L, const char *name, lua_CFunction gc)
{
	if (luaL_newmetatable(L, name)) {
		lua_pushcfunction(L, gc);
		lua_setfield(L, -2, "__gc");
	}
	lua_pop(L, 1);
}

/* names[key] = package.loaded.cjson[field], where that is there. Raw: C never calls Lua. */
static void keep_cjson_field(lua_State *L, int names, const char *field, enum apl_names_key key)
{
	const char *const path[] = {"_LOADED", "cjson", field};
	int top = lua_gettop(L);
	lua_pushvalue(L, LUA_REGISTRYINDEX);
	for (size_t i = 0; i < APS_COUNTOF(path) && lua_istable(L, -1); i++) {
		lua_pushstring(L, path[i]);
		lua_rawget(L, -2);
	}
	if (lua_gettop(L) == top + 4) lua_rawseti(L, names, key);
	lua_settop(L, top);
}

/* Pushes the table of this Lua state, made on first use. */
static void push_names(lua_State *L)
{
	lua_pushliteral(L, NAMES_TABLE);
	lua_rawget(L, LUA_REGISTRYINDEX);
	if (!lua_isnil(L, -1)) return;
	lua_pop(L, 1);
	lua_newtable(L);
	int names = lua_gettop(L);
	lua_pushboolean(L, 0);
	lua_rawseti(L, names, APL_NAMES_BUFFER);
	lua_pushliteral(L, NAMES_TABLE);
	lua_pushvalue(L, names);
	lua_rawset(L, LUA_REGISTRYINDEX);
	make_metatable(L, BUFFER_METATABLE, Apl_buffer_gc);
	make_metatable(L, ARENA_METATABLE, Apl_arena_gc);
}

void apl_value_keep(lua_State *L, enum apl_names_key key)
{
	push_names(L);
	lua_insert(L, -2);
	lua_rawseti(L, -2, key);
	lua_pop(L, 1);
}

void apl_register(lua_State *L, const luaL_Reg *functions)
{
	luaL_checkstack(L, 8, NULL);
	luaL_newmetatable(L, APL_ARRAY_METATABLE);
	push_names(L);
	keep_cjson_field(L, lua_gettop(L), "array_mt", APL_NAMES_CJSON_ARRAY);
	keep_cjson_field(L, lua_gettop(L), "empty_array", APL_NAMES_CJSON_EMPTY);
	luaL_setfuncs(L, functions, 2);
}

enum apl_big_integers apl_check_big_integers(lua_State *L, int index)
{
	static const char *const modes[] = {"rounded", "string", "safe", NULL}; /* as in enum apl_big_integers */
	return (enum apl_big_integers)luaL_checkoption(L, index, "rounded", modes);
}

enum aps_json_strictness apl_check_strictness(lua_State *L, int index)
{
	static const char *const names[] = {"strict", "lenient", NULL};
	return luaL_checkoption(L, index, "strict", names) == 0 ? APS_JSON_STRICT : APS_JSON_LENIENT;
}

void apl_register_class(lua_State *L, const char *name, lua_CFunction gc, const luaL_Reg *methods)
{
	luaL_newmetatable(L, name);
	lua_pushcfunction(L, gc);
	lua_setfield(L, -2, "__gc");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_newtable(L);
	apl_register(L, methods);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
}

struct aps_buf *apl_push_buffer(lua_State *L, size_t max_bytes)
{
	luaL_checkstack(L, 3, NULL);
	lua_rawgeti(L, APL_UPVALUE_NAMES, APL_NAMES_BUFFER);
	struct aps_buf *buf = lua_touserdata(L, -1);
	if (buf != NULL) {
		/* Out of the slot while it is used: a finalizer may run in between and convert values too. */
		lua_pushboolean(L, 0);
		lua_rawseti(L, APL_UPVALUE_NAMES, APL_NAMES_BUFFER);
		aps_buf_reset(buf);
		buf->max_bytes = max_bytes;
		return buf;
	}
	lua_pop(L, 1);
	buf = apl_newuserdata(L, sizeof *buf);
	aps_buf_init(buf, max_bytes);
	luaL_getmetatable(L, BUFFER_METATABLE);
	lua_setmetatable(L, -2);
	return buf;
}

void apl_release_buffer(lua_State *L, int index)
{
	index = lua_absindex(L, index);
	struct aps_buf *buf = lua_touserdata(L, index);
	if (buf == NULL) return;
	if (buf->capacity > KEPT_BYTES) aps_buf_clear(buf);
	luaL_checkstack(L, 1, NULL);
	lua_pushvalue(L, index);
	lua_rawseti(L, APL_UPVALUE_NAMES, APL_NAMES_BUFFER);
	lua_pushnil(L);
	lua_replace(L, index);
}

struct aps_arena *apl_push_arena(lua_State *L)
{
	luaL_checkstack(L, 3, NULL);
	struct aps_arena *arena = apl_newuserdata(L, sizeof *arena);
	aps_arena_init(arena, APS_BUF_ANY_SIZE);
	luaL_getmetatable(L, ARENA_METATABLE);
	lua_setmetatable(L, -2);
	return arena;
}

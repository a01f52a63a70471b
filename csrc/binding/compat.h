/* The few differences between PUC Lua 5.1, 5.3, 5.4 and LuaJIT; the only file that looks at LUA_VERSION_NUM. */
#ifndef APS_BINDING_COMPAT_H
#define APS_BINDING_COMPAT_H

#include "base/macros.h"

#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#if LUA_VERSION_NUM < 502
#define lua_rawlen(L, index) lua_objlen((L), (index))
/* LuaJIT's own headers declare some of these: one object must serve PUC 5.1 too, which lacks them. */
#undef luaL_newlib
#undef luaL_setfuncs
#define luaL_newlib(L, functions) (lua_newtable(L), luaL_register((L), NULL, (functions)))
#define luaL_setfuncs             apl_setfuncs

static inline APS_UNUSED void apl_setfuncs(lua_State *L, const luaL_Reg *functions, int n_upvalues)
{
	for (; functions->name != NULL; functions++) {
		for (int i = 0; i < n_upvalues; i++) lua_pushvalue(L, -n_upvalues);
		lua_pushcclosure(L, functions->func, n_upvalues);
		lua_setfield(L, -(n_upvalues + 2), functions->name);
	}
	lua_pop(L, n_upvalues);
}

static inline APS_UNUSED int lua_absindex(lua_State *L, int index)
{
	return index > 0 || index <= LUA_REGISTRYINDEX ? index : lua_gettop(L) + index + 1;
}
#endif

/* 5.3 and later keep 64-bit integers apart from floats. */
#if LUA_VERSION_NUM >= 503
#define APL_HAS_INTEGERS 1
#else
#define APL_HAS_INTEGERS        0
#define lua_isinteger(L, index) ((void)(L), (void)(index), 0)
#endif

/* Whose hash of a string is of a sample of its bytes; 5.4 dropped that for keys in its third release. Longer strings
 * than `APL_MAX_SHARED_BYTES` are hashed as keys only. */
#if LUA_VERSION_NUM < 502
#define APL_HASHES_SAMPLES   1
#define APL_MAX_SHARED_BYTES SIZE_MAX
#else
#define APL_HASHES_SAMPLES   (LUA_VERSION_NUM < 504 || LUA_VERSION_RELEASE_NUM < 50403)
#define APL_MAX_SHARED_BYTES 40
#endif

#if LUA_VERSION_NUM >= 504
#define apl_newuserdata(L, n_bytes) lua_newuserdatauv((L), (n_bytes), 0)
#else
#define apl_newuserdata(L, n_bytes) lua_newuserdata((L), (n_bytes))
#endif

/* A userdata with a table of its own, which stands on top of the stack and is taken from there. */
#if LUA_VERSION_NUM >= 504
#define apl_newuserdata_for_table(L, n_bytes) lua_newuserdatauv((L), (n_bytes), 1)
#define apl_set_table(L, index)               ((void)lua_setiuservalue((L), (index), 1))
#define apl_push_table(L, index)              ((void)lua_getiuservalue((L), (index), 1))
#elif LUA_VERSION_NUM >= 502
#define apl_newuserdata_for_table(L, n_bytes) lua_newuserdata((L), (n_bytes))
#define apl_set_table(L, index)               ((void)lua_setuservalue((L), (index)))
#define apl_push_table(L, index)              ((void)lua_getuservalue((L), (index)))
#else
#define apl_newuserdata_for_table(L, n_bytes) lua_newuserdata((L), (n_bytes))
#define apl_set_table(L, index)               ((void)lua_setfenv((L), (index)))
#define apl_push_table(L, index)              lua_getfenv((L), (index))
#endif

/* A string as C has it: one with a zero byte in it would end there, unnoticed. */
static inline APS_UNUSED const char *apl_check_cstring(lua_State *L, int index)
{
	size_t n;
	const char *text = luaL_checklstring(L, index, &n);
	if (strlen(text) != n) luaL_argerror(L, index, "a string without zero bytes expected");
	return text;
}

#endif

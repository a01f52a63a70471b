#include "binding/basics_lua.h"

#include "base/clock.h"
#include "binding/err_lua.h"
#include "binding/fields.h"
#include "binding/strings.h"
#include "binding/value.h"
#include "client/process.h"

#include <time.h>

#define VERSION        "0.1.0"
#define MAX_PAUSE_S    1.0
#define MAX_TEXT_BYTES ((size_t)1024 * 1024 * 1024)

static int Apl_encode(lua_State *L)
{
	struct aps_err err = {0};
	struct aps_json_writer w;
	luaL_checkany(L, 1);
	const char *name = luaL_optstring(L, 2, "value");
	struct aps_buf *buf = apl_push_buffer(L, MAX_TEXT_BYTES);
	aps_json_writer_init(&w, buf);
	if (apl_value_write(L, 1, name, &w, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushlstring(L, buf->p, buf->n);
	apl_release_buffer(L, -2);
	return 1;
}

static int Apl_decode(lua_State *L)
{
	struct aps_err err = {0};
	struct aps_str text;
	text.p = luaL_checklstring(L, 1, &text.n);
	enum apl_big_integers big = apl_check_big_integers(L, 2);
	if (apl_value_push(L, text, big, apl_check_strictness(L, 3), &err) == APS_OK) return 1;
	return apl_fail(L, &err);
}

static int Apl_now(lua_State *L)
{
	lua_pushnumber(L, aps_clock_mono_s());
	return 1;
}

/* For waits without a runtime. */
static int Apl_pause(lua_State *L)
{
	double seconds = (double)luaL_checknumber(L, 1);
	if (!(seconds > 0)) return 0;
	if (seconds > MAX_PAUSE_S) seconds = MAX_PAUSE_S;
	struct timespec left = {.tv_sec = (time_t)seconds};
	left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
	nanosleep(&left, NULL); /* a signal may end it early: the caller looks at the clock */
	return 0;
}

static int Apl_wall(lua_State *L)
{
	lua_pushnumber(L, (lua_Number)aps_clock_wall_ms() / 1000.0);
	return 1;
}

/* wrapped_by(fn): the coroutine of a function of coroutine.wrap. Lua 5.1 shows no upvalue of a C function. */
static int Apl_wrapped_by(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TFUNCTION);
	if (!lua_iscfunction(L, 1) || !lua_getupvalue(L, 1, 1) || !lua_isthread(L, -1)) lua_pushnil(L);
	return 1;
}

/* is_plain_stack(): whether only Lua functions that were called by a name, or as a tail, stand between here and the
 * start of the coroutine. PUC 5.1 can suspend there. It makes no garbage, as debug.getinfo would. */
static int Apl_is_plain_stack(lua_State *L)
{
	lua_Debug at;
	bool is_plain = true, is_unnamed = false;
	for (int level = 1; is_plain && lua_getstack(L, level, &at); level++) {
		lua_getinfo(L, "nS", &at);
		bool is_tail = at.what[0] == 't';
		is_plain = at.what[0] != 'C' && (is_tail || !is_unnamed);
		if (at.name && strcmp(at.name, "(for generator)") == 0) is_plain = false;
		is_unnamed = !is_tail && !at.name;
	}
	lua_pushboolean(L, is_plain);
	return 1;
}

/* The main thread. Lua 5.1 tells it only to a module that is loaded there; elsewhere it is nil. */
static void push_main_thread(lua_State *L)
{
#ifdef LUA_RIDX_MAINTHREAD
	lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
#else
	if (lua_pushthread(L)) return;
	lua_pop(L, 1);
	lua_pushnil(L);
#endif
}

/* One table of this state, with weak values, however often the module is loaded. */
static void push_claims(lua_State *L)
{
	static const char KEY[] = "appsync.core.claims";
	lua_getfield(L, LUA_REGISTRYINDEX, KEY);
	if (!lua_isnil(L, -1)) return;
	lua_pop(L, 1);
	lua_newtable(L);
	lua_createtable(L, 0, 1);
	lua_pushliteral(L, "v");
	lua_setfield(L, -2, "__mode");
	lua_setmetatable(L, -2);
	lua_pushvalue(L, -1);
	lua_setfield(L, LUA_REGISTRYINDEX, KEY);
}

static const luaL_Reg FUNCTIONS[] = {
        {"encode", Apl_encode},
        {"decode", Apl_decode},
        {"now", Apl_now},
        {"wall", Apl_wall},
        {"pause", Apl_pause},
        {"wrapped_by", Apl_wrapped_by},
        {"is_plain_stack", Apl_is_plain_stack},
        {NULL, NULL},
};

void apl_basics_register(lua_State *L)
{
	apl_register(L, FUNCTIONS);
	lua_pushliteral(L, VERSION);
	lua_setfield(L, -2, "version");
	lua_pushlightuserdata(L, NULL);
	lua_setfield(L, -2, "null");
	luaL_newmetatable(L, APL_ARRAY_METATABLE);
	lua_setfield(L, -2, "array_mt");
	lua_pushboolean(L, aps_process_is_nginx());
	lua_setfield(L, -2, "is_nginx");
	push_main_thread(L);
	lua_setfield(L, -2, "main");
	push_claims(L);
	lua_setfield(L, -2, "claims");
}

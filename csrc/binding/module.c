/* luaopen_appsync_core: assembles the C module. */
#include "base/clock.h"
#include "base/rand.h"
#include "binding/builder_lua.h"
#include "binding/client_lua.h"
#include "binding/err_lua.h"
#include "binding/event_lua.h"
#include "binding/file_lua.h"
#include "binding/gql_lua.h"
#include "binding/runtime_lua.h"
#include "binding/sign_lua.h"
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

static int Apl_uuid(lua_State *L)
{
	struct aps_rand rand;
	char text[APS_UUID_CHARS + 1];
	aps_rand_init_system(&rand);
	aps_rand_uuid(&rand, text);
	lua_pushlstring(L, text, APS_UUID_CHARS);
	return 1;
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

static const luaL_Reg FUNCTIONS[] = {
        {"encode", Apl_encode}, {"decode", Apl_decode}, {"uuid", Apl_uuid}, {"now", Apl_now},
        {"wall", Apl_wall},     {"pause", Apl_pause},   {NULL, NULL},
};

APS_EXPORT int luaopen_appsync_core(lua_State *L);

APS_EXPORT int luaopen_appsync_core(lua_State *L)
{
	aps_process_load();
	lua_newtable(L);
	apl_register(L, FUNCTIONS);
	apl_builder_register(L);
	apl_file_register(L);
	apl_gql_register(L);
	apl_sign_register(L);
	apl_runtime_register(L);
	apl_client_register(L);
	apl_event_register(L);
	lua_pushliteral(L, VERSION);
	lua_setfield(L, -2, "version");
	lua_pushlightuserdata(L, NULL);
	lua_setfield(L, -2, "null");
	luaL_newmetatable(L, APL_ARRAY_METATABLE);
	lua_setfield(L, -2, "array_mt");
	lua_pushboolean(L, aps_process_is_nginx());
	lua_setfield(L, -2, "is_nginx");
	return 1;
}

#include "binding/uuid_lua.h"

#include "base/rand.h"
#include "binding/value.h"
#include "sync/own_ids.h"

#define OWN_IDS "appsync.core.own_ids"

static int Apl_own_ids_gc(lua_State *L)
{
	aps_own_ids_clear(lua_touserdata(L, 1));
	return 0;
}

/* uuid() → text */
static int Apl_uuid(lua_State *L)
{
	struct aps_rand rand;
	char text[APS_UUID_CHARS + 1];
	aps_rand_init_system(&rand);
	aps_rand_uuid(&rand, text);
	lua_pushlstring(L, text, APS_UUID_CHARS);
	aps_own_ids_add(lua_touserdata(L, lua_upvalueindex(1)), (struct aps_str){text, APS_UUID_CHARS});
	return 1;
}

/* take_uuid(text) → whether uuid() has made it, not long ago, and nobody has taken it */
static int Apl_take_uuid(lua_State *L)
{
	struct aps_str text;
	text.p = luaL_checklstring(L, 1, &text.n);
	bool is_own = text.n == APS_UUID_CHARS && aps_own_ids_take(lua_touserdata(L, lua_upvalueindex(1)), text);
	lua_pushboolean(L, is_own);
	return 1;
}

void apl_uuid_register(lua_State *L)
{
	static const luaL_Reg NONE[] = {{NULL, NULL}};
	static const luaL_Reg FUNCTIONS[] = {{"uuid", Apl_uuid}, {"take_uuid", Apl_take_uuid}, {NULL, NULL}};
	apl_register_class(L, OWN_IDS, Apl_own_ids_gc, NONE);
	struct aps_own_ids *ids = apl_newuserdata(L, sizeof *ids);
	*ids = (struct aps_own_ids){.young = {.slots = NULL}};
	luaL_getmetatable(L, OWN_IDS);
	lua_setmetatable(L, -2);
	luaL_setfuncs(L, FUNCTIONS, 1);
}

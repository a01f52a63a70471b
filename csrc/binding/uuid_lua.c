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

/* has_uuid(text) → the same, and it isn't taken */
static int Apl_has_uuid(lua_State *L)
{
	struct aps_str text;
	text.p = luaL_checklstring(L, 1, &text.n);
	bool is_own = text.n == APS_UUID_CHARS && aps_own_ids_has(lua_touserdata(L, lua_upvalueindex(1)), text);
	lua_pushboolean(L, is_own);
	return 1;
}

#define MAX_DEPTH  32
#define MAX_VALUES 4096

/* Texts in a value that are as long as those of uuid(). */
struct looking {
	struct aps_own_ids *ids;
	unsigned depth, n_values;
	bool has_own, has_others;
};

static void look_at(lua_State *L, struct looking *in, int index);

/* A large one, which may hold itself, isn't looked through. */
static void look_into(lua_State *L, struct looking *in, int index)
{
	if (in->depth == MAX_DEPTH || !lua_checkstack(L, LUA_MINSTACK)) {
		in->n_values = MAX_VALUES;
		return;
	}
	in->depth++;
	lua_pushnil(L);
	while (in->n_values < MAX_VALUES && lua_next(L, index)) {
		in->n_values++;
		look_at(L, in, lua_gettop(L));
		lua_pop(L, 1);
	}
	in->depth--;
}

static void look_at(lua_State *L, struct looking *in, int index)
{
	struct aps_str text;
	int type = lua_type(L, index);
	if (type == LUA_TTABLE) look_into(L, in, index);
	if (type != LUA_TSTRING) return;
	text.p = lua_tolstring(L, index, &text.n);
	if (text.n != APS_UUID_CHARS) return;
	bool is_own = aps_own_ids_has(in->ids, text);
	in->has_own = in->has_own || is_own;
	in->has_others = in->has_others || !is_own;
}

/* look_for_uuids(value) → whether has_uuid() is true of a text in it, whether it has another one that is as long. Both
 * are true of a value that is too large to be looked through. */
static int Apl_look_for_uuids(lua_State *L)
{
	struct looking in = {.ids = lua_touserdata(L, lua_upvalueindex(1))};
	luaL_checkany(L, 1);
	lua_settop(L, 1);
	look_at(L, &in, 1);
	bool is_large = in.n_values >= MAX_VALUES;
	lua_pushboolean(L, is_large || in.has_own);
	lua_pushboolean(L, is_large || in.has_others);
	return 2;
}

void apl_uuid_register(lua_State *L)
{
	static const luaL_Reg NONE[] = {{NULL, NULL}};
	static const luaL_Reg FUNCTIONS[] = {{"uuid", Apl_uuid},
	                                     {"take_uuid", Apl_take_uuid},
	                                     {"has_uuid", Apl_has_uuid},
	                                     {"look_for_uuids", Apl_look_for_uuids},
	                                     {NULL, NULL}};
	apl_register_class(L, OWN_IDS, Apl_own_ids_gc, NONE);
	struct aps_own_ids *ids = apl_newuserdata(L, sizeof *ids);
	*ids = (struct aps_own_ids){.young = {.slots = NULL}};
	luaL_getmetatable(L, OWN_IDS);
	lua_setmetatable(L, -2);
	luaL_setfuncs(L, FUNCTIONS, 1);
}

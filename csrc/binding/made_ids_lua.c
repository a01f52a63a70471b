#include "binding/made_ids_lua.h"

#include "binding/cache_lua.h"
#include "binding/err_lua.h"
#include "binding/operation_lua.h"

/* cache:has_ids() → whether made_id() may know any; nil, error */
static int Apl_cache_has_ids(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	bool has_any;
	if (cache == NULL) return apl_fail(L, &err);
	if (aps_made_ids_look(&cache->made_ids, &has_any, &err) != APS_OK) return apl_fail(L, &err);
	apl_cache_tell_damage(cache);
	lua_pushboolean(L, has_any);
	return 1;
}

/* cache:ids_are_at_hand() → whether has_ids() and the others needn't open the store */
static int Apl_cache_ids_are_at_hand(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	if (cache == NULL) return apl_fail(L, &err);
	lua_pushboolean(L, aps_made_ids_are_at_hand(&cache->made_ids));
	return 1;
}

/* cache:made_id(temporary) → the service's; nil: there is none; nil, error */
static int Apl_cache_made_id(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	struct aps_str temporary, made;
	temporary.p = luaL_checklstring(L, 2, &temporary.n);
	if (cache == NULL) return apl_fail(L, &err);
	if (aps_made_ids_find(&cache->made_ids, temporary, &made, &err) != APS_OK) return apl_fail(L, &err);
	apl_cache_tell_damage(cache);
	if (made.p != NULL)
		lua_pushlstring(L, made.p, made.n);
	else
		lua_pushnil(L);
	return 1;
}

/* cache:made_key(key) → the same record's by the service's ids; nil: it has no others; nil, error */
static int Apl_cache_made_key(lua_State *L)
{
	struct aps_err err = {0};
	struct apl_cache *cache = apl_cache_check(L, &err);
	struct aps_str key;
	bool is_changed;
	key.p = luaL_checklstring(L, 2, &key.n);
	if (cache == NULL) return apl_fail(L, &err);
	struct aps_buf *made = apl_push_buffer(L, APL_MAX_BODY_BYTES);
	enum aps_rc rc = aps_made_ids_replace_in_key(&cache->made_ids, key, made, &is_changed, &err);
	apl_cache_tell_damage(cache);
	if (rc == APS_OK && is_changed)
		lua_pushlstring(L, made->p, made->n);
	else
		lua_pushnil(L);
	apl_release_buffer(L, -2);
	return rc == APS_OK ? 1 : apl_fail(L, &err);
}

void apl_made_ids_register(lua_State *L)
{
	static const luaL_Reg METHODS[] = {
	        {"has_ids", Apl_cache_has_ids},
	        {"ids_are_at_hand", Apl_cache_ids_are_at_hand},
	        {"made_id", Apl_cache_made_id},
	        {"made_key", Apl_cache_made_key},
	        {NULL, NULL},
	};
	apl_cache_add_methods(L, METHODS);
}

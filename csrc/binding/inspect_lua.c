#include "binding/inspect_lua.h"

#include "binding/err_lua.h"
#include "binding/strings.h"
#include "binding/value.h"
#include "client/store_repair.h"
#include "store/inspect.h"

/* inspect(path) → JSON text; nil, error */
static int Apl_inspect(lua_State *L)
{
	struct aps_err err = {0};
	const char *path = apl_check_cstring(L, 1);
	struct aps_buf *json = apl_push_buffer(L, APS_BUF_ANY_SIZE);
	if (aps_inspect_store(path, json, &err) != APS_OK) return apl_fail(L, &err);
	lua_pushlstring(L, json->p, json->n);
	apl_release_buffer(L, -2);
	return 1;
}

/* repair(path, "retry" or "discard", id) → JSON text; nil, error */
static int Apl_repair(lua_State *L)
{
	static const char *const WHAT[] = {"retry", "discard", NULL};
	struct aps_err err = {0};
	const char *path = apl_check_cstring(L, 1);
	bool is_retry = luaL_checkoption(L, 2, NULL, WHAT) == 0;
	struct aps_str id = aps_str_of(apl_check_cstring(L, 3));
	struct aps_buf *json = apl_push_buffer(L, APS_BUF_ANY_SIZE);
	enum aps_rc rc = is_retry ? aps_store_repair_retry(path, id, json, &err)
	                          : aps_store_repair_discard(path, id, json, &err);
	if (rc != APS_OK) return apl_fail(L, &err);
	lua_pushlstring(L, json->p, json->n);
	apl_release_buffer(L, -2);
	return 1;
}

void apl_inspect_register(lua_State *L)
{
	static const luaL_Reg FUNCTIONS[] = {{"inspect", Apl_inspect}, {"repair", Apl_repair}, {NULL, NULL}};
	apl_register(L, FUNCTIONS);
}
